/* Position(m): everything owed for the year to the end of month m, stage by stage. A pure function of its input. */
#ifndef RECKONER_DOMAIN_POSITION_H
#define RECKONER_DOMAIN_POSITION_H

#include "domain/activity.h"

/* Changes whenever the same inputs could give other bytes: tests/vectors/engines.tsv keeps what each name says. */
#define POSITION_ENGINE "reckoner-engine/3"

/* What holds for a month that has no accepted submission. A submission replaces either. */
enum month_source {
    MONTH_RECEIVED, /* nothing agreed: without a submission the account parks */
    MONTH_ZERO,     /* agreed: no activity */
    MONTH_ESTIMATE  /* agreed: the month's plan stands in, as named lines */
};

struct position_month {
    month_t month;
    const struct terms_version *terms; /* in force for the month at known_at; NULL parks */
    const char *submission;            /* its id; NULL: none accepted. The document names it by its bytes alone */
    const char *sha256;                /* of the bytes as sent, hexadecimal */
    const char *rule_set;              /* version of the rules that were applied; may be NULL */
    const char *reference;             /* digest of the reference data that was applied; may be NULL */
    const char *reviews;               /* digest of the review periods that hold, where terms look at them; or NULL */
    instant_t known_from;              /* instant the submission became usable for this account */
    enum month_source source;          /* looked at where submission is NULL */
    int64_t agreement;                 /* number of the agreement on it; 0 with MONTH_RECEIVED */
    instant_t agreed_at;
};

struct position_achievement {
    const char *indicator;
    int64_t numerator;
    int64_t denominator; /* 0: not measured, achieves nothing */
    bool disputed;       /* the sides propose different figures: the assumption of the terms stands */
    instant_t agreed_at; /* disputed: when it became so */
};

/* A sum both parties agreed; months after m are left aside. */
struct position_adjustment {
    int64_t n; /* its number among the agreements of the account */
    month_t month;
    int64_t pence;
    const char *label;
    bool in_cquin;    /* part of the base of CQUIN */
    int64_t reverses; /* number of the adjustment it undoes; 0 none */
    instant_t agreed_at;
};

enum withhold_state { WITHHOLD_OPEN, WITHHOLD_RELEASED, WITHHOLD_KEPT };

/* Imposed by the commissioner on a month under a withhold of the annual terms. */
struct position_withhold {
    const char *id; /* as in /withholds of the terms */
    month_t month;
    instant_t imposed_at;
    enum withhold_state state;
    int64_t decided_pence; /* released, kept: what was held back, 0 or more */
    int64_t agreement;     /* number of the decision; 0 while open */
    instant_t decided_at;
};

/* A decision on a row: already applied in the activity, named among the inputs. No identity: the digest of the row. */
struct position_decision {
    int64_t number; /* of the challenge or agreement that it came from */
    month_t month;
    const char *row_sha256; /* hexadecimal */
    const char *kind;       /* "cluster", "payable_days", "not_payable", "reattribution" */
    int16_t cluster;        /* -1: as it is */
    int32_t payable_days;   /* -1: as it is */
    instant_t agreed_at;
};
/* Of two of them, for qsort: by month, row and kind, as the document lists them. */
int position_decision_order(const void *a, const void *b);

/* An open challenge. Those on months after m are left aside by whoever fills this. */
struct position_challenge {
    int64_t number;
    int64_t claimed_pence; /* 0 or more: the contested sum is never above it */
    const char *sha256;    /* of its rows and counter-calculation, hexadecimal; may be NULL */
    bool billed;           /* the value was billed when it was raised: no line, payment is held instead */
    instant_t raised_at;
    /* Activity of April .. m with the open challenges up to and including this one countered. */
    const struct activity_lines *countered;
};

struct position_input {
    const char *provider;
    const char *contract;
    const char *commissioner;
    int32_t financial_year;
    month_t month;                                   /* m */
    const struct position_month *months;             /* April .. m, in order, each once */
    const struct terms_version *annual;              /* in force in the run's month: annual parts; NULL parks */
    const struct position_achievement *achievements; /* the newest agreed or disputed one of each indicator */
    size_t achievement_count;
    const struct activity_lines *activity;         /* of the months April .. m, decisions applied */
    const struct position_adjustment *adjustments; /* in order of n */
    size_t adjustment_count;
    const struct position_withhold *withholds; /* at most one of an id and month; in order of month, then id */
    size_t withhold_count;
    const struct position_decision *decisions; /* in order of month, then digest */
    size_t decision_count;
    const struct position_challenge *challenges; /* in order of number */
    size_t challenge_count;
    bool sums_alone; /* lines without label and derivation: for what is computed on the way to something else */
};

struct position_line {
    char *key; /* what the line is about; the same in every position of the account */
    enum terms_stage stage;
    month_t month;       /* -1 for lines of the year to date */
    int16_t cluster;     /* -1 but for activity */
    enum basis basis;    /* BASIS_COUNT but for activity */
    int64_t price_pence; /* -1 but for activity */
    int64_t units;
    int64_t pence;
    char *label;        /* NULL with sums_alone */
    bool billable;      /* false for all but block lines in shadow */
    bool outside_cquin; /* an adjustment that is no part of the base of CQUIN */
    json_t *derivation; /* NULL with sums_alone */
};

/* What an open challenge contests: on value not yet billed a line of stage 9, on billed value the part of the document
 * whose payment is held. */
struct position_contested {
    int64_t number;
    int64_t pence; /* 0 or more */
    bool billed;
};

struct position {
    struct position_line *line;
    size_t count;
    struct position_contested *contested; /* as many as the input has challenges */
    size_t contested_count;
    int64_t subtotal[STAGE_COUNT]; /* plain sum of the lines of each stage */
    int64_t planned;               /* P: plan to the end of the month */
    int64_t planned_month;         /* plan of the month m alone */
    int64_t plan[TERMS_MONTHS];    /* plan of each month to m; later ones 0 */
    int64_t before_risk;           /* X: stages 1 to 3 */
    int64_t after_cap;             /* after stage 5 */
    int64_t floor;                 /* bounds of stage 5; INT64_MIN / INT64_MAX where there is none */
    int64_t ceiling;
    int64_t aav;      /* base of CQUIN */
    int64_t total;    /* sum of all lines */
    int64_t billable; /* total, or the block lines alone in shadow */
    bool shadow;
    instant_t known_at; /* latest instant at which one of the inputs became known */
    json_t *notes;      /* texts: stages that were skipped, and why */
};

enum position_status {
    POSITION_DONE,
    POSITION_PARKED,   /* reason says what is missing and what can be done about it */
    POSITION_OVERFLOW, /* an amount beyond 64 bits */
    POSITION_NO_MEMORY
};

#define POSITION_REASON_SIZE 400

/* *out is filled for POSITION_DONE alone (free with position_free); reason (POSITION_REASON_SIZE bytes) for parked and
 * overflow. */
enum position_status position_compute(const struct position_input *in, struct position *out, char *reason);
void position_free(struct position *p);

#endif
