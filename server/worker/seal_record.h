/* Signs bytes and stores them with their signatures, in the open transaction of whatever they state. */
#ifndef RECKONER_WORKER_SEAL_RECORD_H
#define RECKONER_WORKER_SEAL_RECORD_H

#include "base/ident.h"
#include "signing/sign.h"
#include "store/pg.h"

struct seal_request {
    const char *provider;
    const char *purpose;   /* "receipt", "statement" or "certificate" */
    const char *file_stem; /* what the file is called, without ending; goes into the trusted comment */
    const void *bytes;     /* canonical JSON that begins with its purpose */
    size_t length;
    instant_t sealed_at; /* product clock */
};

/* On PG_OK id holds the new signed_record.id. PG_FAILED when the bytes do not begin with the member "@purpose" of
 * this purpose: no signature made for one thing may pass for another. */
enum pg_status seal_record(struct pg *pg, const struct signer *signer, const struct seal_request *q,
                           char id[IDENT_SIZE]);

#endif
