"""Every amount of api/guides/contract-managers.md is what the program computes from the terms and rows on the page."""

import json
import re
import subprocess
import unittest

import harness

PAGE = (harness.ROOT / "api/guides/contract-managers.md").read_text(encoding="utf-8")
TABLE_ROW = re.compile(r"^\| (?:`([^`]+)`|(position)) \| (.*?) ?\| (-?£[\d,.]+) \|$", re.M)
POUNDS = re.compile(r"-?£[\d,]+\.\d\d")


def pence(text):
    return int(text.replace("£", "").replace(",", "").replace(".", ""))


def sections():
    """Title, prose and tables, and terms of each section that has terms."""
    frame = json.loads(re.search(r"```json\n(.*?)```", PAGE, re.S).group(1))["frame"]
    for part in re.split(r"^## ", PAGE, flags=re.M)[1:]:
        block = re.search(r"```json\n(.*?)```", part, re.S)
        if block:
            own = json.loads(block.group(1))
            yield part.splitlines()[0], part.replace(block.group(0), ""), own, frame | own


def compute(terms):
    done = subprocess.run([str(harness.BUILD / "reckoner"), "terms", "check", "-", "--json"], input=json.dumps(terms),
                          capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise AssertionError(done.stderr)
    return json.loads(done.stdout)


def amounts(value):
    """Every amount within a value: the members whose names end in pence."""
    if isinstance(value, dict):
        for name, member in value.items():
            if isinstance(member, int) and name.endswith("pence"):
                yield member
            yield from amounts(member)
    elif isinstance(value, list):
        for member in value:
            yield from amounts(member)


class ContractManagers(unittest.TestCase):
    def test_every_table_is_what_the_program_computes(self):
        seen = 0
        for title, text, _, terms in sections():
            tables = re.split(r"^\*\*(.*?)\*\*$", text, flags=re.M)[1:]
            shown = {tables[i]: TABLE_ROW.findall(tables[i + 1]) for i in range(0, len(tables), 2)}
            examples = compute(terms)
            self.assertEqual(list(shown), [example["title"] for example in examples], title)
            for example in examples:
                rows = [(key or total, pence(amount)) for key, total, _, amount in shown[example["title"]]]
                self.assertEqual(rows, [(line["key"], line["pence"]) for line in example["lines"]]
                                 + [("position", example["total_pence"])], example["title"])
                seen += len(rows)
        self.assertGreater(seen, 40)

    def test_every_other_amount_is_one_of_the_computation(self):
        for title, text, own, terms in sections():
            examples = compute(terms)
            totals = [example["total_pence"] for example in examples]
            known = set(amounts(examples)) | set(amounts(own)) | {b - a for a, b in zip(totals, totals[1:])}
            for amount in POUNDS.findall(text):
                self.assertIn(pence(amount), known, f"{title}: {amount}")

    def test_what_a_line_was_made_from_is_what_its_derivation_says(self):
        for title, text, _, terms in sections():
            lines = {(line["key"], line["pence"]): line for example in compute(terms) for line in example["lines"]}
            for key, _, made_from, amount in TABLE_ROW.findall(text):
                if not key:
                    continue
                line = lines[key, pence(amount)]
                known = set(amounts(line["derivation"]))
                for part in POUNDS.findall(made_from):
                    self.assertIn(pence(part), known, f"{title}, {key}: {part}")

    def test_amounts_outside_the_sections_are_none(self):
        rest = PAGE
        for _, text, own, _ in sections():
            for part in text.split("\n\n"):
                rest = rest.replace(part, "")
        self.assertEqual(POUNDS.findall(rest), [])


if __name__ == "__main__":
    unittest.main()
