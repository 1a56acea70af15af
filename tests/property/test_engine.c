/* The engine's name against what the engine says: tests/vectors/engines.tsv has, for each name, the SHA-256 of a fixed
 * set of cases and of the positions that the engine of that name made of them. Other positions of the same cases need a
 * new name (domain/position.h), for runs, statements and bridges go by it. The cases are random contract-years of fixed
 * seeds: when their generator changes, the line of the name is made anew, by an engine that was not changed with it. */
#include "lib/contract_year.h"

#include <check.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_SEED UINT64_C(2012040100)
#define CASES      400

struct digests {
    char cases[65];
    char positions[65];
};

static void take(crypto_hash_sha256_state *state, const char *text)
{
    crypto_hash_sha256_update(state, (const unsigned char *)text, strlen(text) + 1);
}

static void finish(crypto_hash_sha256_state *state, char hex[65])
{
    unsigned char digest[crypto_hash_sha256_BYTES];
    crypto_hash_sha256_final(state, digest);
    sodium_bin2hex(hex, 65, digest, sizeof digest);
}

/* The position without the engine's name: a new name alone is no other result. */
static char *position_text(const struct contract_year *y, month_t m, instant_t known_at)
{
    struct position p;
    struct json_problem problem;
    char *bytes = NULL;
    if (contract_year_position(y, m, known_at, 0, &p, &bytes) != POSITION_DONE)
        return strdup("parked");
    json_t *document = json_read(bytes, strlen(bytes), &problem);
    year_must(document != NULL && json_object_del(document, "engine") == 0);
    position_free(&p);
    free(bytes);
    bytes = json_dumps(document, JSON_SORT_KEYS | JSON_COMPACT);
    json_decref(document);
    return bytes;
}

static struct digests digests_now(void)
{
    struct digests made;
    crypto_hash_sha256_state cases;
    crypto_hash_sha256_state positions;
    crypto_hash_sha256_init(&cases);
    crypto_hash_sha256_init(&positions);
    for (uint64_t n = 0; n < CASES; n++) {
        struct contract_year *y = contract_year_new(FIRST_SEED + n);
        const instant_t known_at = n % 3 == 0 ? YEAR_ALL_KNOWN : (instant_t)(1000000 * (1 + n % 4) + 500000);
        const month_t m = YEAR_APRIL + (month_t)(n * 7 % TERMS_MONTHS);
        if (n % 5 == 0)
            contract_year_crowd(y);
        if (n % 4 == 0)
            y->account = YEAR_OTHER;
        json_t *asked = contract_year_case(y, m, known_at);
        year_must(asked != NULL);
        (void)json_object_del(asked, "engine");
        char *question = json_dumps(asked, JSON_SORT_KEYS | JSON_COMPACT);
        char *answer = position_text(y, m, known_at);
        year_must(question != NULL && answer != NULL);
        take(&cases, question);
        take(&positions, answer);
        free(question);
        free(answer);
        json_decref(asked);
        contract_year_free(y);
    }
    finish(&cases, made.cases);
    finish(&positions, made.positions);
    return made;
}

START_TEST(other_results_have_another_name)
{
    char line[400];
    char name[100] = "";
    struct digests kept = {"", ""};
    const struct digests now = digests_now();
    bool named_before = false;
    FILE *file = fopen("tests/vectors/engines.tsv", "r");
    ck_assert_ptr_nonnull(file);
    while (fgets(line, sizeof line, file) != NULL) {
        if (line[0] == '#')
            continue;
        named_before = named_before || strcmp(name, POSITION_ENGINE) == 0;
        const char *cases = line + strcspn(line, "\t");
        const char *positions = cases + 1 + strcspn(cases + 1, "\t");
        ck_assert_msg(*cases == '\t' && *positions == '\t', "%s has not three columns", line);
        (void)snprintf(name, sizeof name, "%.*s", (int)(cases - line), line);
        (void)snprintf(kept.cases, sizeof kept.cases, "%.64s", cases + 1);
        (void)snprintf(kept.positions, sizeof kept.positions, "%.64s", positions + 1);
    }
    (void)fclose(file);
    ck_assert_msg(!named_before && strcmp(name, POSITION_ENGINE) == 0, "the last line is not of " POSITION_ENGINE);
    ck_assert_msg(strcmp(kept.cases, now.cases) == 0,
                  "other cases than were kept: with an engine that is as it was, the line becomes\n%s\t%s\t%s",
                  POSITION_ENGINE, now.cases, now.positions);
    ck_assert_msg(strcmp(kept.positions, now.positions) == 0,
                  "other positions of the same cases: give the engine a new name, with the line\nNAME\t%s\t%s",
                  now.cases, now.positions);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("engine");
    TCase *cases = tcase_create("engine");
    tcase_set_timeout(cases, 0);
    tcase_add_test(cases, other_results_have_another_name);
    suite_add_tcase(suite, cases);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
