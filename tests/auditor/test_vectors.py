"""The vectors of the specification, against the second implementation itself: it is what the engine is held against."""

import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "auditor"))

import reckoner_auditor as reference  # noqa: E402

DEAD_BAND = {"preset": "dead_band", "to": "2%", "pay_over": "30%", "pay_under": "50%"}
MILLIONS_10 = 1_000_000_000


def row(cluster, start, end="", **more):
    return {"episode_id": "E" + start, "patient_id": "P" + cluster + start, "commissioner": "5QE", "cluster": cluster,
            "start_date": start, "end_date": end, "mhct_date": start} | more


def by_day(cluster, pence, **more):
    return {"cluster": cluster, "basis": "DAY", "pence": pence} | more


def terms(prices, **parts):
    year = parts.pop("financial_year", 2013)
    return {"financial_year": year, "effective_from": f"{year}-04", "mode": "live", "prices": prices} | parts


def case(month, rows, body, **more):
    months = reference.months_to(body["financial_year"], month)
    return {"commissioner": "5QE", "month": month, "months": {m: {"rows": rows.get(m, [])} for m in months},
            "terms": [{"version": 1, "known_from": "2012-01-01T00:00:00Z", "terms": body}]} | more


def sums_of(months):
    """Activity of stated amounts: one row each month, of one day at a price that is the amount."""
    rows, prices = {}, []
    for n, (month, pence) in enumerate(months.items()):
        rows[month] = [row("%02d" % (n + 1), month + "-05", month + "-06")]
        prices.append(by_day("%02d" % (n + 1), pence))
    return rows, prices


def shared(months, plan, share, **more):
    """The position of stated amounts under a risk share, with a stated plan for each month."""
    rows, prices = sums_of(months)
    plan = {"sums": [{"month": m, "pence": p} for m, p in zip(months, plan)]}
    return reference.position(case(max(months), rows, terms(prices, plan=plan, risk_share=share), **more))


def line(found, key):
    (pence,) = [one["pence"] for one in found["lines"] if one["key"] == key]
    return pence


class Vectors(unittest.TestCase):
    def test_instalments_of_the_expected_annual_contract_value(self):
        eacv = 1_000_000_007
        found = [reference.instalment(eacv, k) - reference.instalment(eacv, k - 1) for k in range(1, 13)]
        self.assertEqual(found, [83_333_334] * 6 + [83_333_333] + [83_333_334] * 5)

    def test_days(self):
        rows = [row("04", "2013-04-01"), row("11", "2013-04-10"), row("14", "2013-04-21")]
        prices = [by_day("04", 612), by_day("11", 1043), by_day("14", 11875)]
        found = reference.position(case("2013-04", {"2013-04": rows}, terms(prices)))
        self.assertEqual([(one["units"], one["pence"]) for one in found["lines"]],
                         [(30, 18360), (21, 21903), (10, 118750)])

    def test_admitted_days_with_prices_that_change_inside_the_month(self):
        prices = [{"cluster": "14", "basis": basis, "pence": pence, first: "2013-04-16"}
                  for basis, pence, first in (("ADMITTED", 30000, "to"), ("ADMITTED", 31000, "from"),
                                              ("NONADMITTED", 1000, "to"), ("NONADMITTED", 1200, "from"))]
        rows = [row("14", "2013-04-01", admitted_days="20")]
        found = reference.position(case("2013-04", {"2013-04": rows}, terms(prices)))
        self.assertEqual({one["key"].split("/", 3)[3]: one["units"] for one in found["lines"]},
                         {"ADMITTED/30000": 15, "ADMITTED/31000": 5, "NONADMITTED/1200": 10})
        self.assertEqual(found["total_pence"], 617_000)

    def test_periods(self):
        def months(end, renewable, **more):
            rows = {m: [row("16", "2013-04-10", end)] for m in ("2013-04", "2013-05")}
            price = {"cluster": "16", "basis": "PERIOD", "pence": 234567, "period_days": 28, "renewable": renewable}
            one = case("2013-05", rows, terms([price]))
            one["months"]["2013-04"] |= more
            return {one["month"]: (one["units"], one["pence"]) for one in reference.position(one)["lines"]}

        self.assertEqual(months("2013-05-08", False), {"2013-04": (21, 175_925), "2013-05": (7, 58_642)})
        self.assertEqual(months("2013-05-08", False, unpayable=[1]), {"2013-05": (7, 58_642)})
        self.assertEqual(months("", True)["2013-05"], (31, 259_699))

    def test_a_plan_of_periods(self):
        price = {"cluster": "16", "basis": "PERIOD", "pence": 234567, "period_days": 28}
        plan = {"lines": [{"cluster": "16", "basis": "PERIOD", "units": [1000] + [0] * 11}]}
        found = reference.position(case("2013-04", {}, terms([price], plan=plan)))
        self.assertEqual(found["P_pence"], 8_377_393)

    def test_the_factor_multiplies_plan_and_activity(self):
        rows, prices = sums_of({"2013-04": MILLIONS_10})
        plan = {"lines": [{"cluster": "01", "basis": "DAY", "units": [1] + [0] * 11}]}
        found = reference.position(case("2013-04", rows, terms(prices, plan=plan, factor="1.05")))
        self.assertEqual((found["P_pence"], found["X_pence"]), (1_050_000_000, 1_050_000_000))

    def test_volume_bands(self):
        def paid(*between):
            prices = [by_day("01", 12_000_000), by_day("02", 10_000_000)]  # activity in 01, plan in 02
            bands = [{"to": "100%", "pay": "100%"}, *between, {"pay": "30%"}]
            parts = {"plan": {"lines": [{"cluster": "02", "basis": "DAY", "units": [1] + [0] * 11}]},
                     "volume_bands": [{"group": "g", "clusters": ["01", "02"], "bands": bands}], "factor": "1.05"}
            rows = {"2013-04": [row("01", "2013-04-05", "2013-04-06")]}
            found = reference.position(case("2013-04", rows, terms(prices, **parts)))
            return found["total_pence"], line(found, "bands/g")

        self.assertEqual(paid(), (11_130_000, -1_470_000))
        self.assertEqual(paid({"to": "105%", "pay": "70%"})[0], 11_340_000)

    def test_a_dead_band(self):
        for x, owed in ((880, 950), (980, 1000), (1020, 1000), (1030, 1003), (1150, 1039)):
            found = shared({"2013-04": x * 1_000_000}, [MILLIONS_10], DEAD_BAND)
            self.assertEqual(found["total_pence"], owed * 1_000_000, x)
        found = shared({"2013-04": 1_150_000_000}, [MILLIONS_10], DEAD_BAND | {"cap": "3%"})
        self.assertEqual(found["total_pence"], 1_030_000_000)

    def test_a_dead_band_is_of_the_year_to_date(self):
        months = {"2013-04": 103_211_847, "2013-05": 96_500_000, "2013-06": 106_120_719}
        owed = [shared(dict(list(months.items())[:n]), [100_000_000] * n, DEAD_BAND)["total_pence"] for n in (1, 2, 3)]
        self.assertEqual(owed, [100_363_554, 200_000_000, 300_000_000])

    def test_other_presets(self):
        for share, owed in (({"preset": "none"}, 1150), ({"preset": "block"}, 1000),
                            ({"preset": "tolerance", "to": "2%", "pay_over": "30%", "pay_under": "50%"}, 1059),
                            ({"preset": "gain_loss_share", "pay_over": "50%", "pay_under": "40%"}, 1075)):
            found = shared({"2013-04": 1_150_000_000}, [MILLIONS_10], share)
            self.assertEqual(found["total_pence"], owed * 1_000_000, share)

    @staticmethod
    def scheme(*weights, **more):
        steps = [{"at": "%d%%" % n, "earns": "%d%%" % n} for n in (50, 75, 100)]
        return {"rate": "2.5%", "on_account": "100%", "indicators": [
            {"id": f"i{n}", "weight": weight, "measure": "step", "thresholds": steps} | more
            for n, weight in enumerate(weights)]}

    def test_a_cap_and_all_of_cquin(self):
        rows, prices = sums_of({"2013-04": 1_150_000_000})
        parts = {"plan": {"sums": [{"month": "2013-04", "pence": MILLIONS_10}]},
                 "risk_share": DEAD_BAND | {"cap": "3%"}, "cquin": self.scheme("100%")}
        found = reference.position(case("2013-04", rows, terms(prices, **parts)))
        self.assertEqual((line(found, "cquin/i0"), found["total_pence"]), (25_750_000, 1_055_750_000))

    def test_cquin_by_steps(self):
        rows, prices = sums_of({"2013-04": 1_234_567_890})
        agreed = [{"indicator": f"i{n}", "numerator": part, "denominator": 100}
                  for n, part in enumerate((100, 50, 75, 0))]
        body = terms(prices, cquin=self.scheme("20%", "20%", "35%", "25%"))
        found = reference.position(case("2013-04", rows, body, achievements=agreed))
        self.assertEqual([line(found, f"cquin/i{n}") for n in range(4)], [6_172_839, 3_086_420, 8_101_852, 0])

    def test_cquin_on_a_line(self):
        rows, prices = sums_of({"2013-04": 1_234_567_890})
        between = {"measure": "linear", "thresholds": [{"at": "80%", "earns": "50%"}, {"at": "90%", "earns": "100%"}]}
        body = terms(prices, cquin=self.scheme("35%", "65%", **between))
        agreed = [{"indicator": "i0", "numerator": 5, "denominator": 6}]
        found = reference.position(case("2013-04", rows, body, achievements=agreed))
        self.assertEqual(reference.achievement_of(between, 5, 6), 666_667)
        self.assertEqual(line(found, "cquin/i0"), 7_201_650)

    def test_a_withhold(self):
        rows, prices = sums_of({"2013-04": 8_333_333})
        body = terms(prices, withholds=[{"id": "late", "label": "Late data", "share": "5%"}])
        held = {"id": "late", "month": "2013-04", "imposed_at": "2013-05-20T09:00:00Z"}
        found = reference.position(case("2013-04", rows, body, withholds=[held]))
        self.assertEqual(line(found, "withhold/2013-04/late"), -416_667)
        decided = held | {"decided_at": "2013-06-20T09:00:00Z", "decided": "released", "decided_pence": 416_667}
        found = reference.position(case("2013-04", rows, body, withholds=[decided]))
        self.assertEqual(found["total_pence"], 8_333_333)
        found = reference.position(case("2013-04", rows, body, withholds=[decided], known_at="2013-06-01T09:00:00Z"))
        self.assertEqual(found["total_pence"], 8_333_333 - 416_667)

    def test_a_challenge_contests_what_the_position_would_lose(self):
        rows = {"2013-04": [row("01", "2013-04-05", "2013-04-06"), row("02", "2013-04-05", "2013-04-06")]}
        prices = [by_day("01", 1_040_000_000), by_day("02", 10_000_000)]
        body = terms(prices, plan={"sums": [{"month": "2013-04", "pence": MILLIONS_10}]}, risk_share=DEAD_BAND)
        challenge = {"number": 1, "claimed_pence": 10_000_000, "billed": False, "raised_at": "2013-06-01T09:00:00Z",
                     "rows": [{"month": "2013-04", "row": 2, "not_payable": True}]}
        found = reference.position(case("2013-04", rows, body, challenges=[challenge]))
        self.assertEqual(line(found, "contested/1"), -3_000_000)
        found = reference.position(case("2013-04", rows, body, challenges=[challenge | {"billed": True}]))
        self.assertEqual((found["contested"], found["stages"]["contested"]), ({1: 3_000_000}, 0))
        # Withdrawn, it leaves no trace; two of them telescope.
        none = reference.position(case("2013-04", rows, body))
        closed = challenge | {"closed_at": "2013-06-02T09:00:00Z"}
        self.assertEqual(reference.position(case("2013-04", rows, body, challenges=[closed])), none)
        both = [challenge, challenge | {"number": 2, "claimed_pence": 2_000_000_000, "rows": [
            {"month": "2013-04", "row": 1, "not_payable": True}]}]
        found = reference.position(case("2013-04", rows, body, challenges=both))
        self.assertEqual(found["total_pence"], 510_000_000)  # with neither row: P less half of what lies beyond 2 %

    def test_on_account(self):
        rows, prices = sums_of({"2013-04": 105_000_000})
        body = terms(prices, billing={"method": "on_account", "eacv_pence": 1_200_000_000})
        found = reference.position(case("2013-04", rows, body, documents=[]))
        self.assertEqual((found["balance_pence"], set(found["instalments"])), (5_000_000, {100_000_000}))


class BesideTheVectors(unittest.TestCase):
    def test_an_assessment_is_earned_once_whoever_pays_for_it(self):
        prices = [by_day("04", 100), {"cluster": "04", "basis": "ASSESSMENT", "pence": 5000}]

        def earned(other, **of_other):
            rows = [row("04", "2013-04-02", mhct_date="2013-04-20", referral_date="2013-04-01", patient_id="P",
                        mhct_reason="10"),
                    row("04", "2013-04-03", mhct_date="2013-04-10", referral_date="2013-04-01", patient_id="P",
                        mhct_reason="10", commissioner=other) | of_other]
            found = reference.position(case("2013-04", {"2013-04": rows}, terms(prices)))
            return sum(one["units"] for one in found["lines"] if one.get("basis") == "ASSESSMENT")

        self.assertEqual(earned("5QE"), 1)
        self.assertEqual(earned("5QF"), 0)  # the other commissioner's is the first
        self.assertEqual(earned("5QF", failed=["D01"]), 1)  # it is not payable, so it does not compete
        self.assertEqual(earned("5QF", mhct_date="2013-04-21"), 1)

    def test_a_month_without_activity(self):
        prices = [by_day("04", 100)]
        plan = {"lines": [{"cluster": "04", "basis": "DAY", "units": [30] * 12}]}
        one = case("2013-05", {"2013-04": [row("04", "2013-04-01")]}, terms(prices, plan=plan, factor="1.1"))
        del one["months"]["2013-05"]
        self.assertIn("2013-05", reference.position(one)["parked"])
        for kind, owed in (("zero", 3300), ("estimate", 6600)):
            one["agreed_months"] = [{"month": "2013-05", "kind": kind}]
            self.assertEqual(reference.position(one)["total_pence"], owed)
        one["months"]["2013-05"] = {"rows": [row("04", "2013-05-31")]}
        self.assertEqual(reference.position(one)["total_pence"], 3300 + 110)

    def test_decisions_and_reattribution(self):
        prices = [by_day("04", 100), by_day("05", 1000)]

        def owed(**parts):
            rows = [row("04", "2013-04-01"), row("04", "2013-04-11", commissioner="5QF")]
            return reference.position(case("2013-04", {"2013-04": rows}, terms(prices), **parts))["total_pence"]

        on = {"month": "2013-04", "row": 1}
        self.assertEqual(owed(), 3000)
        self.assertEqual(owed(decisions=[on | {"cluster": "05"}]), 30000)
        self.assertEqual(owed(decisions=[on | {"payable_days": 3}]), 300)
        self.assertEqual(owed(decisions=[on | {"not_payable": True}]), 0)
        self.assertEqual(owed(decisions=[on | {"not_payable": True}, on | {"cluster": "05"}]), 0)
        self.assertEqual(owed(decisions=[on | {"not_payable": True}, on | {"payable_days": 3}]), 300)
        self.assertEqual(owed(reattributions=[{"month": "2013-04", "episode_id": "E2013-04-11", "to": "5QE"}]), 5000)

    def test_adjustments_in_and_outside_cquin_and_in_shadow(self):
        agreed = [{"n": 1, "month": "2013-04", "pence": 1000, "in_cquin": True},
                  {"n": 2, "month": "2013-04", "pence": 1000, "in_cquin": False},
                  {"n": 3, "month": "2013-05", "pence": 1000, "in_cquin": True}]
        body = terms([by_day("04", 100)], cquin=Vectors.scheme("100%"))
        found = reference.position(case("2013-04", {}, body, adjustments=agreed))
        self.assertEqual((found["AAV_pence"], found["total_pence"]), (1000, 2025))
        found = reference.position(case("2013-04", {}, body | {"mode": "shadow"}, adjustments=agreed))
        self.assertEqual(found["billable_pence"], 0)


if __name__ == "__main__":
    unittest.main()
