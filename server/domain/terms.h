/* One version of the terms of a contract, parsed and checked. Format: api/formats/terms.md.
 *
 * Whatever parses has an effect: members that this engine does not act upon are refused by name, with a JSON pointer.
 * All texts and arrays are owned by struct terms and live until terms_free. Amounts are pence, shares parts per
 * million. */
#ifndef RECKONER_DOMAIN_TERMS_H
#define RECKONER_DOMAIN_TERMS_H

#include "base/date.h"
#include "base/json.h"
#include "domain/rules.h"

#define TERMS_CODE_SIZE      13 /* service or commissioner code with its NUL */
#define TERMS_CLUSTERS       22 /* clusters 00..21; 09 is never used */
#define TERMS_MONTHS         12 /* index 0 is April */
#define TERMS_MAX_BANDS      10
#define TERMS_MAX_GROUPS     20
#define TERMS_MAX_INDICATORS 50
#define TERMS_MAX_THRESHOLDS 20
#define TERMS_MAX_WITHHOLDS  20
#define TERMS_NAME_SIZE      41 /* id of a group, an indicator or a withhold */

enum basis { BASIS_DAY, BASIS_ADMITTED, BASIS_NONADMITTED, BASIS_PERIOD, BASIS_ASSESSMENT, BASIS_COUNT };
/* "DAY", "ADMITTED", "NONADMITTED", "PERIOD", "ASSESSMENT". */
const char *basis_name(enum basis b);
/* 0..21 for a cluster code that may be charged, -1 for any other text. */
int cluster_index(const char *code);
/* The reverse: two digits; out holds 3 bytes. */
void cluster_code(int cluster, char out[3]);

struct terms_price {
    int16_t cluster;
    enum basis basis;
    int64_t pence;                      /* per day, per assessment, or per period of period_days */
    int32_t period_days;                /* PERIOD: days of one period, n; otherwise 0 */
    bool renewable;                     /* PERIOD: each n days start a new period */
    date_t from;                        /* first day */
    date_t to;                          /* first day no longer */
    char commissioner[TERMS_CODE_SIZE]; /* "" = any */
    char service[TERMS_CODE_SIZE];      /* "" = any */
    const char *includes;               /* what the price includes, for information; NULL when not said */
    int32_t index;                      /* place in /prices */
};

struct terms_plan_line {
    int16_t cluster;
    enum basis basis;
    char commissioner[TERMS_CODE_SIZE];
    char service[TERMS_CODE_SIZE];
    int64_t units[TERMS_MONTHS]; /* days; ASSESSMENT: assessments */
    int32_t index;               /* place in /plan/lines */
};

/* A stated sum for a month: a planned value (/plan/sums) or a block line (/block). */
struct terms_sum {
    month_t month;
    int64_t pence;
    char commissioner[TERMS_CODE_SIZE];
    const char *label; /* block lines; NULL for planned values */
    int32_t index;
};

/* A band: what lies between the edge before and to is paid at pay. The last band has no edge. */
struct terms_band {
    int64_t to_ppm; /* -1 in the last band: open */
    int64_t pay_ppm;
};

struct terms_bands {
    int32_t count; /* 0: everything is paid in full */
    struct terms_band band[TERMS_MAX_BANDS];
};

struct terms_group {
    char name[TERMS_NAME_SIZE];
    struct terms_bands bands;
};

struct terms_risk_share {
    bool present; /* there is a band, a cap or a collar */
    struct terms_bands over;
    struct terms_bands under;
    bool preset;        /* the bands are those of a preset: /risk_share has neither over nor under */
    int64_t cap_ppm;    /* -1: none */
    int64_t collar_ppm; /* -1: none */
};

struct terms_threshold {
    int64_t at_ppm;
    int64_t earns_ppm;
};

struct terms_indicator {
    char id[TERMS_NAME_SIZE];
    const char *label;
    int64_t weight_ppm;
    bool linear; /* between thresholds; otherwise the highest threshold reached */
    int32_t count;
    struct terms_threshold threshold[TERMS_MAX_THRESHOLDS];
};

enum terms_stage {
    STAGE_ACTIVITY,
    STAGE_FACTOR,
    STAGE_BANDS,
    STAGE_RISK_SHARE,
    STAGE_CAP_COLLAR,
    STAGE_BLOCK,
    STAGE_ADJUSTMENT,
    STAGE_WITHHOLD,
    STAGE_CQUIN,
    STAGE_CONTESTED,
    STAGE_COUNT
};
/* As in run_line.stage: "activity", "factor", "bands", "risk_share", "cap_collar", "block", "adjustment", "withhold",
 * "cquin", "contested". */
const char *stage_name(enum terms_stage s);

struct terms_cquin {
    bool present;
    int64_t rate_ppm;
    int64_t on_account_ppm;     /* achievement assumed until one is agreed */
    uint32_t excluded_stages;   /* bit 1 << stage */
    uint32_t excluded_clusters; /* bit 1 << cluster: activity lines only */
    int32_t count;
    struct terms_indicator *indicator;
};

struct terms_severity {
    char rule[4];
    char severity[6]; /* "ERROR", "QUERY" or "WARN" */
};

struct terms_rules {
    int32_t severity_count;
    struct terms_severity *severity;
    int32_t out_of_scope_count;
    char (*out_of_scope)[TERMS_CODE_SIZE]; /* services */
    uint32_t approval_clusters;            /* bit 1 << cluster */
    int32_t approval_service_count;
    char (*approval_service)[TERMS_CODE_SIZE];
    bool require_mhct; /* default true */
    bool adult_only;   /* default false: P08 is not applied */
    bool stop_pay;     /* stop_pay_when_overdue */
    int32_t grace_days;
};

/* What the commissioner may hold back of a month whose data is missing or poor. */
struct terms_withhold {
    char id[TERMS_NAME_SIZE];
    const char *label;
    int64_t share_ppm; /* of the month's activity lines and their factor */
    int32_t index;     /* place in /withholds */
};

/* When something is due: so many operational days after the event that starts its clock, or a date for each month. */
struct terms_deadline {
    bool present;             /* false: the terms say nothing of it */
    int32_t operational_days; /* 0: the dates hold */
    date_t date[TERMS_MONTHS];
};

struct terms_example; /* domain/terms_example.h */

struct terms {
    json_t *source; /* the checked object; owned. terms_canonical writes it */
    bool shadow;
    int32_t financial_year;
    month_t effective_from;
    bool end_inclusive;
    int32_t price_count;
    struct terms_price *price;               /* sorted by cluster, then place in /prices */
    int32_t first_price[TERMS_CLUSTERS + 1]; /* prices of cluster c: first_price[c] .. first_price[c + 1] - 1 */
    int32_t plan_count;
    struct terms_plan_line *plan;
    int32_t plan_sum_count;
    struct terms_sum *plan_sum;
    int64_t factor_ppm;
    int32_t block_count;
    struct terms_sum *block;
    int32_t group_count;
    struct terms_group *group;
    int16_t group_of[TERMS_CLUSTERS]; /* index into group, -1: the ungrouped clusters together */
    struct terms_risk_share risk_share;
    struct terms_cquin cquin;
    struct terms_rules rules;
    struct thresholds thresholds; /* of the rules and indicators; the standard ones where not set */
    int32_t withhold_count;
    struct terms_withhold *withhold;
    bool on_account;           /* instalments of the expected annual contract value; otherwise what is due */
    int64_t eacv_pence;        /* expected annual contract value; -1: the plan of twelve months */
    int64_t materiality_pence; /* smallest sum that a challenge may claim; 0: any */
    bool bill_flex;
    int64_t sanity_ppm;              /* a balance above this share of the month's plan parks; -1: no bound */
    struct terms_deadline flex;      /* from the end of the month; always present, and so is freeze */
    struct terms_deadline freeze;    /* from the end of the month */
    struct terms_deadline final;     /* from the end of the month */
    struct terms_deadline payment;   /* from the issue of a document */
    struct terms_deadline challenge; /* from the issue of a document */
    struct terms_deadline answer;    /* from the challenge; never dates */
    int32_t example_count;
    struct terms_example *example;
};

/* Parses and checks a version of the terms, but for what is the contract's: terms_fit_contract. Returns NULL with
 * *problem filled; the JSON value is not kept (a deep copy is). */
struct terms *terms_parse(const json_t *json, struct json_problem *problem);

/* What a contract fixes for its terms; the texts are the caller's. */
struct terms_contract {
    const char *provider;
    const char *commissioners; /* codes separated by commas */
    int32_t financial_year;
    bool shadow;
};

/* Whether terms are of this contract: its year and mode, no party and no line of anybody else, and in live the data of
 * each of its parties, with a reference of each commissioner. When they are not, *problem says where and why. */
bool terms_fit_contract(const struct terms *t, const struct terms_contract *c, struct json_problem *problem);
void terms_free(struct terms *t);
/* Canonical bytes, as stored and approved: "@purpose":"reckoner/terms/1" first. malloc'd; NULL when memory ran out. */
char *terms_canonical(const struct terms *t, size_t *length);

/* A version as the store knows it. */
struct terms_version {
    int32_t version;
    instant_t known_from; /* second approval */
    const char *digest;   /* SHA-256 of the canonical bytes, hexadecimal */
    const struct terms *terms;
};

/* The version in force for a month as known at an instant: of those known by then whose effective-from is not after the
 * month, the one known last (at the same instant, the higher version). NULL when there is none. */
const struct terms_version *terms_in_force(const struct terms_version *versions, size_t count, month_t month,
                                           instant_t known_at);

/* The price of a cluster and basis on a day for a commissioner and service ("" = none). The most specific wins; there
 * are no ties. NULL when there is none, and for all but ASSESSMENT when the cluster is charged on another basis that
 * day.
 */
const struct terms_price *terms_price_on(const struct terms *t, int cluster, enum basis basis, const char *commissioner,
                                         const char *service, date_t day);
/* How the days of a cluster are charged: by one of these at a time. */
enum day_basis { DAYS_UNPRICED, DAYS_DAY, DAYS_SPLIT /* ADMITTED + NONADMITTED */, DAYS_PERIOD };
enum day_basis terms_day_basis(const struct terms *t, int cluster, const char *commissioner, const char *service,
                               date_t day);

/* The next day after `day` on which a price of the cluster begins or ends, at most `behind`. */
date_t terms_next_change(const struct terms *t, int cluster, date_t day, date_t behind);

/* Severity of a rule under these terms: "ERROR", "QUERY" or "WARN", or fallback when the terms do not speak of it. */
const char *terms_severity(const struct terms *t, const char *rule, const char *fallback);
/* C05: the service is out of scope. C06: cluster or service needs prior approval. NULL and "" services never match. */
bool terms_out_of_scope(const struct terms *t, const char *service);
bool terms_needs_approval(const struct terms *t, const char *cluster, const char *service);

/* Name, address and references of a party by its code, as agreed: an object of /parties; NULL when not given. Borrowed.
 */
const json_t *terms_party(const struct terms *t, const char *code);

#endif
