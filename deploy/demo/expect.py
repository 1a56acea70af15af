"""What every amount of the demonstration must be, computed without the product.

    python3 deploy/demo/expect.py FOLDER > deploy/demo/expected.json     (FOLDER: what `reckoner demo-data` wrote)

Rows are judged by the few rules below, written from the description of the rules, and valued by auditor/, which shares
no code with the service. The demonstration compares each figure with the committed file, and a test holds the file
against this program.
"""

import concurrent.futures
import csv
import datetime
import json
import pathlib
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent.parent / "auditor"))

import reckoner_auditor as reference  # noqa: E402
import script  # noqa: E402

NEVER_ISSUED = {str(digit) * 10 for digit in range(10)} | {f"{digit}00000000{digit}" for digit in range(1, 10)}
CURRENCY = {f"{number:02d}" for number in range(22)} - {"09"}
RATINGS = [f"h{n}" for n in range(1, 14)] + ["sa", "sb", "sc", "sd", "se"]


def date_of(text):
    """The date, None when blank, False when it is no date."""
    if not text:
        return None
    try:
        return datetime.date.fromisoformat(text) if len(text) == 10 else False
    except ValueError:
        return False


def nhs_number_is_wrong(text):
    digits = text.replace(" ", "")
    if not digits:
        return False
    if len(digits) != 10 or not digits.isdigit() or digits in NEVER_ISSUED:
        return True
    check = 11 - sum(int(d) * (10 - place) for place, d in enumerate(digits[:9])) % 11
    return check == 10 or int(digits[9]) != check % 11


def days_in_month(start, end, first, after):
    return max(0, (min(end or after, after) - max(start, first)).days)


def row_has_error(row, first, after, commissioners):
    """Whether the row fails a rule that makes it unpayable whatever the terms."""
    last = after - datetime.timedelta(days=1)
    start, end, birth = (date_of(row[name]) for name in ("start_date", "end_date", "birth_date"))
    if not row["patient_id"] or len(row["patient_id"]) > 20 or nhs_number_is_wrong(row["nhs_number"]):
        return True
    if row["commissioner"] not in commissioners or row["cluster"] not in CURRENCY:
        return True
    if birth is False or (birth and (birth > last or (start and birth > start))):
        return True
    if not start or start > last or end is False or (end and (end < first or end > after or end < start)):
        return True
    referral = date_of(row["referral_date"])
    if referral is False or (referral and referral > last):
        return True
    if any(row[name] not in ("0", "1", "2", "3", "4", "9") for name in RATINGS):
        return True
    admitted = int(row["admitted_days"] or 0)
    return not row["assessment_only"] and admitted > days_in_month(start, end, first, after)


def row_has_error_under(row, terms, last):
    """Whether it fails a rule that depends on the terms and is an ERROR under them."""
    rules = terms.get("rules", {})
    approval = rules.get("prior_approval", {})
    if row["service"] in rules.get("out_of_scope_services", []):
        return True
    asked = row["cluster"] in approval.get("clusters", []) or row["service"] in approval.get("services", [])
    if asked and not row["approval_ref"]:
        return True
    mhct = date_of(row["mhct_date"])
    if rules.get("require_mhct", True) and (not mhct or mhct > last):
        return True
    return row["cluster"] not in {price["cluster"] for price in terms["prices"]}


class Uploads:
    """The files of a folder, read once; each contract sees its commissioner's rows."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.read = {}
        manifest = json.loads((self.folder / "manifest.json").read_text(encoding="utf-8"))
        self.manifest = {entry["file"]: entry for entry in manifest["files"]}

    def rows(self, name):
        if name not in self.read:
            with open(self.folder / name, encoding="utf-8", newline="") as file:
                self.read[name] = list(csv.DictReader(file))
        return self.read[name]

    def month_of_account(self, contract, month, name, terms):
        """The month's entry of a case for the reference: rows of the account, and which of them are not payable."""
        first = datetime.date.fromisoformat(month + "-01")
        after = (first + datetime.timedelta(days=32)).replace(day=1)
        last = after - datetime.timedelta(days=1)
        mine, unpayable, errors = [], [], 0
        for row in self.rows(name):
            wrong = row_has_error(row, first, after, script.COMMISSIONERS)
            errors += wrong
            if row["commissioner"] != contract.commissioner:
                continue
            mine.append(row)
            if wrong or row_has_error_under(row, terms, last):
                unpayable.append(len(mine))
        if errors != self.manifest[name]["error_rows"]:
            raise SystemExit(f"{name}: {errors} rows with an ERROR, the manifest says "
                             f"{self.manifest[name]['error_rows']}")
        return {"rows": mine, "unpayable": unpayable}


def position_of(uploads, contract, terms, month, files, achievements):
    """files: {month: name of the upload in use}; achievements: {indicator: (numerator, denominator)}."""
    months = {m: uploads.month_of_account(contract, m, name, terms) for m, name in files.items() if m <= month}
    found = reference.position({
        "commissioner": contract.commissioner, "month": month, "months": months,
        "terms": [{"version": 1, "known_from": "2012-03-20T09:00:00Z", "terms": terms}],
        "achievements": [{"indicator": name, "numerator": numerator, "denominator": denominator}
                         for name, (numerator, denominator) in achievements.items()]})
    if "parked" in found:
        raise SystemExit(f"contract {contract.letter} {month}: parked, {found['parked']}")
    return found


def plain(found):
    """What is compared of a position: amounts alone."""
    return {"total_pence": found["total_pence"], "billable_pence": found["billable_pence"],
            "stages": found["stages"],
            "lines": {line["key"]: [line.get("units"), line["pence"]] for line in found["lines"]}}


def billable_lines(found):
    return {line["key"]: (line.get("units"), line["pence"]) for line in found["lines"] if line["billable"]}


def differences(now, before):
    """Lines of a document: the change of each line since the last billed position."""
    out = {}
    for key in list(now) + [key for key in before if key not in now]:
        units, pence = now.get(key, (None, 0))
        old_units, old_pence = before.get(key, (None, 0))
        if units is not None or old_units is not None:
            units = (units or 0) - (old_units or 0)
        if pence != old_pence or units:
            out[key] = [units, pence - old_pence]
    return out


def follow(folder, letter):
    """All runs and documents of one contract, in order."""
    uploads = Uploads(folder)
    contract = script.CONTRACTS[letter]
    terms = script.terms_of(letter)
    files, achievements = {}, {}
    runs, billed, last_billed, head = [], 0, {}, None
    for step in script.steps_of(letter):
        if step["act"] == "use":
            files[step["month"]] = step["file"]
            continue
        if step["act"] == "achieve":
            achievements[step["indicator"]] = (step["numerator"], step["denominator"])
            continue
        found = position_of(uploads, contract, terms, step["month"], files, achievements)
        run = {"month": step["month"], "type": step["type"], "n": step["n"], "position": plain(found),
               "document": None}
        if step["type"] != "FLEX":
            head = max(head or step["month"], step["month"])
            if head != step["month"]:
                found = position_of(uploads, contract, terms, head, files, achievements)
            lines = billable_lines(found)
            balance = found["billable_pence"] - billed
            run["document"] = {
                "kind": "invoice" if balance > 0 else "credit_note" if balance < 0 else "nil_statement",
                "month": head, "position_pence": found["billable_pence"], "billed_pence": billed,
                "balance_pence": balance, "lines": differences(lines, last_billed)}
            billed, last_billed = found["billable_pence"], lines
        runs.append(run)
    return {"runs": runs, "billed_pence": billed}


def write(expected, out):
    """One line for each line of money, so that a change shows in a comparison of versions."""
    out.write("{")
    for place, (letter, contract) in enumerate(sorted(expected.items())):
        out.write(("," if place else "") + f'\n"{letter}": {{"billed_pence": {contract["billed_pence"]}, "runs": [')
        for number, run in enumerate(contract["runs"]):
            out.write(("," if number else "") + "\n{")
            out.write(f'"month": "{run["month"]}", "type": "{run["type"]}", "n": {run["n"]}, "position": ')
            write_lines(run["position"], out)
            out.write(', "document": ')
            write_lines(run["document"], out)
            out.write("}")
        out.write("]}")
    out.write("\n}\n")


def write_lines(part, out):
    if part is None:
        out.write("null")
        return
    head = json.dumps({name: value for name, value in part.items() if name != "lines"})
    lines = ",\n".join(f" {json.dumps(key)}: {json.dumps(value)}" for key, value in part["lines"].items())
    out.write(head[:-1] + ', "lines": {\n' + lines + "}}")


def compute(folder):
    with concurrent.futures.ProcessPoolExecutor(2) as pool:
        jobs = {letter: pool.submit(follow, folder, letter) for letter in script.CONTRACTS}
        return {letter: job.result() for letter, job in jobs.items()}


def main(arguments):
    if len(arguments) != 1:
        raise SystemExit(__doc__)
    write(compute(arguments[0]), sys.stdout)


if __name__ == "__main__":
    main(sys.argv[1:])
