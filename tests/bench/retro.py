"""`make bench-retro`: a price that both parties change for the year behind them, settled again for every account.

60 trusts with 4 commissioners and 12 months that are frozen, billed and issued; then each account's terms change from
April on. Measured from the last approvals until the last R run is done (positions, a bridge for each month, signed
statement, draft), and then until the documents are issued. Of both it is said what the processors did meanwhile.

    RECKONER_RETRO_ROWS     rows of the year over all trusts, default 12,000,000
    RECKONER_RETRO_TRUSTS   default 60
    RECKONER_RETRO_SECONDS  given up when it takes longer, default 1,800

Rows come in by upload, so that their statistics are those that the product makes; that takes longer than what is
measured. Prints, and writes BUILD/bench/retro.json.
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
LIMIT = int(os.environ.get("RECKONER_RETRO_SECONDS", "1800"))
BEGUN = time.monotonic()


def in_time():
    """Ends the bench when its time is over, in whatever thread."""
    if time.monotonic() - BEGUN > LIMIT:
        raise SystemExit(f"bench: not done after {LIMIT} s (RECKONER_RETRO_SECONDS)")


def say(text):
    bench.say(f"{time.monotonic() - BEGUN:5.0f} s  {text}")


def spent(service):
    """Seconds so far: of the clock, of the processors by who used them, and of processors that waited for the disk."""
    fields = pathlib.Path("/proc/stat").read_text(encoding="ascii").splitlines()[0].split()[1:]
    user, nice, system, idle, waited, irq, soft = (int(field) / uploads.TICKS for field in fields[:7])
    own = os.times()
    return uploads.processors(service) | {
        "worker": sum(uploads.processor_seconds(worker.pid) for worker in service.workers),
        "client": own.user + own.system, "clock": time.monotonic(),
        "busy": user + nice + system + irq + soft, "disk": waited, "idle": idle}


def between(before, after):
    found = uploads.spent(before, after)
    cores = os.cpu_count() * max(found["clock"], 0.01)
    found["others"] = max(0, found["busy"] - sum(found[name] for name in ("worker", "database", "reckonerd", "client")))
    found["shares"] = {name: found[name] / cores
                       for name in ("worker", "database", "reckonerd", "client", "others", "disk", "idle")}
    return found


def bound_by(found):
    names = {"worker": "workers", "database": "PostgreSQL", "reckonerd": "reckonerd", "client": "this program",
             "others": "others", "disk": "waiting for the disk", "idle": "idle"}
    return (f"of {os.cpu_count()} processors: "
            + ", ".join(f"{text} {found['shares'][name]:.0%}" for name, text in names.items()))


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

    def join(self, code):
        kind = "provider" if code in TRUSTS else "commissioner"
        self.service.organisation(code, kind, f"{kind.capitalize()} {code}", "2011-04-01")
        for person in (f"{code.lower()}.one", f"{code.lower()}.two") if code in TRUSTS else (f"p{code.lower()}",):
            self.service.person(person, code, person)
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
        in_time()
        client = self.client(f"{provider.lower()}.one")
        body = data.replace(b"@PP", provider.encode()).replace(b"@MMM-MM", month.encode())
        acknowledged = client.upload(provider, month, body)
        client.wait_for_job(provider, acknowledged["job"], 900)
        state = client.get(f"/v1/providers/{provider}/submissions/{acknowledged['submission']}")["state"]
        if state != "accepted":
            raise SystemExit(f"bench: {provider} {month} was {state}")

    def freeze(self, account, month):
        in_time()
        provider, payer = account
        client = self.client(f"{provider.lower()}.one")
        path = f"/v1/providers/{provider}/contracts/{self.contracts[account]}/accounts/{payer}/runs"
        asked = client.post(path, {"month": month, "type": "FREEZE"})
        client.wait_for_job(provider, asked["job"], 300)

    def issue_all(self, provider):
        """Every draft of a trust, by two people. Returns how many."""
        in_time()
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

    def wait_until_idle(self, kind="%", every=30):
        """Waits for the queue to be empty, and says now and then how long it is."""
        sql = f"SELECT count(*) FROM reckoner.job WHERE kind LIKE '{kind}' AND state IN ('queued', 'leased');"
        told = time.monotonic()
        while (left := bench.psql(self.service, sql)[1].strip()) != "0":
            in_time()
            if time.monotonic() - told > every:
                told = time.monotonic()
                say(f"{left} jobs are left")
            time.sleep(0.2)


def upload_year(world, pool, data, rows):
    for n, month in enumerate(MONTHS, 1):
        year, number = map(int, month.split("-"))
        world.service.set_clock(f"{year + number // 12}-{number % 12 + 1:02}-06T09:00:00Z")
        list(pool.map(lambda provider, m=month: world.send(provider, m, data), TRUSTS))
        say(f"{month}: {n * len(TRUSTS):,} of {12 * len(TRUSTS):,} uploads, {n * rows * len(TRUSTS):,} rows")


def bill_year(world, pool, accounts):
    world.service.set_clock("2013-06-03T09:00:00Z")
    for n, month in enumerate(MONTHS, 1):
        list(pool.map(lambda account, m=month: world.freeze(account, m), accounts))
        issued = sum(pool.map(world.issue_all, TRUSTS))
        say(f"{month}: {n * len(accounts):,} of {12 * len(accounts):,} runs, {issued} documents issued")


def step(found, name, service, do):
    """Does one part of the bench and keeps what it took."""
    before = spent(service)
    result = do()
    found[name] = between(before, spent(service))
    say(f"{name}: {found[name]['clock']:.1f} s; {bound_by(found[name])}")
    return result


def prepare(world, pool, accounts, found):
    """Everything up to the change of prices. Returns the rows of one upload."""
    rows = max(28, ROWS // len(TRUSTS) // 12)
    data = month_rows(rows)
    say(f"{len(accounts)} accounts; {len(TRUSTS) * 12} uploads of {rows:,} rows follow")

    def contracts():
        list(pool.map(world.join, TRUSTS + list(PAYERS)))
        list(pool.map(world.approve, accounts, list(pool.map(lambda a: world.draft(a, 0, rows), accounts))))

    step(found, "contracts", world.service, contracts)
    step(found, "uploads", world.service, lambda: upload_year(world, pool, data, rows))
    step(found, "what follows uploads", world.service, world.wait_until_idle)
    step(found, "twelve months billed", world.service, lambda: bill_year(world, pool, accounts))
    step(found, "what follows bills", world.service, world.wait_until_idle)
    return rows


def change_prices(world, pool, accounts, drafts):
    list(pool.map(world.approve, accounts, drafts))
    world.wait_until_idle("resettle", 10)


def measure(world, pool, accounts):
    found = {}
    rows = prepare(world, pool, accounts, found)
    world.service.set_clock("2013-06-20T09:00:00Z")
    drafts = list(pool.map(lambda account: world.draft(account, 2, rows), accounts))
    bench.psql(world.service, "ANALYZE;")
    say("changing the prices ...")
    step(found, "settled", world.service, lambda: change_prices(world, pool, accounts, drafts))
    documents = step(found, "issued", world.service, lambda: sum(pool.map(world.issue_all, TRUSTS)))
    _, counts = bench.psql(world.service, """
SELECT count(*) FILTER (WHERE r.type = 'R' AND r.state = 'done'), count(*) FILTER (WHERE r.state = 'parked'),
       count(s.record) FILTER (WHERE r.type = 'R'), (SELECT count(*) FROM reckoner.run_bridge)
FROM reckoner.run r LEFT JOIN reckoner.statement s ON s.provider = r.provider AND s.run = r.id;""")
    runs, parked, statements, bridges = map(int, counts.strip().split("|"))
    if runs != len(accounts) or parked != 0 or documents != len(accounts):
        raise SystemExit(f"bench: {runs} R runs, {parked} parked, {documents} documents of {len(accounts)} accounts")
    return {"accounts": len(accounts), "rows": rows * len(TRUSTS) * 12, "runs": runs, "statements": statements,
            "bridges": bridges, "documents": documents, "parts": found}


def report(found):
    settled, issued = found["parts"]["settled"], found["parts"]["issued"]
    seconds = settled["clock"]
    used = sum(settled[name] for name in ("worker", "database", "reckonerd"))
    return (f"\n{found['accounts']} contracts, 12 months each, over {found['rows']:,} rows; the prices of the year "
            f"behind them changed:\n"
            f"  settled again in {seconds:.1f} s: {found['accounts'] / seconds:.1f} contracts a second, "
            f"{used / found['accounts'] * 1000:.0f} ms of processor time each; {found['bridges']:,} bridges, "
            f"{found['statements']} statements signed\n    {bound_by(settled)}\n"
            f"  {found['documents']} documents proposed and issued in {issued['clock']:.1f} s, while the rows are read "
            f"again under the new prices\n    {bound_by(issued)}\n"
            f"  together {seconds + issued['clock']:.1f} s\n")


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
