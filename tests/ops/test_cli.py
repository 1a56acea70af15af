"""The command line against a private database: what it does, what it refuses, and what it says."""

import os
import pathlib
import re
import shutil
import subprocess
import tempfile
import unittest

import api_client
import service

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
BUILD = pathlib.Path(os.environ.get("RECKONER_BUILD", ROOT / "build/release"))
PSQL = pathlib.Path(os.environ.get("RECKONER_PG_BIN", "/usr/lib/postgresql/15/bin")) / "psql"


class CommandLine(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.parent = pathlib.Path(tempfile.mkdtemp(prefix="reckoner-test-"))
        cls.parent.chmod(0o755)
        cls.addClassCleanup(shutil.rmtree, cls.parent, ignore_errors=True)
        cls.service = service.Service(BUILD, cls.parent / "service", workers=0, clock="2012-05-10T09:00:00Z",
                                      throwaway=True)
        cls.service.start()
        cls.addClassCleanup(cls.service.stop)
        cls.service.organisation("RXA", "provider", "A Trust")
        cls.service.organisation("AUD", "auditor", "An Auditor")
        cls.service.person("p.baker", "RXA", "P Baker")

    def run_it(self, *arguments):
        return self.service.command(*arguments, check=False)

    def sql(self, text):
        done = subprocess.run([PSQL, "-X", "-At", self.service.conninfo, "-c", text], capture_output=True, text=True,
                              check=True)
        return done.stdout.strip()

    def assertRefused(self, done, status, *words):
        self.assertEqual((done.returncode, done.stdout), (status, ""))
        for word in words:
            self.assertIn(word, done.stderr)

    def assertAudited(self, act, subject):
        self.assertEqual(self.sql("SELECT count(*) FROM reckoner.audit_event"
                                  f" WHERE act = '{act}' AND subject = '{subject}'"
                                  " AND detail ? 'system_user' AND at::date = '2012-05-10'"), "1")

    def test_every_command_has_help(self):
        listed = re.findall(r"^  (\w[\w-]*(?: \w+)?)  ", self.run_it("--help").stdout, re.MULTILINE)
        self.assertGreaterEqual(len(listed), 11)
        for command in listed:
            with self.subTest(command=command):
                done = self.run_it(*command.split(), "--help")
                self.assertEqual((done.returncode, done.stderr), (0, ""))
                self.assertTrue(done.stdout.startswith(f"reckoner {command}"))

    def test_wrong_use(self):
        self.assertRefused(self.run_it(), 2, "name a command")
        self.assertRefused(self.run_it("fly"), 2, "there is no command fly")
        self.assertRefused(self.run_it("organisation", "destroy"), 2, "there is no command organisation destroy")
        self.assertRefused(self.run_it("organisation", "add", "RXB"), 2, "2 arguments are missing", "usage:")
        self.assertRefused(self.run_it("health", "now"), 2, "one argument too many: now")
        self.assertRefused(self.run_it("health", "--fast"), 2, "no option --fast")
        self.assertRefused(self.run_it("health", "--config", "x"), 2, "it stands before the command")
        self.assertRefused(self.run_it("token", "create", "p.baker", "--days"), 2, "--days needs a value")

    def test_organisations(self):
        done = self.run_it("organisation", "add", "RXB", "provider", "B Trust", "--live-from", "2011-10-01")
        self.assertEqual((done.returncode, done.stdout), (0, "RXB\n"))
        self.assertAudited("organisation.add", "organisation/RXB")
        self.assertRegex(self.run_it("organisation", "list").stdout, r"\nRXB +provider +2011-10-01 +0  B Trust\n")
        # The first day of the financial year on the product clock.
        self.assertRegex(self.run_it("organisation", "list").stdout, r"\nRXA +provider +2012-04-01 +1  A Trust\n")
        self.assertRefused(self.run_it("organisation", "add", "RXB", "provider", "B"), 1, "RXB is there already")
        self.assertRefused(self.run_it("organisation", "add", "rxb", "provider", "B"), 1, "organisation_code_check")
        self.assertRefused(self.run_it("organisation", "add", "RXC", "hospital", "C"), 1, "organisation_kind_check")
        self.assertRefused(self.run_it("organisation", "add", "RXC", "provider", "C", "--live-from", "1.4.2012"), 2,
                           "1.4.2012 is not a date")

    def test_people(self):
        self.assertEqual(self.run_it("person", "add", "a.clerk", "AUD", "A Clerk").returncode, 0)
        self.assertEqual(self.sql("SELECT role FROM reckoner.person WHERE id = 'a.clerk'"), "auditor")
        self.assertAudited("person.add", "person/a.clerk")
        self.assertRefused(self.run_it("person", "add", "a.clerk", "RXA", "A"), 1, "a.clerk is taken")
        self.assertRefused(self.run_it("person", "add", "A Clerk", "RXA", "A"), 1, "person_id_check")
        self.assertRefused(self.run_it("person", "add", "b.clerk", "RXZ", "B"), 1, "no organisation RXZ")

    def test_tokens(self):
        self.service.person("t.user", "RXA", "T")
        before = self.sql("SELECT count(*) FROM reckoner.token")
        first, second = self.service.token("t.user"), self.service.token("t.user")
        self.assertRegex(first, r"^rk_[\w-]{43}$")
        self.assertNotEqual(first, second)
        self.assertEqual(int(self.sql("SELECT count(*) FROM reckoner.token")), int(before) + 2)
        self.assertEqual(self.sql("SELECT count(*) FROM reckoner.token WHERE hash = sha256('" + first + "')"), "0")
        self.assertEqual(self.sql("SELECT DISTINCT expires_at > now() + '89 days' AND expires_at < now() + '91 days'"
                                  " FROM reckoner.token WHERE person = 't.user'"), "t")
        self.assertRefused(self.run_it("token", "create", "nobody"), 1, "no person nobody")
        for days in ("0", "367", "ten", "1.5", "-1", ""):
            self.assertRefused(self.run_it("token", "create", "t.user", f"--days={days}"), 2, "whole number from 1 to")
        self.assertEqual(self.run_it("token", "revoke", "t.user").stdout, "2 revoked\n")
        self.assertEqual(self.run_it("token", "revoke", "t.user").stdout, "0 revoked\n")
        self.assertRefused(self.run_it("token", "revoke", "nobody"), 1, "no person nobody")

    def test_disabled_people(self):
        self.service.organisation("RXG", "provider", "G Trust")
        self.service.person("gone", "RXG", "G")
        client = api_client.Client(self.service.url, self.service.token("gone"))
        self.addCleanup(client.close)
        self.assertEqual(client.get("/v1/me")["person"], "gone")
        self.assertRefused(self.run_it("person", "enable", "gone"), 1, "gone is enabled already")
        self.assertEqual(self.run_it("person", "disable", "gone").stdout, "gone disabled\n")
        self.assertRefused(self.run_it("person", "disable", "gone"), 1, "gone is disabled already")
        self.assertAudited("person.disable", "person/gone")
        # A write asks the database each time; a read may be a second late.
        contract = "/v1/providers/RXG/contracts/bcdfghjklmnpqrstvwxz"
        self.assertEqual(client.send("DELETE", contract).status, 401)
        self.assertRefused(self.run_it("token", "create", "gone"), 1, "no person gone who may act")
        self.assertEqual(self.run_it("person", "enable", "gone").stdout, "gone enabled\n")
        self.assertAudited("person.enable", "person/gone")
        self.assertEqual(client.send("DELETE", contract).status, 404)
        self.assertRefused(self.run_it("person", "disable", "nobody"), 1, "no person nobody")

    def test_auditors(self):
        self.assertEqual(self.run_it("auditor", "appoint", "AUD", "RXA").returncode, 0)
        self.assertAudited("auditor.appoint", "organisation/RXA/auditor/AUD")
        self.assertRefused(self.run_it("auditor", "appoint", "AUD", "RXA"), 1, "already")
        self.assertRefused(self.run_it("auditor", "appoint", "RXA", "AUD"), 1, "must be an organisation of kind")

    def test_reference_files(self):
        clusters = ROOT / "config/clusters.csv"
        done = self.run_it("reference", "load", "clusters", clusters)
        digest = done.stdout.split()[1]
        again = self.run_it("reference", "load", "clusters", clusters)
        self.assertEqual((done.returncode, again.stdout), (0, done.stdout))
        self.assertEqual(self.sql("SELECT encode(digest, 'hex') FROM reckoner.reference_set"), digest)
        self.assertEqual(self.sql("SELECT encode(content, 'hex') FROM reckoner.reference_set"),
                         clusters.read_bytes().hex())
        self.assertRefused(self.run_it("reference", "load", "stars", clusters), 2, "stars is no kind")
        self.assertRefused(self.run_it("reference", "load", "clusters", "/no/such"), 1, "/no/such", "No such file")
        self.assertRefused(self.run_it("reference", "load", "clusters", "/dev/null"), 1, "is empty")
        # A file of another kind would stop every validation after it.
        for kind in ("bank_holidays", "practices", "allocation_grid", "reference_prices"):
            self.assertRefused(self.run_it("reference", "load", kind, clusters), 1, f"no file of the kind {kind}",
                               "Nothing was loaded")
        self.assertEqual(self.sql("SELECT count(*) FROM reckoner.reference_set"), "1")

    def test_keys_are_never_overwritten(self):
        before = {path.name: path.read_bytes() for path in self.service.keys_dir.iterdir()}
        self.assertEqual(sorted(before), ["pseudonym.key", "seal.key", "seal.pub", "signing.key", "token.key"])
        self.assertRefused(self.run_it("keygen"), 1, "never overwritten")
        self.assertRefused(self.run_it("keygen", "signing"), 1, "signing.key", "never overwritten")
        self.assertRefused(self.run_it("keygen", "golden"), 2, "golden is no kind of key")
        self.assertEqual({path.name: path.read_bytes() for path in self.service.keys_dir.iterdir()}, before)
        for path in self.service.keys_dir.iterdir():
            self.assertEqual(path.stat().st_mode & 0o7777, 0o444 if path.suffix == ".pub" else 0o400)

    def test_migrating_again_changes_nothing(self):
        done = self.run_it("migrate")
        self.assertEqual(done.returncode, 0)
        self.assertRegex(done.stdout, r"^schema version \d+, 0 applied now\n$")

    def test_a_migration_may_take_longer_than_other_statements(self):
        with tempfile.TemporaryDirectory() as folder:
            for path in (ROOT / "migrations").iterdir():
                shutil.copy(path, folder)
            slow = f"{len(list((ROOT / 'migrations').glob('[0-9]*.sql'))) + 1:04}_slow.sql"
            pathlib.Path(folder, slow).write_text("SELECT pg_sleep(0.5); SELECT 1 / 0;\n", encoding="utf-8")
            done = subprocess.run([BUILD / "reckoner", "--config", self.service.config_file, "migrate"],
                                  capture_output=True, text=True, check=False,
                                  env={**os.environ, "RECKONER_STATEMENT_TIMEOUT_MS": "100",
                                       "RECKONER_MIGRATIONS_DIR": folder})
        self.assertRefused(done, 1, slow.removesuffix(".sql"), "22012")  # the division, not a time that ran out

    def test_health(self):
        done = self.run_it("health")
        self.assertEqual(done.returncode, 1)
        self.assertIn("worker    FAULT", done.stdout)
        self.service.start_worker()
        self.addCleanup(self.service.kill_worker)
        for _ in range(100):
            done = self.run_it("health")
            if done.returncode == 0:
                break
        self.assertRegex(done.stdout, r"(?s)database +ok.*schema +ok.*queue +ok +0 waiting.*worker +ok")
        self.assertEqual(done.returncode, 0, done.stdout)

    def test_without_a_database(self):
        done = subprocess.run([BUILD / "reckoner", "health"], capture_output=True, text=True, check=False,
                              env={"RECKONER_DATABASE_ADMIN": "host=/nowhere dbname=x", "PATH": os.environ["PATH"]})
        self.assertRefused(done, 1, "cannot be reached", "host=/nowhere")


if __name__ == "__main__":
    unittest.main()
