"""Uploads as they come from a bad network: slow, too large, cut off, sent twice, two at once."""

import threading
import time

import harness
import raw

LIMIT = 200_000


class Uploads(harness.ServiceCase):
    settings = {"max_upload_bytes": LIMIT, "idle_timeout_seconds": 20}

    def setUp(self):
        self.client = self.as_person("a.maker")
        self.other = self.as_person("b.maker")
        self.token = self.service.tokens["a.maker"]

    def raw(self, month, **more):
        return raw.RawUpload(self.service.url, self.token, "RXA", month, **more)

    def submissions(self, month, provider="RXA"):
        return self.query("SELECT id, state, version, bytes FROM reckoner.submission "
                          f"WHERE provider = '{provider}' AND month = '{month}-01' ORDER BY no")

    def file_of(self, size, month, filler):
        """A valid file of exactly this many bytes: many rows, the last one's commissioner_reason fills up."""
        rows = []
        while len(harness.csv_bytes(rows + [harness.row(len(rows), month)])) <= size - 45:
            rows.append(harness.row(len(rows), month))
        short = size - len(harness.csv_bytes(rows))
        for number in range(len(rows)):
            step = min(short, 40)
            rows[number]["commissioner_reason"] = filler * step
            short -= step
        data = harness.csv_bytes(rows)
        self.assertEqual(len(data), size)
        return data

    def test_a_slow_client_holds_nobody_up(self):
        data = harness.csv_bytes([harness.row(n) for n in range(200)])
        with self.raw("2012-04", length=len(data)) as slow:
            for at in range(0, 2000, 100):
                slow.piece(data[at:at + 100])
                time.sleep(0.05)
                begun = time.monotonic()
                self.client.get("/v1/me")
                self.assertLess(time.monotonic() - begun, 2)
            held = self.value("SELECT count(*) FROM pg_stat_activity WHERE usename = 'reckoner_web' "
                              "AND state LIKE 'idle in transaction%'")
            self.assertEqual(held, "0")
            slow.piece(data[2000:])
            self.assertEqual(slow.answer()[0], 202)

    def test_body_at_the_limit_is_taken_and_one_byte_more_is_not(self):
        for chunked in (False, True):
            for size, status in ((LIMIT, 202), (LIMIT + 1, 413)):
                with self.subTest(chunked=chunked, size=size):
                    before = len(self.submissions("2012-05"))
                    self.send_in_pieces(self.file_of(size, "2012-05", "y" if chunked else "x"), chunked, status)
                    self.wait_until(lambda: len([s for s in self.submissions("2012-05") if s[1] != "receiving"])
                                    == before + (1 if status == 202 else 0), what="the count of submissions")

    def send_in_pieces(self, data, chunked, wanted):
        with self.raw("2012-05", length=None if chunked else len(data)) as upload:
            try:
                for at in range(0, len(data), 50_000):
                    upload.piece(data[at:at + 50_000])
                upload.end()
            except (BrokenPipeError, ConnectionResetError):
                self.assertEqual(wanted, 413, "the connection broke although the body is within the limit")
            status, answer = upload.answer()
            self.assertEqual(status, wanted, answer)
            if wanted == 413:
                self.assertIn(b"body_too_large", answer)

    def test_a_cut_off_upload_leaves_nothing_accepted(self):
        data = harness.csv_bytes([harness.row(n) for n in range(500)])
        before = self.submissions("2012-06")
        with self.raw("2012-06", length=len(data)) as upload:
            upload.piece(data[:len(data) // 2])
            time.sleep(0.3)
        with self.raw("2012-06") as upload:
            upload.piece(data[:len(data) // 2])
            time.sleep(0.3)
        time.sleep(0.5)
        done = [s for s in self.submissions("2012-06") if s[1] != "receiving"]
        self.assertEqual(done, before)
        self.assertEqual(self.client.get("/v1/providers/RXA/months/2012-06/submissions")["items"], [])
        left = self.value("SELECT count(*) FROM reckoner.submission_chunk c JOIN reckoner.submission s "
                          "ON s.provider = c.provider AND s.no = c.submission WHERE s.month = '2012-06-01' "
                          "AND s.state <> 'receiving'")
        self.assertEqual(left, "0")
        jobs = self.value("SELECT count(*) FROM reckoner.job j JOIN reckoner.submission s ON s.provider = j.provider "
                          "AND s.id = j.subject WHERE s.month = '2012-06-01'")
        self.assertEqual(jobs, "0")

    @staticmethod
    def row_b(number, month):
        """A row of the other trust, whose months have about the same size: none is suspiciously short."""
        return harness.row(number, month, provider="RXB")

    def test_the_same_upload_sent_twice_is_one_submission(self):
        self.service.set_clock("2012-08-08T09:00:00Z")
        data = harness.csv_bytes([self.row_b(n, "2012-07") for n in range(20)])
        first = self.other.upload("RXB", "2012-07", data, key="the-same-key")
        again = self.other.upload("RXB", "2012-07", data, key="the-same-key")
        self.assertEqual(first, again)
        other = harness.csv_bytes([self.row_b(n, "2012-07") for n in range(21)])
        reply = self.other.send("POST", "/v1/providers/RXB/months/2012-07/submissions", other,
                                 {"Content-Type": "text/csv", "Idempotency-Key": "the-same-key"})
        self.assertProblem(reply, 422, "idempotency_conflict")
        self.assertEqual(len([s for s in self.submissions("2012-07", "RXB") if s[1] != "receiving"]), 1)

    def test_one_key_sent_by_eight_connections_at_once_is_one_submission(self):
        self.service.set_clock("2012-09-08T09:00:00Z")
        data = harness.csv_bytes([self.row_b(n, "2012-08") for n in range(300)])
        replies = self.at_once([("same-key", data)] * 8, "2012-08")
        taken = [r.json()["submission"] for r in replies if r.status == 202]
        self.assertGreaterEqual(len(taken), 1)
        self.assertEqual(len(set(taken)), 1)
        self.assertTrue(all(r.status in (202, 409) for r in replies), [r.status for r in replies])
        self.assertEqual(len([s for s in self.submissions("2012-08", "RXB") if s[1] != "receiving"]), 1)

    def test_two_uploads_of_one_month_at_once_become_two_versions(self):
        self.service.set_clock("2012-10-08T09:00:00Z")
        files = [("key-a", harness.csv_bytes([self.row_b(n, "2012-09") for n in range(300)])),
                 ("key-b", harness.csv_bytes([self.row_b(n, "2012-09") for n in range(301)]))]
        replies = self.at_once(files, "2012-09")
        self.assertEqual([r.status for r in replies], [202, 202], [r.body for r in replies])
        for reply in replies:
            self.other.wait_for_job("RXB", reply.json()["job"])
        found = self.submissions("2012-09", "RXB")
        self.assertEqual([s[2] for s in sorted(found, key=lambda s: int(s[2]))], ["1", "2"])
        self.assertEqual({s[1] for s in found}, {"accepted"})
        for identifier, _, _, size in found:
            rows = 300 if int(size) == len(files[0][1]) else 301
            counted = self.value("SELECT count(*) FROM reckoner.episode e JOIN reckoner.submission s "
                                 "ON s.provider = e.provider AND s.no = e.submission "
                                 f"WHERE s.id = '{identifier}'")
            self.assertEqual(int(counted), rows)

    def at_once(self, files, month):
        """Sends (key, data) pairs from one connection each, all started together."""
        replies = [None] * len(files)
        gate = threading.Barrier(len(files))

        def send(place, key, data):
            client = self.as_person("b.maker")
            gate.wait()
            replies[place] = client.send("POST", f"/v1/providers/RXB/months/{month}/submissions", data,
                                         {"Content-Type": "text/csv", "Idempotency-Key": key})
            client.close()

        threads = [threading.Thread(target=send, args=(place, key, data)) for place, (key, data) in enumerate(files)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return replies


if __name__ == "__main__":
    harness.main()
