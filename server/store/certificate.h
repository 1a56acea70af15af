/* Freeze certificates: what had been sent for a month when its window closed. */
#ifndef RECKONER_STORE_CERTIFICATE_H
#define RECKONER_STORE_CERTIFICATE_H

#include "base/ident.h"
#include "store/pg.h"

/* Contract months that are over, have terms that both sides approved, and no certificate: columns provider, contract,
 * month; oldest month first, at most limit. */
enum pg_status certificate_candidates(struct pg *pg, instant_t now, int64_t limit, PGresult **result);

/* Whether an upload that began before the deadline has no outcome yet. */
enum pg_status certificate_waits(struct pg *pg, const char *provider, month_t month, instant_t closed_at, bool *waits);

/* Every version begun before the deadline: columns version, submission (id), state, sha256 (hexadecimal), bytes, rows,
 * begun_at, completed_at; in order. */
enum pg_status certificate_versions(struct pg *pg, const char *provider, month_t month, instant_t closed_at,
                                    PGresult **result);

struct certificate {
    const char *provider;
    const char *contract;
    month_t month;
    instant_t closed_at;
    int64_t versions;
    const char *record; /* signed_record.id */
};
/* PG_DUPLICATE: another worker was first. */
enum pg_status certificate_insert(struct pg *pg, const struct certificate *c);

/* Columns month, closed_at, versions, record, key, sealed_at, sha256; in order of months, after `after` (0: from
 * the first). month 0: all. */
enum pg_status certificate_list(struct pg *pg, const char *provider, const char *contract, month_t month, month_t after,
                                int64_t limit, PGresult **result);

#endif
