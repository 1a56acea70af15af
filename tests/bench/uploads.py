"""Uploads measured for `make bench`: where the time of one goes, what the daemons hold of files of several sizes, and a
file in which every row fails three rules."""

import os
import pathlib
import subprocess
import time

TICKS = os.sysconf("SC_CLK_TCK")
# Columns by place in the demonstration's files, and what makes a row fail a WARN rule: P05, K05, M04.
FAULTS = {"nhs_number_status": "99", "super_class": "X", "mhct_reason": "13"}


def peak_memory(process):
    """VmHWM of a process in KiB."""
    for line in pathlib.Path(f"/proc/{process.pid}/status").read_text(encoding="ascii").splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1])
    raise SystemExit(f"bench: no VmHWM of process {process.pid}")


def peak_memories(service):
    return {"reckonerd": peak_memory(service.daemon), "reckoner-worker": peak_memory(service.workers[0])}


def processor_seconds(pid):
    """Processor time of a process, and of its children that have ended; 0 when it is gone."""
    try:
        text = pathlib.Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace")
    except OSError:
        return 0
    return sum(int(field) for field in text.rpartition(")")[2].split()[11:15]) / TICKS


def processors(service):
    """Processor time so far of the daemons and of the whole database."""
    data = pathlib.Path(service.workdir) / "postgres/data/postmaster.pid"
    postmaster = int(data.read_text(encoding="utf-8").splitlines()[0])
    children = pathlib.Path(f"/proc/{postmaster}/task/{postmaster}/children").read_text(encoding="ascii").split()
    database = processor_seconds(postmaster) + sum(processor_seconds(int(child)) for child in children)
    return {"reckonerd": processor_seconds(service.daemon.pid), "worker": processor_seconds(service.workers[0].pid),
            "database": database}


def spent(before, after):
    return {name: round(after[name] - before[name], 2) for name in before}


def timed(service, author, data, month="2012-04"):
    """Sends bytes and waits until they are validated and stored. Returns the seconds until the acknowledgement and
    until the end, the processor time of both parts, and the submission."""
    start = processors(service)
    begun = time.monotonic()
    acknowledged = author.upload("RXA", month, data)
    sent = time.monotonic() - begun
    middle = processors(service)
    author.wait_for_job("RXA", acknowledged["job"], 3600)
    whole = time.monotonic() - begun
    end = processors(service)
    return {"acknowledged_seconds": sent, "validated_seconds": whole, "submission": acknowledged["submission"],
            "receiving": spent(start, middle), "validating": spent(middle, end)}


def must_be_accepted(author, submission):
    """Ends the bench unless the rows were taken. Returns the ids of the rules that could not be asked."""
    state = author.get(f"/v1/providers/RXA/submissions/{submission}")
    if state["state"] != "accepted":
        raise SystemExit(f"bench: the file was {state['state']}")
    return [rule["rule"] for rule in state["rules_not_checked"]]


def demo_file(build, folder, rows):
    """The demonstration's file of April 2012 with so many rows."""
    subprocess.run([str(build / "reckoner"), "demo-data", "--out", str(folder), "--rows", str(rows)], check=True)
    return folder / "RXA-2012-04-1-first.csv"


def fail_every_row(source, target):
    """Copies a file of the demonstration, which has no quotes, so that each row fails three rules and stays payable."""
    with open(source, encoding="ascii") as rows, open(target, "w", encoding="ascii", newline="") as out:
        header = rows.readline()
        places = {header.strip().split(",").index(name): value for name, value in FAULTS.items()}
        out.write(header)
        for line in rows:
            fields = line.split(",")
            for place, value in places.items():
                fields[place] = value
            out.write(",".join(fields))


def give_to(source, target, payer, of_practice):
    """Copies a file of the demonstration with every row the payer's, of one of its practices."""
    with open(source, encoding="ascii") as rows, open(target, "w", encoding="ascii", newline="") as out:
        header = rows.readline()
        names = header.strip().split(",")
        commissioner, practice = names.index("commissioner"), names.index("gp_practice")
        out.write(header)
        for line in rows:
            fields = line.rstrip("\n").split(",")
            fields[commissioner], fields[practice] = payer, of_practice
            out.write(",".join(fields) + "\n")


def memory_line(rows, found):
    seconds = found["validated_seconds"]
    return (f"{rows:>12,}{found['bytes'] / 1e6:>10,.0f}{seconds:>12.1f}{rows / seconds / 1000:>12.0f}"
            f"{found['peak_memory_kib']['reckonerd'] / 1024:>14.0f}"
            f"{found['peak_memory_kib']['reckoner-worker'] / 1024:>12.0f}  {found['kind']}")


def where_it_goes(upload, cores):
    """Text: the two parts of an upload, and how far 0.8 is."""
    sent = upload["acknowledged_seconds"]
    after = upload["validated_seconds"] - sent
    wanted = upload["copy_seconds"] / 0.8
    receiving, validating = upload["receiving"], upload["validating"]
    work = sum(receiving.values()) + sum(validating.values())
    idle = max(0, cores * upload["validated_seconds"] - work)
    key = upload["keyed_seconds"] - upload["unkeyed_seconds"]
    lines = [f"Where the time of the upload goes, in seconds ({cores} processors):"]
    for name, seconds, part in (("until the acknowledgement", sent, receiving), ("behind it", after, validating)):
        lines.append(f"  {name} {seconds:.2f}: processor time of reckonerd {part['reckonerd']:.2f}, worker "
                     f"{part['worker']:.2f}, database {part['database']:.2f}")
    return lines + [
        f"  Processor time in all {work:.2f}; idle, waiting for the disk or used by others {idle:.2f}. With every "
        f"processor busy it would take {work / cores:.2f}.",
        f"  The rows alone, stored again by COPY: database {upload['keyed_seconds']:.2f} with their key, "
        f"{upload['unkeyed_seconds']:.2f} without, so {key:.2f} for the key.",
        f"  0.8 of COPY's rate is {wanted:.2f}, {upload['validated_seconds'] - wanted:.2f} less, or "
        f"{cores * wanted:.2f} of processor time, {max(0, work - cores * wanted):.2f} less than was used:",
        "  no processor idle, the key built at once behind the load instead of row by row (a table a submission),",
        "  identities in blocks of a page (the database keeps larger ones in pieces, with an index), and the rest from",
        "  what is done to the bytes before a row is seen: hashed, packed, sealed, stored, read back, opened,",
        "  unpacked and hashed again."]


def rows_alone(service, psql, submission, folder):
    """Processor time of the database for storing the rows of a submission by COPY, with and without their key."""
    data = folder / "rows.copy"
    number = f"(SELECT no FROM reckoner.submission WHERE id = '{submission}')"
    sql = f"SELECT * FROM reckoner.episode WHERE submission = {number}"
    psql(service, f"\\copy ({sql}) TO '{data}' WITH (FORMAT binary)\n")
    found = {}
    for name, also in (("unkeyed_seconds", ""), ("keyed_seconds", "ALTER TABLE bench_rows ADD PRIMARY KEY (submission, "
                                                                  "row_no, provider);")):
        psql(service, f"CREATE TABLE bench_rows (LIKE reckoner.episode INCLUDING CONSTRAINTS); {also}")
        before = processors(service)
        psql(service, f"\\copy bench_rows FROM '{data}' WITH (FORMAT binary)\n")
        found[name] = spent(before, processors(service))["database"]
        psql(service, "DROP TABLE bench_rows;")
    data.unlink()
    return found
