"""Appending to the log: entries that wait, moved into the tree with signed checkpoints by one worker, beside a COPY of
the same entries into a plain table."""

import time

ENTRIES = 200_000
# Receipts as triggers leave them; the text of COPY, so that both begin from the same rows.
PREPARE = """
INSERT INTO reckoner.log_pending (kind, provider, subject, entry)
SELECT 'receipt', 'RXA', translate(lpad(n::text, 20, '0'), '0123456789', 'abcdefghij'),
       format('{"@purpose":"reckoner/log/1","at":"2012-05-10T09:00:00.000000Z","key":"0123456789ABCDEF",'
              '"kind":"receipt","provider":"RXA","record":"%s","sha256":"%s"}',
              translate(lpad(n::text, 20, '0'), '0123456789', 'abcdefghij'), encode(sha256(n::text::bytea), 'hex'))
  FROM generate_series(1, :entries) n;
CREATE TABLE bench_log (kind text, provider text, subject text, entry text)"""


def measure(service, psql, folder):
    """Entries a second into the log, by one worker, and into a plain table."""
    psql(service, PREPARE, entries=ENTRIES)
    rows = folder / "entries.copy"
    psql(service, f"\\copy (SELECT kind, provider, subject, entry FROM reckoner.log_pending ORDER BY no) TO '{rows}'")
    begun = time.monotonic()
    worker = service.start_worker("--once")
    if worker.wait(600) != 0:
        raise SystemExit("bench: the worker failed")
    append_seconds = time.monotonic() - begun
    _, left = psql(service, "SELECT count(*) FROM reckoner.log_pending")
    if left.strip() != "0":
        raise SystemExit(f"bench: {left.strip()} entries are still waiting")
    copy_seconds, _ = psql(service, f"\\copy bench_log FROM '{rows}'")
    return {"entries": ENTRIES, "append_seconds": append_seconds, "copy_seconds": copy_seconds,
            "appends_per_second": ENTRIES / append_seconds, "copied_per_second": ENTRIES / copy_seconds}


def line(found):
    """For the page: rate, COPY's rate, ratio."""
    return (f"{'appends to the log, ' + format(found['entries'], ',') + ' entries / COPY of them':<52}"
            f"{found['appends_per_second']:>12,.0f}/s{found['copied_per_second']:>12,.0f}/s"
            f"{found['appends_per_second'] / found['copied_per_second']:>9.2f}")
