/* JSON in on our terms, canonical bytes out, and tables of expected members. */
#include "base/json.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(table) ((int)(sizeof(table) / sizeof(table)[0]))

static const struct {
    const char *text;
    const char *field;
    const char *message;
} refused[] = {
    {"", "", "ends too early"},
    {"{", "", "ends too early"},
    {"{\"a\":1,\"a\":2}", "", "given twice"},
    {"{\"a\":{\"b\":1,\"b\":2}}", "", "given twice"},
    {"[1] 2", "", "follows the value"},
    {"{\"a\":[0,{\"b/c~d\":1.5}]}", "/a/1/b~1c~0d", "fraction"},
    {"1e3", "", "fraction"},
    {"1.0", "", "fraction"},
    {"9223372036854775808", "", "too large"},
    {"{\"a\":9007199254740992}", "/a", "2^53 - 1"},
    {"{\"a\":-9007199254740992}", "/a", "2^53 - 1"},
    {"\"\\u0000\"", "", "NUL"},
    {"{\"a\":\"x\\u0001\"}", "/a", "control"},
    {"{\"a\":\"x\\ny\"}", "/a", "control"},
    {"{\"a\":\"x\x7f\"}", "/a", "control"},
    {"{\"a\\tb\":1}", "", "control"},
    {"\"\xff\"", "", "not UTF-8"},
    {"nothing", "", "not JSON"},
    {"{'a':1}", "", "not JSON"},
    {"[1,]", "", "not JSON"},
    {"[NaN]", "", "not JSON"},
    {"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]",
     "/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0", "deeper"},
};

START_TEST(what_is_not_read)
{
    struct json_problem problem;
    json_t *value = json_read(refused[_i].text, strlen(refused[_i].text), &problem);
    ck_assert_msg(value == NULL, "%s is read", refused[_i].text);
    ck_assert_str_eq(problem.field, refused[_i].field);
    ck_assert_msg(strstr(problem.message, refused[_i].message) != NULL, "%s: %s", refused[_i].text, problem.message);
}
END_TEST

START_TEST(problems_do_not_repeat_the_text)
{
    struct json_problem problem;
    ck_assert_ptr_null(json_read("{\"a\": secret}", 13, &problem));
    ck_assert_ptr_null(strstr(problem.message, "secret"));
    ck_assert_ptr_nonnull(strstr(problem.message, "line 1"));
}
END_TEST

static const struct {
    const char *text;
    const char *canonical; /* NULL: has no canonical form */
} canonicals[] = {
    {" { \"b\" : 1 , \"a\" : [ true , null , -0 ] , \"@p\" : \"x\" } ", "{\"@p\":\"x\",\"a\":[true,null,0],\"b\":1}"},
    {"{\"aa\":1,\"a\":2,\"B\":3}", "{\"B\":3,\"a\":2,\"aa\":1}"},
    {"\"\\u00e9\\/\\\"\\\\\"", "\"\xc3\xa9/\\\"\\\\\""},
    {"\"\\ud83d\\ude00\"", "\"\xf0\x9f\x98\x80\""},
    {"9007199254740991", "9007199254740991"},
    {"-9007199254740991", "-9007199254740991"},
    {"{\"\\uff5e\":1}", NULL},
    {"{}", "{}"},
    {"[]", "[]"},
    {"\"text\"", "\"text\""},
};

START_TEST(canonical_bytes)
{
    struct json_problem problem;
    size_t length = 0;
    json_t *value = json_read(canonicals[_i].text, strlen(canonicals[_i].text), &problem);
    ck_assert_msg(value != NULL, "%s: %s", canonicals[_i].text, problem.message);
    char *text = json_canonical(value, &length);
    if (canonicals[_i].canonical == NULL) {
        ck_assert_msg(text == NULL, "%s has a canonical form", canonicals[_i].text);
    } else {
        ck_assert_str_eq(text, canonicals[_i].canonical);
        ck_assert_int_eq((int)length, (int)strlen(text));
    }
    free(text);
    json_decref(value);
}
END_TEST

START_TEST(no_canonical_form)
{
    size_t length;
    json_t *real = json_pack("{s:[f]}", "a", 1.5);
    json_t *control = json_pack("{s:s}", "a", "x\ny");
    json_t *large = json_pack("{s:I}", "a", (json_int_t)9007199254740992);
    ck_assert_ptr_null(json_canonical(real, &length));
    ck_assert_ptr_null(json_canonical(control, &length));
    ck_assert_ptr_null(json_canonical(large, &length));
    json_decref(large);
    ck_assert_ptr_null(json_canonical(NULL, &length));
    json_decref(real);
    json_decref(control);
}
END_TEST

static json_t *deep(int levels)
{
    json_t *value = json_integer(1);
    for (int i = 1; i < levels; i++)
        value = json_pack("[o]", value);
    return value;
}

START_TEST(what_canonical_bytes_refuse)
{
    size_t length = 0;
    json_t *values[] = {json_string("x\x7f"), json_pack("{s:i}", "a\tb", 1), json_integer(-9007199254740992), deep(33),
                        json_pack("{s:[{s:i}]}", "a", "\xee\x80\x80", 1)};
    for (size_t i = 0; i < COUNT(values); i++) {
        ck_assert_ptr_nonnull(values[i]);
        ck_assert_ptr_null(json_canonical(values[i], &length));
        json_decref(values[i]);
    }
    json_t *deepest = deep(32);
    char *text = json_canonical(deepest, &length);
    ck_assert_ptr_nonnull(text);
    ck_assert_uint_eq(length, 63);
    free(text);
    json_decref(deepest);
}
END_TEST

static uint32_t drawn = 1;

static unsigned draw(unsigned limit)
{
    drawn = drawn * 1664525 + 1013904223;
    return (drawn >> 8) % limit;
}

/* Of letters that sort, escape and encode differently. */
static void draw_text(char out[40])
{
    static const char *const pieces[] = {"a", "B", "aa", "\"", "\\", "/", "\xc3\xa9", "\xe2\x82\xac",
                                         "0", " ", "~",  "_"};
    size_t length = 0;
    for (unsigned n = draw(7); n > 0; n--) {
        const char *piece = pieces[draw(COUNT(pieces))];
        memcpy(out + length, piece, strlen(piece));
        length += strlen(piece);
    }
    out[length] = '\0';
}

static json_t *draw_value(int depth)
{
    static const int64_t edges[] = {0, 1, -1, 9, 10, -10, 9007199254740991, -9007199254740991, 1234567890123};
    char text[40];
    draw_text(text);
    unsigned members = depth == 0 && draw(2) == 0 ? 100 : draw(6);
    json_t *many = NULL;
    switch (depth > 4 ? 2 + draw(5) : draw(7)) {
    case 0:
        many = json_object();
        for (; members > 0; members--, draw_text(text))
            json_object_set_new(many, text, draw_value(depth + 1));
        return many;
    case 1:
        many = json_array();
        for (; members > 0; members--)
            json_array_append_new(many, draw_value(depth + 1));
        return many;
    case 2:
        return json_integer(edges[draw(COUNT(edges))]);
    case 3:
        return json_integer((int64_t)draw(1000000) - 500000);
    case 4:
        return draw(2) == 0 ? json_true() : json_false();
    case 5:
        return json_null();
    default:
        return json_string(text);
    }
}

/* jansson's own sorted, compact bytes are the canonical ones of what has them. */
START_TEST(canonical_bytes_are_those_of_jansson)
{
    for (int i = 0; i < 3000; i++) {
        size_t length = 0;
        json_t *value = draw_value(0);
        char *expected = json_dumps(value, JSON_SORT_KEYS | JSON_COMPACT | JSON_ENCODE_ANY);
        char *text = json_canonical(value, &length);
        ck_assert_ptr_nonnull(expected);
        ck_assert_str_eq(text, expected);
        ck_assert_uint_eq(length, strlen(expected));
        free(text);
        free(expected);
        json_decref(value);
    }
}
END_TEST

static const struct json_member table[] = {
    {"name", JSON_KIND_TEXT, true, 1, 5},           {"pence", JSON_KIND_INTEGER, true, -10, 10},
    {"paid", JSON_KIND_BOOLEAN, false, 0, 0},       {"lines", JSON_KIND_ARRAY, false, 1, 2},
    {"terms", JSON_KIND_OBJECT, false, 0, 0},       {"sum", JSON_KIND_INTEGER, false, -10000000000, INT64_MAX},
    {"month", JSON_KIND_MONTH, false, 0, 0},        {"code", JSON_KIND_TEXT, false, 3, 3},
    {"year", JSON_KIND_INTEGER, false, 2010, 2099}, {NULL, JSON_KIND_TEXT, false, 0, 0},
};

static const struct {
    const char *text;
    const char *field; /* NULL: passes */
    const char *message;
} checks[] = {
    {"{\"name\":\"x\",\"pence\":-10}", NULL, NULL},
    {"{\"name\":\"12345\",\"pence\":10,\"paid\":false,\"lines\":[1,2],\"terms\":{}}", NULL, NULL},
    {"{\"name\":\"x\",\"pence\":1,\"paid\":null,\"lines\":null,\"terms\":null}", NULL, NULL},
    {"{\"pence\":1}", "/base/name", "missing"},
    {"{\"name\":null,\"pence\":1}", "/base/name", "must be a text"},
    {"{\"name\":\"\",\"pence\":1}", "/base/name", "1 to 5 bytes"},
    {"{\"name\":\"123456\",\"pence\":1}", "/base/name", "1 to 5 bytes"},
    {"{\"name\":1,\"pence\":1}", "/base/name", "must be a text"},
    {"{\"name\":\"x\",\"pence\":11}", "/base/pence", "-10 to 10"},
    {"{\"name\":\"x\",\"pence\":-11}", "/base/pence", "-10 to 10"},
    {"{\"name\":\"x\",\"pence\":\"1\"}", "/base/pence", "integer"},
    {"{\"name\":\"x\",\"pence\":true}", "/base/pence", "integer"},
    {"{\"name\":\"x\",\"pence\":1,\"paid\":1}", "/base/paid", "true or false"},
    {"{\"name\":\"x\",\"pence\":1,\"lines\":[]}", "/base/lines", "1 to 2 elements"},
    {"{\"name\":\"x\",\"pence\":1,\"lines\":[1,2,3]}", "/base/lines", "1 to 2 elements"},
    {"{\"name\":\"x\",\"pence\":1,\"lines\":{}}", "/base/lines", "array"},
    {"{\"name\":\"x\",\"pence\":1,\"terms\":[]}", "/base/terms", "object"},
    {"{\"name\":\"x\",\"pence\":1,\"other\":1}", "/base/other", "not a member"},
    {"{\"name\":\"x\",\"pence\":1,\"sum\":-10000000001}", "/base/sum",
     "must be -10,000,000,000 to 9,223,372,036,854,775,807"},
    {"{\"name\":\"x\",\"pence\":1,\"year\":2100}", "/base/year", "must be 2010 to 2099"},
    {"{\"name\":\"x\",\"pence\":1,\"month\":\"2012-05\",\"code\":\"RXA\"}", NULL, NULL},
    {"{\"name\":\"x\",\"pence\":1,\"month\":\"2012-5\"}", "/base/month", "must be a month, written YYYY-MM"},
    {"{\"name\":\"x\",\"pence\":1,\"month\":\"2012-13\"}", "/base/month", "must be a month, written YYYY-MM"},
    {"{\"name\":\"x\",\"pence\":1,\"month\":201205}", "/base/month", "must be a month, written YYYY-MM"},
    {"{\"name\":\"x\",\"pence\":1,\"code\":\"RX\"}", "/base/code", "must be 3 bytes long"},
    {"[]", "/base", "object"},
};

START_TEST(members_are_checked)
{
    struct json_problem problem;
    json_t *value = json_read(checks[_i].text, strlen(checks[_i].text), &problem);
    ck_assert_ptr_nonnull(value);
    bool passes = json_check(value, table, "/base", &problem);
    ck_assert_msg(passes == (checks[_i].field == NULL), "%s", checks[_i].text);
    if (!passes) {
        ck_assert_str_eq(problem.field, checks[_i].field);
        ck_assert_msg(strstr(problem.message, checks[_i].message) != NULL, "%s: %s", checks[_i].text, problem.message);
    }
    json_decref(value);
}
END_TEST

START_TEST(long_names_do_not_overflow)
{
    struct json_problem problem;
    char text[2000] = "{\"";
    memset(text + 2, '~', 1900);
    memcpy(text + 1902, "\":1.5}", 7);
    ck_assert_ptr_null(json_read(text, strlen(text), &problem));
    ck_assert_str_eq(problem.field, "");
    memcpy(text + 1902, "\":1}", 5);
    json_t *value = json_read(text, strlen(text), &problem);
    ck_assert_ptr_nonnull(value);
    ck_assert(!json_check(value, table, "", &problem));
    ck_assert_str_eq(problem.field, "");
    json_decref(value);
}
END_TEST

START_TEST(members_are_read_and_put)
{
    struct json_problem problem;
    static const char text[] = "{\"t\":\"x\",\"i\":-5,\"b\":true,\"n\":null}";
    json_t *value = json_read(text, sizeof text - 1, &problem);
    ck_assert_ptr_nonnull(value);
    ck_assert_str_eq(json_text(value, "t"), "x");
    ck_assert_ptr_null(json_text(value, "n"));
    ck_assert_ptr_null(json_text(value, "i"));
    ck_assert(json_int(value, "i", 7) == -5 && json_int(value, "n", 7) == 7 && json_int(value, "none", 7) == 7);
    ck_assert(json_bool(value, "b", false) && json_bool(value, "n", true) && !json_bool(value, "none", false));
    ck_assert(json_put(value, "new", json_integer(3)) && json_int(value, "new", 0) == 3);
    ck_assert(!json_put(value, "failed", NULL));
    ck_assert_ptr_null(json_object_get(value, "failed"));
    json_decref(value);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("json");
    TCase *tc = tcase_create("json");
    tcase_add_loop_test(tc, what_is_not_read, 0, COUNT(refused));
    tcase_add_test(tc, problems_do_not_repeat_the_text);
    tcase_add_loop_test(tc, canonical_bytes, 0, COUNT(canonicals));
    tcase_add_test(tc, no_canonical_form);
    tcase_add_test(tc, what_canonical_bytes_refuse);
    tcase_add_test(tc, canonical_bytes_are_those_of_jansson);
    tcase_add_loop_test(tc, members_are_checked, 0, COUNT(checks));
    tcase_add_test(tc, long_names_do_not_overflow);
    tcase_add_test(tc, members_are_read_and_put);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
