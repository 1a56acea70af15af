"""Compares every amount that the service came to with expected.json, and checks every signature with other people's
tools. The first difference is raised, with its name."""

import json
import pathlib
import subprocess

import script
from story import Difference, expect

HERE = pathlib.Path(__file__).resolve().parent


def lines_of_position(document):
    return {line["key"]: [line.get("units"), line["pence"]] for line in document["lines"]}


def compare_lines(what, wanted, found):
    for key in list(wanted) + [key for key in found if key not in wanted]:
        if key not in found:
            raise Difference(f"{what}, line {key}: expected {wanted[key]}, found no such line")
        if key not in wanted:
            raise Difference(f"{what}, line {key}: found {found[key]}, expected no such line")
        expect(f"{what}, line {key} [units, pence]", wanted[key], found[key])
    return len(wanted)


class Comparison:
    def __init__(self, story, expected):
        self.story = story
        self.expected = expected
        self.amounts = 0
        self.auditor = story.clients["x.turner"]

    def equal(self, what, wanted, found):
        expect(what, wanted, found)
        self.amounts += 1

    def everything(self):
        for letter, contract in self.expected.items():
            self.contract(letter, contract)
        return self.amounts

    def contract(self, letter, expected):
        provider = script.CONTRACTS[letter].provider
        runs = self.story.runs(letter)
        wanted = {(run["month"], run["type"], run["n"]) for run in expected["runs"]}
        expect(f"contract {letter}, runs", sorted(wanted), sorted(runs))
        issued = 0
        for run in expected["runs"]:
            name = f"contract {letter}, {run['type']} {run['n']} of {run['month']}"
            found = runs[run["month"], run["type"], run["n"]]
            self.position(name, provider, found, run["position"])
            issued += self.document(name, provider, found, run["document"])
        self.equal(f"contract {letter}, billed in all", expected["billed_pence"], issued)

    def position(self, name, provider, run, wanted):
        """The exact document, and the rows of its lines."""
        path = f"/v1/providers/{provider}/runs/{run['id']}"
        found = json.loads(self.auditor.bytes(f"{path}/position"))
        self.equal(f"{name}, position", wanted["total_pence"], found["total_pence"])
        self.equal(f"{name}, position of the run", wanted["total_pence"], run["position_pence"])
        self.equal(f"{name}, billable", wanted["billable_pence"], found["billable_pence"])
        for stage in found["stages"]:
            self.equal(f"{name}, stage {stage['stage']}", wanted["stages"][stage["stage"]], stage["pence"])
        self.amounts += compare_lines(f"{name}, position", wanted["lines"], lines_of_position(found))
        rows = {line["line_key"]: [line["units"], line["pence"]] for line in self.auditor.pages(f"{path}/lines")}
        self.amounts += compare_lines(f"{name}, rows of the position", wanted["lines"], rows)

    def document(self, name, provider, run, wanted):
        """The invoice or credit note of a billing run; returns its balance."""
        if wanted is None:
            expect(f"{name}, document", None, run["document"])
            return 0
        found = self.auditor.get(f"/v1/providers/{provider}/documents/{run['document']}")
        expect(f"{name}, document", (wanted["kind"], "issued"), (found["kind"], found["state"]))
        for member in ("position_pence", "billed_pence", "balance_pence"):
            self.equal(f"{name}, {member} of the document", wanted[member], found[member])
        lines = {line["line_key"]: [line["units"], line["pence"]] for line in found["lines"]}
        self.amounts += compare_lines(f"{name}, document", wanted["lines"], lines)
        self.equal(f"{name}, sum of the document's lines", wanted["balance_pence"],
                   sum(line["pence"] for line in found["lines"]))
        ledger = {entry["ledger_account"]: entry["pence"] for entry in found["ledger"]}
        self.equal(f"{name}, ledger", {"receivable": wanted["balance_pence"], "income": -wanted["balance_pence"]},
                   ledger)
        return found["balance_pence"]


class Signatures:
    """Fetches signed bytes as the auditor and checks them with openssl and minisign, and with `reckoner verify`."""

    def __init__(self, story, folder):
        self.story = story
        self.folder = folder
        self.folder.mkdir(parents=True, exist_ok=True)
        self.auditor = story.clients["x.turner"]
        self.checked = 0

    def everything(self):
        for letter, contract in script.CONTRACTS.items():
            statements = list(self.auditor.pages(f"{self.story.account(letter)}/statements"))
            previous = []
            for statement in sorted(statements, key=lambda s: s["seq"]):
                names = self.check(f"{letter}-{statement['seq']}", self.auditor, statement["key_id"],
                                   f"/v1/providers/{contract.provider}/statements/{statement['id']}")
                self.run(names["json"].name, [self.story.service.build / "reckoner", "verify", names["json"],
                                              "--signature", names["sig"], "--key", names["pem"], *previous])
                previous = ["--previous", names["json"]]
        key = self.auditor.get("/v1/keys")["items"][0]["key"]  # a new service has one key
        for provider, submission in self.story.receipts:
            maker = self.story.staff(provider)[1]
            path = f"/v1/providers/{provider}/submissions/{submission}/receipt"
            self.check(f"receipt-{submission}", maker, key, path)
        return self.checked

    def check(self, name, client, key, path):
        """Fetches the bytes, the signatures and the key, and has them judged; returns the files' names."""
        names = {kind: self.folder / f"{name}.{kind}" for kind in ("json", "sig", "minisig", "pem", "pub")}
        names["json"].write_bytes(client.bytes(path))
        names["sig"].write_bytes(client.bytes(f"{path}/signature"))
        names["minisig"].write_bytes(client.bytes(f"{path}/minisig"))
        names["pem"].write_bytes(client.bytes(f"/v1/keys/{key}?format=pem"))
        names["pub"].write_bytes(client.bytes(f"/v1/keys/{key}?format=minisign"))
        self.run(name, ["openssl", "pkeyutl", "-verify", "-rawin", "-pubin", "-inkey", names["pem"], "-sigfile",
                        names["sig"], "-in", names["json"]])
        self.run(name, ["minisign", "-V", "-q", "-p", names["pub"], "-x", names["minisig"], "-m", names["json"]])
        self.checked += 1
        return names

    @staticmethod
    def run(name, command):
        done = subprocess.run([str(part) for part in command], capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise Difference(f"{name}: {command[0]} does not accept the signature\n{done.stdout}{done.stderr}")


def expected():
    return json.loads((HERE / "expected.json").read_text(encoding="utf-8"))
