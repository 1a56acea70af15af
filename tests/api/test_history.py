"""Rules that look beyond one submission: what a trust sent for earlier months, and what other trusts sent for the same
month. Each test has months and people of its own."""

import concurrent.futures
import json
import pathlib
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))

import harness  # noqa: E402
from harness import row  # noqa: E402

BEYOND = ("D09", "D11", "R07", "A01")


def nhs_number(n):
    """A valid NHS number of the 999 range."""
    for stem in range(999_000_000 + 3 * n, 999_000_000 + 3 * n + 3):
        digits = [int(digit) for digit in str(stem)]
        check = (11 - sum(digit * (10 - i) for i, digit in enumerate(digits)) % 11) % 11
        if check < 10:
            return f"{stem}{check}"
    raise AssertionError("of three stems at most one in eleven has no check digit")


class Case(harness.ServiceCase):
    clock = "2012-12-03T09:00:00Z"

    def settle(self):
        under_way = "SELECT count(*) FROM reckoner.job WHERE state IN ('queued', 'leased')"
        self.wait_until(lambda: self.value(under_way) == "0", what="the end of all jobs")
        self.assertEqual(self.query("SELECT kind, problem FROM reckoner.job WHERE state = 'failed'"), [])

    def accepted(self, month, rows, provider="RXA"):
        person = {"RXA": "a.maker", "RXB": "b.maker"}[provider]
        sent = self.send([r | {"provider": provider} for r in rows], person=person, provider=provider, month=month)
        self.assertEqual(sent["state"], "accepted", sent)
        return f"/v1/providers/{provider}/submissions/{sent['submission']}"

    def found(self, path, rules=BEYOND):
        """Row and rule of the findings that look beyond the submission, by row."""
        person = "a.maker" if "/RXA/" in path else "b.maker"
        findings = [f for f in self.as_person(person).pages(path + "/findings") if f["rule"] in rules]
        return {(f["row"], f["rule"]): f for f in findings}

    def shared(self, path):
        """Rows that another trust reports too, once everything has come to rest."""
        self.settle()
        return sorted(row_no for row_no, _ in self.found(path, ("D09",)))

    def evaluations(self):
        return int(self.value("SELECT count(*) FROM reckoner.job WHERE kind = 'evaluate'"))


class History(Case):
    def used(self, path):
        return json.loads(self.value("SELECT reference -> 'history' FROM reckoner.submission "
                                     f"WHERE id = '{path.split('/')[-1]}'"))

    def test_an_episode_that_comes_back_changed(self):
        april = [row(n, "2012-04") for n in range(1, 8)]
        april[3]["end_date"] = "2012-04-20"
        april[4]["end_date"] = "2012-05-01"  # on the first day of May: it is closed in both months
        may = [row(n, "2012-05") for n in range(1, 8)]
        may[1]["patient_id"] = "P99"
        may[2] |= {"start_date": "2012-02-02", "mhct_date": "2012-02-02"}
        may[4]["end_date"] = "2012-05-01"
        may[5] |= {"cluster": "05", "cluster_initial": "05"}
        first = self.accepted("2012-04", april)
        self.assertEqual(self.found(first), {})
        self.assertEqual(self.used(first), {})
        second = self.accepted("2012-05", may)
        found = self.found(second)
        self.assertEqual(set(found), {(2, "D11"), (3, "D11"), (4, "D11"), (6, "D11")})
        self.assertEqual({f["severity"] for f in found.values()}, {"QUERY"})
        self.assertEqual([(f["field"], f["value"], f["note"]) for f in found.values()], [
            ("patient_id", "(hidden)", "In 2012-04 it came with another patient_id"),
            ("start_date", "2012-02-02", "In 2012-04 it came with start_date 2012-02-01"),
            ("end_date", "", "In 2012-04 it came with end_date 2012-04-20"),
            ("cluster", "05", "In 2012-04 it came with cluster 04")])
        self.assertEqual(self.used(second), {"2012-04": first.split("/")[-1]})

        # April sent again does not rewrite May; May sent again is compared with the new April.
        april[1]["patient_id"] = "P99"
        again = self.accepted("2012-04", april)
        self.assertEqual(self.found(second), found)
        may[6]["service"] = "CMHT2"
        third = self.accepted("2012-05", may)
        self.assertEqual(set(self.found(third)), set(found) - {(2, "D11")})
        self.assertEqual(self.used(third), {"2012-04": again.split("/")[-1]})
        # June looks at the newest month that has the episode.
        june = self.accepted("2012-06", [r | {"month": "2012-06"} for r in may if r["end_date"] == ""])
        self.assertEqual(self.found(june), {})
        self.assertEqual(set(self.used(june)), {"2012-04", "2012-05"})

    def test_assessed_again_too_soon_and_twice(self):
        """Cluster 04 is reviewed every six months; of 2012-05-10 half of that is over on 2012-08-10."""
        def month_of(month, *more, **changes):
            return [row(n, month, **changes) for n in range(100, 110)] + list(more)
        dear = {"cluster": "14", "cluster_initial": "14", "super_class": "B"}
        alone = {"assessment_only": "Y", "referral_date": "2012-07-20", "patient_id": "P130"}
        before = {"start_date": "2012-05-10", "mhct_date": "2012-05-10", "referral_date": "2012-04-20"}
        self.accepted("2012-07", month_of(
            "2012-07", row(120, "2012-07", **before), row(121, "2012-07", **before), row(122, "2012-07", **before),
            row(130, "2012-07", **alone, start_date="2012-07-25", mhct_date="2012-07-25")))
        august = month_of(
            "2012-08",
            row(120, "2012-08", **before, end_date="2012-08-09"),
            row(140, "2012-08", patient_id="P120", **dear, start_date="2012-08-09", mhct_date="2012-08-09",
                referral_date="2012-04-20"),
            row(121, "2012-08", **before, end_date="2012-08-10"),
            row(141, "2012-08", patient_id="P121", **dear, start_date="2012-08-10", mhct_date="2012-08-10",
                referral_date="2012-04-20"),
            row(122, "2012-08", **before, end_date="2012-08-09"),
            row(142, "2012-08", patient_id="P122", cluster="01", cluster_initial="01", start_date="2012-08-09",
                mhct_date="2012-08-09", referral_date="2012-04-20"),
            row(131, "2012-08", **alone, start_date="2012-08-02", mhct_date="2012-08-02"),
            row(132, "2012-08", **alone, start_date="2012-08-03", mhct_date="2012-08-03"))
        path = self.accepted("2012-08", august)
        found = self.found(path)
        self.assertEqual(set(found), {(12, "R07"), (17, "A01"), (18, "A01")})
        self.assertEqual(found[12, "R07"]["severity"], "WARN")
        self.assertEqual(found[12, "R07"]["note"],
                         "Assessed as 04 on 2012-05-10; half of that review period ends on 2012-08-10")
        self.assertEqual(found[17, "A01"]["note"], "One in 2012-07 comes first")
        self.assertEqual(found[18, "A01"]["note"], "Row 17 comes first")
        self.assertEqual(self.query("SELECT row_no, direction FROM reckoner.cluster_move m JOIN reckoner.submission s "
                                    "ON s.no = m.submission WHERE s.month = '2012-08-01' ORDER BY row_no"),
                         [["12", "up"], ["14", "up"], ["16", "down"]])
        # It is told once: September brings nothing new.
        september = [r | {"month": "2012-09"} for r in august if r["end_date"] == "" and r["assessment_only"] == ""]
        september += [row(n, "2012-09") for n in range(150, 153)]  # lest F13 hold it
        self.assertEqual(self.found(self.accepted("2012-09", september)), {})

    def test_two_trusts_report_one_patient(self):
        month = "2012-10"
        numbers = [nhs_number(n) for n in range(8)]
        alone = {"assessment_only": "Y", "start_date": "2012-10-03", "mhct_date": "2012-10-03"}

        def rows(provider, prefix, *changes):
            known = {"nhs_number_status": "01", "provider": provider, "referral_date": ""}
            return [row(prefix * 100 + n, month, nhs_number=numbers[n], **(known | change))
                    for n, change in enumerate(changes)]
        ours = self.accepted(month, rows(
            "RXA", 3, {}, {"end_date": "2012-10-10"}, {"end_date": "2012-10-11"}, alone,
            {"cluster": "22"}, {}, {}) + [row(n, month) for n in range(900, 915)])  # lest F13 hold the file
        self.assertEqual(self.shared(ours), [])
        late = {"start_date": "2012-10-10", "mhct_date": "2012-10-10"}
        theirs_rows = rows("RXB", 4, {}, late, late, {}, {}, alone, {"cluster": "22"}, {})
        jobs = self.evaluations()
        theirs = self.accepted(month, theirs_rows, "RXB")
        # Row 2 ended on the day on which theirs starts, row 3 a day later; assessments alone and errors do not count.
        self.assertEqual(self.shared(theirs), [1, 3])
        self.assertEqual(self.shared(ours), [1, 3])
        self.assertEqual(self.evaluations() - jobs, 2)  # theirs, and ours once again: no more
        for path, other in ((ours, "RXB"), (theirs, "RXA")):
            for finding in self.found(path, ("D09",)).values():
                self.assertEqual((finding["severity"], finding["field"]), ("QUERY", "start_date"))
                self.assertEqual(finding["note"], "Another provider reports the patient on a day of the episode too")
                text = json.dumps(finding)
                for secret in (other, "Birch", "Alder", *numbers):
                    self.assertNotIn(secret, text)
        # The rows stay payable: a QUERY of this finding alone, whatever D09 is within a provider.
        self.assertEqual(self.as_person("a.maker").get(ours)["payable_rows"], 6 + 15)

        # They send again without the patient of row 1: ours follows. Again the same: nobody is evaluated in vain.
        jobs = self.evaluations()
        theirs = self.accepted(month, theirs_rows[1:], "RXB")
        self.assertEqual(self.shared(theirs), [2])
        self.assertEqual(self.shared(ours), [3])
        self.assertEqual(self.evaluations() - jobs, 2)
        jobs = self.evaluations()
        theirs_rows[1]["service"] = "CMHT9"
        theirs = self.accepted(month, theirs_rows[1:], "RXB")
        self.assertEqual(self.shared(ours), [3])
        self.assertEqual(self.evaluations() - jobs, 1)
        # And within one month alone.
        self.assertEqual(self.shared(self.accepted("2012-11", [r | {"month": "2012-11"} for r in theirs_rows[1:]],
                                                   "RXB")), [])


class AtOnce(Case):
    """Three workers, and two trusts that send again and again at the same time."""

    workers = 3

    def test_it_comes_to_rest_and_both_are_told(self):
        month, rounds = "2012-10", 6
        first = {"RXA": 300, "RXB": 400}

        def send_again_and_again(provider):
            """Path of the newest version."""
            for version in range(rounds):
                path = self.accepted(month, [
                    row(first[provider] + n, month, nhs_number=nhs_number(n), nhs_number_status="01",
                        service=f"T{version}", referral_date="") for n in range(30)], provider)
            return path

        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            last = list(pool.map(send_again_and_again, first))
        for path in last:
            self.assertEqual(self.shared(path), list(range(1, 31)))
        # Each of the twelve may have the other evaluated once more, and be so itself, while they overtake each other.
        done = self.evaluations()
        self.assertLessEqual(done, 3 * 2 * rounds)
        time.sleep(1)
        self.assertEqual(self.evaluations(), done)


if __name__ == "__main__":
    harness.main()
