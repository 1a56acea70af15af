"""Random contract-years for the Python tests: terms of every kind, and a trust's rows month by month with faults."""

import calendar
import datetime

import harness

MONTHS = ("2012-04", "2012-05", "2012-06", "2012-07", "2012-08")
# Each kind is dealt to one contract of a year at least; beyond that it is left to chance.
KINDS = ("bands", "risk_share", "cap", "cquin", "withholds", "block", "shadow", "on_account", "factor", "overdue",
         "inclusive", "service")
CLUSTERS = {"02": "A", "04": "A", "05": "A", "07": "A", "11": "B", "13": "B", "14": "B", "16": "B", "18": "C",
            "20": "C"}
# A fault each, by rules of several groups; what is not payable stays in the commitments.
FAULTS = ({"cluster": "99"}, {"start_date": ""}, {"h1": "7"}, {"admitted_days": "40"}, {"nhs_number_status": "09"},
          {"birth_date": "2013-01-01"}, {"super_class": "C"}, {"h2": "9"}, {"mhct_date": ""}, {"cluster": ""},
          {"end_date": "2012-01-20"}, {"mhct_reason": "31"}, {"cluster": "00", "super_class": ""})


def length(month):
    return calendar.monthrange(int(month[:4]), int(month[5:]))[1]


def day_of(rng, month):
    return f"{month}-{rng.randint(1, length(month)):02}"


def day_after(month):
    return (datetime.date.fromisoformat(f"{month}-{length(month)}") + datetime.timedelta(days=1)).isoformat()


def deal(rng, contracts):
    """The kinds of each contract."""
    dealt = [{kind for kind in KINDS if rng.random() < 0.3} - {"shadow", "on_account"} for _ in range(contracts)]
    for n, kind in enumerate(rng.sample(KINDS, len(KINDS))):
        dealt[n % contracts].add(kind)
    return dealt


def prices(rng, clusters, kinds):
    listed = []
    for cluster in clusters:
        basis = rng.choice(("DAY", "DAY", "ADMITTED", "PERIOD"))
        line = {"cluster": cluster, "basis": basis, "pence": rng.randint(0, 40_000)}
        listed.append(line)
        if basis == "ADMITTED":
            listed.append(line | {"basis": "NONADMITTED", "pence": rng.randint(1, 9_999)})
        elif basis == "PERIOD":
            line |= {"period_days": rng.choice((7, 28, 31, 90)), "renewable": rng.random() < 0.5}
        elif rng.random() < 0.4:
            listed[-1] = line | {"to": "2012-06-15"}
            listed.append(line | {"from": "2012-06-15", "pence": rng.randint(1, 40_000)})
        if basis == "DAY" and "service" in kinds:
            listed.append(line | {"service": "EIP1", "pence": rng.randint(1, 9_999)})
        if rng.random() < 0.5:
            listed.append({"cluster": cluster, "basis": "ASSESSMENT", "pence": rng.randint(1, 30_000)})
    return listed


def plan(rng, listed):
    keys = sorted({(price["cluster"], price["basis"]) for price in listed})
    most = {"DAY": 90, "ADMITTED": 40, "NONADMITTED": 60, "PERIOD": 4, "ASSESSMENT": 3}
    return {"lines": [{"cluster": cluster, "basis": basis,
                       "units": [rng.randint(0, most[basis]) for _ in range(12)]} for cluster, basis in keys]}


def sharing(rng, kinds):
    share = {}
    if "risk_share" in kinds:
        one, two = (f"{rng.randint(0, 100)}%" for _ in range(2))
        share |= rng.choice((
            {"preset": rng.choice(("dead_band", "tolerance")), "to": f"{rng.randint(1, 9)}%", "pay_over": one,
             "pay_under": two},
            {"preset": "block"}, {"preset": "gain_loss_share", "pay_over": one, "pay_under": two},
            {"over": [{"to": f"{rng.randint(1, 9)}%", "pay": one}, {"to": "20.5%", "pay": two}, {"pay": "10%"}]}))
    if "cap" in kinds:
        share["cap"] = f"{rng.randint(0, 90)}%"
        if rng.random() < 0.5:
            share["collar"] = f"{rng.randint(0, 90)}%"
    return share


def cquin(rng):
    first = rng.randint(1, 99)
    lowest, middle = rng.randint(1, 50), rng.randint(51, 90)
    return {"rate": f"{rng.randint(1, 25) / 10}%", "on_account": f"{rng.randint(0, 100)}%",
            "exclude": {"stages": rng.sample(["block", "adjustment"], rng.randint(1, 2))},
            "indicators": [
                {"id": "reviews", "label": "Reviews", "weight": f"{first}%", "measure": "linear",
                 "thresholds": [{"at": f"{lowest}%", "earns": f"{lowest}%"}, {"at": f"{middle}%", "earns": "100%"}]},
                {"id": "health", "label": "Health checks", "weight": f"{100 - first}%", "measure": "step",
                 "thresholds": [{"at": f"{middle}%", "earns": "100%"}]}]}


def terms(rng, commissioner, kinds, clusters):
    """Terms of these kinds; whether they are sound, the linter knows."""
    listed = prices(rng, clusters, kinds)
    made = {"prices": listed, "calendar": {
        "flex": {"operational_days": 10}, "freeze": {"operational_days": 25}, "challenge": {"operational_days": 200},
        "answer": {"operational_days": 20}}}
    if {"bands", "risk_share", "cap", "on_account"} & kinds or rng.random() < 0.3:
        made["plan"] = plan(rng, listed)
    if "bands" in kinds:
        made["volume_bands"] = [{"group": "g", "clusters": sorted(rng.sample(clusters, 2)), "bands": [
            {"to": "100%", "pay": "100%"}, {"to": f"{rng.randint(101, 150)}%", "pay": f"{rng.randint(0, 99)}%"},
            {"pay": f"{rng.randint(0, 60)}%"}]}]
    if {"risk_share", "cap"} & kinds:
        made["risk_share"] = sharing(rng, kinds)
    if "cquin" in kinds:
        made["cquin"] = cquin(rng)
    if "withholds" in kinds:
        made["withholds"] = [{"id": "quality", "label": "Quality of data", "share": f"{rng.randint(1, 60)}%"}]
    if "block" in kinds:
        made["block"] = [{"month": month, "pence": rng.randint(1, 900_000), "label": "Liaison team"}
                         for month in rng.sample(MONTHS, 3)]
    if "on_account" in kinds:
        made["billing"] = {"method": "on_account", "eacv_pence": rng.randint(1, 30_000_000)}
    if "factor" in kinds:
        made["factor"] = f"{rng.randint(950_000, 1_050_000) / 1_000_000:.6f}"
    if "overdue" in kinds:
        made["rules"] = {"stop_pay_when_overdue": {"grace_days": rng.randint(0, 40)}}
    if "inclusive" in kinds:
        made["day_count"] = "end_inclusive"
    return harness.simple_terms("RXA", commissioner, mode="shadow" if "shadow" in kinds else "live", **made)


class Caseload:
    """The trust's patients of some commissioners, priced clusters by commissioner; rows by month."""

    def __init__(self, rng, clusters):
        self.rng = rng
        self.clusters = clusters
        self.number = 0
        self.episodes = [self.opened(code, "2012-04") for code in clusters for _ in range(5)]

    def opened(self, commissioner, month, patient=None, start=None):
        rng = self.rng
        self.number += 1
        cluster = rng.choice(self.clusters[commissioner])
        start = start or rng.choice((f"2012-02-{rng.randint(1, 28):02}", day_of(rng, month)))
        return {"commissioner": commissioner, "cluster": cluster, "cluster_initial": cluster,
                "super_class": CLUSTERS[cluster], "episode_id": f"E{self.number}",
                "patient_id": patient or f"P{self.number}", "start_date": start, "mhct_date": start,
                "referral_date": min(start, "2012-01-10"), "service": rng.choice(("CMHT1", "EIP1"))}

    def month(self, month):
        """The month as the trust first sends it; episodes end, patients move on to another cluster."""
        rng, rows, standing = self.rng, [], []
        for episode in self.episodes:
            row = harness.row(0, month, **episode)
            if rng.random() < 0.2 and episode["start_date"] < month:
                end = row["end_date"] = day_of(rng, month)
                if rng.random() < 0.7:
                    after = self.opened(episode["commissioner"], month, episode["patient_id"], end)
                    rows.append(harness.row(0, month, **after))
                    standing.append(after)
            else:
                standing.append(episode)
            if rng.random() < 0.3:
                row["admitted_days"] = str(rng.randint(0, 6))
            rows.append(row)
        self.episodes = standing
        for code in self.clusters:
            if rng.random() < 0.6:
                self.episodes.append(self.opened(code, day_after(month)[:7]))
            rows.append(self.assessed(code, month))
        for row in rng.sample(rows, len(rows) // 8):
            row |= rng.choice(FAULTS)
        rng.shuffle(rows)
        return rows

    def assessed(self, code, month):
        """An assessment alone, now and then of a patient whom another commissioner had assessed."""
        new = self.opened(code, month)
        day = day_of(self.rng, month)
        return harness.row(0, month, **new | {
            "patient_id": f"A{self.rng.randint(1, 9)}", "referral_date": "2012-02-01", "mhct_date": day,
            "start_date": day, "end_date": day}, assessment_only="Y", mhct_reason="10")

    def corrected(self, rows):
        """The month again: rows mended or spoilt, one more."""
        rng = self.rng
        again = [dict(row) for row in rows]
        for row in rng.sample(again, len(again) // 3):
            row |= rng.choice(FAULTS + tuple({"cluster": c, "super_class": CLUSTERS[c]}
                                             for c in self.clusters.get(row["commissioner"], ("04",)) * 6))
        code = rng.choice(sorted(self.clusters))
        month = rows[0]["month"]
        again.append(harness.row(0, month, **self.opened(code, month)))
        rng.shuffle(again)
        return again
