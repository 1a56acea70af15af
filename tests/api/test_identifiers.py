"""Identities of patients: read by the controlled environment alone, with a purpose, written into the audit trail first,
released once to the reader's own key, and nowhere else."""

import json
import pathlib
import secrets
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))

import harness  # noqa: E402
from harness import nhs_number  # noqa: E402

PURPOSE = "Trace two rows for the data quality board"


class Identifiers(harness.ServiceCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        for code, people in (("XCE", ("reader.one", "reader.two")), ("XCF", ("reader.far",))):
            cls.service.organisation(code, "controlled", "Controlled environment " + code)
            for person in people:
                cls.service.person(person, code, person)
                cls.service.token(person)
        cls.service.appoint_auditor("XCE", "RXA")
        rows = [harness.row(n, patient_id=f"PAT-{n:06d}", nhs_number=nhs_number(n), nhs_number_status="01",
                            gp_practice="V81998" if n % 2 else "V81997", birth_date="" if n == 7 else "1960-05-17")
                for n in range(5000)]
        cls.sent = cls.send(rows)
        cls.path = f"/v1/providers/RXA/submissions/{cls.sent['submission']}"

    def setUp(self):
        self.reader = self.as_person("reader.one")
        self.key = secrets.token_hex(32)

    def ask(self, rows, person="reader.one", key=None, purpose=PURPOSE, path=None):
        return self.as_person(person).send("POST", (path or self.path) + "/identifiers",
                                           {"rows": rows, "purpose": purpose}, {"Reading-Key": key or self.key})

    def asked(self, rows):
        """Asks, and waits for the answer; the reading's path."""
        reply = self.ask(rows)
        self.assertEqual(reply.status, 202, reply.body)
        path = "/v1/providers/RXA/readings/" + reply.json()["reading"]
        self.assertTrue(reply.headers["Location"].endswith(path))
        self.wait_until(lambda: self.reader.get(path)["state"] == "ready", what="the answer")
        return path

    def release(self, path, person="reader.one", key=None, method="GET"):
        return self.as_person(person).send(method, path + "/identifiers",
                                           headers={"Reading-Key": key} if key != "" else {})

    def events(self, act, path):
        return self.query("SELECT person, detail->>'purpose', detail->>'rows', address, provider FROM"
                          f" reckoner.audit_event WHERE act = '{act}' AND subject LIKE '%{path.rsplit('/', 1)[1]}'"
                          " ORDER BY id")

    def test_a_reading_from_purpose_to_release(self):
        path = self.asked([4999, 2, 8, 2])
        event = ["reader.one", PURPOSE, "[4999, 2, 8, 2]", "127.0.0.1", "RXA"]
        self.assertEqual(self.events("identifiers.ask", path), [event])
        self.assertEqual(self.events("identifiers.release", path), [])
        reply = self.release(path, key=self.key)
        self.assertEqual((reply.status, reply.headers["Cache-Control"]), (200, "no-store"), reply.body)
        self.assertEqual(reply.json(), {"provider": "RXA", "items": [
            {"row": n + 1, "patient_id": f"PAT-{n:06d}", "nhs_number": nhs_number(n), "birth_date": birth,
             "gp_practice": practice}
            for n, birth, practice in ((1, "1960-05-17", "V81998"), (7, None, "V81998"),
                                       (4998, "1960-05-17", "V81997"))]})
        self.assertEqual(self.events("identifiers.release", path), [event])
        # Once.
        self.assertProblem(self.release(path, key=self.key), 409, "conflict")
        self.assertEqual(self.events("identifiers.release", path), [event])
        shown = self.reader.get(path)
        self.assertEqual((shown["state"], shown["rows"], shown["purpose"], shown["submission"]),
                         ("released", [4999, 2, 8, 2], PURPOSE, self.sent["submission"]))
        self.assertEqual(self.value("SELECT count(*) FROM reckoner.identifier_reading WHERE answer IS NOT NULL"
                                    " AND id = '" + shown["reading"] + "'"), "0")

    def test_the_provider_and_its_auditor_see_that_identities_were_read(self):
        path = self.asked([1])
        for person in ("a.maker", "audit.one"):
            client = self.as_person(person)
            self.assertEqual(client.get(path)["person"], "reader.one")
            self.assertIn(path.rsplit("/", 1)[1], [i["reading"] for i in client.pages("/v1/providers/RXA/readings")])
        self.assertEqual(len(list(self.as_person("a.maker").pages("/v1/providers/RXA/readings", limit=1))),
                         len(self.as_person("a.maker").get("/v1/providers/RXA/readings")["items"]))
        for person in ("b.author", "reader.far"):
            self.assertProblem(self.as_person(person).send("GET", path), 404, "not_found")
            self.assertEqual(self.as_person(person).get("/v1/providers/RXA/readings")["items"], [])

    def test_nobody_else_asks_or_takes(self):
        path = self.asked([1])
        for person in ("a.maker", "e.one", "audit.one", "operator.one"):
            self.assertProblem(self.ask([1], person=person), 403, "forbidden")
            self.assertProblem(self.release(path, person, self.key), 403, "forbidden")
        # Another environment, and another person of the same one.
        self.assertProblem(self.ask([1], person="reader.far"), 404, "not_found")
        for person in ("reader.far", "reader.two"):
            self.assertProblem(self.release(path, person, self.key), 404, "not_found")
            refused = self.value("SELECT count(*) FROM reckoner.audit_event WHERE act = 'request.refuse' AND subject ="
                                 f" 'releaseIdentifiers' AND person = '{person}'")
            self.assertEqual(refused, "1")
        # A person of the controlled environment sees nothing else of the provider.
        for rest in ("/contracts", "/documents", f"/submissions/{self.sent['submission']}/findings"):
            self.assertProblem(self.reader.send("GET", "/v1/providers/RXA" + rest), 403, "forbidden")

    def test_a_key_that_is_wrong_takes_nothing(self):
        path = self.asked([1])
        for key in (secrets.token_hex(32), "", "00" * 32, self.key[:-2], "x" + self.key[1:]):
            problem = self.assertProblem(self.release(path, key=key), 400, "bad_parameter", "Reading-Key")
            self.assertNotIn(key or "-----", json.dumps(problem))
        reply = self.release(path, key=self.key, method="HEAD")
        self.assertEqual((reply.status, reply.headers["Allow"]), (405, "GET"))
        self.assertEqual(self.release(path, key=self.key).status, 200)
        for key in ("", "11" * 32):
            reply = self.reader.send("POST", self.path + "/identifiers", {"rows": [1], "purpose": PURPOSE},
                                     {"Reading-Key": key} if key else {})
            self.assertProblem(reply, 400, "bad_parameter", "Reading-Key")

    def test_what_may_be_asked_for(self):
        for rows, purpose, status, code in (
                ([], PURPOSE, 400, "malformed_json"), ([0], PURPOSE, 400, "malformed_json"),
                (["1"], PURPOSE, 400, "malformed_json"), ([5001], PURPOSE, 409, "conflict"),
                (list(range(1, 1002)), PURPOSE, 400, "malformed_json"), ([1], "short", 400, "malformed_json"),
                ([1], "because of 999 000 0018", 422, "identifying_text")):
            with self.subTest(rows=rows[:3], purpose=purpose):
                self.assertProblem(self.ask(rows, purpose=purpose), status, code)
        nowhere = "/v1/providers/RXA/submissions/bcdfghjklmnpqrstvwxz"
        self.assertProblem(self.ask([1], path=nowhere), 404, "not_found")
        path = self.asked(list(range(4001, 5001)))
        self.assertEqual(len(self.release(path, key=self.key).json()["items"]), 1000)

    def test_a_retry_asks_once(self):
        before = self.value("SELECT count(*) FROM reckoner.identifier_reading")
        replies = [self.reader.send("POST", self.path + "/identifiers", {"rows": [3], "purpose": PURPOSE},
                                    {"Reading-Key": self.key, "Idempotency-Key": "the-same"}) for _ in range(2)]
        self.assertEqual(replies[0].json(), replies[1].json())
        self.assertEqual(int(self.value("SELECT count(*) FROM reckoner.identifier_reading")), int(before) + 1)

    def test_an_answer_that_nobody_fetches_goes(self):
        path = self.asked([1])
        self.query("SET session_replication_role = replica; UPDATE reckoner.identifier_reading SET expires_at ="
                   f" clock_timestamp() - interval '1 second' WHERE id = '{path.rsplit('/', 1)[1]}'")
        self.assertProblem(self.release(path, key=self.key), 409, "conflict")
        self.service.kill_worker()
        self.service.start_worker()  # sweeps as it starts
        self.wait_until(lambda: self.reader.get(path)["state"] == "expired", what="the sweep")
        self.assertEqual(self.value("SELECT count(*) FROM reckoner.identifier_reading WHERE answer IS NOT NULL"
                                    f" AND id = '{path.rsplit('/', 1)[1]}'"), "0")

    def test_neither_keys_nor_identities_are_left_anywhere(self):
        path = self.asked([1, 2, 3])
        reply = self.release(path, key=self.key)
        self.assertEqual(reply.status, 200)
        logs = b"".join(log.read_bytes() for log in (self.folder / "logs").glob("*.log"))
        dump = json.dumps([self.query("SELECT row_to_json(x)::text FROM reckoner." + table + " x")
                           for table in ("identifier_reading", "idempotency", "audit_event", "job")]).encode()
        self.assertIn(PURPOSE.encode(), dump)
        for secret in (self.key, self.key.upper(), nhs_number(0), nhs_number(1), "PAT-000001"):
            self.assertNotIn(secret.encode(), logs)
            self.assertNotIn(secret.encode(), dump)


if __name__ == "__main__":
    harness.main()
