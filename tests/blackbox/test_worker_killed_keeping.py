"""kill -9 of the worker at random points of building commitments to rows and of erasing a patient: what it leaves is
the state before or the state after, and the worker that follows comes to the latter."""

import os
import random
import time

import harness

ROWS = 6000  # more than one block of a tree
PATIENTS = 4  # erased one after the other; each has three rows
KILLS = 3


class WorkerKilledKeeping(harness.ServiceCase):
    settings = {"worker_lease_seconds": 2, "worker_poll_ms": 20}

    @classmethod
    def setUpClass(cls):
        cls.seed = int(os.environ.get("RECKONER_SEED", time.time_ns() % 1_000_000))
        print(f"seed {cls.seed} (RECKONER_SEED={cls.seed} repeats it)", flush=True)
        cls.random = random.Random(cls.seed)
        super().setUpClass()
        cls.agree()
        cls.agree(commissioner="5QF", terms=harness.simple_terms(commissioner="5QF"),
                  authors=("a.author", "a.maker", "f.one"))

    def await_work(self, kind, subject):
        """Until the job is under way or done."""
        self.wait_until(lambda: self.query(f"SELECT state FROM reckoner.job WHERE kind = '{kind}' AND"
                                           f" subject = '{subject}'") in ([["leased"]], [["done"]]), what="the job")

    def await_all(self):
        self.wait_until(lambda: self.value("SELECT count(*) FROM reckoner.job WHERE state IN ('queued', 'leased')")
                        == "0", what="the end of all jobs")
        self.assertEqual(self.query("SELECT kind, problem FROM reckoner.job WHERE state = 'failed'"), [])

    def kill_within(self, seconds):
        """Kills the worker at a random point of the time that the work takes; its transactions have ended then."""
        time.sleep(self.random.random() * seconds)
        self.service.kill_worker(0)
        self.wait_until(lambda: self.value("SELECT count(*) FROM pg_stat_activity WHERE usename = 'reckoner_worker'")
                        == "0", what="the end of the worker's connections")

    def is_sound(self):
        done = self.service.command("fsck", "--seal-key", self.service.keys_dir / "seal.key", check=False)
        self.assertEqual(done.returncode, 0, f"seed {self.seed}\n{done.stdout}")

    def erasure(self, patient, row):
        body = {"submission": self.months[patient % 2], "row": row, "reason": "The patient has asked for it"}
        asked = self.as_person("a.maker").post("/v1/providers/RXA/erasures", body)["erasure"]
        self.as_person("a.checker").post(f"/v1/providers/RXA/erasures/{asked}/approve")
        self.await_work("erase", asked)
        return asked

    def state(self, erasure):
        """What an erasure leaves: its state, rows without identity, the act, and whether uploads were destroyed."""
        return self.query(
            "SELECT e.state, (SELECT count(*) FROM reckoner.erased_row r WHERE r.erasure = e.id),"
            " (SELECT count(*) FROM reckoner.audit_event a WHERE a.act = 'erasure.done'"
            "  AND a.subject = 'erasure/' || e.id),"
            " (SELECT count(*) > 0 FROM reckoner.erased_upload u WHERE u.erasure = e.id)"
            f" FROM reckoner.erasure e WHERE e.id = '{erasure}'")[0]

    def test_1_erasure(self):
        self.service.set_clock("2012-06-01T09:00:00Z")
        of_patient = {n: {"patient_id": f"KILLED-{n % PATIENTS}"} for n in range(2 * PATIENTS)}
        rows = [harness.row(n, end_date="2012-04-20" if n < PATIENTS else "", **of_patient.get(n, {}))
                for n in range(600)]
        for n in range(PATIENTS, 2 * PATIENTS):
            rows[n] |= {"start_date": "2012-04-20", "mhct_date": "2012-04-20"}
        april = self.send(rows)
        self.assertEqual(april["state"], "accepted", april)
        may = [harness.row(n, "2012-05", **of_patient.get(n, {})) for n in range(PATIENTS, 600)]
        for n in range(PATIENTS):
            may[n] |= {"start_date": "2012-04-20", "mhct_date": "2012-04-20"}
        type(self).months = (april["submission"], self.send(may, month="2012-05")["submission"])
        self.await_all()
        roots = "SELECT submission, commissioner, root FROM reckoner.row_tree ORDER BY 1, 2"
        before = self.query(roots)
        begun = time.monotonic()
        undisturbed = self.erasure(0, 1)
        self.await_all()
        whole = time.monotonic() - begun
        done = self.state(undisturbed)
        self.assertEqual((done[0], done[2:]), ("done", ["1", "t"]))
        for patient in range(1, PATIENTS):
            erasure = self.erasure(patient, patient + 1)
            self.kill_within(whole)
            with self.subTest(seed=self.seed, patient=patient):
                self.assertIn(self.state(erasure), (["approved", "0", "0", "f"], [*done[:3], self.state(erasure)[3]]))
            self.service.start_worker()
            self.await_all()
            with self.subTest(seed=self.seed, patient=patient):
                self.assertEqual(self.state(erasure)[:3], done[:3])
        self.assertEqual(self.query(roots), before)
        self.is_sound()

    def trees(self, submission):
        """Of each commissioner that has rows: rows, of the tree, and of its blocks."""
        return self.query("SELECT e.commissioner, count(*), (SELECT t.rows FROM reckoner.row_tree t WHERE"
                          "  t.submission = e.submission AND t.commissioner = e.commissioner),"
                          " (SELECT sum(b.rows) FROM reckoner.row_tree_block b WHERE"
                          "  b.submission = e.submission AND b.commissioner = e.commissioner)"
                          " FROM reckoner.episode e JOIN reckoner.submission s ON s.no = e.submission"
                          f" WHERE s.id = '{submission}' GROUP BY e.submission, e.commissioner ORDER BY 1")

    def upload(self, count):
        """Accepted, with its commitments under way; the submission's id."""
        rows = [harness.row(n, commissioner="5QE" if n % 3 else "5QF") for n in range(count)]
        submission = self.send(rows)["submission"]
        self.await_work("row_tree", submission)
        return submission

    def test_2_commitments_to_rows(self):
        first = self.upload(ROWS)
        begun = time.monotonic()
        self.await_all()
        whole = time.monotonic() - begun
        self.assertEqual([trees[1:3] for trees in self.trees(first)], [["4000", "4000"], ["2000", "2000"]])
        for number in range(KILLS):
            submission = self.upload(ROWS + 1 + number)
            self.kill_within(whole)
            with self.subTest(seed=self.seed, number=number):
                left = self.trees(submission)
                self.assertIn({(rows, blocks) for _, _, rows, blocks in left},
                              ({("", "")}, {(count, count) for _, count, _, _ in left}))
            self.service.start_worker()
            self.await_all()
            with self.subTest(seed=self.seed, number=number):
                self.assertEqual([(count, count) for _, count, _, _ in self.trees(submission)],
                                 [(rows, blocks) for _, _, rows, blocks in self.trees(submission)])
        self.is_sound()


if __name__ == "__main__":
    harness.main()
