/* The made-up patients and episodes of one trust over the first three months of FY 2012. Pure. */
#ifndef RECKONER_CLI_DEMO_POPULATION_H
#define RECKONER_CLI_DEMO_POPULATION_H

#include "base/date.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DEMO_MONTHS   3
#define DEMO_CLUSTERS 22
#define DEMO_PAYERS   3

/* How many patients of a hundred thousand each cluster has; index = cluster number. */
struct demo_case_mix {
    uint32_t weight[DEMO_CLUSTERS];
    uint32_t total;
};

/* One trust as the generator makes it. */
struct demo_trust {
    const char *code;                  /* ODS */
    char prefix;                       /* of its patient and episode ids */
    uint32_t open_at_start;            /* episodes open on the first day */
    const char *payers[DEMO_PAYERS];   /* commissioners; NULL from the end on */
    uint32_t payer_share[DEMO_PAYERS]; /* of 100 patients */
    uint32_t first_number;             /* where its patients' NHS numbers begin in the 999 range, 0..999999 */
    uint32_t end_number;
};

struct demo_episode {
    uint32_t patient;
    uint32_t number; /* six digits behind 999; 1000000 = none */
    date_t start;
    date_t end; /* first day not in the cluster; DATE_NONE while open at the end of the quarter */
    date_t referral;
    date_t mhct;         /* as it stood before any review in the quarter */
    uint8_t mhct_reason; /* of that MHCT */
    uint8_t cluster;
    uint8_t initial;
    uint8_t payer;    /* index into demo_trust.payers */
    uint8_t fault;    /* kind of fault planted in the month at hand (cli/demo_fault.h); 0 = none */
    bool fault_stays; /* ... and not mended by the corrected upload */
    bool inpatient;
    bool assessment_only;
    bool moved_on; /* another episode of the patient starts on its end */
    bool moved_in; /* it follows another episode of the patient */
    bool late;     /* recorded only after the month's second upload */
};

struct demo_population {
    struct demo_episode *episodes; /* owned */
    uint32_t count;
    uint32_t capacity;
    uint32_t patients;
};

/* First month of the quarter: April 2012. */
month_t demo_first_month(void);
/* Fills the population; months 1..3 of activity. false when memory ran out (the population is empty then). */
bool demo_populate(struct demo_population *p, const struct demo_trust *trust, const struct demo_case_mix *mix,
                   uint64_t seed, uint32_t months);
void demo_population_free(struct demo_population *p);

/* Whether the episode belongs in a file of the month: open on any day of it, or opened or closed in it. */
bool demo_in_month(const struct demo_episode *e, month_t m);
/* The MHCT as known at the end of the month, after reviews in time; *reason is set too. */
date_t demo_mhct_at(const struct demo_episode *e, uint64_t seed, uint32_t index, month_t m, uint8_t *reason);
/* The check digit behind 999 and six digits; -1 where modulus 11 gives ten and the number is not used. */
int demo_check_digit(uint32_t six_digits);

#endif
