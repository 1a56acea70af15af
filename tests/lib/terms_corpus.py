"""Terms for the linter, made from random parts: sound ones, and each kind of flaw put into sound ones, where the defect
and its place follow from how it was put there. Beside them stand the families of tests/vectors/terms that were thought
of by hand.

    python3 tests/lib/terms_corpus.py    writes tests/vectors/terms/{flawed,sound}/made.json anew
"""

import copy
import json
import pathlib
import random

FOLDER = pathlib.Path(__file__).resolve().parents[1] / "vectors/terms"
SEED = 2012
FLAWED_EACH, SOUND = 5, 110
MONTHS = [f"{2012 + (n > 12)}-{(n - 1) % 12 + 1:02}" for n in range(4, 16)]
CLUSTERS = ("01", "02", "03", "04", "05", "07", "11", "12", "14", "16")
UNUSED = ("06", "08", "10", "13", "15")  # clusters that no sound terms here name
BASE = {
    "@purpose": "reckoner/terms/1", "mode": "live", "financial_year": 2012, "effective_from": "2012-04",
    "prices": [{"cluster": "04", "basis": "DAY", "pence": 612}],
    "plan": {"lines": [{"cluster": "04", "basis": "DAY", "units": [900] * 12}]},
    "calendar": {"flex": {"operational_days": 10}, "freeze": {"operational_days": 30}},
    "parties": {"RXA": {"name": "Trust", "address": ["1 Mill Lane"], "vat": "GB 1", "electronic_address": "0192:Trust"},
                "5QE": {"name": "First", "address": ["1 Mill Lane"], "vat": "GB 2", "electronic_address": "0192:First",
                        "buyer_reference": "PO-1"}}}


def percent(ppm):
    """Parts per million as terms write them."""
    return f"{ppm / 10_000:.4f}".rstrip("0").rstrip(".") + "%"


def some_percent(rng, low, high):
    """low to high percent, to a ten-thousandth now and then."""
    return percent(rng.randint(low * 10_000, high * 10_000) if rng.random() < 0.3 else rng.randint(low, high) * 10_000)


# Sound terms


def prices_and_plan(rng, terms):
    prices, lines = [], []
    for cluster in rng.sample(CLUSTERS, rng.randint(2, 4)):
        basis = rng.choice(("DAY", "DAY", "PERIOD", "ADMITTED"))
        units = [rng.randint(10, 990) * 10 for _ in range(12)]
        line = {"cluster": cluster, "basis": basis, "pence": rng.randint(100, 40_000)}
        if basis == "PERIOD":
            line |= {"period_days": rng.choice((7, 14, 28, 90)), "renewable": rng.random() < 0.5}
        prices.append(line)
        lines.append({"cluster": cluster, "basis": basis, "units": units})
        if basis == "ADMITTED":
            prices.append({"cluster": cluster, "basis": "NONADMITTED", "pence": rng.randint(100, 4000)})
            lines.append({"cluster": cluster, "basis": "NONADMITTED", "units": units[::-1]})
    terms |= {"prices": prices, "plan": {"lines": lines}}
    if rng.random() < 0.4:  # another price from some month on
        place = rng.randrange(len(prices))
        begins = rng.choice(MONTHS[1:]) + "-01"
        prices.append(prices[place] | {"pence": prices[place]["pence"] + rng.randint(1, 90), "from": begins})
        prices[place]["to"] = begins


def bands(rng, to, count, low=0, high=100):
    """Bands up to rising edges that begin at `to` percent; the last is open."""
    made = []
    for _ in range(count):
        made.append({"to": percent(to * 10_000), "pay": some_percent(rng, low, high)})
        to += rng.randint(1, 9)
    return [*made, {"pay": some_percent(rng, low, high)}]


def sharing(rng, terms):
    share = {"over": bands(rng, rng.randint(1, 5), rng.randint(1, 3)),
             "under": bands(rng, rng.randint(1, 5), rng.randint(1, 3))}
    if rng.random() < 0.3:
        share = {"preset": rng.choice(("dead_band", "tolerance")), "to": some_percent(rng, 1, 9),
                 "pay_over": some_percent(rng, 0, 100), "pay_under": some_percent(rng, 0, 100)}
    terms["risk_share"] = share | {"cap": some_percent(rng, 1, 20), "collar": some_percent(rng, 1, 20)}


def volume_bands(rng, terms):
    terms["volume_bands"] = [{"group": "g", "clusters": [terms["plan"]["lines"][0]["cluster"]],
                              "bands": bands(rng, 100, rng.randint(2, 3))}]


def cquin(rng, terms):
    first = rng.randint(1, 99)
    indicators = []
    for name, weight in (("reviews", first), ("health", 100 - first)):
        at = sorted(rng.sample(range(1, 99), 3))
        earns = [*sorted(rng.sample(range(1, 99), 2)), 100]
        indicators.append({
            "id": name, "label": name.title(), "weight": f"{weight}%", "measure": rng.choice(("linear", "step")),
            "thresholds": [{"at": f"{a}%", "earns": f"{e}%"} for a, e in zip(at, earns)]})
    terms["cquin"] = {"rate": some_percent(rng, 1, 5), "on_account": some_percent(rng, 0, 100),
                      "exclude": {"stages": ["block"]}, "indicators": indicators}


def conduct(rng, terms):
    share = rng.randint(1, 50)
    terms["withholds"] = [{"id": "late", "label": "Late", "share": f"{share}%"},
                          {"id": "poor", "label": "Poor", "share": f"{rng.randint(1, 100 - share)}%"}]
    flex = rng.randint(5, 20)
    terms["calendar"] = {"flex": {"operational_days": flex}, "freeze": {"operational_days": flex + rng.randint(1, 20)}}
    terms["block"] = [{"month": month, "pence": rng.randint(1, 900_000), "label": "Liaison"}
                      for month in rng.sample(MONTHS, 2)]
    terms["billing"] = {"method": "actual", "bill_flex": rng.random() < 0.5,
                        "sanity_bound": some_percent(rng, 100, 300)}


PARTS = (sharing, volume_bands, cquin, conduct)


def sound(rng, *parts):
    """Terms with these parts, and others by chance."""
    terms = copy.deepcopy(BASE)
    prices_and_plan(rng, terms)
    for part in PARTS:
        if part in parts or (not parts and rng.random() < 0.6):
            part(rng, terms)
    if rng.random() < 0.3:
        terms["factor"] = f"{rng.randint(950_000, 1_050_000) / 1_000_000:.6f}"
    if rng.random() < 0.3:
        terms["day_count"] = "end_inclusive"
    return terms


# Flaws: each puts one into sound terms and says where. The parts it needs stand beside it.


def whole_year(terms):
    """Places of prices that hold all year and are the only one of their cluster."""
    clusters = [price["cluster"] for price in terms["prices"]]
    return [n for n, price in enumerate(terms["prices"]) if clusters.count(price["cluster"]) == 1
            and "to" not in price and "from" not in price]


def price_gap(rng, terms):
    """Days within a month, behind its first, on which the plan is valued."""
    terms["prices"].append({"cluster": "21", "basis": "DAY", "pence": 9})
    terms["plan"]["lines"].append({"cluster": "21", "basis": "DAY", "units": [rng.randint(1, 50)] * 12})
    place, month = rng.choice(whole_year(terms)), rng.choice(MONTHS)
    first, last = sorted(rng.sample(range(2, 28), 2))
    terms["prices"].append(terms["prices"][place] | {"from": f"{month}-{last:02}"})
    terms["prices"][place]["to"] = f"{month}-{first:02}"
    return [("price_gap", f"/prices/{place}")]


def price_overlap(rng, terms):
    place = rng.randrange(len(terms["prices"]))
    price = {name: value for name, value in terms["prices"][place].items() if name not in ("from", "to")}
    month = rng.randrange(12)
    if "from" in terms["prices"][place]:
        month = max(month, MONTHS.index(terms["prices"][place]["from"][:7]))
    if "to" in terms["prices"][place]:
        month = min(month, MONTHS.index(terms["prices"][place]["to"][:7]) - 1)
    first, last = sorted(rng.sample(range(1, 28), 2))
    terms["prices"].append(price | {"pence": price["pence"] + 1, "from": f"{MONTHS[month]}-{first:02}",
                                    "to": f"{MONTHS[month]}-{last:02}"})
    return [("price_overlap", f"/prices/{len(terms['prices']) - 1}")]


def plan_without_price(rng, terms):
    month = rng.randrange(12)
    terms["plan"]["lines"].append({"cluster": rng.choice(UNUSED), "basis": "DAY",
                                   "units": [0] * month + [rng.randint(1, 9)] * (12 - month)})
    return [("plan_without_price", f"/plan/lines/{len(terms['plan']['lines']) - 1}/units/{month}")]


def price_without_plan(rng, terms):
    terms["prices"].append({"cluster": rng.choice(UNUSED), "basis": "DAY", "pence": rng.randint(1, 900)})
    return [("price_without_plan", f"/prices/{len(terms['prices']) - 1}")]


def price_without_partner(rng, terms):
    added = {"cluster": rng.choice(UNUSED), "basis": rng.choice(("ADMITTED", "NONADMITTED"))}
    terms["prices"].append(added | {"pence": rng.randint(1, 900)})
    terms["plan"]["lines"].append(added | {"units": [0] * 12})
    return [("price_without_partner", f"/prices/{len(terms['prices']) - 1}")]


def price_without_days(rng, terms):
    day = f"{rng.choice(MONTHS)}-{rng.randint(1, 28):02}"
    terms["prices"].append({"cluster": rng.choice(UNUSED), "basis": "DAY", "pence": 7, "from": day, "to": day})
    return [("price_without_days", f"/prices/{len(terms['prices']) - 1}/to")]


def party_unknown(rng, terms):
    added = {"cluster": rng.choice(UNUSED), "basis": "DAY"}
    terms["prices"].append(added | {"pence": 7, "commissioner": "5Q" + rng.choice("XYZ")})
    terms["plan"]["lines"].append(added | {"units": [0] * 12})
    return [("party_unknown", f"/prices/{len(terms['prices']) - 1}/commissioner")]


def plan_overlap(rng, terms):
    lines = terms["plan"]["lines"]
    lines.append(rng.choice(lines) | {"units": [rng.randint(1, 99) for _ in range(12)]})
    return [("plan_overlap", f"/plan/lines/{len(lines) - 1}")]


def sharing_without_plan(rng, terms):
    months = rng.randint(1, 12)
    for line in terms["plan"]["lines"]:
        line["units"][:months] = [0] * months
    return [("sharing_without_plan", "/risk_share")]


def cap_below_collar(rng, terms):
    collar = rng.randint(1, 20) * 10_000
    terms["risk_share"]["collar"] = percent(collar)
    terms["risk_share"]["cap"] = percent(-collar - rng.choice((1, 10_000, 90_000)))
    return [("cap_below_collar", "/risk_share/cap")]


def shared_bands(terms, name):
    terms["risk_share"] = {"over": [{"pay": "30%"}], "under": [{"pay": "50%"}], "cap": "5%", "collar": "5%"}
    return terms["risk_share"][name]


def bands_of_sharing_out_of_order(rng, terms):
    name = rng.choice(("over", "under"))
    to = rng.randint(2, 9)
    shared_bands(terms, name)[:0] = [{"to": f"{to}%", "pay": "0%"}, {"to": f"{to - rng.randint(0, 1)}%", "pay": "10%"}]
    return [("bands_out_of_order", f"/risk_share/{name}/1")]


def bands_of_sharing_end(rng, terms):
    name = rng.choice(("over", "under"))
    shared_bands(terms, name)[0]["to"] = f"{rng.randint(1, 9)}%"
    return [("bands_end", f"/risk_share/{name}/0")]


def band_out_of_reach(rng, terms):
    shared_bands(terms, "under").insert(0, {"to": f"{rng.randint(100, 140)}%", "pay": "0%"})
    return [("band_out_of_reach", "/risk_share/under")]


def volume_bands_out_of_order(rng, terms):
    made = terms["volume_bands"][0]["bands"]
    place = rng.randrange(1, len(made) - 1)
    made[place]["to"] = made[place - 1]["to"]
    return [("bands_out_of_order", f"/volume_bands/0/bands/{place}")]


def volume_bands_end(rng, terms):
    made = terms["volume_bands"][0]["bands"]
    made[-1]["to"] = f"{rng.randint(200, 300)}%"
    return [("bands_end", f"/volume_bands/0/bands/{len(made) - 1}")]


def weights_not_whole(rng, terms):
    for indicator, weight in zip(terms["cquin"]["indicators"], (rng.randint(1, 49), rng.randint(1, 50))):
        indicator["weight"] = f"{weight}%"
    return [("weights_not_whole", "/cquin/indicators")]


def thresholds_out_of_order(rng, terms):
    n, place = rng.randrange(2), rng.randint(1, 2)
    thresholds = terms["cquin"]["indicators"][n]["thresholds"]
    thresholds[place]["at"] = thresholds[place - 1]["at"]
    return [("thresholds_out_of_order", f"/cquin/indicators/{n}/thresholds/{place}")]


def circular_base(rng, terms):
    stages = ["block", "adjustment"][:rng.randint(0, 2)]
    terms["cquin"]["exclude"] = {"stages": [*stages, "cquin"]}
    return [("circular_base", f"/cquin/exclude/stages/{len(stages)}")]


def share_out_of_range(rng, terms):
    terms["cquin"]["rate"] = rng.choice((percent(1_000_000 + rng.randint(1, 90_000)), percent(-rng.randint(1, 90_000))))
    return [("share_out_of_range", "/cquin/rate")]


def withholds_over_whole(rng, terms):
    first = rng.randint(1, 99) * 10_000
    terms["withholds"][0]["share"] = percent(first)
    terms["withholds"][1]["share"] = percent(min(1_000_000, 1_000_000 - first + rng.choice((1, 5000, 90_000))))
    return [("withholds_over_whole", "/withholds")]


def calendar_out_of_order(rng, terms):
    flex = terms["calendar"]["flex"]["operational_days"]
    terms["calendar"]["freeze"]["operational_days"] = flex - rng.randint(1, 4)
    return [("calendar_out_of_order", "/calendar/freeze/operational_days")]


def block_overlap(rng, terms):
    terms["block"].append(dict(terms["block"][rng.randrange(2)], pence=rng.randint(1, 9)))
    return [("block_overlap", "/block/2/label")]


def eacv_without_instalments(rng, terms):
    terms["billing"]["eacv_pence"] = rng.randint(1, 9_000_000)
    return [("eacv_without_instalments", "/billing/eacv_pence")]


def party_data_missing(rng, terms):
    party = terms["parties"][rng.choice(("RXA", "5QE"))]
    del terms["parties"]["5QE"]["buyer_reference"]
    party.pop("vat")
    return [("party_data_missing", "/parties")]


FLAWS = (
    (price_gap,), (price_overlap,), (plan_without_price,), (price_without_plan, sharing), (price_without_partner,),
    (price_without_days,), (party_unknown,), (plan_overlap,), (party_data_missing,), (sharing_without_plan, sharing),
    (cap_below_collar, sharing), (bands_of_sharing_out_of_order,), (bands_of_sharing_end,), (band_out_of_reach,),
    (volume_bands_out_of_order, volume_bands), (volume_bands_end, volume_bands), (weights_not_whole, cquin),
    (thresholds_out_of_order, cquin), (circular_base, cquin), (share_out_of_range, cquin),
    (withholds_over_whole, conduct), (calendar_out_of_order, conduct), (block_overlap, conduct),
    (eacv_without_instalments, conduct))


# The files


def changes(terms):
    """What a case sets in the base to become the terms."""
    return [[f"/{name}", value] for name, value in terms.items() if BASE.get(name) != value]


def flawed_cases(rng):
    for flaw, *parts in FLAWS:
        for n in range(1, FLAWED_EACH + 1):
            terms = sound(rng, *(parts or [conduct] * (n % 2)))
            defects = flaw(rng, terms)
            yield {"name": f"{flaw.__name__.replace('_', ' ')} {n}", "set": changes(terms), "defects": defects}


def sound_cases(rng):
    for n in range(1, SOUND + 1):
        yield {"name": f"sound {n}", "set": changes(sound(rng))}


def family(about, cases):
    """The text of a family's file: a line for each case."""
    lines = ",\n".join("  " + json.dumps(case) for case in cases)
    return f'{{"about": {json.dumps(about)},\n "base": {json.dumps(BASE)},\n "cases": [\n{lines}]}}\n'


def files():
    """(path, text) of every file that is made here."""
    rng = random.Random(SEED)
    where = "Made by tests/lib/terms_corpus.py: "
    yield FOLDER / "flawed/made.json", family(where + "one flaw in sound terms.", flawed_cases(rng))
    yield FOLDER / "sound/made.json", family(where + "sound terms of random parts.", sound_cases(rng))


if __name__ == "__main__":
    for path, text in files():
        path.write_text(text, encoding="utf-8")
