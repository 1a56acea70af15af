#include "store/position.h"

#include <sodium.h>

static const struct pg_statement insert_position = {
    .name = "position_store",
    .sql = "INSERT INTO reckoner.position (provider, sha256, body) VALUES ($1, $2, $3)"
           " ON CONFLICT (provider, sha256) DO NOTHING",
    .parameters = 3,
};

enum pg_status position_store(struct pg *pg, const char *provider, const char *body, size_t length,
                              unsigned char sha256[32])
{
    struct pg_args a;
    crypto_hash_sha256(sha256, (const unsigned char *)body, length);
    pg_args_init(&a);
    pg_arg_text(&a, provider);
    pg_arg_bytes(&a, sha256, 32);
    pg_arg_text(&a, body);
    return pg_run(pg, &insert_position, &a, NULL);
}

static const struct pg_statement select_position = {
    .name = "position_get",
    .sql = "SELECT body, encode(sha256, 'hex') AS sha256 FROM reckoner.position WHERE provider = $1 AND sha256 = $2",
    .parameters = 2,
};

enum pg_status position_get(struct pg *pg, const char *provider, const unsigned char sha256[32], PGresult **result)
{
    struct pg_args a;
    pg_args_init(&a);
    pg_arg_text(&a, provider);
    pg_arg_bytes(&a, sha256, 32);
    return pg_run_one(pg, &select_position, &a, result);
}

/* Through the run, which row-level security guards by account; a digest alone says nothing about its owner. */
static const struct pg_statement select_of_run = {
    .name = "position_of_run",
    .sql = "SELECT p.body, encode(p.sha256, 'hex') AS sha256 FROM reckoner.run r"
           " JOIN reckoner.position p ON p.provider = r.provider AND p.sha256 = r.position_sha256"
           " WHERE r.provider = $1 AND r.id = $2",
    .parameters = 2,
};

enum pg_status position_of_run(struct pg *pg, const char *provider, const char *run, PGresult **result)
{
    struct pg_args a;
    pg_args_id(&a, provider, run);
    return pg_run_one(pg, &select_of_run, &a, result);
}
