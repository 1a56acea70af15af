/* Rows for whoever asks over HTTP: those that may stand behind an activity line of a run, or by their numbers. */
#ifndef RECKONER_STORE_LINE_ROW_H
#define RECKONER_STORE_LINE_ROW_H

#include "domain/activity.h"
#include "store/pg.h"

struct line_rows {
    const char *provider;
    const char *run;
    month_t month;
    int64_t submission; /* that the run pinned for the month */
    const char *commissioner;
    const char *cluster;
    bool assessments; /* only rows that earned one */
};

/* Rows of the account in the cluster as the run counted them, moved and decided ones as it knew them, in order of
 * row_no, behind `after`: the facts of struct episode but the patient, and pseudonym (null for a row without a finding
 * or of another commissioner). Only what the session may see. */
enum pg_status line_rows_page(struct pg *pg, const struct line_rows *q, int64_t after, int64_t limit,
                              PGresult **result);

/* One of its rows with what was decided of it; month is left 0. */
void line_row_counted(const PGresult *r, int row, struct row_change *out);

/* The rows with the numbers given (ascending, at most a few thousand) of one commissioner or (NULL) any, in order,
 * with the same facts: those that exist and the session may see. */
enum pg_status line_rows_some(struct pg *pg, const char *provider, int64_t submission, const char *commissioner,
                              const int32_t *row_no, size_t count, PGresult **result);

/* The facts of one of either's rows. */
void line_row_read(const PGresult *r, int row, struct episode *out);

#endif
