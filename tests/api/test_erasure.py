"""Erasure of a patient's identity: asked for by one person, approved by another; afterwards the identity is nowhere in
the database, in clear or under the worker's keys, and statements, proofs, positions and settlement are as before."""

import ctypes
import ctypes.util
import json
import pathlib
import re
import secrets
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))

import harness  # noqa: E402

APRIL, MAY = "2012-04", "2012-05"
PATIENT, NHS, EPISODES = "PATIENT-770077", harness.nhs_number(770), ("EPISODE-Z-7701", "EPISODE-A-7702")
TERMS = harness.simple_terms(
    prices=[{"cluster": "04", "basis": "DAY", "pence": 612}, {"cluster": "04", "basis": "ASSESSMENT", "pence": 20000},
            {"cluster": "11", "basis": "DAY", "pence": 700}, {"cluster": "11", "basis": "ASSESSMENT", "pence": 30000}])
SODIUM = ctypes.CDLL(ctypes.util.find_library("sodium"))
SEAL_OVERHEAD = 48


def patient_row(n, month, episode, **changes):
    return harness.row(n, month, episode_id=episode, patient_id=PATIENT, nhs_number=NHS, nhs_number_status="01",
                       **changes)


class Erasure(harness.ServiceCase):
    """One account of two months; the names of the steps say their order."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.service.organisation("XCE", "controlled", "Controlled environment")
        cls.service.person("reader.one", "XCE", "Reader")
        cls.service.token("reader.one")
        cls.service.appoint_auditor("XCE", "RXA")
        cls.account = cls.agree(terms=TERMS) + "/accounts/5QE"
        # Two assessments of one patient, referral and day: the first by episode id earns, and is the later row.
        april = [harness.row(n, APRIL) for n in range(8)]
        seen = {"start_date": "2012-04-10", "mhct_date": "2012-04-10", "cluster_initial": ""}
        april[3] = patient_row(3, APRIL, EPISODES[0], end_date="2012-04-16", super_class="B", **seen)  # a warning: K05
        april[5] = patient_row(5, APRIL, EPISODES[1], start_date="2012-04-16", mhct_date="2012-04-10", cluster="11",
                               super_class="B", cluster_initial="")
        cls.refused = cls.send([patient_row(3, APRIL, EPISODES[0], start_date="2012-13-40")])["submission"]
        cls.early = cls.send(april[:6])["submission"]
        cls.april = cls.send(april)["submission"]
        may = [harness.row(n, MAY) for n in range(8)]
        may[1] = patient_row(3, MAY, EPISODES[1], start_date="2012-04-16", mhct_date="2012-04-10", cluster="11",
                             super_class="B", cluster_initial="")
        cls.service.set_clock("2012-06-01T09:00:00Z")
        cls.may = cls.send(may, month=MAY)["submission"]

    def setUp(self):
        self.ours = self.as_person("a.maker")

    def settle_down(self):
        self.wait_until(lambda: self.value("SELECT count(*) FROM reckoner.job WHERE state IN ('queued', 'leased')")
                        == "0", what="the end of all jobs")
        self.assertEqual(self.query("SELECT kind, problem FROM reckoner.job WHERE state = 'failed'"), [])

    def run_of(self, kind):
        self.settle_down()
        asked = self.ours.post(f"{self.account}/runs", {"month": APRIL if kind == "FLEX" else MAY, "type": kind})
        self.ours.wait_for_job("RXA", asked["job"])
        return self.ours.get(f"/v1/providers/RXA/runs/{asked['run']}")

    def position(self):
        run = self.run_of("PREVIEW")
        self.assertEqual(run["state"], "done", run)
        return self.ours.bytes(f"/v1/providers/RXA/runs/{run['id']}/position")

    def pseudonyms(self):
        """What commissioners see instead of patients, of rows with findings."""
        return self.query("SELECT submission, row_no, pseudonym FROM reckoner.stake ORDER BY submission, row_no")

    def kept(self):
        """What must be the same bytes before and after."""
        listed = list(self.ours.pages(f"{self.account}/statements"))
        statements = [self.ours.bytes(f"/v1/providers/RXA/statements/{s['id']}") for s in listed]
        proofs = [self.as_person("e.one").bytes(f"/v1/providers/RXA/submissions/{s}/rows/{row}/proof")
                  for s, count in ((self.april, 8), (self.may, 8), (self.early, 6)) for row in range(1, count + 1)]
        return statements, proofs, self.position()

    def dump(self):
        """All that the database holds: as pg_dump writes it, and what is sealed in clear."""
        conninfo = self.service.conninfo
        done = subprocess.run([str(harness.PG_BIN / "pg_dump"), "--inserts", conninfo], capture_output=True, check=True)
        secret = bytes.fromhex((self.service.keys_dir / "seal.key").read_text().strip())
        public = ctypes.create_string_buffer(32)
        SODIUM.crypto_scalarmult_base(public, secret)
        clear = []
        for (sealed,) in self.query("SELECT encode(sealed, 'hex') FROM reckoner.confidential_block"):
            box = bytes.fromhex(sealed)
            out = ctypes.create_string_buffer(len(box) - SEAL_OVERHEAD)
            self.assertEqual(SODIUM.crypto_box_seal_open(out, box, ctypes.c_ulonglong(len(box)), public, secret), 0)
            clear.append(out.raw)
        return done.stdout, b"".join(clear)

    def uploads(self):
        return {row[0] for row in self.query("SELECT DISTINCT s.id FROM reckoner.submission_chunk c"
                                             " JOIN reckoner.submission s ON s.no = c.submission")}

    def test_1_before(self):
        self.assertEqual(self.ours.get(f"/v1/providers/RXA/submissions/{self.refused}")["state"], "refused")
        self.settle_down()
        self.as_person("e.one").post(self.account + "/challenges", {
            "month": APRIL, "rows": [{"episode_id": EPISODES[0]}], "counter": {"payable_days": 2},
            "reason": "wrong_days", "claimed_pence": 1000, "evidence": "the register has fewer days"})
        self.ours.post(self.account + "/challenges/1/accept", {})
        self.assertEqual(self.run_of("FLEX")["state"], "done")
        type(self).before, type(self).known_by = self.kept(), self.pseudonyms()
        self.assertIn("4", [row for _, row, _ in self.known_by])
        dumped, clear = self.dump()
        # What is looked for afterwards is there, so that a search that finds nothing finds nothing.
        self.assertTrue(all(text.encode() in clear for text in (PATIENT, NHS)))
        self.assertTrue(all(text.encode() in dumped for text in EPISODES))
        self.assertEqual(self.uploads(), {self.refused, self.early, self.april, self.may})
        assessments = [line for line in json.loads(self.before[2])["lines"] if line.get("basis") == "ASSESSMENT"]
        self.assertIn(("11", 1), [(line["cluster"], line["units"]) for line in assessments])

    def test_2_two_persons(self):
        path = "/v1/providers/RXA/erasures"
        body = {"submission": self.april, "row": 4, "reason": "The patient has asked for it"}
        for person, status, code in (("e.one", 403, "forbidden"), ("b.maker", 404, "not_found")):
            self.assertProblem(self.as_person(person).send("POST", path, body), status, code)
        self.assertProblem(self.ours.send("POST", path, body | {"row": 99}), 404, "not_found")
        self.assertProblem(self.ours.send("POST", path, body | {"submission": self.refused}), 404, "not_found")
        self.assertProblem(self.ours.send("POST", path, body | {"reason": "for 943 476 5919"}), 422, "identifying_text")
        first = self.ours.post(path, body)
        self.assertProblem(self.ours.send("POST", path, body), 409, "conflict")
        self.assertEqual(self.ours.post(f"{path}/{first['erasure']}/refuse")["state"], "refused")
        self.assertProblem(self.as_person("a.checker").send("POST", f"{path}/{first['erasure']}/approve"), 409,
                           "conflict")
        asked = self.ours.post(path, body)
        self.assertEqual((asked["state"], asked["asked_by"], asked["rows"]), ("asked", "a.maker", None))
        one = f"{path}/{asked['erasure']}"
        self.assertProblem(self.ours.send("POST", one + "/approve"), 409, "same_person")
        self.assertProblem(self.as_person("b.maker").send("GET", one), 404, "not_found")
        approved = self.as_person("a.checker").post(one + "/approve")
        self.ours.wait_for_job("RXA", approved["job"])
        done = self.as_person("audit.one").get(one)
        # Two rows of April in each of two versions, one of May; their files, and the refused one.
        self.assertEqual((done["state"], done["rows"], done["uploads"]), ("done", 5, 4))
        self.assertEqual([e["state"] for e in self.ours.pages(path, limit=1)], ["done", "refused"])
        type(self).erasure = asked["erasure"]

    def test_3_everything_holds(self):
        self.assertEqual(self.kept(), self.before)
        self.settle_down()
        done = self.service.command("fsck", "--seal-key", self.service.keys_dir / "seal.key", check=False)
        self.assertEqual(done.returncode, 0, done.stdout)
        self.query("INSERT INTO reckoner.job (provider, id, kind, subject) SELECT provider, id, 'evaluate', id FROM"
                   " reckoner.submission WHERE state = 'accepted'")
        self.settle_down()
        self.assertEqual(self.pseudonyms(), self.known_by)
        # Still one patient, who has two rows in April and one in May.
        self.assertEqual(self.value("SELECT count(DISTINCT patient) || '/' || count(*) FROM reckoner.erased_row r"
                                    " JOIN reckoner.episode e USING (provider, submission, row_no)"), "1/5")

    def test_4_a_bundle_verifies_and_counts_what_was_erased(self):
        statement = self.ours.get(f"{self.account}/statements")["items"][0]["id"]
        asked = self.ours.post(f"/v1/providers/RXA/statements/{statement}/bundle")
        self.ours.wait_for_job("RXA", asked["job"])
        bundle = self.folder / "erased.tar"
        bundle.write_bytes(self.ours.bytes(f"/v1/providers/RXA/exports/{asked['export']}/file"))
        done = self.service.command("verify", bundle, "--json", check=False)
        self.assertEqual(done.returncode, 0, done.stdout)
        said = json.loads(done.stdout)
        self.assertEqual((said["good"], said["erased_rows"]), (True, 2), said)

    def test_5_the_identity_is_nowhere(self):
        dumped, clear = self.dump()
        for text in (PATIENT, NHS, *EPISODES):
            for form in (text.encode(), text.encode().hex().encode()):
                self.assertNotIn(form, dumped, text)
                self.assertNotIn(form, clear, text)
        self.assertEqual(self.uploads(), set())
        self.assertIn(b"P1", clear)  # others are as they were

    def test_6_who_asks_is_told(self):
        key = {"Reading-Key": secrets.token_hex(32)}
        reader = self.as_person("reader.one")
        body = {"rows": [4], "purpose": "Trace a row for the board"}
        path = f"/v1/providers/RXA/submissions/{self.april}"
        self.assertProblem(reader.send("POST", path + "/identifiers", body, key), 410, "erased")
        self.assertEqual(reader.send("POST", path + "/identifiers", body | {"rows": [1]}, key).status, 202)
        for submission in (self.april, self.refused):
            self.assertProblem(self.ours.send("POST", f"/v1/providers/RXA/submissions/{submission}/fix-it",
                                              {"rows": "all"}, key), 410, "erased")
        again = {"submission": self.may, "row": 2, "reason": "The patient has asked for it"}
        self.assertProblem(self.ours.send("POST", "/v1/providers/RXA/erasures", again), 410, "erased")
        self.assertEqual(self.ours.get(path)["sha256"], json.loads(self.before[0][0])["submissions"][0]["sha256"])

    def test_7_the_act_is_on_record(self):
        acts = [row[0] for row in self.query("SELECT act FROM reckoner.audit_event WHERE act LIKE 'erasure.%'"
                                             " ORDER BY id")]
        self.assertEqual(acts, ["erasure.ask", "erasure.refuse", "erasure.ask", "erasure.approve", "erasure.done"])
        self.wait_until(lambda: self.ours.get("/v1/log/entries?kind=erasure")["items"], what="the log")
        (entry,) = self.ours.get("/v1/log/entries?kind=erasure")["items"]
        self.assertEqual({name: entry["entry"][name] for name in ("kind", "erasure", "provider", "rows", "uploads")},
                         {"kind": "erasure", "erasure": self.erasure, "provider": "RXA", "rows": 5, "uploads": 4})

    def test_8_the_month_can_be_sent_again(self):
        rows = [harness.row(n, MAY) for n in range(8)]
        self.assertEqual(self.send(rows, month=MAY)["state"], "accepted")
        self.settle_down()
        text = json.dumps(list(self.ours.pages(f"/v1/providers/RXA/submissions/{self.may}/findings")))
        self.assertIsNone(re.search("EPISODE-", text))


class ManyRows(harness.ServiceCase):
    """What later months compare with lies in blocks: the record of the row is found in its own."""

    RECORDS = """SELECT b.block * 200 + r + 1, encode(substr(b.records, 40 * r + 1, 40), 'hex')
      FROM reckoner.history_block b, generate_series(0, b.rows - 1) r ORDER BY 1"""

    def test_a_row_behind_the_first_blocks(self):
        ours = self.as_person("a.maker")
        submission = self.send([harness.row(n, APRIL) for n in range(450)])["submission"]
        before = dict(self.query(self.RECORDS))
        self.assertEqual(list(before), [str(n + 1) for n in range(450)])
        asked = ours.post("/v1/providers/RXA/erasures", {"submission": submission, "row": 420,
                                                         "reason": "The patient has asked for it"})
        approved = self.as_person("a.checker").post(f"/v1/providers/RXA/erasures/{asked['erasure']}/approve")
        ours.wait_for_job("RXA", approved["job"])
        after = dict(self.query(self.RECORDS))
        self.assertEqual([row for row in before if before[row] != after[row]], ["420"])
        self.assertEqual(before["420"][32:], after["420"][32:])  # dates and codes stay


if __name__ == "__main__":
    harness.main()
