"""What an attempt that was refused leaves in the audit trail, by what was against it, and what an administrator's
command leaves. What acts leave that succeed is seen in test_openapi.py, operation by operation."""

import json
import subprocess

import harness

NEW = {"financial_year": 2012, "mode": "live", "title": "Title", "commissioners": ["5QE"], "coordinator": "5QE"}
NOWHERE = "bcdfghjklmnpqrstvwxz"


class Refused(harness.ServiceCase):
    settings = {"worker_poll_ms": 20}

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.contract = cls.agree()
        cls.id = cls.contract.rsplit("/", 1)[1]
        cls.submission = cls.send([harness.row(n) for n in range(3)])["submission"]

    def events(self, request, what="person, organisation, address, act, subject, detail->>'problem'"):
        return self.query(f"SELECT {what} FROM reckoner.audit_event WHERE request_id = '{request}'"
                          " AND act <> 'session.begin'")

    def attempt(self, person, method, path, body, status, code, headers=None):
        request = f"attempt-{self.id[:4]}-{code.replace('_', '-')}-{person.replace('.', '-')}-{len(path)}"
        reply = self.as_person(person).send(method, path, body, {"X-Request-Id": request} | (headers or {}))
        self.assertProblem(reply, status, code)
        return request

    def test_each_refusal_says_who_what_and_what_was_against_it(self):
        document = f"/v1/providers/RXA/documents/{NOWHERE}/issue"
        made = self.as_person("a.author").post(self.contract + "/exceptions", {
            "month": "2012-04", "reason": "The system was replaced in April"})
        decision = f"{self.contract}/exceptions/2012-04/{made['n']}/decision"
        refuse = {"decision": "refused"}
        erasure = self.as_person("a.maker").post("/v1/providers/RXA/erasures", {
            "submission": self.submission, "row": 1, "reason": "The patient has asked for it"})["erasure"]
        own = f"/v1/providers/RXA/erasures/{erasure}/approve"
        terms = self.as_person("a.author").post(self.contract + "/terms", harness.simple_terms())
        approvals = f"{self.contract}/terms/{terms['version']}/approvals"
        named = harness.simple_terms() | {"title": "Of 999 000 0018"}
        for person, method, path, body, status, code, operation in (
                ("audit.one", "POST", "/v1/providers/RXA/contracts", NEW, 403, "forbidden", "createContract"),
                ("b.author", "POST", document, None, 404, "not_found", "issueDocument"),
                ("a.author", "POST", decision, refuse, 409, "same_person", "decideException"),
                ("a.maker", "POST", decision, refuse, 403, "forbidden", "decideException"),
                ("a.maker", "POST", own, None, 409, "same_person", "approveErasure"),
                ("a.author", "POST", approvals, {"digest": terms["digest"]}, 409, "same_person", "approveTerms"),
                ("a.maker", "POST", approvals, {"digest": "0" * 64}, 412, "precondition_failed", "approveTerms"),
                ("a.author", "DELETE", self.contract, None, 409, "conflict", "withdrawContract"),
                ("a.author", "PUT", f"{self.contract}/terms/{terms['version']}", harness.simple_terms(), 412,
                 "precondition_failed", "replaceTerms"),
                ("a.author", "POST", self.contract + "/terms", named, 422, "identifying_text", "draftTerms"),
                ("a.author", "POST", "/v1/providers/RXA/contracts",
                 NEW | {"commissioners": ["5ZZ"], "coordinator": "5ZZ"}, 422, "unknown_organisation",
                 "createContract")):
            with self.subTest(operation=operation, code=code):
                request = self.attempt(person, method, path, body, status, code, {"If-Match": '"77"'})
                self.assertEqual(self.events(request), [[person, harness.PEOPLE[person], "127.0.0.1", "request.refuse",
                                                         operation, code]])

    def test_an_upload_that_comes_too_late(self):
        month = "/v1/providers/RXA/months/2019-04/submissions"
        request = self.attempt("a.maker", "POST", month, harness.csv_bytes([harness.row(1)]), 409, "month_not_begun",
                               {"Content-Type": "text/csv"})
        self.assertEqual(self.events(request, "act, subject, person"),
                         [["request.refuse", "uploadSubmission", "a.maker"]])

    def test_a_key_used_for_something_else(self):
        client = self.as_person("a.author")
        body = {"month": "2012-04", "reason": "The first of two requests"}
        headers = {"Idempotency-Key": "one-key"}
        client.call("POST", self.contract + "/exceptions", body, headers)
        again = client.send("POST", self.contract + "/exceptions", body, headers | {"X-Request-Id": "repeated"})
        self.assertEqual((again.status, self.events("repeated")), (201, []))  # the act is in the trail once
        request = self.attempt("a.author", "POST", self.contract + "/exceptions", body | {"month": "2012-05"}, 422,
                               "idempotency_conflict", headers)
        self.assertEqual(len(self.events(request)), 1)

    def test_what_could_not_be_read_was_no_attempt(self):
        for code, path, body in (("malformed_json", self.contract + "/exceptions", {"colour": "red"}),
                                 ("bad_parameter", "/v1/providers/RXA/months/april/submissions", {})):
            request = self.attempt("a.author", "POST", path, body, 400, code) if body else \
                self.attempt("a.author", "POST", path, b"", 400, code, {"Content-Type": "text/csv"})
            self.assertEqual(self.events(request), [])

    def test_sign_ins_good_and_bad(self):
        self.service.person("a.fresh", "RXA", "Fresh")
        self.service.token("a.fresh")
        self.as_person("a.fresh").send("GET", "/v1/me", headers={"X-Request-Id": "first-use"})
        self.assertEqual(self.query("SELECT person, organisation, address, act, subject FROM reckoner.audit_event"
                                    " WHERE request_id = 'first-use'"),
                         [["a.fresh", "RXA", "127.0.0.1", "session.begin", "person/a.fresh"]])
        bad = self.as_person(None).send("POST", self.contract + "/terms", {}, {
            "Authorization": "Bearer " + "x" * 40, "X-Request-Id": "bad-token"})
        self.assertProblem(bad, 401, "unauthenticated")
        self.assertEqual(self.query("SELECT person, organisation, address, act, subject, detail->>'attempts'"
                                    " FROM reckoner.audit_event WHERE request_id = 'bad-token'"),
                         [["", "", "127.0.0.1", "session.refuse", "draftTerms", "1"]])

    def test_the_administrator_is_not_exempt(self):
        reference = harness.ROOT / "config/bank_holidays.csv"
        kept = self.folder / "next.key"
        for arguments, act, subject in (
                (("organisation", "add", "RXZ", "provider", "Zennor"), "organisation.add", "organisation/RXZ"),
                (("person", "add", "z.one", "RXZ", "One"), "person.add", "person/z.one"),
                (("token", "create", "z.one"), "token.create", "person/z.one"),
                (("token", "revoke", "z.one"), "token.revoke", "person/z.one"),
                (("person", "disable", "z.one"), "person.disable", "person/z.one"),
                (("person", "enable", "z.one"), "person.enable", "person/z.one"),
                (("auditor", "appoint", "XAU", "RXZ"), "auditor.appoint", "organisation/RXZ/auditor/XAU"),
                (("reference", "load", "bank_holidays", str(reference)), "reference.load", "reference/bank_holidays/%"),
                (("keygen", "signing", "--out", str(kept)), None, None),
                (("key", "introduce", f"{kept}.pub"), "key.introduce", "key/%"),
                (("key", "retire", "ID", "--at", "2031-01-01T00:00:00Z"), "key.retire", "key/%"),
                (("key", "lost", "ID", "--since", "2012-05-09T09:00:00Z"), "key.lose", "key/%")):
            with self.subTest(act=act):
                before = self.value("SELECT coalesce(max(id), 0) FROM reckoner.audit_event")
                if act == "key.lose":
                    self.service.set_clock("2012-05-10T09:00:00Z")
                words = [self.introduced if word == "ID" else word for word in arguments]
                out = self.service.command(*words).stdout
                if arguments[:2] == ("key", "introduce"):
                    self.introduced = out.split()[0]
                left = self.query("SELECT act, person, detail FROM reckoner.audit_event"
                                  f" WHERE id > {before} AND detail ? 'command' AND subject LIKE '{subject}'")
                if act is None:
                    self.assertEqual(left, [])  # a key pair on a disk is no act of the service
                    continue
                self.assertEqual([event[:2] for event in left], [[act, ""]])
                detail = json.loads(left[0][2])
                self.assertEqual(detail["command"], " ".join(arguments[:2]))
                self.assertEqual(detail["system_user"], subprocess.run(
                    ["id", "-un"], capture_output=True, text=True, check=True).stdout.strip())

    def test_the_service_tells_of_its_first_key(self):
        self.assertEqual(self.query("SELECT e.person, e.act FROM reckoner.audit_event e JOIN reckoner.signing_key k"
                                    " ON e.subject = 'key/' || k.id WHERE e.at = k.valid_from"
                                    " AND NOT e.detail ? 'command'"),
                         [["", "key.introduce"]])


if __name__ == "__main__":
    harness.main()
