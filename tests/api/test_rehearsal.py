"""Rehearsals, check files and `reckoner check`: the findings that a submission of the same bytes would have, wherever
the file is checked and however it is written; and nothing of a rehearsal in anything but its own report."""

import gzip
import hashlib
import json
import os
import pathlib
import random
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))

import harness  # noqa: E402
from harness import COLUMNS, csv_bytes, row  # noqa: E402

MONTH = "/v1/providers/RXA/months/{}/rehearsals"
NDJSON = "application/x-ndjson"


def faulty_rows():
    """Rows of April 2012 with most kinds of fault that one file can have: of a row, across rows, under the terms."""
    rows = [row(n) for n in range(40)]
    rows[1] |= {"cluster": "09"}
    rows[2] |= {"start_date": "01/02/2012"}
    rows[3] |= {"nhs_number": "9990000000"}
    rows[4] |= {"super_class": "B"}
    rows[5] |= {"cluster": "14", "super_class": "B", "mhct_date": "2011-01-10", "start_date": "2011-01-10",
                "referral_date": "2011-01-10"}
    rows[6] |= {"cluster": "15", "super_class": "B"}
    rows[7] |= {"commissioner": "5QF"}
    rows[8] |= {"commissioner": "ZZZ"}
    rows[9] |= {"h3": "9", "h4": "7"}
    rows[10] |= {"mhct_date": ""}
    rows[11] |= {"patient_id": "P12"}
    rows[12] |= {"patient_id": "P12"}
    rows[13] |= {"admitted_days": "31"}
    rows[14] |= {"birth_date": "2013-01-01"}
    rows[15] |= {"last_contact": "2011-09-01", "service": 'Team "A", east'[:12]}
    rows[16] |= {"birth_date": "2000-01-01"}
    rows[17] |= {"gp_practice": "nonsense"}
    rows[18] |= {"mhct_reason": "55", "referral_date": "2012-06-01"}
    rows[19] |= {"start_date": "2012-04-02", "end_date": "2012-04-05", "last_contact": "", "mhct_date": "2012-04-02",
                 "referral_date": "2012-04-02"}
    return rows


def ndjson_bytes(rows):
    return "".join(json.dumps({k: v for k, v in r.items() if v}) + "\n" for r in rows).encode()


def shuffled_csv(rows):
    order = list(COLUMNS)
    random.Random(4).shuffle(order)
    text = ",".join(order) + "\r\n"
    for r in rows:
        text += ",".join('"' + r[name].replace('"', '""') + '"' for name in order) + "\r\n"
    return b"\xef\xbb\xbf" + text.encode()


def lines_of(items):
    """Findings as the API lists them, in the canonical form of a line."""
    return "".join(json.dumps(item, sort_keys=True, separators=(",", ":"), ensure_ascii=False) + "\n"
                   for item in items).encode()


class Case(harness.ServiceCase):
    def setUp(self):
        self.client = self.as_person("a.maker")
        self.addCleanup(self.client.close)
        self.temporary = tempfile.TemporaryDirectory()
        self.addCleanup(self.temporary.cleanup)

    def rehearse(self, data, month="2012-04", media_type="text/csv", client=None, **headers):
        wanted = {"Content-Type": media_type} | {name.replace("_", "-"): text for name, text in headers.items()}
        return (client or self.client).send("POST", MONTH.format(month), data, wanted)

    def rehearsed(self, data, month="2012-04", media_type="text/csv", **headers):
        """The rehearsal once it is done, with its path and all lines of its findings."""
        reply = self.rehearse(data, month, media_type, **headers)
        self.assertEqual(reply.status, 202, reply.body)
        self.client.wait_for_job("RXA", reply.json()["job"])
        path = f"/v1/providers/RXA/rehearsals/{reply.json()['rehearsal']}"
        done = self.client.get(path)
        self.assertEqual(done["state"], "done")
        return done, path, self.lines(path)

    def lines(self, path):
        text, part = b"", 1
        while True:
            reply = self.client.send("GET", f"{path}/findings?part={part}")
            self.assertEqual((reply.status, reply.headers["Content-Type"]), (200, NDJSON), reply.body)
            text += reply.body
            if 'rel="next"' not in (reply.headers["Link"] or ""):
                return text
            part += 1

    def check_file(self, month="2012-04"):
        path = pathlib.Path(self.temporary.name) / f"check-{month}.json"
        path.write_bytes(self.client.bytes(f"/v1/providers/RXA/check-file?month={month}"))
        return path

    def check(self, data, *options, reference=None, status=None):
        """`reckoner check` with nothing in the environment; returns what it prints."""
        file = pathlib.Path(self.temporary.name) / "file"
        file.write_bytes(data)
        done = subprocess.run(
            [str(harness.BUILD / "reckoner"), "check", str(file), "--reference", str(reference or self.check_file()),
             *options], capture_output=True, check=False, cwd=self.temporary.name,
            env={"TMPDIR": self.temporary.name} | {k: v for k, v in os.environ.items() if k.endswith("SAN_OPTIONS")})
        if status is not None:
            self.assertEqual(done.returncode, status, done.stderr)
        return done.stdout

    def submitted(self, data, month="2012-04", media_type="text/csv"):
        acknowledged = self.client.upload("RXA", month, data, media_type=media_type)
        self.client.wait_for_job("RXA", acknowledged["job"])
        path = f"/v1/providers/RXA/submissions/{acknowledged['submission']}"
        if self.client.get(path)["state"] == "accepted":
            self.wait_until(lambda: self.client.get(path)["evaluation"] > 0, what="the evaluation")
        return path, lines_of(self.client.pages(path + "/findings"))


class IdenticalFindings(Case):
    """One set of rows, one set of findings."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.agree(terms=harness.simple_terms(rules={"severities": {"K05": "QUERY"}}))
        cls.as_person("a.maker").call("PUT", "/v1/providers/RXA/column-mapping",
                                      {"columns": {"Spell No": "episode_id", "RiO Number": "patient_id"}})

    def forms(self, rows):
        """The same rows in every form: bytes, media type, headers of a rehearsal, options of `reckoner check`."""
        mapped = csv_bytes(rows).replace(b"episode_id", b"Spell No", 1).replace(b"patient_id", b"RiO Number", 1)
        return {"csv": (csv_bytes(rows), "text/csv", {}, ()), "ndjson": (ndjson_bytes(rows), NDJSON, {}, ()),
                "shuffled": (shuffled_csv(rows), "text/csv", {}, ()),
                "gzip": (gzip.compress(ndjson_bytes(rows)), NDJSON, {"Content_Encoding": "gzip"}, ()),
                "mapped": (mapped, "text/csv", {"Column_Mapping": "saved"}, ("--mapping", "saved"))}

    def assertSame(self, rows, outcome):
        reference = self.check_file()
        lines, reports = {}, {}
        for form, (data, media_type, headers, options) in self.forms(rows).items():
            done, _, lines["rehearsed " + form] = self.rehearsed(data, media_type=media_type, **headers)
            reports[form] = done["report"]
            lines["checked " + form] = self.check(data, "--format", "ndjson", *options, reference=reference)
            offline = json.loads(self.check(data, "--format", "json", *options, reference=reference))
            for member in ("outcome", "summary", "file_findings", "findings", "reference", "terms", "rows",
                           "rows_not_paid", "rule_set"):
                self.assertEqual(offline[member], done["report"][member], f"{form}: {member}")
        path, lines["submitted"] = self.submitted(self.forms(rows)["csv"][0])
        first = lines["submitted"]
        self.assertGreater(first.count(b"\n"), 2)
        for name, text in lines.items():
            self.assertEqual(text.splitlines(), first.splitlines(), name)
        for report in reports.values():
            self.assertEqual(report["outcome"], outcome)
            self.assertEqual(report["findings"], {"lines": first.count(b"\n"), "bytes": len(first),
                                                  "sha256": hashlib.sha256(first).hexdigest()})
        return path, reports["csv"]

    def test_of_a_month_that_would_be_accepted(self):
        path, report = self.assertSame(faulty_rows(), "accepted")
        summary = self.client.get(path + "/findings/summary")
        for part in ("by_rule", "by_severity"):
            self.assertCountEqual(summary[part], report["summary"][part])
        self.assertEqual(summary["total"], report["summary"]["total"])
        rules = {line["rule"] for line in summary["by_rule"]}
        self.assertLessEqual({"K03", "D01", "P02", "K05", "R01", "K06", "C04", "C02", "M01", "M02", "M03", "D07", "D13",
                              "P06", "C01", "M04", "D12", "R03", "R05", "R06"}, rules)
        self.assertIn("QUERY", {line["severity"] for line in summary["by_rule"] if line["rule"] == "K05"})

    def test_of_a_month_that_would_be_refused(self):
        rows = faulty_rows()
        rows[20] |= {"episode_id": "E1"}
        rows[21] |= {"provider": "RXB"}
        rows[22] |= {"nhs_number": "9990000042", "nhs_number_status": "01"}
        rows[23] |= {"nhs_number": "9990000042", "nhs_number_status": "01"}
        _, report = self.assertSame(rows, "refused")
        self.assertLessEqual({"F05", "F11"}, {f["rule"] for f in report["file_findings"]})
        self.assertIn("C04", {rule["rule"] for rule in report["not_checked"]})

    def test_a_rule_is_checked_or_said_not_to_be(self):
        done, _, lines = self.rehearsed(csv_bytes(faulty_rows()))
        here = {rule["rule"]: rule for rule in done["report"]["not_checked"]}
        offline = json.loads(self.check(csv_bytes(faulty_rows()), "--format", "json", status=1))
        there = {rule["rule"]: rule for rule in offline["not_checked"]}
        self.assertEqual(set(here) & {"F07", "F12", "W01"}, {"F07", "F12", "W01"})
        self.assertLess(set(here), set(there))
        self.assertLessEqual({"D11", "R07", "C03"}, set(there))
        self.assertTrue(there["D09"]["in_part"] and there["A01"]["in_part"] and there["C01"]["in_part"])
        self.assertFalse(there["D11"]["in_part"])
        for rule in (*here.values(), *there.values()):
            self.assertTrue(rule["because"] and rule["sentence"])
        found = {json.loads(line)["rule"] for line in lines.splitlines()}
        self.assertEqual(found & {name for name, rule in here.items() if not rule["in_part"]}, set())

    def test_a_short_month_is_held_in_both(self):
        rows = [row(n) for n in range(40)]
        self.submitted(csv_bytes(rows))
        enough, _, lines = self.rehearsed(csv_bytes(rows[:32]))
        self.assertEqual((enough["report"]["outcome"], b'"F13"' in lines), ("accepted", False))
        short, _, lines = self.rehearsed(csv_bytes(rows[:31]))
        path, sent = self.submitted(csv_bytes(rows[:31]))
        self.assertEqual((short["report"]["outcome"], self.client.get(path)["state"]), ("held", "held"))
        self.assertIn(b"The file has 31 rows, the last accepted month has 40", lines)
        self.assertEqual(*([line for line in text.splitlines() if b'"F13"' in line] for text in (lines, sent)))
        self.submitted(csv_bytes(rows))


class Rehearsals(Case):
    # April is closed for submissions.
    clock = "2012-12-03T09:00:00Z"

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.contract = cls.agree()

    def tables(self):
        """How many rows each table has, but those that a rehearsal may write to, and what follows its audit events."""
        own = {"rehearsal", "rehearsal_chunk", "rehearsal_part", "job", "audit_event", "idempotency",
               "worker_heartbeat", "absence", "audit_pending", "audit_link", "log_pending", "log_entry", "log_node",
               "log_checkpoint"}
        names = [name for name, in self.query("SELECT relname FROM pg_class WHERE relkind = 'r'"
                                              " AND relnamespace = 'reckoner'::regnamespace")]
        self.assertLessEqual({"submission", "episode", "finding", "stake", "frozen_month", "run"}, set(names))
        return {name: self.value(f"SELECT count(*) || md5(coalesce(string_agg(t::text, ',' ORDER BY t::text), ''))"
                                 f" FROM reckoner.{name} t") for name in names if name not in own}

    def test_closed_and_future_months_are_rehearsed_and_nothing_else_knows(self):
        data = csv_bytes(faulty_rows())
        self.assertProblem(self.client.send("POST", MONTH.format("2012-04").replace("rehearsals", "submissions"), data,
                                            {"Content-Type": "text/csv"}), 409, "submission_window_closed")
        before = self.tables()
        done, path, lines = self.rehearsed(data)
        self.assertEqual((done["report"]["outcome"], done["report"]["rows"]), ("accepted", 40))
        self.assertGreater(lines.count(b"\n"), 20)
        later, _, _ = self.rehearsed(csv_bytes([row(n, "2013-06") for n in range(3)]), "2013-06")
        self.assertEqual(later["report"]["outcome"], "accepted")
        self.assertEqual(self.tables(), before)
        self.assertEqual(list(self.client.pages(MONTH.format("2012-04").replace("rehearsals", "submissions"))), [])
        self.assertProblem(self.client.send("GET", path.replace("rehearsals", "submissions")), 404, "not_found")
        for person, status, code in (("b.maker", 404, "not_found"), ("e.one", 403, "forbidden"),
                                     ("audit.one", 403, "forbidden"), ("operator.one", 403, "forbidden")):
            with self.subTest(person=person):
                client = self.as_person(person)
                for address in (path, path + "/findings"):
                    self.assertProblem(client.send("GET", address), status, code)
                self.assertProblem(client.send("GET", "/v1/providers/RXA/check-file?month=2012-04"), status, code)
                self.assertProblem(self.rehearse(data, client=client), status, code)

    def test_a_clean_file_has_an_empty_list(self):
        done, path, lines = self.rehearsed(csv_bytes([row(n) for n in range(3)]))
        self.assertEqual(lines, b"")
        self.assertEqual(done["report"]["findings"]["lines"], 0)
        self.assertEqual(done["report"]["summary"]["total"]["amount_at_stake_pence"], 0)
        self.assertProblem(self.client.send("GET", path + "/findings?part=2"), 404, "not_found")
        self.assertProblem(self.client.send("GET", path + "/findings?part=0"), 400, "bad_parameter", "part")

    def test_long_lists_come_in_parts(self):
        rows = [row(n, super_class="B", h1="9") for n in range(600)]
        done, path, lines = self.rehearsed(csv_bytes(rows))
        first = self.client.send("GET", path + "/findings")
        self.assertLess(len(first.body), 256 * 1024 + 2000)
        self.assertGreater(len(lines), len(first.body))
        self.assertTrue(first.body.endswith(b"\n"))
        self.assertEqual(done["report"]["findings"]["sha256"], hashlib.sha256(lines).hexdigest())
        found = [json.loads(line) for line in lines.splitlines()]
        self.assertEqual([(f["row"], f["rule"]) for f in found],
                         sorted((n, rule) for n in range(1, 601) for rule in {f["rule"] for f in found}))

    def test_a_row_count_is_compared(self):
        done, _, lines = self.rehearsed(csv_bytes([row(n) for n in range(3)]), Row_Count="4")
        self.assertEqual(done["report"]["outcome"], "held")
        self.assertIn(b'"F13"', lines)
        self.assertIn(b'"F13"', self.check(csv_bytes([row(n) for n in range(3)]), "--row-count", "4", "--format",
                                           "ndjson"))

    def test_a_repeated_key_gets_the_first_answer(self):
        data = csv_bytes([row(1)])
        first = self.rehearse(data, Idempotency_Key="key-1")
        again = self.rehearse(data, Idempotency_Key="key-1")
        self.assertEqual((first.status, again.status), (202, 202), again.body)
        self.assertEqual(first.json(), again.json())
        self.assertProblem(self.rehearse(csv_bytes([row(2)]), Idempotency_Key="key-1"), 422, "idempotency_conflict")
        self.client.wait_for_job("RXA", first.json()["job"])

    # reckoner check

    def test_exit_statuses(self):
        good, reference = csv_bytes([row(n) for n in range(3)]), self.check_file()
        self.assertIn(b"would be accepted", self.check(good, reference=reference, status=0))
        self.check(csv_bytes([row(1, super_class="B")]), reference=reference, status=0)
        self.check(csv_bytes([row(1, cluster="09"), row(2)]), reference=reference, status=1)
        self.check(good.replace(b"RXA", b"RXB"), reference=reference, status=1)
        self.check(b"", reference=reference, status=1)
        self.check(good, reference="/no/such/file", status=2)
        self.check(good, "--month", "2012-05", reference=reference, status=2)
        self.check(good, "--format", "xml", reference=reference, status=2)
        changed = pathlib.Path(self.temporary.name) / "changed.json"
        whole = json.loads(reference.read_text())
        whole["references"]["clusters"]["content"] = "Y29kZQo="
        changed.write_text(json.dumps(whole))
        self.check(good, reference=changed, status=2)
        left = [name for name in os.listdir(self.temporary.name) if name not in ("file", "changed.json",
                                                                                 reference.name)]
        self.assertEqual(left, [])

    def test_text_for_a_person(self):
        text = self.check(csv_bytes(faulty_rows()), status=1).decode()
        for part in ("40 rows of RXA for 2012-04", "would be accepted", "£", "K03", "To mend it:", "row 2  E1",
                     "Not checked here:", "D11", "A row counts once"):
            self.assertIn(part, text)
        self.assertNotIn("9990000000", text)

    def test_csv_for_a_spreadsheet(self):
        rows = [row(1, cluster="09", service="=1+1"), row(2)]
        text = self.check(csv_bytes(rows), "--format", "csv", status=1).decode()
        head, first, *_ = text.split("\r\n")
        self.assertEqual(head.split(",")[:4], ["row", "rule", "severity", "amount_at_stake_pence"])
        self.assertTrue(first.startswith("1,K03,ERROR,"), first)

    def test_the_check_file_holds_what_is_known_now(self):
        whole = json.loads(self.check_file().read_text())
        self.assertEqual(whole["provider"]["code"], "RXA")
        self.assertEqual([c["commissioners"] for c in whole["contracts"]], [["5QE"]])
        self.assertEqual(whole["contracts"][0]["terms"]["body"]["prices"][0]["pence"], 612)
        self.assertEqual({c["code"] for c in whole["commissioners"]}, {"5QE", "5QF"})
        self.assertEqual(whole["exported_at"][:10], "2012-12-03")
        self.assertProblem(self.client.send("GET", "/v1/providers/RXA/check-file"), 400, "bad_parameter", "month")
        self.assertProblem(self.client.send("GET", "/v1/providers/RXB/check-file?month=2012-04"), 404, "not_found")


class Limits(Case):
    settings = {"rehearsals_per_day": 2}

    def test_rehearsals_of_a_day(self):
        for _ in range(2):
            self.rehearsed(csv_bytes([row(1)]))
        problem = self.assertProblem(self.rehearse(csv_bytes([row(1)])), 429, "too_many_rehearsals")
        self.assertIn("2 rehearsals in 24 hours", problem["detail"])
        # The other trust has a count of its own.
        reply = self.as_person("b.maker").send("POST", "/v1/providers/RXB/months/2012-04/rehearsals",
                                               csv_bytes([row(1, provider="RXB")]), {"Content-Type": "text/csv"})
        self.assertEqual(reply.status, 202, reply.body)


if __name__ == "__main__":
    harness.main()
