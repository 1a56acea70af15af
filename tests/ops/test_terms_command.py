"""reckoner terms: terms on this machine, without a database."""

import json
import pathlib
import re
import subprocess
import tempfile
import unittest

import harness

GOLDEN = harness.ROOT / "tests/vectors/terms-text.txt"


def reckoner(*arguments, given=None):
    return subprocess.run([str(harness.BUILD / "reckoner"), *arguments], capture_output=True, text=True, check=False,
                          input=given)


def documented():
    page = (harness.ROOT / "api/formats/terms.md").read_text(encoding="utf-8")
    return re.search(r"```json\n(.*?)```", page, re.S).group(1)


class Check(unittest.TestCase):
    def test_the_documented_example_passes(self):
        done = reckoner("terms", "check", "-", given=documented())
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertIn("pass  Ten patients of cluster 04 all April (2012-04)", done.stdout)
        self.assertIn("factor/2012-04/other: expected £27.54, computed £27.54", done.stdout)

    def test_a_wrong_expectation_is_shown(self):
        terms = json.loads(documented())
        terms["examples"][0]["expect"]["lines"]["factor/2012-04/other"] = 2753
        done = reckoner("terms", "check", "-", given=json.dumps(terms))
        self.assertEqual(done.returncode, 1)
        self.assertIn("expected £27.53, computed £27.54  <- differs", done.stdout)
        self.assertIn("computed line activity/2012-04/04/DAY/612: £1,836.00", done.stdout)
        self.assertIn('/examples/0/expect/lines/factor~12012-04~1other: Example "Ten patients', done.stderr)
        shown = json.loads(reckoner("terms", "check", "-", "--json", given=json.dumps(terms)).stdout)
        self.assertEqual([(e["passes"], e["first_difference"]) for e in shown],
                         [(False, "line factor/2012-04/other")])

    def test_the_demonstration_meets_its_examples(self):
        for path in sorted((harness.ROOT / "deploy/demo/terms").glob("*.json")):
            done = reckoner("terms", "check", str(path))
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_no_example_is_a_failure(self):
        terms = json.loads(documented())
        del terms["examples"]
        done = reckoner("terms", "check", "-", given=json.dumps(terms))
        self.assertEqual(done.returncode, 1)
        self.assertIn("no worked example", done.stderr)


class Lint(unittest.TestCase):
    def test_the_documented_example_has_no_defect(self):
        done = reckoner("terms", "lint", "-", given=documented())
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertIn("note    cquin_step, /cquin/indicators/0/thresholds/0: reviews earns £8,125.00 more", done.stdout)
        self.assertTrue(done.stdout.splitlines()[-1].startswith("0 defects, "), done.stdout)

    def test_several_defects_are_shown_with_counter_examples(self):
        terms = json.loads(documented())
        terms["prices"][1]["to"] = "2012-09-30"
        terms["cquin"]["indicators"][0]["weight"] = "60%"
        terms["billing"]["method"] = "weekly"
        done = reckoner("terms", "lint", "-", given=json.dumps(terms))
        self.assertEqual(done.returncode, 1)
        for line in ("defect  malformed, /billing/method", "defect  price_gap, /prices/1", '"day": "2012-09-30"',
                     "defect  weights_not_whole, /cquin/indicators", "3 defects, 0 notes"):
            self.assertIn(line, done.stdout)
        shown = json.loads(reckoner("terms", "lint", "-", "--json", given=json.dumps(terms)).stdout)
        self.assertEqual((shown["defects"], [item["kind"] for item in shown["items"]]), (3, ["defect"] * 3))

    def test_what_is_no_json_is_one_defect(self):
        done = reckoner("terms", "lint", "-", given="{")
        self.assertEqual(done.returncode, 1)
        self.assertIn("1 defect, 0 notes", done.stdout)


class Print(unittest.TestCase):
    def test_the_documented_terms_in_plain_english(self):
        done = reckoner("terms", "print", "-", given=documented())
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertEqual(done.stdout, GOLDEN.read_text(encoding="utf-8"))

    def test_the_order_of_members_does_not_matter(self):
        def reversed_members(value):
            if isinstance(value, dict):
                return {name: reversed_members(value[name]) for name in reversed(value)}
            return [reversed_members(item) for item in value] if isinstance(value, list) else value
        other = json.dumps(reversed_members(json.loads(documented())))
        self.assertEqual(reckoner("terms", "print", "-", given=other).stdout, GOLDEN.read_text(encoding="utf-8"))

    def test_lines_fit_a_page(self):
        for path in sorted((harness.ROOT / "deploy/demo/terms").glob("*.json")):
            done = reckoner("terms", "print", str(path))
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertLessEqual(max(map(len, done.stdout.splitlines())), 78, path)

    def test_a_refusal_names_place_and_remedy(self):
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "terms.json"
            terms = json.loads(documented())
            terms["cquin"]["indicators"][0]["weight"] = "60%"
            path.write_text(json.dumps(terms), encoding="utf-8")
            done = reckoner("terms", "print", str(path))
        self.assertEqual((done.returncode, done.stdout), (1, ""))
        self.assertIn("/cquin/indicators: weights must sum to exactly 100%; they sum to 95.0000%", done.stderr)


if __name__ == "__main__":
    unittest.main()
