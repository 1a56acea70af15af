"""What the operators' guide does as root, to /etc and with systemd: installed into a folder and held against the page.
Left out is what needs root: that systemd starts the units, and that PostgreSQL lets the system's users in."""

import pathlib
import re
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))

import harness  # noqa: E402

GUIDE = (harness.ROOT / "api/guides/operators.md").read_text(encoding="utf-8")
INSTALL = GUIDE[GUIDE.index("\n## Install\n"):GUIDE.index("\n## Organisations, people, tokens\n")]
ROTATION = GUIDE[GUIDE.index("\n### A new signing key\n"):]
SHELL = re.compile(r"^```sh\n(.*?)^```", re.S | re.M)


def plain_blocks(text):
    """Blocks that are not for a shell."""
    return [body for language, body in re.findall(r"^```(\w*)\n(.*?)^```", text, re.S | re.M) if not language]


def unit(path):
    """(name, value) of each setting."""
    return [tuple(line.split("=", 1)) for line in path.read_text(encoding="utf-8").splitlines()
            if "=" in line and not line.startswith("#")]


class Installation(harness.ServiceCase):
    workers = 1

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        folder = tempfile.TemporaryDirectory(prefix="reckoner-install-")
        cls.addClassCleanup(folder.cleanup)
        cls.root = pathlib.Path(folder.name)
        # What was built is installed as it is.
        subprocess.run(["make", "-s", "-o", "all", "install", f"BUILD={harness.BUILD}", f"DESTDIR={cls.root}"],
                       cwd=harness.ROOT, check=True, capture_output=True)
        cls.units = {path.name: unit(path) for path in (cls.root / "lib/systemd/system").iterdir()}
        printed = subprocess.run([harness.BUILD / "reckoner", "--config", "/dev/null", "config"], check=True,
                                 capture_output=True, text=True).stdout
        cls.options = {name: value.strip(' "') for name, value in re.findall(r"^(\w+) =(.*)$", printed, re.M)}

    def installed(self, path):
        return self.root / path.lstrip("/")

    def test_every_file_that_the_page_names_is_installed(self):
        named = set(re.findall(r"/(?:usr/share|etc/reckoner)/[\w./-]*\w", INSTALL))
        self.assertGreaterEqual(len(named), 7)
        for path in sorted(named):
            if not path.endswith(".key"):  # those are made by keygen
                self.assertTrue(self.installed(path).exists(), path)
        for name in ("migrations_dir", "reference_dir"):
            self.assertTrue(any(self.installed(self.options[name]).iterdir()), name)

    def test_the_keys_that_the_page_hands_over_are_those_that_keygen_makes(self):
        config = self.root / "keys.conf"
        config.write_text("".join(f"{name} = {self.root}{value}\n" for name, value in self.options.items()
                                  if name.endswith("_key_file")), encoding="utf-8")
        subprocess.run([harness.BUILD / "reckoner", "--config", config, "keygen"], check=True, capture_output=True)
        modes = {path.name: path.stat().st_mode & 0o777 for path in (self.root / "etc/reckoner").iterdir()
                 if path.suffix != ".conf"}
        self.assertEqual(modes, {"token.key": 0o400, "seal.key": 0o400, "signing.key": 0o400, "pseudonym.key": 0o400,
                                 "seal.pub": 0o444})
        owners = dict(re.findall(r"^chown (\S+): +(.*)$", INSTALL, re.M))
        self.assertEqual({user: sorted(path.rsplit("/", 1)[1] for path in paths.split())
                          for user, paths in owners.items()},
                         {"reckoner-web": ["token.key"],
                          "reckoner-worker": ["pseudonym.key", "seal.key", "signing.key"]})

    def test_the_units_run_what_is_installed_as_the_users_that_the_page_makes(self):
        users = re.findall(r"^adduser .* (\S+)$", INSTALL, re.M)
        enabled = re.search(r"^systemctl enable --now (.*)$", INSTALL, re.M)[1].split()
        self.assertEqual({re.sub("@1$", "@", name) + ".service" for name in enabled}, set(self.units))
        self.assertEqual({dict(settings)["User"] for settings in self.units.values()}, set(users))
        for name, settings in self.units.items():
            of = dict(settings)
            program, option, config = of["ExecStart"].split()
            self.assertTrue(self.installed(program).exists() and self.installed(config).exists(), name)
            self.assertEqual((option, of["Group"]), ("--config", of["User"]))
            self.assertTrue(self.installed(of["Documentation"].removeprefix("file:")).exists(), name)
            self.assertGreater(int(of["TimeoutStopSec"]), int(self.options["drain_seconds"]))
        kept_off = {path for name, value in self.units["reckonerd.service"] if name == "InaccessiblePaths"
                    for path in value.replace("-/", "/").split()}
        secrets = {self.options[name] for name in ("seal_secret_key_file", "signing_key_file", "pseudonym_key_file")}
        self.assertEqual(kept_off, secrets | {"/var/lib/reckoner"})
        worker = dict(self.units["reckoner-worker@.service"])
        folders = [self.options["spool_dir"], self.options["state_dir"]]
        self.assertEqual([f"/var/lib/{name}" for name in worker["StateDirectory"].split()], folders)
        self.assertEqual(worker["ReadWritePaths"].split(), folders)

    def test_postgresql_reads_the_lines_of_the_page(self):
        rules, users, settings = plain_blocks(INSTALL)
        data = pathlib.Path(self.value("SHOW data_directory"))
        for name, lines in (("pg_hba.conf", rules), ("pg_ident.conf", users)):
            with open(data / name, "a", encoding="utf-8") as file:  # read at a reload alone, and by what follows
                file.write(lines)
        self.assertEqual(self.query("SELECT type, database, user_name, auth_method, options, error FROM"
                                    " pg_hba_file_rules ORDER BY line_number DESC LIMIT 1"),
                         [["local", "{reckoner}", "{reckoner_web,reckoner_worker,reckoner_migrate}", "peer",
                           "{map=reckoner}", ""]])
        mapped = self.query("SELECT sys_name, pg_username, error FROM pg_ident_file_mappings"
                            " WHERE map_name = 'reckoner' ORDER BY sys_name")
        self.assertEqual(mapped, [["reckoner-web", "reckoner_web", ""], ["reckoner-worker", "reckoner_worker", ""],
                                  ["root", "reckoner_migrate", ""]])
        roles = {role for (role,) in self.query("SELECT rolname FROM pg_roles WHERE rolcanlogin")}
        self.assertLessEqual({role for _, role, _ in mapped}, roles)
        for name, value in re.findall(r"^(\w+) = (\w+)$", settings, re.M):
            self.query(f"ALTER SYSTEM SET {name} = '{value}'")
            self.query(f"ALTER SYSTEM RESET {name}")

    def test_every_command_and_option_of_the_page_is_there(self):
        known = subprocess.run([harness.BUILD / "reckoner", "--help"], check=True, capture_output=True,
                               text=True).stdout
        commands = set(re.findall(r"^  ([a-z-]+(?: [a-z-]+)*)  ", known, re.M))
        used = set(re.findall(r"^reckoner ([a-z-]+(?: [a-z-]+)?)", "".join(SHELL.findall(GUIDE)), re.M))
        self.assertGreater(len(used), 10)
        for command in used:
            self.assertTrue({command, command.split()[0]} & commands, command)
        named = set(re.findall(r"`([a-z]+(?:_[a-z]+)+)`", GUIDE))
        self.assertGreaterEqual(len(named & set(self.options)), 10)
        for name in named:
            if name.endswith(("_dir", "_seconds", "_days", "_ms", "_port", "_file", "_attempts", "_minutes", "_day")):
                self.assertTrue(name in self.options or name in ("clock_file", "upload_minutes"), name)

    def test_a_new_signing_key_as_the_page_makes_it(self):
        self.wait_until(lambda: self.value("SELECT count(*) FROM reckoner.signing_key") == "1", what="the first key")
        old = self.value("SELECT id FROM reckoner.signing_key")
        (block,) = SHELL.findall(ROTATION[:ROTATION.index("\n## Backup")])
        folder = self.root / "rotation"
        folder.mkdir()
        block, told = re.subn("(?<=key retire )[0-9A-F]{16}", old, block.replace("/etc/reckoner/", f"{folder}/"))
        self.assertEqual(told, 1)
        as_root = "chown() { :; }; systemctl() { :; }\n"
        ours = f'reckoner() {{ "{harness.BUILD}/reckoner" --config "{self.service.config_file}" "$@"; }}\n'
        done = subprocess.run(["bash", "-eu", "-c", as_root + ours + block], check=False, capture_output=True,
                              text=True)
        self.assertEqual(done.returncode, 0, done.stderr)
        listed = done.stdout[done.stdout.rindex("key  "):].splitlines()[1:]
        self.assertEqual(len(listed), 2, done.stdout)
        ended = {line.split()[0]: len(re.findall(r"\d{4}-\d\d-\d\dT", line)) for line in listed}
        self.assertEqual((ended[old], sorted(ended.values())), (2, [1, 2]), done.stdout)
        self.assertEqual((folder / "signing-2.key").stat().st_mode & 0o777, 0o400)


if __name__ == "__main__":
    harness.main()
