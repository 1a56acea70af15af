/* Findings as people read them: with the severity in force and the amount at stake. */
#ifndef RECKONER_STORE_FINDING_H
#define RECKONER_STORE_FINDING_H

#include "domain/rules.h"
#include "store/pg.h"

/* A place among the findings of a submission: row, rule, and whether the finding has a severity of its own. A row can
 * have a rule twice: D09 of the trust's own file and D09 of what another provider sent. */
struct finding_place {
    int64_t row; /* -1: before the first */
    enum rule_id rule;
    bool own_severity;
};

struct finding_query {
    const char *provider;
    int64_t submission;       /* submission.no */
    int64_t evaluation;       /* submission.evaluation */
    const char *commissioner; /* its findings alone; NULL: all */
    const char *rule;         /* NULL: any */
    const char *severity;     /* severity in force; NULL: any */
    int64_t row;              /* -1: any */
    struct finding_place after;
    int64_t limit;
};

/* By row, then in the order of the table of rules. Columns row_no, rule, severity (null: the rule's default),
 * own_severity, episode_id, commissioner, cluster, field, value, note, pence (null: unknown). */
enum pg_status finding_list(struct pg *pg, const struct finding_query *q, PGresult **result);

/* Counts and amounts of all that q names (after and limit are not used). One line per rule and severity, one per
 * severity (rule null) and one for all (rule and severity null), in that order: columns rule, severity, findings, rows,
 * pence (null: none is known), unknown_rows. A row counts once in each line, however many findings it has. */
enum pg_status finding_summary(struct pg *pg, const struct finding_query *q, PGresult **result);

#endif
