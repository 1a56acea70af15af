"""Rows that turn out to belong to another commissioner: three parties agree, two accounts are settled again."""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))

import harness  # noqa: E402

APRIL = "2012-04"
PRICE, OTHER_PRICE, DAYS = 612, 1000, 30
REASON = "the practice is one of Fenwick's since March"


class Reattribution(harness.ServiceCase):
    """Accounts of two contracts with prices of their own; the names of the steps say their order."""

    workers = 2

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.service.organisation("5QG", "commissioner", "Gainford PCT")
        cls.service.person("g.one", "5QG", "g.one")
        cls.service.token("g.one")
        cls.east = cls.agree() + "/accounts/5QE"
        cls.fen = cls.agree(commissioner="5QF", authors=("a.author", "a.maker", "f.one"), terms=harness.simple_terms(
            "RXA", "5QF", prices=[{"cluster": "04", "basis": "DAY", "pence": OTHER_PRICE}])) + "/accounts/5QF"
        cls.rows = ([harness.row(n) for n in range(10)]
                    + [harness.row(n, commissioner="5QF") for n in range(10, 14)])
        cls.place = "/v1/providers/RXA/reattributions"

    def body(self, *episodes, **more):
        return {"month": APRIL, "from": "5QE", "to": "5QF", "rows": list(episodes), "reason": REASON} | more

    def propose(self, *episodes, person="a.maker", **more):
        reply = self.as_person(person).send("POST", self.place, self.body(*episodes, **more))
        self.assertEqual(reply.status, 201, reply.body)
        return f"{self.place}/{reply.json()['n']}"

    def act(self, person, place, verb, body=None):
        return self.as_person(person).send("POST", f"{place}/{verb}", body)

    def settle_down(self):
        self.wait_until(lambda: self.value("SELECT count(*) FROM reckoner.job WHERE state IN ('queued', 'leased')")
                        == "0", what="the end of all jobs")
        self.assertEqual(self.query("SELECT kind, problem FROM reckoner.job WHERE state = 'failed'"), [])

    def run_of(self, account, kind):
        self.settle_down()
        client = self.as_person("a.maker")
        asked = client.post(f"{account}/runs", {"month": APRIL, "type": kind})
        client.wait_for_job("RXA", asked["job"])
        return client.get(f"/v1/providers/RXA/runs/{asked['run']}")

    def latest(self, account):
        self.settle_down()
        return max(self.as_person("a.maker").pages(f"{account}/runs"), key=lambda r: r["finished_at"] or "")

    def position(self, run):
        return self.as_person("a.maker").get(f"/v1/providers/RXA/runs/{run['id']}/position")

    def issue_all(self):
        self.settle_down()
        maker, checker = self.as_person("a.maker"), self.as_person("a.checker")
        for draft in maker.pages("/v1/providers/RXA/documents?state=draft"):
            path = f"/v1/providers/RXA/documents/{draft['id']}"
            proposed = maker.send("POST", path + "/proposal", headers={"If-Match": f'"{draft["revision"]}"'})
            issued = checker.send("POST", path + "/issue", headers={"If-Match": proposed.headers["ETag"]})
            self.assertEqual(issued.status, 200, issued.body)

    def test_1_what_is_refused(self):
        self.assertEqual(self.send(self.rows)["state"], "accepted")
        for person, body, status, code, field in (
                ("a.maker", self.body("E0", "E99"), 409, "conflict", "/rows"),
                ("a.maker", self.body("E0", "E10"), 409, "conflict", "/rows"),
                ("a.maker", self.body("E0", "E0"), 409, "conflict", "/rows"),
                ("a.maker", self.body("E0", to="5QG"), 409, "conflict", "/to"),
                ("a.maker", self.body("E0", to="5QE"), 400, "malformed_json", "/to"),
                ("a.maker", self.body("E0", **{"from": "5QG"}), 409, "conflict", "/from"),
                ("a.maker", self.body("E0", month="2012-05"), 409, "conflict", "/month"),
                ("a.maker", self.body(), 400, "malformed_json", "/rows"),
                ("a.maker", self.body(5), 400, "malformed_json", "/rows"),
                ("f.one", self.body("E0"), 403, "forbidden", "/from"),
                ("g.one", self.body("E0"), 404, "not_found", None),
                ("b.maker", self.body("E0"), 404, "not_found", None)):
            with self.subTest(person=person, body=body):
                reply = self.as_person(person).send("POST", self.place, body)
                problem = self.assertProblem(reply, status, code, field)
                if field == "/to" and status == 409:
                    self.assertIn("agree a contract", problem["detail"])
        self.assertEqual(self.value("SELECT count(*) FROM reckoner.reattribution"), "0")

    def test_2_refused_and_withdrawn_leave_no_trace(self):
        before = {account: self.run_of(account, "PREVIEW") for account in (self.east, self.fen)}
        self.assertEqual(before[self.east]["position_pence"], 10 * DAYS * PRICE)
        one = self.propose("E0", "E1", person="e.one")
        again = self.as_person("a.maker").send("POST", self.place, self.body("E1"))
        self.assertProblem(again, 409, "conflict", "/rows")
        self.assertProblem(self.act("g.one", one, "agree"), 404, "not_found")
        self.assertProblem(self.act("e.two", one, "agree"), 409, "conflict")
        self.assertProblem(self.act("e.one", one, "refuse", {"reason": "no longer so"}), 403, "forbidden")
        self.assertProblem(self.act("f.one", one, "withdraw"), 403, "forbidden")
        self.assertEqual(self.act("a.maker", one, "agree").status, 201)
        refused = self.act("f.one", one, "refuse", {"reason": "not in our register"}).json()
        self.assertEqual((refused["outcome"], refused["closed_for"], refused["agreed_at"]), ("refused", "5QF", None))
        self.assertProblem(self.act("f.one", one, "agree"), 409, "conflict")
        two = self.propose("E0")
        self.assertEqual(self.act("e.one", two, "agree").json()["agreed_at"], None)
        self.assertEqual(self.act("a.author", two, "withdraw").json()["outcome"], "withdrawn")
        for account, run in before.items():
            again = self.run_of(account, "PREVIEW")
            self.assertEqual(self.position(run)["lines"], self.position(again)["lines"])
            self.assertEqual(self.position(again)["inputs"]["decisions"], [])

    def test_3_after_freeze_both_accounts_are_settled_again(self):
        self.service.set_clock("2012-06-11T09:00:00Z")
        frozen = {account: self.run_of(account, "FREEZE") for account in (self.east, self.fen)}
        self.issue_all()
        place = self.propose("E0", "E1", "E2")
        views = {person: self.as_person(person).get(place) for person in ("a.maker", "e.one", "f.one")}
        self.assertEqual({person: (v["rows"], v["rows_unchanged"], v["from_pence"], v["to_pence"])
                          for person, v in views.items()},
                         {"a.maker": (3, 3, 3 * DAYS * PRICE, 3 * DAYS * OTHER_PRICE),
                          "e.one": (3, 3, 3 * DAYS * PRICE, None), "f.one": (3, 3, None, 3 * DAYS * OTHER_PRICE)})
        self.assertEqual(list(self.as_person("f.one").pages(place + "/rows")), [])
        for person in ("e.one", "f.one"):
            self.settle_down()
            self.assertEqual(self.latest(self.east)["id"], frozen[self.east]["id"])
            self.assertEqual(self.act(person, place, "agree").status, 201)
        self.assertEqual([r["episode_id"] for r in self.as_person("f.one").pages(place + "/rows")], ["E0", "E1", "E2"])
        east, fen = self.latest(self.east), self.latest(self.fen)
        self.assertEqual((east["type"], east["balance_pence"]), ("R", -3 * DAYS * PRICE))
        self.assertEqual((fen["type"], fen["balance_pence"]), ("R", 3 * DAYS * OTHER_PRICE))
        days = {run["id"]: sum(line["units"] for line in self.position(run)["lines"] if line["stage"] == "activity")
                for run in (*frozen.values(), east, fen)}
        self.assertEqual((days[east["id"]], days[fen["id"]]), (7 * DAYS, 7 * DAYS))
        self.assertEqual(days[east["id"]] + days[fen["id"]], sum(days[run["id"]] for run in frozen.values()))
        self.assertEqual(self.query(
            "SELECT kind, commissioner, balance_pence FROM reckoner.document WHERE state = 'draft' ORDER BY 2"),
            [["credit_note", "5QE", str(-3 * DAYS * PRICE)], ["invoice", "5QF", str(3 * DAYS * OTHER_PRICE)]])
        for run, pence in ((east, -3 * DAYS * PRICE), (fen, 3 * DAYS * OTHER_PRICE)):
            self.assertEqual(self.query("SELECT cause, pence FROM reckoner.run_bridge_step WHERE pence <> 0"
                                        f" AND run = '{run['id']}'"), [["challenges", str(pence)]])
            listed = self.position(run)["inputs"]["decisions"]
            self.assertEqual([(d["kind"], d["number"]) for d in listed], [("reattribution", 3)] * 3)
        self.assertEqual(self.query("SELECT act, count(*) FROM reckoner.audit_event WHERE subject = 'reattribution/3'"
                                    " GROUP BY 1 ORDER BY 1"),
                         [["reattribution.agreed", "2"], ["reattribution.propose", "1"]])

    def test_4_what_was_moved_may_be_moved_back(self):
        self.issue_all()
        place = self.propose("E2", **{"from": "5QF", "to": "5QE"})
        again = self.as_person("a.maker").send("POST", self.place, self.body("E1"))
        self.assertProblem(again, 409, "conflict", "/rows")
        for person in ("e.one", "f.one"):
            self.assertEqual(self.act(person, place, "agree").status, 201)
        east, fen = self.latest(self.east), self.latest(self.fen)
        self.assertEqual((east["balance_pence"], fen["balance_pence"]), (DAYS * PRICE, -DAYS * OTHER_PRICE))

    def test_5_an_upload_that_mends_the_commissioner_makes_the_act_idle(self):
        """The month is open again: E0 comes as Fenwick's own, E1 as it was."""
        self.issue_all()
        before = self.latest(self.east), self.latest(self.fen)
        for account in (self.east, self.fen):
            contract = account.rsplit("/", 2)[0]
            asked = self.as_person("a.maker").post(contract + "/exceptions",
                                                   {"month": APRIL, "reason": "a commissioner is mended"})
            self.as_person("e.one" if account == self.east else "f.one").post(
                f"{contract}/exceptions/{APRIL}/{asked['n']}/decision",
                {"decision": "granted", "closes_on": "2012-06-29"})
        rows = [row | {"commissioner": "5QF"} if row["episode_id"] == "E0" else row for row in self.rows]
        self.assertEqual(self.send(rows)["state"], "accepted")
        after = [self.run_of(account, "PREVIEW") for account in (self.east, self.fen)]
        self.assertEqual([run["position_pence"] for run in after], [run["position_pence"] for run in before])
        self.assertEqual([len(self.position(run)["inputs"]["decisions"]) for run in after], [1, 1])
        self.assertEqual(self.as_person("a.maker").get(f"{self.place}/3")["rows_unchanged"], 2)


if __name__ == "__main__":
    harness.main()
