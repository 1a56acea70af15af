#include "cli/demo_fault.h"

#include "cli/demo_random.h"

#include <string.h>

/* Where a fault can be planted without a second rule taking notice. */

static bool goes_on(const struct demo_episode *e, month_t m)
{
    return !e->assessment_only && !e->late && !e->moved_in && !e->moved_on && !e->inpatient &&
           (e->end == DATE_NONE || e->end > month_last(m) + 1);
}

/* Open since before the month. */
static bool is_open(const struct demo_episode *e, month_t m)
{
    return goes_on(e, m) && e->start < month_first(m) - 1;
}

/* Opened in the middle of the month and open at its end. */
static bool is_new(const struct demo_episode *e, month_t m)
{
    return goes_on(e, m) && e->start > month_first(m) + 5 && e->start < month_last(m) - 9 && e->cluster != 14 &&
           e->cluster != 15;
}

static bool is_new_moderate(const struct demo_episode *e, month_t m)
{
    return is_new(e, m) && e->cluster >= 3 && e->cluster <= 6;
}

static bool is_long_open(const struct demo_episode *e, month_t m)
{
    return is_open(e, m) && e->start < month_last(m) - 420;
}

static bool is_long_open_moderate(const struct demo_episode *e, month_t m)
{
    return is_long_open(e, m) && e->cluster >= 3 && e->cluster <= 6;
}

static bool is_open_low(const struct demo_episode *e, month_t m)
{
    return is_open(e, m) && (e->cluster == 3 || e->cluster == 4);
}

static bool needs_approval(const struct demo_episode *e, month_t m)
{
    return is_open(e, m) && e->cluster == 16;
}

static bool closed_early(const struct demo_episode *e, month_t m)
{
    return !e->assessment_only && !e->moved_on && !e->moved_in && !e->inpatient && e->cluster >= 5 &&
           e->end != DATE_NONE && e->end > month_first(m) && e->end < month_last(m) - 3 && e->start < month_first(m);
}

static bool assessed_early(const struct demo_episode *e, month_t m)
{
    return e->assessment_only && e->start > month_first(m) && e->start < month_last(m) - 5;
}

#define TEXT(column, text)                                                                                             \
    {                                                                                                                  \
        DEMO_EDIT_TEXT, false, column, 0, text                                                                         \
    }
#define ROW_DAY(kind, column, days)                                                                                    \
    {                                                                                                                  \
        kind, false, column, days, NULL                                                                                \
    }
#define OTHER_DAY(column, days)                                                                                        \
    {                                                                                                                  \
        DEMO_EDIT_FROM_START, true, column, days, NULL                                                                 \
    }
#define OTHER_TEXT(column, text)                                                                                       \
    {                                                                                                                  \
        DEMO_EDIT_TEXT, true, column, 0, text                                                                          \
    }

static const struct demo_fault faults[] = {
    {{"P01"}, 4, 0, 1, NULL, NULL, is_new, false, {TEXT(DEMO_PATIENT_ID, "RECORD-MERGED-SEE-NOTE-12")}},
    {{"P02"}, 18, 6, 1, NULL, NULL, is_open, false, {{DEMO_EDIT_CHECK_DIGIT, false, DEMO_NHS_NUMBER, 0, NULL}}},
    {{"P03"}, 45, 30, 0, NULL, NULL, is_open, false, {TEXT(DEMO_NHS_NUMBER, "")}},
    {{"P04"}, 6, 0, 0, NULL, NULL, is_open, false, {TEXT(DEMO_NHS_NUMBER_STATUS, "07")}},
    {{"P05"}, 9, 0, 0, NULL, NULL, is_open, false, {TEXT(DEMO_NHS_NUMBER_STATUS, "99")}},
    {{"P06", "D14"}, 6, 0, 1, NULL, "5QG", is_open, false, {ROW_DAY(DEMO_EDIT_FROM_LAST, DEMO_BIRTH_DATE, 10)}},
    {{"P07"}, 6, 6, 0, NULL, NULL, is_open, false, {TEXT(DEMO_BIRTH_DATE, "1870-02-03")}},
    {{"P08"}, 12, 12, 0, "RXA", "5QE", is_open, false, {ROW_DAY(DEMO_EDIT_FROM_LAST, DEMO_BIRTH_DATE, -6300)}},
    {{"C01"}, 12, 6, 0, NULL, NULL, is_open, false, {TEXT(DEMO_GP_PRACTICE, "A8/001")}},
    {{"C02", "C04"},
     6,
     0,
     1,
     NULL,
     NULL,
     is_new,
     false,
     {TEXT(DEMO_COMMISSIONER, "9ZZ"), TEXT(DEMO_COMMISSIONER_REASON, "code from the letter")}},
    {{"C03"},
     24,
     12,
     0,
     "RXA",
     "5QE",
     is_open,
     false,
     {TEXT(DEMO_GP_PRACTICE, "A83005"), TEXT(DEMO_COMMISSIONER_REASON, "")}},
    {{"C04"},
     60,
     24,
     0,
     "RXB",
     NULL,
     is_open,
     false,
     {TEXT(DEMO_COMMISSIONER, "5QF"), TEXT(DEMO_GP_PRACTICE, "A82007")}},
    {{"C05"}, 12, 8, 0, "RXA", "5QE", is_open, false, {TEXT(DEMO_SERVICE, "LD9")}},
    {{"C06"}, 15, 5, 0, "RXA", "5QF", needs_approval, false, {TEXT(DEMO_APPROVAL_REF, "")}},
    {{"K01"}, 6, 0, 1, NULL, NULL, is_new, false, {TEXT(DEMO_CLUSTER, ""), TEXT(DEMO_SUPER_CLASS, "")}},
    {{"K02"}, 6, 0, 1, NULL, NULL, is_new, false, {TEXT(DEMO_CLUSTER, "22"), TEXT(DEMO_SUPER_CLASS, "")}},
    {{"K03"}, 6, 0, 1, NULL, NULL, is_new, false, {TEXT(DEMO_CLUSTER, "09"), TEXT(DEMO_SUPER_CLASS, "")}},
    {{"K04"}, 6, 0, 1, NULL, NULL, is_new, false, {TEXT(DEMO_CLUSTER, "99"), TEXT(DEMO_SUPER_CLASS, "")}},
    {{"K05"}, 12, 6, 0, NULL, NULL, is_new_moderate, false, {TEXT(DEMO_SUPER_CLASS, "C")}},
    {{"K06"}, 25, 10, 0, "RXA", "5QF", is_open_low, false, {TEXT(DEMO_CLUSTER, "00"), TEXT(DEMO_SUPER_CLASS, "")}},
    {{"D01"}, 6, 0, 1, NULL, NULL, is_new, false, {TEXT(DEMO_START_DATE, "14/05/2012")}},
    {{"D02"},
     6,
     0,
     1,
     NULL,
     NULL,
     is_new,
     false,
     {ROW_DAY(DEMO_EDIT_FROM_LAST, DEMO_START_DATE, 3), ROW_DAY(DEMO_EDIT_FROM_LAST, DEMO_MHCT_DATE, -1),
      TEXT(DEMO_MHCT_REASON, "11")}},
    {{"D03"}, 6, 0, 1, NULL, NULL, is_open, false, {TEXT(DEMO_END_DATE, "not known")}},
    {{"D04"}, 6, 0, 1, NULL, NULL, is_open, false, {ROW_DAY(DEMO_EDIT_FROM_FIRST, DEMO_END_DATE, -1)}},
    {{"D05"}, 6, 0, 1, NULL, NULL, is_open, false, {ROW_DAY(DEMO_EDIT_FROM_LAST, DEMO_END_DATE, 9)}},
    {{"D06"}, 6, 0, 1, NULL, NULL, is_new, false, {ROW_DAY(DEMO_EDIT_FROM_START, DEMO_END_DATE, -1)}},
    {{"D07", "D07"},
     6,
     0,
     2,
     NULL,
     NULL,
     is_new,
     true,
     {OTHER_DAY(DEMO_START_DATE, -20), OTHER_DAY(DEMO_MHCT_DATE, -20)}},
    {{"D08", "D08"}, 6, 0, 2, NULL, NULL, is_new, true, {OTHER_DAY(DEMO_END_DATE, 3)}},
    {{"D09"},
     9,
     0,
     1,
     NULL,
     NULL,
     is_new,
     true,
     {OTHER_DAY(DEMO_START_DATE, -30), OTHER_DAY(DEMO_END_DATE, 4), OTHER_DAY(DEMO_MHCT_DATE, -30)}},
    {{"D10"},
     9,
     0,
     0,
     NULL,
     NULL,
     is_new,
     true,
     {OTHER_DAY(DEMO_START_DATE, -40), OTHER_DAY(DEMO_END_DATE, -3), OTHER_DAY(DEMO_MHCT_DATE, -40)}},
    {{"D12"}, 6, 0, 1, NULL, NULL, is_open, false, {ROW_DAY(DEMO_EDIT_FROM_LAST, DEMO_REFERRAL_DATE, 4)}},
    {{"D13"}, 12, 4, 1, NULL, NULL, closed_early, false, {TEXT(DEMO_ADMITTED_DAYS, "31")}},
    {{"D14"}, 6, 0, 1, NULL, "5QG", is_open, false, {ROW_DAY(DEMO_EDIT_FROM_START, DEMO_BIRTH_DATE, 2)}},
    {{"M01"}, 15, 5, 1, NULL, NULL, is_open, false, {TEXT(DEMO_H1 + 3, "7")}},
    {{"M02"}, 240, 240, 0, NULL, NULL, is_open, false, {TEXT(DEMO_H1 + 5, "9")}},
    {{"M03"}, 9, 3, 0, NULL, NULL, is_open, false, {TEXT(DEMO_MHCT_DATE, "")}},
    {{"M04"}, 6, 0, 0, NULL, NULL, is_open, false, {TEXT(DEMO_MHCT_REASON, "55")}},
    {{"M05"},
     12,
     12,
     0,
     NULL,
     NULL,
     is_new_moderate,
     false,
     {ROW_DAY(DEMO_EDIT_FROM_START, DEMO_MHCT_DATE, -30), TEXT(DEMO_MHCT_REASON, "11")}},
    {{"R01"},
     180,
     150,
     0,
     NULL,
     NULL,
     is_long_open,
     false,
     {ROW_DAY(DEMO_EDIT_FROM_LAST, DEMO_MHCT_DATE, -400), TEXT(DEMO_MHCT_REASON, "11")}},
    {{"R02"},
     300,
     300,
     0,
     NULL,
     NULL,
     is_long_open_moderate,
     false,
     {ROW_DAY(DEMO_EDIT_FROM_LAST, DEMO_MHCT_DATE, -170), TEXT(DEMO_MHCT_REASON, "11")}},
    {{"R03"},
     12,
     12,
     0,
     NULL,
     NULL,
     is_new,
     false,
     {ROW_DAY(DEMO_EDIT_FROM_START, DEMO_REFERRAL_DATE, 0), ROW_DAY(DEMO_EDIT_FROM_START, DEMO_END_DATE, 9)}},
    {{"R04"},
     12,
     8,
     0,
     NULL,
     NULL,
     is_open_low,
     false,
     {ROW_DAY(DEMO_EDIT_FROM_FIRST, DEMO_MHCT_DATE, -5), TEXT(DEMO_MHCT_REASON, "11"), TEXT(DEMO_ADMITTED_DAYS, "3"),
      TEXT(DEMO_SERVICE, "W2")}},
    {{"R05"},
     12,
     8,
     0,
     NULL,
     NULL,
     is_new,
     false,
     {ROW_DAY(DEMO_EDIT_FROM_START, DEMO_END_DATE, 4), TEXT(DEMO_LAST_CONTACT, "")}},
    {{"R06"}, 30, 20, 0, NULL, NULL, is_long_open, false, {ROW_DAY(DEMO_EDIT_FROM_LAST, DEMO_LAST_CONTACT, -200)}},
    {{"A01"},
     9,
     6,
     0,
     NULL,
     NULL,
     assessed_early,
     true,
     {OTHER_DAY(DEMO_START_DATE, 1), OTHER_DAY(DEMO_END_DATE, 2), OTHER_DAY(DEMO_MHCT_DATE, 1),
      OTHER_TEXT(DEMO_MHCT_REASON, "10")}}};

unsigned demo_fault_kinds(void)
{
    return (unsigned)(sizeof faults / sizeof faults[0]);
}

const struct demo_fault *demo_fault_kind(unsigned number)
{
    return &faults[number - 1];
}

/* Counts are stated for 20,000 open episodes; a trust of any size has at least one of each. */
static uint32_t scaled(uint32_t count, uint32_t open)
{
    uint32_t n = (uint32_t)((uint64_t)count * open / 20000);
    return count > 0 && n == 0 ? 1 : n;
}

static bool wanted(const struct demo_fault *f, const struct demo_episode *e, const struct demo_file_scene *s)
{
    if (e->fault != 0 || !demo_in_month(e, s->month) || !f->suits(e, s->month) || e->number >= 1000000u) {
        return false;
    }
    return f->payer == NULL || strcmp(f->payer, s->trust->payers[e->payer]) == 0;
}

static void plant_kind(struct demo_population *p, const struct demo_file_scene *s, unsigned kind)
{
    const struct demo_fault *f = demo_fault_kind(kind);
    if (f->trust != NULL && strcmp(f->trust, s->trust->code) != 0) {
        return;
    }
    uint32_t planted = scaled(f->planted, s->trust->open_at_start);
    uint32_t stays = scaled(f->stays, s->trust->open_at_start);
    uint32_t at = demo_below(s->seed, kind, (uint32_t)s->month, DEMO_FAULT, p->count);
    uint32_t step = p->count % 7919 != 0 ? 7919 : 1; /* a prime visits every row once */
    for (uint32_t seen = 0, done = 0; seen < p->count && done < planted; seen++) {
        struct demo_episode *e = &p->episodes[at];
        at = (uint32_t)(((uint64_t)at + step) % p->count);
        if (wanted(f, e, s)) {
            e->fault = (uint8_t)kind;
            e->fault_stays = done++ < stays;
        }
    }
}

void demo_plant(struct demo_population *p, const struct demo_file_scene *scene)
{
    for (uint32_t i = 0; i < p->count; i++) {
        p->episodes[i].fault = 0;
        p->episodes[i].fault_stays = false;
    }
    /* Rows opened in the month are few: the faults that need them choose first. */
    for (int turn = 0; turn < 2; turn++) {
        for (unsigned kind = 1; kind <= demo_fault_kinds(); kind++) {
            bool (*suits)(const struct demo_episode *, month_t) = demo_fault_kind(kind)->suits;
            bool scarce = suits == is_new_moderate || suits == needs_approval;
            if (scarce == (turn == 0)) {
                plant_kind(p, scene, kind);
            }
        }
    }
}

static void edit(struct demo_row *row, const struct demo_edit *change, const struct demo_episode *e, month_t m)
{
    switch (change->kind) {
    case DEMO_EDIT_NONE:
        break;
    case DEMO_EDIT_TEXT:
        demo_row_set(row, change->column, change->text);
        break;
    case DEMO_EDIT_FROM_START:
        demo_row_set_date(row, change->column, e->start + change->days);
        break;
    case DEMO_EDIT_FROM_FIRST:
        demo_row_set_date(row, change->column, month_first(m) + change->days);
        break;
    case DEMO_EDIT_FROM_LAST:
        demo_row_set_date(row, change->column, month_last(m) + change->days);
        break;
    case DEMO_EDIT_CHECK_DIGIT: {
        char *last = &row->field[change->column][9];
        *last = *last == '9' ? '0' : (char)(*last + 1);
        break;
    }
    }
}

bool demo_spoil(struct demo_row *row, struct demo_row *companion, const struct demo_episode *e, month_t m)
{
    const struct demo_fault *f = demo_fault_kind(e->fault);
    *companion = *row;
    companion->field[DEMO_EPISODE_ID][1] = 'X';
    demo_row_set(companion, DEMO_MHCT_REASON, "11");
    for (int i = 0; i < DEMO_FAULT_EDITS && f->edits[i].kind != DEMO_EDIT_NONE; i++) {
        edit(f->edits[i].on_companion ? companion : row, &f->edits[i], e, m);
    }
    return f->companion;
}
