"""Acts out the story of script.py against a running service, over its public HTTP API. Organisations, people and tokens
come from the command line of the operator; everything else is done by the people themselves, with their own tokens."""

import contextlib
import datetime
import json
import pathlib
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

import api_client  # noqa: E402
import lookback  # noqa: E402
import script  # noqa: E402


class Difference(Exception):
    """Something is not what it must be; the text names it."""


def expect(what, wanted, found):
    if wanted != found:
        raise Difference(f"{what}: expected {wanted}, found {found}")


SHADOW = " (a shadow year: the block agreed is paid, activity is priced beside it to compare)"


class Story:
    """service: a running Service on a clock file. data: folder of the generated uploads. say: called with each line."""

    def __init__(self, service, data, say=lambda line: None):
        self.service = service
        self.data = pathlib.Path(data)
        self.say = say
        self.clients = {}
        self.paths = {}  # letter -> /v1/providers/../contracts/..
        self.timings = []  # (what, seconds)
        self.rows_sent = 0
        self.findings = 0
        self.receipts = []  # (provider, submission)
        self.looks_back = {provider: lookback.LookBack() for provider in script.STAFF}
        manifest = json.loads((self.data / "manifest.json").read_text(encoding="utf-8"))
        self.manifest = {entry["file"]: entry for entry in manifest["files"]}

    # Small parts

    @contextlib.contextmanager
    def timed(self, what):
        begun = time.monotonic()
        yield
        self.timings.append((what, time.monotonic() - begun))

    def on(self, instant):
        self.service.set_clock(instant)

    def day(self, instant, text):
        when = datetime.datetime.fromisoformat(instant.replace("Z", "+00:00"))
        self.say(f"{when.day:>2} {when:%B %Y}  {text}")

    def account(self, letter):
        return f"{self.paths[letter]}/accounts/{script.CONTRACTS[letter].commissioner}"

    def staff(self, provider):
        """Clients of the provider's author, maker and checker."""
        return [self.clients[person] for person in script.STAFF[provider]]

    # Acts

    def people(self):
        for code, (kind, name) in script.ORGANISATIONS.items():
            self.service.command("organisation", "add", code, kind, name, "--live-from", "2001-04-01")
        for person, (organisation, name) in script.PEOPLE.items():
            self.service.person(person, organisation, name)
            self.clients[person] = api_client.Client(self.service.url, self.service.token(person))
        for provider in script.STAFF:
            self.service.appoint_auditor("XAU", provider)
        self.service.load_reference("practices", HERE / "practices.csv")

    def agree(self):
        """Each contract is drafted by one person of the trust and approved by another, and by the commissioner."""
        self.on(script.AGREED_ON)
        self.day(script.AGREED_ON, "four contracts for the financial year 2012 are drafted and approved by both sides:")
        for letter, contract in script.CONTRACTS.items():
            author, _, approver = self.staff(contract.provider)
            made = author.post(f"/v1/providers/{contract.provider}/contracts", {
                "financial_year": 2012, "mode": contract.mode, "title": contract.title,
                "commissioners": [contract.commissioner], "coordinator": contract.commissioner})
            self.paths[letter] = f"/v1/providers/{contract.provider}/contracts/{made['contract']}"
            draft = author.post(f"{self.paths[letter]}/terms", script.terms_of(letter))
            for client in (approver, self.clients[script.FINANCE[contract.commissioner]]):
                client.post(f"{self.paths[letter]}/terms/{draft['version']}/approvals", {"digest": draft["digest"]})
            self.say(f"              {letter}  {contract.title}")

    def upload(self, name):
        """Sends one file and waits until it has been judged under the terms; checks the findings against what was
        planted. Returns the submission."""
        entry = self.manifest[name]
        provider = entry["provider"]
        client = self.staff(provider)[1]
        acknowledged = client.upload(provider, entry["month"], (self.data / name).read_bytes(), rows=entry["rows"],
                                     caseload=entry["caseload"])
        client.wait_for_job(provider, acknowledged["job"])
        submission = f"/v1/providers/{provider}/submissions/{acknowledged['submission']}"
        found = client.get(submission)
        expect(f"{name}, state", entry["outcome"], found["state"])
        self.rows_sent += entry["rows"]
        self.receipts.append((provider, acknowledged["submission"]))
        if found["state"] == "accepted":
            expect(f"{name}, rows", entry["rows"], found["rows"])
            expect(f"{name}, rows that no terms could make payable", entry["error_rows"],
                   found["rows"] - found["payable_rows"])
            found = self.wait_for_evaluation(client, submission)
            entry["findings"] |= self.looks_back[provider].accept(self.data / name, entry["month"])
        found["errors"] = self.check_findings(client, submission, name, entry)
        return found

    @staticmethod
    def wait_for_evaluation(client, submission):
        """Rules that depend on terms are evaluated right after a submission is accepted."""
        deadline = time.monotonic() + 60
        while True:
            found = client.get(submission)
            if found["evaluation"] > 0:
                return found
            if time.monotonic() > deadline:
                raise Difference(f"{submission}: not evaluated under the terms within a minute")
            time.sleep(0.02)

    def check_findings(self, client, submission, name, entry):
        """Returns what is said of the rows with an ERROR, which cannot be paid; None: there is none."""
        counts = {}
        summary = client.get(f"{submission}/findings/summary")
        for item in summary["by_rule"]:
            counts[item["rule"]] = counts.get(item["rule"], 0) + item["findings"]
        for rule in sorted(set(counts) | set(entry["findings"])):
            if entry["outcome"] == "refused" and not rule.startswith("F"):
                continue
            expect(f"{name}, findings of rule {rule}", entry["findings"].get(rule, 0), counts.get(rule, 0))
        self.findings += sum(counts.values())
        return next((line for line in summary["by_severity"] if line["severity"] == "ERROR"), None)

    def upload_of_both(self, month, stage):
        out = []
        for provider in script.STAFF:
            out.append(self.upload(script.file_name(provider, month, stage)))
        return out

    def settle(self, month, kind):
        """Asks for a run of every account and waits for all."""
        asked = []
        for letter, contract in script.CONTRACTS.items():
            maker = self.staff(contract.provider)[1]
            answer = maker.post(f"{self.account(letter)}/runs", {"month": month, "type": kind})
            asked.append((maker, contract.provider, answer))
        for maker, provider, answer in asked:
            maker.wait_for_job(provider, answer["job"])

    def runs(self, letter):
        """{(month, type, n): run}, of those that are done."""
        contract = script.CONTRACTS[letter]
        client = self.staff(contract.provider)[1]
        return {(run["month"], run["type"], run["n"]): run for run in client.pages(f"{self.account(letter)}/runs")
                if run["state"] == "done"}

    def issue(self, letter):
        """The open draft of an account is proposed by one person and issued by another. Returns the document."""
        contract = script.CONTRACTS[letter]
        _, maker, checker = self.staff(contract.provider)
        documents = f"/v1/providers/{contract.provider}/documents"
        path = self.paths[letter].rsplit("/", 1)[1]
        drafts = list(maker.pages(f"{documents}?contract={path}&commissioner={contract.commissioner}&state=draft"))
        expect(f"contract {letter}, open drafts", 1, len(drafts))
        document = f"{documents}/{drafts[0]['id']}"
        for client, act in ((maker, "proposal"), (checker, "issue")):
            etag = client.send("GET", document).headers["ETag"]
            client.post(f"{document}/{act}", headers={"If-Match": etag})
        return maker.get(document)

    def issue_all(self):
        for letter in script.CONTRACTS:
            document = self.issue(letter)
            self.say(f"              {document['kind'].replace('_', ' '):<11} {document['number']:>2} of "
                     f"{script.CONTRACTS[letter].provider} to {document['commissioner']}: "
                     f"{pounds(document['balance_pence'])}{SHADOW if letter == 'D' else ''}")

    # The quarter

    def play(self):
        with self.timed("organisations, people, tokens"):
            self.people()
        with self.timed("four contracts agreed"):
            self.agree()
        for month in script.MONTHS:
            self.month(month)
            if month == script.MONTHS[1]:
                self.exception()
                self.achievement(script.SECOND_ACHIEVEMENT)
                self.wait_for_r1("C")
                document = self.issue("C")
                self.say(f"              run R1 of contract C raised itself; {document['kind'].replace('_', ' ')} "
                         f"{document['number']}: {pounds(document['balance_pence'])}")

    def month(self, month):
        dates = script.CALENDAR[month]
        self.say("")
        self.on(dates.upload)
        if month == script.MONTHS[0]:
            refused = self.upload(script.file_name("RXB", month, "refused"))
            self.day(dates.upload, f"Birch Hill's first file is {refused['state']}, with every reason at once")
        with self.timed(f"{month}: first uploads, validated"):
            first = self.upload_of_both(month, "first")
        self.day(dates.upload, f"{month}: both trusts upload {sum(s['rows'] for s in first):,} rows; "
                               + not_paid(first))
        if month == script.MONTHS[0]:
            self.say("              each fails a rule; the trust is told which, and which field to mend")
        self.on(dates.corrected)
        with self.timed(f"{month}: corrected uploads"):
            better = self.upload_of_both(month, "corrected")
        self.day(dates.corrected, f"they mend them and upload again; {not_paid(better)}")
        self.on(dates.flex)
        with self.timed(f"{month}: FLEX runs"):
            self.settle(month, "FLEX")
        self.day(dates.flex, "FLEX: provisional statements for four accounts, nothing is billed")
        if month == script.MONTHS[0]:
            self.achievement(script.FIRST_ACHIEVEMENT)
        self.on(dates.late)
        with self.timed(f"{month}: uploads with late rows"):
            late = self.upload_of_both(month, "late")
        more = sum(s["rows"] for s in late) - sum(s["rows"] for s in better)
        self.day(dates.late, f"{more} rows that were recorded late come in")
        self.on(dates.freeze)
        with self.timed(f"{month}: FREEZE runs"):
            self.settle(month, "FREEZE")
        self.day(dates.freeze, "FREEZE: the month is billed; one person proposes, another issues:")
        self.on(dates.issue)
        with self.timed(f"{month}: documents issued"):
            self.issue_all()

    def achievement(self, what):
        """One side proposes a CQUIN measure, the other agrees it."""
        self.on(what["at"])
        contract = script.CONTRACTS["C"]
        measured = {name: what[name] for name in ("indicator", "numerator", "denominator", "evidence")}
        path = f"{self.account('C')}/achievements"
        made = self.staff(contract.provider)[1].post(path, measured)
        self.clients[script.FINANCE[contract.commissioner]].post(f"{path}/{what['indicator']}/{made['n']}/agreement")
        self.day(what["at"], f"CQUIN indicator \"{what['indicator']}\" is measured and agreed: "
                             f"{what['numerator']} of {what['denominator']}")

    def exception(self):
        """After FREEZE: the trust asks, the commissioner grants, the trust uploads, and R1 raises itself."""
        what = script.EXCEPTION
        contract = script.CONTRACTS[what["contract"]]
        maker = self.staff(contract.provider)[1]
        path = f"{self.paths[what['contract']]}/exceptions"
        self.say("")
        self.on(what["at"])
        asked = maker.post(path, {"month": what["month"], "reason": what["reason"]})
        self.clients[script.FINANCE[contract.commissioner]].post(
            f"{path}/{what['month']}/{asked['n']}/decision", {"decision": "granted", "closes_on": what["closes_on"]})
        self.day(what["at"], f"Alder Valley asks {contract.commissioner} to open {what['month']} again: "
                             "ward W3's bed days were counted twice; granted")
        self.on(what["upload_at"])
        with self.timed("after FREEZE: upload and R1"):
            self.upload(script.file_name(contract.provider, what["month"], "after-freeze"))
            self.wait_for_r1(what["contract"])
        document = self.issue(what["contract"])
        self.say(f"              run R1 of contract A raised itself; {document['kind'].replace('_', ' ')} "
                 f"{document['number']}: {pounds(document['balance_pence'])}")

    def wait_for_r1(self, letter):
        deadline = time.monotonic() + 60
        while (script.MONTHS[0], "R", 1) not in self.runs(letter):
            if time.monotonic() > deadline:
                raise Difference(f"contract {letter}: run R1 of {script.MONTHS[0]} did not raise itself "
                                 "within a minute")
            time.sleep(0.02)


def not_paid(submissions):
    """How many rows fail a rule that keeps them from being paid under the terms; the pounds of those with a price."""
    errors = [s["errors"] for s in submissions if s["errors"]]
    unknown = sum(line["rows_of_unknown_amount"] for line in errors)
    return (f"{sum(line['rows'] for line in errors)} cannot be paid: "
            f"{pounds(sum(line['amount_at_stake_pence'] or 0 for line in errors))} at stake"
            + (f", and {unknown} {'row' if unknown == 1 else 'rows'} without a price" if unknown else ""))


def pounds(pence):
    sign = "-" if pence < 0 else ""
    return f"{sign}£{abs(pence) // 100:,}.{abs(pence) % 100:02d}"
