"""What is generated from the table of rules and committed is what the generator makes now; and every rule is tried."""

import pathlib
import re
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "tests/lib"))

import terms_corpus  # noqa: E402

BEGIN = "    # begin of the generated schemas"
END = "    # end of the generated schemas"
# Rules that no day or number decides.
WITHOUT_BOUNDARY = set("F02 F03 F04 F05 F07 F08 F09 F10 F11 P02 P03 P04 P05 C03 C04 C05 C06 K01 K03 K04 K05 D01 D03 D07"
                       " M02 M04 A01".split())
# Rules that look back at earlier submissions or frozen months have tables of their own there.
ELSEWHERE = {"D11": "tests/unit/test_history.c", "R07": "tests/unit/test_history.c",
             "W01": "tests/api/test_resettlement.py"}


def generated(form, *, rules="config/rules.tsv", thresholds="config/thresholds.tsv"):
    return subprocess.run(["awk", "-v", f"form={form}", "-f", "config/rules.awk", thresholds, rules], cwd=ROOT,
                          capture_output=True, text=True, check=False)


def rule_ids():
    table = (ROOT / "config/rules.tsv").read_text(encoding="ascii").splitlines()
    return [line.split("\t")[0] for line in table if "\t" in line and not line.startswith(("#", "id\t"))]


class Generated(unittest.TestCase):
    def test_the_page_is_what_the_table_says(self):
        page = (ROOT / "api/rules.md").read_text(encoding="utf-8")
        self.assertEqual(page, generated("page").stdout, "run `make rules`")

    def test_the_made_terms_of_the_linter_are_what_their_generator_makes(self):
        for path, text in terms_corpus.files():
            self.assertEqual(path.read_text(encoding="utf-8"), text, "run python3 tests/lib/terms_corpus.py")

    def test_the_schemas_are_what_the_table_says(self):
        lines = (ROOT / "api/openapi.yaml").read_text(encoding="utf-8").split("\n")
        begin = next(i for i, line in enumerate(lines) if line.startswith(BEGIN))
        end = next(i for i, line in enumerate(lines) if line.startswith(END))
        self.assertEqual(lines[begin + 1:end], generated("schemas").stdout.splitlines(), "run `make rules`")

    def test_every_rule_is_on_the_page(self):
        page = (ROOT / "api/rules.md").read_text(encoding="utf-8")
        self.assertGreater(len(rule_ids()), 60)
        self.assertEqual([rule for rule in rule_ids() if page.count(f"\n| {rule} |") != 1], [])


def tried(table):
    """The kinds of cases by rule in a table of cases (tests/lib/rule_case.h)."""
    kinds = {}
    for rule, kind in re.findall(r"\{RULE_([A-Z][0-9]{2}),\s*((?:EDGE_)?(?:FIRES|QUIET))\b", table):
        kinds.setdefault(rule, set()).add(kind)
    return kinds


def untried(rules, kinds):
    """What is missing, as sentences."""
    for rule in rules:
        found = kinds.get(rule, set())
        if not found & {"FIRES", "EDGE_FIRES"}:
            yield f"{rule} never fires"
        if not found & {"QUIET", "EDGE_QUIET"}:
            yield f"{rule} never keeps quiet"
        if rule not in WITHOUT_BOUNDARY and not found >= {"EDGE_FIRES", "EDGE_QUIET"}:
            yield f"{rule} is not tried on both sides of its boundary"


class EveryRuleIsTried(unittest.TestCase):
    def test_tables_hold_every_rule(self):
        rules = rule_ids()
        for rule, place in ELSEWHERE.items():
            self.assertIn(rule, (ROOT / place).read_text(encoding="utf-8"))
        table = (ROOT / "tests/unit/test_rule_table.c").read_text(encoding="utf-8")
        self.assertEqual(list(untried([rule for rule in rules if rule not in ELSEWHERE], tried(table))), [])
        self.assertLessEqual(WITHOUT_BOUNDARY | set(ELSEWHERE), set(rules))

    def test_what_is_missing_is_noticed(self):
        kinds = tried("{RULE_D02, EDGE_FIRES, 0}, {RULE_K01, FIRES, 0},\n {RULE_K01,\n   QUIET, 0}")
        self.assertEqual(list(untried(["D02", "K01", "K03"], kinds)),
                         ["D02 never keeps quiet", "D02 is not tried on both sides of its boundary", "K03 never fires",
                          "K03 never keeps quiet"])


class Generator(unittest.TestCase):
    """A table with a mistake is refused, and the refusal says where."""

    def refused(self, change, sentence):
        lines = (ROOT / "config/rules.tsv").read_text(encoding="ascii").splitlines()
        with tempfile.NamedTemporaryFile("w", suffix=".tsv", encoding="utf-8") as file:
            file.write("\n".join(change(line.split("\t")) for line in lines) + "\n")
            file.flush()
            done = generated("header", rules=file.name)
        self.assertEqual(done.returncode, 1, sentence)
        self.assertIn(sentence, done.stderr)

    def test_mistakes(self):
        def setting(rule, column, text):
            return lambda cells: "\t".join(cells[:column] + [text] + cells[column + 1:] if cells[0] == rule else cells)
        self.refused(setting("K02", 1, "14"), "bad or doubled bit 14")
        self.refused(setting("K02", 0, "K01"), "bad or doubled id K01")
        self.refused(setting("K02", 2, "FATAL"), "unknown severity")
        self.refused(setting("F03", 3, "yes"), "no for the file")
        self.refused(setting("K02", 5, "luck"), "unknown dependence")
        self.refused(setting("K02", 6, "luck"), "unknown need")
        self.refused(setting("K02", 7, "luck"), "unknown threshold")
        self.refused(setting("K02", 8, "a\tb"), "eleven columns")
        self.refused(setting("K02", 8, "caf\N{LATIN SMALL LETTER E WITH ACUTE}"), "ASCII")


if __name__ == "__main__":
    unittest.main()
