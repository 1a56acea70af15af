/* Submissions: receiving an upload chunk by chunk, its states, and what people read of it (spec 2).
 * Findings are in store/finding.h. All statements name the provider; row-level security does too. */
#ifndef RECKONER_STORE_SUBMISSION_H
#define RECKONER_STORE_SUBMISSION_H

#include "base/ident.h"
#include "store/pg.h"

#define SUBMISSION_SHA256_SIZE 32

struct submission {
    char provider[8];
    int64_t no; /* short key for the tables of rows */
    char id[IDENT_SIZE];
    month_t month;
    int64_t version; /* 0 while receiving */
    char state[12];  /* receiving, received, refused, held, accepted */
    char uploaded_by[48];
    char media_type[24];
    char content_encoding[12]; /* identity, gzip */
    int64_t column_mapping;    /* version that the names of the file are read by; 0: they are the upload's own */
    int64_t declared_rows;     /* -1: not declared */
    int64_t caseload;          /* -1: not declared */
    instant_t begun_at;
    instant_t completed_at; /* 0 while receiving */
    instant_t validated_at; /* 0 until there is an outcome */
    bool confirmed;         /* a held submission that its uploader confirmed */
    int64_t bytes;
    int64_t chunks;
    uint8_t sha256[SUBMISSION_SHA256_SIZE];
    int64_t rows;         /* -1 until validated */
    int64_t payable_rows; /* -1 until accepted */
    int64_t empty_rows;   /* without any value, at the end, passed over; -1 until validated */
    char rule_set[72];
    int64_t evaluation;
    char reference_missing[200]; /* kinds of reference data that were not loaded when it was validated, with blanks */
};

/* An upload that begins. */
struct submission_upload {
    const char *provider;
    month_t month;
    const char *id;
    const char *person;
    const char *key; /* Idempotency-Key */
    const char *media_type;
    const char *content_encoding; /* identity, gzip */
    int64_t column_mapping;       /* 0: none */
    int64_t declared_rows;        /* -1: not declared */
    int64_t caseload;
    instant_t begun_at;
    const void *sealed_key;
    size_t sealed_key_length;
    int64_t receiving_seconds; /* wall clock; without a chunk for so long the upload is dead */
};

enum submission_reservation {
    SUBMISSION_RESERVED, /* *no is the new submission */
    SUBMISSION_BUSY,     /* another upload with this key is still being received */
    SUBMISSION_KEY_USED  /* an upload with this key was completed */
};

/* Makes the receiving row that reserves the key; a dead upload with the same key is swept away first. */
enum pg_status submission_reserve(struct pg *pg, const struct submission_upload *u,
                                  enum submission_reservation *outcome, int64_t *no);
/* Stores a sealed chunk and moves the upload's end of life on. PG_NONE: the upload is gone (swept, or finished). */
enum pg_status submission_add_chunk(struct pg *pg, const char *provider, int64_t no, int64_t seq, const void *sealed,
                                    size_t length, int64_t receiving_seconds);
/* Deletes an upload that is still receiving, with its chunks; others are left alone. */
enum pg_status submission_abandon(struct pg *pg, const char *provider, int64_t no);

/* One provider-month at a time: completions, outcomes and confirmations take their turn until the transaction ends. */
enum pg_status submission_lock_month(struct pg *pg, const char *provider, month_t month);
/* Under submission_lock_month: the month's current accepted version, if its bytes have this digest and are read in the
 * same way (encoding and mapping), and nothing newer waits for its outcome. PG_NONE otherwise. */
enum pg_status submission_find_identical(struct pg *pg, const char *provider, month_t month,
                                         const uint8_t sha256[SUBMISSION_SHA256_SIZE], const char *content_encoding,
                                         int64_t column_mapping, struct submission *out);
/* Under submission_lock_month: receiving -> received, with the next version. PG_NONE: the upload is gone, or not all of
 * its chunks are there. */
enum pg_status submission_complete(struct pg *pg, const char *provider, int64_t no, instant_t completed_at,
                                   int64_t chunks, int64_t bytes, const uint8_t sha256[SUBMISSION_SHA256_SIZE],
                                   struct submission *out);
/* held -> received, confirmed by a person; PG_NONE when it is not held. */
enum pg_status submission_confirm(struct pg *pg, const char *provider, const char *id, const char *person,
                                  instant_t at);

/* By id, whatever the state but receiving. PG_NONE: none that the caller may see. */
enum pg_status submission_get(struct pg *pg, const char *provider, const char *id, struct submission *out);
/* As submission_get, and locks the row until the transaction ends. */
enum pg_status submission_get_for_update(struct pg *pg, const char *provider, const char *id, struct submission *out);
/* Completed versions of a month, newest first, below version `below` (0: from the top). *result is cleared by the
 * caller; submission_read reads its rows. */
enum pg_status submission_list(struct pg *pg, const char *provider, month_t month, int64_t below, int64_t limit,
                               PGresult **result);
void submission_read(const PGresult *r, int row, struct submission *out);
/* The month's accepted version with the highest number below `below` (0: any). PG_NONE: none. */
enum pg_status submission_accepted(struct pg *pg, const char *provider, month_t month, int64_t below,
                                   struct submission *out);

/* Rows of the newest accepted version of the last month up to this one that has one (F13); -1: there is none. */
enum pg_status submission_rows_before(struct pg *pg, const char *provider, month_t month, int64_t *rows);

/* The signed_record.id of the newest receipt (a held submission has one more after its confirmation). PG_NONE: not
 * signed yet. */
enum pg_status submission_receipt(struct pg *pg, const char *provider, int64_t no, char record[IDENT_SIZE]);

/* Worker: deletes uploads that died, all providers; *swept counts them. */
enum pg_status submission_sweep(struct pg *pg, int64_t *swept);
/* From so many chunks on an upload is worth reading along; it is announced on JOB_CHANNEL then. */
#define SUBMISSION_LARGE_CHUNKS   2
#define SUBMISSION_QUOTED(number) #number
#define SUBMISSION_QUOTE(number)  SUBMISSION_QUOTED(number)
/* SQL: an upload waits for a worker, or a large one arrives and is to be read along. */
#define SUBMISSION_WAITS                                                                                               \
    "(EXISTS (SELECT FROM reckoner.job w WHERE w.kind = 'validate' AND w.state = 'queued'"                             \
    " AND w.run_after <= clock_timestamp())"                                                                           \
    " OR EXISTS (SELECT FROM reckoner.submission w WHERE w.state = 'receiving'"                                        \
    " AND w.chunks >= " SUBMISSION_QUOTE(SUBMISSION_LARGE_CHUNKS) " AND w.receiving_until > clock_timestamp()))"
/* Worker: large uploads that are being received, oldest first, a few; submission_read reads the rows. *result is
 * cleared by the caller. */
enum pg_status submission_arriving(struct pg *pg, PGresult **result);
/* Worker: PG_NONE when an upload was abandoned, or has an outcome. */
enum pg_status submission_still_there(struct pg *pg, const char *provider, int64_t no);
/* Worker: reserves an upload to this connection, which reads it along: job_claim leaves its validation to the
 * connection. PG_NONE: another has it. Until submission_read_along_end or the end of the connection. */
enum pg_status submission_read_along(struct pg *pg, const char *provider, const char *id);
enum pg_status submission_read_along_end(struct pg *pg, const char *provider, const char *id);
/* Worker: the sealed stream key. PG_INVALID when it is longer than size. */
enum pg_status submission_sealed_key(struct pg *pg, const char *provider, int64_t no, uint8_t *key, size_t size,
                                     size_t *length);
/* Worker: the sealed chunks [from, from + count), column sealed, in binary, in order. */
enum pg_status submission_chunks(struct pg *pg, const char *provider, int64_t no, int64_t from, int64_t count,
                                 PGresult **result);
/* The same without waiting: pg_answer has them. */
enum pg_status submission_ask_chunks(struct pg *pg, const char *provider, int64_t no, int64_t from, int64_t count);

/* Worker: what validation found out. */
struct submission_outcome {
    const char *state; /* refused, held, accepted */
    instant_t validated_at;
    int64_t rows;
    int64_t payable_rows;
    int64_t empty_rows;
    const char *rule_set;
    const char *reference; /* JSON object of digests by kind */
};
/* received -> outcome. PG_NONE: it is no longer received. */
enum pg_status submission_set_outcome(struct pg *pg, const char *provider, int64_t no,
                                      const struct submission_outcome *o);
/* Worker: removes findings, episodes and confidential blocks of an earlier attempt (a held one). */
enum pg_status submission_clear_rows(struct pg *pg, const char *provider, int64_t no);
/* Worker: ties a signed record to the submission as its next receipt. */
enum pg_status submission_add_receipt(struct pg *pg, const char *provider, int64_t no, const char *record);

#endif
