/* Reference files in use: the newest that the operator loaded, else the file of the same name that came with the
 * service. */
#ifndef RECKONER_STORE_REFERENCE_SET_H
#define RECKONER_STORE_REFERENCE_SET_H

#include "base/buf.h"
#include "store/pg.h"

#define REFERENCE_DIGEST_SIZE  32
#define REFERENCE_FILE_MAXIMUM (64 * 1024 * 1024)

/* kind: clusters, bank_holidays, practices, allocation_grid, reference_prices. Appends the file to content (buf_init'ed
 * with REFERENCE_FILE_MAXIMUM) and writes its SHA-256. PG_NONE: neither loaded nor in dir (as KIND.csv). */
enum pg_status reference_content(struct pg *pg, const char *dir, const char *kind, struct buf *content,
                                 uint8_t digest[REFERENCE_DIGEST_SIZE]);
/* The same as it was in use at an instant; INSTANT_NONE: now. */
enum pg_status reference_content_as_known(struct pg *pg, const char *dir, const char *kind, instant_t known_at,
                                          struct buf *content, uint8_t digest[REFERENCE_DIGEST_SIZE]);

#endif
