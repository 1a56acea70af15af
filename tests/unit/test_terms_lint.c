/* The linter against a corpus of flawed and of sound terms: tests/vectors/terms, thought of by hand, and made.json by
 * tests/lib/terms_corpus.py, where the defect follows from how the terms were made. A file is a family: base terms and
 * cases, each a name, what it sets in the base ([pointer, value]: "/-" appends, null takes out), and the defects
 * ([rule, pointer]) or notes that are expected. Defects are compared whole, and each counter-example is proved. */
#include "domain/terms_lint.h"
#include "lib/contract_year.h"

#include "base/parse.h"

#include <check.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char context[600];

static json_t *read_json(const char *path)
{
    json_error_t error;
    json_t *json = json_load_file(path, JSON_REJECT_DUPLICATES, &error);
    ck_assert_msg(json != NULL, "%s: %s", path, error.text);
    return json;
}

static size_t place_of(const char *text)
{
    int64_t place = 0;
    ck_assert_msg(parse_i64_within(text, strlen(text), 0, 10000, &place), "%s: no place %s", context, text);
    return (size_t)place;
}

/* The value at a pointer; *last is the name or place in it that the pointer ends with. */
static json_t *parent_of(json_t *root, const char *pointer, char last[80])
{
    json_t *at = root;
    const char *part = pointer + 1;
    for (;;) {
        size_t length = strcspn(part, "/");
        ck_assert_uint_lt(length, 80);
        memcpy(last, part, length);
        last[length] = '\0';
        if (part[length] == '\0') {
            return at;
        }
        at = json_is_array(at) ? json_array_get(at, place_of(last)) : json_object_get(at, last);
        ck_assert_msg(at != NULL, "%s: nothing at %s", context, pointer);
        part += length + 1;
    }
}

static json_t *value_at(json_t *root, const char *pointer)
{
    char last[80];
    json_t *at = parent_of(root, pointer, last);
    return json_is_array(at) ? json_array_get(at, place_of(last)) : json_object_get(at, last);
}

static void set_at(json_t *root, const char *pointer, json_t *value)
{
    char last[80];
    json_t *at = parent_of(root, pointer, last);
    int failed = 0;
    if (json_is_array(at)) {
        failed = strcmp(last, "-") == 0 ? json_array_append(at, value) : json_array_set(at, place_of(last), value);
    } else if (json_is_null(value)) {
        (void)json_object_del(at, last);
    } else {
        failed = json_object_set(at, last, value);
    }
    ck_assert_msg(failed == 0, "%s: cannot set %s", context, pointer);
}

static json_t *case_terms(const json_t *base, const json_t *one)
{
    size_t i;
    json_t *change;
    json_t *t = json_deep_copy(base);
    ck_assert_ptr_nonnull(t);
    json_array_foreach(json_object_get(one, "set"), i, change)
    {
        /* A copy: a later change may go into it. */
        json_t *value = json_deep_copy(json_array_get(change, 1));
        set_at(t, json_string_value(json_array_get(change, 0)), value);
        json_decref(value);
    }
    return t;
}

static bool has(const json_t *items, const char *kind, const char *rule, const char *pointer)
{
    size_t i;
    json_t *item;
    json_array_foreach(items, i, item)
    {
        if (strcmp(json_text(item, "kind"), kind) == 0 && strcmp(json_text(item, "rule"), rule) == 0 &&
            strcmp(json_text(item, "pointer"), pointer) == 0) {
            return true;
        }
    }
    return false;
}

static void expect(const json_t *result, const char *kind, const json_t *expected)
{
    size_t i;
    json_t *one;
    char *all = json_dumps(result, JSON_INDENT(1));
    json_array_foreach(expected, i, one)
    {
        const char *rule = json_string_value(json_array_get(one, 0));
        const char *pointer = json_string_value(json_array_get(one, 1));
        ck_assert_msg(has(json_object_get(result, "items"), kind, rule, pointer), "%s: no %s %s at %s in %s", context,
                      kind, rule, pointer, all);
    }
    if (strcmp(kind, "defect") == 0) {
        ck_assert_msg(json_int(result, "defects", -1) == (json_int_t)json_array_size(expected), "%s: others in %s",
                      context, all);
    }
    free(all);
}

/* ---- Counter-examples, computed again ---- */

static int64_t number(const json_t *shown, const char *name)
{
    const json_t *value = json_object_get(shown, name);
    ck_assert_msg(json_is_integer(value), "%s: no number %s", context, name);
    return json_integer_value(value);
}

/* Position of the account for the year to the month, from the counts of a counter-example. further: added to the first.
 * false: it cannot be computed. */
static bool position_of(const struct terms *t, const json_t *shown, int64_t further, int64_t less_beside,
                        struct position *p)
{
    static const char *const names[] = {"DAY", "ADMITTED", "NONADMITTED", "PERIOD", "ASSESSMENT"};
    struct terms_version version = {.version = 1, .digest = "", .terms = t};
    struct position_month months[TERMS_MONTHS] = {0};
    struct position_achievement met[TERMS_MAX_INDICATORS];
    struct activity_line line[4] = {0};
    struct activity_lines lines = {.line = line};
    char reason[POSITION_REASON_SIZE];
    month_t month;
    size_t i;
    json_t *count;
    const char *measures = json_text(shown, "measures");
    bool best = measures != NULL && strcmp(measures, "met in full") == 0;
    const char *account = json_text(shown, "commissioner");
    ck_assert(month_parse(json_text(shown, "month"), 7, &month));
    for (month_t m = financial_year_first(2012); m <= month; m++) {
        months[m - financial_year_first(2012)] =
            (struct position_month){.month = m, .terms = &version, .submission = "s", .sha256 = "00"};
    }
    for (int32_t k = 0; k < t->cquin.count; k++) {
        met[k] = (struct position_achievement){t->cquin.indicator[k].id, 1, 1, false, 0};
    }
    json_array_foreach(json_object_get(shown, "activity"), i, count)
    {
        int64_t units = number(count, "units") + (i == 0 ? further : -less_beside);
        struct activity_line one = {.month = month, .cluster = (int16_t)cluster_index(json_text(count, "cluster"))};
        one.price_pence = number(count, "price_pence");
        one.units = units;
        one.pence = units * number(count, "unit_pence");
        for (int b = 0; b < BASIS_COUNT; b++) {
            one.basis = strcmp(names[b], json_text(count, "basis")) == 0 ? (enum basis)b : one.basis;
        }
        bool before = lines.count == 1 && line[0].cluster > one.cluster;
        line[1] = before ? line[0] : line[1];
        line[before ? 0 : lines.count] = one;
        lines.count++;
    }
    struct position_input in = {.provider = "RXA",
                                .contract = "c",
                                .commissioner = account == NULL ? "" : account,
                                .financial_year = 2012,
                                .month = month,
                                .months = months,
                                .annual = &version,
                                .achievements = met,
                                .achievement_count = best ? (size_t)t->cquin.count : 0,
                                .activity = &lines};
    return position_compute(&in, p, reason) == POSITION_DONE;
}

static int64_t total_of(const struct terms *t, const json_t *shown, int64_t further, int64_t less_beside)
{
    struct position p;
    ck_assert_msg(position_of(t, shown, further, less_beside, &p), "%s: no position", context);
    int64_t total = p.total;
    position_free(&p);
    return total;
}

/* Pay falls as stated, by more than rounding, and one unit less of any count shows no fall. */
static void prove_fall(const json_t *terms, const json_t *shown)
{
    struct json_problem problem;
    struct terms *t = terms_parse(terms, &problem);
    ck_assert_msg(t != NULL, "%s: %s", context, problem.message);
    int64_t more = number(json_object_get(shown, "further"), "units");
    int64_t tolerance = t->cquin.count + 2;
    int64_t before = total_of(t, shown, 0, 0);
    json_t *activity = json_object_get(shown, "activity");
    ck_assert_int_eq(before, number(shown, "pay_before_pence"));
    ck_assert_int_eq(total_of(t, shown, more, 0), number(shown, "pay_after_pence"));
    ck_assert_msg(before - number(shown, "pay_after_pence") > tolerance, "%s: no fall", context);
    ck_assert_msg(before - total_of(t, shown, more - 1, 0) <= tolerance, "%s: fewer would do", context);
    if (number(json_array_get(activity, 0), "units") > 0) {
        int64_t fall = total_of(t, shown, -1, 0) - total_of(t, shown, more - 1, 0);
        ck_assert_msg(fall <= tolerance, "%s: falls earlier too", context);
    }
    if (json_array_size(activity) > 1) {
        int64_t fall = total_of(t, shown, 0, 1) - total_of(t, shown, more, 1);
        ck_assert_msg(fall <= tolerance, "%s: falls with less beside it too", context);
    }
    terms_free(t);
}

/* One unit in a month without a plan is paid in full. */
static void prove_unplanned(const json_t *terms, const json_t *shown)
{
    struct json_problem problem;
    struct position p;
    struct terms *t = terms_parse(terms, &problem);
    ck_assert_int_eq(number(shown, "planned_pence"), 0);
    if (t != NULL && json_object_get(shown, "activity") != NULL) {
        ck_assert_msg(position_of(t, shown, 0, 0, &p), "%s: no position", context);
        ck_assert_int_eq(p.before_risk, number(shown, "paid_pence"));
        ck_assert_int_eq(p.subtotal[STAGE_BANDS], 0);
        position_free(&p);
    }
    terms_free(t);
}

/* Whether a price's own words cover the day and the row of a counter-example. */
static bool covers(const json_t *price, const json_t *shown)
{
    const char *day = json_text(shown, "day");
    const char *from = json_text(price, "from");
    const char *to = json_text(price, "to");
    const char *who = json_text(price, "commissioner");
    const char *what = json_text(price, "service");
    const char *row_who = json_text(shown, "commissioner");
    const char *row_what = json_text(shown, "service");
    return strcmp(json_text(price, "cluster"), json_text(shown, "cluster")) == 0 &&
           (from == NULL || strcmp(from, day) <= 0) && (to == NULL || strcmp(day, to) < 0) &&
           (who == NULL || (row_who != NULL && strcmp(who, row_who) == 0)) &&
           (what == NULL || (row_what != NULL && strcmp(what, row_what) == 0));
}

static void prove_overlap(json_t *terms, const json_t *shown)
{
    static const char *const names[] = {"either", "or"};
    const json_t *met[2];
    for (size_t i = 0; i < 2; i++) {
        const json_t *one = json_object_get(shown, names[i]);
        met[i] = value_at(terms, json_text(one, "price"));
        ck_assert_msg(met[i] != NULL && covers(met[i], shown), "%s: %s does not hold that day", context, names[i]);
        ck_assert_int_eq(number(met[i], "pence"), number(one, "pence"));
    }
    ck_assert_ptr_ne(met[0], met[1]);
}

/* On the day no price of the kind holds, though one did the day before; or none of the series that is named. */
static void prove_gap(json_t *terms, const json_t *shown, const char *pointer)
{
    size_t i;
    json_t *price;
    const json_t *ended = value_at(terms, pointer);
    ck_assert_str_eq(json_text(ended, "to"), json_text(shown, "day"));
    json_array_foreach(json_object_get(terms, "prices"), i, price)
    {
        const char *who = json_text(price, "commissioner");
        const char *what = json_text(price, "service");
        bool assessment = strcmp(json_text(price, "basis"), "ASSESSMENT") == 0;
        bool of_kind = json_text(shown, "charged_by") != NULL
                           ? assessment == (strcmp(json_text(shown, "charged_by"), "assessment") == 0)
                           : strcmp(json_text(price, "basis"), json_text(ended, "basis")) == 0 &&
                                 (who == NULL) == (json_text(ended, "commissioner") == NULL) &&
                                 (what == NULL) == (json_text(ended, "service") == NULL);
        ck_assert_msg(!of_kind || !covers(price, shown), "%s: /prices/%zu holds", context, i);
    }
}

static void prove_weights(const json_t *terms, const json_t *shown)
{
    size_t i;
    json_t *indicator;
    int64_t sum = 0;
    json_array_foreach(json_object_get(json_object_get(terms, "cquin"), "indicators"), i, indicator)
    {
        int64_t ppm = 0;
        const char *weight = json_text(indicator, "weight");
        ck_assert(parse_percent_ppm(weight, strlen(weight), &ppm));
        sum += ppm;
    }
    /* A weight that is refused by itself counts nothing. */
    ck_assert(number(shown, "weights_ppm") == sum || sum > 1000000);
    ck_assert_int_ne(number(shown, "all_achieved_earns_pence"), number(shown, "cquin_pence"));
}

static void prove(json_t *terms, const json_t *item)
{
    const char *rule = json_text(item, "rule");
    const char *pointer = json_text(item, "pointer");
    const json_t *shown = json_object_get(item, "counter_example");
    ck_assert_str_ne(json_text(item, "sentence"), "");
    ck_assert_msg(json_is_object(shown), "%s: %s has no counter-example", context, rule);
    ck_assert_msg(json_object_size(shown) > 0 || strcmp(rule, "malformed") == 0, "%s: %s shows nothing", context, rule);
    if (strcmp(rule, "pay_falls") == 0 && strcmp(pointer, "/cquin/exclude") == 0) {
        prove_fall(terms, shown);
    } else if (strcmp(rule, "pay_falls") == 0) {
        ck_assert_int_lt(number(shown, "paid_pence"), 0);
    } else if (strcmp(rule, "sharing_without_plan") == 0 || strcmp(rule, "bands_without_plan") == 0) {
        prove_unplanned(terms, shown);
    } else if (strcmp(rule, "price_overlap") == 0) {
        prove_overlap(terms, shown);
    } else if (strcmp(rule, "price_gap") == 0) {
        prove_gap(terms, shown, pointer);
    } else if (strcmp(rule, "weights_not_whole") == 0) {
        prove_weights(terms, shown);
    } else if (strcmp(rule, "cap_below_collar") == 0) {
        ck_assert_int_lt(number(shown, "cap_pence"), number(shown, "collar_pence"));
    } else if (strcmp(rule, "price_without_plan") == 0) {
        /* It holds on a day of the terms, for the row that is shown. */
        ck_assert_msg(covers(value_at(terms, pointer), shown), "%s: %s does not hold that day", context, pointer);
        ck_assert_int_eq(number(value_at(terms, pointer), "pence"), number(shown, "pence"));
    }
}

/* ---- The corpus ---- */

static size_t judge_family(const char *path, bool flawed)
{
    size_t i;
    json_t *one;
    json_t *family = read_json(path);
    const json_t *base = json_object_get(family, "base");
    json_array_foreach(json_object_get(family, "cases"), i, one)
    {
        size_t k;
        json_t *item;
        (void)snprintf(context, sizeof context, "%s: %s", path, json_text(one, "name"));
        json_t *terms = case_terms(base, one);
        json_t *result = terms_lint(terms);
        ck_assert_ptr_nonnull(result);
        ck_assert_msg(!flawed || json_array_size(json_object_get(one, "defects")) > 0, "%s: expects none", context);
        expect(result, "defect", json_object_get(one, "defects"));
        expect(result, "note", json_object_get(one, "notes"));
        json_array_foreach(json_object_get(result, "items"), k, item)
        {
            prove(terms, item);
        }
        ck_assert((terms_lint_first_defect(result) != NULL) == flawed);
        struct json_problem problem;
        struct terms *t = terms_parse(terms, &problem);
        ck_assert_msg(flawed || t != NULL, "%s: %s", context, problem.message);
        terms_free(t);
        json_decref(result);
        json_decref(terms);
    }
    i = json_array_size(json_object_get(family, "cases"));
    json_decref(family);
    return i;
}

static size_t judge_folder(const char *folder, bool flawed)
{
    size_t cases = 0;
    const struct dirent *entry;
    DIR *files = opendir(folder);
    ck_assert_msg(files != NULL, "%s", folder);
    while ((entry = readdir(files)) != NULL) {
        char path[400];
        if (strstr(entry->d_name, ".json") != NULL) {
            (void)snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
            cases += judge_family(path, flawed);
        }
    }
    (void)closedir(files);
    return cases;
}

START_TEST(every_defect_of_the_corpus_is_found)
{
    ck_assert_uint_ge(judge_folder("tests/vectors/terms/flawed", true), 250);
}
END_TEST

START_TEST(sound_terms_raise_no_alarm)
{
    ck_assert_uint_ge(judge_folder("tests/vectors/terms/sound", false), 220);
}
END_TEST

static void expect_sound(json_t *terms, const char *name)
{
    (void)snprintf(context, sizeof context, "%s", name);
    json_t *result = terms_lint(terms);
    ck_assert_ptr_nonnull(result);
    expect(result, "defect", NULL);
    json_decref(result);
    json_decref(terms);
}

START_TEST(the_terms_of_the_demonstration_are_sound)
{
    static const char *const names[] = {"A", "B", "C", "D"};
    for (size_t i = 0; i < 4; i++) {
        char path[60];
        (void)snprintf(path, sizeof path, "deploy/demo/terms/%s.json", names[i]);
        expect_sound(read_json(path), path);
    }
}
END_TEST

/* The nth block of JSON in the description of the format. */
static json_t *block_of_format(int n)
{
    static char text[80000];
    FILE *file = fopen("api/formats/terms.md", "r");
    json_error_t error;
    ck_assert_ptr_nonnull(file);
    size_t length = fread(text, 1, sizeof text - 1, file);
    (void)fclose(file);
    ck_assert_uint_lt(length, sizeof text - 1);
    text[length] = '\0';
    char *begin = text;
    for (int i = 0; i <= n; i++) {
        begin = strstr(begin, "```json\n");
        ck_assert_ptr_nonnull(begin);
        begin += 8;
    }
    *strstr(begin, "\n```") = '\0';
    json_t *value = json_loads(begin, 0, &error);
    ck_assert_msg(value != NULL, "%s", error.text);
    return value;
}

START_TEST(the_example_of_the_format_is_sound)
{
    expect_sound(block_of_format(0), "api/formats/terms.md");
}
END_TEST

START_TEST(the_counter_example_of_the_format_is_what_is_found)
{
    json_t *terms = block_of_format(0);
    json_t *written = block_of_format(1);
    ck_assert_int_eq(
        json_object_set_new(json_object_get(terms, "cquin"), "exclude", json_pack("{s:[s]}", "clusters", "00")), 0);
    json_t *result = terms_lint(terms);
    const json_t *found = terms_lint_first_defect(result);
    (void)snprintf(context, sizeof context, "the counter-example of api/formats/terms.md");
    ck_assert_str_eq(json_text(found, "rule"), "pay_falls");
    char *shown = json_dumps(json_object_get(found, "counter_example"), 0);
    ck_assert_msg(json_equal(json_object_get(found, "counter_example"), json_object_get(written, "counter_example")),
                  "now %s", shown);
    free(shown);
    prove(terms, found);
    json_decref(result);
    json_decref(written);
    json_decref(terms);
}
END_TEST

/* of: 1 commissioner, 2 service, 3 both. */
static void add_prices(json_t *prices, int count, int of, bool single_days)
{
    for (int i = 0; i < count; i++) {
        date_t first = month_first(2012 * 12 + 3);
        json_t *p = json_pack("{s:s, s:s, s:i}", "cluster", "04", "basis", "DAY", "pence", 1);
        ck_assert((of & 1) == 0 || json_put(p, "commissioner", json_string("5QE")));
        ck_assert((of & 2) == 0 || json_put(p, "service", json_string("EIP1")));
        int from = single_days ? 364 - i % 365 : i % 180;
        ck_assert(json_put(p, "from", json_date(first + from)));
        ck_assert(json_put(p, "to", json_date(single_days ? first + from + 1 : first + 365 - from)));
        ck_assert_int_eq(json_array_append_new(prices, p), 0);
    }
}

/* The limit of prices, all of one cluster: each pair of a commissioner's and a service's is decided by 365 others. Took
 * minutes when each pair looked at all of them; the timeout of the case is the test. */
START_TEST(prices_that_all_overlap_are_judged_at_once)
{
    json_t *terms = block_of_format(0);
    json_t *prices = json_array();
    add_prices(prices, 650, 1, false);
    add_prices(prices, 650, 2, false);
    add_prices(prices, 700, 3, true);
    ck_assert(json_put(terms, "prices", prices));
    json_t *result = terms_lint(terms);
    size_t i, overlaps = 0;
    json_t *item;
    json_array_foreach(json_object_get(result, "items"), i, item)
    {
        overlaps += strcmp(json_text(item, "rule"), "price_overlap") == 0;
    }
    /* Each but the first of a commissioner, of a service and of each day of both. */
    ck_assert_uint_eq(overlaps, 649 + 649 + 700 - 365);
    json_decref(result);
    json_decref(terms);
}
END_TEST

START_TEST(what_is_no_terms_at_all_is_one_defect)
{
    static const char *const texts[] = {"", "{", "[]", "{}", "7", "{\"prices\": 1}"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        json_t *result = terms_lint_text(texts[i], strlen(texts[i]));
        ck_assert_ptr_nonnull(result);
        ck_assert_int_eq(json_int(result, "defects", 0), 1);
        ck_assert_str_eq(json_text(terms_lint_first_defect(result), "rule"), "malformed");
        json_decref(result);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("terms_lint");
    TCase *cases = tcase_create("terms_lint");
    tcase_set_timeout(cases, 300);
    tcase_add_test(cases, every_defect_of_the_corpus_is_found);
    tcase_add_test(cases, sound_terms_raise_no_alarm);
    tcase_add_test(cases, the_terms_of_the_demonstration_are_sound);
    tcase_add_test(cases, the_example_of_the_format_is_sound);
    tcase_add_test(cases, the_counter_example_of_the_format_is_what_is_found);
    tcase_add_test(cases, what_is_no_terms_at_all_is_one_defect);
    suite_add_tcase(suite, cases);
    TCase *limits = tcase_create("limits");
    tcase_set_timeout(limits, 60);
    tcase_add_test(limits, prices_that_all_overlap_are_judged_at_once);
    suite_add_tcase(suite, limits);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
