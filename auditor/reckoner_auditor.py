#!/usr/bin/env python3
"""The second implementation of Reckoner's money, for auditors: one file, Python's standard library, nothing else.

Written from the specification alone; it shares no code and no table with the service, and computes the slow way: row by
row, day by day, in exact fractions. It reads top down: the stages of a position, rows and their days, terms.

    reckoner_auditor.py position CASE.json            prints the position of one case as JSON
    reckoner_auditor.py position --lines [N] < CASES  one case per input line, one position per output line, by N
                                                      processes (1)

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
    review_periods   {"04": {"months": 6}, "14": {"days": 28}}: when the review of a cluster is due, for
                     stop_pay_when_overdue and R02; a month may have "review_periods" of its own

The result: {"parked": "why"} or
    {"lines": [{key, stage, month, cluster, basis, price_pence, units, pence, billable}], "total_pence",
     "billable_pence", "stages": {stage: pence}, "P_pence", "X_pence", "AAV_pence", "plan_by_month_pence": [...],
     "contested": {number: pence}, "billed_pence", "balance_pence", "instalments": [...]}
with the keys of api/formats/position.md. All amounts are whole pence.
"""

import bisect
import calendar
import concurrent.futures
import csv
import datetime
import functools
import hashlib
import io
import json
import math
import re
import sys
from fractions import Fraction

STAGES = ["activity", "factor", "bands", "risk_share", "cap_collar", "block", "adjustment", "withhold", "cquin",
          "contested"]


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


# Stages. y is the case read: case, months, force (terms by month), annual, reviews, plans, groups.


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
        standing = case.get("review_periods", {})
        self.reviews = {m: case["months"].get(m, {}).get("review_periods", standing) for m in self.months}
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
    lines_of_activity(p, y, activity(y.case, y.force, y.months, y.reviews, changes))
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
    """What a billing run of the month bills: the reconciliation, beside the instalments of terms on account. Opening
    entries stand against the position; on account they are instalments instead."""
    billed = sum(e["pence"] for e in known(y.case, "documents", "issued_at"))
    opening = sum(e["pence"] for e in known(y.case, "opening_entries"))
    billing = y.annual.body.get("billing", {})
    if billing.get("method") != "on_account" or p.shadow:
        billed += opening
    out = {"billed_pence": billed}
    on_account = 0
    if billing.get("method") == "on_account" and not p.shadow:
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


def day_or_none(text):
    try:
        return day(text)
    except ValueError:
        return None


def tidy(number, sent):
    text = {name: value.strip() for name, value in sent.items() if isinstance(value, str)}
    of = text.get
    return {
        "number": number,
        "episode": of("episode_id", ""),
        "patient": of("patient_id", ""),
        "commissioner": of("commissioner", ""),
        "cluster": of("cluster", "").zfill(2) if of("cluster") else "",
        "service": of("service", ""),
        "start": day_or_none(of("start_date")),
        "end": day_or_none(of("end_date")),
        "mhct": day_or_none(of("mhct_date")),
        "referral": day_or_none(of("referral_date")),
        "contact": day_or_none(of("last_contact")),
        "birth": day_or_none(of("birth_date")),
        "open": not of("end_date"),
        "reason": of("mhct_reason"),
        "admitted": int(of("admitted_days")) if of("admitted_days", "").isdigit() else 0,
        "assessment_only": of("assessment_only") == "Y",
        "approved": bool(of("approval_ref")),
        "failed": sent.get("failed", ()),
        "payable_days": None,
        "not_payable": False,
        "sent": sent,
    }


def mark_continuing(rows):
    """A row continues when another row of the patient starts on its closing day."""
    starts = {}
    for row in rows:
        if row["start"] and not row["assessment_only"]:
            starts.setdefault((row["patient"], row["start"]), []).append(row["number"])
    for row in rows:
        others = [n for n in starts.get((row["patient"], row["end"]), ()) if n != row["number"]]
        row["continues"] = bool(others)


def changed(row, month, changes):
    """The row as decisions, re-attributions and counter-calculations have it: each is absolute, and holds for the row
    as it was then. Of the cluster, and of how much of the row is paid, the last one says."""
    unpayable = False
    for key in ((month, row["number"]), (month, row["episode"])):
        for change in changes.get(key, ()):
            if all((row["sent"].get(name) or "") == value for name, value in change.get("was", {}).items()):
                said = {name: change[name] for name in ("cluster", "payable_days") if name in change}
                if "payable_days" in change or "not_payable" in change:
                    unpayable = change.get("not_payable", False)
                row = row | said | {"commissioner": change.get("to", row["commissioner"])}
    return row | {"not_payable": row["not_payable"] or unpayable}


@functools.lru_cache(maxsize=None)
def after_months(start, months):
    """The same day some months later, or the last day of that month."""
    start = datetime.date.fromordinal(start)
    year, month = divmod(start.year * 12 + start.month - 1 + months, 12)
    last = calendar.monthrange(year, month + 1)[1]
    return datetime.date(year, month + 1, min(start.day, last)).toordinal()


def review_due(reviews, row):
    period = reviews.get(row["cluster"])
    if period is None or row["mhct"] is None:
        return None
    return row["mhct"] + period["days"] if "days" in period else after_months(row["mhct"], period["months"])


def under_18(birth, last):
    """On the last day. Who was born on a 29 February is a year older on 1 March."""
    if birth is None:
        return False
    born = datetime.date.fromordinal(birth)
    leap_day = (born.month, born.day) == (2, 29)
    coming_of_age = datetime.date(born.year + 18, 3, 1) if leap_day else born.replace(year=born.year + 18)
    return last < coming_of_age.toordinal()


# Rules that depend on terms


def beyond_thresholds(limit, reviews, month, row):
    """Which of M05, R02, R03, R05 and R06 a row fails by its days."""
    last = behind(month) - 1
    start, end, mhct, contact = row["start"], row["end"], row["mhct"], row["contact"]
    failed = set()
    if start and mhct and start - mhct > limit["mhct_before_start_days"]:
        failed.add("M05")
    if row["assessment_only"]:
        return failed
    due = review_due(reviews, row)
    if row["open"] and due and due > last:
        if due - last <= min(limit["review_notice_days"], (due - mhct) // 2):
            failed.add("R02")
    if row["open"] and contact and last - contact >= limit["no_contact_days"]:
        failed.add("R06")
    if start and end and end >= start:
        if row["referral"] == start and end - start <= limit["short_after_referral_days"]:
            failed.add("R03")
        if (contact is None or contact < start) and end - start <= limit["short_without_contact_days"]:
            failed.add("R05")
    return failed


def lacks_price(terms, reviews, commissioner, month, row):
    """K06: a day of service without a price; of an assessment alone, its day."""
    if row["start"] is None or row["cluster"] not in CLUSTERS:
        return False
    if row["assessment_only"]:
        inside = row["mhct"] and first_of(month) <= row["mhct"] < behind(month)
        return bool(inside) and terms.assessment(commissioner, row["service"], row["cluster"], row["mhct"]) is None
    return any(price is None for _, price, _ in priced_days(terms, reviews, commissioner, month, row))


def payable(terms, reviews, commissioner, month, row):
    """No ERROR is in force on the row under the terms, and no decision makes it unpayable."""
    if row["not_payable"]:
        return False
    failed = set(row["failed"]) | beyond_thresholds(terms.limit, reviews, month, row)
    if row["service"] and row["service"] in terms.out_of_scope:
        failed.add("C05")
    asked = row["cluster"] in terms.approval.get("clusters", ()) or (
        row["service"] and row["service"] in terms.approval.get("services", ()))
    if asked and not row["approved"]:
        failed.add("C06")
    if terms.adult_only and under_18(row["birth"], behind(month) - 1):
        failed.add("P08")
    if any(map(terms.is_error, failed)):
        return False
    return not (terms.is_error("K06") and lacks_price(terms, reviews, commissioner, month, row))


# The value of rows


@functools.lru_cache(maxsize=10000)
def counted_days(month, start, end, closing_day, stop):
    """Days of [start, end) in the month, the closing day if it counts, none behind the day pay stops."""
    days = []
    for when in range(first_of(month), behind(month)):
        inside = start <= when and (end is None or when < end or (closing_day and when == end))
        if inside and (stop is None or when <= stop):
            days.append(when)
    return days


def last_paid_day(terms, reviews, row):
    """The last day that stop_pay_when_overdue counts; None: no end."""
    due = review_due(reviews, row) if terms.stop else None
    return None if due is None else due + terms.stop["grace_days"]


def period_of(terms, commissioner, row, when):
    """Of a day charged by periods: (price of its period, place of the day in it); price None where there is none, place
    behind the period's last day where the row is past its only period."""
    begin = row["start"]
    while True:
        price = terms.on_day(commissioner, row["service"], row["cluster"], max(begin, terms.year_begin)).get("PERIOD")
        if price is None or not price.get("renewable") or when < begin + price["period_days"]:
            return price, when - begin
        begin += price["period_days"]


def accrued(price, place):
    """Units and pence of one day of a period: the rounded value of the days up to it less that of those before."""
    pence, days = price["pence"], price["period_days"]
    if place >= days:
        return 0, 0
    return 1, half_away(Fraction(pence * (place + 1), days)) - half_away(Fraction(pence * place, days))


def price_day(terms, commissioner, row, nth, when):
    """The nth day of the row in the month: (basis, price or None, (units, pence))."""
    prices = terms.on_day(commissioner, row["service"], row["cluster"], when)
    if "PERIOD" in prices:
        if when == row["end"]:
            return "PERIOD", prices["PERIOD"], (0, 0)  # always end-exclusive
        price, place = period_of(terms, commissioner, row, when)
        return "PERIOD", price, accrued(price, place) if price else (0, 0)
    price = prices.get("DAY") or prices.get("ADMITTED" if nth < row["admitted"] else "NONADMITTED")
    return price["one_day"] if price else (None, None, (0, 0))


def priced_days(terms, reviews, commissioner, month, row):
    """Each counted day of the row in the month, in order. Rows alike in what decides it are worked out once."""
    if row["assessment_only"] or row["start"] is None:
        return []
    closing_day = terms.inclusive and not row["continues"]
    stop = last_paid_day(terms, reviews, row)
    kind = (month, row["start"], row["end"], closing_day, stop, row["cluster"], row["service"], row["admitted"])
    if kind not in terms.stays:
        days = counted_days(month, row["start"], row["end"], closing_day, stop)
        terms.stays[kind] = [price_day(terms, commissioner, row, nth, when) for nth, when in enumerate(days)]
    return terms.stays[kind]


def add(lines, month, cluster, basis, price, units, pence):
    key = (month, cluster, basis, price["pence"])
    old_units, old_pence = lines.get(key, (0, 0))
    lines[key] = (old_units + units, old_pence + pence)


def value_days(terms, reviews, commissioner, month, row, lines):
    """The earliest payable days; without a decision all of them."""
    for basis, price, (units, pence) in priced_days(terms, reviews, commissioner, month, row)[: row["payable_days"]]:
        if units:
            add(lines, month, row["cluster"], basis, price, units, pence)


def assessed(month, row):
    claims = row["assessment_only"] or row["reason"] == "10"
    return claims and row["mhct"] is not None and first_of(month) <= row["mhct"] < behind(month)


def activity(case, force, months, reviews, changes):
    """(units, pence) by (month, cluster, basis, price). changes: {(month, row number or episode id): [change, ..]}."""
    mine = case["commissioner"]
    lines = {}
    candidates = []
    for month in months:
        terms = force[month]
        for row in case["rows"][month]:
            row = changed(row, month, changes) if changes else row
            ours = row["commissioner"] == mine
            if not ours and not assessed(month, row):
                continue
            if not payable(terms, reviews[month], mine, month, row):
                continue
            if ours:
                value_days(terms, reviews[month], mine, month, row, lines)
            if assessed(month, row):
                # A row of another commissioner competes as if it were under these terms.
                price = terms.assessment(mine, row["service"], row["cluster"], row["mhct"])
                if price is not None:
                    candidates.append((row["mhct"], row["episode"].encode(), ours, row, month, price))
    earned = set()
    for mhct, _, ours, row, month, price in sorted(candidates, key=lambda c: c[:2]):
        referral = (row["patient"], row["referral"] or mhct)
        if referral not in earned:
            earned.add(referral)
            if ours:
                add(lines, month, row["cluster"], "ASSESSMENT", price, 1, price["pence"])
    return lines


DAY_BASES = ("DAY", "ADMITTED", "NONADMITTED", "PERIOD")
BASES = ("DAY", "ADMITTED", "NONADMITTED", "PERIOD", "ASSESSMENT")
CLUSTERS = {"%02d" % n for n in range(22)} - {"09"}
OTHER = "other"  # the clusters in no group

# Days of the rules that terms may set, and what holds unless they do.
DAYS_UNLESS_AGREED = {
    "mhct_before_start_days": 14,
    "review_notice_days": 28,
    "short_after_referral_days": 14,
    "short_without_contact_days": 7,
    "no_contact_days": 180,
}
# Rules that are no ERROR unless terms say so. Every other rule of a row is one.
QUERY = set("C03 D11 M06 R01 R03 R04 R05".split())
WARN = set("P03 P04 P05 P07 P08 C01 K05 D10 M02 M04 M05 M07 R02 R06 R07 R08 A01 W01".split())


def half_away(x):
    """Round a fraction to a whole number, half away from zero."""
    if isinstance(x, int):
        return x
    whole = (abs(x.numerator) * 2 + x.denominator) // (2 * x.denominator)
    return whole if x >= 0 else -whole


@functools.lru_cache(maxsize=None)
def percent(text):
    return Fraction(text.rstrip("%")) / 100


@functools.lru_cache(maxsize=None)
def day(text):
    return datetime.date.fromisoformat(text).toordinal() if text else None


@functools.lru_cache(maxsize=None)
def first_of(month):
    return day(month + "-01")


@functools.lru_cache(maxsize=None)
def behind(month):
    """The first day behind a month."""
    return first_of(month) + calendar.monthrange(int(month[:4]), int(month[5:]))[1]


def months_to(year, month):
    """April of the financial year to the month given."""
    names = ["%04d-%02d" % (year + (m > 12), m - 12 * (m > 12)) for m in range(4, 16)]
    return names[: names.index(month) + 1]


@functools.lru_cache(maxsize=None)
def instant(text):
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))


class Terms:
    def __init__(self, version, body):
        self.version = version
        self.body = body
        self.year = body["financial_year"]
        self.year_begin = day("%d-04-01" % self.year)
        self.year_end = day("%d-04-01" % (self.year + 1))
        self.prices = {}  # by cluster
        for p in body["prices"]:
            price = dict(p)
            price["from"] = day(p.get("from")) or self.year_begin
            price["to"] = day(p.get("to")) or self.year_end
            price["one_day"] = (p["basis"], price, (1, p["pence"]))
            price["score"] = ("commissioner" in p) + ("service" in p)
            self.prices.setdefault(p["cluster"], []).append(price)
        self.factor = Fraction(body.get("factor", "1"))
        self.inclusive = body.get("day_count") == "end_inclusive"
        self.limit = DAYS_UNLESS_AGREED | body.get("thresholds", {})
        rules = body.get("rules", {})
        self.severities = rules.get("severities", {})
        self.stop = rules.get("stop_pay_when_overdue")
        self.out_of_scope = set(rules.get("out_of_scope_services", []))
        self.approval = rules.get("prior_approval", {})
        self.adult_only = rules.get("adult_only", False)
        self.require_mhct = rules.get("require_mhct", True)
        self.groups = {c: g["group"] for g in body.get("volume_bands", []) for c in g["clusters"]}
        # Days on which some price of a cluster begins or ends: between them the prices are the same.
        self.turns = {c: sorted({p["from"] for p in ps} | {p["to"] for p in ps}) for c, ps in self.prices.items()}
        self.between = {}  # prices between two turns, worked out once
        self.stays = {}  # priced days of rows that are alike

    def is_error(self, rule):
        if rule == "M03":
            return self.require_mhct
        return self.severities.get(rule, "ERROR" if rule not in QUERY | WARN else "") == "ERROR"

    def matching(self, commissioner, service, cluster, bases, when):
        """The most specific prices that hold: {basis: price}."""
        best, found = -1, {}
        for p in self.prices.get(cluster, ()):
            if p["basis"] not in bases or not p["from"] <= when < p["to"]:
                continue
            if p.get("commissioner", commissioner) != commissioner or p.get("service", service) != service:
                continue
            if p["score"] > best:
                best, found = p["score"], {}
            if p["score"] == best:
                found[p["basis"]] = p
        return found

    def on_day(self, commissioner, service, cluster, when):
        """Prices of a day: {"DAY": price}, {"ADMITTED": .., "NONADMITTED": ..}, {"PERIOD": ..} or nothing."""
        turn = bisect.bisect_right(self.turns.get(cluster, ()), when)
        key = (commissioner, service, cluster, turn)
        if key not in self.between:
            self.between[key] = self.matching(commissioner, service, cluster, DAY_BASES, when)
        return self.between[key]

    def assessment(self, commissioner, service, cluster, when):
        return self.matching(commissioner, service, cluster, ("ASSESSMENT",), when).get("ASSESSMENT")

    def group(self, cluster):
        return self.groups.get(cluster, OTHER)

    def group_names(self):
        return [g["group"] for g in self.body.get("volume_bands", [])] + [OTHER]


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


# Plan


class NoPlan(Exception):
    """Why the plan of a month cannot be computed."""


def applies(entry, commissioner):
    return entry.get("commissioner") in (None, commissioner)


def stated_plan(terms, commissioner, month):
    """The planned sum of a month that is stated so, else None."""
    sums = [s["pence"] for s in terms.body.get("plan", {}).get("sums", [])
            if s["month"] == month and applies(s, commissioner)]
    return sum(sums) if sums else None


def planned_units(terms, annual, commissioner, month, k):
    """Planned value of a month before the factor: {group of the annual terms: pence}."""
    by_group = {}
    first = first_of(month)
    for line in terms.body.get("plan", {}).get("lines", []):
        units = line["units"][k]
        if not units or not applies(line, commissioner):
            continue
        service = line.get("service", "")
        if line["basis"] == "ASSESSMENT":
            price = terms.assessment(commissioner, service, line["cluster"], first)
        else:
            price = terms.on_day(commissioner, service, line["cluster"], first).get(line["basis"])
        if price is None:
            raise NoPlan("a plan without a price")
        value = units * price["pence"]
        if line["basis"] == "PERIOD":
            value = half_away(Fraction(value, price["period_days"]))
        group = annual.group(line["cluster"])
        by_group[group] = by_group.get(group, 0) + value
    return by_group


def plan_of(terms, annual, commissioner, month, k):
    """Planned value of a month with its factor: (sum, {group: pence}). A stated sum has its factor in it."""
    stated = stated_plan(terms, commissioner, month)
    if stated is not None:
        if annual.body.get("volume_bands"):
            raise NoPlan("volume bands need a plan in units")
        return stated, {}
    before = planned_units(terms, annual, commissioner, month, k)
    with_factor = {g: half_away(v * terms.factor) for g, v in before.items()}
    return sum(with_factor.values()), with_factor


# Bands


def pay_by_bands(bands, base, amount):
    paid = 0
    low = 0
    for band in bands:
        high = half_away(base * percent(band["to"])) if "to" in band else None
        part = max(0, (amount if high is None else min(amount, high)) - low)
        paid += half_away(part * percent(band["pay"]))
        low = low if high is None else max(low, high)
    return paid


def risk_bands(share):
    """(bands over the plan, bands under it); None where that side is paid in full."""
    preset = share.get("preset")
    if preset is None:
        return share.get("over"), share.get("under")

    def side(pay):
        if preset == "block":
            return [{"pay": "0%"}]
        if preset == "gain_loss_share":
            return [{"pay": share[pay]}]
        inside = {"dead_band": "0%", "tolerance": "100%"}[preset]
        return [{"to": share["to"], "pay": inside}, {"pay": share[pay]}]

    return (None, None) if preset == "none" else (side("pay_over"), side("pay_under"))


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


def instalment(eacv, k):
    """What instalments 1 to k come to; instalment k is the difference from k - 1."""
    return half_away(Fraction(eacv * k, 12))


# Sampling. api/formats/sampling.md has the rules; whole numbers alone, so that every program draws the same.

SAMPLE_COLUMNS = ["seed", "method", "size", "nonce", "pick", "month", "row_no", "tag", "cluster", "team", "pence",
                  "reason", "second_cluster", "payable_days", "remark"]
SAMPLE_OURS = 12  # of these the columns that must come back as they were written
NONCE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}\Z")
CELL = re.compile(r'(?:"((?:[^"]|"")*)"|([^",]*))(,|\Z)')
SAMPLE_CLUSTERS = {"%02d" % n for n in range(22) if n != 9}


class SampleRefused(Exception):
    """What is wrong with a sample or its working paper, in words."""


def up(numerator, denominator):
    """numerator / denominator, rounded up to a whole number."""
    return -(-numerator // denominator)


def sample_seed(root, nonce):
    return hashlib.sha256(b"reckoner/sample/1\n" + root + nonce.encode()).digest()


def sample_rank(seed, row):
    return hashlib.sha256(seed + ("%s/%d" % (row["month"], row["row_no"])).encode()).digest()


def sample_draw(rows, method, size, seed):
    """rows: dicts with month, row_no, tag, cluster, team, pence. The sample: what was drawn, from what, and why."""
    rows = sorted(rows, key=lambda row: (row["month"], row["row_no"]))
    reached = [row for row in rows if method == "random" or row["pence"] > 0]
    total = sum(row["pence"] for row in reached)
    if not reached:
        raise SampleRefused("there is no row to draw")
    if method == "mus" and total < size:
        raise SampleRefused("there are fewer pence than hits")
    size = min(size, len(rows)) if method == "random" else size
    sample = {"rows": rows, "method": method, "size": size, "seed": seed, "total": total, "reached": len(reached)}
    if method == "random":
        ranked = sorted(((sample_rank(seed, row), row) for row in rows), key=lambda pair: pair[0])[:size]
        sample["picks"] = [
            dict(row=row, hits=1, certain=False,
                 reason="rank %d of %d by hash %s" % (n, len(rows), rank.hex()[:16]))
            for n, (rank, row) in enumerate(ranked, 1)]
    else:
        sample["picks"] = list(pick_units(reached, size, total, seed))
    return sample


def pick_units(rows, size, total, seed):
    """Monetary units: hit k falls on pence floor((k * total + start) / size) + 1 of the rows laid end to end."""
    start = int.from_bytes(hashlib.sha256(seed + b"start").digest(), "big") % total
    points = [(k * total + start) // size + 1 for k in range(size)]
    hit = before = 0
    for row in rows:
        first = hit
        while hit < size and points[hit] <= before + row["pence"]:
            hit += 1
        before += row["pence"]
        if hit == first:
            continue
        certain = row["pence"] * size >= total
        which = "hit %d" % hit if hit == first + 1 else "hits %d to %d" % (first + 1, hit)
        yield dict(row=row, hits=hit - first, certain=certain, reason="%s at pence %d of %d%s" % (
            which, points[first], total, "; certain: worth the interval" if certain else ""))


def paper_cells(sample, nonce, number):
    """The cells of pick `number` (from 0) that the auditor leaves as they are."""
    pick = sample["picks"][number]
    row = pick["row"]
    team = "'" + row["team"] if row["team"][:1] in ("=", "+", "-", "@", "\t", "\r") else row["team"]
    return [sample["seed"].hex(), sample["method"], str(sample["size"]), nonce, str(number + 1), row["month"],
            str(row["row_no"]), row["tag"], row["cluster"], team, str(row["pence"]), pick["reason"]]


def paper_write(sample, nonce):
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(SAMPLE_COLUMNS)
    for number in range(len(sample["picks"])):
        writer.writerow(paper_cells(sample, nonce, number) + ["", "", ""])
    return text.getvalue()


def cells_of(line):
    """The cells of a line of CSV; None: a quote is where none can be."""
    cells, at = [], 0
    while True:
        cell = CELL.match(line, at)
        if cell is None:
            return None
        cells.append(cell[2] if cell[1] is None else cell[1].replace('""', '"'))
        at = cell.end()
        if cell[3] == "":
            return cells


def paper_lines(data):
    """The lines of a working paper as lists of cells; no cell holds a line end."""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise SampleRefused("the paper is not UTF-8; save it as CSV UTF-8") from None
    lines = [line[:-1] if line.endswith("\r") else line for line in text.split("\n")]
    if lines and lines[-1] == "":
        lines.pop()
    for number, line in enumerate(lines, 1):
        if re.search("[\x00-\x1f\x7f]", line) or len(line.encode()) > 4096:
            raise SampleRefused("line %d: a control character, or longer than 4,096 bytes" % number)
        cells = cells_of(line)
        if cells is None:
            raise SampleRefused("line %d: a quote is where none can be" % number)
        if len(cells) != len(SAMPLE_COLUMNS):
            raise SampleRefused("line %d: a paper has 15 columns, parted by commas" % number)
        if number == 1 and cells != SAMPLE_COLUMNS:
            raise SampleRefused("the header is not that of a working paper")
        if number > 1:
            yield number, cells


def paper_heading(data):
    """Method, size and nonce of the sample that a paper belongs to."""
    for number, cells in paper_lines(data):
        method, size, nonce = cells[1:4]
        if method not in ("random", "mus") or not re.fullmatch("[1-9][0-9]{0,3}", size) or not NONCE.match(nonce):
            raise SampleRefused("line %d: method, size or nonce are none" % number)
        return method, int(size), nonce
    raise SampleRefused("the paper has no line behind its header")


def judgement(cells, number):
    second, days, remark = cells[SAMPLE_OURS:]
    if second not in SAMPLE_CLUSTERS | {"", "none"}:
        raise SampleRefused("line %d: second_cluster is a cluster of two digits, or none" % number)
    if days and not (re.fullmatch("[0-9]+", days) and int(days) <= 31):
        raise SampleRefused("line %d: payable_days is a number from 0 to 31" % number)
    if second == "none" and days and int(days) > 0:
        raise SampleRefused("line %d: where the record bears out nothing, no day is payable" % number)
    if len(remark.encode()) > 1000:
        raise SampleRefused("line %d: the remark is longer than 1,000 bytes" % number)
    return {"second": second or None, "days": int(days) if days else None}


def paper_read(data, sample, nonce):
    """What the auditor found on each pick, in the order of the picks; lines may stand in any order."""
    found = {}
    for number, cells in paper_lines(data):
        pick = int(cells[4]) if re.fullmatch("[1-9][0-9]*", cells[4]) else 0
        if not 1 <= pick <= len(sample["picks"]) or pick in found:
            raise SampleRefused("line %d: no pick of that number, or twice" % number)
        ours = paper_cells(sample, nonce, pick - 1)
        for name, cell, wanted in zip(SAMPLE_COLUMNS, cells, ours):
            if cell != wanted:
                raise SampleRefused("line %d, %s: not what the sample drawn again has there" % (number, name))
        found[pick] = judgement(cells, number)
    if len(found) < len(sample["picks"]):
        raise SampleRefused("picks of the sample are missing from the paper")
    return [found[n] for n in sorted(found)]


def poisson_factors(confidence, errors):
    """The mean, in millionths, at which so many errors or fewer are seen with the probability 1 - confidence."""
    scale, out, low = 1 << 160, [], 0

    def enough(k, mean):
        below, term, i = 0, scale, k
        while term:
            below, term, i = below + term, term * i * 1000000 // mean, i - 1
        above, term, i = 0, scale * mean // 1000000 // (k + 1), k + 1
        while term:
            above, term, i = above + term, term * mean // ((i + 1) * 1000000), i + 1
        return below * confidence <= above * (100 - confidence)
    for k in range(errors + 1):
        high = low + 4000000
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (low, middle) if enough(k, middle) else (middle, high)
        out.append(high)
        low = high
    return out


STUDENT = {80: (1281552, 846585, 570891, 258517), 90: (1644854, 1523769, 1420203, 983002),
           95: (1959964, 2372271, 2822499, 2555850)}


def student_t(confidence, freedom):
    """Millionths; Fisher's expansion about the normal deviate."""
    return sum((2 * term + freedom ** k) // (2 * freedom ** k) for k, term in enumerate(STUDENT[confidence]))


class Evaluation:
    """found: for each pick None, or {"second", "days", "agreed", "pence"}: the judgement, and what the row adds so."""

    def __init__(self, sample, found, nonce, statement, confidence):
        self.sample, self.found, self.nonce, self.confidence = sample, found, nonce, confidence
        self.statement = statement
        self.rows, self.size, self.total = len(sample["rows"]), sample["size"], sample["total"]
        self.complete = all(f is not None for f in found)
        self.few_errors = False
        pairs = list(zip(sample["picks"], found))
        wrong = sum(1 for pick, f in pairs if f and f["pence"] != pick["row"]["pence"])
        disagreed = sum(pick["hits"] for pick, f in pairs if f and f["second"] and not f["agreed"])
        self.factor = poisson_factors(confidence, max(wrong, disagreed))

    def of(self, team):
        return [(pick, f) for pick, f in zip(self.sample["picks"], self.found)
                if team is None or pick["row"]["team"] == team]

    def agreement(self, pairs):
        compared = sum(pick["hits"] for pick, f in pairs if f and f["second"])
        agreed = sum(pick["hits"] for pick, f in pairs if f and f["second"] and f["agreed"])
        all_rows = self.sample["method"] == "random" and self.size == self.rows and compared == len(pairs)
        if not compared:
            return {"compared": 0, "agreed": 0, "rate_ppm": None, "disagreement_upper_ppm": None}
        bound = (compared - agreed) * 1000000 if all_rows else self.factor[compared - agreed]
        return {"compared": compared, "agreed": agreed, "rate_ppm": half_away(Fraction(agreed * 1000000, compared)),
                "disagreement_upper_ppm": min(1000000, up(bound, compared))}

    @staticmethod
    def errors(pairs):
        seen = [(pick["row"]["pence"], f["pence"]) for pick, f in pairs if f]
        over = sum(max(0, booked - found) for booked, found in seen)
        under = sum(max(0, found - booked) for booked, found in seen)
        return {"picks": len(pairs), "examined": len(seen), "differing": sum(1 for b, f in seen if b != f),
                "booked_pence": sum(b for b, _ in seen), "found_pence": sum(f for _, f in seen), "over_pence": over,
                "under_pence": under, "gross_pence": over + under, "net_pence": over - under}

    def estimate(self, pairs, team):
        if not self.complete:
            return None
        errors = [(pick, pick["row"]["pence"] - f["pence"]) for pick, f in pairs]
        return self.by_mean(errors, team) if self.sample["method"] == "random" else self.by_units(errors, team)

    def by_mean(self, errors, team):
        all_rows = self.size == self.rows
        with_range = all_rows or len(errors) >= 30
        if team is None and not all_rows and sum(1 for _, e in errors if e) < 20:
            self.few_errors = True
        out = {}
        for name, values in (("net", [e for _, e in errors]), ("gross", [abs(e) for _, e in errors])):
            pence = half_away(Fraction(sum(values) * self.rows, self.size))
            half = self.half_range(values) if with_range and not all_rows else 0
            low = max(0, pence - half) if name == "gross" else pence - half
            out.update({name + "_pence": pence, name + "_low_pence": low if with_range else None,
                        name + "_high_pence": pence + half if with_range else None})
        return out

    def half_range(self, values):
        n, rows = self.size, self.rows
        spread = up(n * sum(v * v for v in values) - sum(values) ** 2, n - 1)
        variance = up(rows * (rows - n) * spread, n * n)
        root = math.isqrt(variance)
        root += root * root < variance
        return up(root * student_t(self.confidence, n - 1), 1000000)

    def by_units(self, errors, team):
        below = sum(row["pence"] for row in self.sample["rows"] if row["pence"] > 0
                    and row["pence"] * self.size < self.total and (team is None or row["team"] == team))
        beyond = any(-e > pick["row"]["pence"] for pick, e in errors if not pick["certain"])
        over, over_upper = self.side([(pick, e) for pick, e in errors if e > 0], below)
        under, under_upper = self.side([(pick, -e) for pick, e in errors if e < 0], below)
        known = sum(e for pick, e in errors if pick["certain"] and e > 0)
        return {"over_pence": over, "over_upper_pence": min(over_upper, known + below), "under_pence": under,
                "under_upper_pence": None if beyond else under_upper, "net_pence": over - under,
                "gross_pence": over + under}

    def side(self, errors, below):
        """Projected error and its Stringer bound: taintings in falling order, each with what its factor adds."""
        known = sum(e for pick, e in errors if pick["certain"])
        taintings = [Fraction(e, pick["row"]["pence"]) for pick, e in errors if not pick["certain"]]
        taintings.sort(reverse=True)
        interval = Fraction(self.total, self.size)
        projected = sum(half_away(t * interval) for t in taintings)
        bound = math.ceil(self.factor[0] * interval / 1000000) if below else 0
        for j, t in enumerate(taintings, 1):
            bound += math.ceil((self.factor[j] - self.factor[j - 1]) * t * interval / 1000000)
        return known + projected, known + bound

    def part(self, team):
        pairs = self.of(team)
        return {"estimate": self.estimate(pairs, team), "agreement": self.agreement(pairs),
                "errors": self.errors(pairs)}

    def notes(self):
        random, out = self.sample["method"] == "random", []
        beyond = any(f["pence"] - pick["row"]["pence"] > pick["row"]["pence"] for pick, f in self.of(None)
                     if f and not pick["certain"])
        for so, code in ((not self.complete, "not_all_examined"),
                         (self.complete and random and self.size < min(30, self.rows), "few_rows"),
                         (self.few_errors, "few_errors"),
                         (self.complete and not random and beyond, "understated_beyond_value"),
                         (not random and self.sample["reached"] < self.rows, "rows_not_reached")):
            out += [code] if so else []
        return out

    def result(self):
        rows, sample = self.sample["rows"], self.sample
        negative = [row["pence"] for row in rows if row["pence"] < 0]
        teams = sorted({pick["row"]["team"] for pick in sample["picks"]}, key=str.encode)
        out = {"@purpose": "reckoner/sample-result/1", "statement": self.statement, "seed": sample["seed"].hex(),
               "nonce": self.nonce, "method": sample["method"], "size": self.size, "confidence": self.confidence,
               "interval_pence": self.total // self.size if sample["method"] == "mus" else None,
               "population": {"rows": len(rows), "pence": sum(row["pence"] for row in rows),
                              "reached_rows": sample["reached"], "reached_pence": self.total,
                              "zero_rows": sum(1 for row in rows if row["pence"] == 0),
                              "negative_rows": len(negative), "negative_pence": sum(negative)},
               "by_team": []}
        out.update(self.part(None))
        for team in teams:
            mine = [row["pence"] for row in rows if row["team"] == team]
            out["by_team"].append(dict(self.part(team), team=team, rows=len(mine), pence=sum(mine)))
        out["notes"] = self.notes()
        return out


def position(case):
    try:
        return compute(dict(case))
    except (Parked, NoPlan) as why:
        return {"parked": str(why)}


def answer(text):
    return json.dumps(position(json.loads(text)), sort_keys=True)


def main(arguments):
    if arguments[:1] != ["position"]:
        print(__doc__, file=sys.stderr)
        return 2
    arguments = arguments[1:]
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
