#include "store/kept_reviews.h"

#include "base/parse.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool kept_reviews_of(const struct review_periods *periods, struct kept_reviews *out)
{
    unsigned char digest[crypto_hash_sha256_BYTES];
    size_t length = 0;
    char *bytes = review_periods_bytes(periods, &length);
    if (bytes == NULL)
        return false;
    crypto_hash_sha256(digest, (const unsigned char *)bytes, length);
    free(bytes);
    out->periods = *periods;
    hex_encode(digest, sizeof digest, out->sha256);
    return true;
}

static const struct pg_statement keep_reviews = {
    .name = "reviews_keep",
    .sql = "INSERT INTO reckoner.review_periods (sha256, periods) VALUES (decode($1, 'hex'), $2)"
           " ON CONFLICT (sha256) DO NOTHING",
    .parameters = 2,
};

enum pg_status reviews_keep(struct pg *pg, const struct kept_reviews *reviews)
{
    struct pg_args a;
    size_t length = 0;
    char *bytes = review_periods_bytes(&reviews->periods, &length);
    if (bytes == NULL)
        return PG_FAILED;
    pg_args_init(&a);
    pg_arg_text(&a, reviews->sha256);
    pg_arg_text(&a, bytes);
    enum pg_status status = pg_run(pg, &keep_reviews, &a, NULL);
    free(bytes);
    return status;
}

/* Columns month, sha256 and periods. */
static enum pg_status read_months(struct pg *pg, const struct pg_statement *statement, const struct pg_args *a,
                                  month_t first, size_t count, struct kept_reviews *out)
{
    PGresult *r = NULL;
    enum pg_status status = pg_run(pg, statement, a, &r);
    for (int row = 0; status == PG_OK && row < PQntuples(r); row++) {
        size_t place = (size_t)(pg_month(r, row, "month") - first);
        const char *periods = pg_text(r, row, "periods");
        if (place >= count)
            continue;
        if (!review_periods_read(periods, strlen(periods), &out[place].periods))
            status = PG_FAILED;
        snprintf(out[place].sha256, sizeof out[place].sha256, "%s", pg_text(r, row, "sha256"));
    }
    PQclear(r);
    return status;
}

static const struct pg_statement select_frozen = {
    .name = "frozen_reviews",
    .sql = "SELECT f.month, encode(p.sha256, 'hex') AS sha256, p.periods FROM reckoner.frozen_month f"
           " JOIN reckoner.review_periods p ON p.sha256 = f.review_periods"
           " WHERE f.provider = $1 AND f.contract = $2 AND f.month >= $3 AND ($4::timestamptz IS NULL OR f.frozen_at "
           "<= $4)",
    .parameters = 4,
};

/* known_at INSTANT_NONE: whenever it was frozen. */
static enum pg_status find_frozen(struct pg *pg, const char *provider, const char *contract, month_t first,
                                  size_t count, instant_t known_at, struct kept_reviews *out)
{
    struct pg_args a;
    pg_args_id(&a, provider, contract);
    pg_arg_month(&a, first);
    pg_arg_instant(&a, known_at);
    return read_months(pg, &select_frozen, &a, first, count, out);
}

enum pg_status frozen_reviews(struct pg *pg, const char *provider, const char *contract, month_t first, size_t count,
                              struct kept_reviews *out)
{
    return find_frozen(pg, provider, contract, first, count, INSTANT_NONE, out);
}

enum pg_status frozen_reviews_as_known(struct pg *pg, const char *provider, const char *contract, month_t first,
                                       size_t count, instant_t known_at, struct kept_reviews *out)
{
    return find_frozen(pg, provider, contract, first, count, known_at, out);
}

static const struct pg_statement select_pinned = {
    .name = "pinned_reviews",
    .sql = "SELECT i.month, encode(p.sha256, 'hex') AS sha256, p.periods FROM reckoner.run_input i"
           " JOIN reckoner.review_periods p ON p.sha256 = i.review_periods"
           " WHERE i.provider = $1 AND i.run = $2 AND i.month >= $3",
    .parameters = 3,
};

enum pg_status pinned_reviews(struct pg *pg, const char *provider, const char *run, month_t first, size_t count,
                              struct kept_reviews *out)
{
    struct pg_args a;
    pg_args_id(&a, provider, run);
    pg_arg_month(&a, first);
    return read_months(pg, &select_pinned, &a, first, count, out);
}
