"""Rules whose threshold the terms set: findings and pay change when the terms change, and nobody uploads anew."""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))

import harness  # noqa: E402
from harness import row  # noqa: E402

DAY = 612
# Rows that pass with the standard thresholds and fail with those below: (rule, days of service in April, changes).
# Cluster 04 is reviewed every six months: an MHCT of 10 December is due on 10 June, 41 days after April.
ROWS = [
    ("M05", 30, {"mhct_date": "2012-01-20"}),
    ("R02", 30, {"start_date": "2011-12-10", "mhct_date": "2011-12-10"}),
    ("R03", 15, {"start_date": "2012-04-01", "mhct_date": "2012-04-01", "referral_date": "2012-04-01",
                 "end_date": "2012-04-16"}),
    ("R05", 8, {"start_date": "2012-04-01", "mhct_date": "2012-04-01", "end_date": "2012-04-09", "last_contact": ""}),
    ("R06", 30, {"last_contact": "2012-01-21"}),
    (None, 30, {}),
]
TIGHT = {"mhct_before_start_days": 11, "review_notice_days": 41, "short_after_referral_days": 15,
         "short_without_contact_days": 8, "no_contact_days": 100, "short_file": "100%"}
# One day short of it for each of them.
LOOSE = {"mhct_before_start_days": 12, "review_notice_days": 40, "short_after_referral_days": 14,
         "short_without_contact_days": 7, "no_contact_days": 101, "short_file": "66.6666%"}
FAIL = [(n + 1, rule) for n, (rule, _, _) in enumerate(ROWS) if rule]


class Thresholds(harness.ServiceCase):
    """One story in order; the names of the steps say so."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.client = cls.as_person("a.maker")
        done = cls.send([row(n, **changes) for n, (_, _, changes) in enumerate(ROWS)])
        cls.path = f"/v1/providers/RXA/submissions/{done['submission']}"

    def found(self, evaluation):
        """Findings of the rules with a threshold, once the evaluation is there, and their severities."""
        self.wait_until(lambda: self.client.get(self.path)["evaluation"] >= evaluation, what="the evaluation")
        items = [f for f in self.client.pages(self.path + "/findings") if f["rule"] in {r for r, _, _ in ROWS}]
        return {(f["row"], f["rule"]): f["severity"] for f in items}, items

    def paid(self):
        asked = self.client.post(self.contract + "/accounts/5QE/runs", {"month": "2012-04", "type": "PREVIEW"})
        self.client.wait_for_job("RXA", asked["job"])
        return self.client.get(f"/v1/providers/RXA/runs/{asked['run']}")["position_pence"]

    def amend(self, **changes):
        self.agree(terms=harness.simple_terms(**changes), contract=self.contract)

    def test_1_without_terms_the_standard_thresholds_hold(self):
        self.assertEqual(self.found(1)[0], {})

    def test_2_standard_terms_say_the_same(self):
        type(self).contract = self.agree()
        self.assertEqual(self.found(2)[0], {})
        self.assertEqual(self.paid(), sum(days for _, days, _ in ROWS) * DAY)

    def test_3_tighter_terms_find_them(self):
        self.amend(thresholds=TIGHT)
        found, items = self.found(3)
        self.assertEqual(sorted(found), sorted(FAIL))
        notes = {f["rule"]: (f["field"], f["value"], f["note"], f["amount_at_stake_pence"]) for f in items}
        self.assertEqual(notes["M05"], ("mhct_date", "2012-01-20", "The episode starts on 2012-02-01", 30 * DAY))
        self.assertEqual(notes["R02"], ("mhct_date", "2011-12-10", "Due on 2012-06-10", 30 * DAY))
        self.assertEqual(notes["R03"], ("end_date", "2012-04-16", "", 15 * DAY))
        self.assertEqual(notes["R05"], ("last_contact", "", "", 8 * DAY))
        self.assertEqual(notes["R06"], ("last_contact", "2012-01-21", "100 days before the end of the month", 30 * DAY))
        self.assertEqual(self.paid(), sum(days for _, days, _ in ROWS) * DAY)

    def test_4_errors_are_not_paid(self):
        self.amend(thresholds=TIGHT, rules={"severities": {rule: "ERROR" for _, rule in FAIL}})
        self.assertEqual(self.found(4)[0], {key: "ERROR" for key in FAIL})
        self.assertEqual(self.paid(), 30 * DAY)

    def test_5_a_short_month_is_held_by_the_terms(self):
        rows = [row(n, "2012-05") for n in range(len(ROWS) - 1)]
        self.service.set_clock("2012-06-06T09:00:00Z")
        self.assertEqual(self.send(rows, month="2012-05")["state"], "held")

    def test_6_one_day_looser_pays_them_again(self):
        self.amend(thresholds=LOOSE, rules={"severities": {rule: "ERROR" for _, rule in FAIL}})
        self.assertEqual(self.found(5)[0], {})
        self.assertEqual(self.paid(), sum(days for _, days, _ in ROWS) * DAY)
        rows = [row(n, "2012-05") for n in range(4)]
        self.assertEqual(self.send(rows, month="2012-05")["state"], "accepted")
        june = [row(n, "2012-06") for n in range(3)]
        self.assertEqual(self.send(june, month="2012-06")["state"], "accepted")
        self.assertEqual(self.send(june[:2], month="2012-06")["state"], "accepted", "two of three are 66.6667 %")
        self.assertEqual(self.send(june[:1], month="2012-06")["state"], "held")
        self.assertEqual(self.client.get(self.path)["version"], 1)

    def test_7_thresholds_that_are_none_are_refused(self):
        author = self.as_person("a.author")
        for name, value in (("luck", 1), ("no_contact_days", "180"), ("no_contact_days", 0), ("short_file", 80),
                            ("short_file", "100.1%")):
            reply = author.send("POST", self.contract + "/terms", harness.simple_terms(thresholds={name: value}))
            self.assertProblem(reply, 422, "invalid_terms", f"/thresholds/{name}")


if __name__ == "__main__":
    harness.main()
