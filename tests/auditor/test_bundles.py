"""The auditor's program on bundles made by hand: each stage is good where nothing was touched, and names what was."""

import json
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

import handmade  # noqa: E402
import harness  # noqa: E402
from handmade import auditor, row  # noqa: E402

FILE = pathlib.Path(auditor.__file__)
TERMS = {
    "@purpose": "reckoner/terms/1", "financial_year": 2012, "effective_from": "2012-04", "mode": "live",
    "calendar": {"flex": {"operational_days": 10}, "freeze": {"operational_days": 20}},
    "parties": {"RXA": {"name": "A Trust", "address": ["1 Road"]},
                "5QE": {"name": "A Commissioner", "address": ["2 Road"], "buyer_reference": "PO-1"}},
    "prices": [{"cluster": "04", "basis": "DAY", "pence": 612}, {"cluster": "05", "basis": "DAY", "pence": 1700},
               {"cluster": "11", "basis": "PERIOD", "pence": 234567, "period_days": 28, "renewable": True},
               {"cluster": "04", "basis": "ASSESSMENT", "pence": 5000}],
    "plan": {"lines": [{"cluster": "04", "basis": "DAY", "units": [60] * 12}]},
    "risk_share": {"preset": "dead_band", "to": "2%", "pay_over": "30%", "pay_under": "50%"},
    "cquin": {"rate": "2.5%", "on_account": "100%", "indicators": [
        {"id": "reviews", "label": "Reviews", "weight": "100%", "measure": "step",
         "thresholds": [{"at": "80%", "earns": "100%"}]}]}}
ROWS = {"2012-04": [row(1, "04", "2012-03-05"), row(2, "05", "2012-04-11", failed="D10 K05"),
                    row(5, "11", "2012-04-10", tag="zxwvtsrqpnmlkjhgfdcb", mhct_reason=10),
                    row(7, "04", "2012-04-03", "2012-04-03", assessment_only=1, tag="t" * 20),
                    row(8, "04", "2012-04-03", failed="P01")],
        "2012-05": [row(1, "04", "2012-03-05"), row(2, "11", "2012-04-10", tag="zxwvtsrqpnmlkjhgfdcb")]}
NAMES = [check.__name__[len("check_"):] for check in auditor.CHECKS]


class Bundles(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.key, cls.other = handmade.Key("0807060504030201"), handmade.Key("0807060504030201")
        cls.addClassCleanup(cls.key.folder.cleanup)
        cls.addClassCleanup(cls.other.folder.cleanup)

    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.kept = pathlib.Path(self.folder.name) / "kept.pub"

    def world(self, month="2012-05", **inputs):
        rows = {m: list(lines) for m, lines in ROWS.items() if m <= month}
        return handmade.World(self.key, rows, TERMS, month, **inputs)

    def verdict(self, data, key=True, kept=None):
        key = self.key.minisign if key is True else key
        path = pathlib.Path(self.folder.name) / "bundle.tar"
        path.write_bytes(data)
        checks = auditor.verdict_on(auditor.Bundle(str(path), key, kept))
        self.agree(checks, self.service(path, key, kept))
        return checks

    def service(self, path, key, kept):
        """The verdict of the service's own program."""
        command = [str(harness.BUILD / "reckoner-verify"), str(path), "--json"]
        for option, content in (("--key", key), ("--checkpoint", kept)):
            if content:
                file = path.with_name(option[2:])
                file.write_bytes(content)
                command += [option, str(file)]
        run = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False)
        self.assertIn(run.returncode, (0, 1), run.stderr)
        answer = json.loads(run.stdout)
        self.assertEqual(answer["good"], run.returncode == 0)
        return answer["checks"]

    def agree(self, ours, theirs):
        """On the first stage that differs; when none does, on every stage."""
        wrong = [[(c["check"], c["detail"]) for c in checks if c["outcome"] == "differs"] for checks in (ours, theirs)]
        if wrong[0] and wrong[1]:
            self.assertEqual(wrong[0][0][0], wrong[1][0][0], wrong)
        else:
            self.assertEqual(wrong[0], wrong[1])
            outcomes = [{c["check"]: c["outcome"] for c in checks} for checks in (ours, theirs)]
            self.assertEqual(outcomes[0], outcomes[1])

    def good(self, data, *not_checked, **more):
        checks = self.verdict(data, **more)
        self.assertEqual([c["check"] for c in checks], NAMES)
        wrong = [c for c in checks if c["outcome"] != ("not_checked" if c["check"] in not_checked else "good")]
        self.assertEqual(wrong, [])

    def first(self, data, stage, words, **more):
        """The first stage that differs, and what it says."""
        wrong = [c for c in self.verdict(data, **more) if c["outcome"] == "differs"]
        found = wrong[0] if wrong else {"check": None, "detail": ""}
        self.assertEqual(found["check"], stage, found)
        self.assertIn(words, found["detail"])

    def test_a_file_that_cannot_be_read_is_no_bundle_that_differs(self):
        programs = ([str(harness.BUILD / "reckoner-verify")], [sys.executable, "-I", auditor.__file__, "verify"])
        for path in (f"{self.folder.name}/absent.tar", self.folder.name):
            for program in programs:
                with self.subTest(program=program, path=path):
                    run = subprocess.run([*program, path], capture_output=True, text=True, check=False)
                    self.assertEqual((run.returncode, run.stdout), (1, ""), run.stderr)
                    self.assertIn(path, run.stderr)
                    self.assertNotIn("Traceback", run.stderr)

    def test_help_is_no_mistake(self):
        run = subprocess.run([str(harness.BUILD / "reckoner-verify"), "--help"], capture_output=True, text=True,
                             check=False)
        self.assertEqual((run.returncode, run.stderr), (0, ""))
        self.assertIn("usage: reckoner-verify BUNDLE", run.stdout)

    def test_a_bundle_that_was_not_touched(self):
        world = self.world()
        self.good(world.make(), "document")
        self.good(world.make(), "document", "key", key=None)
        world.issued = True
        self.good(world.make())
        world.bills = world.issued = False
        self.good(world.make())

    def test_money_is_computed_from_the_rows(self):
        """By hand: days of April and May at £6.12 and £17.00, periods of 28 days, an assessment of two referrals."""
        lines = {line["key"]: (line["units"], line["pence"]) for line in self.world().position("2012-05")["lines"]
                 if line["stage"] == "activity"}
        self.assertEqual(lines, {
            "activity/2012-04/04/DAY/612": (30, 18360), "activity/2012-04/04/ASSESSMENT/5000": (1, 5000),
            "activity/2012-04/05/DAY/1700": (20, 34000),
            "activity/2012-04/11/PERIOD/234567": (21, 175925), "activity/2012-05/04/DAY/612": (31, 18972),
            "activity/2012-05/11/PERIOD/234567": (31, 259699)})

    def members(self, **changes):
        world = self.world()
        world.issued = True
        return world.members()

    def test_the_form_of_the_archive(self):
        members = self.members()
        data = handmade.archive(members)
        at = data.index(b"inputs.json")
        self.first(data[:at + 100] + b"0000600\0" + data[at + 108:], "form", "inputs.json")
        self.first(data[:-512], "form", "two blocks of NUL")
        self.first(data + bytes(512), "form", "two blocks of NUL")
        self.first(data[:5000], "form", "")
        self.first(handmade.archive(dict(sorted(members.items()))), "form", "stands behind")
        self.first(handmade.archive(members | {"more.json": b"{}"}), "form", "more.json does not belong")
        self.first(handmade.archive({n: m for n, m in members.items() if n != "checkpoint"}), "form", "checkpoint")
        for wrong, words in ((b'{"a":1,"a":2}', "member twice"), (b'{"b":1,"a":2}', "byte 3"), (b'{"a": 1}', "byte 6"),
                             (b'{"a":1.5}', "number"), (b'{"a":1e3}', "number"), (b'{"a":NaN}', "number"),
                             (b'{"a":9007199254740992}', "number"), (b'{"a":"\\n"}', "control"), (b"\xff", "no JSON"),
                             (b'{"a":"\\u0041"}', "byte 7"), (b"{}\n", "byte 3"), (b'{"a":"\\ud800"}', "no JSON")):
            self.first(handmade.archive(members | {"log.json": wrong}), "form", words)

    def test_bytes_that_were_touched(self):
        members = self.members()
        pub = "keys/%s.pub" % self.key.id
        other = self.other
        statement = members["statement.json"]
        for name, change, stage, words in (
                ("statement.json", lambda data: data.replace(b'"a test"', b'"a lest"'), "signature", ""),
                ("statement.json", lambda data: data.replace(b'"units":30', b'"units":31', 1), "content", "SHA-256"),
                ("statement.json.sig", lambda data: other.sign(statement), "signature", "no signature"),
                ("statement.json.minisig", lambda data: other.minisig(statement), "signature", "minisig"),
                ("statement.json.minisig", lambda data: data.replace(b"file:", b"fine:"), "signature", "comment"),
                (pub, lambda data: other.minisign, "signature", "no signature"),
                ("keys/%s.pem" % self.key.id, lambda data: other.pem, "key", ".pem"),
                ("checkpoint", lambda data: data.replace(b"/log\n", b"/lag\n", 1), "checkpoint",
                 "not signed and cosigned"),
                ("log.json", lambda data: data.replace(b'"side":"provider"', b'"side":"provides"'), "inclusion", "/1"),
                ("terms/1.json", lambda data: data.replace(b"612", b"613"), "terms", "terms/1.json"),
                ("receipts/2012-04.json.sig", lambda data: data[::-1], "receipts", "2012-04"),
                ("rows/2012-04.csv", lambda data: data.replace(b"2012-03-05", b"2012-03-06"), "rows", "root"),
                ("rows/2012-04.csv", lambda data: data.replace(b"2012-03-05", b"2012-02-30", 1), "rows", "line 2"),
                ("rows/2012-04.csv", lambda data: data.replace(b",04,,", b',04,"",', 1), "rows", "line 2"),
                ("rows/2012-04.csv", lambda data: b"\n".join(data.split(b"\n")[:-2]) + b"\n", "rows", "number of rows"),
                ("rows/2012-05.csv", lambda data: data.replace(b"\n2,", b"\n1,"), "rows", "row 1 behind row 1"),
                ("document.json", lambda data: data.replace(b'"number":7', b'"number":8'), "document", "/number"),
                ("document.json", lambda data: data.replace(b'"pence":18360', b'"pence":18361'), "document",
                 "line 1 (activity/2012-04/04/DAY/612), pence is 18361, expected 18360"),
                ("document.json", lambda data: data.replace(b'"bill_to":"5QE"', b'"bill_to":"5QF"'), "document",
                 "/bill_to"),
                ("document.json", lambda data: data.replace(b'"opening_pence":0', b'"opening_pence":1'), "document",
                 "the digest of document.json"),
                ("inputs.json", lambda data: data.replace(b'"month":"2012-05"', b'"month":"2012-06"'), "inputs",
                 "/month"),
                ("inputs.json", lambda data: data.replace(b'"known_at"', b'"known_it"'), "inputs", "known_it")):
            changed = change(members[name])
            self.assertNotEqual(changed, members[name], name)
            with self.subTest(name=name, words=words):
                self.first(handmade.archive(members | {name: changed}), stage, words)
        without = {name: data for name, data in members.items() if not name.startswith("receipts/2012-05")}
        self.first(handmade.archive(without), "form", "receipts/2012-05.json is missing")
        without = {name: data for name, data in members.items() if "/2012-05." not in name}
        self.first(handmade.archive(without), "receipts", "months of receipts")

    def test_due_dates(self):
        """Issued on 3 July 2012, a Tuesday. That 4 July is a bank holiday is stated and taken as such."""
        dates = ["2012-%02d-15" % m for m in range(5, 13)] + ["2013-%02d-15" % m for m in range(1, 5)]
        for payment, due, holidays, words in (
                ({"operational_days": 4}, "2012-07-09", [], None),
                ({"operational_days": 4}, "2012-07-10", ["2012-07-04"], None),
                ({"operational_days": 4}, "2012-07-10", [], "/due_on"),
                ({"operational_days": 4}, None, None, "/due_on"),
                ({"operational_days": 4}, "2012-07-09", ["2012-07-03"], "/due_holidays"),
                ({"operational_days": 4}, "2012-07-09", ["2012-07-10"], "/due_holidays"),
                ({"dates": dates}, "2012-07-15", [], None), ({"dates": dates}, "2012-06-15", [], "/due_on"),
                ({"dates": dates}, "2012-07-15", ["2012-07-04"], "/due_holidays"),
                (None, None, None, None), (None, "2012-07-09", [], "/due_on")):
            with self.subTest(payment=payment, due=due, holidays=holidays):
                world = self.world()
                calendar = TERMS["calendar"] | ({"payment": payment} if payment else {})
                world.terms = {1: handmade.compact(TERMS | {"calendar": calendar})}
                world.inputs["terms"][0]["sha256"] = handmade.digest(world.terms[1])
                world.issued = True
                world.due = {"due_on": due, "due_holidays": holidays} if due else {}
                if words:
                    self.first(world.make(), "document", words)
                else:
                    self.good(world.make())
        members = world.members()
        members["document.json"] = handmade.compact(json.loads(members["document.json"]) | {"due_on": "2012-07-10"})
        self.first(handmade.archive(members), "document", "/due_on")

    def test_a_document_whose_entry_is_of_the_first_version(self):
        """Nothing says who was billed: it is taken as stated."""
        world = self.world()
        world.issued, world.log_version = True, 1
        members = world.members()
        self.good(handmade.archive(members))
        self.assertNotIn(b"reckoner/log/2", members["log.json"])
        self.good(handmade.archive(members | {
            "document.json": members["document.json"].replace(b'"bill_to":"5QE"', b'"bill_to":"5QF"')}))

    def test_what_was_signed_wrong(self):
        """A service that signs something else than its own inputs say."""
        def signed_with(words, **changes):
            world = self.world()
            right = world.statement()
            world.statement = lambda: right | changes
            stage, words = words
            self.first(world.make(), stage, words)

        world = self.world()
        position = world.position("2012-05")

        def with_position(change):
            changed = json.loads(json.dumps(position))
            change(changed)
            total = sum(line["pence"] for line in changed["lines"])
            changed |= {"total_pence": total, "billable_pence": total}
            digest = handmade.digest(handmade.compact(changed))
            billing = {"month": "2012-05", "position_sha256": digest, "position": None, "billable_pence": total}
            return {"position": changed, "position_sha256": digest, "position_pence": total, "billing": billing,
                    "balance_pence": total, "draft": None}

        for change, words in (
                (lambda p: p["lines"][0].update(pence=1),
                 "/position/lines/0 (activity/2012-04/04/DAY/612)/pence is 1, recomputed 18360"),
                (lambda p: p["lines"].pop(), "/position/lines has"),
                (lambda p: p["lines"][1]["derivation"]["inputs"].update(units=9), "derivation/inputs/units"),
                (lambda p: p["figures"].update(P_pence=9), "/figures/P_pence is 9"),
                (lambda p: p["notes"].append("x"), "/notes"),
                (lambda p: p.update(known_at="2013-01-01T00:00:00.000000Z"), "/known_at")):
            signed_with(("position", words), **with_position(change))
        billing = world.statement()["billing"] | {"billable_pence": 1}
        signed_with(("content", "/billing/billable_pence"), billing=billing)
        signed_with(("previous", "sequence"), sequence=2)
        signed_with(("content", "/sequence"), sequence="1")
        signed_with(("receipts", "/rows"), submissions=[s | {"rows": 99} for s in world.statement()["submissions"]])

    def test_keys_and_checkpoints(self):
        data = self.world().make()
        self.first(data, "key", "the statement's key", key=self.other.pem)
        self.first(data, "key", "the statement's key", key=self.other.minisign)
        self.good(data, "document", key=self.key.pem)
        note = self.members()["checkpoint"]
        self.good(self.world().make(), "document", "checkpoint", kept=note)  # that one has an entry more
        same = self.world()
        self.good(same.make(), "document", kept=same.members()["checkpoint"])
        fork = self.world()
        fork.approved_at = "2012-03-21T09:00:00.000000Z"
        self.first(data, "checkpoint", "root", kept=fork.members()["checkpoint"])
        late = self.world()
        entries = list(late.entries(late.statement(), None))
        late.entries = lambda *_: [entries[0] | {"valid_to": "2012-06-30T00:00:00.000000Z"}] + entries[1:]
        self.first(late.make(), "key", "was not valid")
        late.entries = lambda *_: [entries[0] | {"valid_to": late.statement()["sealed_at"]}] + entries[1:]
        self.first(late.make(), "key", "was not valid")  # the end is the first instant that counts no longer

    def test_a_key_that_others_got_hold_of(self):
        """What it signed counts where it stood in the log before the loss was told, whatever date it bears."""
        world = self.world()
        entries = list(world.entries(world.statement(), None))
        lost = entries[0] | {"valid_to": "2013-01-01T00:00:00.000000Z", "lost": True}
        world.entries = lambda *_: [*entries, lost]
        self.good(world.make(), "document")
        world.entries = lambda *_: [*entries[:-1], lost, entries[-1]]
        self.first(world.make(), "key", "behind the loss")

    def test_rows_moved_in_and_out_and_what_was_decided(self):
        """By hand, of May: row 1 at £17.00 for 10 days; row 2 gone to another; one of theirs, 5 days at £6.12, here."""
        said = {"number": 1, "row_sha256": "a" * 64, "agreed_at": "2012-06-20T09:00:00.000000Z"}
        world = self.world(
            decisions=[said | {"month": "2012-05", "row": 1, "cluster": "05"},
                       said | {"month": "2012-05", "row": 1, "payable_days": 10, "number": 2}],
            reattributions=[said | {"month": "2012-05", "row": 2, "from": "5QE", "to": "5QF"},
                            said | {"month": "2012-05", "row": 9, "row_sha256": "b" * 64, "from": "5QF", "to": "5QE",
                                    "tag": "bcdfghjklmnpqrstvwxz"}])
        world.others["2012-05", "5QF"] = [row(3, "04", "2012-05-02"), row(9, "04", "2012-05-27"),
                                          row(11, "05", "2012-05-02")]
        world.moved = [("2012-05", "5QF", 9)]
        lines = {line["key"]: (line["units"], line["pence"]) for line in world.position("2012-05")["lines"]
                 if line.get("month") == "2012-05"}
        self.assertEqual(lines, {"activity/2012-05/04/DAY/612": (5, 3060), "activity/2012-05/05/DAY/1700": (10, 17000)})
        self.good(world.make(), "document")
        members = world.members()
        del members["moved.csv"]
        self.first(handmade.archive(members), "inputs", "moved.csv")
        members = world.members()
        members["moved.csv"] = members["moved.csv"].replace(b"5QF,1,", b"5QF,2,")
        self.first(handmade.archive(members), "rows", "moved.csv, line 2")
        world.inputs["decisions"][0]["row"] = 77
        self.first(world.make(), "inputs", "row 77 of 2012-05")

    def test_assessments_of_one_referral(self):
        """Two rows claim one referral on one day: the first earns, as stated; none when one of another won it."""
        both = {"mhct_date": "2012-04-11", "mhct_reason": 10, "referral_date": "2012-04-01", "tag": "p" * 20}
        rows = {"2012-04": [row(3, "04", "2012-04-11", **both), row(4, "05", "2012-04-11", **both)]}

        def earned(**inputs):
            world = handmade.World(self.key, rows, TERMS, "2012-04", **inputs)
            return [line["key"] for line in world.position("2012-04")["lines"] if line.get("basis") == "ASSESSMENT"]

        self.assertEqual(earned(), ["activity/2012-04/04/ASSESSMENT/5000"])
        self.assertEqual(earned(elsewhere=[{"month": "2012-04", "row": 3}, {"month": "2012-04", "row": 4}]), [])
        terms = json.loads(json.dumps(TERMS))
        terms["prices"].append({"cluster": "05", "basis": "ASSESSMENT", "pence": 7000})
        order = [{"month": "2012-04", "rows": [4, 3]}]
        world = handmade.World(self.key, rows, terms, "2012-04", same_day=order)
        keys = [line["key"] for line in world.position("2012-04")["lines"]]
        self.assertIn("activity/2012-04/05/ASSESSMENT/7000", keys)

    def test_a_statement_behind_another(self):
        """The document is the difference from what was billed; the other statement is the one before, too."""
        april = self.world("2012-04")
        first = april.statement()
        may = self.world(documents=[{"document": "d" * 20, "number": 6, "kind": "invoice", "run": "r" * 20,
                                     "pence": first["balance_pence"], "issued_at": "2012-06-28T09:00:00.000000Z"}])
        may.previous = may.billed = first
        may.issued = True
        may.document = lambda s: handmade.World.document(may, s) | {"lines": [
            line | {"line_no": n} for n, line in enumerate(self.differences(first, s), 1)]}
        self.good(may.make())
        members = may.members()
        del members["billed.json"], members["billed.json.sig"]
        self.first(handmade.archive(members), "document", "number of lines")
        may.previous = first | {"sequence": 3}
        data = may.make()
        self.good(data)
        data = handmade.archive(may.members() | {"previous.json": handmade.compact(first)})
        self.first(data, "previous", "previous_sha256")

    @staticmethod
    def differences(before, now):
        old = {line["key"]: line for line in before["position"]["lines"]}
        for line in now["position"]["lines"]:
            was = old.get(line["key"], {"pence": 0, "units": 0})
            line = {name: value for name, value in line.items() if name not in ("billable", "derivation")}
            if line["pence"] != was["pence"] or line["key"] not in old:
                more = {"units": line["units"] - was["units"]} if "units" in line else {}
                yield line | {"pence": line["pence"] - was["pence"]} | more

    def test_it_runs_alone(self):
        """A copy in an empty folder, isolated from everything but Python and openssl."""
        folder = pathlib.Path(self.folder.name)
        shutil.copy(FILE, folder / "auditor.py")
        (folder / "bundle.tar").write_bytes(self.world().make())
        self.kept.write_bytes(self.key.minisign)
        command = [sys.executable, "-I", "auditor.py", "verify", "bundle.tar", "--key", "kept.pub"]
        run = subprocess.run(command, cwd=folder, env={"PATH": "/usr/bin:/bin"}, stdout=subprocess.PIPE, text=True,
                             check=False)
        self.assertEqual(run.returncode, 0, run.stdout)
        self.assertIn("good         position: 2012-05: 8 lines", run.stdout)
        (folder / "bundle.tar").write_bytes(handmade.archive(self.members() | {"inputs.json": b"{}"}))
        run = subprocess.run([*command, "--json"], cwd=folder, stdout=subprocess.PIPE, text=True, check=False)
        answer = json.loads(run.stdout)
        self.assertEqual((run.returncode, answer["good"]), (1, False))
        self.assertTrue(answer["first_difference"].startswith("inputs: "), answer)
        imported = {line.split()[1].split(".")[0] for line in FILE.read_text(encoding="utf-8").splitlines()
                    if line.startswith(("import ", "from "))}
        self.assertLessEqual(imported, sys.stdlib_module_names)


if __name__ == "__main__":
    unittest.main()
