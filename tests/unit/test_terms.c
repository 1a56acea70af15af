/* Terms: the documented example, what is refused and where, which version and which price count, windows. */
#include "lib/contract_year.h"

#include "domain/contract_window.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define APRIL (2012 * 12 + 3)

#define FRAME                                                                                                          \
    "'@purpose':'reckoner/terms/1','mode':'shadow','financial_year':2012,'effective_from':'2012-04',"                  \
    "'calendar':{'flex':{'operational_days':5},'freeze':{'operational_days':20}}"
#define PRICES "'prices':[{'cluster':'04','basis':'DAY','pence':1}]"
#define PLAN   "'plan':{'sums':[{'month':'2012-04','pence':100}]}"

static struct terms *try_terms(const char *text, struct json_problem *problem)
{
    char *quoted = strdup(text);
    ck_assert_ptr_nonnull(quoted);
    for (char *c = quoted; *c != '\0'; c++) {
        *c = *c == '\'' ? '"' : *c;
    }
    json_t *json = json_read(quoted, strlen(quoted), problem);
    ck_assert_msg(json != NULL, "not JSON: %s", quoted);
    struct terms *t = terms_parse(json, problem);
    json_decref(json);
    free(quoted);
    return t;
}

/* The JSON text between the fences of api/formats/terms.md. */
static char *documented_example(void)
{
    FILE *file = fopen("api/formats/terms.md", "r");
    ck_assert_ptr_nonnull(file);
    char *text = calloc(1, 40000);
    ck_assert_ptr_nonnull(text);
    size_t length = fread(text, 1, 39999, file);
    ck_assert_uint_gt(length, 0);
    ck_assert_int_eq(fclose(file), 0);
    char *begin = strstr(text, "```json\n");
    ck_assert_ptr_nonnull(begin);
    char *end = strstr(begin + 8, "```");
    ck_assert_ptr_nonnull(end);
    *end = '\0';
    memmove(text, begin + 8, strlen(begin + 8) + 1);
    return text;
}

START_TEST(the_documented_example_is_read)
{
    struct json_problem problem = {"", ""};
    char *text = documented_example();
    json_t *json = json_read(text, strlen(text), &problem);
    ck_assert_msg(json != NULL, "%s: %s", problem.field, problem.message);
    struct terms *t = terms_parse(json, &problem);
    ck_assert_msg(t != NULL, "%s: %s", problem.field, problem.message);
    ck_assert(!t->shadow && !t->end_inclusive && !t->bill_flex);
    ck_assert_int_eq(t->price_count, 7);
    ck_assert_int_eq(t->factor_ppm, 1015000);
    ck_assert_int_eq(t->sanity_ppm, 1500000);
    ck_assert_int_eq(t->group_of[14], 0);
    ck_assert_int_eq(t->group_of[4], -1);
    ck_assert_int_eq(t->risk_share.over.band[0].to_ppm, 20000);
    ck_assert_int_eq(t->risk_share.collar_ppm, 50000);
    ck_assert_int_eq(t->cquin.indicator[0].threshold[1].earns_ppm, 1000000);
    ck_assert_int_eq(t->cquin.excluded_clusters, 1);
    ck_assert_int_eq(t->cquin.excluded_stages,
                     1U << STAGE_BANDS | 1U << STAGE_RISK_SHARE | 1U << STAGE_CAP_COLLAR | 1U << STAGE_BLOCK);
    ck_assert_int_eq(t->rules.grace_days, 28);
    ck_assert_int_eq(t->thresholds.value[THRESHOLD_NO_CONTACT_DAYS], 120);
    ck_assert_int_eq(t->thresholds.value[THRESHOLD_SHORT_FILE], 900000);
    ck_assert(terms_out_of_scope(t, "FORENSIC") && !terms_out_of_scope(t, "") && !terms_out_of_scope(t, NULL));
    ck_assert(terms_needs_approval(t, "14", NULL) && terms_needs_approval(t, "04", "EATING"));
    ck_assert(!terms_needs_approval(t, "04", ""));
    ck_assert_str_eq(terms_severity(t, "K05", "WARN"), "QUERY");
    ck_assert_str_eq(terms_severity(t, "K01", "ERROR"), "ERROR");
    ck_assert_str_eq(json_text(terms_party(t, "5QE"), "buyer_reference"), "PO-2012-117");
    ck_assert_ptr_null(terms_party(t, "5QF"));
    size_t length;
    char *canonical = terms_canonical(t, &length);
    ck_assert_ptr_nonnull(canonical);
    ck_assert_int_eq(strncmp(canonical, "{\"@purpose\":\"reckoner/terms/1\",", 31), 0);
    free(canonical);
    terms_free(t);
    json_decref(json);
    free(text);
}
END_TEST

/* One case of tests/vectors/terms.tsv. */
struct terms_case {
    char *verdict;
    char *pointer;
    char *words;
    char *text;
};

static void split_case(char *line, struct terms_case *c)
{
    char **const parts[] = {&c->verdict, &c->pointer, &c->words, &c->text};
    line[strcspn(line, "\n")] = '\0';
    for (size_t i = 0; i < 4; i++) {
        *parts[i] = line;
        char *tab = strchr(line, '\t');
        ck_assert_msg((tab != NULL) == (i < 3), "not four columns: %s", line);
        if (tab != NULL) {
            *tab = '\0';
            line = tab + 1;
        }
    }
}

static void judge_case(const struct terms_case *c, const char *frame)
{
    char text[6000];
    struct json_problem problem = {"", ""};
    int length = c->text[0] == '{' ? snprintf(text, sizeof text, "%s", c->text)
                                   : snprintf(text, sizeof text, "{%s,%s}", frame, c->text);
    ck_assert_int_lt(length, (int)sizeof text);
    struct terms *t = try_terms(text, &problem);
    if (strcmp(c->verdict, "accepted") == 0) {
        ck_assert_msg(t != NULL, "%s: %s: %s", c->text, problem.field, problem.message);
        terms_free(t);
        return;
    }
    ck_assert_msg(t == NULL, "accepted: %s", c->text);
    ck_assert_msg(strcmp(problem.field, c->pointer) == 0, "%s: %s, expected %s", problem.field, problem.message,
                  c->pointer);
    ck_assert_msg(strstr(problem.message, c->words) != NULL, "%s: %s, expected %s", problem.field, problem.message,
                  c->words);
}

START_TEST(what_is_refused_is_named)
{
    FILE *file = fopen("tests/vectors/terms.tsv", "r");
    char *line = NULL;
    char *frame = NULL;
    size_t size = 0;
    int judged = 0;
    ck_assert_ptr_nonnull(file);
    while (getline(&line, &size, file) > 0) {
        struct terms_case c;
        if (line[0] == '#') {
            continue;
        }
        split_case(line, &c);
        if (strcmp(c.verdict, "frame") == 0) {
            frame = strdup(c.text);
            ck_assert_ptr_nonnull(frame);
            continue;
        }
        ck_assert_ptr_nonnull(frame);
        judge_case(&c, frame);
        judged++;
    }
    ck_assert_int_gt(judged, 100);
    free(frame);
    free(line);
    ck_assert_int_eq(fclose(file), 0);
}
END_TEST

static int64_t pay_of(const struct terms_bands *bands, int32_t i)
{
    return i < bands->count ? bands->band[i].pay_ppm : -1;
}

START_TEST(a_preset_is_the_bands_it_stands_for)
{
    static const struct {
        const char *share;
        int64_t edge;    /* -1: one band */
        int64_t over[2]; /* pay of each band; -1: none */
        int64_t under[2];
    } table[] = {
        {"'preset':'none'", -1, {-1, -1}, {-1, -1}},
        {"'preset':'block'", -1, {0, -1}, {0, -1}},
        {"'preset':'dead_band','to':'2%','pay_over':'30%','pay_under':'50%'", 20000, {0, 300000}, {0, 500000}},
        {"'preset':'tolerance','to':'1.5%','pay_over':'0%','pay_under':'25%'", 15000, {1000000, 0}, {1000000, 250000}},
        {"'preset':'gain_loss_share','pay_over':'40%','pay_under':'60%'", -1, {400000, -1}, {600000, -1}},
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        char text[1000];
        (void)snprintf(text, sizeof text, "{" FRAME "," PRICES "," PLAN ",'risk_share':{%s,'cap':'3%%'}}",
                       table[i].share);
        struct terms *t = terms_of(text);
        const struct terms_risk_share *s = &t->risk_share;
        ck_assert(s->present && s->preset);
        ck_assert_int_eq(s->cap_ppm, 30000);
        for (int32_t k = 0; k < 2; k++) {
            ck_assert_int_eq(pay_of(&s->over, k), table[i].over[k]);
            ck_assert_int_eq(pay_of(&s->under, k), table[i].under[k]);
        }
        ck_assert(s->over.count == 0 || s->over.band[0].to_ppm == table[i].edge);
        terms_free(t);
    }
    struct terms *none = terms_of("{" FRAME "," PRICES ",'risk_share':{'preset':'none'}}");
    ck_assert(!none->risk_share.present);
    terms_free(none);
}
END_TEST

START_TEST(thresholds_stand_where_terms_say_nothing)
{
    struct terms *silent = terms_of("{" FRAME "," PRICES "}");
    struct terms *speaking =
        terms_of("{" FRAME "," PRICES ",'thresholds':{'no_contact_days':3660,'mhct_before_start_days'"
                 ":0,'short_file':'0%','override_alert':'12.5%'}}");
    const int64_t *standard = silent->thresholds.value;
    const int64_t *set = speaking->thresholds.value;
    ck_assert_int_eq(standard[THRESHOLD_MHCT_BEFORE_START_DAYS], 14);
    ck_assert_int_eq(standard[THRESHOLD_REVIEW_NOTICE_DAYS], 28);
    ck_assert_int_eq(standard[THRESHOLD_SHORT_AFTER_REFERRAL_DAYS], 14);
    ck_assert_int_eq(standard[THRESHOLD_SHORT_WITHOUT_CONTACT_DAYS], 7);
    ck_assert_int_eq(standard[THRESHOLD_NO_CONTACT_DAYS], 180);
    ck_assert_int_eq(standard[THRESHOLD_SHORT_FILE], 800000);
    ck_assert_int_eq(standard[THRESHOLD_OVERRIDE_ALERT], 250000);
    ck_assert_int_eq(standard[THRESHOLD_CLUSTER_00_ALERT], 50000);
    ck_assert_int_eq(standard[THRESHOLD_CASE_MIX_ALERT], 50000);
    ck_assert_int_eq(set[THRESHOLD_MHCT_BEFORE_START_DAYS], 0);
    ck_assert_int_eq(set[THRESHOLD_NO_CONTACT_DAYS], 3660);
    ck_assert_int_eq(set[THRESHOLD_SHORT_FILE], 0);
    ck_assert_int_eq(set[THRESHOLD_OVERRIDE_ALERT], 125000);
    ck_assert_int_eq(set[THRESHOLD_REVIEW_NOTICE_DAYS], 28);
    terms_free(silent);
    terms_free(speaking);
}
END_TEST

static int64_t share_at(const void *of, size_t i)
{
    return ((const int64_t *)of)[i];
}

START_TEST(a_file_is_held_to_the_strictest_share)
{
    static const int64_t shares[] = {0, 900000, 850000};
    struct terms *none = terms_of("{" FRAME "," PRICES ",'thresholds':{'short_file':'0%'}}");
    ck_assert_int_eq(short_file_of(NULL), 800000);
    ck_assert_int_eq(short_file_of(none), 0);
    ck_assert_int_eq(short_file_highest(share_at, shares, 0), 800000);
    ck_assert_int_eq(short_file_highest(share_at, shares, 1), 0);
    ck_assert_int_eq(short_file_highest(share_at, shares, 3), 900000);
    terms_free(none);
}
END_TEST

#define LIVE                                                                                                           \
    "{'@purpose':'reckoner/terms/1','mode':'live','financial_year':2012,'effective_from':'2012-04',"                   \
    "'calendar':{'flex':{'operational_days':5},'freeze':{'operational_days':20}}," PRICES "%s}"

START_TEST(live_terms_need_their_parties)
{
    struct json_problem problem = {"", ""};
    static const char *const parts[][2] = {
        {"", "/parties"},
        {",'parties':{'RXA':{'name':'T','address':['A']}}", "/parties"},
        {",'parties':{'RXA':{'name':'T','address':['A']},'5QE':{'name':'P','address':['B']}}", "/parties"},
        {",'parties':{'RXA':{'name':'T','address':['A']},'5QE':{'name':'P'}}", "/parties/5QE/address"},
        {",'parties':{'RXA':{'name':'T','address':['A']},'5QE':{'name':'P','address':['B'],'fax':'1'}}",
         "/parties/5QE/fax"},
    };
    char text[2000];
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        (void)snprintf(text, sizeof text, LIVE, parts[i][0]);
        ck_assert_ptr_null(try_terms(text, &problem));
        ck_assert_str_eq(problem.field, parts[i][1]);
    }
    (void)snprintf(
        text, sizeof text, LIVE,
        ",'parties':{'RXA':{'name':'T','address':['A']},'5QE':{'name':'P','address':['B'],'buyer_reference':'R'}},"
        "'block':[{'month':'2012-04','pence':1,'label':'x','commissioner':'5QX'}]");
    ck_assert_ptr_null(try_terms(text, &problem));
    ck_assert_str_eq(problem.field, "/block/0/commissioner");
}
END_TEST

START_TEST(the_version_known_last_wins)
{
    struct terms *april = terms_of("{" FRAME "," PRICES "}");
    struct terms *june = terms_of("{" FRAME "," PRICES "}");
    june->effective_from = APRIL + 2;
    struct terms_version versions[] = {
        {1, 100, "a", april}, {2, 300, "b", june}, {3, 200, "c", april}, {4, 300, "d", june}};
    ck_assert_ptr_null(terms_in_force(versions, 4, APRIL, 99));
    ck_assert_int_eq(terms_in_force(versions, 4, APRIL, 100)->version, 1);
    ck_assert_int_eq(terms_in_force(versions, 4, APRIL, 1000)->version, 3);
    ck_assert_int_eq(terms_in_force(versions, 4, APRIL + 2, 250)->version, 3);
    ck_assert_int_eq(terms_in_force(versions, 4, APRIL + 2, 300)->version, 4);
    ck_assert_ptr_null(terms_in_force(versions, 4, APRIL - 1, 1000));
    terms_free(april);
    terms_free(june);
}
END_TEST

START_TEST(a_price_of_both_decides_between_a_commissioners_and_a_services)
{
    struct terms *t = terms_of("{" FRAME ",'prices':[{'cluster':'04','basis':'DAY','pence':1},"
                               "{'cluster':'04','basis':'DAY','pence':2,'commissioner':'5QE'},"
                               "{'cluster':'04','basis':'PERIOD','pence':3,'period_days':7,'service':'W'},"
                               "{'cluster':'04','basis':'ADMITTED','pence':4,'commissioner':'5QE','service':'W'},"
                               "{'cluster':'04','basis':'NONADMITTED','pence':5,'commissioner':'5QE','service':'W'}]}");
    date_t april = month_first(APRIL);
    ck_assert_int_eq(terms_price_on(t, 4, BASIS_DAY, "5QF", "", april)->pence, 1);
    ck_assert_int_eq(terms_price_on(t, 4, BASIS_DAY, "5QE", "V", april)->pence, 2);
    ck_assert_int_eq(terms_price_on(t, 4, BASIS_PERIOD, "5QF", "W", april)->pence, 3);
    ck_assert_int_eq(terms_price_on(t, 4, BASIS_ADMITTED, "5QE", "W", april)->pence, 4);
    ck_assert_int_eq(terms_price_on(t, 4, BASIS_NONADMITTED, "5QE", "W", april)->pence, 5);
    ck_assert_ptr_null(terms_price_on(t, 4, BASIS_DAY, "5QE", "W", april));
    ck_assert_ptr_null(terms_price_on(t, 4, BASIS_PERIOD, "5QE", "W", april));
    terms_free(t);
}
END_TEST

START_TEST(the_most_specific_price_wins)
{
    struct terms *t = terms_of("{" FRAME ",'prices':[{'cluster':'04','basis':'DAY','pence':1},"
                               "{'cluster':'04','basis':'DAY','pence':2,'commissioner':'5QE','from':'2012-05-01'},"
                               "{'cluster':'04','basis':'ADMITTED','pence':3,'commissioner':'5QE','service':'W'},"
                               "{'cluster':'04','basis':'NONADMITTED','pence':4,'commissioner':'5QE','service':'W'},"
                               "{'cluster':'04','basis':'ASSESSMENT','pence':5}]}");
    date_t april = month_first(APRIL);
    date_t may = month_first(APRIL + 1);
    ck_assert_int_eq(terms_price_on(t, 4, BASIS_DAY, "5QE", "", april)->pence, 1);
    ck_assert_int_eq(terms_price_on(t, 4, BASIS_DAY, "5QE", "", may)->pence, 2);
    ck_assert_int_eq(terms_price_on(t, 4, BASIS_DAY, "5QF", "W", may)->pence, 1);
    ck_assert_int_eq(terms_price_on(t, 4, BASIS_ADMITTED, "5QE", "W", may)->pence, 3);
    ck_assert_int_eq(terms_price_on(t, 4, BASIS_NONADMITTED, "5QE", "W", may)->pence, 4);
    ck_assert_ptr_null(terms_price_on(t, 4, BASIS_DAY, "5QE", "W", may));
    ck_assert_ptr_null(terms_price_on(t, 4, BASIS_ADMITTED, "5QE", "", may));
    ck_assert_int_eq(terms_price_on(t, 4, BASIS_ASSESSMENT, "5QE", "W", may)->pence, 5);
    ck_assert_ptr_null(terms_price_on(t, 11, BASIS_DAY, "5QE", "", may));
    ck_assert_int_eq(terms_day_basis(t, 4, "5QE", "W", may), DAYS_SPLIT);
    ck_assert_int_eq(terms_day_basis(t, 4, "5QE", "", may), DAYS_DAY);
    ck_assert_int_eq(terms_day_basis(t, 11, "5QE", "", may), DAYS_UNPRICED);
    ck_assert_ptr_null(terms_price_on(t, 4, BASIS_DAY, "5QE", "", month_first(APRIL + 12)));
    terms_free(t);
}
END_TEST

START_TEST(windows_count_operational_days_or_take_dates)
{
    struct terms *t = terms_of("{" FRAME "," PRICES "}");
    date_t holidays[3];
    struct windows w;
    /* After April 2012: the 1st and 2nd operational days are 1 and 2 May; Monday 7 May was a bank holiday. */
    ck_assert(date_parse("2012-05-07", 10, &holidays[0]));
    ck_assert(date_parse("2012-06-04", 10, &holidays[1]));
    ck_assert(date_parse("2012-06-05", 10, &holidays[2]));
    const struct closing_calendar calendar = {holidays, 3, NULL, 0};
    const struct closing_calendar none = {NULL, 0, NULL, 0};
    ck_assert(windows_of_month(t, APRIL, &calendar, &w));
    char text[11];
    date_format(w.flex_date, text);
    ck_assert_str_eq(text, "2012-05-08");
    date_format(w.freeze_date, text);
    ck_assert_str_eq(text, "2012-05-29");
    char instant[28];
    instant_format(w.flex_at, instant); /* 24:00 in summer time */
    ck_assert_str_eq(instant, "2012-05-08T23:00:00.000000Z");
    ck_assert(!windows_of_month(t, APRIL - 1, &calendar, &w));
    terms_free(t);
    t = terms_of(
        "{'@purpose':'reckoner/terms/1','mode':'shadow','financial_year':2012,'effective_from':'2012-04'," PRICES
        ",'calendar':{'flex':{'dates':['2012-05-10','2012-06-10','2012-07-10','2012-08-10','2012-09-10','2012-10-10',"
        "'2012-11-10','2012-12-10','2013-01-10','2013-02-10','2013-03-10','2013-04-10']},'freeze':{'dates':["
        "'2012-05-20','2012-06-20','2012-07-20','2012-08-20','2012-09-20','2012-10-20','2012-11-20','2012-12-20',"
        "'2013-01-20','2013-02-20','2013-03-20','2013-04-20']}}}");
    ck_assert(windows_of_month(t, APRIL + 9, &none, &w));
    instant_format(w.freeze_at, instant);
    ck_assert_str_eq(instant, "2013-02-21T00:00:00.000000Z");
    terms_free(t);
}
END_TEST

/* FLEX closes on Tuesday 8 May, 23:00 UTC; FREEZE on 29 May. */
START_TEST(a_closing_day_moves_when_the_service_was_away_for_over_two_hours)
{
    static const struct {
        const char *from[2];
        const char *to[2];
        const char *flex;
    } table[] = {
        /* exactly two hours do not move it */
        {{"2012-05-08T10:00:00Z"}, {"2012-05-08T12:00:00Z"}, "2012-05-08"},
        {{"2012-05-08T10:00:00Z"}, {"2012-05-08T12:00:00.000001Z"}, "2012-05-09"},
        /* the day is London's: it ends at 23:00 UTC */
        {{"2012-05-08T21:00:00Z"}, {"2012-05-09T03:00:00Z"}, "2012-05-08"},
        {{"2012-05-08T20:59:59Z"}, {"2012-05-09T00:00:00Z"}, "2012-05-09"},
        /* times away add up; where they overlap they count once */
        {{"2012-05-08T08:00:00Z", "2012-05-08T14:00:00Z"},
         {"2012-05-08T09:30:00Z", "2012-05-08T15:00:00Z"},
         "2012-05-09"},
        {{"2012-05-08T08:00:00Z", "2012-05-08T08:30:00Z"},
         {"2012-05-08T09:30:00Z", "2012-05-08T09:45:00Z"},
         "2012-05-08"},
        /* the next day too: on to the one after */
        {{"2012-05-08T12:00:00Z"}, {"2012-05-09T12:00:00Z"}, "2012-05-10"},
        /* a day that closes nothing */
        {{"2012-05-07T00:00:00Z"}, {"2012-05-07T23:00:00Z"}, "2012-05-08"},
    };
    struct terms *t = terms_of("{" FRAME "," PRICES "}");
    date_t holidays[2];
    ck_assert(date_parse("2012-05-07", 10, &holidays[0]));
    ck_assert(date_parse("2012-06-04", 10, &holidays[1]));
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        struct absence away[2];
        size_t count = 0;
        for (; count < 2 && table[i].from[count] != NULL; count++) {
            ck_assert(instant_parse(table[i].from[count], strlen(table[i].from[count]), &away[count].from));
            ck_assert(instant_parse(table[i].to[count], strlen(table[i].to[count]), &away[count].to));
        }
        const struct closing_calendar calendar = {holidays, 2, away, count};
        struct windows w;
        char text[11];
        ck_assert(windows_of_month(t, APRIL, &calendar, &w));
        date_format(w.flex_date, text);
        ck_assert_msg(strcmp(text, table[i].flex) == 0, "row %zu: %s", i, text);
        ck_assert_int_eq(w.flex_at, london_midnight(w.flex_date + 1));
        date_format(w.flex_agreed, text);
        ck_assert_str_eq(text, "2012-05-08");
    }
    terms_free(t);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("terms");
    TCase *t = tcase_create("terms");
    tcase_add_test(t, the_documented_example_is_read);
    tcase_add_test(t, what_is_refused_is_named);
    tcase_add_test(t, a_preset_is_the_bands_it_stands_for);
    tcase_add_test(t, thresholds_stand_where_terms_say_nothing);
    tcase_add_test(t, live_terms_need_their_parties);
    tcase_add_test(t, the_version_known_last_wins);
    tcase_add_test(t, a_file_is_held_to_the_strictest_share);
    tcase_add_test(t, the_most_specific_price_wins);
    tcase_add_test(t, a_price_of_both_decides_between_a_commissioners_and_a_services);
    tcase_add_test(t, windows_count_operational_days_or_take_dates);
    tcase_add_test(t, a_closing_day_moves_when_the_service_was_away_for_over_two_hours);
    suite_add_tcase(suite, t);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
