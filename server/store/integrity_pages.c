#include "store/integrity_pages.h"

enum pg_status page_log_nodes(struct pg *pg, int64_t from, int64_t to, PGresult **result)
{
    static const struct pg_statement s = {
        "page_log_nodes",
        "SELECT n.level, n.place, encode(n.hash, 'hex') AS hash FROM generate_series(1, 47) l"
        " JOIN reckoner.log_node n ON n.level = l AND n.place >= $1::bigint >> l AND n.place < $2::bigint >> l"
        " ORDER BY (n.place + 1) << l, n.level",
        2};
    struct pg_args a;
    pg_args_init(&a);
    pg_arg_i64(&a, from);
    pg_arg_i64(&a, to);
    return pg_run(pg, &s, &a, result);
}

static enum pg_status of_range(struct pg *pg, const struct pg_statement *s, int64_t above, int64_t to,
                               PGresult **result)
{
    struct pg_args a;
    pg_args_init(&a);
    pg_arg_i64(&a, above);
    pg_arg_i64(&a, to);
    return pg_run(pg, s, &a, result);
}

enum pg_status page_checkpoints(struct pg *pg, int64_t above, int64_t to, PGresult **result)
{
    static const struct pg_statement s = {
        "page_checkpoints",
        "SELECT c.size, c.origin, encode(c.root, 'hex') AS root, c.note, c.key_id AS key,"
        " encode(k.public_key, 'hex') AS public_key, "
        "(extract(epoch FROM c.sealed_at) * 1000000)::bigint"
        " AS sealed_at FROM reckoner.log_checkpoint c"
        " LEFT JOIN reckoner.signing_key k ON k.id = c.key_id"
        " WHERE c.size > $1 AND c.size <= $2 ORDER BY c.size",
        2};
    return of_range(pg, &s, above, to, result);
}

enum pg_status page_cosignatures(struct pg *pg, int64_t above, int64_t to, PGresult **result)
{
    static const struct pg_statement s = {
        "page_cosignatures",
        "SELECT s.size, s.name, s.line, c.note, encode(k.public_key, 'hex') AS public_key"
        " FROM reckoner.log_cosignature s LEFT JOIN reckoner.log_checkpoint c ON c.size = s.size"
        " LEFT JOIN reckoner.log_keeper k ON k.name = s.name"
        " WHERE s.size > $1 AND s.size <= $2 ORDER BY s.size, s.name",
        2};
    return of_range(pg, &s, above, to, result);
}

enum pg_status page_waiting(struct pg *pg, int64_t seconds, PGresult **result)
{
    static const struct pg_statement s = {
        "page_waiting",
        "SELECT (SELECT count(*) FROM reckoner.log_pending WHERE left_at < now() - make_interval(secs => $1)) AS "
        "entries,"
        " (SELECT min(no) FROM reckoner.log_pending WHERE left_at < now() - make_interval(secs => $1)) AS first,"
        " (SELECT count(*) FROM reckoner.audit_pending WHERE left_at < now() - make_interval(secs => $1)) AS events",
        1};
    struct pg_args a;
    pg_args_init(&a);
    pg_arg_i64(&a, seconds);
    return pg_run_one(pg, &s, &a, result);
}

enum pg_status page_audit_links(struct pg *pg, int64_t above, int64_t limit, PGresult **result)
{
    static const struct pg_statement s = {
        "page_audit_links",
        "SELECT l.seq, encode(l.hash, 'hex') AS hash, l.provider AS of_provider, l.event, e.provider, e.id,"
        " "
        "(extract(epoch FROM e.at) * 1000000)::bigint"
        " AS at, e.person, e.organisation, e.act, e.subject, e.detail, e.request_id, e.address"
        " FROM reckoner.audit_link l"
        " LEFT JOIN reckoner.audit_event e ON e.provider = l.provider AND e.id = l.event"
        " WHERE l.seq > $1 ORDER BY l.seq LIMIT $2",
        2};
    return of_range(pg, &s, above, limit, result);
}

enum pg_status page_key_entries(struct pg *pg, PGresult **result)
{
    static const struct pg_statement s = {
        "page_key_entries",
        "SELECT leaf, subject, entry FROM (SELECT leaf, 0::bigint AS no, subject, entry FROM reckoner.log_entry"
        " WHERE kind = 'key' UNION ALL SELECT NULL, no, subject, entry FROM reckoner.log_pending WHERE kind = 'key') k"
        " ORDER BY leaf NULLS LAST, no",
        0};
    struct pg_args a;
    pg_args_init(&a);
    return pg_run(pg, &s, &a, result);
}

static void arg_after(struct pg_args *a, const char *provider, const char *id, int64_t limit)
{
    pg_args_id(a, provider, id);
    pg_arg_i64(a, limit);
}

enum pg_status page_records(struct pg *pg, const char *provider, const char *id, int64_t limit, PGresult **result)
{
    static const struct pg_statement s = {
        "page_records",
        "SELECT r.provider, r.id, r.purpose, r.bytes, r.sha256, r.key_id, r.signature, r.minisig, "
        "(extract(epoch FROM r.sealed_at) * 1000000)::bigint"
        ", e.leaf FROM (SELECT * FROM reckoner.signed_record WHERE (provider, id) > ($1, $2)"
        "  ORDER BY provider, id LIMIT $3) r"
        " LEFT JOIN reckoner.log_entry e ON e.subject = r.id AND e.kind = r.purpose"
        "  AND e.provider = r.provider ORDER BY r.provider, r.id",
        3};
    struct pg_args a;
    arg_after(&a, provider, id, limit);
    return pg_run_binary(pg, &s, &a, result);
}

enum pg_status page_statements(struct pg *pg, const char *provider, const char *record, int64_t limit,
                               PGresult **result)
{
    static const struct pg_statement s = {
        "page_statements",
        "SELECT s.provider, s.contract, s.commissioner, s.seq, s.run, s.record, encode(s.previous, 'hex') AS previous,"
        " b.bytes, encode(r.position_sha256, 'hex') AS position_sha256,"
        " r.position_pence, r.balance_pence, d.id AS document, d.balance_pence AS document_balance"
        " FROM (SELECT * FROM reckoner.statement WHERE (provider, record) > ($1, $2) ORDER BY provider, record"
        "  LIMIT $3) s"
        " LEFT JOIN reckoner.signed_record b ON b.provider = s.provider AND b.id = s.record"
        " LEFT JOIN reckoner.run r ON r.provider = s.provider AND r.id = s.run"
        " LEFT JOIN reckoner.document d ON d.provider = s.provider AND d.run = s.run ORDER BY s.provider, s.record",
        3};
    struct pg_args a;
    arg_after(&a, provider, record, limit);
    return pg_run(pg, &s, &a, result);
}

enum pg_status page_runs(struct pg *pg, const char *provider, const char *id, int64_t limit, PGresult **result)
{
    static const struct pg_statement s = {
        "page_runs",
        "SELECT r.provider, r.id, encode(r.position_sha256, 'hex') AS sha256, r.position_pence AS pence, p.body"
        " FROM reckoner.run r"
        " LEFT JOIN reckoner.position p ON p.provider = r.provider AND p.sha256 = r.position_sha256"
        " WHERE r.state = 'done' AND (r.provider, r.id) > ($1, $2) ORDER BY r.provider, r.id LIMIT $3",
        3};
    struct pg_args a;
    arg_after(&a, provider, id, limit);
    return pg_run(pg, &s, &a, result);
}

enum pg_status page_run_lines(struct pg *pg, const char *provider, const char *run, PGresult **result)
{
    static const struct pg_statement s = {
        "page_run_lines",
        "SELECT line_no, line_key, pence FROM reckoner.run_line WHERE provider = $1 AND run = $2 ORDER BY line_no", 2};
    struct pg_args a;
    pg_args_id(&a, provider, run);
    return pg_run(pg, &s, &a, result);
}

enum pg_status page_submissions(struct pg *pg, const char *only, month_t month, const char *provider, int64_t no,
                                int64_t limit, PGresult **result)
{
    static const struct pg_statement s = {
        "page_submissions",
        "SELECT provider, no, id, chunks, bytes, encode(sha256, 'hex') AS sha256 FROM reckoner.submission s"
        " WHERE NOT EXISTS (SELECT FROM reckoner.erased_upload u WHERE u.provider = s.provider AND u.submission = s.no)"
        " AND state <> 'receiving' AND ($1::text IS NULL OR provider = $1) AND ($2::date IS NULL OR month = $2)"
        " AND (provider, no) > ($3, $4) ORDER BY provider, no LIMIT $5",
        5};
    struct pg_args a;
    pg_args_init(&a);
    pg_arg_text(&a, only);
    pg_arg_month(&a, month);
    pg_arg_text(&a, provider);
    pg_arg_i64(&a, no);
    pg_arg_i64(&a, limit);
    return pg_run(pg, &s, &a, result);
}
