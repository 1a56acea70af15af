#include "store/log.h"

#include <string.h>

enum pg_status log_lock(struct pg *pg)
{
    static const struct pg_statement s = {
        "log_lock", "SELECT pg_try_advisory_xact_lock(hashtextextended('reckoner.log', 0)) AS locked", 0};
    struct pg_args a;
    bool locked = false;
    pg_args_init(&a);
    enum pg_status status = pg_get_bool(pg, &s, &a, &locked);
    return status == PG_OK && !locked ? PG_NONE : status;
}

/* One number. */
static enum pg_status number_of(struct pg *pg, const struct pg_statement *s, int64_t *out)
{
    struct pg_args a;
    pg_args_init(&a);
    return pg_get_i64(pg, s, &a, out);
}

enum pg_status log_size(struct pg *pg, int64_t *size)
{
    static const struct pg_statement s = {"log_size", "SELECT coalesce(max(leaf) + 1, 0) AS n FROM reckoner.log_entry",
                                          0};
    return number_of(pg, &s, size);
}

enum pg_status log_public_size(struct pg *pg, int64_t *size)
{
    static const struct pg_statement s = {"log_public_size",
                                          "SELECT coalesce(max(size), 0) AS n FROM reckoner.log_checkpoint", 0};
    return number_of(pg, &s, size);
}

enum pg_status log_waits(struct pg *pg, bool *entries, bool *events)
{
    static const struct pg_statement s = {"log_waits",
                                          "SELECT EXISTS (SELECT FROM reckoner.log_pending) AS entries,"
                                          " EXISTS (SELECT FROM reckoner.audit_pending) AS events",
                                          0};
    struct pg_args a;
    PGresult *r = NULL;
    pg_args_init(&a);
    enum pg_status status = pg_run_one(pg, &s, &a, &r);
    if (status == PG_OK) {
        *entries = pg_bool(r, 0, "entries");
        *events = pg_bool(r, 0, "events");
    }
    PQclear(r);
    return status;
}

enum pg_status log_pending_entries(struct pg *pg, int64_t limit, PGresult **result)
{
    static const struct pg_statement s = {
        "log_pending_entries",
        "SELECT no, kind, provider, commissioner, subject, entry FROM reckoner.log_pending ORDER BY no LIMIT $1", 1};
    struct pg_args a;
    pg_args_init(&a);
    pg_arg_i64(&a, limit);
    return pg_run(pg, &s, &a, result);
}

enum pg_status log_leave(struct pg *pg, const char *kind, const char *provider, const char *commissioner,
                         const char *subject, const char *members)
{
    static const struct pg_statement s = {"log_leave", "SELECT reckoner.log_note($1, $2, $3, $4, $5)", 5};
    struct pg_args a;
    pg_args_init(&a);
    pg_arg_text(&a, kind);
    pg_arg_text(&a, provider);
    pg_arg_text(&a, commissioner);
    pg_arg_text(&a, subject);
    pg_arg_text(&a, members);
    return pg_run(pg, &s, &a, NULL);
}

enum pg_status log_move(struct pg *pg, const char *numbers, int64_t first)
{
    static const struct pg_statement s = {
        "log_move",
        "WITH taken AS (DELETE FROM reckoner.log_pending WHERE no = ANY ($1::bigint[]) RETURNING *)"
        " INSERT INTO reckoner.log_entry (leaf, kind, provider, commissioner, subject, entry, hash)"
        " SELECT $2 - 1 + row_number() OVER (ORDER BY no), kind, provider, commissioner, subject, entry,"
        " sha256('\\x00'::bytea || convert_to(entry, 'UTF8')) FROM taken",
        2};
    struct pg_args a;
    pg_args_init(&a);
    pg_arg_text(&a, numbers);
    pg_arg_i64(&a, first);
    return pg_run(pg, &s, &a, NULL);
}

enum pg_status log_nodes_begin(struct pg *pg, struct pg_copy **copy)
{
    return pg_copy_begin(pg, "COPY reckoner.log_node (level, place, hash) FROM STDIN (FORMAT binary)", copy);
}

void log_nodes_add(struct pg_copy *copy, int16_t level, int64_t place, const uint8_t hash[LOG_HASH])
{
    pg_copy_row(copy, 3);
    pg_copy_i16(copy, level);
    pg_copy_i64(copy, place);
    pg_copy_bytes(copy, hash, LOG_HASH);
}

enum pg_status log_node(struct pg *pg, unsigned level, int64_t place, uint8_t hash[LOG_HASH])
{
    static const struct pg_statement leaf = {"log_leaf", "SELECT reckoner.log_leaf_hash($1) AS hash", 1};
    static const struct pg_statement node = {"log_node",
                                             "SELECT hash FROM reckoner.log_node WHERE place = $1 AND level = $2", 2};
    struct pg_args a;
    PGresult *r = NULL;
    pg_args_init(&a);
    pg_arg_i64(&a, place);
    if (level > 0)
        pg_arg_i64(&a, level);
    enum pg_status status = pg_run_one(pg, level == 0 ? &leaf : &node, &a, &r);
    if (status != PG_OK)
        return status;
    bool whole = pg_bytes(r, 0, "hash", hash, LOG_HASH) == LOG_HASH;
    PQclear(r);
    return whole ? PG_OK : PG_NONE;
}

enum pg_status log_checkpoint_insert(struct pg *pg, const struct log_checkpoint *c)
{
    static const struct pg_statement s = {"log_checkpoint_insert",
                                          "INSERT INTO reckoner.log_checkpoint (size, origin, root, note, key_id, "
                                          "sealed_at) VALUES ($1, $2, $3, $4, $5, $6)",
                                          6};
    struct pg_args a;
    pg_args_init(&a);
    pg_arg_i64(&a, c->size);
    pg_arg_text(&a, c->origin);
    pg_arg_bytes(&a, c->root, LOG_HASH);
    pg_arg_text(&a, c->note);
    pg_arg_text(&a, c->key_id);
    pg_arg_instant(&a, c->sealed_at);
    return pg_run(pg, &s, &a, NULL);
}

#define CHECKPOINT_COLUMNS                                                                                             \
    "SELECT c.size, c.origin, encode(c.root, 'hex') AS root, c.note, c.key_id AS key,"                                 \
    " (extract(epoch FROM c.sealed_at) * 1000000)::bigint AS sealed_at,"                                               \
    " coalesce((SELECT string_agg(s.line, '' ORDER BY s.name) FROM reckoner.log_cosignature s WHERE s.size = c.size)," \
    " '') AS cosignatures FROM reckoner.log_checkpoint c "

enum pg_status log_checkpoints(struct pg *pg, int64_t before, int64_t limit, PGresult **result)
{
    static const struct pg_statement s = {
        "log_checkpoints", CHECKPOINT_COLUMNS "WHERE $1 = 0 OR c.size < $1 ORDER BY c.size DESC LIMIT $2", 2};
    struct pg_args a;
    pg_args_init(&a);
    pg_arg_i64(&a, before);
    pg_arg_i64(&a, limit);
    return pg_run(pg, &s, &a, result);
}

enum pg_status log_checkpoint_of(struct pg *pg, int64_t size, PGresult **result)
{
    static const struct pg_statement s = {"log_checkpoint_of", CHECKPOINT_COLUMNS "WHERE c.size = $1", 1};
    struct pg_args a;
    pg_args_init(&a);
    pg_arg_i64(&a, size);
    return pg_run_one(pg, &s, &a, result);
}

enum pg_status log_entries(struct pg *pg, int64_t from, const char *subject, const char *kind, int64_t limit,
                           PGresult **result)
{
    static const struct pg_statement s = {
        "log_entries",
        "SELECT leaf, kind, provider, subject, entry, encode(hash, 'hex') AS hash FROM reckoner.log_entry WHERE leaf "
        ">= $1"
        " AND ($2::text IS NULL OR subject = $2) AND ($3::text IS NULL OR kind = $3) ORDER BY leaf LIMIT $4",
        4};
    struct pg_args a;
    pg_args_init(&a);
    pg_arg_i64(&a, from);
    pg_arg_text(&a, subject);
    pg_arg_text(&a, kind);
    pg_arg_i64(&a, limit);
    return pg_run(pg, &s, &a, result);
}

enum pg_status log_keeper_insert(struct pg *pg, const struct log_keeper *k)
{
    static const struct pg_statement s = {"log_keeper_insert",
                                          "INSERT INTO reckoner.log_keeper (name, organisation, public_key, added_by,"
                                          " added_at) VALUES ($1, $2, $3, $4, $5)",
                                          5};
    struct pg_args a;
    pg_args_init(&a);
    pg_arg_text(&a, k->name);
    pg_arg_text(&a, k->organisation);
    pg_arg_bytes(&a, k->public_key, 32);
    pg_arg_text(&a, k->person);
    pg_arg_instant(&a, k->at);
    return pg_run(pg, &s, &a, NULL);
}

enum pg_status log_keepers(struct pg *pg, const char *name, const char *after, int64_t limit, PGresult **result)
{
    static const struct pg_statement s = {
        "log_keepers",
        "SELECT name, organisation, public_key, (extract(epoch FROM added_at) * 1000000)::bigint AS added_at"
        " FROM reckoner.log_keeper WHERE ($1::text IS NULL OR name = $1) AND name > $2 ORDER BY name LIMIT $3",
        3};
    struct pg_args a;
    pg_args_init(&a);
    pg_arg_text(&a, name);
    pg_arg_text(&a, after);
    pg_arg_i64(&a, limit);
    return pg_run(pg, &s, &a, result);
}

enum pg_status log_cosign(struct pg *pg, int64_t size, const struct log_keeper *k, const char *line)
{
    static const struct pg_statement s = {
        "log_cosign",
        "INSERT INTO reckoner.log_cosignature (size, name, organisation, person, line, received_at)"
        " VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (size, name) DO NOTHING",
        6};
    struct pg_args a;
    pg_args_init(&a);
    pg_arg_i64(&a, size);
    pg_arg_text(&a, k->name);
    pg_arg_text(&a, k->organisation);
    pg_arg_text(&a, k->person);
    pg_arg_text(&a, line);
    pg_arg_instant(&a, k->at);
    return pg_run(pg, &s, &a, NULL);
}

enum pg_status audit_pending_events(struct pg *pg, int64_t limit, PGresult **result)
{
    static const struct pg_statement s = {
        "audit_pending_events",
        "SELECT e.provider, e.id, (extract(epoch FROM e.at) * 1000000)::bigint AS at, e.person, e.organisation, e.act,"
        " e.subject, e.detail, e.request_id, e.address FROM reckoner.audit_pending p"
        " JOIN reckoner.audit_event e ON e.provider = p.provider AND e.id = p.event ORDER BY e.id, e.provider LIMIT $1",
        1};
    struct pg_args a;
    pg_args_init(&a);
    pg_arg_i64(&a, limit);
    return pg_run(pg, &s, &a, result);
}

static bool put_text(json_t *object, const char *name, const PGresult *r, int row)
{
    return pg_is_null(r, row, name) || json_put(object, name, json_string(pg_text(r, row, name)));
}

/* Particulars are an object of ours; what cannot be read as one is chained as the text it is. */
static json_t *detail_of(const char *text)
{
    struct json_problem problem;
    json_t *detail = json_read(text, strlen(text), &problem);
    return detail != NULL ? detail : json_string(text);
}

json_t *audit_event_object(const PGresult *r, int row)
{
    char at[28];
    json_t *object = json_object();
    instant_format(pg_instant(r, row, "at"), at);
    if (object != NULL && json_put(object, "@purpose", json_string("reckoner/audit/1")) &&
        put_text(object, "provider", r, row) && json_put(object, "id", json_integer(pg_i64(r, row, "id"))) &&
        json_put(object, "at", json_string(at)) && put_text(object, "person", r, row) &&
        put_text(object, "organisation", r, row) && put_text(object, "act", r, row) &&
        put_text(object, "subject", r, row) && put_text(object, "request_id", r, row) &&
        put_text(object, "address", r, row) && json_put(object, "detail", detail_of(pg_text(r, row, "detail"))))
        return object;
    json_decref(object);
    return NULL;
}

enum pg_status audit_chain_end(struct pg *pg, int64_t *seq, uint8_t hash[LOG_HASH])
{
    static const struct pg_statement s = {"audit_chain_end",
                                          "SELECT seq, hash FROM reckoner.audit_link ORDER BY seq DESC LIMIT 1", 0};
    struct pg_args a;
    PGresult *r = NULL;
    *seq = 0;
    memset(hash, 0, LOG_HASH);
    pg_args_init(&a);
    enum pg_status status = pg_run(pg, &s, &a, &r);
    if (status == PG_OK && PQntuples(r) == 1) {
        *seq = pg_i64(r, 0, "seq");
        status = pg_bytes(r, 0, "hash", hash, LOG_HASH) == LOG_HASH ? PG_OK : PG_FAILED;
    }
    PQclear(r);
    return status;
}

enum pg_status audit_links_begin(struct pg *pg, struct pg_copy **copy)
{
    return pg_copy_begin(pg, "COPY reckoner.audit_link (seq, provider, event, hash) FROM STDIN (FORMAT binary)", copy);
}

void audit_links_add(struct pg_copy *copy, int64_t seq, const char *provider, int64_t event,
                     const uint8_t hash[LOG_HASH])
{
    pg_copy_row(copy, 4);
    pg_copy_i64(copy, seq);
    pg_copy_string(copy, provider);
    pg_copy_i64(copy, event);
    pg_copy_bytes(copy, hash, LOG_HASH);
}

enum pg_status audit_linked(struct pg *pg, const char *providers, const char *events)
{
    static const struct pg_statement s = {
        "audit_linked",
        "DELETE FROM reckoner.audit_pending p USING unnest($1::text[], $2::bigint[]) AS t (provider, event)"
        " WHERE p.provider = t.provider AND p.event = t.event",
        2};
    struct pg_args a;
    pg_args_init(&a);
    pg_arg_text(&a, providers);
    pg_arg_text(&a, events);
    return pg_run(pg, &s, &a, NULL);
}

enum pg_status audit_head_logged(struct pg *pg, int64_t *seq)
{
    static const struct pg_statement s = {
        "audit_head_logged",
        "SELECT coalesce(max(h.seq), 0) AS n FROM (SELECT subject::bigint AS seq FROM reckoner.log_pending"
        " WHERE kind = 'audit_head' UNION ALL (SELECT subject::bigint FROM reckoner.log_entry WHERE kind = 'audit_head'"
        " ORDER BY leaf DESC LIMIT 1)) h",
        0};
    return number_of(pg, &s, seq);
}

enum pg_status audit_trail(struct pg *pg, const char *provider, const char *commissioner, int64_t after, int64_t limit,
                           PGresult **result)
{
    static const struct pg_statement s = {
        "audit_trail",
        "SELECT l.seq, e.provider, e.id, (extract(epoch FROM e.at) * 1000000)::bigint AS at, e.person, e.organisation,"
        " e.act, e.subject, e.detail, e.request_id, e.address, CASE WHEN $2::text IS NULL THEN e.provider = $1"
        " ELSE e.provider IN ($1, $2) AND (coalesce(e.organisation = $2, false)"
        "  OR (e.act !~ '[.]refuse$' AND e.subject !~ '/(calculation|price)/' AND"
        "   (EXISTS (SELECT FROM reckoner.account a WHERE a.provider = $1 AND a.commissioner = $2"
        "     AND (e.subject = 'contract/' || a.contract"
        "      OR (starts_with(e.subject, 'contract/' || a.contract || '/')"
        "          AND (e.subject !~ '/account/' OR e.subject ~ ('/account/' || $2 || '/')))))"
        "    OR EXISTS (SELECT FROM reckoner.document d WHERE d.provider = $1 AND d.commissioner = $2"
        "     AND e.subject = 'document/' || d.id)"
        "    OR EXISTS (SELECT FROM reckoner.run r WHERE r.provider = $1 AND r.commissioner = $2"
        "     AND e.subject = 'run/' || r.id)))) END AS seen"
        " FROM reckoner.audit_link l JOIN reckoner.audit_event e ON e.provider = l.provider AND e.id = l.event"
        " WHERE l.seq > $3 ORDER BY l.seq LIMIT $4",
        4};
    struct pg_args a;
    pg_args_id(&a, provider, commissioner);
    pg_arg_i64(&a, after);
    pg_arg_i64(&a, limit);
    return pg_run(pg, &s, &a, result);
}

enum pg_status audit_link_hash(struct pg *pg, int64_t seq, uint8_t hash[LOG_HASH])
{
    static const struct pg_statement s = {"audit_link_hash", "SELECT hash FROM reckoner.audit_link WHERE seq = $1", 1};
    struct pg_args a;
    PGresult *r = NULL;
    memset(hash, 0, LOG_HASH);
    if (seq == 0)
        return PG_OK;
    pg_args_init(&a);
    pg_arg_i64(&a, seq);
    enum pg_status status = pg_run_one(pg, &s, &a, &r);
    if (status == PG_OK && pg_bytes(r, 0, "hash", hash, LOG_HASH) != LOG_HASH)
        status = PG_FAILED;
    PQclear(r);
    return status;
}

enum pg_status audit_head_before(struct pg *pg, int64_t seq, PGresult **result)
{
    static const struct pg_statement s = {
        "audit_head_before",
        "SELECT leaf, entry FROM reckoner.log_entry WHERE kind = 'audit_head' AND subject::bigint <= $1"
        " AND leaf < (SELECT max(size) FROM reckoner.log_checkpoint) ORDER BY leaf DESC LIMIT 1",
        1};
    struct pg_args a;
    pg_args_init(&a);
    pg_arg_i64(&a, seq);
    return pg_run_one(pg, &s, &a, result);
}
