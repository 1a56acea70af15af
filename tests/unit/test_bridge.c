/* Bridges between two positions: one part changed is one cause, the steps add up, and nothing is left over. */
#include "lib/position_account.h"

#include "domain/bridge.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PRICES "'prices':[{'cluster':'04','basis':'DAY','pence':100},{'cluster':'11','basis':'DAY','pence':1000}],"
#define PLAN   "'plan':{'lines':[{'cluster':'04','basis':'DAY','units':[100,100,50,0,0,0,0,0,0,0,0,0]}]},"
#define SHARE  "'risk_share':{'preset':'tolerance','to':'5%','pay_over':'50%','pay_under':'50%'},"
#define CQUIN                                                                                                          \
    "'cquin':{'rate':'10%','on_account':'100%','indicators':[{'id':'a','label':'x','weight':'100%','measure':'step',"  \
    "'thresholds':[{'at':'50%','earns':'50%'}]}]},"
#define WITHHOLDS "'withholds':[{'id':'poor','label':'Poor data','share':'5%'}],"
#define RULES     "'rules':{'require_mhct':false},"
#define BASE      PRICES PLAN SHARE CQUIN WITHHOLDS RULES

/* What one side has; the three months April to June. */
struct side {
    struct terms *terms;
    struct terms_version version;
    struct position_month month[TERMS_MONTHS];
    const struct terms_version *annual[TERMS_MONTHS];
    struct statistics statistics[3];
    struct position_adjustment adjustment;
    struct position_achievement achievement;
    struct position_withhold withhold;
    struct position_challenge challenge;
    struct row_change countered; /* of the challenge, or a decision */
    struct bridge_changes changes;
    struct position_input input;
};

static struct terms *terms_with(const char *members)
{
    char text[4000];
    (void)snprintf(text, sizeof text,
                   "{'@purpose':'reckoner/terms/1','mode':'shadow','financial_year':2012,'effective_from':'2012-04',%s"
                   "'calendar':{'flex':{'operational_days':5},'freeze':{'operational_days':20}}}",
                   members);
    struct terms *t = terms_of(text);
    t->shadow = false;
    return t;
}

/* A row from the first of the month for so many days. */
static struct episode row_of(int32_t k, const char *cluster, int32_t days, int32_t no)
{
    struct episode e = {.row_no = 1,
                        .start_date = month_first(APRIL + k),
                        .end_date = month_first(APRIL + k) + days,
                        .mhct_date = month_first(APRIL + k),
                        .referral_date = DATE_NONE,
                        .last_contact = DATE_NONE};
    (void)snprintf(e.episode_id, sizeof e.episode_id, "E%d-%d", (int)k, (int)no);
    (void)snprintf(e.commissioner, sizeof e.commissioner, "5QE");
    (void)snprintf(e.cluster, sizeof e.cluster, "%s", cluster);
    e.patient[0] = (uint8_t)no;
    return e;
}

/* days[k]: of cluster 04 in that month, spread over rows of at most 20 days. */
static void rows_are(struct side *s, const int32_t days[3])
{
    for (int32_t k = 0; k < 3; k++) {
        struct statistics_builder *b = statistics_builder_new(APRIL + k, true);
        ck_assert_ptr_nonnull(b);
        for (int32_t left = days[k], no = 1; left > 0; left -= 20, no++) {
            struct episode e = row_of(k, "04", left > 20 ? 20 : left, no);
            ck_assert_int_eq(statistics_builder_add(b, &e, 1), STATISTICS_ADDED);
        }
        statistics_free(&s->statistics[k]);
        ck_assert(statistics_builder_make(b, &s->statistics[k]));
        statistics_builder_free(b);
    }
}

static void side_begin(struct side *s, const char *members, int32_t version, month_t last)
{
    static const int32_t days[3] = {100, 120, 80};
    *s = (struct side){0};
    s->terms = terms_with(members);
    s->version = (struct terms_version){.version = version, .digest = version == 1 ? "01" : "02", .terms = s->terms};
    for (int32_t k = 0; k < TERMS_MONTHS; k++) {
        s->month[k] =
            (struct position_month){.month = APRIL + k, .terms = &s->version, .submission = "s", .sha256 = "00"};
        s->annual[k] = &s->version;
    }
    rows_are(s, days);
    s->input = (struct position_input){.provider = "RXA",
                                       .contract = "c",
                                       .commissioner = "5QE",
                                       .financial_year = 2012,
                                       .month = last,
                                       .months = s->month,
                                       .adjustments = &s->adjustment,
                                       .achievements = &s->achievement,
                                       .withholds = &s->withhold,
                                       .challenges = &s->challenge};
    s->achievement = (struct position_achievement){.indicator = "a", .numerator = 1, .denominator = 2};
    s->withhold = (struct position_withhold){.id = "poor", .month = APRIL};
    s->adjustment = (struct position_adjustment){.n = 1, .month = APRIL, .pence = 777, .label = "x", .in_cquin = true};
}

static void side_end(struct side *s)
{
    for (int32_t k = 0; k < 3; k++) {
        statistics_free(&s->statistics[k]);
    }
    terms_free(s->terms);
}

/* The first row of April at cluster 11, or countered so by challenge 1. */
static void reclustered(struct side *s, bool challenge)
{
    s->countered = (struct row_change){.month = APRIL,
                                       .row = row_of(0, "04", 20, 1),
                                       .was_here = true,
                                       .is_here = true,
                                       .cluster = -1,
                                       .payable_days = challenge ? 5 : -1};
    if (!challenge) {
        s->countered.cluster = 11;
    }
    s->changes = (struct bridge_changes){&s->countered, 1};
    if (challenge) {
        s->challenge = (struct position_challenge){.number = 1, .claimed_pence = 100000};
        s->input.challenge_count = 1;
    }
}

/* The rows of both sides are the same unless they are said to differ. */
struct pair {
    struct side older;
    struct side newer;
    bool other_rows;
    bool decided; /* changes of the newer side are decisions; otherwise they counter its challenge */
};

static struct bridge_sides sides_of(const struct pair *p)
{
    static const struct bridge_changes none;
    struct bridge_sides sides = {.older = {p->older.input, p->older.annual, {0}},
                                 .newer = {p->newer.input, p->newer.annual, {0}}};
    for (int at = 0; at < BRIDGE_ROWS; at++) {
        for (int k = 0; k < 3; k++) {
            bool older = at < ROWS_ACTIVITY || !p->other_rows;
            sides.rows[at][k].statistics = older ? &p->older.statistics[k] : &p->newer.statistics[k];
        }
        sides.older_decisions[at] = none;
        sides.older_counters[at] = &p->older.changes;
    }
    sides.newer_decisions = p->decided ? p->newer.changes : none;
    sides.newer_counters = &p->newer.changes;
    return sides;
}

/* Recomputes one side through the bridge from it to itself, so that its total is known: the documents' totals. */
static int64_t total_of(const struct side *s, const struct bridge_month_rows rows[TERMS_MONTHS], month_t m,
                        bool decided)
{
    struct activity_month months[TERMS_MONTHS];
    struct activity_lines lines;
    struct activity_lines countered = {0};
    struct position_challenge challenge = s->challenge;
    struct position_input in = s->input;
    struct position p;
    char reason[POSITION_REASON_SIZE];
    for (int32_t k = 0; k < month_number(m); k++) {
        months[k] = (struct activity_month){.month = APRIL + k, .terms = s->terms, .statistics = rows[k].statistics};
    }
    struct activity_input activity = {
        .commissioner = "5QE", .months = months, .month_count = (size_t)month_number(m), .changes = s->changes.change};
    activity.change_count = decided ? s->changes.count : 0;
    ck_assert_int_eq(activity_value(&activity, &lines), ACTIVITY_DONE);
    activity.change_count = s->changes.count;
    ck_assert_int_eq(activity_value(&activity, &countered), ACTIVITY_DONE);
    challenge.countered = &countered;
    in.challenges = &challenge;
    in.month = m;
    in.annual = &s->version;
    in.activity = &lines;
    ck_assert_int_eq(position_compute(&in, &p, reason), POSITION_DONE);
    int64_t total = p.total;
    position_free(&p);
    activity_lines_free(&lines);
    activity_lines_free(&countered);
    return total;
}

static struct bridge_ends ends_of(const struct pair *p, const struct bridge_sides *sides, month_t older, month_t newer)
{
    struct bridge_ends ends = {.older_month = older,
                               .newer_month = newer,
                               .older_engine = POSITION_ENGINE,
                               .newer_engine = POSITION_ENGINE,
                               .older = total_of(&p->older, sides->rows[ROWS_OLDER], older, false),
                               .newer = total_of(&p->newer, sides->rows[ROWS_NEWER], newer, p->decided)};
    ends.billable_older = ends.older;
    ends.billable_newer = ends.newer;
    return ends;
}

static struct bridge bridge_of(const struct pair *p, month_t older, month_t newer)
{
    struct bridge_sides sides = sides_of(p);
    struct bridge_maker *m = bridge_maker_new(&sides);
    struct bridge_ends ends = ends_of(p, &sides, older, newer);
    struct bridge b;
    char reason[POSITION_REASON_SIZE];
    enum bridge_status status = bridge_make(m, &ends, &b, reason);
    ck_assert_msg(status == BRIDGE_DONE, "%d %s", (int)status, reason);
    int64_t sum = b.older;
    for (int c = 0; c < BRIDGE_CAUSES; c++) {
        const struct bridge_step *s = &b.step[c];
        int64_t moved = s->left_out_pence;
        sum += s->pence;
        ck_assert_int_eq(s->after, sum);
        ck_assert(s->changed || (s->pence == 0 && s->count == 0 && s->what[0] == '\0'));
        for (size_t i = 0; i < s->count; i++) {
            moved += s->line[i].pence;
        }
        ck_assert(c == BRIDGE_ENGINE || moved == s->pence);
    }
    ck_assert_int_eq(sum, b.newer);
    bridge_maker_free(m);
    return b;
}

static void pair_end(struct pair *p, struct bridge *b)
{
    bridge_free(b);
    side_end(&p->older);
    side_end(&p->newer);
}

/* The one cause that a difference shows under; what it says of it holds words. */
static void shows_under(struct pair *p, enum bridge_cause cause, const char *words)
{
    struct bridge b = bridge_of(p, APRIL + 2, APRIL + 2);
    for (int c = 0; c < BRIDGE_CAUSES; c++) {
        ck_assert_msg((b.step[c].pence != 0) == (c == (int)cause), "%s moves %lld",
                      bridge_cause_name((enum bridge_cause)c), (long long)b.step[c].pence);
        ck_assert_msg(b.step[c].changed == (c == (int)cause), "%s", bridge_cause_name((enum bridge_cause)c));
    }
    ck_assert_msg(strstr(b.step[cause].what, words) != NULL, "%s", b.step[cause].what);
    ck_assert_uint_gt(b.step[cause].count, 0);
    pair_end(p, &b);
}

START_TEST(the_same_inputs_move_nothing)
{
    struct pair p = {0};
    side_begin(&p.older, BASE, 1, APRIL + 2);
    side_begin(&p.newer, BASE, 2, APRIL + 2);
    struct bridge b = bridge_of(&p, APRIL + 2, APRIL + 2);
    for (int c = 0; c < BRIDGE_CAUSES; c++) {
        ck_assert(!b.step[c].changed);
    }
    json_t *json = bridge_json(&b);
    ck_assert_uint_eq(json_array_size(json_object_get(json, "steps")), 0);
    json_decref(json);
    pair_end(&p, &b);
}
END_TEST

static const struct {
    enum bridge_cause cause;
    const char *members;
} changed_terms[] = {
    {BRIDGE_PRICES,
     "'prices':[{'cluster':'04','basis':'DAY','pence':150},{'cluster':'11','basis':'DAY','pence':1000}]," PLAN
     "'risk_share':{'preset':'none'}," CQUIN WITHHOLDS RULES},
    {BRIDGE_PLAN,
     PRICES "'plan':{'lines':[{'cluster':'04','basis':'DAY','units':[100,100,10,0,0,0,0,0,0,0,0,0]}]}," SHARE CQUIN
         WITHHOLDS RULES},
    {BRIDGE_FACTOR, BASE "'factor':'1.1',"},
    {BRIDGE_FACTOR, BASE "'volume_bands':[{'group':'g','clusters':['04'],'bands':[{'to':'50%','pay':'100%'},"
                         "{'pay':'10%'}]}],"},
    {BRIDGE_RISK_SHARE, PRICES PLAN CQUIN WITHHOLDS RULES "'risk_share':{'preset':'block'},"},
    {BRIDGE_CQUIN, PRICES PLAN SHARE WITHHOLDS RULES},
    {BRIDGE_PRICES, BASE "'block':[{'month':'2012-05','pence':5000,'label':'L'}],"},
};

START_TEST(a_part_of_the_terms_shows_under_its_cause)
{
    struct pair p = {0};
    bool prices = changed_terms[_i].cause == BRIDGE_PRICES && strstr(changed_terms[_i].members, "'pence':150") != NULL;
    side_begin(&p.older, prices ? PRICES PLAN "'risk_share':{'preset':'none'}," CQUIN WITHHOLDS RULES : BASE, 1,
               APRIL + 2);
    side_begin(&p.newer, changed_terms[_i].members, 2, APRIL + 2);
    shows_under(&p, changed_terms[_i].cause, "version 1 to 2");
}
END_TEST

START_TEST(a_changed_rule_shows_with_the_rows_that_it_lets_pass)
{
    struct pair p = {0};
    side_begin(&p.older, PRICES PLAN SHARE CQUIN WITHHOLDS "'rules':{'out_of_scope_services':['S']},", 1, APRIL + 2);
    side_begin(&p.newer, BASE, 2, APRIL + 2);
    for (int s = 0; s < 2; s++) {
        struct side *side = s == 0 ? &p.older : &p.newer;
        struct statistics_builder *b = statistics_builder_new(APRIL + 1, true);
        struct episode e = row_of(1, "04", 20, 1);
        (void)snprintf(e.service, sizeof e.service, "S");
        ck_assert_int_eq(statistics_builder_add(b, &e, 1), STATISTICS_ADDED);
        statistics_free(&side->statistics[1]);
        ck_assert(statistics_builder_make(b, &side->statistics[1]));
        statistics_builder_free(b);
    }
    shows_under(&p, BRIDGE_RULES, "2012-04 to 2012-06: version 1 to 2");
}
END_TEST

START_TEST(other_rows_show_under_activity)
{
    static const int32_t days[3] = {100, 150, 80};
    struct pair p = {.other_rows = true};
    side_begin(&p.older, BASE, 1, APRIL + 2);
    side_begin(&p.newer, BASE, 1, APRIL + 2);
    rows_are(&p.newer, days);
    p.newer.month[1].submission = "t";
    shows_under(&p, BRIDGE_ACTIVITY, "2012-05");
}
END_TEST

START_TEST(acts_show_under_their_causes)
{
    for (int what = 0; what < 5; what++) {
        static const enum bridge_cause causes[] = {BRIDGE_ADJUSTMENTS, BRIDGE_ACHIEVEMENTS, BRIDGE_WITHHOLDS,
                                                   BRIDGE_CHALLENGES, BRIDGE_CHALLENGES};
        static const char *const words[] = {"agreement 1", "a", "poor of 2012-04 open", "challenge 1 raised",
                                            "decisions on rows"};
        struct pair p = {.decided = what == 4};
        side_begin(&p.older, BASE, 1, APRIL + 2);
        side_begin(&p.newer, BASE, 1, APRIL + 2);
        p.newer.input.adjustment_count = what == 0 ? 1 : 0;
        p.newer.input.achievement_count = what == 1 ? 1 : 0;
        p.newer.input.withhold_count = what == 2 ? 1 : 0;
        if (what >= 3) {
            reclustered(&p.newer, what == 3);
        }
        shows_under(&p, causes[what], words[what]);
    }
}
END_TEST

/* The challenge contests at the new price too: no part of the new price's effect is the challenge's. */
START_TEST(an_open_challenge_follows_the_other_causes)
{
    struct pair p = {0};
    side_begin(&p.older, PRICES CQUIN, 1, APRIL + 2);
    side_begin(
        &p.newer,
        "'prices':[{'cluster':'04','basis':'DAY','pence':200},{'cluster':'11','basis':'DAY','pence':1000}]," CQUIN, 2,
        APRIL + 2);
    reclustered(&p.older, true);
    reclustered(&p.newer, true);
    struct bridge b = bridge_of(&p, APRIL + 2, APRIL + 2);
    ck_assert_int_eq(b.step[BRIDGE_PRICES].pence, (300 - 15) * 110);
    ck_assert(!b.step[BRIDGE_CHALLENGES].changed);
    pair_end(&p, &b);
}
END_TEST

START_TEST(several_causes_telescope_and_swapped_sides_negate_the_sum)
{
    static const int32_t days[3] = {10, 150, 80};
    for (int swap = 0; swap < 2; swap++) {
        struct pair p = {.other_rows = true};
        struct side *a = swap == 0 ? &p.older : &p.newer;
        struct side *b = swap == 0 ? &p.newer : &p.older;
        side_begin(a, BASE, 1, APRIL + 2);
        side_begin(b, "'prices':[{'cluster':'04','basis':'DAY','pence':130}]," WITHHOLDS "'factor':'1.3',", 2,
                   APRIL + 2);
        rows_are(b, days);
        b->month[0].submission = "t";
        b->month[1].submission = "t";
        b->input.adjustment_count = 1;
        a->input.achievement_count = 1;
        a->input.withhold_count = 1;
        b->input.withhold_count = 1;
        struct bridge made = bridge_of(&p, APRIL + 2, APRIL + 2);
        /* 240 days at 130, factor 1.3; 5 % of April's 1,300 * 1.3 held back; 777. Before: 300 days at 100, of which
         * half of what lies beyond 105 % of the plan is paid; 5 % of April; CQUIN at 50 %. */
        int64_t of_b = 40560 - 85 + 777;
        int64_t of_a = 28125 - 500 + 1381;
        ck_assert_int_eq(made.newer - made.older, swap == 0 ? of_b - of_a : of_a - of_b);
        ck_assert(made.step[BRIDGE_ACTIVITY].changed && made.step[BRIDGE_PRICES].changed &&
                  made.step[BRIDGE_ACHIEVEMENTS].changed && made.step[BRIDGE_ADJUSTMENTS].changed);
        pair_end(&p, &made);
    }
}
END_TEST

START_TEST(months_added_come_first)
{
    struct pair p = {0};
    side_begin(&p.older, PRICES, 1, APRIL + 1);
    side_begin(&p.newer, "'prices':[{'cluster':'04','basis':'DAY','pence':110}],", 2, APRIL + 2);
    struct bridge b = bridge_of(&p, APRIL + 1, APRIL + 2);
    ck_assert_int_eq(b.step[BRIDGE_MONTHS].pence, 80 * 110); /* June is wholly the newer side's */
    ck_assert_str_eq(b.step[BRIDGE_MONTHS].what, "2012-06 added");
    ck_assert_int_eq(b.step[BRIDGE_PRICES].pence, 220 * 10);
    ck_assert_str_eq(b.step[BRIDGE_PRICES].what, "2012-04 to 2012-05: version 1 to 2 of the terms");
    pair_end(&p, &b);
}
END_TEST

START_TEST(months_left_out_go_first)
{
    struct pair p = {0};
    side_begin(&p.older, PRICES, 1, APRIL + 2);
    side_begin(&p.newer, "'prices':[{'cluster':'04','basis':'DAY','pence':110}],", 2, APRIL);
    struct bridge b = bridge_of(&p, APRIL + 2, APRIL);
    ck_assert_int_eq(b.step[BRIDGE_MONTHS].pence, -200 * 100);
    ck_assert_str_eq(b.step[BRIDGE_MONTHS].what, "2012-05 to 2012-06 left out");
    ck_assert_int_eq(b.step[BRIDGE_PRICES].pence, 100 * 10);
    pair_end(&p, &b);
}
END_TEST

/* New prices without cluster 04 leave the old plan without a price: both together are one change. */
START_TEST(a_mixture_that_cannot_be_is_taken_with_the_next_cause)
{
    struct pair p = {0};
    side_begin(&p.older, PRICES PLAN, 1, APRIL + 2);
    side_begin(&p.newer,
               "'prices':[{'cluster':'11','basis':'DAY','pence':1000}],"
               "'plan':{'lines':[{'cluster':'11','basis':'DAY','units':[5,0,0,0,0,0,0,0,0,0,0,0]}]},"
               "'risk_share':{'preset':'block'},",
               2, APRIL + 2);
    struct bridge b = bridge_of(&p, APRIL + 2, APRIL + 2);
    ck_assert(b.step[BRIDGE_PRICES].changed && b.step[BRIDGE_PRICES].with_next);
    ck_assert_int_eq(b.step[BRIDGE_PRICES].pence, 0);
    ck_assert_int_eq(b.step[BRIDGE_PLAN].pence, -30000);
    ck_assert_int_eq(b.step[BRIDGE_RISK_SHARE].pence, 5000);
    pair_end(&p, &b);
}
END_TEST

START_TEST(one_maker_makes_the_bridge_of_every_month)
{
    struct pair p = {0};
    side_begin(&p.older, PRICES, 1, APRIL + 2);
    side_begin(&p.newer, "'prices':[{'cluster':'04','basis':'DAY','pence':101}],", 2, APRIL + 2);
    p.newer.month[0].terms = &p.older.version; /* from May on */
    struct bridge_sides sides = sides_of(&p);
    struct bridge_maker *m = bridge_maker_new(&sides);
    static const int64_t totals[2][3] = {{10000, 22000, 30000}, {10000, 22120, 30200}};
    for (int32_t k = 2; k >= 0; k--) {
        struct bridge_ends ends = {.older_month = APRIL + k,
                                   .newer_month = APRIL + k,
                                   .older_engine = POSITION_ENGINE,
                                   .newer_engine = POSITION_ENGINE,
                                   .older = totals[0][k],
                                   .newer = totals[1][k],
                                   .billable_older = totals[0][k],
                                   .billable_newer = totals[1][k]};
        struct bridge b;
        char reason[POSITION_REASON_SIZE];
        ck_assert_int_eq(bridge_make(m, &ends, &b, reason), BRIDGE_DONE);
        ck_assert_int_eq(b.step[BRIDGE_PRICES].pence, totals[1][k] - totals[0][k]);
        ck_assert(b.step[BRIDGE_PRICES].changed == (k > 0));
        bridge_free(&b);
    }
    bridge_maker_free(m);
    side_end(&p.older);
    side_end(&p.newer);
}
END_TEST

START_TEST(another_engine_is_a_cause_and_the_same_one_must_agree)
{
    struct pair p = {0};
    side_begin(&p.older, BASE, 1, APRIL + 2);
    side_begin(&p.newer, BASE, 1, APRIL + 2);
    struct bridge_sides sides = sides_of(&p);
    struct bridge_maker *m = bridge_maker_new(&sides);
    struct bridge_ends ends = ends_of(&p, &sides, APRIL + 2, APRIL + 2);
    struct bridge b;
    char reason[POSITION_REASON_SIZE];
    ends.older -= 13;
    ck_assert_int_eq(bridge_make(m, &ends, &b, reason), BRIDGE_MISMATCH);
    ck_assert_ptr_nonnull(strstr(reason, "the older position"));
    ends.older_engine = "reckoner-engine/1";
    ends.billable_older = ends.older;
    ck_assert_int_eq(bridge_make(m, &ends, &b, reason), BRIDGE_DONE);
    ck_assert_int_eq(b.step[BRIDGE_ENGINE].pence, 13);
    ck_assert_str_eq(b.step[BRIDGE_ENGINE].what, "reckoner-engine/1 to " POSITION_ENGINE);
    bridge_free(&b);
    ends.newer++;
    ck_assert_int_eq(bridge_make(m, &ends, &b, reason), BRIDGE_MISMATCH);
    ck_assert_ptr_nonnull(strstr(reason, "the newer position"));
    bridge_maker_free(m);
    side_end(&p.older);
    side_end(&p.newer);
}
END_TEST

START_TEST(the_bridge_is_written_with_its_lines)
{
    struct pair p = {0};
    side_begin(&p.older, PRICES, 1, APRIL);
    side_begin(&p.newer, "'prices':[{'cluster':'04','basis':'DAY','pence':101}],", 2, APRIL);
    struct bridge b = bridge_of(&p, APRIL, APRIL);
    json_t *json = bridge_json(&b);
    char *text = json_dumps(json, JSON_COMPACT | JSON_SORT_KEYS);
    ck_assert_str_eq(
        text,
        "{\"billable_newer_pence\":10100,\"billable_older_pence\":10000,\"newer_pence\":10100,\"older_pence\":10000,"
        "\"steps\":[{\"after_pence\":10100,\"billable_after_pence\":10100,\"billable_pence\":100,\"cause\":\"prices\","
        "\"lines\":[{\"key\":\"activity/2012-04/04/DAY/101\",\"pence\":10100,\"units\":100},"
        "{\"key\":\"activity/2012-04/04/DAY/100\",\"pence\":-10000,\"units\":-100}],"
        "\"pence\":100,\"what\":\"2012-04: version 1 to 2 of the terms\",\"with_next\":false}]}");
    free(text);
    json_decref(json);
    pair_end(&p, &b);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("bridge");
    TCase *t = tcase_create("bridge");
    tcase_set_timeout(t, 0);
    tcase_add_test(t, the_same_inputs_move_nothing);
    tcase_add_loop_test(t, a_part_of_the_terms_shows_under_its_cause, 0,
                        (int)(sizeof changed_terms / sizeof *changed_terms));
    tcase_add_test(t, a_changed_rule_shows_with_the_rows_that_it_lets_pass);
    tcase_add_test(t, other_rows_show_under_activity);
    tcase_add_test(t, acts_show_under_their_causes);
    tcase_add_test(t, an_open_challenge_follows_the_other_causes);
    tcase_add_test(t, several_causes_telescope_and_swapped_sides_negate_the_sum);
    tcase_add_test(t, months_added_come_first);
    tcase_add_test(t, months_left_out_go_first);
    tcase_add_test(t, a_mixture_that_cannot_be_is_taken_with_the_next_cause);
    tcase_add_test(t, one_maker_makes_the_bridge_of_every_month);
    tcase_add_test(t, another_engine_is_a_cause_and_the_same_one_must_agree);
    tcase_add_test(t, the_bridge_is_written_with_its_lines);
    suite_add_tcase(suite, t);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
