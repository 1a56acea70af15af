/* What changed between two versions in words and numbers, and which changes a later version drops. */
#include "lib/contract_year.h"

#include "domain/terms_clauses.h"
#include "domain/terms_difference.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FRAME(from)                                                                                                    \
    "{'@purpose':'reckoner/terms/1','mode':'shadow','financial_year':2012,'effective_from':'" from "',"                \
    "'calendar':{'flex':{'operational_days':5},'freeze':{'operational_days':20}},"
#define APRIL_PRICE    "{'cluster':'04','basis':'DAY','pence':612"
#define ELEVEN(pence)  "{'cluster':'11','basis':'DAY','pence':" pence "}"
#define PRICES(p, ...) "'prices':[" APRIL_PRICE "}," ELEVEN(p) "]" __VA_ARGS__ "}"

/* The difference of a clause; fails the test when there is none. Borrowed. */
static const json_t *item(const json_t *items, const char *clause)
{
    size_t i;
    json_t *one;
    json_array_foreach(items, i, one)
    {
        if (strcmp(json_text(one, "clause"), clause) == 0) {
            return one;
        }
    }
    ck_abort_msg("no difference of %s", clause);
}

START_TEST(differences_are_in_words_and_numbers)
{
    struct terms *before = terms_of(FRAME("2012-04") PRICES("1043", ",'block':[{'month':'2012-04','pence':500,'label':"
                                                                    "'Liaison'}]"));
    struct terms *after =
        terms_of(FRAME("2012-04") "'prices':[" APRIL_PRICE ",'to':'2012-10-01'},"
                                  "{'cluster':'04','basis':'DAY','pence':640,'from':'2012-10-01'}," ELEVEN(
                                      "1000") "],'factor':'1.015'}");
    json_t *items = terms_differences(before, after);
    ck_assert_ptr_nonnull(items);
    ck_assert_uint_eq(json_array_size(items), 5);
    const json_t *price = item(items, "price/11/DAY///2012-04-01");
    ck_assert_str_eq(json_text(price, "change"), "changed");
    ck_assert_str_eq(json_text(price, "before"), "Cluster 11: £10.43 for each day.");
    ck_assert_str_eq(json_text(price, "after"), "Cluster 11: £10.00 for each day.");
    ck_assert_str_eq(json_text(price, "unit"), "pence");
    ck_assert_int_eq(json_int(price, "before_value", 0), 1043);
    ck_assert_int_eq(json_int(price, "after_value", 0), 1000);
    ck_assert_int_eq(json_int(price, "difference", 0), -43);
    const json_t *split = item(items, "price/04/DAY///2012-04-01");
    ck_assert_str_eq(json_text(split, "after"), "Cluster 04: £6.12 for each day, until 30 September 2012.");
    ck_assert_int_eq(json_int(split, "difference", -1), 0);
    ck_assert_str_eq(json_text(item(items, "price/04/DAY///2012-10-01"), "change"), "added");
    ck_assert_str_eq(json_text(item(items, "factor"), "after"), "Activity and planned units are multiplied by 1.015.");
    const json_t *block = item(items, "block/2012-04//Liaison");
    ck_assert_str_eq(json_text(block, "change"), "removed");
    ck_assert(json_is_null(json_object_get(block, "after")) && json_is_null(json_object_get(block, "difference")));
    json_decref(items);
    items = terms_differences(before, before);
    ck_assert_uint_eq(json_array_size(items), 0);
    json_decref(items);
    terms_free(before);
    terms_free(after);
}
END_TEST

/* The figures of one clause that changed: "Jul 60 75, year 720 735". */
static void check_figures(const json_t *clause, const char *expected)
{
    char written[200] = "";
    size_t i;
    json_t *one;
    json_array_foreach(json_object_get(clause, "figures"), i, one)
    {
        size_t used = strlen(written);
        (void)snprintf(written + used, sizeof written - used, "%s%s %s %s", i > 0 ? ", " : "", json_text(one, "at"),
                       json_text(one, "before"), json_text(one, "after"));
    }
    ck_assert_str_eq(written, expected);
}

#define PLANNED(first, july, last, share)                                                                              \
    FRAME("2012-04")                                                                                                   \
    PRICES("1043", ",'plan':{'lines':[{'cluster':'04','basis':'DAY','units':[" first ",60,60," july                    \
                   ",60,60,60,60,60,60,60," last "]}]},'risk_share':{'over':[" share "],'cap':'3%'}")

START_TEST(figures_that_changed_are_told_one_by_one)
{
    struct terms *before = terms_of(PLANNED("60", "60", "60", "{'to':'2%','pay':'0%'},{'pay':'30%'}"));
    struct terms *after = terms_of(PLANNED("1060", "75", "60", "{'to':'5%','pay':'100%'},{'pay':'30%'}"));
    struct terms *moved = terms_of(PLANNED("50", "60", "70", "{'pay':'30%'}"));
    json_t *items = terms_differences(before, after);
    check_figures(item(items, "plan/04/DAY//"), "Apr 60 1,060, Jul 60 75, in the year 720 1,735");
    check_figures(item(items, "risk_share/over/1"), "to 2% 5%, plan 0% 100%");
    check_figures(item(items, "risk_share/over/2"), "beyond 2% 5%");
    json_decref(items);
    /* The year's sum is the same; two months are not. Other words have no figures beside them. */
    items = terms_differences(before, moved);
    check_figures(item(items, "plan/04/DAY//"), "Apr 60 50, Mar 60 70");
    ck_assert_int_eq(json_int(item(items, "plan/04/DAY//"), "difference", -1), 0);
    check_figures(item(items, "risk_share/over/1"), "");
    check_figures(item(items, "risk_share/over/2"), "");
    json_decref(items);
    terms_free(before);
    terms_free(after);
    terms_free(moved);
}
END_TEST

/* Random contracts of every kind: a version differs from itself in nothing, and every clause has a key of its own. */
START_TEST(every_clause_has_a_key_of_its_own)
{
    for (uint64_t seed = 1; seed <= 40; seed++) {
        struct contract_year *y = contract_year_new(seed);
        const struct terms *t = y->terms[0];
        struct terms_clauses c;
        ck_assert(terms_clauses_of(t, &c));
        for (size_t i = 0; i < c.count; i++) {
            for (size_t k = 0; k < i; k++) {
                ck_assert_msg(strcmp(c.clause[i].key, c.clause[k].key) != 0, "seed %llu: twice %s",
                              (unsigned long long)seed, c.clause[i].key);
            }
        }
        terms_clauses_free(&c);
        contract_year_free(y);
    }
}
END_TEST

/* April's version, October's that raises a price, and a retro variation of June known last. */
START_TEST(a_dropped_change_is_warned_of)
{
    struct terms *april = terms_of(FRAME("2012-04") PRICES("1043"));
    struct terms *october = terms_of(FRAME("2012-10") PRICES("1055"));
    struct terms *forgets = terms_of(FRAME("2012-06") PRICES("1043", ",'factor':'1.02'"));
    struct terms *keeps = terms_of(FRAME("2012-06") PRICES("1055", ",'factor':'1.02'"));
    struct terms *another = terms_of(FRAME("2012-06") PRICES("1060", ",'factor':'1.02'"));
    const struct terms_version versions[] = {{1, 100, "a", april}, {2, 200, "b", october}};
    json_t *dropped = terms_dropped_changes(versions, 2, forgets, 300);
    ck_assert_uint_eq(json_array_size(dropped), 1);
    const json_t *one = json_array_get(dropped, 0);
    ck_assert_int_eq(json_int(one, "version", 0), 2);
    ck_assert_str_eq(json_text(one, "clause"), "price/11/DAY///2012-04-01");
    ck_assert_str_eq(json_text(one, "was"), "Cluster 11: £10.43 for each day.");
    ck_assert_str_eq(json_text(one, "changed_to"), "Cluster 11: £10.55 for each day.");
    json_decref(dropped);
    /* What keeps the change, or makes another of it, says so by itself. */
    const struct terms *silent[] = {keeps, another};
    for (size_t i = 0; i < 2; i++) {
        dropped = terms_dropped_changes(versions, 2, silent[i], 300);
        ck_assert_uint_eq(json_array_size(dropped), 0);
        json_decref(dropped);
    }
    /* Nothing is overridden: known before October's version was. */
    dropped = terms_dropped_changes(versions, 2, forgets, 150);
    ck_assert_uint_eq(json_array_size(dropped), 0);
    json_decref(dropped);
    terms_free(april);
    terms_free(october);
    terms_free(forgets);
    terms_free(keeps);
    terms_free(another);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("terms_difference");
    TCase *t = tcase_create("terms_difference");
    tcase_add_test(t, differences_are_in_words_and_numbers);
    tcase_add_test(t, figures_that_changed_are_told_one_by_one);
    tcase_add_test(t, every_clause_has_a_key_of_its_own);
    tcase_add_test(t, a_dropped_change_is_warned_of);
    suite_add_tcase(suite, t);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
