/* Rules that look back at earlier months (D11, R07, A01, moves between clusters), and the form of what is kept. */
#include "domain/history.h"
#include "domain/overlap.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FOUND_MAXIMUM 20

static struct reference reference;
static struct history_scope scope;
static struct {
    size_t findings;
    struct finding finding[FOUND_MAXIMUM];
    size_t moves;
    struct {
        uint32_t row_no;
        enum history_move move;
    } move[FOUND_MAXIMUM];
} found;

static date_t day(const char *text)
{
    date_t d = DATE_NONE;
    if (text[0] != '\0')
        ck_assert_msg(date_parse(text, strlen(text), &d), "%s", text);
    return d;
}

static month_t month(const char *text)
{
    month_t m = 0;
    ck_assert(month_parse(text, strlen(text), &m));
    return m;
}

static void setup(void)
{
    static const char clusters[] = "code,name,super_class,review,review_unit\n"
                                   "01,One,A,84,day\n02,Two,A,105,day\n04,Four,A,6,month\n14,Crisis,B,28,day\n";
    static const char prices[] = "code,pence_per_day,ward_pence_per_day\n01,300,\n02,300,\n04,600,\n14,11000,\n";
    char error[200];
    reference_init(&reference);
    ck_assert(reference_load_clusters(&reference, clusters, strlen(clusters), error, sizeof error));
    ck_assert_msg(reference_load_prices(&reference, prices, strlen(prices), error, sizeof error), "%s", error);
    scope = (struct history_scope){month("2013-05"), &reference};
    memset(&found, 0, sizeof found);
}

static void teardown(void)
{
    reference_free(&reference);
}

static void on_finding(void *context, const struct finding *f)
{
    (void)context;
    ck_assert_uint_lt(found.findings, FOUND_MAXIMUM);
    found.finding[found.findings++] = *f;
}

static void on_moved(void *context, uint32_t row_no, enum history_move move)
{
    (void)context;
    ck_assert_uint_lt(found.moves, FOUND_MAXIMUM);
    found.move[found.moves].row_no = row_no;
    found.move[found.moves++].move = move;
}

static const struct history_events events = {NULL, on_finding, on_moved};

START_TEST(records_come_back)
{
    struct history_record in = {UINT64_C(0x0102030405060708),
                                UINT64_C(0xF1F2F3F4F5F6F7F8),
                                code_pack("5QE", 3),
                                day("1899-12-31"),
                                DATE_NONE,
                                day("2013-04-05"),
                                DATE_NONE,
                                CLUSTER_NONE,
                                HISTORY_PATIENT | HISTORY_EARNS};
    struct history_record out;
    uint8_t bytes[HISTORY_RECORD_SIZE];
    history_encode(&in, bytes);
    history_decode(&out, bytes);
    ck_assert(in.episode == out.episode && in.patient == out.patient && in.commissioner == out.commissioner);
    ck_assert(in.start == out.start && in.end == out.end && in.mhct == out.mhct && in.referral == out.referral);
    ck_assert(in.cluster == out.cluster && in.flags == out.flags);
    /* The layout is kept for years: least significant byte first, and the commissioner as text. */
    ck_assert_int_eq(memcmp(bytes, "\x08\x07\x06\x05\x04\x03\x02\x01", 8), 0);
    ck_assert_int_eq(memcmp(bytes + 20, "\x00\x00\x00\x80", 4), 0);
    ck_assert_int_eq(memcmp(bytes + 32, "5QE\0\0\0\xFF\x11", 8), 0);
}
END_TEST

/* What a row leaves behind: changes to a clean row of May 2013, and the flags and cluster that follow. */
static const struct {
    const char *name;
    const char *end, *mhct, *cluster;
    int16_t reason;
    bool alone;
    uint64_t failed; /* rules, one bit each */
    uint8_t flags;
    int8_t kept;
} left_cases[] = {
#define BIT_OF(rule) (UINT64_C(1) << RULE_BIT_##rule)
    {"open", "", "2013-04-30", "04", 10, false, 0, HISTORY_PATIENT | HISTORY_OPEN, 4},
    {"closed", "2013-06-01", "2013-04-30", "04", 0, false, 0, HISTORY_PATIENT | HISTORY_CLOSED, 4},
    {"an end that is no date", "", "2013-04-30", "04", 0, false, BIT_OF(D03), HISTORY_PATIENT, 4},
    {"an end before the month", "2013-04-30", "2013-04-30", "04", 0, false, BIT_OF(D04), HISTORY_PATIENT, 4},
    {"an end too late", "2013-06-02", "2013-04-30", "04", 0, false, BIT_OF(D05), HISTORY_PATIENT, 4},
    {"an end before the start", "2013-05-02", "2013-04-30", "04", 0, false, BIT_OF(D06), HISTORY_PATIENT, 4},
    {"no patient", "", "2013-04-30", "04", 0, false, BIT_OF(P01), HISTORY_OPEN, 4},
    {"first assessed on the first day", "", "2013-05-01", "04", 10, false, 0,
     HISTORY_PATIENT | HISTORY_OPEN | HISTORY_EARNS, 4},
    {"first assessed on the last day", "", "2013-05-31", "04", 10, false, BIT_OF(M02),
     HISTORY_PATIENT | HISTORY_OPEN | HISTORY_EARNS, 4},
    {"first assessed in another month", "", "2013-06-01", "04", 10, false, 0, HISTORY_PATIENT | HISTORY_OPEN, 4},
    {"assessed again", "", "2013-05-01", "04", 11, false, 0, HISTORY_PATIENT | HISTORY_OPEN, 4},
    {"first assessed, with an error", "", "2013-05-01", "04", 10, false, BIT_OF(M01), HISTORY_PATIENT | HISTORY_OPEN,
     4},
    {"assessed alone", "", "2013-05-01", "04", 0, true, 0,
     HISTORY_PATIENT | HISTORY_OPEN | HISTORY_EARNS | HISTORY_ASSESSMENT_ONLY, 4},
    {"an assessment without a date", "", "", "04", 0, true, 0, HISTORY_PATIENT | HISTORY_OPEN | HISTORY_ASSESSMENT_ONLY,
     4},
    {"cluster 09", "", "", "09", 0, false, BIT_OF(K03), HISTORY_PATIENT | HISTORY_OPEN, CLUSTER_NONE},
    {"no cluster", "", "", "", 0, false, BIT_OF(K01), HISTORY_PATIENT | HISTORY_OPEN, CLUSTER_NONE},
};

START_TEST(rows_leave_records)
{
    struct episode e;
    struct history_record r;
    memset(&e, 0, sizeof e);
    memcpy(e.patient, "\x01\x02\x03\x04\x05\x06\x07\x08\xFF", 9);
    (void)snprintf(e.commissioner, sizeof e.commissioner, "5QE");
    (void)snprintf(e.cluster, sizeof e.cluster, "%s", left_cases[_i].cluster);
    e.start_date = day("2013-05-03");
    e.end_date = day(left_cases[_i].end);
    e.mhct_date = day(left_cases[_i].mhct);
    e.referral_date = day("2013-04-02");
    e.mhct_reason = left_cases[_i].reason;
    e.assessment_only = left_cases[_i].alone;
    e.failed = left_cases[_i].failed;
    history_record_make(&r, &e, month("2013-05"), 77);
    ck_assert_msg(r.flags == left_cases[_i].flags, "%s: flags %u", left_cases[_i].name, r.flags);
    ck_assert_msg(r.cluster == left_cases[_i].kept, "%s: cluster %d", left_cases[_i].name, r.cluster);
    ck_assert(r.episode == 77 && r.patient == UINT64_C(0x0807060504030201) && r.commissioner == code_pack("5QE", 3));
    ck_assert(r.start == e.start_date && r.end == e.end_date && r.mhct == e.mhct_date && r.referral == e.referral_date);
}
END_TEST

/* D11. An episode as it came before and comes now: the column named, the value shown, the note. */
struct episode_case {
    const char *name;
    uint64_t patient[2];
    int8_t cluster[2];
    const char *start[2];
    const char *end[2];
    uint8_t flags[2]; /* beside those that follow from end */
    const char *field, *value, *note;
};

#define KNOWN                                                                                                          \
    {                                                                                                                  \
        HISTORY_PATIENT, HISTORY_PATIENT                                                                               \
    }
#define SAME(x)                                                                                                        \
    {                                                                                                                  \
        x, x                                                                                                           \
    }
#define STARTED SAME("2013-01-02")

static const struct episode_case episode_cases[] = {
    {"the same", SAME(1), SAME(4), STARTED, SAME(""), KNOWN, NULL, NULL, NULL},
    {"closed now", SAME(1), SAME(4), STARTED, {"", "2013-05-03"}, KNOWN, NULL, NULL, NULL},
    {"closed on the same day still", SAME(1), SAME(4), STARTED, SAME("2013-05-01"), KNOWN, NULL, NULL, NULL},
    {"closed earlier than was said", SAME(1), SAME(4), STARTED, {"2013-05-01", "2013-04-30"}, KNOWN, NULL, NULL, NULL},
    {"another patient",
     {1, 2},
     SAME(4),
     STARTED,
     SAME(""),
     KNOWN,
     "patient_id",
     "(hidden)",
     "In 2013-04 it came with another patient_id"},
    {"a patient that is unusable now", {1, 2}, SAME(4), STARTED, SAME(""), {HISTORY_PATIENT, 0}, NULL, NULL, NULL},
    {"a patient that was unusable", {1, 2}, SAME(4), STARTED, SAME(""), {0, HISTORY_PATIENT}, NULL, NULL, NULL},
    {"another cluster",
     SAME(1),
     {4, 2},
     STARTED,
     SAME(""),
     KNOWN,
     "cluster",
     "02",
     "In 2013-04 it came with cluster 04"},
    {"a cluster mended", SAME(1), {CLUSTER_NONE, 2}, STARTED, SAME(""), KNOWN, NULL, NULL, NULL},
    {"a cluster spoilt", SAME(1), {4, CLUSTER_NONE}, STARTED, SAME(""), KNOWN, NULL, NULL, NULL},
    {"another start",
     SAME(1),
     SAME(4),
     {"2013-01-02", "2013-01-03"},
     SAME(""),
     KNOWN,
     "start_date",
     "2013-01-03",
     "In 2013-04 it came with start_date 2013-01-02"},
    {"a start mended", SAME(1), SAME(4), {"", "2013-01-03"}, SAME(""), KNOWN, NULL, NULL, NULL},
    {"open again",
     SAME(1),
     SAME(4),
     STARTED,
     {"2013-04-10", ""},
     KNOWN,
     "end_date",
     "",
     "In 2013-04 it came with end_date 2013-04-10"},
    {"open again, and closed again",
     SAME(1),
     SAME(4),
     STARTED,
     {"2013-05-01", "2013-05-02"},
     KNOWN,
     "end_date",
     "2013-05-02",
     "In 2013-04 it came with end_date 2013-05-01"},
    {"an assessment alone",
     SAME(1),
     {4, 2},
     STARTED,
     SAME("2013-05-01"),
     {HISTORY_PATIENT | HISTORY_ASSESSMENT_ONLY, HISTORY_PATIENT | HISTORY_ASSESSMENT_ONLY},
     "cluster",
     "02",
     "In 2013-04 it came with cluster 04"},
    {"everything",
     {1, 2},
     {4, 2},
     {"2013-01-02", "2013-01-03"},
     {"2013-04-10", ""},
     KNOWN,
     "patient_id",
     "(hidden)",
     "In 2013-04 it came with another patient_id, cluster 04, start_date 2013-01-02, end_date 2013-04-10"},
};

static struct history_record record_of(const struct episode_case *c, int which)
{
    struct history_record r = {.episode = 7,
                               .patient = c->patient[which],
                               .start = day(c->start[which]),
                               .end = day(c->end[which]),
                               .mhct = DATE_NONE,
                               .referral = DATE_NONE,
                               .cluster = c->cluster[which],
                               .flags = c->flags[which]};
    r.flags |= r.end == DATE_NONE ? HISTORY_OPEN : HISTORY_CLOSED;
    return r;
}

START_TEST(d11_compares_with_the_month_before)
{
    const struct episode_case *c = &episode_cases[_i];
    struct history_record before = record_of(c, 0), now = record_of(c, 1);
    struct history_episode rows[4];
    history_episode_make(&rows[0], &now, month("2013-05"), 3);
    history_episode_make(&rows[1], &before, month("2013-04"), 0);
    /* What stood in still earlier months does not matter any more; nor does another episode. */
    struct history_record old = {.episode = 7, .patient = 9, .cluster = 14, .flags = HISTORY_PATIENT | HISTORY_CLOSED};
    struct history_record other = {.episode = 8, .patient = 9, .cluster = 14, .flags = HISTORY_PATIENT};
    history_episode_make(&rows[2], &old, month("2012-11"), 0);
    history_episode_make(&rows[3], &other, month("2013-04"), 0);
    ck_assert(history_check_episodes(rows, 4, &events));
    ck_assert_msg(found.findings == (c->field != NULL), "%s: %zu findings", c->name, found.findings);
    if (c->field == NULL)
        return;
    const struct finding *f = &found.finding[0];
    ck_assert_msg(f->rule == RULE_D11 && f->row_no == 3, "%s", c->name);
    ck_assert_str_eq(f->field, c->field);
    ck_assert_str_eq(f->value, c->value);
    ck_assert_str_eq(f->note, c->note);
}
END_TEST

START_TEST(d11_a_new_episode_is_no_change)
{
    struct history_record now = {.episode = 7, .patient = 1, .cluster = 4, .flags = HISTORY_PATIENT | HISTORY_OPEN};
    struct history_episode rows[2];
    history_episode_make(&rows[0], &now, month("2013-05"), 1);
    now.episode = 8;
    history_episode_make(&rows[1], &now, month("2013-05"), 2);
    ck_assert(history_check_episodes(rows, 2, &events));
    ck_assert(history_check_episodes(NULL, 0, &events));
    ck_assert_uint_eq(found.findings, 0);
}
END_TEST

/* R07 and moves: assessments of one patient, row_no 0 for earlier months. */
struct assessment_row {
    const char *month;
    uint32_t row_no;
    int8_t cluster;
    const char *mhct;
    uint8_t flags; /* beside HISTORY_PATIENT */
};
struct move_case {
    const char *name;
    struct assessment_row row[4];
    int move;         /* of row 1; HISTORY_MOVES: none */
    const char *note; /* of R07; NULL: no finding */
};

#define NOW     "2013-05", 1
#define APRIL   "2013-04", 0
#define UP      HISTORY_MOVE_UP
#define NO_MOVE HISTORY_MOVES

/* Cluster 04 is reviewed every 6 months: of 2013-03-01 that is 2013-09-01, 184 days on, and half of it 2013-06-01. Of
 * 2013-02-28 it is 2013-08-28, 181 days on; 90 days are less than half of them, 91 are not: 2013-05-30. Cluster 01 is
 * reviewed every 84 days. */
static const struct move_case move_cases[] = {
    {"a day before half the period",
     {{APRIL, 4, "2013-02-28", 0}, {NOW, 14, "2013-05-29", 0}},
     UP,
     "Assessed as 04 on 2013-02-28; half of that review period ends on 2013-05-30"},
    {"half the period, rounded up", {{APRIL, 4, "2013-02-28", 0}, {NOW, 14, "2013-05-30", 0}}, UP, NULL},
    {"a day before half of 84 days",
     {{APRIL, 1, "2013-04-01", 0}, {NOW, 4, "2013-05-12", 0}},
     UP,
     "Assessed as 01 on 2013-04-01; half of that review period ends on 2013-05-13"},
    {"half of 84 days", {{APRIL, 1, "2013-04-01", 0}, {NOW, 4, "2013-05-13", 0}}, UP, NULL},
    {"cheaper", {{APRIL, 14, "2013-05-01", 0}, {NOW, 4, "2013-05-02", 0}}, HISTORY_MOVE_DOWN, NULL},
    {"equal prices", {{APRIL, 1, "2013-04-01", 0}, {NOW, 2, "2013-05-02", 0}}, HISTORY_MOVE_LEVEL, NULL},
    {"a price that is not known", {{APRIL, 1, "2013-04-01", 0}, {NOW, 5, "2013-05-02", 0}}, HISTORY_MOVE_LEVEL, NULL},
    {"the same cluster", {{APRIL, 4, "2013-04-01", 0}, {NOW, 4, "2013-05-02", 0}}, NO_MOVE, NULL},
    {"on the same day", {{APRIL, 4, "2013-05-02", 0}, {NOW, 14, "2013-05-02", 0}}, NO_MOVE, NULL},
    {"nothing before", {{NOW, 14, "2013-05-02", 0}}, NO_MOVE, NULL},
    {"only a later one", {{APRIL, 4, "2013-05-03", 0}, {NOW, 14, "2013-05-02", 0}}, NO_MOVE, NULL},
    {"told by an earlier month",
     {{"2013-03", 0, 4, "2013-03-01", 0}, {APRIL, 14, "2013-04-05", 0}, {NOW, 14, "2013-04-05", 0}},
     NO_MOVE,
     NULL},
    {"the latest before counts",
     {{"2013-03", 0, 4, "2013-03-01", 0}, {APRIL, 14, "2013-04-05", 0}, {NOW, 14, "2013-05-05", 0}},
     NO_MOVE,
     NULL},
    {"the newest month says what it was",
     {{"2013-03", 0, 14, "2013-03-01", 0}, {APRIL, 4, "2013-03-01", 0}, {NOW, 14, "2013-05-05", 0}},
     UP,
     "Assessed as 04 on 2013-03-01; half of that review period ends on 2013-06-01"},
    {"both in this month",
     {{"2013-05", 2, 4, "2013-05-01", 0}, {NOW, 14, "2013-05-09", 0}},
     UP,
     "Assessed as 04 on 2013-05-01; half of that review period ends on 2013-08-01"},
    {"the same assessment twice in this month",
     {{APRIL, 4, "2013-03-01", 0}, {NOW, 14, "2013-05-09", 0}, {"2013-05", 2, 14, "2013-05-09", 0}},
     UP,
     "Assessed as 04 on 2013-03-01; half of that review period ends on 2013-06-01"},
    {"an assessment alone before",
     {{APRIL, 4, "2013-04-01", HISTORY_ASSESSMENT_ONLY}, {NOW, 14, "2013-05-02", 0}},
     NO_MOVE,
     NULL},
    {"an assessment alone now",
     {{APRIL, 4, "2013-04-01", 0}, {NOW, 14, "2013-05-02", HISTORY_ASSESSMENT_ONLY}},
     NO_MOVE,
     NULL},
    {"no cluster before", {{APRIL, CLUSTER_NONE, "2013-04-01", 0}, {NOW, 14, "2013-05-02", 0}}, NO_MOVE, NULL},
    {"no cluster now", {{APRIL, 4, "2013-04-01", 0}, {NOW, CLUSTER_NONE, "2013-05-02", 0}}, NO_MOVE, NULL},
    {"no date", {{APRIL, 4, "", 0}, {NOW, 14, "2013-05-02", 0}}, NO_MOVE, NULL},
};

static size_t add(struct history_patient *rows, size_t count, const struct assessment_row *a, uint64_t patient,
                  const char *commissioner, const char *referral)
{
    struct history_record r = {.patient = patient,
                               .commissioner = code_pack(commissioner, strlen(commissioner)),
                               .mhct = day(a->mhct),
                               .referral = day(referral),
                               .cluster = a->cluster,
                               .flags = (uint8_t)(a->flags | HISTORY_PATIENT)};
    return count + history_patient_make(&rows[count], &r, &scope, month(a->month), a->row_no);
}

START_TEST(r07_and_moves)
{
    const struct move_case *c = &move_cases[_i];
    struct history_patient rows[6];
    size_t count = 0;
    for (int i = 0; i < 4 && c->row[i].month != NULL; i++)
        count = add(rows, count, &c->row[i], 5, "5QE", "");
    /* Another patient's assessments are their own. */
    count = add(rows, count, &(struct assessment_row){APRIL, 1, "2013-05-01", 0}, 6, "5QE", "");
    ck_assert(history_check_patients(rows, count, &scope, &events));
    ck_assert_msg(found.moves == (c->move != NO_MOVE), "%s: %zu moves", c->name, found.moves);
    if (c->move != NO_MOVE)
        ck_assert_msg(found.move[0].row_no == 1 && (int)found.move[0].move == c->move, "%s", c->name);
    ck_assert_msg(found.findings == (c->note != NULL), "%s: %zu findings", c->name, found.findings);
    if (c->note == NULL)
        return;
    ck_assert_int_eq((int)found.finding[0].rule, RULE_R07);
    ck_assert_uint_eq(found.finding[0].row_no, 1);
    ck_assert_str_eq(found.finding[0].field, "cluster");
    ck_assert_str_eq(found.finding[0].value, c->row[0].cluster == 1 ? "04" : "14");
    ck_assert_str_eq(found.finding[0].note, c->note);
}
END_TEST

START_TEST(r07_says_nothing_of_another_commissioner)
{
    struct history_patient rows[2];
    size_t count = add(rows, 0, &(struct assessment_row){APRIL, 4, "2013-04-20", 0}, 5, "5QF", "");
    count = add(rows, count, &(struct assessment_row){NOW, 14, "2013-05-02", 0}, 5, "5QE", "");
    ck_assert(history_check_patients(rows, count, &scope, &events));
    ck_assert_uint_eq(found.findings, 1);
    ck_assert_str_eq(found.finding[0].note, "The assessment before was made for another commissioner");
}
END_TEST

START_TEST(r07_needs_a_patient)
{
    struct history_patient row;
    struct history_record r = {.cluster = 4, .mhct = day("2013-04-20"), .flags = HISTORY_EARNS};
    ck_assert(!history_patient_make(&row, &r, &scope, month("2013-04"), 0));
    ck_assert(history_check_patients(NULL, 0, &scope, &events));
}
END_TEST

/* A01 across months. The month before, then this one. */
struct earn_case {
    const char *name;
    const char *month;
    const char *commissioner;
    const char *referral[2];
    const char *mhct[2];
    uint8_t flags[2];
    bool fires;
};

#define BOTH_EARN                                                                                                      \
    {                                                                                                                  \
        HISTORY_EARNS, HISTORY_EARNS                                                                                   \
    }
#define ASSESSED                                                                                                       \
    {                                                                                                                  \
        "2013-04-02", "2013-05-02"                                                                                     \
    }

static const struct earn_case earn_cases[] = {
    {"the same referral", "2013-04", "5QE", SAME("2013-03-01"), ASSESSED, BOTH_EARN, true},
    {"another referral", "2013-04", "5QE", {"2013-03-01", "2013-03-02"}, ASSESSED, BOTH_EARN, false},
    {"another commissioner", "2013-04", "5QF", SAME("2013-03-01"), ASSESSED, BOTH_EARN, false},
    {"no referral: each stands alone", "2013-04", "5QE", SAME(""), ASSESSED, BOTH_EARN, false},
    {"a referral on the day of the one without", "2013-04", "5QE", {"", "2013-04-02"}, ASSESSED, BOTH_EARN, true},
    {"one with an error earned nothing", "2013-04", "5QE", SAME("2013-03-01"), ASSESSED, {0, HISTORY_EARNS}, false},
    {"one with an error earns nothing anyway",
     "2013-04",
     "5QE",
     SAME("2013-03-01"),
     ASSESSED,
     {HISTORY_EARNS, 0},
     false},
    {"the last month of the year before",
     "2013-03",
     "5QE",
     SAME("2013-03-01"),
     {"2013-03-31", "2013-05-02"},
     BOTH_EARN,
     false},
};

START_TEST(a01_across_months)
{
    const struct earn_case *c = &earn_cases[_i];
    struct history_patient rows[3];
    struct assessment_row before = {c->month, 0, 4, c->mhct[0], c->flags[0]};
    struct assessment_row now = {NOW, 4, c->mhct[1], c->flags[1]};
    size_t count = add(rows, 0, &now, 5, "5QE", c->referral[1]);
    count = add(rows, count, &before, 5, c->commissioner, c->referral[0]);
    before.mhct = "2013-04-01";
    count = add(rows, count, &before, 6, "5QE", c->referral[0]);
    ck_assert(history_check_patients(rows, count, &scope, &events));
    ck_assert_msg(found.findings == c->fires, "%s: %zu findings", c->name, found.findings);
    if (!c->fires)
        return;
    ck_assert_int_eq((int)found.finding[0].rule, RULE_A01);
    ck_assert_uint_eq(found.finding[0].row_no, 1);
    ck_assert_str_eq(found.finding[0].note, "One in 2013-04 comes first");
}
END_TEST

/* D09 across providers. */

static bool shares[3][3];

static void on_shared(void *context, uint32_t provider, uint32_t row_no)
{
    (void)context;
    ck_assert(!shares[provider][row_no]);
    shares[provider][row_no] = true;
}

START_TEST(overlap_days_of_the_month)
{
    static const struct {
        const char *start, *end;
        uint32_t days;
    } cases[] = {
        {"2013-05-01", "", 0x7FFFFFFF},           {"2012-01-01", "2013-05-02", 1}, {"2012-01-01", "2013-05-01", 0},
        {"2013-05-31", "", 0x40000000},           {"2013-06-01", "", 0},           {"2013-05-03", "2013-05-05", 0xC},
        {"2013-05-05", "2013-05-05", 0},          {"2013-05-05", "2013-05-04", 0}, {"", "2013-05-05", 0},
        {"2012-01-01", "2013-06-01", 0x7FFFFFFF},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        ck_assert_msg(overlap_days(day(cases[i].start), day(cases[i].end), month("2013-05")) == cases[i].days, "%zu",
                      i);
}
END_TEST

START_TEST(overlap_falls_on_both)
{
    /* Of one patient: provider 0 in two rows that do not overlap, provider 1 on the days of the second alone. */
    struct overlap_row rows[] = {
        {{7, 0, 0x0F}, 0},  {{7, 1, 0xF0}, 0}, {{7, 0, 0x100F0}, 1},
        {{7, 1, 0xF00}, 1}, {{8, 2, 0xF0}, 1}, {{7, 0, 0x0E0000}, 2},
    };
    memset(shares, 0, sizeof shares);
    ck_assert(overlap_check(rows, sizeof rows / sizeof rows[0], on_shared, NULL));
    ck_assert(!shares[0][0] && shares[0][1] && shares[1][0] && !shares[1][1] && !shares[1][2] && !shares[2][0]);
    /* Two rows of one provider share nothing with each other. */
    struct overlap_row own[] = {{{7, 0, 0xFF}, 1}, {{7, 1, 0xFF}, 1}};
    memset(shares, 0, sizeof shares);
    ck_assert(overlap_check(own, 2, on_shared, NULL));
    ck_assert(overlap_check(NULL, 0, on_shared, NULL));
    ck_assert(!shares[1][0] && !shares[1][1]);
}
END_TEST

START_TEST(overlap_records_come_back)
{
    struct overlap_record in = {UINT64_C(0x8182838485868788), 0x01020304, 0x7FFFFFFE}, out;
    uint8_t bytes[OVERLAP_RECORD_SIZE];
    overlap_encode(&in, bytes);
    overlap_decode(&out, bytes);
    ck_assert(in.nhs == out.nhs && in.row_no == out.row_no && in.days == out.days);
    ck_assert_int_eq(memcmp(bytes, "\x88\x87\x86\x85\x84\x83\x82\x81\x04\x03\x02\x01\xFE\xFF\xFF\x7F", 16), 0);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("history");
    TCase *t = tcase_create("history");
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, records_come_back);
    tcase_add_loop_test(t, rows_leave_records, 0, (int)(sizeof left_cases / sizeof left_cases[0]));
    tcase_add_loop_test(t, d11_compares_with_the_month_before, 0,
                        (int)(sizeof episode_cases / sizeof episode_cases[0]));
    tcase_add_test(t, d11_a_new_episode_is_no_change);
    tcase_add_loop_test(t, r07_and_moves, 0, (int)(sizeof move_cases / sizeof move_cases[0]));
    tcase_add_test(t, r07_says_nothing_of_another_commissioner);
    tcase_add_test(t, r07_needs_a_patient);
    tcase_add_loop_test(t, a01_across_months, 0, (int)(sizeof earn_cases / sizeof earn_cases[0]));
    tcase_add_test(t, overlap_days_of_the_month);
    tcase_add_test(t, overlap_falls_on_both);
    tcase_add_test(t, overlap_records_come_back);
    suite_add_tcase(s, t);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
