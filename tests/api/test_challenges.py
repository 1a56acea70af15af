"""Challenges from raising to the decision, as both parties meet them, and what they do to money, before anything is
billed and after."""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))

import harness  # noqa: E402

APRIL, MAY = "2012-04", "2012-05"
DAYS = {APRIL: 30, MAY: 31}
PRICE, ROWS = 612, 10
NOT_PAYABLE = {"not_payable": True}


def claim(month, episodes, counter=None, pence=10_000_000, **more):
    """A body that contests rows by name."""
    return {"month": month, "rows": [{"episode_id": e} for e in episodes], "counter": counter or NOT_PAYABLE,
            "reason": "not_provided", "claimed_pence": pence, "evidence": "the register has no such stay"} | more


class Challenges(harness.ServiceCase):
    """One account; the names of the steps say their order."""

    workers = 2

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.contract = cls.agree(terms=harness.simple_terms(
            billing={"method": "actual", "materiality_pence": 500},
            calendar={"flex": {"operational_days": 10}, "freeze": {"operational_days": 25},
                      "challenge": {"operational_days": 20}, "answer": {"operational_days": 3}}))
        cls.account = cls.contract + "/accounts/5QE"

    def setUp(self):
        self.ours, self.theirs = self.as_person("a.maker"), self.as_person("e.one")

    def settle_down(self):
        self.wait_until(lambda: self.value("SELECT count(*) FROM reckoner.job WHERE state IN ('queued', 'leased')")
                        == "0", what="the end of all jobs")
        self.assertEqual(self.query("SELECT kind, problem FROM reckoner.job WHERE state = 'failed'"), [])

    def run_of(self, month, kind):
        self.settle_down()
        asked = self.ours.post(f"{self.account}/runs", {"month": month, "type": kind})
        self.ours.wait_for_job("RXA", asked["job"])
        return self.ours.get(f"/v1/providers/RXA/runs/{asked['run']}")

    def latest(self):
        """The run made last, and its lines by key."""
        self.settle_down()
        run = max(self.ours.pages(f"{self.account}/runs"), key=lambda r: r["finished_at"] or "")
        return run, {line["line_key"]: line["pence"]
                     for line in self.ours.pages(f"/v1/providers/RXA/runs/{run['id']}/lines")}

    def raised(self, body):
        reply = self.theirs.send("POST", self.account + "/challenges", body)
        self.assertEqual(reply.status, 201, reply.body)
        return f"{self.account}/challenges/{reply.json()['number']}"

    def readiness(self, side):
        """What the readiness page says of challenges: numerators and denominators."""
        items = side.get(f"/v1/providers/RXA/readiness?month={APRIL}")["items"]
        return {i["figure"]: (i["numerator"], i["denominator"]) for i in items if i["figure"].startswith("challenges")}

    def refused(self, body, status, code, field=None, person="e.one"):
        return self.assertProblem(self.as_person(person).send("POST", self.account + "/challenges", body), status, code,
                                  field)

    def value_of(self, **rows):
        """Rows paid for all of each month, named m04 and m05."""
        return PRICE * (rows.get("m04", 0) * DAYS[APRIL] + rows.get("m05", 0) * DAYS[MAY])

    def issue(self):
        self.settle_down()
        contract = self.contract.rsplit("/", 1)[1]
        (draft,) = self.ours.pages(f"/v1/providers/RXA/documents?contract={contract}&state=draft")
        path = f"/v1/providers/RXA/documents/{draft['id']}"
        proposed = self.ours.send("POST", path + "/proposal", headers={"If-Match": f'"{draft["revision"]}"'})
        issued = self.as_person("a.checker").send("POST", path + "/issue",
                                                  headers={"If-Match": proposed.headers["ETag"]})
        self.assertEqual(issued.status, 200, issued.body)
        return path

    def test_1_what_is_refused(self):
        self.send([harness.row(n) for n in range(ROWS)])
        self.refused(claim(APRIL, ["E1"]), 403, "forbidden", person="a.maker")
        self.refused(claim(APRIL, ["E1"]), 404, "not_found", person="f.one")
        self.refused(claim(APRIL, ["E1", "E99"]), 409, "conflict", "/rows")
        self.refused(claim(APRIL, ["E1", "E2", "E1"]), 409, "conflict", "/rows/2")
        self.refused(claim(APRIL, ["E1"], {"cluster": "04"}), 409, "conflict", "/counter")
        self.refused(claim(APRIL, ["E1"], {"cluster": "09"}), 400, "malformed_json", "/counter")
        self.refused(claim(APRIL, ["E1"], {"payable_days": 3, "not_payable": True}), 400, "malformed_json", "/counter")
        problem = self.refused(claim(APRIL, ["E1"], pence=499), 422, "below_materiality", "/claimed_pence")
        self.assertEqual(problem["detail"], "The terms take challenges from £5.00 on")
        self.refused(claim(APRIL, ["E1"], reason="spite"), 400, "malformed_json", "/reason")
        self.refused(claim(APRIL, ["E1"], line="activity/2012-04/04/DAY/612"), 400, "malformed_json")
        self.refused(claim(MAY, ["E1"]), 409, "conflict", "/month")
        body = claim(APRIL, [])
        del body["rows"]
        self.refused(body | {"line": "activity/2012-04/04/DAY/613"}, 400, "malformed_json", "/line")
        self.refused(body | {"filter": {"rule": "R01", "cluster": "14"}}, 409, "conflict", "/filter")
        self.assertEqual(self.value("SELECT count(*) FROM reckoner.challenge"), "0")

    def test_2_an_open_challenge_is_a_negative_line_and_withdrawn_leaves_no_trace(self):
        whole = self.run_of(APRIL, "PREVIEW")
        self.assertEqual(whole["position_pence"], self.value_of(m04=ROWS))
        one = self.raised(claim(APRIL, ["E0", "E1"], {"payable_days": 10}))
        self.refused(claim(APRIL, ["E1"]), 409, "conflict")
        two = self.raised(claim(APRIL, ["E2"], pence=1000))
        contested = self.run_of(APRIL, "PREVIEW")
        lines = {line["line_key"]: line["pence"]
                 for line in self.ours.pages(f"/v1/providers/RXA/runs/{contested['id']}/lines")}
        self.assertEqual((lines["contested/1"], lines["contested/2"]), (-2 * 20 * PRICE, -1000))
        for challenge in (one, two):
            self.assertProblem(self.ours.send("POST", challenge + "/withdraw"), 403, "forbidden")
            self.theirs.post(challenge + "/withdraw")
        again = self.run_of(APRIL, "PREVIEW")
        self.assertEqual(again["position_pence"], whole["position_pence"])
        before, after = (self.ours.get(f"/v1/providers/RXA/runs/{r['id']}/position") for r in (whole, again))
        self.assertEqual(before["lines"], after["lines"])

    def test_3_accept_reject_and_split(self):
        rows = {name: self.raised(claim(APRIL, names, counter)) for name, names, counter in (
            ("accept", ["E0"], NOT_PAYABLE), ("reject", ["E1"], NOT_PAYABLE),
            ("split", ["E2", "E3", "E4"], {"payable_days": 10}), ("cluster", ["E5"], {"cluster": "14"}))}
        self.assertProblem(self.theirs.send("POST", rows["accept"] + "/accept"), 403, "forbidden")
        self.assertProblem(self.ours.send("POST", rows["reject"] + "/reject", {}), 400, "malformed_json", "/reason")
        reason = "the notes have the whole stay"
        for names in (["E9"], ["E2", "E2"]):
            self.assertProblem(self.ours.send("POST", rows["split"] + "/split", {"rows": names, "reason": reason}), 409,
                               "conflict", "/rows")
        self.assertProblem(self.ours.send("POST", rows["split"] + "/split",
                                          {"rows": ["E2", "E3", "E4"], "reason": reason}), 409, "conflict", "/rows")
        self.ours.post(rows["accept"] + "/accept")
        self.ours.post(rows["cluster"] + "/accept")
        self.ours.post(rows["reject"] + "/reject", {"reason": reason})
        split = self.ours.post(rows["split"] + "/split", {"rows": ["E3"], "reason": reason})
        self.assertEqual((split["outcome"], split["rows"], split["accepted_rows"]), ("split", 3, 1))
        self.assertProblem(self.ours.send("POST", rows["split"] + "/accept"), 409, "conflict")
        found = self.theirs.pages(rows["split"] + "/rows", limit=2)
        self.assertEqual({row["episode_id"]: row["accepted"] for row in found},
                         {"E2": False, "E3": True, "E4": False})
        run = self.run_of(APRIL, "PREVIEW")
        expected = self.value_of(m04=ROWS) - 30 * PRICE - 20 * PRICE + 30 * (11875 - PRICE)
        self.assertEqual(run["position_pence"], expected)
        outcomes = self.theirs.get("/v1/providers/RXA/challenge-outcomes")["items"]
        self.assertEqual([(o["commissioner"], o["challenges"], o["accepted"], o["rejected"], o["split"], o["withdrawn"],
                           o["rows"], o["accepted_rows"]) for o in outcomes], [("5QE", 6, 2, 1, 1, 2, 9, 3)])
        self.assertEqual(self.as_person("f.one").get("/v1/providers/RXA/challenge-outcomes")["items"], [])
        for side in (self.ours, self.theirs):
            self.assertEqual(self.readiness(side), {"challenges": (6, 6), "challenges_upheld": (3, 6)})

    def test_4_a_decision_is_of_the_row_and_reopens_when_the_row_changes(self):
        """E3 comes anew with a later start; the others are as they were, in another order."""
        rows = [harness.row(n) for n in reversed(range(ROWS))]
        rows = [row | {"start_date": "2012-04-02"} if row["episode_id"] == "E3" else row for row in rows]
        self.assertEqual(self.send(rows)["state"], "accepted")
        self.settle_down()
        (reopened,) = self.theirs.pages(self.account + "/challenges?state=open")
        self.assertEqual((reopened["reopens"], reopened["rows"], reopened["raised_by"], reopened["billed"]),
                         (5, 1, None, False))
        run, lines = self.run_of(APRIL, "PREVIEW"), {}
        for line in self.ours.pages(f"/v1/providers/RXA/runs/{run['id']}/lines"):
            lines[line["line_key"]] = line["pence"]
        self.assertEqual(lines[f"contested/{reopened['number']}"], -19 * PRICE)
        self.assertEqual(run["position_pence"],
                         self.value_of(m04=ROWS) - 30 * PRICE - 20 * PRICE + 30 * (11875 - PRICE))
        self.ours.post(f"{self.account}/challenges/{reopened['number']}/accept")

    def test_5_on_billed_value_payment_is_held_and_nothing_credited_before_the_decision(self):
        self.service.set_clock("2012-06-08T09:00:00Z")
        self.send([harness.row(n, MAY, h2="9" if n < 3 else "1") for n in range(ROWS)], month=MAY)
        self.service.set_clock("2012-07-16T09:00:00Z")
        self.run_of(APRIL, "FREEZE")
        document = self.issue()
        billed, _ = self.latest()
        one = self.raised(claim(APRIL, ["E8", "E9"]))
        run, lines = self.latest()
        self.assertEqual(run["id"], billed["id"])
        challenge = self.theirs.get(one)
        self.assertEqual((challenge["billed"], challenge["held_pence"]), (True, 2 * 30 * PRICE))
        self.assertTrue(document.endswith(challenge["document"]))
        self.assertEqual(self.ours.get(document)["held_pence"], 2 * 30 * PRICE)
        self.ours.post(one + "/accept")
        run, lines = self.latest()
        self.assertEqual((run["type"], run["balance_pence"]), ("R", -2 * 30 * PRICE))
        self.assertEqual([key for key in lines if key.startswith("contested")], [])
        self.assertEqual(self.query("SELECT DISTINCT cause, pence FROM reckoner.run_bridge_step WHERE pence <> 0"
                                    f" AND run = '{run['id']}'"), [["challenges", str(-2 * 30 * PRICE)]])
        self.assertEqual(self.ours.get(document)["held_pence"], 0)

    def test_6_a_line_and_a_filter_are_all_their_rows(self):
        whole = {"month": MAY, "counter": {"payable_days": 0}, "reason": "data_quality", "claimed_pence": 10_000_000,
                 "evidence": "nothing of May was seen"}
        one = self.raised(whole | {"line": "activity/2012-05/04/DAY/612"})
        self.assertEqual(self.theirs.get(one)["rows"], ROWS)
        run = self.run_of(MAY, "PREVIEW")
        self.assertEqual([line["pence"] for line in self.ours.pages(f"/v1/providers/RXA/runs/{run['id']}/lines")
                          if line["stage"] == "contested"], [-self.value_of(m05=ROWS)])
        self.theirs.post(one + "/withdraw")
        two = self.raised(whole | {"filter": {"rule": "M02", "severity": "WARN"}})
        self.assertEqual([row["episode_id"] for row in self.ours.pages(two + "/rows")], ["E0", "E1", "E2"])

    def test_7_unanswered_it_is_escalated_and_stays_open(self):
        (challenge,) = self.ours.pages(self.account + "/challenges?state=open")
        self.assertEqual((challenge["escalated"], challenge["answer_by"]), (False, "2012-07-19T23:00:00.000000Z"))
        self.service.set_clock("2012-07-20T09:00:00Z")
        for client in (self.ours, self.theirs):
            (challenge,) = client.pages(self.account + "/challenges?state=open")
            self.assertTrue(challenge["escalated"])

    def test_8_what_was_billed_is_open_to_challenge_for_a_while(self):
        self.service.set_clock("2012-09-28T09:00:00Z")
        self.refused(claim(APRIL, ["E7"]), 409, "conflict", "/month")


if __name__ == "__main__":
    harness.main()
