"""What has gone wrong elsewhere, and must not here: each accident by its name. One year of one trust with several
commissioners; every row is open all month."""

import calendar
import concurrent.futures

import harness

MONTHS = [f"{2012 + (m > 12)}-{(m - 1) % 12 + 1:02}" for m in range(4, 16)]
DAYS = {month: calendar.monthrange(int(month[:4]), int(month[5:]))[1] for month in MONTHS}
PRICE = 612
# Rows a month by commissioner. 5QF has a contract and no row, 5QG meets its cap, 5QH planned nothing, 5QJ comes here in
# October; 5QE and 5QK are closed on 31 March, of which 5QE was settled for good.
ROWS = {"5QE": 3, "5QG": 4, "5QH": 1, "5QJ": 2, "5QK": 2}
PEOPLE = {"5QE": "e.one", "5QF": "f.one", "5QG": "g.one", "5QH": "h.one", "5QJ": "j.one", "5QK": "q.one"}


def year_to(month, rows, price=PRICE):
    return rows * price * sum(DAYS[m] for m in MONTHS[:MONTHS.index(month) + 1])


class Accidents(harness.ServiceCase):
    """In order of the clock; the names of the steps say which accident."""

    settings = {"worker_poll_ms": 100}
    workers = 2

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        for code in ("5QG", "5QH", "5QJ", "5QK", "01A"):
            cls.service.organisation(code, "commissioner", f"Commissioner {code}")
        for person, code in (("g.one", "5QG"), ("h.one", "5QH"), ("j.one", "5QJ"), ("q.one", "5QK"),
                             ("k.one", "01A")):
            cls.service.person(person, code, person)
            cls.service.token(person)
        plan = [{"cluster": "04", "basis": "DAY", "units": [2 * days for days in DAYS.values()]}]
        nothing = [{"cluster": "04", "basis": "DAY", "units": [0] * 12}]
        parts = {"5QE": {}, "5QF": {}, "5QJ": {}, "5QK": {},
                 "5QG": {"plan": {"lines": plan}, "risk_share": {"cap": "50%"}},
                 "5QH": {"plan": {"lines": nothing}, "billing": {"method": "on_account"}}}
        cls.contract = {code: cls.agree(commissioner=code, terms=cls.terms(code, PRICE, **more),
                                        authors=("a.author", "a.maker", PEOPLE[code]))
                        for code, more in parts.items()}
        number = 0
        for month in MONTHS:
            after = MONTHS.index(month) + 5
            cls.service.set_clock(f"{2012 + (after > 12)}-{(after - 1) % 12 + 1:02}-08T09:00:00Z")
            rows = []
            for code, count in ROWS.items():
                rows += [harness.row(number + n, month, commissioner=code) for n in range(count)]
                number += count
            cls.march = rows
            if month != "2012-08":  # August is not sent in time
                cls.send(rows, month=month)
        cls.service.set_clock("2013-05-13T09:00:00Z")

    @staticmethod
    def terms(code, price, **changes):
        return harness.simple_terms("RXA", code, prices=[{"cluster": "04", "basis": "DAY", "pence": price}], **changes)

    def account(self, code):
        return f"{self.contract[code]}/accounts/{code}"

    def run_of(self, code, month, kind):
        client = self.as_person("a.maker")
        asked = client.post(f"{self.account(code)}/runs", {"month": month, "type": kind})
        client.wait_for_job("RXA", asked["job"])
        return client.get(f"/v1/providers/RXA/runs/{asked['run']}")

    def settle_down(self):
        waiting = "SELECT count(*) FROM reckoner.job WHERE state IN ('queued', 'leased')"
        self.wait_until(lambda: self.value(waiting) == "0", what="the end of all jobs")

    def raised(self, code, kind="R"):
        self.settle_down()
        runs = [run for run in self.as_person("a.maker").pages(f"{self.account(code)}/runs") if run["type"] == kind]
        return sorted(runs, key=lambda run: run["finished_at"] or "")

    def issue(self, document):
        path = f"/v1/providers/RXA/documents/{document}"
        etag = self.as_person("a.maker").send("GET", path).headers["ETag"]
        proposed = self.as_person("a.maker").send("POST", path + "/proposal", headers={"If-Match": etag})
        self.assertEqual(proposed.status, 200, proposed.body)
        issued = self.as_person("a.checker").send("POST", path + "/issue",
                                                  headers={"If-Match": proposed.headers["ETag"]})
        self.assertEqual(issued.status, 200, issued.body)
        return issued.json()

    def agreed(self, code, body):
        made = self.as_person("a.maker").post(f"{self.account(code)}/agreements", body)
        self.as_person(PEOPLE[code]).post(f"{self.account(code)}/agreements/{made['n']}/agree", {})
        self.settle_down()

    def close(self, code, successor=None):
        """The last day of the organisation is 31 March 2013."""
        operator, place = self.as_person("operator.one"), f"/v1/organisations/{code}"
        reply = operator.send("GET", place)
        closing = {"name": reply.json()["name"], "live_from": reply.json()["live_from"], "live_to": "2013-04-01"}
        closing |= {"successor": successor} if successor else {}
        reply = operator.send("PUT", place, closing, headers={"If-Match": reply.headers["ETag"]})
        self.assertEqual(reply.status, 200, reply.body)

    def acts(self, run):
        return [action["act"] for action in run["actions"]]

    def test_01_a_month_without_a_submission(self):
        run = self.run_of("5QE", "2012-09", "FREEZE")
        self.assertEqual((run["state"], run["hold"], run["hold_month"]), ("parked", "no_activity", "2012-08"))
        self.assertEqual(self.acts(run), ["upload", "ask_exception", "agree_month_without_activity", "ask_again"])
        client = self.as_person("e.one")
        account = client.get(self.account("5QE"))
        self.assertEqual((account["state"], account["billing_head"]), ("stopped", None))
        self.assertEqual([s["run"] for s in account["stopped"]], [run["id"]])
        listed = client.get("/v1/providers/RXA/stopped")["items"]
        self.assertEqual([(s["run"], self.acts(s)) for s in listed], [(run["id"], self.acts(run))])
        again = run["actions"][-1]
        for code in self.contract:
            self.agreed(code, {"kind": "month_without_activity", "month": "2012-08", "counts_as": "zero"})
        asked = self.as_person("a.maker").send(again["method"], again["href"], again["body"])
        self.settle_down()
        self.assertEqual(asked.json()["run"], run["id"])
        run = client.get(f"/v1/providers/RXA/runs/{run['id']}")
        self.assertEqual((run["state"], run["actions"], run["balance_pence"]),
                         ("done", [], year_to("2012-09", 3) - 3 * 31 * PRICE))
        self.assertEqual(client.get(self.account("5QE"))["state"], "awaiting_issue")
        self.issue(run["document"])
        self.assertEqual(client.get(self.account("5QE"))["state"], "settled")

    def test_02_a_month_already_run_is_run_again(self):
        client = self.as_person("a.maker")
        before = self.value("SELECT count(*) FROM reckoner.run")
        for kind in ("FREEZE", "FLEX"):
            reply = client.send("POST", f"{self.account('5QE')}/runs", {"month": "2012-09", "type": kind})
            self.assertProblem(reply, 409, "conflict", "/type")
        self.assertEqual(self.value("SELECT count(*) FROM reckoner.run"), before)
        # A month before it was never run by itself: its FREEZE bills nothing twice.
        run = self.run_of("5QE", "2012-06", "FREEZE")
        self.assertEqual((run["position_pence"], run["balance_pence"]), (year_to("2012-06", 3), 0))

        # What it came to can be looked at as often as anyone likes.
        looks = [self.run_of("5QE", "2012-09", "PREVIEW") for _ in range(2)]
        self.assertEqual([(look["state"], look["position_pence"], look["document"]) for look in looks],
                         [("done", year_to("2012-09", 3) - 3 * 31 * PRICE, None)] * 2)

    def test_03_a_failure_in_mid_run(self):
        self.query("CREATE FUNCTION public.fault() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION"
                   " 'planted'; END $$; CREATE TRIGGER fault BEFORE INSERT ON reckoner.statement FOR EACH ROW"
                   " WHEN (NEW.commissioner = '5QF') EXECUTE FUNCTION public.fault()")
        client = self.as_person("a.maker")
        asked = client.post(f"{self.account('5QF')}/runs", {"month": "2012-09", "type": "FREEZE"})
        self.settle_down()
        run = client.get(f"/v1/providers/RXA/runs/{asked['run']}")
        self.assertEqual((run["state"], run["hold"], self.acts(run)), ("failed", "fault", ["retry_job", "ask_again"]))
        left = self.value("SELECT (SELECT count(*) FROM reckoner.run_line WHERE run = r.id) + (SELECT count(*) FROM"
                          " reckoner.document WHERE run = r.id) + (SELECT count(*) FROM reckoner.frozen_month f WHERE"
                          f" f.contract = r.contract) FROM reckoner.run r WHERE id = '{run['id']}'")
        self.assertEqual(left, "0")
        self.query("DROP TRIGGER fault ON reckoner.statement; DROP FUNCTION public.fault()")
        retry = run["actions"][0]
        self.assertEqual(self.as_person("operator.one").send(retry["method"], retry["href"], {}).status, 202)
        self.settle_down()
        run = client.get(f"/v1/providers/RXA/runs/{run['id']}")
        self.assertEqual((run["state"], run["n"]), ("done", 1))

    def test_04_a_contract_with_no_row(self):
        runs = self.as_person("f.one").get(f"{self.account('5QF')}/runs")["items"]
        found = [(run["state"], run["position_pence"], run["balance_pence"]) for run in runs]
        self.assertEqual(found, [("done", 0, 0)])
        document = self.issue(runs[0]["document"])
        self.assertEqual((document["kind"], document["lines"]), ("nil_statement", []))

    def test_05_two_runs_of_one_contract_at_once(self):
        client = self.as_person("a.maker")
        months = ("2012-04", "2012-05", "2012-06", "2012-07")
        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            replies = list(pool.map(lambda month: self.as_person("a.maker").send(
                "POST", f"{self.account('5QG')}/runs", {"month": month, "type": "FREEZE"}), months))
        self.assertEqual([reply.status for reply in replies], [202] * 4)
        self.settle_down()
        runs = [client.get(f"/v1/providers/RXA/runs/{reply.json()['run']}") for reply in replies]
        self.assertEqual([run["state"] for run in runs], ["done"] * 4)
        drafts = [d for d in client.pages("/v1/providers/RXA/documents?commissioner=5QG&state=draft")]
        self.assertEqual([d["position_pence"] for d in drafts], [year_to("2012-07", 3)])
        chained = [s["previous"] for s in client.pages(f"{self.account('5QG')}/statements")]
        self.assertEqual(len(set(chained)), 4)
        self.issue(drafts[0]["id"])

    def test_06_a_cap_reached_twice(self):
        """Planned 2 rows a month, 4 came, the cap is at 3: once in July, over two months more in September, and the
        year to date is at the cap each time, not month by month."""
        first = year_to("2012-07", 3)
        run = self.run_of("5QG", "2012-09", "FREEZE")
        second = year_to("2012-09", 3)
        earned = year_to("2012-09", 4) - 4 * 31 * PRICE  # August counts as zero; its plan does not
        self.assertEqual(run["billable_pence"], min(second, earned))
        self.assertEqual((run["billed_pence"], run["balance_pence"]), (first, run["billable_pence"] - first))
        self.issue(run["document"])
        run = self.run_of("5QG", "2012-12", "FREEZE")
        self.assertEqual(run["billable_pence"], min(year_to("2012-12", 3), year_to("2012-12", 4) - 4 * 31 * PRICE))
        lines = self.as_person("g.one").pages(f"/v1/providers/RXA/runs/{run['id']}/lines")
        self.assertEqual(len([line for line in lines if line["stage"] == "cap_collar"]), 1)
        self.issue(run["document"])

    def test_07_a_plan_of_nothing(self):
        client = self.as_person("a.maker")
        asked = client.post(f"{self.contract['5QH']}/instalments", {})
        client.wait_for_job("RXA", asked["job"])
        self.assertEqual(client.get("/v1/providers/RXA/documents?commissioner=5QH")["items"], [])
        run = self.run_of("5QH", "2012-09", "FREEZE")
        self.assertEqual((run["on_account_pence"], run["balance_pence"]), (0, year_to("2012-09", 1) - 31 * PRICE))
        self.issue(run["document"])

    def test_08_go_live_in_month_7_with_opening_entries(self):
        """April to September were billed elsewhere, by 1 pence too little; October is the first month run here."""
        before = year_to("2012-09", 2) - 2 * 31 * PRICE
        for number, pence in (("S-1", 100_000), ("S-2", before - 100_001)):
            self.agreed("5QJ", {"kind": "opening_entry", "number": number, "issued_on": "2012-10-15", "pence": pence})
        run = self.run_of("5QJ", "2012-10", "FREEZE")
        self.assertEqual((run["opening_pence"], run["billed_pence"], run["balance_pence"]),
                         (before - 1, before - 1, 2 * 31 * PRICE + 1))
        document = self.issue(run["document"])
        self.assertEqual((document["lines"][-1]["stage"], document["lines"][-1]["pence"]),
                         ("opening_entries", 1 - before))
        self.assertEqual(document["references"], [])
        # One more is found when the first document is out: the credit makes itself.
        self.agreed("5QJ", {"kind": "opening_entry", "number": "S-3", "issued_on": "2012-10-16", "pence": 1})
        (run,) = self.raised("5QJ")
        self.assertEqual((run["cause"], run["balance_pence"]), ("opening entries", -1))
        self.assertEqual(self.issue(run["document"])["kind"], "credit_note")
        account = self.as_person("j.one").get(self.account("5QJ"))
        self.assertEqual((account["opening_pence"] + account["documents_pence"]), run["billable_pence"])

    def test_09_a_price_list_changed_under_issued_invoices(self):
        """A whole year, with invoices for three parts of it, at another price from April on."""
        for month in ("2012-12", "2013-03"):
            self.issue(self.run_of("5QE", month, "FREEZE")["document"])
        self.agree(contract=self.contract["5QE"], terms=self.terms("5QE", 600))
        (run,) = self.raised("5QE")
        units = 3 * sum(days for month, days in DAYS.items() if month != "2012-08")
        self.assertEqual((run["month"], run["state"], run["balance_pence"]), ("2012-06", "done", -12 * units))
        document = self.issue(run["document"])
        self.assertEqual((document["kind"], [r["kind"] for r in document["references"]]),
                         ("credit_note", ["invoice"] * 3))
        # Why, month by month, on the run, the document and the statement.
        moved = {month: -12 * 3 * sum(DAYS[m] for m in MONTHS[:MONTHS.index(month) + 1] if m != "2012-08")
                 for month in ("2012-06", "2012-09", "2012-12", "2013-03")}
        client = self.as_person("e.one")
        bridges = client.get(f"/v1/providers/RXA/runs/{run['id']}/bridge")["items"]
        self.assertEqual({b["month"]: b["steps"] for b in bridges},
                         {month: [{"cause": "prices", "pence": pence}] for month, pence in moved.items()})
        self.assertEqual([b["to_pence"] - b["from_pence"] for b in bridges], list(moved.values()))
        self.assertIn("version 1 to 2", bridges[0]["bridge"]["steps"][0]["what"])
        self.assertEqual({b["month"]: b["pence"] for b in document["bridge"]}, moved)
        statement = client.get(f"/v1/providers/RXA/statements/{run['statement']}")
        self.assertEqual({b["month"]: b["steps"] for b in statement["bridges"]},
                         {b["month"]: b["steps"] for b in bridges})
        by_price = {price: [(x["units"], x["pence"]) for x in document["lines"] if x["price_pence"] == price]
                    for price in (600, 612)}
        self.assertEqual([u for u, _ in by_price[600]], [-u for u, _ in by_price[612]])
        self.assertEqual(len(by_price[600]), 11)
        self.assertEqual(sum(p for lines in by_price.values() for _, p in lines), -12 * units)

    def test_10_a_year_closed_by_final(self):
        client = self.as_person("a.maker")
        reply = client.send("POST", f"{self.account('5QE')}/runs", {"month": "2012-12", "type": "FINAL"})
        self.assertProblem(reply, 409, "conflict", "/month")
        reply = client.send("POST", f"{self.account('5QG')}/runs", {"month": "2013-03", "type": "FINAL"})
        self.assertProblem(reply, 409, "conflict", "/type")
        # Nor while something is contested.
        episode = self.value("SELECT min(episode_id) FROM reckoner.episode JOIN reckoner.submission s"
                             " ON s.no = submission WHERE commissioner = '5QE' AND s.month = '2013-03-01'")
        raised = self.as_person("e.one").post(f"{self.account('5QE')}/challenges", {
            "month": "2013-03", "reason": "not_provided", "evidence": "no contact is recorded", "claimed_pence": 100,
            "rows": [{"episode_id": episode}], "counter": {"not_payable": True}})
        self.settle_down()
        run = self.run_of("5QE", "2013-03", "FINAL")
        self.assertEqual((run["state"], run["hold"], self.acts(run)),
                         ("parked", "open_challenge", ["answer_challenges", "ask_again"]))
        self.as_person("e.one").post(f"{self.account('5QE')}/challenges/{raised['number']}/withdraw", {})
        self.settle_down()
        run = self.run_of("5QE", "2013-03", "FINAL")
        self.assertEqual((run["state"], run["n"], run["balance_pence"]), ("done", 1, 0))
        self.issue(run["document"])
        self.assertEqual(self.as_person("e.one").get(self.account("5QE"))["state"], "closed")
        for kind in ("FREEZE", "FINAL"):
            reply = client.send("POST", f"{self.account('5QE')}/runs", {"month": "2013-03", "type": kind})
            self.assertProblem(reply, 409, "conflict", "/type")

    def test_11_a_row_found_to_belong_to_another_commissioner_after_freeze(self):
        """A row of October that was sent with 5QJ and is 5QK's; both have frozen and billed October."""
        self.issue(self.run_of("5QK", "2012-10", "FREEZE")["document"])
        episode = self.value("SELECT min(episode_id) FROM reckoner.episode JOIN reckoner.submission s"
                             " ON s.no = submission WHERE commissioner = '5QJ' AND s.month = '2012-10-01'")
        settled = {code: len(self.raised(code)) for code in ("5QJ", "5QK")}
        made = self.as_person("a.maker").post("/v1/providers/RXA/reattributions", {
            "month": "2012-10", "from": "5QJ", "to": "5QK", "rows": [episode], "reason": "the practice is 5QK's"})
        act = f"/v1/providers/RXA/reattributions/{made['n']}/agree"
        self.as_person("j.one").post(act, {})
        self.assertEqual({code: len(self.raised(code)) for code in settled}, settled)
        self.as_person("q.one").post(act, {})
        for code, pence, kind in (("5QJ", -31 * PRICE, "credit_note"), ("5QK", 31 * PRICE, "invoice")):
            (run,) = self.raised(code)[settled[code]:]
            self.assertEqual((run["month"], run["state"], run["balance_pence"]), ("2012-10", "done", pence))
            self.assertEqual(self.issue(run["document"])["kind"], kind)
        self.assertEqual(self.value("SELECT DISTINCT commissioner FROM reckoner.episode WHERE episode_id ="
                                    f" '{episode}'"), "5QJ")

    def test_12_a_commissioner_closed_after_its_final_whose_march_is_settled_again_in_june(self):
        account, successor = self.account("5QE"), self.as_person("k.one")
        self.assertProblem(successor.send("GET", account), 404, "not_found")
        self.close("5QE")
        self.service.set_clock("2013-06-10T09:00:00Z")
        # Nobody stands for it yet: the run says so, and whom it waits for.
        self.agreed("5QE", {"kind": "adjustment", "month": "2013-03", "pence": 4200, "label": "Bed closed"})
        (run,) = self.raised("5QE", "DISPUTE")
        self.assertEqual((run["state"], run["hold"], self.acts(run)),
                         ("parked", "no_successor", ["record_successor", "ask_again"]))
        self.close("5QE", "01A")
        again = run["actions"][-1]
        self.assertEqual(self.as_person("a.maker").send(again["method"], again["href"], again["body"]).status, 202)
        (run,) = self.raised("5QE", "DISPUTE")
        self.assertEqual((run["state"], run["month"], run["balance_pence"]), ("done", "2013-03", 4200))
        document = self.issue(run["document"])
        self.assertEqual((document["commissioner"], document["bill_to"]), ("5QE", "01A"))
        # The successor's people read and act; rows and account keep the old code.
        seen = successor.get(account)
        self.assertEqual((seen["commissioner"], seen["stands_for"]), ("5QE", "01A"))
        self.assertEqual(successor.get(f"/v1/providers/RXA/documents/{document['id']}")["number"], document["number"])
        made = self.as_person("a.maker").post(f"{account}/agreements", {
            "kind": "adjustment", "month": "2013-03", "pence": -4200, "label": "Not closed after all"})
        self.assertEqual(successor.send("POST", f"{account}/agreements/{made['n']}/agree").status, 201)
        self.agree(contract=self.contract["5QE"], terms=self.terms("5QE", 612),
                   authors=("a.author", "a.maker", "k.one"))
        balances = {(run["month"], run["n"]): run["balance_pence"] for run in self.raised("5QE", "DISPUTE")}
        units = 3 * sum(days for month, days in DAYS.items() if month != "2012-08")
        # The last one bills what the one before only drafted.
        self.assertEqual(balances, {("2013-03", 1): 4200, ("2013-03", 2): -4200, ("2012-06", 1): 12 * units - 4200})
        self.assertEqual(self.value("SELECT count(DISTINCT commissioner) FROM reckoner.episode WHERE commissioner ="
                                    " '01A'"), "0")

    def test_13_a_commissioner_closed_whose_march_is_settled_again_in_june_and_challenged(self):
        """Rows of March come late; the documents go to the recorded successor, which disputes some of the rows."""
        account, successor, march = self.account("5QK"), self.as_person("k.one"), "2013-03"
        self.issue(self.run_of("5QK", march, "FREEZE")["document"])
        self.close("5QK", "01A")
        asked = self.as_person("a.maker").post(f"{self.contract['5QK']}/exceptions",
                                               {"month": march, "reason": "two stays were left out"})
        successor.post(f"{self.contract['5QK']}/exceptions/{march}/{asked['n']}/decision",
                       {"decision": "granted", "closes_on": "2013-06-20"})
        late = [harness.row(n, march, commissioner="5QK") for n in (9001, 9002)]
        self.assertEqual(self.send(self.march + late, month=march)["state"], "accepted")
        run = self.raised("5QK")[-1]
        self.assertEqual((run["month"], run["state"], run["balance_pence"]), (march, "done", 2 * 31 * PRICE))
        document = self.issue(run["document"])
        self.assertEqual((document["kind"], document["commissioner"], document["bill_to"]), ("invoice", "5QK", "01A"))
        # The successor challenges both, on what is billed to it; one is found to be right.
        raised = successor.post(f"{account}/challenges", {
            "month": march, "reason": "not_provided", "evidence": "no contact is recorded", "claimed_pence": 10 ** 7,
            "rows": [{"episode_id": row["episode_id"]} for row in late], "counter": {"not_payable": True}})
        place = f"{account}/challenges/{raised['number']}"
        self.settle_down()
        held = successor.get(place)
        self.assertEqual((held["billed"], held["document"], held["held_pence"]),
                         (True, document["id"], 2 * 31 * PRICE))
        self.as_person("a.maker").post(f"{place}/split", {
            "rows": [late[0]["episode_id"]], "reason": "the notes have the other stay alone"})
        run = self.raised("5QK")[-1]
        self.assertEqual((run["month"], run["state"], run["balance_pence"]), (march, "done", -31 * PRICE))
        document = self.issue(run["document"])
        self.assertEqual((document["kind"], document["commissioner"], document["bill_to"]),
                         ("credit_note", "5QK", "01A"))
        self.assertEqual(self.query("SELECT DISTINCT e.commissioner FROM reckoner.episode e WHERE e.episode_id IN"
                                    " ('E9001', 'E9002')"), [["5QK"]])
        self.assertEqual(self.query("SELECT DISTINCT commissioner, bill_to FROM reckoner.document WHERE bill_to ="
                                    " '01A' ORDER BY 1"), [["5QE", "01A"], ["5QK", "01A"]])

    def test_14_an_author_who_is_the_only_person_left_to_approve(self):
        author, other = self.as_person("b.author"), self.as_person("e.two")
        made = author.post("/v1/providers/RXB/contracts", {
            "financial_year": 2012, "mode": "live", "title": "RXB with 5QF", "commissioners": ["5QF"],
            "coordinator": "5QF"})
        path = f"/v1/providers/RXB/contracts/{made['contract']}/terms"
        draft = author.post(path, harness.simple_terms("RXB", "5QF"))
        self.service.command("person", "disable", "b.maker")
        approval = {"digest": draft["digest"]}
        alone = self.assertProblem(author.send("POST", f"{path}/{draft['version']}/approvals", approval), 409,
                                   "same_person")
        self.assertIn("the only person of RXB here: the operator enrols another", alone["detail"])
        self.assertProblem(other.send("POST", f"{path}/{draft['version']}/approvals", approval), 404, "not_found")
        # The way out: another person of the trust.
        self.service.person("b.late", "RXB", "b.late")
        self.service.token("b.late")
        self.assertEqual(self.as_person("b.late").send("POST", f"{path}/{draft['version']}/approvals",
                                                       approval).status, 201)


if __name__ == "__main__":
    harness.main()
