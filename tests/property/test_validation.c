/* Random files with faults planted at random: the findings are the planted ones, all of them and no others, whatever
 * the format, the order of the columns and the pieces in which the bytes arrive. RECKONER_ROUNDS files are tried;
 * RECKONER_SEED repeats a run. */
#include "base/parse.h"
#include "lib/rounds.h"
#include "lib/upload.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static uint64_t state;

/* splitmix64 */
static uint64_t draw(void)
{
    uint64_t z = state += 0x9E3779B97F4A7C15u;
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9u;
    z = (z ^ z >> 27) * 0x94D049BB133111EBu;
    return z ^ z >> 31;
}

static unsigned below(unsigned n)
{
    if (n < 2)
        return 0;
    return (unsigned)(draw() % n);
}

static uint64_t number_from(const char *name, uint64_t fallback)
{
    const char *text = getenv(name);
    if (text == NULL || text[0] == '\0')
        return fallback;
    int64_t value;
    ck_assert_msg(parse_i64_within(text, strlen(text), 0, INT64_MAX, &value), "%s is no number: %s", name, text);
    return (uint64_t)value;
}

/* A fault: columns to change and the rules that must then fail. Faults of different groups do not meddle with one
 * another; a row takes at most one of each group. */
struct fault {
    const char *rules; /* "+" before those that a threshold decides: they are not asked of a refused file */
    struct {
        enum column column;
        const char *text;
    } change[4];
};

#define GROUP_END                                                                                                      \
    {                                                                                                                  \
        NULL,                                                                                                          \
        {                                                                                                              \
            {                                                                                                          \
                COLUMN_PROVIDER, NULL                                                                                  \
            }                                                                                                          \
        }                                                                                                              \
    }

static const struct fault number_faults[] = {{"P02", {{COLUMN_NHS_NUMBER, "9990000000"}}},
                                             {"P02", {{COLUMN_NHS_NUMBER, "99900O0001"}}},
                                             {"P03", {{COLUMN_NHS_NUMBER, ""}}},
                                             {"P04", {{COLUMN_NHS_NUMBER_STATUS, "07"}}},
                                             {"P05", {{COLUMN_NHS_NUMBER_STATUS, "11"}}},
                                             {"P02 P04", {{COLUMN_NHS_NUMBER, "77"}, {COLUMN_NHS_NUMBER_STATUS, "07"}}},
                                             {"P03 P05", {{COLUMN_NHS_NUMBER, " "}, {COLUMN_NHS_NUMBER_STATUS, "x"}}},
                                             {"", {{COLUMN_NHS_NUMBER, ""}, {COLUMN_NHS_NUMBER_STATUS, "07"}}},
                                             GROUP_END};
static const struct fault payer_faults[] = {
    {"C01", {{COLUMN_GP_PRACTICE, "81001A"}}},
    {"C01", {{COLUMN_GP_PRACTICE, "B12345"}}},
    {"C02", {{COLUMN_COMMISSIONER, "X9Y"}, {COLUMN_GP_PRACTICE, ""}}},
    {"C02", {{COLUMN_COMMISSIONER, "1"}, {COLUMN_GP_PRACTICE, "V81998"}}},
    {"C03", {{COLUMN_GP_PRACTICE, "A81003"}}},
    {"", {{COLUMN_GP_PRACTICE, "A81003"}, {COLUMN_COMMISSIONER_REASON, "a, \"b\""}}},
    GROUP_END};
static const struct fault cluster_faults[] = {{"K01", {{COLUMN_CLUSTER, ""}}},
                                              {"K02", {{COLUMN_CLUSTER, "4a"}}},
                                              {"K03", {{COLUMN_CLUSTER, "9"}}},
                                              {"K04", {{COLUMN_CLUSTER, "99"}}},
                                              {"K05", {{COLUMN_SUPER_CLASS, "C"}}},
                                              {"", {{COLUMN_CLUSTER, "4"}, {COLUMN_SUPER_CLASS, ""}}},
                                              GROUP_END};
static const struct fault date_faults[] = {
    {"D01", {{COLUMN_START_DATE, ""}}},
    {"D01", {{COLUMN_START_DATE, "20/3/2013"}}},
    {"D02", {{COLUMN_START_DATE, "2013-05-02"}, {COLUMN_MHCT_DATE, "2013-04-30"}}},
    {"D03", {{COLUMN_END_DATE, "2013-4-9"}}},
    {"D05", {{COLUMN_END_DATE, "2013-05-02"}}},
    {"D06", {{COLUMN_START_DATE, "2013-04-09"}, {COLUMN_MHCT_DATE, "2013-04-09"}, {COLUMN_END_DATE, "2013-04-08"}}},
    {"M03", {{COLUMN_MHCT_DATE, "2013-06-01"}, {COLUMN_MHCT_REASON, "11"}}},
    {"M03", {{COLUMN_MHCT_DATE, ""}}},
    {"+M05", {{COLUMN_MHCT_DATE, "2013-03-01"}}},
    {"P06", {{COLUMN_BIRTH_DATE, "01/01/1980"}}},
    {"P06 D14", {{COLUMN_BIRTH_DATE, "2014-01-01"}}},
    {"P07", {{COLUMN_BIRTH_DATE, "1860-01-01"}}},
    {"D14", {{COLUMN_BIRTH_DATE, "2013-03-21"}}},
    {"", {{COLUMN_END_DATE, "2013-04-25"}}},
    GROUP_END};
static const struct fault other_faults[] = {{"D12", {{COLUMN_REFERRAL_DATE, "2013-05-01"}}},
                                            {"D13", {{COLUMN_ADMITTED_DAYS, "40"}}},
                                            {"M01", {{COLUMN_H1 + 4, "8"}}},
                                            {"M02", {{COLUMN_SE, "9"}}},
                                            {"M01 M02", {{COLUMN_SE, "9"}, {COLUMN_H1, " "}}},
                                            {"R06", {{COLUMN_LAST_CONTACT, "yesterday"}}},
                                            GROUP_END};
static const struct fault *const groups[] = {number_faults, payer_faults, cluster_faults, date_faults, other_faults};

/* Faults of care and ratings rest on cluster and dates: a row with one of them has none of the last three groups. */
static const struct fault care_faults[] = {
    {"R01", {{COLUMN_START_DATE, "2012-10-30"}, {COLUMN_MHCT_DATE, "2012-10-30"}}},
    {"+R02", {{COLUMN_START_DATE, "2012-11-28"}, {COLUMN_MHCT_DATE, "2012-11-28"}}},
    {"", {{COLUMN_START_DATE, "2012-11-29"}, {COLUMN_MHCT_DATE, "2012-11-29"}}},
    {"+R03", {{COLUMN_REFERRAL_DATE, "2013-03-20"}, {COLUMN_END_DATE, "2013-04-03"}}},
    {"R04", {{COLUMN_ADMITTED_DAYS, "1"}}},
    {"+R05",
     {{COLUMN_START_DATE, "2013-04-01"},
      {COLUMN_MHCT_DATE, "2013-04-01"},
      {COLUMN_END_DATE, "2013-04-08"},
      {COLUMN_LAST_CONTACT, ""}}},
    {"+R06", {{COLUMN_LAST_CONTACT, "2012-11-01"}}},
    {"M04", {{COLUMN_MHCT_REASON, "13"}}},
    {"M05", {{COLUMN_DISCHARGE_MHCT_DATE, "1/4/13"}}},
    {"M06 M07", {{COLUMN_H1 + 6, "0"}}},
    {"M07", {{COLUMN_H1 + 6, "4"}}},
    {"M07", {{COLUMN_SE - 3, "3"}}},
    {"M02", {{COLUMN_H1 + 6, "9"}}},
    {"M06", {{COLUMN_CLUSTER, "07"}}},
    {"", {{COLUMN_CLUSTER, "7"}, {COLUMN_H1 + 6, "3"}}},
    {"",
     {{COLUMN_ASSESSMENT_ONLY, "Y"},
      {COLUMN_START_DATE, "2013-04-02"},
      {COLUMN_MHCT_DATE, "2013-04-02"},
      {COLUMN_ADMITTED_DAYS, "31"}}},
    GROUP_END};

struct plan {
    size_t count;
    struct upload_row rows[UPLOAD_ROWS];
    rule_set_t failed[UPLOAD_ROWS];
    rule_set_t by_terms[UPLOAD_ROWS];
    bool continues[UPLOAD_ROWS];
    unsigned file[RULE_COUNT]; /* findings of each file rule */
    enum column order[COLUMN_COUNT];
};

static rule_set_t set_of_names(const char *names)
{
    rule_set_t set = 0;
    for (const char *at = names; *at != '\0'; at += at[3] == ' ' ? 4 : 3) {
        char name[4] = {at[0], at[1], at[2], '\0'};
        enum rule_id rule;
        ck_assert(rule_by_name(name, &rule));
        set |= rule_set_of(rule);
    }
    return set;
}

static void put(struct plan *p, size_t row, enum column c, const char *text)
{
    (void)snprintf(p->rows[row].field[c], UPLOAD_TEXT, "%s", text);
}

static void plant_one(struct plan *p, size_t row, const struct fault *group)
{
    unsigned kinds = 0;
    while (group[kinds].rules != NULL)
        kinds++;
    const struct fault *f = &group[below(kinds)];
    for (int i = 0; i < 4 && f->change[i].text != NULL; i++)
        put(p, row, f->change[i].column, f->change[i].text);
    if (f->rules[0] == '+')
        p->by_terms[row] |= set_of_names(f->rules + 1);
    else
        p->failed[row] |= set_of_names(f->rules);
}

static void plant_in_row(struct plan *p, size_t row)
{
    size_t count = sizeof groups / sizeof groups[0];
    if (below(3) == 0) {
        plant_one(p, row, care_faults);
        count = 2;
    }
    for (size_t g = 0; g < count; g++) {
        if (below(3) == 0)
            plant_one(p, row, groups[g]);
    }
}

/* Two rows of two patients that share an NHS number (F09) or of one patient with two (F10): the second is an
 * assessment, lest it overlap the first. */
static void plant_identities(struct plan *p, size_t first)
{
    for (size_t a = first; a + 1 < p->count; a++) {
        size_t b = a + 1;
        if ((p->failed[a] | p->failed[b] | p->by_terms[a] | p->by_terms[b]) != 0 ||
            p->rows[a].field[COLUMN_NHS_NUMBER][0] == '\0' || p->rows[b].field[COLUMN_NHS_NUMBER][0] == '\0')
            continue;
        bool shared = below(2) == 0;
        enum column c = shared ? COLUMN_NHS_NUMBER : COLUMN_PATIENT_ID;
        memcpy(p->rows[b].field[c], p->rows[a].field[c], UPLOAD_TEXT);
        put(p, b, COLUMN_ASSESSMENT_ONLY, "Y");
        put(p, b, COLUMN_START_DATE, "2013-04-02");
        put(p, b, COLUMN_MHCT_DATE, "2013-04-02");
        put(p, b, COLUMN_REFERRAL_DATE, "2013-03-11");
        p->file[shared ? RULE_F09 : RULE_F10]++;
        return;
    }
}

/* A second episode of the patient of a clean row, with what must follow from it. */
static void plant_pair(struct plan *p, size_t a, size_t b)
{
    static const struct {
        const char *end_a, *start_b, *end_b;
        const char *rules_a, *rules_b;
        bool continues;
        const char *start_a; /* both are assessments, and this is the start of the first; NULL: both are episodes */
    } pairs[] = {{"", "2013-04-11", "", "D07", "D07", false, NULL},
                 {"", "2013-04-09", "", "", "A01", false, "2013-04-08"},
                 {"", "2013-04-07", "", "A01", "", false, "2013-04-08"},
                 {"2013-04-21", "2013-03-20", "", "D08", "D08", false, NULL},
                 {"2013-04-12", "2013-04-11", "", "", "D09", false, NULL},
                 {"2013-04-11", "2013-04-11", "", "", "", true, NULL},
                 {"2013-04-10", "2013-04-11", "", "", "D10", false, NULL},
                 {"2013-04-30", "2013-04-29", "2013-04-30", "", "D09", false, NULL},
                 {"2013-05-01", "2013-04-20", "", "", "D09", false, NULL}};
    unsigned k = below(sizeof pairs / sizeof pairs[0]);
    p->rows[b] = p->rows[a];
    (void)snprintf(p->rows[b].field[COLUMN_EPISODE_ID], UPLOAD_TEXT, "F%06zu", b);
    put(p, a, COLUMN_END_DATE, pairs[k].end_a);
    put(p, b, COLUMN_START_DATE, pairs[k].start_b);
    put(p, b, COLUMN_MHCT_DATE, pairs[k].start_b);
    put(p, b, COLUMN_MHCT_REASON, "11");
    put(p, b, COLUMN_LAST_CONTACT, "2013-04-29");
    put(p, b, COLUMN_END_DATE, pairs[k].end_b);
    if (pairs[k].start_a != NULL) {
        put(p, a, COLUMN_START_DATE, pairs[k].start_a);
        put(p, a, COLUMN_MHCT_DATE, pairs[k].start_a);
        put(p, a, COLUMN_ASSESSMENT_ONLY, "Y");
        put(p, b, COLUMN_ASSESSMENT_ONLY, "Y");
    }
    p->failed[a] = set_of_names(pairs[k].rules_a);
    p->failed[b] = set_of_names(pairs[k].rules_b);
    p->continues[a] = pairs[k].continues;
}

/* Swaps two rows and what is known of them. */
static void swap_rows(struct plan *p, size_t a, size_t b)
{
    struct upload_row row = p->rows[a];
    p->rows[a] = p->rows[b];
    p->rows[b] = row;
    rule_set_t failed = p->failed[a];
    p->failed[a] = p->failed[b];
    p->failed[b] = failed;
    rule_set_t by_terms = p->by_terms[a];
    p->by_terms[a] = p->by_terms[b];
    p->by_terms[b] = by_terms;
    bool continues = p->continues[a];
    p->continues[a] = p->continues[b];
    p->continues[b] = continues;
}

/* A fault of the file, in rows whose other faults do not matter to it. */
static void plant_in_file(struct plan *p)
{
    size_t row = below((unsigned)p->count);
    switch (below(8)) {
    case 0:
        put(p, row, COLUMN_MONTH, "2013-03");
        p->file[RULE_F04]++;
        break;
    case 1:
        put(p, row, COLUMN_PROVIDER, "RXB");
        p->file[RULE_F05]++;
        break;
    case 2:
        put(p, row, COLUMN_SERVICE, "far too long for it");
        p->file[RULE_F01]++;
        break;
    case 3:
        if (p->count > 1) {
            size_t other = (row + 1) % p->count;
            memcpy(p->rows[row].field[COLUMN_EPISODE_ID], p->rows[other].field[COLUMN_EPISODE_ID], UPLOAD_TEXT);
            p->file[RULE_F11]++;
        }
        break;
    default:
        break;
    }
}

static void make_plan(struct plan *p)
{
    memset(p, 0, sizeof *p);
    p->count = 1 + below(40);
    for (unsigned i = 0; i < p->count; i++)
        upload_row_clean(&p->rows[i], i + 1);
    size_t pairs = below((unsigned)p->count / 4 + 1);
    for (size_t i = 0; i < pairs; i++)
        plant_pair(p, 2 * i, 2 * i + 1);
    for (size_t i = 2 * pairs; i < p->count; i++)
        plant_in_row(p, i);
    if (below(6) == 0)
        plant_identities(p, 2 * pairs);
    for (size_t i = p->count; i > 1; i--)
        swap_rows(p, i - 1, below((unsigned)i));
    plant_in_file(p);
    bool all = true;
    for (size_t i = 0; i < p->count; i++)
        all &= (p->failed[i] & rules_unpayable_at_upload()) != 0;
    p->file[RULE_F08] = all;
    /* Of a refused file nothing is asked that depends on terms. */
    bool refused = false;
    for (int i = 0; i < RULE_COUNT; i++)
        refused |= p->file[i] > 0;
    for (size_t i = 0; i < p->count && !refused; i++)
        p->failed[i] |= p->by_terms[i];
    for (int c = 0; c < COLUMN_COUNT; c++)
        p->order[c] = (enum column)c;
    for (unsigned c = COLUMN_COUNT; c > 1; c--) {
        unsigned other = below(c);
        enum column swapped = p->order[c - 1];
        p->order[c - 1] = p->order[other];
        p->order[other] = swapped;
    }
}

/* The file in the plan's order of columns, some fields in quotes that need none. */
static void write_shuffled(struct buf *out, const struct plan *p)
{
    const char *line_end = below(2) == 0 ? "\n" : "\r\n";
    for (int c = 0; c < COLUMN_COUNT; c++)
        ck_assert(buf_append_format(out, "%s%s", c == 0 ? "" : ",", column_name(p->order[c])));
    for (size_t i = 0; i < p->count; i++) {
        ck_assert(buf_append_text(out, line_end));
        for (int c = 0; c < COLUMN_COUNT; c++) {
            const char *text = p->rows[i].field[p->order[c]];
            bool quoted = strpbrk(text, ",\"") != NULL || below(10) == 0;
            ck_assert(buf_append_text(out, c == 0 ? "" : ","));
            ck_assert(!quoted || buf_append_char(out, '"'));
            for (; *text != '\0'; text++)
                ck_assert(buf_append_text(out, (char[3]){*text, *text == '"' ? '"' : '\0', '\0'}));
            ck_assert(!quoted || buf_append_char(out, '"'));
        }
    }
    if (below(2) == 0)
        ck_assert(buf_append_text(out, line_end));
}

static void expect_planted(const struct plan *p, const struct upload_result *r, const char *format)
{
    unsigned file[RULE_COUNT] = {0};
    ck_assert_uint_eq(r->summary.rows, p->count);
    for (size_t i = 0; i < p->count; i++) {
        if (r->failed[i] != p->failed[i]) {
            char planted[400];
            (void)snprintf(planted, sizeof planted, "%s", upload_names(p->failed[i]));
            ck_abort_msg("%s, row %zu: planted '%s', found '%s'", format, i + 1, planted, upload_names(r->failed[i]));
        }
        ck_assert_msg(r->continues[i] == p->continues[i], "%s, row %zu: continues", format, i + 1);
    }
    size_t of_rows = 0;
    for (size_t i = 0; i < r->count; i++) {
        if (rule_set_of(r->finding[i].rule) == 0)
            file[r->finding[i].rule]++;
        else
            of_rows++;
    }
    for (int i = 0; i < RULE_COUNT; i++)
        ck_assert_msg(file[i] == p->file[i], "%s: %s planted %u times, found %u times", format,
                      rule_get((enum rule_id)i)->id, p->file[i], file[i]);
    size_t planted = 0;
    for (size_t i = 0; i < p->count; i++)
        planted += (size_t)__builtin_popcountll(p->failed[i]);
    ck_assert_uint_eq(of_rows, planted);
}

START_TEST(finds_what_was_planted)
{
    static struct plan plan;
    static struct upload_result result;
    struct reference reference;
    struct upload_context context;
    uint64_t rounds = property_rounds(120);
    uint64_t seed = number_from("RECKONER_SEED", (uint64_t)time(NULL));
    printf("seed %llu\n", (unsigned long long)seed);
    (void)fflush(stdout);
    state = seed;
    upload_reference(&reference);
    upload_context(&context, &reference);
    for (uint64_t round = 0; round < rounds; round++) {
        struct buf text;
        make_plan(&plan);
        buf_init(&text, 1 << 20);
        write_shuffled(&text, &plan);
        upload_check(&result, &context, UPLOAD_CSV, text.data, text.length, below(2) == 0 ? 0 : 1 + below(200));
        expect_planted(&plan, &result, "CSV");
        buf_clear(&text);
        upload_write_ndjson(&text, plan.rows, plan.count);
        upload_check(&result, &context, UPLOAD_NDJSON, text.data, text.length, below(2) == 0 ? 0 : 1 + below(200));
        expect_planted(&plan, &result, "NDJSON");
        buf_free(&text);
    }
    reference_free(&reference);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("validation of random files");
    TCase *t = tcase_create("planted faults");
    tcase_set_timeout(t, 0);
    tcase_add_test(t, finds_what_was_planted);
    suite_add_tcase(s, t);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
