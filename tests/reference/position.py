#!/usr/bin/env python3
"""Position of an account, computed the slow way: row by row, day by day, with exact fractions.

A second implementation, written from the specification alone, to compare the engine with to the penny. It shares no
code or table with the engine. Standard library only. spec_terms.py reads terms, spec_activity.py values rows; this
file has the stages.

    position.py CASE.json             prints the position of one case as JSON
    position.py --lines [N] < CASES   one case per input line, one position per output line, by N processes (1)

As a module: position(case) -> dict, and rows_of_csv(path) -> list of dicts.

A case is a JSON object. What has an instant and is known later than known_at is not used.

    commissioner     code of the account
    month            "2012-06": the position is for the year to the end of this month
    terms            [{"version": 1, "known_from": "2012-03-01T09:00:00Z", "terms": {...api/formats/terms.md...}}]
    known_at         instant. Left out: all is known
    months           {"2012-04": {"csv": "path of the file as uploaded"  or  "text": "its text"  or  "rows": [...],
                                  "unpayable": [row numbers, 1 = first row behind the header]}}
                     All rows of the file, those of other commissioners too: they compete for assessments. A row may
                     have "failed": [rules it fails whatever the terms]; unpayable are rows with an ERROR in force. The
                     rules that depend on terms (C05, C06, K06, P08, thresholds) are asked here. Left out: no submission
    agreed_months    [{"month", "kind": "zero" or "estimate", "agreed_at"}]: used for a month without a submission
    achievements     [{"indicator", "numerator", "denominator", "disputed"?, "agreed_at"}]: the last counts; while both
                     sides say different things the assumption of the terms stands
    adjustments      [{"n", "month", "pence", "in_cquin", "reverses"?, "agreed_at"}]; a reversal names what it reverses
    withholds        [{"id", "month", "imposed_at", "decided_at"?, "decided": "released" or "kept",
                       "decided_pence"}]
    decisions        [{"month", "row": number or "episode_id", "cluster" or "payable_days" or "not_payable": true,
                       "was"?: {column: value}, "agreed_at"}]; "was": holds only while the row has these values
    reattributions   [{"month", "row" or "episode_id", "to": commissioner, "was"?, "agreed_at"}]
    challenges       [{"number", "claimed_pence", "billed", "raised_at", "closed_at"?, "rows": [as decisions]}]; billed:
                     whether the value was billed when it was raised
    documents        [{"pence", "issued_at"}], reconciliation documents issued; with opening_entries
                     [{"pence", "agreed_at"}]: when one is given, the result says what a billing run bills
    clusters         path of clusters.csv (review periods), for stop_pay_when_overdue; default config/clusters.csv

The result: {"parked": "why"} or
    {"lines": [{key, stage, month, cluster, basis, price_pence, units, pence, billable}], "total_pence",
     "billable_pence", "stages": {stage: pence}, "P_pence", "X_pence", "AAV_pence", "plan_by_month_pence": [...],
     "contested": {number: pence}, "billed_pence", "balance_pence", "instalments": [...]}
with the keys of api/formats/position.md. All amounts are whole pence.
"""

import concurrent.futures
import csv
import functools
import json
import os
import sys
from fractions import Fraction

from spec_activity import activity, mark_continuing, rows_of, rows_of_csv  # noqa: F401
from spec_terms import (BASES, NoPlan, Terms, achievement_of, applies, half_away, in_force, instalment, instant,
                        months_to, pay_by_bands, percent, plan_of, planned_units, risk_bands, stated_plan)

STAGES = ["activity", "factor", "bands", "risk_share", "cap_collar", "block", "adjustment", "withhold", "cquin",
          "contested"]
CLUSTERS_CSV = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "config", "clusters.csv")


class Parked(Exception):
    pass


class Position:
    def __init__(self, shadow):
        self.lines = []
        self.shadow = shadow

    def line(self, stage, key, pence, **more):
        billable = not self.shadow or stage == "block"
        self.lines.append(dict(more, stage=stage, key=key, pence=pence, billable=billable))

    def sum(self, *stages):
        return sum(line["pence"] for line in self.lines if line["stage"] in stages)

    def total(self):
        return sum(line["pence"] for line in self.lines)

    def billable(self):
        return sum(line["pence"] for line in self.lines if line["billable"])


@functools.lru_cache(maxsize=None)
def review_periods(path):
    with open(path, newline="", encoding="utf-8") as file:
        return {c["code"]: (int(c["review"]), c["review_unit"]) for c in csv.DictReader(file)}


def known(case, name, when="agreed_at"):
    """The entries of a part of the case that are known at its instant."""
    at = instant(case["known_at"]) if case.get("known_at") else None
    return [e for e in case.get(name, ()) if at is None or when not in e or instant(e[when]) <= at]


def latest(entries, name):
    """Of entries about the same thing, the one agreed last: {thing: entry}."""
    out = {}
    for e in sorted(entries, key=lambda e: instant(e["agreed_at"]).timestamp() if "agreed_at" in e else 0):
        out[e[name]] = e
    return out


# Stages. y is the case read: case, months, force (terms by month), annual, clusters, agreed, plans, groups.


class Year:
    def __init__(self, case):
        self.case = case
        at = instant(case["known_at"]) if case.get("known_at") else None
        self.mine = case["commissioner"]
        self.months = months_to(case["terms"][0]["terms"]["financial_year"], case["month"])
        parsed = {v["version"]: Terms(v["version"], v["terms"]) for v in case["terms"]}
        self.version_of = lambda month: in_force(case["terms"], month, at)
        self.force = {}
        for month in self.months:
            version = self.version_of(month)
            if version is None:
                raise Parked("no terms in force for " + month)
            self.force[month] = parsed[version["version"]]
        self.annual = self.force[case["month"]]
        self.parsed = parsed
        agreed = latest(known(case, "agreed_months"), "month")
        missing = [m for m in self.months if m not in case["months"]]
        if any(m not in agreed for m in missing):
            raise Parked("no activity received for " + ", ".join(m for m in missing if m not in agreed))
        self.estimated = [m for m in missing if agreed[m]["kind"] == "estimate"]
        self.clusters = review_periods(case.get("clusters", CLUSTERS_CSV))
        self.plans = [plan_of(self.force[m], self.annual, self.mine, m, k) for k, m in enumerate(self.months)]
        self.planned = sum(plan for plan, _ in self.plans)
        case["rows"] = {m: self.read(m) for m in self.months}

    def read(self, month):
        if month not in self.case["months"]:
            return []
        rows = rows_of(self.case["months"][month])
        mark_continuing(rows)
        for number in self.case["months"][month].get("unpayable", ()):
            rows[number - 1]["not_payable"] = True
        return rows


def lines_of_activity(p, y, units):
    for month, cluster, basis, price in sorted(units, key=lambda u: (u[0], u[1], BASES.index(u[2]), u[3])):
        n, pence = units[month, cluster, basis, price]
        p.line("activity", "activity/%s/%s/%s/%d" % (month, cluster, basis, price), pence, month=month,
               cluster=cluster, basis=basis, price_pence=price, units=n)


def estimates(p, y):
    """The plan of a month instead of its activity. A stated sum has its factor in it, so the factor passes it by."""
    for month in y.estimated:
        k = y.months.index(month)
        stated = stated_plan(y.force[month], y.mine, month)
        if stated is not None:
            p.line("activity", "estimate/" + month, stated, month=month, group=None)
            continue
        by_group = planned_units(y.force[month], y.annual, y.mine, month, k)
        for group in y.annual.group_names():
            if by_group.get(group):
                p.line("activity", "estimate/%s/%s" % (month, group), by_group[group], month=month, group=group)


def group_of(y, line):
    return line["group"] if "group" in line else y.annual.group(line["cluster"])


def factor_and_bands(p, y):
    groups = y.annual.group_names()
    volume = dict.fromkeys(groups, 0)
    for month in y.months:
        for group in groups:
            gross = sum(line["pence"] for line in p.lines
                        if line["stage"] == "activity" and line["month"] == month and group_of(y, line) == group)
            volume[group] += gross
            if gross and y.force[month].factor != 1:
                more = half_away(gross * y.force[month].factor) - gross
                volume[group] += more
                p.line("factor", "factor/%s/%s" % (month, group), more, month=month)
    for g in y.annual.body.get("volume_bands", []):
        name = g["group"]
        planned = sum(by_group.get(name, 0) for _, by_group in y.plans)
        if planned:
            p.line("bands", "bands/" + name, pay_by_bands(g["bands"], planned, volume[name]) - volume[name])


def risk_share(p, y):
    share = y.annual.body.get("risk_share")
    planned = y.planned
    if not share or planned == 0:
        return
    x = p.sum("activity", "factor", "bands")
    over, under = risk_bands(share)
    if over or under:
        if x >= planned:
            paid = planned + pay_by_bands(over, planned, x - planned) if over else x
        else:
            paid = planned - pay_by_bands(under, planned, planned - x) if under else x
        p.line("risk_share", "risk_share", paid - x)
    now = p.sum("activity", "factor", "bands", "risk_share")
    if "cap" in share and now > planned + half_away(planned * percent(share["cap"])):
        p.line("cap_collar", "cap_collar", planned + half_away(planned * percent(share["cap"])) - now)
    elif "collar" in share and now < planned - half_away(planned * percent(share["collar"])):
        p.line("cap_collar", "cap_collar", planned - half_away(planned * percent(share["collar"])) - now)


def stated_sums(p, y):
    """Stage 6 but for withholds: blocks and agreed adjustments."""
    for month in y.months:
        for b in y.force[month].body.get("block", []):
            if b["month"] == month and applies(b, y.mine):
                p.line("block", "block/%s/%s" % (month, b["label"]), b["pence"], month=month)
    for a in sorted(known(y.case, "adjustments"), key=lambda a: (a["month"], a["n"])):
        if a["month"] in y.months:
            p.line("adjustment", "adjustment/%d" % a["n"], a["pence"], month=a["month"], in_cquin=a["in_cquin"])


def withholds(p, y):
    shares = {w["id"]: percent(w["share"]) for w in y.annual.body.get("withholds", [])}
    at = instant(y.case["known_at"]) if y.case.get("known_at") else None
    for w in sorted(known(y.case, "withholds", "imposed_at"), key=lambda w: (w["month"], w["id"])):
        if w["month"] not in y.months:
            continue
        key = "withhold/%s/%s" % (w["month"], w["id"])
        if "decided_at" in w and (at is None or instant(w["decided_at"]) <= at):
            p.line("withhold", key, -w["decided_pence"], month=w["month"])
            if w["decided"] == "released":
                p.line("withhold", key + "/release", w["decided_pence"], month=w["month"])
        elif w["id"] in shares:
            base = sum(line["pence"] for line in p.lines
                       if line["stage"] in ("activity", "factor") and line["month"] == w["month"])
            p.line("withhold", key, -half_away(shares[w["id"]] * base), month=w["month"])


def cquin(p, y):
    """Stage 7; returns its base, None without a scheme."""
    scheme = y.annual.body.get("cquin")
    if not scheme:
        return None
    exclude = scheme.get("exclude", {})
    base = 0
    for line in p.lines:
        left_out = line["stage"] in exclude.get("stages", []) or not line.get("in_cquin", True) or (
            line.get("cluster") in exclude.get("clusters", []))
        base += 0 if left_out else line["pence"]
    base = max(0, base)
    agreed = latest(known(y.case, "achievements"), "indicator")
    for indicator in scheme["indicators"]:
        a = agreed.get(indicator["id"])
        if a and not a.get("disputed"):
            achieved = Fraction(achievement_of(indicator, a["numerator"], a["denominator"]), 1000000)
        else:
            achieved = percent(scheme["on_account"])
        earned = half_away(base * percent(scheme["rate"]) * percent(indicator["weight"]) * achieved)
        p.line("cquin", "cquin/" + indicator["id"], earned)
    return base


def before_challenges(y, changes):
    """Stages 1 to 7 with some rows changed: (position, base of CQUIN)."""
    p = Position(y.annual.body["mode"] == "shadow")
    lines_of_activity(p, y, activity(y.case, y.force, y.months, y.clusters, changes))
    estimates(p, y)
    factor_and_bands(p, y)
    risk_share(p, y)
    stated_sums(p, y)
    withholds(p, y)
    return p, cquin(p, y)


def add_changes(changes, entries):
    for e in sorted(entries, key=lambda e: instant(e["agreed_at"]).timestamp() if "agreed_at" in e else 0):
        changes.setdefault((e["month"], e["row"] if "row" in e else e["episode_id"]), []).append(e)


def open_challenges(y):
    """Those that are open at the instant, on a month of the year to date."""
    at = instant(y.case["known_at"]) if y.case.get("known_at") else None
    still = [c for c in known(y.case, "challenges", "raised_at")
             if ("closed_at" not in c or (at is not None and instant(c["closed_at"]) > at))
             and any(row["month"] in y.months for row in c["rows"])]
    return sorted(still, key=lambda c: c["number"])


def contested(y, p, changes):
    """One line for each open challenge on value not billed; what each contests, in order of number."""
    sums = {}
    before = p.total()
    for challenge in open_challenges(y):
        add_changes(changes, challenge["rows"])
        after = before_challenges(y, changes)[0].total()
        sums[challenge["number"]] = max(0, min(challenge["claimed_pence"], before - after))
        if not challenge["billed"]:
            p.line("contested", "contested/%d" % challenge["number"], -sums[challenge["number"]])
        before = after
    return sums


def bill(y, p):
    """What a billing run of the month bills: the reconciliation, beside the instalments of terms on account."""
    billed = sum(e["pence"] for part, when in (("documents", "issued_at"), ("opening_entries", "agreed_at"))
                 for e in known(y.case, part, when))
    out = {"billed_pence": billed}
    on_account = 0
    billing = y.annual.body.get("billing", {})
    if billing.get("method") == "on_account":
        eacv = billing.get("eacv_pence")
        if eacv is None:
            eacv = sum(plan for plan, _ in plan_of_year(y))
        out["instalments"] = [instalment(eacv, k) - instalment(eacv, k - 1) for k in range(1, 13)]
        on_account = instalment(eacv, len(y.months))
    return out | {"balance_pence": p.billable() - on_account - billed}


def plan_of_year(y):
    for k, month in enumerate(months_to(y.annual.year, "%d-03" % (y.annual.year + 1))):
        version = y.version_of(month)
        yield plan_of(y.parsed[version["version"]], y.annual, y.mine, month, k)


def compute(case):
    y = Year(case)
    changes = {}
    add_changes(changes, known(case, "decisions"))
    add_changes(changes, known(case, "reattributions"))
    p, base = before_challenges(y, changes)
    x = p.sum("activity", "factor", "bands")
    sums = contested(y, p, changes)
    result = {
        "lines": p.lines,
        "stages": {s: p.sum(s) for s in STAGES},
        "total_pence": p.total(),
        "billable_pence": p.billable(),
        "P_pence": y.planned,
        "X_pence": x,
        "AAV_pence": base,
        "plan_by_month_pence": [plan for plan, _ in y.plans],
        "contested": sums,
    }
    if "documents" in case or "opening_entries" in case:
        result |= bill(y, p)
    return result


def position(case):
    try:
        return compute(dict(case))
    except (Parked, NoPlan) as why:
        return {"parked": str(why)}


def answer(text):
    return json.dumps(position(json.loads(text)), sort_keys=True)


def main(arguments):
    if arguments[:1] == ["--lines"] and len(arguments) <= 2:
        processes = int(arguments[1]) if len(arguments) == 2 else 1
        if processes == 1:
            for text in sys.stdin:
                print(answer(text))
            return 0
        with concurrent.futures.ProcessPoolExecutor(processes) as pool:
            for text in pool.map(answer, sys.stdin, chunksize=50):
                print(text)
        return 0
    if len(arguments) != 1 or arguments[0].startswith("-"):
        print(__doc__, file=sys.stderr)
        return 2
    with open(arguments[0], encoding="utf-8") as file:
        print(json.dumps(position(json.load(file)), indent=1, sort_keys=True))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
