/* inputs.json of a bundle (api/formats/bundle.md): what a position is computed from beside rows and terms. Pure. */
#ifndef RECKONER_DOMAIN_BUNDLE_INPUTS_H
#define RECKONER_DOMAIN_BUNDLE_INPUTS_H

#include "domain/position.h"

#define BUNDLE_INPUTS_PURPOSE "reckoner/inputs/1"

/* What was decided or is claimed of a row: one of the three is set. */
struct bundle_change {
    month_t month;
    int32_t row;          /* row_no */
    int16_t cluster;      /* -1: as it is */
    int32_t payable_days; /* -1: as it is */
    bool not_payable;
};

struct bundle_decision {
    struct bundle_change change;
    int64_t number;
    const char *row_sha256;
    instant_t agreed_at;
};

/* A row moved from one commissioner to another, one of whom is the account's. */
struct bundle_move {
    month_t month;
    int32_t row;
    int64_t number;
    const char *row_sha256;
    const char *from;
    const char *to;
    const char *tag; /* of a row moved in: its patient for this account; else NULL */
    instant_t agreed_at;
};

struct bundle_challenge {
    struct position_challenge challenge; /* countered NULL */
    month_t month;
    struct bundle_change *rows; /* owned */
    size_t row_count;
};

struct bundle_row {
    month_t month;
    int32_t row;
};

struct bundle_same_day {
    month_t month;
    int32_t *rows; /* owned; in the order of their episode ids */
    size_t count;
};

struct bundle_terms_known {
    int32_t version;
    instant_t known_from;
    const char *sha256;
};

/* Documents of settlement and opening entries: what was billed before. */
struct bundle_billed {
    int64_t number; /* of a document; of an opening entry 0 */
    const char *document;
    const char *kind;
    int64_t pence;
};

/* Texts live in json; lists are owned. */
struct bundle_inputs {
    json_t *json;
    const char *provider;
    const char *contract;
    const char *commissioner;
    const char *engine;
    int32_t financial_year;
    month_t month; /* of the run */
    instant_t known_at;
    /* April .. March. terms is NULL until they are read; version 0: no submission. */
    struct position_month months[TERMS_MONTHS];
    int64_t version[TERMS_MONTHS]; /* of the submission */
    int64_t erased[TERMS_MONTHS];
    struct review_periods reviews[TERMS_MONTHS]; /* as they held for the month */
    char reviews_sha256[TERMS_MONTHS][65];
    struct bundle_terms_known *terms;
    size_t terms_count;
    struct position_achievement *achievements;
    size_t achievement_count;
    struct position_adjustment *adjustments;
    size_t adjustment_count;
    struct position_withhold *withholds;
    size_t withhold_count;
    struct bundle_decision *decisions;
    size_t decision_count;
    struct bundle_move *moves;
    size_t move_count;
    struct bundle_challenge *challenges;
    size_t challenge_count;
    struct bundle_row *elsewhere;
    size_t elsewhere_count;
    struct bundle_same_day *same_days;
    size_t same_day_count;
    struct bundle_billed *documents;
    size_t document_count;
    struct bundle_billed *openings;
    size_t opening_count;
};

/* Reads the canonical bytes. false: *problem says where and what; nothing is to be freed. */
bool bundle_inputs_read(const char *bytes, size_t length, struct bundle_inputs *out, struct json_problem *problem);
void bundle_inputs_free(struct bundle_inputs *in);

#endif
