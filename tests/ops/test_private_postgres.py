"""deploy/private-postgres.sh: starts, survives, and leaves nothing behind."""

import os
import pathlib
import shutil
import signal
import subprocess
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
SCRIPT = ROOT / "deploy/private-postgres.sh"
PSQL = pathlib.Path(os.environ.get("RECKONER_PG_BIN", "/usr/lib/postgresql/15/bin")) / "psql"


def script(*arguments):
    return subprocess.run([SCRIPT, *arguments], capture_output=True, text=True, check=False)


def sql(conninfo, text):
    return subprocess.run([PSQL, "-X", "-At", conninfo, "-c", text], capture_output=True, text=True, check=False)


class PrivatePostgres(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.parent = pathlib.Path(tempfile.mkdtemp(prefix="reckoner-test-"))
        cls.parent.chmod(0o755)
        cls.folder = cls.parent / "cluster"
        cls.addClassCleanup(shutil.rmtree, cls.parent)
        cls.addClassCleanup(script, "stop", cls.folder)

    def setUp(self):
        # The same cluster for every test, unless one has stopped it: start is harmless when it runs.
        started = script("start", self.folder, "--throwaway")
        self.assertEqual(started.returncode, 0, started.stderr)
        self.conninfo = started.stdout.strip()

    def postmaster(self):
        return int((self.data() / "postmaster.pid").read_text().splitlines()[0])

    def data(self):
        return pathlib.Path((self.folder / "cluster").read_text().strip())

    def test_it_is_private_and_ready(self):
        shown = sql(self.conninfo, "SELECT current_database(), current_setting('listen_addresses'),"
                    " current_setting('fsync'), current_setting('synchronous_commit')").stdout.strip()
        self.assertEqual(shown, "reckoner||off|on")
        socket = pathlib.Path(self.conninfo.split("host=")[1].split()[0])
        self.assertEqual(socket.stat().st_mode & 0o777, 0o700)
        self.assertLess(len(str(socket)) + len("/.s.PGSQL.5432"), 107)
        self.assertNotEqual(pathlib.Path(f"/proc/{self.postmaster()}").stat().st_uid, 0)
        owner = sql(self.conninfo, "SELECT datdba::regrole FROM pg_database WHERE datname = 'reckoner'").stdout.strip()
        self.assertEqual(owner, "reckoner_migrate")
        for role in ("reckoner_web", "reckoner_worker", "reckoner_auditor", "reckoner_migrate"):
            as_role = script("conninfo", self.folder, role).stdout.strip()
            self.assertEqual(sql(as_role, "SELECT current_user").stdout.strip(), role)

    def test_start_again_is_the_same_cluster(self):
        before = self.postmaster()
        self.assertEqual(script("start", self.folder).stdout.strip(), self.conninfo)
        self.assertEqual(self.postmaster(), before)

    def test_data_survives_restart_and_crash(self):
        self.assertEqual(sql(self.conninfo, "CREATE TABLE kept AS SELECT 42 AS answer").returncode, 0)
        for verb in ("restart", "crash"):
            before = self.postmaster()
            done = script(verb, self.folder)
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertNotEqual(self.postmaster(), before)
            self.assertEqual(sql(self.conninfo, "SELECT answer FROM kept").stdout.strip(), "42")

    def test_start_after_its_death(self):
        pid = self.postmaster()
        os.kill(pid, signal.SIGKILL)
        done = script("start", self.folder)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(sql(self.conninfo, "SELECT 1").stdout.strip(), "1")

    def test_stop_leaves_nothing(self):
        pid, data = self.postmaster(), self.data()
        socket = pathlib.Path((self.folder / "socket").read_text().strip())
        self.assertEqual(script("stop", self.folder).returncode, 0)
        for place in (self.folder, data, socket):
            self.assertFalse(place.exists(), place)
        status = pathlib.Path(f"/proc/{pid}/status")
        # Where process 1 is slow to collect the dead, its entry may stand for a while.
        self.assertTrue(not status.exists() or "\nState:\tZ" in status.read_text())
        self.assertEqual(script("stop", self.folder).returncode, 0)

    def test_one_that_is_kept_is_honest(self):
        kept = self.parent / "kept"
        self.addCleanup(script, "stop", kept)
        conninfo = script("start", kept).stdout.strip()
        self.assertEqual(sql(conninfo, "SELECT current_setting('fsync'), current_setting('full_page_writes'),"
                             " current_setting('synchronous_commit')").stdout.strip(), "on|on|on")

    def test_begins_like_a_halted_one(self):
        self.assertEqual(sql(self.conninfo, "CREATE TABLE copied AS SELECT 43 AS answer").returncode, 0)
        like = self.parent / "like"
        self.addCleanup(script, "stop", like)
        refused = script("start", like, "--throwaway", "--like", self.folder)
        self.assertEqual((refused.returncode, "is not halted" in refused.stderr), (1, True))
        script("stop", like)
        self.assertEqual(script("halt", self.folder).returncode, 0)
        self.assertNotEqual(sql(self.conninfo, "SELECT 1").returncode, 0)
        started = script("start", like, "--throwaway", "--like", self.folder)
        self.assertEqual(started.returncode, 0, started.stderr)
        copied = started.stdout.strip()
        self.assertEqual(script("start", self.folder).stdout.strip(), self.conninfo)
        self.assertNotEqual(copied, self.conninfo)
        self.assertEqual(sql(copied, "UPDATE copied SET answer = 44").returncode, 0)
        self.assertEqual([sql(c, "SELECT answer FROM copied").stdout.strip() for c in (self.conninfo, copied)],
                         ["43", "44"])

    def test_a_folder_of_somebody_else_is_refused(self):
        other = self.parent / "other"
        other.mkdir()
        (other / "precious").write_text("mine")
        self.assertEqual(script("start", other).returncode, 1)
        script("stop", other)
        self.assertEqual((other / "precious").read_text(), "mine")


if __name__ == "__main__":
    unittest.main()
