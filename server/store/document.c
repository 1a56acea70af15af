#include "store/document.h"

#include <stdio.h>
#include <string.h>

static const struct pg_statement select_billed = {
    .name = "document_billed",
    .sql = "SELECT coalesce(sum(balance_pence), 0)::bigint AS billed FROM reckoner.document"
           " WHERE provider = $1 AND contract = $2 AND commissioner = $3 AND state = 'issued' AND instalment IS NULL",
    .parameters = 3,
};

enum pg_status document_billed(struct pg *pg, const struct account_key *account, int64_t *pence)
{
    struct pg_args a;
    pg_args_account(&a, account);
    return pg_get_i64(pg, &select_billed, &a, pence);
}

static const struct pg_statement select_last_billed = {
    .name = "document_last_billed",
    .sql = "SELECT r.billing_sha256, d.opening_pence, coalesce(d.on_account_pence, 0) AS on_account_pence"
           " FROM reckoner.document d"
           " JOIN reckoner.run r ON r.provider = d.provider AND r.id = d.run"
           " WHERE d.provider = $1 AND d.contract = $2 AND d.commissioner = $3 AND d.state = 'issued'"
           " ORDER BY d.number DESC LIMIT 1",
    .parameters = 3,
};

enum pg_status document_last_billed(struct pg *pg, const struct account_key *account, struct document_last *out)
{
    struct pg_args a;
    PGresult *r = NULL;
    pg_args_account(&a, account);
    enum pg_status status = pg_run_one(pg, &select_last_billed, &a, &r);
    if (status != PG_OK)
        return status;
    if (pg_bytes(r, 0, "billing_sha256", out->sha256, sizeof out->sha256) != (int)sizeof out->sha256)
        status = PG_FAILED;
    out->opening_pence = pg_i64(r, 0, "opening_pence");
    out->on_account_pence = pg_i64(r, 0, "on_account_pence");
    PQclear(r);
    return status;
}

static const struct pg_statement supersede = {
    .name = "document_supersede",
    .sql = "UPDATE reckoner.document SET state = 'superseded', superseded_at = $4, revision = revision + 1"
           " WHERE provider = $1 AND contract = $2 AND commissioner = $3 AND state IN ('draft', 'proposed')"
           " AND instalment IS NULL",
    .parameters = 4,
};

enum pg_status document_supersede(struct pg *pg, const struct account_key *account, instant_t at)
{
    struct pg_args a;
    pg_args_account(&a, account);
    pg_arg_instant(&a, at);
    return pg_run(pg, &supersede, &a, NULL);
}

static const struct pg_statement insert_document = {
    .name = "document_insert",
    .sql = "INSERT INTO reckoner.document (provider, contract, commissioner, id, kind, position_pence, billed_pence,"
           " balance_pence, opening_pence, drafted_at, bill_to, run, on_account_pence, instalment, eacv_pence,"
           " terms_version)"
           " VALUES ($1, $2, $3, $4, $5, $6, $7, $6::bigint - $7::bigint, $8, $9, $10, $11, $12, $13, $14, $15)",
    .parameters = 15,
};

enum pg_status document_insert(struct pg *pg, struct document_draft *d)
{
    struct pg_args a;
    ident_new(d->id);
    pg_args_account(&a, d->account);
    pg_arg_text(&a, d->id);
    pg_arg_text(&a, d->kind);
    pg_arg_i64(&a, d->position_pence);
    pg_arg_i64(&a, d->billed_pence);
    pg_arg_i64(&a, d->opening_pence);
    pg_arg_instant(&a, d->drafted_at);
    pg_arg_text(&a, d->bill_to);
    pg_arg_text(&a, d->run);
    pg_arg_optional(&a, d->on_account, d->on_account_pence);
    pg_arg_optional(&a, d->run == NULL, d->instalment);
    pg_arg_optional(&a, d->run == NULL, d->eacv_pence);
    pg_arg_optional(&a, d->run == NULL, d->terms_version);
    return pg_run(pg, &insert_document, &a, NULL);
}

static const struct pg_statement insert_line = {
    .name = "document_add_line",
    .sql = "INSERT INTO reckoner.document_line (provider, document, line_no, line_key, stage, month, cluster, basis,"
           " price_pence, units, pence, label) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
    .parameters = 12,
};

enum pg_status document_add_line(struct pg *pg, const char *provider, const char *document, int64_t line_no,
                                 const struct run_line *l)
{
    struct pg_args a;
    pg_args_id(&a, provider, document);
    pg_arg_i64(&a, line_no);
    run_line_args(&a, l);
    return pg_run(pg, &insert_line, &a, NULL);
}

enum pg_status document_lines_begin(struct pg *pg, struct pg_copy **copy)
{
    return pg_copy_begin(pg,
                         "COPY reckoner.document_line (provider, document, line_no, line_key, stage, month, cluster,"
                         " basis, price_pence, units, pence, label) FROM STDIN (FORMAT binary)",
                         copy);
}

/* Bit 0 is April: the month number counted from April. */
static const struct pg_statement select_billed_months = {
    .name = "document_billed_months",
    .sql = "SELECT d.id, coalesce(bit_or(1 << ((extract(month FROM l.month)::integer + 8) % 12)), 0) AS months"
           " FROM reckoner.document d LEFT JOIN reckoner.document_line l"
           " ON l.provider = d.provider AND l.document = d.id AND l.month IS NOT NULL"
           " WHERE d.provider = $1 AND d.contract = $2 AND d.commissioner = $3 AND d.state = 'issued'"
           " AND d.instalment IS NULL GROUP BY d.id ORDER BY d.id",
    .parameters = 3,
};

enum pg_status document_billed_months(struct pg *pg, const struct account_key *account, PGresult **result)
{
    struct pg_args a;
    pg_args_account(&a, account);
    return pg_run(pg, &select_billed_months, &a, result);
}

static const struct pg_statement insert_reference = {
    .name = "document_add_reference",
    .sql = "INSERT INTO reckoner.document_reference (provider, document, refers_to) VALUES ($1, $2, $3)",
    .parameters = 3,
};

enum pg_status document_add_reference(struct pg *pg, const char *provider, const char *document, const char *refers_to)
{
    struct pg_args a;
    pg_args_id(&a, provider, document);
    pg_arg_text(&a, refers_to);
    return pg_run(pg, &insert_reference, &a, NULL);
}

static const struct pg_statement select_state = {
    .name = "document_state_for_update",
    .sql = "SELECT contract, commissioner, state, proposed_by, revision FROM reckoner.document"
           " WHERE provider = $1 AND id = $2 FOR UPDATE",
    .parameters = 2,
};

enum pg_status document_state_for_update(struct pg *pg, const char *provider, const char *id,
                                         struct document_state *out)
{
    struct pg_args a;
    PGresult *r = NULL;
    pg_args_id(&a, provider, id);
    enum pg_status status = pg_run_one(pg, &select_state, &a, &r);
    if (status != PG_OK)
        return status;
    snprintf(out->account.provider, sizeof out->account.provider, "%s", provider);
    snprintf(out->account.contract, sizeof out->account.contract, "%s", pg_text(r, 0, "contract"));
    snprintf(out->account.commissioner, sizeof out->account.commissioner, "%s", pg_text(r, 0, "commissioner"));
    snprintf(out->state, sizeof out->state, "%s", pg_text(r, 0, "state"));
    snprintf(out->proposed_by, sizeof out->proposed_by, "%s", pg_text(r, 0, "proposed_by"));
    out->revision = pg_i64(r, 0, "revision");
    PQclear(r);
    return PG_OK;
}

static const struct pg_statement propose = {
    .name = "document_propose",
    .sql = "UPDATE reckoner.document SET state = 'proposed', proposed_by = $4, proposed_at = $5,"
           " revision = revision + 1"
           " WHERE provider = $1 AND id = $2 AND revision = $3 AND state = 'draft' RETURNING id",
    .parameters = 5,
};

enum pg_status document_propose(struct pg *pg, const char *provider, const char *id, int64_t revision,
                                const char *person, instant_t at)
{
    struct pg_args a;
    PGresult *r = NULL;
    pg_args_id(&a, provider, id);
    pg_arg_i64(&a, revision);
    pg_arg_text(&a, person);
    pg_arg_instant(&a, at);
    enum pg_status status = pg_run_one(pg, &propose, &a, &r);
    PQclear(r);
    return status;
}

static const struct pg_statement select_account = {
    .name = "document_account",
    .sql = "SELECT contract, commissioner FROM reckoner.document WHERE provider = $1 AND id = $2",
    .parameters = 2,
};

enum pg_status document_lock_account(struct pg *pg, const char *provider, const char *id)
{
    struct account_key account;
    struct pg_args a;
    PGresult *r = NULL;
    pg_args_id(&a, provider, id);
    enum pg_status status = pg_run_one(pg, &select_account, &a, &r);
    if (status != PG_OK)
        return status;
    snprintf(account.provider, sizeof account.provider, "%s", provider);
    snprintf(account.contract, sizeof account.contract, "%s", pg_text(r, 0, "contract"));
    snprintf(account.commissioner, sizeof account.commissioner, "%s", pg_text(r, 0, "commissioner"));
    PQclear(r);
    return account_lock(pg, &account);
}

static const struct pg_statement select_terms = {
    .name = "document_terms",
    .sql = "SELECT d.contract, d.kind = 'nil_statement' AS nil, coalesce(d.terms_version, 0) AS terms_version, "
           "coalesce(r.month, (make_date(a.financial_year, 4, 1) + make_interval(months => d.instalment - 1))::date)"
           " AS month, " PG_INSTANT(
               "coalesce(r.known_at, d.drafted_at)") " AS known_at"
                                                     " FROM reckoner.document d LEFT JOIN reckoner.run r ON r.provider "
                                                     "= d.provider AND r.id = d.run"
                                                     " JOIN reckoner.account a"
                                                     " ON a.provider = d.provider AND a.contract = d.contract AND "
                                                     "a.commissioner = d.commissioner"
                                                     " WHERE d.provider = $1 AND d.id = $2",
    .parameters = 2,
};

enum pg_status document_terms(struct pg *pg, const char *provider, const char *id, struct document_terms *out)
{
    struct pg_args a;
    PGresult *r = NULL;
    pg_args_id(&a, provider, id);
    enum pg_status status = pg_run_one(pg, &select_terms, &a, &r);
    if (status == PG_OK) {
        snprintf(out->contract, sizeof out->contract, "%s", pg_text(r, 0, "contract"));
        out->nil = pg_bool(r, 0, "nil");
        out->month = pg_month(r, 0, "month");
        out->known_at = pg_instant(r, 0, "known_at");
        out->terms_version = (int32_t)pg_i64(r, 0, "terms_version");
    }
    PQclear(r);
    return status;
}

static const struct pg_statement issue = {
    .name = "document_issue",
    .sql = "SELECT number FROM reckoner.issue_document($1, $2, $3, $4, $5, $6::text::date[])",
    .parameters = 6,
};

/* An array of days as the database reads one. */
static void array_of(const struct due_date *due, char *out)
{
    char *end = out;
    *end++ = '{';
    for (size_t i = 0; i < due->holiday_count; i++) {
        if (i > 0)
            *end++ = ',';
        date_format(due->holidays[i], end);
        end += 10;
    }
    memcpy(end, "}", 2);
}

enum pg_status document_issue(struct pg *pg, const char *provider, const char *id, int64_t revision, instant_t at,
                              const struct due_date *due, int64_t *number)
{
    struct pg_args a;
    char holidays[DUE_HOLIDAYS_MAXIMUM * 11 + 3];
    pg_args_id(&a, provider, id);
    pg_arg_i64(&a, revision);
    pg_arg_instant(&a, at);
    pg_arg_date(&a, due == NULL ? DATE_NONE : due->day);
    if (due != NULL)
        array_of(due, holidays);
    pg_arg_text(&a, due == NULL ? NULL : holidays);
    return pg_get_i64(pg, &issue, &a, number);
}

/* clang-format off */
/* As it was at the instant k.at; null: as it is. */
#define BY_THEN(column) "(k.at IS NULL OR " column " <= k.at)"
#define STATE_THEN                                                                                                     \
    "CASE WHEN k.at IS NULL OR d.issued_at <= k.at OR d.superseded_at <= k.at THEN d.state"                            \
    " WHEN d.proposed_at <= k.at THEN 'proposed' ELSE 'draft' END"
#define VIEW_COLUMNS                                                                                                   \
    "d.id, d.contract, d.commissioner, d.run, d.kind, d.position_pence,"                                               \
    " d.billed_pence, d.balance_pence, d.opening_pence, d.on_account_pence, d.instalment, d.eacv_pence,"               \
    " d.terms_version, r.type, r.n, coalesce(r.month,"                                                                 \
    " (make_date(a.financial_year, 4, 1) + make_interval(months => d.instalment - 1))::date) AS month, "               \
    STATE_THEN " AS state, CASE WHEN " BY_THEN("d.issued_at") " THEN d.bill_to ELSE d.drafted_to END AS bill_to,"      \
    " CASE WHEN " BY_THEN("d.issued_at") " THEN d.number END AS number,"                                               \
    " CASE WHEN " BY_THEN("d.issued_at") " THEN d.issued_by END AS issued_by,"                                         \
    " CASE WHEN " BY_THEN("d.proposed_at") " THEN d.proposed_by END AS proposed_by,"                                   \
    " CASE WHEN k.at IS NULL THEN d.revision END AS revision, "                                                        \
    PG_INSTANT("d.drafted_at") " AS drafted_at, CASE WHEN " BY_THEN("d.proposed_at") " THEN "                          \
    PG_INSTANT("d.proposed_at") " END AS proposed_at, CASE WHEN " BY_THEN("d.issued_at") " THEN "                      \
    PG_INSTANT("d.issued_at") " END AS issued_at, CASE WHEN " BY_THEN("d.issued_at") " THEN d.due_on END AS due_on,"   \
    " CASE WHEN " BY_THEN("d.issued_at") " THEN array_to_string(d.due_holidays, ',') END AS due_holidays,"             \
    " CASE WHEN k.at IS NULL THEN (SELECT coalesce(sum(c.held_pence), 0)::bigint FROM reckoner.challenge c"            \
    "  WHERE c.provider = d.provider AND c.document = d.id AND c.outcome IS NULL) END AS held_pence"
#define VIEW_TABLES(known)                                                                                             \
    " FROM reckoner.document d LEFT JOIN reckoner.run r ON r.provider = d.provider AND r.id = d.run"                   \
    " JOIN reckoner.account a"                                                                                         \
    " ON a.provider = d.provider AND a.contract = d.contract AND a.commissioner = d.commissioner"                      \
    " CROSS JOIN (SELECT " known "::timestamptz AS at) k WHERE d.provider = $1 AND " BY_THEN("d.drafted_at")
/* clang-format on */

static const struct pg_statement list_documents = {
    .name = "document_list",
    .sql = "SELECT " VIEW_COLUMNS VIEW_TABLES(
        "$7") " AND ($2::text IS NULL OR d.contract = $2)"
              " AND ($3::text IS NULL OR d.commissioner = $3) AND ($4::text IS NULL OR " STATE_THEN " = $4)"
              " AND ($5 = '' OR (d.drafted_at, d.id) <"
              " (SELECT drafted_at, id FROM reckoner.document WHERE provider = $1 AND id = $5))"
              " ORDER BY d.drafted_at DESC, d.id DESC LIMIT $6",
    .parameters = 7,
};

enum pg_status document_list(struct pg *pg, const struct document_query *q, PGresult **result)
{
    struct pg_args a;
    pg_args_id(&a, q->provider, q->contract);
    pg_arg_text(&a, q->commissioner);
    pg_arg_text(&a, q->state);
    pg_arg_text(&a, q->after);
    pg_arg_i64(&a, q->limit);
    pg_arg_instant(&a, q->known_at);
    return pg_run(pg, &list_documents, &a, result);
}

static const struct pg_statement view_document = {
    .name = "document_view",
    .sql = "SELECT " VIEW_COLUMNS VIEW_TABLES("$3") " AND d.id = $2",
    .parameters = 3,
};

enum pg_status document_view(struct pg *pg, const char *provider, const char *id, instant_t known_at, PGresult **result)
{
    struct pg_args a;
    pg_args_id(&a, provider, id);
    pg_arg_instant(&a, known_at);
    return pg_run_one(pg, &view_document, &a, result);
}

static const struct pg_statement select_lines = {
    .name = "document_lines",
    .sql = "SELECT line_no, line_key, stage, month, cluster, basis, price_pence, units, pence, label"
           " FROM reckoner.document_line WHERE provider = $1 AND document = $2 ORDER BY line_no",
    .parameters = 2,
};

enum pg_status document_lines(struct pg *pg, const char *provider, const char *id, PGresult **result)
{
    struct pg_args a;
    pg_args_id(&a, provider, id);
    return pg_run(pg, &select_lines, &a, result);
}

static const struct pg_statement select_references = {
    .name = "document_references",
    .sql = "SELECT d.id, d.number, d.kind FROM reckoner.document_reference x"
           " JOIN reckoner.document d ON d.provider = x.provider AND d.id = x.refers_to"
           " WHERE x.provider = $1 AND x.document = $2 ORDER BY d.number",
    .parameters = 2,
};

enum pg_status document_references(struct pg *pg, const char *provider, const char *id, PGresult **result)
{
    struct pg_args a;
    pg_args_id(&a, provider, id);
    return pg_run(pg, &select_references, &a, result);
}

static const struct pg_statement select_text = {
    .name = "document_text",
    .sql = "SELECT t FROM reckoner.document_text($1, $2) t WHERE t IS NOT NULL",
    .parameters = 2,
};

enum pg_status document_text(struct pg *pg, const char *provider, const char *id, PGresult **result)
{
    struct pg_args a;
    pg_args_id(&a, provider, id);
    return pg_run_one(pg, &select_text, &a, result);
}

static const struct pg_statement select_bridge = {
    .name = "document_bridge",
    .sql = "SELECT s.month, s.cause, s.pence FROM reckoner.document d"
           " JOIN reckoner.run_bridge_step s ON s.provider = d.provider AND s.run = d.run"
           " WHERE d.provider = $1 AND d.id = $2 ORDER BY s.month, s.step",
    .parameters = 2,
};

enum pg_status document_bridge(struct pg *pg, const char *provider, const char *id, PGresult **result)
{
    struct pg_args a;
    pg_args_id(&a, provider, id);
    return pg_run(pg, &select_bridge, &a, result);
}

static const struct pg_statement select_ledger = {
    .name = "document_ledger",
    .sql = "SELECT seq, ledger_account, pence, " PG_INSTANT(
        "posted_at") " AS posted_at"
                     " FROM reckoner.ledger_posting WHERE provider = $1 AND document = $2 ORDER BY seq",
    .parameters = 2,
};

enum pg_status document_ledger(struct pg *pg, const char *provider, const char *id, PGresult **result)
{
    struct pg_args a;
    pg_args_id(&a, provider, id);
    return pg_run(pg, &select_ledger, &a, result);
}
