"""Writes deploy/demo/terms/*.json: the four contracts of the demonstration.

    python3 deploy/demo/make_terms.py FOLDER     (FOLDER: what `reckoner demo-data` wrote)

The terms are data that two parties agree, so the files are committed and this program is not part of any run. It is
kept because it says where the plans come from: the days of care that the generator makes, divided so that activity
stands above or below the plan by the share named here. Run it again when the generator changes.
"""

import collections
import csv
import datetime
import json
import pathlib
import sys

HERE = pathlib.Path(__file__).resolve().parent
MONTHS = ("2012-04", "2012-05", "2012-06")
DAYS = (30, 31, 30, 31, 31, 30, 31, 30, 31, 31, 28, 31)

# Pence for a day outside a ward, by cluster; published averages lie between 5 and 30 pounds.
COMMUNITY = {
    "01": 512, "02": 548, "03": 634, "04": 721, "05": 848, "06": 905, "07": 768, "08": 1052, "10": 1387, "11": 745,
    "12": 986, "13": 1315, "14": 2950, "15": 2710, "16": 1488, "17": 1604, "18": 587, "19": 812, "20": 1093,
    "21": 1398}
# Pence for a day on a ward; published averages lie between 319 and 366 pounds.
WARD = {cluster: 31900 + 235 * place for place, cluster in enumerate(COMMUNITY)}

PARTIES = {
    "RXA": {"name": "Alder Valley Mental Health NHS Trust", "address": ["Alder House", "1 Mill Lane", "Aldertown"],
            "vat": "GB 999 0001 01", "electronic_address": "0192:RXA"},
    "RXB": {"name": "Birch Hill Partnership NHS Trust", "address": ["Birch Hill", "Birchford"],
            "vat": "GB 999 0002 02", "electronic_address": "0192:RXB"},
    "5QE": {"name": "Eastmere PCT", "address": ["Eastmere House", "Eastmere"], "buyer_reference": "EM-2012-117"},
    "5QF": {"name": "Fenwick PCT", "address": ["2 Fen Street", "Fenwick"], "purchase_order": "FW-0042"},
    "5QG": {"name": "Greycliffe PCT", "address": ["The Moorings", "Greycliffe"], "buyer_reference": "GC-MH-12"}}


def days_of_care(folder, provider, commissioner):
    """{(month, cluster): (days on a ward, other days)} and assessments, of the last upload of each month."""
    care, assessed = collections.Counter(), collections.Counter()
    for month in MONTHS:
        first = datetime.date.fromisoformat(month + "-01")
        after = (first + datetime.timedelta(days=32)).replace(day=1)
        with open(folder / f"{provider}-{month}-3-late.csv", encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file):
                if row["commissioner"] != commissioner or row["cluster"] not in COMMUNITY:
                    continue
                if row["assessment_only"] or (row["mhct_reason"] == "10" and row["mhct_date"][:7] == month):
                    assessed[month, row["cluster"]] += 1
                if row["assessment_only"]:
                    continue
                start = max(datetime.date.fromisoformat(row["start_date"]), first)
                end = min(datetime.date.fromisoformat(row["end_date"]), after) if row["end_date"] else after
                days = max((end - start).days, 0)
                ward = min(int(row["admitted_days"] or 0), days)
                care[month, row["cluster"], "ADMITTED"] += ward
                care[month, row["cluster"], "NONADMITTED"] += days - ward
    for (month, cluster), number in assessed.items():
        care[month, cluster, "ASSESSMENT"] = number
    return care


def plan_lines(care, bases, above, zeros=()):
    """Plan such that the activity to date stands above it by each month's share (ten-thousandths). zeros: bases
    that are spoken of where nothing is planned too; under a risk share, a price that no line speaks of is a defect."""
    lines = []
    for cluster in COMMUNITY:
        for basis in bases:
            parts = ("ADMITTED", "NONADMITTED") if basis == "DAY" else (basis,)
            units, planned, actual = [], 0, 0
            for month, share in zip(MONTHS, above):
                actual += sum(care[month, cluster, part] for part in parts)
                to_date = max(actual * 10000 // (10000 + share), planned)
                units.append(to_date - planned)
                planned = to_date
            daily = planned * 1000 // sum(DAYS[:3])
            units += [daily * days // 1000 for days in DAYS[3:]]
            if any(units) or basis in zeros:
                lines.append({"cluster": cluster, "basis": basis, "units": units})
    return lines


def ward_prices(lift, assessment):
    """ADMITTED and NONADMITTED of each cluster, lifted by thousandths, and one price of an assessment."""
    lines = []
    for cluster, pence in COMMUNITY.items():
        lines.append({"cluster": cluster, "basis": "ADMITTED", "pence": WARD[cluster]})
        lines.append({"cluster": cluster, "basis": "NONADMITTED", "pence": pence * (1000 + lift) // 1000})
        lines.append({"cluster": cluster, "basis": "ASSESSMENT", "pence": assessment})
    return lines


def common(provider, commissioner, mode):
    terms = {
        "@purpose": "reckoner/terms/1", "mode": mode, "financial_year": 2012, "effective_from": "2012-04",
        "day_count": "end_exclusive",
        "billing": {"method": "actual", "bill_flex": False, "sanity_bound": "150%"},
        "calendar": {"flex": {"operational_days": 10}, "freeze": {"operational_days": 25}},
        "parties": {code: PARTIES[code] for code in (provider, commissioner)}}
    return terms


def tolerance(folder):
    """A: full pay within 2 % of the plan, 30 % beyond, cap 3 %, collar 5 %. April stands 7 % above the plan (the cap
    bites), April and May 0.5 % above, the quarter 6 % below (the risk share bites)."""
    care = days_of_care(folder, "RXA", "5QE")
    terms = common("RXA", "5QE", "live")
    terms["prices"] = ward_prices(0, 21000)
    # One price changes in the middle of a month.
    for at, line in enumerate(terms["prices"]):
        if line["cluster"] == "08" and line["basis"] == "NONADMITTED":
            terms["prices"][at:at + 1] = [line | {"to": "2012-05-16"}, line | {"from": "2012-05-16", "pence": 1079}]
            break
    terms["prices"] = pair_up(terms["prices"])
    terms["plan"] = {"lines": plan_lines(care, ("ADMITTED", "NONADMITTED", "ASSESSMENT"), (700, 50, -600)), "sums": []}
    bands = [{"to": "2%", "pay": "100%"}, {"pay": "30%"}]
    terms["risk_share"] = {"over": bands, "under": bands, "cap": "3%", "collar": "5%"}
    terms["rules"] = {"adult_only": True, "out_of_scope_services": ["LD9"]}
    return terms


def pair_up(prices):
    """ADMITTED and NONADMITTED come for the same days: splits the ADMITTED price where the other is split."""
    out = []
    for line in prices:
        if line["cluster"] == "08" and line["basis"] == "ADMITTED":
            out += [line | {"to": "2012-05-16"}, line | {"from": "2012-05-16"}]
        else:
            out.append(line)
    return out


def dead_band(folder):
    """B: the plan is paid within 2 %; beyond, 30 % of what is over and 50 % of what is under. The closing day counts.
    April 1 % above the plan (dead band), to May 4 % below, to June 3.5 % above."""
    care = days_of_care(folder, "RXA", "5QF")
    terms = common("RXA", "5QF", "live") | {"day_count": "end_inclusive", "factor": "1.0215"}
    terms["prices"] = ward_prices(30, 19500)
    lines = plan_lines(care, ("ADMITTED", "NONADMITTED", "ASSESSMENT"), (100, -400, 350), zeros=("ASSESSMENT",))
    terms["plan"] = {"lines": lines, "sums": []}
    terms["risk_share"] = {"over": [{"to": "2%", "pay": "0%"}, {"pay": "30%"}],
                           "under": [{"to": "2%", "pay": "0%"}, {"pay": "50%"}]}
    terms["rules"] = {"prior_approval": {"clusters": ["16"]}, "severities": {"K05": "QUERY"}}
    return terms


def incentive(folder):
    """C: activity, a block sum, and CQUIN with two indicators, one between thresholds and one by steps."""
    care = days_of_care(folder, "RXB", "5QG")
    terms = common("RXB", "5QG", "live") | {"factor": "1.0087"}
    terms["prices"] = ward_prices(-20, 20000)
    terms["plan"] = {"lines": plan_lines(care, ("ADMITTED", "NONADMITTED", "ASSESSMENT"), (0, 0, 0)), "sums": []}
    terms["block"] = [{"month": month, "pence": 2500000, "label": "Liaison service"} for month in MONTHS]
    terms["cquin"] = {
        "rate": "2.5%", "on_account": "50%", "exclude": {"stages": ["block"]},
        "indicators": [
            {"id": "reviews", "label": "Reviews held in time", "weight": "65%", "measure": "linear",
             "thresholds": [{"at": "80%", "earns": "50%"}, {"at": "90%", "earns": "100%"}]},
            {"id": "physical", "label": "Physical health checks", "weight": "35%", "measure": "step",
             "thresholds": [{"at": "60%", "earns": "50%"}, {"at": "75%", "earns": "100%"}]}]}
    return terms


def shadow(folder):
    """D: a shadow year with one price a day and volume bands; only the block sum is paid."""
    care = days_of_care(folder, "RXA", "5QG")
    terms = common("RXA", "5QG", "shadow")
    terms["prices"] = [{"cluster": cluster, "basis": basis, "pence": 18500 if basis == "ASSESSMENT" else pence}
                       for cluster, pence in COMMUNITY.items() for basis in ("DAY", "ASSESSMENT")]
    terms["plan"] = {"lines": plan_lines(care, ("DAY", "ASSESSMENT"), (300, 200, 250)), "sums": []}
    terms["block"] = [{"month": month, "pence": 152000000, "label": "Block payment of the shadow year"}
                      for month in MONTHS]
    terms["volume_bands"] = [{"group": "psychosis", "clusters": ["10", "11", "12", "13"],
                              "bands": [{"to": "100%", "pay": "100%"}, {"to": "102%", "pay": "70%"}, {"pay": "30%"}]}]
    return terms


def main(arguments):
    if len(arguments) != 1:
        sys.exit(__doc__)
    folder = pathlib.Path(arguments[0])
    (HERE / "terms").mkdir(exist_ok=True)
    examples = json.loads((HERE / "examples.json").read_text(encoding="utf-8"))
    for name, make in (("A", tolerance), ("B", dead_band), ("C", incentive), ("D", shadow)):
        text = json.dumps(make(folder) | {"examples": examples[name]}, indent=1, ensure_ascii=False)
        (HERE / "terms" / f"{name}.json").write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
