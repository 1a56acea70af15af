"""A database that was restored to an earlier state, under a running service: nothing is signed or numbered until fsck
was given the highest checkpoint, the log tells it, and numbers that were lost are not given again."""

import base64
import getpass
import json
import pathlib
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))

import harness  # noqa: E402


class Restored(harness.ServiceCase):
    """One story in order: a backup, work after it, the restore, and every step of beginning again."""

    settings = {"worker_poll_ms": 50, "log_origin": "reckoner.test/log"}

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.place = cls.service.workdir / "kept"
        cls.place.mkdir()
        cls.contract = cls.agree()
        cls.other = cls.agree("RXA", "5QF", harness.simple_terms("RXA", "5QF"), ("a.author", "a.maker", "f.one"))
        cls.send([harness.row(n, commissioner="5QE" if n % 2 else "5QF") for n in range(10)])
        cls.service.set_clock("2012-06-11T09:00:00Z")
        # What a worker signs of its own accord is signed before anything is counted.
        cls.wait_until(lambda: cls.value("SELECT count(*) FROM reckoner.freeze_certificate") == "2",
                       what="the certificates")

    def freeze(self, contract, commissioner):
        client = self.as_person("a.maker")
        asked = client.post(f"{contract}/accounts/{commissioner}/runs", {"month": "2012-04", "type": "FREEZE"})
        client.wait_for_job("RXA", asked["job"])
        return client.get(f"/v1/providers/RXA/runs/{asked['run']}")

    def propose(self):
        client = self.as_person("a.maker")
        path = "/v1/providers/RXA/documents/" + client.get("/v1/providers/RXA/documents?state=draft")["items"][0]["id"]
        etag = client.send("GET", path).headers["ETag"]
        return path, client.send("POST", path + "/proposal", headers={"If-Match": etag}).headers["ETag"]

    def issue(self, path, etag):
        return self.as_person("a.checker").send("POST", path + "/issue", headers={"If-Match": etag})

    def settle_log(self):
        self.wait_until(lambda: self.value("SELECT NOT EXISTS (SELECT FROM reckoner.log_pending)") == "t",
                        what="the log")

    def checkpoint(self, name):
        self.settle_log()
        note = self.as_person(None).send("GET", "/v1/log/checkpoint").body
        (self.place / name).write_bytes(note)
        return int(note.split(b"\n")[1])

    def key(self):
        (self.place / "key.pem").write_text(self.as_person(None).get("/v1/keys")["items"][0]["pem"])
        return str(self.place / "key.pem")

    def keep(self, *arguments, status=0):
        done = subprocess.run([str(harness.BUILD / "reckoner"), "log", "keep", str(self.place / "state"), "--key",
                               self.key(), *map(str, arguments)], capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, status, done.stdout + done.stderr)
        return done.stdout + done.stderr

    def tool(self, name, *arguments, database="reckoner"):
        conninfo = self.service.conninfo.replace("dbname=reckoner", f"dbname={database}")
        subprocess.run([str(harness.PG_BIN / name), "-d", conninfo, *map(str, arguments)], check=True,
                       capture_output=True)

    def recover(self, *arguments, status=0):
        done = self.service.command("fsck", "--recover", *arguments, check=False)
        self.assertEqual(done.returncode, status, done.stdout + done.stderr)
        return done.stdout + done.stderr

    def health(self):
        return self.service.command("health", check=False).stdout

    def test_1_a_backup_and_what_came_after(self):
        type(self).first = self.freeze(self.contract, "5QE")
        self.assertEqual(self.issue(*self.propose()).json()["number"], 1)
        type(self).old_size = self.checkpoint("old")
        self.keep("--checkpoint", self.place / "old")
        self.tool("pg_dump", "-Fc", "-f", self.place / "dump")
        self.freeze(self.other, "5QF")
        self.assertEqual(self.issue(*self.propose()).json()["number"], 2)
        type(self).lost_size = self.checkpoint("newest")
        proof = self.as_person(None).get(f"/v1/log/consistency?from={self.old_size}&size={self.lost_size}")
        (self.place / "proof").write_text(json.dumps(proof))
        self.keep("--checkpoint", self.place / "newest", "--consistency", self.place / "proof")
        self.assertIn("log       ok", self.health())
        kept = json.loads((self.service.workdir / "state/log.json").read_text())
        self.assertEqual((kept["size"], kept["numbers"]),
                         (self.lost_size, {"RXA": 2}))

    def test_2_a_restored_database_signs_and_numbers_nothing(self):
        """The service runs on; connections break, and come back to the restored database."""
        self.query("ALTER DATABASE reckoner WITH ALLOW_CONNECTIONS false; SELECT pg_terminate_backend(pid) FROM"
                   " pg_stat_activity WHERE datname = 'reckoner'; ALTER DATABASE reckoner RENAME TO lost;"
                   " CREATE DATABASE reckoner OWNER reckoner_migrate",
                   database="postgres")
        self.tool("pg_restore", self.place / "dump")
        self.wait_until(lambda: "it was restored" in self.health(), what="the worker's finding")
        self.assertIn("log       FAULT", self.health())
        signed = "SELECT count(*), (SELECT count(*) FROM reckoner.signed_record) FROM reckoner.log_checkpoint"
        before = self.query(signed)
        client = self.as_person("a.maker")
        acknowledged = client.upload("RXA", "2012-05", harness.csv_bytes([harness.row(90, "2012-05")]))
        asked = client.post(f"{self.other}/accounts/5QF/runs", {"month": "2012-04", "type": "FREEZE"})
        type(self).waiting = (acknowledged["job"], asked["job"], asked["run"])
        with self.assertRaisesRegex(AssertionError, "not_vouched"):
            self.query("SELECT reckoner.next_document_number('RXA')")
        with self.assertRaisesRegex(AssertionError, "not_vouched"):
            self.query("INSERT INTO reckoner.signed_record SELECT provider, 'aaaaaaaaaaaaaaaaaaaa', purpose, bytes,"
                       " sha256, key_id, signature, minisig, sealed_at FROM reckoner.signed_record LIMIT 1")
        self.assertEqual(before, self.query(signed))
        self.assertEqual(self.value("SELECT count(*) FROM reckoner.job WHERE state = 'queued'"), "2")

    def test_3_restarts_and_forgetful_operators_change_nothing(self):
        self.service.kill_worker()
        self.service.restart_database()
        self.service.start_worker()
        self.wait_until(lambda: "it was restored" in self.health(), what="the database")
        # Somebody clears the mark; the state outside the database still tells.
        self.query("UPDATE reckoner.log_vouch SET stopped = NULL, stopped_at = NULL")
        self.wait_until(lambda: "it was restored" in self.health(), what="the worker's finding")
        # A worker without any state does not vouch for a database that was restarted.
        self.service.kill_worker()
        kept = (self.service.workdir / "state/log.json").read_bytes()
        (self.service.workdir / "state/log.json").unlink()
        self.query("UPDATE reckoner.log_vouch SET stopped = NULL, stopped_at = NULL")
        self.service.start_worker()
        self.wait_until(lambda: "this machine's state" in self.worker_log(), what="the second worker's finding")
        self.assertIn("log       FAULT", self.health())
        self.service.kill_worker()
        (self.service.workdir / "state/log.json").write_bytes(kept)
        self.service.start_worker()
        self.wait_until(lambda: "it was restored" in self.health(), what="the worker's finding")

    def worker_log(self):
        return "".join(path.read_text() for path in sorted((self.service.workdir / "logs").glob("worker-*.log")))

    def test_4_recovery_asks_for_what_it_needs(self):
        done = self.service.command("fsck", "--recover", check=False)
        self.assertEqual((done.returncode, "--checkpoint" in done.stderr), (2, True), done.stderr)
        note = (self.place / "newest").read_bytes()
        (self.place / "bent").write_bytes(note.replace(b"\n%d\n" % self.lost_size, b"\n%d\n" % (self.lost_size + 9)))
        self.assertIn("not signed by", self.recover("--checkpoint", self.place / "bent", status=1))
        # Something is not as it was: nothing is recovered before it is.
        change = "SET session_replication_role = replica; UPDATE reckoner.run_line SET pence = pence {} 1"
        self.query(change.format("+"))
        self.assertIn("nothing was recovered", self.recover("--checkpoint", self.place / "newest", status=1))
        self.query(change.format("-"))
        # A machine without state cannot say which numbers were given.
        (self.service.workdir / "state/log.json").rename(self.place / "log.json")
        self.assertIn("--numbers RXA=NUMBER", self.recover("--checkpoint", self.place / "newest", status=1))
        (self.place / "log.json").rename(self.service.workdir / "state/log.json")
        self.assertEqual(self.value("SELECT count(*) FROM reckoner.log_recovery"), "0")

    def test_5_recovery_voids_what_was_lost_and_work_goes_on(self):
        said = self.recover("--checkpoint", self.place / "newest", "--numbers", "RXA=3")
        self.assertIn(f"{self.lost_size - self.old_size} entries of the log are lost", said)
        self.assertIn("2 numbers voided", said)
        client = self.as_person("a.maker")
        for job in self.waiting[:2]:
            client.wait_for_job("RXA", job)
        self.assertIn("log       ok", self.health())
        self.assertEqual(client.get(f"/v1/providers/RXA/runs/{self.waiting[2]}")["state"], "done")
        self.assertEqual(self.issue(*self.propose()).json()["number"], 4)
        self.settle_log()
        entries = self.as_person("audit.one").get("/v1/log/entries?limit=500")["items"]
        self.assertEqual([e["entry"]["number"] for e in entries if e["kind"] == "void"], [2, 3])
        told = [e for e in entries if e["kind"] == "recovery"]
        self.assertEqual([(e["entry"]["kept_size"], e["entry"]["restored_size"]) for e in told],
                         [(self.lost_size, self.old_size)])
        root = base64.b64decode((self.place / "newest").read_text().split("\n")[2]).hex()
        self.assertEqual(told[0]["entry"]["kept_root"], root)
        event = self.query("SELECT provider, at::text, organisation, person, subject, detail->>'kept_size',"
                           " detail->>'restored_size', detail->>'voided', detail->>'system_user'"
                           " FROM reckoner.audit_event WHERE act = 'log.recover'")
        at = self.value("SELECT at::text FROM reckoner.log_recovery")
        self.assertEqual(event, [["", at, "", "", f"log/{self.lost_size}", str(self.lost_size), str(self.old_size), "2",
                                  getpass.getuser()]])
        done = self.service.command("fsck", check=False)
        self.assertEqual(done.returncode, 0, done.stdout)
        type(self).told = told[0]

    def test_6_a_keeper_sees_the_break_and_takes_it_only_with_the_recovery(self):
        month = self.as_person("a.maker")
        for n in range(self.lost_size):
            month.post(self.contract + "/terms", harness.simple_terms())
            if self.checkpoint("after") > self.lost_size:
                break
        size = self.checkpoint("after")
        public = self.as_person(None)
        consistency = public.get(f"/v1/log/consistency?from={min(self.lost_size, size)}&size={size}")
        (self.place / "proof").write_text(json.dumps(consistency))
        kept = (self.place / "state").read_bytes()
        self.assertIn("FORK", self.keep("--checkpoint", self.place / "after", "--consistency", self.place / "proof",
                                        status=1))
        self.assertEqual((self.place / "state").read_bytes(), kept)
        (self.place / "entry").write_text(json.dumps(self.told))
        proof = public.get(f"/v1/log/inclusion?leaf={self.told['leaf']}&size={size}")
        (self.place / "path").write_text(json.dumps(proof))
        arguments = ["--checkpoint", self.place / "after", "--recovery", self.place / "entry", "--inclusion"]
        bent = dict(proof, path=["00" * 32, *proof["path"][1:]])
        (self.place / "bent").write_text(json.dumps(bent))
        self.assertIn("not in the log", self.keep(*arguments, self.place / "bent", status=1))
        self.assertIn("entries are lost", self.keep(*arguments, self.place / "path"))
        self.assertEqual((self.place / f"state.lost-{self.lost_size}").read_bytes(), kept)
        self.assertEqual((self.place / "state").read_bytes(), (self.place / "after").read_bytes())

    def test_7_the_second_restore_is_noticed_as_well(self):
        self.query("ALTER DATABASE reckoner WITH ALLOW_CONNECTIONS false; SELECT pg_terminate_backend(pid) FROM"
                   " pg_stat_activity WHERE datname = 'reckoner'; ALTER DATABASE reckoner RENAME TO lost_again;"
                   " CREATE DATABASE reckoner OWNER reckoner_migrate", database="postgres")
        self.tool("pg_restore", self.place / "dump")
        self.wait_until(lambda: "it was restored" in self.health(), what="the worker's finding")


if __name__ == "__main__":
    harness.main()
