/* The engine alone, without database, network or files: how many positions of a whole year one processor computes in a
 * second, from statistics that were made once.
 *
 *   engine TERMS.json ROWS SECONDS     rows of each month; prints one line of JSON */
#include "base/json.h"
#include "base/parse.h"
#include "domain/activity.h"
#include "domain/position_document.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define COMMISSIONER "5QE"

static uint64_t state = 20120401;

static int64_t below(int64_t bound)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (int64_t)(state % (uint64_t)bound);
}

static void must(bool fine, const char *what)
{
    if (!fine) {
        (void)fprintf(stderr, "engine: %s\n", what);
        exit(1);
    }
}

static double now(void)
{
    struct timespec t;
    must(clock_gettime(CLOCK_MONOTONIC, &t) == 0, "no clock");
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static struct terms *read_terms(const char *path)
{
    static char bytes[1 << 20];
    struct json_problem problem;
    json_error_t error;
    FILE *file = fopen(path, "r");
    must(file != NULL, "the terms cannot be opened");
    size_t length = fread(bytes, 1, sizeof bytes, file);
    (void)fclose(file);
    json_t *json = json_loadb(bytes, length, 0, &error);
    must(json != NULL, "the terms are no JSON");
    struct terms *terms = terms_parse(json, &problem);
    json_decref(json);
    must(terms != NULL, "the terms are refused");
    return terms;
}

/* Open rows, some admitted, some ended, a few assessments. */
static void random_row(struct episode *e, month_t month, const struct terms *t)
{
    memset(e, 0, sizeof *e);
    cluster_code(t->price[below(t->price_count)].cluster, e->cluster);
    (void)snprintf(e->episode_id, sizeof e->episode_id, "E%lld", (long long)below(1000000000));
    for (size_t i = 0; i < sizeof e->patient; i++)
        e->patient[i] = (uint8_t)below(256);
    e->start_date = month_first(month) + 20 - (date_t)below(700);
    e->end_date = below(10) == 0 ? month_first(month) + 20 + (date_t)below(20) : DATE_NONE;
    e->mhct_date = e->start_date;
    e->referral_date = e->start_date;
    e->last_contact = DATE_NONE;
    e->mhct_reason = 10;
    e->admitted_days = (int16_t)(below(8) == 0 ? below(31) : 0);
    e->failed = below(20) == 0 ? rule_set_of(RULE_R01) : 0;
}

static void make_month(struct statistics *out, month_t month, const struct terms *t, int64_t rows)
{
    struct statistics_builder *b = statistics_builder_new(month, true);
    must(b != NULL, "no memory");
    for (int64_t i = 0; i < rows; i++) {
        struct episode e;
        random_row(&e, month, t);
        must(statistics_builder_add(b, &e, 1) == STATISTICS_ADDED, "too many kinds of rows");
    }
    must(statistics_builder_make(b, out), "no memory");
    statistics_builder_free(b);
}

struct year {
    struct terms_version version;
    struct statistics statistics[TERMS_MONTHS];
    struct activity_month months[TERMS_MONTHS];
    struct position_month inputs[TERMS_MONTHS];
};

static void one_position(const struct year *y, bool document)
{
    const struct activity_input rows = {COMMISSIONER, y->months, TERMS_MONTHS, NULL, 0};
    struct activity_lines lines;
    struct position position;
    char reason[POSITION_REASON_SIZE];
    must(activity_value(&rows, &lines) == ACTIVITY_DONE, "the activity has no value");
    const struct position_input in = {.provider = "RXA",
                                      .contract = "bcdfghjklmnpqrstvwxz",
                                      .commissioner = COMMISSIONER,
                                      .financial_year = y->version.terms->financial_year,
                                      .month = y->months[TERMS_MONTHS - 1].month,
                                      .months = y->inputs,
                                      .annual = &y->version,
                                      .activity = &lines};
    must(position_compute(&in, &position, reason) == POSITION_DONE, reason);
    if (document) {
        size_t length;
        char *bytes = position_document_bytes(&in, &position, &length);
        must(bytes != NULL, "no memory");
        free(bytes);
    }
    position_free(&position);
    activity_lines_free(&lines);
}

static double rate(const struct year *y, bool document, int64_t seconds)
{
    double begun = now();
    int64_t done = 0;
    while (now() - begun < (double)seconds) {
        one_position(y, document);
        done++;
    }
    return (double)done / (now() - begun);
}

int main(int argc, char **argv)
{
    static struct year y;
    int64_t rows = 0;
    int64_t seconds = 0;
    must(argc == 4 && parse_i64(argv[2], strlen(argv[2]), &rows) && parse_i64(argv[3], strlen(argv[3]), &seconds),
         "usage: engine TERMS.json ROWS SECONDS");
    struct terms *terms = read_terms(argv[1]);
    size_t kinds = 0;
    y.version = (struct terms_version){1, 0, "0000000000000000000000000000000000000000000000000000000000000000", terms};
    for (int k = 0; k < TERMS_MONTHS; k++) {
        month_t month = financial_year_first(terms->financial_year) + k;
        make_month(&y.statistics[k], month, terms, rows);
        kinds += (size_t)y.statistics[k].class_count + y.statistics[k].candidate_count;
        y.months[k] = (struct activity_month){month, terms, NULL, &y.statistics[k], NULL, 0};
        y.inputs[k] =
            (struct position_month){.month = month,
                                    .terms = &y.version,
                                    .submission = "bcdfghjklmnpqrstvwxz",
                                    .sha256 = "0000000000000000000000000000000000000000000000000000000000000000",
                                    .known_from = k + 1};
    }
    (void)printf("{\"rows\":%lld,\"classes_and_candidates\":%zu,\"positions_per_second\":%.1f,"
                 "\"with_documents_per_second\":%.1f}\n",
                 (long long)rows * TERMS_MONTHS, kinds, rate(&y, false, seconds), rate(&y, true, seconds));
    for (int k = 0; k < TERMS_MONTHS; k++)
        statistics_free(&y.statistics[k]);
    terms_free(terms);
    return 0;
}
