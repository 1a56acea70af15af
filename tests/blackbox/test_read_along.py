"""A large upload is read while it arrives. Nothing of it shows before its job decides, and whatever happens in between,
the outcome is the one of a file that was read as a whole."""

import json
import threading
import time

import harness
import raw

ROWS = 8_000  # three quarters are more than three times what the daemon hands over at once
# Rows that the worker has given to the database before the upload is complete, and what is seen of its transaction.
LOADED = """SELECT coalesce(max(p.tuples_processed), 0) FROM pg_stat_progress_copy p JOIN pg_stat_activity a USING (pid)
  WHERE a.application_name = 'reckoner-worker loader'"""
OPEN = """SELECT count(*) FROM pg_stat_activity
  WHERE application_name = 'reckoner-worker loader' AND xact_start IS NOT NULL"""
FACTS = """SELECT count(*), count(DISTINCT row_no),
  md5(string_agg((to_jsonb(e) - 'submission')::text, ';' ORDER BY row_no))
  FROM reckoner.episode e WHERE submission = {0}"""
FINDINGS = """SELECT md5(coalesce(string_agg((to_jsonb(f) - 'submission')::text, ';' ORDER BY row_no, rule), ''))
  FROM reckoner.finding f WHERE submission = {0} AND evaluation = 0"""


class ReadAlong(harness.ServiceCase):
    settings = {"worker_lease_seconds": 5, "worker_poll_ms": 100}

    def rows(self, more=0, provider="RXA"):
        """With faults of rows by themselves, across rows, and one that is known from the last row alone."""
        rows = [harness.row(n, provider=provider, **({"h3": "9"} if n % 50 == 0 else {})) for n in range(ROWS + more)]
        rows[-1] |= {name: rows[3][name] for name in ("patient_id", "start_date")}
        return rows

    def data(self, more=0, **changes):
        return harness.csv_bytes(self.rows(more, **changes))

    def begin(self, data, person="a.maker", provider="RXA", wait=True):
        """Sends three quarters, and waits until they are read along."""
        upload = raw.RawUpload(self.service.url, self.service.tokens[person], provider, "2012-04", length=len(data))
        self.addCleanup(upload.close)
        upload.piece(data[:len(data) * 3 // 4])
        if wait:
            self.wait_until(lambda: int(self.value(LOADED)) > 1000, what="reading along")
        return upload

    def end(self, upload, data, person="a.maker", provider="RXA"):
        """Sends the rest; returns number and state of the submission once it is decided."""
        upload.piece(data[len(data) * 3 // 4:])
        status, answer = upload.answer()
        self.assertEqual(status, 202, answer)
        acknowledged = json.loads(answer.partition(b"\r\n\r\n")[2])
        self.as_person(person).wait_for_job(provider, acknowledged["job"], 120)
        return self.query("SELECT no, state FROM reckoner.submission "
                          f"WHERE id = '{acknowledged['submission']}'")[0]

    def outcomes(self):
        """How each reading along ended, in order, by worker."""
        found = []
        for log in sorted((self.folder / "logs").glob("worker-*.log")):
            lines = [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines() if line.startswith("{")]
            found += [line["outcome"] for line in lines if line["event"] == "read_along"]
        return found

    def assert_as_whole(self, number, data):
        """The same file, read as a whole by a worker that starts when it is there, has the same facts and findings."""
        self.service.kill_worker(0)
        client = self.as_person("a.maker")
        acknowledged = client.upload("RXA", "2012-04", data.replace(b"\n", b"\r\n"))
        self.service.start_worker()
        client.wait_for_job("RXA", acknowledged["job"], 120)
        other = self.value(f"SELECT no FROM reckoner.submission WHERE id = '{acknowledged['submission']}'")
        self.assertEqual(self.query(FACTS.format(number)), self.query(FACTS.format(other)))
        self.assertEqual(self.query(FINDINGS.format(number)), self.query(FINDINGS.format(other)))

    def test_what_was_read_is_used_and_equals_a_whole_reading(self):
        data = self.data(1)
        upload = self.begin(data)
        self.assertEqual(self.value("SELECT count(*) FROM reckoner.submission WHERE state = 'receiving'"), "1")
        self.assertEqual(self.value("SELECT count(*) FROM reckoner.episode e JOIN reckoner.submission s "
                                    "ON s.no = e.submission WHERE s.state = 'receiving'"), "0")
        number, state = self.end(upload, data)
        self.assertEqual((state, self.outcomes()[-1]), ("accepted", "used"))
        self.assertEqual(self.query(FACTS.format(number))[0][:2], [str(ROWS + 1)] * 2)
        self.assert_as_whole(number, data)

    def test_an_upload_that_is_cut_off_leaves_nothing(self):
        before = self.value("SELECT count(*) FROM reckoner.episode")
        self.begin(self.data(2)).close()
        self.wait_until(lambda: self.value(OPEN) == "0", what="the end of the open transaction")
        self.wait_until(lambda: self.outcomes()[-1:] == ["dropped"], what="the end of the reading")
        self.assertEqual(self.value("SELECT count(*) FROM reckoner.episode"), before)
        self.assertEqual(self.value("SELECT count(*) FROM reckoner.submission WHERE state = 'receiving'"), "0")

    def test_a_file_refused_for_its_last_row_leaves_findings_alone(self):
        rows = self.rows(3)
        rows[-1]["episode_id"] = rows[0]["episode_id"]
        data = harness.csv_bytes(rows)
        number, state = self.end(self.begin(data), data)
        self.assertEqual((state, self.outcomes()[-1]), ("refused", "used"))
        self.assertEqual(self.query(FACTS.format(number))[0][0], "0")
        self.assert_as_whole(number, data)

    def test_a_worker_killed_while_it_reads_along_costs_nothing(self):
        data = self.data(4)
        upload = self.begin(data)
        self.service.kill_worker(0)
        self.service.start_worker()
        number, state = self.end(upload, data)
        self.assertEqual(state, "accepted")
        self.assertEqual(self.query(FACTS.format(number))[0][:2], [str(ROWS + 4)] * 2)
        self.assertEqual(self.value(f"SELECT count(*) FROM reckoner.receipt WHERE submission = {number}"), "1")

    def test_two_uploads_at_once_are_each_whole(self):
        files = {"a.maker": ("RXA", self.data(5)), "b.maker": ("RXB", self.data(5, provider="RXB"))}
        first = self.begin(files["a.maker"][1])
        second = self.begin(files["b.maker"][1], "b.maker", "RXB", wait=False)
        found = {}

        def finish(upload, person):
            found[person] = self.end(upload, files[person][1], person, files[person][0])

        threads = [threading.Thread(target=finish, args=(second, "b.maker")),
                   threading.Thread(target=finish, args=(first, "a.maker"))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual({state for _, state in found.values()}, {"accepted"})
        for number, _ in found.values():
            self.assertEqual(self.query(FACTS.format(number))[0][:2], [str(ROWS + 5)] * 2)

    def test_no_transaction_waits_for_a_client_that_halts(self):
        data = self.data(6)
        upload = self.begin(data)
        begun = time.monotonic()
        self.wait_until(lambda: self.value(OPEN) == "0", 5, what="the end of the open transaction")
        self.assertLess(time.monotonic() - begun, 4)
        number, state = self.end(upload, data)
        self.assertEqual((state, self.outcomes()[-1]), ("accepted", "used"))
        self.assertEqual(self.query(FACTS.format(number))[0][:2], [str(ROWS + 6)] * 2)

    def test_other_work_comes_first(self):
        data = self.data(7)
        upload = self.begin(data)
        client = self.as_person("b.maker")
        small = client.upload("RXB", "2012-04", harness.csv_bytes([harness.row(n, provider="RXB") for n in range(20)]))
        client.wait_for_job("RXB", small["job"])
        self.assertEqual(self.outcomes()[-1], "dropped")
        number, state = self.end(upload, data)
        self.assertEqual(state, "accepted")
        self.assertEqual(self.query(FACTS.format(number))[0][:2], [str(ROWS + 7)] * 2)

    def test_commitments_to_rows_do_not(self):
        client = self.as_person("b.maker")
        small = client.upload("RXB", "2012-04", harness.csv_bytes([harness.row(n, provider="RXB") for n in range(21)]))
        client.wait_for_job("RXB", small["job"])
        made = ("SELECT count(*) FROM reckoner.job WHERE kind = 'row_tree' AND state = 'done' "
                f"AND subject = '{small['submission']}'")
        self.wait_until(lambda: self.value(made) == "1", what="the commitments of the small file")
        data = self.data(9)
        upload = self.begin(data)
        self.value("UPDATE reckoner.job SET state = 'queued', finished_at = NULL, run_after = clock_timestamp() "
                   f"WHERE kind = 'row_tree' AND subject = '{small['submission']}' RETURNING 1")
        time.sleep(0.5)
        number, state = self.end(upload, data)
        self.assertEqual((state, self.outcomes()[-1]), ("accepted", "used"))
        self.wait_until(lambda: self.value(made) == "1", what="the commitments, made again")
        self.assertEqual(self.query(FACTS.format(number))[0][:2], [str(ROWS + 9)] * 2)

    def test_what_was_read_is_not_used_once_organisations_have_changed(self):
        data = self.data(8)
        upload = self.begin(data)
        self.service.organisation("5QZ", "commissioner", "A new commissioner")
        number, state = self.end(upload, data)
        self.assertEqual((state, self.outcomes()[-1]), ("accepted", "outdated"))
        self.assertEqual(self.query(FACTS.format(number))[0][:2], [str(ROWS + 8)] * 2)


class TwoWorkers(harness.ServiceCase):
    """The worker that reads an upload along gets its job, also when another is idle."""

    workers = 2
    settings = ReadAlong.settings
    rows, data = ReadAlong.rows, ReadAlong.data
    begin, end, outcomes = ReadAlong.begin, ReadAlong.end, ReadAlong.outcomes

    def test_the_job_is_left_to_the_worker_that_reads_along(self):
        for more in range(3):
            data = self.data(more)
            upload = self.begin(data)
            number, state = self.end(upload, data)
            self.assertEqual((state, self.outcomes().count("used")), ("accepted", more + 1))
            self.assertEqual(self.query(FACTS.format(number))[0][:2], [str(ROWS + more)] * 2)


if __name__ == "__main__":
    harness.main()
