"""Organisations, contracts, terms, exceptions and achievements over HTTP: who may do what, and what is refused."""

import hashlib
import http.client
import json
import pathlib
import sys
import threading
import urllib.parse

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))

import harness  # noqa: E402

NOWHERE = "bcdfghjklmnpqrstvwxz"


class Agreements(harness.ServiceCase):
    workers = 0

    def as_person(self, person):
        """As the harness's, with the connection closed at the end of the test."""
        client = super().as_person(person)
        self.addCleanup(client.close)
        return client

    def contract(self, commissioners=("5QE",), provider="RXA", person="a.author", year=2012, **more):
        reply = self.as_person(person).send("POST", f"/v1/providers/{provider}/contracts", {
            "financial_year": year, "mode": "live", "title": "Test", "commissioners": list(commissioners),
            "coordinator": commissioners[0]}, **more)
        self.assertEqual(reply.status, 201, reply.body)
        return f"/v1/providers/{provider}/contracts/{reply.json()['contract']}", reply

    def draft(self, path, person="a.author", year=2012, **changes):
        terms = harness.simple_terms(financial_year=year, effective_from=f"{year}-04", **changes)
        return self.as_person(person).send("POST", f"{path}/terms", terms)

    def draft_for_two(self, path, year):
        """Terms of a contract with 5QE and 5QF."""
        parties = harness.simple_terms()["parties"]
        return self.draft(path, year=year, parties=parties | {"5QF": parties["5QE"]})

    # Who calls

    def test_tokens(self):
        nobody = self.as_person(None)
        problem = self.assertProblem(nobody.send("GET", "/v1/me"), 401, "unauthenticated", "Authorization")
        self.assertTrue(problem["type"].endswith("/v1/problems#unauthenticated"))
        wrong = nobody.as_person("rk_" + "A" * 43)
        self.addCleanup(wrong.close)
        reply = wrong.send("GET", "/v1/me")
        self.assertProblem(reply, 401, "unauthenticated")
        self.assertEqual(reply.headers["WWW-Authenticate"], "Bearer")
        me = self.as_person("e.one").get("/v1/me")
        self.assertEqual((me["person"], me["organisation"], me["role"]), ("e.one", "5QE", "commissioner"))

    def test_headers_of_every_reply(self):
        for path in ("/v1/me", "/v1/nothing", "/v1/problems"):
            reply = self.as_person("a.author").send("GET", path, headers={"X-Request-Id": "my-request-17"})
            self.assertEqual(reply.headers["X-Request-Id"], "my-request-17")
            self.assertEqual(reply.headers["X-Content-Type-Options"], "nosniff")
            self.assertIn("default-src 'none'", reply.headers["Content-Security-Policy"])
            self.assertTrue(reply.headers["Reckoner-Clock"].startswith("demonstration 2012-05-"))
        for bad in ("9434765919-x", "short", "with blank in it"):
            reply = self.as_person("a.author").send("GET", "/v1/me", headers={"X-Request-Id": bad})
            self.assertRegex(reply.headers["X-Request-Id"], "^[a-z]{20}$")

    def test_refusals_on_the_address(self):
        client = self.as_person("a.author")
        self.assertProblem(client.send("GET", "/v1/nothing"), 404, "not_found")
        self.assertProblem(client.send("GET", "/v1/me/"), 404, "not_found")
        reply = client.send("DELETE", "/v1/me")
        self.assertProblem(reply, 405, "method_not_allowed")
        self.assertEqual(reply.headers["Allow"], "GET, HEAD")
        self.assertProblem(client.send("GET", "/v1/me?colour=red"), 400, "bad_parameter", "colour")
        self.assertProblem(client.send("GET", "/v1/organisations?limit=0"), 400, "bad_parameter", "limit")
        self.assertProblem(client.send("GET", "/v1/organisations?limit=1&limit=2"), 400, "bad_parameter", "limit")
        self.assertProblem(client.send("GET", "/v1/organisations?after=AAAA"), 400, "bad_parameter", "after")
        self.assertProblem(client.send("GET", "/v1/organisations?kind=%FF"), 400, "bad_parameter", "kind")
        self.assertProblem(client.send("GET", "/v1/keys/%00"), 400, "bad_parameter", "path")
        self.assertEqual(client.send("HEAD", "/v1/me").body, b"")

    def test_refusals_on_the_body(self):
        client = self.as_person("operator.one")
        path = "/v1/organisations"
        body = {"code": "RXC", "kind": "provider", "name": "C", "live_from": "2011-04-01"}
        self.assertProblem(client.send("POST", path, body, {"Idempotency-Key": None}), 400, "idempotency_key_required")
        self.assertProblem(client.send("POST", path, body, {"Content-Type": "text/plain"}), 415,
                           "unsupported_media_type")
        self.assertProblem(client.send("POST", path, b"{\"a\":1,\"a\":2}", {"Content-Type": "application/json"}), 400,
                           "malformed_json")
        self.assertProblem(client.send("POST", path, body | {"colour": 1}), 400, "malformed_json", "/colour")
        self.assertProblem(client.send("POST", path, body | {"live_from": "01/04/2011"}), 400, "malformed_json",
                           "/live_from")
        self.assertProblem(client.send("POST", path, body | {"successor": "ZZZ"}), 422, "unknown_organisation",
                           "/successor")
        self.assertProblem(self.as_person("a.author").send("POST", path, body), 403, "forbidden")
        raw = http.client.HTTPConnection(urllib.parse.urlsplit(self.service.url).netloc, timeout=20)
        raw.putrequest("POST", path)
        raw.putheader("Authorization", "Bearer " + self.service.tokens["operator.one"])
        raw.endheaders()
        self.addCleanup(raw.close)
        answer = raw.getresponse()
        self.assertEqual((answer.status, json.loads(answer.read())["code"]), (411, "length_required"))

    # Organisations

    def test_organisations(self):
        client = self.as_person("operator.one")
        made = client.send("POST", "/v1/organisations", {"code": "RXD", "kind": "provider", "name": "D Trust",
                                                         "live_from": "2011-04-01"})
        self.assertEqual((made.status, made.headers["ETag"]), (201, '"1"'), made.body)
        path = urllib.parse.urlsplit(made.headers["Location"]).path
        change = {"name": "D Foundation Trust", "live_from": "2011-04-01"}
        self.assertProblem(client.send("PUT", path, change), 428, "precondition_required", "If-Match")
        self.assertProblem(client.send("PUT", path, change, {"If-Match": '"7"'}), 412, "precondition_failed")
        changed = client.send("PUT", path, change, {"If-Match": '"1"'})
        self.assertEqual((changed.status, changed.json()["name"], changed.headers["ETag"]),
                         (200, "D Foundation Trust", '"2"'))
        self.assertEqual(client.send("GET", path, headers={"If-None-Match": '"2"'}).status, 304)
        self.assertProblem(client.send("POST", "/v1/organisations", {
            "code": "RXD", "kind": "provider", "name": "again", "live_from": "2011-04-01"}), 409, "conflict")
        self.assertEqual(client.send("POST", path + "/auditors", {"auditor": "XAU"}).status, 201)
        self.assertProblem(client.send("POST", path + "/auditors", {"auditor": "XAU"}), 409, "conflict")
        self.assertProblem(client.send("POST", path + "/auditors", {"auditor": "5QE"}), 422, "unknown_organisation")
        self.assertEqual(client.get(path)["auditors"][0]["auditor"], "XAU")

    def test_pages(self):
        client = self.as_person("a.author")
        codes = [item["code"] for item in client.pages("/v1/organisations", limit=2)]
        self.assertEqual(codes, sorted(codes))
        self.assertLessEqual(set(harness.ORGANISATIONS), set(codes))
        reply = client.send("GET", "/v1/organisations?kind=provider&limit=1")
        link = reply.headers["Link"]
        self.assertIn('rel="next"', link)
        following = urllib.parse.urlsplit(link[1:link.index(">")])
        self.assertIn("kind=provider", following.query)
        self.assertEqual(len(client.get(f"{following.path}?{following.query}")["items"]), 1)
        cursor = reply.json()["next"]
        changed = cursor[:-1] + ("A" if cursor[-1] != "A" else "B")
        self.assertProblem(client.send("GET", f"/v1/organisations?after={changed}"), 400, "bad_parameter", "after")
        self.assertProblem(client.send("GET", f"/v1/contracts?after={cursor}"), 400, "bad_parameter", "after")

    # Idempotency

    def test_same_key_is_answered_alike(self):
        path, first = self.contract(("5QF",), year=2020, headers={"Idempotency-Key": "one-key"})
        _, second = self.contract(("5QF",), year=2020, headers={"Idempotency-Key": "one-key"})
        self.assertEqual(first.body, second.body)
        self.assertEqual(first.headers["Location"], second.headers["Location"])
        self.assertEqual(second.headers["Idempotency-Replayed"], "true")
        reply = self.as_person("a.author").send("POST", "/v1/providers/RXA/contracts", {
            "financial_year": 2021, "mode": "live", "title": "Other", "commissioners": ["5QF"], "coordinator": "5QF"},
            {"Idempotency-Key": "one-key"})
        self.assertProblem(reply, 422, "idempotency_conflict", "Idempotency-Key")
        self.assertEqual(self.as_person("a.author").get(path)["financial_year"], 2020)

    def test_same_key_at_once_acts_once(self):
        replies = []
        body = {"financial_year": 2030, "mode": "live", "title": "Race", "commissioners": ["5QF"], "coordinator": "5QF"}

        def act():
            replies.append(self.as_person("a.author").send("POST", "/v1/providers/RXA/contracts", body,
                                                           {"Idempotency-Key": "race"}))

        threads = [threading.Thread(target=act) for _ in range(12)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual({reply.status for reply in replies}, {201})
        self.assertEqual(len({reply.body for reply in replies}), 1)
        self.assertEqual(self.value("SELECT count(*) FROM reckoner.contract WHERE financial_year = 2030"), "1")

    # Contracts

    def test_contracts(self):
        path, reply = self.contract(("5QE", "5QF"), year=2013)
        self.assertEqual(reply.json()["commissioners"], ["5QE", "5QF"])
        for person in ("a.maker", "e.two", "f.one", "audit.one", "operator.one"):
            self.assertEqual(self.as_person(person).get(path)["coordinator"], "5QE")
        for person in ("b.author",):
            self.assertProblem(self.as_person(person).send("GET", path), 404, "not_found")
        self.assertIn(reply.json()["contract"],
                      [item["contract"] for item in self.as_person("f.one").pages("/v1/contracts", limit=1)])
        self.assertEqual(list(self.as_person("b.author").pages("/v1/providers/RXA/contracts")), [])
        body = {"financial_year": 2013, "mode": "live", "title": "x", "commissioners": ["5QE"], "coordinator": "5QE"}
        target = "/v1/providers/RXA/contracts"
        self.assertProblem(self.as_person("a.author").send("POST", target, body), 409, "conflict", "/commissioners/0")
        self.assertProblem(self.as_person("b.author").send("POST", target, body), 404, "not_found")
        self.assertProblem(self.as_person("f.one").send("POST", target, body), 403, "forbidden", "/coordinator")
        self.assertProblem(self.as_person("audit.one").send("POST", target, body), 403, "forbidden")
        self.assertProblem(self.as_person("a.author").send("POST", target, body | {"coordinator": "5QF"}), 400,
                           "malformed_json", "/coordinator")
        unknown = body | {"commissioners": ["5ZZ"], "coordinator": "5ZZ"}
        self.assertProblem(self.as_person("a.author").send("POST", target, unknown), 422, "unknown_organisation",
                           "/commissioners/0")
        made = self.as_person("e.one").send("POST", target, body | {"financial_year": 2014})
        self.assertEqual(made.status, 201, made.body)

    def held(self, path, person="a.author"):
        """Withdrawing is refused, and says why; the contract is still there."""
        client = self.as_person(person)
        problem = self.assertProblem(client.send("DELETE", path), 409, "conflict")
        self.assertEqual(client.send("GET", path).status, 200)
        return problem["detail"]

    def test_withdrawing_a_contract(self):
        """The associate never consented: it withdraws the contract itself, and its year is free again."""
        path, _ = self.contract(("5QE", "5QF"), year=2026)
        contract = path.rsplit("/", 1)[1]
        drafts = [self.draft_for_two(path, 2026).json() for _ in range(2)]
        self.as_person("a.maker").post(path + "/terms/1/approvals", {"digest": drafts[0]["digest"]})
        self.as_person("e.one").post(path + "/terms/2/approvals", {"digest": drafts[1]["digest"]})
        for person, status, code in (("b.author", 404, "not_found"), ("audit.one", 403, "forbidden"),
                                     ("operator.one", 403, "forbidden")):
            self.assertProblem(self.as_person(person).send("DELETE", path), status, code)
        withdrawn = self.as_person("f.one").send("DELETE", path, headers={"X-Request-Id": "withdrawn-2026"})
        self.assertEqual((withdrawn.status, withdrawn.body), (204, b""))
        for person in ("f.one", "a.author"):
            self.assertProblem(self.as_person(person).send("GET", path), 404, "not_found")
            self.assertProblem(self.as_person(person).send("DELETE", path), 404, "not_found")
        for table, column in (("contract", "id"), ("account", "contract"), ("terms", "contract"),
                              ("terms_approval", "contract")):
            self.assertEqual(self.value(f"SELECT count(*) FROM reckoner.{table} WHERE {column} = '{contract}'"), "0")
        found = self.query("SELECT act, person, organisation, provider, subject, detail FROM reckoner.audit_event"
                           " WHERE request_id = 'withdrawn-2026'")
        self.assertEqual([row[:5] for row in found],
                         [["contract.withdraw", "f.one", "5QF", "RXA", f"contract/{contract}"]])
        kept = json.loads(found[0][5])
        self.assertEqual((kept["commissioners"], kept["financial_year"]), (["5QE", "5QF"], 2026))
        self.assertEqual([(item["digest"], [one["person"] for one in item["approvals"]]) for item in kept["terms"]],
                         [(drafts[0]["digest"], ["a.maker"]), (drafts[1]["digest"], ["e.one"])])
        self.contract(("5QE",), year=2026)
        self.contract(("5QF",), year=2026)

    def test_a_contract_that_something_rests_on_stays(self):
        path, _ = self.contract(year=2027)
        draft = self.draft(path, year=2027).json()
        self.assertProblem(self.as_person("f.one").send("DELETE", path), 404, "not_found")
        for person in ("a.maker", "e.one"):
            self.as_person(person).post(path + "/terms/1/approvals", {"digest": draft["digest"]})
        for person in ("a.author", "e.one"):
            self.assertIn("Both parties have approved", self.held(path, person))
        path, _ = self.contract(year=2028)
        self.as_person("a.author").post(path + "/exceptions", {"month": "2028-06", "reason": "rows were late"})
        self.assertIn("An exception", self.held(path, "e.one"))
        path, _ = self.contract(year=2029)
        # The API takes measures under approved terms alone; one that stands without them holds the contract as well.
        self.query("INSERT INTO reckoner.achievement (provider, contract, commissioner, indicator, n, numerator,"
                   " denominator, evidence, proposed_side, proposed_by, proposed_at) VALUES ('RXA',"
                   f" '{path.rsplit('/', 1)[1]}', '5QE', 'Q', 1, 1, 2, 'none', 'commissioner', 'e.one', now())")
        self.assertIn("An achievement", self.held(path))
        path, _ = self.contract(year=2011)
        self.as_person("a.author").post(path + "/accounts/5QE/runs", {"month": "2011-04", "type": "PREVIEW"})
        self.assertIn("Runs", self.held(path))

    # Terms

    def test_life_of_terms(self):
        path, _ = self.contract(year=2015)
        draft = self.draft(path, year=2015)
        self.assertEqual((draft.status, draft.headers["ETag"]), (201, '"1"'), draft.body)
        version = f"{path}/terms/1"
        author, maker, other = (self.as_person(person) for person in ("a.author", "a.maker", "e.one"))
        digest = draft.json()["digest"]
        changed = harness.simple_terms(financial_year=2015, effective_from="2015-05")
        self.assertProblem(other.send("PUT", version, changed, {"If-Match": '"1"'}), 403, "forbidden")
        self.assertProblem(author.send("PUT", version, changed), 428, "precondition_required")
        replaced = author.send("PUT", version, changed, {"If-Match": '"1"'})
        self.assertEqual((replaced.status, replaced.headers["ETag"]), (200, '"2"'), replaced.body)
        approvals = version + "/approvals"
        self.assertProblem(maker.send("POST", approvals, {"digest": digest}), 412, "precondition_failed", "/digest")
        digest = replaced.json()["digest"]
        self.assertProblem(author.send("POST", approvals, {"digest": digest}), 409, "same_person")
        self.assertEqual(maker.send("POST", approvals, {"digest": digest}).json()["state"], "draft")
        self.assertProblem(maker.send("POST", approvals, {"digest": digest}), 409, "conflict")
        self.assertProblem(author.send("PUT", version, changed, {"If-Match": '"2"'}), 409, "conflict")
        self.assertEqual(other.send("POST", approvals, {"digest": digest}).json()["state"], "approved")
        read = other.get(version)
        self.assertEqual((read["state"], read["terms"]["effective_from"], len(read["approvals"])),
                         ("approved", "2015-05", 2))
        self.assertEqual({item["digest"] for item in read["approvals"]}, {digest})
        exact = other.bytes(version + "?format=canonical")
        self.assertEqual(hashlib.sha256(exact).hexdigest(), digest)
        self.assertEqual(self.query(f"SELECT kind FROM reckoner.job WHERE subject = '{path.rsplit('/', 1)[1]}'"),
                         [["resettle"]])
        self.assertEqual(self.as_person("audit.one").get(version)["digest"], digest)
        self.assertProblem(self.as_person("b.author").send("GET", version), 404, "not_found")
        self.assertEqual(other.get(path)["terms_version"], 1)
        self.assertProblem(author.send("DELETE", version, headers={"If-Match": '"3"'}), 409, "conflict")

    def test_withdrawing(self):
        path, _ = self.contract(year=2016)
        self.draft(path, year=2016)
        author = self.as_person("a.author")
        self.assertEqual(author.send("DELETE", path + "/terms/1", headers={"If-Match": '"1"'}).status, 204)
        self.assertEqual(author.get(path + "/terms/1")["state"], "withdrawn")
        self.assertEqual([item["version"] for item in author.pages(path + "/terms")], [1])

    def test_terms_that_do_not_fit(self):
        path, _ = self.contract(("5QE", "5QF"), year=2017)
        self.assertProblem(self.draft(path, year=2018), 422, "invalid_terms", "/financial_year")
        self.assertProblem(self.draft(path, year=2017, mode="shadow"), 422, "invalid_terms", "/mode")
        self.assertProblem(self.draft(path, year=2017, prices="none"), 422, "invalid_terms", "/prices")
        self.assertProblem(self.draft(f"/v1/providers/RXA/contracts/{NOWHERE}"), 404, "not_found")
        draft = self.draft_for_two(path, 2017).json()
        reply = self.as_person("f.one").send("POST", path + "/terms/1/approvals", {"digest": draft["digest"]})
        self.assertProblem(reply, 403, "forbidden")

    # Exceptions and achievements

    def test_exceptions(self):
        path, _ = self.contract(year=2022)
        ask = {"month": "2022-06", "reason": "a ward's rows were late"}
        author, other = self.as_person("a.author"), self.as_person("e.one")
        self.assertProblem(author.send("POST", path + "/exceptions", ask | {"month": "2021-06"}), 400, "malformed_json",
                           "/month")
        asked = author.send("POST", path + "/exceptions", ask)
        self.assertEqual((asked.status, asked.json()["n"]), (201, 1), asked.body)
        target = path + "/exceptions/2022-06/1"
        granted = {"decision": "granted", "closes_on": "2012-06-30"}
        self.assertProblem(author.send("POST", target + "/decision", granted), 409, "same_person")
        self.assertProblem(self.as_person("a.maker").send("POST", target + "/decision", granted), 403, "forbidden")
        self.assertProblem(other.send("POST", target + "/decision", {"decision": "granted"}), 400, "malformed_json",
                           "/closes_on")
        self.assertProblem(other.send("POST", target + "/decision", granted | {"closes_on": "2012-05-01"}), 400,
                           "malformed_json", "/closes_on")
        unknown = other.send("POST", target + "/decision", {"decision": "maybe"})
        self.assertProblem(unknown, 400, "malformed_json", "/decision")
        self.assertEqual(unknown.json()["detail"], "decision is granted or refused")
        decided = other.send("POST", target + "/decision", granted)
        self.assertEqual(decided.status, 201, decided.body)
        self.assertEqual(decided.json()["closes_at"], "2012-06-30T23:00:00.000000Z")
        self.assertProblem(other.send("POST", target + "/decision", {"decision": "refused"}), 409, "conflict")
        self.assertEqual([item["n"] for item in other.pages(path + "/exceptions", limit=1)], [1])
        self.assertEqual(author.get(target)["decided_by"], "e.one")

    def test_achievements(self):
        path, _ = self.contract(year=2023)
        target = path + "/accounts/5QE/achievements"
        measure = {"indicator": "care plans", "numerator": 5, "denominator": 6, "evidence": "audit of June"}
        author, other = self.as_person("a.author"), self.as_person("e.one")
        self.assertProblem(author.send("POST", target, measure | {"numerator": 7}), 400, "malformed_json", "/numerator")
        made = author.send("POST", target, measure)
        self.assertEqual(made.status, 201, made.body)
        one = urllib.parse.urlsplit(made.headers["Location"]).path
        self.assertEqual(author.get(one)["numerator"], 5)
        self.assertProblem(author.send("POST", one + "/agreement"), 409, "same_person")
        self.assertProblem(self.as_person("a.maker").send("POST", one + "/agreement"), 403, "forbidden")
        self.assertEqual(other.send("POST", one + "/agreement").json()["agreed_by"], "e.one")
        self.assertProblem(other.send("POST", one + "/agreement"), 409, "conflict")
        self.assertProblem(other.send("POST", one + "/agreement", {"x": 1}), 400, "malformed_json")
        self.assertProblem(author.send("POST", path + "/accounts/5QF/achievements", measure), 404, "not_found")
        self.assertEqual([item["n"] for item in other.pages(target, limit=1)], [1])
        contract = path.rsplit("/", 1)[1]
        self.assertIn(["resettle"], self.query(f"SELECT kind FROM reckoner.job WHERE subject = '{contract}'"))

    # Jobs, keys, audit

    def test_jobs(self):
        path, _ = self.contract(year=2024)
        draft = self.draft(path, year=2024).json()
        for person in ("a.maker", "e.one"):
            self.as_person(person).post(path + "/terms/1/approvals", {"digest": draft["digest"]})
        contract = path.rsplit("/", 1)[1]
        job = self.value(f"SELECT id FROM reckoner.job WHERE subject = '{contract}'")
        target = f"/v1/providers/RXA/jobs/{job}"
        for person in ("a.author", "e.one", "operator.one"):
            self.assertEqual(self.as_person(person).get(target)["state"], "queued")
        self.assertProblem(self.as_person("b.author").send("GET", target), 404, "not_found")
        operator = self.as_person("operator.one")
        self.assertProblem(operator.send("POST", target + "/retries"), 409, "conflict")
        self.assertProblem(self.as_person("a.author").send("POST", target + "/retries"), 403, "forbidden")
        self.query(f"UPDATE reckoner.job SET state = 'failed', problem = 'broken for the test' WHERE id = '{job}'")
        self.assertEqual(operator.send("POST", target + "/retries").json()["state"], "queued")

    def test_public_resources(self):
        nobody = self.as_person(None)
        self.assertEqual(nobody.get("/v1/keys"), {
            "items": [], "next": None,
            "empty_because": "Nothing was signed yet: a key is listed from its first use on"})
        self.assertProblem(nobody.send("GET", "/v1/keys/0123456789ABCDEF"), 404, "not_found")
        self.assertProblem(nobody.send("GET", "/v1/keys/0123456789ABCDEF?format=xml"), 400, "bad_parameter", "format")
        codes = [item["code"] for item in nobody.get("/v1/problems")["items"]]
        registry = (harness.ROOT / "api/errors.tsv").read_text().splitlines()[1:]
        self.assertEqual(codes, [line.split("\t")[0] for line in registry if line and not line.startswith("#")])

    def test_every_write_is_audited(self):
        self.contract(year=2025, headers={"X-Request-Id": "audited-request"})
        found = self.query("SELECT act, person, organisation FROM reckoner.audit_event"
                           " WHERE request_id = 'audited-request'")
        self.assertEqual(found, [["contract.create", "a.author", "RXA"]])


if __name__ == "__main__":
    harness.main()
