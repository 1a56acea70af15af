"""The fuzz targets on their corpus and on changes of it, without a fuzzer; `make fuzz-smoke` runs the fuzzers."""

import os
import pathlib
import subprocess
import sys
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("RECKONER_BUILD", ROOT / "build/test")).resolve()
CORPUS = ROOT / "tests/fuzz/corpus"
CHANGES = 400


def replay(name, changes):
    return subprocess.run([str(BUILD / "fuzz" / f"replay-{name}"), str(changes), str(CORPUS / name)],
                          capture_output=True, text=True, timeout=300, check=False)


class Smoke(unittest.TestCase):
    def test_every_target(self):
        targets = sorted(path.stem.removeprefix("fuzz_") for path in (ROOT / "tests/fuzz").glob("fuzz_*.c"))
        self.assertGreaterEqual(len(targets), 6)
        for name in targets:
            with self.subTest(target=name):
                done = replay(name, CHANGES)
                self.assertEqual(done.returncode, 0, done.stderr[-3000:])

    def test_the_canary_is_found(self):
        """A replay that cannot see the canary's fault would see nothing else."""
        done = replay("canary", 0)
        self.assertNotEqual(done.returncode, 0, done.stdout)
        self.assertIn("AddressSanitizer", done.stderr)


if __name__ == "__main__":
    sys.exit(unittest.main())
