"""Runs, documents and statements over HTTP: a month from FLEX to credit note, what is refused, and who sees what."""

import hashlib
import json
import pathlib
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))

import harness  # noqa: E402

DAY = 612
APRIL = 30 * DAY
MAY = 31 * DAY


class Settlement(harness.ServiceCase):
    """One story in order; the names of the steps say so. Every row is open all month at £6.12 a day."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.contract = cls.agree()
        cls.account = cls.contract + "/accounts/5QE"
        cls.send([harness.row(n) for n in range(10)])

    @classmethod
    def as_person(cls, person):
        """As the harness's, with the connection closed at the end of the class."""
        client = super().as_person(person)
        cls.addClassCleanup(client.close)
        return client

    def run_of(self, month, kind, person="a.maker"):
        client = self.as_person(person)
        asked = client.post(f"{self.account}/runs", {"month": month, "type": kind})
        client.wait_for_job("RXA", asked["job"])
        return client.get(f"/v1/providers/RXA/runs/{asked['run']}")

    def document(self, state):
        listed = self.as_person("a.maker").get(f"/v1/providers/RXA/documents?state={state}&limit=1")["items"]
        return f"/v1/providers/RXA/documents/{listed[0]['id']}"

    def issue(self, maker="a.maker", checker="a.checker"):
        path = self.document("draft")
        one, two = self.as_person(maker), self.as_person(checker)
        etag = one.send("GET", path).headers["ETag"]
        proposed = one.send("POST", path + "/proposal", headers={"If-Match": etag})
        self.assertEqual(proposed.status, 200, proposed.body)
        etag = proposed.headers["ETag"]
        self.assertProblem(one.send("POST", path + "/issue", headers={"If-Match": etag}), 409, "same_person")
        issued = two.send("POST", path + "/issue", headers={"If-Match": etag})
        self.assertEqual(issued.status, 200, issued.body)
        return issued.json()

    def test_1_too_early(self):
        client = self.as_person("a.maker")
        for kind in ("FLEX", "FREEZE"):
            reply = client.send("POST", f"{self.account}/runs", {"month": "2012-04", "type": kind})
            problem = self.assertProblem(reply, 409, "run_too_early", "/month")
            self.assertIn("2012-0", problem["detail"])
        preview = self.run_of("2012-04", "PREVIEW", "e.one")
        self.assertEqual((preview["state"], preview["position_pence"]), ("done", 10 * APRIL))
        self.assertIsNone(preview["statement"])

    def test_2_flex(self):
        self.service.set_clock("2012-05-17T09:00:00Z")
        run = self.run_of("2012-04", "FLEX")
        self.assertEqual((run["state"], run["position_pence"], run["balance_pence"], run["document"]),
                         ("done", 10 * APRIL, None, None))
        self.assertIsNotNone(run["statement"])
        reply = self.as_person("a.maker").send("POST", f"{self.account}/runs", {"month": "2012-04", "type": "FREEZE"})
        self.assertProblem(reply, 409, "run_too_early")

    def test_3_freeze_and_issue(self):
        self.service.set_clock("2012-06-11T09:00:00Z")
        run = self.run_of("2012-04", "FREEZE")
        self.assertEqual((run["billed_pence"], run["balance_pence"]), (0, 10 * APRIL))
        found = self.query("SELECT person, detail->>'position_sha256', detail->>'document' FROM reckoner.audit_event"
                           f" WHERE act = 'run.settle' AND subject = 'run/{run['id']}'")
        self.assertEqual(found, [["", run["position_sha256"], run["document"]]])
        client = self.as_person("a.maker")
        reply = client.send("GET", f"/v1/providers/RXA/runs/{run['id']}/position")
        self.assertEqual(hashlib.sha256(reply.body).hexdigest(), run["position_sha256"])
        self.assertEqual(reply.headers["ETag"], f'"{run["position_sha256"]}"')
        lines = list(client.pages(f"/v1/providers/RXA/runs/{run['id']}/lines", limit=1))
        self.assertEqual(sum(line["pence"] for line in lines), run["position_pence"])
        path = self.document("draft")
        self.assertProblem(client.send("POST", path + "/proposal"), 428, "precondition_required")
        self.assertProblem(client.send("POST", path + "/proposal", headers={"If-Match": '"9"'}), 412,
                           "precondition_failed")
        self.assertProblem(client.send("POST", path + "/issue", headers={"If-Match": '"1"'}), 409, "not_proposed")
        invoice = self.issue()
        self.assertEqual((invoice["kind"], invoice["number"], invoice["balance_pence"]), ("invoice", 1, 10 * APRIL))
        self.assertEqual(sum(line["pence"] for line in invoice["lines"]), invoice["balance_pence"])
        self.assertEqual([(p["ledger_account"], p["pence"]) for p in invoice["ledger"]],
                         [("receivable", 10 * APRIL), ("income", -10 * APRIL)])
        self.assertProblem(client.send("POST", path + "/proposal", headers={"If-Match": '"3"'}), 409, "conflict")
        for kind in ("FLEX", "FREEZE"):
            again = client.send("POST", f"{self.account}/runs", {"month": "2012-04", "type": kind})
            self.assertProblem(again, 409, "conflict", "/type")

    def test_4_same_inputs_same_bytes(self):
        runs = self.as_person("a.maker").get(f"{self.account}/runs")["items"]
        frozen = next(run for run in runs if run["type"] == "FREEZE")
        self.service.set_clock("2012-06-20T09:00:00Z")
        self.assertEqual(self.run_of("2012-04", "PREVIEW")["position_sha256"], frozen["position_sha256"])

    def test_5_exception_and_credit_note(self):
        asker, granter = self.as_person("a.maker"), self.as_person("e.one")
        asked = asker.post(f"{self.contract}/exceptions", {"month": "2012-04", "reason": "one episode was sent twice"})
        granter.post(f"{self.contract}/exceptions/2012-04/{asked['n']}/decision",
                     {"decision": "granted", "closes_on": "2012-07-10"})
        self.send([harness.row(n) for n in range(9)])
        client = self.as_person("a.maker")

        def resettled():
            return [run for run in client.get(f"{self.account}/runs")["items"] if run["type"] == "R"]

        self.wait_until(resettled, what="the R run")
        run = resettled()[0]
        self.assertEqual((run["n"], run["state"], run["balance_pence"], run["requested_by"]), (1, "done", -APRIL, None))
        self.assertEqual(run["cause"], "activity of 2012-04")
        note = self.issue("a.checker", "a.author")
        self.assertEqual((note["kind"], note["number"], note["balance_pence"]), ("credit_note", 2, -APRIL))
        self.assertEqual([r["number"] for r in note["references"]], [1])

    def test_6_parked_and_its_way_out(self):
        self.service.set_clock("2012-07-12T09:00:00Z")
        run = self.run_of("2012-05", "FLEX")
        self.assertEqual(run["state"], "parked")
        self.assertIn("2012-05", run["reason"])
        client = self.as_person("a.maker")
        reply = client.send("GET", f"/v1/providers/RXA/runs/{run['id']}/position")
        problem = self.assertProblem(reply, 409, "conflict")
        self.assertIn("2012-05", problem["detail"])
        granted = client.post(f"{self.contract}/exceptions", {"month": "2012-05", "reason": "the file was late"})
        self.as_person("e.one").post(f"{self.contract}/exceptions/2012-05/{granted['n']}/decision",
                                     {"decision": "granted", "closes_on": "2012-07-20"})
        self.send([harness.row(n, "2012-05") for n in range(9)], month="2012-05")
        again = self.run_of("2012-05", "FLEX")
        self.assertEqual((again["id"], again["state"], again["position_pence"]),
                         (run["id"], "done", 9 * (APRIL + MAY)))

    def test_7_stale_draft(self):
        """A draft whose billed-before no longer holds is refused. Issuing beside it takes a second draft, which the
        database allows no client to make: the test changes the issued sum behind the service's back."""
        self.run_of("2012-05", "FREEZE")
        path = self.document("draft")
        maker, checker = self.as_person("a.maker"), self.as_person("a.checker")
        etag = maker.send("POST", path + "/proposal", headers={"If-Match": '"1"'}).headers["ETag"]
        self.query("SET session_replication_role = replica; UPDATE reckoner.document SET balance_pence = balance_pence"
                   " + 1, position_pence = position_pence + 1 WHERE number = 1")
        reply = checker.send("POST", path + "/issue", headers={"If-Match": etag})
        self.query("SET session_replication_role = replica; UPDATE reckoner.document SET balance_pence = balance_pence"
                   " - 1, position_pence = position_pence - 1 WHERE number = 1")
        self.assertProblem(reply, 409, "stale_draft")
        self.assertEqual(checker.send("POST", path + "/issue", headers={"If-Match": etag}).status, 200)

    def test_8_statements_verify_with_foreign_tools(self):
        client = self.as_person("audit.one")
        listed = sorted(client.pages(f"{self.account}/statements", limit=2), key=lambda s: s["seq"])
        self.assertEqual([s["seq"] for s in listed], list(range(1, len(listed) + 1)))
        self.assertEqual([s["type"] for s in listed], ["FLEX", "FREEZE", "R", "FLEX", "FREEZE"])
        key = client.get("/v1/keys")["items"][0]
        folder = self.folder / "statements"
        folder.mkdir()
        for form, name in (("pem", "key.pem"), ("minisign", "key.pub")):
            (folder / name).write_bytes(client.bytes(f"/v1/keys/{key['key']}?format={form}"))
        before = None
        for statement in listed:
            path = f"/v1/providers/RXA/statements/{statement['id']}"
            reply = client.send("GET", path)
            name = f"statement-RXA-5QE-{statement['seq']}.json"
            self.assertIn(name, reply.headers["Content-Disposition"])
            (folder / name).write_bytes(reply.body)
            (folder / (name + ".sig")).write_bytes(client.bytes(path + "/signature"))
            (folder / (name + ".minisig")).write_bytes(client.bytes(path + "/minisig"))
            self.assertEqual(json.loads(reply.body)["previous_sha256"], statement["previous"])
            more = ["--previous", before] if before else []
            for tool in (["openssl", "pkeyutl", "-verify", "-rawin", "-pubin", "-inkey", "key.pem", "-sigfile",
                          name + ".sig", "-in", name],
                         ["minisign", "-V", "-q", "-p", "key.pub", "-m", name],
                         [str(harness.BUILD / "reckoner"), "verify", name, "--signature", name + ".minisig", "--key",
                          "key.pub", *more]):
                done = subprocess.run(tool, cwd=folder, capture_output=True, text=True, timeout=60, check=False)
                self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
            before = name

    def test_9_who_sees_what(self):
        run = self.as_person("a.maker").get(f"{self.account}/runs?limit=1")["items"][0]
        path = self.document("issued")
        statement = self.as_person("a.maker").get(f"{self.account}/statements")["items"][0]["id"]
        for address in (f"/v1/providers/RXA/runs/{run['id']}", path, f"/v1/providers/RXA/statements/{statement}",
                        f"{self.account}/runs", f"{self.account}/statements"):
            for person in ("f.one", "b.maker"):
                self.assertProblem(self.as_person(person).send("GET", address), 404, "not_found")
            self.assertEqual(self.as_person("e.one").send("GET", address).status, 200)
            self.assertEqual(self.as_person("audit.one").send("GET", address).status, 200)
        self.assertEqual(self.as_person("f.one").get("/v1/providers/RXA/documents")["items"], [])
        commissioner = self.as_person("e.one")
        self.assertProblem(commissioner.send("POST", path + "/proposal", headers={"If-Match": '"1"'}), 403, "forbidden")
        self.assertProblem(commissioner.send("POST", f"{self.account}/runs", {"month": "2012-04", "type": "FREEZE"}),
                           403, "forbidden", "/type")
        for body, field in (({"month": "2013-04", "type": "PREVIEW"}, "/month"),
                            ({"month": "2012-4x", "type": "FLEX"}, "/month"),
                            ({"month": "2012-04", "type": "LAST"}, "/type"),
                            ({"month": "2012-04"}, "/type")):
            reply = self.as_person("a.maker").send("POST", f"{self.account}/runs", body)
            self.assertProblem(reply, 400, "malformed_json", field)
        for kind, field in (("R", "/type"), ("FINAL", "/month")):
            reply = self.as_person("a.maker").send("POST", f"{self.account}/runs", {"month": "2012-04", "type": kind})
            self.assertProblem(reply, 409, "conflict", field)
        self.assertProblem(self.as_person("a.maker").send("GET", "/v1/providers/RXA/documents?state=lost"), 400,
                           "bad_parameter", "state")


if __name__ == "__main__":
    harness.main()
