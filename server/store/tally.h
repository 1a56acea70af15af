/* What an evaluation leaves behind for questions: each row with findings (stake), rows counted by exactly which rules
 * they fail, and findings by practice. Written by the worker in the transaction of the evaluation. */
#ifndef RECKONER_STORE_TALLY_H
#define RECKONER_STORE_TALLY_H

#include "store/pg.h"

/* The bit of findings that have a severity of their own, whatever the terms say (finding.severity): those of D09 across
 * providers, a QUERY. The others have the bit of their rule. */
#define TALLY_OWN_SEVERITY_BIT 62

/* The findings of rows (row 0 left out) in force under an evaluation, streamed, in no promised order. bit is that of
 * the rule. each returns false to stop, which makes the scan answer PG_INVALID. */
enum pg_status tally_findings(struct pg *pg, const char *provider, int64_t submission, int64_t evaluation,
                              bool (*each)(void *context, int32_t row_no, int bit), void *context);

/* Removes what an earlier evaluation left, stakes included. */
enum pg_status tally_clear(struct pg *pg, const char *provider, int64_t submission);

struct tally_stake {
    int32_t row_no;
    bool known; /* pence is the amount at stake */
    int64_t pence;
    const char *commissioner;
    const char *cluster;
    uint64_t rules;
    const char *pseudonym;
};
/* Loads stakes; ended with pg_copy_end. */
enum pg_status tally_stake_begin(struct pg *pg, struct pg_copy **copy);
void tally_stake_add(struct pg_copy *copy, const char *provider, int64_t submission, const struct tally_stake *s);

/* Counts the stakes into patterns and lines; severities must be written. */
enum pg_status tally_count(struct pg *pg, const char *provider, int64_t submission);

/* The lines counted: columns commissioner, bit, rule, severity; by commissioner, in the order of its bytes. */
enum pg_status tally_lines(struct pg *pg, const char *provider, int64_t submission, PGresult **result);

#define TALLY_STRETCHES 64 /* of one tally_stretch at most */
#define TALLY_GAP       4  /* at most, from one row with such a finding to the next of a stretch */

/* Part of a list of stretches of rows with a finding of a kind. */
struct tally_stretch {
    const char *commissioner; /* "": of any */
    const char *rule;         /* "": any */
    const char *severity;     /* in force; "": any */
    const int32_t *firsts;    /* ascending; the parts of a list ascend too */
    const int32_t *lasts;     /* of each stretch; it begins and ends with a row that has such a finding */
    int count;
};
/* Loads stretches; ended with pg_copy_end. */
enum pg_status tally_stretch_begin(struct pg *pg, struct pg_copy **copy);
void tally_stretch_add(struct pg_copy *copy, const char *provider, int64_t submission, const struct tally_stretch *s);

/* A row with findings. */
struct tally_ranked {
    const char *commissioner;
    const char *cluster; /* "": no code */
    int32_t row_no;
    int64_t place; /* minus its amount at stake in pence; 1: unknown */
    uint64_t rules;
};
/* The rows with findings, streamed by commissioner (in the order of its bytes), place and row. each returns false to
 * stop, which makes it answer PG_INVALID. */
enum pg_status tally_ranked(struct pg *pg, const char *provider, int64_t submission,
                            bool (*each)(void *context, const struct tally_ranked *row), void *context);

#define TALLY_RANKED      64  /* rows of one tally_rank at most */
#define TALLY_ANY_CLUSTER "*" /* in place of a cluster */

/* Part of a list of rows that have a finding of a kind, by place and row. */
struct tally_rank {
    const char *commissioner;
    const char *cluster;
    uint64_t rules; /* a finding of one of these bits */
    const int64_t *places;
    const int32_t *rows;
    int count;
};
/* Loads lists; ended with pg_copy_end. */
enum pg_status tally_rank_begin(struct pg *pg, struct pg_copy **copy);
void tally_rank_add(struct pg_copy *copy, const char *provider, int64_t submission, const struct tally_rank *r);

/* Sums over such a list. */
struct tally_sum {
    uint64_t rules;
    int64_t findings;
    int64_t rows;
    int64_t pence; /* of those whose amount is known */
    int64_t unknown_rows;
};
/* Loads sums; ended with pg_copy_end. */
enum pg_status tally_sum_begin(struct pg *pg, struct pg_copy **copy);
void tally_sum_add(struct pg_copy *copy, const char *provider, int64_t submission, const char *commissioner,
                   const char *cluster, const struct tally_sum *s);

struct tally_practice {
    const char *commissioner;
    const char *line;     /* rule id, severity, or "": any finding */
    const char *practice; /* "" for the sum over all */
    bool hidden;          /* a small count, or one that would give it back: nothing of it is stored */
    bool withheld;        /* of the sum: no practice is shown */
    int64_t patients;
    int64_t rows;
    int64_t pence;
    int64_t unknown_rows;
};
/* Loads findings by practice; ended with pg_copy_end. */
enum pg_status tally_practice_begin(struct pg *pg, struct pg_copy **copy);
void tally_practice_add(struct pg_copy *copy, const char *provider, int64_t submission, const struct tally_practice *p);

/* Severities that terms change: columns commissioner, rule, severity. */
enum pg_status tally_severities(struct pg *pg, const char *provider, int64_t submission, PGresult **result);
/* The sealed confidential block: one field, in binary. PG_NONE: there is none. */
enum pg_status tally_block(struct pg *pg, const char *provider, int64_t submission, int64_t block, PGresult **result);

#endif
