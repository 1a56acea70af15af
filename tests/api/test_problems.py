"""Every code of api/errors.tsv is produced by a request: a code without a way to meet it has no place in the registry,
and a new code needs its request here."""

import signal
import socket
import time
import unittest
import urllib.request

import harness
import raw

REGISTRY = {line.split("\t")[0]: int(line.split("\t")[1])
            for line in (harness.ROOT / "api/errors.tsv").read_text(encoding="utf-8").splitlines()[1:]
            if not line.startswith("#")}
NEW_ORGANISATION = {"code": "5QZ", "kind": "commissioner", "name": "New", "live_from": "2001-04-01"}
CONTRACT = {"financial_year": 2012, "mode": "live", "title": "Title", "commissioners": ["5QE"], "coordinator": "5QE"}


class EveryProblem(harness.ServiceCase):
    settings = {"max_upload_bytes": 100_000, "idle_timeout_seconds": 5, "max_uploads": 2,
                "worker_poll_ms": 100, "rehearsals_per_day": 1, "exports_per_day": 1, "calculations_per_day": 1}

    def test_every_code_of_the_registry(self):
        self.trust, self.other = self.as_person("a.author"), self.as_person("a.maker")
        self.checker, self.commissioner = self.as_person("a.checker"), self.as_person("e.one")
        self.operator = self.as_person("operator.one")
        makers = {name.removeprefix("meet_"): getattr(self, name) for name in dir(self) if name.startswith("meet_")}
        self.assertEqual(set(makers), set(REGISTRY))
        last = ["internal", "database_away", "shutting_down"]  # these disturb the service
        for code in [code for code in REGISTRY if code not in last] + last:
            with self.subTest(code=code):
                self.assertProblem(makers[code](), REGISTRY[code], code)

    # The request

    def meet_unauthenticated(self):
        return self.as_person(None).send("GET", "/v1/me")

    def meet_forbidden(self):
        return self.trust.send("POST", "/v1/organisations", NEW_ORGANISATION)

    def meet_not_found(self):
        return self.trust.send("GET", "/v1/providers/RXA/contracts/bcdfghjklmnpqrstvwxz")

    def meet_method_not_allowed(self):
        return self.trust.send("DELETE", "/v1/me")

    def meet_not_acceptable(self):
        self.send([harness.row(1)])
        key = self.trust.get("/v1/keys")["items"][0]["key"]
        return self.trust.send("GET", f"/v1/keys/{key}", headers={"Accept": "image/png"})

    def meet_length_required(self):
        with socket.create_connection(("127.0.0.1", self.service.port), timeout=30) as bare:
            bare.sendall(f"POST /v1/organisations HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
                         f"Idempotency-Key: k\r\nAuthorization: Bearer {self.service.tokens['operator.one']}\r\n\r\n"
                         .encode())
            return raw.parse_answer(bare)

    def meet_body_too_large(self):
        return self.trust.send("POST", "/v1/providers/RXA/months/2012-04/submissions", b"x" * 100_001,
                               {"Content-Type": "text/csv"})

    def meet_too_many_rehearsals(self):
        for _ in range(2):
            reply = self.trust.send("POST", "/v1/providers/RXA/months/2012-04/rehearsals",
                                    harness.csv_bytes([harness.row(1)]), {"Content-Type": "text/csv"})
        return reply

    def meet_erased(self):
        submission = self.send([harness.row(1), harness.row(2)])["submission"]
        path, body = "/v1/providers/RXA/erasures", {"submission": submission, "row": 1, "reason": "The patient asked"}
        asked = self.other.post(path, body)
        approved = self.checker.post(f"{path}/{asked['erasure']}/approve")
        self.other.wait_for_job("RXA", approved["job"])
        return self.other.send("POST", path, body)

    def meet_too_many_exports(self):
        for _ in range(2):
            reply = self.trust.send("POST", "/v1/providers/RXA/exports",
                                    {"format": "csv", "from": "2012-04", "to": "2012-04"})
        return reply

    def meet_too_many_calculations(self):
        path = self.contract(2035)
        for _ in range(2):
            reply = self.trust.send("POST", path + "/calculations",
                                    {"kind": "forecast", "commissioner": "5QE", "to": "2035-04"})
        return reply

    def meet_unsupported_media_type(self):
        return self.operator.send("POST", "/v1/organisations", b"<a/>", {"Content-Type": "text/xml"})

    def meet_malformed_json(self):
        return self.operator.send("POST", "/v1/organisations", NEW_ORGANISATION | {"colour": "red"})

    def meet_bad_parameter(self):
        return self.trust.send("GET", "/v1/organisations?limit=0")

    def meet_identifying_text(self):
        reply = self.operator.send("POST", "/v1/organisations", NEW_ORGANISATION | {"name": "Ward of 999 000 0018"})
        self.assertEqual(reply.json()["field"], "/name")
        return reply

    def meet_text_withheld(self):
        """The entry refuses such a name: it takes the database's owner to have one."""
        self.query("UPDATE reckoner.organisation SET name = 'Ward of 999-000-0018' WHERE code = 'RXB'")
        try:
            reply = self.trust.send("GET", "/v1/organisations/RXB")
            self.assertNotIn(b"0018", reply.body)
            return reply
        finally:
            self.query("UPDATE reckoner.organisation SET name = 'Birch' WHERE code = 'RXB'")

    # Repeating and changing

    def meet_idempotency_key_required(self):
        return self.operator.send("POST", "/v1/organisations", NEW_ORGANISATION, {"Idempotency-Key": None})

    def meet_idempotency_conflict(self):
        for name in ("One", "Two"):
            reply = self.operator.send("POST", "/v1/organisations", NEW_ORGANISATION | {"name": name},
                                       {"Idempotency-Key": "conflicting"})
        return reply

    def meet_idempotency_in_progress(self):
        with raw.RawUpload(self.service.url, self.service.tokens["a.author"], "RXA", "2012-04", length=5000,
                           key="in-progress") as upload:
            upload.piece(b"x" * 100)
            time.sleep(0.5)
            return self.trust.send("POST", "/v1/providers/RXA/months/2012-04/submissions",
                                   harness.csv_bytes([harness.row(1)]),
                                   {"Content-Type": "text/csv", "Idempotency-Key": "in-progress"})

    def organisation_change(self, headers):
        return self.operator.send("PUT", "/v1/organisations/XAU", {"name": "Audit", "live_from": "2001-04-01"}, headers)

    def meet_precondition_required(self):
        return self.organisation_change({})

    def meet_precondition_failed(self):
        return self.organisation_change({"If-Match": '"77"'})

    # Agreements

    def meet_unknown_organisation(self):
        return self.trust.send("POST", "/v1/providers/RXA/contracts",
                               CONTRACT | {"commissioners": ["9ZZ"], "coordinator": "9ZZ"})

    def meet_unknown_indicator(self):
        path = self.contract(2031)
        terms = harness.simple_terms(financial_year=2031, effective_from="2031-04")
        draft = self.trust.post(path + "/terms", terms)
        for person in ("a.checker", "e.one"):
            self.as_person(person).post(f"{path}/terms/{draft['version']}/approvals", {"digest": draft["digest"]})
        return self.trust.send("POST", path + "/accounts/5QE/achievements", {
            "indicator": "revews", "numerator": 1, "denominator": 2, "evidence": "Register"})

    def contract(self, year):
        return self.make_contract(self.trust, year=year)

    def meet_invalid_terms(self):
        return self.trust.send("POST", f"{self.contract(2020)}/terms", harness.simple_terms(prices=[]))

    def meet_examples_fail(self):
        path = self.contract(2019)
        terms = harness.simple_terms(financial_year=2019, effective_from="2019-04")
        del terms["examples"]
        draft = self.trust.post(f"{path}/terms", terms)
        return self.checker.send("POST", f"{path}/terms/{draft['version']}/approvals", {"digest": draft["digest"]})

    def meet_terms_defective(self):
        path = self.contract(2018)
        draft = self.trust.post(f"{path}/terms", harness.simple_terms(
            financial_year=2018, effective_from="2018-04", risk_share={"cap": "3%"},
            plan={"lines": [{"cluster": "04", "basis": "DAY", "units": [300] * 12}]}))
        return self.checker.send("POST", f"{path}/terms/{draft['version']}/approvals", {"digest": draft["digest"]})

    def meet_unknown_withhold(self):
        path = self.contract(2016)
        self.agree(terms=harness.simple_terms(financial_year=2016, effective_from="2016-04"), contract=path)
        return self.commissioner.send("POST", path + "/accounts/5QE/withholds",
                                      {"month": "2016-04", "id": "qualty", "reason": "rows were late"})

    def meet_below_materiality(self):
        terms = harness.simple_terms("RXB", "5QF", billing={"method": "actual", "materiality_pence": 500})
        path = self.agree("RXB", "5QF", terms, authors=("b.author", "b.maker", "f.one"))
        self.send([harness.row(1, provider="RXB", commissioner="5QF")], "b.maker", "RXB")
        return self.as_person("f.one").send("POST", path + "/accounts/5QF/challenges", {
            "month": "2012-04", "rows": [{"episode_id": "E1"}], "counter": {"not_payable": True},
            "reason": "duplicate", "claimed_pence": 499, "evidence": "seen twice"})

    def meet_conflict(self):
        self.contract(2021)
        return self.trust.send("POST", "/v1/providers/RXA/contracts", CONTRACT | {"financial_year": 2021})

    def meet_same_person(self):
        path = self.contract(2022)
        draft = self.trust.post(f"{path}/terms", harness.simple_terms(financial_year=2022, effective_from="2022-04"))
        return self.trust.send("POST", f"{path}/terms/{draft['version']}/approvals", {"digest": draft["digest"]})

    # The month

    def meet_month_not_begun(self):
        return self.trust.send("POST", "/v1/providers/RXA/months/2012-12/submissions",
                               harness.csv_bytes([harness.row(1, "2012-12")]), {"Content-Type": "text/csv"})

    def settled(self):
        """A contract whose April is frozen and has a draft; made once. Returns its account."""
        if not hasattr(self, "account"):
            self.account = self.agree() + "/accounts/5QE"
            self.send([harness.row(n) for n in range(20)])
        return self.account

    def meet_run_too_early(self):
        return self.other.send("POST", f"{self.settled()}/runs", {"month": "2012-04", "type": "FREEZE"})

    def draft(self):
        """The draft of April's FREEZE: (address, ETag)."""
        self.service.set_clock("2012-06-11T09:00:00Z")
        if not hasattr(self, "document"):
            asked = self.other.post(f"{self.settled()}/runs", {"month": "2012-04", "type": "FREEZE"})
            self.other.wait_for_job("RXA", asked["job"])
            run = self.other.get(f"/v1/providers/RXA/runs/{asked['run']}")
            self.document = f"/v1/providers/RXA/documents/{run['document']}"
        return self.document, self.other.send("GET", self.document).headers["ETag"]

    def meet_not_proposed(self):
        document, etag = self.draft()
        return self.checker.send("POST", f"{document}/issue", headers={"If-Match": etag})

    def meet_stale_draft(self):
        """Something is billed behind the draft's back: what no run of ours does, so it takes the database's owner."""
        document, etag = self.draft()
        self.other.send("POST", f"{document}/proposal", headers={"If-Match": etag})
        self.query("SET session_replication_role = replica; "
                   "UPDATE reckoner.document SET billed_pence = billed_pence + 1, balance_pence = balance_pence - 1 "
                   "WHERE state = 'proposed'")
        document, etag = self.draft()
        return self.checker.send("POST", f"{document}/issue", headers={"If-Match": etag})

    def meet_not_vouched(self):
        """A worker has found that the database was restored."""
        document, etag = self.draft()
        self.other.send("POST", f"{document}/proposal", headers={"If-Match": etag})
        document, etag = self.draft()
        self.query("UPDATE reckoner.log_vouch SET stopped = 'restored', stopped_at = now()")
        reply = self.checker.send("POST", f"{document}/issue", headers={"If-Match": etag})
        self.query("UPDATE reckoner.log_vouch SET stopped = NULL, stopped_at = NULL")
        return reply

    def meet_no_successor(self):
        document, etag = self.draft()
        self.other.send("POST", f"{document}/proposal", headers={"If-Match": etag})
        document, etag = self.draft()
        self.query("UPDATE reckoner.organisation SET live_to = '2012-05-01' WHERE code = '5QE'")
        reply = self.checker.send("POST", f"{document}/issue", headers={"If-Match": etag})
        self.query("UPDATE reckoner.organisation SET live_to = NULL WHERE code = '5QE'")
        return reply

    def meet_submission_window_closed(self):
        self.settled()
        self.service.set_clock("2012-06-11T09:00:00Z")
        return self.other.send("POST", "/v1/providers/RXA/months/2012-04/submissions",
                               harness.csv_bytes([harness.row(n) for n in range(21)]), {"Content-Type": "text/csv"})

    def meet_upload_given_up(self):
        """The upload's time runs out in the database while its connection is still open."""
        data = harness.csv_bytes([harness.row(n, "2012-05") for n in range(30)])
        with raw.RawUpload(self.service.url, self.service.tokens["a.author"], "RXA", "2012-05",
                           length=len(data)) as upload:
            upload.piece(data[:1000])
            self.wait_until(lambda: self.value("SELECT count(*) FROM reckoner.submission WHERE state = 'receiving'")
                            != "0", what="a begun upload")
            self.query("DELETE FROM reckoner.submission WHERE state = 'receiving'")
            upload.piece(data[1000:])
            return raw.parse_answer(upload.socket)

    # The service

    def meet_overloaded(self):
        """One upload more than there are places for."""
        def begun():
            upload = raw.RawUpload(self.service.url, self.service.tokens["a.author"], "RXA", "2012-05", length=5000)
            upload.piece(b"x" * 100)
            return upload
        # A place that an earlier upload still holds would be free again when it matters.
        self.wait_until(lambda: self.uploads_open() == 0, what="the end of earlier uploads")
        with begun(), begun():
            self.wait_until(lambda: self.uploads_open() == 2, what="two begun uploads")
            with begun() as upload:
                return raw.parse_answer(upload.socket)

    def uploads_open(self):
        with urllib.request.urlopen(self.service.local_url + "/metrics", timeout=10) as answer:
            return next(int(line.split()[1]) for line in answer.read().decode().splitlines()
                        if line.startswith("reckoner_http_uploads_open "))

    def meet_internal(self):
        """A column is gone: a fault that no request can cause."""
        self.query("ALTER TABLE reckoner.person RENAME COLUMN name TO gone")
        try:
            return self.trust.send("GET", "/v1/me")
        finally:
            self.query("ALTER TABLE reckoner.person RENAME COLUMN gone TO name")

    def meet_database_away(self):
        self.query("ALTER DATABASE reckoner ALLOW_CONNECTIONS false; SELECT pg_terminate_backend(pid) "
                   "FROM pg_stat_activity WHERE datname = 'reckoner'", database="postgres")
        try:
            return self.trust.send("GET", "/v1/me")
        finally:
            self.query("ALTER DATABASE reckoner ALLOW_CONNECTIONS true", database="postgres")

    def meet_shutting_down(self):
        """An upload keeps the draining service alive; the other connection was open before."""
        data = harness.csv_bytes([harness.row(n, "2012-05") for n in range(30)])
        self.wait_until(lambda: self.trust.send("GET", "/v1/me").status == 200, what="the database")
        token = self.service.tokens["a.maker"]
        with raw.RawUpload(self.service.url, token, "RXA", "2012-05", length=len(data)) as upload:
            upload.piece(data[:1000])
            time.sleep(0.5)
            self.service.daemon.send_signal(signal.SIGTERM)
            time.sleep(0.5)
            reply = self.trust.send("GET", "/v1/me")
            upload.piece(data[1000:])
            self.assertEqual(upload.answer()[0], 202)
            return reply


if __name__ == "__main__":
    unittest.main()
