"""api/schemas/terms.json says what the parser says: all that is accepted validates, what is refused for its shape does
not. tests/unit/test_terms.c asks the parser the same cases."""

import copy
import json
import re
import unittest

import harness
import json_schema

SCHEMA = json.loads((harness.ROOT / "api/schemas/terms.json").read_text(encoding="utf-8"))


def cases():
    frame = None
    for line in (harness.ROOT / "tests/vectors/terms.tsv").read_text(encoding="utf-8").splitlines():
        if line.startswith("#"):
            continue
        verdict, _, _, text = line.split("\t")
        if verdict == "frame":
            frame = text
            continue
        whole = text if text.startswith("{") else "{" + frame + "," + text + "}"
        yield verdict, json.loads(whole.replace("'", '"'))


def documented():
    page = (harness.ROOT / "api/formats/terms.md").read_text(encoding="utf-8")
    return json.loads(re.search(r"```json\n(.*?)```", page, re.S).group(1))


def faults(terms):
    return json_schema.faults(terms, SCHEMA, SCHEMA)


def objects(value, pointer=""):
    """Every object within a value, with its place."""
    if isinstance(value, dict):
        yield pointer, value
    members = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, member in members:
        yield from objects(member, f"{pointer}/{name}")


class TermsSchema(unittest.TestCase):
    def test_what_is_accepted_validates(self):
        for path in sorted((harness.ROOT / "deploy/demo/terms").glob("*.json")):
            self.assertEqual(faults(json.loads(path.read_text(encoding="utf-8"))), [], path)
        self.assertEqual(faults(documented()), [])
        self.assertEqual(faults(harness.simple_terms()), [])
        for verdict, terms in cases():
            if verdict == "accepted":
                self.assertEqual(faults(terms), [], terms)

    def test_what_is_refused_for_its_shape_does_not(self):
        seen = {"shape": 0, "sense": 0}
        for verdict, terms in cases():
            if verdict != "accepted":
                seen[verdict] += 1
                self.assertEqual(bool(faults(terms)), verdict == "shape", terms)
        self.assertGreater(min(seen.values()), 30)

    def test_no_object_takes_an_unknown_member(self):
        terms = documented()
        # Objects whose members are named by the parties or the rules.
        named = {"/parties", "/rules/severities"}
        for pointer, _ in list(objects(terms)):
            if pointer.endswith("/expect/lines"):  # named by keys of lines, which can be any text
                continue
            changed = copy.deepcopy(terms)
            dict(objects(changed))[pointer]["no such member"] = 1
            self.assertTrue(faults(changed), pointer)
            if pointer not in named:
                self.assertTrue(any("not described" in fault for fault in faults(changed)), pointer)

    def test_thresholds_and_stages_are_those_of_the_service(self):
        lines = (harness.ROOT / "config/thresholds.tsv").read_text(encoding="utf-8").splitlines()
        names = {line.split("\t")[0] for line in lines if line and not line.startswith("#")} - {"name"}
        self.assertEqual(set(SCHEMA["$defs"]["thresholds"]["properties"]), names)


if __name__ == "__main__":
    harness.main()
