/* Position(m): everything owed for the year to the end of month m, stage by stage. A pure function of its input. */
#ifndef RECKONER_DOMAIN_POSITION_H
#define RECKONER_DOMAIN_POSITION_H

#include "domain/valuation.h"

/* Changes whenever the same inputs could give other bytes. */
#define POSITION_ENGINE "reckoner-engine/1"

struct position_month {
    month_t month;
    const struct terms_version *terms; /* in force for the month at known_at; NULL parks */
    const char *submission; /* its id; NULL: none accepted, parks. The document names it by its bytes alone */
    const char *sha256;     /* of the bytes as sent, hexadecimal */
    const char *rule_set;   /* version of the rules that were applied; may be NULL */
    const char *reference;  /* digest of the reference data that was applied; may be NULL */
    instant_t known_from;   /* instant the submission became usable for this account */
};

struct position_achievement {
    const char *indicator;
    int64_t numerator;
    int64_t denominator; /* 0: not measured, achieves nothing */
    instant_t agreed_at;
};

struct position_input {
    const char *provider;
    const char *contract;
    const char *commissioner;
    int32_t financial_year;
    month_t month;                                   /* m */
    const struct position_month *months;             /* April .. m, in order, each once */
    const struct terms_version *annual;              /* in force in the run's month: annual parts; NULL parks */
    const struct position_achievement *achievements; /* the newest agreed one of each indicator */
    size_t achievement_count;
    const struct activity_lines *activity; /* of the months April .. m */
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
    char *label;
    bool billable; /* false for all but block lines in shadow */
    json_t *derivation;
};

struct position {
    struct position_line *line;
    size_t count;
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
