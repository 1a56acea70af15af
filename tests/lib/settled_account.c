#include "lib/settled_account.h"

static const char activity[] =
    "INSERT INTO terms (provider, contract, version, mode, effective_from, digest, body, author, created_at) VALUES"
    " ('RXA', " ID(
        "a") ", 1, 'live', '2012-04-01', sha256('{}'), '{}', 'rxa.one', '2012-04-01Z');"
             "INSERT INTO submission (provider, no, id, month, version, state, uploaded_by, idempotency_key, "
             "media_type, begun_at,"
             " completed_at, sealed_key, bytes, chunks, sha256, validated_at, rows, payable_rows) VALUES"
             " ('RXA', 1, " ID(
                 "s1") ", '2012-04-01', 1, 'accepted', 'rxa.one', 'k1', 'text/csv', '2012-05-10Z', '2012-05-10Z',"
                       "  'key', 1, 1, sha256('x'), '2012-05-10Z', 2, 2),"
                       " ('RXB', 2, " ID(
                           "s2") ", '2012-04-01', 1, 'accepted', 'rxb.one', 'k2', 'text/csv', '2012-05-10Z', "
                                 "'2012-05-10Z',"
                                 "  'key', 1, 1, sha256('x'), '2012-05-10Z', 1, 1);"
                                 "INSERT INTO submission_chunk VALUES ('RXA', 1, 0, 'sealed'), ('RXB', 2, 0, 'sealed');"
                                 "INSERT INTO confidential_block VALUES ('RXA', 1, 0, 1, 2, 'sealed'), ('RXB', 2, 0, "
                                 "1, 1, 'sealed');"
                                 "INSERT INTO episode (provider, submission, row_no, episode_id, patient, "
                                 "commissioner, cluster, mhct_reason,"
                                 " admitted_days, assessment_only, continues, approved, minor, failed)"
                                 " SELECT provider, submission, row_no, 'e' || row_no, gen_random_uuid(), "
                                 "commissioner, '04', 10, 0, false, false,"
                                 " false, false, 0 FROM (VALUES ('RXA', 1, 1, '5QE'), ('RXA', 1, 2, '5QF'), ('RXB', 2, "
                                 "1, '5QG'))"
                                 " v (provider, submission, row_no, commissioner);"
                                 "INSERT INTO finding (provider, submission, row_no, rule, episode_id, commissioner, "
                                 "cluster, field, value)"
                                 " SELECT provider, submission, row_no, 'P03', episode_id, commissioner, cluster, "
                                 "'nhs_number', '' FROM episode;"
                                 "INSERT INTO stake SELECT provider, submission, row_no, 100, commissioner, cluster, "
                                 "4, repeat('p', 20) FROM episode;"
                                 "INSERT INTO severity SELECT provider, submission, commissioner, 'P03', 'WARN' FROM "
                                 "episode;"
                                 "INSERT INTO finding_line SELECT provider, submission, commissioner, 2, 'P03', 'WARN',"
                                 " 1 FROM episode;"
                                 "INSERT INTO finding_pattern SELECT provider, submission, commissioner, cluster, 4, 1,"
                                 " 100, 0 FROM episode;"
                                 "INSERT INTO finding_stretch SELECT provider, submission, commissioner, 'P03', 'WARN',"
                                 " row_no, ARRAY[row_no], ARRAY[row_no] FROM episode;"
                                 "INSERT INTO finding_rank SELECT provider, submission, commissioner, '*', 4, -100,"
                                 " row_no, ARRAY[row_no], ARRAY[-100] FROM episode;"
                                 "INSERT INTO finding_sum SELECT provider, submission, commissioner, 4, '*', 1, 1, 100,"
                                 " 0 FROM episode;"
                                 "INSERT INTO finding_practice SELECT provider, submission, commissioner, 'P03', '', 1,"
                                 " 1, 100, 0, true FROM episode;"
                                 "INSERT INTO export (provider, id, kind, format, organisation, person, asked_at,"
                                 " commissioner, first_month, last_month, state, finished_at, lines, pence,"
                                 " unknown_rows, bytes, chunks, sha256, remove_after) SELECT 'RXA', id, 'findings',"
                                 " 'csv', organisation, person, '2012-06-01Z', commissioner, '2012-04-01',"
                                 " '2012-04-01', 'done', '2012-06-01Z', 1, 100, 0, 1, 1, sha256('x'), '2012-06-08Z'"
                                 " FROM (VALUES (" ID("w1") ", 'RXA', 'rxa.one', NULL), (" ID(
                                     "w2") ", '5QE', 'pct5qe.one', '5QE')) v (id, organisation, person, commissioner);"
                                           "INSERT INTO export_chunk SELECT provider, id, 0, 'x' FROM export;";

/* clang-format off */
static const char settlement[] =
    "INSERT INTO position VALUES ('RXA', sha256('{}'), '{}');"
    RUN("r1")
    RUN_LINE("r1", "1", "500")
    "INSERT INTO review_periods VALUES (sha256('{}'), '{}');"
    "INSERT INTO run_input VALUES ('RXA', " ID("r1") ", '2012-04-01', 1, sha256('{}'));"
    "INSERT INTO run_position VALUES ('RXA', " ID("r1") ", '2012-05-01', sha256('{}'));"
    "INSERT INTO frozen_month VALUES ('RXA', " ID("a") ", '2012-04-01', 1, '2012-06-01Z', sha256('{}'));"
    RUN_DONE("r1", "500")
    DRAFT("d1", "r1", "500", "0")
    DOCUMENT_LINE("d1", "1", "500")
    "INSERT INTO signing_key VALUES ('0123456789ABCDEF', sha256('key'), '2012-04-01Z');"
    "INSERT INTO signed_record SELECT 'RXA', id, purpose, convert_to(purpose, 'UTF8'),"
    " sha256(convert_to(purpose, 'UTF8')), '0123456789ABCDEF', decode(repeat('00', 64), 'hex'), 'm', '2012-06-01Z'"
    " FROM (VALUES (" ID("x") ", 'statement'), (" ID("y") ", 'receipt')) v (id, purpose);"
    "INSERT INTO statement VALUES ('RXA', " ID("a") ", '5QE', 1, " ID("r1") ", " ID("x") ", NULL);"
    "INSERT INTO receipt VALUES ('RXA', 1, 1, " ID("y") ");"
    "INSERT INTO audit_event (provider, at, act, subject) VALUES ('RXA', '2012-06-01Z', 'test.act', 'test');"
    "INSERT INTO job (provider, id, kind, subject) VALUES ('RXA', " ID("j1") ", 'settle', " ID("r1") "),"
    " ('RXB', " ID("j2") ", 'validate', " ID("s2") ");";
/* clang-format on */

void settled_account(struct store_fixture *f)
{
    store_fixture_sql(f, activity);
    store_fixture_sql(f, settlement);
}
