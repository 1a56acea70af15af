/* What each provider-level indicator is (spec 2), as data: what its numerator and denominator count, what its value is
 * and when it is pointed out. Pure. */
#ifndef RECKONER_DOMAIN_INDICATOR_H
#define RECKONER_DOMAIN_INDICATOR_H

#include "domain/rules.h"

enum indicator_id {
    INDICATOR_CASELOAD_CLUSTERED,
    INDICATOR_WITHIN_REVIEW,
    INDICATOR_OVERRIDES,
    INDICATOR_CLUSTER_00,
    INDICATOR_UNKNOWN_RATINGS,
    INDICATOR_MEAN_PRICE,
    INDICATOR_CASE_MIX_DRIFT,
    INDICATOR_TRANSITIONS,
    INDICATOR_DISCHARGE_MHCT,
    INDICATOR_GRID_MUST,
    INDICATOR_GRID_EXPECTED,
    INDICATOR_LOW_ON_WARD,
    INDICATOR_LATE,
    INDICATOR_REPLACED,
    INDICATOR_COUNT
};

enum indicator_form {
    INDICATOR_SHARE, /* the numerator is a part of the denominator */
    INDICATOR_RATIO, /* two counts beside each other */
    INDICATOR_MEAN,  /* the numerator spread over the denominator */
    INDICATOR_CHANGE /* from the denominator to the numerator */
};

/* One indicator, described once: the API, its text form and the guides say what stands here. */
struct indicator {
    const char *id;
    const char *name;
    const char *numerator; /* what each counts */
    const char *denominator;
    enum indicator_form form;
    bool counts_patients;        /* counts of 1 to 4 are hidden */
    bool by_service;             /* also told by service */
    bool counted;                /* by the pass over a file; the others are made of several submissions */
    enum threshold_id threshold; /* above which it is pointed out, in ppm; THRESHOLD_NONE: never */
    const char *source;          /* national or service */
};

/* Static; never NULL for an enum value. */
const struct indicator *indicator_get(enum indicator_id id);
bool indicator_by_id(const char *text, enum indicator_id *out);

/* Value of a share, ratio or change in parts per million, of a mean as it is; halves away from zero. false: there is
 * none, as the denominator is 0 (or the result beyond 64 bits), or as a share would be more than the whole. */
bool indicator_value(enum indicator_id id, int64_t numerator, int64_t denominator, int64_t *value);
/* Whether a value stands above a threshold (a change: in either direction). false when the indicator has none. */
bool indicator_alerts(enum indicator_id id, int64_t value, int64_t threshold_ppm);

#endif
