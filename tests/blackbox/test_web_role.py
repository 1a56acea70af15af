"""What the database withholds from reckonerd itself: whoever took over that process has role reckoner_web and any SQL.
What it does not withhold is written in api/guides/operators.md."""

import pathlib
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))

import harness  # noqa: E402

# A type of this name in the session's own schema is found before the real one, unless the function forbids it.
SHADOWED_TYPE = """
CREATE FUNCTION pg_temp.seize(v pg_catalog.text) RETURNS pg_catalog.bool LANGUAGE plpgsql AS $$
BEGIN
  RAISE NOTICE 'seized as %', current_user;
  RETURN true;
END $$;
CREATE DOMAIN pg_temp.text AS pg_catalog.text CHECK (pg_temp.seize(VALUE));
"""


class WebRole(harness.ServiceCase):
    workers = 0

    def as_web(self, sql, person="a.maker", organisation="RXA", role="provider"):
        """Runs SQL in a session that says it speaks for this person. Returns (whether it worked, all that was said)."""
        session = "".join(f"SET reckoner.{name} = '{value}';" for name, value in
                          (("person", person), ("organisation", organisation), ("role", role)))
        done = subprocess.run([str(harness.PG_BIN / "psql"), "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1",
                               self.service.conninfo_for("reckoner_web")], input=session + sql, text=True,
                              capture_output=True, check=False)
        return done.returncode == 0, done.stdout + done.stderr

    def test_it_makes_nothing_that_functions_of_the_owner_could_stumble_on(self):
        made, said = self.as_web(SHADOWED_TYPE + "SELECT reckoner.issue_document('RXA', 'x', 1, now());")
        self.assertFalse(made)
        self.assertNotIn("seized", said)
        self.assertIn("permission denied", said)

    def test_functions_of_the_owner_look_in_the_sessions_own_schema_last(self):
        found = self.query("SELECT p.oid::regprocedure FROM pg_proc p WHERE p.pronamespace = 'reckoner'::regnamespace"
                           " AND p.prosecdef AND NOT coalesce(p.proconfig, '{}') @>"
                           " '{\"search_path=pg_catalog, pg_temp\"}'")
        self.assertEqual(found, [])

    def test_what_it_cannot_read_or_write(self):
        for sql in ("SELECT FROM reckoner.token", "SELECT sealed_key FROM reckoner.submission",
                    "SELECT FROM reckoner.submission_chunk", "SELECT FROM reckoner.confidential_block",
                    "SELECT FROM reckoner.audit_event", "DELETE FROM reckoner.audit_event",
                    "UPDATE reckoner.audit_event SET act = 'x'", "SELECT reckoner.next_document_number('RXA')",
                    "UPDATE reckoner.document SET balance_pence = 0", "UPDATE reckoner.document SET number = 1",
                    "UPDATE reckoner.document SET issued_by = 'a.maker'", "DELETE FROM reckoner.document",
                    "UPDATE reckoner.run SET position_pence = 0", "UPDATE reckoner.run SET balance_pence = 0",
                    "UPDATE reckoner.person SET organisation = 'RXA'",
                    "UPDATE reckoner.contract SET coordinator = '5QF'",
                    "UPDATE reckoner.terms_approval SET person = 'a.maker'", "DELETE FROM reckoner.terms",
                    "DELETE FROM reckoner.contract", "SELECT reckoner.contract_hold('RXA', 'x')",
                    "DELETE FROM reckoner.terms_approval", "SELECT reckoner.contract_record('RXA', 'x')",
                    "ALTER TABLE reckoner.document DISABLE TRIGGER ALL", "SET session_replication_role = replica",
                    "SET ROLE reckoner_migrate", "CREATE TABLE reckoner.x (a int)", "CREATE TABLE public.x (a int)",
                    *(f"INSERT INTO reckoner.{table} DEFAULT VALUES" for table in (
                        "token", "person", "episode", "finding", "finding_stretch", "finding_rank", "finding_sum",
                        "stake", "severity", "position", "run_line", "run_input", "frozen_month", "document",
                        "document_line", "ledger_posting", "signed_record", "statement", "receipt", "signing_key",
                        "reference_set", "rule"))):
            with self.subTest(sql):
                done, said = self.as_web(sql + ";")
                self.assertFalse(done, said)
                self.assertRegex(said, "permission denied|must be owner")


if __name__ == "__main__":
    harness.main()
