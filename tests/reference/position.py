#!/usr/bin/env python3
"""Position of an account, computed the slow way: row by row, day by day, with exact fractions.

A second implementation, written from the specification alone, to compare the engine with to the penny. It shares no
code or table with the engine. Standard library only.

    position.py CASE.json          prints the position of one case as JSON
    position.py --lines < CASES    one case per input line, one position per output line

As a module: position(case) -> dict, and rows_of_csv(path) -> list of dicts.

A case is a JSON object:

    commissioner     code of the account
    month            "2012-06": the position is for the year to the end of this month
    terms            [{"version": 1, "known_from": "2012-03-01T09:00:00Z", "terms": {...api/formats/terms.md...}}]
    known_at         instant; versions and achievements known later are not used. Left out: all are known
    months           {"2012-04": {"csv": "path of the file as uploaded"  or  "text": "its text"  or  "rows": [...],
                                  "unpayable": [row numbers, 1 = first row behind the header]}}
                     unpayable: the rows with an ERROR in force, but for those that a threshold of the terms decides:
                     these are found here. A month left out had no submission.
    achievements     [{"indicator": "...", "numerator": 1, "denominator": 2, "agreed_at": instant}], as they were agreed
    clusters         path of clusters.csv (review periods), for stop_pay_when_overdue; default config/clusters.csv

The result: {"parked": "why"} or
    {"lines": [{key, stage, month, cluster, basis, price_pence, units, pence, billable}], "total_pence",
     "billable_pence", "stages": {stage: pence}, "P_pence", "X_pence", "AAV_pence", "plan_by_month_pence": [...]}
with the keys of api/formats/position.md. All amounts are whole pence.
"""

import calendar
import csv
import datetime
import functools
import io
import json
import os
import sys
from fractions import Fraction

ONE_DAY = datetime.timedelta(days=1)
STAGES = ["activity", "factor", "bands", "risk_share", "cap_collar", "block", "adjustment", "withhold",
          "cquin", "contested"]
BASES = ["DAY", "ADMITTED", "NONADMITTED", "ASSESSMENT"]
CLUSTERS_CSV = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "config", "clusters.csv")


def half_away(x):
    """Round a fraction to a whole number, half away from zero."""
    x = Fraction(x)
    whole = (abs(x) + Fraction(1, 2)).__floor__()
    return whole if x >= 0 else -whole


def percent(text):
    return Fraction(text.rstrip("%")) / 100


def day(text):
    return datetime.date.fromisoformat(text) if text else None


def first_of(month):
    return datetime.date.fromisoformat(month + "-01")


def behind(month):
    """The first day behind a month."""
    first = first_of(month)
    return first + datetime.timedelta(days=calendar.monthrange(first.year, first.month)[1])


def months_to(year, month):
    """April of the financial year to the month given."""
    names = ["%04d-%02d" % (year + (m > 12), m - 12 * (m > 12)) for m in range(4, 16)]
    return names[: names.index(month) + 1]


def instant(text):
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))


# Rows


def rows_of_csv(path):
    with open(path, newline="", encoding="utf-8-sig") as file:
        return list(csv.DictReader(file))


def rows_of(entry):
    if "rows" in entry:
        rows = entry["rows"]
    elif "text" in entry:
        rows = list(csv.DictReader(io.StringIO(entry["text"])))
    else:
        rows = rows_of_csv(entry["csv"])
    return [tidy(number, row) for number, row in enumerate(rows, 1)]


def tidy(number, row):
    def of(name):
        return (row.get(name) or "").strip()

    def date_of(name):
        try:
            return day(of(name))
        except ValueError:
            return None

    return {
        "number": number,
        "episode": of("episode_id"),
        "patient": of("patient_id"),
        "commissioner": of("commissioner"),
        "cluster": of("cluster").zfill(2),
        "service": of("service"),
        "start": date_of("start_date"),
        "end": date_of("end_date"),
        "mhct": date_of("mhct_date"),
        "referral": date_of("referral_date"),
        "contact": date_of("last_contact"),
        "open": not of("end_date"),
        "reason": of("mhct_reason"),
        "admitted": int(of("admitted_days")) if of("admitted_days").isdigit() else 0,
        "assessment_only": of("assessment_only") == "Y",
    }


def mark_continuing(rows):
    """A row continues when another row of the patient starts on its closing day."""
    starts = {}
    for row in rows:
        if row["start"] and not row["assessment_only"]:
            starts.setdefault((row["patient"], row["start"]), []).append(row["number"])
    for row in rows:
        others = [n for n in starts.get((row["patient"], row["end"]), []) if n != row["number"]]
        row["continues"] = bool(others)


def review_due(clusters, cluster, mhct):
    if cluster not in clusters or mhct is None:
        return None
    length, unit = clusters[cluster]
    if unit == "day":
        return mhct + datetime.timedelta(days=length)
    year, month = divmod(mhct.year * 12 + mhct.month - 1 + length, 12)
    last = calendar.monthrange(year, month + 1)[1]
    return datetime.date(year, month + 1, min(mhct.day, last))


# Rules with a threshold

DAYS_UNLESS_AGREED = {
    "mhct_before_start_days": 14,
    "review_notice_days": 28,
    "short_after_referral_days": 14,
    "short_without_contact_days": 7,
    "no_contact_days": 180,
}


def beyond_thresholds(limit, clusters, month, row):
    """Which of M05, R02, R03, R05 and R06 a row fails by its days."""
    last = behind(month) - ONE_DAY
    start, end, mhct, contact = row["start"], row["end"], row["mhct"], row["contact"]
    failed = set()
    if start and mhct and (start - mhct).days > limit["mhct_before_start_days"]:
        failed.add("M05")
    if row["assessment_only"]:
        return failed
    due = review_due(clusters, row["cluster"], mhct)
    if row["open"] and due and due > last:
        if (due - last).days <= min(limit["review_notice_days"], (due - mhct).days // 2):
            failed.add("R02")
    if row["open"] and contact and (last - contact).days >= limit["no_contact_days"]:
        failed.add("R06")
    if start and end and end >= start:
        if row["referral"] == start and (end - start).days <= limit["short_after_referral_days"]:
            failed.add("R03")
        if (contact is None or contact < start) and (end - start).days <= limit["short_without_contact_days"]:
            failed.add("R05")
    return failed


# Terms


class Terms:
    def __init__(self, version, body):
        self.version = version
        self.body = body
        year = body["financial_year"]
        self.year = year
        self.prices = []
        for p in body["prices"]:
            self.prices.append(
                {
                    "cluster": p["cluster"],
                    "basis": p["basis"],
                    "pence": p["pence"],
                    "from": day(p.get("from") or "%d-04-01" % year),
                    "to": day(p.get("to") or "%d-04-01" % (year + 1)),
                    "commissioner": p.get("commissioner"),
                    "service": p.get("service"),
                }
            )
        self.limit = DAYS_UNLESS_AGREED | body.get("thresholds", {})
        severities = body.get("rules", {}).get("severities", {})
        self.not_paid = {rule for rule, severity in severities.items() if severity == "ERROR"}
        self.factor = Fraction(body.get("factor", "1"))
        self.on_day = functools.lru_cache(maxsize=None)(self.on_day)

    def matching(self, commissioner, service, cluster, bases, when):
        """The most specific prices that hold."""
        found = []
        for p in self.prices:
            if p["cluster"] != cluster or p["basis"] not in bases or not p["from"] <= when < p["to"]:
                continue
            if p["commissioner"] not in (None, commissioner) or p["service"] not in (None, service):
                continue
            found.append(((p["commissioner"] is not None) + (p["service"] is not None), p))
        best = max((score for score, _ in found), default=0)
        return {p["basis"]: p["pence"] for score, p in found if score == best}

    def on_day(self, commissioner, service, cluster, when):
        """Prices of a day: {"DAY": pence}, {"ADMITTED": .., "NONADMITTED": ..} or nothing."""
        return self.matching(commissioner, service, cluster, ("DAY", "ADMITTED", "NONADMITTED"), when)

    def assessment(self, commissioner, service, cluster, when):
        return self.matching(commissioner, service, cluster, ("ASSESSMENT",), when).get("ASSESSMENT")


def in_force(versions, month, known_at):
    """Of the versions known by then and effective by the month, the one known last."""
    best = None
    for v in versions:
        known = instant(v["known_from"])
        if known_at is not None and known > known_at:
            continue
        if v["terms"]["effective_from"] > month:
            continue
        if best is None or (known, v["version"]) > (instant(best["known_from"]), best["version"]):
            best = v
    return best


# The value of rows


def days_of(terms, clusters, month, row):
    """The days of a row in the month that are counted."""
    if row["assessment_only"] or row["start"] is None:
        return []
    days = []
    when = first_of(month)
    while when < behind(month):
        inside = row["start"] <= when and (row["end"] is None or when < row["end"])
        if terms.body.get("day_count") == "end_inclusive" and when == row["end"] and row["start"] <= when:
            inside = not row["continues"]
        stop = terms.body.get("rules", {}).get("stop_pay_when_overdue")
        if inside and stop:
            due = review_due(clusters, row["cluster"], row["mhct"])
            inside = due is None or when <= due + datetime.timedelta(days=stop["grace_days"])
        if inside:
            days.append(when)
        when += ONE_DAY
    return days


def add(lines, month, cluster, basis, price):
    key = (month, cluster, basis, price)
    lines[key] = lines.get(key, 0) + 1


def value_days(terms, clusters, commissioner, month, row, lines):
    for nth, when in enumerate(days_of(terms, clusters, month, row)):
        prices = terms.on_day(commissioner, row["service"], row["cluster"], when)
        if "DAY" in prices:
            add(lines, month, row["cluster"], "DAY", prices["DAY"])
        elif prices:
            basis = "ADMITTED" if nth < row["admitted"] else "NONADMITTED"
            add(lines, month, row["cluster"], basis, prices[basis])


def activity(case, force, months, clusters):
    """Units by (month, cluster, basis, price)."""
    lines = {}
    candidates = []
    for month in months:
        terms = force[month]
        rows = rows_of(case["months"][month])
        mark_continuing(rows)
        unpayable = set(case["months"][month].get("unpayable", []))
        for row in rows:
            if row["commissioner"] != case["commissioner"] or row["number"] in unpayable:
                continue
            if terms.not_paid and terms.not_paid & beyond_thresholds(terms.limit, clusters, month, row):
                continue
            value_days(terms, clusters, case["commissioner"], month, row, lines)
            assessed = row["assessment_only"] or row["reason"] == "10"
            if assessed and row["mhct"] and first_of(month) <= row["mhct"] < behind(month):
                price = terms.assessment(case["commissioner"], row["service"], row["cluster"], row["mhct"])
                if price is not None:
                    candidates.append((row["mhct"], row["episode"].encode(), row, month, price))
    earned = set()
    for mhct, _, row, month, price in sorted(candidates, key=lambda c: c[:2]):
        referral = (row["patient"], row["referral"] or mhct)
        if referral not in earned:
            earned.add(referral)
            add(lines, month, row["cluster"], "ASSESSMENT", price)
    return lines


# Stages


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


def applies(entry, commissioner):
    return entry.get("commissioner") in (None, commissioner)


def group_names(annual):
    groups = {}
    for g in annual.body.get("volume_bands", []):
        for cluster in g["clusters"]:
            groups[cluster] = g["group"]
    return groups


def plan_of(case, annual, terms, month, k):
    """Planned value of a month: (sum, {group: value with factor})."""
    plan = terms.body.get("plan", {})
    groups = group_names(annual)
    for s in plan.get("sums", []):
        if s["month"] == month and applies(s, case["commissioner"]):
            if annual.body.get("volume_bands"):
                raise Parked("volume bands need a plan in units")
            return s["pence"], {}
    by_group = {}
    for line in plan.get("lines", []):
        units = line["units"][k]
        if not units or not applies(line, case["commissioner"]):
            continue
        service = line.get("service", "")
        first = first_of(month)
        if line["basis"] == "ASSESSMENT":
            price = terms.assessment(case["commissioner"], service, line["cluster"], first)
        else:
            price = terms.on_day(case["commissioner"], service, line["cluster"], first).get(line["basis"])
        if price is None:
            raise Parked("a plan without a price")
        group = groups.get(line["cluster"], "other")
        by_group[group] = by_group.get(group, 0) + units * price
    with_factor = {g: half_away(v * terms.factor) for g, v in by_group.items()}
    return sum(with_factor.values()), with_factor


def pay_by_bands(bands, base, amount):
    paid = 0
    low = 0
    for band in bands:
        high = half_away(base * percent(band["to"])) if "to" in band else None
        part = max(0, (amount if high is None else min(amount, high)) - low)
        paid += half_away(part * percent(band["pay"]))
        low = low if high is None else max(low, high)
    return paid


def achievement_of(indicator, numerator, denominator):
    """Achievement in whole parts per million."""
    if denominator == 0:
        return 0
    measure = Fraction(numerator, denominator)
    points = [(percent(t["at"]), percent(t["earns"])) for t in indicator["thresholds"]]
    reached = [p for p in points if measure >= p[0]]
    if not reached:
        return 0
    at, earns = reached[-1]
    if indicator["measure"] == "linear" and len(reached) < len(points):
        next_at, next_earns = points[len(reached)]
        earns += (next_earns - earns) * (measure - at) / (next_at - at)
    return half_away(earns * 1000000)


def risk_share(p, annual, planned):
    share = annual.body.get("risk_share")
    if not share or planned == 0:
        return
    x = p.sum("activity", "factor", "bands")
    if "over" in share or "under" in share:
        if x >= planned:
            excess = x - planned
            paid = planned + (pay_by_bands(share["over"], planned, excess) if "over" in share else excess)
        else:
            lack = planned - x
            paid = planned - (pay_by_bands(share["under"], planned, lack) if "under" in share else lack)
        p.line("risk_share", "risk_share", paid - x)
    now = p.sum("activity", "factor", "bands", "risk_share")
    if "cap" in share and now > planned + half_away(planned * percent(share["cap"])):
        p.line("cap_collar", "cap_collar", planned + half_away(planned * percent(share["cap"])) - now)
    elif "collar" in share and now < planned - half_away(planned * percent(share["collar"])):
        p.line("cap_collar", "cap_collar", planned - half_away(planned * percent(share["collar"])) - now)


def cquin(p, case, annual, known_at):
    scheme = annual.body.get("cquin")
    if not scheme:
        return None
    exclude = scheme.get("exclude", {})
    base = 0
    for line in p.lines:
        left_out = line["stage"] in exclude.get("stages", []) or (
            line["stage"] == "activity" and line["cluster"] in exclude.get("clusters", [])
        )
        base += 0 if left_out else line["pence"]
    base = max(0, base)
    agreed = {}
    for a in case.get("achievements", []):
        if known_at is None or "agreed_at" not in a or instant(a["agreed_at"]) <= known_at:
            agreed[a["indicator"]] = a
    for indicator in scheme["indicators"]:
        if indicator["id"] in agreed:
            a = agreed[indicator["id"]]
            achieved = Fraction(achievement_of(indicator, a["numerator"], a["denominator"]), 1000000)
        else:
            achieved = percent(scheme["on_account"])
        earned = half_away(base * percent(scheme["rate"]) * percent(indicator["weight"]) * achieved)
        p.line("cquin", "cquin/" + indicator["id"], earned)
    return base


def stages_1_to_3(p, case, force, annual, months, units, plans):
    groups = group_names(annual)
    names = [g["group"] for g in annual.body.get("volume_bands", [])] + ["other"]
    gross = {}
    factor = {}
    order = sorted(units, key=lambda u: (u[0], u[1], BASES.index(u[2]), u[3]))
    for month, cluster, basis, price in order:
        n = units[month, cluster, basis, price]
        p.line("activity", "activity/%s/%s/%s/%d" % (month, cluster, basis, price), n * price, month=month,
               cluster=cluster, basis=basis, price_pence=price, units=n)
        group = groups.get(cluster, "other")
        gross[month, group] = gross.get((month, group), 0) + n * price
    for month in months:
        for group in names:
            g = gross.get((month, group), 0)
            if g and force[month].factor != 1:
                factor[month, group] = half_away(g * force[month].factor) - g
                p.line("factor", "factor/%s/%s" % (month, group), factor[month, group], month=month)
    for g in annual.body.get("volume_bands", []):
        name = g["group"]
        volume = sum(gross.get((m, name), 0) + factor.get((m, name), 0) for m in months)
        planned = sum(plans[m][1].get(name, 0) for m in months)
        if planned:
            p.line("bands", "bands/" + name, pay_by_bands(g["bands"], planned, volume) - volume)


def blocks(p, case, force, months):
    for month in months:
        for b in force[month].body.get("block", []):
            if b["month"] == month and applies(b, case["commissioner"]):
                p.line("block", "block/%s/%s" % (month, b["label"]), b["pence"], month=month)


def compute(case):
    known_at = instant(case["known_at"]) if case.get("known_at") else None
    year = case["terms"][0]["terms"]["financial_year"]
    months = months_to(year, case["month"])
    parsed = {v["version"]: Terms(v["version"], v["terms"]) for v in case["terms"]}
    force = {}
    for month in months:
        version = in_force(case["terms"], month, known_at)
        if version is None:
            raise Parked("no terms in force for " + month)
        force[month] = parsed[version["version"]]
    missing = [m for m in months if m not in case["months"]]
    if missing:
        raise Parked("no activity received for " + ", ".join(missing))
    annual = force[case["month"]]
    with open(case.get("clusters", CLUSTERS_CSV), newline="", encoding="utf-8") as file:
        clusters = {c["code"]: (int(c["review"]), c["review_unit"]) for c in csv.DictReader(file)}
    plans = {m: plan_of(case, annual, force[m], m, k) for k, m in enumerate(months)}
    planned = sum(plans[m][0] for m in months)
    p = Position(annual.body["mode"] == "shadow")
    stages_1_to_3(p, case, force, annual, months, activity(case, force, months, clusters), plans)
    x = p.sum("activity", "factor", "bands")
    risk_share(p, annual, planned)
    blocks(p, case, force, months)
    base = cquin(p, case, annual, known_at)
    return {
        "lines": p.lines,
        "stages": {s: p.sum(s) for s in STAGES},
        "total_pence": p.sum(*STAGES),
        "billable_pence": sum(line["pence"] for line in p.lines if line["billable"]),
        "P_pence": planned,
        "X_pence": x,
        "AAV_pence": base,
        "plan_by_month_pence": [plans[m][0] for m in months],
    }


def position(case):
    try:
        return compute(case)
    except Parked as why:
        return {"parked": str(why)}


def main(arguments):
    if arguments == ["--lines"]:
        for text in sys.stdin:
            print(json.dumps(position(json.loads(text)), sort_keys=True), flush=False)
        return 0
    if len(arguments) != 1 or arguments[0].startswith("-"):
        print(__doc__, file=sys.stderr)
        return 2
    with open(arguments[0], encoding="utf-8") as file:
        print(json.dumps(position(json.load(file)), indent=1, sort_keys=True))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
