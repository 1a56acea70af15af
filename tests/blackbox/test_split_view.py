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

    def reckoner(self, *arguments):
        done = subprocess.run([str(harness.BUILD / "reckoner"), *arguments], cwd=self.folder, capture_output=True,
                              text=True, check=False)
        return done.returncode, done.stdout

    def test_whoever_trusts_a_keeper_sees_whether_it_cosigned(self):
        leaves = [hashlib.sha256(b"\x00%d" % n).digest() for n in range(9)]
        self.assertEqual(self.keep(self.checkpoint("seen", leaves))[0], 0)
        keepers = [self.reckoner("log", "keygen", f"keeper.{n}/2012", "--out", f"keeper.{n}")[1] for n in (1, 2)]
        lines = [self.reckoner("log", "cosign", "state", "--name", f"keeper.{n}/2012", "--key", f"keeper.{n}")[1]
                 for n in (1, 2)]
        shown = (self.folder / "state").read_text(encoding="utf-8") + lines[0]
        twin = (self.folder / self.checkpoint("twin", leaves[::-1])).read_text(encoding="utf-8") + lines[0]
        name, key_id, key = keepers[0].strip().split("+", 2)
        signing = base64.b64encode(b"\x01" + base64.b64decode(key)[1:]).decode()
        forged = lines[1].replace("keeper.2", "keeper.1")
        for note, keys, status, said in (
                (shown, keepers[0], 0, "cosigned     keeper.1/2012 at 20"),
                (shown, "".join(keepers), 1, "not cosigned keeper.2/2012"),
                (shown + lines[1], "".join(keepers), 0, "cosigned     keeper.2/2012 at 20"),
                (shown.replace("\n9\n", "\n8\n"), keepers[0], 1, "not cosigned keeper.1/2012"),
                (twin, keepers[0], 1, "not cosigned keeper.1/2012"),
                (shown.replace(lines[0], forged), keepers[0], 1, "not cosigned keeper.1/2012"),
                (shown, f"{name}+{key_id}+{signing}\n", 1, "no key       keeper.1/2012"),
                (shown, "\n\n", 1, "")):
            with self.subTest(note=note, keys=keys):
                self.write("note", note.encode())
                self.write("keys", keys.encode())
                found, printed = self.reckoner("log", "cosigned", "note", "--keepers", "keys")
                self.assertEqual((found, said in printed), (status, True), printed)


if __name__ == "__main__":
    unittest.main(verbosity=2)
