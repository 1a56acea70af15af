"""What no honest client sends: odd bytes, framing, numbers and nesting. Every answer is a refusal that says why,
nothing takes the service down (the class fails on a sanitizer's report), and it answers the next request."""

import json
import pathlib
import re
import socket
import sys
import urllib.parse

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))

import harness  # noqa: E402

CRLF = b"\r\n"


class Hostile(harness.ServiceCase):
    # A head must be complete within idle_timeout_seconds of its last byte.
    settings = {"idle_timeout_seconds": 2}

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.contract = cls.agree()
        cls.account = cls.contract + "/accounts/5QE"
        cls.submission = cls.send([harness.row(n) for n in range(12)])["submission"]

    def setUp(self):
        self.client = self.as_person("a.maker")

    def tearDown(self):
        """Whatever came before: the service still answers."""
        self.client.close()
        self.assertEqual(self.client.get("/v1/me")["person"], "a.maker")

    def raw(self, text):
        """Sends the bytes as they are and returns all that came back until the service closed the connection."""
        parts = urllib.parse.urlsplit(self.service.url)
        with socket.create_connection((parts.hostname, parts.port), timeout=30) as connection:
            got = b""
            try:
                connection.sendall(text)
                while piece := connection.recv(65536):
                    got += piece
            except (ConnectionResetError, BrokenPipeError):
                pass
            return got

    def statuses(self, answer):
        """The status of every response in an answer of one connection."""
        return [int(status) for status in re.findall(rb"HTTP/1\.[01] (\d{3}) ", answer)]

    def head(self, line, *more, person="a.maker"):
        token = self.service.tokens[person]
        lines = [line.encode(), b"Host: x", b"Authorization: Bearer " + token.encode(),
                 *(m if isinstance(m, bytes) else m.encode() for m in more)]
        return CRLF.join(lines) + CRLF + CRLF

    def assertRefused(self, reply):
        self.assertTrue(400 <= reply.status < 500, (reply.status, reply.body[:300]))
        self.assertIsNotNone(reply.code, reply.body[:300])
        return reply.code

    def assertCalm(self, answer, what=""):
        """Every response is a refusal, or there is none because the connection was cut."""
        for status in self.statuses(answer):
            self.assertTrue(400 <= status < 500, (what, answer[:300]))

    # The body

    def test_json_that_is_none_or_too_much(self):
        bodies = {
            "deep array": b"[" * 200_000, "deep object": b'{"a":' * 100_000, "closed": b"[" * 1000 + b"]" * 1000,
            "nul": b'{"title":"a\\u0000b"}', "raw nul": b'{"title":"a\0b"}', "lone surrogate": b'{"title":"\\ud800"}',
            "latin": b'{"title":"\xe9"}', "overlong": b'{"title":"\xc0\xaf"}',
            "surrogate bytes": b'{"t":"\xed\xa0\x80"}',
            "name nul": b'{"\\u0000":1}', "huge": b'{"financial_year":' + b"9" * 400 + b"}",
            "real": b'{"financial_year":2012.0}', "exponent": b'{"financial_year":2e400}',
            "double": b'{"mode":"live","mode":"shadow"}', "empty": b"", "scalar": b"7", "null": b"null",
            "bom": b"\xef\xbb\xbf{}"}
        for path in ("/v1/providers/RXA/contracts", self.contract + "/terms", self.contract + "/exceptions",
                     self.account + "/runs", self.account + "/achievements"):
            for name, body in bodies.items():
                with self.subTest(path=path, body=name):
                    self.assertRefused(self.client.send("POST", path, body, {"Content-Type": "application/json"}))

    def test_text_that_a_database_cannot_hold_or_measures_otherwise(self):
        texts = ["é" * 5, "\u0007" * 12, "x" * 501, "\U0001f600" * 200, "\ufffe" * 20, "a" * 9]
        for text in texts:
            with self.subTest(reason=text[:12]):
                reply = self.client.send("POST", self.contract + "/exceptions", {"month": "2012-04", "reason": text})
                if reply.status != 201:
                    self.assertEqual(self.assertRefused(reply), "malformed_json")

    def test_numbers_at_the_edge(self):
        client = self.client
        for number in (2**53, 2**63 - 1, 2**63, -1, -2**63):
            with self.subTest(number=number):
                reply = client.send("POST", self.account + "/achievements", {
                    "indicator": "Q", "numerator": 0, "denominator": number, "evidence": "none"})
                self.assertEqual(self.assertRefused(reply), "malformed_json")
        for name in ("Row-Count", "Caseload"):
            for value in ("-1", "2147483648", "9" * 30, "1e3", "0x10", "1,2", " ", "१"):
                with self.subTest(header=name, value=value):
                    reply = client.send("POST", "/v1/providers/RXA/months/2012-04/submissions", b"x", {
                        "Content-Type": "text/csv", name: value.encode()})
                    if value.strip():
                        self.assertEqual(self.assertRefused(reply), "bad_parameter")

    def test_terms_with_amounts_and_names_beyond_reason(self):
        for change in ({"prices": [{"cluster": "04", "basis": "DAY", "pence": 2**53 - 1}]},
                       {"prices": [{"cluster": "04", "basis": "DAY", "pence": 2**63 - 1}]},
                       {"prices": [{"cluster": "04", "basis": "DAY", "pence": -1}]},
                       {"plan": [{"cluster": "04", "basis": "DAY", "units": [2**62] * 12}]},
                       {"\U0001f600": 1}, {"parties": {"\uffff": {}}}, {"parties": {"RXA": {"\ufb00": 1}}},
                       {"prices": [{}] * 50_000}, {"prices": {"04": 1}}, {"calendar": []}):
            with self.subTest(change=str(change)[:60]):
                terms = harness.simple_terms(**change)
                reply = self.client.send("POST", self.contract + "/terms", terms)
                self.assertNotEqual(reply.status, 201, reply.body[:200])
                self.assertRefused(reply)

    # The address

    def test_paths_that_lead_nowhere(self):
        ident = self.submission
        for path in (f"/v1/providers/RXA/submissions/{ident}x",
                     f"/v1/providers/RXA/submissions/{ident}%00",
                     f"/v1/providers/RXA%2Fsubmissions/{ident}",
                     f"/v1/providers/RXA/submissions/../submissions/{ident}",
                     f"/v1/providers/RXA/submissions/{ident.upper()}", f"/v1/providers/rxa/submissions/{ident}",
                     f"/v1/providers/RXA%20/submissions/{ident}", f"/v1/providers//submissions/{ident}",
                     f"/v1/providers/RXA/submissions/{ident}/", "/v1/providers/%ff/contracts/x", "/v1/%zz",
                     "/v1/providers/RXA'--/submissions/" + ident, "/v1/organisations/%0d%0aX-Evil:%201",
                     f"{self.contract}x/accounts/5QE/runs", f"{self.contract}x/accounts/5QE/statements",
                     f"{self.contract}/accounts/5QEXXXXX/runs", f"{self.contract}/accounts/5QE%00/runs",
                     "/v1/providers/RXA/runs/" + "b" * 3000, "/v1" + "/x" * 2000):
            with self.subTest(path=path[:80]):
                self.assertRefused(self.client.send("GET", path))

    def test_queries_that_mean_nothing(self):
        findings = f"/v1/providers/RXA/submissions/{self.submission}/findings"
        page = self.client.get("/v1/organisations?limit=2")["next"]
        for query in ("limit=0", "limit=501", "limit=1&limit=2", "limit=", "limit", "limit=%00",
                      "limit=9" + "9" * 40, "after=" + page, "after=" + page[:-2] + "AA", "after=" + "A" * 500,
                      "after=%ff", "after=", "row=-1", "row=99999999999", "rule=Z99", "severity=error", "x=1",
                      "%00=1", "=", "&" * 100, "row=1%0d%0aX:%201"):
            with self.subTest(query=query[:60]):
                reply = self.client.send("GET", f"{findings}?{query}")
                if query not in ("=", "&" * 100):
                    self.assertEqual(self.assertRefused(reply), "bad_parameter")
                self.assertLess(reply.status, 500)
        self.assertEqual(self.client.send("GET", f"/v1/organisations?limit=2&after={page}").status, 200)
        self.assertRefused(self.client.send("GET", f"/v1/contracts?limit=2&after={page}"))

    # Headers and framing

    def test_no_header_comes_back_as_one_of_ours(self):
        for name in ("X-Request-Id", "Idempotency-Key", "If-Match", "If-None-Match", "Accept", "Content-Type"):
            for value in (b"a\rX-Evil: 1", b"a\x00b", b"\x80\xff", b"1234567890123", b"\"" * 40, b"a" * 4000):
                with self.subTest(name=name, value=value[:12]):
                    answer = self.raw(self.head("POST /v1/providers/RXA/contracts HTTP/1.1",
                                                name.encode() + b": " + value, "Content-Length: 0",
                                                "Connection: close"))
                    self.assertTrue(answer)
                    self.assertNotIn(b"\nX-Evil", answer)
                    self.assertCalm(answer, name)

    def test_framing_that_could_hide_a_request(self):
        hidden = b"GET /v1/me HTTP/1.1\r\nHost: x\r\n\r\n"
        post = "POST /v1/providers/RXA/contracts HTTP/1.1"
        json_type, key = "Content-Type: application/json", "Idempotency-Key: k1"
        for name, text in {
                "length and chunked": self.head(post, json_type, key, "Content-Length: 5",
                                                "Transfer-Encoding: chunked") + b"0\r\n\r\n" + hidden,
                "two lengths": self.head(post, json_type, key, "Content-Length: 2", "Content-Length: 40")
                + b"{}" + hidden,
                "signed length": self.head(post, json_type, key, "Content-Length: +2") + b"{}",
                "negative length": self.head(post, json_type, key, "Content-Length: -2") + b"{}",
                "length in words": self.head(post, json_type, key, "Content-Length: two") + b"{}",
                "length beyond 64 bits": self.head(post, json_type, key, "Content-Length: " + "9" * 25) + b"{}",
                "unknown coding": self.head(post, json_type, key, "Transfer-Encoding: gzip") + b"{}",
                "broken chunk": self.head(post, json_type, key, "Transfer-Encoding: chunked")
                + b"zz\r\n{}\r\n0\r\n\r\n",
                "huge chunk": self.head(post, json_type, key, "Transfer-Encoding: chunked") + b"f" * 20 + b"\r\n{}",
                "blank before colon": self.head(post, json_type, key, "Content-Length : 2") + b"{}",
                "folded header": self.head(post, json_type, "Idempotency-Key: a\r\n b", "Content-Length: 2") + b"{}",
                "no version": b"GET /v1/me\r\n\r\n", "not http": b"\x16\x03\x01\x02\x00\x01\x00" * 20,
                "method of odd bytes": self.head("G\x01T /v1/me HTTP/1.1"),
                "long method": self.head("A" * 3000 + " / HTTP/1.1"),
                "long target": self.head("GET /" + "a" * 40_000 + " HTTP/1.1"),
                "many headers": self.head("GET /v1/me HTTP/1.1", *(f"X-{n}: {n}" for n in range(5000)))}.items():
            with self.subTest(name):
                answer = self.raw(text)
                self.assertNotIn(b'"person"', answer)
                self.assertTrue(all(status >= 400 and status != 500 for status in self.statuses(answer)), answer[:300])

    def test_two_tokens_are_not_a_choice(self):
        """A proxy may look at one Authorization header and we at the other."""
        good, other = self.service.tokens["a.maker"], self.service.tokens["b.maker"]
        answer = self.raw(f"GET /v1/me HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {good}\r\n"
                          f"Authorization: Bearer {other}\r\nConnection: close\r\n\r\n".encode())
        self.assertEqual(self.statuses(answer), [401], answer)

    def test_a_header_that_is_given_twice_is_refused(self):
        """A proxy could read the body to one length and we to another; and of two keys none is the right one."""
        post = "POST /v1/providers/RXA/months/2012-04/rehearsals HTTP/1.1"
        sent = {"Content-Length": "4", "Content-Type": "text/csv", "Idempotency-Key": "k-twice"}
        for name, value in {**sent, "Row-Count": "1", "Caseload": "1", "Column-Mapping": "saved",
                            "Content-Encoding": "gzip", "If-Match": '"1"', "Reading-Key": "x"}.items():
            with self.subTest(name):
                lines = [f"{n}: {v}" for n, v in {**sent, name: value}.items()] + [f"{name.lower()}: {value}"]
                answer = self.raw(self.head(post, *lines, "Connection: close") + b"a,b\n")
                self.assertEqual(self.statuses(answer), [400], answer)
                self.assertIn(f"{name} is given more than once".encode(), answer)

    def test_pipelined_requests_keep_to_their_callers(self):
        one = self.head("GET /v1/me HTTP/1.1", person="a.maker")
        two = self.head("GET /v1/me HTTP/1.1", person="f.one")
        three = b"GET /v1/me HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
        answer = self.raw(one + two + one + three)
        self.assertEqual(self.statuses(answer), [200, 200, 200, 401], answer)
        self.assertLess(answer.index(b"a.maker"), answer.index(b"f.one"))
        self.assertEqual(answer.count(b"f.one"), 1 + answer.count(b'"name":"f.one"'))

    def test_head_has_the_headers_and_no_body(self):
        get = self.client.send("GET", "/v1/me")
        head = self.client.send("HEAD", "/v1/me")
        self.assertEqual((head.status, head.body), (200, b""))
        self.assertEqual(head.headers["Content-Length"], str(len(get.body)))
        self.assertEqual(self.client.send("HEAD", "/v1/providers/RXB/contracts/" + "b" * 20).status, 404)

    def test_a_head_that_never_ends_is_cut(self):
        parts = urllib.parse.urlsplit(self.service.url)
        with socket.create_connection((parts.hostname, parts.port), timeout=30) as connection:
            connection.sendall(b"GET /v1/me HTTP/1.1\r\nHost: x\r\nX-Slow: ")
            while connection.recv(4096):
                pass

    # Files

    def upload(self, data, media_type="text/csv", month="2012-04"):
        client = self.client
        made = client.upload("RXA", month, data, media_type=media_type)
        client.wait_for_job("RXA", made["job"])
        path = f"/v1/providers/RXA/submissions/{made['submission']}"
        return client.get(path), client.get(path + "/findings?limit=500")["items"]

    def test_files_of_odd_bytes(self):
        good = harness.csv_bytes([harness.row(n) for n in range(12)])
        head, _, rest = good.partition(b"\n")
        files = {
            "nul": good.replace(b"E3", b"E\x003"), "not utf-8": good.replace(b"E3", b"E\xff"),
            "latin": good.replace(b"CMHT1", b"\xe9quipe", 1), "surrogate": good.replace(b"CMHT1", b"\xed\xa0\x80", 1),
            "long field": good.replace(b"CMHT1", b"x" * 300_000, 1), "open quote": head + b'\n"' + rest,
            "nul header": b"\x00" + good, "utf-16": good.decode().encode("utf-16"), "only header": head,
            "comma": b"," * 100_000, "empty line": b"\n" * 10, "unknown column": b"\xc3\xa9vil," + good,
            "very long header": b"a" * 100_000 + b"\n" + rest, "control": good.replace(b"CMHT1", b"\x01\x02", 1)}
        for name, data in files.items():
            with self.subTest(name):
                submission, findings = self.upload(data)
                self.assertEqual(submission["state"], "refused")
                self.assertTrue(findings)
        rows = [json.dumps(harness.row(n)).encode() for n in range(12)]
        for name, line in {"nul": rows[0].replace(b"CMHT1", b"\\u0000"),
                           "surrogate": rows[0].replace(b"CMHT1", b"\\ud800"),
                           "deep": b'{"provider":' + b"[" * 5000, "number": b"1" * 5000,
                           "twice": rows[0][:-1] + b',"month":"x"}',
                           "not utf-8": rows[0].replace(b"CMHT1", b"\xff")}.items():
            with self.subTest(ndjson=name):
                submission, findings = self.upload(b"\n".join([line, *rows]), "application/x-ndjson")
                self.assertEqual(submission["state"], "refused")
                self.assertTrue(findings)

    def test_no_identifier_of_a_patient_in_findings_logs_or_jobs(self):
        born, name = "1931-02-29", "SECRETPATIENT7"
        number = "999000012" + str(self.check_digit("999000012"))
        rows = [harness.row(n) for n in range(12)]
        rows[1] |= {"nhs_number": number, "birth_date": born, "patient_id": name, "commissioner_reason": number,
                    "gp_practice": "Z9Z9Z9"}
        rows[2] |= {"cluster": number, "service": number, "approval_ref": number, "patient_id": name}
        rows[3] |= {"start_date": number, "mhct_date": f"{number[:3]} {number[3:6]} {number[6:]}", "h1": number}
        submission, _ = self.upload(harness.csv_bytes(rows))
        path = f"/v1/providers/RXA/submissions/{submission['submission']}"
        seen = b"".join(self.as_person(person).send("GET", path + ending).body
                        for person in ("a.maker", "e.one", "audit.one")
                        for ending in ("", "/findings?limit=500", "/findings/summary", "/receipt"))
        for log in sorted((self.folder / "logs").glob("*.log")):
            seen += log.read_bytes()
        spaced = f"{number[:3]} {number[3:6]} {number[6:]}"
        for secret in (number, spaced, born, name, "Z9Z9Z9"):
            self.assertNotIn(secret.encode(), seen)
        for table in ("audit_event", "job", "idempotency", "finding"):
            text = "".join(" ".join(line) for line in self.query(f"SELECT t::text FROM reckoner.{table} t"))
            for secret in (number, spaced, born, name, "Z9Z9Z9"):
                self.assertNotIn(secret, text, table)

    @staticmethod
    def check_digit(nine):
        return (11 - sum(int(digit) * (10 - at) for at, digit in enumerate(nine)) % 11) % 11


if __name__ == "__main__":
    harness.main()
