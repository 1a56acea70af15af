#include "store/vouch.h"

#include <stdio.h>
#include <string.h>

static enum vouch_key key_of(const PGresult *r)
{
    if (!pg_bool(r, 0, "keys"))
        return VOUCH_KEY_FIRST;
    if (!pg_bool(r, 0, "known"))
        return VOUCH_KEY_UNKNOWN;
    if (pg_bool(r, 0, "ended"))
        return VOUCH_KEY_ENDED;
    return pg_bool(r, 0, "early") ? VOUCH_KEY_EARLY : VOUCH_KEY_GOOD;
}

enum pg_status vouch_look(struct pg *pg, const struct public_key *key, instant_t at, struct vouch *out)
{
    static const struct pg_statement s = {
        "vouch_look",
        "SELECT i.instance, coalesce(v.instance = i.instance, false) AS vouched, v.one IS NOT NULL AS ever, v.stopped,"
        " coalesce(c.size, 0) AS size, coalesce(c.root, decode(repeat('00', 32), 'hex')) AS root,"
        " coalesce((SELECT max(id) FROM reckoner.log_recovery), 0) AS recovery,"
        " EXISTS (SELECT FROM reckoner.signing_key) AS keys, k.id IS NOT NULL AS known,"
        " coalesce(k.lost OR k.valid_to <= $3, false) AS ended, coalesce(k.valid_from > $3, false) AS early"
        " FROM (SELECT reckoner.database_instance() AS instance) i LEFT JOIN reckoner.log_vouch v ON true"
        " LEFT JOIN (SELECT size, root FROM reckoner.log_checkpoint ORDER BY size DESC LIMIT 1) c ON true"
        " LEFT JOIN reckoner.signing_key k ON k.id = $1 AND k.public_key = $2",
        3};
    struct pg_args a;
    PGresult *r = NULL;
    char id[17];
    public_key_id_text(key->id, id);
    pg_args_init(&a);
    pg_arg_text(&a, id);
    pg_arg_bytes(&a, key->key, PUBLIC_KEY_SIZE);
    pg_arg_instant(&a, at);
    enum pg_status status = pg_run_one(pg, &s, &a, &r);
    if (status != PG_OK)
        return status;
    (void)snprintf(out->instance, sizeof out->instance, "%s", pg_text(r, 0, "instance"));
    (void)snprintf(out->stopped, sizeof out->stopped, "%s", pg_text(r, 0, "stopped"));
    out->vouched = pg_bool(r, 0, "vouched");
    out->ever = pg_bool(r, 0, "ever");
    out->size = pg_i64(r, 0, "size");
    out->recovery = pg_i64(r, 0, "recovery");
    out->key = key_of(r);
    bool whole = pg_bytes(r, 0, "root", out->root, LOG_HASH) == LOG_HASH;
    PQclear(r);
    return whole ? PG_OK : PG_FAILED;
}

enum pg_status vouch_has(struct pg *pg, int64_t size, const uint8_t root[LOG_HASH], bool *out)
{
    static const struct pg_statement s = {
        "vouch_has", "SELECT EXISTS (SELECT FROM reckoner.log_checkpoint WHERE size = $1 AND root = $2) AS is", 2};
    struct pg_args a;
    pg_args_init(&a);
    pg_arg_i64(&a, size);
    pg_arg_bytes(&a, root, LOG_HASH);
    return pg_get_bool(pg, &s, &a, out);
}

enum pg_status vouch_recovered(struct pg *pg, int64_t after, int64_t size, bool *out)
{
    static const struct pg_statement s = {"vouch_recovered",
                                          "SELECT EXISTS (SELECT FROM reckoner.log_recovery WHERE id > $1 AND "
                                          "kept_size >= $2 AND restored_size < $2) AS is",
                                          2};
    struct pg_args a;
    pg_args_init(&a);
    pg_arg_i64(&a, after);
    pg_arg_i64(&a, size);
    return pg_get_bool(pg, &s, &a, out);
}

enum pg_status vouch_give(struct pg *pg, const char *instance, int64_t size, const char *by)
{
    static const struct pg_statement s = {
        "vouch_give",
        "INSERT INTO reckoner.log_vouch AS v (instance, size, vouched_by) VALUES ($1, $2, $3) ON CONFLICT (one) DO "
        "UPDATE"
        " SET instance = excluded.instance, size = excluded.size, vouched_by = excluded.vouched_by,"
        " vouched_at = clock_timestamp() WHERE v.stopped IS NULL",
        3};
    struct pg_args a;
    pg_args_init(&a);
    pg_arg_text(&a, instance);
    pg_arg_i64(&a, size);
    pg_arg_text(&a, by);
    return pg_run(pg, &s, &a, NULL);
}

enum pg_status vouch_stop(struct pg *pg, const char *by, const char *reason)
{
    static const struct pg_statement s = {
        "vouch_stop",
        "INSERT INTO reckoner.log_vouch AS v (instance, size, vouched_by, stopped, stopped_at)"
        " VALUES ('none', 0, $1, $2, clock_timestamp()) ON CONFLICT (one) DO UPDATE"
        " SET stopped = excluded.stopped, stopped_at = excluded.stopped_at WHERE v.stopped IS NULL",
        2};
    struct pg_args a;
    pg_args_init(&a);
    pg_arg_text(&a, by);
    pg_arg_text(&a, reason);
    return pg_run(pg, &s, &a, NULL);
}

enum pg_status vouch_transaction(struct pg *pg, int64_t *number)
{
    static const struct pg_statement s = {"vouch_transaction", "SELECT pg_current_xact_id()::text::bigint AS n", 0};
    struct pg_args a;
    pg_args_init(&a);
    return pg_get_i64(pg, &s, &a, number);
}

/* One that was never begun here has no status, and asking for it would be an error: such a number is not below that of
 * the newest transaction that has ended. Neither is one that is under way and the newest of all; it holds its lock. */
static enum pg_status outcome_now(struct pg *pg, int64_t number, enum vouch_outcome *out)
{
    static const struct pg_statement s = {
        "vouch_outcome",
        "SELECT CASE WHEN EXISTS (SELECT FROM pg_locks WHERE locktype = 'transactionid' AND granted"
        "  AND transactionid = $1::text::xid8::xid) THEN 'in progress'"
        " WHEN $1::text::xid8 >= pg_snapshot_xmax(pg_current_snapshot()) THEN 'unheard'"
        " ELSE coalesce(pg_xact_status($1::text::xid8), 'unheard') END AS status",
        1};
    struct pg_args a;
    PGresult *r = NULL;
    char text[24];
    (void)snprintf(text, sizeof text, "%lld", (long long)number);
    pg_args_init(&a);
    pg_arg_text(&a, text);
    enum pg_status status = pg_run_one(pg, &s, &a, &r);
    if (status != PG_OK)
        return status;
    const char *word = pg_text(r, 0, "status");
    if (strcmp(word, "committed") == 0)
        *out = VOUCH_COMMITTED;
    else if (strcmp(word, "aborted") == 0)
        *out = VOUCH_ABORTED;
    else
        *out = strcmp(word, "in progress") == 0 ? VOUCH_UNDER_WAY : VOUCH_UNHEARD;
    PQclear(r);
    return PG_OK;
}

/* One that ended between the question's snapshot and its look at the locks is found by a second question. */
enum pg_status vouch_outcome(struct pg *pg, int64_t number, enum vouch_outcome *out)
{
    enum pg_status status = outcome_now(pg, number, out);
    return status == PG_OK && *out == VOUCH_UNHEARD ? outcome_now(pg, number, out) : status;
}

enum pg_status vouch_recover(struct pg *pg, const struct recovery *q, int64_t *voided)
{
    static const struct pg_statement s = {
        "vouch_recover",
        "WITH made AS (INSERT INTO reckoner.log_recovery (at, kept_size, kept_root, restored_size, restored_root)"
        "  VALUES ($1, $2, $3, $4, $5) RETURNING id, at),"
        " wanted AS (SELECT t.provider, t.last, coalesce(c.last, 0) AS counted"
        "  FROM unnest($6::text[], $7::bigint[]) t (provider, last)"
        "  JOIN reckoner.organisation o ON o.code = t.provider AND o.kind = 'provider'"
        "  LEFT JOIN reckoner.document_counter c ON c.provider = t.provider WHERE t.last > coalesce(c.last, 0)),"
        " voids AS (INSERT INTO reckoner.document_void (provider, number, recovery, voided_at)"
        "  SELECT w.provider, n, made.id, made.at FROM made, wanted w, generate_series(w.counted + 1, w.last) n"
        "  RETURNING number),"
        " counters AS (INSERT INTO reckoner.document_counter (provider, last) SELECT provider, last FROM wanted"
        "  ON CONFLICT (provider) DO UPDATE SET last = excluded.last),"
        " told AS (INSERT INTO reckoner.audit_event (provider, at, act, subject, detail)"
        "  SELECT '', made.at, 'log.recover', 'log/' || $2::text, jsonb_build_object('kept_size', $2::bigint,"
        "   'restored_size', $4::bigint, 'voided', (SELECT count(*) FROM voids), 'system_user', $8::text) FROM made),"
        " vouch AS (INSERT INTO reckoner.log_vouch AS v (instance, size, vouched_by)"
        "  SELECT reckoner.database_instance(), $4::bigint, 'recovery' FROM made ON CONFLICT (one) DO UPDATE"
        "  SET instance = excluded.instance, size = excluded.size, vouched_by = excluded.vouched_by,"
        "  vouched_at = clock_timestamp(), stopped = NULL, stopped_at = NULL)"
        " SELECT count(*) AS n FROM voids",
        8};
    struct pg_args a;
    pg_args_init(&a);
    pg_arg_instant(&a, q->at);
    pg_arg_i64(&a, q->kept_size);
    pg_arg_bytes(&a, q->kept_root, LOG_HASH);
    pg_arg_i64(&a, q->restored_size);
    pg_arg_bytes(&a, q->restored_root, LOG_HASH);
    pg_arg_text(&a, q->providers);
    pg_arg_text(&a, q->numbers);
    pg_arg_text(&a, q->system_user);
    return pg_get_i64(pg, &s, &a, voided);
}

enum pg_status vouch_counters(struct pg *pg, PGresult **result)
{
    static const struct pg_statement s = {
        "vouch_counters", "SELECT provider, last FROM reckoner.document_counter ORDER BY provider COLLATE \"C\"", 0};
    struct pg_args a;
    pg_args_init(&a);
    return pg_run(pg, &s, &a, result);
}
