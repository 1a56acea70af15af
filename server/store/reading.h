/* Readings of identities by the controlled environment: asked for, answered by the worker, released once. */
#ifndef RECKONER_STORE_READING_H
#define RECKONER_STORE_READING_H

#include "base/ident.h"
#include "store/pg.h"

#define READING_ROWS_MAXIMUM 1000

/* Who asks, and from where; for the audit event that both acts write. */
struct reading_act {
    const char *provider;
    instant_t at; /* product clock */
    const char *request_id;
    const char *address; /* may be NULL */
};

/* In the open transaction: audit event, reading and job. rows: a PostgreSQL array text, "{1,2,3}". PG_REFUSED: see
 * the migration's function. */
enum pg_status reading_ask(struct pg *pg, const struct reading_act *act, const char *submission, const char *id,
                           const char *rows, const char *purpose, const void *sealed_key, size_t sealed_length);
/* In the open transaction: audit event, and the answer (column answer, in binary), which is gone with the commit. */
enum pg_status reading_release(struct pg *pg, const struct reading_act *act, const char *id, PGresult **result);

/* Columns reading, submission, organisation, person, purpose, rows (texts separated by commas), state, asked_at,
 * expires_at, released_at; newest first, below (asked_at, id) of the cursor (before INSTANT_NONE: from the top). */
enum pg_status reading_list(struct pg *pg, const char *provider, const struct pg_newest *page, PGresult **result);
/* One of them. PG_NONE: none that the caller may see. */
enum pg_status reading_get(struct pg *pg, const char *provider, const char *id, PGresult **result);

/* Worker: columns submission, rows (array text), state, sealed_key, in text form; locks it. PG_NONE: none. */
enum pg_status reading_take(struct pg *pg, const char *provider, const char *id, PGresult **result);
/* Worker: the answer, to be released for so many seconds (wall clock). */
enum pg_status reading_answer(struct pg *pg, const char *provider, const char *id, const void *answer, size_t length,
                              int64_t seconds);
/* Worker: there will be no answer. */
enum pg_status reading_fail(struct pg *pg, const char *provider, const char *id);
/* Worker: removes answers that nobody fetched in time. */
enum pg_status reading_expire(struct pg *pg, int64_t *expired);

#endif
