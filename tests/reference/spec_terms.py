"""What a version of the terms says, for the second implementation: prices by day, severities, plan, bands.

Days are ordinals (datetime.date.toordinal), months "2012-04", shares exact fractions.
"""

import bisect
import calendar
import datetime
import functools
from fractions import Fraction

DAY_BASES = ("DAY", "ADMITTED", "NONADMITTED", "PERIOD")
BASES = ("DAY", "ADMITTED", "NONADMITTED", "PERIOD", "ASSESSMENT")
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
