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
    const char *id;           /* submission.id: what finding_list goes by */
    int64_t submission;       /* submission.no, the rest by finding_summary */
    int64_t evaluation;       /* submission.evaluation */
    const char *commissioner; /* its findings alone; NULL: all */
    const char *rule;         /* NULL: any */
    const char *severity;     /* severity in force; NULL: any */
    int64_t row;              /* -1: any */
    instant_t known_at;       /* of finding_list: what had been found by then; INSTANT_NONE: what is found */
    struct finding_place after;
    int64_t limit;
};

/* At most limit findings of a submission, and what it is now. */
struct finding_page {
    PGresult *result;
    int count;          /* findings */
    int *at;            /* of each, its row in the result */
    int64_t evaluation; /* submission.evaluation */
    const char *state;  /* submission.state */
    int64_t read_to;    /* with fewer than the limit: rows behind this one have not been read; -1: all have */
};

/* By row, then in the order of the table of rules; only what the caller signed in may see. Columns row_no, rule,
 * severity (null: the rule's default), own_severity, episode_id, commissioner, cluster, field, value, note, pence
 * (null: unknown). PG_NONE: the caller may see no such submission. A page got is released with finding_page_free. As
 * known at an instant it is of a submission that was accepted by then, without amounts, which are not kept. Where
 * findings of a kind are is known of the current evaluation alone: of another, or before the first, a page of some of
 * the findings ends behind the row of the ten thousandth that it has read, and goes on from finding_row_end. */
enum pg_status finding_list(struct pg *pg, const struct finding_query *q, struct finding_page *page);
void finding_page_free(struct finding_page *page);
/* The place behind all findings of a row. */
struct finding_place finding_row_end(int64_t row);

/* Counts and amounts of all that q names (after and limit are not used). One line per rule and severity, one per
 * severity (rule null) and one for all (rule and severity null), in that order: columns rule, severity, findings, rows,
 * pence (null: none is known), unknown_rows. A row counts once in each line, however many findings it has. */
enum pg_status finding_summary(struct pg *pg, const struct finding_query *q, PGresult **result);

#endif
