"""Submissions over HTTP: what an upload is answered, what validation says of it, who sees what, and when it is too
late. Broken, slow and concurrent uploads are in tests/blackbox/test_uploads.py."""

import base64
import hashlib
import json
import pathlib
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))

import harness  # noqa: E402
from harness import csv_bytes, row  # noqa: E402

ROOT = pathlib.Path(__file__).resolve().parents[2]
MONTH = "/v1/providers/RXA/months/{}/submissions"
NOWHERE = "/v1/providers/RXA/submissions/bcdfghjklmnpqrstvwxz"


class Counting:
    """The summary beside the list by row."""

    def counted(self, findings):
        """A line of the summary, from the findings themselves: a row once."""
        rows = {f["row"]: f["amount_at_stake_pence"] for f in findings if f["row"] > 0}
        known = [pence for pence in rows.values() if pence is not None]
        return {"findings": len(findings), "rows": len(rows),
                "amount_at_stake_pence": sum(known) if known or not rows else None,
                "rows_of_unknown_amount": len(rows) - len(known)}

    def assertSummaryCounts(self, client, path):
        """Every line of every summary is what the list by row gives, with and without filters."""
        whole = list(client.pages(path + "/findings"))
        one = whole[0]
        for query in ("", f"?rule={one['rule']}", "?severity=WARN", "?severity=FILE", "?severity=ERROR",
                      f"?row={one['row']}", f"?row={one['row']}&severity={one['severity']}", "?row=0",
                      f"?rule={one['rule']}&severity={one['severity']}"):
            with self.subTest(query):
                found = list(client.pages(path + "/findings" + query))
                summary = client.get(path + "/findings/summary" + query)
                rules, severities = {}, {}
                for f in found:
                    rules.setdefault((f["rule"], f["severity"], f["sentence"]), []).append(f)
                    severities.setdefault(f["severity"], []).append(f)
                self.assertEqual(summary["by_rule"], [
                    {"rule": rule, "severity": severity, "sentence": sentence} | self.counted(rules[key])
                    for key in sorted(rules) for rule, severity, sentence in [key]])
                self.assertEqual(summary["by_severity"], [{"severity": key} | self.counted(severities[key])
                                                          for key in sorted(severities)])
                self.assertEqual(summary["total"], self.counted(found))


class Submissions(Counting, harness.ServiceCase):
    """Each test has a month of its own. A month has at least as many rows as those before it, lest F13 hold it; so the
    order of the tests does not matter."""

    clock = "2012-12-03T09:00:00Z"

    def setUp(self):
        self.client = self.as_person("a.maker")
        self.addCleanup(self.client.close)

    def as_person(self, person):
        client = super().as_person(person)
        self.addCleanup(client.close)
        return client

    def post(self, month, data, client=None, **headers):
        wanted = {"Content-Type": "text/csv"} | {name.replace("_", "-"): text for name, text in headers.items()}
        return (client or self.client).send("POST", MONTH.format(month), data, wanted)

    def sent(self, month, rows, **headers):
        """Uploads, waits for the outcome, and returns the submission and its path."""
        reply = self.post(month, csv_bytes(rows), **headers)
        self.assertEqual(reply.status, 202, reply.body)
        acknowledged = reply.json()
        self.client.wait_for_job("RXA", acknowledged["job"])
        path = f"/v1/providers/RXA/submissions/{acknowledged['submission']}"
        return self.client.get(path), path

    def evaluated(self, path, number=1):
        self.wait_until(lambda: self.client.get(path)["evaluation"] >= number, what=f"evaluation {number}")

    def findings(self, path, query="", client=None):
        return [(f["row"], f["rule"]) for f in (client or self.client).pages(path + "/findings" + query)]

    # The answer to an upload

    def test_the_acknowledgement_says_what_arrived(self):
        data = csv_bytes([row(n, "2012-04") for n in range(3)])
        reply = self.post("2012-04", data, Row_Count="3", Caseload="2")
        self.assertEqual(reply.status, 202, reply.body)
        answer = reply.json()
        self.assertEqual(answer["bytes"], len(data))
        self.assertEqual(answer["sha256"], hashlib.sha256(data).hexdigest())
        self.assertEqual((answer["version"], answer["row_count"], answer["caseload"]), (1, 3, 2))
        self.assertLessEqual(answer["begun_at"], answer["completed_at"])
        self.assertEqual(answer["windows"], [])
        self.assertTrue(reply.headers["Location"].endswith("/v1/providers/RXA/jobs/" + answer["job"]))
        self.client.wait_for_job("RXA", answer["job"])
        done = self.client.get(f"/v1/providers/RXA/submissions/{answer['submission']}")
        self.assertEqual((done["state"], done["rows"], done["payable_rows"]), ("accepted", 3, 3))

    def test_ndjson_is_the_same_as_csv(self):
        rows = [row(n, "2012-05") for n in range(4)]
        lines = "".join(json.dumps({k: v for k, v in r.items() if v}) + "\n" for r in rows).encode()
        reply = self.client.send("POST", MONTH.format("2012-05"), lines, {"Content-Type": "application/x-ndjson"})
        self.assertEqual(reply.status, 202, reply.body)
        self.client.wait_for_job("RXA", reply.json()["job"])
        done = self.client.get(f"/v1/providers/RXA/submissions/{reply.json()['submission']}")
        self.assertEqual((done["state"], done["rows"], done["payable_rows"]), ("accepted", 4, 4))

    def test_what_is_wrong_with_a_request_is_said_before_the_body(self):
        data = csv_bytes([row(1)])
        self.assertProblem(self.post("2012-13", data), 400, "bad_parameter")
        self.assertProblem(self.post("2013-06", data), 409, "month_not_begun", "month")
        self.assertProblem(self.post("2012-04", data, Row_Count="-1"), 400, "bad_parameter", "Row-Count")
        self.assertProblem(self.post("2012-04", data, Caseload="few"), 400, "bad_parameter", "Caseload")
        self.assertProblem(self.post("2012-04", data, Content_Type="text/plain"), 415, "unsupported_media_type")
        reply = self.post("2012-04", data, Idempotency_Key=None)
        self.assertProblem(reply, 400, "idempotency_key_required")
        for person, status, code in (("b.maker", 404, "not_found"), ("e.one", 403, "forbidden"),
                                     ("audit.one", 403, "forbidden"), ("operator.one", 403, "forbidden")):
            with self.subTest(person=person):
                self.assertProblem(self.post("2012-04", data, self.as_person(person)), status, code)
        self.assertProblem(self.post("2012-04", data, self.as_person(None)), 401, "unauthenticated")

    def test_the_current_version_sent_again_changes_nothing(self):
        rows = [row(n, "2012-06") for n in range(6)]
        first, _ = self.sent("2012-06", rows)
        again = self.post("2012-06", csv_bytes(rows))
        self.assertEqual(again.status, 200, again.body)
        self.assertEqual(again.json()["submission"], first["submission"])
        self.assertTrue(again.json()["identical"])
        second, _ = self.sent("2012-06", rows + [row(99, "2012-06")])
        self.assertEqual(second["version"], 2)
        third, _ = self.sent("2012-06", rows)
        self.assertEqual(third["version"], 3)
        listed = self.client.get(MONTH.format("2012-06") + "?limit=2")
        self.assertEqual([s["version"] for s in listed["items"]], [3, 2])
        self.assertEqual([s["version"] for s in self.client.pages(MONTH.format("2012-06"), limit=1)], [3, 2, 1])

    # What validation finds

    def canonical(self, found):
        """By row, then in the order of the table of rules."""
        order = {rule["rule"]: place for place, rule in enumerate(self.client.get("/v1/rules")["items"])}
        return sorted(found, key=lambda f: (f[0], order[f[1]]))

    def test_findings_stand_beside_their_rows(self):
        rows = [row(n, "2012-07") for n in range(6)]
        rows[1]["cluster"] = "09"
        rows[2]["start_date"] = "01/07/2012"
        rows[3]["nhs_number"] = "9434765910"
        rows[4]["super_class"] = "B"
        done, path = self.sent("2012-07", rows)
        self.assertEqual((done["state"], done["rows"], done["payable_rows"]), ("accepted", 6, 3))
        self.evaluated(path)  # no contract: each row fails C04 as well, which comes after P02
        found = self.findings(path)
        for wanted in ((2, "K03"), (3, "D01"), (4, "P02"), (4, "C04"), (5, "K05")):
            self.assertIn(wanted, found)
        self.assertEqual(found, self.canonical(found))
        self.assertNotEqual(found, sorted(found), "some row has rules that the alphabet orders otherwise")
        for limit in (1, 2, 5):
            self.assertEqual([(f["row"], f["rule"]) for f in self.client.pages(path + "/findings", limit=limit)], found)
        self.assertEqual(self.findings(path, "?rule=K03"), [(2, "K03")])
        self.assertEqual({number for number, _ in self.findings(path, "?row=3")}, {3})
        self.assertNotIn((2, "K03"), self.findings(path, "?severity=WARN"))
        self.assertIn((5, "K05"), self.findings(path, "?severity=WARN"))
        one = self.client.get(path + "/findings?rule=K03")["items"][0]
        self.assertEqual((one["severity"], one["field"], one["value"], one["episode_id"]),
                         ("ERROR", "cluster", "09", "E1"))
        self.assertTrue(one["sentence"] and one["hint"])
        masked = self.client.get(path + "/findings?rule=P02")["items"][0]
        self.assertNotIn("9434765910", json.dumps(masked))
        self.assertProblem(self.client.send("GET", path + "/findings?rule=Z99"), 400, "bad_parameter", "rule")
        self.assertProblem(self.client.send("GET", path + "/findings?severity=BAD"), 400, "bad_parameter", "severity")
        self.assertProblem(self.client.send("GET", path + "/findings?row=x"), 400, "bad_parameter", "row")
        empty = self.client.get(path + "/findings?rule=M01")
        self.assertEqual((empty["items"], empty["empty_because"]), ([], "No finding matches the filter"))

    def test_rules_that_lack_reference_data_are_named(self):
        """M06 and M07 are off until a grid is loaded, C03 and half of C01 until practices are; nothing is said of what
        was there."""
        rows = [row(n, "2012-03", h7="0", h2="4") for n in range(2)]
        done, path = self.sent("2012-03", rows)
        self.assertEqual([(r["rule"], r["in_part"]) for r in done["rules_not_checked"]],
                         [("C01", True), ("C03", False), ("M06", False), ("M07", False)])
        self.assertTrue(all(r["reason"] for r in done["rules_not_checked"]))
        grid = self.folder / "grid.csv"
        grid.write_text("cluster,item,must_min,must_max,expected_min,expected_max\n04,h7,1,4,,\n04,h2,,,0,3\n")
        self.service.load_reference("allocation_grid", grid)
        done, path = self.sent("2012-03", rows + [row(3, "2012-03", h7="9", h2="3")])
        self.assertEqual([r["rule"] for r in done["rules_not_checked"]], ["C01", "C03"])
        found = [(f["row"], f["rule"], f["severity"]) for f in self.client.pages(path + "/findings")
                 if f["rule"][:2] == "M0" and f["rule"] != "M02"]
        self.assertEqual(found, [(1, "M06", "QUERY"), (1, "M07", "WARN"), (2, "M06", "QUERY"), (2, "M07", "WARN")])

    def test_pages_show_every_finding_once(self):
        rows = [row(n, "2012-08", super_class="B") for n in range(25)]
        _, path = self.sent("2012-08", rows)
        self.evaluated(path)
        whole = self.findings(path)
        paged = [(f["row"], f["rule"]) for f in self.client.pages(path + "/findings", limit=7)]
        self.assertEqual(whole, paged)
        self.assertEqual(len(whole), len(set(whole)))
        self.assertEqual(len([f for f in whole if f[1] == "K05"]), 25)
        self.assertProblem(self.client.send("GET", path + "/findings?after=nonsense"), 400, "bad_parameter")

    def test_a_broken_file_is_refused_and_says_everything(self):
        rows = [row(1, "2012-09"), row(2, "2012-10"), row(3, "2012-09", provider="RXB"), row(1, "2012-09")]
        done, path = self.sent("2012-09", rows)
        self.assertEqual((done["state"], done["payable_rows"]), ("refused", None))
        rules = {rule for _, rule in self.findings(path, "?severity=FILE")}
        self.assertSummaryCounts(self.client, path)  # never evaluated
        self.assertLessEqual({"F04", "F05", "F11"}, rules)
        self.assertEqual(self.value("SELECT count(*) FROM reckoner.episode e JOIN reckoner.submission s "
                                    "ON s.provider = e.provider AND s.no = e.submission "
                                    f"WHERE s.id = '{done['submission']}'"), "0")
        self.assertEqual(self.client.get(path + "/receipt")["outcome"], "refused")
        for other in ("e.one", "b.maker"):
            self.assertProblem(self.as_person(other).send("GET", path), 404, "not_found")

    def test_a_short_file_is_held_until_it_is_confirmed(self):
        rows = [row(n, "2012-10") for n in range(5)]
        done, path = self.sent("2012-10", rows, Row_Count="6")
        self.assertEqual(done["state"], "held")
        self.assertEqual(self.findings(path, "?severity=FILE"), [(0, "F13")])
        self.assertSummaryCounts(self.client, path)
        first = self.client.get(path + "/receipt")
        self.assertEqual((first["outcome"], first["payable_rows"]), ("held", None))
        confirmation = self.client.send("POST", path + "/confirmation")
        self.assertEqual(confirmation.status, 202, confirmation.body)
        self.client.wait_for_job("RXA", confirmation.json()["job"])
        done = self.client.get(path)
        self.assertEqual((done["state"], done["confirmed"], done["payable_rows"]), ("accepted", True, 5))
        self.assertEqual(self.findings(path, "?severity=FILE"), [])
        self.assertEqual(self.client.get(path + "/receipt")["outcome"], "accepted")
        self.assertProblem(self.client.send("POST", path + "/confirmation"), 409, "conflict")
        self.assertIsNone(done["replaced_by"])
        # A held version is of no use any more once a newer one was accepted, and confirming it says so.
        old, old_path = self.sent("2012-10", rows[:4], Row_Count="6")
        new, _ = self.sent("2012-10", rows[:5] + [row(9, "2012-10")])
        self.assertEqual((old["state"], new["state"]), ("held", "accepted"))
        late = self.assertProblem(self.client.send("POST", old_path + "/confirmation"), 409, "conflict")
        self.assertIn(f"Version {new['version']} of the month was accepted", late["detail"])
        self.assertEqual(self.client.get(path)["replaced_by"], new["submission"])
        self.assertProblem(self.client.send("POST", NOWHERE + "/confirmation"), 404, "not_found")

    # Receipts

    def test_a_receipt_is_verified_with_openssl_and_says_what_was_sent(self):
        rows = [row(n, "2012-11") for n in range(30)]
        data = csv_bytes(rows)
        done, path = self.sent("2012-11", rows)
        receipt = self.client.bytes(path + "/receipt")
        stated = json.loads(receipt)
        self.assertTrue(receipt.startswith(b'{"@purpose":"reckoner/receipt/1"'))
        self.assertEqual(receipt, json.dumps(stated, sort_keys=True, separators=(",", ":"),
                                             ensure_ascii=False).encode())
        self.assertEqual((stated["sha256"], stated["bytes"], stated["rows"], stated["version"], stated["clock"]),
                         (hashlib.sha256(data).hexdigest(), len(data), 30, 1, "demonstration"))
        self.assertEqual(stated["rule_set"], done["rule_set"])
        self.assertEqual(stated["reference"]["clusters"],
                         hashlib.sha256((ROOT / "config/clusters.csv").read_bytes()).hexdigest())
        folder = self.folder / "receipt"
        folder.mkdir(exist_ok=True)
        key = self.client.get("/v1/keys")["items"][0]["key"]
        for name, content in (("receipt", receipt), ("signature", self.client.bytes(path + "/receipt/signature")),
                              ("key.pem", self.client.bytes(f"/v1/keys/{key}?format=pem"))):
            (folder / name).write_bytes(content)
        verify = ["openssl", "pkeyutl", "-verify", "-rawin", "-pubin", "-inkey", str(folder / "key.pem"),
                  "-in", str(folder / "receipt"), "-sigfile", str(folder / "signature")]
        self.assertEqual(subprocess.run(verify, capture_output=True, check=False).returncode, 0)
        (folder / "receipt").write_bytes(receipt.replace(b'"rows":30', b'"rows":31'))
        self.assertNotEqual(subprocess.run(verify, capture_output=True, check=False).returncode, 0)
        minisig = self.client.bytes(path + "/receipt/minisig").decode().splitlines()
        self.assertEqual(base64.b64decode(minisig[1])[10:], (folder / "signature").read_bytes())
        for person, status in (("audit.one", 200), ("e.one", 403), ("b.maker", 404)):
            self.assertEqual(self.as_person(person).send("GET", path + "/receipt").status, status, person)


class Agreed(Counting, harness.ServiceCase):
    """With contracts: amounts at stake, terms that come later, windows, what a commissioner sees."""

    clock = "2012-05-08T09:00:00Z"

    def setUp(self):
        self.client = self.as_person("a.maker")
        self.addCleanup(self.client.close)

    def upload(self, month, rows):
        reply = self.client.send("POST", MONTH.format(month), csv_bytes(rows), {"Content-Type": "text/csv"})
        return reply

    def accepted(self, month, rows, evaluation=1):
        done = self.send(rows, month=month)
        self.assertEqual(done["state"], "accepted", done)
        path = f"/v1/providers/RXA/submissions/{done['submission']}"
        self.wait_until(lambda: self.client.get(path)["evaluation"] >= evaluation, what="the evaluation")
        return path

    def test_amounts_follow_the_terms_and_windows_close(self):
        rows = [row(n) for n in range(4)]
        rows[0]["cluster"] = rows[0]["cluster_initial"] = "05"  # no price
        rows[1]["super_class"] = "B"  # a warning on a row of 30 days at 612 pence
        rows[2] |= {"super_class": "B", "mhct_reason": "99"}  # two warnings on one row
        rows[3]["commissioner"] = "5QF"  # no contract
        path = self.accepted("2012-04", rows)
        self.assertEqual({f["rule"] for f in self.client.pages(path + "/findings?severity=ERROR")}, {"C04"})

        contract = self.agree()
        self.wait_until(lambda: self.client.get(path)["evaluation"] >= 2, what="the evaluation after the approval")
        errors = [(f["row"], f["rule"], f["amount_at_stake_pence"])
                  for f in self.client.pages(path + "/findings?severity=ERROR")]
        self.assertEqual(errors, [(1, "K06", None), (4, "C04", None)])
        warnings = [(f["row"], f["rule"], f["amount_at_stake_pence"])
                    for f in self.client.pages(path + "/findings?severity=WARN") if f["rule"] in ("K05", "M04")]
        self.assertEqual(warnings, [(2, "K05", 18360), (3, "K05", 18360), (3, "M04", 18360)])
        summary = self.client.get(path + "/findings/summary")
        by_severity = {line["severity"]: line for line in summary["by_severity"]}
        self.assertEqual(by_severity["ERROR"]["amount_at_stake_pence"], None)
        self.assertEqual(by_severity["ERROR"]["rows_of_unknown_amount"], 2)
        total = summary["total"]
        self.assertEqual(total["rows"], len({f["row"] for f in self.client.pages(path + "/findings")}))
        self.assertEqual(total["amount_at_stake_pence"], 2 * 18360)
        self.assertGreater(total["findings"], total["rows"])

        commissioner = self.as_person("e.one")
        self.assertSummaryCounts(self.client, path)
        self.assertSummaryCounts(commissioner, path)
        own = list(commissioner.pages(path + "/findings"))
        self.assertEqual({f["row"] for f in own} & {4}, set())
        self.assertTrue(all(f["commissioner"] == "5QE" for f in own))
        self.assertEqual(commissioner.get(path + "/findings/summary")["total"]["amount_at_stake_pence"], 2 * 18360)
        self.check_windows(contract, rows)

    def check_windows(self, contract, rows):
        more = rows + [row(10)]
        inside = self.upload("2012-04", more)
        self.assertEqual(inside.status, 202, inside.body)
        window = inside.json()["windows"][0]
        self.assertEqual(window["contract"], contract.rsplit("/", 1)[1])
        self.assertTrue(window["inside"])
        self.client.wait_for_job("RXA", inside.json()["job"])
        key = {"Content-Type": "text/csv", "Idempotency-Key": "before-the-close"}
        kept = self.client.send("POST", MONTH.format("2012-04"), csv_bytes(rows), key)
        self.assertEqual(kept.status, 202, kept.body)
        self.client.wait_for_job("RXA", kept.json()["job"])

        # 24:00 in London on the last day is 23:00Z in summer: the second before is inside, the instant itself is not.
        self.service.set_clock(window["freeze"][:19] + "Z")
        late = self.assertProblem(self.upload("2012-04", more + [row(11)]), 409, "submission_window_closed", "month")
        self.assertIn("/exceptions", late["detail"])
        again = self.client.send("POST", MONTH.format("2012-04"), csv_bytes(rows), key)
        self.assertEqual((again.status, again.json()), (202, kept.json()))

        asked = self.client.post(contract + "/exceptions", {"month": "2012-04", "reason": "A ward was left out"})
        self.as_person("e.one").post(f"{contract}/exceptions/2012-04/{asked['n']}/decision",
                                     {"decision": "granted", "closes_on": "2012-06-29"})
        opened = self.upload("2012-04", more + [row(11)])
        self.assertEqual(opened.status, 202, opened.body)
        self.assertTrue(opened.json()["windows"][0]["exception"])
        self.client.wait_for_job("RXA", opened.json()["job"])


if __name__ == "__main__":
    harness.main()
