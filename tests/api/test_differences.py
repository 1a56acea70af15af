"""What a new version of a month changed, row by row and with the pounds, as each side sees it."""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))

import harness  # noqa: E402
from harness import row  # noqa: E402

MONTH_PENCE = 30 * 612  # cluster 04, open all April
DEARER_PENCE = 30 * 11875


class Differences(harness.ServiceCase):
    clock = "2012-05-03T09:00:00Z"

    def difference(self, submission, person="a.maker", query="", summary=False):
        path = f"/v1/providers/RXA/submissions/{submission['submission']}/difference"
        return self.as_person(person).get(path + ("/summary" if summary else "") + query)

    def evaluated(self, submission, number=1):
        client = self.as_person("a.maker")
        path = f"/v1/providers/RXA/submissions/{submission['submission']}"
        self.wait_until(lambda: client.get(path)["evaluation"] >= number, what=f"evaluation {number}")

    def test_every_kind_of_difference(self):
        contract = self.agree()
        before = [row(n) for n in range(1, 8)]
        first = self.send(before)
        self.evaluated(first)
        nothing = self.difference(first)
        self.assertEqual((nothing["items"], nothing["against_submission"]), ([], None))
        self.assertIn("first accepted version", nothing["empty_because"])

        after = [row(2, cluster="14", super_class="B", end_date="2012-05-01"), row(1), row(4, commissioner="5QF"),
                 row(5, patient_id="P55"), row(6, birth_date="2012-05-09"), row(7), row(8, service="CMHT2")]
        second = self.send(after)
        self.evaluated(second)
        listed = self.difference(second)
        self.assertEqual((listed["version"], listed["against_version"], listed["against_submission"]),
                         (2, 1, first["submission"]))
        lines = {(d["commissioner"], d["episode_id"]): d for d in listed["items"]}
        self.assertEqual(list(lines), [("5QE", "E2"), ("5QE", "E3"), ("5QE", "E4"), ("5QE", "E5"), ("5QE", "E6"),
                                       ("5QE", "E8"), ("5QF", "E4")])

        def seen(episode, commissioner="5QE"):
            d = lines[(commissioner, episode)]
            return d["kind"], d["row_before"], d["row"], d["before_pence"], d["after_pence"]

        self.assertEqual(seen("E2"), ("changed", 2, 1, MONTH_PENCE, DEARER_PENCE))
        self.assertEqual(lines[("5QE", "E2")]["changed"],
                         {"cluster": {"before": "04", "after": "14"},
                          "end_date": {"before": None, "after": "2012-05-01"}})
        self.assertEqual(seen("E3"), ("removed", 3, None, MONTH_PENCE, 0))
        self.assertEqual(seen("E4"), ("removed", 4, None, MONTH_PENCE, 0))
        # There is no contract with the other commissioner, so no price: unknown is not nothing.
        self.assertEqual(seen("E4", "5QF"), ("added", None, 3, 0, None))
        # That it is another patient is said, who is not.
        self.assertEqual((seen("E5"), lines[("5QE", "E5")]["changed"]),
                         (("changed", 5, 4, MONTH_PENCE, MONTH_PENCE), {"patient_id": {}}))
        # No longer payable. A birth date after the month fails both rules.
        self.assertEqual(seen("E6"), ("changed", 6, 5, MONTH_PENCE, 0))
        changed = lines[("5QE", "E6")]["changed"]
        self.assertEqual(changed["rules"], {"before": [], "after": ["P06", "D14"]})
        self.assertEqual(seen("E8"), ("added", None, 7, 0, MONTH_PENCE))

        self.assertEqual(list(self.as_person("a.maker").pages(
            f"/v1/providers/RXA/submissions/{second['submission']}/difference", limit=2)), listed["items"])
        self.assertEqual([d["episode_id"] for d in self.difference(second, query="?kind=added")["items"]], ["E8", "E4"])
        self.assertProblem(self.as_person("a.maker").send(
            "GET", f"/v1/providers/RXA/submissions/{second['submission']}/difference?kind=other"), 400, "bad_parameter")

        # Each commissioner sees its own rows; the auditor of the trust sees all of them.
        self.assertEqual(self.difference(second, "e.one")["items"],
                         [d for d in listed["items"] if d["commissioner"] == "5QE"])
        self.assertEqual(self.difference(second, "audit.one")["items"], listed["items"])

        summary = {line["kind"]: line for line in self.difference(second, summary=True)["items"]}
        self.assertEqual({k: (v["rows"], v["before_pence"], v["after_pence"], v["rows_of_unknown_amount"])
                          for k, v in summary.items()},
                         {"added": (2, 0, MONTH_PENCE, 1), "removed": (2, 2 * MONTH_PENCE, 0, 0),
                          "changed": (3, 3 * MONTH_PENCE, DEARER_PENCE + MONTH_PENCE, 0)})
        own = self.difference(second, "e.one", summary=True)["items"]
        self.assertEqual([line["rows"] for line in own], [1, 3, 2])

        # The amounts follow the terms, without a new upload.
        terms = harness.simple_terms(prices=[{"cluster": "04", "basis": "DAY", "pence": 1000},
                                             {"cluster": "14", "basis": "DAY", "pence": 2000}])
        self.agree(terms=terms, contract=contract)
        self.evaluated(second, 2)
        again = {d["episode_id"]: d for d in self.difference(second, "e.one")["items"]}
        self.assertEqual((again["E2"]["before_pence"], again["E2"]["after_pence"]), (30000, 60000))

        # The same rows in another order: nothing differs, and it says so.
        third = self.send(list(reversed(after)))
        self.evaluated(third)
        same = self.difference(third)
        self.assertEqual((same["items"], same["against_version"]), ([], 2))
        self.assertIn("No row differs", same["empty_because"])
        # The earlier versions stay readable.
        self.assertEqual(len(self.difference(second)["items"]), 7)


if __name__ == "__main__":
    harness.main()
