/* An account for unit tests of the position: terms from a few members, activity given as pence month by month, and what
 * the parties did about it. */
#ifndef RECKONER_TESTS_POSITION_ACCOUNT_H
#define RECKONER_TESTS_POSITION_ACCOUNT_H

#include "lib/contract_year.h"

#define APRIL (2012 * 12 + 3)

/* An account whose activity is given as pence at a price of a penny a day in cluster 04, month by month. */
struct position_account {
    struct terms *terms;
    struct terms_version version;
    struct position_month month[TERMS_MONTHS];
    struct activity_line line[TERMS_MONTHS];
    struct activity_lines activity;
    struct position_achievement achievement[4];
    size_t achievements;
    struct position_adjustment adjustment[4];
    size_t adjustments;
    struct position_withhold withhold[4];
    size_t withholds;
    struct position_decision decision[2];
    size_t decisions;
    struct activity_line countered_line[4][TERMS_MONTHS];
    struct activity_lines countered[4];
    struct position_challenge challenge[4];
    size_t challenges;
    char reason[POSITION_REASON_SIZE];
};

/* parts: members behind the frame, in JSON with ' for ". Free with terms_free(a.terms). */
struct position_account account_of(const char *parts);
/* Adds activity: a line at a penny a day. In order of months. */
void activity(struct position_account *a, month_t month, int cluster, int64_t pence);
void achieved(struct position_account *a, const char *indicator, int64_t numerator, int64_t denominator);
/* Adds an open challenge whose counter-calculation makes the first line of activity so many pence. */
void challenged(struct position_account *a, int64_t claimed, int64_t pence, bool billed);

/* What the arrays above come to, for the year to m. Borrowed from a. */
struct position_input account_input(struct position_account *a, month_t m);
enum position_status compute(struct position_account *a, month_t m, struct position *p);
/* Computes and frees; the figures stay readable, the lines do not. */
struct position done(struct position_account *a, month_t m);
/* Of the line with that key; aborts the test when there is none. */
int64_t pence_of(const struct position *p, const char *key);
const struct position_line *line_of(const struct position *p, const char *key);

#endif
