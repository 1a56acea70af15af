"""Bundles for the Python tests: asked for, fetched, unpacked, and checked by four programs, two of them not ours."""

import io
import json
import pathlib
import subprocess
import sys
import tarfile

import harness

ROOT = pathlib.Path(__file__).resolve().parents[2]
AUDITOR = [sys.executable, "-B", str(ROOT / "auditor/reckoner_auditor.py")]
STAGES = ["form", "content", "signature", "key", "previous", "checkpoint", "inclusion", "terms", "receipts", "rows",
          "inputs", "position", "billing", "document"]


def ask(client, statement, provider="RXA"):
    """Has a bundle made; returns its bytes."""
    asked = client.post(f"/v1/providers/{provider}/statements/{statement}/bundle")
    client.wait_for_job(provider, asked["job"])
    return client.bytes(f"/v1/providers/{provider}/exports/{asked['export']}/file")


def members(path):
    """What the archive holds, in order: {name: bytes}."""
    with tarfile.open(path, "r:") as archive:
        return {m.name: archive.extractfile(m).read() for m in archive.getmembers()}


def write(path, held):
    """The reverse: an archive in the one form of api/formats/bundle.md, made by Python's own library and cut where the
    format ends."""
    with tarfile.open(path, "w:", format=tarfile.USTAR_FORMAT) as archive:
        for name, data in held.items():
            about = tarfile.TarInfo(name)
            about.size = len(data)
            archive.addfile(about, io.BytesIO(data))
        length = archive.offset
    data = path.read_bytes()
    path.write_bytes(data[:length] + bytes(1024))


def verdict(command, path, *more):
    """(exit status, report) of one of our two programs."""
    done = subprocess.run([*map(str, command), str(path), *map(str, more), "--json"], capture_output=True, text=True,
                          timeout=300, check=False)
    try:
        return done.returncode, json.loads(done.stdout)
    except ValueError:
        raise AssertionError(f"{command}: status {done.returncode}\n{done.stdout}\n{done.stderr}") from None


def ours(path, *more):
    return verdict([harness.BUILD / "reckoner", "verify"], path, *more)


def theirs(path, *more):
    return verdict([*AUDITOR, "verify"], path, *more)


def outcomes(report):
    return {check["check"]: check["outcome"] for check in report["checks"]}


def unpack(path, folder):
    with tarfile.open(path, "r:") as archive:
        archive.extractall(folder, filter="data")


def checked_by_others(folder):
    """openssl and minisign on what a bundle unpacked to."""
    key = json.loads((folder / "statement.json").read_bytes())["key_id"]
    for command in (["openssl", "pkeyutl", "-verify", "-rawin", "-pubin", "-inkey", f"keys/{key}.pem", "-sigfile",
                     "statement.json.sig", "-in", "statement.json"],
                    ["minisign", "-V", "-q", "-p", f"keys/{key}.pub", "-m", "statement.json"]):
        subprocess.run(command, cwd=folder, check=True, capture_output=True, timeout=60)
