#include "store/organisation.h"

#include <stdio.h>

#define COLUMNS                                                                                                        \
    "code, kind, name, live_from, live_to, successor, revision,"                                                       \
    " (extract(epoch FROM created_at) * 1000000)::bigint AS created_at"

static const struct pg_statement add = {
    "organisation_add",
    "INSERT INTO reckoner.organisation (code, kind, name, live_from, live_to, successor, created_at)"
    " VALUES ($1, $2, $3, $4, $5, $6, $7) RETURNING " COLUMNS,
    7};

enum pg_status organisation_add(struct pg *pg, const struct organisation *o, PGresult **result)
{
    struct pg_args a;
    pg_args_init(&a);
    pg_arg_text(&a, o->code);
    pg_arg_text(&a, o->kind);
    pg_arg_text(&a, o->name);
    pg_arg_date(&a, o->live_from);
    pg_arg_date(&a, o->live_to);
    pg_arg_text(&a, o->successor);
    pg_arg_instant(&a, o->created_at);
    return pg_run_one(pg, &add, &a, result);
}

static const struct pg_statement change = {
    "organisation_change",
    "UPDATE reckoner.organisation SET name = $2, live_from = $3, live_to = $4, successor = $5, revision = revision + 1"
    " WHERE code = $1 AND revision = $6 RETURNING " COLUMNS,
    6};

enum pg_status organisation_change(struct pg *pg, const struct organisation *o, int64_t revision, PGresult **result)
{
    struct pg_args a;
    pg_args_init(&a);
    pg_arg_text(&a, o->code);
    pg_arg_text(&a, o->name);
    pg_arg_date(&a, o->live_from);
    pg_arg_date(&a, o->live_to);
    pg_arg_text(&a, o->successor);
    pg_arg_i64(&a, revision);
    return pg_run_one(pg, &change, &a, result);
}

static const struct pg_statement get = {"organisation_get",
                                        "SELECT " COLUMNS " FROM reckoner.organisation WHERE code = $1", 1};

enum pg_status organisation_get(struct pg *pg, const char *code, PGresult **result)
{
    struct pg_args a;
    pg_args_init(&a);
    pg_arg_text(&a, code);
    return pg_run_one(pg, &get, &a, result);
}

static const struct pg_statement list = {"organisation_list",
                                         "SELECT " COLUMNS " FROM reckoner.organisation"
                                         " WHERE code > $1 AND ($2::text IS NULL OR kind = $2) ORDER BY code LIMIT $3",
                                         3};

enum pg_status organisation_list(struct pg *pg, const char *kind, const char *after, int64_t limit, PGresult **result)
{
    struct pg_args a;
    pg_args_init(&a);
    pg_arg_text(&a, after);
    pg_arg_text(&a, kind);
    pg_arg_i64(&a, limit);
    return pg_run(pg, &list, &a, result);
}

static const struct pg_statement stands_for = {
    "organisation_stands_for", "SELECT stands FROM reckoner.stands_for($1, $2) AS stands WHERE stands IS NOT NULL", 2};

enum pg_status organisation_stands_for(struct pg *pg, const char *code, date_t on, char out[8])
{
    struct pg_args a;
    PGresult *r = NULL;
    pg_args_init(&a);
    pg_arg_text(&a, code);
    pg_arg_date(&a, on);
    enum pg_status status = pg_run_one(pg, &stands_for, &a, &r);
    if (status == PG_OK)
        snprintf(out, 8, "%s", pg_text(r, 0, "stands"));
    PQclear(r);
    return status;
}

static const struct pg_statement acting_for = {"organisation_acting_for",
                                               "SELECT $1 = ANY (reckoner.acting_commissioners()) AS acts", 1};

enum pg_status organisation_acting_for(struct pg *pg, const char *commissioner, bool *acts)
{
    struct pg_args a;
    pg_args_init(&a);
    pg_arg_text(&a, commissioner);
    return pg_get_bool(pg, &acting_for, &a, acts);
}

static const struct pg_statement appoint = {
    "organisation_appoint",
    "INSERT INTO reckoner.audit_appointment (auditor, kind, organisation, appointed_at)"
    " VALUES ($1, coalesce((SELECT kind FROM reckoner.organisation WHERE code = $1 AND kind = 'controlled'), "
    "'auditor'),"
    "  $2, $3)"
    " ON CONFLICT (auditor, organisation) DO NOTHING",
    3};

enum pg_status organisation_appoint(struct pg *pg, const char *auditor, const char *organisation, instant_t at,
                                    bool *added)
{
    struct pg_args a;
    pg_args_init(&a);
    pg_arg_text(&a, auditor);
    pg_arg_text(&a, organisation);
    pg_arg_instant(&a, at);
    enum pg_status status = PG_OK;
    *added = pg_run_count(pg, &appoint, &a, &status) == 1;
    return status;
}

static const struct pg_statement auditors = {
    "organisation_auditors",
    "SELECT auditor, (extract(epoch FROM appointed_at) * 1000000)::bigint AS appointed_at"
    " FROM reckoner.audit_appointment WHERE organisation = $1 ORDER BY auditor",
    1};

enum pg_status organisation_auditors(struct pg *pg, const char *organisation, PGresult **result)
{
    struct pg_args a;
    pg_args_init(&a);
    pg_arg_text(&a, organisation);
    return pg_run(pg, &auditors, &a, result);
}

static const struct pg_statement self = {
    "person_self",
    "SELECT p.id AS person, p.name, p.organisation, o.name AS organisation_name, p.role"
    " FROM reckoner.person p JOIN reckoner.organisation o ON o.code = p.organisation WHERE p.id = $1",
    1};

enum pg_status person_self(struct pg *pg, const char *person, PGresult **result)
{
    struct pg_args a;
    pg_args_init(&a);
    pg_arg_text(&a, person);
    return pg_run_one(pg, &self, &a, result);
}

static const struct pg_statement count_people = {
    "organisation_people",
    "SELECT count(*) AS people FROM reckoner.person WHERE organisation = $1 AND disabled_at IS NULL", 1};

enum pg_status organisation_people(struct pg *pg, const char *code, int64_t *count)
{
    struct pg_args a;
    pg_args_init(&a);
    pg_arg_text(&a, code);
    return pg_get_i64(pg, &count_people, &a, count);
}
