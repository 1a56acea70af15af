"""Billing beside activity: instalments on account and their reconciliation, and a contract that comes here in mid-year
with documents issued elsewhere."""

import harness

APRIL = 30 * 612


class Instalments(harness.ServiceCase):
    """An account on account; the expected value is £10,000,000.07."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.contract = cls.agree(terms=cls.terms(1_000_000_007))
        cls.account = cls.contract + "/accounts/5QE"

    @staticmethod
    def terms(eacv, **changes):
        return harness.simple_terms(billing={"method": "on_account", "eacv_pence": eacv}, **changes)

    def drafted(self):
        """Asks for the instalments that are due; the open drafts of instalments by k."""
        client = self.as_person("a.maker")
        asked = client.post(f"{self.contract}/instalments", {})
        client.wait_for_job("RXA", asked["job"])
        return self.drafts()

    def drafts(self):
        client = self.as_person("a.maker")
        listed = [d for state in ("draft", "proposed") for d in client.pages(
            f"/v1/providers/RXA/documents?state={state}") if d["instalment"] is not None]
        return {d["instalment"]: d for d in listed}

    def issue(self, document):
        path = f"/v1/providers/RXA/documents/{document}"
        maker, checker = self.as_person("a.maker"), self.as_person("a.checker")
        etag = maker.send("GET", path).headers["ETag"]
        etag = maker.send("POST", path + "/proposal", headers={"If-Match": etag}).headers["ETag"]
        return checker.send("POST", path + "/issue", headers={"If-Match": etag})


class OnAccount(Instalments):
    """One story in order. Every row is open all month at £6.12 a day."""

    def run_of(self, month, kind):
        client = self.as_person("a.maker")
        asked = client.post(f"{self.account}/runs", {"month": month, "type": kind})
        client.wait_for_job("RXA", asked["job"])
        return client.get(f"/v1/providers/RXA/runs/{asked['run']}")

    def test_1_an_instalment_a_month(self):
        first = self.drafted()
        self.assertEqual({k: d["balance_pence"] for k, d in first.items()}, {1: 83_333_334, 2: 83_333_334})
        self.assertEqual((first[2]["month"], first[2]["run"], first[2]["bill_to"]), ("2012-05", None, "5QE"))
        self.assertEqual(self.drafted(), first)
        # The second one rests on the first: it is stale until that is issued.
        self.assertProblem(self.issue(first[2]["id"]), 409, "stale_draft")
        self.assertEqual(self.issue(first[1]["id"]).status, 200)
        path = f"/v1/providers/RXA/documents/{first[2]['id']}"
        reply = self.as_person("a.checker").send("POST", path + "/issue", headers={"If-Match": '"2"'})
        self.assertEqual(reply.status, 200, reply.body)
        (line,) = reply.json()["lines"]
        self.assertIn("2 of 12", line["label"])
        self.service.set_clock("2012-10-08T09:00:00Z")
        later = self.drafted()
        self.assertEqual([later[k]["balance_pence"] for k in range(3, 8)],
                         [83_333_334, 83_333_334, 83_333_334, 83_333_334, 83_333_333])

    def test_2_a_reconciliation_sets_off_its_own_months(self):
        self.service.set_clock("2012-05-08T10:00:00Z")
        self.send([harness.row(n) for n in range(10)])
        self.service.set_clock("2012-10-08T10:00:00Z")
        run = self.run_of("2012-04", "FREEZE")
        self.assertEqual((run["state"], run["on_account_pence"], run["opening_pence"]), ("done", 83_333_334, 0), run)
        self.assertEqual(run["balance_pence"], 10 * APRIL - 83_333_334)
        document = self.as_person("e.one").get(f"/v1/providers/RXA/documents/{run['document']}")
        self.assertEqual(document["kind"], "credit_note")
        self.assertEqual([(x["stage"], x["pence"]) for x in document["lines"]],
                         [("activity", 10 * APRIL), ("on_account", -83_333_334)])
        self.assertEqual(self.issue(run["document"]).status, 200)

    def test_3_a_retro_variation_of_the_expected_value(self):
        """Halved for the whole year: the reconciliation takes back what April's instalment no longer comes to, and the
        next instalment brings the rest."""
        before = self.drafts()
        self.agree(contract=self.contract, terms=self.terms(500_000_000))
        waiting = "SELECT count(*) FROM reckoner.job WHERE state IN ('queued', 'leased')"
        self.wait_until(lambda: self.value(waiting) == "0", what="the end of all jobs")
        run = self.as_person("a.maker").get(f"{self.account}/runs")["items"][0]
        self.assertEqual((run["type"], run["cause"], run["balance_pence"]),
                         ("R", "expected annual contract value", 83_333_334 - 41_666_667), run)
        now = self.drafts()
        self.assertEqual(now[3]["balance_pence"], 125_000_000 - 166_666_668)
        self.assertEqual((now[3]["kind"], now[4]["balance_pence"]), ("credit_note", 41_666_667))
        self.assertNotIn(before[3]["id"], {d["id"] for d in now.values()})
        self.assertEqual(self.issue(now[3]["id"]).status, 200)
        issued = "SELECT sum(balance_pence) FROM reckoner.document WHERE state = 'issued' AND instalment > 0"
        self.assertEqual(self.value(issued), "125000000")


class OpenedElsewhere(Instalments):
    """Documents issued elsewhere are instalments as long as billing is on account, and nothing drafted gets stuck. One
    story in order."""

    def test_1_the_next_instalment_brings_the_rest(self):
        """They stand for those up to the month of their date, and the next brings the rest."""
        asked = self.as_person("a.maker").post(self.account + "/agreements", {
            "kind": "opening_entry", "number": "S-1", "issued_on": "2012-05-04", "pence": 100_000_000})
        self.as_person("e.one").post(f"{self.account}/agreements/{asked['n']}/agree")
        self.service.set_clock("2012-06-08T09:00:00Z")
        (draft,) = self.drafted().values()
        self.assertEqual((draft["instalment"], draft["balance_pence"]), (3, 250_000_002 - 100_000_000))

    def test_2_an_expected_value_of_nothing(self):
        """Without expected value the entries are given back by the third."""
        self.agree(contract=self.contract, terms=self.terms(0))
        (draft,) = self.drafted().values()
        self.assertEqual((draft["kind"], draft["balance_pence"]), ("credit_note", -100_000_000))
        self.assertEqual(self.issue(draft["id"]).status, 200)

    def test_3_a_method_that_changes_in_the_year(self):
        """Actual from September on: no instalment but the one that takes back what was given."""
        self.service.set_clock("2012-10-08T09:00:00Z")
        self.agree(contract=self.contract, terms=harness.simple_terms(effective_from="2012-09"))
        (draft,) = self.drafted().values()
        self.assertEqual((draft["instalment"], draft["kind"], draft["balance_pence"]), (4, "invoice", 100_000_000))
        self.assertEqual(self.issue(draft["id"]).status, 200)
        self.assertEqual(self.drafted(), {})


if __name__ == "__main__":
    harness.main()
