"""A closing day on which the service was away for over two hours moves by one operational day, for all, and visibly."""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))

import harness  # noqa: E402
from harness import csv_bytes, row  # noqa: E402

MONTH = "/v1/providers/RXA/months/2012-04/submissions"


class Absences(harness.ServiceCase):
    """The terms close April 2012 on Tuesday 5 June, at 24:00 in London: 23:00 UTC."""

    clock = "2012-06-05T21:30:00Z"

    def upload(self):
        return self.as_person("a.maker").send("POST", MONTH, csv_bytes([row(1), row(2)]), {"Content-Type": "text/csv"})

    def absences(self):
        """As another trust's person sees them. A restarted service may have a new port, so with a new client."""
        return self.as_person("b.maker").get("/v1/absences")

    def go_away(self, hours, until):
        """Stops the web process and makes its last sign of life so many hours old, on both clocks."""
        self.service.stop_daemon()
        self.query(f"UPDATE reckoner.service_presence SET seen_wall = clock_timestamp() - interval '{hours} hours',"
                   f" seen_at = timestamptz '{until}' - interval '{hours} hours'")
        self.service.set_clock(until)
        self.service.start_daemon()

    def test_the_closing_day_moves_and_says_so(self):
        calendar = {"flex": {"dates": [f"2012-{m:02}-10" for m in range(5, 13)] +
                             [f"2013-{m:02}-10" for m in range(1, 5)]},
                    "freeze": {"dates": ["2012-06-05"] + [f"2012-{m:02}-25" for m in range(6, 13)] +
                               [f"2013-{m:02}-25" for m in range(1, 5)]}}
        contract = self.agree(terms=harness.simple_terms(calendar=calendar))
        empty = self.absences()
        self.assertEqual((empty["items"], bool(empty["empty_because"])), ([], True))

        # Restarted at once: no absence. Away for an hour: it closes all the same.
        self.service.stop_daemon()
        self.service.start_daemon()
        self.assertEqual(self.absences()["items"], [])
        self.go_away(1, "2012-06-05T21:00:00Z")
        self.assertEqual(len(self.absences()["items"]), 1)
        self.service.set_clock("2012-06-05T23:00:01Z")
        self.assertProblem(self.upload(), 409, "submission_window_closed", "month")

        # Away over midnight: 70 minutes more of the closing day, and so over two hours in all.
        self.go_away(3, "2012-06-06T00:50:00Z")
        absences = self.absences()["items"]
        self.assertEqual(len(absences), 2)
        self.assertTrue(absences[0]["away_from"].startswith("2012-06-05T21:5"), absences)
        self.assertEqual(list(self.as_person("b.maker").pages("/v1/absences", limit=1)), absences)
        reply = self.upload()
        self.assertEqual(reply.status, 202, reply.body)
        window, = reply.json()["windows"]
        self.assertEqual((window["freeze"], window["freeze_moved_from"], window["inside"]),
                         ("2012-06-06T23:00:00.000000Z", "2012-06-05", True))
        self.assertNotIn("flex_moved_from", window)
        author = self.as_person("a.maker")
        author.wait_for_job("RXA", reply.json()["job"])
        receipt = author.get(f"/v1/providers/RXA/submissions/{reply.json()['submission']}/receipt")
        self.assertEqual(receipt["windows"], [window])

        # FREEZE waits for the day that closes now, and takes what arrived on it.
        refused = author.send("POST", contract + "/accounts/5QE/runs", {"month": "2012-04", "type": "FREEZE"})
        self.assertIn("2012-06-06T23:00:00", self.assertProblem(refused, 409, "run_too_early")["detail"])
        self.service.set_clock("2012-06-06T23:00:01Z")
        self.assertProblem(self.upload(), 409, "submission_window_closed")
        asked = author.post(contract + "/accounts/5QE/runs", {"month": "2012-04", "type": "FREEZE"})
        author.wait_for_job("RXA", asked["job"])
        pinned = self.value("SELECT s.id FROM reckoner.frozen_month m JOIN reckoner.submission s"
                            " ON s.provider = m.provider AND s.no = m.submission")
        self.assertEqual(pinned, reply.json()["submission"])

    def test_what_is_recorded_stays(self):
        self.query("INSERT INTO reckoner.service_absence VALUES ('2011-01-01Z', '2011-01-02Z', '2011-01-02Z')")
        for sql in ("UPDATE reckoner.service_absence SET away_to = away_to + interval '1 day'",
                    "DELETE FROM reckoner.service_absence"):
            with self.assertRaisesRegex(AssertionError, "append-only"):
                self.query(sql)
        for sql in ("INSERT INTO reckoner.service_absence VALUES ('2012-01-01Z', '2012-01-02Z', '2012-01-02Z')",
                    "UPDATE reckoner.service_presence SET seen_at = '2011-01-01Z'"):
            with self.assertRaisesRegex(AssertionError, "permission denied"):
                self.query("SET ROLE reckoner_web;" + sql)


if __name__ == "__main__":
    harness.main()
