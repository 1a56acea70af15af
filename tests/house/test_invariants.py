"""tests/invariants.md names tests that are run, and constraints that a test tries to break."""

import pathlib
import re
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]


class Invariants(unittest.TestCase):
    def test_what_the_table_names_is_there(self):
        rows = [line.strip("|").split("|") for line in
                (ROOT / "tests/invariants.md").read_text(encoding="utf-8").splitlines() if line.startswith("|")][2:]
        self.assertGreater(len(rows), 10)
        code = "\n".join(path.read_text(encoding="utf-8") for folder in ("property", "store")
                         for path in (ROOT / "tests" / folder).glob("test_*.c"))
        migrations = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "migrations").glob("*.sql"))
        named = 0
        for invariant, properties, constraints in rows:
            for name in re.findall(r"`(\w+)`", properties):
                self.assertRegex(code, rf"START_TEST\({name}\)[\s\S]*tcase_add_test\(\w+, {name}\)|void {name}\(",
                                 invariant)
            for name in re.findall(r"`([a-z]+(?:_[a-z]+)+)`", constraints):
                self.assertIn(f'"{name}"', code, invariant)
                self.assertTrue(name in migrations or name.endswith("_key"), invariant)
                named += 1
        self.assertGreater(named, 10)


if __name__ == "__main__":
    unittest.main()
