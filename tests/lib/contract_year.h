/* Random contract-years for the property tests: terms in several versions, rows of every month, achievements.
 * Everything follows from the seed. The same case can be written as JSON for the second implementation
 * (tests/reference/position.py). */
#ifndef RECKONER_TESTS_CONTRACT_YEAR_H
#define RECKONER_TESTS_CONTRACT_YEAR_H

#include "domain/position_document.h"

#define YEAR_VERSIONS     4
#define YEAR_ACHIEVEMENTS 4

struct year_row {
    char episode[21];
    char patient[17];
    char service[13];
    char commissioner[7];
    struct activity_row facts; /* its texts point into this struct and to the cluster table */
    char cluster[3];
    bool payable;
};

struct contract_year {
    uint64_t random;
    struct terms *terms[YEAR_VERSIONS];
    char digest[YEAR_VERSIONS][65];
    struct terms_version version[YEAR_VERSIONS];
    size_t versions;
    struct year_row *rows[TERMS_MONTHS];
    size_t row_count[TERMS_MONTHS];
    char sha256[TERMS_MONTHS][65];
    bool missing[TERMS_MONTHS];
    struct position_achievement achievement[YEAR_ACHIEVEMENTS];
    size_t achievements;
    struct review_periods reviews;
};

/* Next random number below a bound (> 0). */
uint64_t year_random(struct contract_year *y, uint64_t below);

/* A new random year; free with contract_year_free. Aborts the test when its own terms are refused. */
struct contract_year *contract_year_new(uint64_t seed);
void contract_year_free(struct contract_year *y);

/* Lines of the months to m from the rows, in an order that a second seed shuffles. */
struct activity_lines contract_year_lines(const struct contract_year *y, month_t m, instant_t known_at,
                                          uint64_t shuffle);
/* position(m) as known at an instant. On POSITION_DONE *document is the canonical document (free), if not NULL. */
enum position_status contract_year_position(const struct contract_year *y, month_t m, instant_t known_at,
                                            uint64_t shuffle, struct position *out, char **document);

/* The case for the second implementation: one line of JSON. New reference. */
json_t *contract_year_case(const struct contract_year *y, month_t m, instant_t known_at);

/* RECKONER_SEED and RECKONER_ROUNDS, or a fixed seed and the rounds given; prints what it takes. */
uint64_t property_seed(void);
uint64_t property_rounds(uint64_t standard);

/* Parses terms from JSON text in which ' stands for "; aborts the test when they are refused. */
struct terms *terms_of(const char *text);

#endif
