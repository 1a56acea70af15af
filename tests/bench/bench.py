"""`make bench`: measures Reckoner beside plain PostgreSQL on the same machine, in one run, and prints ratios.

    tests/bench/run BUILD              1,000,000 rows; RECKONER_BENCH_ROWS and RECKONER_BENCH_SECONDS make it smaller

RECKONER_BENCH_SIZES names the files whose memory is measured beside: "10000,100000,5000000" unless told, "" for none.
RECKONER_BENCH_MONTHS names the contract-months that are settled, in rows of one commissioner: "10000,100000,1000000".

PostgreSQL runs as in production (fsync and synchronous_commit on). The result is printed and written to
BUILD/bench/result.json and BUILD/bench/result.txt.
"""

import json
import os
import pathlib
import platform
import re
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "deploy"))
sys.path.insert(0, str(ROOT / "deploy/demo"))

import api_client  # noqa: E402
import appends  # noqa: E402
import service as services  # noqa: E402
import uploads  # noqa: E402

ROWS = int(os.environ.get("RECKONER_BENCH_ROWS", "1000000"))
SECONDS = int(os.environ.get("RECKONER_BENCH_SECONDS", "10"))
SIZES = [int(size) for size in os.environ.get("RECKONER_BENCH_SIZES", "10000,100000,5000000").split(",") if size]
MONTHS = [int(rows) for rows in os.environ.get("RECKONER_BENCH_MONTHS", "10000,100000,1000000").split(",") if rows]
CLIENTS = 16
RARE_RULE = "D05"  # about one row of 3,000
PG_BIN = pathlib.Path(os.environ.get("RECKONER_PG_BIN", "/usr/lib/postgresql/15/bin"))
PAYERS = ("5QE", "5QF", "5QG")

# The same sum as the settlement's activity stage, as somebody would write it by hand in SQL.
PLAIN_SUM = """
SELECT e.commissioner, e.cluster, sum(d.ward * pw.pence + (d.days - d.ward) * pc.pence) AS pence
FROM reckoner.episode e
CROSS JOIN LATERAL (SELECT greatest(0, least(coalesce(e.end_date, date '2012-05-01'), date '2012-05-01')
                                      - greatest(e.start_date, date '2012-04-01')) AS days) AS a
CROSS JOIN LATERAL (SELECT a.days, least(a.days, e.admitted_days) AS ward) AS d
JOIN bench_price pw ON pw.cluster = e.cluster AND pw.basis = 'ADMITTED'
JOIN bench_price pc ON pc.cluster = e.cluster AND pc.basis = 'NONADMITTED'
WHERE e.provider = 'RXA' AND e.submission = :submission AND e.commissioner = '5QE' AND NOT e.assessment_only
GROUP BY e.commissioner, e.cluster"""


def say(text):
    print(text, flush=True)


def psql(service, sql, **variables):
    """Runs SQL as the cluster's superuser; returns the seconds it took and what it printed."""
    arguments = [str(PG_BIN / "psql"), "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", service.conninfo]
    for name, value in variables.items():
        arguments += ["-v", f"{name}={value}"]
    begun = time.monotonic()
    done = subprocess.run(arguments, input=sql, text=True, capture_output=True, check=False)
    if done.returncode != 0:
        raise SystemExit(f"bench: psql failed\n{done.stderr}")
    return time.monotonic() - begun, done.stdout


def machine():
    cpu = "unknown"
    for line in pathlib.Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines():
        if line.startswith("model name"):
            cpu = line.partition(":")[2].strip()
            break
    memory = pathlib.Path("/proc/meminfo").read_text(encoding="ascii").splitlines()[0].split()[1]
    version = subprocess.run([str(PG_BIN / "postgres"), "--version"], capture_output=True, text=True, check=True)
    return {"cpu": cpu, "cores": os.cpu_count(), "memory_mib": int(memory) // 1024, "kernel": platform.release(),
            "postgresql": version.stdout.strip()}


def wide_grid():
    """The example's grid with ranges that every rating is in: the rules that compare with it are asked of every row.
    The demonstration's ratings are drawn without one, so that nearly every row would miss a narrower grid."""
    example = (ROOT / "config/allocation_grid.example.csv").read_text(encoding="ascii")
    lines = [line for line in example.splitlines() if line and not line.startswith("#")]
    return "\n".join([lines[0]] + [",".join(line.split(",")[:2] + ["0", "4", "0", "4"]) for line in lines[1:]]) + "\n"


def prepare(service):
    """Organisations live since before the month before, reference data for every rule, people, and a contract with 5QE
    on the demonstration's terms."""
    service.organisation("RXA", "provider", "Alder Valley Mental Health NHS Trust", "2011-04-01")
    for code in PAYERS:
        service.organisation(code, "commissioner", f"Commissioner {code}", "2011-04-01")
    service.load_reference("practices", ROOT / "deploy/demo/practices.csv")
    grid = pathlib.Path(service.workdir) / "grid.csv"
    grid.write_text(wide_grid(), encoding="ascii")
    service.load_reference("allocation_grid", grid)
    people = {"a.author": "RXA", "a.approver": "RXA", "e.approver": "5QE"}
    tokens = {}
    for person, organisation in people.items():
        service.person(person, organisation, person)
        tokens[person] = service.token(person)
    clients = {person: api_client.Client(service.url, token) for person, token in tokens.items()}
    author = clients["a.author"]
    contract = author.post("/v1/providers/RXA/contracts", {
        "financial_year": 2012, "mode": "live", "title": "Measured contract", "commissioners": ["5QE"],
        "coordinator": "5QE"})["contract"]
    path = f"/v1/providers/RXA/contracts/{contract}"
    terms = json.loads((ROOT / "deploy/demo/terms/A.json").read_text(encoding="utf-8"))
    terms["billing"] = {"method": "actual"}
    draft = author.post(f"{path}/terms", terms)
    for person in ("a.approver", "e.approver"):
        clients[person].post(f"{path}/terms/{draft['version']}/approvals", {"digest": draft["digest"]})
    return author, tokens["a.author"], path


def copy_baseline(service, path):
    """Plain COPY of the same file into one all-text table without an index."""
    with open(path, encoding="ascii") as file:
        columns = file.readline().strip().split(",")
    psql(service, f"CREATE TABLE bench_copy ({', '.join(f'{c} text' for c in columns)});")
    seconds, _ = psql(service, f"\\copy bench_copy FROM '{path}' WITH (FORMAT csv, HEADER)\n")
    psql(service, "DROP TABLE bench_copy;")
    return seconds


def wait_until_evaluated(author, submission):
    deadline = time.monotonic() + 600
    while author.get(f"/v1/providers/RXA/submissions/{submission}")["evaluation"] == 0:
        if time.monotonic() > deadline:
            raise SystemExit("bench: the submission is not evaluated")
        time.sleep(0.5)


def wait_until_idle(service):
    """Waits until the worker has nothing left to do: commitments to rows are made behind everything else."""
    deadline = time.monotonic() + 900
    while psql(service, "SELECT count(*) FROM reckoner.job WHERE state IN ('queued', 'leased');")[1].strip() != "0":
        if time.monotonic() > deadline:
            raise SystemExit("bench: the worker's jobs do not end")
        time.sleep(0.5)


def upload_month_before(service, author, path):
    """Sends the file as that of the month before, and waits until nothing of it is left to do; the housekeeping that
    PostgreSQL would begin for it within the next minutes is done here, so that it falls into neither measurement. Both
    then write into segments of its log that are used again, as those of a server do that has run for a while."""
    data = path.read_bytes().replace(b",2012-04,", b",2012-03,")
    acknowledged = author.upload("RXA", "2012-03", data)
    author.wait_for_job("RXA", acknowledged["job"], 900)
    uploads.must_be_accepted(author, acknowledged["submission"])
    wait_until_evaluated(author, acknowledged["submission"])
    wait_until_idle(service)
    psql(service, "VACUUM (ANALYZE);")
    psql(service, "CHECKPOINT;")


def page_rate(service, build, token, path):
    done = subprocess.run([str(build / "bench/load"), str(service.port), path, token, str(CLIENTS), str(SECONDS)],
                          capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise SystemExit(f"bench: the load generator failed: {done.stdout}{done.stderr}")
    found = json.loads(done.stdout)
    return {"per_second": found["requests"] * 1e6 / found["microseconds"], "p50_us": found["p50_us"],
            "p99_us": found["p99_us"]}


# What a page of a submission's findings asks of the database (store/finding.c), and one by pounds (store/question.c);
# pgbench asks as the web role, signed in.
PAGE_QUERY = """SELECT * FROM reckoner.finding_page('RXA', '{submission}', {rule}, {severity}, '{default}', '', 0,
 2147483647, -1, 21);
"""
QUESTION_ARGUMENTS = {1: "'RXA'", 2: "date '2012-04-01'", 3: "date '2012-04-01'", 4: "NULL", 8: "-9223372036854775807",
                      9: "''", 10: "0", 11: "0", 12: "''", 13: "21"}
# The filters measured: of a submission's list, and of the list by pounds.
FILTERS = (("no filter", {}), (f"rule {RARE_RULE}", {"rule": RARE_RULE}), ("severity WARN", {"severity": "WARN"}))
POUNDS = FILTERS + (("cluster 21", {"cluster": "21"}),)


def literal(value):
    return "NULL" if value is None else f"'{value}'"


def page_query(submission, asked):
    warnings = [line.split("\t")[0] for line in (ROOT / "config/rules.tsv").read_text(encoding="utf-8").splitlines()
                if line.split("\t")[2:3] == ["WARN"]]
    return PAGE_QUERY.format(submission=submission, rule=literal(asked.get("rule")),
                             severity=literal(asked.get("severity")),
                             default="".join(warnings) if "severity" in asked else "")


def question_query(asked):
    """The text of the statement, from the source, with its parameters written in."""
    source = (ROOT / "server/store/question.c").read_text(encoding="utf-8")
    expanded = subprocess.run(["gcc", "-E", "-P", "-I", str(ROOT / "server"), "-I", "/usr/include/postgresql", "-"],
                              input=source, capture_output=True, text=True, check=True).stdout
    part = expanded[expanded.index('"question_findings"') + len('"question_findings",'):]
    text = "".join(re.findall(r'"([^"]*)"', part[:part.index("13}")]))
    values = QUESTION_ARGUMENTS | {5: literal(asked.get("rule")), 6: literal(asked.get("severity")),
                                   7: literal(asked.get("cluster"))}
    return re.sub(r"\$([0-9]+)", lambda found: values[int(found[1])], text) + ";\n"


def pgbench_page(build, service, query):
    """Transactions a second of the query of a page alone, by pgbench, at the same number of clients."""
    script = build / "bench/page.sql"
    script.write_text(query, encoding="ascii")
    caller = "-c role=reckoner_web -c reckoner.person=a.author -c reckoner.organisation=RXA -c reckoner.role=provider"
    done = subprocess.run([str(PG_BIN / "pgbench"), "-n", "-M", "prepared", "-c", str(CLIENTS), "-j", "2", "-T",
                           str(SECONDS), "-f", str(script), service.conninfo],
                          capture_output=True, text=True, check=False, env=os.environ | {"PGOPTIONS": caller})
    for line in done.stdout.splitlines():
        if line.startswith("tps ="):
            return float(line.split()[2])
    raise SystemExit(f"bench: pgbench printed no tps\n{done.stdout}{done.stderr}")


def one_page(service, build, token, path, query):
    found = page_rate(service, build, token, path)
    found["pgbench_page_per_second"] = pgbench_page(build, service, query)
    return found


def pages(service, build, author, token, submission):
    """Pages of findings by HTTP, once the submission has been evaluated, each beside its query alone by pgbench."""
    wait_until_evaluated(author, submission)
    own = f"/v1/providers/RXA/submissions/{submission}/findings?limit=20"
    pounds = "/v1/findings?provider=RXA&month=2012-04&limit=20"
    lists = {}
    for name, asked in FILTERS:
        more = "".join(f"&{key}={value}" for key, value in asked.items())
        lists[name] = one_page(service, build, token, own + more, page_query(submission, asked))
    for name, asked in POUNDS:
        more = "".join(f"&{key}={value}" for key, value in asked.items())
        lists[f"by pounds, {name}"] = one_page(service, build, token, pounds + more, question_query(asked))
    return lists["no filter"] | {"lists": lists}


def page_line(rows, page):
    lines = [f"GET of a page of findings, {rows:,} rows / its query; half, 99 of 100 within ms"]
    for name, one in page["lists"].items():
        lines.append(f"{'  ' + name:<36}{one['p50_us'] / 1000:>7.1f}{one['p99_us'] / 1000:>9.1f}"
                     f"{one['per_second']:>12,.0f}/s{one['pgbench_page_per_second']:>12,.0f}/s"
                     f"{one['per_second'] / one['pgbench_page_per_second']:>9.2f}")
    return "\n".join(lines)


def pgbench_rate(service):
    """Transactions a second of `pgbench -S -M prepared` at the same number of clients."""
    target = service.conninfo
    quiet = {"capture_output": True, "text": True, "check": True}
    subprocess.run([str(PG_BIN / "pgbench"), "-i", "-q", "-s", "10", target], **quiet)
    done = subprocess.run([str(PG_BIN / "pgbench"), "-n", "-S", "-M", "prepared", "-c", str(CLIENTS), "-j", "2", "-T",
                           str(SECONDS), target], **quiet)
    for line in done.stdout.splitlines():
        if line.startswith("tps ="):
            return float(line.split()[2])
    raise SystemExit(f"bench: pgbench printed no tps\n{done.stdout}")


def preview_seconds(service, job):
    """How long the worker took for a job, by its own log."""
    for line in (pathlib.Path(service.workdir) / "logs/worker-1.log").read_text(encoding="utf-8").splitlines():
        if job in line and '"event":"job"' in line:
            return json.loads(line)["ms"] / 1000
    raise SystemExit(f"bench: the worker's log does not have job {job}")


def settle(service, author, contract):
    """PREVIEW runs of the account, and the same sum in SQL, five times each: the first and the quickest are told."""
    asked = []
    whole = []
    for _ in range(5):
        begun = time.monotonic()
        asked.append(author.post(f"{contract}/accounts/5QE/runs", {"month": "2012-04", "type": "PREVIEW"})["job"])
        author.wait_for_job("RXA", asked[-1], 300)
        whole.append(time.monotonic() - begun)
    terms = json.loads((ROOT / "deploy/demo/terms/A.json").read_text(encoding="utf-8"))
    prices = {(line["cluster"], line["basis"]): line["pence"] for line in terms["prices"]
              if line["basis"] != "ASSESSMENT" and line.get("from") is None}
    values = ", ".join(f"('{cluster}', '{basis}', {pence})" for (cluster, basis), pence in prices.items())
    psql(service, f"CREATE TABLE bench_price (cluster text, basis text, pence bigint); "
                  f"INSERT INTO bench_price VALUES {values}; ANALYZE bench_price; ANALYZE reckoner.episode;")
    number = psql(service, "SELECT max(submission) FROM reckoner.episode;")[1].strip()
    sums = [psql(service, PLAIN_SUM + ";", submission=number)[0] for _ in range(5)]
    _, sizes = psql(service, "SELECT rows, length(days) + length(candidates) FROM reckoner.activity_statistics"
                             f" WHERE submission = {number} AND commissioner = '5QE';")
    rows, stored = map(int, sizes.strip().split("|"))
    runs = [preview_seconds(service, job) for job in asked]
    return {"run_seconds": min(runs), "first_run_seconds": runs[0], "asked_seconds": min(whole),
            "sql_seconds": min(sums), "first_sql_seconds": sums[0], "rows": rows, "statistics_bytes": stored}


def contract_month(build, folder, rows):
    """Settles a month of so many rows, all of them one commissioner's, beside the sum of the same rows in SQL."""
    say(f"settling a contract-month of {rows:,} rows ...")
    path = folder / "more/one_payer.csv"
    uploads.give_to(uploads.demo_file(build, folder / "more", rows), path, "5QE", "A81001")
    with services.Service(build, folder / "service", clock="2012-05-10T09:00:00Z") as service:
        author, _, contract = prepare(service)
        sent = uploads.timed(service, author, path.read_bytes())
        uploads.must_be_accepted(author, sent["submission"])
        wait_until_evaluated(author, sent["submission"])
        wait_until_idle(service)
        psql(service, "VACUUM (ANALYZE);")
        found = settle(service, author, contract)
    if found["rows"] != rows:
        raise SystemExit(f"bench: {found['rows']:,} rows are the commissioner's, not {rows:,}")
    return found


def settle_line(run):
    return (f"{'contract-month of ' + format(run['rows'], ',') + ' rows settled / the sum in SQL':<52}"
            f"{run['run_seconds'] * 1000:>11.0f} ms{run['sql_seconds'] * 1000:>11.0f} ms"
            f"{run['sql_seconds'] / run['run_seconds']:>8.1f}x\n"
            f"{'  the first of five':<52}{run['first_run_seconds'] * 1000:>11.0f} ms"
            f"{run['first_sql_seconds'] * 1000:>11.0f} ms{run['first_sql_seconds'] / run['first_run_seconds']:>8.1f}x\n"
            f"{'  asked for by HTTP and waited for; read':<52}{run['asked_seconds'] * 1000:>11.0f} ms"
            f"{run['statistics_bytes'] / 1024:>10.0f} KiB")


def engine(build):
    """Positions of a whole year computed in a second by one processor: 100 and 10,000 rows a month."""
    return [json.loads(subprocess.run([str(build / "bench/engine"), "deploy/demo/terms/A.json", rows, "3"], cwd=ROOT,
                                      capture_output=True, text=True, check=True).stdout) for rows in ("100", "10000")]


def report(found):
    """The page that is printed, from the numbers."""
    m = found["machine"]
    page, copy = found["page"], found["upload"]
    lines = [
        f"Machine: {m['cpu']}, {m['cores']} cores, {m['memory_mib']} MiB, Linux {m['kernel']}, {m['postgresql']}",
        f"Rows: {found['rows']:,}; clients: {CLIENTS}; PostgreSQL with fsync and synchronous_commit on",
        "",
        f"{'what':<52}{'Reckoner':>14}{'PostgreSQL':>14}{'ratio':>9}",
        page_line(found["rows"], page),
        *[page_line(one["rows"], one["page"]) for one in found["files"] if "page" in one],
        f"{'the same / pgbench -S -M prepared':<52}{page['per_second']:>12,.0f}/s"
        f"{page['pgbench_per_second']:>12,.0f}/s{page['per_second'] / page['pgbench_per_second']:>9.2f}",
        f"{'upload to the acknowledgement / COPY of the rows':<52}{copy['acknowledged_seconds']:>12.2f} s"
        f"{copy['copy_seconds']:>12.2f} s{copy['acknowledged_seconds'] / copy['copy_seconds']:>9.2f}",
        f"{'upload to validated and stored / COPY of the rows':<52}{copy['validated_seconds']:>12.2f} s"
        f"{copy['copy_seconds']:>12.2f} s{copy['validated_seconds'] / copy['copy_seconds']:>9.2f}",
        f"{'  the same as rates, 1000 rows a second':<52}{found['rows'] / copy['validated_seconds'] / 1000:>14,.0f}"
        f"{found['rows'] / copy['copy_seconds'] / 1000:>14,.0f}"
        f"{copy['copy_seconds'] / copy['validated_seconds']:>9.2f}",
        *[settle_line(one) for one in found["settlement"]],
        *[f"{'the engine alone, positions of ' + format(one['rows'], ',') + ' rows':<52}"
          f"{one['positions_per_second']:>12,.0f}/s; with their documents {one['with_documents_per_second']:,.0f}/s"
          for one in found["engine"]],
        appends.line(found["log"]),
        "",
        *uploads.where_it_goes(copy, m["cores"]),
        "",
        f"{'rows':>12}{'MB':>10}{'seconds':>12}{'1000 rows/s':>12}{'reckonerd MiB':>14}{'worker MiB':>12}"
        "  file (peaks are VmHWM)",
        *[uploads.memory_line(one["rows"], one) for one in found["files"]],
        "",
        "Peak memory of the first service at the end: "
        + ", ".join(f"{name} {kib / 1024:.0f} MiB" for name, kib in found["peak_memory_kib"].items())]
    return "\n".join(lines) + "\n"


def one_file(build, folder, rows, failing):
    """A file on its own in a new service: how long it takes, and what the daemons hold at most."""
    say(f"uploading {rows:,} rows{', of which every one fails three rules' if failing else ''} ...")
    path = uploads.demo_file(build, folder / "more", rows)
    kind = "alone"
    if failing:
        source, path = path, folder / "more/failing.csv"
        uploads.fail_every_row(source, path)
        kind = "every row fails three rules"
    with services.Service(build, folder / "service", clock="2012-05-10T09:00:00Z") as service:
        author, token, _ = prepare(service)
        data = path.read_bytes()
        found = uploads.timed(service, author, data)
        uploads.must_be_accepted(author, found["submission"])
        wait_until_evaluated(author, found["submission"])
        wait_until_idle(service)
        one = {"rows": rows, "kind": kind, "bytes": len(data), "validated_seconds": found["validated_seconds"],
               "peak_memory_kib": uploads.peak_memories(service)}
        if rows > ROWS and not failing:
            say(f"reading pages of each kind for {SECONDS} s, then their query for {SECONDS} s ...")
            one["page"] = pages(service, build, author, token, found["submission"])
            one["peak_memory_kib"] = uploads.peak_memories(service)
        return one


def measure(build):
    folder = build / "bench"
    data = folder / "data"
    subprocess.run([str(build / "reckoner"), "demo-data", "--out", str(data), "--rows", str(ROWS)], check=True)
    path = data / "RXA-2012-04-1-first.csv"
    found = {"machine": machine(), "rows": ROWS}
    with services.Service(build, folder / "service", clock="2012-05-10T09:00:00Z") as service:
        author, token, _ = prepare(service)
        say("uploading the month before, which the measured one is compared with ...")
        upload_month_before(service, author, path)
        copy_seconds = copy_baseline(service, path)  # while nothing else is done
        say(f"uploading {ROWS:,} rows ({path.stat().st_size / 1e6:.0f} MB) ...")
        found["upload"] = uploads.timed(service, author, path.read_bytes())
        submission = found["upload"].pop("submission")
        found["upload"]["rules_not_checked"] = uploads.must_be_accepted(author, submission)
        found["upload"]["copy_seconds"] = copy_seconds
        found["files"] = [{"rows": ROWS, "kind": "a month before it in the database", "bytes": path.stat().st_size,
                           "validated_seconds": found["upload"]["validated_seconds"],
                           "peak_memory_kib": uploads.peak_memories(service)}]
        say("settling ...")
        wait_until_evaluated(author, submission)
        wait_until_idle(service)
        found["upload"] |= uploads.rows_alone(service, psql, submission, folder)
        found["engine"] = engine(build)
        say(f"reading pages of each kind for {SECONDS} s, then their query for {SECONDS} s ...")
        found["page"] = pages(service, build, author, token, submission)
        found["page"]["pgbench_per_second"] = pgbench_rate(service)
        found["peak_memory_kib"] = uploads.peak_memories(service)
    say(f"appending {appends.ENTRIES:,} entries to the log ...")
    with services.Service(build, folder / "service", workers=0) as service:
        found["log"] = appends.measure(service, psql, folder)
    found["files"] += [one_file(build, folder, size, False) for size in SIZES]
    found["settlement"] = [contract_month(build, folder, rows) for rows in MONTHS]
    found["files"].append(one_file(build, folder, ROWS, True))
    return found


def main(arguments):
    if len(arguments) != 1:
        raise SystemExit(__doc__)
    build = pathlib.Path(arguments[0]).resolve()
    services.stop_on_signals()
    found = measure(build)
    text = report(found)
    (build / "bench/result.json").write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
    (build / "bench/result.txt").write_text(text, encoding="utf-8")
    say("\n" + text)


if __name__ == "__main__":
    main(sys.argv[1:])
