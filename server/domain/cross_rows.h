/* Rules that need several rows of one submission: D07-D10, A01 and `continues` (rows of one patient), F10 (a patient's
 * NHS numbers), F09 (an NHS number's patients), F11 (an episode id's rows). The caller spools fixed-size records into
 * partitions, so that one partition fits in memory; each function takes all records of one partition, sorts them
 * and reports. Identities enter as keyed hashes only: records may lie in temporary files. */
#ifndef RECKONER_DOMAIN_CROSS_ROWS_H
#define RECKONER_DOMAIN_CROSS_ROWS_H

#include "domain/row_checker.h"

enum { CROSS_HAS_ERROR = 1, CROSS_ASSESSMENT_ONLY = 2, CROSS_ASSESSMENT = 4, CROSS_OPEN = 8, CROSS_NHS = 16 };

struct cross_row {
    uint8_t patient[16]; /* keyed hash of patient_id */
    uint8_t nhs[16];     /* keyed hash of the NHS number; zero without one */
    char episode_id[20]; /* padded with NUL */
    uint32_t row_no;
    date_t start;
    date_t end;
    date_t referral;
    date_t referral_end;
    date_t mhct;
    uint32_t flags;
    char commissioner[8]; /* as sent, padded with NUL; longer ones are cut and in error */
    uint32_t tag;         /* what the caller wants to know of the row again; 0 from cross_row_make */
};

struct cross_nhs {
    uint8_t nhs[16];
    uint8_t patient[16];
    uint32_t row_no;
};

struct cross_episode {
    uint64_t hash; /* cross_episode_hash of the id */
    char episode_id[20];
    uint32_t row_no;
};

/* Fill the records of a checked row. false when the row takes no part: no usable patient id (P01); no valid NHS number
 * or no usable patient id; no episode id. nhs is the keyed hash of row->nhs_digits, or NULL when that is empty. */
bool cross_row_make(struct cross_row *out, const struct checked_row *row, month_t month, const uint8_t patient[16],
                    const uint8_t *nhs);
bool cross_nhs_make(struct cross_nhs *out, const struct checked_row *row, const uint8_t patient[16],
                    const uint8_t *nhs);
bool cross_episode_make(struct cross_episode *out, const struct checked_row *row);

/* Partition 0..partitions-1 of a hash. */
unsigned cross_partition(const uint8_t hash[16], unsigned partitions);
uint64_t cross_episode_hash(const char episode_id[20]);
unsigned cross_episode_partition(uint64_t hash, unsigned partitions);

/* Findings arrive grouped by patient, NHS number or episode id; at most one per rule and row. For F09-F11 the finding
 * names the later of the rows; there is one for each row behind the first. */
struct cross_events {
    void *context;
    void (*finding)(void *context, const struct finding *finding);
    /* Another row of the patient starts on this row's closing day. */
    void (*continues)(void *context, uint32_t row_no);
    /* All rows of a patient in order of start. May be NULL. */
    void (*patient)(void *context, const struct cross_row *rows, size_t count);
};

/* All records of one partition; puts them in another order. false: out of memory (it needs as much again). */
bool cross_check_patients(struct cross_row *rows, size_t count, month_t month, const struct cross_events *events);
bool cross_check_nhs(struct cross_nhs *rows, size_t count, const struct cross_events *events);
bool cross_check_episodes(struct cross_episode *rows, size_t count, const struct cross_events *events);

#endif
