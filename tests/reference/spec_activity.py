"""From rows to units by (month, cluster, basis, price), for the second implementation: row by row and day by day."""

import calendar
import csv
import datetime
import functools
import io
from fractions import Fraction

from spec_terms import behind, day, first_of, half_away

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
    as it was then."""
    for key in ((month, row["number"]), (month, row["episode"])):
        for change in changes.get(key, ()):
            if all((row["sent"].get(name) or "") == value for name, value in change.get("was", {}).items()):
                said = {name: change[name] for name in ("cluster", "payable_days", "not_payable") if name in change}
                row = row | said | {"commissioner": change.get("to", row["commissioner"])}
    return row


@functools.lru_cache(maxsize=None)
def after_months(start, months):
    """The same day some months later, or the last day of that month."""
    start = datetime.date.fromordinal(start)
    year, month = divmod(start.year * 12 + start.month - 1 + months, 12)
    last = calendar.monthrange(year, month + 1)[1]
    return datetime.date(year, month + 1, min(start.day, last)).toordinal()


def review_due(clusters, row):
    if row["cluster"] not in clusters or row["mhct"] is None:
        return None
    length, unit = clusters[row["cluster"]]
    return row["mhct"] + length if unit == "day" else after_months(row["mhct"], length)


def under_18(birth, last):
    """On the last day. Who was born on a 29 February is a year older on 1 March."""
    if birth is None:
        return False
    born = datetime.date.fromordinal(birth)
    leap_day = (born.month, born.day) == (2, 29)
    coming_of_age = datetime.date(born.year + 18, 3, 1) if leap_day else born.replace(year=born.year + 18)
    return last < coming_of_age.toordinal()


# Rules that depend on terms


def beyond_thresholds(limit, clusters, month, row):
    """Which of M05, R02, R03, R05 and R06 a row fails by its days."""
    last = behind(month) - 1
    start, end, mhct, contact = row["start"], row["end"], row["mhct"], row["contact"]
    failed = set()
    if start and mhct and start - mhct > limit["mhct_before_start_days"]:
        failed.add("M05")
    if row["assessment_only"]:
        return failed
    due = review_due(clusters, row)
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


def lacks_price(terms, clusters, commissioner, month, row):
    """K06: a day of service without a price; of an assessment alone, its day."""
    if row["start"] is None or row["cluster"] not in clusters:
        return False
    if row["assessment_only"]:
        inside = row["mhct"] and first_of(month) <= row["mhct"] < behind(month)
        return bool(inside) and terms.assessment(commissioner, row["service"], row["cluster"], row["mhct"]) is None
    return any(price is None for _, price, _ in priced_days(terms, clusters, commissioner, month, row))


def payable(terms, clusters, commissioner, month, row):
    """No ERROR is in force on the row under the terms, and no decision makes it unpayable."""
    if row["not_payable"]:
        return False
    failed = set(row["failed"]) | beyond_thresholds(terms.limit, clusters, month, row)
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
    return not (terms.is_error("K06") and lacks_price(terms, clusters, commissioner, month, row))


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


def last_paid_day(terms, clusters, row):
    """The last day that stop_pay_when_overdue counts; None: no end."""
    due = review_due(clusters, row) if terms.stop else None
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


def priced_days(terms, clusters, commissioner, month, row):
    """Each counted day of the row in the month, in order. Rows alike in what decides it are worked out once."""
    if row["assessment_only"] or row["start"] is None:
        return []
    closing_day = terms.inclusive and not row["continues"]
    stop = last_paid_day(terms, clusters, row)
    kind = (month, row["start"], row["end"], closing_day, stop, row["cluster"], row["service"], row["admitted"])
    if kind not in terms.stays:
        days = counted_days(month, row["start"], row["end"], closing_day, stop)
        terms.stays[kind] = [price_day(terms, commissioner, row, nth, when) for nth, when in enumerate(days)]
    return terms.stays[kind]


def add(lines, month, cluster, basis, price, units, pence):
    key = (month, cluster, basis, price["pence"])
    old_units, old_pence = lines.get(key, (0, 0))
    lines[key] = (old_units + units, old_pence + pence)


def value_days(terms, clusters, commissioner, month, row, lines):
    """The earliest payable days; without a decision all of them."""
    for basis, price, (units, pence) in priced_days(terms, clusters, commissioner, month, row)[: row["payable_days"]]:
        if units:
            add(lines, month, row["cluster"], basis, price, units, pence)


def assessed(month, row):
    claims = row["assessment_only"] or row["reason"] == "10"
    return claims and row["mhct"] is not None and first_of(month) <= row["mhct"] < behind(month)


def activity(case, force, months, clusters, changes):
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
            if not payable(terms, clusters, mine, month, row):
                continue
            if ours:
                value_days(terms, clusters, mine, month, row, lines)
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
