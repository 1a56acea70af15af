"""kill -9 of the worker at random points of validation and settlement repeats nothing and loses nothing."""

import os
import random
import time

import harness

ROWS = 1600  # enough for rows to be loaded while they are read
KILLS = 10


class WorkerKilled(harness.ServiceCase):
    settings = {"worker_lease_seconds": 5, "worker_poll_ms": 100}

    @classmethod
    def setUpClass(cls):
        cls.seed = int(os.environ.get("RECKONER_SEED", time.time_ns() % 1_000_000))
        print(f"seed {cls.seed} (RECKONER_SEED={cls.seed} repeats it)", flush=True)
        cls.random = random.Random(cls.seed)
        super().setUpClass()

    def rows(self, count):
        """Rows of which every tenth has a finding that no terms are needed for, and every hundredth an ERROR."""
        out = []
        for n in range(count):
            changes = {"h3": "9"} if n % 10 == 0 else {}
            changes |= {"h1": "7"} if n % 100 == 0 else {}
            out.append(harness.row(n, **changes))
        return out

    def kill_after(self, seconds):
        """Kills the worker that runs now and starts another."""
        time.sleep(seconds)
        self.service.kill_worker(0)
        self.service.start_worker()

    def test_ten_kills_in_validation(self):
        client = self.as_person("a.maker")
        begun = time.monotonic()
        undisturbed = self.send(self.rows(ROWS))
        whole = time.monotonic() - begun
        self.assertEqual(undisturbed["state"], "accepted")
        files = []
        for number in range(KILLS):
            data = harness.csv_bytes(self.rows(ROWS + number + 1))
            files.append((client.upload("RXA", "2012-04", data), ROWS + number + 1))
            self.kill_after(self.random.random() * whole)
        for acknowledged, rows in files:
            with self.subTest(seed=self.seed, rows=rows):
                client.wait_for_job("RXA", acknowledged["job"])
                self.assert_whole(acknowledged["submission"], rows)

    def assert_whole(self, submission, rows):
        """Rows, findings, receipt: each exactly once."""
        number, state, stored = self.query("SELECT no, state, rows FROM reckoner.submission "
                                           f"WHERE id = '{submission}'")[0]
        self.assertEqual((state, int(stored)), ("accepted", rows))
        counts = self.query(
            f"SELECT (SELECT count(*) FROM reckoner.episode WHERE submission = {number}), "
            f"(SELECT count(DISTINCT row_no) FROM reckoner.episode WHERE submission = {number}), "
            f"(SELECT count(*) FROM reckoner.receipt WHERE submission = {number}), "
            f"(SELECT count(*) FROM reckoner.finding WHERE submission = {number} AND rule = 'M02'), "
            f"(SELECT count(*) FROM reckoner.finding WHERE submission = {number} AND rule = 'M01')")[0]
        self.assertEqual([int(c) for c in counts], [rows, rows, 1, (rows + 9) // 10, (rows + 99) // 100])

    def test_ten_kills_in_settlement(self):
        contract = self.agree(provider="RXB", commissioner="5QF", authors=("b.author", "b.maker", "f.one"))
        self.send([harness.row(n, provider="RXB", commissioner="5QF") for n in range(ROWS)], "b.maker", "RXB")
        self.service.set_clock("2012-06-08T09:00:00Z")
        client = self.as_person("b.maker")
        runs = f"{contract}/accounts/5QF/runs"
        begun = time.monotonic()
        asked = client.post(runs, {"month": "2012-04", "type": "FLEX"})
        client.wait_for_job("RXB", asked["job"])
        whole = time.monotonic() - begun
        for number in range(KILLS):
            kind = "FREEZE" if number == KILLS - 1 else "PREVIEW"
            asked = client.post(runs, {"month": "2012-04", "type": kind})
            self.kill_after(self.random.random() * whole)
            client.wait_for_job("RXB", asked["job"])
        made = self.query("SELECT type, state, count(DISTINCT position_sha256), count(*) FROM reckoner.run "
                          "WHERE provider = 'RXB' GROUP BY 1, 2 ORDER BY 1")
        self.assertEqual(made, [["FLEX", "done", "1", "1"], ["FREEZE", "done", "1", "1"],
                                ["PREVIEW", "done", "1", str(KILLS - 1)]])
        self.assertEqual(self.value("SELECT count(*) FROM reckoner.document WHERE provider = 'RXB'"), "1")
        self.assertEqual(self.value("SELECT count(*) FROM reckoner.statement WHERE provider = 'RXB'"), "2")
        lines = self.value("SELECT count(*) FROM reckoner.run r WHERE r.provider = 'RXB' AND r.position_pence <> "
                           "(SELECT coalesce(sum(l.pence), 0) FROM reckoner.run_line l WHERE l.provider = r.provider "
                           "AND l.run = r.id)")
        self.assertEqual(lines, "0")
        self.assertEqual(self.value("SELECT sum(balance_pence) FROM reckoner.document WHERE provider = 'RXB'"),
                         str(ROWS * 30 * 612))


if __name__ == "__main__":
    harness.main()
