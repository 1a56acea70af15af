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

#define TALLY_PLACES 128 /* of one tally_place at most */

/* Part of a list of rows with a finding of a kind: the first, then each that is the first at 32 rows or more behind the
 * one before. */
struct tally_place {
    const char *commissioner; /* "": of any */
    const char *rule;         /* "": any */
    const char *severity;     /* in force; "": any */
    const int32_t *places;    /* ascending; the parts of a list ascend too */
    int count;
};
/* Loads places; ended with pg_copy_end. */
enum pg_status tally_place_begin(struct pg *pg, struct pg_copy **copy);
void tally_place_add(struct pg_copy *copy, const char *provider, int64_t submission, const struct tally_place *p);

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
