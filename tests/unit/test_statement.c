/* The statement's bytes against a vector, and that every tampering is named. The vector is also what the command line
 * is tried on (tests/ops/test_verify.py) and what api/formats/statement.md shows. */
#include "base/parse.h"
#include "domain/position_change.h"
#include "domain/statement.h"
#include "signing/minisign.h"

#include <check.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FOLDER "tests/vectors/statement/"

static char file_bytes[65536];

static size_t read_file(const char *path)
{
    FILE *f = fopen(path, "rbe");
    ck_assert_msg(f != NULL, "%s is missing; run the tests from the top folder", path);
    size_t n = fread(file_bytes, 1, sizeof file_bytes - 1, f);
    ck_assert_int_eq(fclose(f), 0);
    file_bytes[n] = '\0';
    return n;
}

static json_t *read_json(const char *path)
{
    struct json_problem problem;
    size_t n = read_file(path);
    json_t *value = json_read(file_bytes, n, &problem);
    ck_assert_msg(value != NULL, "%s: %s %s", path, problem.field, problem.message);
    return value;
}

static void digest(const json_t *value, char hex[65])
{
    size_t length = 0;
    unsigned char sha256[32];
    char *bytes = json_canonical(value, &length);
    ck_assert_ptr_nonnull(bytes);
    crypto_hash_sha256(sha256, (const unsigned char *)bytes, length);
    hex_encode(sha256, sizeof sha256, hex);
    free(bytes);
}

/* The statement of the vector: R1 of April bills the head, May. */
static char *vector_bytes(size_t *length)
{
    json_t *april = read_json(FOLDER "position-april.json");
    json_t *may = read_json(FOLDER "position-may.json");
    char april_sha256[65];
    char may_sha256[65];
    digest(april, april_sha256);
    digest(may, may_sha256);
    const struct statement_tree april_trees[] = {
        {"5QE", 7, "40e30e8d9f3f67860cb8bcf8e2295d874cb71c6538876dc75f5fd36f38ac1b34"},
        {"5QF", 3, "cc2ff1eb65cc8475e98e05e98f797ae51c8b7953d0bced57262218acf04f2920"},
    };
    const struct statement_tree may_trees[] = {
        {"5QE", 11, "8f5cc2ae3ca7c13afaa61df414049c48ff0b3b468392c48b52a9b05c194426f6"},
    };
    const struct statement_submission submissions[] = {
        {2012 * 12 + 3, 3, "bcdfghjklmnpqrstvwxz", "3fdba35f04dc8c462986c992bcf875546257113072a909c162f7e470e581e278",
         4711, 10, april_trees, 2},
        {2012 * 12 + 4, 1, "zxwvtsrqpnmlkjhgfdcb", "6b23c0d5f35d1b11f9b683f0b0a617355deb11277d91ae091d399c655b87940d",
         4822, 11, may_trees, 1},
    };
    struct statement_input in = {
        .provider = "RXA",
        .contract = "bcdfghjklmnpqrstvwxz",
        .commissioner = "5QE",
        .financial_year = 2012,
        .run = "pqrstvwxzbcdfghjklmn",
        .type = "R",
        .n = 1,
        .month = 2012 * 12 + 3,
        .cause = "activity of 2012-04",
        .demonstration = true,
        .engine = "reckoner-engine/1",
        .key_id = "0807060504030201",
        .sequence = 4,
        .previous_sha256 = "2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae",
        .submissions = submissions,
        .submission_count = 2,
        .position = april,
        .position_sha256 = april_sha256,
        .position_pence = json_int(april, "total_pence", 0),
        .billed_position = may,
        .billed_sha256 = may_sha256,
        .billed_month = 2012 * 12 + 4,
        .billable_pence = json_int(may, "billable_pence", 0),
        .billed_before_pence = 373320,
        .draft = "mnpqrstvwxzbcdfghjkl",
        .draft_kind = "credit_note",
    };
    ck_assert(instant_parse("2012-07-05T10:00:00Z", 20, &in.sealed_at));
    char *bytes = statement_bytes(&in, length);
    ck_assert_ptr_nonnull(bytes);
    json_decref(april);
    json_decref(may);
    return bytes;
}

START_TEST(bytes_are_those_of_the_vector)
{
    size_t length = 0;
    char *bytes = vector_bytes(&length);
    size_t n = read_file(FOLDER "statement.json");
    ck_assert_str_eq(bytes, file_bytes);
    ck_assert_uint_eq(length, n);
    ck_assert_int_eq(strncmp(bytes, "{\"@purpose\":\"reckoner/statement/1\",", 34), 0);
    free(bytes);
}
END_TEST

START_TEST(vector_is_good_and_signed)
{
    char where[300];
    json_t *statement = NULL;
    struct minisign_signature signature;
    struct public_key key;
    size_t n = read_file(FOLDER "statement.json.minisig");
    ck_assert(minisign_signature_parse(file_bytes, n, &signature));
    n = read_file(FOLDER "key.pub");
    ck_assert(minisign_public_parse(file_bytes, n, &key));
    n = read_file(FOLDER "statement.json");
    ck_assert_int_eq(minisign_verify(&key, &signature, file_bytes, n), MINISIGN_GOOD);
    ck_assert_int_eq(statement_check(file_bytes, n, &statement, where, sizeof where), STATEMENT_GOOD);
    json_decref(statement);
}
END_TEST

struct tampering {
    const char *from;
    const char *to;
    enum statement_check found;
    const char *named;
};

static const struct tampering tamperings[] = {
    {"{\"@purpose\"", "[\"@purpose\"", STATEMENT_NOT_JSON, ""},
    {"reckoner/statement/1", "reckoner/receipt/1", STATEMENT_PURPOSE_WRONG, "reckoner/receipt/1"},
    {"reckoner/statement/1", "reckoner/statement/2", STATEMENT_PURPOSE_WRONG, "reckoner/statement/2"},
    {"\"sequence\":4", "\"sequence\":0", STATEMENT_INCOMPLETE, "sequence"},
    {",\"sequence\":4", "", STATEMENT_INCOMPLETE, "sequence"},
    {"\"sequence\":4", "\"sequence\": 4", STATEMENT_NOT_CANONICAL, "byte"},
    {"\"units\":270", "\"units\":271", STATEMENT_POSITION_DIGEST, "/position "},
    {"\"position_pence\":169371", "\"position_pence\":169372", STATEMENT_POSITION_LINES, "/position_pence"},
    {"\"billable_pence\":363834,\"month\"", "\"billable_pence\":363835,\"month\"", STATEMENT_BALANCE, "billable_pence"},
    {"\"billed_before_pence\":373320", "\"billed_before_pence\":373321", STATEMENT_BALANCE, "/billed_before_pence"},
    {"\"draft\":{\"balance_pence\":-9486", "\"draft\":{\"balance_pence\":-9485", STATEMENT_DRAFT, "/draft"},
    {"26f6\",\"rows\":11", "26f6\",\"rows\":12", STATEMENT_TREE, "more rows"},
    {"\"commissioner\":\"5QE\",\"root\"", "\"commissioner\":\"5QG\",\"root\"", STATEMENT_TREE, "out of order"},
    {"\"commissioner\":\"5QF\",\"root\"", "\"commissioner\":\"5QE\",\"root\"", STATEMENT_TREE, "twice"},
    {"\"root\":\"40e3", "\"root\":\"40e", STATEMENT_TREE, "root"},
    {"\"root\":\"40e3", "\"root\":\"40x3", STATEMENT_TREE, "no root"},
    {"\"rows\":10,\"sha256\"", "\"rows\":9,\"sha256\"", STATEMENT_TREE, "more rows"},
    {"\"clock\":",
     "\"bridges\":[{\"from_pence\":1,\"month\":\"2012-05\",\"steps\":[{\"cause\":\"plan\",\"pence\":1}],\"to_pence\":3}"
     "],"
     "\"clock\":",
     STATEMENT_BRIDGE, "adds up to 2"},
    {"\"clock\":",
     "\"bridges\":[{\"from_pence\":1,\"month\":\"2012-04\",\"steps\":[{\"cause\":\"plan\",\"pence\":2}],\"to_pence\":3}"
     "],"
     "\"clock\":",
     STATEMENT_BRIDGE, "the position is 169371"},
    {"\"commissioner\":\"5QE\",\"contract\":\"bcdfghjklmnpqrstvwxz\",\"financial_year\":2012,\"mode\":\"live\","
     "\"provider\"",
     "\"commissioner\":\"5QF\",\"contract\":\"bcdfghjklmnpqrstvwxz\",\"financial_year\":2012,\"mode\":\"live\","
     "\"provider\"",
     STATEMENT_POSITION_OTHER, "commissioner"},
};

START_TEST(every_tampering_is_named)
{
    const struct tampering *t = &tamperings[_i];
    char changed[sizeof file_bytes];
    char where[300];
    json_t *statement = NULL;
    (void)read_file(FOLDER "statement.json");
    const char *place = strstr(file_bytes, t->from);
    ck_assert_msg(place != NULL, "%s is not in the vector", t->from);
    snprintf(changed, sizeof changed, "%.*s%s%s", (int)(place - file_bytes), file_bytes, t->to,
             place + strlen(t->from));
    enum statement_check found = statement_check(changed, strlen(changed), &statement, where, sizeof where);
    ck_assert_msg(found == t->found, "%s: found %d (%s)", t->to, (int)found, where);
    ck_assert_msg(strstr(where, t->named) != NULL, "%s: \"%s\" does not name %s", t->to, where, t->named);
    json_decref(statement);
}
END_TEST

/* Lines that do not add up, under a digest that fits them: only the sums can tell. */
START_TEST(sums_are_checked_beside_digests)
{
    char where[300];
    char sha256[65];
    size_t length = 0;
    json_t *statement = read_json(FOLDER "statement.json");
    json_t *position = json_object_get(statement, "position");
    json_t *line = json_array_get(json_object_get(position, "lines"), 0);
    ck_assert(json_put(line, "pence", json_integer(json_int(line, "pence", 0) + 1)));
    digest(position, sha256);
    ck_assert(json_put(statement, "position_sha256", json_string(sha256)));
    char *bytes = json_canonical(statement, &length);
    json_t *again = NULL;
    ck_assert_int_eq(statement_check(bytes, length, &again, where, sizeof where), STATEMENT_POSITION_LINES);
    ck_assert_ptr_nonnull(strstr(where, "add up"));
    json_decref(again);
    json_decref(statement);
    free(bytes);
}
END_TEST

/* A tree of another commissioner is no tree of the account. */
START_TEST(a_submission_without_the_account_s_tree_is_named)
{
    char where[300];
    size_t length = 0;
    json_t *statement = read_json(FOLDER "statement.json");
    json_t *trees = json_object_get(json_array_get(json_object_get(statement, "submissions"), 0), "trees");
    ck_assert_int_eq(json_array_remove(trees, 0), 0);
    char *bytes = json_canonical(statement, &length);
    json_t *again = NULL;
    ck_assert_int_eq(statement_check(bytes, length, &again, where, sizeof where), STATEMENT_TREE);
    ck_assert_ptr_nonnull(strstr(where, "/submissions/0/trees has none"));
    json_decref(again);
    json_decref(statement);
    free(bytes);
}
END_TEST

START_TEST(cut_off_bytes_are_refused)
{
    char where[300];
    size_t n = read_file(FOLDER "statement.json");
    for (size_t i = 0; i < n; i += 37) {
        json_t *statement = NULL;
        ck_assert_int_ne(statement_check(file_bytes, i, &statement, where, sizeof where), STATEMENT_GOOD);
        json_decref(statement);
    }
}
END_TEST

static void expect_causes(const json_t *before, const json_t *now, const char *expected)
{
    struct buf causes;
    buf_init(&causes, 500);
    ck_assert(position_causes(before, now, &causes));
    ck_assert_str_eq(causes.data, expected);
    buf_free(&causes);
}

START_TEST(changes_are_told_apart)
{
    json_t *before = read_json(FOLDER "position-april.json");
    json_t *now = json_deep_copy(before);
    ck_assert(!position_lines_differ(before, now));
    /* Other inputs, same lines: nothing changed for the account. */
    json_t *month = json_array_get(json_object_get(json_object_get(now, "inputs"), "months"), 0);
    ck_assert(json_put(month, "sha256", json_string("00")));
    ck_assert(!position_lines_differ(before, now));
    expect_causes(before, now, "activity of 2012-04");
    json_t *terms = json_array_get(json_object_get(json_object_get(now, "inputs"), "terms"), 0);
    ck_assert(json_put(terms, "version", json_integer(2)));
    expect_causes(before, now, "activity of 2012-04, terms version 2");
    json_t *line = json_array_get(json_object_get(now, "lines"), 0);
    ck_assert(json_put(line, "units", json_integer(json_int(line, "units", 0) - 1)));
    ck_assert(position_lines_differ(before, now));
    ck_assert_int_eq(json_array_remove(json_object_get(now, "lines"), 0), 0);
    ck_assert(position_lines_differ(before, now));
    json_decref(before);
    json_decref(now);
}
END_TEST

int main(void)
{
    if (sodium_init() < 0)
        return 1;
    Suite *suite = suite_create("statement");
    TCase *t = tcase_create("statement");
    tcase_add_test(t, bytes_are_those_of_the_vector);
    tcase_add_test(t, vector_is_good_and_signed);
    tcase_add_loop_test(t, every_tampering_is_named, 0, (int)(sizeof tamperings / sizeof tamperings[0]));
    tcase_add_test(t, sums_are_checked_beside_digests);
    tcase_add_test(t, a_submission_without_the_account_s_tree_is_named);
    tcase_add_test(t, cut_off_bytes_are_refused);
    tcase_add_test(t, changes_are_told_apart);
    suite_add_tcase(suite, t);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
