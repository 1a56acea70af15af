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
    idle = max(0, cores * sent - sum(receiving.values()))
    return [
        f"Where the time of the upload goes, in seconds ({cores} processors):",
        f"  until the acknowledgement {sent:.2f}: reckonerd {receiving['reckonerd']:.2f}, database "
        f"{receiving['database']:.2f}; idle or others {idle:.2f}",
        f"  behind it {after:.2f}: worker {validating['worker']:.2f}, database {validating['database']:.2f} "
        "(rows are stored while they are read)",
        f"  For 0.8 of COPY's rate all must be done within {wanted:.2f}, "
        f"{upload['validated_seconds'] - wanted:.2f} less."
        " The worker waits for the last byte",
        "  before it reads the first: reading along with the upload would use the idle time above; then the key of the",
        "  rows' table, about half of what storing them costs, would have to be built at once behind the load."]
