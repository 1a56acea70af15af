"""What is measured of a provider: the same bytes for both sides, small counts hidden, peers without names, and the rows
that no contract covers."""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))

import harness  # noqa: E402
from harness import row, simple_terms  # noqa: E402

INDICATORS = "/v1/providers/RXA/indicators"
WITHOUT = "/v1/providers/RXA/months/{}/without-contract"


def april():
    """60 rows: 40 of EAST (10 of them overridden), 20 of WEST in cluster 14; ten of 5QF, which has no contract."""
    rows = [row(n, "2012-04", service="EAST", cluster_initial="05" if n < 10 else "04") for n in range(40)]
    rows += [row(n, "2012-04", service="WEST", cluster="14", cluster_initial="14", super_class="B",
                 commissioner="5QF" if n < 50 else "5QE", admitted_days="5" if n < 50 else "") for n in range(40, 60)]
    return rows


class Indicators(harness.ServiceCase):
    clock = "2012-07-03T09:00:00Z"

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.contract = cls.agree(terms=simple_terms(
            calendar={"flex": {"operational_days": 10}, "freeze": {"operational_days": 80}},
            cquin={"rate": "2.5%", "on_account": "100%", "indicators": [
                {"id": "q", "label": "Q", "weight": "100%", "measure": "step",
                 "thresholds": [{"at": "80%", "earns": "100%"}]}]},
            plan={"lines": [{"cluster": "04", "basis": "DAY", "units": [900] * 12}]}))
        cls.first = cls.send(april(), month="2012-04", caseload=80)
        may = [r | {"month": "2012-05", "last_contact": "2012-05-10"} for r in april()]
        for r in may[40:50]:  # half of WEST is in a cheaper cluster now
            r |= {"cluster": "04", "cluster_initial": "04", "super_class": "A", "episode_id": "N" + r["episode_id"],
                  "admitted_days": ""}
        cls.second = cls.send(may, month="2012-05", caseload=80)
        path = f"/v1/providers/RXA/submissions/{cls.second['submission']}"
        cls.wait_until(lambda: cls.as_person("a.maker").get(path)["evaluation"] > 0, what="the evaluation")

    def get(self, path, person="a.maker"):
        return self.as_person(person).get(path)

    def items(self, month, service=None):
        body = self.get(f"{INDICATORS}?month={month}")
        lists = {None: body["items"]} | {s["service"]: s["items"] for s in body["services"]}
        return {item["indicator"]: item for item in lists[service]}

    def test_both_sides_read_the_same_bytes(self):
        for path in (f"{INDICATORS}?month=2012-05", f"{INDICATORS}/trend?month=2012-05&months=3",
                     f"{INDICATORS}/peers?month=2012-05"):
            replies = [self.as_person(person).send("GET", path) for person in ("a.maker", "e.one", "audit.one")]
            self.assertEqual({reply.status for reply in replies}, {200}, path)
            self.assertEqual(len({reply.body for reply in replies}), 1, path)
            for stranger in ("b.maker", "f.one"):
                self.assertProblem(self.as_person(stranger).send("GET", path), 404, "not_found")
            self.assertProblem(self.as_person("operator.one").send("GET", path), 403, "forbidden")

    def test_figures_of_the_provider(self):
        items = self.items("2012-04")
        self.assertEqual(len(items), 14)
        told = {name: (i["numerator"], i["denominator"], i["share"] or i["mean_pence"], i["alert"])
                for name, i in items.items()}
        self.assertEqual(told["caseload_clustered"], (60, 80, "75%", None))
        self.assertEqual(told["override_rate"], (10, 60, "16.6667%", False))
        self.assertEqual(told["cluster_00"], (0, 60, "0%", False))
        self.assertEqual(told["unknown_ratings"], (0, 60 * 18, "0%", None))
        # Ratings of 2012-02-01: cluster 04 is due in August, cluster 14 was due after 28 days.
        self.assertEqual(told["within_review"], (40, 60, "66.6667%", None))
        self.assertEqual(told["mean_reference_price"], (30 * (40 * 750 + 20 * 2900), 1800, 1467, None))
        self.assertEqual(told["late_submissions"], (0, 1, "0%", None))
        self.assertEqual(told["replaced_submissions"], (0, 1, "0%", None))
        for name in ("case_mix_drift", "grid_must_score", "grid_expected"):
            self.assertEqual(told[name], (None, None, None, None))
            self.assertIn("Not measured", items[name]["note"])
        for item in items.values():
            self.assertTrue(item["name"] and item["numerator_counts"] and item["denominator_counts"] and item["source"])

    def test_the_mix_is_compared_at_constant_prices(self):
        drift = self.items("2012-05")["case_mix_drift"]
        before, now = 40 * 750 + 20 * 2900, 50 * 750 + 10 * 2900
        self.assertEqual(drift["numerator"], round(now * 1000 / 60))
        self.assertEqual(drift["denominator"], round(before * 1000 / 60))
        self.assertEqual(drift["alert"], True)
        self.assertEqual(drift["share"], "-24.4319%")
        east = self.items("2012-05", "EAST")["case_mix_drift"]
        self.assertEqual((east["share"], east["alert"]), ("0%", False))

    def test_services(self):
        east, west = self.items("2012-04", "EAST"), self.items("2012-04", "WEST")
        self.assertEqual((east["override_rate"]["numerator"], east["override_rate"]["denominator"]), (10, 40))
        self.assertEqual((west["override_rate"]["numerator"], west["override_rate"]["denominator"]), (0, 20))
        self.assertNotIn("caseload_clustered", east)

    def test_clusters(self):
        clusters = {c["cluster"]: c for c in self.get(f"{INDICATORS}?month=2012-04")["clusters"]}
        self.assertEqual(set(clusters), {"04", "14"})
        self.assertEqual((clusters["14"]["episodes"], clusters["14"]["days"], clusters["14"]["admitted_days"]),
                         (20, 600, 50))
        # Half of them 30 days at 29.00, half with 5 days at 352.50.
        self.assertEqual(clusters["14"]["value_pence"],
                         {"lower": 87000, "median": 87000, "upper": 25 * 2900 + 5 * 35250})
        self.assertIsNone(clusters["14"]["length_days"])

    def test_trend(self):
        months = self.get(f"{INDICATORS}/trend?month=2012-05&months=3")["months"]
        self.assertEqual([m["month"] for m in months], ["2012-03", "2012-04", "2012-05"])
        self.assertEqual([m["submission"] for m in months],
                         [None, self.first["submission"], self.second["submission"]])
        self.assertTrue(months[0]["empty_because"])
        self.assertEqual(months[1]["items"][2]["indicator"], "override_rate")
        for wrong in ("month=2012-13", "months=3", "month=2012-04&months=0", "month=2012-04&months=25"):
            reply = self.as_person("a.maker").send("GET", f"{INDICATORS}/trend?{wrong}")
            self.assertProblem(reply, 400, "bad_parameter")

    def test_few_patients_are_hidden(self):
        rows = [row(n, "2012-06", service="SMALL" if n < 3 else "EAST", cluster="14" if n < 3 else "04",
                    cluster_initial="14" if n < 3 else "04", super_class="B" if n < 3 else "A") for n in range(60)]
        sent = self.send(rows, month="2012-06")
        self.assertEqual(sent["state"], "accepted", sent)
        body = self.get(f"{INDICATORS}?month=2012-06")
        services = {s["service"]: {i["indicator"]: i for i in s["items"]} for s in body["services"]}
        for item in services["SMALL"].values():
            self.assertFalse(any(0 < (item[part] or 0) < 5 for part in ("numerator", "denominator")), item)
        self.assertIsNone(services["SMALL"]["mean_reference_price"]["numerator"])
        self.assertIn("Hidden", services["SMALL"]["cluster_00"]["note"])
        small = next(c for c in body["clusters"] if c["cluster"] == "14")
        self.assertEqual((small["hidden"], small["episodes"], small["days"]), (True, None, None))
        self.assertIn("Not supplied", body["items"][0]["note"])

    def test_terms_set_what_is_pointed_out(self):
        rows = [row(n, "2012-04", provider="RXB", cluster_initial="05" if n < 12 else "04") for n in range(60)]
        self.send(rows, person="b.maker", provider="RXB", month="2012-04")

        def rate():
            items = self.get("/v1/providers/RXB/indicators?month=2012-04", "b.maker")["items"]
            return next(i for i in items if i["indicator"] == "override_rate")

        told = rate()
        self.assertEqual((told["share"], told["threshold"], told["alert"]), ("20%", "25%", False))
        self.agree("RXB", authors=("b.author", "b.maker", "e.one"), terms=simple_terms(
            "RXB", thresholds={"override_alert": "19.5%"}))
        self.wait_until(lambda: rate()["alert"], what="the evaluation under the new terms")
        self.assertEqual(rate()["threshold"], "19.5%")

    def test_consent_and_peers(self):
        path = f"{INDICATORS}/consent"
        client = self.as_person("a.maker")
        self.assertEqual(client.get(path), {"given": False, "given_by": None, "given_at": None})
        for _ in range(2):
            reply = client.send("PUT", path)
            self.assertEqual((reply.status, reply.json()["given"], reply.json()["given_by"]), (200, True, "a.maker"))
        self.assertProblem(self.as_person("e.one").send("GET", path), 403, "forbidden")
        self.assertProblem(self.as_person("b.maker").send("PUT", path), 404, "not_found")
        self.assertProblem(self.as_person("b.maker").send("DELETE", path), 404, "not_found")
        compared = {i["indicator"]: i for i in self.get(f"{INDICATORS}/peers?month=2012-04", "e.one")["items"]}
        self.assertEqual(compared["override_rate"]["own"], "16.6667%")
        self.assertEqual((compared["override_rate"]["median"], compared["override_rate"]["peers"]), (None, None))
        self.assertIn("Fewer than three", compared["override_rate"]["note"])
        for _ in range(2):
            self.assertEqual(client.send("DELETE", path).status, 204)
        self.assertFalse(client.get(path)["given"])
        acts = self.query("SELECT act FROM reckoner.audit_event WHERE act LIKE 'peers.%' ORDER BY at, act")
        self.assertEqual(sorted(act for act, in acts), ["peers.consent", "peers.withdraw"])

    def test_rows_without_contract(self):
        body = self.get(WITHOUT.format("2012-04"))
        line = {"commissioner": "5QF", "name": "Fenwick PCT", "days": 300, "admitted_days": 50, "rows": 10,
                "unpriced_rows": 0, "reference_value_pence": 250 * 2900 + 50 * 35250,
                "because": "There is no contract"}
        self.assertEqual(body["items"], [line])
        self.assertEqual(self.get(WITHOUT.format("2012-04"), "f.one")["items"], [line])
        self.assertEqual(self.get(WITHOUT.format("2012-04"), "audit.one")["items"], [line])
        other = self.get(WITHOUT.format("2012-04"), "e.one")
        self.assertEqual(other["items"], [])
        self.assertIn("No row without a contract names", other["empty_because"])
        self.assertIn("No file", self.get(WITHOUT.format("2012-03"))["empty_because"])
        self.assertEqual(self.get(WITHOUT.format("2012-04"), "b.maker")["items"], [])
        self.assertProblem(self.as_person("a.maker").send("GET", WITHOUT.format("2012-04").replace("RXA", "RXZ")), 404,
                           "not_found")

    def test_readiness(self):
        path = "/v1/providers/RXA/readiness?month=2012-04"
        items = {i["figure"]: i for i in self.get(path, "e.one")["items"]}
        shares = {name: (i["numerator"], i["denominator"]) for name, i in items.items()}
        self.assertEqual(shares["clustered"], (60, 80))
        self.assertEqual(shares["agreed"], (1, 1))
        self.assertEqual(shares["cquin"], (1, 1))
        self.assertEqual(shares["risk_share"], (0, 1))
        self.assertEqual(shares["priced_clusters"], (2, 21))
        self.assertEqual(shares["planned_clusters"], (1, 2))
        for name in ("cost_neutral", "practice_budgets", "grid_expected"):
            self.assertIn("Not measured", items[name]["note"])
        for name in ("second_rater", "challenges", "challenges_upheld"):
            self.assertEqual((shares[name], items[name]["share"]), ((0, 0), None))
            self.assertIn("nothing to divide by", items[name]["note"])
        tracked = list(self.as_person("e.one").pages(self.contract + "/price-track"))
        self.assertEqual(shares["price_confidence"], (len(tracked), len(tracked)))
        for item in items.values():
            self.assertTrue(item["question"] and item["numerator_counts"] and item["source"])
        reply = self.as_person("a.maker").send("GET", path, None, {"Accept": "text/plain"})
        self.assertEqual(reply.headers["Content-Type"], "text/plain; charset=utf-8")
        self.assertIn("Was the patient clustered?", reply.body.decode())
        self.assertIn("75.0 %", reply.body.decode())
        self.assertProblem(self.as_person("f.one").send("GET", path), 404, "not_found")


class WrongCaseload(harness.ServiceCase):
    clock = "2012-05-03T09:00:00Z"

    def test_a_caseload_below_the_patients_clustered_makes_no_share(self):
        self.assertEqual(self.send(april(), month="2012-04", caseload=50)["state"], "accepted")
        item = self.as_person("a.maker").get(f"{INDICATORS}?month=2012-04")["items"][0]
        self.assertEqual((item["numerator"], item["denominator"], item["share"]), (60, 50, None))
        self.assertIn("the header Caseload is wrong, or the file", item["note"])


class FewBefore(harness.ServiceCase):
    """A service that was small last month and is not any more: its mean of then is still that of few patients."""

    clock = "2012-07-03T09:00:00Z"

    def test_the_mean_of_few_patients_does_not_come_back_a_month_later(self):
        for month, few in (("2012-04", 2), ("2012-05", 10)):
            rows = [row(n, month, service="EAST") for n in range(20)] + [row(20 + n, month) for n in range(12)]
            rows += [row(40 + n, month, service="NORTH", **({"cluster": "14", "super_class": "B"} if n < 2 else {}))
                     for n in range(few)]
            self.assertEqual(self.send(rows, month=month)["state"], "accepted")
        body = self.as_person("a.maker").get(f"{INDICATORS}?month=2012-05")
        services = {s["service"]: {item["indicator"]: item for item in s["items"]} for s in body["services"]}
        self.assertEqual(services["NORTH"]["cluster_00"]["denominator"], 10)
        self.assertEqual(services["EAST"]["case_mix_drift"]["denominator"], 750_000)
        drift = services["NORTH"]["case_mix_drift"]
        self.assertEqual((drift["numerator"], drift["denominator"], drift["share"]), (None, None, None))
        self.assertIn("hidden", drift["note"])


if __name__ == "__main__":
    harness.main()
