/* The frame of the clauses, and those of scope, prices, plan, factor and block. */
#include "domain/terms_clauses.h"

#include "base/buf.h"
#include "base/parse.h"
#include "domain/money.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Longest text of one clause; a plan line or a list of services may be long. */
#define CLAUSE_MAX_TEXT 20000

static const char *const titles[SECTION_COUNT] = {"Scope",
                                                  "Parties",
                                                  "Prices",
                                                  "Plan",
                                                  "Factor",
                                                  "Block payments",
                                                  "Volume bands",
                                                  "Risk share",
                                                  "CQUIN",
                                                  "Withholds",
                                                  "Rules of validation",
                                                  "Billing",
                                                  "Calendar",
                                                  "Worked examples"};
static const char *const absent[SECTION_COUNT] = {
    "",
    "The parties are not named in these terms.",
    "There is no price.",
    "There is no plan.",
    "",
    "There are no block payments.",
    "There are no volume bands: every unit is paid in full.",
    "There is no risk share: activity is paid in full, above and below plan.",
    "There is no CQUIN scheme.",
    "Nothing may be withheld.",
    "The standard rules hold unchanged.",
    "",
    "",
    "There is no worked example."};

const char *section_title(enum terms_section s)
{
    return titles[s];
}

const char *section_absent(enum terms_section s)
{
    return absent[s];
}

const char *clause_unit_name(enum clause_unit unit)
{
    static const char *const names[] = {"words", "pence", "ppm", "units"};
    return names[unit];
}

void clause_day(date_t day, char out[CLAUSE_WORD_SIZE])
{
    char month[CLAUSE_WORD_SIZE];
    clause_month(month_of(day), month);
    (void)snprintf(out, CLAUSE_WORD_SIZE, "%d %.20s", date_to_civil(day).day, month);
}

void clause_month(month_t month, char out[CLAUSE_WORD_SIZE])
{
    static const char *const names[] = {"January", "February", "March",     "April",   "May",      "June",
                                        "July",    "August",   "September", "October", "November", "December"};
    struct civil c = date_to_civil(month_first(month));
    (void)snprintf(out, CLAUSE_WORD_SIZE, "%s %d", names[c.month - 1], c.year);
}

void clause_count(int64_t count, char out[CLAUSE_WORD_SIZE])
{
    char pounds[MONEY_TEXT_SIZE];
    /* As pounds are written, without sign of the currency and pence; counts are far below a hundredth of 64 bits. */
    money_format(count * 100, pounds);
    const char *digits = strstr(pounds, "£") + strlen("£");
    (void)snprintf(out, CLAUSE_WORD_SIZE, "%.*s", (int)(strlen(digits) - 3), digits);
}

void terms_clauses_free(struct terms_clauses *c)
{
    for (size_t i = 0; i < c->count; i++) {
        free(c->clause[i].key);
        free(c->clause[i].text);
    }
    free(c->clause);
    memset(c, 0, sizeof *c);
}

bool clause_add(struct terms_clauses *c, enum terms_section section, enum clause_unit unit, int64_t number,
                const char *key, const char *format, ...)
{
    if (c->count == c->capacity) {
        size_t wanted = c->capacity == 0 ? 64 : c->capacity * 2;
        struct terms_clause *grown = realloc(c->clause, wanted * sizeof *grown);
        if (grown == NULL) {
            return false;
        }
        c->clause = grown;
        c->capacity = wanted;
    }
    struct terms_clause *clause = &c->clause[c->count];
    va_list arguments;
    *clause = (struct terms_clause){.section = section, .key = strdup(key), .unit = unit, .number = number};
    va_start(arguments, format);
    int length = vasprintf(&clause->text, format, arguments);
    va_end(arguments);
    if (length < 0) {
        clause->text = NULL;
    }
    c->count++;
    return clause->key != NULL && clause->text != NULL;
}

static bool add_scope(struct terms_clauses *c, const struct terms *t)
{
    char from[CLAUSE_WORD_SIZE];
    char first[CLAUSE_WORD_SIZE];
    char last[CLAUSE_WORD_SIZE];
    clause_month(t->effective_from, from);
    clause_day(month_first(financial_year_first(t->financial_year)), first);
    clause_day(month_first(financial_year_first(t->financial_year + 1)) - 1, last);
    return clause_add(c, SECTION_SCOPE, CLAUSE_WORDS, 0, "year", "These terms are for the year from %s to %s.", first,
                      last) &&
           clause_add(c, SECTION_SCOPE, CLAUSE_WORDS, 0, "effective_from", "They hold for the months from %s on.",
                      from) &&
           clause_add(c, SECTION_SCOPE, CLAUSE_WORDS, 0, "mode", "%s",
                      t->shadow
                          ? "They run in shadow: every amount is computed and shown, and the block payments alone "
                            "are billed."
                          : "They are live: what is computed is billed.") &&
           clause_add(c, SECTION_SCOPE, CLAUSE_WORDS, 0, "day_count", "%s",
                      t->end_inclusive
                          ? "The day on which a patient leaves a cluster is paid too, unless another row of the "
                            "patient starts on it."
                          : "The day on which a patient leaves a cluster is not paid.");
}

/* ", for 5QE, in service EIP1" */
static void qualifiers(const char *commissioner, const char *service, char out[80])
{
    (void)snprintf(out, 80, "%s%s%s%s", commissioner[0] != '\0' ? ", for " : "", commissioner,
                   service[0] != '\0' ? ", in service " : "", service);
}

static void what_is_paid(const struct terms_price *p, char out[160])
{
    static const char *const each[BASIS_COUNT] = {"for each day", "for each day admitted", "for each day not admitted",
                                                  "", "for an initial assessment, once for a patient and referral"};
    if (p->basis != BASIS_PERIOD) {
        (void)snprintf(out, 160, "%s", each[p->basis]);
    } else if (p->renewable) {
        (void)snprintf(out, 160,
                       "for a period of %d days from the start in the cluster, and again for each %d days "
                       "that follow",
                       p->period_days, p->period_days);
    } else {
        (void)snprintf(out, 160, "for one period of %d days from the start in the cluster", p->period_days);
    }
}

static void when_it_holds(const struct terms *t, const struct terms_price *p, char out[100])
{
    char from[CLAUSE_WORD_SIZE];
    char to[CLAUSE_WORD_SIZE];
    bool begins = p->from > month_first(financial_year_first(t->financial_year));
    bool ends = p->to < month_first(financial_year_first(t->financial_year + 1));
    clause_day(p->from, from);
    clause_day(p->to - 1, to);
    (void)snprintf(out, 100, "%s%s%s%s", begins ? ", from " : "", begins ? from : "", ends ? ", until " : "",
                   ends ? to : "");
}

static bool add_price(struct terms_clauses *c, const struct terms *t, const struct terms_price *p)
{
    char key[120];
    char code[3];
    char from[11];
    char pounds[MONEY_TEXT_SIZE];
    char paid[160];
    char when[100];
    char whose[80];
    cluster_code(p->cluster, code);
    date_format(p->from, from);
    money_format(p->pence, pounds);
    what_is_paid(p, paid);
    when_it_holds(t, p, when);
    qualifiers(p->commissioner, p->service, whose);
    (void)snprintf(key, sizeof key, "price/%s/%s/%s/%s/%s", code, basis_name(p->basis), p->commissioner, p->service,
                   from);
    return clause_add(c, SECTION_PRICES, CLAUSE_PENCE, p->pence, key, "Cluster %s: %s %s%s%s%s%s%s.", code, pounds,
                      paid, whose, when, p->includes != NULL ? " (includes " : "",
                      p->includes != NULL ? p->includes : "", p->includes != NULL ? ")" : "");
}

static bool add_plan_line(struct terms_clauses *c, const struct terms *t, const struct terms_plan_line *line)
{
    static const char *const counted[BASIS_COUNT] = {"days", "admitted days", "days not admitted", "days of periods",
                                                     "assessments"};
    char key[120];
    char code[3];
    char whose[80];
    char total[CLAUSE_WORD_SIZE];
    struct buf text;
    int64_t sum = 0;
    cluster_code(line->cluster, code);
    qualifiers(line->commissioner, line->service, whose);
    (void)snprintf(key, sizeof key, "plan/%s/%s/%s/%s", code, basis_name(line->basis), line->commissioner,
                   line->service);
    buf_init(&text, CLAUSE_MAX_TEXT);
    for (int k = 0; k < TERMS_MONTHS; k++) {
        char month[CLAUSE_WORD_SIZE];
        char units[CLAUSE_WORD_SIZE];
        clause_month(financial_year_first(t->financial_year) + k, month);
        clause_count(line->units[k], units);
        buf_append_format(&text, "%s%.3s %s", k == 0 ? "" : ", ", month, units);
        sum += line->units[k];
    }
    clause_count(sum, total);
    bool good =
        !text.failed && clause_add(c, SECTION_PLAN, CLAUSE_UNITS, sum, key, "Cluster %s, %s%s: %s; %s in the year.",
                                   code, counted[line->basis], whose, text.data, total);
    buf_free(&text);
    return good;
}

static bool add_sum(struct terms_clauses *c, const struct terms_sum *s, bool block)
{
    char key[160];
    char code[8];
    char month[CLAUSE_WORD_SIZE];
    char pounds[MONEY_TEXT_SIZE];
    char whose[80];
    month_format(s->month, code);
    clause_month(s->month, month);
    money_format(s->pence, pounds);
    qualifiers(s->commissioner, "", whose);
    if (block) {
        (void)snprintf(key, sizeof key, "block/%s/%s/%s", code, s->commissioner, s->label);
        return clause_add(c, SECTION_BLOCK, CLAUSE_PENCE, s->pence, key, "%s, %s%s: %s.", month, s->label, whose,
                          pounds);
    }
    (void)snprintf(key, sizeof key, "plan_sum/%s/%s", code, s->commissioner);
    return clause_add(c, SECTION_PLAN, CLAUSE_PENCE, s->pence, key, "%s%s: %s in all, the factor included.", month,
                      whose, pounds);
}

static bool add_priced_parts(struct terms_clauses *c, const struct terms *t)
{
    char factor[32];
    bool good = true;
    for (int32_t i = 0; good && i < t->price_count; i++) {
        good = add_price(c, t, &t->price[i]);
    }
    for (int32_t i = 0; good && i < t->plan_count; i++) {
        good = add_plan_line(c, t, &t->plan[i]);
    }
    for (int32_t i = 0; good && i < t->plan_sum_count; i++) {
        good = add_sum(c, &t->plan_sum[i], false);
    }
    format_factor_ppm(t->factor_ppm, factor);
    good = good && clause_add(c, SECTION_FACTOR, CLAUSE_PPM, t->factor_ppm, "factor",
                              "Activity and planned units are multiplied by %s.", factor);
    for (int32_t i = 0; good && i < t->block_count; i++) {
        good = add_sum(c, &t->block[i], true);
    }
    return good;
}

bool terms_clauses_of(const struct terms *t, struct terms_clauses *out)
{
    memset(out, 0, sizeof *out);
    return add_scope(out, t) && add_priced_parts(out, t) && clauses_of_sharing(out, t) && clauses_of_conduct(out, t);
}
