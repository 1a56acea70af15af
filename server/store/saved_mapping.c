#include "store/saved_mapping.h"

#define COLUMNS                                                                                                        \
    "SELECT version, body, made_by, (extract(epoch FROM made_at) * 1000000)::bigint AS made_at"                        \
    " FROM reckoner.column_mapping WHERE provider = $1"

enum pg_status saved_mapping_newest(struct pg *pg, const char *provider, PGresult **result)
{
    static const struct pg_statement s = {"saved_mapping_newest", COLUMNS " ORDER BY version DESC LIMIT 1", 1};
    struct pg_args a;
    pg_args_init(&a);
    pg_arg_text(&a, provider);
    return pg_run_one(pg, &s, &a, result);
}

enum pg_status saved_mapping_version(struct pg *pg, const char *provider, int64_t version, PGresult **result)
{
    static const struct pg_statement s = {"saved_mapping_version", COLUMNS " AND version = $2", 2};
    struct pg_args a;
    pg_args_number(&a, provider, version);
    return pg_run_one(pg, &s, &a, result);
}

enum pg_status saved_mapping_add(struct pg *pg, const char *provider, int64_t version, const char *body,
                                 const char *person, instant_t at)
{
    static const struct pg_statement s = {
        "saved_mapping_add",
        "INSERT INTO reckoner.column_mapping (provider, version, body, made_by, made_at) VALUES ($1, $2, $3, $4, $5)",
        5};
    struct pg_args a;
    pg_args_number(&a, provider, version);
    pg_arg_text(&a, body);
    pg_arg_text(&a, person);
    pg_arg_instant(&a, at);
    return pg_run(pg, &s, &a, NULL);
}
