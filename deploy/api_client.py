"""A small client of Reckoner's HTTP API on the standard library: what a trust's own script would look like."""

import http.client
import json
import secrets
import time
import urllib.parse


class Refused(Exception):
    """The service answered with a problem; problem holds the members of RFC 9457, and status the HTTP status."""

    def __init__(self, method, path, status, problem):
        self.status = status
        self.problem = problem
        super().__init__(f"{method} {path}: {status} {json.dumps(problem, ensure_ascii=False)}")


class Reply:
    """One answer: status, headers (http.client.HTTPMessage) and the body's bytes."""

    def __init__(self, status, headers, body):
        self.status = status
        self.headers = headers
        self.body = body

    def json(self):
        return json.loads(self.body)

    @property
    def code(self):
        """The problem's code, or None."""
        if not (self.headers.get("Content-Type") or "").startswith("application/problem+json"):
            return None
        return self.json()["code"]


class Client:
    """Calls the API as one person. url without a slash at the end; token None calls without one."""

    def __init__(self, url, token=None, timeout=120):
        self.host = urllib.parse.urlsplit(url).netloc
        self.token = token
        self.timeout = timeout
        self.connection = None

    def as_person(self, token):
        return Client("http://" + self.host, token, self.timeout)

    def close(self):
        if self.connection is not None:
            self.connection.close()
            self.connection = None

    def send(self, method, path, body=None, headers=None):
        """Sends one request and returns the Reply, whatever its status. body: bytes, an iterable of bytes (chunked), or
        something to send as JSON. A POST gets an Idempotency-Key unless headers name one (None: leave it out)."""
        wanted = dict(headers or {})
        if self.token is not None:
            wanted.setdefault("Authorization", "Bearer " + self.token)
        if body is not None and isinstance(body, (dict, list)):
            body = json.dumps(body).encode()
            wanted.setdefault("Content-Type", "application/json")
        if method == "POST":
            wanted.setdefault("Idempotency-Key", secrets.token_hex(16))
        wanted = {name: value for name, value in wanted.items() if value is not None}
        for attempt in (1, 2):
            if self.connection is None:
                self.connection = http.client.HTTPConnection(self.host, timeout=self.timeout)
            try:
                self.connection.request(method, path, body=body, headers=wanted)
                answer = self.connection.getresponse()
                return Reply(answer.status, answer.headers, answer.read())
            except (http.client.RemoteDisconnected, BrokenPipeError, ConnectionResetError):
                # The server closed an idle connection. A repeated POST carries the same key.
                self.close()
                if attempt == 2:
                    raise
        raise AssertionError("unreachable")

    def call(self, method, path, body=None, headers=None):
        """As send, but raises Refused unless the status is 2xx, and returns the body's JSON (None when empty)."""
        reply = self.send(method, path, body, headers)
        if not 200 <= reply.status < 300:
            try:
                problem = reply.json()
            except ValueError:
                problem = {"body": reply.body.decode(errors="replace")}
            raise Refused(method, path, reply.status, problem)
        return reply.json() if reply.body else None

    def get(self, path):
        return self.call("GET", path)

    def post(self, path, body=None, headers=None):
        return self.call("POST", path, body, headers)

    def bytes(self, path):
        """The exact bytes of a resource."""
        reply = self.send("GET", path)
        if reply.status != 200:
            raise Refused("GET", path, reply.status, {"body": reply.body.decode(errors="replace")})
        return reply.body

    def pages(self, path, limit=500):
        """All items of a paged list."""
        separator = "&" if "?" in path else "?"
        after = ""
        while True:
            page = self.get(f"{path}{separator}limit={limit}{after}")
            yield from page["items"]
            if page.get("next") is None:
                return
            after = "&after=" + urllib.parse.quote(page["next"], safe="")

    def upload(self, provider, month, data, *, rows=None, caseload=None, media_type="text/csv", key=None):
        """Sends a month; data is bytes. Returns the acknowledgement."""
        headers = {"Content-Type": media_type}
        if rows is not None:
            headers["Row-Count"] = str(rows)
        if caseload is not None:
            headers["Caseload"] = str(caseload)
        if key is not None:
            headers["Idempotency-Key"] = key
        return self.post(f"/v1/providers/{provider}/months/{month}/submissions", data, headers)

    def wait_for_job(self, provider, job, seconds=120):
        """Returns the job when it is done; raises when it fails or takes longer."""
        deadline = time.monotonic() + seconds
        pause = 0.01
        while True:
            try:
                found = self.get(f"/v1/providers/{provider}/jobs/{job}")
            except Refused as refused:
                if refused.status != 503 or time.monotonic() > deadline:
                    raise
                found = {"state": "out of sight: the service is away"}
            if found["state"] == "done":
                return found
            if found["state"] == "failed":
                raise Refused("JOB", job, 0, found)
            if time.monotonic() > deadline:
                raise TimeoutError(f"job {job} is still {found['state']} after {seconds} s")
            time.sleep(pause)
            pause = min(pause * 2, 0.2)
