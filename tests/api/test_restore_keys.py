"""A restore to a time before the signing key: the database cannot know who signed the checkpoint that a keeper holds,
so the keeper's copy of the key is given; and bundles of statements whose key has been retired since."""

import json
import pathlib
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))

import bundles  # noqa: E402
import harness  # noqa: E402


class RestoredBeforeTheKey(harness.ServiceCase):
    """One story in order."""

    settings = {"worker_poll_ms": 20, "log_origin": "reckoner.test/log"}

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.place = cls.service.workdir / "kept"
        cls.place.mkdir()
        cls.contract = cls.agree()
        cls.send([harness.row(n) for n in range(3)])
        cls.service.set_clock("2012-05-17T09:00:00Z")
        cls.old = cls.as_person(None).get("/v1/keys")["items"][0]
        (cls.place / "old.pem").write_text(cls.old["pem"])

    def tool(self, name, *arguments):
        subprocess.run([str(harness.PG_BIN / name), "-d", self.service.conninfo, *map(str, arguments)], check=True,
                       capture_output=True)

    def command(self, *arguments, status=0):
        done = self.service.command(*arguments, check=False)
        self.assertEqual(done.returncode, status, done.stdout + done.stderr)
        return done.stdout + done.stderr

    def worker_with(self, name):
        self.service.kill_worker()
        self.service.start_worker(environment={"RECKONER_SIGNING_KEY_FILE": str(self.service.keys_dir / name)})

    def settle(self):
        self.wait_until(lambda: self.value("SELECT NOT EXISTS (SELECT FROM reckoner.log_pending)") == "t",
                        what="the log")

    def health(self):
        return self.service.command("health", check=False).stdout

    def test_1_a_bundle_whose_key_is_retired(self):
        client = self.as_person("a.maker")
        asked = client.post(f"{self.contract}/accounts/5QE/runs", {"month": "2012-04", "type": "FLEX"})
        client.wait_for_job("RXA", asked["job"])
        statement = client.get(f"/v1/providers/RXA/runs/{asked['run']}")["statement"]
        self.settle()
        self.tool("pg_dump", "-Fc", "-f", self.place / "dump")
        self.command("keygen", "signing", "--out", self.service.keys_dir / "second.key")
        self.command("key", "introduce", self.service.keys_dir / "second.key.pub")
        self.worker_with("second.key")
        self.command("key", "retire", self.old["key"])
        self.send([harness.row(n) for n in range(4)])
        self.settle()
        (self.place / "newest").write_bytes(self.as_person(None).bytes("/v1/log/checkpoint"))
        path = self.place / "bundle.tar"
        path.write_bytes(bundles.ask(client, statement))
        named = {name for name in bundles.members(path) if name.endswith(".pem")}
        self.assertEqual(len(named), 2)  # of the statement, and of the checkpoint
        for verify in (bundles.ours, bundles.theirs):
            status, report = verify(path, "--key", self.place / "old.pem")
            self.assertEqual((status, report["good"], bundles.outcomes(report)["key"]), (0, True, "good"), report)
            status, report = verify(path, "--key", self.service.keys_dir / "second.key.pub")
            self.assertEqual((status, bundles.outcomes(report)["key"]), (1, "differs"))

    def test_2_the_checkpoint_is_taken_with_the_key_that_a_keeper_has(self):
        self.query("ALTER DATABASE reckoner WITH ALLOW_CONNECTIONS false; SELECT pg_terminate_backend(pid) FROM"
                   " pg_stat_activity WHERE datname = 'reckoner'; ALTER DATABASE reckoner RENAME TO lost;"
                   " CREATE DATABASE reckoner OWNER reckoner_migrate", database="postgres")
        self.tool("pg_restore", self.place / "dump")
        self.wait_until(lambda: "it was restored" in self.health(), what="the worker's finding")
        given = ("fsck", "--recover", "--checkpoint", self.place / "newest")
        self.assertIn("try --key", self.command(*given, status=1))
        self.assertIn("not signed by that key", self.command(*given, "--key", self.place / "old.pem", status=1))
        self.assertEqual(self.value("SELECT count(*) FROM reckoner.log_recovery"), "0")
        said = self.command(*given, "--key", self.service.keys_dir / "second.key.pub")
        self.assertIn("entries of the log are lost", said)

    def test_3_the_key_is_introduced_again_and_work_goes_on(self):
        self.assertEqual(self.value("SELECT count(*) FROM reckoner.signing_key"), "1")
        self.command("key", "introduce", self.service.keys_dir / "second.key.pub")
        self.send([harness.row(n) for n in range(5)])
        self.settle()
        entries = self.as_person("audit.one").get("/v1/log/entries?limit=500")["items"]
        self.assertEqual([e["kind"] for e in entries].count("recovery"), 1)
        done = self.service.command("fsck", "--json", check=False)
        self.assertEqual(done.returncode, 0, done.stdout)
        self.assertEqual(json.loads(done.stdout.splitlines()[-1])["differences"], 0)


if __name__ == "__main__":
    harness.main()
