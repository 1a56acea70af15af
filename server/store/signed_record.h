/* Signed bytes: receipts and statements. Written by the worker, served by reckonerd, changed by nobody. */
#ifndef RECKONER_STORE_SIGNED_RECORD_H
#define RECKONER_STORE_SIGNED_RECORD_H

#include "base/ident.h"
#include "store/pg.h"

struct signed_record {
    const char *provider;
    const char *id;      /* generated id */
    const char *purpose; /* "receipt", "statement" or "certificate" */
    const void *bytes;   /* canonical JSON, exactly as signed */
    size_t length;
    const char *key_id;              /* as minisign prints it */
    const unsigned char *public_key; /* 32 bytes */
    const unsigned char *signature;  /* 64 bytes */
    const char *minisig;             /* the same as a minisign file */
    instant_t sealed_at;             /* product clock */
};

/* Inserts the record; its key must be there (log_standing). All texts are borrowed. PG_INVALID when the key id
 * is known with another key. */
enum pg_status signed_record_insert(struct pg *pg, const struct signed_record *r);

/* Which of the three things that are served. */
enum signed_part { SIGNED_BYTES, SIGNED_SIGNATURE, SIGNED_MINISIG };

/* One record of a purpose, that the session may see: *result has one row with the binary column "part" and the
 * columns "sha256" and "key_id" (read with PQgetvalue; the caller clears it). PG_NONE when there is none. */
enum pg_status signed_record_part(struct pg *pg, const char *provider, const char *purpose, const char *id,
                                  enum signed_part part, PGresult **result);

#endif
