"""Rows that turn out to belong to another commissioner: three parties agree, two accounts are settled again."""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))

import harness  # noqa: E402

APRIL = "2012-04"
PRICE, OTHER_PRICE, DAYS = 612, 1000, 30
WARNED = (1, 5, 11)  # rows that fail M02
REASON = "the practice is one of Fenwick's since March"


class Accounts(harness.ServiceCase):
    """Two accounts of one trust, and acts on them."""

    workers = 2
    place = "/v1/providers/RXA/reattributions"

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

    def rows_behind(self, run, person):
        """By line: (units and pence of the line, of its rows, their numbers)."""
        client, found = self.as_person(person), {}
        for line in client.pages(f"/v1/providers/RXA/runs/{run['id']}/lines"):
            if line["stage"] == "activity":
                rows = list(client.pages(f"/v1/providers/RXA/runs/{run['id']}/lines/{line['line_no']}/rows", limit=2))
                self.assertEqual((sum(r["units"] for r in rows), sum(r["pence"] for r in rows)),
                                 (line["units"], line["pence"]), line)
                found[line["basis"]] = [r["row_no"] for r in rows]
        return found


class Reattribution(Accounts):
    """Accounts of two contracts with prices of their own; the names of the steps say their order."""

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
        for n in WARNED:
            cls.rows[n]["h2"] = "9"

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

    def test_3a_the_rows_are_listed_where_they_are_paid(self):
        east, fen = self.latest(self.east), self.latest(self.fen)
        for person in ("a.maker", "f.one"):
            self.assertEqual(self.rows_behind(fen, person), {"DAY": [1, 2, 3, 11, 12, 13, 14]})
        for person in ("a.maker", "e.one"):
            self.assertEqual(self.rows_behind(east, person), {"DAY": [4, 5, 6, 7, 8, 9, 10]})
        shown = list(self.as_person("f.one").pages(f"{self.place}/3/rows"))
        self.assertEqual([(r["episode_id"], r["row_no"], r["cluster"], "M02" in r["rules"]) for r in shown],
                         [(f"E{n}", n + 1, "04", n in WARNED) for n in range(3)])

    def challenge(self, person, account, **choice):
        return self.as_person(person).send("POST", account + "/challenges", {
            "month": APRIL, "reason": "wrong_cluster", "claimed_pence": 10 ** 7, "counter": {"not_payable": True},
            "evidence": "not found in our register of practices"} | choice)

    def test_3b_who_pays_may_challenge_them(self):
        self.assertProblem(self.challenge("e.one", self.east, rows=[{"episode_id": "E0"}]), 409, "conflict", "/rows")
        before = self.latest(self.fen)
        line = f"activity/{APRIL}/04/DAY/{OTHER_PRICE}"
        for choice, rows in (({"rows": [{"episode_id": "E1"}]}, 1), ({"line": line}, 7)):
            raised = self.challenge("f.one", self.fen, **choice)
            self.assertEqual(raised.status, 201, raised.body)
            made = raised.json()
            self.assertEqual(made["rows"], rows)
            run = self.run_of(self.fen, "PREVIEW")
            self.assertEqual([c["pence"] for c in self.position(run)["contested"]], [rows * DAYS * OTHER_PRICE])
            self.as_person("f.one").post(f"{self.fen}/challenges/{made['number']}/withdraw")
        self.assertEqual(self.position(self.run_of(self.fen, "PREVIEW"))["lines"], self.position(before)["lines"])

    def test_3b_a_filter_finds_them_where_they_are_paid(self):
        for person, account, episodes in (("e.one", self.east, ["E5"]), ("f.one", self.fen, ["E1", "E11"])):
            for found_by in ({"rule": "M02"}, {"rule": "M02", "severity": "WARN", "cluster": "04"}):
                raised = self.challenge(person, account, filter=found_by)
                self.assertEqual(raised.status, 201, raised.body)
                place = f"{account}/challenges/{raised.json()['number']}"
                self.assertEqual([row["episode_id"] for row in self.as_person(person).pages(place + "/rows")], episodes)
                self.as_person(person).post(place + "/withdraw")
            for found_by in ({"rule": "M02", "severity": "ERROR"}, {"rule": "M02", "cluster": "14"}):
                self.assertProblem(self.challenge(person, account, filter=found_by), 409, "conflict", "/filter")

    def test_3c_what_is_decided_of_a_moved_row_holds(self):
        self.issue_all()
        raised = self.challenge("f.one", self.fen, rows=[{"episode_id": "E1"}], counter={"payable_days": 10}).json()
        self.as_person("a.maker").post(f"{self.fen}/challenges/{raised['number']}/accept")
        fen = self.latest(self.fen)
        self.assertEqual((fen["type"], fen["balance_pence"]), ("R", -20 * OTHER_PRICE))
        self.assertEqual(self.rows_behind(fen, "f.one"), {"DAY": [1, 2, 3, 11, 12, 13, 14]})

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
        moved = [[d["kind"] for d in self.position(run)["inputs"]["decisions"]].count("reattribution") for run in after]
        self.assertEqual(moved, [1, 1])
        self.assertEqual(self.as_person("a.maker").get(f"{self.place}/3")["rows_unchanged"], 2)


class OneContract(Accounts):
    """Both accounts in one contract, with prices of periods and assessments."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        author = cls.as_person("a.author")
        made = author.post("/v1/providers/RXA/contracts", {
            "financial_year": 2012, "mode": "live", "title": "RXA with two", "commissioners": ["5QE", "5QF"],
            "coordinator": "5QE"})
        contract = f"/v1/providers/RXA/contracts/{made['contract']}"
        terms = harness.simple_terms(prices=[
            {"cluster": "04", "basis": "DAY", "pence": PRICE},
            {"cluster": "04", "basis": "ASSESSMENT", "pence": 20000},
            {"cluster": "11", "basis": "PERIOD", "pence": 234567, "period_days": 28, "renewable": True}])
        terms["parties"]["5QF"] = {"name": "The other", "address": ["3 Fen Street"], "buyer_reference": "B-2"}
        cls.agree(terms=terms, contract=contract)
        cls.east, cls.fen = contract + "/accounts/5QE", contract + "/accounts/5QF"
        cls.rows = [harness.row(0, mhct_date="2012-04-10"), harness.row(1, cluster="11", start_date="2012-04-03"),
                    harness.row(2, cluster="11", start_date="2012-03-20"), harness.row(3)]
        cls.rows += [row | {"commissioner": "5QF", "episode_id": "F" + row["episode_id"], "patient_id": f"Q{n}"}
                     for n, row in enumerate(cls.rows)]

    def test_rows_of_every_basis_move_between_accounts_of_one_contract(self):
        self.assertEqual(self.send(self.rows)["state"], "accepted")
        self.service.set_clock("2012-06-11T09:00:00Z")
        east, fen = self.run_of(self.east, "FREEZE"), self.run_of(self.fen, "FREEZE")
        self.issue_all()
        before = [{line["key"]: line for line in self.position(run)["lines"]} for run in (east, fen)]
        self.assertEqual(before[0].keys(), before[1].keys())
        self.assertEqual(self.rows_behind(east, "e.one"), {"DAY": [1, 4], "PERIOD": [2, 3], "ASSESSMENT": [1]})
        place = self.propose("E0", "E1")
        for person in ("e.one", "f.one"):
            self.assertEqual(self.act(person, place, "agree").status, 201)
        left, came = self.latest(self.east), self.latest(self.fen)
        self.assertEqual((left["type"], came["type"], left["balance_pence"] + came["balance_pence"]), ("R", "R", 0))
        self.assertEqual(came["balance_pence"], DAYS * PRICE + 20000 + 234567)
        self.assertEqual(self.rows_behind(left, "e.one"), {"DAY": [4], "PERIOD": [3]})
        for person in ("a.maker", "f.one"):
            self.assertEqual(self.rows_behind(came, person),
                             {"DAY": [1, 5, 8], "PERIOD": [2, 6, 7], "ASSESSMENT": [1, 5]})

    def test_the_successor_of_a_closed_commissioner_acts_in_its_place(self):
        self.service.organisation("5QH", "commissioner", "Hartwell CCG")
        self.service.person("h.one", "5QH", "h.one")
        self.service.token("h.one")
        successor, operator = self.as_person("h.one"), self.as_person("operator.one")
        self.assertProblem(successor.send("GET", self.fen), 404, "not_found")
        found = operator.send("GET", "/v1/organisations/5QF")
        closed = operator.send("PUT", "/v1/organisations/5QF", {
            "name": found.json()["name"], "live_from": found.json()["live_from"], "live_to": "2012-06-01",
            "successor": "5QH"},
            headers={"If-Match": found.headers["ETag"]})
        self.assertEqual(closed.status, 200, closed.body)
        raised = successor.send("POST", self.fen + "/challenges", {
            "month": APRIL, "reason": "not_provided", "claimed_pence": 100, "counter": {"not_payable": True},
            "evidence": "no contact is recorded", "rows": [{"episode_id": "FE3"}]})
        self.assertEqual(raised.status, 201, raised.body)
        place = f"{self.fen}/challenges/{raised.json()['number']}"
        self.assertEqual(successor.send("POST", place + "/withdraw", {}).status, 201)
        act = self.propose("E3")
        self.assertEqual(self.act("e.one", act, "agree").status, 201)
        self.assertEqual(self.act("h.one", act, "agree").status, 201)
        self.assertEqual(successor.get(act)["to_by"], "h.one")


if __name__ == "__main__":
    harness.main()
