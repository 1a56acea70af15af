"""The walk in api/guides/first-month.md as a new user would take it: every command block is run, and its answer
compared with the page. RECKONER_REWRITE=1 writes the answers into the page instead."""

import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))

import harness  # noqa: E402

GUIDE = harness.ROOT / "api/guides/first-month.md"
BLOCK = re.compile(r"^```sh\n(.*?)^```\n```\n(.*?)^```\n", re.S | re.M)
END = "-- end of block --"


def plain(text):
    """Without what is new at each run, or with each change of the rules: instants and the version of the rule set."""
    return re.sub(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z|rule set 1\.[0-9a-f]+", "NEW", text)


class FirstMonth(harness.ServiceCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.agree()

    def test_every_command_answers_as_the_page_says(self):
        text = GUIDE.read_text(encoding="utf-8")
        blocks = BLOCK.findall(text)
        self.assertEqual(len(blocks), text.count("```sh\n"))
        self.assertGreater(len(blocks), 5)
        answers = self.run_blocks([commands for commands, _ in blocks])
        if os.environ.get("RECKONER_REWRITE"):
            given = iter(answers)
            GUIDE.write_text(BLOCK.sub(lambda m: f"```sh\n{m[1]}```\n```\n{next(given)}```\n", text), encoding="utf-8")
            return
        for (commands, expected), answer in zip(blocks, answers):
            self.assertEqual(plain(answer), plain(expected), commands)

    def run_blocks(self, blocks):
        script = "".join(f"{commands}\necho '{END}'\n" for commands in blocks)
        with tempfile.TemporaryDirectory() as folder:
            shutil.copy(harness.ROOT / "api/examples/first-month.csv", folder)
            env = os.environ | {"PATH": f"{harness.BUILD}:{os.environ['PATH']}", "R": self.service.url,
                                "AUTH": f"Authorization: Bearer {self.service.tokens['a.maker']}"}
            done = subprocess.run(["bash", "-eu", "-c", script], cwd=folder, env=env, capture_output=True, text=True,
                                  timeout=120, check=False)
        self.assertEqual(done.returncode, 0, done.stderr + done.stdout)
        return done.stdout.split(END + "\n")[:-1]


if __name__ == "__main__":
    harness.main()
