#include "store/administration.h"

#include <stdio.h>

/* The tail of every act: one audit event for the row that "made" returned. $1 at, $2 command, $3 system user. */
#define AUDIT(provider, act, subject)                                                                                  \
    " INSERT INTO reckoner.audit_event (provider, at, act, subject, detail)"                                           \
    " SELECT " provider ", $1::timestamptz, '" act "', " subject ","                                                   \
    " jsonb_build_object('command', $2::text, 'system_user', $3::text) FROM made RETURNING id"

static void begin_args(struct pg_args *a, const struct admin_act *act)
{
    pg_args_init(a);
    pg_arg_instant(a, act->at);
    pg_arg_text(a, act->command);
    pg_arg_text(a, act->system_user);
}

enum pg_status admin_add_organisation(struct pg *pg, const struct admin_act *act, const char *code, const char *kind,
                                      const char *name, date_t live_from)
{
    static const struct pg_statement s = {
        "admin_add_organisation",
        "WITH made AS (INSERT INTO reckoner.organisation (code, kind, name, live_from, created_at)"
        " VALUES ($4, $5, $6, $7::date, $1::timestamptz) RETURNING code)" AUDIT("code", "organisation.add",
                                                                                "'organisation/' || code"),
        7};
    struct pg_args a;
    begin_args(&a, act);
    pg_arg_text(&a, code);
    pg_arg_text(&a, kind);
    pg_arg_text(&a, name);
    pg_arg_date(&a, live_from);
    return pg_run_one(pg, &s, &a, NULL);
}

enum pg_status admin_each_organisation(struct pg *pg, void (*row)(void *context, const struct admin_organisation *o),
                                       void *context)
{
    static const struct pg_statement s = {
        "admin_each_organisation",
        "SELECT o.code, o.kind, o.name, o.live_from, o.live_to,"
        " (SELECT count(*) FROM reckoner.person p WHERE p.organisation = o.code AND p.disabled_at IS NULL) AS people"
        " FROM reckoner.organisation o ORDER BY o.code",
        0};
    struct pg_args a;
    pg_args_init(&a);
    PGresult *r = NULL;
    enum pg_status status = pg_run(pg, &s, &a, &r);
    if (status != PG_OK)
        return status;
    for (int i = 0; i < PQntuples(r); i++) {
        struct admin_organisation o = {
            .code = pg_text(r, i, "code"),
            .kind = pg_text(r, i, "kind"),
            .name = pg_text(r, i, "name"),
            .live_from = pg_date(r, i, "live_from"),
            .live_to = pg_date(r, i, "live_to"),
            .people = pg_i64(r, i, "people"),
        };
        row(context, &o);
    }
    PQclear(r);
    return PG_OK;
}

enum pg_status admin_add_person(struct pg *pg, const struct admin_act *act, const char *id, const char *organisation,
                                const char *name)
{
    static const struct pg_statement s = {
        "admin_add_person",
        "WITH made AS (INSERT INTO reckoner.person (id, organisation, role, name, created_at)"
        " SELECT $4, o.code, o.kind, $6, $1::timestamptz FROM reckoner.organisation o WHERE o.code = $5"
        " RETURNING id, organisation)" AUDIT("organisation", "person.add", "'person/' || id"),
        6};
    struct pg_args a;
    begin_args(&a, act);
    pg_arg_text(&a, id);
    pg_arg_text(&a, organisation);
    pg_arg_text(&a, name);
    return pg_run_one(pg, &s, &a, NULL);
}

/* Changes and tells only what is not so already; a row comes back whenever there is such a person. */
#define SWITCH_PERSON(name, act, disabled_at, now)                                                                     \
    {                                                                                                                  \
        name,                                                                                                          \
            "WITH who AS (SELECT p.id FROM reckoner.person p WHERE p.id = $4),"                                        \
            " made AS (UPDATE reckoner.person p SET disabled_at = " disabled_at " FROM who"                            \
            " WHERE p.id = who.id AND p.disabled_at " now " RETURNING p.id, p.organisation),"                          \
            " told AS (" AUDIT("organisation", act,                                                                    \
                               "'person/' || id") ")"                                                                  \
                                                  " SELECT EXISTS (SELECT FROM told) AS changed FROM who",             \
            4                                                                                                          \
    }

enum pg_status admin_switch_person(struct pg *pg, const struct admin_act *act, const char *person, bool enabled)
{
    static const struct pg_statement enable =
        SWITCH_PERSON("admin_enable_person", "person.enable", "NULL", "IS NOT NULL");
    static const struct pg_statement disable =
        SWITCH_PERSON("admin_disable_person", "person.disable", "$1::timestamptz", "IS NULL");
    struct pg_args a;
    begin_args(&a, act);
    pg_arg_text(&a, person);
    PGresult *r = NULL;
    enum pg_status status = pg_run_one(pg, enabled ? &enable : &disable, &a, &r);
    if (status != PG_OK)
        return status;
    bool changed = pg_bool(r, 0, "changed");
    PQclear(r);
    return changed ? PG_OK : PG_DUPLICATE;
}

enum pg_status admin_add_token(struct pg *pg, const struct admin_act *act, const unsigned char *hash,
                               const char *person, int64_t days)
{
    static const struct pg_statement s = {
        "admin_add_token",
        "WITH made AS (INSERT INTO reckoner.token (hash, person, created_at, expires_at)"
        " SELECT $4, p.id, clock_timestamp(), clock_timestamp() + make_interval(days => $6::integer)"
        " FROM reckoner.person p WHERE p.id = $5 AND p.disabled_at IS NULL RETURNING person)" AUDIT(
            "(SELECT p.organisation FROM reckoner.person p WHERE p.id = person)", "token.create",
            "'person/' || person"),
        6};
    struct pg_args a;
    begin_args(&a, act);
    pg_arg_bytes(&a, hash, 32);
    pg_arg_text(&a, person);
    pg_arg_i64(&a, days);
    return pg_run_one(pg, &s, &a, NULL);
}

enum pg_status admin_revoke_tokens(struct pg *pg, const struct admin_act *act, const char *person, int64_t *count)
{
    static const struct pg_statement s = {
        "admin_revoke_tokens",
        "WITH who AS (SELECT p.id, p.organisation FROM reckoner.person p WHERE p.id = $4),"
        " revoked AS (UPDATE reckoner.token t SET revoked_at = clock_timestamp() FROM who"
        " WHERE t.person = who.id AND t.revoked_at IS NULL AND t.expires_at > clock_timestamp() RETURNING t.hash),"
        " made AS (SELECT who.id, who.organisation FROM who),"
        " told AS (" AUDIT("organisation", "token.revoke",
                           "'person/' || id") ")"
                                              " SELECT (SELECT count(*) FROM revoked) AS revoked FROM told",
        4};
    struct pg_args a;
    begin_args(&a, act);
    pg_arg_text(&a, person);
    return pg_get_i64(pg, &s, &a, count);
}

enum pg_status admin_appoint_auditor(struct pg *pg, const struct admin_act *act, const char *auditor,
                                     const char *organisation)
{
    static const struct pg_statement s = {
        "admin_appoint_auditor",
        "WITH made AS (INSERT INTO reckoner.audit_appointment (auditor, kind, organisation, appointed_at)"
        " SELECT a.code, a.kind, o.code, $1::timestamptz FROM reckoner.organisation a, reckoner.organisation o"
        " WHERE a.code = $4 AND o.code = $5 AND (a.kind, o.kind) IN (('auditor', 'provider'),"
        "  ('auditor', 'commissioner'), ('controlled', 'provider'))"
        " RETURNING auditor, organisation)" AUDIT("organisation", "auditor.appoint",
                                                  "'organisation/' || organisation || '/auditor/' || auditor"),
        5};
    struct pg_args a;
    begin_args(&a, act);
    pg_arg_text(&a, auditor);
    pg_arg_text(&a, organisation);
    return pg_run_one(pg, &s, &a, NULL);
}

enum pg_status admin_load_reference(struct pg *pg, const struct admin_act *act, const char *kind, const void *content,
                                    size_t length, const unsigned char digest[32])
{
    static const struct pg_statement s = {
        "admin_load_reference",
        "WITH made AS (INSERT INTO reckoner.reference_set (kind, digest, content, loaded_at, loaded_by)"
        " VALUES ($4, $5, $6, $1::timestamptz, $3)"
        " ON CONFLICT (kind, digest) DO UPDATE SET loaded_at = excluded.loaded_at, loaded_by = excluded.loaded_by"
        " RETURNING kind, digest)" AUDIT("'operator'", "reference.load",
                                         "'reference/' || kind || '/' || encode(digest, 'hex')"),
        6};
    struct pg_args a;
    begin_args(&a, act);
    pg_arg_text(&a, kind);
    pg_arg_bytes(&a, digest, 32);
    pg_arg_bytes(&a, content, length);
    return pg_run_one(pg, &s, &a, NULL);
}

enum pg_status admin_queue(struct pg *pg, struct admin_queue *out)
{
    static const struct pg_statement s = {
        "admin_queue",
        "SELECT count(*) FILTER (WHERE state = 'queued' AND run_after <= clock_timestamp()) AS waiting,"
        " coalesce(extract(epoch FROM clock_timestamp() - min(run_after) FILTER (WHERE state = 'queued'"
        " AND run_after <= clock_timestamp())), 0)::bigint AS oldest_seconds,"
        " count(*) FILTER (WHERE state = 'leased') AS leased,"
        " count(*) FILTER (WHERE state = 'failed') AS failed FROM reckoner.job",
        0};
    struct pg_args a;
    pg_args_init(&a);
    PGresult *r = NULL;
    enum pg_status status = pg_run_one(pg, &s, &a, &r);
    if (status != PG_OK)
        return status;
    *out = (struct admin_queue){
        .waiting = pg_i64(r, 0, "waiting"),
        .oldest_seconds = pg_i64(r, 0, "oldest_seconds"),
        .leased = pg_i64(r, 0, "leased"),
        .failed = pg_i64(r, 0, "failed"),
    };
    PQclear(r);
    return PG_OK;
}

enum pg_status admin_vouched(struct pg *pg, bool *vouched, char *reason, size_t size)
{
    static const struct pg_statement s = {
        "admin_vouched",
        "SELECT reckoner.log_vouched() AS vouched, (SELECT stopped FROM reckoner.log_vouch) AS stopped", 0};
    struct pg_args a;
    PGresult *r = NULL;
    pg_args_init(&a);
    enum pg_status status = pg_run_one(pg, &s, &a, &r);
    if (status == PG_OK) {
        *vouched = pg_bool(r, 0, "vouched");
        (void)snprintf(reason, size, "%s", pg_text(r, 0, "stopped"));
    }
    PQclear(r);
    return status;
}

enum pg_status admin_clock_behind(struct pg *pg, int64_t *seconds)
{
    static const struct pg_statement s = {
        "admin_clock_behind",
        "SELECT ceil(last_value / 1000000.0 - extract(epoch FROM clock_timestamp()))::bigint AS seconds"
        " FROM reckoner.act_mark",
        0};
    struct pg_args a;
    pg_args_init(&a);
    return pg_get_i64(pg, &s, &a, seconds);
}

enum pg_status admin_each_worker(struct pg *pg, void (*row)(void *context, const struct admin_worker *w), void *context)
{
    static const struct pg_statement s = {
        "admin_each_worker",
        "SELECT worker, version, extract(epoch FROM clock_timestamp() - seen_at)::bigint AS silent_seconds"
        " FROM reckoner.worker_heartbeat WHERE seen_at > clock_timestamp() - interval '1 day'"
        " ORDER BY seen_at DESC",
        0};
    struct pg_args a;
    pg_args_init(&a);
    PGresult *r = NULL;
    enum pg_status status = pg_run(pg, &s, &a, &r);
    if (status != PG_OK)
        return status;
    for (int i = 0; i < PQntuples(r); i++) {
        struct admin_worker w = {
            .worker = pg_text(r, i, "worker"),
            .version = pg_text(r, i, "version"),
            .silent_seconds = pg_i64(r, i, "silent_seconds"),
        };
        row(context, &w);
    }
    PQclear(r);
    return PG_OK;
}
