"""Settlement in awkward orders: months frozen last one first, terms that swing a month to a credit while its draft is
open, exceptions granted twice, one upload for contracts that freeze on different days, requests at once. After each
step the invariants of the money are looked up in the database."""

import concurrent.futures
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))

import harness  # noqa: E402

DAYS = {"2012-04": 30, "2012-05": 31, "2012-06": 30}
BLOCK = 1000

# What must hold whatever happened, by account: name, and SQL that finds breaches.
INVARIANTS = {
    "the documents issued are the position billed last, and the ledger says the same": """
        SELECT a.contract, a.commissioner FROM reckoner.account a WHERE
          (SELECT coalesce(sum(d.balance_pence), 0) FROM reckoner.document d
            WHERE (d.provider, d.contract, d.commissioner) = (a.provider, a.contract, a.commissioner)
              AND d.state = 'issued')
          <> coalesce((SELECT d.position_pence FROM reckoner.document d WHERE (d.provider, d.contract, d.commissioner)
            = (a.provider, a.contract, a.commissioner) AND d.state = 'issued' ORDER BY d.number DESC LIMIT 1), 0)
          OR (SELECT coalesce(sum(d.balance_pence), 0) FROM reckoner.document d WHERE (d.provider, d.contract,
            d.commissioner) = (a.provider, a.contract, a.commissioner)
              AND d.state = 'issued')
          <> (SELECT coalesce(sum(l.pence), 0) FROM reckoner.ledger_posting l JOIN reckoner.document d
            ON d.provider = l.provider AND d.id = l.document WHERE (d.provider, d.contract, d.commissioner)
            = (a.provider, a.contract, a.commissioner) AND l.ledger_account = 'receivable')""",
    "without an open draft everything settled last is billed": """
        SELECT r.id FROM reckoner.run r JOIN reckoner.statement s ON s.provider = r.provider AND s.run = r.id
        WHERE r.balance_pence IS NOT NULL AND NOT EXISTS (SELECT FROM reckoner.statement t JOIN reckoner.run q
            ON q.provider = t.provider AND q.id = t.run WHERE (t.provider, t.contract, t.commissioner)
            = (s.provider, s.contract, s.commissioner) AND t.seq > s.seq AND q.balance_pence IS NOT NULL)
          AND NOT EXISTS (SELECT FROM reckoner.document d WHERE (d.provider, d.contract, d.commissioner)
            = (r.provider, r.contract, r.commissioner) AND d.state IN ('draft', 'proposed'))
          AND r.billable_pence <> (SELECT coalesce(sum(d.balance_pence), 0) FROM reckoner.document d WHERE (d.provider,
            d.contract, d.commissioner) = (r.provider, r.contract, r.commissioner) AND d.state = 'issued')""",
    "lines add up to documents": """
        SELECT d.id FROM reckoner.document d LEFT JOIN reckoner.document_line l
          ON l.provider = d.provider AND l.document = d.id
        GROUP BY d.provider, d.id HAVING coalesce(sum(l.pence), 0) <> d.balance_pence""",
    "a line is units times price": """
        SELECT line_key FROM reckoner.document_line WHERE price_pence * units <> pence
        UNION ALL SELECT line_key FROM reckoner.run_line WHERE price_pence * units <> pence""",
    "same inputs, same bytes": """
        SELECT body::jsonb -> 'inputs' FROM reckoner.position
        GROUP BY body::jsonb -> 'inputs', body::jsonb -> 'contract', body::jsonb -> 'commissioner',
          body::jsonb -> 'month', body::jsonb -> 'known_at' HAVING count(*) > 1""",
}


def terms_of(price, commissioner="5QE", freeze=25, **changes):
    return harness.simple_terms(
        "RXA", commissioner,
        prices=[{"cluster": "04", "basis": "DAY", "pence": price}],
        block=[{"month": month, "pence": BLOCK, "label": "Liaison team"} for month in DAYS],
        cquin={"rate": "2.5%", "on_account": "100%", "indicators": [
            {"id": "reviews", "label": "Reviews", "weight": "100%", "measure": "step",
             "thresholds": [{"at": "80%", "earns": "100%"}]}]},
        calendar={"flex": {"operational_days": 10}, "freeze": {"operational_days": freeze}}, **changes)


def position(months, price, earned=1000):
    """Independent of the service: rows by month, priced, with a block line each and CQUIN on all of it (half away)."""
    aav = sum(rows * DAYS[month] * price + BLOCK for month, rows in months.items())
    return aav + (aav * 25 * earned + 500_000) // 1_000_000


class Resettlement(harness.ServiceCase):
    """One story in order; the names of the steps say so."""

    workers = 2

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.contract = cls.agree(terms=terms_of(612))
        cls.account = cls.contract + "/accounts/5QE"
        cls.late = cls.agree(commissioner="5QF", terms=terms_of(612, "5QF", freeze=40),
                             authors=("a.author", "a.maker", "f.one"))
        cls.late_account = cls.late + "/accounts/5QF"

    def tearDown(self):
        for name, sql in INVARIANTS.items():
            self.assertEqual(self.query(sql), [], name)

    def upload(self, month, ours, theirs):
        rows = [harness.row(n, month) for n in range(ours)]
        rows += [harness.row(n, month, commissioner="5QF") for n in range(100, 100 + theirs)]
        sent = self.send(rows, month=month)
        self.assertEqual(sent["state"], "accepted", sent)

    def run_of(self, account, month, kind):
        client = self.as_person("a.maker")
        asked = client.post(f"{account}/runs", {"month": month, "type": kind})
        client.wait_for_job("RXA", asked["job"])
        return client.get(f"/v1/providers/RXA/runs/{asked['run']}")

    def settle_down(self):
        self.wait_until(lambda: self.value("SELECT count(*) FROM reckoner.job WHERE state IN ('queued', 'leased')")
                        == "0", what="the end of all jobs")
        self.assertEqual(self.query("SELECT kind, problem FROM reckoner.job WHERE state = 'failed'"), [])

    def r_runs(self, account):
        self.settle_down()
        runs = [run for run in self.as_person("a.maker").pages(f"{account}/runs") if run["type"] == "R"]
        return sorted(runs, key=lambda run: run["finished_at"])

    def drafts(self, account):
        contract, commissioner = account.split("/")[-3], account.split("/")[-1]
        path = f"/v1/providers/RXA/documents?contract={contract}&commissioner={commissioner}&state="
        client = self.as_person("a.maker")
        return [d for state in ("draft", "proposed") for d in client.pages(path + state)]

    def issue(self, account):
        self.settle_down()
        (draft,) = self.drafts(account)
        path = f"/v1/providers/RXA/documents/{draft['id']}"
        etag = f'"{draft["revision"]}"'
        proposed = self.as_person("a.maker").send("POST", path + "/proposal", headers={"If-Match": etag})
        self.assertEqual(proposed.status, 200, proposed.body)
        issued = self.as_person("a.checker").send("POST", path + "/issue",
                                                  headers={"If-Match": proposed.headers["ETag"]})
        self.assertEqual(issued.status, 200, issued.body)
        return issued.json()

    def open_again(self, contract, month, closes_on, granter="e.one"):
        asked = self.as_person("a.maker").post(f"{contract}/exceptions", {"month": month, "reason": "rows missing"})
        self.as_person(granter).post(f"{contract}/exceptions/{month}/{asked['n']}/decision",
                                     {"decision": "granted", "closes_on": closes_on})

    def test_1_months_frozen_last_one_first(self):
        for month, clock in (("2012-04", "2012-05-08"), ("2012-05", "2012-06-08"), ("2012-06", "2012-07-09")):
            self.service.set_clock(clock + "T09:00:00Z")
            self.upload(month, 10, 5)
        self.service.set_clock("2012-08-10T09:00:00Z")
        june = self.run_of(self.account, "2012-06", "FREEZE")
        whole = position({month: 10 for month in DAYS}, 612)
        self.assertEqual((june["state"], june["position_pence"], june["balance_pence"]), ("done", whole, whole))
        self.issue(self.account)
        for count, month in ((1, "2012-04"), (2, "2012-05")):
            run = self.run_of(self.account, month, "FREEZE")
            self.assertEqual((run["position_pence"], run["billable_pence"], run["balance_pence"]),
                             (position({m: 10 for m in list(DAYS)[:count]}, 612), whole, 0))
        self.assertEqual([d["kind"] for d in self.drafts(self.account)], ["nil_statement"])
        self.assertEqual(self.r_runs(self.account), [])

    def test_2_terms_swing_to_a_credit_over_an_open_draft(self):
        (before,) = self.drafts(self.account)
        self.agree(contract=self.contract, terms=terms_of(500))
        (run,) = self.r_runs(self.account)
        swung = position({month: 10 for month in DAYS}, 500)
        self.assertEqual((run["month"], run["n"], run["billable_pence"]), ("2012-04", 1, swung))
        reply = self.as_person("a.maker").send("POST", f"/v1/providers/RXA/documents/{before['id']}/proposal",
                                               headers={"If-Match": '"2"'})
        self.assertProblem(reply, 409, "conflict")
        # Swung back before the credit was issued: nothing is owed.
        self.agree(contract=self.contract, terms=terms_of(612))
        self.assertEqual([(r["month"], r["n"], r["balance_pence"]) for r in self.r_runs(self.account)],
                         [("2012-04", 1, swung - position({month: 10 for month in DAYS}, 612)), ("2012-04", 2, 0)])
        self.agree(contract=self.contract, terms=terms_of(500))
        credit = self.issue(self.account)
        self.assertEqual((credit["kind"], len(credit["references"])), ("credit_note", 1))

    def test_3_an_achievement_disputed_then_agreed(self):
        path = self.account + "/achievements"
        ours, theirs = self.as_person("a.maker"), self.as_person("e.one")
        before = len(self.r_runs(self.account))
        first = ours.post(path, {"indicator": "reviews", "numerator": 9, "denominator": 10, "evidence": "our audit"})
        second = theirs.post(path, {"indicator": "reviews", "numerator": 7, "denominator": 10, "evidence": "yours"})
        self.assertEqual(len(self.r_runs(self.account)), before)
        self.as_person("a.checker").post(f"{path}/reviews/{second['n']}/agreement", {})
        runs = self.r_runs(self.account)
        self.assertEqual(runs[-1]["billable_pence"], position({month: 10 for month in DAYS}, 500, earned=0))
        self.assertEqual(len(runs), before + 1)
        # The commissioner gives in: the newest agreement counts, and the position is the one of before.
        self.as_person("e.two").post(f"{path}/reviews/{first['n']}/agreement", {})
        runs = self.r_runs(self.account)
        self.assertEqual((len(runs), runs[-1]["balance_pence"]), (before + 2, 0))

    def test_4_an_exception_granted_twice(self):
        before = len(self.r_runs(self.account))
        self.open_again(self.contract, "2012-05", "2012-08-20")
        self.upload("2012-05", 12, 5)
        self.open_again(self.contract, "2012-05", "2012-08-30")
        self.assertEqual(len(self.r_runs(self.account)), before + 1)
        self.upload("2012-05", 11, 5)
        runs = self.r_runs(self.account)
        owed = position({"2012-04": 10, "2012-05": 11, "2012-06": 10}, 500)
        self.assertEqual((len(runs), runs[-1]["month"], runs[-1]["billable_pence"]), (before + 2, "2012-05", owed))
        self.issue(self.account)
        # Terms that change nothing, and an upload that nobody let in for April, make no run.
        self.agree(contract=self.contract, terms=terms_of(500))
        self.assertEqual(len(self.r_runs(self.account)), before + 2)

    def test_5_one_upload_for_two_freeze_dates(self):
        """The other contract froze nothing yet: at its own FREEZE it takes what it was sent inside its own window."""
        self.upload("2012-06", 20, 6)  # its window is open until the end of August, ours is closed
        self.assertEqual(self.r_runs(self.late_account), [])
        client = self.as_person("a.maker")
        newest = client.get("/v1/providers/RXA/months/2012-06/submissions")["items"][0]["submission"]
        unused = client.pages(f"/v1/providers/RXA/submissions/{newest}/findings?rule=W01")
        self.assertEqual([(f["row"], f["commissioner"], f["severity"]) for f in unused],
                         [(row, "5QE", "WARN") for row in range(11, 21)])  # new to the month that is frozen for 5QE
        self.service.set_clock("2012-09-05T09:00:00Z")
        before = len(self.r_runs(self.account))
        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            replies = list(pool.map(lambda _: self.as_person("a.maker").send(
                "POST", f"{self.late_account}/runs", {"month": "2012-06", "type": "FREEZE"}), range(4)))
        for late in (reply for reply in replies if reply.status != 202):
            self.assertProblem(late, 409, "conflict", "/type")  # asked again when the run was done
        (asked,) = {reply.json()["run"] for reply in replies if reply.status == 202}
        self.settle_down()
        run = client.get(f"/v1/providers/RXA/runs/{asked}")
        # The exceptions of May were the other contract's: its 5 rows of 5QF stand as first sent.
        owed = position({"2012-04": 5, "2012-05": 5, "2012-06": 6}, 612)
        self.assertEqual((run["state"], run["billable_pence"]), ("done", owed))
        self.issue(self.late_account)
        self.assertEqual(len(self.r_runs(self.account)), before)
        self.assertEqual(self.drafts(self.account), [])
        preview = self.run_of(self.account, "2012-06", "PREVIEW")
        self.assertEqual(preview["position_pence"], position({"2012-04": 10, "2012-05": 11, "2012-06": 10}, 500))

    def test_6_terms_and_a_late_file_and_a_freeze_at_once(self):
        """Whatever comes first, the account ends at the same amount, all of it in one open draft."""
        self.open_again(self.late, "2012-04", "2012-09-30", "f.one")
        with concurrent.futures.ThreadPoolExecutor(3) as pool:
            work = [pool.submit(self.agree, contract=self.late, terms=terms_of(700, "5QF", freeze=40),
                                authors=("a.author", "a.maker", "f.one")),
                    pool.submit(self.upload, "2012-04", 10, 8),
                    pool.submit(self.run_of, self.late_account, "2012-05", "FREEZE")]
            for one in work:
                one.result()
        self.settle_down()
        (draft,) = self.drafts(self.late_account)
        self.assertEqual(draft["position_pence"], position({"2012-04": 8, "2012-05": 5, "2012-06": 6}, 700))
        self.issue(self.late_account)


class OneAccountFails(harness.ServiceCase):
    """What keeps one account from being settled again does not keep back the others of its contract."""

    def agree_both(self, price, contract=None):
        """Terms of a contract with two commissioners; returns its path."""
        author, own, other = (self.as_person(person) for person in ("a.author", "a.maker", "e.one"))
        if contract is None:
            made = author.post("/v1/providers/RXA/contracts", {
                "financial_year": 2012, "mode": "live", "title": "Two commissioners", "coordinator": "5QE",
                "commissioners": ["5QE", "5QF"]})
            contract = f"/v1/providers/RXA/contracts/{made['contract']}"
        terms = harness.simple_terms(prices=[{"cluster": "04", "basis": "DAY", "pence": price}])
        terms["parties"]["5QF"] = terms["parties"]["5QE"]
        draft = author.post(f"{contract}/terms", terms)
        for client in (own, other):
            client.post(f"{contract}/terms/{draft['version']}/approvals", {"digest": draft["digest"]})
        return contract

    def settle_down(self):
        self.wait_until(lambda: self.value("SELECT count(*) FROM reckoner.job WHERE state IN ('queued', 'leased')")
                        == "0", what="the end of all jobs")

    def balances(self, contract):
        client = self.as_person("a.maker")
        return {commissioner: [run["balance_pence"] for run in client.pages(f"{contract}/accounts/{commissioner}/runs")
                               if run["type"] == "R"] for commissioner in ("5QE", "5QF")}

    def test_the_other_account_is_settled_again(self):
        client = self.as_person("a.maker")
        contract = self.agree_both(600)
        self.send([harness.row(n) for n in range(10)] + [harness.row(n, commissioner="5QF") for n in range(50, 55)])
        self.service.set_clock("2012-06-11T09:00:00Z")
        for commissioner in ("5QE", "5QF"):
            asked = client.post(f"{contract}/accounts/{commissioner}/runs", {"month": "2012-04", "type": "FREEZE"})
            client.wait_for_job("RXA", asked["job"])
        self.query("CREATE FUNCTION public.fault() RETURNS trigger LANGUAGE plpgsql AS "
                   "$$ BEGIN RAISE EXCEPTION 'planted'; END $$;"
                   "CREATE TRIGGER fault BEFORE INSERT ON reckoner.run FOR EACH ROW WHEN (NEW.commissioner = '5QE') "
                   "EXECUTE FUNCTION public.fault()")
        self.agree_both(700, contract)
        self.settle_down()
        # Nothing is billed of what was only drafted: the balance is the whole position.
        self.assertEqual(self.balances(contract), {"5QE": [], "5QF": [5 * 30 * 700]})
        ((job, problem),) = self.query("SELECT id, problem FROM reckoner.job WHERE state = 'failed'")
        self.assertTrue(problem.startswith("Account 5QE: "), problem)
        self.query("DROP TRIGGER fault ON reckoner.run; DROP FUNCTION public.fault()")
        self.as_person("operator.one").post(f"/v1/providers/RXA/jobs/{job}/retries", {})
        self.settle_down()
        self.assertEqual(self.balances(contract), {"5QE": [10 * 30 * 700], "5QF": [5 * 30 * 700]})


class NotUsed(harness.ServiceCase):
    """W01 tells what a closed contract does not use: from the closing on, not from its first FREEZE run on."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.contract = cls.agree(terms=terms_of(612))
        cls.agree(commissioner="5QF", terms=terms_of(612, "5QF", freeze=40), authors=("a.author", "a.maker", "f.one"))

    def unused(self, services):
        """Sends April, a row per service and one of the contract that is open; the rows that have a W01."""
        rows = [harness.row(n, service=service) for n, service in enumerate(services)]
        rows.append(harness.row(100, commissioner="5QF", service=f"S{len(services)}"))
        sent = self.send(rows)
        client, path = self.as_person("a.maker"), f"/v1/providers/RXA/submissions/{sent['submission']}"
        self.wait_until(lambda: client.get(path)["evaluation"] == 1, what="the evaluation")
        return [(f["row"], f["severity"]) for f in client.pages(path + "/findings?rule=W01")]

    def test_it_follows_what_the_contract_uses(self):
        client = self.as_person("a.maker")
        self.assertEqual(self.unused(["A", "B", "C"]), [])
        self.service.set_clock("2012-06-12T09:00:00Z")  # closed for 5QE since the end of 7 June
        self.assertEqual(self.unused(["A", "X", "C", "D"]), [(2, "WARN"), (4, "WARN")])
        asked = client.post(f"{self.contract}/accounts/5QE/runs", {"month": "2012-04", "type": "FREEZE"})
        client.wait_for_job("RXA", asked["job"])
        # What came in by an exception is used, though it is not what was frozen.
        request = client.post(f"{self.contract}/exceptions", {"month": "2012-04", "reason": "rows missing"})
        self.as_person("e.one").post(f"{self.contract}/exceptions/2012-04/{request['n']}/decision",
                                     {"decision": "granted", "closes_on": "2012-06-13"})
        self.assertEqual(self.unused(["A", "X", "C"]), [])
        self.service.set_clock("2012-06-14T09:00:00Z")
        self.assertEqual(self.unused(["A", "X", "Y", "Z"]), [(3, "WARN"), (4, "WARN")])


if __name__ == "__main__":
    harness.main()
