"""Bundles made by hand for the tests of the auditor's program, without the service: api/formats/bundle.md, written the
other way round. What a world holds can be changed before it is written: statement, inputs, rows, log, files."""

import base64
import hashlib
import io
import json
import pathlib
import subprocess
import sys
import tarfile
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "auditor"))

import reckoner_auditor as auditor  # noqa: E402

ORIGIN = "reckoner.example/log"
ROW_COLUMNS = ("row_no,tag,cluster,service,start_date,end_date,mhct_date,referral_date,last_contact,mhct_reason,"
               "admitted_days,assessment_only,continues,approved,minor,failed,private").split(",")


def compact(value):
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()


def digest(data):
    return hashlib.sha256(data).hexdigest()


class Key:
    """An Ed25519 key of openssl's."""

    def __init__(self, key_id):
        self.id = key_id
        self.folder = tempfile.TemporaryDirectory()
        self.path = self.folder.name + "/key"
        subprocess.run(["openssl", "genpkey", "-algorithm", "ed25519", "-out", self.path], check=True)
        self.pem = subprocess.run(["openssl", "pkey", "-in", self.path, "-pubout"], check=True,
                                  stdout=subprocess.PIPE).stdout
        self.public = base64.b64decode(self.pem.split(b"\n")[1])[12:]
        blob = b"Ed" + bytes.fromhex(key_id)[::-1] + self.public
        self.minisign = ("untrusted comment: minisign public key %s\n%s\n" % (
            key_id, base64.b64encode(blob).decode())).encode()

    def sign(self, data):
        message = pathlib.Path(self.folder.name) / "message"
        message.write_bytes(data)
        return subprocess.run(["openssl", "pkeyutl", "-sign", "-rawin", "-inkey", self.path, "-in", str(message)],
                              check=True, stdout=subprocess.PIPE).stdout

    def minisig(self, data):
        signature, comment = self.sign(data), "timestamp:1342000800\tfile:statement"
        return ("untrusted comment: signature\n%s\ntrusted comment: %s\n%s\n" % (
            base64.b64encode(b"Ed" + bytes.fromhex(self.id)[::-1] + signature).decode(), comment,
            base64.b64encode(self.sign(signature + comment.encode())).decode())).encode()

    def note_line(self, name, kind, body, time=1342000800):
        key_id = hashlib.sha256(name.encode() + b"\n" + bytes([kind]) + self.public).digest()[:4]
        stamp = time.to_bytes(8, "big") if kind == 4 else b""
        message = (b"cosignature/v1\ntime %d\n" % time if kind == 4 else b"") + body
        return "— %s %s\n" % (name, base64.b64encode(key_id + stamp + self.sign(message)).decode())


def tree_hash(leaves):
    """RFC 6962, section 2.1, as its text has it."""
    if len(leaves) < 2:
        return leaves[0] if leaves else hashlib.sha256(b"").digest()
    k = 1
    while 2 * k < len(leaves):
        k *= 2
    return hashlib.sha256(b"\x01" + tree_hash(leaves[:k]) + tree_hash(leaves[k:])).digest()


def tree_path(m, leaves):
    if len(leaves) < 2:
        return []
    k = 1
    while 2 * k < len(leaves):
        k *= 2
    if m < k:
        return tree_path(m, leaves[:k]) + [tree_hash(leaves[k:])]
    return tree_path(m - k, leaves[k:]) + [tree_hash(leaves[:k])]


def log_leaf(entry):
    return hashlib.sha256(b"\x00" + compact(entry)).digest()


def row(number, cluster, start, end="", **more):
    sent = dict.fromkeys(ROW_COLUMNS, "") | {
        "row_no": number, "tag": "bcdfghjklmnpqrstvwxz", "cluster": cluster, "start_date": start, "end_date": end,
        "mhct_date": start, "mhct_reason": 11, "admitted_days": 0, "assessment_only": 0, "continues": 0, "approved": 0,
        "minor": 0, "private": digest(b"salt and record %d" % number)} | more
    return ",".join(str(sent[name]) for name in ROW_COLUMNS)


def row_leaf(line):
    facts, private = line.rsplit(",", 1)
    facts = facts.encode()
    return hashlib.sha256(b"\x00" + len(facts).to_bytes(4, "big") + facts + bytes.fromhex(private)).digest()


def archive(members):
    """By Python's own writer of tar files, so that ours is held against another."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for name, data in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            info.mode = 0o644
            tar.addfile(info, io.BytesIO(data))
        tar.fileobj.write(bytes(1024))
        end = out.tell()
    return out.getvalue()[:end]


class World:
    """An account with rows, terms and inputs, and the statement of one run. Change anything, then make()."""

    def __init__(self, key, rows, terms, month, **inputs):
        self.key, self.month = key, month
        self.rows, self.moved = rows, []
        self.terms = {1: compact(terms)}
        self.due = {}  # when the document is paid: due_on, due_holidays
        self.others = {}  # (month, commissioner): lines of another commissioner, from which rows are moved in
        self.account = {"provider": "RXA", "contract": "bcdfghjklmnpqrstvwxz", "commissioner": "5QE",
                        "financial_year": terms["financial_year"], "mode": terms["mode"]}
        self.submissions = [{"month": m, "version": 1, "submission": "bcdfghjklmnp"[int(m[5:]) - 1] * 20,
                             "sha256": digest(m.encode()), "bytes": 100, "rows": 100 + len(rows[m])}
                            for m in sorted(rows)]
        self.approved_at = "2012-03-20T09:00:00.000000Z"
        months = {s["month"]: {name: s[name] for name in ("submission", "version", "sha256")} | {
            "known_from": "2012-06-01T09:00:00.000000Z", "rule_set": "1.x", "review_periods": {"04": {"months": 6}}}
            for s in self.submissions}
        lists = ("agreed_months", "achievements", "adjustments", "withholds", "decisions", "reattributions",
                 "challenges", "elsewhere", "same_day", "documents", "opening_entries")
        self.inputs = {name: value for name, value in self.account.items() if name != "mode"} | dict.fromkeys(
            lists, []) | {"@purpose": "reckoner/inputs/1", "engine": auditor.ENGINE, "month": month,
                          "known_at": "2012-07-01T09:00:00.000000Z", "months": months, "erased": {},
                          "terms": [{"version": 1, "known_from": self.approved_at, "sha256": digest(self.terms[1])}]
                          } | inputs
        self.previous = self.billed = None
        self.bills = True
        self.issued = False
        self.more_entries = 5  # of others, before and behind
        self.log_version = 2  # of the document's entry

    def position(self, month):
        case = self.inputs | {"known_at": None, "terms": [
            t | {"terms": json.loads(self.terms[t["version"]])} for t in self.inputs["terms"]]}
        case["months"] = {m: entry | {"each": lambda m=m: self.each(m)} for m, entry in self.inputs["months"].items()}
        return auditor.document_of(auditor.position_of(auditor.Account(case), month))

    def each(self, month):
        b = auditor.Bundle(None)
        b.values["inputs.json"] = self.inputs
        b.place = {"moved.csv": None} if self.moved else {}
        b.lines = lambda name: (("here", line.encode()) for line in (
            self.rows[month] if name.startswith("rows/") else self.moved_lines()))
        return auditor.rows_of_bundle(b, month)

    def moved_lines(self):
        for month, whose, number in self.moved:
            lines = self.others[month, whose]
            at = [line.split(",")[0] for line in lines].index(str(number))
            path = tree_path(at, [row_leaf(line) for line in lines])
            yield "%s,%s,%d,%s,%s" % (month, whose, at, " ".join(h.hex() for h in path), lines[at])

    def trees(self, month):
        lines = [("5QE", self.rows[month])] + [(w, self.others[m, w]) for m, w in sorted(self.others) if m == month]
        return [{"commissioner": whose, "rows": len(of), "root": tree_hash([row_leaf(line) for line in of]).hex()}
                for whose, of in lines]

    def statement(self):
        position = self.position(self.month)
        s = {"@purpose": "reckoner/statement/1", "account": self.account, "sequence": 1, "previous_sha256": None,
             "run": {"id": "pqrstvwxzbcdfghjklmn", "type": "FREEZE", "n": 1, "month": self.month, "cause": "a test"},
             "sealed_at": "2012-07-02T09:00:00.000000Z", "clock": "demonstration", "engine": auditor.ENGINE,
             "key_id": self.key.id, "submissions": [x | {"trees": self.trees(x["month"])} for x in self.submissions],
             "position": position, "position_sha256": digest(compact(position)), "bridges": [],
             "position_pence": position["total_pence"], "billing": None, "billed_before_pence": None,
             "balance_pence": None, "draft": None}
        if self.previous:
            s |= {"sequence": self.previous["sequence"] + 1, "previous_sha256": digest(compact(self.previous))}
        if self.bills:
            before = sum(d["pence"] for d in self.inputs["documents"])
            balance = position["billable_pence"] - before
            s |= {"billing": {"month": self.month, "position_sha256": s["position_sha256"], "position": None,
                              "billable_pence": position["billable_pence"], "opening_pence": 0},
                  "billed_before_pence": before, "balance_pence": balance,
                  "draft": {"id": "mnpqrstvwxzbcdfghjkl", "kind": "invoice" if balance > 0 else "credit_note",
                            "balance_pence": balance}}
        return s

    def receipts(self):
        for s in self.submissions:
            yield s["month"], compact(s | {"@purpose": "reckoner/receipt/1", "provider": "RXA", "outcome": "accepted",
                                           "rule_set": "1.x", "validated_at": "2012-06-01T10:00:00.000000Z"})

    def document(self, statement):
        return {"@purpose": "reckoner/document/1", "document": statement["draft"]["id"], "bill_to": "5QE", "number": 7,
                "run": statement["run"]["id"], "kind": statement["draft"]["kind"], "drafted_at": statement["sealed_at"],
                "issued_at": "2012-07-03T09:00:00.000000Z", "balance_pence": statement["balance_pence"],
                "position_pence": statement["billing"]["billable_pence"], "opening_pence": 0,
                "billed_pence": statement["billed_before_pence"],
                "provider": "RXA", "contract": self.account["contract"], "commissioner": "5QE", "references": [],
                "lines": [{name: line[name] for name in line if name not in ("billable", "derivation")} | {"line_no": n}
                          for n, line in enumerate(statement["position"]["lines"], 1)]} | self.due

    def entries(self, statement, document):
        entry = {"@purpose": "reckoner/log/1"}
        yield entry | {"kind": "key", "key": self.key.id, "public_key": self.key.public.hex(),
                       "valid_from": "2012-03-01T09:00:00.000000Z"}
        for version, terms in self.terms.items():
            for side in ("provider", "commissioner"):
                yield entry | {"kind": "terms_approval", "provider": "RXA", "contract": self.account["contract"],
                               "side": side, "version": version, "sha256": digest(terms), "at": self.approved_at}
        for _, receipt in self.receipts():
            yield entry | {"kind": "receipt", "at": "2012-06-01T10:00:00.000000Z", "provider": "RXA", "record": "r",
                           "key": self.key.id, "sha256": digest(receipt)}
        for record in filter(None, (self.billed, statement)):
            yield entry | {"kind": "statement", "at": record["sealed_at"], "key": self.key.id, "provider": "RXA",
                           "record": "t", "sha256": digest(compact(record))}
        if document:
            said = {"kind": "document", "at": document["issued_at"], "balance_pence": document["balance_pence"],
                    "commissioner": "5QE", "document": document["document"], "document_kind": document["kind"],
                    "number": document["number"], "provider": "RXA", "run": document["run"],
                    **{name: document[name] for name in ("due_on",) if name in document}}
            if self.log_version > 1:
                said |= {name: document[name] for name in ("bill_to", "drafted_at")}
                said |= {"@purpose": "reckoner/log/2", "references": [r["number"] for r in document["references"]],
                         "sha256": digest(compact(document))}
            yield entry | said

    def members(self):
        """Names and bytes of all members, in order."""
        statement = self.statement()
        data = compact(statement)
        document = self.document(statement) if self.issued else None
        entries = []
        for n, entry in enumerate(self.entries(statement, document)):
            entries += [{"kind": "audit_head", "seq": n, "k": k} for k in range(self.more_entries)] + [entry]
        leaves = [log_leaf(entry) for entry in entries]
        body = ("%s\n%d\n%s\n" % (ORIGIN, len(leaves), base64.b64encode(tree_hash(leaves)).decode())).encode()
        note = body + ("\n" + self.key.note_line(ORIGIN, 1, body) + self.key.note_line(ORIGIN, 4, body)).encode()
        out = {"README.txt": b"How to check this.\n", "statement.json": data, "statement.json.sig": self.key.sign(data),
               "statement.json.minisig": self.key.minisig(data)}
        if self.previous:
            out["previous.json"] = compact(self.previous)
        if self.billed:
            out |= {"billed.json": compact(self.billed), "billed.json.sig": self.key.sign(compact(self.billed))}
        out |= {"keys/%s.pem" % self.key.id: self.key.pem, "keys/%s.pub" % self.key.id: self.key.minisign,
                "checkpoint": note, "log.json": compact([
                    {"entry": entry, "index": n, "path": [h.hex() for h in tree_path(n, leaves)]}
                    for n, entry in enumerate(entries) if entry["kind"] != "audit_head"])}
        out |= {"terms/%d.json" % version: terms for version, terms in self.terms.items()}
        for month, receipt in self.receipts():
            out |= {"receipts/%s.json" % month: receipt, "receipts/%s.json.sig" % month: self.key.sign(receipt)}
        header = ",".join(ROW_COLUMNS)
        out["inputs.json"] = compact(self.inputs)
        for month, lines in self.rows.items():
            out["rows/%s.csv" % month] = "".join(line + "\n" for line in [header, *lines]).encode()
        if self.moved:
            moved = ["month,commissioner,index,path," + header, *self.moved_lines()]
            out["moved.csv"] = "".join(line + "\n" for line in moved).encode()
        return out | ({"document.json": compact(document)} if document else {})

    def make(self):
        return archive(self.members())
