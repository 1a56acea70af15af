/* Rehearsals: files checked like a submission that never become one. Received in chunks like an upload, reported on by
 * a worker, removed after some days. In tables of their own: nothing that asks for submissions can come upon one. */
#ifndef RECKONER_STORE_REHEARSAL_H
#define RECKONER_STORE_REHEARSAL_H

#include "base/ident.h"
#include "store/allowance.h"

#define REHEARSAL_SHA256_SIZE 32
/* A provider's rehearsals that are being received or wait for their check, at most. */
#define REHEARSALS_WAITING 4

struct rehearsal {
    char provider[8];
    int64_t no; /* short key for chunks and parts */
    char id[IDENT_SIZE];
    month_t month;
    char state[12]; /* receiving, received, done */
    char uploaded_by[48];
    char media_type[24];
    char content_encoding[12]; /* identity, gzip */
    int64_t column_mapping;    /* version; 0: the file has our names */
    int64_t declared_rows;     /* -1: not declared */
    int64_t caseload;          /* -1: not declared */
    instant_t begun_at;
    instant_t completed_at; /* 0 while receiving */
    instant_t rehearsed_at; /* 0 until it is done */
    instant_t arrived_at;   /* wall clock */
    int64_t bytes;
    int64_t chunks;
    uint8_t sha256[REHEARSAL_SHA256_SIZE];
};

/* A rehearsal that begins. */
struct rehearsal_upload {
    const char *provider;
    month_t month;
    const char *id;
    const char *person;
    const char *key; /* Idempotency-Key */
    const char *media_type;
    const char *content_encoding;
    int64_t column_mapping; /* version; 0: none */
    int64_t declared_rows;  /* -1: not declared */
    int64_t caseload;
    instant_t begun_at;
    const void *sealed_key;
    size_t sealed_key_length;
    int64_t receiving_seconds; /* wall clock; without a chunk for so long it is dead */
    int64_t per_day;           /* rehearsals that the provider may send in 24 hours */
};

enum rehearsal_reservation {
    REHEARSAL_RESERVED, /* *no is the new rehearsal */
    REHEARSAL_BUSY,     /* another one with this key is still being received */
    REHEARSAL_KEY_USED, /* one with this key was completed */
    REHEARSAL_OVER      /* the provider's allowance is spent: *left says which */
};

/* Makes the receiving row that reserves the key, in a transaction of its own; a dead one with the same key is swept
 * away first. */
enum pg_status rehearsal_reserve(struct pg *pg, const struct rehearsal_upload *u, enum rehearsal_reservation *outcome,
                                 enum allowance *left, int64_t *no);
/* Stores a sealed chunk and moves the end of life on. PG_NONE: the rehearsal is gone (swept, or finished). */
enum pg_status rehearsal_add_chunk(struct pg *pg, const char *provider, int64_t no, int64_t seq, const void *sealed,
                                   size_t length, int64_t receiving_seconds);
/* Deletes one that is still receiving, with its chunks; others are left alone. */
enum pg_status rehearsal_abandon(struct pg *pg, const char *provider, int64_t no);
/* receiving -> received. PG_NONE: it is gone. */
enum pg_status rehearsal_complete(struct pg *pg, const char *provider, int64_t no, instant_t completed_at,
                                  int64_t bytes, const uint8_t sha256[REHEARSAL_SHA256_SIZE], struct rehearsal *out);

/* By id, whatever the state but receiving. PG_NONE: none that the caller may see. */
enum pg_status rehearsal_get(struct pg *pg, const char *provider, const char *id, struct rehearsal *out);
/* The report as JSON, column report; null until it is done. */
enum pg_status rehearsal_report(struct pg *pg, const char *provider, int64_t no, PGresult **result);
/* One part of the findings, column lines, in binary. PG_NONE: there is no such part. */
enum pg_status rehearsal_part(struct pg *pg, const char *provider, int64_t no, int64_t part, PGresult **result);

/* Worker: the sealed stream key. PG_INVALID when it is longer than size. */
enum pg_status rehearsal_sealed_key(struct pg *pg, const char *provider, int64_t no, uint8_t *key, size_t size,
                                    size_t *length);
/* Worker: the sealed chunks [from, from + count), column sealed, in binary, in order. */
enum pg_status rehearsal_chunks(struct pg *pg, const char *provider, int64_t no, int64_t from, int64_t count,
                                PGresult **result);
/* Worker: locks the row until the transaction ends and removes the parts of an attempt before. PG_NONE: it is gone, or
 * done already. */
enum pg_status rehearsal_begin_report(struct pg *pg, const char *provider, int64_t no);
enum pg_status rehearsal_add_part(struct pg *pg, const char *provider, int64_t no, int64_t part, const void *lines,
                                  size_t length);
/* Worker: received -> done with the report's canonical JSON. */
enum pg_status rehearsal_finish(struct pg *pg, const char *provider, int64_t no, instant_t at, const char *report);
/* Worker: removes those that died while they were received and, with bytes and report, those that arrived more than
 * days ago; all providers. *swept counts them. */
enum pg_status rehearsal_sweep(struct pg *pg, int64_t days, int64_t *swept);

#endif
