"""Every resource of one account, asked for by everybody who is not a party to it: what is not theirs does not exist,
in the same words as what was never made. The addresses come from the route table, so that a new route is held to it."""

import pathlib
import re
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))

import harness  # noqa: E402

READING_KEY = "0123456789abcdeffedcba98765432100a1b2c3d4e5f60718293a4b5c6d7e8f9"
# What only a controlled environment may call; tests/api/test_identifiers.py has them.
CONTROLLED = ("askIdentifiers", "releaseIdentifiers")
UPLOADS = ("uploadSubmission", "rehearseSubmission", "previewColumnMapping")
# What only the organisation that made it may fetch, or that needs a header of its own; its own tests have it.
PRIVATE = CONTROLLED + ("getExportFile",)
QUERIES = {name: "?month=2012-04" for name in ("getIndicators", "getIndicatorTrend", "compareIndicators",
                                               "getReadiness", "getCheckFile")}
MAPPING = {"columns": {"RiO Number": "patient_id"}}
MADE_UP = "bcdfghjklmnpqrstvwxz"
BODIES = {
    "draftTerms": harness.simple_terms(), "replaceTerms": harness.simple_terms(), "approveTerms": {"digest": "0" * 64},
    "askException": {"month": "2012-04", "reason": "rows were late"}, "decideException": {"decision": "refused"},
    "proposeAchievement": {"indicator": "Q", "numerator": 1, "denominator": 2, "evidence": "none"},
    "disputeAchievement": {"numerator": 0, "denominator": 2, "evidence": "none"},
    "raiseChallenge": {"month": "2012-04", "rows": [{"episode_id": "E1"}], "counter": {"not_payable": True},
                       "reason": "duplicate", "claimed_pence": 1, "evidence": "seen twice"},
    "rejectChallenge": {"reason": "none of ours"}, "splitChallenge": {"rows": ["E1"], "reason": "none of ours"},
    "proposeAgreement": {"kind": "adjustment", "month": "2012-04", "pence": 1, "label": "none"},
    "refuseAgreement": {"reason": "none of ours"},
    "proposeReattribution": {"month": "2012-04", "from": "5QE", "to": "5QG", "rows": ["E2"], "reason": "none of ours"},
    "refuseReattribution": {"reason": "none of ours"},
    "imposeWithhold": {"month": "2012-04", "id": "quality", "reason": "none of ours"},
    "askCalculation": {"kind": "forecast", "commissioner": "5QE", "to": "2012-04"},
    "computeCostNeutralPrices": {"contract_value_pence": 1, "lines": [{"cluster": "04", "caseload": 1, "rri": "1"}]},
    "enterPrice": {"cluster": "04", "basis": "DAY", "stage": "first_cut", "pence": 1, "source": "none of ours",
                   "confidence": "low"},
    "requestRun": {"month": "2012-04", "type": "PREVIEW"},
    "askExport": {"format": "csv", "from": "2012-04", "to": "2012-04"}, "askFixIt": {"rows": "all"},
    "askAuditTrail": {"after": 0},
    "saveColumnMapping": MAPPING,
    "askIdentifiers": {"rows": [1], "purpose": "a test of strangers"},
    "createContract": {"financial_year": 2012, "mode": "live", "title": "t", "commissioners": ["5QF"],
                       "coordinator": "5QF"}}


def routes():
    """(method, path, operation) of every route of the table that hangs under a provider."""
    text = "".join((harness.ROOT / "server/routes" / name).read_text()
                   for name in ("table.c", "table_reattributions.inc"))
    for name, value in reversed(re.findall(r'#define (\w+)\s+((?:\w+ )?"[^"]*"(?: "[^"]*")*|\w+ "[^"]*")', text)):
        text = re.sub(rf"(\.path = |#define \w+\s+){name}\b", lambda m, value=value: m.group(1) + value, text)
    for method, path, operation in re.findall(
            r'\.method = "(\w+)",\s*\.path = ([^,]+),\s*\.operation = "(\w+)"', text):
        joined = "".join(re.findall(r'"([^"]*)"', path))
        if joined.startswith("/v1/providers/"):
            yield method, joined, operation


class Strangers(harness.ServiceCase):
    clients = {}
    settings = {"worker_poll_ms": 50}  # months are certified each sixty looks for work

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.ours = cls.agree(terms=harness.simple_terms(cquin={
            "rate": "2.5%", "on_account": "100%", "indicators": [
                {"id": "Q", "label": "Quality", "weight": "100%", "measure": "step",
                 "thresholds": [{"at": "80%", "earns": "100%"}]}]}))
        cls.theirs = cls.agree("RXB", "5QF", authors=("b.author", "b.maker", "f.one"))
        sent = cls.send([harness.row(n) for n in range(12)])
        client = cls.as_person("a.maker")
        client.post(cls.ours + "/exceptions", {"month": "2012-04", "reason": "rows were late"})
        client.post(cls.ours + "/accounts/5QE/achievements", BODIES["proposeAchievement"])
        client.post(cls.ours + "/accounts/5QE/agreements", BODIES["proposeAgreement"])
        cls.as_person("e.one").post(cls.ours + "/accounts/5QE/challenges", BODIES["raiseChallenge"])
        cls.service.organisation("5QG", "commissioner", "Gainford PCT")
        client.post("/v1/providers/RXA/contracts", {"financial_year": 2012, "mode": "live", "title": "Gainford",
                                                    "commissioners": ["5QG"], "coordinator": "5QG"})
        client.post("/v1/providers/RXA/reattributions", BODIES["proposeReattribution"])
        cls.service.set_clock("2012-06-11T09:00:00Z")
        asked = client.post(cls.ours + "/accounts/5QE/runs", {"month": "2012-04", "type": "FREEZE"})
        client.wait_for_job("RXA", asked["job"])
        run = client.get(f"/v1/providers/RXA/runs/{asked['run']}")
        for code, person in (("XCE", "reader.one"), ("XCF", "reader.far")):
            cls.service.organisation(code, "controlled", "Controlled environment")
            cls.service.person(person, code, person)
            cls.service.token(person)
        cls.service.appoint_auditor("XCE", "RXA")
        reader, key = cls.as_person("reader.one"), {"Reading-Key": READING_KEY}
        reading = reader.post(f"/v1/providers/RXA/submissions/{sent['submission']}/identifiers",
                              BODIES["askIdentifiers"], key)["reading"]
        export = client.post("/v1/providers/RXA/exports", BODIES["askExport"])
        client.wait_for_job("RXA", export["job"])
        rehearsed = client.send("POST", "/v1/providers/RXA/months/2012-04/rehearsals",
                                harness.csv_bytes([harness.row(1)]), {"Content-Type": "text/csv"}).json()
        client.wait_for_job("RXA", rehearsed["job"])
        client.call("PUT", "/v1/providers/RXA/column-mapping", MAPPING)
        calculated = client.post(cls.ours + "/calculations", BODIES["askCalculation"])
        client.wait_for_job("RXA", calculated["job"])
        cls.wait_until(lambda: client.get(cls.ours + "/certificates")["items"], what="the certificate")
        cls.places = {
            "calculation": calculated["calculation"],
            "export": export["export"], "rehearsal": rehearsed["rehearsal"],
            "reading": reading,
            "provider": "RXA", "contract": cls.ours.rsplit("/", 1)[1], "commissioner": "5QE", "version": "1",
            "month": "2012-04", "n": "1", "indicator": "Q", "submission": sent["submission"], "run": run["id"],
            "document": run["document"], "statement": run["statement"], "job": asked["job"]}

    @classmethod
    def as_person(cls, person):
        """As the harness's, but one connection for each person: these tests ask often."""
        if person not in cls.clients:
            cls.clients[person] = super().as_person(person)
        return cls.clients[person]

    def ask(self, person, method, path, operation):
        headers = {"Content-Type": "text/csv"} if operation in UPLOADS else {}
        if "PUT" == method or "DELETE" == method or operation in ("proposeDocument", "issueDocument"):
            headers["If-Match"] = '"1"'
        if operation == "askFixIt":
            headers["Reading-Key"] = READING_KEY
        body = b"x" if operation in UPLOADS else BODIES.get(operation)
        return self.as_person(person).send(method, path + QUERIES.get(operation, ""), body, headers)

    @staticmethod
    def words(reply):
        return {k: v for k, v in reply.json().items() if k not in ("instance", "request_id")}

    def test_the_table_is_read(self):
        found = list(routes())
        self.assertGreater(len(found), 40)
        self.assertEqual([path for _, path, _ in found if "{" not in path], [])

    def test_a_party_finds_what_strangers_are_asked_for(self):
        """Without this the other tests could pass on addresses that are wrong for everybody."""
        for method, path, operation in routes():
            if method == "GET" and operation not in PRIVATE:
                with self.subTest(operation):
                    self.assertEqual(self.ask("a.maker", method, path.format_map(self.places), operation).status, 200)

    def test_another_provider_and_another_commissioner_find_nothing(self):
        for person in ("b.author", "f.one"):
            for method, path, operation in routes():
                if operation == "createContract":
                    continue
                with self.subTest(operation, person=person):
                    self.refused_alike(person, method, path, operation, self.places)

    def refused_alike(self, person, method, path, operation, places):
        reply = self.ask(person, method, path.format_map(places), operation)
        if reply.status == 200 and method == "GET" and reply.json().get("items") == []:
            self.assertTrue(path.endswith(("/contracts", "/submissions", "/documents", "/readings", "/exports",
                                           "/without-contract", "/stopped", "/challenge-outcomes",
                                           "/reattributions")), path)
            self.assertGreater(len(reply.json()["empty_because"]), 20)
            return
        self.assertIn(reply.status, (403, 404), reply.body[:300])
        made_up = places | {name: MADE_UP for name, value in places.items() if len(value) == 20}
        other = self.ask(person, method, path.format_map(made_up), operation)
        self.assertEqual((other.status, self.words(other)), (reply.status, self.words(reply)))

    def test_an_id_of_another_provider_under_ones_own_path(self):
        for person, places in (("b.author", self.places | {"provider": "RXB"}),
                               ("f.one", self.places | {"provider": "RXB"}),
                               ("f.one", self.places | {"commissioner": "5QF"}),
                               ("a.maker", self.places | {"provider": "RXB"})):
            for method, path, operation in routes():
                # What is named by no id but the caller's own is the caller's own.
                if not re.search(r"\{(?!provider|month)", path):
                    continue
                if "{commissioner}" not in path and places["provider"] == "RXA":
                    continue
                with self.subTest(operation, person=person):
                    self.refused_alike(person, method, path, operation, places)

    def test_the_operator_reads_no_contents(self):
        for method, path, operation in routes():
            if operation in ("getContract", "listContracts", "getJob", "retryJob", "listStopped"):
                continue
            with self.subTest(operation):
                reply = self.ask("operator.one", method, path.format_map(self.places), operation)
                self.assertProblem(reply, 403, "forbidden")

    def test_nobody_without_a_token(self):
        for method, path, operation in routes():
            with self.subTest(operation):
                reply = self.ask(None, method, path.format_map(self.places), operation)
                self.assertProblem(reply, 401, "unauthenticated")

    def test_refused_attempts_are_in_the_audit_trail(self):
        document = self.places["document"]
        place = "/v1/providers/RXA/documents/" + document
        for person, method, path, body, wanted in (
                ("b.author", "POST", place + "/issue", None, ["issueDocument", "not_found", "RXA", document]),
                ("e.one", "POST", place + "/issue", None, ["issueDocument", "forbidden", "RXA", document]),
                ("operator.one", "GET", place, None, ["getDocument", "forbidden", "RXA", document]),
                ("b.author", "POST", "/v1/providers/9990000018/contracts", BODIES["createContract"],
                 ["createContract", "not_found", "", ""])):
            with self.subTest(person=person, path=path):
                key = "refused-" + person.replace(".", "-") + str(len(path))
                reply = self.as_person(person).send(method, path, body, {"If-Match": '"1"', "X-Request-Id": key})
                self.assertIn(reply.status, (403, 404))
                found = self.query("SELECT subject, detail->>'problem', detail->>'provider', detail->>'resource',"
                                   f" act, person FROM reckoner.audit_event WHERE request_id = '{key}'"
                                   " AND act <> 'session.begin'")
                self.assertEqual(found, [[*wanted, "request.refuse", person]])

    def test_refused_tokens_are_counted_in_the_audit_trail(self):
        """One event at once, the others in a later one: who has no token cannot fill the trail."""
        client = self.as_person(None)
        for _ in range(30):
            reply = client.send("GET", "/v1/me", headers={"Authorization": "Bearer " + "x" * 40})
            self.assertProblem(reply, 401, "unauthenticated")
        events = self.query("SELECT person, organisation, detail->>'attempts' FROM reckoner.audit_event"
                            " WHERE act = 'session.refuse'")
        self.assertIn(len(events), (1, 2, 3))
        self.assertEqual(events[0], ["", "", "1"])


if __name__ == "__main__":
    harness.main()
