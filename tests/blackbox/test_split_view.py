"""A hostile service with the real key shows two histories of one log to two readers: one honest keeper of checkpoints,
with `reckoner log keep`, catches it, whatever proof it is given."""

import base64
import hashlib
import json
import pathlib
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))

import harness  # noqa: E402

ORIGIN = "hostile.test/log"
SEED = bytes(range(32))
PKCS8 = bytes.fromhex("302e020100300506032b657004220420")


def node(left, right):
    return hashlib.sha256(b"\x01" + left + right).digest()


def half(size):
    k = 1
    while k * 2 < size:
        k *= 2
    return k


def root(leaves):
    return leaves[0] if len(leaves) == 1 else node(root(leaves[:half(len(leaves))]), root(leaves[half(len(leaves)):]))


def consistency(m, leaves, whole=True):
    """SUBPROOF of RFC 6962, section 2.1.2."""
    if m == len(leaves):
        return [] if whole else [root(leaves)]
    k = half(len(leaves))
    if m <= k:
        return [*consistency(m, leaves[:k], whole), root(leaves[k:])]
    return [*consistency(m - k, leaves[k:], False), root(leaves[:k])]


class SplitView(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))
        self.write("secret.der", PKCS8 + SEED)
        self.openssl("pkey", "-inform", "DER", "-in", "secret.der", "-out", "secret.pem")
        self.openssl("pkey", "-in", "secret.pem", "-pubout", "-out", "key.pem")
        self.openssl("pkey", "-in", "secret.pem", "-pubout", "-outform", "DER", "-out", "key.der")
        self.key = (self.folder / "key.der").read_bytes()[-32:]

    def openssl(self, *arguments):
        subprocess.run(["openssl", *arguments], cwd=self.folder, check=True, capture_output=True)

    def write(self, name, content):
        (self.folder / name).write_bytes(content)
        return str(self.folder / name)

    def sign(self, text):
        self.write("text", text)
        self.openssl("pkeyutl", "-sign", "-rawin", "-inkey", "secret.pem", "-in", "text", "-out", "signature")
        return (self.folder / "signature").read_bytes()

    def checkpoint(self, name, leaves):
        """A checkpoint that the service signed: nothing is wrong with it by itself."""
        body = f"{ORIGIN}\n{len(leaves)}\n{base64.b64encode(root(leaves)).decode()}\n".encode()
        time = 1_340_000_000
        lines = b""
        for kind, blob in ((1, self.sign(body)),
                           (4, time.to_bytes(8, "big") + self.sign(b"cosignature/v1\ntime %d\n" % time + body))):
            key_id = hashlib.sha256(ORIGIN.encode() + b"\n" + bytes([kind]) + self.key).digest()[:4]
            lines += "— {} {}\n".format(ORIGIN, base64.b64encode(key_id + blob).decode()).encode()
        return self.write(name, body + b"\n" + lines)

    def keep(self, checkpoint, proof=None):
        arguments = [str(harness.BUILD / "reckoner"), "log", "keep", str(self.folder / "state"), "--checkpoint",
                     checkpoint, "--key", str(self.folder / "key.pem")]
        if proof is not None:
            size, past, path = proof
            told = {"from": past, "size": size, "path": [hash_.hex() for hash_ in path]}
            arguments += ["--consistency", self.write("proof", json.dumps(told).encode())]
        done = subprocess.run(arguments, capture_output=True, text=True, check=False)
        return done.returncode, done.stdout + done.stderr

    def test_one_keeper_catches_two_histories(self):
        for past, now, fork in ((1, 2, 0), (4, 7, 3), (5, 8, 0), (6, 13, 5), (8, 16, 2), (8, 9, 7), (11, 21, 10)):
            with self.subTest(past=past, now=now, fork=fork):
                one = [hashlib.sha256(b"\x00%d" % n).digest() for n in range(now)]
                other = [hashlib.sha256(b"\x00%d of another" % n).digest() if n == fork else leaf
                         for n, leaf in enumerate(one)]
                (self.folder / "state").unlink(missing_ok=True)
                self.assertEqual(self.keep(self.checkpoint("past", one[:past]))[0], 0)
                kept = (self.folder / "state").read_bytes()
                # What the other reader was shown, handed to the keeper; and every proof that the service could give.
                shown = self.checkpoint("now", other)
                for path in (consistency(past, other), consistency(past, one), [], [root(one[:past])],
                             [root(one[:past]), *consistency(past, other)], [root(other[:past])] * 8):
                    status, said = self.keep(shown, (now, past, path))
                    self.assertEqual((status, "FORK" in said), (1, True), said)
                # The same size with another root needs no proof at all.
                status, said = self.keep(self.checkpoint("twin", other[:past]))
                self.assertEqual((status, "two roots for the same" in said), (1, True), said)
                self.assertEqual((self.folder / "state").read_bytes(), kept)
                # And the history that it has seen goes on.
                status, said = self.keep(self.checkpoint("next", one), (now, past, consistency(past, one)))
                self.assertEqual(status, 0, said)


if __name__ == "__main__":
    unittest.main(verbosity=2)
