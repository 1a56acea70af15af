/* What counts as an identifier in a text: ten digits, and tokens. NHS numbers of the 999 range. */
#include "domain/leak_json.h"

#include "lib/upload.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct text text_of(const char *s)
{
    return (struct text){s, strlen(s)};
}

START_TEST(ten_digits_are_found_however_they_are_written)
{
    static const char *const forms[] = {
        "9990000018",
        "seen 9990000018 today",
        "999 000 0018",
        "999-000-0018",
        "9 9 9 0 0 0 0 0 1 8",
        "NHS9990000018X",
        "12 9990000018",
        "99900000180",
        "999\xC2\xA0"
        "000\xE2\x80\x93"
        "0018",
        "2012-04-01 999 000 0018",
        "\t999\t000\t0018\n",
    };
    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++)
        ck_assert_msg(leak_has_nhs_number(text_of(forms[i])), "%s", forms[i]);
}
END_TEST

START_TEST(other_digits_are_not)
{
    static const char *const forms[] = {
        "",
        "9990000019",
        "999000001",
        "999,000,0018",
        "99900/00018",
        "2012-04-01",
        "2012-04-01 2013-05-01 12 30",
        "999000001x8",
        "20311 of 21904",
        "RXA 5QE",
    };
    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++)
        ck_assert_msg(!leak_has_nhs_number(text_of(forms[i])), "%s", forms[i]);
}
END_TEST

/* Every number of the range that tests use, in a sentence, and with any one digit changed. */
START_TEST(the_check_digit_decides)
{
    for (unsigned n = 1; n < 400; n++) {
        char number[11];
        upload_nhs_number(n, number);
        ck_assert(leak_has_nhs_number(text_of(number)));
        char other[11];
        memcpy(other, number, sizeof other);
        size_t at = n % 10;
        other[at] = (char)('0' + (number[at] - '0' + 1 + (int)(n % 9)) % 10);
        ck_assert_msg(!leak_has_nhs_number(text_of(other)), "%s from %s", other, number);
    }
}
END_TEST

START_TEST(identifiers_are_compared_without_case_and_marks)
{
    char out[LEAK_TOKEN_MAX];
    ck_assert_uint_eq(leak_canonical(text_of(" rxa-12 34/5 "), out), 8);
    ck_assert_int_eq(memcmp(out, "RXA12345", 8), 0);
    ck_assert_uint_eq(leak_canonical(text_of("P-1234/5"), out), 0);
    ck_assert_uint_eq(leak_canonical(text_of("P-1234/56"), out), 7);
    char longest[LEAK_TOKEN_MAX + 2];
    memset(longest, 'x', sizeof longest);
    ck_assert_uint_eq(leak_canonical((struct text){longest, LEAK_TOKEN_MAX}, out), LEAK_TOKEN_MAX);
    ck_assert_uint_eq(leak_canonical((struct text){longest, LEAK_TOKEN_MAX + 1}, out), 0);
}
END_TEST

static bool collect(void *context, const char *token, size_t length)
{
    struct buf *b = context;
    return (b->length == 0 || buf_append_char(b, '|')) && buf_append(b, token, length);
}

static void expect_tokens(const char *from, const char *expected)
{
    struct buf b;
    buf_init(&b, 10000);
    ck_assert(leak_tokens(text_of(from), collect, &b));
    ck_assert_msg(strcmp(b.data ? b.data : "", expected) == 0, "%s: %s, not %s", from, b.data, expected);
    buf_free(&b);
}

START_TEST(tokens_are_runs_and_neighbours)
{
    expect_tokens("", "");
    expect_tokens("abc def", "");
    expect_tokens("patient p123456.", "PATIENT|P123456|PATIENTP123456");
    expect_tokens("AB-123 4567", "1234567|AB1234567");
    expect_tokens("(x1234567)", "X1234567");
    expect_tokens("1 2 3 4567", "1234567");
    expect_tokens("1  234567", "");
    expect_tokens("2012-04-01 2012-05-01T09", "");
    expect_tokens("AB 2012-04-01 1234567", "1234567");
    expect_tokens("2012-14-01", "20121401");
    expect_tokens("a b c d 1234567", "1234567|D1234567|CD1234567|BCD1234567");
    expect_tokens("M\xC3\xBCller7", "M\xC3\xBCLLER7");
}
END_TEST

START_TEST(a_scan_ends_when_told)
{
    struct buf b;
    buf_init(&b, 7);
    ck_assert(!leak_tokens(text_of("1234567 7654321"), collect, &b));
    ck_assert_str_eq(b.data, "1234567");
    buf_free(&b);
}
END_TEST

/* An identifier in any text around it is among the tokens, whatever marks were put between its parts. */
START_TEST(a_planted_identifier_is_offered)
{
    static const char marks[] = " -/._:";
    for (unsigned n = 0; n < 5000; n++) {
        char id[32];
        char sentence[400];
        char canonical[LEAK_TOKEN_MAX];
        (void)snprintf(id, sizeof id, "rx%c%03u%c%04u", marks[n % 6], n % 1000, marks[n / 6 % 6], n);
        (void)snprintf(sentence, sizeof sentence, "%.*s: %s, as agreed on 2012-04-%02u.", (int)(n % 40),
                       "The patient of the ward was seen by us at", id, n % 30 + 1);
        size_t length = leak_canonical(text_of(id), canonical);
        ck_assert_uint_eq(length, 9);
        struct buf b;
        buf_init(&b, 10000);
        ck_assert(leak_tokens(text_of(sentence), collect, &b));
        char wanted[40];
        (void)snprintf(wanted, sizeof wanted, "|%.*s", (int)length, canonical);
        ck_assert_msg(strstr(b.data, wanted) || strncmp(b.data, wanted + 1, length) == 0, "%s: %s", sentence, b.data);
        buf_free(&b);
    }
}
END_TEST

START_TEST(texts_of_documents_are_looked_at_and_nothing_else)
{
    static const char *const leaking[] = {
        "{\"a\":\"999 000 0018\"}",
        "{\"9990000018\":1}",
        "[[\"x\",\"9990000018\"]]",
        "{\"a\":\"999\\t0000018\"}",
        "{\"a\":\"999\\u0030000018\"}",
        "{\"a\":\"x\\\"9990000018\"}",
        "\"9990000018\"",
        /* In doubt it does not go out. */
        "{\"a\":\"x",
        "[",
        "]",
        "{\"a\":\"\\",
    };
    for (size_t i = 0; i < sizeof leaking / sizeof leaking[0]; i++)
        ck_assert_msg(leak_in_json(text_of(leaking[i])), "%s", leaking[i]);
    static const char *const clean[] = {
        "",
        "{\"pence\":9990000018,\"n\":[9990000018]}",
        "{\"at\":\"2012-05-08T09:00:00.123456Z\",\"m\":\"2012-05\"}",
        "{\"sha256\":\"aa99900000181111111111111111111111111111111111111111111111111111\"}",
        "{\"key\":\"A99900000181111B\"}",
        "{\"a\":\"999000\",\"b\":\"0018\"}",
        "{\"a\":\"999000\"}\n{\"b\":\"0018\"}",
        "{\"a\":\"999\\u00e90000018\"}",
    };
    for (size_t i = 0; i < sizeof clean / sizeof clean[0]; i++)
        ck_assert_msg(!leak_in_json(text_of(clean[i])), "%s", clean[i]);
    /* Digits alone are no digest. */
    ck_assert(leak_in_text(text_of("9990000018999999")));
    ck_assert(!leak_in_text(text_of("A990000018999999")));
}
END_TEST

static bool collect_string(void *context, struct text member, struct text string)
{
    return buf_append_format(context, "%.*s=%.*s ", (int)member.length, member.at, (int)string.length, string.at);
}

START_TEST(strings_come_with_their_member)
{
    struct buf b;
    buf_init(&b, 1000);
    ck_assert(
        leak_json_strings(text_of("{\"a\": {\"b\":[\"x\",{\"c\" : \"y\"}]}, \"d\":\"z\\n\"}"), collect_string, &b));
    ck_assert_str_eq(b.data, "a=a b=b b=x c=c c=y d=d d=z\n ");
    buf_free(&b);
}
END_TEST

START_TEST(hashes_need_the_key)
{
    uint8_t identity_key[32] = {7};
    struct leak_key a;
    struct leak_key b;
    leak_key_derive(identity_key, &a);
    identity_key[31] = 1;
    leak_key_derive(identity_key, &b);
    ck_assert_int_eq(leak_hash(&a, "P123456", 7), leak_hash(&a, "P123456", 7));
    ck_assert_int_ne(leak_hash(&a, "P123456", 7), leak_hash(&a, "P123457", 7));
    ck_assert_int_ne(leak_hash(&a, "P123456", 7), leak_hash(&b, "P123456", 7));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("leak");
    TCase *tc = tcase_create("leak");
    tcase_add_test(tc, ten_digits_are_found_however_they_are_written);
    tcase_add_test(tc, other_digits_are_not);
    tcase_add_test(tc, the_check_digit_decides);
    tcase_add_test(tc, identifiers_are_compared_without_case_and_marks);
    tcase_add_test(tc, tokens_are_runs_and_neighbours);
    tcase_add_test(tc, a_scan_ends_when_told);
    tcase_add_test(tc, a_planted_identifier_is_offered);
    tcase_add_test(tc, texts_of_documents_are_looked_at_and_nothing_else);
    tcase_add_test(tc, strings_come_with_their_member);
    tcase_add_test(tc, hashes_need_the_key);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
