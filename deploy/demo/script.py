"""The story of the demonstration as data: who is there, what is agreed, and what happens on which day. The driver
(demo.py) acts it out over the API, and expect.py computes what it must come to."""

import collections
import json
import pathlib

HERE = pathlib.Path(__file__).resolve().parent

ORGANISATIONS = {
    "RXA": ("provider", "Alder Valley Mental Health NHS Trust"),
    "RXB": ("provider", "Birch Hill Partnership NHS Trust"),
    "5QE": ("commissioner", "Eastmere PCT"),
    "5QF": ("commissioner", "Fenwick PCT"),
    "5QG": ("commissioner", "Greycliffe PCT"),
    "XAU": ("auditor", "District Audit"),
    "XOP": ("operator", "Reckoner Operations")}
COMMISSIONERS = {code for code, (kind, _) in ORGANISATIONS.items() if kind == "commissioner"}

# Sign-in name: organisation, name. Each side has enough people for the acts that need two.
PEOPLE = {
    "a.archer": ("RXA", "Anna Archer, contracts"), "a.baker": ("RXA", "Ben Baker, PbR lead"),
    "a.cooper": ("RXA", "Clara Cooper, finance director"),
    "b.draper": ("RXB", "Dan Draper, contracts"), "b.fisher": ("RXB", "Fay Fisher, PbR lead"),
    "b.gardner": ("RXB", "Guy Gardner, finance director"),
    "e.hunter": ("5QE", "Hal Hunter, finance"), "f.mason": ("5QF", "Mia Mason, finance"),
    "g.porter": ("5QG", "Pat Porter, finance"),
    "x.turner": ("XAU", "Tess Turner, auditor"), "o.walker": ("XOP", "Will Walker, operator")}

# Of each provider: who drafts terms, who uploads and proposes, who approves and issues.
STAFF = {"RXA": ("a.archer", "a.baker", "a.cooper"), "RXB": ("b.draper", "b.fisher", "b.gardner")}
FINANCE = {"5QE": "e.hunter", "5QF": "f.mason", "5QG": "g.porter"}

Contract = collections.namedtuple("Contract", "letter provider commissioner mode title")
CONTRACTS = {
    "A": Contract("A", "RXA", "5QE", "live", "Alder Valley with Eastmere: tolerance, cap and collar"),
    "B": Contract("B", "RXA", "5QF", "live", "Alder Valley with Fenwick: dead band"),
    "C": Contract("C", "RXB", "5QG", "live", "Birch Hill with Greycliffe: CQUIN with thresholds"),
    "D": Contract("D", "RXA", "5QG", "shadow", "Alder Valley with Greycliffe: shadow year, volume bands")}

MONTHS = ("2012-04", "2012-05", "2012-06")

# The service is begun well before anything happens: the clock never goes back, so nothing is signed before its key is
# valid.
BEGUN_ON = "2012-03-19T09:00:00Z"
AGREED_ON = "2012-03-20T09:00:00Z"

# FLEX closes on the 10th operational day after the month, FREEZE on the 25th; 7 May, 4 and 5 June 2012 were bank
# holidays. A run is asked for on the morning after.
Dates = collections.namedtuple("Dates", "upload corrected flex late freeze issue")
CALENDAR = {
    "2012-04": Dates("2012-05-08T08:30:00Z", "2012-05-14T10:00:00Z", "2012-05-16T07:00:00Z",
                     "2012-06-06T15:00:00Z", "2012-06-08T07:00:00Z", "2012-06-08T11:00:00Z"),
    "2012-05": Dates("2012-06-11T08:30:00Z", "2012-06-14T10:00:00Z", "2012-06-19T07:00:00Z",
                     "2012-07-05T15:00:00Z", "2012-07-10T07:00:00Z", "2012-07-10T11:00:00Z"),
    "2012-06": Dates("2012-07-12T08:30:00Z", "2012-07-13T09:00:00Z", "2012-07-16T07:00:00Z",
                     "2012-08-02T15:00:00Z", "2012-08-06T07:00:00Z", "2012-08-06T11:00:00Z")}

# Agreed before the first bill, and after May's: the second re-settles contract C by itself.
FIRST_ACHIEVEMENT = {"indicator": "physical", "numerator": 1463, "denominator": 1904,
                     "evidence": "Sample of case notes, April", "at": "2012-06-05T09:00:00Z"}
SECOND_ACHIEVEMENT = {"indicator": "reviews", "numerator": 5, "denominator": 6,
                      "evidence": "Review register to the end of May", "at": "2012-07-11T13:00:00Z"}

EXCEPTION = {"contract": "A", "month": "2012-04", "at": "2012-07-11T08:30:00Z", "closes_on": "2012-07-20",
             "upload_at": "2012-07-11T10:00:00Z",
             "reason": "Ward W3 counted its April bed days twice; the corrected file lowers the invoice"}


def file_name(provider, month, stage):
    number = {"refused": 0, "first": 1, "corrected": 2, "late": 3, "after-freeze": 4}[stage]
    return f"{provider}-{month}-{number}-{stage}.csv"


def terms_of(letter):
    return json.loads((HERE / "terms" / f"{letter}.json").read_text(encoding="utf-8"))


def steps_of(letter):
    """What happens to the money of one contract, in order: which upload is in use, achievements, runs."""
    provider = CONTRACTS[letter].provider
    for month in MONTHS:
        yield {"act": "use", "month": month, "file": file_name(provider, month, "corrected")}
        yield {"act": "run", "month": month, "type": "FLEX", "n": 1}
        yield {"act": "use", "month": month, "file": file_name(provider, month, "late")}
        if letter == "C" and month == MONTHS[0]:
            yield {"act": "achieve"} | FIRST_ACHIEVEMENT
        yield {"act": "run", "month": month, "type": "FREEZE", "n": 1}
        if letter == "A" and month == MONTHS[1]:
            yield {"act": "use", "month": EXCEPTION["month"],
                   "file": file_name(provider, EXCEPTION["month"], "after-freeze")}
            yield {"act": "run", "month": EXCEPTION["month"], "type": "R", "n": 1}
        if letter == "C" and month == MONTHS[1]:
            yield {"act": "achieve"} | SECOND_ACHIEVEMENT
            yield {"act": "run", "month": MONTHS[0], "type": "R", "n": 1}
