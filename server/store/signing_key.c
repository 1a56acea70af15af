#include "store/signing_key.h"

static const struct pg_statement list = {
    "signing_key_list",
    "SELECT id AS key, public_key, (extract(epoch FROM valid_from) * 1000000)::bigint AS valid_from,"
    " (extract(epoch FROM valid_to) * 1000000)::bigint AS valid_to, lost FROM reckoner.signing_key"
    " WHERE $1::text IS NULL OR id = $1 ORDER BY signing_key.valid_from DESC, key",
    1};

enum pg_status signing_key_list(struct pg *pg, const char *id, PGresult **result)
{
    struct pg_args a;
    pg_args_init(&a);
    pg_arg_text(&a, id);
    return pg_run(pg, &list, &a, result);
}

enum pg_status signing_key_first(struct pg *pg, const struct public_key *key, instant_t at)
{
    static const struct pg_statement s = {
        "signing_key_first",
        "WITH made AS (INSERT INTO reckoner.signing_key (id, public_key, valid_from)"
        "  SELECT $1::text, $2::bytea, $3::timestamptz WHERE NOT EXISTS (SELECT FROM reckoner.signing_key)"
        "  ON CONFLICT (id) DO NOTHING RETURNING id, valid_from)"
        " INSERT INTO reckoner.audit_event (provider, at, act, subject, detail) SELECT '', valid_from, 'key.introduce',"
        " 'key/' || id, jsonb_build_object('from', reckoner.log_instant(valid_from)) FROM made",
        3};
    struct pg_args a;
    char id[17];
    public_key_id_text(key->id, id);
    pg_args_init(&a);
    pg_arg_text(&a, id);
    pg_arg_bytes(&a, key->key, PUBLIC_KEY_SIZE);
    pg_arg_instant(&a, at);
    return pg_run(pg, &s, &a, NULL);
}

/* The audit event of the key that "made" returned: $1 at, $2 command, $3 system user, $4 instant, $5 key, $6 act. */
#define TOLD                                                                                                           \
    " INSERT INTO reckoner.audit_event (provider, at, act, subject, detail) SELECT '', $1::timestamptz, $6,"           \
    " 'key/' || id, jsonb_build_object('command', $2::text, 'system_user', $3::text, 'from',"                          \
    " reckoner.log_instant($4::timestamptz)) FROM made RETURNING id"

static void begin_args(struct pg_args *a, const struct admin_act *act, instant_t instant, const char *id,
                       const char *told)
{
    pg_args_init(a);
    pg_arg_instant(a, act->at);
    pg_arg_text(a, act->command);
    pg_arg_text(a, act->system_user);
    pg_arg_instant(a, instant);
    pg_arg_text(a, id);
    pg_arg_text(a, told);
}

enum pg_status signing_key_introduce(struct pg *pg, const struct admin_act *act, const struct public_key *key,
                                     instant_t valid_from)
{
    static const struct pg_statement s = {
        "signing_key_introduce",
        "WITH made AS (INSERT INTO reckoner.signing_key (id, public_key, valid_from) VALUES ($5, $7, $4::timestamptz)"
        " RETURNING id)" TOLD,
        7};
    struct pg_args a;
    char id[17];
    public_key_id_text(key->id, id);
    begin_args(&a, act, valid_from, id, "key.introduce");
    pg_arg_bytes(&a, key->key, PUBLIC_KEY_SIZE);
    return pg_run_one(pg, &s, &a, NULL);
}

enum pg_status signing_key_end(struct pg *pg, const struct admin_act *act, const char *id, instant_t at, bool lost)
{
    static const struct pg_statement s = {
        "signing_key_end",
        "WITH made AS (UPDATE reckoner.signing_key SET valid_to = $4::timestamptz, lost = lost OR $7 WHERE id = $5"
        " RETURNING id)" TOLD,
        7};
    struct pg_args a;
    begin_args(&a, act, at, id, lost ? "key.lose" : "key.retire");
    pg_arg_bool(&a, lost);
    return pg_run_one(pg, &s, &a, NULL);
}
