"""The log over HTTP, checked as a stranger would: proofs by RFC 6962 written out anew, signatures by openssl, forks by
a keeper of checkpoints."""

import base64
import hashlib
import json
import pathlib
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))

import harness  # noqa: E402

RECKONER = str(harness.BUILD / "reckoner")


def canonical(entry):
    return json.dumps(entry, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def leaf_hash(entry):
    return hashlib.sha256(b"\x00" + entry.encode()).digest()


def node_hash(left, right):
    return hashlib.sha256(b"\x01" + left + right).digest()


def root(leaves):
    """MTH of RFC 6962."""
    if len(leaves) == 1:
        return leaves[0]
    k = 1
    while k * 2 < len(leaves):
        k *= 2
    return node_hash(root(leaves[:k]), root(leaves[k:]))


def climb(leaf, index, size, path):
    """The root that an inclusion path leads to: RFC 6962, section 2.1.1, read from the leaf up."""
    last = size - 1
    for other in path:
        if index % 2 or index == last:
            leaf = node_hash(other, leaf)
            while index % 2 == 0 and index:
                index, last = index // 2, last // 2
        else:
            leaf = node_hash(leaf, other)
        index, last = index // 2, last // 2
    return leaf


class Log(harness.ServiceCase):
    """One story in order; the names of the steps say so."""

    settings = {"worker_poll_ms": 100, "log_origin": "reckoner.test/log"}

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.folder = pathlib.Path(cls.enterClassContext(tempfile.TemporaryDirectory()))
        cls.contract = cls.agree()
        cls.send([harness.row(n) for n in range(3)])

    def setUp(self):
        self.auditor = self.as_person("audit.one")
        self.addCleanup(self.auditor.close)
        self.public = self.as_person(None)
        self.addCleanup(self.public.close)

    def newest(self):
        reply = self.public.send("GET", "/v1/log/checkpoint")
        self.assertEqual(reply.status, 200, reply.body)
        origin, size, top = reply.body.decode().split("\n")[:3]
        return reply.body, origin, int(size), base64.b64decode(top)

    def settled(self):
        """Waits until nothing is on its way into the log."""
        self.wait_until(lambda: self.value("SELECT NOT EXISTS (SELECT FROM reckoner.log_pending) AND "
                                           "NOT EXISTS (SELECT FROM reckoner.audit_pending)") == "t",
                        what="the log")

    def write(self, name, content):
        path = self.folder / name
        path.write_bytes(content)
        return str(path)

    def command(self, *arguments, status=0):
        done = subprocess.run([RECKONER, *arguments], capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, status, done.stderr + done.stdout)
        return done.stdout + done.stderr

    def test_1_everything_that_counts_is_an_entry(self):
        self.settled()
        kinds = {e["kind"] for e in self.auditor.get("/v1/log/entries?limit=500")["items"]}
        self.assertLessEqual({"receipt", "terms_approval", "key", "audit_head"}, kinds)
        receipt = self.auditor.get("/v1/log/entries?kind=receipt")["items"][0]
        entry = receipt["entry"]
        self.assertEqual(entry["provider"], "RXA")
        submission = self.value("SELECT id FROM reckoner.submission")
        signed = self.auditor.send("GET", f"/v1/providers/RXA/submissions/{submission}/receipt").body
        self.assertEqual(entry["sha256"], hashlib.sha256(signed).hexdigest())
        self.assertNotIn("9990000", json.dumps(self.auditor.get("/v1/log/entries?limit=500")))

    def test_2_the_checkpoint_is_the_root_of_the_entries_and_openssl_accepts_it(self):
        self.settled()
        note, origin, size, top = self.newest()
        self.assertEqual(origin, "reckoner.test/log")
        texts = self.query("SELECT entry FROM reckoner.log_entry ORDER BY leaf")
        leaves = [leaf_hash(text) for (text,) in texts]
        self.assertEqual(len(leaves), size)
        self.assertEqual(root(leaves), top)
        body, lines = note.split(b"\n\n")
        key = self.public.get("/v1/keys")["items"][0]
        pem = self.write("key.pem", key["pem"].encode())
        blobs = [base64.b64decode(line.split()[2]) for line in lines.decode().splitlines()]
        time = int.from_bytes(blobs[1][4:12], "big")
        for text, signature in ((body + b"\n", blobs[0][4:]),
                                (b"cosignature/v1\ntime %d\n" % time + body + b"\n", blobs[1][12:])):
            done = subprocess.run(["openssl", "pkeyutl", "-verify", "-pubin", "-inkey", pem, "-rawin", "-in",
                                   self.write("body", text), "-sigfile", self.write("sig", signature)],
                                  capture_output=True, text=True, check=False)
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_3_every_entry_is_proved(self):
        self.settled()
        _, _, size, top = self.newest()
        for entry in self.auditor.get("/v1/log/entries?limit=500")["items"]:
            proof = self.public.get(f"/v1/log/inclusion?leaf={entry['leaf']}&size={size}")
            path = [bytes.fromhex(h) for h in proof["path"]]
            self.assertEqual(climb(leaf_hash(canonical(entry["entry"])), entry["leaf"], size, path), top)
            self.assertEqual(bytes.fromhex(proof["root"]), top)

    def test_4_entries_of_others_are_not_shown(self):
        stranger = self.as_person("b.author")
        self.addCleanup(stranger.close)
        seen = stranger.get("/v1/log/entries?limit=500")["items"]
        self.assertTrue(seen)
        self.assertEqual({e["provider"] for e in seen}, {None})

    def test_5_what_cannot_be_proved_is_refused_with_the_reason(self):
        _, _, size, _ = self.newest()
        for path, field in ((f"inclusion?leaf={size}&size={size}", "leaf"), ("inclusion?leaf=0", "size"),
                            (f"inclusion?leaf=0&size={size + 1000}", "size"), ("consistency?from=2&size=1", "from"),
                            ("consistency?from=x&size=1", "from")):
            self.assertProblem(self.public.send("GET", "/v1/log/" + path), 400, "bad_parameter", field)

    def test_6_a_keeper_keeps_cosigns_and_refuses_a_fork(self):
        self.settled()
        note, _, before, _ = self.newest()
        key = self.write("key.pem", self.public.get("/v1/keys")["items"][0]["pem"].encode())
        state = str(self.folder / "state")
        out = self.command("log", "keep", state, "--checkpoint", self.write("note", note), "--key", key)
        self.assertIn("the first checkpoint kept", out)

        vkey = self.command("log", "keygen", "audit.test/2012", "--out", str(self.folder / "keeper.key")).strip()
        self.auditor.post("/v1/log/keepers", {"verifier_key": vkey})
        keeper = str(self.folder / "keeper.key")
        line = self.command("log", "cosign", state, "--name", "audit.test/2012", "--key", keeper)
        path = f"/v1/log/checkpoints/{before}/cosignatures"
        self.auditor.post(path, {"line": line.rstrip("\n")})
        self.assertTrue(self.public.send("GET", f"/v1/log/checkpoints/{before}").body.decode().endswith(line))
        other = self.as_person("e.one")
        self.addCleanup(other.close)
        self.assertProblem(other.send("POST", path, {"line": line.rstrip("\n")}), 409, "conflict", "/line")
        wrong = line.rstrip("\n").replace("audit.test", "audit.tost")
        self.assertProblem(self.auditor.send("POST", path, {"line": wrong}), 409, "conflict", "/line")

        self.send([harness.row(n) for n in range(4)])
        self.settled()
        note, _, size, _ = self.newest()
        self.assertGreater(size, before)
        newer = self.write("note", note)
        proof = json.dumps(self.public.get(f"/v1/log/consistency?from={before}&size={size}"))
        arguments = ["log", "keep", state, "--checkpoint", newer, "--key", key]
        self.assertIn("--consistency is needed", self.command(*arguments, status=2))
        kept = (self.folder / "state").read_bytes()
        bent = json.loads(proof)
        bent["path"][0] = "00" * 32
        self.assertIn("FORK", self.command(*arguments, "--consistency", self.write("p", json.dumps(bent).encode()),
                                           status=1))
        self.assertEqual((self.folder / "state").read_bytes(), kept)
        self.assertIn("continuing", self.command(*arguments, "--consistency", self.write("p", proof.encode())))
        self.assertIn("older checkpoint", self.command("log", "keep", state, "--checkpoint", self.write("old", kept),
                                                       "--key", key, status=1))
        touched = note.replace(b"\n%d\n" % size, b"\n%d\n" % (size + 1))
        self.assertIn("not signed by this key", self.command("log", "keep", state, "--checkpoint",
                                                             self.write("t", touched), "--key", key, status=1))


if __name__ == "__main__":
    harness.main()
