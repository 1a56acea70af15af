"""How many findings the rules that look back at earlier months (D11, R07) must make, counted from the uploads
themselves and the description of the rules. No fault is planted for them: they are about what the trusts' patients do,
and about faults of one month that are mended in the next."""

import calendar
import csv
import datetime
import pathlib

from expect import CURRENCY, date_of

CONFIG = pathlib.Path(__file__).resolve().parents[2] / "config"


def table(name):
    lines = (CONFIG / name).read_text(encoding="utf-8").splitlines()
    return {row["code"]: row for row in csv.DictReader(line for line in lines if not line.startswith("#"))}


def review_due(assessed, period):
    """A month without that day gives its last day."""
    if period["review_unit"] == "day":
        return assessed + datetime.timedelta(days=int(period["review"]))
    months = assessed.year * 12 + assessed.month - 1 + int(period["review"])
    year, month = months // 12, months % 12 + 1
    return datetime.date(year, month, min(assessed.day, calendar.monthrange(year, month)[1]))


class Row:
    """What is compared of a row; None where it cannot be."""

    def __init__(self, values, month):
        first = datetime.date.fromisoformat(month + "-01")
        behind = (first + datetime.timedelta(days=31)).replace(day=1)
        end = date_of(values["end_date"])
        self.start = date_of(values["start_date"]) or None
        self.patient = values["patient_id"] if 0 < len(values["patient_id"]) <= 20 else None
        cluster = values["cluster"].zfill(2) if values["cluster"] else ""
        self.cluster = cluster if cluster in CURRENCY else None
        self.open = values["end_date"] == ""
        possible = end and first <= end <= behind and not (self.start and end < self.start)
        self.end = end if possible else None
        self.episode = values["episode_id"]
        self.assessed = None if values["assessment_only"] == "Y" else date_of(values["mhct_date"]) or None


def came_changed(now, before):
    for member in ("patient", "cluster", "start"):
        was, is_now = getattr(before, member), getattr(now, member)
        if was is not None and is_now is not None and was != is_now:
            return True
    return before.end is not None and (now.open or (now.end is not None and now.end > before.end))


class LookBack:
    """Takes a provider's accepted uploads in the order in which they were sent."""

    def __init__(self):
        self.months = {}  # month -> rows of the newest upload
        self.prices = {code: int(row["pence_per_day"]) for code, row in table("reference_prices.csv").items()}
        self.periods = table("clusters.csv")

    def accept(self, path, month):
        """Takes the upload and returns how many findings each rule must make of it."""
        with open(path, newline="", encoding="utf-8") as file:
            rows = [Row(values, month) for values in csv.DictReader(file)]
        earlier = [(m, self.months[m]) for m in sorted(self.months) if m < month]
        self.months[month] = rows
        return {"D11": self.changed(rows, earlier), "R07": self.too_soon(rows, earlier)}

    @staticmethod
    def changed(rows, earlier):
        newest = {before.episode: before for _, month in earlier for before in month}
        return sum(row.episode in newest and came_changed(row, newest[row.episode]) for row in rows)

    def too_soon(self, rows, earlier):
        """Assessments that no earlier month brought, soon after a cheaper one of the same patient."""
        known = {}  # patient -> day -> cluster, as the newest month has it
        seen = set()
        for _, month in earlier:
            for row in month:
                if row.patient and row.cluster and row.assessed:
                    known.setdefault(row.patient, {})[row.assessed] = row.cluster
                    seen.add((row.patient, row.assessed, row.cluster))
        fresh = {(row.patient, row.assessed, row.cluster) for row in rows
                 if row.patient and row.cluster and row.assessed}
        for patient, day, cluster in sorted(fresh):
            known.setdefault(patient, {})[day] = cluster
        return sum(self.is_too_soon(cluster, day, known[patient]) for patient, day, cluster in fresh - seen)

    def is_too_soon(self, cluster, day, assessments):
        before = max((other for other in assessments if other < day), default=None)
        if before is None or self.prices[cluster] <= self.prices[assessments[before]]:
            return False
        due = review_due(before, self.periods[assessments[before]])
        return 2 * (day - before) < due - before
