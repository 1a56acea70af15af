"""Samples of the second implementation against tests/vectors/sampling, which the program in C is held against too; and
both programs on the same bundles: the same papers, the same results, by hand and at random."""

import csv
import io
import json
import os
import pathlib
import random
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

import handmade  # noqa: E402
from handmade import auditor, row  # noqa: E402
from test_bundles import TERMS  # noqa: E402

BUILD = pathlib.Path(os.environ.get("RECKONER_BUILD", ROOT / "build/test")).resolve()

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


def days(count, start="2012-05-01"):
    return (auditor.datetime.date.fromisoformat(start) + auditor.datetime.timedelta(count)).isoformat()


class Bundles(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.key = handmade.Key("0807060504030201")
        cls.addClassCleanup(cls.key.folder.cleanup)

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def world(self, dice):
        """Two months of rows of some teams; decisions, moves, assessments won here and elsewhere."""
        tags = ["".join(dice.choice("bcdfghjklmnpqrstvwxz") for _ in range(20)) for _ in range(12)]

        def rows(first):
            return [row(n, dice.choice(["04", "05", "11", "14", ""]), days(dice.randint(-20, 25), first),
                        dice.choice(["", days(dice.randint(26, 40), first)]),
                        service=dice.choice(["", "N", "=S", '"a,"']),
                        tag=dice.choice(tags), mhct_reason=dice.choice([10, 11]),
                        assessment_only=dice.choice([0, 0, 1]),
                        mhct_date=days(dice.randint(0, 29), first), admitted_days=dice.randint(0, 9),
                        failed=dice.choice(["", "", "", "P01"])) for n in range(1, 41)]
        said = {"agreed_at": "2012-06-20T09:00:00.000000Z"}
        acts = [{"cluster": "05"}, {"payable_days": 3}, {"not_payable": True}, {"cluster": "04"}]
        decisions = [said | act | {"number": n, "month": "2012-05", "row": 3 * n, "row_sha256": "%064x" % n}
                     for n, act in enumerate(acts, 1)]
        moves = [said | {"number": 9, "month": "2012-05", "row": 6, "row_sha256": "b" * 64, "from": "5QE", "to": "5QF"},
                 said | {"number": 9, "month": "2012-05", "row": 77, "row_sha256": "c" * 64, "from": "5QF", "to": "5QE",
                         "tag": tags[0]}]
        challenge = {"number": 3, "month": "2012-05", "claimed_pence": 99, "billed": False,
                     "raised_at": "2012-06-21T09:00:00.000000Z",
                     "rows": [{"month": "2012-05", "row": 30, "not_payable": True}]}
        world = handmade.World(self.key, {"2012-04": rows("2012-04-01"), "2012-05": rows("2012-05-01")},
                               TERMS, "2012-05", decisions=decisions, reattributions=moves, challenges=[challenge],
                              elsewhere=[{"month": "2012-05", "row": 20}])
        world.others["2012-05", "5QF"] = [row(77, "04", "2012-05-27"), row(78, "05", "2012-05-02")]
        world.moved = [("2012-05", "5QF", 77)]
        return world

    def both(self, *arguments, paper=None):
        """What the two programs print and write; each with a paper of its own."""
        out = []
        for number, program in enumerate(([str(BUILD / "reckoner")], [sys.executable, "-I", auditor.__file__])):
            command = [*program, "sample", *map(str, arguments)]
            if paper:
                command += ["--paper", str(self.folder / f"{paper}.{number}")]
            out.append(subprocess.run(command, capture_output=True, text=True, check=False))
        return out

    def draw(self, bundle, method, size):
        for run in self.both(bundle, "--method", method, "--size", size, "--nonce", "Tess-1", paper=method):
            self.assertEqual(run.returncode, 0, run.stderr)
        papers = [(self.folder / f"{method}.{n}").read_text(encoding="utf-8") for n in (0, 1)]
        self.assertEqual(*papers)
        return list(csv.reader(io.StringIO(papers[0])))

    def evaluate(self, bundle, lines):
        paper = self.folder / "filled.csv"
        with open(paper, "w", encoding="utf-8", newline="") as file:
            csv.writer(file).writerows(lines)
        runs = self.both("evaluate", paper, "--bundle", bundle, "--confidence", "90", "--json")
        for run in runs:
            self.assertEqual(run.returncode, 0, run.stderr)
        self.assertEqual(runs[0].stdout, runs[1].stdout)
        return json.loads(runs[0].stdout)

    def test_both_programs_at_random(self):
        for seed in range(2):
            dice = random.Random(seed)
            bundle = self.folder / "bundle.tar"
            bundle.write_bytes(self.world(dice).make())
            for method, size in (("random", 35), ("mus", 20)):
                with self.subTest(seed=seed, method=method):
                    lines = self.draw(bundle, method, size)
                    for line in lines[1:]:
                        line[12] = dice.choice([line[8], line[8] or "04", "04", "05", "14", "none", ""])
                        line[13] = "" if line[12] else str(dice.randint(0, 20))
                    dice.shuffle(lines[1:])
                    result = self.evaluate(bundle, lines)
                    self.assertEqual(result["notes"][:1] == ["not_all_examined"], result["estimate"] is None)
                    self.assertEqual(result["population"]["rows"], 81)
                    for name in ("0", "1"):
                        (self.folder / f"{method}.{name}").unlink()

    def test_by_hand(self):
        """Three rows of 30 days at £6.12, all drawn: one agreed, one of ten days less, one borne out by nothing."""
        world = handmade.World(self.key, {"2012-04": [
            row(n, "04", "2012-04-01", "2012-05-01", service=team) for n, team in ((1, "N"), (2, "N"), (3, "S"))]},
            TERMS, "2012-04")
        bundle = self.folder / "bundle.tar"
        bundle.write_bytes(world.make())
        lines = self.draw(bundle, "random", 9)
        for line in lines[1:]:
            self.assertEqual(line[10], "18360")
            line[12:14] = {"1": ["04", ""], "2": ["04", "20"], "3": ["none", ""]}[line[6]]
        result = self.evaluate(bundle, lines)
        self.assertEqual(result["agreement"], {"compared": 3, "agreed": 2, "rate_ppm": 666667,
                                               "disagreement_upper_ppm": 333334})
        self.assertEqual(result["errors"]["net_pence"], 6120 + 18360)
        self.assertEqual(result["estimate"]["net_pence"], 6120 + 18360)
        self.assertEqual([(t["team"], t["errors"]["net_pence"], t["agreement"]["rate_ppm"]) for t in result["by_team"]],
                         [("N", 6120, 1000000), ("S", 18360, 0)])
        text = self.both("evaluate", self.folder / "filled.csv", "--bundle", bundle)[0].stdout
        self.assertIn("of all, net            £244.80", text)

    def test_what_is_refused(self):
        world = self.world(random.Random(7))
        bundle = self.folder / "bundle.tar"
        bundle.write_bytes(world.make())
        lines = self.draw(bundle, "mus", 5)
        for run in self.both(bundle, "--method", "mus", "--size", "5", "--nonce", "Tess-1", paper="mus"):
            self.assertNotEqual(run.returncode, 0, "a paper that is there is not written over")
        lines[2][10] = str(int(lines[2][10]) + 1)
        filled = self.folder / "filled.csv"
        with open(filled, "w", encoding="utf-8", newline="") as file:
            csv.writer(file).writerows(lines)
        for run in self.both("evaluate", filled, "--bundle", bundle):
            self.assertEqual(run.returncode, 1)
            self.assertIn("line 3, pence", run.stderr)
        members = world.members()
        members["rows/2012-05.csv"] = members["rows/2012-05.csv"].replace(b",05,", b",04,", 1)
        bundle.write_bytes(handmade.archive(members))
        for run in self.both(bundle, "--method", "mus", "--size", "5", "--nonce", "Tess-1", paper="other"):
            self.assertEqual(run.returncode, 1)
            self.assertIn("does not hold: rows: ", run.stderr)


if __name__ == "__main__":
    sys.exit(unittest.main())
