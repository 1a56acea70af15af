/* Deterministic draws for the generator: a value depends on the seed and on what it is for, never on the order
 * of drawing, so that adding one more draw does not change the others. Not for secrets. */
#ifndef RECKONER_CLI_DEMO_RANDOM_H
#define RECKONER_CLI_DEMO_RANDOM_H

#include <stdint.h>

enum demo_purpose {
    DEMO_CASE_MIX = 1,
    DEMO_INITIAL,
    DEMO_INPATIENT,
    DEMO_WARD,
    DEMO_BED_DAYS,
    DEMO_START,
    DEMO_CLOSE,
    DEMO_NEXT,
    DEMO_REFERRAL,
    DEMO_MHCT,
    DEMO_REVIEW,
    DEMO_PAYER,
    DEMO_PRACTICE,
    DEMO_BIRTH,
    DEMO_RATING,
    DEMO_TEAM,
    DEMO_CONTACT,
    DEMO_LATE,
    DEMO_ASSESSMENT,
    DEMO_REASON,
    DEMO_FAULT,
    DEMO_DISCHARGE
};

/* 64 well-mixed bits of (seed, subject, detail, purpose). */
uint64_t demo_bits(uint64_t seed, uint64_t subject, uint32_t detail, enum demo_purpose purpose);
/* The same, in [0, n); n > 0. */
uint32_t demo_below(uint64_t seed, uint64_t subject, uint32_t detail, enum demo_purpose purpose, uint32_t n);

#endif
