"""Numbers and ids of patients, planted in every text that an upload or a person can supply: nobody who calls the
service gets one back, whatever is asked for, and none is in a log."""

import json
import pathlib
import re
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))

import harness  # noqa: E402
from harness import nhs_number  # noqa: E402

LOST = nhs_number(900)  # of nobody: typed by people
PATIENT = "PAT-{:06d}".format


def passes(digits):
    remainder = sum(int(c) * (10 - i) for i, c in enumerate(digits[:9])) % 11
    return (11 - remainder) % 11 == int(digits[9])


def strings(value):
    if isinstance(value, dict):
        for name, member in value.items():
            yield name
            yield from strings(member)
    elif isinstance(value, list):
        for member in value:
            yield from strings(member)
    elif isinstance(value, str):
        yield value


class Leaks(harness.ServiceCase):
    """One account with planted rows, settled and asked for by everybody."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.clients = {}
        cls.contract = cls.agree()
        cls.account = cls.contract + "/accounts/5QE"
        cls.rows = [harness.row(n, patient_id=PATIENT(n), nhs_number=nhs_number(n), nhs_number_status="01")
                    for n in range(60)]
        ninth = nhs_number(9)
        plants = [
            {"episode_id": PATIENT(3)}, {"episode_id": nhs_number(4)},
            {"episode_id": "x" + PATIENT(5).lower()[3:] + "/1"},
            {"service": PATIENT(6)}, {"service": nhs_number(7)}, {"mhct_reason": PATIENT(8)},
            {"mhct_reason": f"{ninth[:3]} {ninth[3:6]} {ninth[6:]}"},
            {"super_class": PATIENT(10)}, {"cluster": nhs_number(11)},
            {"commissioner": nhs_number(12)}, {"commissioner": PATIENT(13)}, {"admitted_days": nhs_number(14)},
            {"h1": PATIENT(15)}, {"start_date": PATIENT(16)},
            {"end_date": nhs_number(17)}, {"last_contact": PATIENT(18)},
            {"commissioner_reason": PATIENT(19), "gp_practice": PATIENT(20)}, {"approval_ref": PATIENT(21)},
            {"birth_date": PATIENT(22)}, {"cluster_initial": nhs_number(23)}, {"mhct_date": nhs_number(24)},
            {"nhs_number": nhs_number(25) + "1"}, {"nhs_number_status": PATIENT(26)}, {"referral_date": nhs_number(27)}]
        for place, plant in enumerate(plants):
            cls.rows[20 + place] |= plant
        cls.sent = cls.send(cls.rows)
        client = cls.person("a.maker")
        cls.refused = client.upload("RXA", "2012-04", b"provider," + nhs_number(1).encode() + b"," + b"\n" +
                                    harness.csv_bytes(cls.rows[:3]).split(b"\n", 1)[1], key="k" + nhs_number(2))
        client.wait_for_job("RXA", cls.refused["job"])
        client.post(cls.contract + "/exceptions", {"month": "2012-04", "reason": "rows were late"})
        cls.service.set_clock("2012-06-11T09:00:00Z")
        asked = client.post(cls.account + "/runs", {"month": "2012-04", "type": "FREEZE"})
        client.wait_for_job("RXA", asked["job"])
        run = client.get(f"/v1/providers/RXA/runs/{asked['run']}")
        cls.places = {
            "provider": "RXA", "contract": cls.contract.rsplit("/", 1)[1], "commissioner": "5QE", "version": "1",
            "month": "2012-04", "n": "1", "submission": cls.sent["submission"], "run": run["id"], "organisation": "RXA",
            "document": run["document"], "statement": run["statement"], "job": asked["job"]}

    @classmethod
    def person(cls, person):
        if person not in cls.clients:
            cls.clients[person] = cls.as_person(person)
        return cls.clients[person]

    def is_clean(self, text, where):
        """No ten digits that pass, and no patient id, in a text."""
        if re.fullmatch("[0-9a-f]{64}|[0-9A-F]{16}", text):
            return
        bare = re.sub(r"(?<!\d)\d{4}-\d\d-\d\d(?!\d)", "x", text)
        for run in re.findall(r"\d(?:[ -]?\d){9,}", bare):
            digits = re.sub(r"\D", "", run)
            for at in range(len(digits) - 9):
                self.assertFalse(passes(digits[at:at + 10]), f"{where}: {text[:200]}")
        self.assertNotRegex(re.sub("[^A-Za-z0-9]", "", text).upper(), r"PAT0000\d\d", where)

    def routes(self):
        done = subprocess.run([str(harness.BUILD / "reckonerd"), "--routes"],
                              capture_output=True, text=True, check=True)
        for line in done.stdout.splitlines():
            method, path, operation, *_ = line.split("\t")
            if method == "GET":
                yield path, operation

    def test_no_answer_holds_one(self):
        seen = 0
        for path, operation in self.routes():
            names = set(re.findall(r"{(\w+)}", path))
            for places in (self.places, self.places | {"submission": self.refused["submission"]}):
                address = path.format_map({name: places.get(name, "bcdfghjklmnpqrstvwxz") for name in names})
                for person in ("a.maker", "e.one", "audit.one", "operator.one", None):
                    reply = self.person(person).send("GET", address)
                    where = f"{operation} as {person}"
                    self.assertNotEqual(reply.code, "text_withheld", where)
                    for name, value in reply.headers.items():
                        self.is_clean(value.strip('"'), f"{where}: {name}")
                    if reply.headers["Content-Type"].endswith("json"):
                        for text in strings(reply.json()):
                            self.is_clean(text, where)
                    elif reply.body and b"\0" not in reply.body and operation.startswith("get") is False:
                        self.is_clean(reply.body.decode("utf-8", "replace"), where)
                    seen += reply.status == 200
        self.assertGreater(seen, 60)

    def test_rows_are_shown_under_aliases(self):
        path = f"/v1/providers/RXA/submissions/{self.sent['submission']}/findings"
        for person in ("a.maker", "e.one"):
            found = {f["row"]: f["episode_id"] for f in self.person(person).pages(path)}
            self.assertTrue(found)
            for row, episode in found.items():
                planted = self.rows[row - 1]["episode_id"]
                self.assertEqual(episode == planted, not planted.startswith(("PAT", "999", "x")), (row, episode))

    def test_no_log_holds_one(self):
        for log in (self.folder / "logs").glob("*.log"):
            whole, _, _ = log.read_text().rpartition("\n")  # the last line may still be on its way
            for line in whole.splitlines():
                if line.startswith("{"):
                    for text in strings(json.loads(line)):
                        self.is_clean(text, log.name)

    def test_no_stored_document_holds_one(self):
        for table, column in (("signed_record", "convert_from(bytes, 'UTF8')"), ("position", "body::text"),
                              ("job", "coalesce(problem, '')"), ("audit_event", "detail::text"),
                              ("finding", "value || '|' || note || '|' || episode_id"), ("episode", "service"),
                              ("episode", "episode_id"), ("run_line", "label")):
            for (text, *_) in self.query(f"SELECT DISTINCT {column} FROM reckoner.{table}"):
                for part in strings(json.loads(text)) if text.startswith("{") else [text]:
                    self.is_clean(part, table)

    def test_people_cannot_type_one(self):
        author = self.person("a.author")
        terms = harness.simple_terms()
        terms["parties"]["RXA"]["name"] = "Ward of " + LOST
        for client, path, body, field in (
                (author, "/v1/providers/RXA/contracts", {
                    "financial_year": 2013, "mode": "live", "title": "For " + LOST, "commissioners": ["5QE"],
                    "coordinator": "5QE"}, "/title"),
                (author, self.contract + "/terms", terms, "/parties/RXA/name"),
                (author, self.contract + "/exceptions", {"month": "2012-04", "reason": f"{LOST} was missing"},
                 "/reason"),
                (author, self.account + "/achievements", {
                    "indicator": "Q", "numerator": 1, "denominator": 2, "evidence": LOST[:3] + "-" + LOST[3:]},
                 "/evidence"),
                (self.person("operator.one"), "/v1/organisations", {
                    "code": "5QZ", "kind": "commissioner", "name": LOST, "live_from": "2001-04-01"}, "/name"),
                (author, "/v1/providers/RXA/contracts", {LOST: 1}, "")):
            with self.subTest(path=path, field=field):
                reply = client.send("POST", path, body)
                problem = self.assertProblem(reply, 422, "identifying_text")
                self.assertEqual(problem.get("field", ""), field)
                self.assertNotIn(LOST[:6], reply.body.decode())
        for arguments in (("organisation", "add", "5QY", "commissioner", "PCT " + LOST),
                          ("person", "add", "p" + LOST, "RXA", "Name"), ("person", "add", "p.new", "RXA", LOST)):
            done = self.service.command(*arguments, check=False)
            self.assertNotEqual(done.returncode, 0)
            self.assertNotIn(LOST, done.stdout + done.stderr)

    def test_a_problem_does_not_repeat_one(self):
        for path in ("/v1/organisations?" + LOST + "=1", "/v1/organisations?kind=" + LOST, "/v1/providers/" + LOST +
                     "/contracts/x", f"/v1/providers/RXA/months/{LOST}/submissions", "/v1/" + LOST):
            reply = self.person("a.maker").send("GET", path)
            self.assertNotIn(LOST.encode(), reply.body)
        reply = self.person("a.maker").send("GET", "/v1/me", headers={"X-Request-Id": "id-" + LOST})
        self.assertNotIn(LOST, reply.headers["X-Request-Id"])

    def test_a_document_is_kept_back(self):
        """A party is named like a patient of the month: nothing is settled, and the reason does not repeat it."""
        terms = harness.simple_terms("RXA", "5QF")
        terms["parties"]["RXA"]["name"] = "Home of " + PATIENT(2)
        contract = self.agree("RXA", "5QF", terms, ("a.author", "a.maker", "f.one"))
        asked = self.person("a.maker").post(contract + "/accounts/5QF/runs", {"month": "2012-04", "type": "FLEX"})
        job = f"/v1/providers/RXA/jobs/{asked['job']}"
        self.wait_until(lambda: self.person("a.maker").get(job)["state"] == "failed", what="the end of the job")
        run = self.person("a.maker").get(f"/v1/providers/RXA/runs/{asked['run']}")
        self.assertIn("kept back", run["reason"])
        self.is_clean(run["reason"], "reason")


if __name__ == "__main__":
    harness.main()
