#!/usr/bin/env python3
"""Holds verdicts of the parser of terms against api/schemas/terms.json, for tests/property/test_terms_schema.c.

Input lines are {"accepted": true or false, "terms": {..}}. What the parser accepts validates, and so what the schema
refuses the parser refuses. Prints "VALID INVALID", how many of each there were; the first line that is against it ends
with status 1."""

import json
import pathlib
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/lib"))

import json_schema  # noqa: E402

SCHEMA = json.loads((ROOT / "api/schemas/terms.json").read_text(encoding="utf-8"))


def main():
    counts = [0, 0]
    for line in sys.stdin:
        verdict = json.loads(line)
        wrong = json_schema.faults(verdict["terms"], SCHEMA, SCHEMA)
        if wrong and verdict["accepted"]:
            print(f"accepted by the parser, refused by the schema: {wrong[0]}\n{line}", file=sys.stderr)
            return 1
        counts[bool(wrong)] += 1
    print(*counts)
    return 0


if __name__ == "__main__":
    sys.exit(main())
