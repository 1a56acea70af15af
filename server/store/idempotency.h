/* First answers to POSTs by their Idempotency-Key. The key is inserted first in the act's own transaction: a second
 * request with it waits for the first to commit or roll back (bounded by lock_timeout: PG_RETRY). */
#ifndef RECKONER_STORE_IDEMPOTENCY_H
#define RECKONER_STORE_IDEMPOTENCY_H

#include "store/pg.h"

struct idempotency_key {
    const char *organisation;
    const char *person;
    const char *key;
    const char *operation;    /* method and path */
    unsigned char sha256[32]; /* of the body */
};

struct idempotency_answer {
    bool found; /* the key was used before */
    bool same;  /* by the same operation and body: the rest is filled */
    int status;
    char location[256];
    char etag[80];
    char *body; /* owned */
    size_t length;
};

/* Reserves the key in the open transaction, or finds the first answer. */
enum pg_status idempotency_begin(struct pg *pg, const struct idempotency_key *key, struct idempotency_answer *first);
/* Stores the answer under the reserved key. body: text of length bytes, may be NULL. */
enum pg_status idempotency_finish(struct pg *pg, const struct idempotency_key *key, int status, const char *location,
                                  const char *etag, const char *body, size_t length);
void idempotency_answer_free(struct idempotency_answer *first);

/* Drops entries of all callers older than so many days (wall clock); for the worker.
 * *dropped is their number. */
enum pg_status idempotency_drop_old(struct pg *pg, int64_t days, int64_t *dropped);

#endif
