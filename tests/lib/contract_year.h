/* Random contract-years for the property tests: terms in several versions, rows of every month, what the parties
 * agreed, imposed, decided and challenged. Everything follows from the seed. The same case can be written as JSON for
 * the second implementation (tests/lib/second_runs.py). */
#ifndef RECKONER_TESTS_CONTRACT_YEAR_H
#define RECKONER_TESTS_CONTRACT_YEAR_H

#include "lib/rounds.h"

#include "domain/activity.h"
#include "domain/billing.h"
#include "domain/payability.h"
#include "domain/position_document.h"

#define YEAR_COMMISSIONER "5QE"
#define YEAR_OTHER        "5QF"
#define YEAR_APRIL        (2012 * 12 + 3)
#define YEAR_VERSIONS     8
#define YEAR_MANY         8 /* most of each of the arrays below */
#define YEAR_AGREED       20
#define YEAR_ALL_KNOWN    INT64_C(9000000)

struct year_row {
    struct episode row;
    char patient_id[17];
};

/* A row as decided, re-attributed or counter-calculated. */
struct year_change {
    month_t month;
    size_t row;           /* place in rows[k] */
    int16_t cluster;      /* -1: as it is */
    int32_t payable_days; /* -1: as it is */
    bool not_payable;
    const char *to; /* commissioner it is moved to; NULL: stays */
    instant_t agreed_at;
};

struct year_challenge {
    int64_t number;
    int64_t claimed_pence;
    bool billed;
    instant_t raised_at;
    instant_t closed_at;
    struct year_change row[3];
    size_t rows;
};

/* A month agreed to be zero or estimated. */
struct year_agreed {
    month_t month;
    enum month_source source;
    instant_t agreed_at;
};

/* A document issued elsewhere before. */
struct year_opening {
    int64_t pence;
    instant_t agreed_at;
};

struct contract_year {
    uint64_t random;
    const char *account; /* the commissioner whose position it is: YEAR_COMMISSIONER, unless set otherwise */
    struct terms *terms[YEAR_VERSIONS];
    char digest[YEAR_VERSIONS][65];
    struct terms_version version[YEAR_VERSIONS];
    size_t versions;
    struct year_row *rows[TERMS_MONTHS];
    size_t row_count[TERMS_MONTHS];
    char sha256[TERMS_MONTHS][65];
    bool missing[TERMS_MONTHS];
    struct year_agreed agreed[YEAR_AGREED];
    size_t agreed_count;
    struct position_achievement achievement[YEAR_MANY];
    size_t achievements;
    struct position_adjustment adjustment[YEAR_MANY];
    size_t adjustments;
    struct position_withhold withhold[YEAR_MANY];
    size_t withholds;
    struct year_change change[YEAR_MANY];
    size_t changes;
    struct year_challenge challenge[YEAR_MANY]; /* in order of number */
    size_t challenges;
    struct year_opening opening[YEAR_MANY];
    size_t openings;
    struct review_periods reviews;
    char reviews_sha256[65];
};

/* Next random number below a bound (> 0); whether something of so many percent happens; low..high. */
uint64_t year_random(struct contract_year *y, uint64_t below);
bool year_chance(struct contract_year *y, uint64_t percent);
int64_t year_between(struct contract_year *y, int64_t low, int64_t high);
/* Check writes a mark to a file for each of its assertions; in loops like these that would be most of the work. */
void year_must(bool holds);

/* A new random year; free with contract_year_free. Aborts the test when its own terms are refused. */
struct contract_year *contract_year_new(uint64_t seed);
void contract_year_free(struct contract_year *y);
/* Makes all its rows of two patients and one referral, and of either commissioner by turns, with decisions on clusters
 * in place of all else that was decided: assessments that claim by a decision alone. */
void contract_year_crowd(struct contract_year *y);

/* Random terms (year_terms.c). New reference. */
json_t *year_random_terms(struct contract_year *y, bool shadow, bool first);
/* A cluster that the random terms and rows use. */
const char *year_random_cluster(struct contract_year *y);

/* Lines of the months to m, decisions applied and the first so many open challenges countered. */
struct activity_lines contract_year_lines(const struct contract_year *y, month_t m, instant_t known_at,
                                          uint64_t shuffle, size_t countered);
/* position(m) as known at an instant. On POSITION_DONE *document is the canonical document (free), if not NULL. */
enum position_status contract_year_position(const struct contract_year *y, month_t m, instant_t known_at,
                                            uint64_t shuffle, struct position *out, char **document);
/* Whether it is open at the instant and on a row of the year to m. */
bool year_challenge_open(const struct year_challenge *c, month_t m, instant_t known_at);
/* The version in force for month k (0 is April); NULL: none. */
const struct terms_version *year_version(const struct contract_year *y, int32_t k, instant_t known_at);

/* Review periods as inputs state them. New reference. */
json_t *contract_year_reviews(const struct contract_year *y);
/* What stands for the digest of the row that change i is of; out holds 65 bytes. */
void contract_year_row_sha256(size_t i, char *out);
/* The case for the second implementation (year_case.c): one line of JSON. New reference. */
json_t *contract_year_case(const struct contract_year *y, month_t m, instant_t known_at);
/* Adds to a case what was billed so far: the sum of the documents of settlement, the month of the position billed last
 * (0: none), and the opening entries. The answer then says what a billing run of a month and type bills, and whether
 * the sanity bound parks it. */
void contract_year_case_bill(json_t *object, const struct contract_year *y, int64_t documents, month_t billed_to,
                             month_t run, const char *type);

/* What is set off against position(m) and the yearly sum of the instalments (-1: billing is actual), as the terms and
 * the opening entries known at the instant say. POSITION_PARKED: the plan of the year cannot be computed. */
enum position_status contract_year_set_off(const struct contract_year *y, month_t m, instant_t known_at,
                                           struct bill_set_off *off, int64_t *eacv);

/* One version more: the one in force in month k, which has a sanity bound, without it, in effect from that month on. */
void contract_year_lift_bound(struct contract_year *y, int32_t k);

/* Other rows of month k, as a late file has them. What was said of its rows before must be forgotten by the caller. */
void contract_year_replace_month(struct contract_year *y, int32_t k);
/* The rows of month k with some of them changed or left out. */
void contract_year_amend_month(struct contract_year *y, int32_t k);

/* Parses terms from JSON text in which ' stands for "; aborts the test when they are refused. */
struct terms *terms_of(const char *text);

#endif
