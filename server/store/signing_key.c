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
