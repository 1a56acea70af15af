/* Rules that look back at what the provider sent for earlier months: D11 (an episode that comes back changed), R07
 * (assessed again too soon, into a dearer cluster), A01 across months; and the moves between clusters that the
 * indicators count. Source: spec 2, Dates, Care and Provider-level indicators.
 *
 * Each accepted submission leaves one record per row behind. When a later month is checked, its own rows and the
 * records of all earlier months are spooled into partitions by episode and by patient; the functions below judge one
 * partition at a time, as those of cross_rows.h do. Identities enter as keyed hashes only. Two of a million rows meet
 * in 64 bits by chance once in thirty million submissions; the worst is a question too many. */
#ifndef RECKONER_DOMAIN_HISTORY_H
#define RECKONER_DOMAIN_HISTORY_H

#include "domain/episode.h"
#include "domain/row_checker.h"

enum {
    HISTORY_PATIENT = 1, /* the patient id is usable (no P01) */
    HISTORY_OPEN = 2,    /* end_date is blank */
    HISTORY_CLOSED = 4,  /* end_date is one that can be: none of D03-D06 */
    HISTORY_ASSESSMENT_ONLY = 8,
    HISTORY_EARNS = 16, /* an assessment of its month without an ERROR: the first of its referral earns */
};

/* What a row leaves behind. */
struct history_record {
    uint64_t episode; /* keyed hash of the episode id, of this provider */
    uint64_t patient; /* first eight bytes of the patient's keyed hash */
    code_t commissioner;
    date_t start; /* DATE_NONE: not a date */
    date_t end;
    date_t mhct;
    date_t referral;
    int8_t cluster; /* 0..21 without 9, CLUSTER_NONE when it is no such code */
    uint8_t flags;
};

/* Of a row whose own rules and rules across rows are all known; episode is the keyed hash of its id. */
void history_record_make(struct history_record *out, const struct episode *row, month_t month, uint64_t episode);

/* A record as stored, little-endian:
 *   0 episode 8 · 8 patient 8 · 16 start 4 · 20 end 4 · 24 mhct 4 · 28 referral 4 (days since 1970-01-01, 80000000
 *   hexadecimal for none) · 32 commissioner 6 (ASCII, NUL behind shorter ones) · 38 cluster 1 (signed) · 39 flags 1 */
#define HISTORY_RECORD_SIZE 40
void history_encode(const struct history_record *record, uint8_t out[HISTORY_RECORD_SIZE]);
void history_decode(struct history_record *out, const uint8_t bytes[HISTORY_RECORD_SIZE]);

/* A row for D11, and one for the rules about a patient's assessments. row_no 0: of an earlier month. */
struct history_episode {
    uint64_t episode;
    uint64_t patient;
    date_t start;
    date_t end;
    month_t month;
    uint32_t row_no;
    int8_t cluster;
    uint8_t flags;
};
struct history_patient {
    uint64_t patient;
    code_t commissioner;
    date_t mhct;
    date_t referral;
    month_t month;
    uint32_t row_no;
    int8_t cluster;
    uint8_t flags;
};

/* The month under check, and what is dearer in it. */
struct history_scope {
    month_t month;
    const struct reference *reference;
};

void history_episode_make(struct history_episode *out, const struct history_record *record, month_t month,
                          uint32_t row_no);
/* false when the row has no part: without a usable patient, without an assessment that can be compared, or an earlier
 * row that says nothing about this month. */
bool history_patient_make(struct history_patient *out, const struct history_record *record,
                          const struct history_scope *scope, month_t month, uint32_t row_no);

/* From the cluster of the patient's assessment before to that of this one. LEVEL: the reference prices do not tell them
 * apart. */
enum history_move { HISTORY_MOVE_UP, HISTORY_MOVE_DOWN, HISTORY_MOVE_LEVEL, HISTORY_MOVES };

/* Findings are about rows of the month alone, at most one per rule and row. A row of which A01 was found within the
 * file may get it here once more; the caller keeps the first. */
struct history_events {
    void *context;
    void (*finding)(void *context, const struct finding *finding);
    /* The row brings an assessment, unseen before, that moves the patient to another cluster. */
    void (*moved)(void *context, uint32_t row_no, enum history_move move);
};

/* All records of one partition; puts them in another order. false: out of memory (it needs as much again).
 * D11: compared with the newest earlier month that has the episode. What was unusable then or now is not compared. An
 * episode that was closed is open again when its end is blank now or lies later. */
bool history_check_episodes(struct history_episode *rows, size_t count, const struct history_events *events);
/* R07 and moves: an assessment (mhct_date, cluster) is compared with the patient's latest one before that date, of this
 * month or earlier ones, rows of assessments alone left out; it is told once, by the first month that brings it. R07:
 * before half the review period of the cluster before has passed. A01: an assessment of the same patient, commissioner
 * and referral (or of the same date, without a referral) may have earned in an earlier month of the financial year. */
bool history_check_patients(struct history_patient *rows, size_t count, const struct history_scope *scope,
                            const struct history_events *events);

#endif
