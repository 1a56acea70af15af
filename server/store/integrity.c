#include "store/integrity.h"

/* Each difference of the rows of FROM: "what" with both texts. */
#define COMPARED(rows, table_name, key_sql, pairs)                                                                     \
    "SELECT '" table_name "' AS \"table\", " key_sql " AS key, v.what, coalesce(v.found, 'none') AS found,"            \
    " coalesce(v.expected, 'none') AS expected FROM " rows " CROSS JOIN LATERAL (VALUES " pairs                        \
    ") v (what, found, expected) WHERE v.found IS DISTINCT FROM v.expected ORDER BY 2, 3"
/* Members of an entry of the log, as the texts they are. */
#define ENTRY_SHA256        "substring(e.entry FROM '\"sha256\":\"?([^\",}]*)')"
#define ENTRY_KEY           "substring(e.entry FROM '\"key\":\"?([^\",}]*)')"
#define ENTRY_AT            "substring(e.entry FROM '\"at\":\"?([^\",}]*)')"
#define ENTRY_SIDE          "substring(e.entry FROM '\"side\":\"?([^\",}]*)')"
#define ENTRY_NUMBER        "substring(e.entry FROM '\"number\":\"?([^\",}]*)')"
#define ENTRY_RESTORED_SIZE "substring(e.entry FROM '\"restored_size\":\"?([^\",}]*)')"
#define ENTRY_LOST          "substring(e.entry FROM '\"lost\":([^\",}]*)')"
#define ENTRY_BALANCE_PENCE "substring(e.entry FROM '\"balance_pence\":\"?([^\",}]*)')"
#define ENTRY_DOCUMENT_KIND "substring(e.entry FROM '\"document_kind\":\"?([^\",}]*)')"
#define ENTRY_COMMISSIONER  "substring(e.entry FROM '\"commissioner\":\"?([^\",}]*)')"
#define ENTRY_RUN           "substring(e.entry FROM '\"run\":\"?([^\",}]*)')"
#define ENTRY_PUBLIC_KEY    "substring(e.entry FROM '\"public_key\":\"?([^\",}]*)')"
#define ENTRY_VALID_FROM    "substring(e.entry FROM '\"valid_from\":\"?([^\",}]*)')"
#define ENTRY_BILL_TO       "substring(e.entry FROM '\"bill_to\":\"?([^\",}]*)')"
#define ENTRY_DRAFTED_AT    "substring(e.entry FROM '\"drafted_at\":\"?([^\",}]*)')"
#define ENTRY_NONCE         "substring(e.entry FROM '\"nonce_sha256\":\"?([^\",}]*)')"
#define ENTRY_METHOD        "substring(e.entry FROM '\"method\":\"?([^\",}]*)')"
#define ENTRY_SIZE          "substring(e.entry FROM '\"size\":\"?([^\",}]*)')"
#define ENTRY_STATEMENT     "substring(e.entry FROM '\"statement\":\"?([^\",}]*)')"
#define ENTRY_VALID_TO      "substring(e.entry FROM '\"valid_to\":\"?([^\",}]*)')"

static enum pg_status ask(struct pg *pg, const struct pg_statement *s, PGresult **differences)
{
    struct pg_args a;
    pg_args_init(&a);
    return pg_run(pg, s, &a, differences);
}

enum pg_status integrity_log_records(struct pg *pg, PGresult **differences)
{
    static const struct pg_statement s = {
        "integrity_log_records",
        COMPARED("(SELECT purpose, provider, id, key_id, sealed_at, sha256(bytes) AS sha256"
                 "  FROM reckoner.signed_record) r"
                 " FULL JOIN (SELECT kind, provider, subject, entry FROM reckoner.log_entry"
                 "  WHERE kind IN ('receipt', 'statement', 'certificate')"
                 "  UNION ALL SELECT kind, provider, subject, entry FROM reckoner.log_pending"
                 "  WHERE kind IN ('receipt', 'statement', 'certificate')) e"
                 " ON e.kind = r.purpose AND e.provider = r.provider AND e.subject = r.id",
                 "signed_record", "coalesce(r.provider || '/' || r.id, e.provider || '/' || e.subject)",
                 "('row', CASE WHEN r.id IS NULL THEN 'none' ELSE 'one' END, 'one'),"
                 "('entry of the log', CASE WHEN e.entry IS NULL THEN 'none' ELSE 'one' END, 'one'),"
                 "('sha256', CASE WHEN e.entry IS NOT NULL THEN encode(r.sha256, 'hex') END,"
                 "  CASE WHEN r.id IS NOT NULL THEN " ENTRY_SHA256 " END),"
                 "('key_id', CASE WHEN e.entry IS NOT NULL THEN r.key_id END,"
                 "  CASE WHEN r.id IS NOT NULL THEN " ENTRY_KEY " END),"
                 "('sealed_at', CASE WHEN e.entry IS NOT NULL THEN "
                 "reckoner.log_instant(r.sealed_at)"
                 " END,"
                 "  CASE WHEN r.id IS NOT NULL THEN " ENTRY_AT " END)"),
        0};
    return ask(pg, &s, differences);
}

enum pg_status integrity_log_approvals(struct pg *pg, PGresult **differences)
{
    static const struct pg_statement s = {
        "integrity_log_approvals",
        COMPARED(
            "(SELECT a.provider, a.contract, a.version, a.side, a.approved_at, a.digest,"
            "  sha256(convert_to(t.body, 'UTF8')) AS body FROM reckoner.terms_approval a"
            "  LEFT JOIN reckoner.terms t USING (provider, contract, version)) r"
            " FULL JOIN (SELECT provider, subject, entry FROM reckoner.log_entry WHERE kind = 'terms_approval'"
            "  UNION ALL SELECT provider, subject, entry FROM reckoner.log_pending WHERE kind = 'terms_approval') e"
            " ON e.provider = r.provider AND e.subject = r.contract || '/' || r.version"
            " AND " ENTRY_SIDE " = r.side",
            "terms_approval",
            "coalesce(r.provider || '/' || r.contract || '/' || r.version || '/' || r.side,"
            " e.provider || '/' || e.subject || '/' || " ENTRY_SIDE ")",
            "('row', CASE WHEN r.side IS NULL THEN 'none' ELSE 'one' END, 'one'),"
            "('entry of the log', CASE WHEN e.entry IS NULL THEN 'none' ELSE 'one' END, 'one'),"
            "('digest', CASE WHEN e.entry IS NOT NULL THEN encode(r.digest, 'hex') END,"
            "  CASE WHEN r.side IS NOT NULL THEN " ENTRY_SHA256 " END),"
            "('digest of the terms', CASE WHEN e.entry IS NOT NULL AND r.side IS NOT NULL"
            "   THEN coalesce(encode(r.body, 'hex'), 'no terms') END,"
            "  CASE WHEN r.side IS NOT NULL THEN " ENTRY_SHA256 " END),"
            "('approved_at', CASE WHEN e.entry IS NOT NULL THEN "
            "reckoner.log_instant(r.approved_at)"
            " END,"
            "  CASE WHEN r.side IS NOT NULL THEN " ENTRY_AT " END)"),
        0};
    return ask(pg, &s, differences);
}

#define SAMPLE_MEMBER(name, column, member)                                                                            \
    "('" name "', CASE WHEN e.entry IS NOT NULL THEN " column " END, CASE WHEN r.id IS NOT NULL THEN " member " END)"

enum pg_status integrity_log_samples(struct pg *pg, PGresult **differences)
{
    static const struct pg_statement s = {
        "integrity_log_samples",
        COMPARED(
            "reckoner.audit_sample r"
            " FULL JOIN (SELECT provider, subject, entry FROM reckoner.log_entry WHERE kind = 'sample'"
            "  UNION ALL SELECT provider, subject, entry FROM reckoner.log_pending WHERE kind = 'sample') e"
            " ON e.provider = r.provider AND e.subject = r.id",
            "audit_sample", "coalesce(r.provider || '/' || r.id, e.provider || '/' || e.subject)",
            "('row', CASE WHEN r.id IS NULL THEN 'none' ELSE 'one' END, 'one'),"
            "('entry of the log', CASE WHEN e.entry IS NULL THEN 'none' ELSE 'one' END, 'one'),"
            /* clang-format off */
            SAMPLE_MEMBER("nonce_sha256", "encode(r.nonce_sha256, 'hex')", ENTRY_NONCE) ","
            SAMPLE_MEMBER("method", "r.method", ENTRY_METHOD) ","
            SAMPLE_MEMBER("size", "r.size::text", ENTRY_SIZE) ","
            SAMPLE_MEMBER("statement", "r.statement", ENTRY_STATEMENT) ","
            SAMPLE_MEMBER("promised_at", "reckoner.log_instant(r.promised_at)", ENTRY_AT)),
        /* clang-format on */
        0};
    return ask(pg, &s, differences);
}

enum pg_status integrity_log_documents(struct pg *pg, PGresult **differences)
{
    static const struct pg_statement s = {
        "integrity_log_documents",
        COMPARED("(SELECT * FROM reckoner.document WHERE state = 'issued') r"
                 " FULL JOIN (SELECT provider, subject, entry FROM reckoner.log_entry WHERE kind = 'document'"
                 "  UNION ALL SELECT provider, subject, entry FROM reckoner.log_pending WHERE kind = 'document') e"
                 " ON e.provider = r.provider AND e.subject = r.id",
                 "document", "coalesce(r.provider || '/' || r.id, e.provider || '/' || e.subject)",
                 "('row', CASE WHEN r.id IS NULL THEN 'none issued' ELSE 'one' END, 'one'),"
                 "('entry of the log', CASE WHEN e.entry IS NULL THEN 'none' ELSE 'one' END, 'one'),"
                 "('number', CASE WHEN e.entry IS NOT NULL THEN r.number::text END,"
                 "  CASE WHEN r.id IS NOT NULL THEN " ENTRY_NUMBER " END),"
                 "('balance_pence', CASE WHEN e.entry IS NOT NULL THEN r.balance_pence::text END,"
                 "  CASE WHEN r.id IS NOT NULL THEN " ENTRY_BALANCE_PENCE " END),"
                 "('kind', CASE WHEN e.entry IS NOT NULL THEN r.kind END,"
                 "  CASE WHEN r.id IS NOT NULL THEN " ENTRY_DOCUMENT_KIND " END),"
                 "('commissioner', CASE WHEN e.entry IS NOT "
                 "NULL THEN r.commissioner END,"
                 "  CASE WHEN r.id IS NOT NULL THEN " ENTRY_COMMISSIONER " END),"
                 "('run', CASE WHEN e.entry "
                 "IS NOT NULL THEN r.run "
                 "END,"
                 "  CASE WHEN r.id IS NOT "
                 "NULL THEN " ENTRY_RUN " END),"
                 "('bill_to', CASE WHEN " ENTRY_SHA256 " IS NOT NULL THEN r.bill_to END,"
                 "  CASE WHEN r.id IS NOT NULL THEN " ENTRY_BILL_TO " END),"
                 "('drafted_at', CASE WHEN " ENTRY_SHA256 " IS NOT NULL THEN reckoner.log_instant(r.drafted_at) END,"
                 "  CASE WHEN r.id IS NOT NULL THEN " ENTRY_DRAFTED_AT " END),"
                 "('sha256 of what it says', CASE WHEN " ENTRY_SHA256 " IS NOT NULL THEN"
                 "  encode(sha256(convert_to(reckoner.document_text(r.provider, r.id), 'UTF8')), 'hex') END,"
                 "  CASE WHEN r.id IS NOT NULL THEN " ENTRY_SHA256 " END),"
                 "('issued_at', "
                 "CASE WHEN "
                 "e.entry IS NOT "
                 "NULL "
                 "THEN "
                 "reckoner.log_instant(r.issued_at)"
                 " END,"
                 "  "
                 "CASE "
                 "WHEN "
                 "r.id "
                 "IS "
                 "NOT "
                 "NULL "
                 "THEN"
                 " " ENTRY_AT " END)"),
        0};
    return ask(pg, &s, differences);
}

enum pg_status integrity_log_keys(struct pg *pg, PGresult **differences)
{
    /* The newest entry of a key says what holds. */
    static const struct pg_statement s = {
        "integrity_log_keys",
        COMPARED("reckoner.signing_key r"
                 " FULL JOIN (SELECT DISTINCT ON (subject) subject, entry FROM"
                 "  (SELECT subject, entry, 0 AS waits, leaf AS place FROM reckoner.log_entry WHERE kind = 'key'"
                 "   UNION ALL SELECT subject, entry, 1, no FROM reckoner.log_pending WHERE kind = 'key') k"
                 "  ORDER BY subject, waits DESC, place DESC) e ON e.subject = r.id",
                 "signing_key", "coalesce(r.id, e.subject)",
                 "('row', CASE WHEN r.id IS NULL THEN 'none' ELSE 'one' END, 'one'),"
                 "('entry of the log', CASE WHEN e.entry IS NULL THEN 'none' ELSE 'one' END, 'one'),"
                 "('public_key', CASE WHEN e.entry IS NOT NULL THEN encode(r.public_key, 'hex') END,"
                 "  CASE WHEN r.id IS NOT NULL THEN " ENTRY_PUBLIC_KEY " END),"
                 "('valid_from', CASE WHEN e.entry IS NOT NULL THEN "
                 "reckoner.log_instant(r.valid_from)"
                 " END,"
                 "  CASE WHEN r.id IS NOT NULL THEN " ENTRY_VALID_FROM " END),"
                 "('lost', CASE WHEN e.entry IS NOT NULL AND r.lost THEN 'true' END,"
                 "  CASE WHEN r.id IS NOT NULL THEN " ENTRY_LOST " END),"
                 "('valid_to', CASE WHEN e.entry IS NOT NULL "
                 "THEN "
                 "reckoner.log_instant(r.valid_to)"
                 " END,"
                 "  CASE WHEN r.id IS NOT "
                 "NULL THEN " ENTRY_VALID_TO " END)"),
        0};
    return ask(pg, &s, differences);
}

enum pg_status integrity_log_recoveries(struct pg *pg, PGresult **differences)
{
    static const struct pg_statement s = {
        "integrity_log_recoveries",
        COMPARED(
            "(SELECT 'recovery' AS kind, kept_size::text AS subject, restored_size AS number FROM"
            "  reckoner.log_recovery"
            "  UNION ALL SELECT 'void', provider || '/' || number, number FROM reckoner.document_void) r"
            " FULL JOIN (SELECT kind, subject, entry FROM reckoner.log_entry WHERE kind IN ('recovery', 'void')"
            "  UNION ALL SELECT kind, subject, entry FROM reckoner.log_pending WHERE kind IN ('recovery', 'void')) e"
            " ON e.kind = r.kind AND e.subject = r.subject",
            "log_recovery", "coalesce(r.kind || '/' || r.subject, e.kind || '/' || e.subject)",
            "('row', CASE WHEN r.kind IS NULL THEN 'none' ELSE 'one' END, 'one'),"
            "('entry of the log', CASE WHEN e.entry IS NULL THEN 'none' ELSE 'one' END, 'one'),"
            "('number', CASE WHEN e.entry IS NOT NULL THEN r.number::text END, CASE WHEN r.kind = 'void' "
            "THEN " ENTRY_NUMBER " WHEN r.kind = 'recovery' THEN " ENTRY_RESTORED_SIZE " END)"),
        0};
    return ask(pg, &s, differences);
}

enum pg_status integrity_log_nodes(struct pg *pg, int64_t size, PGresult **differences)
{
    static const struct pg_statement s = {
        "integrity_log_nodes",
        "SELECT 'log_node' AS \"table\", level || '/' || place AS key, 'row' AS what, 'one' AS found,"
        " 'none: its leaves are not there' AS expected FROM reckoner.log_node WHERE place >= $1::bigint >> level ORDER "
        "BY "
        "level,"
        " place",
        1};
    struct pg_args a;
    pg_args_init(&a);
    pg_arg_i64(&a, size);
    return pg_run(pg, &s, &a, differences);
}

enum pg_status integrity_audit_unlinked(struct pg *pg, PGresult **differences)
{
    static const struct pg_statement s = {
        "integrity_audit_unlinked",
        "SELECT 'audit_event' AS \"table\", e.provider || '/' || e.id AS key, 'link' AS what, 'none' AS found,"
        " 'one' AS expected FROM reckoner.audit_event e"
        " WHERE NOT EXISTS (SELECT FROM reckoner.audit_link l WHERE l.provider = e.provider AND l.event = e.id)"
        " AND NOT EXISTS (SELECT FROM reckoner.audit_pending p WHERE p.provider = e.provider AND p.event = e.id)"
        " ORDER BY e.id",
        0};
    return ask(pg, &s, differences);
}

enum pg_status integrity_statements(struct pg *pg, PGresult **differences)
{
    static const struct pg_statement s = {
        "integrity_statements",
        COMPARED("(SELECT s.*, lag(s.seq) OVER account AS seq_before, lag(sha256(r.bytes)) OVER account AS before"
                 " FROM reckoner.statement s"
                 " LEFT JOIN reckoner.signed_record r ON r.provider = s.provider AND r.id = s.record"
                 " WINDOW account AS (PARTITION BY s.provider, s.contract, s.commissioner ORDER BY s.seq)) r",
                 "statement", "r.provider || '/' || r.contract || '/' || r.commissioner || '/' || r.seq",
                 "('statement before', CASE WHEN coalesce(r.seq_before, 0) = r.seq - 1 THEN 'there' ELSE 'none' END,"
                 "  'there'),"
                 "('previous', encode(r.previous, 'hex'), encode(r.before, 'hex'))"),
        0};
    return ask(pg, &s, differences);
}

enum pg_status integrity_digests(struct pg *pg, PGresult **differences)
{
    static const struct pg_statement s = {
        "integrity_digests",
        "SELECT 'position' AS \"table\", provider || '/' || encode(sha256, 'hex') AS key, 'sha256 of the body' AS what,"
        " encode(sha256(convert_to(body, 'UTF8')), 'hex') AS found, encode(sha256, 'hex') AS expected"
        " FROM reckoner.position WHERE sha256(convert_to(body, 'UTF8')) <> sha256"
        " UNION ALL SELECT 'terms', provider || '/' || contract || '/' || version, 'sha256 of the body',"
        " encode(sha256(convert_to(body, 'UTF8')), 'hex'), encode(digest, 'hex')"
        " FROM reckoner.terms WHERE sha256(convert_to(body, 'UTF8')) <> digest ORDER BY 1, 2",
        0};
    return ask(pg, &s, differences);
}

enum pg_status integrity_runs(struct pg *pg, PGresult **differences)
{
    static const struct pg_statement s = {
        "integrity_runs",
        "SELECT 'run' AS \"table\", r.provider || '/' || r.id AS key, 'sum of the lines' AS what,"
        " coalesce(sum(l.pence), 0)::text AS found, r.position_pence::text AS expected FROM reckoner.run r"
        " LEFT JOIN reckoner.run_line l ON l.provider = r.provider AND l.run = r.id WHERE r.state = 'done'"
        " GROUP BY r.provider, r.id HAVING coalesce(sum(l.pence), 0) <> r.position_pence"
        " UNION ALL SELECT 'run_bridge', b.provider || '/' || b.run || '/' || to_char(b.month, 'YYYY-MM'),"
        " 'sum of the steps', coalesce(sum(s.pence), 0)::text, (b.to_pence - b.from_pence)::text"
        " FROM reckoner.run_bridge b"
        " LEFT JOIN reckoner.run_bridge_step s USING (provider, run, month)"
        " GROUP BY b.provider, b.run, b.month HAVING coalesce(sum(s.pence), 0) <> b.to_pence - b.from_pence"
        " ORDER BY 1, 2",
        0};
    return ask(pg, &s, differences);
}

enum pg_status integrity_document_count(struct pg *pg, int64_t *count)
{
    static const struct pg_statement s = {"integrity_document_count", "SELECT count(*) AS n FROM reckoner.document", 0};
    PGresult *r = NULL;
    enum pg_status status = ask(pg, &s, &r);
    if (status == PG_OK)
        *count = pg_i64(r, 0, "n");
    PQclear(r);
    return status;
}

enum pg_status integrity_document_numbers(struct pg *pg, PGresult **differences)
{
    static const struct pg_statement s = {
        "integrity_document_numbers",
        "WITH given AS (SELECT provider, number, count(*) AS times FROM"
        "  (SELECT provider, number FROM reckoner.document WHERE number IS NOT NULL"
        "   UNION ALL SELECT provider, number FROM reckoner.document_void) n GROUP BY provider, number),"
        " last AS (SELECT c.provider, c.last, coalesce((SELECT max(g.number) FROM given g"
        "   WHERE g.provider = c.provider), 0) AS highest FROM reckoner.document_counter c)"
        " SELECT 'document' AS \"table\", g.provider || '/number ' || g.number AS key, 'documents' AS what,"
        " g.times::text AS found, '1' AS expected FROM given g WHERE g.times > 1"
        " UNION ALL SELECT 'document', l.provider || '/number ' || n, 'documents', 'none', '1' FROM last l"
        "  CROSS JOIN LATERAL generate_series(1, l.highest) n"
        "  WHERE NOT EXISTS (SELECT FROM given g WHERE g.provider = l.provider AND g.number = n)"
        " UNION ALL SELECT 'document_counter', provider, 'last', last::text, highest::text FROM last"
        "  WHERE last <> highest ORDER BY 1, 2",
        0};
    return ask(pg, &s, differences);
}

enum pg_status integrity_document_amounts(struct pg *pg, PGresult **differences)
{
    static const struct pg_statement s = {
        "integrity_document_amounts",
        COMPARED(
            "(SELECT d.*, r.billable_pence AS run_position, r.billed_pence AS run_billed,"
            "  (SELECT coalesce(sum(l.pence), 0) FROM reckoner.document_line l"
            "    WHERE l.provider = d.provider AND l.document = d.id) AS lines,"
            "  (SELECT coalesce(sum(p.pence), 0) FROM reckoner.ledger_posting p"
            "    WHERE p.provider = d.provider AND p.document = d.id) AS ledger,"
            "  (SELECT coalesce(sum(p.pence), 0) FROM reckoner.ledger_posting p"
            "    WHERE p.provider = d.provider AND p.document = d.id AND p.ledger_account = 'receivable') AS "
            "receivable,"
            "  coalesce(sum(d.balance_pence) FILTER (WHERE d.state = 'issued') OVER (PARTITION BY d.provider,"
            "    d.contract, d.commissioner, d.instalment IS NULL ORDER BY d.number"
            "    ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0) AS before"
            "  FROM reckoner.document d LEFT JOIN reckoner.run r ON r.provider = d.provider AND r.id = d.run) r",
            "document", "r.provider || '/' || r.id",
            "('sum of the lines', r.lines::text, r.balance_pence::text),"
            "('position_pence - billed_pence', (r.position_pence - r.billed_pence)::text, r.balance_pence::text),"
            "('sum of the ledger', r.ledger::text, '0'),"
            "('receivable in the ledger', r.receivable::text,"
            "  CASE WHEN r.state = 'issued' THEN r.balance_pence ELSE 0 END::text),"
            "('position_pence', CASE WHEN r.run IS NOT NULL THEN r.position_pence::text END, r.run_position::text),"
            "('billed_pence', CASE WHEN r.run IS NOT NULL THEN r.billed_pence::text END, r.run_billed::text),"
            "('billed before', CASE WHEN r.state = 'issued' THEN"
            "  (r.billed_pence - r.opening_pence - coalesce(r.on_account_pence, 0))::text END,"
            "  CASE WHEN r.state = 'issued' THEN r.before::text END)"),
        0};
    return ask(pg, &s, differences);
}

enum pg_status integrity_chunks(struct pg *pg, const char *provider, month_t month, PGresult **differences)
{
    static const struct pg_statement s = {
        "integrity_chunks",
        "SELECT 'submission' AS \"table\", s.provider || '/' || s.id AS key, 'pieces stored' AS what,"
        " count(c.seq)::text || CASE WHEN count(c.seq) > 0 AND max(c.seq) <> count(c.seq) - 1"
        "  THEN ' up to number ' || max(c.seq) ELSE '' END AS found, s.chunks::text AS expected"
        " FROM reckoner.submission s"
        " LEFT JOIN reckoner.submission_chunk c ON c.provider = s.provider AND c.submission = s.no"
        " WHERE s.state <> 'receiving' AND ($1::text IS NULL OR s.provider = $1) AND ($2::date IS NULL OR s.month = $2)"
        " AND NOT EXISTS (SELECT FROM reckoner.erased_upload u WHERE u.provider = s.provider AND u.submission = s.no)"
        " GROUP BY s.provider, s.no HAVING count(c.seq) <> s.chunks OR coalesce(max(c.seq), -1) <> s.chunks - 1"
        " ORDER BY 2",
        2};
    struct pg_args a;
    pg_args_month(&a, provider, month);
    return pg_run(pg, &s, &a, differences);
}

#define RECEIPT(member, column)                                                                                        \
    "('" member " of the receipt', " column ", substring(r.said FROM '\"" member "\":\"([^\"]*)\"'))"

enum pg_status integrity_receipts(struct pg *pg, const char *provider, month_t month, PGresult **differences)
{
    static const struct pg_statement s =
        {"integrity_receipts",
         /* Not as JSON: what was touched may be none. */
         COMPARED(
             "(SELECT s.provider, s.id, s.month, s.begun_at, s.completed_at, s.sha256, encode(g.bytes, 'escape')"
             "  AS said FROM reckoner.submission s JOIN reckoner.receipt t ON t.provider = s.provider"
             "  AND t.submission = s.no JOIN reckoner.signed_record g ON g.provider = t.provider AND g.id = t.record"
             "  WHERE ($1::text IS NULL OR s.provider = $1) AND ($2::date IS NULL OR s.month = $2)) r",
             "submission", "r.provider || '/' || r.id",
             /* clang-format off */
                 RECEIPT("submission", "r.id") ", " RECEIPT("month", "to_char(r.month, 'YYYY-MM')") ", "
                 RECEIPT("begun_at", "reckoner.log_instant(r.begun_at)") ", "
                 RECEIPT("completed_at", "reckoner.log_instant(r.completed_at)") ", "
                 RECEIPT("sha256", "encode(r.sha256, 'hex')")),
         /* clang-format on */
         2};
    struct pg_args a;
    pg_args_month(&a, provider, month);
    return pg_run(pg, &s, &a, differences);
}
