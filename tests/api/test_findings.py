"""Findings across months and trusts: by pounds, in sums, over months, by practice; who sees which, and pseudonyms. What
the service says is counted again here, from the lists by row."""

import collections
import re

import harness
from harness import row

PSEUDONYM = re.compile("^[bcdfghjklmnpqrstvwxz]{20}$")


def overdue(number, **changes):
    """A row whose review is overdue (R01, QUERY)."""
    return row(number, **({"mhct_date": "2010-02-01", "start_date": "2010-02-01"} | changes))


def april():
    """5QE pays for cluster 04 and 14 (no price for 05); 5QF for rows of RXA too."""
    rows = [overdue(n, super_class="B" if n % 2 else "A", gp_practice=f"A8100{n % 4}") for n in range(12)]
    rows += [overdue(20 + n, patient_id=f"P{n}X", commissioner="5QF", gp_practice="B83001") for n in range(3)]
    rows += [row(40, cluster="14", cluster_initial="14", super_class="A", mhct_reason="99")]
    rows += [row(41, cluster="05", cluster_initial="05", super_class="B")]
    rows += [row(50 + n) for n in range(3)]
    rows[3]["start_date"] = rows[3]["mhct_date"] = "2012-04-21"  # ten days
    return rows


class Questions(harness.ServiceCase):
    """RXA sends April and May for 5QE and 5QF, RXB sends April for 5QE."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.agree()
        cls.agree(commissioner="5QF", authors=("a.author", "a.maker", "f.one"))
        rxb = [overdue(n, provider="RXB", patient_id=f"P{n}") for n in range(2)]
        cls.agree(provider="RXB", authors=("b.author", "b.maker", "e.one"))
        cls.client = cls.as_person("a.maker")
        cls.eastmere = cls.as_person("e.one")
        cls.fenwick = cls.as_person("f.one")
        cls.audit = cls.as_person("audit.one")
        first = april()
        cls.sent = {"old": cls.evaluated(cls.send(first[:-1])), "RXA": cls.evaluated(cls.send(first)),
                    "RXB": cls.evaluated(cls.send(rxb, person="b.maker", provider="RXB"), "b.maker")}

    @classmethod
    def evaluated(cls, submission, person="a.maker"):
        assert submission["state"] == "accepted", submission
        path = f"/v1/providers/{submission['provider']}/submissions/{submission['submission']}"
        client = cls.as_person(person)
        cls.wait_until(lambda: client.get(path)["evaluation"] >= 1, what="the evaluation")
        return path

    def by_row(self, client, *names, query=""):
        """The findings of the submissions, from their own lists."""
        return [f | {"path": self.sent[name]} for name in names
                for f in client.pages(self.sent[name] + "/findings" + query)]

    @staticmethod
    def key(finding):
        return (finding["submission"], finding["row"], finding["rule"])

    def test_by_pounds_it_is_what_the_rows_say(self):
        asked = list(self.eastmere.pages("/v1/findings", limit=4))
        told = self.by_row(self.eastmere, "RXA", "RXB")
        self.assertEqual(sorted(map(self.key, asked)),
                         sorted((f["path"].rsplit("/", 1)[1], f["row"], f["rule"]) for f in told))
        self.assertEqual({f["commissioner"] for f in asked}, {"5QE"})
        self.assertEqual({f["provider"] for f in asked}, {"RXA", "RXB"})
        amounts = [f["amount_at_stake_pence"] for f in asked]
        known = [pence for pence in amounts if pence is not None]
        self.assertEqual(amounts, sorted(known, reverse=True) + [None] * (len(amounts) - len(known)))
        self.assertIn(None, amounts)
        self.assertGreater(len(set(known)), 2)
        one = {self.key(f): f for f in asked}
        for f in told:
            other = one[f["path"].rsplit("/", 1)[1], f["row"], f["rule"]]
            self.assertEqual({name: other[name] for name in f if name != "path"},
                             {name: value for name, value in f.items() if name != "path"})

    def test_pages_of_every_size_are_the_same_list(self):
        whole = [self.key(f) for f in self.client.pages("/v1/findings")]
        self.assertEqual(len(set(whole)), len(whole))
        for limit in (1, 2, 3, 7):
            self.assertEqual([self.key(f) for f in self.client.pages("/v1/findings", limit=limit)], whole)

    def test_filters(self):
        whole = list(self.eastmere.pages("/v1/findings"))
        for query, wanted in (("rule=R01", lambda f: f["rule"] == "R01"),
                              ("severity=WARN", lambda f: f["severity"] == "WARN"),
                              ("cluster=14", lambda f: f["cluster"] == "14"),
                              ("provider=RXB", lambda f: f["provider"] == "RXB"),
                              ("rule=K05&severity=WARN&provider=RXA&month=2012-04",
                               lambda f: f["rule"] == "K05" and f["provider"] == "RXA"),
                              ("rule=K05&severity=ERROR", lambda f: False), ("month=2012-05", lambda f: False),
                              ("from=2012-04&to=2012-04", lambda f: True), ("commissioner=5QF", lambda f: True)):
            with self.subTest(query):
                self.assertEqual([self.key(f) for f in self.eastmere.pages("/v1/findings?" + query, limit=5)],
                                 [self.key(f) for f in whole if wanted(f)])
        for query, field in (("rule=F01", "rule"), ("rule=ZZZ", "rule"), ("severity=FILE", "severity"),
                             ("month=April", "month"), ("month=2012-04&to=2012-05", "month"),
                             ("cluster=4", "cluster"), ("after=x", "after"), ("from=2012-05&to=2012-04", "to")):
            self.assertProblem(self.eastmere.send("GET", "/v1/findings?" + query), 400, "bad_parameter", field)

    def sums(self, findings):
        """Counts as the service should give them: a row once."""
        rows = {(f["submission"], f["row"]): f["amount_at_stake_pence"] for f in findings}
        known = [pence for pence in rows.values() if pence is not None]
        return {"findings": len(findings), "rows": len(rows),
                "amount_at_stake_pence": sum(known) if known or not rows else None,
                "rows_of_unknown_amount": len(rows) - len(known)}

    def test_sums_count_a_row_once(self):
        for client, filters in ((self.eastmere, ""), (self.eastmere, "&severity=QUERY"), (self.client, ""),
                                (self.eastmere, "&rule=K05"), (self.audit, "&cluster=04&provider=RXA")):
            whole = list(client.pages("/v1/findings" + filters.replace("&", "?", 1)))
            self.assertTrue(whole)
            for group in ("month", "provider", "commissioner", "rule", "severity", "cluster"):
                with self.subTest(group=group, filters=filters):
                    summary = client.get(f"/v1/findings/summary?group={group}{filters}")
                    by_key = collections.defaultdict(list)
                    for f in whole:
                        by_key[f[group]].append(f)
                    told = {line[group]: {name: line[name] for name in self.sums([])} for line in summary["items"]}
                    self.assertEqual(told, {key: self.sums(found) for key, found in by_key.items()})
                    self.assertEqual(summary["total"], self.sums(whole))
                    amounts = [line["amount_at_stake_pence"] for line in summary["items"]]
                    if group != "month":
                        self.assertEqual(amounts, sorted(amounts, key=lambda a: (a is None, -(a or 0))))
        empty = self.eastmere.get("/v1/findings/summary?group=rule&month=2012-07")
        self.assertEqual((empty["items"], empty["total"]), ([], self.sums([])))
        self.assertProblem(self.client.send("GET", "/v1/findings/summary"), 400, "bad_parameter", "group")

    def test_the_trend_has_what_was_sent(self):
        trend = self.eastmere.get("/v1/findings/trend")["items"]
        self.assertEqual([line["month"] for line in trend], ["2012-04"])
        whole = list(self.eastmere.pages("/v1/findings"))
        sent = len([r for r in april() if r["commissioner"] == "5QE"]) + 2
        self.assertEqual((trend[0]["rows_sent"], trend[0]["providers"]), (sent, 2))
        self.assertEqual({name: trend[0][name] for name in self.sums([])}, self.sums(whole))
        self.assertEqual({line["severity"]: line["rows"] for line in trend[0]["by_severity"]},
                         {s: self.sums([f for f in whole if f["severity"] == s])["rows"]
                          for s in {f["severity"] for f in whole}})

    def test_each_sees_its_own(self):
        self.assertEqual({f["commissioner"] for f in self.fenwick.pages("/v1/findings")}, {"5QF"})
        self.assertEqual({f["provider"] for f in self.client.pages("/v1/findings")}, {"RXA"})
        self.assertEqual({f["provider"] for f in self.audit.pages("/v1/findings")}, {"RXA"})
        self.assertEqual(list(self.fenwick.pages("/v1/findings?provider=RXB")), [])
        self.assertEqual({line["commissioner"] for line in
                          self.fenwick.get("/v1/findings/summary?group=commissioner")["items"]}, {"5QF"})
        operator = self.as_person("operator.one")
        self.assertProblem(operator.send("GET", "/v1/findings"), 403, "forbidden")

    def test_a_commissioner_sees_a_pseudonym_and_no_identifier(self):
        mine = list(self.eastmere.pages("/v1/findings?provider=RXA"))
        for f in mine:
            self.assertRegex(f["pseudonym"], PSEUDONYM)
            if f["field"] in ("patient_id", "nhs_number", "birth_date", "gp_practice"):
                self.assertIsNone(f["value"])
        self.assertTrue(all(f["pseudonym"] is None for f in self.client.pages("/v1/findings")))
        rows = {f["row"]: f["pseudonym"] for f in mine}
        self.assertEqual(len(set(rows.values())), len(rows))

    def test_practices_are_counts_with_small_ones_hidden(self):
        base = "/v1/findings/summary?group=practice&provider=RXA&month=2012-04"
        lines = list(self.client.pages(base, limit=2))
        sums = {line["commissioner"]: line for line in lines if line["practice"] is None}
        # 5QE: four practices of three overdue patients each, and what the two others send from V81997. All are small.
        self.assertEqual(set(sums), {"5QE", "5QF"})
        for code, line in sums.items():
            found = [f for f in self.client.pages("/v1/findings") if f["commissioner"] == code]
            self.assertEqual({name: line[name] for name in ("rows", "amount_at_stake_pence", "rows_of_unknown_amount")},
                             {name: self.sums(found)[name] for name in
                              ("rows", "amount_at_stake_pence", "rows_of_unknown_amount")})
        self.assertTrue(sums["5QF"]["withheld"])
        self.assertEqual([line for line in lines if line["commissioner"] == "5QF" and line["practice"]], [])
        self.assertTrue(all(line["hidden"] and line["rows"] is None and line["amount_at_stake_pence"] is None
                            for line in lines if line["practice"]))
        self.assertEqual(self.value("SELECT count(*) FROM reckoner.finding_practice WHERE practice <> ''"
                                    " AND patients BETWEEN 1 AND 4"), "0")
        for more, field in (("&cluster=04", "cluster"), ("&rule=R01&severity=QUERY", "severity")):
            self.assertProblem(self.client.send("GET", base + more), 400, "bad_parameter", field)
        self.assertProblem(self.client.send("GET", "/v1/findings/summary?group=practice&provider=RXA"), 400,
                           "bad_parameter", "month")


class Lists(harness.ServiceCase):
    """Lists of a kind are longer than the parts in which they are kept (64), with gaps of every width: whatever is
    asked for, a page has what the whole list has."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.agree()
        cls.agree(commissioner="5QF", authors=("a.author", "a.maker", "f.one"))
        cls.service.organisation("XAV", "auditor", "Auditors of two commissioners")
        cls.service.person("audit.two", "XAV", "audit.two")
        cls.service.token("audit.two")
        cls.service.appoint_auditor("XAV", "5QE")
        cls.service.appoint_auditor("XAV", "5QF")
        rows = []
        for n in range(700):
            changes = {"commissioner": ("5QE", "5QE", "5QF", "zz!")[n % 3 if n % 50 else 3]}
            if n % 7 == 0 or 300 < n < 400:
                changes["super_class"] = "B"
            if n % 4 == 0 or n % 9 == 0:
                changes |= {"mhct_date": "2010-02-01", "start_date": "2010-02-01"}
            if n % 5 == 0:
                changes |= {"cluster": "14", "cluster_initial": "14"}
            rows.append(row(n, patient_id=f"Q{n}", **changes))
        sent = cls.send(rows)
        cls.path = f"/v1/providers/RXA/submissions/{sent['submission']}"
        client = cls.as_person("a.maker")
        cls.wait_until(lambda: client.get(cls.path)["evaluation"] >= 1, what="the evaluation")

    def test_a_filtered_page_of_a_submission(self):
        for person in ("a.maker", "audit.one", "e.one", "f.one", "audit.two"):
            client = self.as_person(person)
            whole = list(client.pages(f"{self.path}/findings"))
            self.assertGreater(len(whole), 80)
            for rule, severity in (("R01", ""), ("K05", ""), ("C02", ""), ("", "WARN"), ("", "QUERY"), ("", "ERROR"),
                                   ("K05", "WARN"), ("K05", "QUERY")):
                wanted = [f for f in whole if rule in ("", f["rule"]) and severity in ("", f["severity"])]
                query = "?" + "&".join(f"{n}={v}" for n, v in (("rule", rule), ("severity", severity)) if v)
                for limit in (33, 150):
                    with self.subTest(person=person, query=query, limit=limit):
                        self.assertEqual(list(client.pages(f"{self.path}/findings" + query, limit=limit)), wanted)

    def test_a_filtered_page_by_pounds(self):
        for person in ("a.maker", "e.one", "audit.two"):
            client = self.as_person(person)
            whole = list(client.pages("/v1/findings"))
            self.assertEqual(sorted((f["row"], f["rule"]) for f in whole),
                             sorted((f["row"], f["rule"]) for f in client.pages(f"{self.path}/findings")))
            for wanted in ({}, {"rule": "R01"}, {"rule": "C02"}, {"severity": "WARN"}, {"cluster": "14"},
                           {"cluster": "21"}, {"cluster": "04", "rule": "K05"}, {"cluster": "14", "severity": "QUERY"},
                           {"commissioner": "5QF"}):
                query = "?" + "&".join(f"{name}={value}" for name, value in wanted.items())
                found = [f for f in whole if all(f[name] == value for name, value in wanted.items()
                                                 if name != "commissioner" or person != "e.one")]
                for limit in (33, 500):
                    with self.subTest(person=person, query=query, limit=limit):
                        self.assertEqual(list(client.pages("/v1/findings" + query.rstrip("?"), limit=limit)), found)


class Practices(harness.ServiceCase):
    """Practices with enough patients are shown, by pounds."""

    def test_large_practices_are_shown_and_sums_give_nothing_back(self):
        self.agree()
        rows = [overdue(n, gp_practice="A81001") for n in range(8)]
        rows += [overdue(100 + n, gp_practice="A81002") for n in range(6)]
        rows += [overdue(200 + n, gp_practice="A81003") for n in range(2)]
        rows += [overdue(300, patient_id="P299", gp_practice="my own words", end_date="2012-04-05", mhct_reason="99")]
        rows += [overdue(400 + n, patient_id="P400", gp_practice="A81004", start_date=f"2010-0{n}-01",
                         end_date="2012-04-01", mhct_date="2011-01-01") for n in (1, 2)]
        rows += [row(500 + n) for n in range(6)]
        sent = self.send(rows)
        client = self.as_person("e.one")
        self.wait_until(lambda: client.get(f"/v1/providers/RXA/submissions/{sent['submission']}")["evaluation"] >= 1)
        lines = client.get("/v1/findings/summary?group=practice&provider=RXA&month=2012-04&rule=R01")["items"]
        found = list(client.pages("/v1/findings?rule=R01"))
        self.assertEqual(lines[0]["practice"], None)
        self.assertEqual(lines[0]["rows"], len(found))
        shown = {line["practice"]: line["patients"] for line in lines[1:]}
        self.assertEqual(shown["A81001"], 8)
        self.assertIsNone(shown["A81003"])
        hidden = [practice for practice, patients in shown.items() if patients is None]
        self.assertGreaterEqual(len(hidden), 2)
        self.assertNotIn("my own words", str(lines))


class PracticeLines(harness.ServiceCase):
    """Lines of one practice add up too: what is hidden in one does not come back from the others."""

    def test_no_line_gives_back_what_another_hides(self):
        self.agree()
        rows = []
        for n, (practice, late, told) in enumerate((("A81001", 8, 2), ("A81002", 9, 7), ("A81003", 10, 0),
                                                    ("A81004", 6, 0))):
            rows += [overdue(100 * n + i, gp_practice=practice) for i in range(late)]
            rows += [row(100 * n + 50 + i, gp_practice=practice, super_class="B") for i in range(told)]
        sent = self.send(rows + [row(900 + n) for n in range(6)])
        client = self.as_person("e.one")
        self.wait_until(lambda: client.get(f"/v1/providers/RXA/submissions/{sent['submission']}")["evaluation"] >= 1)

        def patients(query):
            items = client.get("/v1/findings/summary?group=practice&provider=RXA&month=2012-04" + query)["items"]
            return {x["practice"]: x["patients"] for x in items if x["practice"]}

        everything = patients("")
        queries, warnings = patients("&severity=QUERY"), patients("&severity=WARN")
        reviews, classes = patients("&rule=R01"), patients("&rule=K05")
        self.assertEqual([classes["A81001"], classes["A81002"], reviews["A81001"]], [None, None, 8])
        for practice in ("A81001", "A81002"):
            self.assertIsNone(everything[practice])
            self.assertIsNone(warnings[practice])
            self.assertIsNotNone(queries[practice])
        self.assertEqual((everything["A81003"], everything["A81004"]), (10, 6))


class Pseudonyms(harness.ServiceCase):
    """One patient, two commissioners, two financial years."""

    clock = "2012-05-08T09:00:00Z"

    def test_neither_commissioners_nor_years_can_be_joined(self):
        months = ("2012-03", "2012-04")
        self.query("UPDATE reckoner.organisation SET live_from = '2011-04-01'")
        for month in months:
            rows = [overdue(n, month=month, patient_id="P1", commissioner=code, start_date=f"2010-0{n}-01",
                            mhct_date="2011-01-01", end_date=month + "-01")
                    for n, code in ((1, "5QE"), (2, "5QF"), (3, "5QE"))]
            rows += [row(10 + n, month) for n in range(20)]
            sent = self.send(rows, month=month)
            client = self.as_person("a.maker")
            path = f"/v1/providers/RXA/submissions/{sent['submission']}"
            self.assertEqual(sent["state"], "accepted", client.get(path + "/findings?severity=FILE"))
            self.wait_until(lambda p=path, c=client: c.get(p)["evaluation"] >= 1)
        found = self.query("SELECT DISTINCT s.month, k.commissioner, k.pseudonym FROM reckoner.stake k"
                           " JOIN reckoner.submission s ON s.provider = k.provider AND s.no = k.submission"
                           " WHERE k.row_no <= 3")
        self.assertEqual(len(found), 4, found)  # the two rows of 5QE agree within a month
        self.assertEqual(len({pseudonym for _, _, pseudonym in found}), 4, found)


if __name__ == "__main__":
    harness.main()
