/* The published vectors (NHS numbers, review dates, day counts), the calendar and the reference files. */
#include "domain/calendar.h"
#include "lib/upload.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct reference reference;

static void setup(void)
{
    upload_reference(&reference);
}

static void teardown(void)
{
    reference_free(&reference);
}

/* Calls use() with the fields of each line behind the header; the number of lines. */
static int each_line(const char *path, int fields, void (*use)(char **field))
{
    FILE *f = fopen(path, "r");
    ck_assert_msg(f != NULL, "%s: run the tests from the top of the repository", path);
    char line[200];
    int lines = -1;
    while (fgets(line, sizeof line, f) != NULL) {
        char *field[8] = {NULL};
        char *rest = line;
        line[strcspn(line, "\r\n")] = '\0';
        for (int i = 0; i < fields; i++)
            field[i] = strsep(&rest, ",");
        ck_assert_msg(field[fields - 1] != NULL, "%s: %s", path, line);
        if (lines++ >= 0)
            use(field);
    }
    ck_assert_int_eq(fclose(f), 0);
    return lines;
}

static date_t day(const char *text)
{
    date_t d = DATE_NONE;
    if (text[0] != '\0')
        ck_assert_msg(date_parse(text, strlen(text), &d), "%s", text);
    return d;
}

static void check_nhs(char **field)
{
    static const char *const words[] = {[NHS_BLANK] = "blank",
                                        [NHS_VALID] = "valid",
                                        [NHS_BAD_LENGTH] = "invalid length",
                                        [NHS_BAD_CHARACTER] = "invalid character",
                                        [NHS_BAD_CHECK] = "invalid check digit",
                                        [NHS_DENIED] = "denied"};
    char digits[11];
    enum nhs_verdict v = nhs_number_check(field[0], strlen(field[0]), digits);
    ck_assert_msg(strncmp(field[1], words[v], strlen(words[v])) == 0, "%s: %s, found %s", field[0], field[1], words[v]);
}

START_TEST(nhs_numbers)
{
    ck_assert_int_eq(each_line("tests/vectors/nhs_numbers.csv", 2, check_nhs), 15);
}
END_TEST

static void check_review(char **field)
{
    int cluster = (field[0][0] - '0') * 10 + field[0][1] - '0';
    char found[11];
    date_format(review_due(&reference, cluster, day(field[1])), found);
    ck_assert_str_eq(found, field[2]);
}

START_TEST(review_dates)
{
    ck_assert_int_eq(each_line("tests/vectors/review_due.csv", 3, check_review), 11);
    ck_assert_int_eq(review_due(&reference, 9, day("2013-04-01")), DATE_NONE);
    ck_assert_int_eq(review_due(&reference, CLUSTER_NONE, day("2013-04-01")), DATE_NONE);
    ck_assert_int_eq(review_due(&reference, 22, day("2013-04-01")), DATE_NONE);
    ck_assert_int_eq(review_due(&reference, 4, DATE_NONE), DATE_NONE);
}
END_TEST

static void check_days(char **field)
{
    month_t m;
    ck_assert(month_parse(field[0], strlen(field[0]), &m));
    date_t start = day(field[1]), end = day(field[2]);
    char found[32];
    (void)snprintf(found, sizeof found, "%d,%d", cluster_days(start, end, m),
                   cluster_days_inclusive(start, end, m, false));
    char wanted[32];
    (void)snprintf(wanted, sizeof wanted, "%s,%s", field[3], field[4]);
    ck_assert_msg(strcmp(found, wanted) == 0, "%s %s %s: %s, found %s", field[0], field[1], field[2], wanted, found);
    if (end != DATE_NONE)
        ck_assert_int_eq(cluster_days_inclusive(start, end, m, true), cluster_days(start, end, m));
}

START_TEST(day_counts)
{
    ck_assert_int_eq(each_line("tests/vectors/day_count.csv", 5, check_days), 8);
}
END_TEST

static bool is_holiday(const char *text)
{
    return date_weekday(day(text)) < 5 &&
           !is_operational_day(reference.bank_holidays, reference.bank_holiday_count, day(text));
}

START_TEST(bank_holidays)
{
    static const char *const holidays[] = {
        "2011-04-22", "2011-04-25", "2011-04-29", "2011-05-02", "2010-12-27", "2010-12-28", "2012-01-02", "2012-06-04",
        "2012-06-05", "2013-04-01", "2015-12-28", "2016-12-27", "2020-05-08", "2021-12-27", "2021-12-28", "2022-01-03",
        "2022-06-02", "2022-06-03", "2022-09-19", "2023-05-08", "2024-03-29", "2027-12-28", "2030-12-26"};
    static const char *const working[] = {"2012-05-28", "2020-05-04", "2022-05-30", "2013-12-24", "2011-05-03"};
    for (size_t i = 0; i < sizeof holidays / sizeof holidays[0]; i++)
        ck_assert_msg(is_holiday(holidays[i]), "%s", holidays[i]);
    for (size_t i = 0; i < sizeof working / sizeof working[0]; i++)
        ck_assert_msg(!is_holiday(working[i]), "%s", working[i]);
    /* Eight a year; nine in 2011, 2012, 2022 and 2023. */
    ck_assert_uint_eq(reference.bank_holiday_count, 21 * 8 + 5);
    for (size_t i = 0; i < reference.bank_holiday_count; i++)
        ck_assert_int_lt(date_weekday(reference.bank_holidays[i]), 5);
}
END_TEST

START_TEST(operational_days)
{
    date_t d = 0;
    const date_t *h = reference.bank_holidays;
    size_t n = reference.bank_holiday_count;
    /* After May 2012: 1 June is a Friday, 4 and 5 June are holidays. */
    ck_assert(operational_day_after(h, n, day("2012-05-31"), 1, &d));
    ck_assert_int_eq(d, day("2012-06-01"));
    ck_assert(operational_day_after(h, n, day("2012-05-31"), 2, &d));
    ck_assert_int_eq(d, day("2012-06-06"));
    /* Christmas: from Friday 23 December 2011 to Wednesday 28. */
    ck_assert(operational_day_after(h, n, day("2011-12-23"), 1, &d));
    ck_assert_int_eq(d, day("2011-12-28"));
    ck_assert(!operational_day_after(h, n, day("2012-05-31"), 0, &d));
    ck_assert(!operational_day_after(h, n, day("2030-12-31"), 1, &d));
    ck_assert(!operational_day_after(h, 0, day("2012-05-31"), 1, &d));
    ck_assert_int_eq(d, day("2011-12-28"));
}
END_TEST

START_TEST(bad_reference_files_are_refused)
{
    static const struct {
        bool (*load)(struct reference *, const char *, size_t, char *, size_t);
        const char *text;
        const char *error;
    } bad[] = {
        {reference_load_clusters, "", "clusters.csv, line 0"},
        {reference_load_clusters, "code,name\n", "clusters.csv, line 1"},
        {reference_load_clusters, "code,name,super_class,review,review_unit\n", "at least one cluster"},
        {reference_load_clusters, "code,name,super_class,review,review_unit\n22,x,A,6,month\n", "line 2: the code"},
        {reference_load_clusters, "code,name,super_class,review,review_unit\n01,x,A,0,month\n", "review period"},
        {reference_load_clusters, "code,name,super_class,review,review_unit\n01,x,A,6,week\n", "review unit"},
        {reference_load_clusters, "code,name,super_class,review,review_unit\n01,x,D,6,day\n", "super class"},
        {reference_load_clusters, "code,name,super_class,review,review_unit\n01,x,A,6,day\n01,x,A,6,day\n",
         "line 3: the cluster was given before"},
        {reference_load_clusters, "code,name,super_class,review,review_unit\n01,x,A,6\n", "line 2"},
        {reference_load_bank_holidays, "date,name\n2012-13-01,x\n", "not YYYY-MM-DD"},
        {reference_load_bank_holidays, "date,name\n2012-12-26,x\n2012-12-25,y\n", "line 3: dates must rise"},
        {reference_load_bank_holidays, "# nothing\n", "at least one holiday"},
        {reference_load_practices, "practice,commissioner,live_from,live_to\nA81001,,2012-01-01,\n", "a code is empty"},
        {reference_load_practices, "practice,commissioner,live_from,live_to\nA81001,01A,soon,\n", "live_from"},
        {reference_load_practices, "practice,commissioner,live_from,live_to\nA81001,01A,2012-01-01,2012-01-01\n",
         "live_to"},
        {reference_load_prices, "code,pence\n01,5\n", "reference_prices.csv, line 1: want the columns"},
        {reference_load_prices, "code,pence_per_day,ward_pence_per_day\n", "at least one cluster"},
        {reference_load_prices, "code,pence_per_day,ward_pence_per_day\n1,5,\n", "line 2: the code"},
        {reference_load_prices, "code,pence_per_day,ward_pence_per_day\n22,5,\n", "line 2: the code"},
        {reference_load_prices, "code,pence_per_day,ward_pence_per_day\n01,-1,\n", "line 2: the price"},
        {reference_load_prices, "code,pence_per_day,ward_pence_per_day\n01,10000001,\n", "line 2: the price"},
        {reference_load_prices, "code,pence_per_day,ward_pence_per_day\n01,5.25,\n", "line 2: the price"},
        {reference_load_prices, "code,pence_per_day,ward_pence_per_day\n01,5,\n01,5,\n",
         "line 3: the cluster was given before"},
        {reference_load_prices, "code,pence_per_day,ward_pence_per_day\n01,5,x\n", "line 2: the price on a ward"}};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        char error[200] = "";
        ck_assert(!bad[i].load(&reference, bad[i].text, strlen(bad[i].text), error, sizeof error));
        ck_assert_msg(strstr(error, bad[i].error) != NULL, "%s: %s", bad[i].text, error);
    }
    /* What was loaded before is still there. */
    ck_assert(reference.clusters[4].exists);
    ck_assert(reference.practices != NULL && reference.bank_holidays != NULL);
}
END_TEST

START_TEST(dearer_is_a_higher_known_price)
{
    static const char text[] =
        "# a scale\ncode,pence_per_day,ward_pence_per_day\n00,0,\n01,500,9\n02,500,30000\n03,501,\n04,10000000,\n";
    char error[200] = "";
    struct reference r;
    reference_init(&r);
    ck_assert(!reference_dearer(&r, 1, 3));
    ck_assert_msg(reference_load_prices(&r, text, strlen(text), error, sizeof error), "%s", error);
    ck_assert_int_eq(r.prices[2].ward_pence_per_day, 30000);
    ck_assert_int_eq(r.prices[3].ward_pence_per_day, 501);
    ck_assert(reference_dearer(&r, 1, 3));
    ck_assert(!reference_dearer(&r, 3, 1));
    ck_assert(!reference_dearer(&r, 1, 2)); /* equal */
    ck_assert(!reference_dearer(&r, 1, 1));
    ck_assert(reference_dearer(&r, 0, 1)); /* zero is a price */
    ck_assert(reference_dearer(&r, 3, 4));
    ck_assert(!reference_dearer(&r, 5, 4)); /* no price, and no clusters */
    ck_assert(!reference_dearer(&r, 4, 5));
    ck_assert(!reference_dearer(&r, -1, 4));
    ck_assert(!reference_dearer(&r, 1, CLUSTER_COUNT));
    reference_free(&r);
}
END_TEST

START_TEST(rules_are_one_table)
{
    enum rule_id rule;
    ck_assert(!rule_by_name("Z99", &rule));
    ck_assert(!rule_by_bit(-1, &rule));
    ck_assert(!rule_by_bit(RULE_BITS, &rule));
    for (int i = 0; i < RULE_COUNT; i++) {
        const struct rule *r = rule_get((enum rule_id)i);
        ck_assert(rule_by_name(r->id, &rule));
        ck_assert_int_eq((int)rule, i);
        ck_assert_int_eq(r->bit < 0, i < FILE_RULE_COUNT);
        ck_assert(r->bit < 0 || (rule_by_bit(r->bit, &rule) && (int)rule == i));
        ck_assert_msg(strcmp(r->field, "file") == 0 || column_by_name(r->field, strlen(r->field)) != COLUMN_COUNT,
                      "%s speaks of no column: %s", r->id, r->field);
    }
    enum severity severity;
    ck_assert(severity_by_name("QUERY", &severity) && severity == SEVERITY_QUERY);
    ck_assert(!severity_by_name("query", &severity));
    ck_assert_uint_eq(rules_unpayable_at_upload() & (rules_depending_on(DEPENDS_TERMS) | rule_set_of(RULE_M03)), 0);
}
END_TEST

/* The page for trusts names every column. The rules have a page of their own, which is generated. */
START_TEST(the_upload_page_is_complete)
{
    FILE *f = fopen("api/formats/upload.md", "r");
    ck_assert_msg(f != NULL, "run the tests from the top of the repository");
    static char page[1 << 16];
    size_t length = fread(page, 1, sizeof page - 1, f);
    ck_assert_int_eq(fclose(f), 0);
    page[length] = '\0';
    for (int c = 0; c < COLUMN_COUNT; c++) {
        char name[40];
        (void)snprintf(name, sizeof name, "`%s`", column_name((enum column)c));
        bool rating = c > COLUMN_H1 && c < COLUMN_SE && strcmp(name, "`h13`") != 0 && strcmp(name, "`sa`") != 0;
        ck_assert_msg(rating || strstr(page, name) != NULL, "upload.md lacks the column %s", name);
    }
}
END_TEST

int main(void)
{
    Suite *s = suite_create("upload vectors");
    TCase *t = tcase_create("upload vectors");
    tcase_add_unchecked_fixture(t, setup, teardown);
    tcase_add_test(t, nhs_numbers);
    tcase_add_test(t, review_dates);
    tcase_add_test(t, day_counts);
    tcase_add_test(t, bank_holidays);
    tcase_add_test(t, operational_days);
    tcase_add_test(t, bad_reference_files_are_refused);
    tcase_add_test(t, dearer_is_a_higher_known_price);
    tcase_add_test(t, rules_are_one_table);
    tcase_add_test(t, the_upload_page_is_complete);
    suite_add_tcase(s, t);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
