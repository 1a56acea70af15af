"""Files as trusts have them: compressed, with column names of their own, as a spreadsheet leaves them. What is received
is kept and signed as it was sent; what cannot be read is said in a sentence, and never stops the service."""

import gzip
import hashlib
import json

import harness
from harness import csv_bytes, row

MONTH = "/v1/providers/RXA/months/{}/submissions"
MAPPING = "/v1/providers/RXA/column-mapping"


class Formats(harness.ServiceCase):
    """Each test has a month of its own, or files that are refused. Later months have more rows, lest F13 hold them."""

    clock = "2012-12-03T09:00:00Z"

    def setUp(self):
        self.client = self.person("a.maker")

    def person(self, person):
        client = self.as_person(person)
        self.addCleanup(client.close)
        return client

    def post(self, month, data, **headers):
        wanted = {"Content-Type": "text/csv"} | {name.replace("_", "-"): text for name, text in headers.items()}
        return self.client.send("POST", MONTH.format(month), data, wanted)

    def sent(self, month, data, **headers):
        reply = self.post(month, data, **headers)
        self.assertEqual(reply.status, 202, reply.body)
        self.client.wait_for_job("RXA", reply.json()["job"])
        path = f"/v1/providers/RXA/submissions/{reply.json()['submission']}"
        # There is no contract (C04), which is another matter.
        findings = [f for f in self.client.pages(path + "/findings") if f["rule"] != "C04"]
        return self.client.get(path), findings, path

    def withdraw(self):
        reply = self.client.send("GET", MAPPING)
        if reply.status == 200:
            self.assertEqual(self.client.send("DELETE", MAPPING, None, {"If-Match": reply.headers["ETag"]}).status, 204)

    # gzip

    def test_a_compressed_file_is_received_as_it_was_sent(self):
        rows = [row(n, "2012-10", h1="7" if n == 2 else "1", mhct_date="2012-09-01", mhct_reason="11")
                for n in range(40)]
        plain = csv_bytes(rows)
        data = gzip.compress(plain)
        done, findings, path = self.sent("2012-10", data, Content_Encoding="gzip", Row_Count="40")
        self.assertEqual((done["state"], done["rows"], done["content_encoding"]), ("accepted", 40, "gzip"))
        self.assertEqual((done["bytes"], done["sha256"]), (len(data), hashlib.sha256(data).hexdigest()))
        receipt = self.client.get(path + "/receipt")
        self.assertEqual((receipt["bytes"], receipt["sha256"], receipt["content_encoding"], receipt["column_mapping"]),
                         (len(data), hashlib.sha256(data).hexdigest(), "gzip", None))
        again = self.post("2012-10", data, Content_Encoding="gzip")
        self.assertEqual((again.status, again.json()["identical"]), (200, True))
        # The same rows uncompressed are other bytes: a new version, with the same findings.
        other, same, _ = self.sent("2012-10", plain)
        self.assertEqual((other["version"], other["content_encoding"]), (2, "identity"))
        self.assertEqual([(f["row"], f["rule"]) for f in findings], [(3, "M01")])
        self.assertEqual(same, findings)

    def test_broken_streams_are_refused_with_a_sentence(self):
        data = gzip.compress(csv_bytes([row(n, "2012-05") for n in range(500)]))
        broken = {
            "cut off": data[:len(data) // 2],
            "damaged": data[:200] + bytes(100) + data[300:],
            "Something follows": data + data,
            "not compressed by gzip": csv_bytes([row(1, "2012-05")]),
            "more than 250 times": gzip.compress(bytes(20_000_000)),
            "is empty": b""}
        for words, sent in broken.items():
            with self.subTest(words=words):
                done, findings, _ = self.sent("2012-05", sent, Content_Encoding="gzip")
                self.assertEqual(done["state"], "refused")
                told = [f["note"] for f in findings if f["rule"] == "F01" and f["row"] == 0]
                self.assertEqual(len(told), 1, findings)
                self.assertIn(words, told[0])
                self.assertFalse({"F03", "F13"} & {f["rule"] for f in findings})

    def test_other_encodings_are_refused_on_the_headers(self):
        self.assertProblem(self.post("2012-05", b"x", Content_Encoding="br"), 415, "unsupported_media_type",
                           "Content-Encoding")
        done, findings, _ = self.sent("2012-05", gzip.compress(b"x"))
        self.assertEqual((done["state"], [f["rule"] for f in findings]), ("refused", ["F01"]))
        self.assertIn("Content-Encoding: gzip", findings[0]["note"])

    # Column mappings

    def renamed(self, rows, month):
        data = csv_bytes([row(n, month) for n in range(rows)]).decode()
        header, rest = data.split("\n", 1)
        header = header.replace("episode_id", "Spell No").replace("patient_id", '"Patient, local"')
        lines = [line + ",a note" for line in rest.splitlines()]
        return "\n".join([header + ",Consultant", *lines, ""]).encode()

    def test_a_mapping_is_previewed_saved_used_and_pinned(self):
        self.withdraw()
        self.addCleanup(self.withdraw)
        data = self.renamed(6, "2012-06")
        columns = {"Spell No": "episode_id", "Patient, local": "patient_id", "Consultant": "ignore", "Ward": "ignore"}
        self.assertProblem(self.post("2012-06", data, Column_Mapping="saved"), 409, "conflict", "Column-Mapping")
        self.assertProblem(self.post("2012-06", data, Column_Mapping="mine"), 400, "bad_parameter", "Column-Mapping")

        sample = b"\n".join(data.split(b"\n")[:4]) + b"\n"
        plain = self.preview(sample)
        self.assertEqual((plain["usable"], plain["mapping"]), (False, "none"))
        self.assertEqual(plain["missing"], ["episode_id", "patient_id"])
        draft = self.preview(sample, Column_Mapping=json.dumps({"columns": columns}))
        self.assertEqual((draft["usable"], draft["mapping"], draft["unused"]), (True, "draft", ["Ward"]), draft)
        self.assertEqual([(c["name"], c["column"], c["state"]) for c in draft["columns"][2:4] + draft["columns"][-1:]],
                         [("Spell No", "episode_id", "read"), ("Patient, local", "patient_id", "read"),
                          ("Consultant", None, "ignored")])
        self.assertEqual(len(draft["rows"]), 3)
        self.assertEqual((draft["rows"][0]["values"]["episode_id"], draft["rows"][0]["values"]["patient_id"]),
                         ("E0", "(hidden)"))

        saved = self.client.send("PUT", MAPPING, {"columns": columns})
        self.assertEqual(saved.status, 200, saved.body)
        version = saved.json()["version"]
        self.assertEqual(saved.headers["ETag"], f'"{version}"')
        done, findings, path = self.sent("2012-06", data, Column_Mapping="saved")
        self.assertEqual((done["state"], done["rows"], done["column_mapping"], findings),
                         ("accepted", 6, version, []))
        self.assertEqual(self.client.get(path + "/receipt")["column_mapping"], version)
        self.assertEqual(self.post("2012-06", data, Column_Mapping="saved").status, 200)
        # Another mapping reads the same bytes anew; the first submission keeps its own.
        changed = self.client.send("PUT", MAPPING, {"columns": columns | {"Ward": "service"}},
                                   {"If-Match": f'"{version}"'})
        self.assertEqual(changed.json()["version"], version + 1)
        again, _, _ = self.sent("2012-06", data, Column_Mapping="saved")
        self.assertEqual((again["version"], again["column_mapping"]), (2, version + 1))
        self.assertEqual(self.client.get(path)["column_mapping"], version)
        # NDJSON by the same names.
        lines = [{{"episode_id": "Spell No", "patient_id": "Patient, local"}.get(k, k): v
                  for k, v in row(n, "2012-06").items() if v} | {"Consultant": 1.5} for n in range(6)]
        lines = "".join(json.dumps(line) + "\n" for line in lines).encode()
        ndjson, findings, _ = self.sent("2012-06", lines, Column_Mapping="saved", Content_Type="application/x-ndjson")
        self.assertEqual((ndjson["state"], ndjson["rows"], findings), ("accepted", 6, []))
        shown = self.preview(lines, Column_Mapping="saved", Content_Type="application/x-ndjson")
        self.assertEqual((shown["usable"], shown["mapping"], shown["version"]), (True, "saved", version + 1), shown)

    def preview(self, sample, **headers):
        wanted = {"Content-Type": "text/csv"} | {name.replace("_", "-"): text for name, text in headers.items()}
        reply = self.client.send("POST", MAPPING + "/preview", sample, wanted)
        self.assertEqual(reply.status, 200, reply.body)
        return reply.json()

    def test_changes_take_their_turn(self):
        self.withdraw()
        self.addCleanup(self.withdraw)
        body = {"columns": {"a": "h1"}}
        self.assertProblem(self.client.send("GET", MAPPING), 404, "not_found")
        self.assertProblem(self.client.send("DELETE", MAPPING, None, {"If-Match": '"1"'}), 404, "not_found")
        self.assertProblem(self.client.send("PUT", MAPPING, body, {"If-Match": '"1"'}), 412, "precondition_failed")
        first = self.client.send("PUT", MAPPING, body).json()
        self.assertProblem(self.client.send("PUT", MAPPING, body), 428, "precondition_required")
        stale = {"If-Match": f'"{first["version"] - 1}"'}
        self.assertProblem(self.client.send("PUT", MAPPING, body, stale), 412, "precondition_failed")
        self.assertProblem(self.client.send("DELETE", MAPPING), 428, "precondition_required")
        self.withdraw()
        self.assertProblem(self.client.send("GET", MAPPING), 404, "not_found")
        second = self.client.send("PUT", MAPPING, body).json()
        self.assertEqual(second["version"], first["version"] + 2)
        self.assertEqual(self.person("audit.one").get(MAPPING), second)
        self.assertProblem(self.person("b.maker").send("GET", MAPPING), 404, "not_found")
        self.assertProblem(self.person("b.maker").send("PUT", MAPPING, body), 404, "not_found")
        self.assertProblem(self.person("e.one").send("GET", MAPPING), 403, "forbidden")

    def test_bad_mappings_are_refused_by_name(self):
        for columns, words in (({}, "1 to 128"), ({"a": "cost"}, "no column"), ({"a": "h1", "b": "h1"}, "Two names"),
                               ({" a": "h1"}, "space"), ({"x" * 61: "h1"}, "60")):
            with self.subTest(columns=columns):
                reply = self.client.send("PUT", MAPPING, {"columns": columns})
                self.assertEqual(reply.status, 400, reply.body)
                self.assertIn(words, reply.json()["detail"])
        reply = self.client.send("PUT", MAPPING, {"columns": {"999 000 0018": "h1"}})
        self.assertProblem(reply, 422, "identifying_text")
        reply = self.client.send("POST", MAPPING + "/preview", b"h1\n", {
            "Content-Type": "text/csv", "Column-Mapping": '{"columns": {"a": "cost"}}'})
        self.assertProblem(reply, 400, "bad_parameter", "Column-Mapping")

    def test_a_preview_keeps_nothing_and_hides_who(self):
        data = csv_bytes([row(1, nhs_number="9990000018", nhs_number_status="1", start_date="01/04/2012", h2="1.0",
                              patient_id="KEPT-4711", birth_date="1960-05-17")])
        before = self.value("SELECT (SELECT count(*) FROM reckoner.submission) + (SELECT count(*) FROM reckoner.job)"
                            " + (SELECT count(*) FROM reckoner.idempotency)")
        reply = self.client.send("POST", MAPPING + "/preview", data, {"Content-Type": "text/csv"})
        self.assertEqual(reply.status, 200, reply.body)
        for hidden in (b"9990000018", b"KEPT-4711", b"1960-05-17"):
            self.assertNotIn(hidden, reply.body)
        notes = reply.json()["rows"][0]["notes"]
        self.assertEqual([note.split(" ")[0] for note in notes], ["nhs_number_status", "start_date", "h2"], notes)
        self.assertIn("DD/MM/YYYY", notes[1])
        self.assertEqual(self.value("SELECT (SELECT count(*) FROM reckoner.submission)"
                                    " + (SELECT count(*) FROM reckoner.job)"
                                    " + (SELECT count(*) FROM reckoner.idempotency)"), before)
        logs = b"".join(log.read_bytes() for log in (self.folder / "logs").glob("*.log"))
        self.assertNotIn(b"KEPT-4711", logs)
        reply = self.client.send("POST", MAPPING + "/preview", b"x" * 70_000, {"Content-Type": "text/csv"})
        self.assertProblem(reply, 413, "body_too_large")
        other = self.person("b.maker").send("POST", MAPPING + "/preview", data, {"Content-Type": "text/csv"})
        self.assertProblem(other, 404, "not_found")
        for sample, words in ((b"PK\x03\x04", "workbook"), (b"a;b\n1;2\n", "semicolons"), (b"", "empty")):
            shown = self.preview(sample)
            self.assertEqual((shown["usable"], len(shown["faults"])), (False, 1))
            self.assertIn(words, shown["faults"][0])

    # What spreadsheets leave

    def test_rows_without_values_are_passed_over_at_the_end(self):
        rows = [row(n, "2012-04") for n in range(3)]
        data = csv_bytes(rows) + b"," * 42 + b"\n" + b"," * 42 + b"\n"
        done, findings, _ = self.sent("2012-04", data, Row_Count="3")
        self.assertEqual((done["state"], done["rows"], done["empty_rows"], findings), ("accepted", 3, 2, []))

    def test_a_workbook_is_refused_in_one_sentence(self):
        done, findings, _ = self.sent("2012-08", b"PK\x03\x04" + bytes(range(256)) * 50)
        self.assertEqual((done["state"], [f["rule"] for f in findings]), ("refused", ["F01"]))
        self.assertIn("save the sheet as CSV UTF-8", findings[0]["note"])


if __name__ == "__main__":
    harness.main()
