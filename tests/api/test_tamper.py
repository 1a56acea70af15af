"""Bundles that the service made, with one thing touched in each: both verifiers name that thing, and the same."""

import base64
import json
import pathlib
import shutil
import sys
import tempfile

TESTS = pathlib.Path(__file__).resolve().parents[1]
sys.path[:0] = [str(TESTS / "lib"), str(TESTS / "auditor")]

import bundles  # noqa: E402
import handmade  # noqa: E402
import harness  # noqa: E402

APRIL, MAY = "2012-04", "2012-05"


def changed(data, old, new, count=1):
    old, new = old.encode(), new.encode()
    if old not in data:
        raise AssertionError(f"{old} is not in {data[:400]}")
    return data.replace(old, new, count)


def lines_of(data):
    return data.decode().splitlines(keepends=True)


def with_json(data, change):
    value = json.loads(data)
    change(value)
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()


class Tamper(harness.ServiceCase):
    """Two months of an account billed, agreed and issued; the bundle of the second is what gets touched."""

    workers = 1
    settings = {"worker_poll_ms": 20, "exports_per_day": 100}

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.folder = pathlib.Path(tempfile.mkdtemp(prefix="reckoner-tamper-"))
        cls.addClassCleanup(shutil.rmtree, cls.folder)
        contract = cls.agree(terms=harness.simple_terms(cquin={
            "rate": "2.5%", "on_account": "100%", "indicators": [
                {"id": "reviews", "label": "Reviews", "weight": "100%", "measure": "step",
                 "thresholds": [{"at": "80%", "earns": "100%"}]}]}))
        cls.agree(commissioner="5QF", terms=harness.simple_terms(commissioner="5QF"),
                  authors=("a.author", "a.maker", "f.one"))
        account = contract + "/accounts/5QE"
        rows = [harness.row(n) for n in range(8)] + [harness.row(8, cluster="09"),
                                                      harness.row(9, admitted_days="3", end_date="2012-04-12")]
        cls.send(rows)
        ours, theirs = cls.as_person("a.maker"), cls.as_person("e.one")
        asked = ours.post(account + "/agreements", {"kind": "adjustment", "month": APRIL, "pence": -2500,
                                                    "label": "Counted twice"})
        theirs.post(f"{account}/agreements/{asked['n']}/agree")
        cls.statements = [cls.billed(account, "2012-06-11T09:00:00Z", APRIL)]
        cls.wait_until(lambda: cls.value("SELECT count(*) FROM reckoner.log_pending") == "0", what="the log")
        cls.older = cls.as_person(None).bytes("/v1/log/checkpoint")
        cls.send([harness.row(n, MAY) for n in range(9)], month=MAY)
        cls.statements.append(cls.billed(account, "2012-07-11T09:00:00Z", MAY))
        cls.other = cls.statement_of_another()
        cls.paths = [cls.fetched(f"{n}.tar", s) for n, s in enumerate([*cls.statements, cls.other])]
        cls.april, cls.held, cls.fenwick = (bundles.members(path) for path in cls.paths)
        cls.key_id = json.loads(cls.held["statement.json"])["key_id"]
        cls.stranger = handmade.Key(cls.key_id)
        cls.addClassCleanup(cls.stranger.folder.cleanup)

    @classmethod
    def billed(cls, account, instant, month):
        """A FREEZE of the month, its document issued; the statement's id."""
        cls.service.set_clock(instant)
        maker, checker = cls.as_person("a.maker"), cls.as_person("a.checker")
        asked = maker.post(f"{account}/runs", {"month": month, "type": "FREEZE"})
        maker.wait_for_job("RXA", asked["job"])
        run = maker.get(f"/v1/providers/RXA/runs/{asked['run']}")
        assert run["document"], run
        path = f"/v1/providers/RXA/documents/{run['document']}"
        proposed = maker.send("POST", path + "/proposal",
                              headers={"If-Match": maker.send("GET", path).headers["ETag"]})
        issued = checker.send("POST", path + "/issue", headers={"If-Match": proposed.headers["ETag"]})
        assert issued.status == 200, issued.body
        return run["statement"]

    @classmethod
    def statement_of_another(cls):
        maker = cls.as_person("a.maker")
        contract = next(c for c in maker.pages("/v1/contracts") if c["commissioners"] == ["5QF"])["contract"]
        asked = maker.post(f"/v1/providers/RXA/contracts/{contract}/accounts/5QF/runs", {"month": APRIL,
                                                                                     "type": "FREEZE"})
        maker.wait_for_job("RXA", asked["job"])
        return maker.get(f"/v1/providers/RXA/runs/{asked['run']}")["statement"]

    @classmethod
    def fetched(cls, name, statement):
        cls.wait_until(lambda: cls.value("SELECT count(*) FROM reckoner.log_pending") == "0", what="the log")
        path = cls.folder / name
        path.write_bytes(bundles.ask(cls.as_person("a.maker"), statement))
        return path

    # Judging

    def judged(self, data, more):
        """The first stage that differs and its words, of both verifiers, which must be the same stage."""
        path = self.folder / "touched.tar"
        path.write_bytes(data)
        found = []
        for verify in (bundles.ours, bundles.theirs):
            status, report = verify(path, *more)
            wrong = [c for c in report["checks"] if c["outcome"] == "differs"]
            self.assertEqual(status, 1 if wrong else 0, report)
            found.append((wrong[0]["check"], wrong[0]["detail"]) if wrong else (None, ""))
        return found

    def names(self, data, stage, words, *more):
        for program, (check, detail) in zip(("reckoner", "auditor"), self.judged(data, more)):
            self.assertEqual(check, stage, f"{program}: {detail}")
            self.assertIn(words, detail, program)

    def written(self, held):
        bundles.write(self.folder / "written.tar", held)
        return (self.folder / "written.tar").read_bytes()

    def each(self, cases):
        """(member, change of its bytes, stage, words that name the thing) of the bundle of May."""
        for name, change, stage, words in cases:
            name = name.replace("{key}", self.key_id)
            touched = change(self.held[name])
            self.assertNotEqual(touched, self.held[name])
            with self.subTest(name=name, stage=stage, words=words):
                self.names(self.written(self.held | {name: touched}), stage, words)

    def test_0_what_was_not_touched_is_good(self):
        for path in self.paths:
            self.assertEqual(self.judged(path.read_bytes(), ()), [(None, "")] * 2)

    def test_1_the_archive(self):
        data, held = self.paths[1].read_bytes(), self.held
        names = list(held)
        swapped = names[:]
        swapped[-1], swapped[-2] = names[-2], names[-1]
        at = data.index(b"\0" * 20, data.index(b"rows/2012-05.csv")) - len("rows/2012-05.csv")
        for what, touched, words in (
                ("cut short", data[:-512], ""),
                ("cut in a row", data[:at + 700], ""),
                ("a block more", data + bytes(512), ""),
                ("a mode", data[:at + 100] + b"0000755\0" + data[at + 108:], "rows/"),
                ("order", self.written({name: held[name] for name in swapped}), names[-2]),
                ("a stranger's member", self.written(held | {"zz.json": b"{}"}), "zz.json"),
                ("no receipt", self.written({n: d for n, d in held.items() if n != "receipts/2012-05.json"}),
                 MAY),
                ("no signature", self.written({n: d for n, d in held.items() if n != "statement.json.sig"}),
                 "statement.json.sig"),
                ("not canonical", self.written(held | {"inputs.json": held["inputs.json"] + b"\n"}), "inputs.json")):
            with self.subTest(what=what):
                self.names(touched, "form", words)

    def test_2_statement_and_signatures(self):
        statement = self.held["statement.json"]
        balance = json.loads(statement)["balance_pence"]
        self.each([
            ("statement.json", lambda d: changed(d, '"units":279', '"units":280'), "content", "SHA-256"),
            ("statement.json", lambda d: changed(d, f'"balance_pence":{balance}', f'"balance_pence":{balance + 1}'),
             "content", "balance"),
            ("statement.json", lambda d: changed(d, '"sequence":2', '"sequence":3'), "signature", ""),
            ("statement.json", lambda d: changed(d, '"reckoner/statement/1"', '"reckoner/receipt/1"'), "content",
             "purpose"),
            ("statement.json.sig", lambda d: bytes([d[0] ^ 1]) + d[1:], "signature", ""),
            ("statement.json.sig", lambda d: self.stranger.sign(statement), "signature", ""),
            ("statement.json.minisig", lambda d: changed(d, "file:", "fail:"), "signature", "comment"),
            ("statement.json.minisig", lambda d: self.stranger.minisig(statement), "signature", "minisig"),
            ("keys/{key}.pem", lambda d: self.stranger.pem, "key", self.key_id),
            ("keys/{key}.pub", lambda d: self.stranger.minisign, "signature", ""),
            ("previous.json", lambda d: changed(d, '"sequence":1', '"sequence":0'), "previous", "previous"),
            ("previous.json", lambda d: self.fenwick["statement.json"], "previous", "previous"),
            ("billed.json", lambda d: self.fenwick["statement.json"], "inclusion", "billed.json"),
        ])
        without = {n: d for n, d in self.held.items() if n != "previous.json"}
        self.names(self.written(without), "previous", "previous")
        signed = ("statement.json", "statement.json.sig", "statement.json.minisig")
        again = {n: getattr(self.stranger, w)(statement) for n, w in zip(signed[1:], ("sign", "minisig"))}
        keys = {f"keys/{self.key_id}.pem": self.stranger.pem, f"keys/{self.key_id}.pub": self.stranger.minisign}
        with self.subTest("signed again by another key under the same id"):
            self.names(self.written(self.held | again | keys), "key", self.key_id)
        with self.subTest("an older statement in place of the newer"):
            self.names(self.written(self.held | {n: self.april[n] for n in signed}), "previous", "previous")
        with self.subTest("a statement of another contract"):
            self.names(self.written(self.held | {n: self.fenwick[n] for n in signed}), "previous", "previous")
        key = self.folder / "stranger.pub"
        key.write_bytes(self.stranger.minisign)
        self.names(self.paths[1].read_bytes(), "key", "key", "--key", key)

    def test_3_the_log(self):
        def entry(change):
            """A change of the entry of the statement."""
            def applied(data):
                sha256 = handmade.digest(self.held["statement.json"])

                def each(entries):
                    place = next(i for i, e in enumerate(entries) if e["entry"].get("sha256") == sha256)
                    change(entries, place)
                return with_json(data, each)
            return applied

        self.each([
            ("checkpoint", lambda d: changed(d, "\n\n", "A\n\n"), "checkpoint", ""),
            ("checkpoint", lambda d: d.replace(lines_of(d)[2].encode(), self.other_root()),
             "checkpoint", ""),
            ("checkpoint", lambda d: changed(d, lines_of(d)[1], "9" + lines_of(d)[1]), "checkpoint", ""),
            ("checkpoint", lambda d: "".join(line for n, line in enumerate(lines_of(d)) if n != 4).encode(),
             "checkpoint", ""),
            ("checkpoint", lambda d: self.older, "inclusion", ""),
            ("log.json", entry(lambda e, i: e[i]["path"].__setitem__(0, "0" * 64)), "inclusion", ""),
            ("log.json", entry(lambda e, i: e[i]["path"].pop()), "inclusion", ""),
            ("log.json", entry(lambda e, i: e[i]["path"].append("0" * 64)), "inclusion", ""),
            ("log.json", entry(lambda e, i: e[i]["entry"].update(at="2012-07-01T00:00:00.000000Z")), "inclusion", ""),
            ("log.json", entry(lambda e, i: e.pop(i)), "inclusion", "statement"),
            ("log.json", lambda d: with_json(d, lambda e: e.pop(next(
                i for i, one in enumerate(e) if one["entry"]["kind"] == "terms_approval"))), "inclusion", "terms"),
            ("log.json", lambda d: with_json(d, lambda e: e.pop(next(
                i for i, one in enumerate(e) if one["entry"]["kind"] == "key"))), "key", self.key_id),
            ("log.json", lambda d: with_json(d, lambda e: e.pop()), "inclusion", "document"),
        ])
        fork = self.folder / "fork"
        fork.write_bytes(self.held["checkpoint"].replace(lines_of(self.held["checkpoint"])[2].encode(),
                                                         self.other_root()))
        self.names(self.paths[1].read_bytes(), "checkpoint", "", "--checkpoint", fork)

    def other_root(self):
        return base64.b64encode(bytes(32)) + b"\n"

    def test_4_terms_and_receipts(self):
        self.each([
            ("terms/1.json", lambda d: changed(d, '"pence":612', '"pence":613'), "terms", "terms/1.json"),
            ("terms/1.json", lambda d: self.fenwick["terms/1.json"], "terms", "terms/1.json"),
            ("receipts/2012-05.json", lambda d: changed(d, '"rows":9', '"rows":7'), "inclusion", MAY),
            ("receipts/2012-05.json", lambda d: self.held["receipts/2012-04.json"], "receipts", MAY),
            ("receipts/2012-05.json.sig", lambda d: self.held["receipts/2012-04.json.sig"], "receipts", MAY),
            ("receipts/2012-04.json.sig", lambda d: d[:-1] + bytes([d[-1] ^ 128]), "receipts", APRIL),
        ])

    def test_5_rows(self):
        def in_line(old, new):
            def applied(data):
                lines = lines_of(data)
                lines[3] = changed(lines[3].encode(), old, new).decode()
                return "".join(lines).encode()
            return applied

        def among(change):
            def applied(data):
                lines = lines_of(data)
                change(lines)
                return "".join(lines).encode()
            return applied

        def last_digit(data):
            lines = lines_of(data)
            lines[2] = lines[2][:-2] + ("0" if lines[2][-2] != "0" else "1") + "\n"
            return "".join(lines).encode()

        def swap(lines):
            lines[2], lines[3] = lines[3], lines[2]

        file = f"rows/{APRIL}.csv"
        tag = lines_of(self.held[file])[3].split(",")[1]
        self.each([(file, change, "rows", words) for change, words in (
            (in_line(",04,", ",05,"), APRIL), (in_line("2012-02-01", "2012-02-02"), APRIL),
            (in_line("CMHT1", "CMHT2"), APRIL), (in_line(tag, tag[1:] + tag[0]), APRIL), (last_digit, APRIL),
            (in_line(",0,0,0,0,", ",1,0,0,0,"), APRIL), (lambda d: changed(d, "K03", "K05"), APRIL),
            (among(lambda lines: lines.pop(4)), "rows"), (among(lambda lines: lines.insert(4, lines[4])), "line 6"),
            (among(swap), "row"), (among(lambda lines: lines.append(lines[-1].replace("10,", "11,", 1))), "rows"),
            (among(lambda lines: lines.pop(0)), file), (lambda d: self.held[f"rows/{MAY}.csv"], "rows"))])

    def test_6_inputs_billing_and_document(self):
        document = json.loads(self.held["document.json"])

        def inputs(change):
            return lambda data: with_json(data, change)

        self.each([
            ("inputs.json", lambda d: changed(d, '"pence":-2500', '"pence":-2400'), "position", "(adjustment/1)"),
            ("inputs.json", inputs(lambda v: v.update(adjustments=[])), "position", ""),
            ("inputs.json", inputs(lambda v: v.update(commissioner="5QF")), "inputs", "commissioner"),
            ("inputs.json", inputs(lambda v: v.update(month=APRIL)), "inputs", "month"),
            ("inputs.json", inputs(lambda v: v["months"][MAY].update(version=2)), "inputs", MAY),
            ("inputs.json", inputs(lambda v: v["months"][MAY].update(rule_set="9.0")), "receipts", MAY),
            ("inputs.json", inputs(lambda v: v["terms"][0].update(known_from="2012-01-01T00:00:00.000000Z")), "terms",
             "known_from"),
            ("inputs.json", inputs(lambda v: v["achievements"].append({
                "indicator": "reviews", "numerator": 1, "denominator": 100, "disputed": False,
                "agreed_at": "2012-06-01T00:00:00.000000Z"})), "position", ""),
            ("inputs.json", inputs(lambda v: v["decisions"].append({
                "number": 1, "month": APRIL, "row": 99, "row_sha256": "0" * 64, "not_payable": True,
                "agreed_at": "2012-06-01T00:00:00.000000Z"})), "inputs", "99"),
            ("inputs.json", inputs(lambda v: v["documents"][0].update(pence=1)), "billing", ""),
            ("inputs.json", inputs(lambda v: v.update(documents=[])), "billing", ""),
            ("inputs.json", inputs(lambda v: v["opening_entries"].append({
                "agreement": 9, "pence": 5, "agreed_at": "2012-05-01T00:00:00.000000Z"})), "billing", ""),
            ("document.json", lambda d: changed(d, f'"number":{document["number"]}', '"number":77'), "document",
             "number"),
            ("document.json", lambda d: changed(d, f'"balance_pence":{document["balance_pence"]}', '"balance_pence":1'),
             "document", "balance_pence"),
            ("document.json", inputs(lambda v: v["lines"][0].update(pence=v["lines"][0]["pence"] - 1)), "document",
             "line 1"),
            ("document.json", inputs(lambda v: v["lines"].pop()), "document", "lines"),
            ("document.json", inputs(lambda v: v.update(issued_at="2012-07-01T00:00:00.000000Z")), "document",
             "issued_at"),
            ("document.json", inputs(lambda v: v.update(bill_to="5QF")), "document", "/bill_to"),
            ("document.json", inputs(lambda v: v.update(drafted_at="2012-07-11T08:00:00.000000Z")), "document",
             "/drafted_at"),
            ("document.json", inputs(lambda v: v["references"].append({
                "document": "b" * 20, "number": 1, "kind": "invoice"})), "document", "/references"),
            ("document.json", inputs(lambda v: v.update(opening_pence=v["opening_pence"] + 1)), "document",
             "the digest of document.json"),
        ])


if __name__ == "__main__":
    harness.main()
