/* Audit samples of the rows behind a statement, with a second rater's clusters (api/formats/sampling.md): promised,
 * shown, drawn, rated, closed. */
#ifndef RECKONER_STORE_SAMPLE_H
#define RECKONER_STORE_SAMPLE_H

#include "base/ident.h"
#include "store/pg.h"

/* Samples of one organisation and statement that are not closed or void. */
#define SAMPLES_OPEN 20

struct sample_promise {
    const char *provider;
    const char *id;
    const char *statement; /* record */
    const char *method;
    int64_t size;
    const uint8_t *nonce_sha256; /* 32 bytes */
    const char *organisation;
    const char *person;
    instant_t at;
};
/* How many an organisation has open of a statement. */
enum pg_status sample_open_count(struct pg *pg, const char *provider, const char *statement, const char *organisation,
                                 int64_t *count);
/* PG_NONE: the caller may not see the statement. */
enum pg_status sample_promise(struct pg *pg, const struct sample_promise *p);

/* Newest first. Columns as sample_get, but for result. */
enum pg_status sample_list(struct pg *pg, const char *provider, const struct pg_newest *page, PGresult **result);
/* Columns sample, contract, commissioner, statement, method, size, nonce_sha256, organisation, person, promised_at,
 * state, nonce, revealed_at, checkpoint, root, seed (hexadecimal), picks, rated, confidence, closed_by, closed_at,
 * reason, result. for_update: locked for the transaction. PG_NONE: none that the caller may see. */
enum pg_status sample_get(struct pg *pg, const char *provider, const char *id, bool for_update, PGresult **result);

/* Shows the nonce; checkpoint and seed are found. PG_NONE: no checkpoint covers the promise yet. PG_INVALID: the nonce
 * is not the promised one. */
enum pg_status sample_reveal(struct pg *pg, const char *provider, const char *id, const char *nonce, instant_t at);

/* Rows behind pick `after`: columns pick, month, row_no, cluster, team, pence, hash (hexadecimal), first_hit,
 * hits, point, certain, second_cluster, payable_days, rated_by, rated_at, ratings (how many). */
enum pg_status sample_rows(struct pg *pg, const char *provider, const char *id, int64_t after, int64_t limit,
                           PGresult **result);
struct sample_ratings {
    const char *provider;
    const char *sample;
    const char *list; /* JSON: [{"pick", "cluster", "payable_days"}], each pick once */
    const char *organisation;
    const char *person;
    instant_t at;
};
/* Behind those given before; the sample is locked. *added: of picks that there are. */
enum pg_status sample_rate(struct pg *pg, const struct sample_ratings *r, int64_t *added);
enum pg_status sample_close(struct pg *pg, const char *provider, const char *id, int64_t confidence, const char *person,
                            instant_t at);

/* Worker. */
struct sample_drawn_row {
    month_t month;
    int32_t row_no;
    const char *cluster;
    const char *team;
    int64_t pence;
    const uint8_t *hash; /* 32 bytes; NULL: monetary units */
    int32_t first_hit;
    int32_t hits;
    int64_t point;
    bool certain;
};
enum pg_status sample_rows_begin(struct pg *pg, struct pg_copy **copy);
void sample_rows_add(struct pg_copy *copy, const char *provider, const char *id, int32_t pick,
                     const struct sample_drawn_row *row);
enum pg_status sample_drawn(struct pg *pg, const char *provider, const char *id, int64_t picks);
enum pg_status sample_void(struct pg *pg, const char *provider, const char *id, const char *reason);
enum pg_status sample_result_write(struct pg *pg, const char *provider, const char *id, const char *result);

#endif
