"""What is generated from the table of rules and committed is what the generator makes now; and every rule is tried."""

import pathlib
import subprocess
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
BEGIN = "    # begin of the generated schemas"
END = "    # end of the generated schemas"


def generated(form, *, rules="config/rules.tsv", thresholds="config/thresholds.tsv"):
    return subprocess.run(["awk", "-v", f"form={form}", "-f", "config/rules.awk", thresholds, rules], cwd=ROOT,
                          capture_output=True, text=True, check=False)


class Generated(unittest.TestCase):
    def test_the_page_is_what_the_table_says(self):
        page = (ROOT / "api/rules.md").read_text(encoding="utf-8")
        self.assertEqual(page, generated("page").stdout, "run `make rules`")

    def test_the_schemas_are_what_the_table_says(self):
        lines = (ROOT / "api/openapi.yaml").read_text(encoding="utf-8").split("\n")
        begin = next(i for i, line in enumerate(lines) if line.startswith(BEGIN))
        end = next(i for i, line in enumerate(lines) if line.startswith(END))
        self.assertEqual(lines[begin + 1:end], generated("schemas").stdout.splitlines(), "run `make rules`")

    def test_every_rule_is_on_the_page(self):
        table = (ROOT / "config/rules.tsv").read_text(encoding="ascii").splitlines()
        ids = [line.split("\t")[0] for line in table if "\t" in line and not line.startswith(("#", "id\t"))]
        self.assertGreaterEqual(len(ids), 60)
        page = (ROOT / "api/rules.md").read_text(encoding="utf-8")
        self.assertEqual([rule for rule in ids if page.count(f"\n| {rule} |") != 1], [])


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
