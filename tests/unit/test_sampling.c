/* Samples against tests/vectors/sampling, which the second implementation made; the chance of each row; papers that
 * came back damaged; estimates worked by hand. */
#include "base/parse.h"
#include "domain/sampling_result.h"

#include <check.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FOLDER "tests/vectors/sampling/"
#define ROWS   480
#define APRIL  (2012 * 12 + 3)

static char *read_file(const char *name, size_t *length)
{
    char path[200];
    (void)snprintf(path, sizeof path, FOLDER "%s", name);
    FILE *f = fopen(path, "rbe");
    ck_assert_msg(f != NULL, "%s is missing; run the tests from the top folder", path);
    char *text = calloc(1, 100000);
    ck_assert_ptr_nonnull(text);
    *length = fread(text, 1, 99999, f);
    ck_assert_int_eq(fclose(f), 0);
    return text;
}

/* The next cell of well-formed CSV, unquoted in place. */
static char *next_cell(char **at)
{
    char *from = *at;
    char *to = from;
    bool quoted = *from == '"';
    char *read = from + quoted;
    for (; quoted ? *read != '"' || read[1] == '"' : *read != ',' && *read != '\n' && *read != '\0'; read++) {
        read += quoted && *read == '"';
        *to++ = *read;
    }
    read += quoted;
    *at = read + (*read != '\0');
    *to = '\0';
    return from;
}

static int64_t next_number(char **at)
{
    int64_t value;
    const char *cell = next_cell(at);
    ck_assert_msg(parse_i64(cell, strlen(cell), &value), "'%s' is no number", cell);
    return value;
}

static void skip_header(char **at)
{
    *at = strchr(*at, '\n') + 1;
}

static struct sample_detail detail_of_row[ROWS]; /* by place in the sorted frame */

/* The frame of the vectors, its rows put in from the last to the first. */
static void load_frame(struct sample_frame *f)
{
    static struct sample_row rows[ROWS];
    size_t length;
    char *text = read_file("frame.csv", &length);
    char *at = text;
    memset(f, 0, sizeof *f);
    skip_header(&at);
    for (int i = 0; i < ROWS; i++) {
        struct sample_detail *d = &detail_of_row[i];
        const char *month = next_cell(&at);
        ck_assert(month_parse(month, strlen(month), &rows[i].month));
        rows[i].row_no = (int32_t)next_number(&at);
        (void)snprintf(d->tag, sizeof d->tag, "%s", next_cell(&at));
        (void)snprintf(d->cluster, sizeof d->cluster, "%s", next_cell(&at));
        (void)snprintf(d->team, sizeof d->team, "%s", next_cell(&at));
        rows[i].pence = next_number(&at);
    }
    for (int i = ROWS - 1; i >= 0; i--)
        ck_assert_int_eq(sample_frame_add(f, rows[i].month, rows[i].row_no, detail_of_row[i].team, rows[i].pence),
                         SAMPLE_DONE);
    ck_assert_int_eq(sample_frame_sort(f), SAMPLE_DONE);
    free(text);
}

struct vector {
    const char *name;
    enum sample_method method;
    int32_t size;
    const char *nonce;
};
static const struct vector vectors[] = {
    {"random", SAMPLE_RANDOM, 60, "District-Audit.2012_11"},
    {"mus", SAMPLE_MUS, 50, "q7"},
    {"partial", SAMPLE_RANDOM, 25, "small"},
};

static void draw_vector(const struct vector *v, const struct sample_frame *f, struct sample *s,
                        struct sample_detail *details)
{
    uint8_t root[32];
    uint8_t seed[SAMPLE_SEED];
    (void)crypto_hash_sha256(root, (const unsigned char *)"a root", 6);
    sample_seed(root, v->nonce, seed);
    ck_assert_int_eq(sample_draw(f, v->method, v->size, seed, s), SAMPLE_DONE);
    for (int32_t i = 0; i < s->count; i++)
        details[i] = detail_of_row[s->pick[i].row];
}

START_TEST(the_paper_is_the_vectors)
{
    const struct vector *v = &vectors[_i];
    struct sample_detail details[SAMPLE_SIZE_MAX];
    struct sample_frame f;
    struct sample s;
    struct buf paper;
    size_t length;
    char name[40];
    load_frame(&f);
    draw_vector(v, &f, &s, details);
    buf_init(&paper, SAMPLE_PAPER_MAX);
    ck_assert(sample_paper_write(&s, &f, v->nonce, details, &paper));
    (void)snprintf(name, sizeof name, "%s.paper.csv", v->name);
    char *wanted = read_file(name, &length);
    ck_assert_str_eq(paper.data, wanted);
    struct sample_heading h;
    struct sample_problem problem;
    ck_assert(sample_paper_heading(wanted, length, &h, &problem));
    ck_assert(h.method == v->method && h.size == v->size && strcmp(h.nonce, v->nonce) == 0);
    ck_assert_mem_eq(h.seed, s.seed, SAMPLE_SEED);
    free(wanted);
    buf_free(&paper);
    sample_free(&s);
    sample_frame_free(&f);
}
END_TEST

/* What the rows are worth as found comes from the vectors: this looks at the judgement of a sample alone. */
static void load_found(const struct vector *v, struct sample_found *found, int32_t count)
{
    char name[40];
    size_t length;
    (void)snprintf(name, sizeof name, "%s.found.csv", v->name);
    char *text = read_file(name, &length);
    char *at = text;
    skip_header(&at);
    for (int32_t i = 0; i < count; i++) {
        ck_assert_int_eq(next_number(&at), i + 1);
        found[i].agreed = next_number(&at) == 1;
        const char *pence = next_cell(&at);
        ck_assert_int_eq(found[i].judgement.examined, pence[0] != '\0');
        ck_assert(pence[0] == '\0' || parse_i64(pence, strlen(pence), &found[i].pence));
    }
    free(text);
}

START_TEST(the_result_is_the_vectors)
{
    static const int32_t confidences[] = {80, 90, 95};
    const struct vector *v = &vectors[_i];
    struct sample_detail details[SAMPLE_SIZE_MAX];
    struct sample_judgement judgements[SAMPLE_SIZE_MAX];
    struct sample_found found[SAMPLE_SIZE_MAX];
    struct sample_problem problem;
    struct sample_frame f;
    struct sample s;
    size_t length;
    char name[40];
    load_frame(&f);
    draw_vector(v, &f, &s, details);
    (void)snprintf(name, sizeof name, "%s.filled.csv", v->name);
    char *paper = read_file(name, &length);
    bool read = sample_paper_read(paper, length, &s, &f, v->nonce, details, judgements, &problem);
    ck_assert_msg(read, "line %lld: %s", (long long)problem.line, problem.message);
    for (int32_t i = 0; i < s.count; i++)
        found[i].judgement = judgements[i];
    load_found(v, found, s.count);
    for (size_t c = 0; c < 3; c++) {
        const struct sample_context context = {"", v->nonce, confidences[c]};
        json_t *result = sample_result(&s, &f, found, &context);
        ck_assert_ptr_nonnull(result);
        (void)snprintf(name, sizeof name, "%s.result.%d.json", v->name, confidences[c]);
        char *wanted = read_file(name, &length);
        struct json_problem no_json;
        json_t *vector = json_read(wanted, length, &no_json);
        ck_assert_ptr_nonnull(vector);
        ck_assert_int_eq(json_object_set(result, "statement", json_object_get(vector, "statement")), 0);
        char *bytes = json_canonical(result, &length);
        ck_assert_str_eq(bytes, wanted);
        free(bytes);
        free(wanted);
        json_decref(vector);
        json_decref(result);
    }
    free(paper);
    sample_free(&s);
    sample_frame_free(&f);
}
END_TEST

/* Chances */

static void frame_of(struct sample_frame *f, const int64_t *pence, int32_t count)
{
    memset(f, 0, sizeof *f);
    for (int32_t i = 0; i < count; i++)
        ck_assert_int_eq(sample_frame_add(f, APRIL, i + 1, "T", pence[i]), SAMPLE_DONE);
    ck_assert_int_eq(sample_frame_sort(f), SAMPLE_DONE);
}

static void numbered_seed(uint32_t n, uint8_t seed[SAMPLE_SEED])
{
    char nonce[16];
    const uint8_t root[32] = {1};
    (void)snprintf(nonce, sizeof nonce, "n%u", n);
    sample_seed(root, nonce, seed);
}

#define DRAWS 4000

/* Each row's number of draws lies within five standard deviations of what its chance says. */
static void near_chance(const int64_t *seen, const double *chance, int32_t count)
{
    for (int32_t i = 0; i < count; i++) {
        double expected = DRAWS * chance[i];
        double off = (double)seen[i] - expected;
        ck_assert_msg(off * off <= 25 * expected * (1 - chance[i]) + 1e-6, "row %d: %lld of %.1f", i + 1,
                      (long long)seen[i], expected);
    }
}

START_TEST(every_row_has_the_same_chance)
{
    enum { COUNT = 40, SIZE = 7 };
    int64_t pence[COUNT];
    int64_t seen[COUNT] = {0};
    double chance[COUNT];
    struct sample_frame f;
    for (int i = 0; i < COUNT; i++) {
        pence[i] = i % 3 == 0 ? 0 : 10 * i - 100;
        chance[i] = (double)SIZE / COUNT;
    }
    frame_of(&f, pence, COUNT);
    for (uint32_t n = 0; n < DRAWS; n++) {
        uint8_t seed[SAMPLE_SEED];
        struct sample s;
        numbered_seed(n, seed);
        ck_assert_int_eq(sample_draw(&f, SAMPLE_RANDOM, SIZE, seed, &s), SAMPLE_DONE);
        ck_assert_int_eq(s.count, SIZE);
        for (int32_t i = 0; i < SIZE; i++)
            seen[s.pick[i].row]++;
        sample_free(&s);
    }
    near_chance(seen, chance, COUNT);
    sample_frame_free(&f);
}
END_TEST

START_TEST(every_pound_has_the_same_chance)
{
    enum { COUNT = 12, SIZE = 5 };
    static const int64_t pence[COUNT] = {1, 999, 0, 250, -400, 3000, 17, 1, 1234, 499, 800, 600};
    static const int64_t total = 1 + 999 + 250 + 3000 + 17 + 1 + 1234 + 499 + 800 + 600;
    int64_t seen[COUNT] = {0};
    double chance[COUNT];
    struct sample_frame f;
    frame_of(&f, pence, COUNT);
    for (int i = 0; i < COUNT; i++) {
        chance[i] = pence[i] <= 0 ? 0 : (double)pence[i] * SIZE / (double)total;
        chance[i] = chance[i] > 1 ? 1 : chance[i];
    }
    for (uint32_t n = 0; n < DRAWS; n++) {
        uint8_t seed[SAMPLE_SEED];
        struct sample s;
        int32_t hits = 0;
        numbered_seed(n, seed);
        ck_assert_int_eq(sample_draw(&f, SAMPLE_MUS, SIZE, seed, &s), SAMPLE_DONE);
        for (int32_t i = 0; i < s.count; i++) {
            ck_assert_int_eq(s.pick[i].first_hit, hits + 1);
            ck_assert(s.pick[i].certain == (pence[s.pick[i].row] * SIZE >= total));
            hits += s.pick[i].hits;
            seen[s.pick[i].row]++;
        }
        ck_assert_int_eq(hits, SIZE);
        ck_assert_int_eq(s.population.reached_pence, total);
        ck_assert(s.population.zero_rows == 1 && s.population.negative_rows == 1 && s.population.reached_rows == 10);
        sample_free(&s);
    }
    near_chance(seen, chance, COUNT);
    sample_frame_free(&f);
}
END_TEST

START_TEST(what_cannot_be_drawn)
{
    static const int64_t nothing[] = {0, -5};
    static const int64_t little[] = {3, 4};
    const uint8_t seed[SAMPLE_SEED] = {0};
    struct sample_frame f;
    struct sample s;
    frame_of(&f, nothing, 2);
    ck_assert_int_eq(sample_draw(&f, SAMPLE_MUS, 1, seed, &s), SAMPLE_NOTHING);
    ck_assert_int_eq(sample_draw(&f, SAMPLE_RANDOM, 9, seed, &s), SAMPLE_DONE);
    ck_assert(s.size == 2 && s.count == 2);
    sample_free(&s);
    ck_assert_int_eq(sample_frame_add(&f, APRIL, 2, "", 1), SAMPLE_DONE);
    ck_assert_int_eq(sample_frame_sort(&f), SAMPLE_ROW_TWICE);
    ck_assert_int_eq(sample_frame_add(&f, APRIL, 3, "", SAMPLE_ROW_PENCE_MAX + 1), SAMPLE_TOO_LARGE);
    sample_frame_free(&f);
    ck_assert_int_eq(sample_draw(&f, SAMPLE_RANDOM, 1, seed, &s), SAMPLE_NOTHING);
    frame_of(&f, little, 2);
    ck_assert_int_eq(sample_draw(&f, SAMPLE_MUS, 8, seed, &s), SAMPLE_TOO_MANY);
    ck_assert_int_eq(sample_draw(&f, SAMPLE_MUS, 7, seed, &s), SAMPLE_DONE);
    ck_assert(s.count == 2 && s.pick[0].hits == 3 && s.pick[1].hits == 4 && s.pick[0].certain);
    sample_free(&s);
    sample_frame_free(&f);
}
END_TEST

/* Factors */

START_TEST(factors_are_the_vectors)
{
    static int64_t factor[SAMPLE_SIZE_MAX + 1];
    size_t length;
    int64_t computed = 0;
    char *text = read_file("factors.csv", &length);
    char *at = text;
    skip_header(&at);
    while (*at != '\0') {
        int64_t confidence = next_number(&at);
        int64_t errors = next_number(&at);
        if (confidence != computed)
            sample_poisson_factors((int32_t)confidence, SAMPLE_SIZE_MAX, factor);
        computed = confidence;
        ck_assert_int_eq(factor[errors], next_number(&at));
    }
    free(text);
}
END_TEST

/* As the AICPA's guide prints them, rounded up to two decimals; Student's t from printed tables. */
START_TEST(factors_are_those_of_the_books)
{
    static const struct {
        int32_t confidence;
        int64_t hundredths[6];
        int64_t t_29;
        int64_t t_120;
    } books[] = {{80, {161, 300, 428, 552, 673, 791}, 1311434, 1288646},
                 {90, {231, 389, 533, 669, 800, 928}, 1699127, 1657651},
                 {95, {300, 475, 630, 776, 916, 1052}, 2045230, 1979930}};
    for (size_t i = 0; i < 3; i++) {
        int64_t factor[6];
        sample_poisson_factors(books[i].confidence, 5, factor);
        for (int k = 0; k < 6; k++)
            ck_assert_int_eq((factor[k] + 9999) / 10000, books[i].hundredths[k]);
        ck_assert_int_le(llabs(sample_student_t(books[i].confidence, 29) - books[i].t_29), 5);
        ck_assert_int_le(llabs(sample_student_t(books[i].confidence, 120) - books[i].t_120), 1);
    }
}
END_TEST

/* 100,000 pence, an interval of 10,000: one row too dear by half, one by a fifth, and nothing else. */
START_TEST(a_bound_worked_by_hand)
{
    int64_t pence[100];
    struct sample_found found[10];
    struct sample_frame f;
    struct sample s;
    uint8_t seed[SAMPLE_SEED];
    const struct sample_context context = {"", "n1", 95};
    for (int i = 0; i < 100; i++)
        pence[i] = 1000;
    frame_of(&f, pence, 100);
    numbered_seed(1, seed);
    ck_assert_int_eq(sample_draw(&f, SAMPLE_MUS, 10, seed, &s), SAMPLE_DONE);
    ck_assert_int_eq(s.count, 10);
    for (int i = 0; i < 10; i++)
        found[i] = (struct sample_found){{true, true, false, 4, -1}, i != 3 && i != 7, 1000};
    found[3].pence = 800;
    found[7].pence = 500;
    json_t *result = sample_result(&s, &f, found, &context);
    const json_t *estimate = json_object_get(result, "estimate");
    ck_assert_int_eq(json_int(estimate, "over_pence", -1), 5000 + 2000);
    /* 2.995733 + 0.5 (4.743865 - 2.995733) + 0.2 (6.295794 - 4.743865), each part rounded up. */
    ck_assert_int_eq(json_int(estimate, "over_upper_pence", -1), 29958 + 8741 + 3104);
    ck_assert_int_eq(json_int(estimate, "under_upper_pence", -1), 29958);
    const json_t *agreement = json_object_get(result, "agreement");
    ck_assert_int_eq(json_int(agreement, "rate_ppm", -1), 800000);
    ck_assert_int_eq(json_int(agreement, "disagreement_upper_ppm", -1), 629580);
    json_decref(result);
    found[3].pence = 2001; /* more than twice what was booked */
    result = sample_result(&s, &f, found, &context);
    ck_assert(json_is_null(json_object_get(json_object_get(result, "estimate"), "under_upper_pence")));
    json_decref(result);
    sample_free(&s);
    sample_frame_free(&f);
}
END_TEST

/* Papers */

static char *replaced(const char *text, const char *from, const char *to)
{
    const char *at = strstr(text, from);
    ck_assert_msg(at != NULL, "the paper has no %s", from);
    char *out = calloc(1, strlen(text) + strlen(to) + 1);
    ck_assert_ptr_nonnull(out);
    memcpy(out, text, (size_t)(at - text));
    (void)snprintf(out + (at - text), strlen(text) + strlen(to) + 1 - (size_t)(at - text), "%s%s", to,
                   at + strlen(from));
    return out;
}

START_TEST(a_damaged_paper_is_refused_with_its_place)
{
    static const struct {
        const char *from, *to;
        const char *column; /* NULL: the line as a whole */
    } damages[] = {
        {"seed,method", "seed,Method", "method"},
        {"random,25", "mus,25", "method"},
        {",1,2012-06", ",26,2012-06", "pick"},
        {",,,\n", ",04,,x\ty\n", NULL},
        {",,,\n", ",04,32,\n", "payable_days"},
        {",,,\n", ",4,,\n", "second_cluster"},
        {",,,\n", ",09,,\n", "second_cluster"},
        {",,,\n", ",none,1,\n", "payable_days"},
        {",,,\n", ",04,,\"x\n", "remark"},
        {",,,\n", ",04,,x\"y\n", "remark"},
        {",,,\n", ",04,,x,\n", NULL},
        {",,,\n", ",04,\n", NULL},
        {",,,\n", ",04,,\xFF\n", NULL},
        {",,,\n", ",,,\n\n", NULL},
    };
    const struct vector *v = &vectors[2];
    struct sample_detail details[SAMPLE_SIZE_MAX];
    struct sample_judgement judgements[SAMPLE_SIZE_MAX];
    struct sample_frame f;
    struct sample s;
    size_t length;
    load_frame(&f);
    draw_vector(v, &f, &s, details);
    char *paper = read_file("partial.paper.csv", &length);
    for (size_t i = 0; i < sizeof damages / sizeof damages[0]; i++) {
        struct sample_problem p = {-1, NULL, NULL};
        char *text = replaced(paper, damages[i].from, damages[i].to);
        bool read = sample_paper_read(text, strlen(text), &s, &f, v->nonce, details, judgements, &p);
        free(text);
        ck_assert_msg(!read && p.message != NULL, "damage %zu is not seen", i);
        ck_assert_msg(damages[i].column == NULL || (p.column != NULL && strcmp(p.column, damages[i].column) == 0),
                      "damage %zu: %s, %s", i, p.column == NULL ? "no column" : p.column, p.message);
    }
    char *twice = replaced(paper, "\n", "\r\n"); /* line ends of another system are no damage */
    struct sample_problem p;
    ck_assert(sample_paper_read(twice, strlen(twice), &s, &f, v->nonce, details, judgements, &p));
    ck_assert(!judgements[0].examined);
    ck_assert(!sample_paper_read(paper, length / 2, &s, &f, v->nonce, details, judgements, &p));
    free(twice);
    free(paper);
    sample_free(&s);
    sample_frame_free(&f);
}
END_TEST

START_TEST(nonces)
{
    static const char *const good[] = {"a", "District-Audit.2012_11", "7"};
    static const char *const bad[] = {
        "", "-a", "a b", "a,b", "=1", "\xC3\xA9", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"};
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
        ck_assert(sample_nonce_good(good[i], strlen(good[i])));
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        ck_assert_msg(!sample_nonce_good(bad[i], strlen(bad[i])), "%s", bad[i]);
}
END_TEST

int main(void)
{
    if (sodium_init() < 0)
        return 1;
    Suite *suite = suite_create("sampling");
    TCase *tests = tcase_create("sampling");
    int count = (int)(sizeof vectors / sizeof vectors[0]);
    tcase_set_timeout(tests, 0);
    tcase_add_loop_test(tests, the_paper_is_the_vectors, 0, count);
    tcase_add_loop_test(tests, the_result_is_the_vectors, 0, count);
    tcase_add_test(tests, every_row_has_the_same_chance);
    tcase_add_test(tests, every_pound_has_the_same_chance);
    tcase_add_test(tests, what_cannot_be_drawn);
    tcase_add_test(tests, factors_are_the_vectors);
    tcase_add_test(tests, factors_are_those_of_the_books);
    tcase_add_test(tests, a_bound_worked_by_hand);
    tcase_add_test(tests, a_damaged_paper_is_refused_with_its_place);
    tcase_add_test(tests, nonces);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
