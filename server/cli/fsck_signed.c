/* What was signed: the bytes are those of their digest, the signature is that of a key that the log says was valid
 * then, the minisign file is of the same signature; and each account's statements are a chain that agrees with its
 * runs. */
#include "base/json.h"
#include "base/parse.h"
#include "cli/fsck_keys.h"
#include "cli/fsck_part.h"
#include "domain/statement.h"
#include "signing/minisign.h"
#include "store/integrity.h"
#include "store/integrity_pages.h"

#include <endian.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RECORDS_PAGE    200
#define STATEMENTS_PAGE 50
#define CURSOR_SIZE     64

/* Where the next page begins. */
struct cursor {
    char provider[CURSOR_SIZE];
    char id[CURSOR_SIZE];
};

/* ------------------------------------------------------------------------------------------------------------ records
 */

struct record {
    char key[2 * CURSOR_SIZE];
    const char *purpose;
    const char *bytes;
    size_t length;
    const char *key_id;
    instant_t sealed_at;
    int64_t leaf; /* -1: not in the log yet */
};

static int64_t binary_i64(const PGresult *r, int row, int column)
{
    uint64_t value = 0;
    memcpy(&value, PQgetvalue(r, row, column), sizeof value);
    return (int64_t)be64toh(value);
}

static struct record record_of(const PGresult *r, int row)
{
    struct record out = {.purpose = PQgetvalue(r, row, RECORD_PURPOSE),
                         .bytes = PQgetvalue(r, row, RECORD_BYTES),
                         .length = (size_t)PQgetlength(r, row, RECORD_BYTES),
                         .key_id = PQgetvalue(r, row, RECORD_KEY_ID),
                         .sealed_at = binary_i64(r, row, RECORD_SEALED_AT),
                         .leaf = PQgetisnull(r, row, RECORD_LEAF) ? -1 : binary_i64(r, row, RECORD_LEAF)};
    (void)snprintf(out.key, sizeof out.key, "%s/%s", PQgetvalue(r, row, RECORD_PROVIDER),
                   PQgetvalue(r, row, RECORD_ID));
    return out;
}

static void check_digest(struct fsck *f, const struct record *k, const PGresult *r, int row)
{
    uint8_t made[crypto_hash_sha256_BYTES];
    char purpose[64];
    int n = snprintf(purpose, sizeof purpose, "{\"@purpose\":\"reckoner/%s/", k->purpose);
    (void)crypto_hash_sha256(made, (const unsigned char *)k->bytes, k->length);
    if (PQgetlength(r, row, RECORD_SHA256) != (int)sizeof made ||
        memcmp(made, PQgetvalue(r, row, RECORD_SHA256), sizeof made) != 0)
        fsck_differs_hash(f, "signed_record", k->key, "sha256", (const uint8_t *)PQgetvalue(r, row, RECORD_SHA256),
                          made);
    if (n <= 0 || k->length < (size_t)n || memcmp(k->bytes, purpose, (size_t)n) != 0)
        fsck_differs(f, "signed_record", k->key, "purpose", "bytes of another", k->purpose);
}

static void check_signature(struct fsck *f, const struct record *k, const struct fsck_key *key, const PGresult *r,
                            int row)
{
    const unsigned char *signature = (const unsigned char *)PQgetvalue(r, row, RECORD_SIGNATURE);
    const char *file = PQgetvalue(r, row, RECORD_MINISIG);
    struct minisign_signature minisig;
    const char *refused = fsck_key_refuses(key, k->sealed_at, k->leaf);
    if (PQgetlength(r, row, RECORD_SIGNATURE) != SIGNATURE_SIZE ||
        !public_key_verify(&key->key, k->bytes, k->length, signature))
        fsck_differs(f, "signed_record", k->key, "signature", "not of these bytes", key->id);
    else if (refused != NULL)
        fsck_differs(f, "signed_record", k->key, "signature", refused, key->id);
    if (!minisign_signature_parse(file, (size_t)PQgetlength(r, row, RECORD_MINISIG), &minisig) ||
        minisign_verify(&key->key, &minisig, k->bytes, k->length) != MINISIGN_GOOD)
        fsck_differs(f, "signed_record", k->key, "minisig", "not of these bytes and this key", key->id);
}

static enum pg_status take_records(struct fsck *f, const struct fsck_keys *keys, struct cursor *at, bool *more)
{
    PGresult *r = NULL;
    enum pg_status status = page_records(f->pg, at->provider, at->id, RECORDS_PAGE, &r);
    for (int row = 0; status == PG_OK && row < PQntuples(r); row++) {
        const struct record k = record_of(r, row);
        const struct fsck_key *key = fsck_keys_find(keys, k.key_id);
        check_digest(f, &k, r, row);
        if (key == NULL)
            fsck_differs(f, "signed_record", k.key, "key_id", k.key_id, "a key that the log names");
        else
            check_signature(f, &k, key, r, row);
        (void)snprintf(at->provider, sizeof at->provider, "%s", PQgetvalue(r, row, RECORD_PROVIDER));
        (void)snprintf(at->id, sizeof at->id, "%s", PQgetvalue(r, row, RECORD_ID));
    }
    *more = status == PG_OK && PQntuples(r) == RECORDS_PAGE;
    fsck_count(f, status == PG_OK ? PQntuples(r) : 0);
    PQclear(r);
    return status;
}

enum pg_status fsck_signatures(struct fsck *f)
{
    struct fsck_keys keys;
    struct cursor at = {"", ""};
    bool more = true;
    enum pg_status status = fsck_keys_load(f->pg, &keys, &f->out_of_memory);
    while (status == PG_OK && more)
        status = take_records(f, &keys, &at, &more);
    fsck_keys_free(&keys);
    return status;
}

/* --------------------------------------------------------------------------------------------------------- statements
 */

struct stated {
    struct fsck *f;
    const PGresult *r;
    int row;
    char key[4 * CURSOR_SIZE];
    json_t *statement;
    enum pg_status status; /* of what is asked for it */
};

/* A column of the row against what the statement says; both NULL or "" agree. */
static void check_text(const struct stated *s, const char *what, const char *column, const char *says)
{
    const char *found = pg_text(s->r, s->row, column);
    if (strcmp(found, says != NULL ? says : "") != 0)
        fsck_differs(s->f, "statement", s->key, what, found[0] != '\0' ? found : "none", says != NULL ? says : "none");
}

static void check_number(const struct stated *s, const char *what, const char *column, const json_t *says)
{
    char text[24] = "";
    if (json_is_integer(says))
        (void)snprintf(text, sizeof text, "%lld", (long long)json_integer_value(says));
    check_text(s, what, column, text[0] != '\0' ? text : NULL);
}

static void check_against_rows(const struct stated *s)
{
    const json_t *account = json_object_get(s->statement, "account");
    const json_t *draft = json_object_get(s->statement, "draft");
    check_text(s, "provider", "provider", json_text(account, "provider"));
    check_text(s, "contract", "contract", json_text(account, "contract"));
    check_text(s, "commissioner", "commissioner", json_text(account, "commissioner"));
    check_number(s, "seq", "seq", json_object_get(s->statement, "sequence"));
    check_text(s, "previous against the statement", "previous", json_text(s->statement, "previous_sha256"));
    check_text(s, "run", "run", json_text(json_object_get(s->statement, "run"), "id"));
    check_text(s, "run.position_sha256", "position_sha256", json_text(s->statement, "position_sha256"));
    check_number(s, "run.position_pence", "position_pence", json_object_get(s->statement, "position_pence"));
    check_number(s, "run.balance_pence", "balance_pence", json_object_get(s->statement, "balance_pence"));
    check_text(s, "document", "document", json_text(draft, "id"));
    check_number(s, "document.balance_pence", "document_balance", json_object_get(draft, "balance_pence"));
}

static bool check_statement(struct stated *s)
{
    const size_t room = strlen(pg_text(s->r, s->row, "bytes")) / 2;
    char where[256] = "";
    char *bytes = malloc(room + 1);
    if (bytes == NULL)
        return false;
    int length = pg_bytes(s->r, s->row, "bytes", bytes, room + 1);
    (void)snprintf(s->key, sizeof s->key, "%s/%s/%s/%s", pg_text(s->r, s->row, "provider"),
                   pg_text(s->r, s->row, "contract"), pg_text(s->r, s->row, "commissioner"),
                   pg_text(s->r, s->row, "seq"));
    if (pg_is_null(s->r, s->row, "bytes") || length < 0)
        fsck_differs(s->f, "statement", s->key, "record", "none", pg_text(s->r, s->row, "record"));
    else if (statement_check(bytes, (size_t)length, &s->statement, where, sizeof where) != STATEMENT_GOOD)
        fsck_differs(s->f, "statement", s->key, "content", where, "a statement that agrees with itself");
    if (s->statement != NULL) {
        check_against_rows(s);
        s->status = fsck_stated_trees(s->f, s->key, s->statement);
    }
    json_decref(s->statement);
    free(bytes);
    return true;
}

static enum pg_status take_statements(struct fsck *f, struct cursor *at, bool *more)
{
    PGresult *r = NULL;
    enum pg_status status = page_statements(f->pg, at->provider, at->id, STATEMENTS_PAGE, &r);
    for (int row = 0; status == PG_OK && row < PQntuples(r); row++) {
        struct stated s = {.f = f, .r = r, .row = row, .status = PG_OK};
        f->out_of_memory = !check_statement(&s);
        status = f->out_of_memory ? PG_FAILED : s.status;
        (void)snprintf(at->provider, sizeof at->provider, "%s", pg_text(r, row, "provider"));
        (void)snprintf(at->id, sizeof at->id, "%s", pg_text(r, row, "record"));
    }
    *more = status == PG_OK && PQntuples(r) == STATEMENTS_PAGE;
    fsck_count(f, status == PG_OK ? PQntuples(r) : 0);
    PQclear(r);
    return status;
}

enum pg_status fsck_statements(struct fsck *f)
{
    struct cursor at = {"", ""};
    PGresult *r = NULL;
    bool more = true;
    enum pg_status status = integrity_statements(f->pg, &r);
    status = fsck_take(f, status, r);
    while (status == PG_OK && more)
        status = take_statements(f, &at, &more);
    return status;
}
