"""Answers that issue nothing: bridges between runs, forecasts, terms tried out; cost-neutral prices and how prices came
about."""

import hashlib
import json
import pathlib
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))

import harness  # noqa: E402

PRICE, ROWS = 612, 10
APRIL, MAY = 30 * ROWS, 31 * ROWS
PLAN = {"lines": [{"cluster": "04", "basis": "DAY", "units": [290, 300, 290, 300, 300, 290, 300, 290, 300, 300, 280,
                                                              300]}]}
RISK = {"over": [{"to": "2%", "pay": "0%"}, {"pay": "30%"}], "cap": "3%"}


def terms_of(price, **changes):
    return harness.simple_terms(prices=[{"cluster": "04", "basis": "DAY", "pence": price}], plan=PLAN, **changes)


def half_away(numerator, denominator):
    sign = -1 if numerator < 0 else 1
    return sign * ((2 * abs(numerator) + denominator) // (2 * denominator))


class Calculations(harness.ServiceCase):
    """An account with April and May frozen, the price changed in between by a retro variation."""

    workers = 2
    settings = {"calculations_per_day": 60, "worker_poll_ms": 50}

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.contract = cls.agree(terms=terms_of(PRICE))
        cls.path = cls.contract + "/calculations"
        ours = cls.as_person("a.maker")
        cls.send([harness.row(n) for n in range(ROWS)])
        cls.service.set_clock("2012-06-11T09:00:00Z")
        cls.april = cls.run_of(ours, "2012-04")
        cls.send([harness.row(n, "2012-05") for n in range(ROWS)], month="2012-05")
        cls.service.set_clock("2012-07-11T09:00:00Z")
        cls.may = cls.run_of(ours, "2012-05")

    @classmethod
    def run_of(cls, client, month):
        asked = client.post(f"{cls.contract}/accounts/5QE/runs", {"month": month, "type": "FREEZE"})
        client.wait_for_job("RXA", asked["job"])
        return client.get(f"/v1/providers/RXA/runs/{asked['run']}")

    def setUp(self):
        self.ours, self.theirs = self.as_person("a.maker"), self.as_person("e.one")

    def answer(self, client=None, **body):
        """Asks, waits and reads as the other party."""
        asked = (client or self.theirs).post(self.path, body | {"commissioner": "5QE"})
        self.ours.wait_for_job("RXA", asked["job"])
        return self.ours.get(f"{self.path}/{asked['calculation']}")

    def refused(self, body, status, code, field=None, client=None):
        reply = (client or self.ours).send("POST", self.path, {"commissioner": "5QE"} | body)
        self.assertProblem(reply, status, code, field)

    def issued(self):
        """What a calculation must leave alone."""
        return self.query("SELECT (SELECT count(*) FROM reckoner.run), (SELECT count(*) FROM reckoner.document),"
                          " (SELECT count(*) FROM reckoner.statement), (SELECT count(*) FROM reckoner.position),"
                          " (SELECT count(*) FROM reckoner.terms)")

    def test_a_bridge_between_two_runs_of_the_account(self):
        before = self.issued()
        made = self.answer(kind="bridge", older={"run": self.april["id"]}, newer={"run": self.may["id"]})
        self.assertEqual(made["state"], "done", made)
        result = made["result"]
        self.assertEqual((result["older"]["month"], result["newer"]["type"]), ("2012-04", "FREEZE"))
        self.assertEqual(result["older"]["position_pence"], APRIL * PRICE)
        bridge = result["bridge"]
        self.assertEqual([(s["cause"], s["pence"]) for s in bridge["steps"]], [("months", MAY * PRICE)])
        self.assertEqual(bridge["newer_pence"] - bridge["older_pence"], sum(s["pence"] for s in bridge["steps"]))
        back = self.answer(kind="bridge", older={"run": self.may["id"], "month": "2012-05"},
                           newer={"run": self.april["id"]})["result"]["bridge"]
        self.assertEqual([s["pence"] for s in back["steps"]], [-MAY * PRICE])
        self.assertEqual(self.issued(), before)

    def test_a_run_that_found_no_such_month_parks(self):
        made = self.answer(kind="bridge", older={"run": self.april["id"], "month": "2012-09"},
                           newer={"run": self.may["id"]})
        self.assertEqual(made["state"], "parked")
        self.assertIn("has found no position for that month", made["reason"])
        self.assertIsNone(made["result"])
        reply = self.ours.send("GET", f"{self.path}/{made['calculation']}?format=canonical")
        self.assertProblem(reply, 404, "not_found")

    def test_a_forecast_by_the_plans_phasing(self):
        before = self.issued()
        made = self.answer(kind="forecast", to="2012-05")
        self.assertEqual(made["state"], "done", made)
        result = made["result"]
        self.assertTrue(result["estimate"])
        units = [APRIL, MAY] + [half_away(u * (APRIL + MAY), 590) for u in PLAN["lines"][0]["units"][2:]]
        (line,) = result["activity"]
        self.assertEqual([m["units"] for m in line["expected"]], units[2:])
        self.assertEqual({m["how"] for m in line["expected"]}, {"phased"})
        self.assertEqual(result["outturn"]["position_pence"], sum(units) * PRICE)
        self.assertEqual(result["months"][1]["position_pence"], self.may["position_pence"])
        (plan,) = [t for t in result["thresholds"] if t["kind"] == "plan"]
        self.assertEqual(plan["pence"], sum(PLAN["lines"][0]["units"]) * PRICE)
        self.assertEqual((plan["state"], plan["on"][:7]), ("expected", "2013-03"))
        self.assertEqual(result["marginal"], [{
            "cluster": "04", "basis": "DAY", "price_pence": PRICE, "unit_pence": PRICE, "position_pence": PRICE,
            "outturn_pence": PRICE}])
        self.assertEqual(self.issued(), before)

    def test_a_forecast_of_a_month_without_activity_parks(self):
        made = self.answer(kind="forecast", to="2012-06")
        self.assertEqual(made["state"], "parked")
        self.assertIn("no activity received for 2012-06", made["reason"])

    def test_terms_tried_out_over_past_months_change_nothing(self):
        before = self.issued()
        tried = terms_of(700, risk_share=RISK, effective_from="2012-05")
        made = self.answer(self.ours, kind="what_if", to="2012-05", terms=tried)
        self.assertEqual(made["state"], "done", made)
        self.assertNotIn("terms", made["request"])
        april, may = made["result"]["months"]
        self.assertEqual((april["month"], april["difference_pence"]), ("2012-04", 0))
        self.assertEqual(may["real"]["position_pence"], self.may["position_pence"])
        activity = APRIL * PRICE + MAY * 700
        plan = 290 * PRICE + 300 * 700
        inner = half_away(plan * 2, 100)
        over = activity - plan
        self.assertGreater(over, inner)
        share = plan + half_away((over - inner) * 3, 10) - activity
        capped = min(activity + share, plan + half_away(plan * 3, 100))
        self.assertEqual(may["tried"]["stages"]["activity"], activity)
        self.assertEqual(may["tried"]["stages"]["risk_share"], share)
        self.assertEqual(may["tried"]["position_pence"], capped)
        self.assertEqual(may["difference_pence"], capped - self.may["position_pence"])
        steps = {s["cause"]: s["pence"] for s in may["bridge"]["steps"]}
        self.assertEqual(sum(steps.values()), may["difference_pence"])
        self.assertEqual(steps["prices"], MAY * 88)
        self.assertEqual(self.issued(), before)

    def test_a_draft_by_its_number_as_it_stood_when_it_was_asked(self):
        author = self.as_person("a.author")
        draft = author.post(self.contract + "/terms", terms_of(650))
        made = self.answer(kind="what_if", to="2012-05", version=draft["version"], **{"from": "2012-05"})
        self.assertEqual(made["state"], "done", made)
        self.assertEqual(made["request"]["terms_sha256"], draft["digest"])
        (may,) = made["result"]["months"]
        self.assertEqual(may["difference_pence"], (APRIL + MAY) * 38)
        author.send("DELETE", f"{self.contract}/terms/{draft['version']}",
                    headers={"If-Match": f'"{draft["revision"]}"'})

    def test_without_real_terms_those_tried_out_stand_alone(self):
        made = self.as_person("b.author").post("/v1/providers/RXB/contracts", {
            "financial_year": 2012, "mode": "live", "title": "New", "commissioners": ["5QE"], "coordinator": "5QE"})
        path = f"/v1/providers/RXB/contracts/{made['contract']}/calculations"
        self.send([harness.row(n, provider="RXB") for n in range(3)], person="b.maker", provider="RXB")
        asked = self.as_person("b.maker").post(path, {
            "kind": "what_if", "commissioner": "5QE", "to": "2012-04", "terms": terms_of(
                500, parties=harness.simple_terms("RXB")["parties"],
                calendar={"flex": {"operational_days": 10}, "freeze": {"operational_days": 80}})})
        self.as_person("b.maker").wait_for_job("RXB", asked["job"])
        answer = self.theirs.get(f"{path}/{asked['calculation']}")
        self.assertEqual(answer["state"], "done", answer)
        self.assertIn("no terms in force", answer["result"]["real_parked"])
        self.assertEqual([(m["real"], m["tried"]["position_pence"]) for m in answer["result"]["months"]],
                         [(None, 3 * 30 * 500)])

    def test_the_digest_is_of_the_exact_bytes(self):
        made = self.answer(kind="forecast", to="2012-04")
        reply = self.theirs.send("GET", f"{self.path}/{made['calculation']}?format=canonical")
        self.assertEqual(hashlib.sha256(reply.body).hexdigest(), made["sha256"])
        self.assertEqual(json.loads(reply.body), made["result"])

    def test_both_parties_and_their_auditors_see_it_and_nobody_else(self):
        asked = self.theirs.post(self.path, {"kind": "forecast", "commissioner": "5QE", "to": "2012-04"})
        self.ours.wait_for_job("RXA", asked["job"])
        one = f"{self.path}/{asked['calculation']}"
        for person in ("a.maker", "e.one", "audit.one"):
            self.assertEqual(self.as_person(person).get(one)["person"], "e.one")
        for person in ("f.one", "b.author"):
            self.assertProblem(self.as_person(person).send("GET", one), 404, "not_found")
            self.assertProblem(self.as_person(person).send("GET", self.path), 404, "not_found")
        self.assertProblem(self.as_person("audit.one").send("POST", self.path, {}), 403, "forbidden")
        self.refused({"kind": "forecast", "to": "2012-04"}, 404, "not_found", client=self.as_person("f.one"))
        self.assertEqual(self.theirs.get(f"/v1/providers/RXA/jobs/{asked['job']}")["kind"], "calculate")

    def test_what_is_malformed_is_refused_by_name(self):
        run = {"run": self.april["id"]}
        terms = terms_of(700)
        for body, field in (({"kind": "guess"}, "/kind"), ({"kind": "forecast"}, "/to"),
                            ({"kind": "forecast", "to": "2011-04"}, "/to"),
                            ({"kind": "bridge", "older": run}, "/newer"),
                            ({"kind": "bridge", "older": run, "newer": {"run": self.april["id"], "month": "May 2012"}},
                             "/newer/month"),
                            ({"kind": "what_if", "to": "2012-05"}, "/terms"),
                            ({"kind": "what_if", "to": "2012-05", "version": 1, "terms": terms}, "/terms"),
                            ({"kind": "what_if", "to": "2012-05", "from": "2012-06", "version": 1}, "/from")):
            self.refused(body, 400, "malformed_json", field)
        self.refused({"kind": "bridge", "older": run, "newer": {"run": "b" * 20}}, 404, "not_found", "/newer/run")
        self.refused({"kind": "what_if", "to": "2012-05", "version": 99}, 404, "not_found", "/version")
        for changes, field in (({"financial_year": 2013, "effective_from": "2013-04", "examples": [
                                    harness.sound_example(2013)]}, "/terms/financial_year"),
                               ({"mode": "shadow"}, "/terms/mode"),
                               ({"parties": harness.simple_terms("RXB")["parties"]}, "/terms/parties/RXB"),
                               ({"prices": 7}, "/terms/prices")):
            body = {"kind": "what_if", "to": "2012-05", "terms": terms | changes}
            reply = self.ours.send("POST", self.path, body | {"commissioner": "5QE"})
            self.assertEqual((reply.code, reply.json()["field"]), ("invalid_terms", field), reply.body)

    def test_pages_newest_first(self):
        for _ in range(2):
            self.answer(kind="forecast", to="2012-04")
        kinds = list(self.theirs.pages(self.path + "?kind=forecast", limit=1))
        self.assertGreaterEqual(len(kinds), 2)
        self.assertEqual({k["kind"] for k in kinds}, {"forecast"})
        self.assertEqual([k["asked_at"] for k in kinds], sorted((k["asked_at"] for k in kinds), reverse=True))
        self.assertNotIn("result", kinds[0])
        self.assertProblem(self.ours.send("GET", self.path + "?kind=guess"), 400, "bad_parameter", "kind")
        self.assertProblem(self.ours.send("GET", self.path + "?after=x"), 400, "bad_parameter")

    def test_answers_go_when_their_time_is_over(self):
        made = self.answer(kind="forecast", to="2012-04")
        one = f"{self.path}/{made['calculation']}"
        self.query("SET session_replication_role = replica; UPDATE reckoner.calculation SET remove_after = now()"
                   f" - interval '1 day' WHERE id = '{made['calculation']}'")
        self.wait_until(lambda: self.ours.get(one)["state"] == "removed", what="the removal")
        gone = self.ours.get(one)
        self.assertEqual((gone["result"], gone["sha256"]), (None, made["sha256"]))


class Contested(harness.ServiceCase):
    """While a row is contested: a what-if contests it at the other price, a forecast shows both ends of the range."""

    workers = 1

    def test_with_an_open_challenge(self):
        contract = self.agree(terms=terms_of(PRICE))
        ours, theirs = self.as_person("a.maker"), self.as_person("e.one")
        self.send([harness.row(n) for n in range(ROWS)])
        theirs.post(contract + "/accounts/5QE/challenges", {
            "month": "2012-04", "rows": [{"episode_id": "E1"}], "counter": {"not_payable": True},
            "reason": "duplicate", "claimed_pence": 10 ** 9, "evidence": "seen twice"})
        results = []
        for body in ({"kind": "what_if", "terms": terms_of(700)}, {"kind": "forecast"}):
            asked = ours.post(contract + "/calculations", body | {"commissioner": "5QE", "to": "2012-04"})
            ours.wait_for_job("RXA", asked["job"])
            answer = theirs.get(f"{contract}/calculations/{asked['calculation']}")
            self.assertEqual(answer["state"], "done", answer)
            results.append(answer["result"])
        (april,) = results[0]["months"]
        self.assertEqual(april["real"]["stages"]["contested"], -30 * PRICE)
        self.assertEqual(april["tried"]["stages"]["contested"], -30 * 700)
        self.assertEqual(april["difference_pence"], 9 * 30 * 88)
        self.assertEqual(sum(s["pence"] for s in april["bridge"]["steps"]), 9 * 30 * 88)
        forecast = results[1]
        self.assertEqual(forecast["months"][0]["position_pence"], APRIL * PRICE)
        self.assertEqual(forecast["contested"], [{"challenge": 1, "billed": False, "claimed_pence": 10 ** 9,
                                                  "position_pence": 30 * PRICE, "outturn_pence": 30 * PRICE}])
        outturn = forecast["outturn"]
        self.assertEqual((outturn["contested_pence"], outturn["position_if_upheld_pence"]),
                         (30 * PRICE, outturn["position_pence"] - 30 * PRICE))
        self.assertEqual(outturn["position_pence"], forecast["months"][11]["position_pence"])


class Bounds(harness.ServiceCase):
    """Nobody answers: what waits is bounded."""

    workers = 0
    settings = {"calculations_per_day": 3}

    def test_so_many_in_a_day(self):
        path = self.agree() + "/calculations"
        body = {"kind": "forecast", "commissioner": "5QE", "to": "2012-04"}
        ours, theirs = self.as_person("a.maker"), self.as_person("e.one")
        for _ in range(3):
            self.assertEqual(ours.send("POST", path, body).status, 202)
        self.assertProblem(ours.send("POST", path, body), 429, "too_many_calculations")
        self.assertEqual(theirs.send("POST", path, body).status, 202)
        self.service.set_clock("2012-05-09T10:00:00Z")
        self.assertEqual(ours.send("POST", path, body).status, 202)


class Prices(harness.ServiceCase):
    """Cost-neutral prices, and how a price came about."""

    workers = 0
    ENTRY = {"cluster": "11", "basis": "DAY", "stage": "first_cut", "pence": 1043, "source": "Reference costs 2010/11",
             "confidence": "low"}

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.contract = cls.agree()

    def setUp(self):
        self.ours, self.theirs = self.as_person("a.author"), self.as_person("e.one")
        self.path = self.contract + "/price-track"

    def test_prices_at_which_the_caseload_comes_to_the_value(self):
        path = self.contract + "/cost-neutral-prices"
        body = {"contract_value_pence": 1000000007, "lines": [
            {"cluster": "04", "caseload": 1000, "rri": "1"},
            {"cluster": "14", "basis": "ADMITTED", "caseload": 333, "rri": "12.5"}]}
        reply = self.theirs.send("POST", path, body)
        self.assertEqual(reply.status, 200, reply.body)
        self.assertEqual([line["price_pence"] for line in reply.json()["lines"]], [193705, 2421308])
        self.assertEqual(reply.json()["residual"]["pence"], -557)
        self.assertProblem(self.theirs.send("POST", path, body | {"lines": []}), 400, "malformed_json", "/lines")
        self.assertProblem(self.as_person("f.one").send("POST", path, body), 404, "not_found")
        printed = subprocess.run([str(harness.BUILD / "reckoner"), "prices", "-"], input=json.dumps(body), text=True,
                                 capture_output=True, check=True).stdout
        for amount in ("£1,937.05", "£24,213.08", "-£5.57", "£10,000,000.07"):
            self.assertIn(amount, printed)
        failed = subprocess.run([str(harness.BUILD / "reckoner"), "prices", "-"], input='{"lines": []}', text=True,
                                capture_output=True, check=False)
        self.assertEqual(failed.returncode, 1)
        self.assertIn("/contract_value_pence", failed.stderr)

    def test_approved_terms_enter_their_prices_by_themselves(self):
        entries = [e for e in self.theirs.pages(self.path, limit=1) if e["cluster"] in ("04", "14")]
        self.assertEqual([(e["cluster"], e["stage"], e["pence"], e["version"], e["confidence"]) for e in entries],
                         [("04", "contract", 612, 1, "high"), ("14", "contract", 11875, 1, "high")])
        second = harness.simple_terms(prices=[
            {"cluster": "04", "basis": "DAY", "pence": 612}, {"cluster": "14", "basis": "DAY", "pence": 12000},
            {"cluster": "14", "basis": "DAY", "pence": 13000, "service": "A/B", "from": "2012-10-01"}])
        self.agree(terms=second, contract=self.contract)
        entries = list(self.theirs.pages(self.path + "?cluster=14", limit=1))
        self.assertEqual([(e["scope"], e["n"], e["pence"], e["version"]) for e in entries],
                         [("", 1, 11875, 1), ("service A-B, from 2012-10-01", 1, 13000, 2), ("", 2, 12000, 2)])
        self.assertEqual(len(list(self.theirs.pages(self.path + "?cluster=04"))), 1)

    def test_stages_never_go_back_but_to_a_first_cut(self):
        self.ours.post(self.path, self.ENTRY)
        self.theirs.post(self.path, self.ENTRY | {"stage": "uplift", "pence": 1060, "confidence": "medium"})
        back = self.ours.send("POST", self.path, self.ENTRY | {"stage": "amended"})
        self.assertProblem(back, 409, "conflict", "/stage")
        made = self.ours.post(self.path, self.ENTRY | {"stage": "efficiency", "pence": 1040, "note": "1.8% less"})
        self.assertEqual(made["n"], 3)
        self.assertEqual(self.ours.post(self.path, self.ENTRY | {"pence": 1100})["n"], 4)
        self.assertEqual(self.ours.post(self.path, self.ENTRY | {"scope": "service CMHT1"})["n"], 1)
        history = [e for e in self.as_person("audit.one").pages(self.path + "?cluster=11") if e["scope"] == ""]
        self.assertEqual([(e["stage"], e["pence"], e["organisation"]) for e in history],
                         [("first_cut", 1043, "RXA"), ("uplift", 1060, "5QE"), ("efficiency", 1040, "RXA"),
                          ("first_cut", 1100, "RXA")])

    def test_what_is_malformed_is_refused_by_name(self):
        for changes, field in (({"cluster": "09"}, "/cluster"), ({"basis": "WEEK"}, "/basis"),
                               ({"stage": "contract"}, "/stage"), ({"stage": "shadow"}, "/stage"),
                               ({"confidence": "none"}, "/confidence"), ({"pence": -1}, "/pence"),
                               ({"source": "x"}, "/source"), ({"scope": "a/b"}, "/scope")):
            self.assertProblem(self.ours.send("POST", self.path, self.ENTRY | changes), 400, "malformed_json", field)
        self.assertProblem(self.as_person("f.one").send("POST", self.path, self.ENTRY), 404, "not_found")
        self.assertProblem(self.as_person("f.one").send("GET", self.path), 404, "not_found")
        self.assertProblem(self.ours.send("GET", self.path + "?cluster=99"), 400, "bad_parameter", "cluster")


if __name__ == "__main__":
    harness.main()
