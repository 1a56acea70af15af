"""`make bench-retro`: a price that both parties change for the year behind them, settled again for every account.

60 trusts with 4 commissioners and 12 months that are frozen, billed and issued; then each account's terms change from
April on. Measured from the last approvals until the last R run is done (positions, a bridge for each month, signed
statement, draft), and then until the documents are issued.

    RECKONER_RETRO_ROWS     rows of the year over all trusts, default 12,000,000
    RECKONER_RETRO_TRUSTS   default 60

Rows come in by upload, so that their statistics are those that the product makes. Prints, and writes
BUILD/bench/retro.json.
"""

import concurrent.futures
import itertools
import json
import os
import pathlib
import sys
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "deploy"))
sys.path.insert(0, str(ROOT / "tests/lib"))

import api_client  # noqa: E402
import bench  # noqa: E402
import harness  # noqa: E402
import service as services  # noqa: E402
import uploads  # noqa: E402

ROWS = int(os.environ.get("RECKONER_RETRO_ROWS", "12000000"))
TRUSTS = [f"R{a}{b}" for a, b in itertools.product("ABCDEFGH", "0123456789")][
    :int(os.environ.get("RECKONER_RETRO_TRUSTS", "60"))]
PAYERS = ("5QE", "5QF", "5QG", "5QH")
MONTHS = [f"2012-{n:02}" for n in range(4, 13)] + [f"2013-{n:02}" for n in range(1, 4)]
CLUSTERS = [f"{n:02}" for n in range(1, 22) if n != 9]
THREADS = 8
CONNECTIONS = 4  # of a thread: the daemon allows 200 from one address
WORKERS = 2


def month_rows(count):
    """Rows of one trust and month with marks where both stand: open episodes, some on a ward, some new."""
    rows = []
    for n in range(count):
        row = harness.row(n, cluster=CLUSTERS[n % len(CLUSTERS)], commissioner=PAYERS[n % 7 % 4], service="")
        row |= {"provider": "@PP", "month": "@MMM-MM", "mhct_date": "@MMM-MM-01", "last_contact": "@MMM-MM-09",
                "start_date": f"2012-{1 + n % 3:02}-{1 + n % 28:02}", "mhct_reason": "11",
                "cluster_initial": row["cluster"], "admitted_days": str(n % 30) if n % 20 == 0 else ""}
        rows.append(row)
    return harness.csv_bytes(rows)


def terms(provider, payer, rise, rows):
    """Terms of one account with prices that differ by cluster; rise in percent."""
    prices, plan = [], []
    for n, cluster in enumerate(CLUSTERS):
        bases = {"ADMITTED": 30000 + 100 * n, "NONADMITTED": 900 + 10 * n} if n % 4 == 3 else {"DAY": 600 + 25 * n}
        for basis, pence in bases.items():
            prices.append({"cluster": cluster, "basis": basis, "pence": pence * (100 + rise) // 100})
        plan.append({"cluster": cluster, "basis": list(bases)[-1], "units": [rows // len(CLUSTERS) * 8] * 12})
    return {
        "@purpose": "reckoner/terms/1", "mode": "live", "financial_year": 2012, "effective_from": "2012-04",
        "prices": prices, "plan": {"lines": plan}, "factor": "1.0312",
        "risk_share": {"over": [{"to": "2%", "pay": "100%"}, {"pay": "80%"}]},
        "cquin": {"rate": "2.5%", "on_account": "50%", "indicators": [
            {"id": "reviews", "label": "Reviews in time", "weight": "100%", "measure": "step",
             "thresholds": [{"at": "80%", "earns": "100%"}]}]},
        "calendar": {"flex": {"operational_days": 5}, "freeze": {"operational_days": 10}},
        "parties": {provider: {"name": f"Trust {provider}", "address": ["1 Mill Lane"]},
                    payer: {"name": f"Commissioner {payer}", "address": ["2 Fen Street"], "buyer_reference": "B-1"}},
        "examples": [{"title": "A month without activity", "month": "2012-04", "expect": {"stages": {"activity": 0}}}]}


class World:
    """The service and who acts in it; a client for each thread and person."""

    def __init__(self, service):
        self.service = service
        self.tokens = {}
        self.local = threading.local()
        self.contracts = {}

    def client(self, person):
        clients = self.local.__dict__.setdefault("clients", {})
        if person not in clients:
            if len(clients) == CONNECTIONS:
                clients.pop(next(iter(clients))).close()
            clients[person] = api_client.Client(self.service.url, self.tokens[person])
        return clients[person]

    def everyone(self):
        for code in TRUSTS:
            self.service.organisation(code, "provider", f"Trust {code}", "2011-04-01")
        for code in PAYERS:
            self.service.organisation(code, "commissioner", f"Commissioner {code}", "2011-04-01")
        people = [(f"{code.lower()}.{n}", code) for code in TRUSTS for n in ("one", "two")]
        for person, organisation in people + [(f"p{code.lower()}", code) for code in PAYERS]:
            self.service.person(person, organisation, person)
            self.tokens[person] = self.service.token(person)

    def draft(self, account, rise, rows):
        provider, payer = account
        author = self.client(f"{provider.lower()}.one")
        if account not in self.contracts:
            self.contracts[account] = author.post(f"/v1/providers/{provider}/contracts", {
                "financial_year": 2012, "mode": "live", "title": f"{provider} {payer}", "commissioners": [payer],
                "coordinator": payer})["contract"]
        path = f"/v1/providers/{provider}/contracts/{self.contracts[account]}/terms"
        made = author.post(path, terms(provider, payer, rise, rows))
        approvals = f"{path}/{made['version']}/approvals"
        self.client(f"{provider.lower()}.two").post(approvals, {"digest": made["digest"]})
        return approvals, made["digest"]

    def approve(self, account, drafted):
        self.client(f"p{account[1].lower()}").post(drafted[0], {"digest": drafted[1]})

    def send(self, provider, month, data):
        client = self.client(f"{provider.lower()}.one")
        body = data.replace(b"@PP", provider.encode()).replace(b"@MMM-MM", month.encode())
        acknowledged = client.upload(provider, month, body)
        client.wait_for_job(provider, acknowledged["job"], 900)
        state = client.get(f"/v1/providers/{provider}/submissions/{acknowledged['submission']}")["state"]
        if state != "accepted":
            raise SystemExit(f"bench: {provider} {month} was {state}")

    def freeze(self, account, month):
        provider, payer = account
        client = self.client(f"{provider.lower()}.one")
        path = f"/v1/providers/{provider}/contracts/{self.contracts[account]}/accounts/{payer}/runs"
        asked = client.post(path, {"month": month, "type": "FREEZE"})
        client.wait_for_job(provider, asked["job"], 300)

    def issue_all(self, provider):
        """Every draft of a trust, by two people. Returns how many."""
        one, two = self.client(f"{provider.lower()}.one"), self.client(f"{provider.lower()}.two")
        drafts = list(one.pages(f"/v1/providers/{provider}/documents?state=draft"))
        for draft in drafts:
            path = f"/v1/providers/{provider}/documents/{draft['id']}"
            etag = one.send("GET", path).headers["ETag"]
            etag = one.send("POST", path + "/proposal", headers={"If-Match": etag}).headers["ETag"]
            issued = two.send("POST", path + "/issue", headers={"If-Match": etag})
            if issued.status != 200:
                raise SystemExit(f"bench: not issued: {issued.body}")
        return len(drafts)

    def wait_until_idle(self, kind="%"):
        sql = f"SELECT count(*) FROM reckoner.job WHERE kind LIKE '{kind}' AND state IN ('queued', 'leased');"
        while bench.psql(self.service, sql)[1].strip() != "0":
            time.sleep(0.2)


def prepare(world, pool, accounts):
    """Returns the rows of one upload, and the seconds of uploads and of freezing and issuing."""
    begun = time.monotonic()
    rows = max(28, ROWS // len(TRUSTS) // 12)
    data = month_rows(rows)
    bench.say(f"{len(accounts)} accounts; {len(TRUSTS) * 12} uploads of {rows:,} rows ...")
    world.everyone()
    drafts = list(pool.map(lambda account: world.draft(account, 0, rows), accounts))
    list(pool.map(world.approve, accounts, drafts))
    for month in MONTHS:
        year, number = map(int, month.split("-"))
        world.service.set_clock(f"{year + number // 12}-{number % 12 + 1:02}-06T09:00:00Z")
        list(pool.map(lambda provider, m=month: world.send(provider, m, data), TRUSTS))
    world.wait_until_idle()
    uploaded = time.monotonic()
    bench.say(f"{uploaded - begun:.0f} s; freezing and issuing twelve months ...")
    world.service.set_clock("2013-06-03T09:00:00Z")
    for month in MONTHS:
        list(pool.map(lambda account, m=month: world.freeze(account, m), accounts))
        sum(pool.map(world.issue_all, TRUSTS))
    settled = time.monotonic()
    bench.say(f"{settled - uploaded:.0f} s")
    return rows, [uploaded - begun, settled - uploaded]


def measure(world, pool, accounts):
    rows, prepared = prepare(world, pool, accounts)
    world.service.set_clock("2013-06-20T09:00:00Z")
    drafts = list(pool.map(lambda account: world.draft(account, 2, rows), accounts))
    bench.psql(world.service, "ANALYZE;")
    before = [uploads.processor_seconds(w.pid) for w in world.service.workers]
    whole = uploads.processors(world.service)
    bench.say("changing the prices ...")
    begun = time.monotonic()
    list(pool.map(world.approve, accounts, drafts))
    world.wait_until_idle("resettle")
    settled = time.monotonic()
    issued = sum(pool.map(world.issue_all, TRUSTS))
    ended = time.monotonic()
    used = uploads.spent(whole, uploads.processors(world.service))
    used["worker"] = sum(uploads.processor_seconds(w.pid) for w in world.service.workers) - sum(before)
    _, counts = bench.psql(world.service, "SELECT count(*) FILTER (WHERE type = 'R'), count(*) FILTER (WHERE state ="
                                          " 'parked') FROM reckoner.run; SELECT count(*) FROM reckoner.run_bridge;")
    return {"accounts": len(accounts), "rows": rows * len(TRUSTS) * 12, "upload_seconds": prepared[0],
            "freeze_seconds": prepared[1], "settle_seconds": settled - begun, "issue_seconds": ended - settled,
            "documents": issued, "processor_seconds": used, "counts": counts.split()}


def report(found):
    seconds = found["settle_seconds"]
    used = found["processor_seconds"]
    return (f"{found['accounts']} accounts, 12 months each, over {found['rows']:,} rows: R runs, bridges and signed "
            f"statements in {seconds:.1f} s ({found['accounts'] / seconds:.1f} accounts a second), "
            f"{found['documents']} documents issued in {found['issue_seconds']:.1f} s\n"
            f"R runs and parked runs, bridges: {', '.join(found['counts'])}; processor seconds: workers "
            f"{used['worker']:.1f}, database {used['database']:.1f}, reckonerd {used['reckonerd']:.1f}\n")


def main(arguments):
    if len(arguments) != 1:
        raise SystemExit(__doc__)
    build = pathlib.Path(arguments[0]).resolve()
    services.stop_on_signals()
    accounts = list(itertools.product(TRUSTS, PAYERS))
    with services.Service(build, build / "bench/retro", clock="2012-04-20T09:00:00Z", workers=WORKERS) as service:
        with concurrent.futures.ThreadPoolExecutor(THREADS) as pool:
            found = measure(World(service), pool, accounts)
    (build / "bench/retro.json").write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
    bench.say(report(found))


if __name__ == "__main__":
    main(sys.argv[1:])
