/* Findings as people read them: with the severity in force and the amount at stake. */
#ifndef RECKONER_STORE_FINDING_H
#define RECKONER_STORE_FINDING_H

#include "store/pg.h"

struct finding_query {
    const char *provider;
    int64_t submission;       /* submission.no */
    int64_t evaluation;       /* submission.evaluation */
    const char *commissioner; /* its findings alone; NULL: all */
    const char *rule;         /* NULL: any */
    const char *severity;     /* severity in force; NULL: any */
    int64_t row;              /* -1: any */
    int64_t after_row;        /* findings behind this row and rule; -1 and "": from the start */
    const char *after_rule;
    int64_t limit;
};

/* By row and rule. Columns row_no, rule, severity, episode_id, commissioner, cluster, field, value, note, sentence,
 * hint, pence (null: unknown). */
enum pg_status finding_list(struct pg *pg, const struct finding_query *q, PGresult **result);

/* Counts and amounts of all that q names (after_ and limit are not used). One line per rule and severity, one per
 * severity (rule null) and one for all (rule and severity null), in that order: columns rule, severity, sentence,
 * findings, rows, pence (null: none is known), unknown_rows. A row counts once in each line, however many findings it
 * has. */
enum pg_status finding_summary(struct pg *pg, const struct finding_query *q, PGresult **result);

#endif
