"""Signing keys over the years: a new one beside the old, the old one retired, one that others got hold of. What was
signed before stays good, what is signed after does not, and the log says which is which."""

import json
import pathlib
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))

import harness  # noqa: E402


class Keys(harness.ServiceCase):
    """One story in order; the names of the steps say so."""

    settings = {"worker_poll_ms": 20}

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.place = cls.service.workdir / "kept"
        cls.place.mkdir()
        cls.contract = cls.agree()
        cls.send([harness.row(n) for n in range(3)])
        cls.old = cls.as_person(None).get("/v1/keys")["items"][0]["key"]

    def command(self, *arguments, status=0):
        done = self.service.command(*arguments, check=False)
        self.assertEqual(done.returncode, status, done.stdout + done.stderr)
        return done.stdout + done.stderr

    def new_key(self, name):
        """A further key in a file of its own; returns its id."""
        said = self.command("keygen", "signing", "--out", self.service.keys_dir / name)
        return next(line.split()[1] for line in said.splitlines() if line.startswith("  id "))

    def worker_with(self, name, index=None):
        for process in self.service.workers:
            if process.poll() is None:
                process.terminate()
                process.wait(60)
        return self.service.start_worker(
            environment={"RECKONER_SIGNING_KEY_FILE": str(self.service.keys_dir / name)})

    def worker_log(self):
        return (self.service.logs_dir / f"worker-{len(self.service.workers)}.log").read_text()

    def run_flex(self):
        client = self.as_person("a.maker")
        asked = client.post(f"{self.contract}/accounts/5QE/runs", {"month": "2012-04", "type": "FLEX"})
        client.wait_for_job("RXA", asked["job"])

    def statement(self, number):
        """The files of a statement: bytes, minisign file and key."""
        item = self.as_person("a.maker").get(f"{self.contract}/accounts/5QE/statements")["items"][-number]
        client = self.as_person("a.maker")
        path = f"/v1/providers/RXA/statements/{item['id']}"
        (self.place / "s").write_bytes(client.send("GET", path).body)
        (self.place / "m").write_bytes(client.send("GET", path + "/minisig").body)
        (self.place / "k").write_text(client.get(f"/v1/keys/{item['key_id']}")["minisign"])
        return item["key_id"]

    def verified(self):
        arguments = [str(harness.BUILD / "reckoner"), "verify", "s", "--signature", "m", "--key", "k"]
        return subprocess.run(arguments, cwd=self.place, capture_output=True, check=False).returncode == 0

    def differences(self):
        done = self.service.command("fsck", "--json", check=False)
        told = [json.loads(line) for line in done.stdout.splitlines()]
        self.assertEqual(done.returncode, int(told[-1]["differences"] > 0), done.stderr)
        return [o for o in told if "table" in o]

    def settle(self):
        self.wait_until(lambda: self.value("SELECT NOT EXISTS (SELECT FROM reckoner.log_pending)") == "t",
                        what="the log")

    def test_1_the_worker_refuses_a_key_that_others_can_read(self):
        key = self.service.keys_dir / "open.key"
        key.write_bytes((self.service.keys_dir / "signing.key").read_bytes())
        key.chmod(0o440)
        self.assertEqual(self.worker_with("open.key").wait(60), 1)
        self.assertIn("chmod 0400", self.worker_log())

    def test_2_a_new_key_signs_beside_the_old_once_it_is_introduced(self):
        type(self).new = self.new_key("second.key")
        self.worker_with("second.key")
        self.wait_until(lambda: "was not introduced" in self.worker_log(), what="the refusal")
        self.assertEqual(self.value("SELECT count(*) FROM reckoner.signing_key"), "1")
        self.command("key", "introduce", self.service.keys_dir / "second.key.pub")
        public = self.service.keys_dir / "second.key.pub"
        self.assertIn("known already", self.command("key", "introduce", public, status=1))
        self.send([harness.row(n) for n in range(4)])
        signed = self.query("SELECT DISTINCT key_id FROM reckoner.signed_record")
        self.assertEqual(sorted(signed), sorted([[self.old], [self.new]]))
        self.service.set_clock("2012-05-17T09:00:00Z")
        self.worker_with("signing.key")  # the overlap: both are good
        self.run_flex()
        self.assertEqual(self.statement(1), self.old)
        self.assertTrue(self.verified())

    def test_3_a_retired_key_signs_nothing_and_what_it_signed_stays_good(self):
        self.command("key", "retire", self.old)
        may = harness.csv_bytes([harness.row(9, "2012-05")])
        acknowledged = self.as_person("a.maker").upload("RXA", "2012-05", may)
        self.wait_until(lambda: f"{self.old} has ended" in self.worker_log(), what="the refusal")
        self.worker_with("second.key")
        self.as_person("a.maker").wait_for_job("RXA", acknowledged["job"])
        newest = self.value("SELECT key_id FROM reckoner.signed_record ORDER BY sealed_at DESC LIMIT 1")
        self.assertEqual(newest, self.new)
        with self.assertRaisesRegex(AssertionError, "key_ended"):
            self.query("INSERT INTO reckoner.signed_record SELECT provider, 'aaaaaaaaaaaaaaaaaaaa', purpose, bytes,"
                       f" sha256, '{self.old}', signature, minisig, '2012-05-18' FROM reckoner.signed_record LIMIT 1")
        listed = self.command("key", "list").splitlines()
        self.assertEqual([line.split()[0] for line in listed], ["key", self.new, self.old])
        self.assertTrue(self.statement(1) == self.old and self.verified())
        self.settle()
        self.assertEqual(self.differences(), [])

    def test_4_a_statement_of_years_ago_verifies(self):
        self.service.set_clock("2018-05-17T09:00:00Z")
        type(self).third = self.new_key("third.key")
        self.command("key", "introduce", self.service.keys_dir / "third.key.pub")
        self.command("key", "retire", self.new)
        self.worker_with("third.key")
        self.settle()
        self.assertEqual(self.statement(1), self.old)
        self.assertTrue(self.verified())
        self.assertEqual(self.differences(), [])
        entries = self.as_person("audit.one").get("/v1/log/entries?kind=key&limit=100")["items"]
        ends = {e["entry"]["key"]: e["entry"].get("valid_to", "")[:4] for e in entries}
        self.assertEqual(ends, {self.old: "2012", self.new: "2018", self.third: ""})

    def test_5_a_lost_key_ends_where_it_was_lost(self):
        self.send([harness.row(9, "2018-04")], month="2018-04")
        self.service.set_clock("2018-06-01T09:00:00Z")
        self.send([harness.row(9, "2018-05")], month="2018-05")
        self.settle()
        self.assertIn("--since is needed", self.command("key", "lost", self.third, status=2))
        fourth = self.new_key("fourth.key")
        self.command("key", "introduce", self.service.keys_dir / "fourth.key.pub")
        self.command("key", "lost", self.third, "--since", "2018-05-20T00:00:00Z")
        self.wait_until(lambda: f"{self.third} has ended" in self.worker_log(), what="the refusal")
        self.worker_with("fourth.key")
        self.settle()
        found = self.differences()
        self.assertTrue(found)
        self.assertEqual({o["found"] for o in found}, {"signed after the key was lost"})
        records = [o["key"] for o in found if o["table"] == "signed_record"]
        late = self.query("SELECT provider || '/' || id FROM reckoner.signed_record WHERE"
                          f" key_id = '{self.third}' AND sealed_at >= '2018-05-20'")
        self.assertEqual(sorted(records), sorted(key for (key,) in late))
        keys = {k["key"]: k["lost"] for k in self.as_person(None).get("/v1/keys")["items"]}
        self.assertEqual(keys, {self.old: False, self.new: False, self.third: True, fourth: False})
        # Dated back by whoever has it: not in the log before the loss was told.
        self.query("SET session_replication_role = replica; INSERT INTO reckoner.signed_record SELECT provider,"
                   " 'aaaaaaaaaaaaaaaaaaaa', purpose, bytes, sha256, key_id, signature, minisig, sealed_at FROM"
                   f" reckoner.signed_record WHERE key_id = '{self.third}' AND sealed_at < '2018-05-20' LIMIT 1")
        said = [o["found"] for o in self.differences() if o["key"].endswith("/aaaaaaaaaaaaaaaaaaaa")]
        self.assertIn("not in the log before the key was told lost", said)

    def test_6_keys_do_not_change_but_for_their_end(self):
        for change in ("public_key = sha256('x')", "valid_from = '2011-01-01'", "valid_to = NULL", "lost = false",
                       "valid_to = valid_to + interval '1 day'"):
            with self.subTest(change=change), self.assertRaisesRegex(AssertionError, "stays as it is|check constraint"):
                self.query(f"UPDATE reckoner.signing_key SET {change} WHERE lost")
        with self.assertRaisesRegex(AssertionError, "stays as it is"):
            self.query("DELETE FROM reckoner.signing_key")

    def test_7_a_key_whose_digits_look_like_a_patient_is_served(self):
        name = harness.nhs_number(3) + "ABCDEF"
        self.query(f"INSERT INTO reckoner.signing_key VALUES ('{name}', sha256('y'), now())")
        reply = self.as_person(None).send("GET", "/v1/keys")
        self.assertEqual(reply.status, 200, reply.body)
        self.assertIn(name, reply.body.decode())
        self.assertEqual(self.as_person(None).send("GET", f"/v1/keys/{name}").status, 200)


    def test_8_a_key_of_later_signs_nothing_before_it_is_valid(self):
        later = self.new_key("later.key")
        found = self.differences()
        self.command("key", "introduce", self.service.keys_dir / "later.key.pub", "--from", "2018-06-01T10:00:00Z")
        self.settle()
        self.worker_with("later.key")
        self.wait_until(lambda: f"{later} is not valid yet" in self.worker_log(), what="the refusal")
        june = harness.csv_bytes([harness.row(9, "2018-05"), harness.row(8, "2018-05")])
        sent = self.as_person("a.maker").upload("RXA", "2018-05", june)
        self.service.set_clock("2018-06-01T10:00:00Z")
        self.as_person("a.maker").wait_for_job("RXA", sent["job"])
        self.settle()
        at = self.query("SELECT key_id, min(sealed_at) >= '2018-06-01 10:00Z' FROM reckoner.log_checkpoint"
                        f" WHERE key_id = '{later}' GROUP BY 1")
        self.assertEqual(at, [[later, "t"]])
        self.assertEqual(self.differences(), found)


if __name__ == "__main__":
    harness.main()
