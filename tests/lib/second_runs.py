#!/usr/bin/env python3
"""The second implementation for the tests of settlement: what auditor/reckoner_auditor.py computes, and of a run what
auditors do not ask: whether it makes a document, and whether a sanity bound parks it.

A case is as described there, one in a line; it may have

    run     {"month", "type", "billed_to"?}: the run's own month, which may be before the billed one; billed_to is the
            month of the position that was billed last

The answer then has "bills" and "beyond_bound".
"""

import concurrent.futures
import json
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "auditor"))

import reckoner_auditor as second  # noqa: E402

PROCESSES = 2


def bills(account, run):
    """FLEX makes a document where the terms of its month say so, a preview never."""
    billing = account.in_force(run["month"]).body.get("billing", {})
    return run["type"] != "PREVIEW" and (run["type"] != "FLEX" or billing.get("bill_flex", False))


def beyond_bound(account, month, run, balance):
    """Whether the balance is above the share, by the terms of the run's month, of the plan of the months that were not
    billed before; of the run's month alone when all were."""
    bound = account.in_force(run["month"]).body.get("billing", {}).get("sanity_bound")
    if bound is None:
        return False
    p = second.Position(account, month)
    unbilled = [m for m in p.months if m > run.get("billed_to", "")] or [run["month"]]
    planned = sum(plan for m, (plan, _) in zip(p.months, p.plans) if m in unbilled)
    return planned > 0 and abs(balance) > second.half_away(planned * second.percent(bound))


def answer(text):
    case = json.loads(text)
    found = second.position(case)
    if "run" in case and "parked" not in found:
        account = second.Account(case)
        found |= {"bills": bills(account, case["run"]),
                  "beyond_bound": beyond_bound(account, case["month"], case["run"], found["balance_pence"])}
    return json.dumps(found, sort_keys=True)


if __name__ == "__main__":
    with concurrent.futures.ProcessPoolExecutor(PROCESSES) as pool:
        for line in pool.map(answer, sys.stdin, chunksize=50):
            print(line)
