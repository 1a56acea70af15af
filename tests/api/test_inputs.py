"""What the parties of an account agree or decide over HTTP: who may, what is refused, and that each counts in money
from then on."""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))

import harness  # noqa: E402

WITHHOLDS = [{"id": "quality", "label": "Quality of data", "share": "5%"}]
ADJUSTMENT = {"kind": "adjustment", "month": "2012-06", "pence": -125000, "label": "Crisis line not staffed"}
REFUSAL = {"reason": "the register shows another figure"}


class Agreements(harness.ServiceCase):
    """The acts themselves; nothing is settled here."""

    workers = 0

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.contract = cls.agree(terms=harness.simple_terms(withholds=WITHHOLDS))
        cls.account = cls.contract + "/accounts/5QE"

    def setUp(self):
        self.ours, self.theirs = self.as_person("a.maker"), self.as_person("e.one")

    def propose(self, body, client=None):
        reply = (client or self.ours).send("POST", self.account + "/agreements", body)
        self.assertEqual(reply.status, 201, reply.body)
        return f"{self.account}/agreements/{reply.json()['n']}"

    def test_one_proposes_and_a_person_of_the_other_party_agrees(self):
        one = self.propose(ADJUSTMENT)
        self.assertProblem(self.ours.send("POST", one + "/agree"), 409, "same_person")
        self.assertProblem(self.as_person("a.checker").send("POST", one + "/agree"), 403, "forbidden")
        self.assertProblem(self.theirs.send("POST", one + "/withdraw"), 403, "forbidden")
        self.assertProblem(self.as_person("f.one").send("POST", one + "/agree"), 404, "not_found")
        self.assertProblem(self.as_person("f.one").send("GET", one), 404, "not_found")
        agreed = self.theirs.send("POST", one + "/agree", headers={"Idempotency-Key": "agree-it"})
        self.assertEqual(agreed.status, 201, agreed.body)
        self.assertEqual({k: agreed.json()[k] for k in ("outcome", "closed_side", "closed_by", "body")},
                         {"outcome": "agreed", "closed_side": "commissioner", "closed_by": "e.one",
                          "body": ADJUSTMENT})
        again = self.theirs.send("POST", one + "/agree", headers={"Idempotency-Key": "agree-it"})
        self.assertEqual((again.status, again.json()), (201, agreed.json()))
        for act in ("agree", "withdraw"):
            self.assertProblem(self.theirs.send("POST", f"{one}/{act}"), 409, "conflict")
        contract = self.contract.rsplit("/", 1)[1]
        self.assertIn(["resettle"], self.query(f"SELECT kind FROM reckoner.job WHERE subject = '{contract}'"))
        number = one.rsplit("/", 1)[1]
        self.assertEqual(
            self.query("SELECT act, person FROM reckoner.audit_event WHERE subject ="
                       f" 'contract/{contract}/account/5QE/agreement/{number}' ORDER BY id"),
            [["agreement.propose", "a.maker"], ["agreement.agreed", "e.one"]])

    def test_the_other_side_refuses_with_a_reason_and_the_proposer_withdraws(self):
        one = self.propose(ADJUSTMENT, self.theirs)
        self.assertProblem(self.ours.send("POST", one + "/refuse", {}), 400, "malformed_json", "/reason")
        self.assertProblem(self.theirs.send("POST", one + "/refuse", REFUSAL), 409, "same_person")
        refused = self.ours.send("POST", one + "/refuse", REFUSAL).json()
        self.assertEqual((refused["outcome"], refused["refusal"]), ("refused", REFUSAL["reason"]))
        self.assertProblem(self.ours.send("POST", one + "/agree"), 409, "conflict")
        two = self.propose(ADJUSTMENT)
        self.assertEqual(self.as_person("a.author").send("POST", two + "/withdraw").json()["outcome"], "withdrawn")

    def test_what_is_malformed_is_refused_by_name(self):
        for body, field in (({"kind": "gift"}, "/kind"), ({}, "/kind"),
                            (ADJUSTMENT | {"pence": 0}, "/pence"), (ADJUSTMENT | {"pence": 10 ** 16}, "/pence"),
                            (ADJUSTMENT | {"month": "2013-04"}, "/month"), (ADJUSTMENT | {"colour": 1}, "/colour"),
                            ({"kind": "opening_entry", "number": "1", "issued_on": "31/05/2012", "pence": 1},
                             "/issued_on"),
                            ({"kind": "month_without_activity", "month": "2012-06", "counts_as": "half"},
                             "/counts_as"),
                            ({"kind": "withhold_decision", "month": "2012-06", "withhold": "quality",
                              "decision": "halved", "pence": 1}, "/decision")):
            problem = self.assertProblem(self.ours.send("POST", self.account + "/agreements", body), 400,
                                         "malformed_json", field)
            # What is wrong is said in words, limits of sixteen digits included.
            self.assertNotEqual(problem["detail"], problem["title"])
        self.assertProblem(self.ours.send("POST", self.contract + "/accounts/5QF/agreements", ADJUSTMENT), 404,
                           "not_found")
        self.assertProblem(self.ours.send("GET", self.contract + "/accounts/5QF/agreements"), 404, "not_found")
        self.assertProblem(self.ours.send("GET", self.account + "/agreements?kind=gift"), 400, "bad_parameter", "kind")

    def test_an_adjustment_is_reversed_once_as_it_was(self):
        one = self.propose(ADJUSTMENT | {"in_cquin": True})
        number = int(one.rsplit("/", 1)[1])
        reversal = {"kind": "adjustment", "reverses": number, "label": "It was staffed after all"}
        self.assertProblem(self.ours.send("POST", self.account + "/agreements", reversal), 409, "conflict",
                           "/reverses")
        self.theirs.post(one + "/agree")
        back = self.propose(reversal)
        self.assertProblem(self.ours.send("POST", self.account + "/agreements", reversal), 409, "conflict")
        self.assertEqual(self.theirs.get(back)["month"], "2012-06")
        self.assertEqual(self.query("SELECT pence, in_cquin FROM reckoner.adjustment WHERE reverses = "
                                    f"{number}"), [["125000", "t"]])

    def test_pages(self):
        for number in ("A1", "A2", "A3"):
            self.propose({"kind": "opening_entry", "number": number, "issued_on": "2012-05-31", "pence": 100})
        entries = list(self.theirs.pages(self.account + "/agreements?kind=opening_entry", limit=1))
        self.assertEqual([e["body"]["number"] for e in entries], ["A1", "A2", "A3"])
        reply = self.ours.send("POST", self.account + "/agreements",
                               {"kind": "opening_entry", "number": "A1", "issued_on": "2012-05-31", "pence": 100})
        self.assertProblem(reply, 409, "conflict")

    def test_a_withhold_is_the_commissioners_and_its_end_is_agreed(self):
        path = self.account + "/withholds"
        body = {"month": "2012-06", "id": "quality", "reason": "no outcome measures came"}
        self.assertProblem(self.ours.send("POST", path, body), 403, "forbidden")
        self.assertProblem(self.theirs.send("POST", path, body | {"id": "haste"}), 422, "unknown_withhold", "/id")
        self.assertProblem(self.theirs.send("POST", path, body | {"month": "2011-06"}), 400, "malformed_json",
                           "/month")
        self.assertProblem(self.as_person("f.one").send("POST", path, body), 404, "not_found")
        decision = {"kind": "withhold_decision", "month": "2012-06", "withhold": "quality", "decision": "released",
                    "pence": 416667}
        self.assertProblem(self.ours.send("POST", self.account + "/agreements", decision), 409, "conflict",
                           "/withhold")
        self.assertEqual(self.theirs.send("POST", path, body).status, 201)
        self.assertProblem(self.theirs.send("POST", path, body), 409, "conflict", "/id")
        one = self.propose(decision)
        self.theirs.post(one + "/agree")
        self.assertProblem(self.ours.send("POST", self.account + "/agreements", decision), 409, "conflict")
        (held,) = self.ours.pages(path, limit=1)
        self.assertEqual((held["imposed_by"], held["decision"], held["decided_pence"]), ("e.one", "released", 416667))


DAYS = {"2012-04": 30, "2012-05": 31, "2012-06": 30}
PRICE, ROWS = 612, 10


def half_away(numerator, denominator):
    """numerator / denominator to a whole number, half away from zero."""
    sign = -1 if numerator < 0 else 1
    return sign * ((2 * abs(numerator) + denominator) // (2 * denominator))


class InMoney(harness.ServiceCase):
    """One account from its first FREEZE on: what is agreed settles the month again by itself. In order."""

    workers = 2

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.contract = cls.agree(terms=harness.simple_terms(
            withholds=WITHHOLDS,
            plan={"lines": [{"cluster": "04", "basis": "DAY", "units": [400] * 12}]},
            cquin={"rate": "2.5%", "on_account": "100%", "indicators": [
                {"id": "reviews", "label": "Reviews", "weight": "100%", "measure": "step",
                 "thresholds": [{"at": "80%", "earns": "100%"}]}]}))
        cls.account = cls.contract + "/accounts/5QE"

    def setUp(self):
        self.ours, self.theirs = self.as_person("a.maker"), self.as_person("e.one")

    def settle_down(self):
        self.wait_until(lambda: self.value("SELECT count(*) FROM reckoner.job WHERE state IN ('queued', 'leased')")
                        == "0", what="the end of all jobs")
        self.assertEqual(self.query("SELECT kind, problem FROM reckoner.job WHERE state = 'failed'"), [])

    def run_of(self, month, kind):
        asked = self.ours.post(f"{self.account}/runs", {"month": month, "type": kind})
        self.ours.wait_for_job("RXA", asked["job"])
        return self.ours.get(f"/v1/providers/RXA/runs/{asked['run']}")

    def latest(self):
        """The run made last, and its lines by key."""
        self.settle_down()
        run = max(self.ours.pages(f"{self.account}/runs"), key=lambda r: r["finished_at"] or "")
        return run, {line["line_key"]: line["pence"]
                     for line in self.ours.pages(f"/v1/providers/RXA/runs/{run['id']}/lines")}

    def agreed(self, body):
        made = self.ours.post(self.account + "/agreements", body)
        self.theirs.post(f"{self.account}/agreements/{made['n']}/agree")
        return made["n"]

    def test_1_a_month_without_activity_parks_until_it_is_agreed(self):
        self.send([harness.row(n) for n in range(ROWS)])
        self.service.set_clock("2012-08-10T09:00:00Z")
        parked = self.run_of("2012-05", "FREEZE")
        self.assertEqual(parked["state"], "parked")
        self.agreed({"kind": "month_without_activity", "month": "2012-05", "counts_as": "zero"})
        frozen = self.run_of("2012-05", "FREEZE")
        value = ROWS * DAYS["2012-04"] * PRICE
        self.assertEqual((frozen["state"], frozen["position_pence"]), ("done", value + half_away(value * 25, 1000)))
        self.agreed({"kind": "month_without_activity", "month": "2012-05", "counts_as": "estimate"})
        run, lines = self.latest()
        value += 400 * PRICE
        self.assertEqual((run["type"], run["position_pence"]), ("R", value + half_away(value * 25, 1000)))
        self.assertEqual([pence for key, pence in lines.items() if key.startswith("estimate/2012-05")], [400 * PRICE])
        self.assertEqual(self.value("SELECT count(*) FROM reckoner.frozen_month"), "1")

    def test_2_rows_let_in_later_replace_the_estimate(self):
        asked = self.ours.post(f"{self.contract}/exceptions", {"month": "2012-05", "reason": "rows came late"})
        self.theirs.post(f"{self.contract}/exceptions/2012-05/{asked['n']}/decision",
                         {"decision": "granted", "closes_on": "2012-08-31"})
        sent = self.send([harness.row(n, "2012-05") for n in range(ROWS)], month="2012-05")
        self.assertEqual(sent["state"], "accepted")
        run, lines = self.latest()
        value = ROWS * (30 + 31) * PRICE
        self.assertEqual((run["type"], run["position_pence"]), ("R", value + half_away(value * 25, 1000)))
        self.assertEqual([key for key in lines if key.startswith("estimate")], [])

    def test_3_an_adjustment_counts_and_its_reversal_undoes_it(self):
        before, _ = self.latest()
        number = self.agreed(ADJUSTMENT | {"month": "2012-05", "in_cquin": True})
        run, lines = self.latest()
        value = ROWS * (30 + 31) * PRICE - 125000
        self.assertEqual(lines[f"adjustment/{number}"], -125000)
        self.assertEqual(run["position_pence"], value + half_away(value * 25, 1000))
        self.agreed({"kind": "adjustment", "reverses": number, "label": "It was staffed after all"})
        run, _ = self.latest()
        self.assertEqual(run["position_pence"], before["position_pence"])

    def test_4_a_withhold_follows_the_month_until_it_is_decided(self):
        before, _ = self.latest()
        self.theirs.post(self.account + "/withholds",
                         {"month": "2012-05", "id": "quality", "reason": "no outcome measures came"})
        run, lines = self.latest()
        held = half_away(ROWS * 31 * PRICE * 5, 100)
        self.assertEqual(lines["withhold/2012-05/quality"], -held)
        self.assertLess(run["position_pence"], before["position_pence"])
        decision = {"kind": "withhold_decision", "month": "2012-05", "withhold": "quality", "decision": "released"}
        for wrong in (held - 1, held * 100, 0):
            reply = self.theirs.send("POST", self.account + "/agreements", decision | {"pence": wrong})
            problem = self.assertProblem(reply, 409, "conflict", "/pence")
            self.assertIn(f"£{held // 100:,}.{held % 100:02} is held back by the newest run", problem["detail"])
        self.not_agreed_once_it_moved(decision | {"pence": held}, held + half_away(31 * PRICE * 5, 100))
        self.agreed(decision | {"pence": held})
        run, lines = self.latest()
        self.assertEqual((lines["withhold/2012-05/quality"], lines["withhold/2012-05/quality/release"]), (-held, held))
        self.assertEqual(run["position_pence"], before["position_pence"])

    def not_agreed_once_it_moved(self, decision, moved):
        """Another row of May is paid between proposal and agreement; then it is sent as it was."""
        one = f"{self.account}/agreements/{self.ours.post(self.account + '/agreements', decision)['n']}"
        self.send([harness.row(n, "2012-05") for n in range(ROWS + 1)], month="2012-05")
        _, lines = self.latest()
        self.assertEqual(lines["withhold/2012-05/quality"], -moved)
        problem = self.assertProblem(self.theirs.send("POST", one + "/agree"), 409, "conflict")
        for words in (f"£{moved // 100:,}.{moved % 100:02} is held back by the newest run", "propose that sum"):
            self.assertIn(words, problem["detail"])
        self.assertIsNone(self.ours.get(one)["outcome"])
        refused = self.theirs.send("POST", one + "/refuse", {"reason": "more is held back by now"})
        self.assertEqual(refused.status, 201, refused.body)
        self.send([harness.row(n, "2012-05") for n in range(ROWS)], month="2012-05")
        self.latest()

    def test_5_a_disputed_measure_leaves_the_assumption_until_one_is_agreed(self):
        before, _ = self.latest()
        path = self.account + "/achievements"
        measure = {"numerator": 90, "denominator": 100, "evidence": "register of reviews"}
        self.ours.post(path, measure | {"indicator": "reviews"})
        one, two = path + "/reviews/1", path + "/reviews/2"
        self.assertProblem(self.as_person("a.checker").send("POST", one + "/dispute", measure | {"numerator": 70}), 403,
                           "forbidden")
        self.assertProblem(self.theirs.send("POST", one + "/dispute", measure), 409, "conflict", "/numerator")
        answer = self.theirs.send("POST", one + "/dispute", measure | {"numerator": 70, "evidence": "our own count"})
        self.assertEqual((answer.status, answer.json()["disputes"]), (201, 1), answer.body)
        self.assertEqual([m["state"] for m in self.ours.pages(path)], ["disputed", "disputed"])
        self.assertProblem(self.ours.send("POST", two + "/dispute", measure), 409, "conflict")
        run, _ = self.latest()
        self.assertEqual(run["position_pence"], before["position_pence"])
        self.ours.post(two + "/agreement")
        self.assertEqual([m["state"] for m in self.ours.pages(path)], ["set_aside", "agreed"])
        self.assertProblem(self.theirs.send("POST", one + "/agreement"), 409, "conflict")
        run, lines = self.latest()
        self.assertEqual(lines["cquin/reviews"], 0)
        self.assertEqual(run["position_pence"], ROWS * (30 + 31) * PRICE)


if __name__ == "__main__":
    harness.main()
