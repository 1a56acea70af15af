"""What settlement reads is what the rows say: statistics are stored with an accepted submission, a run from them gives
the same bytes as one from the rows, and `reckoner fsck` names what was tampered with."""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))

import harness  # noqa: E402

PRICES = [
    {"cluster": "04", "basis": "DAY", "pence": 612, "to": "2012-04-16"},
    {"cluster": "04", "basis": "DAY", "pence": 655, "from": "2012-04-16"},
    {"cluster": "11", "basis": "PERIOD", "pence": 234567, "period_days": 28, "renewable": True},
    {"cluster": "14", "basis": "ADMITTED", "pence": 30000, "from": "2012-04-10"},
    {"cluster": "14", "basis": "NONADMITTED", "pence": 1000, "from": "2012-04-10"},
    {"cluster": "04", "basis": "ASSESSMENT", "pence": 21000},
]


def rows():
    """Every way to be counted, with findings of rows, across rows and of history among them."""
    made = []
    for n in range(60):
        row = harness.row(n, cluster=("04", "11", "14")[n % 3], service=("CMHT1", "", "EIP1")[n % 4 % 3],
                          start_date=f"2012-0{2 + n % 3}-{1 + n % 27:02}")
        row["mhct_date"] = row["start_date"]
        row["referral_date"] = f"2012-01-{1 + n % 28:02}"
        if n % 5 == 0:
            row["end_date"] = f"2012-04-{27 + n % 3}"
        if n % 3 == 2:
            row["admitted_days"] = str(n % 20)
        if n % 7 == 0:
            row["commissioner"] = "5QF"
        if n % 11 == 0:
            row["patient_id"] = f"P{n + 1}"  # two rows of one patient: they overlap, or one follows the other
        if n % 13 == 0:
            row["mhct_date"] = ""
        made.append(row)
    return made


class Statistics(harness.ServiceCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        terms = harness.simple_terms()
        terms["prices"] = PRICES
        cls.contract = cls.agree(terms=terms)
        cls.sent = cls.send(rows())

    def preview(self):
        client = self.as_person("a.maker")
        asked = client.post(f"{self.contract}/accounts/5QE/runs", {"month": "2012-04", "type": "PREVIEW"})
        client.wait_for_job("RXA", asked["job"])
        run = client.get(f"/v1/providers/RXA/runs/{asked['run']}")
        self.assertEqual(run["state"], "done", run)
        return run["position_sha256"], run["position_pence"]

    def fsck(self, *arguments):
        done = self.service.command("fsck", "--part", "statistics", *arguments, check=False)
        return done.returncode, done.stdout.splitlines()

    def test_1_a_submission_has_statistics_that_are_its_rows(self):
        self.assertEqual(self.sent["state"], "accepted")
        self.assertEqual(self.query("SELECT rows, complete FROM reckoner.activity_statistics_set"), [["60", "t"]])
        self.assertEqual(self.query("SELECT commissioner, rows FROM reckoner.activity_statistics ORDER BY 1"),
                         [["5QE", "51"], ["5QF", "9"]])
        self.assertGreater(int(self.value("SELECT count(*) FROM reckoner.episode WHERE failed <> 0")), 5)
        self.assertEqual(self.fsck(), (0, ["statistics  good     1 submissions, 0 differences", "Nothing differs."]))

    def test_2_statistics_and_rows_give_the_same_bytes(self):
        from_statistics = self.preview()
        self.query("CREATE TABLE public.kept_set AS TABLE reckoner.activity_statistics_set;"
                   "CREATE TABLE public.kept AS TABLE reckoner.activity_statistics;"
                   "DELETE FROM reckoner.activity_statistics_set")
        from_rows = self.preview()
        self.assertEqual(self.fsck()[1], ["statistics  good     0 submissions, 1 without statistics, 0 differences",
                                          "Nothing differs."])
        self.query("BEGIN; INSERT INTO reckoner.activity_statistics_set TABLE public.kept_set;"
                   "INSERT INTO reckoner.activity_statistics TABLE public.kept; COMMIT;"
                   "DROP TABLE public.kept, public.kept_set")
        self.assertEqual(from_statistics, from_rows)
        self.assertGreater(from_rows[1], 0)

    def test_3_what_is_tampered_with_is_named(self):
        where = "activity_statistics RXA/2012-04/1/5QE: "
        unread = "form: found bytes that cannot be read, expected statistics"
        days, stays, candidates = (f"{part}: found others, expected those of the rows"
                                   for part in ("days", "stays", "candidates"))
        tampered = (
            ("days = stays", [unread, days]),
            ("candidates = set_byte(candidates, length(candidates) - 1, 255)",
             [unread, candidates]))
        for change, said in tampered:
            with self.subTest(change=change):
                self.query("CREATE TABLE public.kept AS TABLE reckoner.activity_statistics;"
                           "ALTER TABLE reckoner.activity_statistics DROP CONSTRAINT activity_statistics_digest;"
                           f"UPDATE reckoner.activity_statistics SET {change} WHERE commissioner = '5QE'")
                status, lines = self.fsck("--provider", "RXA", "--month", "2012-04")
                self.query("DELETE FROM reckoner.activity_statistics; INSERT INTO reckoner.activity_statistics"
                           " TABLE public.kept; DROP TABLE public.kept; ALTER TABLE reckoner.activity_statistics"
                           " ADD CONSTRAINT activity_statistics_digest"
                           " CHECK (sha256 = sha256(days || stays || candidates))")
                self.assertEqual(status, 1)
                self.assertEqual(lines[:-2], [where + said[0], where + "sha256: found another, expected that of the "
                                              "statistics", where + said[1]])
        self.query("ALTER TABLE reckoner.episode DISABLE TRIGGER USER;"
                   "UPDATE reckoner.episode SET admitted_days = admitted_days + 1 WHERE row_no = 3;"
                   "ALTER TABLE reckoner.episode ENABLE TRIGGER USER")
        status, lines = self.fsck()
        self.query("ALTER TABLE reckoner.episode DISABLE TRIGGER USER;"
                   "UPDATE reckoner.episode SET admitted_days = admitted_days - 1 WHERE row_no = 3;"
                   "ALTER TABLE reckoner.episode ENABLE TRIGGER USER")
        self.assertEqual((status, lines[:-2]), (1, [where + days, where + stays, where + candidates]))
        self.assertEqual(self.fsck()[0], 0)

    def test_4_nothing_is_compared_where_nothing_was_sent(self):
        self.assertEqual(self.fsck("--month", "2012-05")[1], ["statistics  good     0 submissions, 0 differences",
                                                              "Nothing differs."])


if __name__ == "__main__":
    harness.main()
