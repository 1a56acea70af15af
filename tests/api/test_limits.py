"""What the listener refuses by its limits, and how it says so."""

import pathlib
import signal
import socket
import subprocess
import sys
import time
import urllib.parse

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))

import harness  # noqa: E402
import raw  # noqa: E402

CONTRACT = {"financial_year": 2012, "mode": "live", "title": "Limits", "commissioners": ["5QE"], "coordinator": "5QE"}


class Limits(harness.ServiceCase):
    settings = {"max_uploads": 1, "max_json_bytes": 4096, "max_upload_bytes": 300_000, "lock_timeout_ms": 100,
                "idle_timeout_seconds": 2, "max_connections_per_address": 20, "drain_seconds": 20}
    workers = 0

    def person(self, name):
        client = self.as_person(name)
        self.addCleanup(client.close)
        return client

    def upload(self, **more):
        upload = raw.RawUpload(self.service.url, self.service.tokens["a.maker"], "RXA", "2012-04", **more)
        self.addCleanup(upload.close)
        return upload

    def connect(self):
        parts = urllib.parse.urlsplit(self.service.url)
        made = socket.create_connection((parts.hostname, parts.port), timeout=20)
        self.addCleanup(made.close)
        return made

    def test_json_bodies_at_the_limit_and_beyond(self):
        client = self.person("a.author")
        path = "/v1/providers/RXA/contracts"
        head = {"Content-Type": "application/json"}
        just = b'{"a":"' + b"x" * (4096 - 8) + b'"}'
        self.assertProblem(client.send("POST", path, just, head), 400, "malformed_json")
        self.assertProblem(client.send("POST", path, just + b" ", head), 413, "body_too_large")
        self.assertProblem(client.send("POST", path, iter([just]), head), 400, "malformed_json")
        self.assertProblem(client.send("POST", path, iter([just, b" "]), head), 413, "body_too_large")
        self.assertProblem(client.send("POST", path, iter([just] * 3), head), 413, "body_too_large")
        self.assertEqual(client.get("/v1/me")["person"], "a.author")

    def test_an_early_refusal_of_a_large_body_is_read_by_a_client_that_only_sends(self):
        mine = self.service.tokens["a.maker"]
        for token, length, status in ((mine, 300_001, b" 413 "), ("rk_none", 300_000, b" 401 ")):
            made = self.connect()
            made.sendall("POST /v1/providers/RXA/months/2012-04/submissions HTTP/1.1\r\nHost: x\r\n"
                         f"Idempotency-Key: k\r\nAuthorization: Bearer {token}\r\nContent-Type: text/csv\r\n"
                         f"Content-Length: {length}\r\n\r\n".encode())
            for _ in range(30):
                made.sendall(b"x" * 10_000)
                time.sleep(0.005)
            self.assertIn(status, made.recv(4096)[:20])

    def test_more_uploads_than_places(self):
        first = self.upload(length=1000)
        first.piece(b"x" * 10)
        time.sleep(0.3)
        status, answer = self.upload(length=1000).answer()
        self.assertEqual(status, 503, answer)
        self.assertIn(b'"code":"overloaded"', answer)
        self.assertIn(b"Retry-After: ", answer)
        self.assertEqual(self.person("a.maker").get("/v1/me")["person"], "a.maker")
        first.close()
        self.wait_until(lambda: self.value("SELECT count(*) FROM reckoner.submission") == "0", what="an empty table")

    def test_a_silent_client_is_let_go(self):
        made = self.connect()
        made.sendall(b"GET /v1/me HTTP/1.1\r\nHost: x\r\n")
        begun = time.monotonic()
        self.assertEqual(made.recv(100), b"")
        self.assertLess(time.monotonic() - begun, 8)

    def test_connections_of_one_address(self):
        held = [self.connect() for _ in range(20)]
        more = self.connect()
        more.sendall(b"GET /v1/keys HTTP/1.1\r\nHost: x\r\n\r\n")
        try:
            self.assertEqual(more.recv(100), b"")
        except ConnectionResetError:
            pass
        for one in held:
            one.close()
        self.wait_until(lambda: self.person(None).send("GET", "/v1/keys").status == 200, what="a place")

    def test_a_key_that_is_still_in_use(self):
        sql = ("BEGIN; INSERT INTO reckoner.idempotency (organisation, person, key, operation, request_sha256, status, "
               "body, created_at) VALUES ('RXA', 'a.author', 'held', 'x', sha256(''), 0, '', now()); "
               "SELECT pg_sleep(8);")
        with subprocess.Popen([str(harness.PG_BIN / "psql"), "-X", "-q", "-c", sql, self.service.conninfo],
                              stdout=subprocess.DEVNULL) as holder:
            self.wait_until(lambda: self.value("SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'")
                            == "1", what="the lock")
            reply = self.person("a.author").send("POST", "/v1/providers/RXA/contracts", CONTRACT,
                                                 {"Idempotency-Key": "held"})
            self.assertProblem(reply, 409, "idempotency_in_progress", "Idempotency-Key")
            holder.kill()

    def test_without_a_clock(self):
        moved = self.service.clock_file.with_suffix(".away")
        self.service.clock_file.rename(moved)
        try:
            self.assertProblem(self.person("a.author").send("GET", "/v1/me"), 500, "internal")
        finally:
            moved.rename(self.service.clock_file)
        self.assertEqual(self.person("a.author").get("/v1/me")["person"], "a.author")

    def test_media_types_of_keys(self):
        nobody = self.person(None)
        self.assertProblem(nobody.send("GET", "/v1/keys/0123456789ABCDEF", headers={"Accept": "image/png"}), 406,
                           "not_acceptable", "Accept")

    def test_zz_new_requests_while_the_service_drains(self):
        client = self.person("a.author")
        client.get("/v1/me")
        upload = self.upload(length=100)
        upload.piece(b"x" * 50)
        time.sleep(0.2)
        self.service.daemon.send_signal(signal.SIGTERM)
        time.sleep(0.5)
        reply = client.send("GET", "/v1/me")
        self.assertProblem(reply, 503, "shutting_down")
        self.assertEqual(reply.headers["Connection"], "close")
        upload.piece(b"x" * 50)
        self.assertEqual(upload.answer()[0], 202)
        self.assertEqual(self.service.daemon.wait(30), 0)


if __name__ == "__main__":
    harness.main()
