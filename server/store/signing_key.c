#include "store/signing_key.h"

static const struct pg_statement list = {
    "signing_key_list",
    "SELECT id AS key, public_key, (extract(epoch FROM valid_from) * 1000000)::bigint AS valid_from,"
    " (extract(epoch FROM valid_to) * 1000000)::bigint AS valid_to FROM reckoner.signing_key"
    " WHERE $1::text IS NULL OR id = $1 ORDER BY signing_key.valid_from DESC, key",
    1};

enum pg_status signing_key_list(struct pg *pg, const char *id, PGresult **result)
{
    struct pg_args a;
    pg_args_init(&a);
    pg_arg_text(&a, id);
    return pg_run(pg, &list, &a, result);
}

enum pg_status signing_key_present(struct pg *pg, const struct public_key *key, instant_t at)
{
    static const struct pg_statement s = {
        "signing_key_insert",
        "INSERT INTO reckoner.signing_key (id, public_key, valid_from) VALUES ($1, $2, $3) ON CONFLICT (id) DO NOTHING",
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
