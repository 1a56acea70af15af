"""Audit samples as the service takes them: promised, shown, drawn, rated by a second rater, closed; the rows are those
that both offline programs draw from the same bundle, the numbers those that they compute; who may do and read what; and
what the database refuses."""

import csv
import hashlib
import io
import json
import pathlib
import subprocess
import sys
import tarfile
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))

import bundles  # noqa: E402
import harness  # noqa: E402

APRIL = "2012-04"
TERMS = harness.simple_terms("RXA", "5QE", prices=[{"cluster": "04", "basis": "DAY", "pence": 612},
                                                   {"cluster": "05", "basis": "DAY", "pence": 700}])
TEAMS = ["NORTH"] * 30 + ["SOUTH"] * 12 + ["WEST"] * 3 + [""] * 7
ROWS = [harness.row(n, service=team, cluster="04" if n % 3 else "05", super_class="A", cluster_initial="",
                    mhct_date="2012-02-01", start_date=f"2012-04-{n % 28 + 1:02}", referral_date="2012-01-10")
        for n, team in enumerate(TEAMS)] + [harness.row(99, commissioner="5QF")]
DRAWN = (("random", 40, "Tess-1"), ("mus", 25, "Tess-3"))
HEX = "sha256('\\x00'::bytea)"


def digest(nonce):
    return hashlib.sha256(nonce.encode()).hexdigest()


class Samples(harness.ServiceCase):
    """One story in order; the names of the steps say so."""

    workers = 2

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.account = cls.agree(terms=TERMS) + "/accounts/5QE"
        folder = tempfile.TemporaryDirectory(prefix="reckoner-samples-")
        cls.addClassCleanup(folder.cleanup)
        cls.folder = pathlib.Path(folder.name)
        cls.auditor = cls.as_person("audit.one")
        cls.samples = {}

    def jobs_end(self):
        self.wait_until(lambda: self.value("SELECT count(*) FROM reckoner.job WHERE state IN ('queued', 'leased')")
                        == "0", what="the end of all jobs")

    def place(self, method="random", more=""):
        return f"/v1/providers/RXA/samples/{self.samples[method]}{more}"

    def promise(self, method, size, nonce):
        made = self.auditor.send("POST", f"/v1/providers/RXA/statements/{self.statement}/samples",
                                 {"method": method, "size": size, "nonce_sha256": digest(nonce)})
        self.assertEqual((made.status, made.json()["state"]), (201, "promised"), made.body)
        self.samples[method] = made.json()["sample"]
        return made.json()

    def reveal(self, method, nonce):
        """Once a checkpoint covers the promise."""
        def shown():
            self.reply = self.auditor.send("POST", self.place(method, "/nonce"), {"nonce": nonce})
            return self.reply.status != 409
        self.wait_until(shown, what="a checkpoint that covers the promise")
        self.assertEqual(self.reply.status, 202, self.reply.body)
        self.auditor.wait_for_job("RXA", self.reply.json()["job"])
        return self.auditor.get(self.place(method))

    def bundle(self, method):
        asked = self.auditor.post(self.place(method, "/bundle"))
        self.auditor.wait_for_job("RXA", asked["job"])
        path = self.folder / f"{method}.tar"
        path.write_bytes(self.auditor.bytes(f"/v1/providers/RXA/exports/{asked['export']}/file"))
        return path

    def offline(self, *arguments):
        """What the two programs print."""
        out = []
        for number, program in enumerate(([harness.BUILD / "reckoner"], bundles.AUDITOR)):
            command = [str(part).replace("PAPER", f"{self.folder}/paper.{number}")
                       for part in (*program, "sample", *arguments)]
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            self.assertEqual(done.returncode, 0, done.stderr)
            out.append(done.stdout)
        return out

    def paper(self, method, size, nonce):
        """The lines of the paper, which both programs write alike."""
        path = self.bundle(method)
        for number in (0, 1):
            (self.folder / f"paper.{number}").unlink(missing_ok=True)
        self.offline(path, "--method", method, "--size", size, "--nonce", nonce, "--paper", "PAPER")
        papers = [(self.folder / f"paper.{n}").read_text(encoding="utf-8") for n in (0, 1)]
        self.assertEqual(*papers)
        return list(csv.DictReader(io.StringIO(papers[0])))

    def result_of_paper(self, method, lines, confidence):
        with open(self.folder / "filled.csv", "w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, lines[0].keys())
            writer.writeheader()
            writer.writerows(lines)
        ours, theirs = self.offline("evaluate", self.folder / "filled.csv", "--bundle", self.folder / f"{method}.tar",
                                    "--confidence", confidence, "--json")
        self.assertEqual(json.loads(ours), json.loads(theirs))
        return json.loads(ours)

    def test_1_a_statement(self):
        self.assertEqual(self.send(ROWS)["state"], "accepted")
        self.service.set_clock("2012-06-11T09:00:00Z")
        self.jobs_end()
        maker = self.as_person("a.maker")
        asked = maker.post(f"{self.account}/runs", {"month": APRIL, "type": "FREEZE"})
        maker.wait_for_job("RXA", asked["job"])
        type(self).statement = maker.get(f"/v1/providers/RXA/runs/{asked['run']}")["statement"]

    def test_2_only_an_auditor_of_a_party_promises(self):
        body = {"method": "random", "size": 40, "nonce_sha256": digest("Tess-1")}
        place = f"/v1/providers/RXA/statements/{self.statement}/samples"
        for person in ("a.maker", "e.one", "operator.one"):
            self.assertProblem(self.as_person(person).send("POST", place, body), 403, "forbidden")
        self.service.organisation("XAV", "auditor", "Another Audit")
        self.service.person("other.audit", "XAV", "other.audit")
        self.service.token("other.audit")
        self.assertProblem(self.as_person("other.audit").send("POST", place, body), 404, "not_found")
        for change, field in (({"method": "some"}, "/method"), ({"size": 0}, "/size"), ({"size": 2001}, "/size"),
                              ({"nonce_sha256": "x" * 64}, "/nonce_sha256")):
            self.assertProblem(self.auditor.send("POST", place, body | change), 400, "malformed_json", field)
        self.assertProblem(self.auditor.send("POST", place.replace(self.statement, "b" * 20), body), 404, "not_found")

    def test_3_drawn_as_both_programs_draw(self):
        self.promise("random", 40, "Tess-1")
        self.assertProblem(self.auditor.send("POST", self.place(more="/bundle")), 409, "conflict")
        self.assertProblem(self.auditor.send("POST", self.place(more="/ratings"),
                                             {"ratings": [{"pick": 1, "cluster": "04"}]}), 409, "conflict")
        self.assertProblem(self.auditor.send("POST", self.place(more="/nonce"), {"nonce": "Tess-2"}), 400,
                           "malformed_json", "/nonce")
        found = self.reveal("random", "Tess-1")
        self.assertEqual((found["state"], found["picks"], found["rated"], found["nonce"]), ("drawn", 40, 0, "Tess-1"))
        note = self.auditor.bytes(f"/v1/log/checkpoints/{found['checkpoint']}").decode()
        entry = next(e for e in self.auditor.pages(f"/v1/log/entries?subject={found['sample']}")
                     if e["entry"]["kind"] == "sample")
        self.assertEqual((entry["entry"]["nonce_sha256"], entry["entry"]["statement"]),
                         (digest("Tess-1"), self.statement))
        sizes = sorted(c["size"] for c in self.auditor.pages("/v1/log/checkpoints"))
        self.assertEqual(found["checkpoint"], next(size for size in sizes if size > entry["leaf"]))
        self.assertEqual(note.splitlines()[1], str(found["checkpoint"]))
        self.promise("mus", 25, "Tess-3")
        self.reveal("mus", "Tess-3")
        for method, size, nonce in DRAWN:
            lines = self.paper(method, size, nonce)
            rows = list(self.auditor.pages(self.place(method, "/rows"), limit=7))
            self.assertEqual([[str(row[name]) for name in ("pick", "month", "row_no", "cluster", "team", "pence")]
                              for row in rows],
                             [[line[name] for name in ("pick", "month", "row_no", "cluster", "team", "pence")]
                              for line in lines])
            self.assertEqual(lines[0]["seed"], self.auditor.get(self.place(method))["seed"])
            if method == "random":
                self.assertIn(rows[0]["hash"][:16], lines[0]["reason"])
            else:
                self.assertIn(f"at pence {rows[0]['point']} of", lines[0]["reason"])

    def rate(self, method, ratings):
        return self.auditor.send("POST", self.place(method, "/ratings"), {"ratings": ratings})

    def test_4_second_ratings(self):
        rows = list(self.auditor.pages(self.place("random", "/rows")))
        for ratings in ([{"pick": 1}], [{"pick": 1, "cluster": "09"}], [{"pick": 1, "cluster": "4"}],
                        [{"pick": 1, "cluster": "none", "payable_days": 0}],
                        [{"pick": 1, "cluster": "04"}, {"pick": 1, "cluster": "05"}], [{"pick": 41, "cluster": "04"}],
                        [{"pick": 1, "payable_days": 32}], [], [{"pick": 1, "cluster": "04", "who": "me"}]):
            self.assertProblem(self.rate("random", ratings), 400, "malformed_json")
        for person in ("a.maker", "e.one"):
            reply = self.as_person(person).send("POST", self.place(more="/ratings"),
                                                {"ratings": [{"pick": 1, "cluster": "04"}]})
            self.assertProblem(reply, 403, "forbidden")
        self.assertEqual(self.rate("random", [{"pick": 1, "cluster": "none"}]).status, 200)
        judged = []
        for row in rows:
            rating = {"pick": row["pick"], "cluster": "05" if row["pick"] % 4 == 0 else row["cluster"]}
            if row["pick"] % 5 == 0:
                rating["payable_days"] = row["pick"] % 3
            if row["pick"] == 7:
                rating = {"pick": 7, "cluster": "none"}
            if row["pick"] == 8:
                rating = {"pick": 8, "payable_days": 2}
            judged.append(rating)
        reply = self.rate("random", judged)
        self.assertEqual((reply.status, reply.json()["rated"]), (200, 40))
        again = list(self.auditor.pages(self.place("random", "/rows")))
        self.assertEqual([(r["second_cluster"], r["payable_days"]) for r in again],
                         [(j.get("cluster"), j.get("payable_days")) for j in judged])
        self.assertEqual((again[0]["ratings"], again[1]["ratings"], again[0]["rated_by"]), (2, 1, "audit.one"))
        type(self).judged = judged
        mus = list(self.auditor.pages(self.place("mus", "/rows")))
        self.rate("mus", [{"pick": row["pick"], "cluster": row["cluster"]} for row in mus[1:]])

    def test_4_who_is_erased_meanwhile_stays_in_the_sample(self):
        """By everything but identity: rows drawn, papers and teams are as they were."""
        before = {method: (list(self.auditor.pages(self.place(method, "/rows"))), self.paper(method, size, nonce))
                  for method, size, nonce in DRAWN}
        row = next(r["row_no"] for r in before["mus"][0]
                   if r["team"] and r["row_no"] in {other["row_no"] for other in before["random"][0]})
        submission = self.value(f"SELECT id FROM reckoner.submission WHERE month = '{APRIL}-01'")
        asked = self.as_person("a.maker").post("/v1/providers/RXA/erasures", {
            "submission": submission, "row": row, "reason": "The patient has asked for it"})
        approved = self.as_person("a.checker").post(f"/v1/providers/RXA/erasures/{asked['erasure']}/approve")
        self.auditor.wait_for_job("RXA", approved["job"])
        self.jobs_end()
        for method, size, nonce in DRAWN:
            self.assertEqual((list(self.auditor.pages(self.place(method, "/rows"))), self.paper(method, size, nonce)),
                             before[method])
        with tarfile.open(self.folder / "mus.tar") as bundle:
            rows = bundle.extractfile(f"rows/{APRIL}.csv").read().decode()
        erased = next(line for line in csv.DictReader(io.StringIO(rows)) if line["row_no"] == str(row))
        self.assertEqual(erased["service"], ROWS[row - 1]["service"])

    def test_5_the_result_is_that_of_both_programs(self):
        self.assertProblem(self.auditor.send("GET", self.place(more="/result")), 409, "conflict")
        self.assertProblem(self.auditor.send("POST", self.place(more="/close"), {"confidence": 85}), 400,
                           "malformed_json", "/confidence")
        for person in ("a.maker", "e.one"):
            self.assertProblem(self.as_person(person).send("POST", self.place(more="/close"), {"confidence": 95}), 403,
                               "forbidden")
        for method, size, nonce, confidence in (("random", 40, "Tess-1", 95), ("mus", 25, "Tess-3", 90)):
            lines = self.paper(method, size, nonce)
            if method == "random":
                for line, rating in zip(lines, self.judged):
                    line["second_cluster"] = rating.get("cluster") or ""
                    line["payable_days"] = rating.get("payable_days", "")
            else:
                for line in lines[1:]:
                    line["second_cluster"] = line["cluster"]
            closing = self.auditor.post(self.place(method, "/close"), {"confidence": confidence})
            self.auditor.wait_for_job("RXA", closing["job"])
            result = self.auditor.get(self.place(method, "/result"))
            self.assertEqual(result, self.result_of_paper(method, lines, confidence))
            self.assertEqual(self.as_person("a.maker").get(self.place(method, "/result")), result)
        self.assertEqual(result["estimate"], None)
        self.assertProblem(self.rate("random", [{"pick": 1, "cluster": "04"}]), 409, "conflict")
        self.assertProblem(self.auditor.send("POST", self.place(more="/close"), {"confidence": 95}), 409, "conflict")
        result = self.auditor.get(self.place("random", "/result"))
        self.assertGreater(result["errors"]["gross_pence"], abs(result["errors"]["net_pence"]))
        self.assertEqual(sum(team["errors"]["net_pence"] for team in result["by_team"]), result["errors"]["net_pence"])

    def test_6_the_readiness_page_tells_what_second_raters_said(self):
        """By month, over closed samples; counts of few rows are hidden, the same for all who may look."""
        said = {}
        for method in ("random", "mus"):
            for r in self.auditor.pages(self.place(method, "/rows")):
                if r["second_cluster"] is not None:
                    said.setdefault(r["month"], []).append(r["second_cluster"] == r["cluster"])
        self.assertTrue(said)
        for month, same in said.items():
            agreeing, differing, rated = sum(same), len(same) - sum(same), len(same)
            small = any(1 <= n <= 4 for n in (agreeing, differing, rated))
            for person in ("a.maker", "e.one", "audit.one"):
                page = self.as_person(person).get(f"/v1/providers/RXA/readiness?month={month}")["items"]
                shown, = (i for i in page if i["figure"] == "second_rater")
                self.assertEqual((shown["numerator"], shown["denominator"]),
                                 (None if small else agreeing, None if 1 <= rated <= 4 else rated))
                self.assertEqual("Hidden" in (shown["note"] or ""), small)

    def test_6_a_commissioner_sees_no_small_counts_by_team(self):
        full = {team["team"]: team for team in self.auditor.get(self.place("random", "/result"))["by_team"]}
        shown = {team["team"]: team for team in self.as_person("e.one").get(self.place("random", "/result"))["by_team"]}
        self.assertEqual(set(full), set(shown))
        self.assertTrue(shown["WEST"]["suppressed"])
        self.assertGreaterEqual(sum(team["suppressed"] for team in shown.values()), 2)
        for name, team in shown.items():
            for of, counts in ((team, ["rows"]), (team["errors"], ["picks", "examined", "differing"]),
                               (team["agreement"], ["compared", "agreed", "rate_ppm"])):
                source = full[name] if of is team else full[name]["errors" if of is team["errors"] else "agreement"]
                for count in counts:
                    self.assertEqual(of[count], None if team["suppressed"] else source[count])
                    self.assertFalse(isinstance(of[count], int) and 0 < of[count] < 5, (name, count))
            self.assertEqual(team["pence"], full[name]["pence"])
            self.assertEqual(team["errors"]["gross_pence"], full[name]["errors"]["gross_pence"])

    def test_6_who_sees_it(self):
        listed = [s["sample"] for s in self.as_person("e.one").pages("/v1/providers/RXA/samples")]
        self.assertEqual(set(listed), set(self.samples.values()))
        self.assertEqual(len(list(self.as_person("e.one").pages(self.place("random", "/rows")))), 40)
        for person in ("f.one", "b.maker", "other.audit"):
            client = self.as_person(person)
            self.assertEqual(list(client.pages("/v1/providers/RXA/samples")), [])
            for more in ("", "/rows", "/result"):
                self.assertProblem(client.send("GET", self.place(more=more)), 404, "not_found")
            self.assertProblem(client.send("POST", self.place(more="/bundle")), 404, "not_found")
        # Appointed now, it reads; but who took the sample goes on with it.
        self.service.appoint_auditor("XAV", "5QE")
        other = self.as_person("other.audit")
        self.assertEqual(other.get(self.place())["state"], "closed")
        self.assertProblem(other.send("POST", self.place(more="/close"), {"confidence": 95}), 404, "not_found")

    def test_7_what_is_written_down(self):
        acts = self.query("SELECT act, person, count(*) FROM reckoner.audit_event WHERE subject LIKE"
                          f" '%/account/5QE/sample/{self.samples['random']}' AND organisation = 'XAU'"
                          " GROUP BY 1, 2 ORDER BY 1")
        self.assertEqual(acts, [["sample.close", "audit.one", "1"], ["sample.promise", "audit.one", "1"],
                                ["sample.rate", "audit.one", "2"], ["sample.reveal", "audit.one", "1"]])

    def test_8_nothing_to_draw(self):
        self.promise("mus", 2000, "Tess-4")
        found = self.reveal("mus", "Tess-4")
        self.assertEqual(found["state"], "drawn")

    def tried(self, sql):
        """Says the constraint's name too when it fails."""
        self.query("\\set VERBOSITY verbose\n" + sql)

    def test_9_the_database_refuses(self):
        """Tried as its owner, whom no policy stops."""
        one = f"provider = 'RXA' AND id = '{self.samples['random']}'"
        for sql, constraint in (
                (f"UPDATE reckoner.audit_sample SET size = 3 WHERE {one}", "audit_sample_kept"),
                (f"UPDATE reckoner.audit_sample SET result = '[]' WHERE {one}", "audit_sample_kept"),
                (f"DELETE FROM reckoner.audit_sample WHERE {one}", "audit_sample_kept"),
                ("TRUNCATE reckoner.audit_sample CASCADE", "audit_sample"),
                ("UPDATE reckoner.audit_sample_row SET pence = 1", "audit_sample_row"),
                ("DELETE FROM reckoner.audit_sample_rating", "audit_sample_rating")):
            with self.subTest(sql=sql), self.assertRaisesRegex(AssertionError, constraint):
                self.tried(sql)
        whole = {"provider": "'RXA'", "id": f"'{'b' * 20}'", "contract": "s.contract", "commissioner": "s.commissioner",
                 "statement": "s.record", "method": "'random'", "size": "5", "nonce_sha256": HEX,
                 "organisation": "'XAU'", "person": "'audit.one'", "promised_at": "'2012-06-11Z'"}
        for change, constraint in (({"organisation": "'RXA'", "person": "'a.maker'"}, "audit_sample_third"),
                                   ({"organisation": "'5QE'", "person": "'e.one'"}, "audit_sample_third"),
                                   ({"commissioner": "'5QF'"}, "audit_sample_begins"),
                                   ({"state": "'drawn'"}, "audit_sample_begins"),
                                   ({"nonce": "'x'"}, "audit_sample_promise"), ({"size": "2001"}, "size"),
                                   ({"method": "'some'"}, "method"), ({"nonce_sha256": "'x'"}, "nonce_sha256")):
            values = whole | change
            with self.subTest(change=change), self.assertRaisesRegex(AssertionError, constraint):
                self.tried(f"INSERT INTO reckoner.audit_sample ({', '.join(values)})"
                           f" SELECT {', '.join(values.values())} FROM reckoner.statement s"
                           f" WHERE s.record = '{self.statement}'")
        self.query(f"INSERT INTO reckoner.audit_sample ({', '.join(whole)}) SELECT {', '.join(whole.values())}"
                   f" FROM reckoner.statement s WHERE s.record = '{self.statement}'")
        fresh = f"provider = 'RXA' AND id = '{'b' * 20}'"
        shown = ("UPDATE reckoner.audit_sample SET state = 'revealed', nonce = {nonce}, revealed_at = promised_at,"
                 " checkpoint = c.size, root = c.root, seed = sha256(convert_to('reckoner/sample/1' || chr(10),"
                 " 'UTF8') || c.root || convert_to({seeded}, 'UTF8')) FROM (SELECT size, root"
                 " FROM reckoner.log_checkpoint ORDER BY size LIMIT 1) c WHERE " + fresh)
        for values, constraint in (({"nonce": "'x'", "seeded": "'x'"}, "audit_sample_(promise|first_checkpoint)"),
                                   ({"nonce": "'a'", "seeded": "'b'"}, "audit_sample_(promise|seed|first_checkpoint)")):
            with self.subTest(values=values), self.assertRaisesRegex(AssertionError, constraint):
                self.tried(shown.format(**values))
        rating = {"provider": "'RXA'", "sample": f"'{self.samples['mus']}'", "pick": "1", "n": "9", "cluster": "'04'",
                  "organisation": "'XAU'", "person": "'audit.one'", "at": "now()"}
        for change, constraint in (({"organisation": "'RXA'", "person": "'a.maker'"}, "organisation_fkey"),
                                   ({"cluster": "NULL"}, "audit_sample_rating_says"), ({"cluster": "'09'"}, "cluster"),
                                   ({"cluster": "'none'", "payable_days": "1"}, "audit_sample_rating_none"),
                                   ({"pick": "1999999"}, "fkey"), ({"payable_days": "32"}, "payable_days"),
                                   ({"sample": f"'{self.samples['random']}'"}, "audit_sample_rating_in_time")):
            values = rating | change
            with self.subTest(change=change), self.assertRaisesRegex(AssertionError, constraint):
                self.tried(f"INSERT INTO reckoner.audit_sample_rating ({', '.join(values)}) VALUES"
                           f" ({', '.join(values.values())})")
        with self.assertRaisesRegex(AssertionError, "audit_sample_row_in_time"):
            self.tried("INSERT INTO reckoner.audit_sample_row SELECT provider, sample, 1999, month, row_no + 5000,"
                       " cluster, team, pence, hash, first_hit, hits, point, certain"
                       " FROM reckoner.audit_sample_row LIMIT 1")


if __name__ == "__main__":
    harness.main()
