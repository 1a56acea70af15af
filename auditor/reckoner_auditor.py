#!/usr/bin/env python3
"""The second implementation of Reckoner, for auditors: one file, Python's standard library, and openssl for signatures.

    reckoner_auditor.py verify BUNDLE [--key FILE] [--checkpoint KEPT] [--json]
    reckoner_auditor.py sample BUNDLE --method random|mus --size N --nonce X --paper FILE
    reckoner_auditor.py sample evaluate PAPER --bundle BUNDLE [--confidence 80|90|95]
    reckoner_auditor.py position CASE.json
    reckoner_auditor.py position --lines [N] < CASES    one case in a line, one answer in a line, by N processes (1)

verify checks a bundle (api/formats/bundle.md) from its bytes up, without network or database: status 0 when nothing
differs, else 1. Rows become leaves and roots, and, by the terms, units, pence and positions, which must be those of the
statement to the byte. sample draws rows to look into, and says what was found comes to (api/formats/sampling.md).

Written from the specification and formats alone, it shares no code and no table with the service, and computes row by
row, day by day, in exact fractions. From the top down: verdict; archive, signatures, trees; the position; rows; terms.

A case is a JSON object. What has an instant and is known later than known_at is not used.

    commissioner     code of the account
    month            "2012-06": the position is for the year to the end of this month
    terms            [{"version": 1, "known_from": "2012-03-01T09:00:00Z", "terms": {...api/formats/terms.md...}}]
    known_at         instant. Left out: all is known
    months           {"2012-04": {"csv": "path of the file as uploaded"  or  "text": "its text"  or  "rows": [...],
                                  "unpayable": [row numbers, 1 = first row behind the header],
                                  "review_periods": {"04": {"months": 6}, "14": {"days": 28}}}}
                     All rows of the file, those of other commissioners too: they compete for assessments. A row may
                     have "failed": [rules it fails whatever the terms]; unpayable are rows with an ERROR in force. The
                     rules that depend on terms (C05, C06, K06, P08, thresholds) are asked here. review_periods: when a
                     review is due, for stop_pay_when_overdue and R02. Left out: no submission
    agreed_months    [{"month", "kind": "zero" or "estimate", "agreed_at"}]: used for a month without a submission
    achievements     [{"indicator", "numerator", "denominator", "disputed"?, "agreed_at"}]: the last counts; while both
                     sides say different things the assumption of the terms stands
    adjustments      [{"n", "month", "pence", "in_cquin", "reverses"?, "agreed_at"}]; a reversal names what it reverses
    withholds        [{"id", "month", "imposed_at", "decided_at"?, "decided": "released" or "kept", "decided_pence"}]
    decisions        [{"month", "row" or "episode_id", "cluster" or "payable_days" or "not_payable": true, "agreed_at"}]
    reattributions   [{"month", "row" or "episode_id", "to": commissioner, "agreed_at"}]
    challenges       [{"number", "claimed_pence", "billed", "raised_at", "closed_at"?, "rows": [as decisions]}]; billed:
                     whether the value was billed when it was raised
    documents        [{"pence", "issued_at"}], reconciliation documents issued; with opening_entries
                     [{"pence", "agreed_at"}]: when one is given, the result says what a billing run bills

The result: {"parked": "why"} or
    {"lines": [{key, stage, month, cluster, basis, price_pence, units, pence, billable}], "total_pence",
     "billable_pence", "stages": {stage: pence}, "P_pence", "X_pence", "AAV_pence", "plan_by_month_pence": [...],
     "contested": {number: pence}, "billed_pence", "balance_pence", "instalments": [...]}
with the keys of api/formats/position.md, all amounts whole pence; and "document_sha256", of the position document, when
the case has what it names (provider, contract, engine, digests).
"""

import argparse
import base64
import bisect
import calendar
import concurrent.futures
import csv
import datetime
import functools
import hashlib
import io
import itertools
import json
import math
import os
import re
import subprocess
import sys
import tempfile
from fractions import Fraction

ENGINE = "reckoner-engine/3"  # the computation that this file knows
STAGES = ["activity", "factor", "bands", "risk_share", "cap_collar", "block", "adjustment", "withhold", "cquin",
          "contested"]


# The verdict on a bundle: one function for each stage of api/formats/bundle.md, in its order. A stage that returns is
# good; what it returns is said beside.


class Differs(Exception):
    """The first difference: thing and place, what was found, what was expected."""


class NotChecked(Exception):
    """Why a stage could not be judged."""


def must_equal(thing, found, expected):
    if found != expected or isinstance(found, bool) != isinstance(expected, bool):
        raise Differs("%s is %s, expected %s" % (thing, short(found), short(expected)))


def short(value):
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 100 else text[:97] + "..."


class Bundle:
    def __init__(self, path, key=None, kept=None):
        self.path, self.key, self.kept = path, key, kept
        self.place = {}  # name: (offset, size), as the stage "form" found them
        self.values = {}  # of JSON
        self.account = None  # what positions are computed from

    def has(self, name):
        return name in self.place

    def open(self, name):
        if name not in self.place:
            raise Differs(name + " is missing")
        file = open(self.path, "rb")
        file.seek(self.place[name][0])
        return file

    def read(self, name):
        with self.open(name) as file:
            return file.read(self.place[name][1])

    def json(self, name):
        if name not in self.values:
            self.values[name] = strict_json(name, self.read(name))
        return self.values[name]

    def lines(self, name):
        """(place in words, line) of a file of rows, behind its header, without line feeds."""
        header = (MOVED_HEADER if name == "moved.csv" else ROW_HEADER).encode() + b"\n"
        with self.open(name) as file:
            if file.read(len(header)) != header:
                raise Differs(name + " does not begin with its header line")
            left = self.place[name][1] - len(header)
            for number in itertools.count(2):
                if left <= 0:
                    return
                line = file.readline(left)
                left -= len(line)
                if not line.endswith(b"\n"):
                    raise Differs("%s, line %d has no end" % (name, number))
                yield "%s, line %d" % (name, number), line[:-1]

    def names(self, pattern):
        return [name for name in self.place if re.fullmatch(pattern, name)]

    statement = property(lambda self: self.json("statement.json"))
    entries = property(lambda self: [one["entry"] for one in self.json("log.json")])

    @property
    def inputs(self):
        try:
            check_shape(self.json("inputs.json"), INPUTS, "inputs.json")
        except Differs as why:
            raise NotChecked("inputs.json cannot be read") from why
        return self.json("inputs.json")

    def public_key(self, key_id):
        return minisign_key("keys/%s.pub" % key_id, self.read("keys/%s.pub" % key_id))[1]

    def entry(self, what, **members):
        """An entry of the log with these members."""
        found = [e for e in self.entries if all(e.get(name) == value for name, value in members.items())]
        if not found:
            raise Differs("log.json has no entry for %s: %s" % (what, json.dumps(members)))
        return found[-1]


MEMBERS = [  # name, whether it must be there, size at most
    (r"README\.txt", True, 64 << 10),
    (r"statement\.json", True, 64 << 20),
    (r"statement\.json\.sig", True, 1 << 10),
    (r"statement\.json\.minisig", True, 1 << 10),
    (r"previous\.json", False, 64 << 20),
    (r"billed\.json", False, 64 << 20),
    (r"billed\.json\.sig", False, 64 << 20),
    (r"keys/[0-9A-F]{16}\.(pem|pub)", True, 1 << 10),
    (r"checkpoint", True, 16 << 10),
    (r"log\.json", True, 16 << 20),
    (r"terms/([1-9][0-9]*)\.json", True, 16 << 20),
    (r"receipts/[0-9]{4}-(0[1-9]|1[0-2])\.json(\.sig)?", False, 1 << 20),
    (r"inputs\.json", True, 64 << 20),
    (r"rows/[0-9]{4}-(0[1-9]|1[0-2])\.csv", False, 7 << 30),
    (r"moved\.csv", False, 64 << 20),
    (r"document\.json", False, 64 << 20)]


def check_form(b):
    """The archive, byte by byte; canonical JSON."""
    with open(b.path, "rb") as file:
        read_archive(b, file)
    for pattern, needed, _ in MEMBERS:
        if needed and not b.names(pattern):
            raise Differs("member %s is missing" % pattern.replace("\\", ""))
    check_pairs(b)
    for name in b.place:
        if name.endswith(".json") and name != "statement.json":  # of which the next stage says more
            b.json(name)
    check_shape(b.json("log.json"), [{"entry": dict, "index": int, "path": [str]}], "log.json")
    places = [one["index"] for one in b.json("log.json")]
    must_equal("log.json, the order of its entries", places, sorted(set(places)))
    return "%d members" % len(b.place)


def check_pairs(b):
    """Members that come together."""
    months = {re.sub(r".*/([0-9-]*)\..*", r"\1", name) for name in b.names(r"(receipts|rows)/.*")}
    wanted = ["%s%s" % (name[:-4], end) for name in b.names(r"keys/.*") for end in (".pem", ".pub")]
    wanted += [name % month for month in sorted(months) for name in (
        "receipts/%s.json", "receipts/%s.json.sig", "rows/%s.csv")]
    if b.has("billed.json") or b.has("billed.json.sig"):
        wanted += ["billed.json", "billed.json.sig"]
    for name in wanted:
        if not b.has(name):
            raise Differs("member %s is missing" % name)


def read_archive(b, file):
    before = None
    while (block := file.read(512)) != bytes(512):
        name = block[:100].rstrip(b"\0").decode("ascii")
        size = int(block[124:135], 8)
        if block != ustar_header(name, size):
            raise Differs("the header of member %s is not in its one form" % short(name))
        ranks = [n for n, (pattern, _, _) in enumerate(MEMBERS) if re.fullmatch(pattern, name)]
        if not ranks:
            raise Differs("member %s does not belong into a bundle" % short(name))
        number = re.fullmatch(MEMBERS[ranks[0]][0], name).groups() if name.startswith("terms/") else (0,)
        place = (ranks[0], int(number[0]), name)
        if before is not None and place <= before:
            raise Differs("member %s stands behind %s" % (name, before[2]))
        before = place
        if size > MEMBERS[ranks[0]][2]:
            raise Differs("member %s has %d bytes, more than %d" % (name, size, MEMBERS[ranks[0]][2]))
        b.place[name] = (file.tell(), size)
        file.seek(size, os.SEEK_CUR)
        if file.read(-size % 512) != bytes(-size % 512):
            raise Differs("member %s is not filled up with NUL, or ends early" % name)
    if file.read() != bytes(512):
        raise Differs("the archive does not end with two blocks of NUL")


def check_content(b):
    """The statement holds in itself."""
    s = b.statement
    must_equal("statement.json, @purpose", s.get("@purpose"), "reckoner/statement/1")
    check_shape(s, STATEMENT, "statement.json")
    check_embedded(s, "/position", s["position"], s["position_sha256"], s["run"]["month"])
    must_equal("statement.json, /position_pence", s["position_pence"], s["position"]["total_pence"])
    for n, submission in enumerate(s["submissions"]):
        whose = [tree["commissioner"] for tree in submission["trees"]]
        must_equal("statement.json, the order of /submissions/%d/trees" % n, whose, sorted(set(whose)))
        tree_of(submission, s["account"]["commissioner"])
        if sum(tree["rows"] for tree in submission["trees"]) > submission["rows"]:
            raise Differs("statement.json, /submissions/%d/trees have more rows than were sent" % n)
    for place, bridge in enumerate(s.get("bridges") or []):
        ends = bridge["from_pence"] + sum(step["pence"] for step in bridge["steps"])
        must_equal("statement.json, the sum of /bridges/%d" % place, ends, bridge["to_pence"])
        if bridge["month"] == s["run"]["month"]:
            must_equal("statement.json, /bridges/%d/to_pence" % place, bridge["to_pence"], s["position_pence"])
    billing = s["billing"]
    if billing is None:
        for name in ("billed_before_pence", "balance_pence", "draft"):
            must_equal("statement.json, /" + name, s[name], None)
        return None
    billed = billing["position"] or s["position"]
    check_embedded(s, "/billing/position", billed, billing["position_sha256"], billing["month"])
    must_equal("statement.json, /billing/billable_pence", billing["billable_pence"], billed["billable_pence"])
    must_equal("statement.json, /billed_before_pence and /balance_pence added up",
               s["billed_before_pence"] + s["balance_pence"], billing["billable_pence"])
    if s["draft"] is not None:
        must_equal("statement.json, /draft/balance_pence", s["draft"]["balance_pence"], s["balance_pence"])
    return None


def check_embedded(s, place, position, digest, month):
    """A position in the statement: its digest, its sums, its account and month."""
    place = "statement.json, " + place
    must_equal("the SHA-256 of " + place, sha256(canonical(position)), digest)
    must_equal(place + "/total_pence", position["total_pence"], sum(line["pence"] for line in position["lines"]))
    must_equal(place + "/billable_pence", position["billable_pence"],
               sum(line["pence"] for line in position["lines"] if line["billable"]))
    for name in ("provider", "contract", "commissioner"):
        must_equal("%s/%s" % (place, name), position[name], s["account"][name])
    must_equal(place + "/month", position["month"], month)


def check_signature(b):
    """Ed25519 by openssl; the fields of the minisign file."""
    s, data, signature = b.statement, b.read("statement.json"), b.read("statement.json.sig")
    key = b.public_key(s["key_id"])
    if not signed(key, signature, data):
        raise Differs("statement.json.sig is no signature of statement.json by key " + s["key_id"])
    lines = b.read("statement.json.minisig").decode().split("\n")
    if len(lines) != 5 or lines[4] or not lines[0].startswith("untrusted comment: ") or not lines[2].startswith(
            "trusted comment: "):
        raise Differs("statement.json.minisig does not have the four lines of a minisign file")
    blob = base64.b64decode(lines[1], validate=True)
    must_equal("the kind of signature in statement.json.minisig", blob[:2].decode("latin-1"), "Ed")
    must_equal("the key named in statement.json.minisig", blob[2:10][::-1].hex().upper(), s["key_id"])
    must_equal("the signature in statement.json.minisig", blob[10:].hex(), signature.hex())
    comment = lines[2][len("trusted comment: "):].encode()
    if not signed(key, base64.b64decode(lines[3], validate=True), signature + comment):
        raise Differs("the trusted comment of statement.json.minisig is not signed")
    return "by openssl"


def check_key(b):
    """Keys are what the log says, and were valid; the statement's is the one that the auditor trusts."""
    for name in b.names(MEMBERS[7][0]):
        key_id = name[5:21]
        named, key = minisign_key(name, b.read("keys/%s.pub" % key_id))
        must_equal("the key id in keys/%s.pub" % key_id, named, key_id)
        must_equal("the key in keys/%s.pem" % key_id, pem_key(b.read("keys/%s.pem" % key_id)).hex(), key.hex())
        for n, entry in enumerate(b.entries):
            if entry.get("kind") == "key" and entry["key"] == key_id:
                must_equal("the log's public key of " + key_id, entry["public_key"], key.hex())
                late = [e["kind"] for e in b.entries[n:] if e.get("key") == key_id and e["kind"] != "key"]
                must_equal("in the log behind the loss of " + key_id, late if entry.get("lost") else [], [])
    seals = [(name, b.json(name)["key_id"], b.json(name)["sealed_at"])
             for name in ("statement.json", "billed.json") if b.has(name)]
    for name in b.names(r"receipts/.*\.json"):
        digest = sha256(b.read(name))  # one that the log does not have is named by the stage of inclusion
        seals += [(name, e["key"], b.json(name)["validated_at"]) for e in b.entries
                  if e.get("kind") == "receipt" and e.get("sha256") == digest]
    for name, key_id, at in seals:
        entry = b.entry("the key", kind="key", key=key_id)
        if not entry["valid_from"] <= at < entry.get("valid_to", "9999"):
            raise Differs("%s was sealed at %s, when key %s was not valid" % (name, at, key_id))
    if b.key is None:
        raise NotChecked("the keys came with the bundle: compare %s with the one you have kept (--key)"
                         % b.statement["key_id"])
    kept = pem_key(b.key) if b"PUBLIC KEY" in b.key else minisign_key("the key given", b.key)[1]
    must_equal("the statement's key", b.public_key(b.statement["key_id"]).hex(), kept.hex())
    return "the key given"


def check_previous(b):
    """The account's statement before."""
    s = b.statement
    if not b.has("previous.json"):
        must_equal("statement.json, /previous_sha256", s["previous_sha256"], None)
        must_equal("statement.json, /sequence", s["sequence"], 1)
        return "the account's first statement"
    before = b.json("previous.json")
    must_equal("statement.json, /previous_sha256", s["previous_sha256"], sha256(b.read("previous.json")))
    must_equal("previous.json, /account", before["account"], s["account"])
    must_equal("previous.json, /sequence", before["sequence"], s["sequence"] - 1)
    return None


def check_checkpoint(b):
    """The log's signed note, and the one kept."""
    note = Checkpoint(b.read("checkpoint"))
    keys = [b.public_key(name[5:21]) for name in b.names(r"keys/.*\.pub")]
    if not any(note.signed_by(note.origin, 1, key) and note.signed_by(note.origin, 4, key) for key in keys):
        raise Differs("the checkpoint is not signed and cosigned under its origin by a key of the bundle")
    others = sorted({name for name, _ in note.signatures} - {note.origin})
    said = "%d entries" % note.size + ("; cosigned, not checked: " + ", ".join(others) if others else "")
    if b.kept is None:
        return said
    kept = Checkpoint(b.kept)
    must_equal("the origin of the checkpoint", note.origin, kept.origin)
    if note.size != kept.size:
        raise NotChecked("the one kept has %d entries, this one %d: reckoner log keep compares them by a consistency "
                         "proof" % (kept.size, note.size))
    must_equal("the root of the checkpoint", note.root.hex(), kept.root.hex())
    return said + "; the one kept"


def check_inclusion(b):
    """What the statement rests on stands in the log."""
    note = Checkpoint(b.read("checkpoint"))
    for place, one in enumerate(b.json("log.json")):
        path = map(bytes.fromhex, one["path"])
        root = root_by_path(leaf_hash(canonical(one["entry"])), one["index"], note.size, path)
        must_equal("the root to which the path of log.json, /%d leads" % place, root and root.hex(), note.root.hex())
    s = b.statement
    b.entry("the statement", kind="statement", provider=s["account"]["provider"], key=s["key_id"],
            sha256=sha256(b.read("statement.json")))
    if b.has("billed.json"):
        b.entry("billed.json", kind="statement", sha256=sha256(b.read("billed.json")))
    for name in b.names(r"receipts/.*\.json"):
        b.entry(name, kind="receipt", sha256=sha256(b.read(name)))
    for version in versions(b):
        for side in ("provider", "commissioner"):
            b.entry("the %s's approval of version %d" % (side, version), kind="terms_approval", version=version,
                    side=side, contract=s["account"]["contract"])
    for name in b.names(r"keys/.*\.pub"):
        b.entry("the key", kind="key", key=name[5:21])
    if b.has("document.json"):
        b.entry("the document", kind="document", document=b.json("document.json")["document"])
    return "%d entries of %d" % (len(b.json("log.json")), note.size)


def versions(b):
    return [int(name[6:-5]) for name in b.names(r"terms/.*")]


def check_terms(b):
    """Each version is the one that both sides approved, and the position was computed by."""
    stated = b.inputs["terms"]
    must_equal("the versions of inputs.json, /terms", [t["version"] for t in stated], versions(b))
    for t in stated:
        name = "terms/%d.json" % t["version"]
        digest = sha256(b.read(name))
        must_equal("the SHA-256 of " + name, digest, t["sha256"])
        at = [b.entry("the %s's approval of version %d" % (side, t["version"]), kind="terms_approval", side=side,
                      version=t["version"], sha256=digest)["at"] for side in ("provider", "commissioner")]
        must_equal("inputs.json, known_from of version %d" % t["version"], t["known_from"], max(at))
        Terms(t["version"], b.json(name))
    digests = {t["version"]: t["sha256"] for t in stated}
    for _, position in embedded(b):
        for t in position["inputs"]["terms"]:
            must_equal("statement.json, the position's digest of version %d" % t["version"], t["sha256"],
                       digests.get(t["version"]))
    return "%d versions, approved by both sides" % len(stated)


def check_receipts(b):
    """Each month's file as sent is the one that was received."""
    months = [s["month"] for s in b.statement["submissions"]]
    must_equal("the months of receipts", [name[9:16] for name in b.names(r"receipts/.*\.json")], months)
    keys = {name[5:21]: b.public_key(name[5:21]) for name in b.names(r"keys/.*\.pub")}
    for s in b.statement["submissions"]:
        name = "receipts/%s.json" % s["month"]
        data, receipt = b.read(name), b.json(name)
        if not any(signed(key, b.read(name + ".sig"), data) for key in keys.values()):
            raise Differs("%s.sig is no signature of %s by a key of the bundle" % (name, name))
        expected = {"@purpose": "reckoner/receipt/1", "outcome": "accepted"} | chosen(
            s, "month", "submission", "version", "sha256", "bytes", "rows") | {
            "provider": b.statement["account"]["provider"]} | chosen(b.inputs["months"][s["month"]], "rule_set")
        for member, value in expected.items():
            must_equal("%s, /%s" % (name, member), receipt.get(member), value)
    return "%d receipts" % len(months)


def check_rows(b):
    """Every row, from its line to the root that the statement commits to."""
    mine, count = b.statement["account"]["commissioner"], 0
    submissions = {s["month"]: s for s in b.statement["submissions"]}
    must_equal("the months of rows", [name[5:12] for name in b.names(r"rows/.*")], list(submissions))
    for month, s in submissions.items():
        name = "rows/%s.csv" % month
        tree, last, tree_of_month = Tree(), 0, tree_of(s, mine)
        for where, line in b.lines(name):
            number = row_of_line(where, line)["number"]
            if number <= last:
                raise Differs("%s has row %d behind row %d" % (where, number, last))
            last = number
            tree.add(leaf_of_line(line))
        must_equal("the number of rows of " + name, tree.count, tree_of_month["rows"])
        must_equal("the root of " + name, tree.root().hex(), tree_of_month["root"])
        count += tree.count
    before = ()
    for where, month, whose, index, path, line in moved_rows(b):
        number = row_of_line(where, line)["number"]
        if (month, number) <= before:
            raise Differs("%s is not in order" % where)
        before = (month, number)
        tree = tree_of(submissions[month], whose)
        root = root_by_path(leaf_of_line(line), index, tree["rows"], path)
        must_equal("the root to which the path of %s leads" % where, root and root.hex(), tree["root"])
    return "%d rows" % count


def tree_of(submission, commissioner):
    trees = [t for t in submission["trees"] if t["commissioner"] == commissioner]
    if not trees:
        raise Differs("statement.json has no tree of %s for %s" % (commissioner, submission["month"]))
    return trees[0]


def moved_rows(b):
    """(where, month, commissioner, index, path, line of the row) of moved.csv."""
    for where, line in b.lines("moved.csv") if b.has("moved.csv") else ():
        found = re.fullmatch(rb"(\d{4}-\d\d),([A-Z0-9]{1,12}),(0|[1-9]\d*),((?:[0-9a-f]{64}(?: (?=[0-9a-f]))?)*),(.*)",
                             line)
        if not found:
            raise Differs("%s is no row moved in" % where)
        month, whose, index, path, row = found.groups()
        yield where, month.decode(), whose.decode(), int(index), [bytes.fromhex(h) for h in path.decode().split()], row


def check_inputs(b):
    """What the position was computed from beside rows and terms."""
    inputs, s = b.json("inputs.json"), b.statement
    check_shape(inputs, INPUTS, "inputs.json")
    must_equal("inputs.json, /@purpose", inputs["@purpose"], "reckoner/inputs/1")
    for name in ("provider", "contract", "commissioner", "financial_year"):
        must_equal("inputs.json, /" + name, inputs[name], s["account"][name])
    must_equal("inputs.json, /engine", inputs["engine"], s["engine"])
    must_equal("inputs.json, /month", inputs["month"], s["run"]["month"])
    named = {x["month"]: chosen(x, "submission", "version", "sha256") for x in s["submissions"]}
    must_equal("inputs.json, the months of /months", sorted(inputs["months"]), sorted(named))
    for month, submission in named.items():
        for name, value in submission.items():
            must_equal("inputs.json, /months/%s/%s" % (month, name), inputs["months"][month][name], value)
    for name, order in ORDERS.items():
        places = [tuple(e[o] for o in order) for e in inputs[name]]
        must_equal("inputs.json, the order of /" + name, places, sorted(set(places)))
    asked = {}
    rows = [(e["month"], e["row"]) for name in ("decisions", "reattributions", "elsewhere") for e in inputs[name]]
    rows += [(r["month"], r["row"]) for c in inputs["challenges"] for r in c["rows"]]
    rows += [(e["month"], row) for e in inputs["same_day"] for row in e["rows"]]
    for month, row in rows:
        asked.setdefault(month, set()).add(row)
    moved = {(month, row_of_line(where, line)["number"]): whose for where, month, whose, _, _, line in moved_rows(b)}
    said = {(r["month"], r["row"]): r["from"] for r in inputs["reattributions"] if r["to"] == inputs["commissioner"]}
    must_equal("moved.csv, whose rows it has", sorted(map(str, moved.items())), sorted(map(str, said.items())))
    for month, numbers in asked.items():
        there = {row for at, row in moved if at == month}
        for where, line in b.lines("rows/%s.csv" % month) if numbers - there else ():
            there.add(row_of_line(where, line)["number"])
        for row in sorted(numbers - there):
            raise Differs("inputs.json names row %d of %s, which is not in the bundle" % (row, month))
    return "taken as stated: %d assessments won elsewhere, %d orders of one day" % (
        len(inputs["elsewhere"]), len(inputs["same_day"]))


def check_position(b):
    """Both embedded positions, recomputed to the byte."""
    s = b.statement
    if s["engine"] != ENGINE:
        raise NotChecked("this program computes as %s, the statement was made by %s" % (ENGINE, s["engine"]))
    b.account = account_of(b)
    for place, theirs in embedded(b):
        ours = document_of(position_of(b.account, theirs["month"]))
        if canonical(ours) != canonical(theirs):
            raise Differs("statement.json, " + first_difference(place, theirs, ours))
    return ", ".join("%s: %d lines, %d pence" % (p["month"], len(p["lines"]), p["total_pence"]) for _, p in embedded(b))


def embedded(b):
    """The positions in the statement: of the run's month, and of the month that is billed where it is a later one."""
    yield "/position", b.statement["position"]
    if b.statement["billing"] and b.statement["billing"]["position"]:
        yield "/billing/position", b.statement["billing"]["position"]


def account_of(b):
    """The bundle as a case. Rows are read again for each month, so that a million of them need no memory."""
    inputs = b.inputs
    return Account(inputs | {
        "known_at": None,  # nothing in a bundle became known later
        "terms": [t | {"terms": b.json("terms/%d.json" % t["version"])} for t in inputs["terms"]],
        "months": {month: entry | {"each": functools.partial(rows_of_bundle, b, month)}
                   for month, entry in inputs["months"].items()}})


def rows_of_bundle(b, month):
    inputs, mine = b.inputs, b.inputs["commissioner"]
    beaten = {e["row"] for e in inputs["elsewhere"] if e["month"] == month}
    order = {row: place for e in inputs["same_day"] if e["month"] == month
             for row, place in zip(e["rows"], sorted(e["rows"]))}
    tags = {r["row"]: r["tag"] for r in inputs["reattributions"] if r["month"] == month and "tag" in r}
    own = ((where, mine, line) for where, line in b.lines("rows/%s.csv" % month))
    moved = ((where, whose, line) for where, at, whose, _, _, line in moved_rows(b) if at == month)
    for where, whose, line in itertools.chain(own, moved):
        row = row_of_line(where, line)
        number = row["number"]
        row["commissioner"] = whose
        row["patient"] = tags.get(number, row["patient"]) if whose != mine else row["patient"]
        row["beaten"] = number in beaten
        row["order"] = order.get(number, number)
        yield row


def first_difference(place, theirs, ours):
    """Where two values differ first, in words."""
    if isinstance(theirs, dict) and isinstance(ours, dict):
        if theirs.get("key") and theirs.get("key") == ours.get("key"):
            place += " (%s)" % theirs["key"]
        for name in sorted({*theirs, *ours}, key=lambda name: (name != "lines", name)):
            if name not in theirs or name not in ours:
                return "%s/%s is %s" % (place, name, "missing" if name in ours else "one too many")
            if canonical(theirs[name]) != canonical(ours[name]):
                return first_difference("%s/%s" % (place, name), theirs[name], ours[name])
    if isinstance(theirs, list) and isinstance(ours, list):
        for n, (a, b) in enumerate(zip(theirs, ours)):
            if canonical(a) != canonical(b):
                return first_difference("%s/%d" % (place, n), a, b)
        return "%s has %d entries, recomputed %d" % (place, len(theirs), len(ours))
    return "%s is %s, recomputed %s" % (place, short(theirs), short(ours))


def check_billing(b):
    """What was billed before."""
    billing = b.statement["billing"]
    if billing is None:
        return "the statement does not bill"
    account = b.account or account_of(b)
    ours = bill(Position(account, billing["month"]))
    for name in ("opening_pence", "on_account_pence"):
        must_equal("statement.json, /billing/" + name, billing.get(name, 0), ours.get(name, 0))
    must_equal("statement.json, /billed_before_pence", b.statement["billed_before_pence"],
               ours["billed_pence"] + ours.get("on_account_pence", 0))
    return "%d documents" % len(b.inputs["documents"])


def check_document(b):
    """The document that came of the draft."""
    s = b.statement
    if s["draft"] is None:
        if b.has("document.json"):
            raise Differs("document.json is there, but the statement made no draft")
        return "no draft"
    if not b.has("document.json"):
        raise NotChecked("the draft is not issued yet, or superseded")
    d = b.json("document.json")
    entry = b.entry("the document", kind="document", document=s["draft"]["id"])
    expected = {"@purpose": "reckoner/document/1", "document": s["draft"]["id"], "kind": s["draft"]["kind"],
                "run": s["run"]["id"], "number": entry["number"], "balance_pence": s["balance_pence"],
                "issued_at": entry["at"], "position_pence": s["billing"]["billable_pence"],
                "billed_pence": s["billed_before_pence"]} | chosen(s["account"], "provider", "contract", "commissioner")
    if entry["@purpose"] == "reckoner/log/2":
        expected |= chosen(entry, "bill_to", "drafted_at")
        must_equal("document.json, /references", [r["number"] for r in d["references"]], entry["references"])
    for name, value in expected.items():
        must_equal("document.json, /" + name, d.get(name), value)
    for name, value in (("balance_pence", d["balance_pence"]), ("document_kind", d["kind"])):
        must_equal("the log's %s of the document" % name, entry[name], value)
    must_equal("document.json, /due_on", d.get("due_on"), entry.get("due_on"))
    check_due(b, d)
    if b.has("billed.json"):
        billed = b.json("billed.json")
        must_equal("billed.json, /account", billed["account"], s["account"])
        if not signed(b.public_key(billed["key_id"]), b.read("billed.json.sig"), b.read("billed.json")):
            raise Differs("billed.json.sig is no signature of billed.json by the key that it names")
    lines = differences(b)
    must_equal("the number of lines of document.json", len(d["lines"]), len(lines))
    for n, (theirs, ours) in enumerate(zip(d["lines"], lines), 1):
        must_equal("document.json, line_no of line %d" % n, theirs["line_no"], n)
        for name in ours:
            must_equal("document.json, line %d (%s), %s" % (n, ours["key"], name), theirs.get(name, 0), ours[name])
    must_equal("the sum of the lines of document.json", sum(line["pence"] for line in d["lines"]), d["balance_pence"])
    if entry["@purpose"] == "reckoner/log/2":
        must_equal("the digest of document.json", sha256(b.read("document.json")), entry["sha256"])
    return "%s %d, %d lines" % (d["kind"], d["number"], len(lines))


def check_due(b, d):
    """The due date by the calendar of the terms in force in the run's month, from the day of issue."""
    month = b.statement["run"]["month"]
    payment = (b.account or account_of(b)).in_force(month).body["calendar"].get("payment")
    if payment is None or d["kind"] == "nil_statement":
        must_equal("document.json, /due_on", (d.get("due_on"), d.get("due_holidays")), (None, None))
        return
    issued, holidays = london_day(d["issued_at"]), [day(h) for h in d.get("due_holidays", [])]
    due = due_by_dates(payment["dates"], month, issued) if "dates" in payment else issued
    for _ in range(payment.get("operational_days", 0)):
        due += 1
        while datetime.date.fromordinal(due).weekday() > 4 or due in holidays:
            due += 1
    must_equal("document.json, /due_on", d.get("due_on"), datetime.date.fromordinal(due).isoformat())
    on_the_way = [] if "dates" in payment else sorted({h for h in holidays if issued < h < due})
    must_equal("document.json, /due_holidays", [day(h) for h in d["due_holidays"]], on_the_way)


def due_by_dates(dates, month, issued):
    """The month's date; when that is over, the next that is not; when all are, the day of issue."""
    to_come = [day(d) for d in dates[(int(month[5:]) - 4) % 12:]]
    return min((d for d in to_come if d >= issued), default=issued)


def london_day(text):
    """The day in London, as an ordinal: an hour ahead from the last Sunday of March to that of October, at 01:00."""
    at = datetime.datetime.fromisoformat(text[:19])
    begin, end = (datetime.datetime(at.year, m, 31, 1) for m in (3, 10))
    begin, end = (d - datetime.timedelta((d.weekday() + 1) % 7) for d in (begin, end))
    return (at + datetime.timedelta(hours=begin <= at < end)).toordinal()


def differences(b):
    """The lines of the document: each billable line now, less what was billed of it; then what is set off."""
    now, before = b.statement["billing"], {}
    if b.has("billed.json"):
        billed = b.json("billed.json")
        before = billed["billing"]
        then = {line["key"]: line for line in (before["position"] or billed["position"])["lines"] if line["billable"]}
    else:
        then = {}
    own = {line["key"]: line for line in (now["position"] or b.statement["position"])["lines"] if line["billable"]}
    out = []
    for key in [*own, *(key for key in then if key not in own)]:
        pence = own.get(key, {}).get("pence", 0) - then.get(key, {}).get("pence", 0)
        units = own.get(key, {}).get("units", 0) - then.get(key, {}).get("units", 0)
        if pence or units or key not in own or key not in then:
            about = own.get(key) or then[key]
            out.append(chosen(about, "key", "stage", "month", "cluster", "basis", "price_pence", "label")
                       | {"units": units, "pence": pence})
    for name in ("opening", "on_account"):
        pence = before.get(name + "_pence", 0) - now.get(name + "_pence", 0)
        if pence:
            out.append({"key": {"opening": "opening_entries"}.get(name, name), "pence": pence})
    return out


CHECKS = [check_form, check_content, check_signature, check_key, check_previous, check_checkpoint, check_inclusion,
          check_terms, check_receipts, check_rows, check_inputs, check_position, check_billing, check_document]


def verdict_on(b):
    """[{check, about, outcome, detail}], in order."""
    checks, stop = [], None
    for check in CHECKS:
        name, outcome, detail = check.__name__[len("check_"):], "good", None
        differs = any(c["outcome"] == "differs" for c in checks)
        try:
            if stop:
                raise NotChecked("%s differs" % stop)
            detail = check(b)
        except NotChecked as why:
            outcome, detail = "not_checked", str(why)
        except (Differs, Parked) as found:
            outcome, detail = "differs", str(found)
        except FileNotFoundError as missing:
            if missing.filename != "openssl":
                raise
            outcome, detail = "not_checked", "openssl is not installed"
        except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError, RecursionError) as why:
            outcome, detail = ("not_checked" if differs else "differs"), "cannot be read: %r" % why
        if outcome == "differs" and name in ("form", "content"):
            stop = name
        checks.append({"check": name, "about": check.__doc__.split("\n")[0], "outcome": outcome, "detail": detail})
    return checks


# Archive, JSON, digests, signatures, trees


def ustar_header(name, size):
    block = b"".join([name.encode().ljust(100, b"\0"), b"0000644\0", b"0000000\0", b"0000000\0", b"%011o\0" % size,
                      b"00000000000\0", b" " * 8, b"0", bytes(100), b"ustar\0", b"00", bytes(247)])
    return block[:148] + b"%06o\0 " % sum(block) + block[156:]


def canonical(value):
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()


def strict_json(name, data):
    """The value of JSON in its one form: sorted members, each once, whole numbers, no control characters."""
    def members(pairs):
        if len(dict(pairs)) != len(pairs):
            raise Differs("%s has a member twice" % name)
        return dict(pairs)

    def whole(text):
        if "." in text or "e" in text.lower() or "N" in text or "I" in text or abs(int(text)) >= 1 << 53:
            raise Differs("%s has the number %s" % (name, short(text)))
        return int(text)

    try:
        value = json.loads(data.decode(), object_pairs_hook=members, parse_int=whole, parse_float=whole,
                           parse_constant=whole)
        again = canonical(value)
    except ValueError as why:
        raise Differs("%s is no JSON: %s" % (name, why)) from why
    if again != data:
        at = next((n for n, (a, b) in enumerate(zip(again, data)) if a != b), min(len(again), len(data)))
        raise Differs("byte %d of %s is not as the canonical form has it" % (at + 1, name))
    if b"\\" in data.replace(b"\\\\", b"").replace(b'\\"', b"") or b"\x7f" in data:
        raise Differs("%s has a control character" % name)
    return value


def check_shape(value, shape, where):
    """Members and kinds: a shape is a type, [shape of each entry], {member: shape}, or a tuple of shapes that are
    allowed; a member marked ? may be missing, {"*": shape} has members of any name."""
    if isinstance(shape, tuple):
        fits = [s for s in shape if s is value or (s is not None and (type(value) is s or type(value) is type(s)))]
        if not fits:
            raise Differs("%s is %s" % (where, short(value)))
        if fits[0] is not None:
            check_shape(value, fits[0], where)
    elif isinstance(shape, type):
        if type(value) is not shape:
            raise Differs("%s is %s, not of kind %s" % (where, short(value), shape.__name__))
    elif type(value) is not type(shape):
        raise Differs("%s is %s" % (where, short(value)))
    elif isinstance(shape, list):
        for n, entry in enumerate(value):
            check_shape(entry, shape[0], "%s/%d" % (where, n))
    else:
        shape = dict.fromkeys(value, shape["*"]) if "*" in shape else shape
        allowed = {name.rstrip("?") for name in shape}
        for name in sorted(set(value) - allowed):
            raise Differs("%s has the unknown member %s" % (where, name))
        for name, kind in shape.items():
            if name.rstrip("?") in value:
                check_shape(value[name.rstrip("?")], kind, "%s, /%s" % (where, name.rstrip("?")))
            elif not name.endswith("?"):
                raise Differs("%s has no member %s" % (where, name))


STATEMENT = {
    "@purpose": str,
    "account": dict, "run": dict, "sequence": int,
    "previous_sha256": (str, None), "sealed_at": str, "clock": str, "engine": str, "key_id": str,
    "submissions": [{"month": str, "version": int, "submission": str, "sha256": str, "bytes": int, "rows": int,
                     "trees": [{"commissioner": str, "rows": int, "root": str}]}],
    "position": dict, "position_sha256": str, "position_pence": int,
    "bridges?": [{"month": str, "from_sha256": str, "from_pence": int, "to_pence": int,
                  "steps": [{"cause": str, "pence": int}]}],
    "billing": (None, {"month": str, "position_sha256": str, "position": (None, dict), "billable_pence": int,
                       "opening_pence?": int, "on_account_pence?": int}),
    "billed_before_pence": (None, int), "balance_pence": (None, int),
    "draft": (None, {"id": str, "kind": str, "balance_pence": int})}
CHANGE = {"month": str, "row": int, "cluster?": str, "payable_days?": int, "not_payable?": bool}
INPUTS = {
    "@purpose": str, "provider": str, "contract": str, "commissioner": str, "financial_year": int, "engine": str,
    "month": str, "known_at": str, "months": {"*": {
        "submission": str, "version": int, "sha256": str, "known_from": str, "rule_set?": str, "reference?": str,
        "review_periods": {"*": dict}}},
    "terms": [{"version": int, "known_from": str, "sha256": str}],
    "agreed_months": [{"month": str, "kind": str, "agreement": int, "agreed_at": str}],
    "achievements": [{"indicator": str, "numerator": int, "denominator": int, "disputed": bool, "agreed_at": str}],
    "adjustments": [{"n": int, "month": str, "pence": int, "label": str, "in_cquin": bool, "reverses?": int,
                     "agreed_at": str}],
    "withholds": [{"id": str, "month": str, "imposed_at": str, "decided?": str, "decided_at?": str,
                   "decided_pence?": int, "agreement?": int}],
    "decisions": [CHANGE | {"number": int, "row_sha256": str, "agreed_at": str}],
    "reattributions": [{"number": int, "month": str, "row": int, "row_sha256": str, "from": str, "to": str,
                        "tag?": str, "agreed_at": str}],
    "challenges": [{"number": int, "month": str, "claimed_pence": int, "billed": bool, "raised_at": str, "sha256?": str,
                    "rows": [CHANGE]}],
    "elsewhere": [{"month": str, "row": int}], "same_day": [{"month": str, "rows": [int]}],
    "documents": [{"document": str, "number": int, "kind": str, "run": str, "pence": int, "issued_at": str}],
    "opening_entries": [{"agreement": int, "pence": int, "agreed_at": str}], "erased": {"*": int}}
ORDERS = {"terms": ["version"], "achievements": ["indicator"], "adjustments": ["n"], "withholds": ["month", "id"],
          "reattributions": ["month", "row_sha256"], "challenges": ["number"], "documents": ["number"],
          "opening_entries": ["agreement"]}


def sha256(data):
    return hashlib.sha256(data).hexdigest()


DER = bytes.fromhex("302a300506032b6570032100")  # what stands before the 32 bytes of an Ed25519 key (RFC 8410)


def pem_key(text):
    lines = text.decode().split("\n")
    must_equal("the first line of a PEM key", lines[0], "-----BEGIN PUBLIC KEY-----")
    der = base64.b64decode(lines[1], validate=True)
    must_equal("the kind of a PEM key", der[:12].hex(), DER.hex())
    must_equal("the end of a PEM key", (len(der), lines[2:]), (44, ["-----END PUBLIC KEY-----", ""]))
    return der[12:]


def minisign_key(name, text):
    """(id, 32 bytes) of a minisign public key file."""
    blob = base64.b64decode(text.decode().split("\n")[1], validate=True)
    must_equal("the kind and length of " + name, (blob[:2].decode("latin-1"), len(blob)), ("Ed", 42))
    return blob[2:10][::-1].hex().upper(), blob[10:]


def signed(key, signature, data):
    """Ed25519, by openssl."""
    with tempfile.TemporaryDirectory() as folder:
        pem = "-----BEGIN PUBLIC KEY-----\n%s\n-----END PUBLIC KEY-----\n" % base64.b64encode(DER + key).decode()
        arguments = []
        for option, content in (("-inkey", pem.encode()), ("-sigfile", signature), ("-in", data)):
            arguments += [option, os.path.join(folder, option)]
            with open(arguments[-1], "wb") as file:
                file.write(content)
        return subprocess.run(["openssl", "pkeyutl", "-verify", "-rawin", "-pubin", *arguments], check=False,
                              stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode == 0


class Checkpoint:
    """A signed note (C2SP signed-note, tlog-checkpoint, tlog-cosignature)."""

    def __init__(self, data):
        self.body, blank, signatures = data.partition(b"\n\n")
        self.body += b"\n"
        lines = self.body.decode().split("\n")
        if not blank or len(lines) < 4 or not re.fullmatch("0|[1-9][0-9]*", lines[1]) or not signatures.endswith(b"\n"):
            raise Differs("the checkpoint is no signed note")
        self.origin, self.size, self.root = lines[0], int(lines[1]), base64.b64decode(lines[2], validate=True)
        self.signatures = []
        for line in signatures.decode().splitlines():
            found = re.fullmatch("— ([!-*,-~]+) ([^ ]+)", line)
            if not found:
                raise Differs("the checkpoint has a line that is no signature")
            if re.fullmatch("(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?", found[2]):
                self.signatures.append((found[1], base64.b64decode(found[2])))

    def signed_by(self, name, kind, key):
        """kind 1 signs the body, kind 4 a time and the body."""
        key_id = hashlib.sha256(name.encode() + b"\n" + bytes([kind]) + key).digest()[:4]
        for signer, blob in self.signatures:
            if signer != name or blob[:4] != key_id or len(blob) != (68 if kind == 1 else 76):
                continue
            before = b"" if kind == 1 else b"cosignature/v1\ntime %d\n" % int.from_bytes(blob[4:12], "big")
            if signed(key, blob[-64:], before + self.body):
                return True
        return False


def leaf_hash(data):
    return hashlib.sha256(b"\0" + data).digest()


def node_hash(left, right):
    return hashlib.sha256(b"\1" + left + right).digest()


class Tree:
    """The root of RFC 6962, leaf by leaf: one root is kept for each whole subtree of the leaves so far."""

    def __init__(self):
        self.count, self.roots = 0, []

    def add(self, leaf):
        self.count += 1
        n = self.count
        while n % 2 == 0:
            leaf = node_hash(self.roots.pop(), leaf)
            n //= 2
        self.roots.append(leaf)

    def root(self):
        roots = self.roots or [hashlib.sha256(b"").digest()]
        return functools.reduce(lambda right, left: node_hash(left, right), reversed(roots))


def root_by_path(leaf, index, size, path):
    """The root to which a path leads from a leaf (RFC 9162, section 2.1.3.2); None when it is not of that place."""
    if not 0 <= index < size:
        return None
    last, root = size - 1, leaf
    for other in path:
        if last == 0:
            return None
        if index % 2 or index == last:
            root = node_hash(other, root)
            while index % 2 == 0 and index:
                index, last = index // 2, last // 2
        else:
            root = node_hash(root, other)
        index, last = index // 2, last // 2
    return root if last == 0 else None


ROW_HEADER = ("row_no,tag,cluster,service,start_date,end_date,mhct_date,referral_date,last_contact,mhct_reason,"
              "admitted_days,assessment_only,continues,approved,minor,failed,private")
MOVED_HEADER = "month,commissioner,index,path," + ROW_HEADER
ROW = re.compile(  # the one form of a row's line
    r'([1-9]\d*),([a-z]{20}),(|\d\d),([^",]*|"(?=[^",]*(?:,|""))(?:[^"]|"")*"),' + r"(|\d{4}-\d\d-\d\d)," * 5
    + r"(0|[1-9]\d*),(-1|0|[1-9]\d*)," + "([01])," * 4 + r"((?:[A-Z]\d\d(?: (?=[A-Z]))?)*),([0-9a-f]{64})", re.ASCII)


def leaf_of_line(line):
    facts, _, private = line.rpartition(b",")
    return leaf_hash(len(facts).to_bytes(4, "big") + facts + bytes.fromhex(private.decode()))


@functools.lru_cache(maxsize=10000)
def rules_of(text):
    return tuple(text.split())


def row_of_line(where, line):
    """A line of a bundle as a row (see rows_of)."""
    try:
        found = ROW.fullmatch(line.decode())
        start, end, mhct, referral, contact = map(day, found.groups()[4:9])
    except (AttributeError, ValueError) as why:
        raise Differs("%s is not in the one form of a row" % where) from why
    number, tag, cluster, service = found.groups()[:4]
    reason, admitted, alone, continues, approved, minor, failed = found.groups()[9:16]
    rules = rules_of(failed)
    if len(rules) > 1 and list(rules) != sorted(set(rules)):
        raise Differs("%s names rules out of order" % where)
    return {
        "number": int(number), "episode": "", "patient": tag, "cluster": cluster,
        "service": service[1:-1].replace('""', '"') if service[:1] == '"' else service,
        "start": start, "end": end, "mhct": mhct, "referral": referral, "contact": contact,
        "open": end is None, "reason": reason, "admitted": int(admitted), "assessment_only": alone == "1",
        "continues": continues == "1", "approved": approved == "1", "minor": minor == "1", "failed": rules,
        "payable_days": None, "not_payable": False}


# The position: stage by stage, each line with how it was made (api/formats/position.md)


class Parked(Exception):
    """Why a position cannot be computed."""


class Account:
    """A case, read once for the positions of several months."""

    def __init__(self, case):
        self.case = case
        self.at = instant(case["known_at"]) if case.get("known_at") else None
        self.mine = case["commissioner"]
        self.parsed = {v["version"]: Terms(v["version"], v["terms"]) for v in case["terms"]}
        self.known_from = {v["version"]: v.get("known_from") for v in case["terms"]}
        self.year = case["terms"][0]["terms"]["financial_year"]
        self.agreed_months = latest(self.known("agreed_months"), "month")
        self.agreed = latest(self.known("achievements"), "indicator")
        self.adjustments = sorted(self.known("adjustments"), key=lambda a: a["n"])
        self.withholds = sorted(map(self.as_known, self.known("withholds", "imposed_at")),
                                key=lambda w: (w["month"], w["id"]))
        self.challenges = sorted((c for c in self.known("challenges", "raised_at") if "closed_at" not in c or (
            self.at is not None and instant(c["closed_at"]) > self.at)), key=lambda c: c["number"])
        self.decided = [*in_order(self.known("decisions")), *in_order(self.known("reattributions"))]
        said = self.decided + [row for c in self.challenges for row in c["rows"]]
        self.changed_rows = {(s["month"], s["row"] if "row" in s else s["episode_id"]) for s in said}
        self.plain = {}  # the rows of a month about which nothing was said, valued once

    def known(self, name, when="agreed_at"):
        """The entries of a part of the case that are known at its instant."""
        return [e for e in self.case.get(name, ())
                if self.at is None or when not in e or instant(e[when]) <= self.at]

    def as_known(self, withhold):
        """A withhold that was decided later is open."""
        if self.at is None or "decided_at" not in withhold or instant(withhold["decided_at"]) <= self.at:
            return withhold
        return {name: withhold[name] for name in ("id", "month", "imposed_at")}

    def in_force(self, month):
        """Of the versions known by then and effective by the month, the one known last."""
        known = [v for v in self.case["terms"] if (self.at is None or instant(v["known_from"]) <= self.at)
                 and v["terms"]["effective_from"] <= month]
        if not known:
            raise Parked("no terms in force for " + month)
        return self.parsed[max(known, key=lambda v: (instant(v["known_from"]), v["version"]))["version"]]


def in_order(entries):
    return sorted(entries, key=lambda e: instant(e["agreed_at"]).timestamp() if "agreed_at" in e else 0)


def latest(entries, name):
    """Of entries about the same thing, the one agreed last: {thing: entry}."""
    return {e[name]: e for e in in_order(entries)}


class Position:
    """The lines of the year to the end of a month, and what they were computed from."""

    def __init__(self, account, month):
        self.account, self.month, self.mine = account, month, account.mine
        self.months = months_to(account.year, month)
        self.force = {m: account.in_force(m) for m in self.months}  # the terms of each month
        self.annual = self.force[month]
        self.shadow = self.annual.body["mode"] == "shadow"
        self.missing = [m for m in self.months if m not in account.case["months"]]
        if any(m not in account.agreed_months for m in self.missing):
            raise Parked("no activity received for " +
                         ", ".join(m for m in self.missing if m not in account.agreed_months))
        self.plans = [plan_of(self.force[m], self.annual, self.mine, m) for m in self.months]
        self.planned = sum(plan for plan, _ in self.plans)
        self.lines, self.notes, self.bounds, self.base = [], [], {}, None

    def line(self, stage, key, pence, label, how, **more):
        """Names that begin with _ are for the stages behind, and not part of the document."""
        self.lines.append(dict(more, stage=stage, key=key, pence=pence, label=label, derivation=how,
                               billable=not self.shadow or stage == "block"))

    def sum(self, *stages):
        return sum(line["pence"] for line in self.lines if not stages or line["stage"] in stages)

    def billable(self):
        return sum(line["pence"] for line in self.lines if line["billable"])

    def through_bands(self):
        return self.sum("activity", "factor", "bands")


def by_terms(terms, clause, operation, rounding="none", **inputs):
    return {"clause": clause, "terms": terms.version, "operation": operation, "rounding": rounding, "inputs": inputs}


def by_agreement(number, operation, what="agreement", **inputs):
    return {what: number, "operation": operation, "rounding": "none", "inputs": inputs}


HALF_AWAY = "half away from zero"
EACH_BAND = "half away from zero: each edge and each band's part"
BASIS_WORDS = {"DAY": "day", "ADMITTED": "admitted day", "NONADMITTED": "non-admitted day", "PERIOD": "period",
               "ASSESSMENT": "assessment"}


def stage_activity(p, changes):
    """1. The activity of each month; of a month without a submission what was agreed."""
    sums, p.unpriced = activity(p, changes)
    for month in p.months:
        if month in p.missing:
            agreed_month(p, month, p.account.agreed_months[month])
        else:
            activity_lines(p, month, sums[month])


def activity_lines(p, month, sums):
    """One line for each cluster, basis and price, from (units, pence) by place in the terms' prices."""
    terms = p.force[month]
    by_price = {}
    for place in sorted(sums):
        price = terms.body["prices"][place]
        by_price.setdefault((price["cluster"], BASES.index(price["basis"]), price["pence"]), []).append(place)
    for (cluster, basis, pence), places in sorted(by_price.items()):
        basis = BASES[basis]
        units = sum(sums[place][0] for place in places)
        first = terms.body["prices"][places[0]]
        inputs = {"units": units, "price_pence": pence}
        if "sha256" in p.account.case["months"][month]:
            inputs["activity"] = p.account.case["months"][month]["sha256"]
        if len(places) > 1:
            inputs["prices"] = "several entries at this price; the first is named"
        if basis == "PERIOD":
            inputs |= {"period_days": first["period_days"], "renewable": "yes" if first.get("renewable") else "no"}
        if "includes" in first:
            inputs["includes"] = first["includes"]
        clause = "/prices/%d" % places[0]
        how = by_terms(terms, clause, "units * price", **inputs)
        if basis == "PERIOD":
            how = by_terms(terms, clause, "by row: price * days to the end of the month / days of a period, less the "
                           "same to its start", "half away from zero: each of the two, row by row", **inputs)
        p.line("activity", "activity/%s/%s/%s/%d" % (month, cluster, basis, pence), sum(sums[i][1] for i in places),
               "%s, cluster %s, per %s" % (month, cluster, BASIS_WORDS[basis]), how, month=month, cluster=cluster,
               basis=basis, price_pence=pence, units=units, _group=p.annual.group(cluster))


def agreed_month(p, month, agreed):
    """Nothing, or the plan in place of the activity. A stated sum has its factor in it, so the factor passes it by."""
    number = agreed.get("agreement")
    terms = p.force[month]
    if agreed["kind"] == "zero":
        p.notes.append("%s has no activity, as agreed (agreement %s)" % (month, number))
        return
    label = month + ", agreed estimate: the month's plan"
    place = stated_plan(terms, p.mine, month)
    if place is not None:
        how = by_terms(terms, "/plan/sums/%d" % place, "stated sum of the plan, factor included", agreement=number)
        p.line("activity", "estimate/" + month, terms.body["plan"]["sums"][place]["pence"], label, how, month=month)
        return
    planned = planned_units(terms, p.annual, p.mine, month)
    if not any(planned.values()):
        p.notes.append("the estimate agreed for %s is nothing: nothing is planned (agreement %s)" % (month, number))
    for group in filter(planned.get, p.annual.group_names()):
        how = by_terms(terms, "/plan/lines", "sum of planned units * price",
                       "half away from zero: each planned line by period", agreement=number)
        p.line("activity", "estimate/%s/%s" % (month, group), planned[group],
               label + (" of group " + group if p.annual.groups else ""), how, month=month, _group=group)


def stage_factor(p):
    """2. What the factor adds to a month's activity, by group of clusters. Keeps the volume of each group."""
    p.volume = dict.fromkeys(p.annual.group_names(), 0)
    for month in p.months:
        terms = p.force[month]
        factor = decimal_text(terms.factor, 6)
        for group in p.annual.group_names():
            gross = sum(line["pence"] for line in p.lines if line["month"] == month and line.get("_group") == group)
            more = half_away(gross * terms.factor) - gross
            p.volume[group] += gross + more
            if gross and terms.factor != 1:
                how = by_terms(terms, "/factor", "round(G * factor) - G", HALF_AWAY, G_pence=gross, factor=factor)
                p.line("factor", "factor/%s/%s" % (month, group), more, "%s, factor %s%s" % (
                    month, factor, " on group " + group if p.annual.groups else ""), how, month=month)


def stage_bands(p):
    """3. The volume of a group above its plan is paid at the rate of its band, year to date."""
    for place, g in enumerate(p.annual.body.get("volume_bands", [])):
        name, volume = g["group"], p.volume[g["group"]]
        planned = sum(by_group.get(name, 0) for _, by_group in p.plans)
        if planned == 0:
            p.notes.append("volume bands of group %s are skipped: nothing is planned for it to date" % name)
            continue
        paid, trail = pay_by_bands(g["bands"], planned, volume)
        how = by_terms(p.annual, "/volume_bands/%d" % place, "paid by bands of V against V0, less V", EACH_BAND,
                       V_pence=volume, V0_pence=planned, paid_pence=paid, bands=trail)
        p.line("bands", "bands/" + name, paid - volume, "Volume bands of group %s, year to date" % name, how)


def stage_risk_share(p):
    """4. What lies over or under the plan is shared. Equal to an edge belongs to the inner band."""
    share = p.annual.body.get("risk_share", {"preset": "none"})
    sides = dict(zip(("over", "under"), risk_bands(share)))
    if p.planned == 0 and (any(sides.values()) or "cap" in share or "collar" in share):
        p.notes.append("risk share, cap and collar are skipped: nothing is planned to date")
    if p.planned == 0 or not any(sides.values()):
        return
    x = p.through_bands()
    side = "over" if x >= p.planned else "under"
    away = abs(x - p.planned)
    paid, trail = pay_by_bands(sides[side], p.planned, away) if sides[side] else (away, [])
    how = by_terms(p.annual, "/risk_share/" + side if sides[side] and "preset" not in share else "/risk_share",
                   "P + paid by bands of X - P, less X" if side == "over" else "P - paid by bands of P - X, less X",
                   EACH_BAND, P_pence=p.planned, X_pence=x, paid_pence=paid, bands=trail)
    p.line("risk_share", "risk_share", paid - away if side == "over" else away - paid,
           "Risk share %s plan" % side, how)


def stage_cap_collar(p):
    """5. Stages 1 to 4 are kept within the bounds."""
    share = p.annual.body.get("risk_share", {})
    now = p.sum()
    for name, bound, sign in (("cap", "ceiling_pence", 1), ("collar", "floor_pence", -1)):
        if name not in share or p.planned == 0:
            continue
        p.bounds[bound] = p.planned + sign * half_away(p.planned * percent(share[name]))
        if (now - p.bounds[bound]) * sign > 0:
            operation = "P %s round(P * %s), less stages 1 to 4" % ("+" if sign > 0 else "-", name)
            how = by_terms(p.annual, "/risk_share/" + name, operation, HALF_AWAY, P_pence=p.planned,
                           stages_1_to_4_pence=now, bound_pence=p.bounds[bound],
                           **{name: percent_text(percent(share[name]))})
            p.line("cap_collar", "cap_collar", p.bounds[bound] - now, name.capitalize(), how)
    p.after_bounds = p.sum()


def stage_stated_sums(p):
    """6. Blocks and agreed adjustments."""
    for month in p.months:
        for place, b in enumerate(p.force[month].body.get("block", [])):
            if b["month"] == month and applies(b, p.mine):
                p.line("block", "block/%s/%s" % (month, b["label"]), b["pence"], "%s, %s" % (month, b["label"]),
                       by_terms(p.force[month], "/block/%d" % place, "stated sum"), month=month)
    for a in p.account.adjustments:
        if a["month"] in p.months:
            undone = {"reverses": a["reverses"]} if a.get("reverses") else {}
            how = by_agreement(a["n"], "agreed sum, of an adjustment undone" if undone else "agreed sum",
                               in_base_of_cquin="yes" if a["in_cquin"] else "no", **undone)
            p.line("adjustment", "adjustment/%d" % a["n"], a["pence"], "%s, %s: %s" % (
                a["month"], "reversal" if undone else "adjustment", a.get("label", "")), how, month=a["month"],
                _in_cquin=a["in_cquin"])


def stage_withholds(p):
    """6. Withholds: computed anew until they are decided."""
    terms = {w["id"]: (place, w) for place, w in enumerate(p.annual.body.get("withholds", []))}
    for w in p.account.withholds:
        month = w["month"]
        if month not in p.months:
            continue
        place, agreed = terms.get(w["id"], (None, {"label": w["id"]}))
        key, label = "withhold/%s/%s" % (month, w["id"]), "%s, withheld: %s" % (month, agreed["label"])
        if "decided_at" in w:
            how = by_agreement(w.get("agreement"), "sum held back, as decided", state=w["decided"])
            p.line("withhold", key, -w["decided_pence"], label, how, month=month)
            if w["decided"] == "released":
                p.line("withhold", key + "/release", w["decided_pence"], label + ", released",
                       by_agreement(w.get("agreement"), "sum held back, paid after all"), month=month)
        elif place is None:
            p.notes.append("withhold %s of %s is skipped: version %d of the terms has none of that name" % (
                w["id"], month, p.annual.version))
        else:
            share = percent(agreed["share"])
            base = sum(line["pence"] for line in p.lines
                       if line["stage"] in ("activity", "factor") and line["month"] == month)
            how = by_terms(p.annual, "/withholds/%d" % place, "-round(share * (activity + factor) of the month)",
                           HALF_AWAY, activity_and_factor_pence=base, share=percent_text(share),
                           state="open: computed anew until it is decided")
            p.line("withhold", key, -half_away(share * base), label, how, month=month)


def stage_cquin(p):
    """7. The incentive scheme, on the base of all lines so far but those it leaves out."""
    scheme = p.annual.body.get("cquin")
    if not scheme:
        return
    exclude = scheme.get("exclude", {})
    p.base = max(0, sum(line["pence"] for line in p.lines if line["stage"] not in exclude.get("stages", [])
                        and line.get("_in_cquin", True) and line.get("cluster") not in exclude.get("clusters", [])))
    for place, indicator in enumerate(scheme["indicators"]):
        a = p.account.agreed.get(indicator["id"])
        if a and not a.get("disputed"):
            achieved = achievement_of(indicator, a["numerator"], a["denominator"])
            measure = {"numerator": a["numerator"], "denominator": a["denominator"]}
        else:
            achieved = int(percent(scheme["on_account"]) * 1000000)
            measure = {"measure": ("disputed, each side proposes its own" if a else "not agreed yet")
                       + ": the assumption of the terms (/cquin/on_account)"}
        rate, weight = percent(scheme["rate"]), percent(indicator["weight"])
        how = by_terms(p.annual, "/cquin/indicators/%d" % place, "round(AAV * rate * weight * achievement)",
                       "half away from zero; the achievement once to whole ppm", AAV_pence=p.base,
                       rate=percent_text(rate), weight=percent_text(weight),
                       achievement_ppm=achieved, **measure)
        p.line("cquin", "cquin/" + indicator["id"], half_away(p.base * rate * weight * Fraction(achieved, 1000000)),
               "CQUIN, " + indicator.get("label", ""), how)


def before_challenges(account, month, changes):
    """Stages 1 to 7 with some rows changed."""
    p = Position(account, month)
    stage_activity(p, changes)
    stage_factor(p)
    stage_bands(p)
    stage_risk_share(p)
    stage_cap_collar(p)
    stage_stated_sums(p)
    stage_withholds(p)
    stage_cquin(p)
    return p


def changes_of(entries):
    """What is said of rows: {(month, row number or episode id): [change, ...]}."""
    changes = {}
    for e in entries:
        changes.setdefault((e["month"], e["row"] if "row" in e else e["episode_id"]), []).append(e)
    return changes


def position_of(account, month):
    """All stages. 8: what each open challenge contests is what its counter-calculation changes, behind those before it;
    value that was billed already makes no line."""
    said = list(account.decided)
    p = before_challenges(account, month, changes_of(said))
    p.contested = []
    before = p.sum()
    for c in account.challenges:
        if c.get("month", "") not in ("", *p.months) or not any(row["month"] in p.months for row in c["rows"]):
            continue
        said += c["rows"]
        after = before_challenges(account, month, changes_of(said)).sum()
        pence = max(0, min(c["claimed_pence"], before - after))
        p.contested.append({"challenge": c["number"], "pence": pence, "billed": c["billed"]})
        if not c["billed"]:
            how = by_agreement(c["number"], "position without the counter-calculation, less with it: not below 0, not "
                               "above the sum claimed", "challenge", without_pence=before, with_pence=after,
                               claimed_pence=c["claimed_pence"])
            p.line("contested", "contested/%d" % c["number"], -pence, "Contested by challenge %d" % c["number"], how)
        before = after
    p.notes += ["%d days of %s have no price and no value; the terms let them pass (K06)" % (days, m)
                for m, days in p.unpriced.items() if days]
    if p.shadow:
        p.notes.append("SHADOW: everything is computed and shown; the block lines alone are billed")
    return p


# The position document


def document_of(p):
    """The document whose canonical bytes statements carry."""
    case = p.account.case
    party = p.annual.body.get("parties", {})
    parties = {code: party[code] for code in (case["provider"], p.mine) if code in party}
    sums = [p.sum(stage) for stage in STAGES]
    figures = {"P_pence": p.planned, "X_pence": p.through_bands(), "after_cap_collar_pence": p.after_bounds,
               "plan_by_month_pence": [plan for plan, _ in p.plans]} | p.bounds
    return ({"parties": parties} if parties else {}) | {
        "@purpose": "reckoner/position/1", "engine": case["engine"], "provider": case["provider"],
        "contract": case["contract"], "commissioner": p.mine, "financial_year": p.account.year, "month": p.month,
        "mode": p.annual.body["mode"], "known_at": known_at(p), "inputs": named_inputs(p),
        "lines": [{name: value for name, value in line.items() if name[0] != "_"} for line in p.lines],
        "stages": [{"stage": stage, "pence": pence, "sum_pence": sum(sums[:place + 1])}
                   for place, (stage, pence) in enumerate(zip(STAGES, sums))],
        "figures": figures if p.base is None else figures | {"AAV_pence": p.base},
        "contested": p.contested, "notes": p.notes, "total_pence": p.sum(), "billable_pence": p.billable()}


def acts(p):
    """What the parties did about the months of the position: achievements, adjustments, withholds, decisions on rows,
    open challenges."""
    account = p.account
    indicators = [i["id"] for i in p.annual.body.get("cquin", {}).get("indicators", [])]
    contested = {c["challenge"] for c in p.contested}
    return ([account.agreed[i] for i in indicators if i in account.agreed],
            [a for a in account.adjustments if a["month"] in p.months],
            [w for w in account.withholds if w["month"] in p.months],
            [d for d in account.decided if d["month"] in p.months],
            [c for c in account.challenges if c["number"] in contested])


def known_at(p):
    """The latest instant at which one of the inputs became known."""
    months = [p.account.agreed_months[m]["agreed_at"] if m in p.missing else p.account.case["months"][m]["known_from"]
              for m in p.months]
    terms = [p.account.known_from[t.version] for t in (p.annual, *p.force.values())]
    when = ("agreed_at", "imposed_at", "decided_at", "raised_at")
    return max(months + terms + [entry[w] for part in acts(p) for entry in part for w in when if w in entry])


def named_inputs(p):
    """The inputs by number and digest."""
    case = p.account.case
    achievements, adjustments, withholds, decisions, challenges = acts(p)
    months = []
    for m in p.months:
        named = {"month": m, "terms": p.force[m].version}
        if m in p.missing:
            agreed = p.account.agreed_months[m]
            named |= {"agreed": agreed["kind"], "agreement": agreed["agreement"]}
        else:
            named |= chosen(case["months"][m], "sha256", "rule_set", "reference")
            if p.force[m].stop is not None or p.force[m].is_error("R02"):
                named["review_periods"] = sha256(canonical(case["months"][m]["review_periods"]))
        months.append(named)
    versions = {t.version: t for t in (*p.force.values(), p.annual)}
    digests = {v["version"]: v["sha256"] for v in case["terms"]}
    kinds = ("cluster", "payable_days", "not_payable")
    return {
        "annual_terms": p.annual.version, "months": months,
        "terms": [{"version": v, "sha256": digests[v]} for v in versions],
        "achievements": [{"indicator": a["indicator"], "disputed": True} if a.get("disputed")
                         else chosen(a, "indicator", "numerator", "denominator") for a in achievements],
        "adjustments": [{"agreement": a["n"]} | chosen(a, "month", "pence", "label", "in_cquin", "reverses")
                        for a in adjustments],
        "withholds": [{"id": w["id"], "month": w["month"], "state": w.get("decided", "open")} | (
            {"agreement": w["agreement"], "pence": w["decided_pence"]} if "decided" in w else {}) for w in withholds],
        "decisions": sorted(({"kind": next((k for k in kinds if k in d), "reattribution")} | chosen(
            d, "number", "month", "row_sha256", "cluster", "payable_days") for d in decisions),
            key=lambda d: (d["month"], d["row_sha256"], d["kind"])),
        "challenges": [chosen(c, "number", "claimed_pence", "billed", "sha256") for c in challenges]}


def chosen(entry, *names):
    return {name: entry[name] for name in names if name in entry}


def bill(p):
    """What a billing run of the month bills: the position, less what was issued and what is set off. Opening entries
    stand against the position; on account they are instalments instead."""
    account, billing = p.account, p.annual.body.get("billing", {})
    documents = sum(e["pence"] for e in account.known("documents", "issued_at"))
    if billing.get("method") != "on_account" or p.shadow:
        opening = sum(e["pence"] for e in account.known("opening_entries"))
        return {"billed_pence": documents + opening, "opening_pence": opening,
                "balance_pence": p.billable() - documents - opening}
    eacv = billing.get("eacv_pence")
    if eacv is None:
        year = months_to(account.year, "%d-03" % (account.year + 1))
        eacv = sum(plan_of(account.in_force(m), p.annual, p.mine, m)[0] for m in year)
    due = instalment(eacv, len(p.months))
    return {"billed_pence": documents, "on_account_pence": due, "balance_pence": p.billable() - due - documents,
            "instalments": [instalment(eacv, k) - instalment(eacv, k - 1) for k in range(1, 13)]}


# Activity: from rows to units and pence, row by row and day by day


def rows_of(entry, month):
    """The rows of a month of a case, from a list, a text or a file of the trust's upload."""
    if "rows" in entry:
        rows = entry["rows"]
    elif "text" in entry:
        rows = list(csv.DictReader(io.StringIO(entry["text"])))
    else:
        with open(entry["csv"], newline="", encoding="utf-8-sig") as file:
            rows = list(csv.DictReader(file))
    rows = [tidy(number, row, month) for number, row in enumerate(rows, 1)]
    mark_continuing(rows)
    for number in entry.get("unpayable", ()):
        rows[number - 1]["not_payable"] = True
    return rows


def day_or_none(text):
    try:
        return day(text)
    except ValueError:
        return None


def tidy(number, sent, month):
    text = {name: value.strip() for name, value in sent.items() if isinstance(value, str)}
    of = text.get
    return {
        "number": number,
        "episode": of("episode_id", ""), "patient": of("patient_id", ""),
        "cluster": of("cluster", "").zfill(2) if of("cluster") else "",
        "commissioner": of("commissioner", ""), "service": of("service", ""),
        "start": day_or_none(of("start_date")), "end": day_or_none(of("end_date")),
        "mhct": day_or_none(of("mhct_date")), "referral": day_or_none(of("referral_date")),
        "contact": day_or_none(of("last_contact")),
        "open": not of("end_date"), "reason": of("mhct_reason"),
        "admitted": int(of("admitted_days")) if of("admitted_days", "").isdigit() else 0,
        "assessment_only": of("assessment_only") == "Y",
        "approved": bool(of("approval_ref")),
        "minor": under_18(day_or_none(of("birth_date")), behind(month) - 1),
        "failed": sent.get("failed", ()),
        "order": of("episode_id", "").encode(),  # of assessments of one day
        "beaten": False,  # an assessment of another commissioner's row comes first
        "payable_days": None, "not_payable": False,
    }


def mark_continuing(rows):
    """A row continues when another row of the patient starts on its closing day."""
    starts = {}
    for row in rows:
        if row["start"] and not row["assessment_only"]:
            starts.setdefault((row["patient"], row["start"]), []).append(row["number"])
    for row in rows:
        others = [n for n in starts.get((row["patient"], row["end"]), ()) if n != row["number"]]
        row["continues"] = bool(others)


def said_of(row, month, changes):
    return (*changes.get((month, row["number"]), ()), *changes.get((month, row["episode"]), ()))


def changed(row, said):
    """The row as decisions, re-attributions and counter-calculations have it. Each is absolute: of the cluster, of how
    much of the row is paid, and of whose it is, the last one says."""
    row = dict(row)
    unpayable = False
    for change in said:
        row["cluster"] = change.get("cluster", row["cluster"])
        row["commissioner"] = change.get("to", row["commissioner"])
        if "payable_days" in change or "not_payable" in change:
            row["payable_days"], unpayable = change.get("payable_days"), change.get("not_payable", False)
    row["not_payable"] = row["not_payable"] or unpayable
    return row


class Value:
    """What rows of a month come to: [units, pence] by place in the terms' prices; days without a price; assessments
    claimed, of which one for each referral earns."""

    def __init__(self):
        self.sums, self.unpriced, self.claims, self.shared = {}, 0, [], set()

    def add(self, place, units, pence):
        sums = self.sums.setdefault(place, [0, 0])
        sums[0] += units
        sums[1] += pence

    def copy(self):
        other = Value()
        other.sums = {place: list(sums) for place, sums in self.sums.items()}
        other.unpriced, other.claims, other.shared = self.unpriced, list(self.claims), set(self.shared)
        return other

    def take(self, p, month, row, sent=None):
        terms, mine = p.force[month], p.mine
        reviews = p.account.case["months"][month].get("review_periods", {})
        ours = row["commissioner"] == mine and payable(terms, reviews, mine, month, row)
        if ours:
            days, sums, unpriced = stay_of(terms, reviews, mine, month, row)
            if row["payable_days"] is not None:
                sums, unpriced = sum_days(days[:row["payable_days"]])
            for place, (units, pence) in sums.items():
                self.add(place, units, pence)
            self.unpriced += unpriced
        referral = (row["patient"], row["referral"] or row["mhct"])
        if row["commissioner"] != mine and assessed(month, row) and terms.pays_assessments(month):
            self.shared.add(referral)
        if claims_assessment(terms, reviews, month, row):
            price = terms.assessment(mine, row["service"], row["cluster"], row["mhct"])
            earns = ours and price is not None and not row["beaten"]
            # Other accounts do not know of a decision that makes a row claim.
            decided = sent is not None and not claims_assessment(terms, reviews, month, sent)
            if not decided or row["commissioner"] == mine:
                self.claims.append((row["mhct"], row["order"], referral, earns, month, price, decided))


def activity(p, changes):
    """({month: {place in the terms' prices: [units, pence]}}, {month: days without a price})."""
    account, values = p.account, {}
    for month in p.months:
        if month in p.missing:
            continue
        if month not in account.plain:
            plain, kept = Value(), []
            for row in rows_of_month(account, month):
                if {(month, row["number"]), (month, row["episode"])} & account.changed_rows:
                    kept.append(row)
                else:
                    plain.take(p, month, row)
            account.plain[month] = plain, kept
        plain, kept = account.plain[month]
        values[month] = plain.copy()
        for row in kept:
            values[month].take(p, month, changed(row, said_of(row, month, changes)), row)
    earned, shared = set(), set().union(*(value.shared for value in values.values()))
    claims = [c for value in values.values() for c in value.claims if not (c[-1] and c[2] in shared)]
    for _, _, referral, earns, month, price, _ in sorted(claims, key=lambda claim: claim[:2]):
        if referral not in earned and earns:
            values[month].add(price["place"], 1, price["pence"])
        earned.add(referral)
    return {m: value.sums for m, value in values.items()}, {m: value.unpriced for m, value in values.items()}


def claims_assessment(terms, reviews, month, row):
    """Some account of the contract would pay it, whoever's row it is, so that all find the same row first.
    Accounts that no price names are alike."""
    return assessed(month, row) and any(
        terms.assessment(account, row["service"], row["cluster"], row["mhct"]) is not None
        and payable(terms, reviews, account, month, row) for account in terms.accounts)


def rows_of_month(account, month):
    entry = account.case["months"][month]
    return entry["each"]() if "each" in entry else rows_of(entry, month)


@functools.lru_cache(maxsize=None)
def after_months(start, months):
    """The same day some months later, or the last day of that month."""
    start = datetime.date.fromordinal(start)
    year, month = divmod(start.year * 12 + start.month - 1 + months, 12)
    last = calendar.monthrange(year, month + 1)[1]
    return datetime.date(year, month + 1, min(start.day, last)).toordinal()


def review_due(reviews, row):
    period = reviews.get(row["cluster"])
    if period is None or row["mhct"] is None:
        return None
    return row["mhct"] + period["days"] if "days" in period else after_months(row["mhct"], period["months"])


def under_18(birth, last):
    """On the last day. Who was born on a 29 February is a year older on 1 March."""
    if birth is None:
        return False
    born = datetime.date.fromordinal(birth)
    leap_day = (born.month, born.day) == (2, 29)
    coming_of_age = datetime.date(born.year + 18, 3, 1) if leap_day else born.replace(year=born.year + 18)
    return last < coming_of_age.toordinal()


# Rules that depend on terms


def beyond_thresholds(limit, reviews, month, row):
    """Which of M05, R02, R03, R05 and R06 a row fails by its days."""
    last = behind(month) - 1
    start, end, mhct, contact = row["start"], row["end"], row["mhct"], row["contact"]
    failed = set()
    if start and mhct and start - mhct > limit["mhct_before_start_days"]:
        failed.add("M05")
    if row["assessment_only"]:
        return failed
    due = review_due(reviews, row)
    if row["open"] and due and due > last:
        if due - last <= min(limit["review_notice_days"], (due - mhct) // 2):
            failed.add("R02")
    if row["open"] and contact and last - contact >= limit["no_contact_days"]:
        failed.add("R06")
    if start and end and end >= start:
        if row["referral"] == start and end - start <= limit["short_after_referral_days"]:
            failed.add("R03")
        if (contact is None or contact < start) and end - start <= limit["short_without_contact_days"]:
            failed.add("R05")
    return failed


def lacks_price(terms, reviews, commissioner, month, row):
    """K06: a day of service without a price; of an assessment alone, its day."""
    if row["start"] is None or row["cluster"] not in CLUSTERS:
        return False
    if row["assessment_only"]:
        inside = row["mhct"] and first_of(month) <= row["mhct"] < behind(month)
        return bool(inside) and terms.assessment(commissioner, row["service"], row["cluster"], row["mhct"]) is None
    return stay_of(terms, reviews, commissioner, month, row)[2] > 0


def payable(terms, reviews, commissioner, month, row):
    """No ERROR is in force on the row under the terms, and no decision makes it unpayable."""
    if row["not_payable"]:
        return False
    failed = set(row["failed"]) | beyond_thresholds(terms.limit, reviews, month, row)
    if row["service"] and row["service"] in terms.out_of_scope:
        failed.add("C05")
    asked = row["cluster"] in terms.approval.get("clusters", ()) or (
        row["service"] and row["service"] in terms.approval.get("services", ()))
    if asked and not row["approved"]:
        failed.add("C06")
    if terms.adult_only and row["minor"]:
        failed.add("P08")
    if any(map(terms.is_error, failed)):
        return False
    return not (terms.is_error("K06") and lacks_price(terms, reviews, commissioner, month, row))


# The value of rows


@functools.lru_cache(maxsize=10000)
def counted_days(month, start, end, closing_day, stop):
    """Days of [start, end) in the month, the closing day if it counts, none behind the day pay stops."""
    return [when for when in range(max(start, first_of(month)), behind(month))
            if (end is None or when < end or (closing_day and when == end)) and (stop is None or when <= stop)]


def last_paid_day(terms, reviews, row):
    """The last day that stop_pay_when_overdue counts; None: no end."""
    due = review_due(reviews, row) if terms.stop else None
    return None if due is None else due + terms.stop["grace_days"]


def period_of(terms, commissioner, row, when):
    """Of a day charged by periods: (price of its period, place of the day in it); price None where there is none, place
    behind the period's last day where the row is past its only period."""
    begin = row["start"]
    while True:
        price = terms.on_day(commissioner, row["service"], row["cluster"], max(begin, terms.year_begin)).get("PERIOD")
        if price is None or not price.get("renewable") or when < begin + price["period_days"]:
            return price, when - begin
        begin += price["period_days"]


@functools.lru_cache(maxsize=100000)
def accrued(pence, days, place):
    """Units and pence of one day of a period: the rounded value of the days up to it less that of those before."""
    if place >= days:
        return 0, 0
    return 1, half_away(Fraction(pence * (place + 1), days)) - half_away(Fraction(pence * place, days))


def price_day(terms, commissioner, row, nth, when):
    """The nth day of the row in the month: (price or None, units, pence)."""
    prices = terms.on_day(commissioner, row["service"], row["cluster"], when)
    if "PERIOD" in prices:
        if when == row["end"]:
            return prices["PERIOD"], 0, 0  # always end-exclusive
        price, place = period_of(terms, commissioner, row, when)
        return (price, *accrued(price["pence"], price["period_days"], place)) if price else (None, 0, 0)
    price = prices.get("DAY") or prices.get("ADMITTED" if nth < row["admitted"] else "NONADMITTED")
    return (price, 1, price["pence"]) if price else (None, 0, 0)


def stay_of(terms, reviews, commissioner, month, row):
    """The counted days of a row in the month: (each day priced, sums by place of the price, days without a price). Rows
    alike in what decides it are worked out once."""
    if row["assessment_only"] or row["start"] is None or row["cluster"] not in CLUSTERS:
        return [], {}, 0
    # What lies outside the month decides nothing, but where a row's periods began.
    start = row["start"] if row["cluster"] in terms.by_periods else max(row["start"], first_of(month))
    end, stop = (None if when is None or when >= behind(month) else when
                 for when in (row["end"], last_paid_day(terms, reviews, row)))
    closing_day = terms.inclusive and not row["continues"]
    kind = (commissioner, month, start, end, closing_day, stop, row["cluster"], row["service"], row["admitted"])
    if kind not in terms.stays:
        days = counted_days(month, start, end, closing_day, stop)
        days = [price_day(terms, commissioner, row, nth, when) for nth, when in enumerate(days)]
        terms.stays[kind] = (days, *sum_days(days))
    return terms.stays[kind]


def sum_days(days):
    sums, unpriced = {}, 0
    for price, units, pence in days:
        if price is None:
            unpriced += 1
        elif units:
            before = sums.get(price["place"], (0, 0))
            sums[price["place"]] = before[0] + units, before[1] + pence
    return sums, unpriced


def assessed(month, row):
    claims = row["cluster"] in CLUSTERS and (row["assessment_only"] or row["reason"] == "10")
    return claims and row["mhct"] is not None and first_of(month) <= row["mhct"] < behind(month)


# What a version of the terms says (api/formats/terms.md). Days are ordinals, months "2012-04", shares exact fractions

DAY_BASES = ("DAY", "ADMITTED", "NONADMITTED", "PERIOD")
BASES = ("DAY", "ADMITTED", "NONADMITTED", "PERIOD", "ASSESSMENT")
CLUSTERS = {"%02d" % n for n in range(22)} - {"09"}
OTHER = "other"  # the clusters in no group

# Days of the rules that terms may set, and what holds unless they do.
DAYS_UNLESS_AGREED = {
    "mhct_before_start_days": 14,
    "review_notice_days": 28,
    "short_after_referral_days": 14,
    "short_without_contact_days": 7,
    "no_contact_days": 180,
}
# Rules that are no ERROR unless terms say so. Every other rule of a row is one.
QUERY = set("C03 D11 M06 R01 R03 R04 R05".split())
WARN = set("P03 P04 P05 P07 P08 C01 K05 D10 M02 M04 M05 M07 R02 R06 R07 R08 A01 W01".split())


def half_away(x):
    """Round a fraction to a whole number, half away from zero."""
    if isinstance(x, int):
        return x
    whole = (abs(x.numerator) * 2 + x.denominator) // (2 * x.denominator)
    return whole if x >= 0 else -whole


@functools.lru_cache(maxsize=None)
def percent(text):
    return Fraction(text.rstrip("%")) / 100


def decimal_text(share, places):
    """Of a fraction with at most so many decimal places: without zeros behind."""
    whole, rest = divmod(int(share * 10 ** places), 10 ** places)
    return ("%d.%0*d" % (whole, places, rest)).rstrip("0").rstrip(".")


def percent_text(share):
    return decimal_text(share * 100, 4) + "%"


@functools.lru_cache(maxsize=None)
def day(text):
    return datetime.date.fromisoformat(text).toordinal() if text else None


@functools.lru_cache(maxsize=None)
def first_of(month):
    return day(month + "-01")


@functools.lru_cache(maxsize=None)
def behind(month):
    """The first day behind a month."""
    return first_of(month) + calendar.monthrange(int(month[:4]), int(month[5:]))[1]


def months_to(year, month):
    """April of the financial year to the month given."""
    names = ["%04d-%02d" % (year + (m > 12), m - 12 * (m > 12)) for m in range(4, 16)]
    return names[: names.index(month) + 1]


@functools.lru_cache(maxsize=None)
def instant(text):
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))


class Terms:
    def __init__(self, version, body):
        self.version = version
        self.body = body
        self.year = body["financial_year"]
        self.year_begin = day("%d-04-01" % self.year)
        self.year_end = day("%d-04-01" % (self.year + 1))
        self.accounts = {"", *(p.get("commissioner", "") for p in body["prices"])}
        self.prices = {}  # by cluster
        for place, p in enumerate(body["prices"]):
            price = dict(p, place=place)
            price["from"] = day(p.get("from")) or self.year_begin
            price["to"] = day(p.get("to")) or self.year_end
            price["score"] = ("commissioner" in p) + ("service" in p)
            self.prices.setdefault(p["cluster"], []).append(price)
        self.factor = Fraction(body.get("factor", "1"))
        self.inclusive = body.get("day_count") == "end_inclusive"
        self.limit = DAYS_UNLESS_AGREED | body.get("thresholds", {})
        rules = body.get("rules", {})
        self.severities = rules.get("severities", {})
        self.stop = rules.get("stop_pay_when_overdue")
        self.out_of_scope = set(rules.get("out_of_scope_services", []))
        self.approval = rules.get("prior_approval", {})
        self.adult_only = rules.get("adult_only", False)
        self.require_mhct = rules.get("require_mhct", True)
        self.groups = {c: g["group"] for g in body.get("volume_bands", []) for c in g["clusters"]}
        # Days on which some price of a cluster begins or ends: between them the prices are the same.
        self.turns = {c: sorted({p["from"] for p in ps} | {p["to"] for p in ps}) for c, ps in self.prices.items()}
        self.between = {}  # prices between two turns, worked out once
        self.by_periods = {c for c, ps in self.prices.items() if any(p["basis"] == "PERIOD" for p in ps)}
        self.stays = {}  # priced days of rows that are alike

    def is_error(self, rule):
        if rule == "M03":
            return self.require_mhct
        return self.severities.get(rule, "ERROR" if rule not in QUERY | WARN else "") == "ERROR"

    def matching(self, commissioner, service, cluster, bases, when):
        """The most specific prices that hold: {basis: price}."""
        best, found = -1, {}
        for p in self.prices.get(cluster, ()):
            if p["basis"] not in bases or not p["from"] <= when < p["to"]:
                continue
            if p.get("commissioner", commissioner) != commissioner or p.get("service", service) != service:
                continue
            if p["score"] > best:
                best, found = p["score"], {}
            if p["score"] == best:
                found[p["basis"]] = p
        return found

    def on_day(self, commissioner, service, cluster, when):
        """Prices of a day: {"DAY": price}, {"ADMITTED": .., "NONADMITTED": ..}, {"PERIOD": ..} or nothing."""
        key = (commissioner, service, cluster, bisect.bisect_right(self.turns.get(cluster, ()), when))
        if key not in self.between:
            self.between[key] = self.matching(commissioner, service, cluster, DAY_BASES, when)
        return self.between[key]

    def assessment(self, commissioner, service, cluster, when):
        return self.matching(commissioner, service, cluster, ("ASSESSMENT",), when).get("ASSESSMENT")

    def pays_assessments(self, month):
        return any(p["basis"] == "ASSESSMENT" and p["from"] < behind(month) and p["to"] > first_of(month)
                   for prices in self.prices.values() for p in prices)

    def group(self, cluster):
        return self.groups.get(cluster, OTHER)

    def group_names(self):
        return [g["group"] for g in self.body.get("volume_bands", [])] + [OTHER]


# Plan


def applies(entry, commissioner):
    return entry.get("commissioner") in (None, commissioner)


def stated_plan(terms, commissioner, month):
    """The place of the sum that is stated for the month, else None."""
    places = [place for place, s in enumerate(terms.body.get("plan", {}).get("sums", []))
              if s["month"] == month and applies(s, commissioner)]
    return places[0] if places else None


def planned_units(terms, annual, commissioner, month):
    """Planned value of a month before the factor: {group of the annual terms: pence}."""
    by_group = {}
    first = first_of(month)
    for place, line in enumerate(terms.body.get("plan", {}).get("lines", [])):
        units = line["units"][(int(month[5:]) - 4) % 12]
        if not units or not applies(line, commissioner):
            continue
        service = line.get("service", "")
        if line["basis"] == "ASSESSMENT":
            price = terms.assessment(commissioner, service, line["cluster"], first)
        else:
            price = terms.on_day(commissioner, service, line["cluster"], first).get(line["basis"])
        if price is None:
            raise Parked("/plan/lines/%d of version %d has no price in %s" % (place, terms.version, month))
        value = units * price["pence"]
        if line["basis"] == "PERIOD":
            value = half_away(Fraction(value, price["period_days"]))
        group = annual.group(line["cluster"])
        by_group[group] = by_group.get(group, 0) + value
    return by_group


def plan_of(terms, annual, commissioner, month):
    """Planned value of a month with its factor: (sum, {group: pence}). A stated sum has its factor in it."""
    place = stated_plan(terms, commissioner, month)
    if place is not None:
        if annual.body.get("volume_bands"):
            raise Parked("volume bands need a plan in units")
        return terms.body["plan"]["sums"][place]["pence"], {}
    before = planned_units(terms, annual, commissioner, month)
    with_factor = {g: half_away(v * terms.factor) for g, v in before.items()}
    return sum(with_factor.values()), with_factor


# Bands


def pay_by_bands(bands, base, amount):
    """What is paid of an amount, and how: part by part between the edges, which are shares of the base."""
    paid, low, trail = 0, 0, []
    for band in bands:
        high = half_away(base * percent(band["to"])) if "to" in band else None
        part = max(0, (amount if high is None else min(amount, high)) - low)
        of_it = half_away(part * percent(band["pay"]))
        trail.append(({} if high is None else {"edge_pence": high}) | {
            "part_pence": part, "pay": percent_text(percent(band["pay"])), "paid_pence": of_it})
        paid, low = paid + of_it, high
    return paid, trail


def risk_bands(share):
    """(bands over the plan, bands under it); None where that side is paid in full."""
    preset = share.get("preset")
    if preset is None:
        return share.get("over"), share.get("under")

    def side(pay):
        if preset == "block":
            return [{"pay": "0%"}]
        if preset == "gain_loss_share":
            return [{"pay": share[pay]}]
        inside = {"dead_band": "0%", "tolerance": "100%"}[preset]
        return [{"to": share["to"], "pay": inside}, {"pay": share[pay]}]

    return (None, None) if preset == "none" else (side("pay_over"), side("pay_under"))


def achievement_of(indicator, numerator, denominator):
    """Achievement in whole parts per million."""
    if denominator == 0:
        return 0
    measure = Fraction(numerator, denominator)
    points = [(percent(t["at"]), percent(t["earns"])) for t in indicator["thresholds"]]
    reached = [p for p in points if measure >= p[0]]
    if not reached:
        return 0
    at, earns = reached[-1]
    if indicator["measure"] == "linear" and len(reached) < len(points):
        next_at, next_earns = points[len(reached)]
        earns += (next_earns - earns) * (measure - at) / (next_at - at)
    return half_away(earns * 1000000)


def instalment(eacv, k):
    """What instalments 1 to k come to; instalment k is the difference from k - 1."""
    return half_away(Fraction(eacv * k, 12))


# Sampling. api/formats/sampling.md has the rules; whole numbers alone, so that every program draws the same.

SAMPLE_COLUMNS = ["seed", "method", "size", "nonce", "pick", "month", "row_no", "tag", "cluster", "team", "pence",
                  "reason", "second_cluster", "payable_days", "remark"]
SAMPLE_OURS = 12  # of these the columns that must come back as they were written
NONCE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}\Z")
CELL = re.compile(r'(?:"((?:[^"]|"")*)"|([^",]*))(,|\Z)')


class SampleRefused(Exception):
    """What is wrong with a sample or its working paper, in words."""


class Population:
    """The rows of a bundle that holds, with the pence that each adds to the activity lines: decisions and moves
    applied, challenges not. An assessment adds to the row that earns it."""

    def __init__(self, path):
        b = Bundle(path)
        for check in verdict_on(b):
            if check["outcome"] == "differs" or (check["check"], check["outcome"]) == ("position", "not_checked"):
                raise SampleRefused("nothing is drawn from a bundle that does not hold: %(check)s: %(detail)s" % check)
        self.bundle, self.account = b, b.account
        self.position = Position(b.account, b.inputs["month"])
        self.said = changes_of(b.account.decided)
        self.claims, self.shared = [], set()  # claims: (day, order, referral, whose, (month, row), price, decided)
        rows = [self.valued(month, row) for month, row in self.each()]
        self.claims = [c for c in self.claims if not (c[-1] and c[2] in self.shared)]
        self.first = {}  # the row that earns the assessment of a referral; None: one that was moved away
        for _, _, referral, ours, row, _, _ in sorted(self.claims, key=lambda claim: claim[:2]):
            self.first.setdefault(referral, row if ours else None)
        earned = {c[4]: c[5]["pence"] for c in self.claims if self.first[c[2]] == c[4]}
        self.rows = [dict(row, pence=row["pence"] + earned.get((row["month"], row["row_no"]), 0)) for row in rows]
        lines = [line["pence"] for line in b.statement["position"]["lines"] if "basis" in line]
        if sum(row["pence"] for row in self.rows) != sum(lines):
            raise SampleRefused("the rows do not add up to the activity lines")

    def each(self):
        for month in self.position.months:
            for row in rows_of_bundle(self.bundle, month) if month in self.bundle.inputs["months"] else ():
                yield month, row

    def take(self, month, row, *judged):
        """The row as it counts, its days in pence, and the assessment that it claims, if it does."""
        value, counted = Value(), changed(row, said_of(row, month, self.said) + judged)
        value.take(self.position, month, counted, row)
        self.shared |= value.shared
        claims = [claim for claim in value.claims if not row["beaten"]]
        return counted, sum(pence for _, pence in value.sums.values()), claims

    def valued(self, month, row):
        counted, pence, claims = self.take(month, row)
        self.claims += [(*claim[:4], (month, row["number"]), *claim[5:]) for claim in claims]
        return {"month": month, "row_no": row["number"], "tag": row["patient"], "cluster": counted["cluster"],
                "team": row["service"], "pence": pence}

    def judged(self, picks, judgements):
        """What each pick is worth as the auditor found it; None: not examined."""
        wanted = {(pick["row"]["month"], pick["row"]["row_no"]): n for n, pick in enumerate(picks)}
        found = [None] * len(picks)
        for month, row in self.each():
            n = wanted.get((month, row["number"]))
            if n is None or (judgements[n]["second"] is None and judgements[n]["days"] is None):
                continue
            second, days = judgements[n]["second"], judgements[n]["days"]
            said = [{"cluster": second}] if second not in (None, "none") else []
            if second == "none":
                said.append({"not_payable": True})
            elif days is not None:
                said.append({"payable_days": days})
            _, pence, claims = self.take(month, row, *said)
            for _, _, referral, ours, _, price, decided in claims:
                earns = ours and self.first.get(referral, here := (month, row["number"])) == here
                pence += price["pence"] if earns and not (decided and referral in self.shared) else 0
            agreed = second == picks[n]["row"]["cluster"]
            found[n] = dict(judgements[n], agreed=agreed, pence=pence)
        return found


def up(numerator, denominator):
    """numerator / denominator, rounded up to a whole number."""
    return -(-numerator // denominator)


def sample_seed(root, nonce):
    return hashlib.sha256(b"reckoner/sample/1\n" + root + nonce.encode()).digest()


def sample_rank(seed, row):
    return hashlib.sha256(seed + ("%s/%d" % (row["month"], row["row_no"])).encode()).digest()


def sample_draw(rows, method, size, seed):
    """rows: dicts with month, row_no, tag, cluster, team, pence. The sample: what was drawn, from what, and why."""
    rows = sorted(rows, key=lambda row: (row["month"], row["row_no"]))
    reached = [row for row in rows if method == "random" or row["pence"] > 0]
    total = sum(row["pence"] for row in reached)
    if not reached:
        raise SampleRefused("there is no row to draw")
    if method == "mus" and total < size:
        raise SampleRefused("there are fewer pence than hits")
    size = min(size, len(rows)) if method == "random" else size
    sample = {"rows": rows, "method": method, "size": size, "seed": seed, "total": total, "reached": len(reached)}
    if method == "random":
        ranked = sorted(((sample_rank(seed, row), row) for row in rows), key=lambda pair: pair[0])[:size]
        sample["picks"] = [
            dict(row=row, hits=1, certain=False,
                 reason="rank %d of %d by hash %s" % (n, len(rows), rank.hex()[:16]))
            for n, (rank, row) in enumerate(ranked, 1)]
    else:
        sample["picks"] = list(pick_units(reached, size, total, seed))
    return sample


def pick_units(rows, size, total, seed):
    """Monetary units: hit k falls on pence floor((k * total + start) / size) + 1 of the rows laid end to end."""
    start = int.from_bytes(hashlib.sha256(seed + b"start").digest(), "big") % total
    points = [(k * total + start) // size + 1 for k in range(size)]
    hit = before = 0
    for row in rows:
        first = hit
        while hit < size and points[hit] <= before + row["pence"]:
            hit += 1
        before += row["pence"]
        if hit == first:
            continue
        certain = row["pence"] * size >= total
        which = "hit %d" % hit if hit == first + 1 else "hits %d to %d" % (first + 1, hit)
        yield dict(row=row, hits=hit - first, certain=certain, reason="%s at pence %d of %d%s" % (
            which, points[first], total, "; certain: worth the interval" if certain else ""))


def paper_cells(sample, nonce, number):
    """The cells of pick `number` (from 0) that the auditor leaves as they are."""
    pick = sample["picks"][number]
    row = pick["row"]
    team = "'" + row["team"] if row["team"][:1] in ("=", "+", "-", "@", "\t", "\r") else row["team"]
    return [sample["seed"].hex(), sample["method"], str(sample["size"]), nonce, str(number + 1), row["month"],
            str(row["row_no"]), row["tag"], row["cluster"], team, str(row["pence"]), pick["reason"]]


def paper_write(sample, nonce):
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(SAMPLE_COLUMNS)
    for number in range(len(sample["picks"])):
        writer.writerow(paper_cells(sample, nonce, number) + ["", "", ""])
    return text.getvalue()


def cells_of(line):
    """The cells of a line of CSV; None: a quote is where none can be."""
    cells, at = [], 0
    while True:
        cell = CELL.match(line, at)
        if cell is None:
            return None
        cells.append(cell[2] if cell[1] is None else cell[1].replace('""', '"'))
        at = cell.end()
        if cell[3] == "":
            return cells


def paper_lines(data):
    """The lines of a working paper as lists of cells; no cell holds a line end."""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise SampleRefused("the paper is not UTF-8; save it as CSV UTF-8") from None
    lines = [line[:-1] if line.endswith("\r") else line for line in text.split("\n")]
    if lines and lines[-1] == "":
        lines.pop()
    for number, line in enumerate(lines, 1):
        if re.search("[\x00-\x1f\x7f]", line) or len(line.encode()) > 4096:
            raise SampleRefused("line %d: a control character, or longer than 4,096 bytes" % number)
        cells = cells_of(line)
        if cells is None:
            raise SampleRefused("line %d: a quote is where none can be" % number)
        if len(cells) != len(SAMPLE_COLUMNS):
            raise SampleRefused("line %d: a paper has 15 columns, parted by commas" % number)
        if number == 1 and cells != SAMPLE_COLUMNS:
            raise SampleRefused("the header is not that of a working paper")
        if number > 1:
            yield number, cells


def paper_heading(data):
    """Method, size and nonce of the sample that a paper belongs to."""
    for number, cells in paper_lines(data):
        method, size, nonce = cells[1:4]
        if method not in ("random", "mus") or not re.fullmatch("[1-9][0-9]{0,3}", size) or not NONCE.match(nonce):
            raise SampleRefused("line %d: method, size or nonce are none" % number)
        return method, int(size), nonce
    raise SampleRefused("the paper has no line behind its header")


def judgement(cells, number):
    second, days, remark = cells[SAMPLE_OURS:]
    if second not in CLUSTERS | {"", "none"}:
        raise SampleRefused("line %d: second_cluster is a cluster of two digits, or none" % number)
    if days and not (re.fullmatch("[0-9]+", days) and int(days) <= 31):
        raise SampleRefused("line %d: payable_days is a number from 0 to 31" % number)
    if second == "none" and days and int(days) > 0:
        raise SampleRefused("line %d: where the record bears out nothing, no day is payable" % number)
    if len(remark.encode()) > 1000:
        raise SampleRefused("line %d: the remark is longer than 1,000 bytes" % number)
    return {"second": second or None, "days": int(days) if days else None}


def paper_read(data, sample, nonce):
    """What the auditor found on each pick, in the order of the picks; lines may stand in any order."""
    found = {}
    for number, cells in paper_lines(data):
        pick = int(cells[4]) if re.fullmatch("[1-9][0-9]*", cells[4]) else 0
        if not 1 <= pick <= len(sample["picks"]) or pick in found:
            raise SampleRefused("line %d: no pick of that number, or twice" % number)
        ours = paper_cells(sample, nonce, pick - 1)
        for name, cell, wanted in zip(SAMPLE_COLUMNS, cells, ours):
            if cell != wanted:
                raise SampleRefused("line %d, %s: not what the sample drawn again has there" % (number, name))
        found[pick] = judgement(cells, number)
    if len(found) < len(sample["picks"]):
        raise SampleRefused("picks of the sample are missing from the paper")
    return [found[n] for n in sorted(found)]


def poisson_factors(confidence, errors):
    """The mean, in millionths, at which so many errors or fewer are seen with the probability 1 - confidence."""
    scale, out, low = 1 << 160, [], 0

    def enough(k, mean):
        below, term, i = 0, scale, k
        while term:
            below, term, i = below + term, term * i * 1000000 // mean, i - 1
        above, term, i = 0, scale * mean // 1000000 // (k + 1), k + 1
        while term:
            above, term, i = above + term, term * mean // ((i + 1) * 1000000), i + 1
        return below * confidence <= above * (100 - confidence)
    for k in range(errors + 1):
        high = low + 4000000
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (low, middle) if enough(k, middle) else (middle, high)
        out.append(high)
        low = high
    return out


STUDENT = {80: (1281552, 846585, 570891, 258517), 90: (1644854, 1523769, 1420203, 983002),
           95: (1959964, 2372271, 2822499, 2555850)}


def student_t(confidence, freedom):
    """Millionths; Fisher's expansion about the normal deviate."""
    return sum((2 * term + freedom ** k) // (2 * freedom ** k) for k, term in enumerate(STUDENT[confidence]))


class Evaluation:
    """found: for each pick None, or {"second", "days", "agreed", "pence"}: the judgement, and what the row adds so."""

    def __init__(self, sample, found, nonce, statement, confidence):
        self.sample, self.found, self.nonce, self.confidence = sample, found, nonce, confidence
        self.statement = statement
        self.rows, self.size, self.total = len(sample["rows"]), sample["size"], sample["total"]
        self.complete = all(f is not None for f in found)
        self.few_errors = False
        pairs = list(zip(sample["picks"], found))
        wrong = sum(1 for pick, f in pairs if f and f["pence"] != pick["row"]["pence"])
        disagreed = sum(pick["hits"] for pick, f in pairs if f and f["second"] and not f["agreed"])
        self.factor = poisson_factors(confidence, max(wrong, disagreed))

    def of(self, team):
        return [(pick, f) for pick, f in zip(self.sample["picks"], self.found)
                if team is None or pick["row"]["team"] == team]

    def agreement(self, pairs):
        compared = sum(pick["hits"] for pick, f in pairs if f and f["second"])
        agreed = sum(pick["hits"] for pick, f in pairs if f and f["second"] and f["agreed"])
        all_rows = self.sample["method"] == "random" and self.size == self.rows and compared == len(pairs)
        if not compared:
            return {"compared": 0, "agreed": 0, "rate_ppm": None, "disagreement_upper_ppm": None}
        bound = (compared - agreed) * 1000000 if all_rows else self.factor[compared - agreed]
        return {"compared": compared, "agreed": agreed, "rate_ppm": half_away(Fraction(agreed * 1000000, compared)),
                "disagreement_upper_ppm": min(1000000, up(bound, compared))}

    @staticmethod
    def errors(pairs):
        seen = [(pick["row"]["pence"], f["pence"]) for pick, f in pairs if f]
        over = sum(max(0, booked - found) for booked, found in seen)
        under = sum(max(0, found - booked) for booked, found in seen)
        return {"picks": len(pairs), "examined": len(seen), "differing": sum(1 for b, f in seen if b != f),
                "booked_pence": sum(b for b, _ in seen), "found_pence": sum(f for _, f in seen), "over_pence": over,
                "under_pence": under, "gross_pence": over + under, "net_pence": over - under}

    def estimate(self, pairs, team):
        if not self.complete:
            return None
        errors = [(pick, pick["row"]["pence"] - f["pence"]) for pick, f in pairs]
        return self.by_mean(errors, team) if self.sample["method"] == "random" else self.by_units(errors, team)

    def by_mean(self, errors, team):
        all_rows = self.size == self.rows
        with_range = all_rows or len(errors) >= 30
        if team is None and not all_rows and sum(1 for _, e in errors if e) < 20:
            self.few_errors = True
        out = {}
        for name, values in (("net", [e for _, e in errors]), ("gross", [abs(e) for _, e in errors])):
            pence = half_away(Fraction(sum(values) * self.rows, self.size))
            half = self.half_range(values) if with_range and not all_rows else 0
            low = max(0, pence - half) if name == "gross" else pence - half
            out.update({name + "_pence": pence, name + "_low_pence": low if with_range else None,
                        name + "_high_pence": pence + half if with_range else None})
        return out

    def half_range(self, values):
        n, rows = self.size, self.rows
        spread = up(n * sum(v * v for v in values) - sum(values) ** 2, n - 1)
        variance = up(rows * (rows - n) * spread, n * n)
        root = math.isqrt(variance)
        root += root * root < variance
        return up(root * student_t(self.confidence, n - 1), 1000000)

    def by_units(self, errors, team):
        below = sum(row["pence"] for row in self.sample["rows"] if row["pence"] > 0
                    and row["pence"] * self.size < self.total and (team is None or row["team"] == team))
        beyond = any(-e > pick["row"]["pence"] for pick, e in errors if not pick["certain"])
        over, over_upper = self.side([(pick, e) for pick, e in errors if e > 0], below)
        under, under_upper = self.side([(pick, -e) for pick, e in errors if e < 0], below)
        known = sum(e for pick, e in errors if pick["certain"] and e > 0)
        return {"over_pence": over, "over_upper_pence": min(over_upper, known + below), "under_pence": under,
                "under_upper_pence": None if beyond else under_upper, "net_pence": over - under,
                "gross_pence": over + under}

    def side(self, errors, below):
        """Projected error and its Stringer bound: taintings in falling order, each with what its factor adds."""
        known = sum(e for pick, e in errors if pick["certain"])
        taintings = [Fraction(e, pick["row"]["pence"]) for pick, e in errors if not pick["certain"]]
        taintings.sort(reverse=True)
        interval = Fraction(self.total, self.size)
        projected = sum(half_away(t * interval) for t in taintings)
        bound = math.ceil(self.factor[0] * interval / 1000000) if below else 0
        for j, t in enumerate(taintings, 1):
            bound += math.ceil((self.factor[j] - self.factor[j - 1]) * t * interval / 1000000)
        return known + projected, known + bound

    def part(self, team):
        pairs = self.of(team)
        return {"estimate": self.estimate(pairs, team), "agreement": self.agreement(pairs),
                "errors": self.errors(pairs)}

    def notes(self):
        random, out = self.sample["method"] == "random", []
        beyond = any(f["pence"] - pick["row"]["pence"] > pick["row"]["pence"] for pick, f in self.of(None)
                     if f and not pick["certain"])
        for so, code in ((not self.complete, "not_all_examined"),
                         (self.complete and random and self.size < min(30, self.rows), "few_rows"),
                         (self.few_errors, "few_errors"),
                         (self.complete and not random and beyond, "understated_beyond_value"),
                         (not random and self.sample["reached"] < self.rows, "rows_not_reached")):
            out += [code] if so else []
        return out

    def result(self):
        rows, sample = self.sample["rows"], self.sample
        negative = [row["pence"] for row in rows if row["pence"] < 0]
        teams = sorted({pick["row"]["team"] for pick in sample["picks"]}, key=str.encode)
        out = {"@purpose": "reckoner/sample-result/1", "statement": self.statement, "seed": sample["seed"].hex(),
               "nonce": self.nonce, "method": sample["method"], "size": self.size, "confidence": self.confidence,
               "interval_pence": self.total // self.size if sample["method"] == "mus" else None,
               "population": {"rows": len(rows), "pence": sum(row["pence"] for row in rows),
                              "reached_rows": sample["reached"], "reached_pence": self.total,
                              "zero_rows": sum(1 for row in rows if row["pence"] == 0),
                              "negative_rows": len(negative), "negative_pence": sum(negative)},
               "by_team": []}
        out.update(self.part(None))
        for team in teams:
            mine = [row["pence"] for row in rows if row["team"] == team]
            out["by_team"].append(dict(self.part(team), team=team, rows=len(mine), pence=sum(mine)))
        out["notes"] = self.notes()
        return out


# Commands


def position(case):
    """The answer to a case."""
    try:
        account = Account(case)
        p = position_of(account, case["month"])
        found = {
            "lines": [{name: line[name] for name in line if name[0] != "_" and name not in ("label", "derivation")}
                      for line in p.lines],
            "stages": {stage: p.sum(stage) for stage in STAGES},
            "total_pence": p.sum(), "billable_pence": p.billable(),
            "P_pence": p.planned, "X_pence": p.through_bands(), "AAV_pence": p.base,
            "plan_by_month_pence": [plan for plan, _ in p.plans],
            "contested": {c["challenge"]: c["pence"] for c in p.contested},
        }
        if "provider" in case:
            found["document_sha256"] = sha256(canonical(document_of(p)))
        return found | (bill(p) if "documents" in case or "opening_entries" in case else {})
    except Parked as why:
        return {"parked": str(why)}


def answer(text):
    return json.dumps(position(json.loads(text)), sort_keys=True)


def verify(options):
    def content(path):
        with open(path, "rb") as file:
            return file.read()

    b = Bundle(options.bundle, options.key and content(options.key), options.checkpoint and content(options.checkpoint))
    checks = verdict_on(b)
    wrong = ["%s: %s" % (c["check"], c["detail"]) for c in checks if c["outcome"] == "differs"]
    erased = sum(b.inputs.get("erased", {}).values()) if b.has("inputs.json") and not wrong else 0
    if options.json:
        print(json.dumps({"good": not wrong, "checks": checks, "first_difference": wrong[0] if wrong else None,
                          "erased_rows": erased}, indent=1))
        return 1 if wrong else 0
    for c in checks:
        print("%-12s %s: %s" % (c["outcome"].replace("_", " "), c["check"], c["detail"] or c["about"]))
    print("The bundle is good." if not wrong else "First difference: " + wrong[0])
    return 1 if wrong else 0


def positions(options):
    if options.case is not None:
        with open(options.case, encoding="utf-8") as file:
            print(json.dumps(position(json.load(file)), indent=1, sort_keys=True))
    elif options.lines == 1:
        for text in sys.stdin:
            print(answer(text))
    else:
        with concurrent.futures.ProcessPoolExecutor(options.lines) as pool:
            for text in pool.map(answer, sys.stdin, chunksize=50):
                print(text)
    return 0


def sample_command(options):
    if options.what[0] == "evaluate":
        return sample_evaluate(options)
    if options.nonce is None or options.paper is None:
        raise SampleRefused("--nonce and --paper are needed")
    population = Population(options.what[0])
    root = Checkpoint(population.bundle.read("checkpoint")).root
    sample = sample_draw(population.rows, options.method, options.size, sample_seed(root, options.nonce))
    with open(options.paper, "x", encoding="utf-8", newline="") as file:
        file.write(paper_write(sample, options.nonce))
    print("%d of %d rows are in %s." % (len(sample["picks"]), len(population.rows), options.paper))
    return 0


def sample_evaluate(options):
    with open(options.what[1], "rb") as file:
        paper = file.read()
    method, size, nonce = paper_heading(paper)
    population = Population(options.bundle)
    b = population.bundle
    sample = sample_draw(population.rows, method, size, sample_seed(Checkpoint(b.read("checkpoint")).root, nonce))
    found = population.judged(sample["picks"], paper_read(paper, sample, nonce))
    result = Evaluation(sample, found, nonce, sha256(b.read("statement.json")), options.confidence).result()
    print(canonical(result).decode())
    return 0


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    command = commands.add_parser("verify", help="check a bundle")
    command.set_defaults(do=verify)
    command.add_argument("bundle")
    command.add_argument("--key", metavar="FILE", help="the key that you have kept: PEM or minisign")
    command.add_argument("--checkpoint", metavar="KEPT", help="the checkpoint that you have kept")
    command.add_argument("--json", action="store_true")
    command = commands.add_parser("position", help="compute the position of a case")
    command.set_defaults(do=positions)
    which = command.add_mutually_exclusive_group(required=True)
    which.add_argument("case", nargs="?", metavar="CASE.json")
    which.add_argument("--lines", type=int, nargs="?", const=1, metavar="N")
    command = commands.add_parser("sample", help="draw an audit sample: BUNDLE, or evaluate PAPER")
    command.set_defaults(do=sample_command)
    command.add_argument("what", nargs="+", metavar="BUNDLE | evaluate PAPER")
    command.add_argument("--method", choices=("random", "mus"), default="random")
    command.add_argument("--size", type=int, choices=range(1, 2001), metavar="N", default=60)
    command.add_argument("--nonce", type=lambda text: NONCE.match(text)[0], metavar="X")
    command.add_argument("--paper", metavar="FILE")
    command.add_argument("--bundle", metavar="FILE", help="of evaluate: where the sample was drawn from")
    command.add_argument("--confidence", type=int, choices=(80, 90, 95), default=95)
    command.add_argument("--json", action="store_true", help="results are always JSON here")
    options = parser.parse_args()
    try:
        return options.do(options)
    except (OSError, SampleRefused) as why:
        sys.exit(str(why))


if __name__ == "__main__":
    sys.exit(main())
