/* Activity lines of an account for the year to date, from the statistics of its months, single changed rows and terms.
 * Pure; the work depends on how many kinds of rows there are, not on how many rows. Source: spec 3, Units and values.
 */
#ifndef RECKONER_DOMAIN_ACTIVITY_H
#define RECKONER_DOMAIN_ACTIVITY_H

#include "domain/statistics.h"

struct activity_line {
    month_t month;
    int16_t cluster;
    enum basis basis;
    int64_t price_pence;
    int64_t units;       /* days, assessments; PERIOD: days accrued in the month, D1 - D0 */
    int64_t pence;       /* units * price; PERIOD: the sum of its rows */
    int32_t price_index; /* first of the /prices entries that made it */
    bool several;        /* more than one entry at this price made it */
};

/* A row of the account that earned its assessment. */
struct activity_earned {
    month_t month;
    int32_t row_no; /* of the month's file */
};

struct activity_lines {
    struct activity_line *line; /* sorted by month, cluster, basis, price */
    size_t count;
    struct activity_earned *earned; /* sorted by month, row_no */
    size_t earned_count;
    int64_t unpriced_days[TERMS_MONTHS]; /* days of payable rows that no price covers (K06 lowered by the terms) */
};

struct activity_month {
    month_t month;
    const struct terms *terms;            /* in force for the month */
    const struct review_periods *reviews; /* that hold for the month; NULL when the terms do not look at reviews */
    const struct statistics *statistics;  /* of the account's rows; NULL: none (a month agreed as zero or estimated) */
    /* Candidates of the provider's rows of other commissioners: an assessment earns once for provider, patient and
     * referral. Whose row claims it first is told without regard to accounts (claiming.h); when it is another's, the
     * account's own row does not earn. A row that claims by a change alone, of which other accounts do not know, earns
     * only where none of these is of its referral, whether it claims or not. */
    const struct statistics *const *others;
    size_t other_count;
};

/* A row whose contribution differs from what the statistics say of it: decisions, re-attribution, counter-calculations.
 * Its own contribution is taken out and the changed one put in. At most one change for each row of a month. */
struct row_change {
    month_t month;        /* one of the months */
    struct episode row;   /* as pinned, all marks final */
    bool was_here;        /* counted in the statistics of this account's month */
    bool is_here;         /* of this account after the change */
    int16_t cluster;      /* -1: as it is */
    int32_t payable_days; /* of its days in the month the earliest so many are paid; -1: as it is. Not of assessments */
    bool not_payable;
};

struct activity_input {
    const char *commissioner;
    const struct activity_month *months; /* each month at most once, of one financial year, in any order */
    size_t month_count;
    const struct row_change *changes;
    size_t change_count;
};

enum activity_status {
    ACTIVITY_DONE,
    ACTIVITY_OVERFLOW, /* an amount beyond 64 bits */
    ACTIVITY_NO_MEMORY,
    ACTIVITY_NOT_STATISTICS /* a month twice or of another year, a part that is missing, changes that do not fit */
};

/* The lines of all months. *out is filled for ACTIVITY_DONE alone; free with activity_lines_free. */
enum activity_status activity_value(const struct activity_input *in, struct activity_lines *out);

void activity_lines_free(struct activity_lines *lines);

/* Those of the months up to m; borrowed from all. */
struct activity_lines activity_lines_to(const struct activity_lines *all, month_t m);

/* Which parts of the statistics (bit 1 << enum statistics_part) these terms ask for in the month; candidates those of
 * the other commissioners too. false: out of memory. */
bool activity_parts(const struct terms *t, const char *commissioner, month_t month, uint32_t *parts);

#endif
