"""What people decide while a run is made. The act's row is locked by another session, so that the act is under way when
the run begins: the run either counts it or lies before it, and so says everybody who verifies its statement."""

import concurrent.futures
import pathlib
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))

import bundles  # noqa: E402
import harness  # noqa: E402

# Sessions of these programs that wait for a lock.
WAITING = ("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
           " AND application_name LIKE '{}%' AND wait_event LIKE '{}'")
ACCOUNT = "hashtextextended('account/RXA/{}/{}', 0)"


class Held:
    """A session of the database that keeps a transaction open, with what sql locks."""

    def __init__(self, conninfo, sql):
        self.psql = subprocess.Popen([str(harness.PG_BIN / "psql"), "-X", "-q", "-A", "-t", conninfo], text=True,
                                     stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.psql.stdin.write(f"BEGIN;\n{sql};\n\\echo locked\n")
        self.psql.stdin.flush()
        while self.psql.stdout.readline() != "locked\n":
            assert self.psql.poll() is None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.psql.communicate("ROLLBACK;\n", timeout=30)


class OrderOfActs(harness.ServiceCase):
    """One story in order; the names of the steps say so."""

    workers = 2
    settings = {"lock_timeout_ms": 60_000}

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.folder_of_bundles = tempfile.TemporaryDirectory(prefix="reckoner-acts-")
        cls.addClassCleanup(cls.folder_of_bundles.cleanup)
        cls.maker, cls.commissioner = cls.as_person("a.maker"), cls.as_person("e.one")
        sent = cls.send([harness.row(n) for n in range(3)] +
                        [harness.row(n, commissioner="5QF") for n in range(3, 5)])
        assert sent["state"] == "accepted", sent
        cls.accounts = {}
        cls.verified = set()

    def account(self, commissioner="5QE"):
        """A contract for this test; the other one stays."""
        person = {"5QE": "e.one", "5QF": "f.one"}[commissioner]
        if commissioner not in self.accounts:
            terms = harness.simple_terms("RXA", commissioner)
            self.accounts[commissioner] = self.agree(commissioner=commissioner, terms=terms,
                                                     authors=("a.author", "a.maker", person))
        return f"{self.accounts[commissioner]}/accounts/{commissioner}"

    def propose(self, account, pence, person=None):
        return (person or self.maker).post(f"{account}/agreements", {
            "kind": "adjustment", "month": "2012-04", "pence": pence, "label": "Recounted", "in_cquin": False})["n"]

    def waiting(self, program, event="%"):
        return self.value(WAITING.format(program, event)) != "0"

    def undone(self):
        return self.value("SELECT count(*) FROM reckoner.job WHERE state IN ('queued', 'leased')") != "0"

    def agree_beside(self, account, n, begin):
        """Agrees n, whose row is locked when the act begins; begin starts a run meanwhile. The row is free again once
        the run waits, or all is done."""
        contract, commissioner = account.split("/")[-3], account.split("/")[-1]
        row = ("SELECT FROM reckoner.agreement "
               f"WHERE contract = '{contract}' AND commissioner = '{commissioner}' AND n = {n}")
        with concurrent.futures.ThreadPoolExecutor(1) as pool:
            with Held(self.service.conninfo, row + " FOR UPDATE"):
                act = pool.submit(self.as_person("e.one").send, "POST", f"{account}/agreements/{n}/agree")
                self.wait_until(lambda: self.waiting("reckonerd"), what="an act under way")
                begin()
                self.wait_until(lambda: self.waiting("reckoner-worker", "advisory") or not self.undone(),
                                what="a run under way")
            self.assertEqual(act.result().status, 201, act.result().body)
        self.wait_until(lambda: not self.undone(), what="the end of all jobs")
        self.assertEqual(self.query("SELECT kind, problem FROM reckoner.job WHERE state = 'failed'"), [])

    def verify_new(self):
        """Every statement since the last time, by both verifiers."""
        found = {statement for (statement,) in self.query("SELECT record FROM reckoner.statement")} - self.verified
        self.assertTrue(found)
        self.verified.update(found)
        for statement in found:
            path = pathlib.Path(self.folder_of_bundles.name) / f"{statement}.tar"
            path.write_bytes(bundles.ask(self.maker, statement))
            for program in (bundles.ours, bundles.theirs):
                status, report = program(path)
                self.assertEqual(status, 0, [check for check in report["checks"] if check["outcome"] != "good"])

    def test_1_an_act_under_way_when_a_run_begins(self):
        account = self.account()
        self.service.set_clock("2012-05-20T09:00:00Z")
        n = self.propose(account, 1234)
        self.agree_beside(account, n, lambda: self.maker.post(f"{account}/runs", {"month": "2012-04", "type": "FLEX"}))
        self.verify_new()

    def test_2_an_act_under_way_when_an_account_is_settled_again(self):
        account = self.account()
        self.service.set_clock("2012-06-20T09:00:00Z")
        asked = self.maker.post(f"{account}/runs", {"month": "2012-04", "type": "FREEZE"})
        self.maker.wait_for_job("RXA", asked["job"])
        cause, held = self.propose(account, 500), self.propose(account, 77)
        self.agree_beside(account, held, lambda: self.commissioner.post(f"{account}/agreements/{cause}/agree"))
        self.verify_new()
        self.assertEqual(self.value("SELECT position_pence FROM reckoner.run WHERE type = 'R' AND state = 'done'"
                                    " ORDER BY finished_at DESC LIMIT 1"), str(3 * 30 * 612 + 1234 + 500 + 77))

    def test_3_a_document_waits_for_its_account_and_nobody_for_the_document(self):
        account, other = self.account(), self.account("5QF")
        (draft,) = self.maker.pages("/v1/providers/RXA/documents?state=draft")
        path = f"/v1/providers/RXA/documents/{draft['id']}"
        etag = self.maker.send("POST", path + "/proposal", headers={"If-Match": f'"{draft["revision"]}"'})
        lock = f"SELECT pg_advisory_xact_lock({ACCOUNT.format(account.split('/')[-3], '5QE')})"
        with concurrent.futures.ThreadPoolExecutor(1) as pool:
            with Held(self.service.conninfo, lock):
                issued = pool.submit(self.as_person("a.checker").send, "POST", path + "/issue",
                                     headers={"If-Match": etag.headers["ETag"]})
                self.wait_until(lambda: issued.done() or self.waiting("reckonerd", "advisory"),
                                what="a document that waits")
                self.propose(other, 9)
                asked = self.maker.post(f"{other}/runs", {"month": "2012-04", "type": "FREEZE"})
                self.maker.wait_for_job("RXA", asked["job"])
                self.assertFalse(issued.done())
                made = self.maker.get(f"/v1/providers/RXA/runs/{asked['run']}")
            self.assertEqual(issued.result().status, 200, issued.result().body)
        self.assertEqual(made["state"], "done")
        self.assertGreater(issued.result().json()["issued_at"], made["finished_at"])

    def test_4_a_clock_that_was_set_back_dates_nothing_before_what_it_dated(self):
        account = self.account()
        mark = "(SELECT last_value FROM reckoner.act_mark)"
        now = "(extract(epoch FROM clock_timestamp()) * 1000000)::bigint"
        self.assertEqual(self.value(f"SELECT abs({now} - {mark}) < 600000000"), "t")
        self.assertIn("clock     ok", self.service.command("health").stdout)
        contract = account.split("/")[-3]
        n = self.propose(account, 11)
        # The clock now lies an hour before the last instant that was given.
        self.query(f"SELECT setval('reckoner.act_mark', {now} + 3600000000)")
        self.commissioner.post(f"{account}/agreements/{n}/agree")
        self.wait_until(lambda: not self.undone(), what="the end of all jobs")
        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            after = list(pool.map(lambda pence: self.propose(account, pence, self.as_person("a.maker")), range(1, 9)))
        self.assertEqual(self.value(f"SELECT {mark} - {now} > 3500000000"), "t")
        (order,) = self.query(
            "SELECT a.closed_at - a.proposed_at > interval '59 minutes', r.known_at >= a.closed_at,"
            " (SELECT count(DISTINCT p.proposed_at) FROM reckoner.agreement p WHERE p.contract = a.contract"
            f"   AND p.n = ANY ('{{{','.join(map(str, after))}}}') AND p.proposed_at > r.known_at)"
            " FROM reckoner.agreement a, (SELECT max(known_at) AS known_at FROM reckoner.run WHERE state = 'done') r"
            f" WHERE a.contract = '{contract}' AND a.n = {n}")
        self.assertEqual(order, ["t", "t", str(len(after))])
        self.verify_new()
        said = self.service.command("health", check=False)
        self.assertEqual((said.returncode, "clock     FAULT" in said.stdout), (1, True), said.stdout)

    def test_5_a_question_waits_for_a_run_of_its_account_under_way(self):
        account = self.account()
        contract = account.split("/")[-3]
        with Held(self.service.conninfo, f"SELECT pg_advisory_xact_lock({ACCOUNT.format(contract, '5QE')})"):
            asked = self.maker.post(f"{self.accounts['5QE']}/calculations",
                                    {"kind": "forecast", "commissioner": "5QE", "to": "2012-04"})
            self.wait_until(lambda: self.waiting("reckoner-worker", "advisory") or not self.undone(),
                            what="a question that waits")
            ended = self.value("SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint")
            self.assertTrue(self.undone())
        self.maker.wait_for_job("RXA", asked["job"])
        self.assertEqual(self.value("SELECT last_value > " + ended + " FROM reckoner.act_mark"), "t")


if __name__ == "__main__":
    harness.main()
