"""Time travel: terms, findings, positions and documents as known at the end of a day. Asked when the day was over,
and again after late data, a variation for months behind, a resubmission, a challenge that was decided, reference data
and issues: the same bytes."""

import json
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))

import harness  # noqa: E402

MONTHS = ("2012-04", "2012-05")


def terms_of(price, **rules):
    """Pay stops a month behind a review that is due: April's rows are paid, as reviews are due after six months."""
    return harness.simple_terms(prices=[{"cluster": "04", "basis": "DAY", "pence": price}],
                                rules={"stop_pay_when_overdue": {"grace_days": 30}} | rules)


class AsKnown(harness.ServiceCase):
    """One story in order; the names of the steps say so."""

    workers = 2
    settings = {"calculations_per_day": 500, "exports_per_day": 500, "worker_poll_ms": 50}

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.contract = cls.agree(terms=terms_of(612))
        cls.account = cls.contract + "/accounts/5QE"
        cls.documents = "/v1/providers/RXA/documents"
        cls.answers = {}  # day: {question: bytes}
        cls.submissions = []

    def setUp(self):
        self.ours, self.theirs, self.auditor = map(self.as_person, ("a.maker", "e.one", "audit.one"))

    def position(self, client, day, month):
        """The answer's exact bytes, or why there is none."""
        asked = client.post(self.contract + "/calculations",
                            {"kind": "position", "commissioner": "5QE", "month": month, "as_known_on": day})
        self.ours.wait_for_job("RXA", asked["job"])
        path = f"{self.contract}/calculations/{asked['calculation']}"
        answer = client.get(path)
        if answer["state"] == "parked":
            return answer["reason"].encode()
        self.assertEqual(answer["state"], "done", answer)
        return client.send("GET", path + "?format=canonical").body

    def ask(self, day):
        """Every question about a day, and each answer's bytes."""
        listed = self.theirs.send("GET", f"{self.documents}?as_known_on={day}").body
        yield "documents", listed
        yield "terms", self.theirs.send("GET", f"{self.contract}/terms?as_known_on={day}").body
        for document in json.loads(listed)["items"]:
            yield document["id"], self.ours.send("GET", f"{self.documents}/{document['id']}?as_known_on={day}").body
        for submission in self.submissions:
            reply = self.theirs.send("GET", f"/v1/providers/RXA/submissions/{submission}/findings?as_known_on={day}")
            yield submission, reply.body if reply.status == 200 else b"not found"
            reply = self.ours.send("GET", f"/v1/providers/RXA/submissions/{submission}/findings/summary"
                                   f"?as_known_on={day}")
            yield "counts of " + submission, reply.body if reply.status == 200 else b"not found"
        for n, client in enumerate((self.ours, self.theirs, self.auditor)):
            yield f"all findings {n}", self.answer(client, f"/v1/findings?as_known_on={day}")
            for group in ("month", "rule", "severity", "cluster", "commissioner", "provider"):
                yield f"{group} {n}", self.answer(client, f"/v1/findings/summary?group={group}&as_known_on={day}")
            yield f"trend {n}", self.answer(client, f"/v1/findings/trend?as_known_on={day}")
        for client, form in ((self.ours, "csv"), (self.theirs, "ndjson")):
            yield form, self.file(client, day, form)
        for n, month in enumerate(MONTHS):
            yield month, self.position((self.ours, self.auditor)[n], day, month)

    def answer(self, client, path):
        reply = client.send("GET", path)
        self.assertEqual(reply.status, 200, reply.body)
        return reply.body

    def file(self, client, day, form):
        asked = client.post("/v1/providers/RXA/exports", {"format": form, "from": "2012-04", "to": "2012-05",
                                                          "as_known_on": day})
        client.wait_for_job("RXA", asked["job"])
        path = f"/v1/providers/RXA/exports/{asked['export']}"
        self.assertEqual(client.get(path)["as_known_on"], day)
        return client.bytes(path + "/file")

    def upload(self, rows, month="2012-04", **changes):
        """changes: of the fifth row."""
        sent = self.send([harness.row(n, month, **(changes if n == 4 else {})) for n in range(rows)], month=month)
        self.assertEqual(sent["state"], "accepted", sent)
        self.submissions.append(sent["submission"])
        self.settle_down()  # the evaluation is of the same day, before a question comes

    def found(self, day, submission):
        """Rule and severity of each finding."""
        body = json.loads(self.answers[day][self.submissions[submission]])
        return [(finding["rule"], finding["severity"]) for finding in body["items"]]

    def remember(self, day):
        self.answers[day] = dict(self.ask(day))
        return self.answers[day]

    def settle_down(self):
        self.wait_until(lambda: self.value("SELECT count(*) FROM reckoner.job WHERE state IN ('queued', 'leased')")
                        == "0", what="the end of all jobs")
        self.assertEqual(self.query("SELECT kind, problem FROM reckoner.job WHERE state = 'failed'"), [])

    def freeze(self, month):
        asked = self.ours.post(f"{self.account}/runs", {"month": month, "type": "FREEZE"})
        self.ours.wait_for_job("RXA", asked["job"])
        return self.ours.get(f"/v1/providers/RXA/runs/{asked['run']}")

    def act_on(self, client, document, act, revision):
        reply = client.send("POST", f"{self.documents}/{document}/{act}", headers={"If-Match": f'"{revision}"'})
        self.assertEqual(reply.status, 200, reply.body)

    def load_shorter_reviews(self):
        """From now on reviews of cluster 04 are due after two months, so that pay stops in May."""
        lines = (harness.ROOT / "config/clusters.csv").read_text(encoding="utf-8").splitlines()
        changed = [line.rsplit(",", 2)[0] + ",2,month" if line.startswith("04,") else line for line in lines]
        self.assertNotEqual(lines, changed)
        file = self.folder / "clusters.csv"
        file.write_text("\n".join(changed) + "\n", encoding="utf-8")
        self.service.load_reference("clusters", str(file))

    def states(self, day):
        return [d["state"] for d in json.loads(self.answers[day]["documents"])["items"]]

    def test_1_before_and_after_the_first_month_was_frozen(self):
        self.upload(10)
        self.service.set_clock("2012-05-12T09:00:00Z")
        self.assertIn(b"no activity received for 2012-05", self.remember("2012-05-10")["2012-05"])
        self.service.set_clock("2012-06-11T09:00:00Z")
        run = self.freeze("2012-04")
        document = run["document"]
        self.service.set_clock("2012-06-12T09:00:00Z")
        self.act_on(self.ours, document, "proposal", 1)
        self.service.set_clock("2012-06-13T09:00:00Z")
        self.act_on(self.as_person("a.checker"), document, "issue", 2)
        self.service.set_clock("2012-06-14T09:00:00Z")
        for day, state in (("2012-06-10", []), ("2012-06-11", ["draft"]), ("2012-06-12", ["proposed"]),
                           ("2012-06-13", ["issued"])):
            self.remember(day)
            self.assertEqual(self.states(day), state, day)
        before, after = (json.loads(self.answers[day][document]) for day in ("2012-06-12", "2012-06-13"))
        self.assertEqual((before["number"], before["issued_by"], before["ledger"], before["revision"]),
                         (None, None, [], None))
        self.assertEqual((after["number"], after["issued_by"], len(after["ledger"])), (1, "a.checker", 2))
        found = self.ours.send("GET", f"/v1/providers/RXA/runs/{run['id']}/position").body
        self.assertEqual(self.answers["2012-06-11"]["2012-04"], found, "as the run of that day found it")

    def test_2_much_becomes_known_later(self):
        self.upload(8, "2012-05")
        self.service.set_clock("2012-06-16T09:00:00Z")
        self.remember("2012-06-14")
        self.upload(12, "2012-05")
        challenge = self.theirs.send("POST", self.account + "/challenges", {
            "month": "2012-04", "rows": [{"episode_id": "E3"}], "counter": {"not_payable": True},
            "reason": "not_provided", "claimed_pence": 10_000_000, "evidence": "the register has no such stay"})
        self.assertEqual(challenge.status, 201, challenge.body)
        # It stays open while its row is sent again with other contents: each day knows the row as it was then.
        open_one = self.theirs.send("POST", self.account + "/challenges", {
            "month": "2012-05", "rows": [{"episode_id": "E4"}], "counter": {"payable_days": 3},
            "reason": "wrong_days", "claimed_pence": 10_000, "evidence": "the register has fewer days"})
        self.assertEqual(open_one.status, 201, open_one.body)
        self.service.set_clock("2012-06-18T09:00:00Z")
        self.remember("2012-06-16")
        self.ours.post(f"{self.account}/challenges/{challenge.json()['number']}/accept")
        self.settle_down()
        self.agree(contract=self.contract, terms=terms_of(
            700, out_of_scope_services=["CMHT1"], severities={"C05": "WARN"}))
        self.settle_down()
        self.service.set_clock("2012-06-20T09:00:00Z")
        self.remember("2012-06-18")
        self.assertEqual(self.states("2012-06-18")[-1:], ["issued"])
        self.assertIn("superseded", self.states("2012-06-18"))
        asked = self.ours.post(f"{self.contract}/exceptions", {"month": "2012-04", "reason": "rows missing"})
        self.theirs.post(f"{self.contract}/exceptions/2012-04/{asked['n']}/decision",
                         {"decision": "granted", "closes_on": "2012-06-30"})
        self.upload(15)
        self.upload(12, "2012-05", referral_date="2012-01-20")
        self.settle_down()
        self.load_shorter_reviews()
        self.service.set_clock("2012-07-11T09:00:00Z")
        self.freeze("2012-05")
        self.settle_down()
        self.remember("2012-07-10")
        self.assertEqual((self.found("2012-06-16", 0), self.found("2012-06-18", 0)), ([], [("C05", "WARN")] * 10))
        positions = [answer["2012-04"] for answer in self.answers.values()]
        self.assertEqual(len(set(positions)), 4, "uploaded, contested, decided and priced anew, late rows")
        self.assertNotEqual(self.answers["2012-06-18"]["2012-05"], self.answers["2012-07-10"]["2012-05"])
        self.check_findings("2012-06-16", 0, [10, 12])
        self.check_findings("2012-06-18", 10 + 12, [10, 12])
        self.check_findings("2012-07-10", 15 + 12, [15, 12])

    def check_findings(self, day, rows, sent):
        """All the answers of a day tell of these rows of C05, a warning, and of nothing else."""
        known = self.answers[day]
        for n in range(3):
            items = json.loads(known[f"all findings {n}"])["items"]
            self.assertEqual([(i["rule"], i["severity"], i["amount_at_stake_pence"], i["pseudonym"]) for i in items],
                             [("C05", "WARN", None, None)] * rows)
            for group, keys in (("rule", ["C05"]), ("severity", ["WARN"]), ("cluster", ["04"]), ("provider", ["RXA"]),
                                ("commissioner", ["5QE"]), ("month", ["2012-04", "2012-05"])):
                sums = json.loads(known[f"{group} {n}"])
                self.assertEqual([line[group] for line in sums["items"]], keys if rows else [])
                self.assertEqual(sums["total"], {"findings": rows, "rows": rows, "rows_of_unknown_amount": rows,
                                                 "amount_at_stake_pence": None if rows else 0})
            months = json.loads(known[f"month {n}"])["items"]
            trend = json.loads(known[f"trend {n}"])["items"]
            self.assertEqual([line["rows_sent"] for line in trend], sent)
            self.assertEqual([{name: line[name] for name in line if name in (months or [{}])[0]} for line in trend
                              if line["rows"]], months)
            self.assertEqual([s["severity"] for line in trend for s in line["by_severity"]], ["WARN"] * len(months))
        self.assertEqual(known["csv"].count(b"\n"), rows + 1)
        self.assertEqual(known["csv"].count(b",C05,WARN,"), rows)
        self.assertEqual(known["ndjson"].count(b"\n"), rows)

    def test_3_the_same_questions_have_the_same_answers(self):
        self.service.set_clock("2012-08-01T09:00:00Z")
        self.assertEqual(dict(self.ask("2012-06-18"))[self.submissions[-1]], b"not found", "it came later")
        for day, answers in self.answers.items():
            again = dict(self.ask(day))
            for question, answer in answers.items():
                with self.subTest(day=day, question=question):
                    self.assertEqual(again[question], answer)

    def test_4_findings_in_pages_and_by_filters(self):
        day = "2012-06-18"
        whole = json.loads(self.answers[day]["all findings 1"])["items"]
        path = f"/v1/findings?as_known_on={day}"
        self.assertEqual(list(self.theirs.pages(path, limit=5)), whole)
        self.assertEqual(len({(i["submission"], i["row"]) for i in whole}), 22)
        for query, count in (("severity=WARN", 22), ("severity=ERROR", 0), ("rule=C05&month=2012-05", 12),
                             ("cluster=05", 0), ("provider=RXB", 0)):
            self.assertEqual(len(list(self.theirs.pages(f"{path}&{query}"))), count, query)
        self.assertEqual(list(self.as_person("f.one").pages(path)), [])
        sent = f"/v1/providers/RXA/submissions/{self.submissions[0]}/findings/summary?as_known_on={day}"
        counts = self.ours.get(sent)
        self.assertEqual((counts["total"]["rows"], [line["rule"] for line in counts["by_rule"]], counts["evaluation"]),
                         (10, ["C05"], self.ours.get(sent.replace("/summary", ""))["evaluation"]))
        self.assertEqual(self.ours.get(sent + "&row=3")["total"]["findings"], 1)
        self.assertProblem(self.as_person("f.one").send("GET", sent), 404, "not_found")
        self.assertProblem(self.ours.send("GET", f"/v1/findings/summary?group=practice&as_known_on={day}"), 400,
                           "bad_parameter", "as_known_on")

    def test_6_erasure_takes_out_the_identity_and_nothing_else(self):
        day = "2012-06-18"
        asked = self.ours.post("/v1/providers/RXA/erasures", {"submission": self.submissions[0], "row": 4,
                                                              "reason": "the patient asked for it"})
        approved = self.as_person("a.checker").post(f"/v1/providers/RXA/erasures/{asked['erasure']}/approve")
        self.ours.wait_for_job("RXA", approved["job"])
        again = dict(self.ask(day))
        for question, answer in self.answers[day].items():
            if not question.startswith("all findings") and question not in ("csv", "ndjson", *self.submissions):
                self.assertEqual(again[question], answer, question)
        for n in range(3):
            before, after = (json.loads(one[f"all findings {n}"])["items"] for one in (self.answers[day], again))
            changed = [(a, b) for a, b in zip(before, after, strict=True) if a != b]
            self.assertEqual({(a["month"], a["row"]) for a, _ in changed}, {("2012-04", 4), ("2012-05", 4)})
            for a, b in changed:
                erased = {"episode_id": b["episode_id"], "value": "", "note": ""}
                self.assertEqual((a["episode_id"], a | erased), ("E3", b))

    def test_5_who_may_ask_and_when(self):
        calculations = self.contract + "/calculations"
        body = {"kind": "position", "commissioner": "5QE", "month": "2012-04"}
        for path in (self.documents, self.contract + "/terms"):
            for day in ("2012-08-01", "2013-01-01", "yesterday"):
                self.assertProblem(self.ours.send("GET", f"{path}?as_known_on={day}"), 400, "bad_parameter",
                                   "as_known_on")
        for day in ("2012-08-01", "2013-01-01"):
            self.assertProblem(self.ours.send("GET", f"/v1/findings?as_known_on={day}"), 400, "bad_parameter",
                               "as_known_on")
            asked = {"format": "csv", "from": "2012-04", "to": "2012-04", "as_known_on": day}
            self.assertProblem(self.ours.send("POST", "/v1/providers/RXA/exports", asked), 400, "bad_parameter",
                               "/as_known_on")
        self.assertProblem(self.ours.send("POST", calculations, body | {"as_known_on": "2012-08-01"}), 400,
                           "bad_parameter", "/as_known_on")
        known = body | {"as_known_on": "2012-06-11"}
        self.assertProblem(self.ours.send("POST", calculations, known | {"month": "2013-04"}), 400, "malformed_json",
                           "/month")
        forecast = {"kind": "forecast", "commissioner": "5QE", "to": "2012-04"}
        self.assertProblem(self.auditor.send("POST", calculations, forecast), 403, "forbidden", "/kind")
        self.assertProblem(self.as_person("f.one").send("POST", calculations, known), 404, "not_found")


if __name__ == "__main__":
    harness.main()
