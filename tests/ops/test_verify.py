"""reckoner verify and reckoner explain on the statement vector: what is good, and that each tampering is named."""

import json
import os
import shutil
import subprocess
import tempfile
import unittest
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]
VECTOR = TOP / "tests/vectors/statement"
PROGRAM = Path(os.environ.get("RECKONER_BUILD", TOP / "build/release")) / "reckoner"


class VerifyTest(unittest.TestCase):
    def setUp(self):
        self.folder = Path(tempfile.mkdtemp(prefix="reckoner-verify-"))
        self.addCleanup(shutil.rmtree, self.folder)
        for file in VECTOR.iterdir():
            shutil.copy(file, self.folder)

    def run_program(self, *arguments):
        return subprocess.run([PROGRAM, *arguments], cwd=self.folder, capture_output=True, text=True, timeout=60)

    def verify(self, *more, signature="statement.json.minisig", key="key.pub"):
        return self.run_program("verify", "statement.json", "--signature", signature, "--key", key, *more)

    def change(self, name, old, new):
        path = self.folder / name
        data = path.read_bytes()
        self.assertIn(old, data)
        path.write_bytes(data.replace(old, new, 1))

    def test_good_in_every_pair_of_forms(self):
        for signature in ("statement.json.sig", "statement.json.minisig"):
            for key in ("key.pem", "key.pub"):
                with self.subTest(signature=signature, key=key):
                    result = self.verify(signature=signature, key=key)
                    self.assertEqual(result.returncode, 0, result.stdout + result.stderr)
                    self.assertIn("The statement is good", result.stdout)

    def test_foreign_tools_agree(self):
        openssl = ["openssl", "pkeyutl", "-verify", "-rawin", "-pubin", "-inkey", "key.pem", "-sigfile",
                   "statement.json.sig", "-in", "statement.json"]
        minisign = ["minisign", "-V", "-q", "-p", "key.pub", "-m", "statement.json"]
        for tool in (openssl, minisign):
            subprocess.run(tool, cwd=self.folder, check=True, capture_output=True, timeout=60)

    def test_changed_amount_is_named(self):
        self.change("statement.json", b'"position_pence":169371', b'"position_pence":169370')
        result = self.verify("--json")
        self.assertEqual(result.returncode, 1)
        report = json.loads(result.stdout)
        self.assertFalse(report["good"])
        self.assertIn("/position_pence is 169370", report["first_difference"])
        outcomes = {c["check"]: c["outcome"] for c in report["checks"]}
        self.assertEqual(outcomes["content"], "differs")
        self.assertEqual(outcomes["signature"], "differs")

    def test_another_cause_breaks_only_the_signature(self):
        self.change("statement.json", b"activity of 2012-04", b"activity of 2012-05")
        outcomes = {c["check"]: c["outcome"] for c in json.loads(self.verify("--json").stdout)["checks"]}
        self.assertEqual(outcomes["content"], "good")
        self.assertEqual(outcomes["signature"], "differs")

    def test_changed_comment_is_named(self):
        self.change("statement.json.minisig", b"statement-RXA-5QE-4", b"statement-RXA-5QE-5")
        result = self.verify()
        self.assertEqual(result.returncode, 1)
        self.assertIn("the comment is not the one that was signed", result.stdout)

    def test_another_previous_statement_is_named(self):
        (self.folder / "before.json").write_text("{}")
        result = self.verify("--previous", "before.json")
        self.assertEqual(result.returncode, 1)
        self.assertIn("/previous_sha256", result.stdout)

    def test_files_that_are_no_key_or_signature(self):
        for arguments in ({"key": "statement.json"}, {"signature": "key.pem"}, {"key": "absent"}):
            with self.subTest(arguments):
                result = self.verify(**arguments)
                self.assertEqual(result.returncode, 1)
                self.assertIn("reckoner verify: ", result.stderr)
        self.assertEqual(self.run_program("verify", "statement.json").returncode, 2)

    def test_explain_shows_every_line_down_to_its_clause(self):
        result = self.run_program("explain", "statement.json")
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertIn("2012-04, cluster 04, per day: £1,652.40", result.stdout)
        self.assertIn("/prices/0 of the terms, version 1", result.stdout)
        self.assertIn("balance: -£94.86", result.stdout)
        self.assertIn("What is billed is the position of a later month", result.stdout)

    def test_explain_one_line_by_number_or_key(self):
        by_number = self.run_program("explain", "position-april.json", "2")
        by_key = self.run_program("explain", "statement.json", "cquin/reviews")
        self.assertEqual(by_number.stdout, by_key.stdout)
        self.assertIn("rate: 2.5%", by_key.stdout)
        missing = self.run_program("explain", "statement.json", "3")
        self.assertEqual(missing.returncode, 1)
        self.assertIn("lines are 1 to 2", missing.stderr)

    def test_explain_says_nothing_of_inputs_where_there_are_none(self):
        position = json.loads((self.folder / "position-april.json").read_text())
        for line in position["lines"]:
            line["derivation"]["inputs"] = {}
        (self.folder / "stated.json").write_text(json.dumps(position))
        result = self.run_program("explain", "stated.json", "1")
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertEqual(result.stdout.splitlines()[-1], "")
        self.assertNotIn("   from", result.stdout)

    def test_explain_refuses_other_files(self):
        (self.folder / "other.json").write_text('{"@purpose":"reckoner/terms/1"}')
        result = self.run_program("explain", "other.json")
        self.assertEqual(result.returncode, 1)
        self.assertIn("neither a statement nor a position", result.stderr)


if __name__ == "__main__":
    unittest.main()
