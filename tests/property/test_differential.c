/* The engine against tests/reference/position.py, to the penny, on random contract-years. The second implementation
 * runs once for the whole batch. */
#include "lib/contract_year.h"

#include <check.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static const char *const reference = "tests/reference/position.py";

struct question {
    uint64_t seed;
    month_t month;
    instant_t known_at;
};

static struct question question_of(uint64_t base, uint64_t round)
{
    struct contract_year dice = {.random = base + round};
    struct question q = {.seed = base * 1000003 + round};
    q.month = financial_year_first(2012) + (month_t)year_random(&dice, TERMS_MONTHS);
    q.known_at = (instant_t)(1000000 * (1 + year_random(&dice, YEAR_VERSIONS + 1)) + 500000);
    return q;
}

static void write_cases(FILE *file, uint64_t seed, uint64_t rounds)
{
    for (uint64_t i = 0; i < rounds; i++) {
        struct question q = question_of(seed, i);
        struct contract_year *y = contract_year_new(q.seed);
        json_t *json = contract_year_case(y, q.month, q.known_at);
        char *text = json_dumps(json, JSON_COMPACT);
        ck_assert_ptr_nonnull(text);
        ck_assert(fprintf(file, "%s\n", text) > 0);
        free(text);
        json_decref(json);
        contract_year_free(y);
    }
    ck_assert_int_eq(fflush(file), 0);
}

/* Runs the second implementation with the cases as its input and the answers as its output. */
static void answer(FILE *cases, FILE *answers)
{
    rewind(cases);
    pid_t child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0) {
        if (lseek(fileno(cases), 0, SEEK_SET) < 0 || dup2(fileno(cases), 0) < 0 || dup2(fileno(answers), 1) < 0) {
            _exit(126);
        }
        execlp("python3", "python3", "-B", reference, "--lines", (char *)NULL);
        _exit(127);
    }
    int status;
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0, "%s ended with status %d", reference, status);
    rewind(answers);
}

static void compare_line(const struct question *q, const struct position_line *line, const json_t *theirs, size_t i)
{
    const char *key = json_text(theirs, "key");
    ck_assert_msg(key != NULL && strcmp(key, line->key) == 0, "seed %llu, line %zu: %s, second implementation %s",
                  (unsigned long long)q->seed, i, line->key, key == NULL ? "nothing" : key);
    ck_assert_msg(json_int(theirs, "pence", INT64_MIN) == line->pence,
                  "seed %llu, %s: %lld, second implementation %lld", (unsigned long long)q->seed, key,
                  (long long)line->pence, (long long)json_int(theirs, "pence", 0));
    ck_assert_msg(json_int(theirs, "units", 0) == line->units && json_bool(theirs, "billable", false) == line->billable,
                  "seed %llu, %s: units or billable differ", (unsigned long long)q->seed, key);
}

/* How many lines of each stage were compared that are not 0: a comparison of nothing would prove nothing. */
struct coverage {
    uint64_t parked;
    uint64_t lines[STAGE_COUNT];
};

static void compare(const struct question *q, const json_t *theirs, struct coverage *seen)
{
    struct contract_year *y = contract_year_new(q->seed);
    struct position p;
    enum position_status status = contract_year_position(y, q->month, q->known_at, 0, &p, NULL);
    bool parked = json_text(theirs, "parked") != NULL;
    ck_assert_msg(parked == (status == POSITION_PARKED), "seed %llu: status %d, second implementation %s",
                  (unsigned long long)q->seed, (int)status, parked ? json_text(theirs, "parked") : "is done");
    if (!parked) {
        const json_t *lines = json_object_get(theirs, "lines");
        for (size_t i = 0; i < p.count; i++) {
            compare_line(q, &p.line[i], json_array_get(lines, i), i);
            seen->lines[p.line[i].stage] += p.line[i].pence != 0 ? 1 : 0;
        }
        ck_assert_uint_eq(json_array_size(lines), p.count);
        ck_assert_int_eq(json_int(theirs, "total_pence", INT64_MIN), p.total);
        ck_assert_int_eq(json_int(theirs, "billable_pence", INT64_MIN), p.billable);
        ck_assert_int_eq(json_int(theirs, "P_pence", INT64_MIN), p.planned);
        ck_assert_int_eq(json_int(theirs, "X_pence", INT64_MIN), p.before_risk);
        ck_assert_int_eq(json_int(theirs, "AAV_pence", 0), p.aav);
        position_free(&p);
    }
    seen->parked += parked ? 1 : 0;
    contract_year_free(y);
}

START_TEST(engine_equals_second_implementation_to_the_penny)
{
    uint64_t seed = property_seed();
    uint64_t rounds = property_rounds(1000);
    struct coverage seen = {0};
    size_t size = 0;
    char *text = NULL;
    FILE *cases = tmpfile();
    FILE *answers = tmpfile();
    ck_assert_ptr_nonnull(cases);
    ck_assert_ptr_nonnull(answers);
    write_cases(cases, seed, rounds);
    answer(cases, answers);
    for (uint64_t i = 0; i < rounds; i++) {
        struct question q = question_of(seed, i);
        struct json_problem problem;
        ssize_t length = getline(&text, &size, answers);
        ck_assert_msg(length > 0, "the second implementation gave %llu answers to %llu cases", (unsigned long long)i,
                      (unsigned long long)rounds);
        json_t *theirs = json_read(text, (size_t)length - 1, &problem);
        ck_assert_ptr_nonnull(theirs);
        compare(&q, theirs, &seen);
        json_decref(theirs);
    }
    free(text);
    (void)fclose(cases);
    (void)fclose(answers);
    printf("%llu contract-years compared, %llu of them parked\n", (unsigned long long)rounds,
           (unsigned long long)seen.parked);
    for (int stage = 0; stage < STAGE_COUNT; stage++) {
        printf("  %-10s %llu lines\n", stage_name((enum terms_stage)stage), (unsigned long long)seen.lines[stage]);
        bool made = stage != STAGE_ADJUSTMENT && stage != STAGE_WITHHOLD && stage != STAGE_CONTESTED;
        ck_assert_msg(!made || rounds < 100 || seen.lines[stage] > 0, "no line of stage %s was compared",
                      stage_name((enum terms_stage)stage));
    }
    ck_assert(seen.parked < rounds || rounds < 100);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("differential");
    TCase *t = tcase_create("differential");
    tcase_set_timeout(t, 0);
    tcase_add_test(t, engine_equals_second_implementation_to_the_penny);
    suite_add_tcase(suite, t);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
