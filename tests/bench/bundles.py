"""`make bench`, its part on bundles: a statement over a million rows of one commissioner, its bundle made by the worker
and checked by each program; and how many small bundles are checked in a second. Beside them what the machine can:
openssl's SHA-256 of the same bytes.

    tests/bench/run BUILD bundles      RECKONER_BENCH_ROWS makes it smaller; the second implementation runs too
"""

import json
import os
import pathlib
import shutil
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "deploy"))
sys.path.insert(0, str(ROOT / "deploy/demo"))

import bench  # noqa: E402
import service as services  # noqa: E402
import uploads  # noqa: E402

ROWS = bench.ROWS
SMALL_ROWS = 1000
AUDITOR = [sys.executable, "-B", str(ROOT / "auditor/reckoner_auditor.py"), "verify"]


def of_one_commissioner(source, target):
    """The demonstration's file, which has no quotes, with every row of 5QE."""
    with open(source, encoding="ascii") as rows, open(target, "w", encoding="ascii", newline="") as out:
        header = rows.readline()
        place = header.strip().split(",").index("commissioner")
        out.write(header)
        for line in rows:
            fields = line.split(",")
            fields[place] = "5QE"
            out.write(",".join(fields))


def run(command, folder):
    """Seconds and most memory, in MiB, of a command that must succeed."""
    said = folder / "said.txt"
    begun = time.monotonic()
    with open(said, "wb") as out:
        child = subprocess.Popen([str(c) for c in command], stdout=out, stderr=out)
        _, status, used = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    seconds = time.monotonic() - begun
    if child.returncode != 0:
        raise SystemExit(f"bench: {command[0]} ended with {child.returncode}\n{said.read_text()[-3000:]}")
    return seconds, used.ru_maxrss / 1024


def settled(author, path, month="2012-04"):
    """The statement of a FLEX of the month."""
    asked = author.post(f"{path}/accounts/5QE/runs", {"month": month, "type": "FLEX"})
    author.wait_for_job("RXA", asked["job"], 600)
    made = author.get(f"/v1/providers/RXA/runs/{asked['run']}")
    if made["state"] != "done":
        raise SystemExit(f"bench: the run is {made['state']}: {made.get('reason')}")
    return made["statement"]


def fetched(author, statement, target):
    """Has the bundle made; seconds until it was, and until it was fetched."""
    begun = time.monotonic()
    asked = author.post(f"/v1/providers/RXA/statements/{statement}/bundle")
    author.wait_for_job("RXA", asked["job"], 3600)
    made = time.monotonic() - begun
    target.write_bytes(author.bytes(f"/v1/providers/RXA/exports/{asked['export']}/file"))
    return made, time.monotonic() - begun


def world(build, rows):
    """A service with rows of April, all of 5QE, settled; and its bundle."""
    folder = build / "bench" / f"bundle-{rows}"
    shutil.rmtree(folder, ignore_errors=True)
    service = services.Service(build, folder / "service", clock="2012-05-01T09:00:00Z")
    try:
        service.start()
        author, _, path = bench.prepare(service)
        sent = folder / "sent.csv"
        of_one_commissioner(uploads.demo_file(build, folder, rows), sent)
        acknowledged = author.upload("RXA", "2012-04", sent.read_bytes())
        author.wait_for_job("RXA", acknowledged["job"], 3600)
        uploads.must_be_accepted(author, acknowledged["submission"])
        service.set_clock("2012-05-18T09:00:00Z")
        begun = time.monotonic()
        statement = settled(author, path)
        settling = time.monotonic() - begun
        made, whole = fetched(author, statement, folder / "bundle.tar")
        memory = uploads.peak_memories(service)
    finally:
        service.stop()
    return {"rows": rows, "bytes": (folder / "bundle.tar").stat().st_size, "first_settlement_seconds": settling,
            "made_seconds": made, "fetched_seconds": whole, "peak_memory_kib": memory}, folder / "bundle.tar"


def measure(build, rows, times):
    """Each program on one bundle, so many times; the quickest counts."""
    found, bundle = world(build, rows)
    bench.say(f"a bundle of {rows:,} rows ...")
    programs = {"openssl sha256": ["openssl", "dgst", "-sha256", bundle],
                "reckoner verify": [build / "reckoner", "verify", bundle],
                "reckoner-verify": [build / "reckoner-verify", bundle],
                "reckoner_auditor.py": [*AUDITOR, bundle]}
    for name, command in programs.items():
        took = [run(command, bundle.parent) for _ in range(times if name != "reckoner_auditor.py" else min(times, 3))]
        found[name] = {"seconds": min(t for t, _ in took), "memory_mib": max(m for _, m in took)}
    bundle.unlink()
    return found


def line_of(found):
    base = found["openssl sha256"]["seconds"]
    parts = [f"{name} {found[name]['seconds']:.3f} s ({found[name]['seconds'] / base:.1f} x, "
             f"{found[name]['memory_mib']:.0f} MiB)"
             for name in ("reckoner verify", "reckoner-verify", "reckoner_auditor.py")]
    return (f"Bundle of {found['rows']:,} rows, {found['bytes'] / 1e6:.1f} MB: made in {found['made_seconds']:.1f} s; "
            f"openssl's SHA-256 of it {base:.3f} s; {', '.join(parts)}")


def main():
    build = pathlib.Path(sys.argv[1]).resolve()
    results = []
    for rows, times in ((SMALL_ROWS, 20), (ROWS, 1)):
        results.append(measure(build, rows, times))
        bench.say(line_of(results[-1]))
    small = results[0]["reckoner-verify"]["seconds"]
    bench.say(f"Statements of {SMALL_ROWS:,} rows verified: {1 / small:.0f} a second by one process each")
    (build / "bench" / "bundles.json").write_text(json.dumps(results, indent=1), encoding="ascii")


if __name__ == "__main__":
    os.environ.setdefault("RECKONER_BENCH_SIZES", "")
    main()
