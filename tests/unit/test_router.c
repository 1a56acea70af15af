#include "http/router.h"

#include "base/token.h"

#include <check.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

static void handler(struct request *r)
{
    (void)r;
}

static const struct route routes[] = {
    {.method = "GET", .path = "/v1/keys", .operation = "listKeys", .handle = handler},
    {.method = "GET", .path = "/v1/keys/{key}", .operation = "getKey", .handle = handler},
    {.method = "PUT", .path = "/v1/keys/{key}", .operation = "putKey", .handle = handler},
    {.method = "GET", .path = "/v1/a/{a}/b/{b}", .operation = "getB", .handle = handler},
    {.method = "GET", .path = "/v1/a/{a}/b/last", .operation = "never", .handle = handler},
    {.method = NULL},
};

static enum match match(const char *method, const char *path, struct match_result *m)
{
    return router_match(routes, method, path, m);
}

START_TEST(test_routes_are_found)
{
    struct match_result m;
    ck_assert_int_eq(match("GET", "/v1/keys", &m), MATCH_FOUND);
    ck_assert_str_eq(m.route->operation, "listKeys");
    ck_assert_int_eq(match("HEAD", "/v1/keys/x%2Fy", &m), MATCH_FOUND);
    ck_assert_str_eq(m.route->operation, "getKey");
    ck_assert_str_eq(m.values[0], "x/y");
    ck_assert_int_eq(match("GET", "/v1/a/one/b/last", &m), MATCH_FOUND);
    ck_assert_str_eq(m.route->operation, "getB");
    ck_assert_str_eq(m.values[0], "one");
    ck_assert_str_eq(m.values[1], "last");
}
END_TEST

START_TEST(test_other_paths_are_not)
{
    static const char *const paths[] = {
        "",        "/",        "/v1",       "/v1/keys/", "/v1/keys//",  "/v1//keys",    "/v1/keys/a/b",
        "v1/keys", "/V1/keys", "/v1/keysx", "/v1/key",   "/v1/a/one/b", "/v1/a//b/two", "/v1/keys?x"};
    struct match_result m;
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++)
        ck_assert_msg(match("GET", paths[i], &m) == MATCH_NO_PATH, "%s", paths[i]);
}
END_TEST

START_TEST(test_methods)
{
    struct match_result m;
    ck_assert_int_eq(match("DELETE", "/v1/keys/x", &m), MATCH_NO_METHOD);
    ck_assert_str_eq(m.allow, "GET, HEAD, PUT");
    ck_assert_int_eq(match("get", "/v1/keys", &m), MATCH_NO_METHOD);
    ck_assert_str_eq(m.allow, "GET, HEAD");
}
END_TEST

START_TEST(test_undecodable_paths)
{
    static const char *const paths[] = {"/v1/keys/%",   "/v1/keys/%4",     "/v1/keys/%zz",       "/v1/keys/%00",
                                        "/v1/keys/%1f", "/v1/keys/%c0%80", "/v1/keys/%ed%a0%80", "/v1/keys/\xff"};
    struct match_result m;
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++)
        ck_assert_msg(match("GET", paths[i], &m) == MATCH_BAD_PATH, "%s", paths[i]);
    char long_path[700] = "/v1/keys/";
    memset(long_path + 9, 'x', sizeof long_path - 10);
    ck_assert_int_eq(match("GET", long_path, &m), MATCH_BAD_PATH);
}
END_TEST

START_TEST(test_percent_round_trip)
{
    char text[256], out[256];
    struct buf encoded;
    buf_init(&encoded, 1024);
    for (int c = 0x20, n = 0; c < 0x7f; c++, n++) {
        text[n] = (char)c;
        text[n + 1] = '\0';
    }
    static const char beyond_ascii[] = "\xc2\xa3\xe2\x82\xac\xf0\x9f\x92\xb7";
    memcpy(text + strlen(text), beyond_ascii, sizeof beyond_ascii);
    ck_assert(percent_encode(&encoded, text));
    ck_assert_ptr_null(strpbrk(encoded.data, " /?#&=+\"<>"));
    ck_assert_int_eq(percent_decode(encoded.data, encoded.length, out, sizeof out), (long)strlen(text));
    ck_assert_str_eq(out, text);
    ck_assert_int_eq(percent_decode("abc", 3, out, 3), -1);
    ck_assert_int_eq(percent_decode("abc", 3, out, 4), 3);
    buf_free(&encoded);
}
END_TEST

START_TEST(test_cursors)
{
    unsigned char key[TOKEN_KEY_BYTES] = {1}, other[TOKEN_KEY_BYTES] = {2};
    char cursor[512], text[256];
    ck_assert(cursor_encode(key, "listKeys", "RXA/abc", cursor, sizeof cursor));
    ck_assert(cursor_decode(key, "listKeys", cursor, text, sizeof text));
    ck_assert_str_eq(text, "RXA/abc");
    ck_assert(!cursor_decode(key, "listOther", cursor, text, sizeof text));
    ck_assert(!cursor_decode(other, "listKeys", cursor, text, sizeof text));
    for (size_t i = 0; cursor[i] != '\0'; i++) {
        char changed[512];
        memcpy(changed, cursor, sizeof changed);
        changed[i] = changed[i] == 'A' ? 'Q' : 'A';
        ck_assert_msg(!cursor_decode(key, "listKeys", changed, text, sizeof text), "position %zu", i);
    }
    ck_assert(!cursor_decode(key, "listKeys", "", text, sizeof text));
    ck_assert(!cursor_decode(key, "listKeys", "AAAA", text, sizeof text));
    ck_assert(!cursor_decode(key, "listKeys", cursor, text, 7));
    char longest[257];
    memset(longest, 'x', 256);
    longest[255] = '\0';
    ck_assert(cursor_encode(key, "listKeys", longest, cursor, sizeof cursor));
    ck_assert(cursor_decode(key, "listKeys", cursor, text, sizeof text));
    longest[255] = 'x';
    longest[256] = '\0';
    ck_assert(!cursor_encode(key, "listKeys", longest, cursor, sizeof cursor));
    ck_assert(!cursor_encode(key, "listKeys", "abc", cursor, 10));
}
END_TEST

START_TEST(test_names)
{
    ck_assert(name_listed("limit after", "limit"));
    ck_assert(name_listed("limit after", "after"));
    ck_assert(!name_listed("limit after", "aft"));
    ck_assert(!name_listed("limit after", "limit "));
    ck_assert(!name_listed("limit after", ""));
    ck_assert(!name_listed(NULL, "limit"));
}
END_TEST

START_TEST(test_request_ids)
{
    ck_assert(request_id_is_acceptable("my-request-17"));
    ck_assert(request_id_is_acceptable("9b2e7a52-6f0d-4a4e-9a51-b3f1f0a1c2d3"));
    ck_assert(request_id_is_acceptable("12345678"));
    ck_assert(!request_id_is_acceptable("1234567"));
    ck_assert(!request_id_is_acceptable("9434765919"));
    ck_assert(!request_id_is_acceptable("id-9434765919-x"));
    ck_assert(!request_id_is_acceptable("id-943-476-5919-x"));
    ck_assert(!request_id_is_acceptable("has a blank"));
    ck_assert(!request_id_is_acceptable("quote\"quote"));
    ck_assert(request_id_is_acceptable("abcdefghijabcdefghijabcdefghijabcdefghijabcdefg"));
    ck_assert(!request_id_is_acceptable("abcdefghijabcdefghijabcdefghijabcdefghijabcdefgh"));
}
END_TEST

START_TEST(test_etags)
{
    char out[8];
    ck_assert(etag_unquote("\"7\"", out, sizeof out));
    ck_assert_str_eq(out, "7");
    ck_assert(etag_unquote("\"1234567\"", out, sizeof out));
    static const char *const wrong[] = {"7", "\"\"", "\"7", "W/\"7\"", "\"7\", \"8\"", "*", "", "\"12345678\""};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        ck_assert_msg(!etag_unquote(wrong[i], out, sizeof out), "%s", wrong[i]);
}
END_TEST

/* What the listener takes for granted of the real table. */
START_TEST(test_the_table_is_sound)
{
    for (const struct route *a = route_table; a->method != NULL; a++) {
        ck_assert_msg((a->body == BODY_UPLOAD) == (a->upload != NULL && a->accepts != NULL), "%s", a->operation);
        ck_assert_msg((a->body == BODY_UPLOAD) == (a->handle == NULL), "%s", a->operation);
        ck_assert_msg(a->body == BODY_NONE || strcmp(a->method, "GET") != 0, "%s", a->operation);
        ck_assert_msg(a->roles != ROLE_NONE || strcmp(a->method, "GET") == 0, "%s is public", a->operation);
        for (const struct route *b = a + 1; b->method != NULL; b++) {
            ck_assert_str_ne(a->operation, b->operation);
            ck_assert_msg(strcmp(a->method, b->method) != 0 || strcmp(a->path, b->path) != 0, "%s", a->path);
        }
        struct match_result m;
        ck_assert_msg(router_match(route_table, a->method, a->path, &m) == MATCH_FOUND, "%s", a->path);
        ck_assert_msg(m.route == a, "%s is hidden by %s", a->operation, m.route->operation);
    }
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("router");
    TCase *c = tcase_create("router");
    tcase_add_test(c, test_routes_are_found);
    tcase_add_test(c, test_other_paths_are_not);
    tcase_add_test(c, test_methods);
    tcase_add_test(c, test_undecodable_paths);
    tcase_add_test(c, test_percent_round_trip);
    tcase_add_test(c, test_cursors);
    tcase_add_test(c, test_names);
    tcase_add_test(c, test_request_ids);
    tcase_add_test(c, test_etags);
    tcase_add_test(c, test_the_table_is_sound);
    suite_add_tcase(s, c);
    return s;
}

int main(void)
{
    if (sodium_init() < 0)
        return EXIT_FAILURE;
    SRunner *runner = srunner_create(suite());
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
