"""The guides as their readers would walk them: against what `make run` serves, every command block is run, and what it
prints is what the page shows. The pages are walked in this order, each where the one before left off."""

import csv
import pathlib
import re
import shutil
import sys
import tempfile
import unittest

import harness

sys.path.insert(0, str(harness.ROOT / "deploy/demo"))

import demo  # noqa: E402
import guide  # noqa: E402
import run  # noqa: E402
import script  # noqa: E402
import service as services  # noqa: E402

GUIDES = harness.ROOT / "api/guides"
# What is walked in one shell: pages, their sections (None: all), and what is shown to be refused, by HTTP status.
WALKS = ((("trusts.md",), None, [409, 409, 409]), (("commissioners.md",), None, []),
         (("auditors.md", "auditing-in-depth.md"), None, []),
         # The others are done as root to /etc and with systemd: tests/ops/test_installation.py.
         (("operators.md",), ("Organisations, people, tokens", "Reference files", "Watching", "Reading identities"),
          [409]))
# Files that the operator has, by the name that the page gives them.
REFERENCE = {"practices.csv": "deploy/demo/practices.csv", "grid.csv": "config/allocation_grid.example.csv",
             "prices.csv": "config/reference_prices.csv"}


class Guides(harness.ServiceCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = harness.BUILD / "services" / cls.__name__
        cls.folder.parent.mkdir(parents=True, exist_ok=True)
        cls.service = services.Service(harness.BUILD, cls.folder, workers=2, clock=script.BEGUN_ON, throwaway=True,
                                       settings={"worker_poll_ms": 200})  # a sweep, and so a certificate, each 12 s
        cls.sessions = {}
        cls.addClassCleanup(cls._stop)
        cls.service.start()
        story = demo.load(cls.service, cls.folder / "data")
        for client in story.clients.values():
            client.close()
        cls.settings = run.write_settings(cls.service)

    def test_every_command_of_every_guide_prints_what_the_page_shows(self):
        with tempfile.TemporaryDirectory() as folder:
            for name, source in REFERENCE.items():
                shutil.copy(harness.ROOT / source, pathlib.Path(folder) / name)
            for names, sections, refused in WALKS:
                walked = guide.replay([GUIDES / name for name in names], self.settings, folder, sections)
                self.assertGreater(len([block for block in walked if block.shown]), 3, names)
                for block in walked:
                    with self.subTest(pages=names, block=block.commands):
                        self.assertIsNotNone(block.printed, block.error)
                        if block.shown is not None and not guide.agrees(block.shown, block.printed):
                            self.assertEqual(block.printed, block.shown)
                statuses = [status for block in walked for status in block.statuses]
                self.assertEqual([status for status in statuses if status >= 400], refused, names)
                self.assertNotIn(0, statuses, names)

    def test_no_log_names_a_patient(self):
        known = set()
        for path in (self.folder / "data").glob("*.csv"):
            with open(path, newline="", encoding="ascii") as file:
                known.update(name for row in csv.DictReader(file) for name in (row["patient_id"], row["nhs_number"]))
        known.discard("")
        self.assertGreater(len(known), 10_000)
        logs = [*(self.folder / "logs").glob("*.log"), self.folder / "postgres/data/server.log"]
        self.assertGreater(len(logs), 3)
        for log in logs:
            self.assertEqual(known.intersection(re.findall(r"\w+", log.read_text(encoding="utf-8"))), set(), log.name)


class Samples(unittest.TestCase):
    """What stands for what in a printed sample."""

    def test_equal_but_for_what_is_new_at_each_run(self):
        for shown, printed, expected in (
                ("a\n", "a\n", True), ("a\n", "a\nb\n", False), ("a\n...\n", "a\nb\nc\n", True),
                ("...\nc\n", "c\n", True),
                ("a...c\n", "abbc\n", True), ("a...c\n", "ab\nc\n", False), ("a...\nb\n", "b\n", False),
                ("£1.5\n", "£1x5\n", False), ("2012-04-01T00:00:00.000000Z\n", "2013-05-02T01:01:01.111111Z\n", True),
                ("2012-04-01\n", "2012-04-02\n", False), ("c461479d...\n", "c461479d\n", False),
                ("c461479d... x\nc461479d...\n", f"{'a' * 64} x\n{'a' * 64}\n", True),
                ("c461479d... x\nc461479d...\n", f"{'a' * 64} x\n{'b' * 64}\n", False),
                ("lhlnrwgbtvtkvgwtrchz\n", "mjljpgszjnwjlgczwbfs\n", True), ("lhlnrwgbtvtkvgwtrchz\n", "mjl\n", False)):
            with self.subTest(shown=shown, printed=printed):
                self.assertEqual(guide.agrees(shown, printed), expected)

    def test_blocks_and_what_they_print(self):
        page = "x\n```sh\none\n```\n```\n1\n```\n```sh\ntwo\n```\ntext\n```\nno output\n```\n"
        self.assertEqual([(block.commands, block.shown) for block in guide.blocks(page)],
                         [("one\n", "1\n"), ("two\n", None)])


if __name__ == "__main__":
    harness.main()
