/* Reading check files: what is wrong with one is said, and where. */
#include "lib/check_file.h"

#include <check.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SAMPLE "tests/fuzz/corpus/check_file/whole.json"

static json_t *sample(void)
{
    json_error_t error;
    json_t *root = json_load_file(SAMPLE, 0, &error);
    ck_assert_msg(root != NULL, "%s: %s", SAMPLE, error.text);
    check_file_fit(root);
    return root;
}

/* Reads root (its reference is taken); problem NULL: it must be good. */
static void expect(json_t *root, struct check_file *f, const char *problem)
{
    char found[400] = "";
    size_t length = 0;
    char *text = json_canonical(root, &length);
    ck_assert_ptr_nonnull(text);
    bool read = check_file_read(f, text, length, found, sizeof found);
    if (problem)
        ck_assert_msg(!read && strstr(found, problem), "problem is: %s", found);
    else
        ck_assert_msg(read, "problem is: %s", found);
    free(text);
    json_decref(root);
}

static void refused(json_t *root, const char *problem)
{
    struct check_file f;
    expect(root, &f, problem);
    check_file_free(&f);
}

START_TEST(a_whole_one_is_read)
{
    struct check_file f;
    expect(sample(), &f, NULL);
    ck_assert_str_eq(f.provider, "RXA");
    ck_assert_int_eq(f.month, 2012 * 12 + 3);
    ck_assert_int_eq(f.provider_to, DATE_NONE);
    ck_assert_uint_eq(f.commissioner_count, 2);
    ck_assert_uint_eq(f.commissioners[0].code, code_pack("5QE", 3)); /* sorted */
    ck_assert_uint_eq(f.account_count, 2);
    ck_assert_ptr_nonnull(f.accounts[0].terms);
    ck_assert_int_eq(f.accounts[0].version, 1);
    ck_assert_ptr_null(f.accounts[1].terms);
    ck_assert(f.reference.clusters[4].exists && f.reference.clusters[14].exists);
    ck_assert_uint_eq(f.reference.practice_count, 1);
    ck_assert(f.reference.prices[4].known);
    ck_assert_uint_eq(strlen(f.digests[0]), 64);
    json_t *terms = check_file_terms(f.accounts, f.account_count);
    ck_assert_uint_eq(json_array_size(terms), 2);
    ck_assert(json_is_null(json_object_get(json_array_get(terms, 1), "terms")));
    json_decref(terms);
    check_file_free(&f);
}
END_TEST

START_TEST(what_is_not_needed_may_be_absent)
{
    struct check_file f;
    json_t *root = sample();
    json_t *references = json_object_get(root, "references");
    ck_assert_int_eq(json_object_del(references, "practices"), 0);
    ck_assert_int_eq(json_object_set_new(references, "reference_prices", json_null()), 0);
    expect(root, &f, NULL);
    ck_assert_ptr_null(f.reference.practices);
    ck_assert_str_eq(f.digests[2], "");
    check_file_free(&f);
}
END_TEST

START_TEST(another_rule_set_is_refused)
{
    json_t *root = sample();
    (void)json_object_set_new(root, "rule_set", json_string("1.0"));
    refused(root, "rule set 1.0 and this program applies " RULE_SET_VERSION);
}
END_TEST

START_TEST(a_changed_reference_is_refused)
{
    json_t *root = sample();
    json_t *clusters = json_object_get(json_object_get(root, "references"), "clusters");
    (void)json_object_set_new(clusters, "content", json_string("Y29kZQo="));
    refused(root, "/references/clusters: the content has another SHA-256");
    root = sample();
    clusters = json_object_get(json_object_get(root, "references"), "clusters");
    (void)json_object_set_new(clusters, "content", json_string("***"));
    refused(root, "/references/clusters: the content is not base64");
}
END_TEST

START_TEST(faults_are_named)
{
    json_t *root = sample();
    (void)json_object_set_new(root, "@purpose", json_string("reckoner/terms/1"));
    refused(root, "/@purpose: is not reckoner/check-file/1");
    root = sample();
    (void)json_object_set_new(root, "more", json_true());
    refused(root, "/more");
    root = sample();
    (void)json_object_set_new(root, "month", json_string("2012-13"));
    refused(root, "/month");
    root = sample();
    (void)json_object_del(json_object_get(root, "references"), "clusters");
    refused(root, "/references/clusters: is missing");
    root = sample();
    (void)json_object_set_new(json_array_get(json_object_get(root, "commissioners"), 1), "live_from",
                              json_string("01/04/2012"));
    refused(root, "/commissioners/1");
    root = sample();
    json_t *terms = json_object_get(json_array_get(json_object_get(root, "contracts"), 0), "terms");
    (void)json_object_del(json_object_get(terms, "body"), "prices");
    (void)json_object_set_new(json_object_get(terms, "body"), "wages", json_true());
    refused(root, "/contracts/0/terms/body/");
    struct check_file f;
    char problem[400];
    ck_assert(!check_file_read(&f, "{", 1, problem, sizeof problem));
    check_file_free(&f);
    ck_assert(!check_file_read(&f, "", 0, problem, sizeof problem));
    check_file_free(&f);
    ck_assert(!check_file_read(&f, "[]", 2, problem, sizeof problem));
    check_file_free(&f);
}
END_TEST

int main(void)
{
    if (sodium_init() < 0)
        return 1;
    Suite *suite = suite_create("check file");
    TCase *t = tcase_create("check file");
    tcase_add_test(t, a_whole_one_is_read);
    tcase_add_test(t, what_is_not_needed_may_be_absent);
    tcase_add_test(t, another_rule_set_is_refused);
    tcase_add_test(t, a_changed_reference_is_refused);
    tcase_add_test(t, faults_are_named);
    suite_add_tcase(suite, t);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
