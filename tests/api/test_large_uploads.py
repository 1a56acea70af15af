"""Uploads large enough for their rows to be loaded while they are still being read: whatever is learnt of a row later,
the facts that are committed are the final ones, and of a file that is not accepted none are left. That workers killed
in the middle leave all or nothing is shown by tests/blackbox/test_worker_killed.py, whose files are as large."""

import gzip
import json
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))

import harness  # noqa: E402

ROWS = 1600
LARGE = 200 * 1024  # worker/early_load.c

# Rows whose facts and findings disagree about what they fail.
DISAGREE = """
SELECT count(*) FROM reckoner.episode e WHERE e.submission = {0} AND e.failed <>
  coalesce((SELECT sum(1::bigint << r.bit) FROM reckoner.finding f JOIN reckoner.rule r ON r.id = f.rule
            WHERE f.submission = {0} AND f.row_no = e.row_no AND f.evaluation = 0), 0)"""


class LargeUploads(harness.ServiceCase):
    clock = "2012-12-03T09:00:00Z"

    def upload(self, lines, month="2012-04", **more):
        data = harness.csv_bytes(lines)
        self.assertGreater(len(data), LARGE)
        client = self.as_person("a.maker")
        acknowledged = client.upload("RXA", month, data, **more)
        return client, acknowledged

    def sent(self, lines, month="2012-04", **more):
        client, acknowledged = self.upload(lines, month, **more)
        client.wait_for_job("RXA", acknowledged["job"], 120)
        return acknowledged["submission"], client.get(f"/v1/providers/RXA/submissions/{acknowledged['submission']}")

    def stored(self, submission):
        """Number of the submission, rows stored, rows that continue, and rows that differ from their findings."""
        number = self.value(f"SELECT no FROM reckoner.submission WHERE id = '{submission}'")
        counts = self.query(f"SELECT count(*), count(DISTINCT row_no), count(*) FILTER (WHERE continues) "
                            f"FROM reckoner.episode WHERE submission = {number}")[0]
        self.assertEqual(self.value(DISAGREE.format(number)), "0")
        return number, *(int(count) for count in counts)

    def pair(self, rows, first, second, end="2012-04-20"):
        """The second row becomes the next episode of the patient of the first, which ends on its start."""
        for column in ("patient_id", "nhs_number", "birth_date"):
            rows[second][column] = rows[first][column]
        rows[first]["end_date"] = end
        rows[second]["start_date"] = rows[second]["mhct_date"] = end
        rows[second]["mhct_reason"] = "11"

    def test_the_last_row_is_stored_without_a_line_end(self):
        client = self.as_person("a.maker")
        for month, kind, more in (("2012-09", "text/csv", {}), ("2012-10", "application/x-ndjson", {}),
                                  ("2012-11", "text/csv", {"Content-Encoding": "gzip"})):
            rows = [harness.row(n, month) for n in range(ROWS)]
            data = harness.csv_bytes(rows).rstrip(b"\r\n")
            if kind != "text/csv":
                data = "\n".join(json.dumps(row) for row in rows).encode()
            if more:
                data = gzip.compress(data, 0)  # as large as it was
            self.assertGreater(len(data), LARGE)
            with self.subTest(kind=kind, **more):
                done = client.post(f"/v1/providers/RXA/months/{month}/submissions", data,
                                   {"Content-Type": kind, **more})
                client.wait_for_job("RXA", done["job"], 120)
                seen = client.get(f"/v1/providers/RXA/submissions/{done['submission']}")
                self.assertEqual((seen["state"], seen["rows"]), ("accepted", ROWS))
                self.assertEqual(self.stored(done["submission"])[1:3], (ROWS, ROWS))

    def test_few_rows_change_after_they_were_loaded(self):
        rows = [harness.row(n) for n in range(ROWS)]
        rows[5]["h3"] = "9"
        rows[6]["patient_id"] = "ALDER-000777"
        rows[7]["service"] = "ALDER000777"  # the patient of the row before: it is stored under an alias
        for first in range(100, 700, 2):
            self.pair(rows, first, first + 1)
        rows[1001]["patient_id"] = rows[1000]["patient_id"]  # D07, and D08 as they start on one day
        rows[1001]["nhs_number"] = rows[1000]["nhs_number"]
        submission, seen = self.sent(rows)
        self.assertEqual((seen["state"], seen["rows"]), ("accepted", ROWS))
        number, *counts = self.stored(submission)
        self.assertEqual(counts, [ROWS, ROWS, 300])
        self.assertEqual(self.value(f"SELECT count(*) FROM reckoner.episode WHERE submission = {number} "
                                    "AND service ~ '777'"), "0")
        found = self.query(f"SELECT rule, count(*) FROM reckoner.finding WHERE submission = {number} "
                           "AND evaluation = 0 AND row_no IN (1001, 1002) AND rule IN ('D07', 'D08') "
                           "GROUP BY rule ORDER BY rule")
        self.assertEqual(found, [["D07", "2"], ["D08", "2"]])

    def test_many_rows_change_after_they_were_loaded(self):
        rows = [harness.row(n, "2012-05") for n in range(ROWS)]
        for first in range(0, ROWS, 2):
            self.pair(rows, first, first + 1, "2012-05-20")
        submission, seen = self.sent(rows, "2012-05")
        self.assertEqual(seen["state"], "accepted")
        self.assertEqual(self.stored(submission)[1:], (ROWS, ROWS, ROWS // 2))

    def test_a_file_that_turns_out_to_be_refused_leaves_nothing(self):
        for month, column, value in (("2012-06", "episode_id", None), ("2012-07", "provider", "RXB")):
            rows = [harness.row(n, month) for n in range(ROWS)]
            rows[-1][column] = value or rows[0][column]
            with self.subTest(column=column):
                submission, seen = self.sent(rows, month)
                self.assertEqual(seen["state"], "refused")
                number, *counts = self.stored(submission)
                self.assertEqual(counts, [0, 0, 0])
                self.assertEqual(self.value(f"SELECT count(*) FROM reckoner.finding WHERE submission = {number} "
                                            "AND rule IN ('F05', 'F11')"), "1")

    def test_a_held_file_is_stored_when_it_is_confirmed(self):
        submission, seen = self.sent([harness.row(n, "2012-08") for n in range(ROWS)], "2012-08", rows=ROWS + 1)
        self.assertEqual(seen["state"], "held")
        self.assertEqual(self.stored(submission)[1], 0)
        client = self.as_person("a.maker")
        confirmed = client.post(f"/v1/providers/RXA/submissions/{submission}/confirmation", {})
        client.wait_for_job("RXA", confirmed["job"], 120)
        self.assertEqual(self.stored(submission)[1], ROWS)


if __name__ == "__main__":
    harness.main()
