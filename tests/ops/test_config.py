"""config/reckoner.conf documents exactly the options of the program, with their defaults, units and limits."""

import os
import pathlib
import re
import subprocess
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
BUILD = pathlib.Path(os.environ.get("RECKONER_BUILD", ROOT / "build/release"))
CONF = ROOT / "config/reckoner.conf"
# The words that name the unit in `reckoner config`, in front of limits and default.
PRINTED = re.compile(r"^# .* \((?P<unit>\w+)(?:, (?P<low>\d+) to (?P<high>\d+))?; default (?P<default>.*)\)$")


def reckoner(*arguments, **environment):
    clean = {k: v for k, v in os.environ.items() if not k.startswith("RECKONER_")}
    return subprocess.run([BUILD / "reckoner", *arguments], capture_output=True, text=True, check=False,
                          env=clean | environment)


def options_of_the_program():
    lines = reckoner("--config", "/dev/null", "config").stdout.splitlines()
    found = {}
    for comment, assignment in zip(lines[::2], lines[1::2]):
        name = assignment.split(" = ")[0].removesuffix(" =")
        found[name] = PRINTED.match(comment).groupdict()
    return found


def options_of_the_file():
    found = {}
    for block in CONF.read_text().split("\n\n"):
        option = re.search(r"^#(\w+) =(?: (.*))?$", block, re.MULTILINE)
        if option:
            unit = re.search(r"^# Unit: (.*)\.$", block, re.MULTILINE)[1]
            meaning = block[:block.index("# Unit: ")]
            found[option[1]] = {"default": option[2] or "", "unit": unit, "meaning": meaning}
    return found


class ConfigurationFile(unittest.TestCase):
    def test_it_has_every_option_and_no_other(self):
        self.assertEqual(sorted(options_of_the_file()), sorted(options_of_the_program()))
        self.assertGreater(len(options_of_the_file()), 30)

    def test_defaults_units_and_limits_agree(self):
        of_file = options_of_the_file()
        for name, option in options_of_the_program().items():
            with self.subTest(option=name):
                self.assertEqual(of_file[name]["default"], option["default"].strip('"'))
                self.assertTrue(of_file[name]["unit"].startswith(option["unit"]), of_file[name]["unit"])
                if option["low"] is not None:
                    self.assertTrue(of_file[name]["unit"].endswith(f"{option['low']} to {option['high']}"))
                self.assertGreater(len(of_file[name]["meaning"]), 20)

    def test_with_every_option_set_to_its_default_nothing_changes(self):
        with tempfile.NamedTemporaryFile("w", suffix=".conf") as file:
            file.write(re.sub(r"^#(\w+ =)", r"\1", CONF.read_text(), flags=re.MULTILINE))
            file.flush()
            done = reckoner("--config", file.name, "config")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertEqual(done.stdout, reckoner("--config", "/dev/null", "config").stdout)

    def test_an_unknown_option_is_named(self):
        with tempfile.NamedTemporaryFile("w", suffix=".conf") as file:
            file.write("listen_prot = 80\n")
            file.flush()
            done = reckoner("--config", file.name, "config")
        self.assertEqual(done.returncode, 1)
        self.assertIn("listen_prot", done.stderr)
        self.assertIn(file.name, done.stderr)

    def test_the_environment_wins(self):
        self.assertIn("\nlisten_port = 8123\n", reckoner("config", RECKONER_LISTEN_PORT="8123").stdout)
        refused = reckoner("config", RECKONER_LISTEN_PROT="8123")
        self.assertEqual(refused.returncode, 1)
        self.assertIn("LISTEN_PROT", refused.stderr)


if __name__ == "__main__":
    unittest.main()
