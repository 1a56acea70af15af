/* Files of findings, fix-it files and bundles that the worker makes: asked for, made, fetched part by part, removed. */
#ifndef RECKONER_STORE_EXPORT_H
#define RECKONER_STORE_EXPORT_H

#include "base/ident.h"
#include "store/allowance.h"
#include "store/finding_filter.h"

/* What is asked for. Texts are borrowed; NULL: none. */
struct export_request {
    const char *provider;
    const char *id;
    const char *kind;   /* findings, fix_it, bundle, audit */
    const char *format; /* csv, ndjson, tar */
    const char *organisation;
    const char *person;
    instant_t at;
    const char *commissioner;
    month_t first; /* of findings */
    month_t last;
    date_t as_known_on; /* of findings: as known at the end of this day; DATE_NONE: as they are when it is made */
    const char *rule;
    const char *severity;
    const char *cluster;
    const char *submission; /* of a fix-it file: its id */
    bool whole;
    const void *sealed_key;
    size_t sealed_length;
    const char *statement; /* of a bundle: its record */
    int64_t checkpoint;    /* of a bundle: size of the checkpoint that it holds; 0: the newest */
    int64_t after_link;    /* of the audit trail */
};
/* Most files of one organisation that wait or are being made: the others' jobs stand behind no more. */
#define EXPORTS_WAITING 4
/* In the transaction that asks. */
enum pg_status export_allowance(struct pg *pg, const char *organisation, instant_t at, int64_t per_day,
                                enum allowance *left);
/* PG_NONE: there is no such submission. */
enum pg_status export_ask(struct pg *pg, const struct export_request *x);

/* Newest first, below (asked_at, id) of the cursor (before INSTANT_NONE: from the top). Columns as export_get. */
enum pg_status export_list(struct pg *pg, const char *provider, const struct pg_newest *page, PGresult **result);
/* Columns export, kind, format, organisation, person,
 * asked_at, commissioner, first_month, last_month, rule, severity, cluster,
 * submission (id), whole, state, finished_at, lines, control_total_pence, rows_of_unknown_amount, bytes, chunks, sha256
 * (hexadecimal), remove_after, sealed_key, submission_no, after_link, statement, as_known_on, checkpoint. PG_NONE: none
 * that the caller may see.
 */
enum pg_status export_get(struct pg *pg, const char *provider, const char *id, PGresult **result);
/* One part, in binary. PG_NONE: it is not there (any more). */
enum pg_status export_part(struct pg *pg, const char *provider, const char *id, int64_t seq, PGresult **result);

/* Worker. */
enum pg_status export_clear(struct pg *pg, const char *provider, const char *id);
enum pg_status export_add(struct pg *pg, const char *provider, const char *id, int64_t seq, const void *bytes,
                          size_t length);
struct export_result {
    instant_t at;
    int64_t lines;
    int64_t pence;
    int64_t unknown_rows;
    int64_t bytes;
    int64_t chunks;
    uint8_t sha256[32];
    int64_t keep_days; /* wall clock */
};
enum pg_status export_finish(struct pg *pg, const char *provider, const char *id, const struct export_result *x);
/* Removes the bytes of exports whose time is over. */
enum pg_status export_expire(struct pg *pg, int64_t *removed);

/* The submissions that an export of findings reads, by month: columns no, id, month, version, evaluation. */
enum pg_status export_submissions(struct pg *pg, const char *provider, month_t first, month_t last, PGresult **result);
/* Findings of a submission that a file holds. Texts are borrowed. */
struct export_findings {
    const char *provider;
    int64_t submission;
    int64_t evaluation;
    bool as_known; /* of an evaluation that was kept: its severities, amounts and pseudonyms null */
    struct finding_filter filter;
    int64_t limit;
};
/* By row, behind a row; a row's findings come together, but those of the last may be cut. Columns row_no, rule,
 * severity, episode_id, commissioner, cluster, field, value, note, pence, pseudonym. */
enum pg_status export_findings(struct pg *pg, const struct export_findings *f, int64_t after_row, PGresult **result);

#endif
