"""Reads, writes, refusals, uploads and broken connections at once, for a few seconds: every answer is one of those
that the load allows, nothing is lost, and the daemon is quiet afterwards. `make races` runs it on a
build with the thread sanitizer."""

import http.client
import os
import random
import secrets
import threading
import time
import urllib.parse
import urllib.request

import harness
import raw

SECONDS = float(os.environ.get("RECKONER_LOAD_SECONDS", "4"))
SEED = int(os.environ.get("RECKONER_SEED", "20120401"))


class Load(harness.ServiceCase):
    settings = {"max_uploads": 4, "max_connections_per_address": 100, "database_threads": 4}
    workers = 0

    def setUp(self):
        self.stop_at = time.monotonic() + SECONDS
        self.statuses = []
        self.faults = []

    def note(self, what, status, allowed):
        self.statuses.append(status)
        if status not in allowed:
            self.faults.append(f"{what}: {status}")

    def many(self, body, count):
        """Threads that call body(client, random) until the time is over."""
        def run(number):
            client = self.as_person("a.maker")
            chance = random.Random(SEED * 1000 + number)
            try:
                while time.monotonic() < self.stop_at:
                    body(client, chance)
            except Exception as error:  # noqa: BLE001: the test's own thread reports it
                self.faults.append(f"{body.__name__}: {error!r}")
            finally:
                client.close()
        return [threading.Thread(target=run, args=(n,)) for n in range(count)]

    def reads(self, client, chance):
        path = chance.choice(["/v1/me", "/v1/organisations?limit=2", "/v1/contracts", "/v1/keys", "/v1/nothing",
                              "/v1/problems", "/v1/organisations?limit=x"])
        self.note("read", client.send("GET", path).status, (200, 400, 404))

    def writes(self, client, chance):
        body = {"financial_year": chance.randrange(2010, 2100), "mode": "live", "title": "Load",
                "commissioners": ["5QF"], "coordinator": "5QF"}
        self.note("write", client.send("POST", "/v1/providers/RXA/contracts", body,
                                       {"Idempotency-Key": f"k{chance.randrange(40)}"}).status, (201, 409, 422))

    def uploads(self, client, chance):
        month = f"2012-{chance.choice(['04', '05'])}"
        data = harness.csv_bytes([harness.row(n, month) for n in range(chance.randrange(1, 3000))])
        reply = client.send("POST", f"/v1/providers/RXA/months/{month}/submissions", data,
                            {"Content-Type": "text/csv"})
        self.note("upload", reply.status, (202, 503))

    def breaks_off(self, _client, chance):
        token = self.service.tokens["a.maker"]
        with raw.RawUpload(self.service.url, token, "RXA", "2012-04", length=chance.choice([None, 10**6])) as upload:
            upload.piece(b"x" * chance.randrange(1, 400_000))
            time.sleep(chance.random() / 20)

    def leaves_early(self, _client, chance):
        connection = http.client.HTTPConnection(urllib.parse.urlsplit(self.service.url).netloc, timeout=20)
        connection.request("GET", "/v1/organisations", headers={
            "Authorization": "Bearer " + self.service.tokens["a.maker"], "X-Request-Id": secrets.token_hex(4)})
        time.sleep(chance.random() / 100)
        connection.close()

    def test_everything_at_once(self):
        threads = (self.many(self.reads, 4) + self.many(self.writes, 3) + self.many(self.uploads, 3) +
                   self.many(self.breaks_off, 2) + self.many(self.leaves_early, 2))
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(self.faults, [], f"seed {SEED}")
        self.assertLessEqual({200, 201, 202, 404, 422}, set(self.statuses))
        # Long before a silent connection is closed: who has left is noticed at once.
        self.wait_until(lambda: self.gauge("reckoner_http_requests_open") == 0, 10, what="the end of every request")
        self.assertEqual(self.gauge("reckoner_http_uploads_open"), 0)
        self.assertEqual(self.gauge("reckoner_http_json_budget_bytes"), 0)
        self.assertGreater(self.gauge("reckoner_http_uploads_cut_total"), 0)
        self.assertEqual(self.value("SELECT count(*) FROM (SELECT commissioner FROM reckoner.account "
                                    "GROUP BY provider, commissioner, financial_year HAVING count(*) > 1) twice"), "0")

    def gauge(self, name):
        with urllib.request.urlopen(self.service.local_url + "/metrics", timeout=10) as answer:
            for line in answer.read().decode().splitlines():
                if line.startswith(name + " "):
                    return int(line.rsplit(" ", 1)[1])
        raise KeyError(name)


if __name__ == "__main__":
    harness.main()
