#include "lib/position_account.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct position_account account_of(const char *parts)
{
    struct position_account a = {0};
    char text[4000];
    (void)snprintf(text, sizeof text,
                   "{'@purpose':'reckoner/terms/1','mode':'shadow','financial_year':2012,'effective_from':'2012-04',"
                   "'prices':[{'cluster':'04','basis':'DAY','pence':1},{'cluster':'11','basis':'DAY','pence':1}],"
                   "'calendar':{'flex':{'operational_days':5},'freeze':{'operational_days':20}}%s%s}",
                   parts[0] == '\0' ? "" : ",", parts);
    a.terms = terms_of(text);
    a.terms->shadow = false;
    return a;
}

void activity(struct position_account *a, month_t month, int cluster, int64_t pence)
{
    a->line[a->activity.count++] = (struct activity_line){.month = month,
                                                          .cluster = (int16_t)cluster,
                                                          .basis = BASIS_DAY,
                                                          .price_pence = 1,
                                                          .units = pence,
                                                          .pence = pence};
}

void achieved(struct position_account *a, const char *indicator, int64_t numerator, int64_t denominator)
{
    a->achievement[a->achievements++] =
        (struct position_achievement){.indicator = indicator, .numerator = numerator, .denominator = denominator};
}

void challenged(struct position_account *a, int64_t claimed, int64_t pence, bool billed)
{
    size_t i = a->challenges++;
    memcpy(a->countered_line[i], a->line, sizeof a->line);
    a->countered_line[i][0].pence = pence;
    a->countered[i].count = a->activity.count;
    a->challenge[i] = (struct position_challenge){.number = (int64_t)i + 1, .claimed_pence = claimed, .billed = billed};
}

struct position_input account_input(struct position_account *a, month_t m)
{
    a->version = (struct terms_version){.version = 1, .digest = "00", .terms = a->terms};
    a->activity.line = a->line;
    for (int32_t k = 0; k < TERMS_MONTHS; k++) {
        a->month[k].month = APRIL + k;
        a->month[k].terms = &a->version;
        if (a->month[k].source == MONTH_RECEIVED) {
            a->month[k].submission = "s";
            a->month[k].sha256 = "00";
        }
    }
    for (size_t i = 0; i < a->challenges; i++) {
        a->countered[i].line = a->countered_line[i];
        a->challenge[i].countered = &a->countered[i];
    }
    return (struct position_input){.provider = "RXA",
                                   .contract = "c",
                                   .commissioner = "5QE",
                                   .financial_year = 2012,
                                   .month = m,
                                   .months = a->month,
                                   .annual = &a->version,
                                   .achievements = a->achievement,
                                   .achievement_count = a->achievements,
                                   .activity = &a->activity,
                                   .adjustments = a->adjustment,
                                   .adjustment_count = a->adjustments,
                                   .withholds = a->withhold,
                                   .withhold_count = a->withholds,
                                   .decisions = a->decision,
                                   .decision_count = a->decisions,
                                   .challenges = a->challenge,
                                   .challenge_count = a->challenges};
}

enum position_status compute(struct position_account *a, month_t m, struct position *p)
{
    struct position_input in = account_input(a, m);
    return position_compute(&in, p, a->reason);
}

struct position done(struct position_account *a, month_t m)
{
    struct position p;
    ck_assert_int_eq(compute(a, m, &p), POSITION_DONE);
    struct position figures = p;
    figures.line = NULL;
    figures.notes = NULL;
    position_free(&p);
    return figures;
}

const struct position_line *line_of(const struct position *p, const char *key)
{
    for (size_t i = 0; i < p->count; i++) {
        if (strcmp(p->line[i].key, key) == 0) {
            return &p->line[i];
        }
    }
    ck_abort_msg("no line %s", key);
    return NULL;
}

int64_t pence_of(const struct position *p, const char *key)
{
    return line_of(p, key)->pence;
}
