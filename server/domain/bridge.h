/* The bridge between two positions of an account: starting from the older inputs, one part after another is replaced by
 * the newer one, in a fixed order; what each step moves is that cause's amount. The steps telescope and nothing is left
 * over. Steps whose inputs are alike are not computed. Pure. Source: spec 3, Runs.
 *
 * A maker holds what both sides are made of for the whole year; the activity of each step is valued once, and bridges
 * of any month are made from it. Everything given is borrowed until the maker is freed. */
#ifndef RECKONER_DOMAIN_BRIDGE_H
#define RECKONER_DOMAIN_BRIDGE_H

#include "domain/activity.h"
#include "domain/position.h"

/* In the order in which they are replaced. */
enum bridge_cause {
    BRIDGE_MONTHS,    /* months that only one side has */
    BRIDGE_ENGINE,    /* the same inputs, computed by another version of the engine */
    BRIDGE_REFERENCE, /* reference data: review periods */
    BRIDGE_ACTIVITY,  /* submissions, and months agreed without one */
    BRIDGE_RULES,     /* rules and thresholds of the terms */
    BRIDGE_PRICES,    /* prices, day count and block sums */
    BRIDGE_PLAN,
    BRIDGE_FACTOR,     /* factor and volume bands */
    BRIDGE_RISK_SHARE, /* with cap and collar */
    BRIDGE_CQUIN,      /* the terms' scheme */
    BRIDGE_ADJUSTMENTS,
    BRIDGE_ACHIEVEMENTS,
    BRIDGE_WITHHOLDS,  /* imposed, decided, and what the terms hold back */
    BRIDGE_CHALLENGES, /* challenges, and decisions on rows */
    BRIDGE_CAUSES
};
/* "months", "engine", "reference_data", "activity", "rules", "prices", "plan", "factor_and_bands", "risk_share",
 * "cquin", "adjustments", "achievements", "withholds", "challenges". */
const char *bridge_cause_name(enum bridge_cause cause);

/* The rows at a point of the way: older submissions as the older terms and reference data see them, and so on. */
enum bridge_rows_at {
    ROWS_OLDER,     /* older submissions, reference data and rules */
    ROWS_REFERENCE, /* older submissions and rules, newer reference data */
    ROWS_ACTIVITY,  /* newer submissions and reference data, older rules */
    ROWS_RULES,     /* newer submissions, reference data and rules, older prices */
    ROWS_NEWER,     /* all newer */
    BRIDGE_ROWS
};

/* Statistics of one month, as the terms and reference data at that point ask for them. */
struct bridge_month_rows {
    const struct statistics *statistics; /* NULL: none */
    const struct statistics *const *others;
    size_t other_count;
};

/* Changes of rows that hold at once: decisions, or decisions with the counter-calculation of challenges. */
struct bridge_changes {
    const struct row_change *change;
    size_t count;
};

/* One side. Its arrays hold for the year to `last`; what is of later months than a bridge's is left aside by position.
 * challenges: `countered` is not looked at; the counters below stand for it. */
struct bridge_side {
    struct position_input input;               /* month: last. annual and activity are not looked at */
    const struct terms_version *const *annual; /* for each month April .. last: in force in that month */
    /* For each month April .. last: those that hold for it; NULL when no terms look at reviews. */
    const struct review_periods *reviews[TERMS_MONTHS];
};

struct bridge_sides {
    struct bridge_side older;
    struct bridge_side newer;
    struct bridge_month_rows rows[BRIDGE_ROWS][TERMS_MONTHS];
    struct bridge_changes older_decisions[BRIDGE_ROWS]; /* the older decisions as they bear on those rows */
    struct bridge_changes newer_decisions;              /* on the newer rows */
    /* For each open challenge of the side, in order: decisions and the counter-calculations up to it, together. */
    const struct bridge_changes *older_counters[BRIDGE_ROWS];
    const struct bridge_changes *newer_counters; /* on the newer rows */
};

struct bridge_maker;
/* NULL: out of memory. */
struct bridge_maker *bridge_maker_new(const struct bridge_sides *sides);
void bridge_maker_free(struct bridge_maker *m);

#define BRIDGE_WORDS     300
#define BRIDGE_MAX_LINES 200

struct bridge_line {
    char *key;
    int64_t pence; /* moved by this cause */
    int64_t units;
};

struct bridge_step {
    bool changed;     /* the inputs of this cause differ */
    bool with_next;   /* it cannot stand without the next cause: its amount is in there */
    int64_t pence;    /* newer less older */
    int64_t billable; /* the same of the billable sum */
    int64_t after;    /* position after the step */
    int64_t billable_after;
    char what[BRIDGE_WORDS];  /* months, versions, indicators that changed, in words; "" when nothing did */
    struct bridge_line *line; /* lines that it moved, the largest sums first; none of BRIDGE_ENGINE */
    size_t count;             /* at most BRIDGE_MAX_LINES */
    size_t left_out;          /* lines beyond that, and their sum */
    int64_t left_out_pence;
};

struct bridge {
    int64_t older, newer; /* as their documents say; newer - older is the sum of the steps */
    int64_t billable_older, billable_newer;
    struct bridge_step step[BRIDGE_CAUSES];
};

/* What the documents of the two positions say of themselves. */
struct bridge_ends {
    month_t older_month, newer_month; /* one of them, or both, is the last */
    const char *older_engine, *newer_engine;
    int64_t older, newer; /* total pence */
    int64_t billable_older, billable_newer;
};

enum bridge_status {
    BRIDGE_DONE,
    BRIDGE_MISMATCH, /* one side, computed again by the same engine, is not what its document says */
    BRIDGE_PARKED,   /* one side cannot be computed from what was given: reason */
    BRIDGE_OVERFLOW,
    BRIDGE_NO_MEMORY
};

/* *out is filled for BRIDGE_DONE alone; free with bridge_free. reason: POSITION_REASON_SIZE bytes, for all but DONE. */
enum bridge_status bridge_make(struct bridge_maker *m, const struct bridge_ends *ends, struct bridge *out,
                               char *reason);
void bridge_free(struct bridge *b);

/* The bridge as the API gives it: api/formats/bridge.md. New reference; NULL: out of memory. */
json_t *bridge_json(const struct bridge *b);

#endif
