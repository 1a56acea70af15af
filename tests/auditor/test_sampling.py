"""Samples of the second implementation against tests/vectors/sampling, which the program in C is held against too."""

import csv
import json
import pathlib
import sys
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "auditor"))

import reckoner_auditor as auditor  # noqa: E402

FOLDER = ROOT / "tests/vectors/sampling"
STATEMENT = auditor.hashlib.sha256(b"a statement").hexdigest()
VECTORS = [("random", "random", 60, "District-Audit.2012_11"), ("mus", "mus", 50, "q7"),
           ("partial", "random", 25, "small")]


def table(name):
    with open(FOLDER / name, newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def frame():
    return [dict(row, row_no=int(row["row_no"]), pence=int(row["pence"])) for row in table("frame.csv")]


def draw(method, size, nonce, rows):
    root = auditor.hashlib.sha256(b"a root").digest()
    return auditor.sample_draw(rows, method, size, auditor.sample_seed(root, nonce))


class Sampling(unittest.TestCase):
    def test_papers_whatever_the_order_of_the_rows(self):
        for name, method, size, nonce in VECTORS:
            with self.subTest(name):
                wanted = (FOLDER / f"{name}.paper.csv").read_text(encoding="utf-8")
                self.assertEqual(auditor.paper_write(draw(method, size, nonce, frame()), nonce), wanted)
                self.assertEqual(auditor.paper_write(draw(method, size, nonce, frame()[::-1]), nonce), wanted)
                self.assertEqual(auditor.paper_heading(wanted.encode()), (method, size, nonce))

    def test_results(self):
        for name, method, size, nonce in VECTORS:
            sample = draw(method, size, nonce, frame())
            read = auditor.paper_read((FOLDER / f"{name}.filled.csv").read_bytes(), sample, nonce)
            found = [dict(judged, agreed=line["agreed"] == "1", pence=int(line["pence"])) if line["pence"] else None
                     for judged, line in zip(read, table(f"{name}.found.csv"))]
            for confidence in (80, 90, 95):
                with self.subTest(name, confidence=confidence):
                    result = auditor.Evaluation(sample, found, nonce, STATEMENT, confidence).result()
                    wanted = (FOLDER / f"{name}.result.{confidence}.json").read_text(encoding="utf-8")
                    self.assertEqual(json.dumps(result, sort_keys=True, separators=(",", ":"), ensure_ascii=False),
                                     wanted)

    def test_factors(self):
        for confidence in (80, 90, 95):
            wanted = {int(line["errors"]): int(line["millionths"]) for line in table("factors.csv")
                      if line["confidence"] == str(confidence) and int(line["errors"]) <= 100}
            factors = auditor.poisson_factors(confidence, 100)
            self.assertEqual({errors: factors[errors] for errors in wanted}, wanted)

    def test_damaged_papers(self):
        _, method, size, nonce = VECTORS[2]
        sample = draw(method, size, nonce, frame())
        paper = (FOLDER / "partial.paper.csv").read_text(encoding="utf-8")
        damages = [("seed,method", "seed,Method"), ("random,25", "mus,25"), (",,,\n", ",04,32,\n"),
                   (",,,\n", ",4,,\n"), (",,,\n", ",none,1,\n"), (",,,\n", ',04,,"x\n'), (",,,\n", ',04,,x"y\n'),
                   (",,,\n", ",04,,x,\n"), (",,,\n", ",04,,x\ty\n"), (",,,\n", ",,,\n\n"), (paper[-200:], "")]
        for old, new in damages:
            with self.subTest(new=new), self.assertRaises(auditor.SampleRefused):
                auditor.paper_read(paper.replace(old, new, 1).encode(), sample, nonce)
        self.assertEqual(auditor.paper_read(paper.replace("\n", "\r\n").encode(), sample, nonce)[0]["second"], None)


if __name__ == "__main__":
    sys.exit(unittest.main())
