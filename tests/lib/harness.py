"""What the Python tests share: a running service with organisations, people and a contract, rows, and a look into the
database. A test class is one service; its tests may depend on nothing that another test of the class did."""

import csv
import datetime
import fcntl
import hashlib
import io
import os
import pathlib
import subprocess
import sys
import tempfile
import threading
import time
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "deploy"))

import api_client  # noqa: E402
import service as services  # noqa: E402

BUILD = pathlib.Path(os.environ.get("RECKONER_BUILD", ROOT / "build/test")).resolve()
PG_BIN = pathlib.Path(os.environ.get("RECKONER_PG_BIN", "/usr/lib/postgresql/15/bin"))

# April 2012 has ended and its windows are open.
START = "2012-05-08T09:00:00Z"

ORGANISATIONS = {
    "RXA": ("provider", "Alder Valley Mental Health NHS Trust"),
    "RXB": ("provider", "Birch Hill Partnership NHS Trust"),
    "5QE": ("commissioner", "Eastmere PCT"),
    "5QF": ("commissioner", "Fenwick PCT"),
    "XAU": ("auditor", "District Audit"),
    "XOP": ("operator", "Reckoner Operations")}
# Enough people for every act that needs two.
PEOPLE = {
    "a.author": "RXA", "a.maker": "RXA", "a.checker": "RXA",
    "b.author": "RXB", "b.maker": "RXB",
    "e.one": "5QE", "e.two": "5QE", "f.one": "5QF",
    "audit.one": "XAU", "operator.one": "XOP"}

COLUMNS = (
    "provider month episode_id patient_id nhs_number nhs_number_status birth_date gp_practice commissioner "
    "commissioner_reason referral_date referral_end cluster_initial cluster super_class start_date end_date mhct_date "
    "mhct_reason h1 h2 h3 h4 h5 h6 h7 h8 h9 h10 h11 h12 h13 sa sb sc sd se admitted_days assessment_only service "
    "last_contact approval_ref discharge_mhct_date").split()


def row(number, month="2012-04", **changes):
    """A row that fails no rule: an episode of cluster 04, open all month."""
    first = datetime.date.fromisoformat(month + "-01")
    values = {name: "" for name in COLUMNS} | {name: "1" for name in COLUMNS[19:37]}
    values |= {
        "provider": "RXA", "month": month, "episode_id": f"E{number}", "patient_id": f"P{number}",
        "nhs_number_status": "07", "birth_date": "1960-05-17", "gp_practice": "V81997", "commissioner": "5QE",
        "referral_date": "2012-01-10", "cluster_initial": "04", "cluster": "04", "super_class": "A",
        "start_date": "2012-02-01", "mhct_date": "2012-02-01", "mhct_reason": "10", "service": "CMHT1",
        "last_contact": (first + datetime.timedelta(days=9)).isoformat()}
    unknown = set(changes) - set(values)
    if unknown:
        raise KeyError(f"no such column: {unknown}")
    return values | changes


def nhs_number(n):
    """A valid NHS number of the 999 range."""
    for first in range(999_000_000 + n * 2, 999_999_999):
        remainder = sum(int(c) * (10 - i) for i, c in enumerate(str(first))) % 11
        if remainder != 1:
            return f"{first}{(11 - remainder) % 11}"
    raise AssertionError


def csv_bytes(rows):
    """The rows as a CSV file."""
    out = io.StringIO(newline="")
    writer = csv.DictWriter(out, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue().encode()


def sound_example(financial_year=2012):
    """A worked example that holds under any terms: no activity, so no activity lines."""
    return {"title": "A year without activity", "month": f"{financial_year + 1}-03",
            "expect": {"stages": {"activity": 0}}}


def simple_terms(provider="RXA", commissioner="5QE", **changes):
    """Terms that pay cluster 04 at 6.12 pounds a day and 14 at 118.75, and nothing else."""
    terms = {
        "@purpose": "reckoner/terms/1", "mode": "live", "financial_year": 2012, "effective_from": "2012-04",
        "prices": [{"cluster": "04", "basis": "DAY", "pence": 612}, {"cluster": "14", "basis": "DAY", "pence": 11875}],
        "calendar": {"flex": {"operational_days": 10}, "freeze": {"operational_days": 25}},
        "parties": {provider: {"name": "The trust", "address": ["1 Mill Lane"]},
                    commissioner: {"name": "The commissioner", "address": ["2 Fen Street"], "buyer_reference": "B-1"}},
        "examples": [sound_example(changes.get("financial_year", 2012))]}
    return terms | changes


def prepared(clock):
    """Folder of a halted service with the organisations, people and tokens as of an instant; made once for all test
    programs of a build. tests/run.sh removes it."""
    made_of = hashlib.sha256(str(clock).encode() + pathlib.Path(__file__).read_bytes())
    for path in sorted((ROOT / "migrations").glob("*.sql")):
        made_of.update(path.read_bytes())
    folder = BUILD / "services" / f"prepared-{made_of.hexdigest()[:16]}"
    folder.parent.mkdir(parents=True, exist_ok=True)
    with open(folder.parent / "prepared.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if (folder / "tokens.json").exists():
            return folder
        service = services.Service(BUILD, folder, clock=clock, throwaway=True)
        try:
            service.prepare()
            for code, (kind, name) in ORGANISATIONS.items():
                service.organisation(code, kind, name)
            for person, organisation in PEOPLE.items():
                service.person(person, organisation, person)
                service.token(person)
            service.appoint_auditor("XAU", "RXA")
            service.halt()
        except BaseException:
            service.stop()
            raise
    return folder


class Psql:
    """Asks a database as the cluster's superuser. One psql stays for all questions: to start one costs more than most
    questions do. Each begins as in a new session."""

    ENDED = "-- the answer ends --"

    def __init__(self, conninfo):
        self.conninfo = conninfo
        self.process = None
        self.lock = threading.Lock()

    def ask(self, sql):
        """The rows as lists of text; AssertionError with what psql said when it fails."""
        with self.lock:
            alive = self.process is not None and self.process.poll() is None
            try:
                return self._asked(sql)
            except ConnectionError:
                if not alive:
                    raise
                return self._asked(sql)  # the server was restarted since the last question

    def _asked(self, sql):
        if self.process is None or self.process.poll() is not None:
            self.close()
            self.said = tempfile.TemporaryFile("w+")
            self.process = subprocess.Popen(
                [str(PG_BIN / "psql"), "-X", "-q", "-A", "-t", "-F", "\t", "-v", "ON_ERROR_STOP=1", self.conninfo],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.said, text=True,
                env=os.environ | {"PGOPTIONS": "-c client_min_messages=error"})
        try:
            self.process.stdin.write(f"{sql}\n;\nROLLBACK; DISCARD ALL;\n\\echo {self.ENDED}\n")
            self.process.stdin.flush()
        except BrokenPipeError:
            pass  # it says below why it has ended
        lines = []
        for line in self.process.stdout:
            if line == self.ENDED + "\n":
                return [found.split("\t") for found in "".join(lines).splitlines()]
            lines.append(line)
        self.process.wait()
        self.said.seek(0)
        said = self.said.read()
        raise (ConnectionError if "connection" in said else AssertionError)(f"psql: {said}")

    def close(self):
        if self.process is not None:
            self.process.stdin.close()
            self.process.stdout.close()
            self.process.wait()
            self.said.close()
            self.process = None


class ServiceCase(unittest.TestCase):
    """One service per class. settings, workers and clock can be set by the class."""

    settings = {}
    workers = 1
    clock = START

    @classmethod
    def setUpClass(cls):
        cls.folder = BUILD / "services" / cls.__name__
        cls.service = services.Service(BUILD, cls.folder, workers=cls.workers, clock=cls.clock, settings=cls.settings,
                                       throwaway=True, like=prepared(cls.clock))
        cls.sessions = {}
        cls.addClassCleanup(cls._stop)
        cls.service.start()

    @classmethod
    def _stop(cls):
        """Stops the service, and fails the class when one of its programs met a sanitizer."""
        for psql in cls.sessions.values():
            psql.close()
        for process in (cls.service.daemon, *cls.service.workers):
            if process is not None and process.poll() is None:
                process.terminate()
                process.wait(60)
        faults = []
        for log in sorted((cls.folder / "logs").glob("*.log")):
            text = log.read_text(errors="replace")
            at = min((text.find(sign) for sign in ("ERROR: ", "runtime error: ") if sign in text), default=-1)
            if at >= 0 and ("Sanitizer" in text or "runtime error: " in text):
                faults.append(f"{log.name}:\n{text[max(0, at - 300):at + 6000]}")
        cls.service.stop()
        if faults:
            raise AssertionError("a sanitizer found a fault\n" + "\n".join(faults))

    @classmethod
    def as_person(cls, person):
        """A client that calls as this person; None calls without a token."""
        client = api_client.Client(cls.service.url, cls.service.tokens[person] if person else None)
        cls.addClassCleanup(client.close)
        return client

    @classmethod
    def query(cls, sql, database="reckoner"):
        """Runs SQL as the cluster's superuser; returns the rows as lists of text."""
        conninfo = cls.service.conninfo.replace("dbname=reckoner", f"dbname={database}")
        if conninfo not in cls.sessions:
            cls.sessions[conninfo] = Psql(conninfo)
        return cls.sessions[conninfo].ask(sql)

    @classmethod
    def value(cls, sql):
        """The one value that the SQL gives."""
        return cls.query(sql)[0][0]

    @classmethod
    def make_contract(cls, author, provider="RXA", commissioners=("5QE",), year=2012, mode="live"):
        """A contract of the first commissioner, the others its associates, made by a client. Returns the path."""
        made = author.post(f"/v1/providers/{provider}/contracts", {
            "financial_year": year, "mode": mode, "title": f"{provider} with {commissioners[0]}",
            "commissioners": list(commissioners), "coordinator": commissioners[0]})
        return f"/v1/providers/{provider}/contracts/{made['contract']}"

    @classmethod
    def agree(cls, provider="RXA", commissioner="5QE", terms=None, authors=("a.author", "a.maker", "e.one"),
              contract=None):
        """Makes a contract, unless it is given, and has the terms drafted and approved by both. Returns its path."""
        author, own, other = (cls.as_person(person) for person in authors)
        terms = terms or simple_terms(provider, commissioner)
        if contract is None:
            contract = cls.make_contract(author, provider, [commissioner], mode=terms["mode"])
        draft = author.post(f"{contract}/terms", terms)
        for client in (own, other):
            client.post(f"{contract}/terms/{draft['version']}/approvals", {"digest": draft["digest"]})
        return contract

    @classmethod
    def send(cls, rows, person="a.maker", provider="RXA", month="2012-04", **more):
        """Uploads rows and waits for the outcome; returns the submission."""
        client = cls.as_person(person)
        acknowledged = client.upload(provider, month, csv_bytes(rows), **more)
        client.wait_for_job(provider, acknowledged["job"])
        return client.get(f"/v1/providers/{provider}/submissions/{acknowledged['submission']}")

    def assertProblem(self, reply, status, code, field=None):
        """The reply is this problem, in full form."""
        self.assertEqual((reply.status, reply.code), (status, code), reply.body)
        problem = reply.json()
        self.assertEqual(problem["status"], status)
        for member in ("type", "title", "detail", "request_id"):
            self.assertTrue(problem[member], member)
        if field is not None:
            self.assertEqual(problem.get("field"), field)
        return problem

    @staticmethod
    def wait_until(condition, seconds=30, what="a condition"):
        deadline = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > deadline:
                raise AssertionError(f"{what} did not come true within {seconds} s")
            time.sleep(0.02)


def main():
    unittest.main(verbosity=2)
