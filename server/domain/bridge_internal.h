/* Shared by the files that make a bridge; nobody else includes it. */
#ifndef RECKONER_DOMAIN_BRIDGE_INTERNAL_H
#define RECKONER_DOMAIN_BRIDGE_INTERNAL_H

#include "domain/bridge.h"

/* Activity at a point of the way: valued once for the year, cut to the month of each bridge. */
struct bridge_valued {
    bool made;
    enum activity_status status;
    struct activity_lines lines;
    struct activity_lines *countered; /* one for each open challenge */
    size_t countered_count;
};

/* Which parts differ between two versions of the terms: bit 1 << enum bridge_cause. */
struct bridge_versions {
    const struct terms_version *older;
    const struct terms_version *newer;
    uint32_t parts;
};

#define BRIDGE_MAX_VERSIONS 32

struct bridge_maker {
    const struct bridge_sides *sides;
    int32_t last;     /* months of the year that the sides hold */
    int32_t boundary; /* months behind this place are the newer side's from the first step on */
    int32_t through;  /* months that are valued behind the first step */
    /* By the cause that led there; the place of BRIDGE_ENGINE, which changes no rows, is that of the older side. */
    struct bridge_valued valued[BRIDGE_CAUSES];
    struct bridge_versions versions[BRIDGE_MAX_VERSIONS];
    size_t version_count;
};

#define BRIDGE_START BRIDGE_ENGINE

/* A point of the way. */
struct bridge_state {
    struct bridge_maker *maker;
    const struct bridge_ends *ends;
    bool taken[BRIDGE_CAUSES]; /* from the newer side */
    enum bridge_cause rows;    /* the last cause that changed rows or their value: place in valued */
    int32_t shared;            /* months that both positions have */
    struct terms month_terms[TERMS_MONTHS];
    struct terms_version month_version[TERMS_MONTHS];
    struct position_month months[TERMS_MONTHS];
    struct terms annual_terms;
    struct terms_version annual_version;
};

/* Whether the inputs of a cause differ, as far as the months of the two positions go, and how in words. */
bool bridge_differs(struct bridge_state *s, enum bridge_cause cause, char what[BRIDGE_WORDS]);

/* The position at this point, lines without derivations. reason: POSITION_REASON_SIZE bytes. */
enum position_status bridge_position(struct bridge_state *s, struct position *out, char *reason);
void bridge_valued_free(struct bridge_valued *v);

/* Fills what lines a step moved. false: out of memory. */
bool bridge_compare(const struct position *before, const struct position *after, struct bridge_step *step);

/* Versions in force: of a month (0 is April), and for the annual parts. */
const struct terms_version *bridge_month_version(const struct bridge_side *side, int32_t k);
const struct terms_version *bridge_annual(const struct bridge_side *side, month_t month);

#endif
