"""Freeze certificates: what had been sent when a window closed, signed, logged and checked with openssl."""

import hashlib
import json
import pathlib
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))

import harness  # noqa: E402


class Certificates(harness.ServiceCase):
    settings = {"worker_poll_ms": 20}

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.contract = cls.agree()
        cls.first = cls.send([harness.row(n) for n in range(3)])
        cls.second = cls.send([harness.row(n) for n in range(4)])

    def certificates(self, person="e.one"):
        return self.as_person(person).get(self.contract + "/certificates")

    def test_a_month_is_certified_once_when_its_window_has_closed(self):
        before = self.certificates()
        self.assertEqual((before["items"], bool(before["empty_because"])), ([], True))
        path = self.contract + "/certificates/2012-04"
        self.assertProblem(self.as_person("a.maker").send("GET", path), 404, "not_found")
        self.service.set_clock("2012-06-14T09:00:00Z")
        self.wait_until(lambda: self.certificates()["items"], what="the certificate")
        item = self.certificates("audit.one")["items"][0]
        self.assertEqual((item["month"], item["versions"]), ("2012-04", 2))

        client = self.as_person("e.one")
        signed = client.send("GET", path).body
        self.assertEqual(hashlib.sha256(signed).hexdigest(), item["sha256"])
        told = json.loads(signed)
        self.assertTrue(signed.startswith(b'{"@purpose":"reckoner/certificate/1"'))
        self.assertEqual([(v["version"], v["submission"], v["outcome"], v["rows"]) for v in told["versions"]],
                         [(1, self.first["submission"], "accepted", 3), (2, self.second["submission"], "accepted", 4)])
        self.assertLess(told["closed_at"], told["sealed_at"])

        with tempfile.TemporaryDirectory() as folder:
            place = pathlib.Path(folder)
            (place / "c").write_bytes(signed)
            (place / "s").write_bytes(client.send("GET", path + "/signature").body)
            (place / "k").write_text(client.get(f"/v1/keys/{item['key']}")["pem"])
            done = subprocess.run(["openssl", "pkeyutl", "-verify", "-pubin", "-inkey", "k", "-rawin", "-in", "c",
                                   "-sigfile", "s"], cwd=place, capture_output=True, text=True, check=False)
            self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn(b"certificate-RXA-", client.send("GET", path + "/minisig").body)

        self.wait_until(lambda: self.as_person("audit.one").get("/v1/log/entries?kind=certificate")["items"],
                        what="the log")
        entry = self.as_person("audit.one").get("/v1/log/entries?kind=certificate")["items"][0]["entry"]
        self.assertEqual((entry["record"], entry["sha256"]), (item["record"], item["sha256"]))
        self.assertEqual(self.value("SELECT count(*) FROM reckoner.freeze_certificate"), "1")

    def test_nobody_else_sees_it(self):
        stranger = self.as_person("f.one")
        self.assertProblem(stranger.send("GET", self.contract + "/certificates"), 404, "not_found")
        self.assertProblem(stranger.send("GET", self.contract + "/certificates/2012-04"), 404, "not_found")


if __name__ == "__main__":
    harness.main()
