"""`reckoner fsck`: what was stored and not touched is good, and each thing that was touched behind the service's back
is named, by table, key, found and expected."""

import json
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))

import harness  # noqa: E402

PARTS = ["log", "audit", "signatures", "statements", "positions", "documents", "uploads", "statistics", "rows",
         "records"]

# What is done to a row of a table, and what fsck must say: (table, change, what stands in the differences). A change
# that a constraint of the table would see is made so that the constraint is content.
ENTRY = "hash = sha256('\\x00'::bytea || convert_to({0}, 'UTF8')), entry = {0}"
TAMPERED = [
    ("log_entry", "DELETE FROM {t} WHERE leaf = 3", ["log_entry 3: row: found none"]),
    ("log_entry", "DELETE FROM {t} WHERE leaf = (SELECT max(leaf) FROM {t})", ["log_checkpoint ", ": leaves: found "]),
    ("log_entry", "UPDATE {t} SET " + ENTRY.format("replace(entry, '\"number\":1', '\"number\":7')")
     + " WHERE kind = 'document'", ["log_node ", "log_checkpoint ", "document RXA/", ": number: found 1, expected 7"]),
    ("log_entry", "UPDATE {t} SET " + ENTRY.format("'x' || entry") + " WHERE leaf = 2",
     ["log_entry 2: entry: found x"]),
    ("log_entry", "UPDATE {t} SET kind = 'void' WHERE leaf = 2", ["log_entry 2: kind: found void"]),
    ("log_node", "UPDATE {t} SET hash = sha256('x') WHERE level = 1 AND place = 1", ["log_node 1/1: hash: found "]),
    ("log_node", "DELETE FROM {t} WHERE level = 2 AND place = 0", ["log_node 2/0: row: found none"]),
    ("log_node", "INSERT INTO {t} VALUES (3, 999, sha256('x'))", ["log_node 3/999: row: found one"]),
    ("log_checkpoint", "UPDATE {t} SET root = sha256('x') WHERE size = (SELECT max(size) FROM {t})",
     ["log_checkpoint ", ": root: found "]),
    ("log_checkpoint", "UPDATE {t} SET note = replace(note, 'reckoner.invalid/log', 'reckoner.invalid/lag')"
     " WHERE size = (SELECT max(size) FROM {t})", ["log_checkpoint ", ": origin: found "]),
    ("log_checkpoint", "DELETE FROM {t} WHERE size = (SELECT max(size) FROM {t})",
     ["log_checkpoint ", ": row: found none"]),
    ("log_checkpoint", "UPDATE {t} SET sealed_at = sealed_at - interval '1 year' WHERE size = (SELECT max(size) FROM"
     " {t})",
     ["log_checkpoint ", ": signature: found signed before the key was valid"]),
    ("audit_event", "UPDATE {t} SET subject = 'x' WHERE act = 'document.issue'", ["audit_link ", ": hash: found "]),
    ("audit_event", "UPDATE {t} SET at = at + interval '1 second' WHERE id = (SELECT min(id) FROM {t})",
     ["audit_link 1: hash: found "]),
    ("audit_event", "DELETE FROM {t} WHERE act = 'document.issue'", ["audit_event RXA/", ": row: found none"]),
    ("audit_event", "INSERT INTO {t} (provider, at, act, subject) VALUES ('RXA', now(), 'test.act', 'x')",
     ["audit_event RXA/", ": link: found none"]),
    ("audit_link", "DELETE FROM {t} WHERE seq = 2", ["audit_link 2: row: found none"]),
    ("audit_link", "UPDATE {t} SET hash = sha256('x') WHERE seq = 2",
     ["audit_link 2: hash: found ", "audit_link 3: hash: "]),
    ("signed_record", "UPDATE {t} SET bytes = set_byte(bytes, 80, 33), sha256 = sha256(set_byte(bytes, 80, 33))"
     " WHERE purpose = 'receipt'", ["signed_record RXA/", ": signature: found not of these bytes", ": sha256: found "]),
    ("signed_record", "UPDATE {t} SET signature = set_byte(signature, 3, get_byte(signature, 3) # 1) WHERE purpose ="
     " 'receipt'", ["signed_record RXA/", ": signature: found not of these bytes"]),
    ("signed_record", "UPDATE {t} SET minisig = replace(minisig, 'timestamp:1', 'timestamp:2')"
     " WHERE purpose = 'receipt'",
     ["signed_record RXA/", ": minisig: found not of these bytes"]),
    ("signed_record", "DELETE FROM {t} WHERE purpose = 'receipt'", ["signed_record RXA/", ": row: found none"]),
    ("signing_key", "UPDATE {t} SET public_key = sha256('x')", ["signing_key ", ": public_key: found "]),
    ("signing_key", "UPDATE {t} SET valid_to = valid_from + interval '1 day'", ["signing_key ", ": valid_to: found "]),
    ("statement", "DELETE FROM {t} WHERE seq = 1", ["statement RXA/", "/2: statement before: found none"]),
    ("statement", "UPDATE {t} SET previous = sha256('x') WHERE seq = 2",
     ["/2: previous: found ", "/2: previous against the statement: found "]),
    ("statement", "UPDATE {t} SET seq = 9 WHERE seq = 2", ["/9: seq: found 9, expected 2"]),
    ("run", "UPDATE {t} SET position_pence = position_pence + 1 WHERE type = 'FLEX'",
     ["run RXA/", ": sum of the lines: found 183600, expected 183601", ": run.position_pence: found 183601"]),
    ("run_line", "UPDATE {t} SET pence = pence + 1 WHERE line_no = 1",
     ["run_line RXA/", "/1: pence: found ", ": sum of the lines: found "]),
    ("run_line", "DELETE FROM {t} WHERE line_no = 1", ["run_line RXA/", ": row: found none"]),
    ("position", "DELETE FROM {t}", ["run RXA/", ": position: found none"]),
    ("document", "UPDATE {t} SET number = 2 WHERE number = 1",
     ["document RXA/number 1: documents: found none", "document_counter RXA: last: found 1, expected 2"]),
    ("document", "UPDATE {t} SET balance_pence = balance_pence + 1, position_pence = position_pence + 1",
     [": sum of the lines: found ", ": receivable in the ledger: found ", ": balance_pence: found 183601",
      ": document.balance_pence: found 183601"]),
    ("document", "UPDATE {t} SET billed_pence = 1, position_pence = position_pence + 1",
     [": billed before: found 1, expected 0", ": billed_pence: found 1, expected 0"]),
    ("document", "UPDATE {t} SET bill_to = '5QF'", ["document RXA/", ": bill_to: found 5QF, expected 5QE"]),
    ("document", "UPDATE {t} SET drafted_at = drafted_at - interval '1 day'",
     ["document RXA/", ": drafted_at: found "]),
    ("document_line", "UPDATE {t} SET label = 'x' WHERE line_no = 1",
     ["document RXA/", ": sha256 of what it says: found "]),
    ("document", "DELETE FROM {t}", ["document RXA/", ": row: found none issued"]),
    ("document_line", "UPDATE {t} SET pence = pence - 1 WHERE line_no = 1",
     ["document RXA/", ": sum of the lines: found "]),
    ("ledger_posting", "DELETE FROM {t} WHERE seq = 2",
     ["document RXA/", ": sum of the ledger: found 183600, expected 0"]),
    ("terms_approval", "DELETE FROM {t} WHERE side = 'provider'",
     ["terms_approval RXA/", "/1/provider: row: found none"]),
    ("terms", "UPDATE {t} SET body = body || ' ', digest = sha256(convert_to(body || ' ', 'UTF8'))",
     ["terms_approval RXA/", ": digest of the terms: found "]),
    ("audit_sample", "UPDATE {t} SET nonce_sha256 = sha256('x')", ["audit_sample RXA/", ": nonce_sha256: found "]),
    ("audit_sample", "UPDATE {t} SET size = 6", ["audit_sample RXA/", ": size: found 6, expected 5"]),
    ("audit_sample", "DELETE FROM {t}", ["audit_sample RXA/", ": row: found none"]),
    ("submission_chunk", "DELETE FROM {t}", ["submission RXA/", ": pieces stored: found 0, expected 1"]),
    ("submission", "UPDATE {t} SET sha256 = sha256('x')", ["submission RXA/", ": sha256 of the bytes as sent: found "]),
    ("submission", "UPDATE {t} SET begun_at = begun_at - interval '3 days'",
     ["submission RXA/", ": begun_at of the receipt: found "]),
    ("submission_chunk", "UPDATE {t} SET sealed = set_byte(sealed, 5, get_byte(sealed, 5) # 1)",
     [": sha256 of the bytes as sent: found pieces that do not open"]),
    ("row_tree", "UPDATE {t} SET root = sha256('x')",
     ["row_tree RXA/2012-04/1/5QE: root: found ", ": root of 5QE's rows in "]),
    ("row_tree", "DELETE FROM {t}", ["statement RXA/", ": root of 5QE's rows in ", ", expected none"]),
    ("row_tree_block", "UPDATE {t} SET root = sha256('x')", ["row_tree_block RXA/2012-04/1/5QE/0: root: found "]),
    ("row_tree_block", "DELETE FROM {t}", ["row_tree RXA/2012-04/1/5QE: root: found "]),
    ("row_tree_block", "UPDATE {t} SET entries = set_byte(entries, 40, get_byte(entries, 40) # 1)",
     ["row_tree_block RXA/2012-04/1/5QE/0: root: found ", "row_tree RXA/2012-04/1/5QE: root: found "]),
    ("confidential_block", "UPDATE {t} SET sealed = set_byte(sealed, 60, get_byte(sealed, 60) # 1)",
     ["confidential_block RXA/2012-04/1/1: salt and record: found none that opens"]),
    ("confidential_block", "DELETE FROM {t}", ["confidential_block RXA/2012-04/1/10: salt and record: found none"]),
    ("erased_row", "DELETE FROM {t}",
     ["confidential_block RXA/2012-05/1/2: salt and record: found none, and no erasure of the row"]),
    ("episode", "UPDATE {t} SET service = 'CMHT2' WHERE row_no = 4",
     ["row_tree_block RXA/2012-04/1/5QE/0: root: found ", "row_tree RXA/2012-04/1/5QE: root: found "]),
    ("episode", "DELETE FROM {t} WHERE row_no = 4",
     ["row_tree_block RXA/2012-04/1/5QE/0: rows: found 10, expected 9", ": rows: found 10, expected 9"]),
    ("episode", "INSERT INTO {t} SELECT provider, submission, row_no + 10, 'E77', patient, commissioner, cluster,"
     " service, start_date, end_date, mhct_date, referral_date, mhct_reason, admitted_days, assessment_only, continues,"
     " approved, minor, failed, last_contact FROM {t} WHERE row_no = 10",
     ["row_tree RXA/2012-04/1/5QE: rows: found 10, expected 11"]),
]


class Fsck(harness.ServiceCase):
    """One account, a month from FLEX to an issued invoice, and an erased row of the month after."""

    settings = {"worker_poll_ms": 20}

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        contract = cls.agree()
        cls.send([harness.row(n) for n in range(10)])
        for instant, kind in (("2012-05-17T09:00:00Z", "FLEX"), ("2012-06-11T09:00:00Z", "FREEZE")):
            cls.service.set_clock(instant)
            maker = cls.as_person("a.maker")
            asked = maker.post(f"{contract}/accounts/5QE/runs", {"month": "2012-04", "type": kind})
            maker.wait_for_job("RXA", asked["job"])
        path = "/v1/providers/RXA/documents/" + maker.get("/v1/providers/RXA/documents")["items"][0]["id"]
        maker.send("POST", path + "/proposal", headers={"If-Match": maker.send("GET", path).headers["ETag"]})
        checker = cls.as_person("a.checker")
        issued = checker.send("POST", path + "/issue", headers={"If-Match": checker.send("GET", path).headers["ETag"]})
        assert issued.status == 200, issued.body
        statement = maker.get(f"{contract}/accounts/5QE/statements")["items"][0]["id"]
        cls.as_person("audit.one").post(f"/v1/providers/RXA/statements/{statement}/samples",
                                        {"method": "random", "size": 5, "nonce_sha256": "ab" * 32})
        may = cls.send([harness.row(n, "2012-05") for n in range(20, 30)], month="2012-05")
        asked = maker.post("/v1/providers/RXA/erasures", {"submission": may["submission"], "row": 2,
                                                          "reason": "the patient asked for it"})
        approved = checker.post(f"/v1/providers/RXA/erasures/{asked['erasure']}/approve")
        maker.wait_for_job("RXA", approved["job"])
        cls.wait_until(lambda: cls.value("SELECT NOT EXISTS (SELECT FROM reckoner.log_pending) AND NOT EXISTS (SELECT"
                                         " FROM reckoner.audit_pending) AND EXISTS (SELECT FROM"
                                         " reckoner.freeze_certificate)") == "t", what="the log")
        # Nothing moves while things are tampered with.
        cls.service.kill_worker()

    def fsck(self, *arguments):
        done = self.service.command("fsck", "--seal-key", self.service.keys_dir / "seal.key", *arguments, check=False)
        self.assertIn(done.returncode, (0, 1), done.stderr)
        self.assertTrue(done.stdout, done.stderr)
        return done.returncode, done.stdout.splitlines()

    def change(self, sql):
        self.query(f"BEGIN; SET session_replication_role = replica; {sql}; COMMIT")

    def test_1_what_was_not_touched_is_good(self):
        status, lines = self.fsck()
        self.assertEqual((status, lines[-1]), (0, "Nothing differs."), "\n".join(lines))
        self.assertEqual([line.split()[:2] for line in lines[:-1]], [[part, "good"] for part in PARTS])
        counts = {line.split()[0]: int(line.split()[2]) for line in lines[:-1]}
        self.assertTrue(all(counts.values()), counts)
        status, lines = self.fsck("--json")
        parts = [json.loads(line) for line in lines]
        self.assertEqual([part.get("part") for part in parts], [*PARTS, None])
        self.assertEqual(parts[-1], {"differences": 0, "result": "good"})

    def test_2_each_thing_that_was_touched_is_named(self):
        for table, change, said in TAMPERED:
            with self.subTest(table=table, change=change):
                name = f"reckoner.{table}"
                columns = self.value("SELECT string_agg(quote_ident(attname), ', ' ORDER BY attnum) FROM pg_attribute"
                                     f" WHERE attrelid = '{name}'::regclass AND attnum > 0 AND attgenerated = ''"
                                     " AND NOT attisdropped")
                self.query(f"CREATE TABLE public.kept AS SELECT {columns} FROM {name}")
                try:
                    self.change(change.format(t=name))
                    status, lines = self.fsck()
                    _, objects = self.fsck("--json")
                finally:
                    self.change(f"DELETE FROM {name}; INSERT INTO {name} ({columns})"
                                " OVERRIDING SYSTEM VALUE TABLE public.kept;"
                                " DROP TABLE public.kept")
                shown = "\n".join(lines)
                self.assertEqual(status, 1, shown)
                for words in said:
                    self.assertIn(words, shown)
                # Of the thing that was touched, or what follows from it; and as many objects as lines.
                told = [json.loads(line) for line in objects]
                self.assertEqual(sum("table" in one for one in told), told[-1]["differences"])
                self.assertEqual([o["part"] for o in told if "result" in o and "part" in o], PARTS)
        self.assertEqual(self.fsck()[0], 0)

    def test_3_a_part_alone_and_what_is_no_part(self):
        self.assertEqual(self.fsck("--part", "audit")[1][0].split()[:2], ["audit", "good"])
        narrowed = [line.split()[0] for line in self.fsck("--provider", "RXA")[1][:-1]]
        self.assertEqual(narrowed, ["uploads", "statistics", "rows", "records"])
        self.assertEqual(self.service.command("fsck", "--part", "rubbish", check=False).returncode, 2)
        wrong = self.service.command("fsck", "--seal-key", "/nowhere", check=False)
        self.assertEqual(wrong.returncode, 1)
        self.assertIn("no key to read them", wrong.stdout)

    def test_4_an_entry_that_no_worker_takes_is_noticed(self):
        self.query("INSERT INTO reckoner.log_pending (kind, subject, entry, left_at) VALUES ('void', 'x', '{}',"
                   " now() - interval '2 hours')")
        status, lines = self.fsck("--part", "log")
        self.query("DELETE FROM reckoner.log_pending")
        self.assertEqual(status, 1)
        self.assertIn("entries that wait too long: found 1, expected 0", lines[0])

    def test_5_a_position_that_is_none_is_named(self):
        """As a damaged page would leave it: a table in its place stands for that, since the database refuses such a
        body."""
        table = "reckoner.position"
        newest = self.value("SELECT encode(position_sha256, 'hex') FROM reckoner.run WHERE type = 'FREEZE'")
        for what, body, said in (("no JSON", "'no JSON ' || body", ": body: found line 1, column 2"),
                                 ("no list", "replace(body, '\"adjustments\":[]', '\"adjustments\":1')", "")):
            with self.subTest(what=what):
                self.query(f"BEGIN; ALTER TABLE {table} RENAME TO position_kept; CREATE TABLE {table} AS SELECT * FROM"
                           f" reckoner.position_kept; GRANT SELECT ON {table} TO PUBLIC;"
                           f" UPDATE {table} SET body = {body} WHERE sha256 = '\\x{newest}'; COMMIT")
                try:
                    status, lines = self.fsck("--part", "positions")
                finally:
                    self.query(f"BEGIN; DROP TABLE {table}; ALTER TABLE reckoner.position_kept RENAME TO position;"
                               " COMMIT")
                shown = "\n".join(lines)
                self.assertEqual(status, 1, shown)
                self.assertIn(f"position RXA/{newest}: sha256 of the body: found ", shown)
                self.assertIn(said, shown)
                # To its end, not up to what cannot be read.
                self.assertRegex(lines[-1], "^[0-9]+ differences\\.$")
        self.assertEqual(self.fsck("--part", "positions")[0], 0)


if __name__ == "__main__":
    harness.main()
