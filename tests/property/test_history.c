/* Random histories and overlaps, judged a second time in the plainest way: every row against every other. */
#include "lib/rounds.h"

#include "domain/history.h"
#include "domain/overlap.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define ROWS 40

static uint64_t state;

static uint64_t number_from(const char *name, uint64_t otherwise)
{
    const char *text = getenv(name);
    return text != NULL && text[0] != '\0' ? strtoull(text, NULL, 10) : otherwise;
}

static unsigned below(unsigned limit)
{
    state = state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (unsigned)((state >> 33) % limit);
}

/* Keys as hashes are, or all in one place. */
static uint64_t scatter;
static uint64_t key_of_number(unsigned n)
{
    return n * scatter;
}

static struct reference reference;
static struct history_scope scope;
static struct history_record records[ROWS];
static month_t months[ROWS];
static uint32_t row_nos[ROWS];
static size_t count;

/* What was found, by row_no. */
struct verdicts {
    bool d11, r07, a01;
    int move; /* HISTORY_MOVES: none */
};
static struct verdicts found[ROWS + 1];

static void on_finding(void *context, const struct finding *f)
{
    (void)context;
    struct verdicts *v = &found[f->row_no];
    bool *which = f->rule == RULE_D11 ? &v->d11 : f->rule == RULE_R07 ? &v->r07 : &v->a01;
    ck_assert_msg(!*which, "%s twice for row %u", rule_get(f->rule)->id, f->row_no);
    *which = true;
}

static void on_moved(void *context, uint32_t row_no, enum history_move move)
{
    (void)context;
    ck_assert_int_eq(found[row_no].move, HISTORY_MOVES);
    found[row_no].move = (int)move;
}

static date_t some_day(month_t month)
{
    return below(8) == 0 ? DATE_NONE : month_first(month) - 60 + (date_t)below(90);
}

/* Few episodes, patients, clusters and days, so that they meet. An episode comes once a month. */
static void make_rows(void)
{
    bool taken[4][8] = {{false}};
    count = 0;
    uint32_t next = 0;
    for (unsigned i = 0; i < ROWS; i++) {
        unsigned back = below(4), episode = below(8);
        if (taken[back][episode])
            continue;
        taken[back][episode] = true;
        struct history_record *r = &records[count];
        month_t month = scope.month - (month_t)back;
        static const int8_t clusters[] = {1, 2, 4, 14, CLUSTER_NONE};
        *r = (struct history_record){.episode = key_of_number(episode),
                                     .patient = key_of_number(below(3)),
                                     .commissioner = below(4) == 0 ? code_pack("5QE", 3) : 0,
                                     .start = some_day(month),
                                     .end = some_day(month),
                                     .mhct = some_day(month),
                                     .referral = below(3) == 0 ? DATE_NONE : (date_t)below(2),
                                     .cluster = clusters[below(5)]};
        r->flags = below(8) == 0 ? 0 : HISTORY_PATIENT;
        r->flags |= r->end == DATE_NONE ? HISTORY_OPEN : HISTORY_CLOSED;
        if (below(5) == 0)
            r->flags |= HISTORY_ASSESSMENT_ONLY;
        if (below(2) == 0 && r->mhct != DATE_NONE)
            r->flags |= HISTORY_EARNS;
        months[count] = month;
        row_nos[count++] = back == 0 ? ++next : 0;
    }
}

static bool changed(const struct history_record *now, const struct history_record *before)
{
    if ((now->flags & before->flags & HISTORY_PATIENT) != 0 && now->patient != before->patient)
        return true;
    if (now->cluster != CLUSTER_NONE && before->cluster != CLUSTER_NONE && now->cluster != before->cluster)
        return true;
    if (now->start != DATE_NONE && before->start != DATE_NONE && now->start != before->start)
        return true;
    return before->end != DATE_NONE && (now->end == DATE_NONE || now->end > before->end);
}

static bool plain_d11(size_t now)
{
    for (month_t m = scope.month - 1; m > scope.month - 4; m--) {
        for (size_t i = 0; i < count; i++) {
            if (months[i] == m && records[i].episode == records[now].episode)
                return changed(&records[now], &records[i]);
        }
    }
    return false;
}

static bool assessed(size_t i)
{
    const struct history_record *r = &records[i];
    return (r->flags & HISTORY_PATIENT) != 0 && (r->flags & HISTORY_ASSESSMENT_ONLY) == 0 &&
           r->cluster != CLUSTER_NONE && r->mhct != DATE_NONE;
}

/* The assessment before: of the latest date, as the newest month has it; of two rows of that month the one of the
 * higher cluster, then of the higher row. ROWS: none. */
static size_t plain_before(size_t now)
{
    size_t best = ROWS;
    for (size_t i = 0; i < count; i++) {
        if (!assessed(i) || records[i].patient != records[now].patient || records[i].mhct >= records[now].mhct)
            continue;
        if (best == ROWS || records[i].mhct > records[best].mhct ||
            (records[i].mhct == records[best].mhct &&
             (months[i] > months[best] || (months[i] == months[best] && records[i].cluster >= records[best].cluster))))
            best = i;
    }
    return best;
}

/* Whether the same assessment is in an earlier month, or in an earlier row of this one. */
static bool plain_seen(size_t now)
{
    for (size_t i = 0; i < count; i++) {
        if (i != now && assessed(i) && records[i].patient == records[now].patient &&
            records[i].mhct == records[now].mhct && records[i].cluster == records[now].cluster &&
            (row_nos[i] == 0 || row_nos[i] < row_nos[now]))
            return true;
    }
    return false;
}

static void plain_move(size_t now, struct verdicts *out)
{
    static const int price[] = {[1] = 300, [2] = 300, [4] = 600, [14] = 11000};
    static const int half[] = {[1] = 42, [2] = 53, [14] = 14};
    size_t before = assessed(now) && !plain_seen(now) ? plain_before(now) : ROWS;
    if (before == ROWS || records[before].cluster == records[now].cluster)
        return;
    int from = price[records[before].cluster], to = price[records[now].cluster];
    out->move = to > from ? HISTORY_MOVE_UP : to < from ? HISTORY_MOVE_DOWN : HISTORY_MOVE_LEVEL;
    date_t mhct = records[before].mhct;
    int32_t days = records[now].mhct - mhct;
    /* Cluster 04 is reviewed every six months. */
    bool soon = records[before].cluster == 4 ? 2 * days < date_add_months(mhct, 6) - mhct
                                             : days < half[records[before].cluster];
    out->r07 = to > from && soon;
}

static date_t key_of(size_t i)
{
    return records[i].referral != DATE_NONE ? records[i].referral : records[i].mhct;
}

static bool plain_a01(size_t now)
{
    const uint8_t both = HISTORY_PATIENT | HISTORY_EARNS;
    for (size_t i = 0; i < count; i++) {
        if (row_nos[i] == 0 && (records[now].flags & both) == both && (records[i].flags & both) == both &&
            records[i].patient == records[now].patient && records[i].commissioner == records[now].commissioner &&
            key_of(i) == key_of(now) && month_financial_year(months[i]) == month_financial_year(scope.month))
            return true;
    }
    return false;
}

static void judge(void)
{
    static struct history_episode episodes[ROWS];
    static struct history_patient patients[ROWS];
    static const struct history_events events = {NULL, on_finding, on_moved};
    size_t known = 0;
    for (size_t i = 0; i < count; i++) {
        uint8_t bytes[HISTORY_RECORD_SIZE];
        struct history_record back;
        history_encode(&records[i], bytes);
        history_decode(&back, bytes);
        history_episode_make(&episodes[i], &back, months[i], row_nos[i]);
        known += history_patient_make(&patients[known], &back, &scope, months[i], row_nos[i]);
    }
    for (size_t i = 0; i <= ROWS; i++)
        found[i] = (struct verdicts){false, false, false, HISTORY_MOVES};
    ck_assert(history_check_episodes(episodes, count, &events));
    ck_assert(history_check_patients(patients, known, &scope, &events));
}

START_TEST(history_is_judged_as_by_hand)
{
    uint64_t rounds = property_rounds(3000);
    for (uint64_t round = 0; round < rounds; round++) {
        scatter = round % 3 == 0 ? 1 : UINT64_C(0x9E3779B97F4A7C15);
        scope.month = month_of(date_from_civil((struct civil){2013, 1 + (int32_t)below(12), 1}));
        make_rows();
        judge();
        for (size_t i = 0; i < count; i++) {
            struct verdicts plain = {plain_d11(i), false, plain_a01(i), HISTORY_MOVES};
            if (row_nos[i] == 0)
                continue;
            plain_move(i, &plain);
            const struct verdicts *f = &found[row_nos[i]];
            ck_assert_msg(plain.d11 == f->d11 && plain.r07 == f->r07 && plain.a01 == f->a01 && plain.move == f->move,
                          "round %llu row %u: D11 %d %d, R07 %d %d, A01 %d %d, move %d %d", (unsigned long long)round,
                          row_nos[i], plain.d11, f->d11, plain.r07, f->r07, plain.a01, f->a01, plain.move, f->move);
        }
    }
}
END_TEST

static bool shared[ROWS];

static void on_shared(void *context, uint32_t provider, uint32_t row_no)
{
    (void)context;
    (void)provider;
    ck_assert(!shared[row_no]);
    shared[row_no] = true;
}

START_TEST(overlaps_are_found_as_by_hand)
{
    uint64_t rounds = property_rounds(3000);
    for (uint64_t round = 0; round < rounds; round++) {
        scatter = round % 3 == 0 ? 1 : UINT64_C(0x9E3779B97F4A7C15);
        struct overlap_row rows[ROWS], sorted[ROWS];
        size_t n = 1 + below(ROWS);
        for (size_t i = 0; i < n; i++)
            rows[i] = (struct overlap_row){{key_of_number(below(4)), (uint32_t)i, 1U << below(31) | 1U << below(31)},
                                           below(4)};
        memcpy(sorted, rows, sizeof rows);
        memset(shared, 0, sizeof shared);
        ck_assert(overlap_check(sorted, n, on_shared, NULL));
        for (size_t i = 0; i < n; i++) {
            bool plain = false;
            for (size_t k = 0; k < n; k++)
                plain = plain || (rows[i].provider != rows[k].provider && rows[i].record.nhs == rows[k].record.nhs &&
                                  (rows[i].record.days & rows[k].record.days) != 0);
            ck_assert_msg(plain == shared[i], "round %llu row %zu", (unsigned long long)round, i);
        }
    }
}
END_TEST

static void setup(void)
{
    static const char clusters[] = "code,name,super_class,review,review_unit\n"
                                   "01,One,A,84,day\n02,Two,A,105,day\n04,Four,A,6,month\n14,Crisis,B,28,day\n";
    static const char prices[] = "code,pence_per_day,ward_pence_per_day\n01,300,\n02,300,\n04,600,\n14,11000,\n";
    char error[200];
    uint64_t seed = number_from("RECKONER_SEED", (uint64_t)time(NULL));
    printf("seed %llu\n", (unsigned long long)seed);
    (void)fflush(stdout);
    state = seed;
    reference_init(&reference);
    ck_assert(reference_load_clusters(&reference, clusters, strlen(clusters), error, sizeof error));
    ck_assert(reference_load_prices(&reference, prices, strlen(prices), error, sizeof error));
    scope = (struct history_scope){0, &reference};
}

static void teardown(void)
{
    reference_free(&reference);
}

int main(void)
{
    Suite *s = suite_create("random histories");
    TCase *t = tcase_create("histories");
    tcase_set_timeout(t, 0);
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, history_is_judged_as_by_hand);
    tcase_add_test(t, overlaps_are_found_as_by_hand);
    suite_add_tcase(s, t);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
