"""api/openapi.yaml against the table of routes and against the service: every operation is called, every example in the
file is sent, and every answer is held against its schema."""

import json
import pathlib
import re
import subprocess
import tempfile
import unittest

import yaml

import audited
import harness
import json_schema

API = yaml.safe_load((harness.ROOT / "api/openapi.yaml").read_text(encoding="utf-8"))
METHODS = ("get", "post", "put", "delete")
def operations():
    for path, entry in API["paths"].items():
        for method in METHODS:
            if method in entry:
                yield method.upper(), path, entry[method]


def resolve(part):
    return json_schema.resolve(part, API)


def faults(value, schema):
    return json_schema.faults(value, schema, API)


class Description(unittest.TestCase):
    """The file by itself, and against the table of routes."""

    def test_same_routes(self):
        done = subprocess.run([str(harness.BUILD / "reckonerd"), "--routes"],
                              capture_output=True, text=True, check=True)
        table = {}
        for line in done.stdout.splitlines():
            method, path, operation, roles, body, query = line.split("\t")
            table[method, path] = (operation, set(roles.split()), body, set(query.split()))
        described = {}
        for method, path, operation in operations():
            content = set(operation.get("requestBody", {}).get("content", {}))
            body = "json" if "application/json" in content else "upload" if content else "none"
            query = {resolve(p)["name"] for p in operation.get("parameters", []) if resolve(p)["in"] == "query"}
            described[method, path] = (operation["operationId"], set(operation["x-roles"]), body, query)
        self.assertGreater(len(table), 40)
        self.assertEqual(described, table)

    def test_references_and_parameters(self):
        for method, path, operation in operations():
            named = {resolve(p)["name"] for p in API["paths"][path].get("parameters", [])}
            self.assertEqual(named, set(re.findall(r"{(\w+)}", path)), path)
            for part in self.references(operation):
                self.assertTrue(resolve(part), part)
            keys = {resolve(p)["name"] for p in operation.get("parameters", [])}
            self.assertEqual("Idempotency-Key" in keys, method == "POST", operation["operationId"])

    def references(self, part):
        if isinstance(part, dict):
            if "$ref" in part:
                yield part
            for member in part.values():
                yield from self.references(member)
        elif isinstance(part, list):
            for member in part:
                yield from self.references(member)

    def test_problem_codes_are_of_the_registry(self):
        lines = (harness.ROOT / "api/errors.tsv").read_text(encoding="utf-8").splitlines()
        codes = {line.split("\t")[0] for line in lines[1:] if not line.startswith("#")}
        for _, _, operation in operations():
            self.assertLessEqual(set(operation["x-problems"]), codes, operation["operationId"])
            # A header given twice is refused whatever is asked for.
            self.assertIn("bad_parameter", operation["x-problems"], operation["operationId"])

    def test_the_validator_finds_faults(self):
        schema = {"type": "object", "additionalProperties": False, "required": ["a"],
                  "properties": {"a": {"type": "integer"}, "b": {"type": "string", "enum": ["x"]}}}
        for good, value in ((True, {"a": 1}), (True, {"a": 1, "b": "x"}), (False, {}), (False, {"a": "1"}),
                            (False, {"a": True}), (False, {"a": 1, "b": "y"}), (False, {"a": 1, "c": 1})):
            self.assertEqual(faults(value, schema) == [], good, value)


class Replies(harness.ServiceCase):
    """Every operation is called in an order that makes its resources; what is not called fails the last test."""

    settings = {"worker_poll_ms": 100}

    def call(self, operation_id, person, expect=None, *, example=None, etag=None, query="", headers=None, **path):
        """Calls an operation with its example (or another body), and holds the answer against the description."""
        method, template, operation = next(o for o in operations() if o[2]["operationId"] == operation_id)
        body, sent = self.body_of(operation, example)
        sent |= headers or {}
        if etag is not None:
            sent["If-Match"] = f'"{etag}"'
        address = template.format(**({"provider": "RXA"} | path)) + query
        reply = self.person(person).send(method, address, body, sent)
        status = expect or int(next(s for s in operation["responses"] if s != "default"))
        self.assertEqual(reply.status, status, f"{operation_id}: {reply.body[:600]}")
        self.sent.append((operation_id, person, path, body, reply))
        described = resolve(operation["responses"].get(str(status), operation["responses"]["default"]))
        content = described.get("content", {})
        kind = reply.headers["Content-Type"]
        if not content:
            self.assertEqual(reply.body, b"", operation_id)
            self.called.add(operation_id)
            return None
        self.assertIn(kind, content, operation_id)
        self.called.add(operation_id)
        if kind.endswith(("/json", "+json")):
            value = reply.json()
            self.assertEqual(faults(value, content[kind]["schema"]), [], operation_id)
            if reply.code is not None:
                self.assertIn(reply.code, operation["x-problems"], operation_id)
            return value
        return reply.body

    def person(self, person):
        """One connection for each person."""
        if person not in self.clients:
            self.clients[person] = self.as_person(person)
        return self.clients[person]

    def body_of(self, operation, example):
        content = operation.get("requestBody", {}).get("content", {})
        if not content:
            return None, {}
        kind = next(iter(content))
        value = content[kind]["example"] if example is None else example
        if kind == "application/json":
            self.assertEqual(faults(value, content[kind]["schema"]), [], operation["operationId"])
            return json.dumps(value).encode(), {"Content-Type": kind}
        return value.encode() if isinstance(value, str) else value, {"Content-Type": kind}

    def test_every_operation(self):
        self.called, self.clients, self.sent = set(), {}, []
        self.organisations()
        path = self.contracts()
        self.rehearsals()
        self.submissions()
        self.identifiers()
        self.indicators()
        self.settlement(path)
        self.exceptions_and_achievements(path)
        self.agreements(path | {"commissioner": "5QE"})
        self.reattributions(path | {"commissioner": "5QE"})
        self.calculations(path)
        self.certificates(path)
        self.challenges(path | {"commissioner": "5QE"})
        self.log()
        self.refusals(path)
        self.assertEqual({o["operationId"] for _, _, o in operations()} - self.called, set())
        self.audit_trail()

    def audit_trail(self):
        """Every call that changed something, or handed over what is written down, left one event that says who, what,
        when, from where and why; and each such operation was seen to."""
        events, seen = {}, set()
        for row in self.query("SELECT request_id, provider, person, organisation, address, act, subject, detail,"
                              " at > '2012-05-01' FROM reckoner.audit_event WHERE request_id IS NOT NULL"
                              " AND act NOT LIKE 'session.%'"):
            events.setdefault(row[0], []).append(row[1:])
        for operation, person, path, body, reply in self.sent:
            found = events.get(reply.headers["X-Request-Id"], [])
            with self.subTest(operation=operation, person=person):
                again = (operation, reply.status) == ("uploadSubmission", 200)
                if operation not in audited.ACTS or reply.status >= 400 or again:
                    self.assertFalse([event for event in found if event[4] != "request.refuse"])
                    continue
                seen.add(operation)
                given = json.loads(body) if body and body[:1] == b"{" else {}
                answer = reply.json() if reply.headers["Content-Type"] == "application/json" else {}
                act, subject, why = audited.expected(operation, path, given, answer)
                organisation = (harness.PEOPLE | {"reader.one": "XCE"})[person]
                template = next(p for _, p, o in operations() if o["operationId"] == operation)
                provider = "RXA" if "{provider}" in template else organisation
                self.assertEqual([event[:6] + event[7:] for event in found],
                                 [[provider, person, organisation, "127.0.0.1", act, subject, "t"]])
                self.assertLessEqual(why.items(), json.loads(found[0][6]).items())
        writing = {o["operationId"] for method, _, o in operations() if method != "GET"}
        self.assertEqual(writing - audited.ACTS.keys(), audited.CHANGE_NOTHING)
        self.assertEqual(audited.ACTS.keys() - seen, set())

    def organisations(self):
        self.call("listProblems", None)
        schema = self.call("getTermsSchema", None)
        self.assertEqual(schema, json.loads((harness.ROOT / "api/schemas/terms.json").read_text(encoding="utf-8")))
        rules = self.call("listRules", None)
        self.assertEqual([r["rule"] for r in rules["items"]], API["components"]["schemas"]["RuleId"]["enum"])
        self.assertEqual({t["threshold"]: t["default"] for t in rules["thresholds"]},
                         {name: part["default"] for name, part in
                          API["components"]["schemas"]["Thresholds"]["properties"].items()})
        self.call("listAbsences", "e.one")
        self.call("getMe", "audit.one")
        made = self.call("createOrganisation", "operator.one")
        self.call("listOrganisations", "e.one", query="?limit=2")
        self.call("replaceOrganisation", "operator.one", organisation=made["code"], etag=made["revision"])
        self.call("appointAuditor", "operator.one", organisation=made["code"])
        self.call("getOrganisation", "b.author", organisation=made["code"])

    def contracts(self):
        mistaken = self.call("createContract", "a.author")
        self.call("withdrawContract", "a.author", contract=mistaken["contract"])
        made = self.call("createContract", "a.author", example={
            "financial_year": 2012, "mode": "live", "title": "Example", "commissioners": ["5QE"], "coordinator": "5QE"})
        path = {"contract": made["contract"]}
        for operation in ("listAllContracts", "listContracts"):
            self.call(operation, "operator.one")
        draft = self.call("draftTerms", "a.author", **path)
        version = path | {"version": draft["version"]}
        changed = self.call("replaceTerms", "a.author", etag=draft["revision"], **version)
        self.call("withdrawTerms", "a.author", etag=changed["revision"], **version)
        terms = harness.simple_terms()
        terms["cquin"] = {"rate": "2.5%", "on_account": "50%", "indicators": [
            {"id": "reviews", "label": "Reviews", "weight": "100%", "measure": "step",
             "thresholds": [{"at": "80%", "earns": "100%"}]}]}
        terms["withholds"] = [{"id": "quality", "label": "Quality of data", "share": "5%"}]
        draft = self.call("draftTerms", "a.author", example=terms, **path)
        version = path | {"version": draft["version"]}
        for person in ("a.maker", "e.one"):
            self.call("approveTerms", person, example={"digest": draft["digest"]}, **version)
        self.call("listTerms", "audit.one", **path)
        self.call("listTerms", "e.one", query="?as_known_on=2012-04-01", **path)
        self.call("getTerms", "e.one", **version)
        self.call("getTermsText", "e.one", **version)
        self.call("listTermsExamples", "e.one", **version)
        self.call("lintTerms", "e.one", **version)
        self.call("compareTerms", "e.one", **version)
        self.call("getContract", "e.one", **path)
        return path

    def wait(self, person, job, provider="RXA"):
        self.person(person).wait_for_job(provider, job)
        return self.call("getJob", person, job=job)

    def rehearsals(self):
        month = {"month": "2012-04"}
        body = next(o for o in operations() if o[2]["operationId"] == "rehearseSubmission")[2]["requestBody"]["content"]
        for kind, media in body.items():
            received = self.call("rehearseSubmission", "a.maker", example=media["example"],
                                 headers={"Content-Type": kind}, **month)
            self.wait("a.maker", received["job"])
            one = {"rehearsal": received["rehearsal"]}
            found = self.call("getRehearsal", "a.maker", **one)
            self.assertEqual((found["state"], found["report"]["outcome"]), ("done", "refused"))
            lines = self.call("getRehearsalFindings", "a.maker", query="?part=1", **one).splitlines()
            self.assertEqual(len(lines), found["report"]["findings"]["lines"])
            for line in lines:
                self.assertEqual(faults(json.loads(line), API["components"]["schemas"]["Finding"]), [])
        self.call("getCheckFile", "a.maker", query="?month=2012-04")

    def submissions(self):
        month = {"month": "2012-04"}
        body = next(o for o in operations() if o[2]["operationId"] == "uploadSubmission")[2]["requestBody"]["content"]
        for kind, media in body.items():
            acknowledged = self.call("uploadSubmission", "a.maker", 202, example=media["example"],
                                     headers={"Content-Type": kind}, **month)
            self.wait("a.maker", acknowledged["job"])
            found = self.call("getSubmission", "a.maker", submission=acknowledged["submission"])
            self.assertEqual((found["state"], found["rows"]), ("accepted", 1))
        saved = self.call("saveColumnMapping", "a.maker")
        self.call("saveColumnMapping", "a.maker", 428)
        self.call("getColumnMapping", "audit.one")
        self.call("previewColumnMapping", "a.maker", headers={"Column-Mapping": "saved"})
        self.call("withdrawColumnMapping", "a.maker", etag=saved["version"])
        self.call("uploadSubmission", "a.maker", 409, headers={"Column-Mapping": "saved"}, **month)
        rows = [harness.row(n, h1="7" if n == 3 else "1", h2="9" if n % 2 else "0") for n in range(10)]
        acknowledged = self.call("uploadSubmission", "a.maker", 202, example=harness.csv_bytes(rows), **month)
        self.wait("a.maker", acknowledged["job"])
        self.call("uploadSubmission", "a.maker", 200, example=harness.csv_bytes(rows), **month)
        one = {"submission": acknowledged["submission"]}
        self.call("listSubmissions", "e.one", **month)
        self.call("listFindings", "a.maker", query="?limit=3", **one)
        self.call("listFindings", "e.one", query="?rule=P08", **one)
        self.call("summariseFindings", "e.one", **one)
        self.call("listDifferences", "e.one", **one)
        self.call("summariseDifferences", "a.maker", **one)
        path = f"/v1/providers/RXA/submissions/{acknowledged['submission']}"
        self.wait_until(lambda: self.person("a.maker").get(path)["evaluation"] >= 1, what="the evaluation")
        self.assertTrue(self.call("askFindings", "e.one", query="?limit=2&cluster=04")["items"])
        for query in ("group=rule&from=2012-04&to=2012-05", "group=practice&provider=RXA&month=2012-04&limit=1"):
            self.assertTrue(self.call("askFindingSums", "e.one", query="?" + query)["items"])
        self.assertTrue(self.call("askFindingTrend", "audit.one")["items"])
        asked = self.call("askExport", "e.one")
        self.wait("e.one", asked["job"])
        self.call("listExports", "e.one")
        self.assertEqual(self.call("getExport", "e.one", export=asked["export"])["state"], "done")
        self.call("getExportFile", "e.one", export=asked["export"])
        self.call("askFixIt", "a.maker", headers={"Reading-Key": "00112233445566778899aabbccddeeff" * 2}, **one)
        key = self.call("listKeys", None)["items"][0]["key"]  # there since the first receipt was signed
        for form in ("json", "pem", "minisign"):
            self.call("getKey", None, key=key, query=f"?format={form}")
        for operation in ("getReceipt", "getReceiptSignature", "getReceiptMinisig"):
            self.call(operation, "a.maker", **one)
        short = self.call("uploadSubmission", "a.maker", 202, example=harness.csv_bytes(rows[:5]), **month,
                          headers={"Row-Count": "10"})
        self.wait("a.maker", short["job"])
        confirmed = self.call("confirmSubmission", "a.maker", submission=short["submission"])
        self.wait("a.maker", confirmed["job"])
        self.call("confirmSubmission", "a.maker", 409, submission=short["submission"])

    def identifiers(self):
        self.service.organisation("XCE", "controlled", "Controlled environment")
        self.service.person("reader.one", "XCE", "Reader")
        self.service.token("reader.one")
        self.service.appoint_auditor("XCE", "RXA")
        key = {"Reading-Key": "0123456789abcdeffedcba98765432100a1b2c3d4e5f60718293a4b5c6d7e8f9"}
        listed = self.call("listSubmissions", "a.maker", month="2012-04")["items"]
        accepted = next(s for s in listed if s["state"] == "accepted" and s["rows"] > 5)
        asked = self.call("askIdentifiers", "reader.one", submission=accepted["submission"], headers=key)
        one = {"reading": asked["reading"]}
        self.wait_until(lambda: self.call("getReading", "a.maker", **one)["state"] == "ready", what="the answer")
        self.call("releaseIdentifiers", "reader.one", headers=key, **one)
        self.call("listReadings", "audit.one")

    def indicators(self):
        for operation in ("getIndicators", "getIndicatorTrend", "compareIndicators", "getReadiness"):
            self.call(operation, "e.one", query="?month=2012-04")
            self.call(operation, "audit.one", query="?month=2012-03")
            self.call(operation, "a.maker", 400)
        self.call("getReadiness", "a.maker", query="?month=2012-04", headers={"Accept": "text/plain"})
        for operation in ("getPeerConsent", "givePeerConsent", "getPeerConsent", "withdrawPeerConsent"):
            self.call(operation, "a.maker")
        self.call("listRowsWithoutContract", "a.maker", month="2012-04")

    def settlement(self, path):
        account = path | {"commissioner": "5QE"}
        asked = self.call("requestRun", "e.one", **account)
        self.wait("a.maker", asked["job"])
        self.service.set_clock("2012-06-11T09:00:00Z")
        asked = self.call("requestRun", "a.maker", example={"month": "2012-04", "type": "FREEZE"}, **account)
        self.wait("a.maker", asked["job"])
        self.call("listRuns", "audit.one", **account)
        run = self.call("getRun", "e.one", run=asked["run"])
        self.call("getPosition", "e.one", run=run["id"])
        self.call("getRunBridge", "e.one", run=run["id"])
        self.call("getAccount", "e.one", **account)
        self.call("listStopped", "operator.one")
        self.call("listRunLines", "audit.one", run=run["id"])
        self.call("listRunLineRows", "a.maker", run=run["id"], n=1)
        self.call("listDocuments", "a.maker", query="?state=draft")
        self.call("listDocuments", "audit.one", query="?as_known_on=2012-06-10")
        document = self.call("getDocument", "a.maker", document=run["document"])
        proposed = self.call("proposeDocument", "a.maker", document=document["id"], etag=document["revision"])
        self.call("issueDocument", "a.checker", document=document["id"], etag=proposed["revision"])
        drafted = self.call("draftInstalments", "a.maker", contract=account["contract"])
        self.wait("a.maker", drafted["job"])
        statement = self.call("listStatements", "e.one", **account)["items"][0]
        settled = self.person("e.one").get(f"/v1/providers/RXA/statements/{statement['id']}")["submissions"][0]
        self.call("proveRow", "e.one", submission=settled["submission"], row=1)
        example = {"submission": settled["submission"], "row": 1, "reason": "The patient has asked for it"}
        for operation in ("refuseErasure", "approveErasure"):
            asked = self.call("askErasure", "a.maker", example=example)
            decided = self.call(operation, "a.checker", erasure=asked["erasure"])
        self.call("listErasures", "audit.one")
        self.wait("a.maker", decided["job"])
        self.call("getErasure", "a.maker", erasure=decided["erasure"])
        for operation in ("getStatement", "getStatementSignature", "getStatementMinisig"):
            self.call(operation, "audit.one", statement=statement["id"])
        self.call("askBundle", "e.one", statement=statement["id"])
        self.call("askAuditTrail", "e.one")
        self.samples(statement["id"])

    def samples(self, statement):
        sample = self.call("promiseSample", "audit.one", statement=statement)["sample"]
        auditor = self.person("audit.one")
        self.wait_until(lambda: any(
            e["leaf"] < auditor.get("/v1/log/checkpoints?limit=1")["items"][0]["size"]
            for e in auditor.get(f"/v1/log/entries?kind=sample&subject={sample}")["items"]), what="its checkpoint")
        self.wait("audit.one", self.call("revealSample", "audit.one", sample=sample)["job"])
        self.assertEqual(self.call("getSample", "e.one", sample=sample)["state"], "drawn")
        self.call("listSamples", "e.one")
        self.call("listSampleRows", "a.maker", sample=sample)
        self.call("rateSample", "audit.one", sample=sample)
        self.wait("audit.one", self.call("closeSample", "audit.one", sample=sample)["job"])
        for person in ("audit.one", "e.one"):
            self.call("getSampleResult", person, sample=sample)
        self.call("askSampleBundle", "audit.one", sample=sample)

    def certificates(self, path):
        self.wait_until(lambda: self.person("e.one").get(
            f"/v1/providers/RXA/contracts/{path['contract']}/certificates")["items"], what="the certificate")
        self.call("listCertificates", "e.one", **path)
        for operation in ("getCertificate", "getCertificateSignature", "getCertificateMinisig"):
            self.call(operation, "audit.one", month="2012-04", **path)

    def log(self):
        self.call("getNewestCheckpoint", None)
        newest = self.call("listCheckpoints", None, query="?limit=1")["items"][0]
        self.call("getCheckpoint", None, size=newest["size"])
        entries = self.call("listLogEntries", "audit.one", query="?kind=statement&limit=1")["items"]
        proof = self.call("getInclusionProof", None, query=f"?leaf={entries[0]['leaf']}&size={newest['size']}")
        self.assertEqual(proof["size"], newest["size"])
        self.call("getConsistencyProof", None, query=f"?from=1&size={newest['size']}")
        self.call("addKeeper", "audit.one")
        self.call("listKeepers", "e.one")
        self.call("cosignCheckpoint", "audit.one", 409, size=newest["size"])
        self.cosign()

    def cosign(self):
        """With a key and a checkpoint of the keeper's own."""
        with tempfile.TemporaryDirectory() as folder:
            def command(*arguments):
                return subprocess.run([str(harness.BUILD / "reckoner"), "log", *arguments], cwd=folder, check=True,
                                      capture_output=True, text=True).stdout.rstrip("\n")
            for name, content in (("note", self.call("getNewestCheckpoint", None)),
                                  ("pem", self.call("listKeys", None)["items"][0]["pem"].encode())):
                (pathlib.Path(folder) / name).write_bytes(content)
            command("keep", "state", "--checkpoint", "note", "--key", "pem")
            size = int((pathlib.Path(folder) / "note").read_text(encoding="utf-8").split("\n")[1])
            self.call("addKeeper", "audit.one",
                      example={"verifier_key": command("keygen", "audit.example/2", "--out", "key")})
            line = command("cosign", "state", "--name", "audit.example/2", "--key", "key")
            self.call("cosignCheckpoint", "audit.one", size=size, example={"line": line})

    def exceptions_and_achievements(self, path):
        asked = self.call("askException", "a.author", **path)
        one = path | {"month": asked["month"], "n": asked["n"]}
        self.call("decideException", "e.one", **one)
        self.call("getException", "audit.one", **one)
        self.call("listExceptions", "a.author", **path)
        account = path | {"commissioner": "5QE"}
        proposed = self.call("proposeAchievement", "a.maker", **account)
        one = account | {"indicator": proposed["indicator"], "n": proposed["n"]}
        self.call("disputeAchievement", "e.one", **one)
        self.call("agreeAchievement", "e.two", **one)
        self.call("getAchievement", "e.one", **one)
        self.call("listAchievements", "audit.one", **account)

    def calculations(self, path):
        """Each kind of answer against its schema."""
        runs = [r for r in self.person("a.maker").get(
            f"/v1/providers/RXA/contracts/{path['contract']}/accounts/5QE/runs")["items"] if r["state"] == "done"]
        bodies = (None,
                  {"kind": "bridge", "commissioner": "5QE", "older": {"run": runs[0]["id"]},
                   "newer": {"run": runs[0]["id"], "month": runs[0]["month"]}},
                  {"kind": "what_if", "commissioner": "5QE", "to": "2012-04", "terms": harness.simple_terms(
                      prices=[{"cluster": "04", "basis": "DAY", "pence": 700}])})
        known = {"kind": "position", "commissioner": "5QE", "month": "2012-04", "as_known_on": "2012-06-10"}
        for person, body in [("e.one", body) for body in bodies] + [("audit.one", known)]:
            asked = self.call("askCalculation", person, example=body, **path)
            self.wait("a.maker", asked["job"])
            answer = self.call("getCalculation", "audit.one", calculation=asked["calculation"], **path)
            self.assertEqual(answer["state"], "done", answer)
        self.call("listCalculations", "a.maker", query="?kind=forecast&limit=1", **path)
        self.call("computeCostNeutralPrices", "e.one", **path)
        self.call("enterPrice", "a.author", **path)
        self.call("listPriceTrack", "audit.one", query="?cluster=04", **path)

    def agreements(self, account):
        self.call("imposeWithhold", "e.one", **account)
        self.call("listWithholds", "audit.one", **account)
        numbers = []
        for body in ({"kind": "adjustment", "month": "2012-06", "pence": -125000, "label": "Crisis line"},
                     {"kind": "opening_entry", "number": "INV 7", "issued_on": "2012-04-30", "pence": 1},
                     {"kind": "month_without_activity", "month": "2012-12", "counts_as": "estimate"},
                     {"kind": "withhold_decision", "month": "2012-06", "withhold": "quality", "decision": "kept",
                      "pence": 5}):
            numbers.append(self.call("proposeAgreement", "a.maker", example=body, **account)["n"])
        self.call("agreeAgreement", "e.one", n=numbers[0], **account)
        self.call("refuseAgreement", "e.one", n=numbers[1], **account)
        self.call("withdrawAgreement", "a.author", n=numbers[2], **account)
        self.call("agreeAgreement", "e.one", n=numbers[3], **account)
        self.call("proposeAgreement", "e.one", **account,
                  example={"kind": "adjustment", "reverses": numbers[0], "label": "Not so"})
        self.call("getAgreement", "audit.one", n=numbers[0], **account)
        self.call("listAgreements", "e.one", query="?kind=adjustment&limit=1", **account)

    def reattributions(self, account):
        """A contract with another commissioner is made first; its terms need not be agreed yet."""
        client = self.person("a.maker")
        client.post("/v1/providers/RXA/contracts", {"financial_year": 2012, "mode": "live", "title": "Fenwick",
                                                    "commissioners": ["5QF"], "coordinator": "5QF"})
        row = self.value("SELECT e.episode_id FROM reckoner.episode e JOIN reckoner.submission s ON s.no = e.submission"
                         " WHERE s.month = '2012-04-01' AND e.commissioner = '5QE' ORDER BY s.version DESC, 1 LIMIT 1")
        body = {"month": "2012-04", "from": account["commissioner"], "to": "5QF", "rows": [row],
                "reason": "of Fenwick's"}
        for verb, person in (("refuse", "f.one"), ("withdraw", "a.author"), ("agree", "f.one")):
            n = self.call("proposeReattribution", "a.maker", example=body)["n"]
            self.call(verb + "Reattribution", person, n=n)
            self.call("getReattribution", person, n=n)
        self.call("listReattributionRows", "a.maker", n=n)
        self.call("listReattributions", "audit.one", query="?limit=1")

    def challenges(self, account):
        raised = self.call("raiseChallenge", "e.one", **account)
        one = account | {"n": raised["number"]}
        rows = self.call("listChallengeRows", "a.maker", **one)["items"]
        self.assertEqual(len(rows), raised["rows"])
        self.call("withdrawChallenge", "e.two", **one)
        body = {"month": "2012-04", "rows": [{"episode_id": row["episode_id"]} for row in rows[:2]],
                "counter": {"not_payable": True}, "reason": "duplicate", "claimed_pence": 5, "evidence": "seen twice"}
        self.assertGreater(len(rows), 1)
        for operation, more in (("rejectChallenge", {}), ("splitChallenge", {
                "example": {"rows": [rows[0]["episode_id"]], "reason": "the other one is right"}}),
                                ("acceptChallenge", {})):
            number = self.call("raiseChallenge", "e.one", example=body, **account)["number"]
            self.call(operation, "a.maker", n=number, **more, **account)
        self.call("getChallenge", "audit.one", **one)
        self.call("listChallenges", "a.maker", query="?state=open", **account)
        self.call("listChallengeOutcomes", "e.one")

    def refusals(self, path):
        """Who is not named may not call, and what is another organisation's is not there."""
        people = {"provider": "a.author", "commissioner": "e.one", "auditor": "audit.one", "operator": "operator.one",
                  "controlled": "reader.one"}
        values = {"provider": "RXA", "organisation": "RXA", "commissioner": "5QE", "version": 1, "n": 1,
                  "month": "2012-04", "indicator": "x", "key": "0" * 16} | path
        for method, template, operation in operations():
            names = {name: values.get(name, "bcdfghjklmnpqrstvwxz") for name in re.findall(r"{(\w+)}", template)}
            for role, person in people.items():
                if not operation["x-roles"] or role in operation["x-roles"]:
                    continue
                with self.subTest(operation=operation["operationId"], role=role):
                    content = next(iter(operation.get("requestBody", {}).get("content", {})), None)
                    reply = self.person(person).send(method, template.format(**names), b"{}" if content else None,
                                                     {"If-Match": '"1"', "Content-Type": content})
                    self.assertProblem(reply, 403, "forbidden")
        failed = self.value("INSERT INTO reckoner.job (provider, id, kind, subject, state, problem) VALUES ('RXA', "
                            "'fffffffffffffffffff' || 'f', 'resettle', 'nothing', 'failed', 'for a test') RETURNING id")
        self.call("retryJob", "operator.one", job=failed)
        for operation, person, more in (("getContract", "f.one", path), ("listTerms", "b.author", path),
                                        ("listRuns", "f.one", path | {"commissioner": "5QE"})):
            self.call(operation, person, 404, **more)


if __name__ == "__main__":
    harness.main()
