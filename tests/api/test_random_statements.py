"""Statements of random contract-years, a hundred or more in a round: each one's bundle is checked by openssl, minisign,
reckoner verify and the second implementation, which say the same of every stage.

RECKONER_SEED repeats a year, RECKONER_TIMES (default 1) makes so many rounds, each a service of its own."""

import concurrent.futures
import json
import os
import pathlib
import random
import shutil
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))

import bundles  # noqa: E402
import harness  # noqa: E402
import random_year  # noqa: E402

TIMES = int(os.environ.get("RECKONER_TIMES", "1"))
SEED = int(os.environ.get("RECKONER_SEED") or random.SystemRandom().randrange(2**48))
WANTED = 100
COMMISSIONERS = {"5QE": "e.one", "5QF": "f.one", "5QG": "g.one", "5QH": "h.one", "5QJ": "j.one"}
UNDONE = "SELECT count(*) FROM reckoner.job WHERE state IN ('queued', 'leased')"


class Account:
    """One commissioner's: its contract, terms and what is frozen."""

    def __init__(self, commissioner, kinds):
        self.commissioner = commissioner
        self.person = COMMISSIONERS[commissioner]
        self.kinds = kinds
        self.frozen = set()

    @property
    def path(self):
        return f"{self.contract}/accounts/{self.commissioner}"


class RandomYear:
    """One round; number and the seed make everything that is left to chance."""

    workers = 2
    # Acts come while runs are made, and wait for rows that these hold.
    settings = {"exports_per_day": 100_000, "lock_timeout_ms": 60_000}
    number = 0

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.rng = random.Random(f"{SEED}/{cls.number}")
        print(f"random statements: again with RECKONER_SEED={SEED}, round {cls.number}", flush=True)
        for code in set(COMMISSIONERS) - set(harness.ORGANISATIONS):
            cls.service.organisation(code, "commissioner", f"{code} PCT")
            cls.service.person(COMMISSIONERS[code], code, code)
            cls.service.token(COMMISSIONERS[code])
        cls.people = {name: cls.as_person(name) for name in ("a.maker", "a.checker", *COMMISSIONERS.values())}
        cls.outcome = {"taken": 0, "refused": 0}
        clusters = {code: cls.rng.sample(sorted(random_year.CLUSTERS), 4) for code in COMMISSIONERS}
        cls.caseload = random_year.Caseload(cls.rng, clusters)
        cls.sent = {}
        cls.accounts = [Account(code, kinds) for code, kinds
                        in zip(COMMISSIONERS, random_year.deal(cls.rng, len(COMMISSIONERS)))]
        cls.folder_of_bundles = pathlib.Path(tempfile.mkdtemp(prefix="reckoner-random-"))
        cls.addClassCleanup(shutil.rmtree, cls.folder_of_bundles)
        for account in cls.accounts:
            account.contract = cls.agree(commissioner=account.commissioner, terms=cls.sound_terms(account),
                                         authors=("a.author", "a.maker", account.person))

    @classmethod
    def sound_terms(cls, account):
        """Random terms that the linter finds no defect in."""
        for _ in range(50):
            made = random_year.terms(cls.rng, account.commissioner, account.kinds,
                                     cls.caseload.clusters[account.commissioner])
            path = cls.folder_of_bundles / "terms.json"
            path.write_text(json.dumps(made))
            done = cls.service.command("terms", "lint", path, check=False)
            if done.returncode == 0:
                return made
        raise AssertionError(f"no sound terms of {sorted(account.kinds)}; the last:\n{done.stdout}{done.stderr}")

    def settle_down(self):
        deadline = time.monotonic() + 300
        while self.value(UNDONE) != "0":
            self.assertLess(time.monotonic(), deadline, "jobs do not end")
            time.sleep(0.1)
        self.assertEqual(self.query("SELECT kind, problem FROM reckoner.job WHERE state = 'failed'"), [])

    def upload(self, month, rows):
        self.sent[month] = rows
        found = self.send(rows, month=month)
        self.assertEqual(found["state"], "accepted", found)

    def runs(self, kind, wanted):
        """Runs of these (account, month), one at a time of an account, in this order."""
        wanted = list(wanted)
        while wanted:
            batch, rest = {}, []
            for account, month in wanted:
                if account.commissioner in batch:
                    rest.append((account, month))
                else:
                    batch[account.commissioner] = self.people["a.maker"].post(f"{account.path}/runs",
                                                                              {"month": month, "type": kind})["run"]
                    if kind == "FREEZE":
                        account.frozen.add(month)
            wanted = rest
            self.settle_down()
            for run in batch.values():
                found = self.people["a.maker"].get(f"/v1/providers/RXA/runs/{run}")
                self.assertEqual(found["state"], "done", found)

    def due(self, months):
        """What is not frozen of these months, in random order."""
        pairs = [(a, m) for a in self.accounts for m in months if m not in a.frozen]
        self.rng.shuffle(pairs)
        return pairs

    def issue_all(self):
        self.settle_down()
        maker, checker = self.people["a.maker"], self.people["a.checker"]
        for draft in list(maker.pages("/v1/providers/RXA/documents?state=draft")):
            path = f"/v1/providers/RXA/documents/{draft['id']}"
            proposed = maker.send("POST", path + "/proposal", headers={"If-Match": f'"{draft["revision"]}"'})
            issued = checker.send("POST", path + "/issue", headers={"If-Match": proposed.headers["ETag"]})
            self.assertEqual(issued.status, 200, issued.body)

    def attempt(self, person, path, body=None):
        """What chance proposes may be refused, but never by an error of the service. Returns the answer or None."""
        reply = self.people[person].send("POST", path, body)
        self.assertLess(reply.status, 500, reply.body)
        self.outcome["taken" if reply.status < 300 else "refused"] += 1
        return reply.json() if reply.status < 300 else None

    # What happens to an account after its first freeze

    def retro_terms(self, account):
        made = self.sound_terms(account) | {"effective_from": self.rng.choice(random_year.MONTHS[:3])}
        self.agree(contract=account.contract, terms=made, authors=("a.author", "a.maker", account.person))

    def adjustment(self, account):
        pence = self.rng.choice((-1, 1)) * self.rng.randint(1, 200_000)
        made = self.attempt("a.maker", account.path + "/agreements", {
            "kind": "adjustment", "month": self.rng.choice(random_year.MONTHS), "pence": pence, "label": "Recounted",
            "in_cquin": self.rng.random() < 0.5})
        if made:
            self.attempt(account.person, f"{account.path}/agreements/{made['n']}/agree")

    def achievement(self, account):
        if "cquin" not in account.kinds:
            return self.adjustment(account)
        indicator = self.rng.choice(("reviews", "health"))
        path = account.path + "/achievements"
        made = self.attempt("a.maker", path, {"indicator": indicator, "numerator": self.rng.randint(0, 100),
                                              "denominator": 100, "evidence": "the register"})
        if made:
            self.attempt(account.person, f"{path}/{indicator}/{made['n']}/agreement", {})

    def withhold(self, account):
        if "withholds" not in account.kinds:
            return self.adjustment(account)
        self.attempt(account.person, account.path + "/withholds", {
            "month": self.rng.choice(random_year.MONTHS), "id": "quality", "reason": "no outcome measures came"})

    def rows_of(self, account, month):
        return [row["episode_id"] for row in self.sent[month] if row["commissioner"] == account.commissioner]

    def challenge(self, account):
        month = self.rng.choice(random_year.MONTHS)
        cluster = self.rng.choice(self.caseload.clusters[account.commissioner])
        made = self.attempt(account.person, account.path + "/challenges", {
            "month": month, "rows": [{"episode_id": self.rng.choice(self.rows_of(account, month))}],
            "counter": self.rng.choice(({"cluster": cluster}, {"payable_days": self.rng.randint(0, 9)})),
            "reason": "wrong_cluster", "claimed_pence": self.rng.randint(1, 99_999), "evidence": "the register"})
        if made and self.rng.random() < 0.8:
            self.attempt("a.maker", f"{account.path}/challenges/{made['number']}/accept", {})

    def move(self, account):
        other = self.rng.choice([a for a in self.accounts if a is not account])
        month = self.rng.choice(random_year.MONTHS)
        made = self.attempt("a.maker", "/v1/providers/RXA/reattributions", {
            "month": month, "from": account.commissioner, "to": other.commissioner,
            "rows": [self.rng.choice(self.rows_of(account, month))], "reason": "the practice is theirs"})
        for person in (account.person, other.person) if made else ():
            self.attempt(person, f"/v1/providers/RXA/reattributions/{made['n']}/agree")

    def late_data(self):
        """The month again, let in by exception of most contracts."""
        month = self.rng.choice(random_year.MONTHS)
        for account in self.rng.sample(self.accounts, 4):
            asked = self.attempt("a.maker", f"{account.contract}/exceptions",
                                 {"month": month, "reason": "rows came late"})
            if asked:
                self.attempt(account.person, f"{account.contract}/exceptions/{month}/{asked['n']}/decision",
                             {"decision": "granted", "closes_on": "2012-10-31"})
        self.upload(month, self.caseload.corrected(self.sent[month]))

    def year(self):
        """Uploads, FLEX, and FREEZE in time or late."""
        for n, month in enumerate(random_year.MONTHS):
            later = f"2012-{5 + n:02}"
            self.service.set_clock(f"{later}-09T09:00:00Z")
            self.upload(month, self.caseload.month(month))
            if self.rng.random() < 0.4:
                self.upload(month, self.caseload.corrected(self.sent[month]))
            self.service.set_clock(f"{later}-14T09:00:00Z")
            due = self.due(random_year.MONTHS[:n])
            self.runs("FREEZE", due[:len(due) // 2])
            if self.rng.random() < 0.5:
                self.issue_all()
            self.service.set_clock(f"{later}-20T09:00:00Z")
            self.runs("FLEX", self.due([month]))
        self.service.set_clock("2012-10-15T09:00:00Z")
        self.runs("FREEZE", self.due(random_year.MONTHS))

    def statements(self):
        return [record for (record,) in self.query("SELECT record FROM reckoner.statement ORDER BY seq")]

    def checked(self, statement):
        """Has the bundle made, and judged by all four; returns the outcomes. A bad bundle is kept."""
        path, folder = self.folder_of_bundles / f"{statement}.tar", self.folder_of_bundles / statement
        path.write_bytes(bundles.ask(self.as_person("a.maker"), statement))
        bundles.unpack(path, folder)
        bundles.checked_by_others(folder)
        trusted = ("--key", next(folder.glob("keys/*.pub")), "--checkpoint", folder / "checkpoint")
        judged = [program(path, *trusted) for program in (bundles.ours, bundles.theirs)]
        found = [(status, bundles.outcomes(report)) for status, report in judged]
        unsettled = {stage for stage, outcome in found[0][1].items() if outcome != "good"}
        if found[0] != found[1] or found[0][0] != 0 or list(found[0][1]) != bundles.STAGES or \
                unsettled - {"document"}:
            kept = shutil.copy(path, harness.BUILD / f"bad-{statement}.tar")
            said = [[check for check in report["checks"] if check["outcome"] != "good"] for _, report in judged]
            raise AssertionError(f"{kept}, RECKONER_SEED={SEED}: {json.dumps(said, indent=1)}")
        shutil.rmtree(folder)
        path.unlink()
        return found[0][1]

    def test_all_verifiers_agree_on_every_statement(self):
        self.year()
        acts = (self.retro_terms, self.adjustment, self.achievement, self.withhold, self.challenge, self.move)
        for turn in range(40):
            if len(self.statements()) >= WANTED and turn >= len(acts):
                break
            if turn % 3 == 2:
                self.late_data()
            else:
                for n, account in enumerate(self.accounts):
                    acts[(turn + n) % len(acts)](account)
            self.settle_down()
            if self.rng.random() < 0.3:
                self.issue_all()
        statements = self.statements()
        self.assertGreaterEqual(len(statements), WANTED)
        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            judged = list(pool.map(self.checked, statements))
        self.assertEqual({kind for (kind,) in self.query(
            "SELECT DISTINCT r.type FROM reckoner.statement s JOIN reckoner.run r ON r.provider = s.provider"
            " AND r.id = s.run")}, {"FLEX", "FREEZE", "R"})
        self.assertGreater(self.outcome["taken"], self.outcome["refused"])
        issued = sum(outcomes["document"] == "good" for outcomes in judged)
        print(f"random statements: {len(judged)} verified, {issued} of them with nothing left to issue; "
              f"{self.outcome}", flush=True)


for number in range(TIMES):
    name = f"RandomYear{number}"
    globals()[name] = type(name, (RandomYear, harness.ServiceCase), {"number": number, "__module__": __name__})


if __name__ == "__main__":
    harness.main()
