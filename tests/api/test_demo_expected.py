"""The committed expected values of the demonstration are what the independent program computes from what the generator
writes, and the generator writes the same bytes every time."""

import hashlib
import io
import pathlib
import subprocess
import sys
import tempfile
import unittest

import harness

DEMO = harness.ROOT / "deploy/demo"
sys.path.insert(0, str(DEMO))

import expect  # noqa: E402


def generate(folder, *more):
    subprocess.run([str(harness.BUILD / "reckoner"), "demo-data", "--out", str(folder), "--casemix",
                    str(DEMO / "casemix.csv"), *more], check=True)


def digests(folder):
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in pathlib.Path(folder).iterdir()}


class ExpectedValues(unittest.TestCase):
    def test_the_committed_file_is_what_the_independent_program_computes(self):
        with tempfile.TemporaryDirectory() as folder:
            generate(folder)
            out = io.StringIO()
            expect.write(expect.compute(folder), out)
        self.assertEqual(out.getvalue(), (DEMO / "expected.json").read_text(encoding="utf-8"))


class Generator(unittest.TestCase):
    def test_same_arguments_same_bytes(self):
        with tempfile.TemporaryDirectory() as one, tempfile.TemporaryDirectory() as two, \
                tempfile.TemporaryDirectory() as other:
            generate(one, "--scale", "2")
            generate(two, "--scale", "2")
            generate(other, "--scale", "2", "--seed", "7")
            self.assertEqual(digests(one), digests(two))
            self.assertNotEqual(digests(one), digests(other))

    def test_nhs_numbers_are_of_the_test_range(self):
        with tempfile.TemporaryDirectory() as folder:
            generate(folder, "--scale", "2")
            for path in pathlib.Path(folder).glob("*.csv"):
                lines = path.read_text(encoding="ascii").splitlines()
                place = lines[0].split(",").index("nhs_number")
                numbers = {line.split(",")[place] for line in lines[1:]} - {""}
                self.assertTrue(numbers)
                self.assertEqual([n for n in numbers if len(n) != 10 or not n.startswith("999")], [])


if __name__ == "__main__":
    harness.main()
