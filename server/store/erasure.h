/* Erasure of a patient's identity: asked for by a person of the trust, approved by another, done by the worker. */
#ifndef RECKONER_STORE_ERASURE_H
#define RECKONER_STORE_ERASURE_H

#include "base/ident.h"
#include "domain/episode.h"
#include "store/job.h"

/* A request; the row names the patient. */
struct erasure_request {
    const char *provider;
    const char *id;
    const char *submission; /* id */
    int64_t row_no;
    const char *reason;
    const char *person;
    instant_t at;
};
/* PG_NONE: there is no such row of an accepted submission. PG_DUPLICATE: one for this row is open. */
enum pg_status erasure_ask(struct pg *pg, const struct erasure_request *q);
/* Whether the identity of a row is erased already. */
enum pg_status erasure_of_row(struct pg *pg, const char *provider, const char *submission, int64_t row_no,
                              bool *erased);
/* The same, of submission.no. */
enum pg_status erasure_of_stored_row(struct pg *pg, const char *provider, int64_t submission, int64_t row_no,
                                     bool *erased);

/* Columns erasure, submission, month, row_no, reason, state, asked_by, asked_at, decided_by, decided_at, done_at, rows,
 * uploads; newest first, below (asked_at, id) of the cursor (before INSTANT_NONE: from the top). */
enum pg_status erasure_list(struct pg *pg, const char *provider, const struct pg_newest *page, PGresult **result);
/* One of them, locked when asked so. PG_NONE: none that the caller may see. */
enum pg_status erasure_get(struct pg *pg, const char *provider, const char *id, bool lock, PGresult **result);
/* asked -> approved or refused. PG_NONE: it is not asked any more. */
enum pg_status erasure_decide(struct pg *pg, const char *provider, const char *id, const char *state,
                              const char *person, instant_t at);
/* Whether the bytes of an upload were destroyed. By its id. */
enum pg_status erasure_of_upload(struct pg *pg, const char *provider, const char *submission, bool *erased);

/* Worker. While a job of a provider is done, no identity is erased: taken before each job but the erasing ones, given
 * back after it, on the connection. PG_RETRY: an erasure is under way. */
enum pg_status erasure_keep_away(struct pg *pg, const char *provider);
void erasure_come_near(struct pg *pg, const char *provider);
/* The other side: in the open transaction, until its end. PG_RETRY: other jobs are under way. */
enum pg_status erasure_alone(struct pg *pg, const char *provider);

/* Worker: whether an upload or rehearsal of the provider waits to be read, or is being sent. */
enum pg_status erasure_must_wait(struct pg *pg, const char *provider, bool *wait);
/* Worker: the rows of the patient (alone: the one row), by submission and row: columns submission, id, month, row_no,
 * commissioner, candidate (may earn an assessment), patient (hexadecimal). */
enum pg_status erasure_rows(struct pg *pg, const char *provider, const char *id, bool alone, PGresult **result);
/* Worker: takes the identity out of them, wherever it is not sealed. */
enum pg_status erasure_erase(struct pg *pg, const char *provider, const char *id, bool alone, int64_t *rows);
/* Worker: uploads that were not accepted and whose bytes are there: columns no, id. */
enum pg_status erasure_other_uploads(struct pg *pg, const char *provider, PGresult **result);
enum pg_status erasure_upload(struct pg *pg, const char *provider, const char *id, int64_t submission);
/* Worker: after erasure_erase, columns commissioner, financial_year: who knows the patient by a pseudonym, or may. */
enum pg_status erasure_knowers(struct pg *pg, const char *provider, const char *id, PGresult **result);
/* Worker: keeps a pseudonym for the patient of the erased rows. */
enum pg_status erasure_keep_tag(struct pg *pg, const char *provider, const char *id, const char *commissioner,
                                int64_t financial_year, const char *tag);
/* Worker: the pseudonyms kept of a provider for a year: columns patient (hexadecimal), commissioner, tag, in order of
 * both. */
enum pg_status erasure_tags(struct pg *pg, const char *provider, int64_t financial_year, PGresult **result);

/* Rows of a commissioner in a submission whose identity was erased. */
enum pg_status erasure_count(struct pg *pg, const char *provider, int64_t submission, const char *commissioner,
                             int64_t *rows);
/* Worker: approved -> done. */
enum pg_status erasure_done(struct pg *pg, const char *provider, const char *id, instant_t at, int64_t rows);

#endif
