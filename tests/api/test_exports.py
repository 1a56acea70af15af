"""Files of findings and fix-it files: digests and totals recomputed from the bytes, who may fetch, keys, removal, and a
reader that is slow or goes away."""

import csv
import gzip
import hashlib
import io
import json
import secrets
import socket

import harness
from harness import csv_bytes, row

EXPORTS = "/v1/providers/RXA/exports"


def overdue(number, **changes):
    return row(number, **({"mhct_date": "2010-02-01", "start_date": "2010-02-01"} | changes))


def april():
    rows = [overdue(n, super_class="B") for n in range(6)]
    rows += [overdue(20 + n, commissioner="5QF") for n in range(2)]
    rows += [row(30, gp_practice="=1+1"), row(31, service="@SUM(A1)", mhct_reason="=2", super_class="B")]
    return rows + [row(40 + n) for n in range(8)]


class Exports(harness.ServiceCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.agree()
        cls.agree(commissioner="5QF", authors=("a.author", "a.maker", "f.one"))
        cls.trust, cls.eastmere, cls.fenwick = (cls.as_person(p) for p in ("a.maker", "e.one", "f.one"))
        cls.data = csv_bytes(april())
        cls.sent = cls.send(april())
        cls.path = f"/v1/providers/RXA/submissions/{cls.sent['submission']}"
        cls.wait_until(lambda: cls.trust.get(cls.path)["evaluation"] >= 1, what="the evaluation")

    def made(self, client, path, body, headers=None):
        asked = client.post(path, body, headers)
        client.wait_for_job("RXA", asked["job"])
        return client.get(f"{EXPORTS}/{asked['export']}")

    def fetched(self, client, export, headers=None):
        """The bytes; what was said of them beforehand holds."""
        reply = client.send("GET", f"{EXPORTS}/{export['export']}/file", None, headers or {})
        self.assertEqual(reply.status, 200, reply.body)
        self.assertEqual(len(reply.body), export["bytes"])
        self.assertEqual(hashlib.sha256(reply.body).hexdigest(), export["sha256"])
        return reply.body

    def export(self, client, **body):
        export = self.made(client, EXPORTS, {"format": "csv", "from": "2012-04", "to": "2012-04"} | body)
        self.assertEqual((export["state"], export["kind"]), ("done", "findings"))
        return export, self.fetched(client, export)

    def assertTotals(self, export, findings):
        """findings: (row, pence) of each line."""
        rows = dict(findings)
        self.assertEqual(export["lines"], len(findings))
        self.assertEqual(export["control_total_pence"], sum(p for p in rows.values() if p is not None))
        self.assertEqual(export["rows_of_unknown_amount"], sum(p is None for p in rows.values()))

    def test_csv_for_the_trust(self):
        export, data = self.export(self.trust)
        lines = list(csv.DictReader(io.StringIO(data.decode())))
        self.assertTotals(export, [(int(line["row"]), int(line["amount_at_stake_pence"] or -1)) for line in lines])
        self.assertEqual(sum(int(line["counted_pence"] or 0) for line in lines), export["control_total_pence"])
        told = {(f["row"], f["rule"]): f for f in self.trust.pages(self.path + "/findings")}
        self.assertEqual({(int(line["row"]), line["rule"]) for line in lines}, set(told))
        for line in lines:
            f = told[int(line["row"]), line["rule"]]
            self.assertEqual([line[name] for name in ("episode_id", "severity", "sentence", "hint", "pseudonym")],
                             [f["episode_id"], f["severity"], f["sentence"], f["hint"], ""])
        rows = [int(line["row"]) for line in lines]
        self.assertEqual(rows, sorted(rows))

    def test_a_spreadsheet_runs_no_formula(self):
        _, data = self.export(self.trust)
        cells = [cell for line in csv.reader(io.StringIO(data.decode())) for cell in line]
        self.assertIn("'=2", cells)
        self.assertEqual([cell for cell in cells if cell[:1] in tuple("=+-@\t\r") and cell], [])

    def test_ndjson_for_a_commissioner_has_its_own_rows_and_no_identifier(self):
        export, data = self.export(self.eastmere, format="ndjson")
        lines = [json.loads(line) for line in data.decode().splitlines()]
        self.assertTotals(export, [(x["finding"]["row"], x["finding"]["amount_at_stake_pence"]) for x in lines])
        self.assertEqual({x["finding"]["commissioner"] for x in lines}, {"5QE"})
        shown = {(f["row"], f["rule"]): f for f in self.eastmere.pages("/v1/findings?provider=RXA")}
        self.assertEqual({(x["finding"]["row"], x["finding"]["rule"]) for x in lines}, set(shown))
        for x in lines:
            f = shown[x["finding"]["row"], x["finding"]["rule"]]
            self.assertEqual(x["finding"], {name: f[name] for name in x["finding"]})
            for name in ("pseudonym", "month", "submission"):
                self.assertEqual(x[name], f[name])
        self.assertNotIn(b"'=1+1", data)

    def test_filters_narrow_the_file(self):
        whole = list(self.trust.pages("/v1/findings"))
        for body, wanted in (({"rule": "R01"}, lambda f: f["rule"] == "R01"),
                             ({"severity": "WARN", "cluster": "04"}, lambda f: f["severity"] == "WARN"),
                             ({"commissioner": "5QF"}, lambda f: f["commissioner"] == "5QF"),
                             ({"from": "2012-05", "to": "2012-06"}, lambda f: False)):
            with self.subTest(body):
                export, _ = self.export(self.trust, **body)
                self.assertEqual(export["lines"], len([f for f in whole if wanted(f)]))

    def test_only_who_asked_sees_it(self):
        export, _ = self.export(self.eastmere)
        for person in ("a.maker", "f.one", "b.maker"):
            other = self.as_person(person)
            for path in (f"{EXPORTS}/{export['export']}", f"{EXPORTS}/{export['export']}/file"):
                self.assertProblem(other.send("GET", path), 404, "not_found")
        self.assertNotIn(export["export"], [x["export"] for x in self.trust.pages(EXPORTS)])
        self.assertIn(export["export"], [x["export"] for x in self.eastmere.pages(EXPORTS, limit=1)])
        reply = self.fenwick.send("POST", "/v1/providers/RXB/exports",
                                  json.dumps({"format": "csv", "from": "2012-04", "to": "2012-04"}).encode(),
                                  {"Content-Type": "application/json"})
        self.assertProblem(reply, 404, "not_found")

    def test_the_bytes_go_when_their_time_is_over(self):
        export, _ = self.export(self.trust)
        self.query("ALTER TABLE reckoner.export DISABLE TRIGGER export_kept;"
                   f"UPDATE reckoner.export SET remove_after = '2012-01-01' WHERE id = '{export['export']}';"
                   "ALTER TABLE reckoner.export ENABLE TRIGGER export_kept")
        self.service.kill_worker()
        self.service.start_worker()
        self.wait_until(lambda: self.trust.get(f"{EXPORTS}/{export['export']}")["state"] == "removed", what="removal")
        self.assertProblem(self.trust.send("GET", f"{EXPORTS}/{export['export']}/file"), 409, "conflict")
        self.assertEqual(self.value(f"SELECT count(*) FROM reckoner.export_chunk WHERE export = '{export['export']}'"),
                         "0")

    # Fix-it files

    def fix_it(self, path, rows="all"):
        key = secrets.token_hex(32)
        export = self.made(self.trust, path + "/fix-it", {"rows": rows}, {"Reading-Key": key})
        return export, self.fetched(self.trust, export, {"Reading-Key": key})

    def assertFixed(self, path, original, data, whole=True):
        """The rows of the original, cell by cell, with the findings that the list shows beside them."""
        sent = list(csv.reader(io.StringIO(original.decode())))
        got = list(csv.reader(io.StringIO(data.decode())))
        self.assertEqual(got[0], sent[0] + ["rule", "what_is_wrong", "how_to_mend_it"])
        told = {}
        for f in self.trust.pages(path + "/findings"):
            told.setdefault(f["row"], []).append(f)
        file_findings = told.pop(0, [])
        if file_findings:
            self.assertEqual(got[1][-3], "; ".join(f["rule"] for f in file_findings))
        rows = got[2:] if file_findings else got[1:]
        wanted = [(n, cells) for n, cells in enumerate(sent[1:], 1) if whole or n in told]
        self.assertEqual([line[:-3] for line in rows], [cells for _, cells in wanted])
        for (n, _), line in zip(wanted, rows):
            self.assertEqual(set(filter(None, line[-3].split("; "))), {f["rule"] for f in told.get(n, [])})
            for f in told.get(n, []):
                self.assertIn(f["sentence"], line[-2])
                self.assertIn(f["hint"], line[-1])

    def test_the_fix_it_file_is_the_trusts_own(self):
        export, data = self.fix_it(self.path)
        self.assertFixed(self.path, self.data, data)
        self.assertEqual(export["lines"], len(april()))
        _, data = self.fix_it(self.path, rows="findings")
        self.assertFixed(self.path, self.data, data, whole=False)

    def test_a_refused_file_in_ones_own_form_can_be_mended(self):
        columns = list(reversed(harness.COLUMNS))
        out = io.StringIO(newline="")
        writer = csv.DictWriter(out, columns, lineterminator="\r\n", quoting=csv.QUOTE_ALL)
        writer.writeheader()
        writer.writerows([row(1), row(1, patient_id="P2"), overdue(3, commissioner_reason='a "b",\r\nc')])
        data = out.getvalue().encode()
        for encoding in ("identity", "gzip"):
            body = gzip.compress(data) if encoding == "gzip" else data
            reply = self.trust.send("POST", "/v1/providers/RXA/months/2012-04/submissions", body,
                                    {"Content-Type": "text/csv", "Content-Encoding": encoding})
            self.assertEqual(reply.status, 202, reply.body)
            self.trust.wait_for_job("RXA", reply.json()["job"])
            path = f"/v1/providers/RXA/submissions/{reply.json()['submission']}"
            self.assertEqual(self.trust.get(path)["state"], "refused")
            _, fixed = self.fix_it(path)
            self.assertFixed(path, data, fixed)

    def test_ndjson_gets_three_members(self):
        lines = [json.dumps({k: v for k, v in overdue(n).items() if v}) for n in range(20)]
        reply = self.trust.send("POST", "/v1/providers/RXA/months/2012-04/submissions",
                                ("\n".join(lines) + "\nno object\n").encode(), {"Content-Type": "application/x-ndjson"})
        self.trust.wait_for_job("RXA", reply.json()["job"])
        _, data = self.fix_it(f"/v1/providers/RXA/submissions/{reply.json()['submission']}")
        got = [json.loads(line) for line in data.decode().splitlines()]
        self.assertEqual([{k: v for k, v in x.items() if k not in ("rule", "what_is_wrong", "how_to_mend_it")}
                          for x in got if "episode_id" in x], [json.loads(line) for line in lines])

    def test_without_the_key_nobody_reads_it_and_each_fetch_is_on_record(self):
        key = secrets.token_hex(32)
        export = self.made(self.trust, self.path + "/fix-it", {"rows": "all"}, {"Reading-Key": key})
        path = f"{EXPORTS}/{export['export']}/file"
        for wrong in ({}, {"Reading-Key": "00"}, {"Reading-Key": secrets.token_hex(32)}):
            self.assertProblem(self.trust.send("GET", path, None, wrong), 400, "bad_parameter", "Reading-Key")
        colleague = self.as_person("a.checker")
        self.fetched(colleague, export, {"Reading-Key": key})
        for person in ("e.one", "b.maker"):
            self.assertProblem(self.as_person(person).send("GET", path, None, {"Reading-Key": key}), 404, "not_found")
        self.assertProblem(self.eastmere.send("POST", self.path + "/fix-it", b'{"rows": "all"}',
                                              {"Content-Type": "application/json", "Reading-Key": key}),
                           403, "forbidden")
        self.assertEqual(self.value("SELECT string_agg(person, ',') FROM reckoner.audit_event"
                                    " WHERE act = 'export.fetch'"
                                    f" AND subject = 'export/{export['export']}'"), "a.checker")
        stored = self.value(f"SELECT encode(string_agg(bytes, ''), 'hex') FROM reckoner.export_chunk WHERE export ="
                            f" '{export['export']}'")
        self.assertNotIn(b"episode_id".hex(), stored)


class Large(harness.ServiceCase):
    """A file of several chunks, and readers that stop."""

    settings = {"database_threads": 1}

    def test_a_reader_that_stops_holds_nothing_up(self):
        rows = [overdue(n, super_class="B", service="W" * 12) for n in range(6000)]
        sent = self.send(rows)
        client = self.as_person("a.maker")
        path = f"/v1/providers/RXA/submissions/{sent['submission']}"
        self.wait_until(lambda: client.get(path)["evaluation"] >= 1, what="the evaluation")
        asked = client.post(EXPORTS, {"format": "csv", "from": "2012-04", "to": "2012-04"})
        client.wait_for_job("RXA", asked["job"])
        export = client.get(f"{EXPORTS}/{asked['export']}")
        self.assertGreater(export["bytes"], 1 << 20)
        stuck = []
        for _ in range(3):
            connection = socket.create_connection(("127.0.0.1", self.service.port))
            self.addCleanup(connection.close)
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            connection.sendall(f"GET {EXPORTS}/{asked['export']}/file HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer "
                               f"{self.service.tokens['a.maker']}\r\n\r\n".encode())
            self.assertEqual(connection.recv(12), b"HTTP/1.1 200")
            stuck.append(connection)
        reply = client.send("GET", f"{EXPORTS}/{asked['export']}/file")
        self.assertEqual(hashlib.sha256(reply.body).hexdigest(), export["sha256"])
        self.assertEqual(reply.headers["ETag"], f'"{export["sha256"]}"')
        stuck[0].close()
        again = client.send("GET", f"{EXPORTS}/{asked['export']}/file", None,
                            {"If-None-Match": f'"{export["sha256"]}"'})
        self.assertEqual(again.status, 304)


class Bounds(harness.ServiceCase):
    """Short requests that ask for much work."""

    settings = {"max_upload_bytes": 100_000, "exports_per_day": 6}

    def ask(self, person):
        return self.as_person(person).send("POST", EXPORTS, b'{"format": "csv", "from": "2012-04", "to": "2012-04"}',
                                           {"Content-Type": "application/json"})

    def test_a_fix_it_file_unpacks_no_more_than_a_check_reads(self):
        trust = self.as_person("a.maker")
        data = csv_bytes([]) + b"x\n" * 1_000_000
        reply = trust.send("POST", "/v1/providers/RXA/months/2012-04/submissions", gzip.compress(data),
                           {"Content-Type": "text/csv", "Content-Encoding": "gzip"})
        self.assertEqual(reply.status, 202, reply.body)
        trust.wait_for_job("RXA", reply.json()["job"])
        path = f"/v1/providers/RXA/submissions/{reply.json()['submission']}"
        self.assertEqual(trust.get(path)["state"], "refused")
        key = secrets.token_hex(32)
        asked = trust.post(path + "/fix-it", {"rows": "all"}, {"Reading-Key": key})
        trust.wait_for_job("RXA", asked["job"])
        export = trust.get(f"{EXPORTS}/{asked['export']}")
        self.assertLess(export["lines"], self.settings["max_upload_bytes"] / 2)
        reply = trust.send("GET", f"{EXPORTS}/{asked['export']}/file", None, {"Reading-Key": key})
        self.assertIn(b"more than 100000 bytes", reply.body)

    def test_an_organisation_fills_neither_the_queue_nor_the_store(self):
        self.agree()
        person, other = "e.one", "a.maker"
        self.service.kill_worker()
        jobs = [self.ask(person) for _ in range(4)]
        self.assertEqual([reply.status for reply in jobs], [202] * 4, jobs[-1].body)
        problem = self.assertProblem(self.ask(person), 429, "too_many_exports")
        self.assertIn("4 files", problem["detail"])
        self.assertEqual(self.ask(other).status, 202)
        self.service.start_worker()
        for reply in jobs:
            self.as_person(person).wait_for_job("RXA", reply.json()["job"])
        for _ in range(2):
            reply = self.ask(person)
            self.assertEqual(reply.status, 202, reply.body)
            self.as_person(person).wait_for_job("RXA", reply.json()["job"])
        problem = self.assertProblem(self.ask(person), 429, "too_many_exports")
        self.assertIn("6 files in 24 hours", problem["detail"])



if __name__ == "__main__":
    harness.main()
