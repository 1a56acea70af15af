"""Out of every state in which a run is parked by the acts that the run itself names: each reason that
test_accidents.py (no_activity, no_successor, open_challenge, fault) does not meet. No SQL in any of them. Every row is
open all month at £6.12 a day."""

import calendar

import harness

MONTHS = ("2012-04", "2012-05", "2012-06")
DAYS = {month: calendar.monthrange(2012, int(month[5:]))[1] for month in MONTHS}
PRICE = 612
ROWS = {"5QE": 4, "5QF": 1, "5QG": 2, "5QH": 3}
PEOPLE = {"5QE": "e.one", "5QF": "f.one", "5QG": "g.one", "5QH": "h.one"}


def worth(rows, *months):
    return rows * PRICE * sum(DAYS[month] for month in months)


class WaysOut(harness.ServiceCase):
    """One trust, a commissioner for each reason; rows of April to June."""

    settings = {"worker_poll_ms": 100}

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        for code, person in PEOPLE.items():
            if code not in harness.ORGANISATIONS:
                cls.service.organisation(code, "commissioner", f"Commissioner {code}")
                cls.service.person(person, code, person)
                cls.service.token(person)
        for month, clock in zip(MONTHS, ("2012-05-08", "2012-06-08", "2012-07-09")):
            cls.service.set_clock(f"{clock}T09:00:00Z")
            cls.send(cls.rows(month), month=month)
        cls.service.set_clock("2012-08-20T09:00:00Z")

    @staticmethod
    def rows(month, **others):
        """As many as each commissioner has, or others."""
        return [harness.row(100 * k + n, month, commissioner=code)
                for k, code in enumerate(ROWS) for n in range((ROWS | others)[code])]

    @staticmethod
    def terms(code, **changes):
        return harness.simple_terms("RXA", code, prices=[{"cluster": "04", "basis": "DAY", "pence": PRICE}], **changes)

    @staticmethod
    def plan(units):
        return {"lines": [{"cluster": "04", "basis": "DAY", "units": [units] * 12}]}

    def agreed(self, code, contract=None, **changes):
        return self.agree(commissioner=code, terms=self.terms(code, **changes), contract=contract,
                          authors=("a.author", "a.maker", PEOPLE[code]))

    def run_of(self, account, month, kind):
        client = self.as_person("a.maker")
        asked = client.post(f"{account}/runs", {"month": month, "type": kind})
        client.wait_for_job("RXA", asked["job"])
        return client.get(f"/v1/providers/RXA/runs/{asked['run']}")

    def parked(self, run, hold, acts):
        """The run says why, in words, and what leads out; the list of what has stopped says the same."""
        self.assertEqual((run["state"], run["hold"], [a["act"] for a in run["actions"]]), ("parked", hold, acts))
        self.assertTrue(run["reason"])
        listed = {s["run"]: s for s in self.as_person("a.maker").get("/v1/providers/RXA/stopped")["items"]}
        self.assertEqual((listed[run["id"]]["hold"], listed[run["id"]]["actions"]), (hold, run["actions"]))
        return {a["act"]: a for a in run["actions"]}

    def asked_again(self, act):
        """The same run, made after all; nothing of this account is stopped any longer."""
        client = self.as_person("a.maker")
        reply = client.send(act["method"], act["href"], act["body"])
        self.assertEqual(reply.status, 202, reply.body)
        client.wait_for_job("RXA", reply.json()["job"])
        run = client.get(f"/v1/providers/RXA/runs/{reply.json()['run']}")
        self.assertEqual((run["state"], run["hold"], run["actions"]), ("done", None, []), run["reason"])
        self.assertNotIn(run["id"], [s["run"] for s in client.get("/v1/providers/RXA/stopped")["items"]])
        return run

    def drafted(self, act, code, **changes):
        """Terms where the act says, approved by both sides."""
        self.assertEqual((act["act"], act["method"], act["by"]), ("draft_terms", "POST", "either"))
        self.agreed(code, act["href"].removesuffix("/terms"), **changes)

    def test_no_terms(self):
        """Terms that begin in June alone: April and May have none."""
        contract = self.agreed("5QF", effective_from="2012-06")
        run = self.run_of(f"{contract}/accounts/5QF", "2012-06", "FLEX")
        acts = self.parked(run, "no_terms", ["draft_terms", "ask_again"])
        self.assertEqual(run["hold_month"], "2012-04")
        self.assertIn("2012-04, 2012-05", run["reason"])
        self.drafted(acts["draft_terms"], "5QF")
        again = self.asked_again(acts["ask_again"])
        self.assertEqual((again["id"], again["position_pence"]), (run["id"], worth(1, *MONTHS)))

    def test_sanity_bound(self):
        """A month far above plan, settled once the bound is raised; then one that was wrong, settled once it is sent
        again under an exception."""
        bound = {"method": "actual", "sanity_bound": "150%"}
        contract = self.agreed("5QE", plan=self.plan(60), billing=bound)
        account = f"{contract}/accounts/5QE"
        offered = ["ask_exception", "draft_terms", "ask_again"]
        april = self.run_of(account, "2012-04", "FREEZE")
        acts = self.parked(april, "sanity_bound", offered)
        self.assertIn("£734.40", april["reason"])
        self.assertIn("150%", april["reason"])
        self.drafted(acts["draft_terms"], "5QE", plan=self.plan(60), billing=bound | {"sanity_bound": "200%"})
        done = self.asked_again(acts["ask_again"])
        self.assertEqual((done["id"], done["balance_pence"]), (april["id"], worth(4, "2012-04")))
        # May and its plan, both to date, are above it again: half of the rows were sent in error.
        may = self.run_of(account, "2012-05", "FREEZE")
        acts = self.parked(may, "sanity_bound", offered)
        self.assertIn("The balance of £1,493.28 is above", may["reason"])
        client, place = self.as_person("a.maker"), acts["ask_exception"]
        asked = client.post(place["href"], {"month": "2012-05", "reason": "rows were sent twice"})
        self.as_person("e.one").post(f"{place['href']}/2012-05/{asked['n']}/decision",
                                     {"decision": "granted", "closes_on": "2012-08-31"})
        self.send(self.rows("2012-05", **{"5QE": 2}), month="2012-05")
        done = self.asked_again(acts["ask_again"])
        self.assertEqual((done["id"], done["position_pence"]),
                         (may["id"], worth(4, "2012-04") + worth(2, "2012-05")))

    def test_other(self):
        """Volume bands from June on, over months whose plan is a stated sum: nothing that has a reason of its own."""
        sums = {"sums": [{"month": month, "pence": 2 * PRICE * days} for month, days in DAYS.items()]}
        contract = self.agreed("5QG", plan=sums)
        bands = [{"group": "g", "clusters": ["04"], "bands": [{"to": "100%", "pay": "100%"}, {"pay": "50%"}]}]
        self.agreed("5QG", contract, effective_from="2012-06", plan=self.plan(30), volume_bands=bands)
        run = self.run_of(f"{contract}/accounts/5QG", "2012-06", "FREEZE")
        acts = self.parked(run, "other", ["draft_terms", "ask_again"])
        self.assertIn("agree terms with planned units, or without volume bands", run["reason"])
        self.drafted(acts["draft_terms"], "5QG", plan=self.plan(30), volume_bands=bands)
        done = self.asked_again(acts["ask_again"])
        planned, units = 90 * PRICE, worth(2, *MONTHS)
        self.assertEqual((done["id"], done["position_pence"]), (run["id"], planned + (units - planned) // 2))

    def test_reference_data(self):
        """Bank holidays that end before the year's windows: the operator loads them, with the command line."""
        contract = self.agreed("5QH")
        account = f"{contract}/accounts/5QH"
        self.assertEqual(self.run_of(account, "2012-04", "FREEZE")["state"], "done")
        short = self.folder / "short.csv"
        short.write_text("date,name\n2011-12-26,Boxing Day\n", encoding="utf-8")
        self.service.command("reference", "load", "bank_holidays", short)
        try:
            made = self.as_person("a.maker").post(f"{account}/agreements", {
                "kind": "adjustment", "month": "2012-04", "pence": 4200, "label": "Bed closed"})
            self.as_person("h.one").post(f"{account}/agreements/{made['n']}/agree", {})
            self.wait_until(lambda: self.settled_again(account, "parked"), what="the end of the R run")
            run = self.settled_again(account, "parked")[0]
            acts = self.parked(run, "reference_data", ["load_reference_data", "ask_again"])
        finally:
            self.service.command("reference", "load", "bank_holidays", harness.ROOT / "config/bank_holidays.csv")
        self.assertEqual([acts["load_reference_data"][name] for name in ("method", "by", "href")],
                         ["COMMAND", "operator", "reckoner reference load KIND FILE"])
        done = self.asked_again(acts["ask_again"])
        self.assertEqual((done["id"], done["type"]), (run["id"], "R"))
        self.assertEqual(done["balance_pence"], worth(3, "2012-04") + 4200)

    def settled_again(self, account, state):
        runs = self.as_person("a.maker").pages(f"{account}/runs")
        return [run for run in runs if (run["type"], run["state"]) == ("R", state)]


if __name__ == "__main__":
    harness.main()
