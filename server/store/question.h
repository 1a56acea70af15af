/* Questions about findings across months and trusts: of each provider and month the newest accepted submission, seen
 * through row-level security (a commissioner's own rows, a provider's, an auditor's). Answered from what evaluation
 * counted (store/tally.h), so that nothing is counted when it is asked. */
#ifndef RECKONER_STORE_QUESTION_H
#define RECKONER_STORE_QUESTION_H

#include "store/finding_filter.h"

struct question {
    const char *provider; /* NULL: any */
    month_t first;        /* both inclusive */
    month_t last;
    struct finding_filter filter;
    bool own_names;     /* of question_findings: who asks has its own names of patients, and needs no pseudonyms */
    instant_t known_at; /* what had been found by then (store/finding_known.h); INSTANT_NONE: what is found */
};

/* Behind which finding a page begins. mark "": from the start. */
struct question_cursor {
    int64_t place; /* minus the pence; 1 when unknown */
    const char *provider;
    int64_t submission; /* submission.no */
    int64_t row;
    const char *mark; /* rule and severity: a row may fail D09 twice, once against another provider */
};

/* Findings by amount at stake: largest first, unknown last; then by provider, submission, row and rule. Columns place,
 * provider, submission (no), id, month, row_no, rule, severity, episode_id, commissioner, cluster, field, value, note,
 * pence, pseudonym (null with own_names), mark. */
enum pg_status question_findings(struct pg *pg, const struct question *q, const struct question_cursor *after,
                                 int64_t limit, PGresult **result);

/* What sums are taken over. */
enum question_group {
    QUESTION_TOTAL,
    QUESTION_BY_MONTH,
    QUESTION_BY_PROVIDER,
    QUESTION_BY_COMMISSIONER,
    QUESTION_BY_RULE,
    QUESTION_BY_SEVERITY,
    QUESTION_BY_CLUSTER,
    QUESTION_BY_MONTH_AND_SEVERITY /* key is the month, line the severity */
};
/* Counts and sums; in each line a row counts once, however many findings it has. Columns key, line, findings, rows,
 * pence (null: none is known), unknown_rows; by key and line for months, else by pence, largest first. */
enum pg_status question_sums(struct pg *pg, const struct question *q, enum question_group group, PGresult **result);
/* All rows sent by month, whether they have findings or not (rule and severity are not used). Columns key, providers,
 * rows. */
enum pg_status question_rows(struct pg *pg, const struct question *q, PGresult **result);

struct practice_cursor {
    int64_t place;
    const char *commissioner; /* "": from the start */
    const char *practice;
};
/* Findings by practice of one provider and month: line is a rule, a severity or "" (any finding). Sums first (practice
 * ""), then practices by pence, hidden ones last. Columns place, id, commissioner, practice, patients, rows, pence,
 * unknown_rows (null: hidden), withheld. */
enum pg_status question_practices(struct pg *pg, const char *provider, month_t month, const char *commissioner,
                                  const char *line, const struct practice_cursor *after, int64_t limit,
                                  PGresult **result);

#endif
