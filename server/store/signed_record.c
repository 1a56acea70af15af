#include "store/signed_record.h"

/* The join refuses a record whose key id belongs to another key: no row is inserted then. */
static const struct pg_statement record_insert = {
    .name = "signed_record_insert",
    .sql = "INSERT INTO reckoner.signed_record"
           " (provider, id, purpose, bytes, sha256, key_id, signature, minisig, sealed_at)"
           " SELECT $1, $2, $3, $4::bytea, sha256($4::bytea), k.id, $7, $8, $9"
           " FROM reckoner.signing_key k WHERE k.id = $5 AND k.public_key = $6",
    .parameters = 9,
};

enum pg_status signed_record_insert(struct pg *pg, const struct signed_record *r)
{
    struct pg_args a;
    enum pg_status status = PG_OK;
    pg_args_id(&a, r->provider, r->id);
    pg_arg_text(&a, r->purpose);
    pg_arg_bytes(&a, r->bytes, r->length);
    pg_arg_text(&a, r->key_id);
    pg_arg_bytes(&a, r->public_key, 32);
    pg_arg_bytes(&a, r->signature, 64);
    pg_arg_text(&a, r->minisig);
    pg_arg_instant(&a, r->sealed_at);
    int64_t rows = pg_run_count(pg, &record_insert, &a, &status);
    if (status != PG_OK)
        return status;
    return rows == 1 ? PG_OK : PG_INVALID;
}

static const struct pg_statement part_select[] = {
    [SIGNED_BYTES] = {.name = "signed_record_bytes",
                      .sql = "SELECT bytes AS part, sha256, key_id FROM reckoner.signed_record"
                             " WHERE provider = $1 AND purpose = $2 AND id = $3",
                      .parameters = 3},
    [SIGNED_SIGNATURE] = {.name = "signed_record_signature",
                          .sql = "SELECT signature AS part, sha256, key_id FROM reckoner.signed_record"
                                 " WHERE provider = $1 AND purpose = $2 AND id = $3",
                          .parameters = 3},
    [SIGNED_MINISIG] = {.name = "signed_record_minisig",
                        .sql = "SELECT convert_to(minisig, 'UTF8') AS part, sha256, key_id FROM reckoner.signed_record"
                               " WHERE provider = $1 AND purpose = $2 AND id = $3",
                        .parameters = 3},
};

enum pg_status signed_record_part(struct pg *pg, const char *provider, const char *purpose, const char *id,
                                  enum signed_part part, PGresult **result)
{
    struct pg_args a;
    pg_args_id(&a, provider, purpose);
    pg_arg_text(&a, id);
    enum pg_status status = pg_run_binary(pg, &part_select[part], &a, result);
    if (status == PG_OK && PQntuples(*result) == 0) {
        PQclear(*result);
        *result = NULL;
        return PG_NONE;
    }
    return status;
}
