"""The database goes away in the middle of the work and comes back: what was acknowledged is there, once."""

import threading
import time

import harness
import raw

ROWS = 120


class DatabaseRestart(harness.ServiceCase):
    settings = {"worker_lease_seconds": 5, "worker_poll_ms": 200, "idle_timeout_seconds": 15}

    def load(self, run, stop, problems, taken):
        """Uploads one file after the other, repeating each with the same key until it is answered with 202."""
        client = self.as_person("a.maker")
        number = 0
        while not stop.is_set():
            number += 1
            data = harness.csv_bytes([harness.row(n, service=f"T{number}") for n in range(ROWS)])
            deadline = time.monotonic() + 60
            while True:
                reply = client.send("POST", "/v1/providers/RXA/months/2012-04/submissions", data,
                                    {"Content-Type": "text/csv", "Idempotency-Key": f"load-{run}-{number}"})
                if reply.status == 202:
                    taken.append((reply.json()["submission"], reply.json()["job"]))
                    break
                if not self.may_be_repeated(reply):
                    problems.append((reply.status, reply.body))
                    return
                if time.monotonic() > deadline:
                    problems.append(("not taken for a minute", reply.body))
                    return
                time.sleep(0.2)

    @staticmethod
    def may_be_repeated(reply):
        """The database is away; or what came of the upload before that is given up in a moment."""
        return (reply.status == 503 and reply.headers.get("Retry-After")) or reply.code == "idempotency_in_progress"

    def restart_in_mid_load(self, crash):
        stop, problems, taken = threading.Event(), [], []
        loader = threading.Thread(target=self.load, args=(crash, stop, problems, taken))
        loader.start()
        try:
            for _ in range(2):
                time.sleep(1)
                self.service.restart_database(crash=crash)
            time.sleep(1)
        finally:
            stop.set()
            loader.join()
        self.assertEqual(problems, [])
        self.assertGreater(len(taken), 2)
        client = self.as_person("a.maker")
        for _, job in taken:
            client.wait_for_job("RXA", job)
        for identifier, _ in taken:
            found = self.query("SELECT s.state, s.rows, (SELECT count(*) FROM reckoner.episode e WHERE e.provider = "
                               "s.provider AND e.submission = s.no), (SELECT count(*) FROM reckoner.receipt r WHERE "
                               "r.provider = s.provider AND r.submission = s.no) FROM reckoner.submission s "
                               f"WHERE s.id = '{identifier}'")
            self.assertEqual(found, [["accepted", str(ROWS), str(ROWS), "1"]])
        self.assertEqual(len({identifier for identifier, _ in taken}), len(taken))

    def test_restart(self):
        self.restart_in_mid_load(crash=False)

    def test_crash(self):
        self.restart_in_mid_load(crash=True)

    def test_an_upload_during_a_restart_is_answered_and_can_be_repeated(self):
        data = harness.csv_bytes([harness.row(n, "2012-05", provider="RXB") for n in range(2000)])
        token = self.service.tokens["b.maker"]
        with raw.RawUpload(self.service.url, token, "RXB", "2012-05", length=len(data), key="over-restart") as upload:
            upload.piece(data[:len(data) // 2])
            time.sleep(0.2)
            self.service.restart_database()
            try:
                upload.piece(data[len(data) // 2:])
            except (BrokenPipeError, ConnectionResetError):
                pass
            status, answer = upload.answer()
        self.assertIn(status, (202, 503), answer)
        client = self.as_person("b.maker")
        last = [None]

        def repeated():
            last[0] = client.send("POST", "/v1/providers/RXB/months/2012-05/submissions", data,
                                  {"Content-Type": "text/csv", "Idempotency-Key": "over-restart"})
            return last[0].status == 202
        self.wait_until(repeated, what="a repeated upload")
        client.wait_for_job("RXB", last[0].json()["job"])
        done = self.query("SELECT state, rows FROM reckoner.submission WHERE month = '2012-05-01' "
                          "AND state <> 'receiving'")
        self.assertEqual(done, [["accepted", "2000"]])

    def test_without_a_database_reads_answer_503_with_retry_after(self):
        client = self.as_person("a.maker")
        self.query("ALTER DATABASE reckoner ALLOW_CONNECTIONS false; SELECT pg_terminate_backend(pid) "
                   "FROM pg_stat_activity WHERE datname = 'reckoner'", database="postgres")
        try:
            reply = client.send("GET", "/v1/me")
            self.assertProblem(reply, 503, "database_away")
            self.assertGreater(int(reply.headers["Retry-After"]), 0)
        finally:
            self.query("ALTER DATABASE reckoner ALLOW_CONNECTIONS true", database="postgres")
        self.wait_until(lambda: client.send("GET", "/v1/me").status == 200, what="an answer")


if __name__ == "__main__":
    harness.main()
