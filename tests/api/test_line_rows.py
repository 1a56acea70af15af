"""The rows behind the lines of a run: they add up to each line exactly, for whoever may see the run."""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))

import harness  # noqa: E402

TERMS = harness.simple_terms(
    prices=[{"cluster": "04", "basis": "DAY", "pence": 612, "to": "2012-04-16"},
            {"cluster": "04", "basis": "DAY", "pence": 700, "from": "2012-04-16"},
            {"cluster": "14", "basis": "ADMITTED", "pence": 30000},
            {"cluster": "14", "basis": "NONADMITTED", "pence": 1700},
            {"cluster": "11", "basis": "PERIOD", "pence": 234567, "period_days": 28, "renewable": True},
            {"cluster": "04", "basis": "ASSESSMENT", "pence": 20000}],
    factor="1.05")


class LineRows(harness.ServiceCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.account = cls.agree(terms=TERMS) + "/accounts/5QE"
        rows = [harness.row(n) for n in range(6)]
        rows += [harness.row(10 + n, cluster="14", admitted_days=str(7 * n), start_date="2012-04-05") for n in range(3)]
        rows += [harness.row(20 + n, cluster="11", start_date=f"2012-03-{n + 10}") for n in range(4)]
        rows += [harness.row(30, commissioner="5QF"), harness.row(31, cluster="99")]
        # One patient assessed twice of one referral, one first by another commissioner, two by themselves.
        rows += [harness.row(40, mhct_date="2012-04-10", end_date="2012-04-11"),
                 harness.row(41, mhct_date="2012-04-12", patient_id="P40", start_date="2012-04-11"),
                 harness.row(42, mhct_date="2012-04-05", commissioner="5QF"),
                 harness.row(43, mhct_date="2012-04-09", patient_id="P42"), harness.row(44, mhct_date="2012-04-02"),
                 harness.row(45, mhct_date="2012-04-03", start_date="2012-04-03", end_date="2012-04-03",
                             assessment_only="Y")]
        cls.send(rows)
        client = cls.as_person("a.maker")
        asked = client.post(f"{cls.account}/runs", {"month": "2012-04", "type": "PREVIEW"})
        client.wait_for_job("RXA", asked["job"])
        cls.run_path = f"/v1/providers/RXA/runs/{asked['run']}"
        cls.lines = list(client.pages(cls.run_path + "/lines"))

    def rows_of(self, line, person="a.maker", limit=2):
        return list(self.as_person(person).pages(f"{self.run_path}/lines/{line['line_no']}/rows", limit=limit))

    def test_rows_add_up_to_each_line(self):
        seen = set()
        for line in self.lines:
            if line["cluster"] is None:
                continue
            rows = self.rows_of(line)
            self.assertEqual((sum(r["units"] for r in rows), sum(r["pence"] for r in rows)),
                             (line["units"], line["pence"]), line)
            self.assertEqual(len(rows), len({r["row_no"] for r in rows}))
            seen.add(line["basis"])
        self.assertEqual(seen, {"DAY", "ADMITTED", "NONADMITTED", "PERIOD", "ASSESSMENT"})

    def test_rows_that_earn_an_assessment(self):
        line = next(line for line in self.lines if line["basis"] == "ASSESSMENT")
        rows = self.rows_of(line)
        self.assertEqual([(r["episode_id"], r["units"], r["pence"]) for r in rows],
                         [("E40", 1, 20000), ("E44", 1, 20000), ("E45", 1, 20000)])
        self.assertEqual([r["row_no"] for r in self.rows_of(line, "e.one")], [r["row_no"] for r in rows])

    def test_the_line_says_how_it_was_made(self):
        factor = next(line for line in self.lines if line["stage"] == "factor")
        found = self.as_person("a.maker").get(f"{self.run_path}/lines/{factor['line_no']}/rows")
        self.assertEqual((found["items"], found["next"]), ([], None))
        self.assertIn("not made of rows", found["empty_because"])
        self.assertEqual(found["line"]["key"], factor["line_key"])
        self.assertEqual(found["line"]["derivation"]["clause"], "/factor")

    def test_no_identity_but_the_callers_own(self):
        line = next(line for line in self.lines if line["basis"] == "DAY")
        own = self.rows_of(line)
        self.assertTrue(all(r["episode_id"] and r["pseudonym"] is None for r in own))
        for person in ("e.one", "audit.one"):
            rows = self.rows_of(line, person)
            self.assertEqual([(r["row_no"], r["units"], r["pence"]) for r in rows],
                             [(r["row_no"], r["units"], r["pence"]) for r in own])
            self.assertTrue(all(r["episode_id"] is None for r in rows))

    def test_strangers_and_what_is_not_there(self):
        path = f"{self.run_path}/lines/1/rows"
        for person in ("f.one", "b.maker"):
            self.assertProblem(self.as_person(person).send("GET", path), 404, "not_found")
        client = self.as_person("a.maker")
        self.assertProblem(client.send("GET", f"{self.run_path}/lines/{len(self.lines) + 1}/rows"), 404, "not_found")
        self.assertProblem(client.send("GET", path + "?after=eA"), 400, "bad_parameter", "after")


if __name__ == "__main__":
    harness.main()
