/* Terms made at random, some with something broken in them, against api/schemas/terms.json: what the parser accepts
 * validates, so that whatever the schema refuses is refused here too. */
#include "lib/contract_year.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* Any member or element of a value, and what holds it; NULL: the value has none. */
struct place {
    json_t *holder;
    const char *name; /* NULL: an element */
    size_t index;
};

static bool draw_place(struct contract_year *y, json_t *value, struct place *out)
{
    bool found = false;
    for (json_t *at = value;
         (json_is_object(at) && json_object_size(at) > 0) || (json_is_array(at) && json_array_size(at) > 0);) {
        *out = (struct place){.holder = at};
        found = true;
        if (json_is_array(at)) {
            out->index = (size_t)year_random(y, json_array_size(at));
            at = json_array_get(at, out->index);
        } else {
            void *member = json_object_iter(at);
            for (uint64_t n = year_random(y, json_object_size(at)); n > 0; n--)
                member = json_object_iter_next(at, member);
            out->name = json_object_iter_key(member);
            at = json_object_iter_value(member);
        }
        if (year_chance(y, 25))
            break;
    }
    return found;
}

static json_t *random_value(struct contract_year *y)
{
    static const char *const texts[] = {"",     "04",     "DAY", "2012-04", "2012-04-01",
                                        "2.5%", "1.0150", "5QE", "ERROR",   "x"};
    switch (year_random(y, 7)) {
    case 0:
        return json_null();
    case 1:
        return json_boolean(year_chance(y, 50));
    case 2:
        return json_integer(year_between(y, -3, 40000));
    case 3:
        return json_integer(INT64_MAX);
    case 4:
        return json_array();
    case 5:
        return json_object();
    default:
        return json_string(texts[year_random(y, sizeof texts / sizeof *texts)]);
    }
}

/* A member or element that is left out, added, doubled or something else. */
static void break_something(struct contract_year *y, json_t *terms)
{
    struct place at;
    if (!draw_place(y, terms, &at))
        return;
    json_t *value = at.name != NULL ? json_object_get(at.holder, at.name) : json_array_get(at.holder, at.index);
    switch (year_random(y, 4)) {
    case 0:
        year_must(at.name != NULL ? json_object_del(at.holder, at.name) == 0
                                  : json_array_remove(at.holder, at.index) == 0);
        break;
    case 1:
        year_must(at.name != NULL ? json_object_set_new(at.holder, "novel", random_value(y)) == 0
                                  : json_array_append_new(at.holder, json_deep_copy(value)) == 0);
        break;
    default:
        year_must(at.name != NULL ? json_object_set_new(at.holder, at.name, random_value(y)) == 0
                                  : json_array_set_new(at.holder, at.index, random_value(y)) == 0);
        break;
    }
}

static bool write_verdict(FILE *out, const json_t *terms)
{
    struct json_problem problem;
    struct terms *t = terms_parse(terms, &problem);
    bool accepted = t != NULL;
    json_t *verdict = json_pack("{s:b, s:O}", "accepted", accepted, "terms", terms);
    char *text = verdict == NULL ? NULL : json_dumps(verdict, JSON_COMPACT);
    year_must(text != NULL && fprintf(out, "%s\n", text) > 0);
    free(text);
    json_decref(verdict);
    terms_free(t);
    return accepted;
}

/* Runs the validator on the verdicts; how many validate, and how many do not. */
static void validate(FILE *verdicts, uint64_t counts[2])
{
    unsigned long long valid = 0;
    unsigned long long invalid = 0;
    FILE *answer = tmpfile();
    int status;
    ck_assert(answer != NULL && fflush(verdicts) == 0);
    pid_t child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0) {
        if (lseek(fileno(verdicts), 0, SEEK_SET) < 0 || dup2(fileno(verdicts), 0) < 0 || dup2(fileno(answer), 1) < 0)
            _exit(126);
        execlp("python3", "python3", "-B", "tests/lib/schema_verdicts.py", (char *)NULL);
        _exit(127);
    }
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0, "the validator ended with status %d", status);
    rewind(answer);
    char line[64] = "";
    ck_assert_ptr_nonnull(fgets(line, sizeof line, answer));
    char *end = NULL;
    valid = strtoull(line, &end, 10);
    invalid = strtoull(end, &end, 10);
    ck_assert_int_eq(*end, '\n');
    fclose(answer);
    counts[0] = valid;
    counts[1] = invalid;
}

START_TEST(what_the_schema_refuses_the_parser_refuses)
{
    uint64_t seed = property_seed();
    uint64_t rounds = property_rounds(800);
    uint64_t accepted = 0;
    uint64_t counts[2];
    FILE *verdicts = tmpfile();
    ck_assert_ptr_nonnull(verdicts);
    for (uint64_t i = 0; i < rounds; i++) {
        struct contract_year dice = {.random = seed * 1000003 + i};
        json_t *terms = year_random_terms(&dice, year_chance(&dice, 20), year_chance(&dice, 50));
        bool sound = i % 3 == 0;
        for (int64_t n = sound ? 0 : year_between(&dice, 1, 2); n > 0; n--)
            break_something(&dice, terms);
        bool good = write_verdict(verdicts, terms);
        ck_assert_msg(good || !sound, "random terms were refused, round %llu", (unsigned long long)i);
        accepted += good;
        json_decref(terms);
    }
    validate(verdicts, counts);
    fclose(verdicts);
    printf("%llu terms accepted; %llu validate, %llu do not\n", (unsigned long long)accepted,
           (unsigned long long)counts[0], (unsigned long long)counts[1]);
    ck_assert(counts[0] + counts[1] == rounds && accepted <= counts[0]);
    ck_assert(rounds < 100 || (counts[1] > rounds / 5 && accepted > rounds / 3));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("terms schema");
    TCase *t = tcase_create("terms schema");
    tcase_set_timeout(t, 0);
    tcase_add_test(t, what_the_schema_refuses_the_parser_refuses);
    suite_add_tcase(suite, t);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
