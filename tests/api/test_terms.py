"""Reading terms: which version holds for each month as known on a day, what changed, and the text to sign."""

import copy
import datetime

import harness

APRIL_TO_MARCH = [f"2012-{m:02}" for m in range(4, 13)] + [f"2013-{m:02}" for m in range(1, 4)]


class ReadingTerms(harness.ServiceCase):
    def test_versions_over_time(self):
        terms = harness.simple_terms()
        contract = self.agree(terms=terms)
        raised = copy.deepcopy(terms) | {"effective_from": "2012-10"}
        raised["prices"][0]["pence"] += 100
        self.agree(contract=contract, terms=raised)
        retro = copy.deepcopy(terms) | {"effective_from": "2012-06", "factor": "1.02"}
        client = self.as_person("e.one")
        draft = self.as_person("a.author").post(f"{contract}/terms", retro)
        self.in_force(client, contract)
        self.differences(client, contract, draft["version"])
        self.text(client, contract, draft)

    def in_force(self, client, contract):
        today = client.get(f"{contract}/terms/2")["known_from"][:10]
        early = client.send("GET", f"{contract}/terms?as_known_on={today}")
        self.assertProblem(early, 400, "bad_parameter", "as_known_on")  # the day is not over
        tomorrow = datetime.date.fromisoformat(today) + datetime.timedelta(1)
        self.service.set_clock(f"{tomorrow}T00:20:00Z")
        body = client.get(f"{contract}/terms?as_known_on={today}")
        self.assertEqual([v["version"] for v in body["items"]], [2, 1])
        self.assertEqual([m["month"] for m in body["in_force"]], APRIL_TO_MARCH)
        self.assertEqual([m["version"] for m in body["in_force"]], [1] * 6 + [2] * 6)
        self.assertEqual(body["in_force"][6]["digest"], body["items"][0]["digest"])
        before = client.get(f"{contract}/terms?as_known_on=2001-01-01")
        self.assertEqual(before["items"], [])
        self.assertTrue(before["empty_because"])
        self.assertEqual({m["version"] for m in before["in_force"]}, {None})
        wrong = client.send("GET", f"{contract}/terms?as_known_on=today")
        self.assertProblem(wrong, 400, "bad_parameter", "as_known_on")

    def differences(self, client, contract, version):
        body = client.get(f"{contract}/terms/2/differences")
        self.assertEqual((body["from"], body["dropped"]), (1, []))
        changed = {item["clause"]: item for item in body["items"]}
        self.assertEqual(changed["price/04/DAY///2012-04-01"]["difference"], 100)
        # The retro variation of June was drafted from April's version and would undo October's price.
        body = client.get(f"{contract}/terms/{version}/differences")
        self.assertEqual(body["from"], 1)
        self.assertEqual({item["clause"] for item in body["items"]}, {"effective_from", "factor"})
        self.assertEqual([(d["version"], d["clause"]) for d in body["dropped"]], [(2, "price/04/DAY///2012-04-01")])
        body = client.get(f"{contract}/terms/{version}/differences?from=2")
        self.assertEqual({item["clause"] for item in body["items"]},
                         {"effective_from", "factor", "price/04/DAY///2012-04-01"})
        first = client.get(f"{contract}/terms/1/differences")
        self.assertEqual((first["from"], first["items"]), (None, []))
        self.assertTrue(first["empty_because"])
        self.assertProblem(client.send("GET", f"{contract}/terms/1/differences?from=0"), 400, "bad_parameter", "from")
        self.assertProblem(client.send("GET", f"{contract}/terms/1/differences?from=99"), 404, "not_found")

    def text(self, client, contract, draft):
        reply = client.send("GET", f"{contract}/terms/{draft['version']}/text")
        self.assertEqual((reply.status, reply.headers["Content-Type"]), (200, "text/plain; charset=utf-8"))
        text = reply.body.decode()
        for part in ("TERMS OF CONTRACT", draft["digest"], "State     draft", "multiplied by 1.02.", "Signed ____"):
            self.assertIn(part, text)
        # Another trust sees neither contract nor terms.
        self.assertProblem(self.as_person("b.author").send("GET", f"{contract}/terms/1/text"), 404, "not_found")


class PartiesOfTheContract(harness.ServiceCase):
    """Terms are of their contract: what documents need of each party is there, and no line speaks of somebody else."""

    def refused(self, contract, terms, field, words):
        reply = self.as_person("a.author").send("POST", f"{contract}/terms", terms)
        self.assertIn(words, self.assertProblem(reply, 422, "invalid_terms", field)["detail"])

    def test_live_terms_have_the_data_of_all_parties_and_lines_of_no_other(self):
        contract = self.make_contract(self.as_person("a.author"), commissioners=("5QE", "5QF"))
        alone = harness.simple_terms()
        other = {"name": "Other", "address": ["3 High Street"], "buyer_reference": "B-2"}
        both = alone | {"parties": alone["parties"] | {"5QF": other}}
        self.refused(contract, alone, "/parties/5QF", "5QF is a commissioner of this contract")
        self.refused(contract, both | {"parties": {"5QE": other, "5QF": other}}, "/parties/RXA", "the provider")
        self.refused(contract, both | {"parties": both["parties"] | {"5QG": other}}, "/parties/5QG", "no party")
        # The one party that needs no reference is the provider, whoever else has none.
        self.refused(contract, both | {"parties": {"RXA": other, "5QE": other, "5QF": {
            "name": "Other", "address": ["3 High Street"]}}}, "/parties/5QF", "buyer_reference")
        draft = self.as_person("a.author").post(f"{contract}/terms", both)
        changed = self.as_person("a.author").send("PUT", f"{contract}/terms/{draft['version']}", alone,
                                                  headers={"If-Match": f'"{draft["revision"]}"'})
        self.assertProblem(changed, 422, "invalid_terms", "/parties/5QF")

    def test_shadow_terms_need_no_parties_and_have_lines_of_no_other(self):
        contract = self.make_contract(self.as_person("a.author"), commissioners=("5QE", "5QF"), year=2013,
                                      mode="shadow")
        terms = harness.simple_terms(financial_year=2013, effective_from="2013-04", mode="shadow")
        del terms["parties"]
        strange = {"cluster": "04", "basis": "DAY", "pence": 500, "commissioner": "5QG"}
        self.refused(contract, terms | {"prices": terms["prices"] + [strange]}, "/prices/2/commissioner",
                     "no commissioner of this contract")
        month = {"month": "2013-04", "pence": 1, "commissioner": "RXA"}
        for more, field in (({"block": [month | {"label": "L"}]}, "/block/0/commissioner"),
                            ({"plan": {"sums": [month]}}, "/plan/sums/0/commissioner"),
                            ({"plan": {"lines": [{"cluster": "04", "basis": "DAY", "units": [1] * 12,
                                                  "commissioner": "5Q"}]}}, "/plan/lines/0/commissioner"),
                            ({"examples": [harness.sound_example(2013) | {"commissioner": "5QFX"}]},
                             "/examples/0/commissioner")):
            self.refused(contract, terms | more, field, "no commissioner of this contract")
        own = terms | {"prices": terms["prices"] + [strange | {"commissioner": "5QF"}]}
        self.assertEqual(self.as_person("a.author").post(f"{contract}/terms", own)["version"], 1)


class WorkedExamples(harness.ServiceCase):
    EXAMPLE = {"title": "Ten patients all April", "month": "2012-04",
               "rows": [{"cluster": "04", "start": "2012-04-01", "count": 10}], "expect": {"total_pence": 183600}}

    def replace(self, author, contract, terms, draft):
        return author.call("PUT", f"{contract}/terms/1", terms, {"If-Match": f'"{draft["revision"]}"'})

    def approve(self, person, contract, draft):
        return self.as_person(person).send("POST", f"{contract}/terms/{draft['version']}/approvals",
                                           {"digest": draft["digest"]})

    def test_no_approval_while_an_example_fails_or_none_is_there(self):
        author = self.as_person("a.author")
        contract = self.make_contract(author)
        terms = harness.simple_terms()
        del terms["examples"]
        draft = author.post(f"{contract}/terms", terms)
        self.assertEqual(draft["examples"], [])
        problem = self.assertProblem(self.approve("e.one", contract, draft), 409, "examples_fail", "/examples")
        self.assertIn("no worked example", problem["detail"])

        terms["examples"] = [self.EXAMPLE | {"expect": {"lines": {"activity/2012-04/04/DAY/612": 183600},
                                                        "total_pence": 183601}}]
        draft = self.replace(author, contract, terms, draft)
        self.assertEqual(draft["examples"][0]["first_difference"], "total")
        for person in ("a.maker", "e.one"):
            problem = self.assertProblem(self.approve(person, contract, draft), 409, "examples_fail",
                                         "/examples/0/expect/total_pence")
            for part in ("Ten patients all April", "£1,836.01", "£1,836.00"):
                self.assertIn(part, problem["detail"])
        shown = self.as_person("e.one").get(f"{contract}/terms/1/examples")
        self.assertFalse(shown["all_pass"])
        self.assertEqual([(f["figure"], f["expected_pence"], f["computed_pence"], f["equal"])
                          for f in shown["items"][0]["figures"]],
                         [("line activity/2012-04/04/DAY/612", 183600, 183600, True),
                          ("total", 183601, 183600, False)])

        terms["examples"] = [self.EXAMPLE]
        draft = self.replace(author, contract, terms, draft)
        self.assertTrue(draft["examples"][0]["passes"])
        for person, state in (("a.maker", "draft"), ("e.one", "approved")):
            self.assertEqual(self.approve(person, contract, draft).json()["state"], state)
        self.assertTrue(author.get(f"{contract}/terms/1/examples")["all_pass"])

    def test_no_approval_while_there_is_a_defect(self):
        author = self.as_person("a.author")
        contract = self.make_contract(author, year=2013)
        days = {"cluster": "04", "basis": "DAY", "units": [300] * 12}
        terms = harness.simple_terms(
            financial_year=2013, effective_from="2013-04", plan={"lines": [days]},
            risk_share={"preset": "dead_band", "to": "2%", "pay_over": "30%", "pay_under": "50%"})
        draft = author.post(f"{contract}/terms", terms)
        link = f"{contract}/terms/1/lint"
        self.assertEqual(draft["lint"], {"defects": 1, "notes": 4, "href": link})
        for person in ("a.maker", "e.one"):
            problem = self.assertProblem(self.approve(person, contract, draft), 409, "terms_defective", "/prices/1")
            self.assertIn("price_without_plan: ", problem["detail"])
            self.assertIn(link, problem["detail"])
        found = self.as_person("e.one").get(link)
        self.assertEqual((found["version"], found["defects"], found["notes"]), (1, 1, 4))
        first = found["items"][0]
        self.assertEqual((first["kind"], first["rule"], first["pointer"]),
                         ("defect", "price_without_plan", "/prices/1"))
        self.assertEqual((first["counter_example"]["pence"], first["counter_example"]["planned_units"]), (11875, 0))
        self.assertProblem(self.as_person("b.author").send("GET", link), 404, "not_found")

        # Notes do not refuse: the parties' VAT is still not given.
        terms["plan"]["lines"].append({"cluster": "14", "basis": "DAY", "units": [0] * 12})
        terms["examples"] = [{"title": "A patient", "month": "2013-04",
                              "rows": [{"cluster": "04", "start": "2013-04-01"}],
                              "expect": {"stages": {"activity": 30 * 612}}}]
        draft = self.replace(author, contract, terms, draft)
        self.assertEqual(draft["lint"], {"defects": 0, "notes": 4, "href": link})
        for person, state in (("a.maker", "draft"), ("e.one", "approved")):
            self.assertEqual(self.approve(person, contract, draft).json()["state"], state)


if __name__ == "__main__":
    harness.main()
