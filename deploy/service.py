"""Runs the whole of Reckoner from a build folder: a private PostgreSQL, keys, configuration, one reckonerd, workers.

Used by `make demo`, `make run` and the tests. Standard library only. Everything lives in one working folder, listens
on free ports of the loopback address, and is gone after stop():

    with Service("build/release", ".demo", clock="2012-05-10T09:00:00Z") as service:
        token = service.token(service.person("p.baker", service.organisation("RXA", "provider", "A Trust"), "P Baker"))
        urllib.request.urlopen(service.url + "/v1/keys")

Two services run side by side when their working folders differ.
"""

import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parent.parent
READY_SECONDS = 60


class ServiceError(Exception):
    """A part did not start, stop or answer; the text says which, and ends with its last log lines."""


class Service:
    """One running Reckoner.

    build     folder with the programs (build/release)
    workdir   made by start(), removed by stop(); must not exist, or be left over from an earlier service
    workers   number of reckoner-worker processes that start() starts
    clock     None: production mode on real time. An instant ("2012-05-10T09:00:00Z"): demonstration mode on a clock
              file that starts there and runs on; set_clock() moves it
    settings  further configuration options by name, for example {"max_upload_bytes": 1000}
    throwaway True for tests: nothing is flushed to disk
    like      folder of a halted service to begin with: its database, keys and tokens
    """

    def __init__(self, build, workdir, *, workers=1, clock=None, settings=None, throwaway=False, like=None):
        self.build = pathlib.Path(build).resolve()
        self.workdir = pathlib.Path(workdir).resolve()
        self.wanted_workers = workers
        self.settings = dict(settings or {})
        self.throwaway = throwaway
        self.like = like
        self.clock = clock
        self.clock_file = self.workdir / "clock"
        self.config_file = self.workdir / "reckoner.conf"
        self.keys_dir = self.workdir / "keys"
        self.logs_dir = self.workdir / "logs"
        self.url = None  # "http://127.0.0.1:PORT", without a slash at the end
        self.local_url = None  # the port of /live, /ready and /metrics
        self.tokens = {}  # person id -> bearer token, for those made with token()
        self.daemon = None  # subprocess.Popen of reckonerd
        self.workers = []  # subprocess.Popen of each worker; ended ones stay in the list
        self.conninfo = None  # libpq connection string of the database's superuser

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.stop()

    # Whole life

    def start(self):
        """Starts everything and returns when /ready answers 200 and every worker has started."""
        try:
            self.prepare()
            self.start_daemon()
            for _ in range(self.wanted_workers):
                self.start_worker()
        except BaseException:
            self.stop()
            raise
        return self

    def prepare(self):
        """Everything but the servers: folders, database, keys and configuration, ready for commands."""
        self.clean_left_over()
        # The database server, which root runs as another user, must be able to pass through the folder itself.
        self.workdir.mkdir(parents=True)
        self.workdir.chmod(0o755)
        for folder in (self.keys_dir, self.logs_dir, self.workdir / "spool", self.workdir / "state"):
            folder.mkdir(mode=0o700)
        (self.workdir / "service.pid").write_text(f"{os.getpid()}\n")
        if self.clock is not None:
            self.set_clock(self.clock)
        options = ["--throwaway"] if self.throwaway else []
        options += ["--like", str(self.like / "postgres")] if self.like else []
        self.conninfo = self._postgres("start", *options).strip()
        self._choose_ports()
        self._write_config()
        if self.like is None:
            self.command("keygen")
            self.command("migrate")
            return
        for key in (self.like / "keys").iterdir():
            shutil.copy2(key, self.keys_dir)
        self.tokens = json.loads((self.like / "tokens.json").read_text())

    def halt(self):
        """Ends a service that was prepared and not started; its folder stays, and others can begin like it."""
        self._postgres("halt")
        (self.workdir / "tokens.json").write_text(json.dumps(self.tokens))

    def stop(self):
        """Stops everything and removes the working folder. Safe to call again, and after a failed start."""
        running = [p for p in [self.daemon, *self.workers] if p is not None and p.poll() is None]
        for process in running:
            process.send_signal(signal.SIGTERM)
        deadline = time.monotonic() + 15
        for process in running:
            try:
                process.wait(max(0.1, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        if self.workdir.exists():
            self._postgres("stop", check=False)
            shutil.rmtree(self.workdir, ignore_errors=True)

    # Parts

    def start_daemon(self):
        """Starts reckonerd, on new ports when another program took ours in between, and waits for /ready."""
        for _ in range(5):
            self.daemon = self._spawn("reckonerd", "reckonerd")
            if self._wait_ready():
                return
            if "in use" not in self._log_tail("reckonerd"):
                break
            self._choose_ports()
            self._write_config()
        raise ServiceError(f"reckonerd does not become ready\n{self._log_tail('reckonerd')}")

    def stop_daemon(self, number=signal.SIGTERM, timeout=30):
        """Sends the signal, waits for the end and returns the exit status (negative: killed by that signal)."""
        self.daemon.send_signal(number)
        return self.daemon.wait(timeout)

    def start_worker(self, *arguments, environment=None):
        """Starts one more worker and returns its process. environment: further variables, for fault injection."""
        name = f"worker-{len(self.workers) + 1}"
        process = self._spawn("reckoner-worker", name, *arguments, environment=environment)
        self.workers.append(process)
        return process

    def kill_worker(self, index=0, number=signal.SIGKILL):
        """Ends one of the running workers, without mercy unless told otherwise. Returns its exit status."""
        running = [p for p in self.workers if p.poll() is None]
        running[index].send_signal(number)
        return running[index].wait(30)

    def restart_database(self, crash=False):
        """Fast shutdown and start, or with crash=True kill -9 and start. Connections break; data stays."""
        self._postgres("crash" if crash else "restart")

    def set_clock(self, instant):
        """Moves the product clock to an instant like 2012-05-10T09:00:00Z; it runs on from there."""
        self.clock = instant
        new = self.clock_file.with_suffix(".new")
        new.write_text(instant + "\n")
        os.replace(new, self.clock_file)

    # Administration, through the command line

    def command(self, *arguments, check=True, text=True, stdin=None):
        """Runs `reckoner ARGUMENTS` with this service's configuration. Returns subprocess.CompletedProcess."""
        done = subprocess.run(
            [str(self.build / "reckoner"), "--config", str(self.config_file), *map(str, arguments)],
            input=stdin, capture_output=True, text=text, env=self._environment(), check=False)
        if check and done.returncode != 0:
            error = done.stderr if text else done.stderr.decode(errors="replace")
            raise ServiceError(f"reckoner {' '.join(map(str, arguments))}: status {done.returncode}\n{error}")
        return done

    def organisation(self, code, kind, name, live_from=None):
        """Makes an organisation; kind is provider, commissioner, auditor or operator. Returns the code.

        live_from: first day of the code, "2011-04-01"; None: of the financial year on the product clock.
        """
        self.command("organisation", "add", code, kind, name, *(["--live-from", live_from] if live_from else []))
        return code

    def person(self, identifier, organisation, name):
        """Makes a person of an organisation. Returns the person's id."""
        self.command("person", "add", identifier, organisation, name)
        return identifier

    def appoint_auditor(self, auditor, organisation):
        """Lets an auditing organisation read the accounts of another."""
        self.command("auditor", "appoint", auditor, organisation)

    def token(self, person):
        """Makes a bearer token for a person, keeps it in tokens and returns it."""
        self.tokens[person] = self.command("token", "create", person).stdout.strip()
        return self.tokens[person]

    def load_reference(self, kind, path):
        """Loads a reference file: clusters, bank_holidays, practices, allocation_grid or reference_prices."""
        self.command("reference", "load", kind, path)

    def conninfo_for(self, role):
        """Connection string of the database as another role, for example reckoner_web."""
        return self._postgres("conninfo", role).strip()

    # Inside

    def _environment(self):
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("RECKONER_", "PG"))}
        return kept | {name: os.environ[name] for name in ("RECKONER_PG_BIN", "RECKONER_PG_USER") if name in os.environ}

    def _postgres(self, verb, *arguments, check=True):
        done = subprocess.run(
            [str(ROOT / "deploy/private-postgres.sh"), verb, str(self.workdir / "postgres"), *arguments],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=self._environment(), check=False,
            stdin=subprocess.DEVNULL)
        if check and done.returncode != 0:
            raise ServiceError(f"private PostgreSQL: {verb} failed\n{done.stderr}")
        return done.stdout

    def clean_left_over(self):
        """Ends and removes what an earlier service with this folder left when it was killed.

        ServiceError: that service still runs, or the folder is somebody else's.
        """
        if not self.workdir.exists():
            return
        try:
            owner = int((self.workdir / "service.pid").read_text())
            os.kill(owner, 0)
        except (FileNotFoundError, ValueError):
            if any(self.workdir.iterdir()):
                raise ServiceError(f"{self.workdir} is not empty and not ours: name another folder") from None
        except ProcessLookupError:
            pass
        else:
            raise ServiceError(f"{self.workdir} is in use by process {owner}: stop that one, or name another folder")
        self._end_left_over_programs()
        self._postgres("stop")
        shutil.rmtree(self.workdir)

    def _end_left_over_programs(self):
        """Ends the programs of the killed service; they are known by the configuration file they were started with."""
        mark = b"--config\0" + os.fsencode(self.config_file) + b"\0"
        for entry in pathlib.Path("/proc").iterdir():
            if not entry.name.isdigit():
                continue
            try:
                if mark in (entry / "cmdline").read_bytes() + b"\0":
                    os.kill(int(entry.name), signal.SIGKILL)
            except (FileNotFoundError, ProcessLookupError, PermissionError):
                continue

    def _choose_ports(self):
        with socket.socket() as one, socket.socket() as two:
            one.bind(("127.0.0.1", 0))
            two.bind(("127.0.0.1", 0))
            self.port, self.local_port = one.getsockname()[1], two.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self.local_url = f"http://127.0.0.1:{self.local_port}"

    def _write_config(self):
        keys = self.keys_dir
        options = {
            "mode": "production" if self.clock is None else "demonstration",
            "clock_file": "" if self.clock is None else self.clock_file,
            "database_web": self.conninfo_for("reckoner_web"),
            "database_worker": self.conninfo_for("reckoner_worker"),
            "database_admin": self.conninfo_for("reckoner_migrate"),
            "migrations_dir": ROOT / "migrations",
            "reference_dir": ROOT / "config",
            "listen_address": "127.0.0.1",
            "listen_port": self.port,
            "local_port": self.local_port,
            "base_url": self.url,
            "token_key_file": keys / "token.key",
            "seal_public_key_file": keys / "seal.pub",
            "seal_secret_key_file": keys / "seal.key",
            "signing_key_file": keys / "signing.key",
            "pseudonym_key_file": keys / "pseudonym.key",
            "spool_dir": self.workdir / "spool",
            "state_dir": self.workdir / "state",
        } | self.settings
        lines = [f"{name} = {value}\n" for name, value in options.items()]
        self.config_file.write_text("# Written by deploy/service.py\n" + "".join(lines))

    def _spawn(self, program, log_name, *arguments, environment=None):
        # A session of their own: Ctrl-C reaches us alone, and we stop the parts in order.
        with open(self.logs_dir / f"{log_name}.log", "ab") as log:
            return subprocess.Popen(
                [str(self.build / program), "--config", str(self.config_file), *arguments],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
                env=self._environment() | (environment or {}))

    def _wait_ready(self):
        deadline = time.monotonic() + READY_SECONDS
        while time.monotonic() < deadline and self.daemon.poll() is None:
            try:
                with urllib.request.urlopen(self.local_url + "/ready", timeout=5) as answer:
                    if answer.status == 200:
                        return True
            except (urllib.error.URLError, OSError):
                pass
            time.sleep(0.02)
        if self.daemon.poll() is None:
            self.daemon.kill()
            self.daemon.wait()
        return False

    def _log_tail(self, log_name, lines=20):
        try:
            text = (self.logs_dir / f"{log_name}.log").read_text(errors="replace")
        except FileNotFoundError:
            return "(no log)"
        return "\n".join(text.splitlines()[-lines:])


def stop_on_signals():
    """Turns SIGTERM and SIGHUP into KeyboardInterrupt, so that `with Service(...)` cleans up after every polite end."""
    def interrupt(_number, _frame):
        raise KeyboardInterrupt
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, interrupt)


if __name__ == "__main__":
    sys.exit("service.py is a module: see deploy/run.py and deploy/demo")
