/* Rows of a submission for whoever asks over HTTP: those that may stand behind an activity line, or by their numbers.
 */
#ifndef RECKONER_STORE_LINE_ROW_H
#define RECKONER_STORE_LINE_ROW_H

#include "domain/episode.h"
#include "store/pg.h"

/* Rows of a commissioner and cluster in a submission that may be paid, in order of row_no, behind `after`: the facts of
 * struct episode but the patient, and pseudonym (null for a row without a finding, which has none). Only what the
 * session may see. */
enum pg_status line_rows_page(struct pg *pg, const char *provider, int64_t submission, const char *commissioner,
                              const char *cluster, int64_t after, int64_t limit, PGresult **result);

/* The rows with the numbers given (ascending, at most a few thousand) of one commissioner or (NULL) any, in order,
 * with the same columns but the pseudonym: those that exist and the session may see. */
enum pg_status line_rows_some(struct pg *pg, const char *provider, int64_t submission, const char *commissioner,
                              const int32_t *row_no, size_t count, PGresult **result);

/* The facts of one of its rows. */
void line_row_read(const PGresult *r, int row, struct episode *out);

#endif
