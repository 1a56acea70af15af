/* Findings as they were known at an instant: of each submission accepted by then the evaluation of then, with its
 * severities. Amounts at stake and pseudonyms are not kept: they are null. Counted when asked. Erasure takes values,
 * notes and episode ids out of these answers too, and changes nothing else in them. */
#ifndef RECKONER_STORE_FINDING_KNOWN_H
#define RECKONER_STORE_FINDING_KNOWN_H

#include "store/export.h"
#include "store/finding.h"
#include "store/question.h"

/* As question_findings, of q->known_at; by provider, submission, row and rule, place is always 0. */
enum pg_status question_findings_known(struct pg *pg, const struct question *q, const struct question_cursor *after,
                                       int64_t limit, PGresult **result);
/* As question_sums; largest counts of rows first where it has the largest pence first. */
enum pg_status question_sums_known(struct pg *pg, const struct question *q, enum question_group group,
                                   PGresult **result);
/* As question_rows: all rows of the submissions that counted then. */
enum pg_status question_rows_known(struct pg *pg, const struct question *q, PGresult **result);
/* As finding_summary, of the submission q->id at q->known_at, with a column evaluation. PG_NONE: it was not accepted by
 * then, or the caller may not see it. */
enum pg_status finding_summary_known(struct pg *pg, const struct finding_query *q, PGresult **result);
/* As export_submissions (store/export.h), at an instant. */
enum pg_status export_submissions_known(struct pg *pg, const char *provider, month_t first, month_t last,
                                        instant_t known_at, PGresult **result);

#endif
