"""Bundles of statements of every kind: each is checked by openssl and minisign, by reckoner verify and by the second
implementation, which say the same of every stage; and who may have one."""

import json
import pathlib
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))

import bundles  # noqa: E402
import harness  # noqa: E402

APRIL, MAY = "2012-04", "2012-05"
PRICES = [{"cluster": "04", "basis": "DAY", "pence": 612}, {"cluster": "05", "basis": "DAY", "pence": 700},
          {"cluster": "04", "basis": "ASSESSMENT", "pence": 12345},
          {"cluster": "05", "basis": "ASSESSMENT", "pence": 99}]
CALENDAR = {"flex": {"operational_days": 10}, "freeze": {"operational_days": 25},
            "challenge": {"operational_days": 20}, "answer": {"operational_days": 3},
            "payment": {"operational_days": 20}}
DATED = CALENDAR | {"payment": {"dates": [f"2012-{m:02}-15" for m in range(5, 13)]
                                + [f"2013-{m:02}-15" for m in range(1, 5)]}}


def terms_of(commissioner, **changes):
    return harness.simple_terms("RXA", commissioner, **({"prices": PRICES, "calendar": CALENDAR} | changes))


def assessed(number, patient, day, **changes):
    """A row that is an assessment alone."""
    return harness.row(number, patient_id=patient, mhct_date=day, start_date=day, end_date=day,
                       assessment_only="Y", **changes)


ROWS = ([harness.row(n, mhct_date="2012-02-01") for n in range(10)]
        + [harness.row(n, commissioner="5QF") for n in range(10, 14)]
        + [harness.row(n, commissioner="5QG") for n in range(14, 17)]
        # Fenwick's row is first: Eastmere's of the same referral earns nothing.
        + [assessed(20, "PX", "2012-04-10", commissioner="5QF"), assessed(21, "PX", "2012-04-12")]
        # Two of one day: that of the lower episode id earns, though it stands behind.
        + [assessed(31, "PY", "2012-04-12", cluster="05"), assessed(30, "PY", "2012-04-12")])


class Bundles(harness.ServiceCase):
    """One story in order; the names of the steps say so."""

    workers = 2
    settings = {"exports_per_day": 1000}

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.service.organisation("5QG", "commissioner", "Gainford PCT")
        cls.service.person("g.one", "5QG", "g.one")
        cls.service.token("g.one")
        cls.contract = cls.agree(terms=terms_of(
            "5QE", withholds=[{"id": "quality", "label": "Quality of data", "share": "5%"}],
            rules={"stop_pay_when_overdue": {"grace_days": 5}},
            block=[{"month": APRIL, "pence": 1000, "label": "Liaison team"}],
            cquin={"rate": "2.5%", "on_account": "100%", "indicators": [
                {"id": "reviews", "label": "Reviews", "weight": "100%", "measure": "step",
                 "thresholds": [{"at": "80%", "earns": "100%"}]}]}))
        cls.east = cls.contract + "/accounts/5QE"
        cls.fen = cls.agree(commissioner="5QF", authors=("a.author", "a.maker", "f.one"), terms=terms_of(
            "5QF", billing={"method": "on_account", "eacv_pence": 1_000_000}, calendar=DATED)) + "/accounts/5QF"
        cls.gain = cls.agree(commissioner="5QG", authors=("a.author", "a.maker", "g.one"), terms=terms_of(
            "5QG", mode="shadow")) + "/accounts/5QG"
        cls.folder_of_bundles = pathlib.Path(tempfile.mkdtemp(prefix="reckoner-bundles-"))
        cls.addClassCleanup(shutil.rmtree, cls.folder_of_bundles)

    def settle_down(self):
        self.wait_until(lambda: self.value("SELECT count(*) FROM reckoner.job WHERE state IN ('queued', 'leased')")
                        == "0", what="the end of all jobs")
        self.assertEqual(self.query("SELECT kind, problem FROM reckoner.job WHERE state = 'failed'"), [])

    def run_of(self, account, month, kind):
        self.settle_down()
        client = self.as_person("a.maker")
        asked = client.post(f"{account}/runs", {"month": month, "type": kind})
        client.wait_for_job("RXA", asked["job"])
        run = client.get(f"/v1/providers/RXA/runs/{asked['run']}")
        self.assertEqual(run["state"], "done", run)
        return run

    def issue_all(self):
        self.settle_down()
        maker, checker = self.as_person("a.maker"), self.as_person("a.checker")
        for draft in maker.pages("/v1/providers/RXA/documents?state=draft"):
            path = f"/v1/providers/RXA/documents/{draft['id']}"
            proposed = maker.send("POST", path + "/proposal", headers={"If-Match": f'"{draft["revision"]}"'})
            issued = checker.send("POST", path + "/issue", headers={"If-Match": proposed.headers["ETag"]})
            self.assertEqual(issued.status, 200, issued.body)

    def fetched(self, statement, person="a.maker"):
        path = self.folder_of_bundles / f"{statement}.tar"
        path.write_bytes(bundles.ask(self.as_person(person), statement))
        return path

    def checked(self, statement, person="a.maker"):
        """Has the bundle made and checked by all four; returns its members and the outcomes."""
        path = self.fetched(statement, person)
        folder = self.folder_of_bundles / statement
        bundles.unpack(path, folder)
        bundles.checked_by_others(folder)
        key = next(folder.glob("keys/*.pub"))
        status, report = bundles.ours(path, "--key", key, "--checkpoint", folder / "checkpoint")
        self.assertEqual(status, 0, json.dumps(report, indent=1))
        self.assertEqual([check["check"] for check in report["checks"]], bundles.STAGES)
        status, other = bundles.theirs(path, "--key", key, "--checkpoint", folder / "checkpoint")
        self.assertEqual((status, bundles.outcomes(other)), (0, bundles.outcomes(report)), json.dumps(other, indent=1))
        self.assertEqual(set(bundles.outcomes(report).values()) - {"good"},
                         set() if bundles.outcomes(report)["document"] == "good" else {"not_checked"})
        held = bundles.members(path)
        bundles.write(self.folder_of_bundles / "again.tar", held)
        self.assertEqual((self.folder_of_bundles / "again.tar").read_bytes(), path.read_bytes())
        shutil.rmtree(folder)
        path.unlink()
        return held, bundles.outcomes(report)

    def test_1_flex(self):
        self.assertEqual(self.send(ROWS)["state"], "accepted")
        self.service.set_clock("2012-05-17T09:00:00Z")
        run = self.run_of(self.east, APRIL, "FLEX")
        held, outcomes = self.checked(run["statement"])
        self.assertEqual(outcomes["document"], "good")
        inputs = json.loads(held["inputs.json"])
        rows = held[f"rows/{APRIL}.csv"].decode().splitlines()
        self.assertEqual(len(rows), 1 + sum(row["commissioner"] == "5QE" for row in ROWS))
        self.assertNotIn("previous.json", held)
        number = {row["episode_id"]: n for n, row in enumerate(ROWS, 1)}
        self.assertEqual(inputs["elsewhere"], [{"month": APRIL, "row": number["E21"]}])
        self.assertEqual(inputs["same_day"], [{"month": APRIL, "rows": [number["E30"], number["E31"]]}])

    def test_2_freeze_before_and_after_the_document(self):
        self.service.set_clock("2012-06-11T09:00:00Z")
        for account in (self.east, self.fen, self.gain):
            run = self.run_of(account, APRIL, "FREEZE")
            before, outcomes = self.checked(run["statement"])
            self.assertEqual(outcomes["document"], "not_checked" if run["document"] else "good")
        self.issue_all()
        self.settle_down()
        run = next(r for r in self.as_person("a.maker").pages(f"{self.east}/runs") if r["type"] == "FREEZE")
        before, _ = self.checked(run["statement"])
        after, outcomes = self.checked(run["statement"], "audit.one")
        self.assertEqual(outcomes["document"], "good")
        self.assertIn("previous.json", after)
        self.assertEqual({name for name in after if after[name] != before.get(name)} - {"checkpoint", "log.json"},
                         set())
        document = json.loads(after["document.json"])
        self.assertEqual((document["due_on"], document["due_holidays"]), ("2012-07-09", []))
        theirs = next(r for r in self.as_person("a.maker").pages(f"{self.fen}/runs") if r["type"] == "FREEZE")
        held, _ = self.checked(theirs["statement"])
        self.assertEqual(json.loads(held["document.json"])["due_on"], "2012-06-15")

    def test_3_the_database_keeps_due_dates(self):
        """Tried as its owner, on the invoice issued on 11 June in London, with the trigger off that keeps it whole."""
        whole = {"due_on": "'2012-07-09'", "due_holidays": "'{}'"}
        issued = self.value("SELECT id FROM reckoner.document WHERE commissioner = '5QE' AND state = 'issued'")

        def written(**changes):
            self.query("BEGIN; ALTER TABLE reckoner.document DISABLE TRIGGER document_immutable; UPDATE"
                       f" reckoner.document SET {', '.join(f'{k} = {v}' for k, v in (whole | changes).items())}"
                       f" WHERE id = '{issued}'; ROLLBACK")

        written(due_on="'2012-06-11'")
        written(due_holidays="'{2012-06-12,2012-07-08}'")
        written(due_on="NULL", due_holidays="NULL")
        for changes in ({"due_on": "'2012-06-10'"}, {"due_on": "NULL"}, {"due_holidays": "NULL"},
                        {"due_holidays": "'{NULL}'"}, {"due_holidays": "'{2012-06-11}'"},
                        {"due_holidays": "'{2012-07-09}'"},
                        {"due_holidays": "array_fill('2012-06-12'::date, ARRAY[61])"}):
            with self.subTest(changes=changes), self.assertRaisesRegex(AssertionError, "document_due"):
                written(**changes)
        with self.assertRaisesRegex(AssertionError, "does not change"):
            self.query(f"UPDATE reckoner.document SET due_on = '2012-07-10' WHERE id = '{issued}'")
        with self.assertRaisesRegex(AssertionError, "document_due"):  # not issued
            written(state="'superseded'", superseded_at="now()", number="NULL", issued_by="NULL", issued_at="NULL")

    def test_3_who_may_have_one(self):
        run = next(r for r in self.as_person("a.maker").pages(f"{self.east}/runs") if r["type"] == "FREEZE")
        place = f"/v1/providers/RXA/statements/{run['statement']}/bundle"
        for person in ("f.one", "b.maker"):
            self.assertProblem(self.as_person(person).send("POST", place), 404, "not_found")
        self.assertProblem(self.as_person("operator.one").send("POST", place), 403, "forbidden")
        self.assertProblem(self.as_person("a.maker").send("POST", place.replace(run["statement"], "b" * 20)), 404,
                           "not_found")
        asked = self.as_person("audit.one").post(place)
        self.as_person("audit.one").wait_for_job("RXA", asked["job"])
        for person in ("a.maker", "e.one", "f.one"):
            self.assertProblem(self.as_person(person).send("GET", f"/v1/providers/RXA/exports/{asked['export']}/file"),
                               404, "not_found")
        view = self.as_person("audit.one").get(f"/v1/providers/RXA/exports/{asked['export']}")
        self.assertEqual((view["kind"], view["format"], view["statement"], view["control_total_pence"]),
                         ("bundle", "tar", run["statement"], run["position_pence"]))
        self.assertEqual(self.query("SELECT act, person FROM reckoner.audit_event WHERE subject ="
                                    f" 'export/{asked['export']}' ORDER BY id"), [["export.ask", "audit.one"]])

    def test_3_the_database_keeps_the_form_of_a_request(self):
        """Tried as its owner, whom no policy stops."""
        whole = {"provider": "'RXA'", "id": f"'{'b' * 20}'", "kind": "'bundle'", "format": "'tar'",
                 "organisation": "'RXA'", "person": "'a.maker'", "asked_at": "now()", "commissioner": "'5QE'",
                 "statement": "(SELECT record FROM reckoner.statement LIMIT 1)"}
        for change, constraint in (({"statement": "NULL"}, "export_bundle"),
                                   ({"commissioner": "NULL"}, "export_bundle"),
                                   ({"cluster": "'04'"}, "export_bundle"), ({"format": "'csv'"}, "export_format_check"),
                                   ({"kind": "'findings'", "format": "'csv'"}, "export_"),
                                   ({"statement": f"'{'c' * 20}'"}, "export_provider_statement_fkey"),
                                   ({"first_month": "'2012-04-01'", "last_month": "'2012-04-01'"}, "export_check")):
            values = whole | change
            with self.subTest(change=change), self.assertRaisesRegex(AssertionError, constraint):
                self.query(f"INSERT INTO reckoner.export ({', '.join(values)}) VALUES ({', '.join(values.values())})")
        with self.assertRaisesRegex(AssertionError, "asked for, made once"):
            self.query("UPDATE reckoner.export SET statement = NULL, kind = 'findings' WHERE kind = 'bundle'")

    def test_4_decisions_challenges_and_what_was_agreed(self):
        theirs, ours = self.as_person("e.one"), self.as_person("a.maker")
        for rows, counter in ((["E1"], {"cluster": "05"}), (["E3", "E31"], {"payable_days": 7})):
            reply = theirs.send("POST", self.east + "/challenges", {
                "month": APRIL, "rows": [{"episode_id": e} for e in rows], "counter": counter,
                "reason": "wrong_cluster", "claimed_pence": 500_000, "evidence": "the register has another cluster"})
            self.assertEqual(reply.status, 201, reply.body)
        one = f"{self.east}/challenges/1"
        reply = ours.send("POST", one + "/accept", {})
        self.assertEqual(reply.status, 201, reply.body)
        asked = ours.post(self.east + "/agreements", {"kind": "adjustment", "month": APRIL, "pence": -2500,
                                                      "label": "Counted twice"})
        theirs.post(f"{self.east}/agreements/{asked['n']}/agree")
        measured = ours.post(self.east + "/achievements", {
            "indicator": "reviews", "numerator": 850, "denominator": 1000, "evidence": "the register of reviews"})
        theirs.post(f"{self.east}/achievements/reviews/{measured['n']}/agreement")
        self.settle_down()
        self.assertGreater(self.check_all_new(), 0)
        # A challenge follows a row that is sent again with other contents; what was said before stays as it was.
        self.query("UPDATE reckoner.challenge_row SET row_sha256 = sha256('sent again'),"
                   " earlier_sha256 = earlier_sha256 || row_sha256, earlier_until = earlier_until"
                   " || (SELECT max(known_at) FROM reckoner.run) WHERE open")
        self.checked(self.newest())

    def newest(self):
        """Eastmere's last statement."""
        return self.value("SELECT record FROM reckoner.statement WHERE commissioner = '5QE' ORDER BY seq DESC LIMIT 1")

    def check_all_new(self):
        """Every statement that no bundle was asked of yet."""
        count = 0
        for (statement,) in self.query("SELECT s.record FROM reckoner.statement s WHERE NOT EXISTS (SELECT FROM"
                                       " reckoner.export x WHERE x.statement = s.record) ORDER BY s.record"):
            with self.subTest(statement=statement):
                self.checked(statement)
            count += 1
        return count

    def test_5_moved_rows(self):
        self.issue_all()
        reply = self.as_person("a.maker").send("POST", "/v1/providers/RXA/reattributions", {
            "month": APRIL, "from": "5QF", "to": "5QE", "rows": ["E10", "E20"], "reason": "the practice is Eastmere's"})
        self.assertEqual(reply.status, 201, reply.body)
        for person in ("e.one", "f.one"):
            agreed = self.as_person(person).send("POST", f"/v1/providers/RXA/reattributions/{reply.json()['n']}/agree")
            self.assertEqual(agreed.status, 201, agreed.body)
        self.settle_down()
        self.assertGreaterEqual(self.check_all_new(), 2)
        held, _ = self.checked(self.newest(), "e.one")
        self.assertEqual(len(held["moved.csv"].decode().splitlines()), 3)
        inputs = json.loads(held["inputs.json"])
        self.assertEqual([(m["from"], m["to"], "tag" in m) for m in inputs["reattributions"]],
                         [("5QF", "5QE", True)] * 2)

    def test_6_a_month_agreed_and_terms_changed_for_the_past(self):
        self.issue_all()
        ours, theirs = self.as_person("a.maker"), self.as_person("e.one")
        asked = ours.post(self.east + "/agreements", {"kind": "month_without_activity", "month": MAY,
                                                      "counts_as": "zero"})
        theirs.post(f"{self.east}/agreements/{asked['n']}/agree")
        self.service.set_clock("2012-07-11T09:00:00Z")
        self.run_of(self.east, MAY, "FREEZE")
        self.issue_all()
        changed = [price | {"pence": price["pence"] + 5} for price in PRICES]
        self.agree(contract=self.contract, terms=terms_of("5QE") | {"prices": changed})
        self.settle_down()
        self.assertGreaterEqual(self.check_all_new(), 2)
        kinds = {row[0] for row in self.query("SELECT DISTINCT r.type FROM reckoner.statement s JOIN reckoner.run r"
                                              " ON r.provider = s.provider AND r.id = s.run")}
        self.assertEqual(kinds, {"FLEX", "FREEZE", "R"})

    def test_7_the_program_that_stands_alone(self):
        """Copied by itself into an empty folder, run with an empty environment."""
        folder = self.folder_of_bundles / "alone"
        folder.mkdir()
        shutil.copy(harness.BUILD / "reckoner-verify", folder / "v")
        (folder / "b").write_bytes(bundles.ask(self.as_person("e.one"), self.newest()))
        done = subprocess.run(["./v", "b"], cwd=folder, env={}, capture_output=True, text=True, timeout=60, check=False)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertIn("The bundle is good", done.stdout)
        self.assertIn("not checked  key", done.stdout)
        said = subprocess.run(["ldd", "./v"], cwd=folder, capture_output=True, text=True, check=False)
        self.assertIn("statically linked", said.stdout + said.stderr)
        held = bundles.members(folder / "b")
        held["inputs.json"] = held["inputs.json"].replace(b'"payable_days":7', b'"payable_days":8', 1)
        bundles.write(folder / "b", held)
        done = subprocess.run(["./v", "b"], cwd=folder, env={}, capture_output=True, text=True, timeout=60, check=False)
        self.assertEqual(done.returncode, 1)
        self.assertIn("First difference: position: ", done.stdout)

    def test_8_what_was_agreed_stays_as_positions_say(self):
        """Changed behind the service after it was signed, each is named."""
        def positions():
            """As fsck finds them."""
            done = self.service.command("fsck", "--part", "positions", check=False)
            return done.returncode, done.stdout
        self.assertEqual(positions()[0], 0, positions()[1])
        self.service.kill_worker()
        for table, change, words in (
                ("adjustment", "pence = pence - 1", ": pence: found -2501, expected -2500"),
                ("agreement", "outcome = 'refused', refusal = 'not as it was' WHERE kind = 'adjustment'",
                 ": agreement: found refused, expected agreed"),
                ("agreement", "outcome = NULL, closed_side = NULL, closed_for = NULL, closed_by = NULL,"
                 " closed_at = NULL WHERE kind = 'month_without_activity'", ": agreement: found none, expected agreed"),
                ("achievement", "numerator = numerator - 1", "/reviews: measure: found none, expected agreed"),
                ("challenge", "claimed_pence = claimed_pence + 1 WHERE closed_at IS NULL",
                 ": claimed_pence: found 500001, expected 500000"),
                ("challenge_row", "counter_cluster = '06' WHERE counter_cluster = '05'",
                 ": row and what was decided: found none, expected kept"),
                ("decision", "row_sha256 = sha256('x')", ": row and what was decided: found none, expected kept"),
                ("reattribution_row", "row_sha256 = sha256('x')", ": row that moved: found none, expected kept")):
            with self.subTest(table=table, change=change):
                name = f"reckoner.{table}"
                replica = "BEGIN; SET LOCAL session_replication_role = replica; "
                self.assertNotEqual(self.value(f"SELECT count(*) FROM {name}"), "0")
                columns = self.value("SELECT string_agg(attname, ', ') FROM pg_attribute WHERE attnum > 0 AND NOT"
                                     f" attisdropped AND attgenerated = '' AND attrelid = '{name}'::regclass")
                self.query(f"CREATE TABLE public.was AS SELECT {columns} FROM {name}")
                self.query(f"{replica} UPDATE {name} SET {change}; COMMIT")
                status, said = positions()
                self.query(f"{replica} DELETE FROM {name}; INSERT INTO {name} ({columns}) SELECT {columns} FROM"
                           " public.was; DROP TABLE public.was; COMMIT")
                self.assertEqual((status, words in said), (1, True), said)
        self.assertEqual(positions()[0], 0, positions()[1])


if __name__ == "__main__":
    harness.main()
