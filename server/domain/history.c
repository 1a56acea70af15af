#include "domain/history.h"

#include "domain/gather.h"

#include <endian.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COMMISSIONER_AT   32
#define COMMISSIONER_SIZE 6

static void put32(uint8_t *to, date_t value)
{
    uint32_t v = htole32((uint32_t)value);
    memcpy(to, &v, sizeof v);
}

static date_t get32(const uint8_t *from)
{
    uint32_t v;
    memcpy(&v, from, sizeof v);
    return (date_t)le32toh(v);
}

static void put64(uint8_t *to, uint64_t value)
{
    uint64_t v = htole64(value);
    memcpy(to, &v, sizeof v);
}

static uint64_t get64(const uint8_t *from)
{
    uint64_t v;
    memcpy(&v, from, sizeof v);
    return le64toh(v);
}

static uint8_t flags_of(const struct episode *row, month_t month)
{
    const rule_set_t no_end =
        rule_set_of(RULE_D03) | rule_set_of(RULE_D04) | rule_set_of(RULE_D05) | rule_set_of(RULE_D06);
    unsigned flags = 0;
    if ((row->failed & rule_set_of(RULE_P01)) == 0)
        flags |= HISTORY_PATIENT;
    if (row->end_date == DATE_NONE && (row->failed & rule_set_of(RULE_D03)) == 0)
        flags |= HISTORY_OPEN;
    if (row->end_date != DATE_NONE && (row->failed & no_end) == 0)
        flags |= HISTORY_CLOSED;
    if (row->assessment_only)
        flags |= HISTORY_ASSESSMENT_ONLY;
    if ((row->assessment_only || row->mhct_reason == 10) && row->mhct_date != DATE_NONE &&
        month_of(row->mhct_date) == month && (row->failed & rules_unpayable_at_upload()) == 0)
        flags |= HISTORY_EARNS;
    return (uint8_t)flags;
}

void history_record_make(struct history_record *out, const struct episode *row, month_t month, uint64_t episode)
{
    *out = (struct history_record){.episode = episode,
                                   .patient = get64(row->patient),
                                   .commissioner = code_pack(row->commissioner, strlen(row->commissioner)),
                                   .start = row->start_date,
                                   .end = row->end_date,
                                   .mhct = row->mhct_date,
                                   .referral = row->referral_date,
                                   .cluster = (int8_t)cluster_index(row->cluster),
                                   .flags = flags_of(row, month)};
}

void history_encode(const struct history_record *record, uint8_t out[HISTORY_RECORD_SIZE])
{
    put64(out, record->episode);
    put64(out + 8, record->patient);
    put32(out + 16, record->start);
    put32(out + 20, record->end);
    put32(out + 24, record->mhct);
    put32(out + 28, record->referral);
    uint64_t code = htobe64(record->commissioner);
    memcpy(out + COMMISSIONER_AT, &code, COMMISSIONER_SIZE);
    out[38] = (uint8_t)record->cluster;
    out[39] = record->flags;
}

void history_decode(struct history_record *out, const uint8_t bytes[HISTORY_RECORD_SIZE])
{
    uint64_t code = 0;
    out->episode = get64(bytes);
    out->patient = get64(bytes + 8);
    out->start = get32(bytes + 16);
    out->end = get32(bytes + 20);
    out->mhct = get32(bytes + 24);
    out->referral = get32(bytes + 28);
    memcpy(&code, bytes + COMMISSIONER_AT, COMMISSIONER_SIZE);
    out->commissioner = be64toh(code);
    out->cluster = (int8_t)bytes[38];
    out->flags = bytes[39];
}

void history_episode_make(struct history_episode *out, const struct history_record *record, month_t month,
                          uint32_t row_no)
{
    *out = (struct history_episode){record->episode, record->patient, record->start,   record->end,
                                    month,           row_no,          record->cluster, record->flags};
}

static bool may_move(uint8_t flags, int8_t cluster, date_t mhct)
{
    return (flags & HISTORY_ASSESSMENT_ONLY) == 0 && cluster != CLUSTER_NONE && mhct != DATE_NONE;
}

bool history_patient_make(struct history_patient *out, const struct history_record *record,
                          const struct history_scope *scope, month_t month, uint32_t row_no)
{
    uint8_t flags = record->flags;
    if (month_financial_year(month) != month_financial_year(scope->month))
        flags &= (uint8_t)~HISTORY_EARNS;
    if ((flags & HISTORY_PATIENT) == 0 ||
        ((flags & HISTORY_EARNS) == 0 && !may_move(flags, record->cluster, record->mhct)))
        return false;
    *out = (struct history_patient){record->patient, record->commissioner, record->mhct, record->referral, month,
                                    row_no,          record->cluster,      flags};
    return true;
}

/* D11 */

/* By episode, then the month under check, then earlier months from the newest. */
static int compare_episodes(const void *a, const void *b)
{
    const struct history_episode *x = a, *y = b;
    if (x->episode != y->episode)
        return x->episode < y->episode ? -1 : 1;
    if (x->month != y->month)
        return x->month > y->month ? -1 : 1;
    return (x->row_no > y->row_no) - (x->row_no < y->row_no);
}

/* The finding speaks of the first column that differs; the note tells what all of them were. */
static void differs(struct finding *f, bool *any, const char *column, const char *now, const char *before)
{
    size_t used = strlen(f->note);
    (void)snprintf(f->note + used, sizeof f->note - used, "%s %s", *any ? "," : "", before);
    if (*any)
        return;
    *any = true;
    (void)snprintf(f->field, sizeof f->field, "%s", column);
    (void)snprintf(f->value, sizeof f->value, "%s", now);
}

static void differs_in_date(struct finding *f, bool *any, const char *column, date_t now, date_t before)
{
    char now_text[11] = "", before_text[11], words[48];
    if (now != DATE_NONE)
        date_format(now, now_text);
    date_format(before, before_text);
    (void)snprintf(words, sizeof words, "%s %s", column, before_text);
    differs(f, any, column, now_text, words);
}

static void differs_in_cluster(struct finding *f, bool *any, int8_t now, int8_t before)
{
    char now_text[8], words[24];
    (void)snprintf(now_text, sizeof now_text, "%02d", now);
    (void)snprintf(words, sizeof words, "cluster %02d", before);
    differs(f, any, "cluster", now_text, words);
}

static bool open_again(const struct history_episode *now, const struct history_episode *before)
{
    if ((before->flags & HISTORY_CLOSED) == 0)
        return false;
    return (now->flags & HISTORY_OPEN) != 0 || ((now->flags & HISTORY_CLOSED) != 0 && now->end > before->end);
}

static void check_episode(const struct history_episode *now, const struct history_episode *before,
                          const struct history_events *events)
{
    struct finding f;
    char month[8];
    bool any = false;
    finding_begin(&f, RULE_D11, now->row_no);
    month_format(before->month, month);
    (void)snprintf(f.note, sizeof f.note, "In %s it came with", month);
    if ((now->flags & before->flags & HISTORY_PATIENT) != 0 && now->patient != before->patient)
        differs(&f, &any, "patient_id", "(hidden)", "another patient_id");
    if (now->cluster != CLUSTER_NONE && before->cluster != CLUSTER_NONE && now->cluster != before->cluster)
        differs_in_cluster(&f, &any, now->cluster, before->cluster);
    if (now->start != DATE_NONE && before->start != DATE_NONE && now->start != before->start)
        differs_in_date(&f, &any, "start_date", now->start, before->start);
    if (open_again(now, before))
        differs_in_date(&f, &any, "end_date", now->end, before->end);
    if (any)
        events->finding(events->context, &f);
}

bool history_check_episodes(struct history_episode *rows, size_t count, const struct history_events *events)
{
    if (count == 0)
        return true;
    if (!gather(rows, count, sizeof *rows, compare_episodes))
        return false;
    for (size_t i = 0; i + 1 < count; i++) {
        if (rows[i].row_no != 0 && rows[i + 1].row_no == 0 && rows[i].episode == rows[i + 1].episode)
            check_episode(&rows[i], &rows[i + 1], events);
    }
    return true;
}

/* R07 and moves */

static bool moves(const struct history_patient *r)
{
    return may_move(r->flags, r->cluster, r->mhct);
}

/* By patient, then assessment (date, cluster), then month: the first of an assessment is where it was seen first. */
static int compare_patients(const void *a, const void *b)
{
    const struct history_patient *x = a, *y = b;
    if (x->patient != y->patient)
        return x->patient < y->patient ? -1 : 1;
    if (x->mhct != y->mhct)
        return x->mhct < y->mhct ? -1 : 1;
    if (x->cluster != y->cluster)
        return x->cluster < y->cluster ? -1 : 1;
    if (x->month != y->month)
        return x->month < y->month ? -1 : 1;
    return (x->row_no > y->row_no) - (x->row_no < y->row_no);
}

/* Rows of one patient. */
struct group {
    struct history_patient *rows;
    size_t count;
    const struct history_scope *scope;
    const struct history_events *events;
};

/* First day on which the next assessment is not too soon: half the review period has passed. DATE_NONE: no period. */
static date_t half_period(const struct reference *reference, const struct history_patient *before)
{
    date_t due = review_due(reference, before->cluster, before->mhct);
    return due == DATE_NONE ? DATE_NONE : before->mhct + (due - before->mhct + 1) / 2;
}

/* What the patient was assessed as for another commissioner is not told to this one. */
static void report_too_soon(const struct group *g, const struct history_patient *now,
                            const struct history_patient *before, date_t half)
{
    struct finding f;
    finding_begin(&f, RULE_R07, now->row_no);
    (void)snprintf(f.value, sizeof f.value, "%02d", now->cluster);
    if (now->commissioner == before->commissioner) {
        char mhct[11], half_text[11];
        date_format(before->mhct, mhct);
        date_format(half, half_text);
        (void)snprintf(f.note, sizeof f.note, "Assessed as %02d on %s; half of that review period ends on %s",
                       before->cluster, mhct, half_text);
    } else {
        (void)snprintf(f.note, sizeof f.note, "The assessment before was made for another commissioner");
    }
    g->events->finding(g->events->context, &f);
}

static void check_move(const struct group *g, const struct history_patient *now, const struct history_patient *before)
{
    if (now->cluster == before->cluster)
        return;
    const struct reference *r = g->scope->reference;
    enum history_move move = HISTORY_MOVE_LEVEL;
    if (reference_dearer(r, before->cluster, now->cluster))
        move = HISTORY_MOVE_UP;
    else if (reference_dearer(r, now->cluster, before->cluster))
        move = HISTORY_MOVE_DOWN;
    g->events->moved(g->events->context, now->row_no, move);
    date_t half = half_period(r, before);
    if (move == HISTORY_MOVE_UP && half != DATE_NONE && now->mhct < half)
        report_too_soon(g, now, before, half);
}

static void check_moves(const struct group *g)
{
    const struct history_patient *before = NULL; /* of the latest date before */
    const struct history_patient *newest = NULL; /* of this date, as the newest month has it */
    const struct history_patient *first = NULL;  /* of this assessment */
    for (size_t i = 0; i < g->count; i++) {
        const struct history_patient *r = &g->rows[i];
        if (!moves(r))
            continue;
        if (newest != NULL && r->mhct != newest->mhct) {
            before = newest;
            newest = NULL;
        }
        bool seen = first != NULL && first->mhct == r->mhct && first->cluster == r->cluster;
        if (!seen) {
            first = r;
            if (r->row_no != 0 && before != NULL)
                check_move(g, r, before);
        }
        if (newest == NULL || r->month >= newest->month)
            newest = r;
    }
}

/* A01 */

/* An assessment belongs to a referral by its date, or to its own date. */
static date_t referral_key(const struct history_patient *r)
{
    return r->referral != DATE_NONE ? r->referral : r->mhct;
}

static bool earns(const struct history_patient *r)
{
    return (r->flags & HISTORY_EARNS) != 0;
}

/* Assessments that may earn first; by commissioner, then referral, then month. */
static int compare_assessments(const void *a, const void *b)
{
    const struct history_patient *x = a, *y = b;
    if (earns(x) != earns(y))
        return earns(x) ? -1 : 1;
    if (x->commissioner != y->commissioner)
        return x->commissioner < y->commissioner ? -1 : 1;
    if (referral_key(x) != referral_key(y))
        return referral_key(x) < referral_key(y) ? -1 : 1;
    if (x->month != y->month)
        return x->month < y->month ? -1 : 1;
    return (x->row_no > y->row_no) - (x->row_no < y->row_no);
}

static void report_earned(const struct group *g, const struct history_patient *now, month_t month)
{
    struct finding f;
    char text[8];
    finding_begin(&f, RULE_A01, now->row_no);
    month_format(month, text);
    (void)snprintf(f.note, sizeof f.note, "One in %s comes first", text);
    g->events->finding(g->events->context, &f);
}

/* Changes the order of the group. */
static void check_assessments(const struct group *g)
{
    bool now = false, earlier = false;
    for (size_t i = 0; i < g->count; i++) {
        now = now || (earns(&g->rows[i]) && g->rows[i].row_no != 0);
        earlier = earlier || (earns(&g->rows[i]) && g->rows[i].row_no == 0);
    }
    if (!now || !earlier)
        return;
    qsort(g->rows, g->count, sizeof *g->rows, compare_assessments);
    const struct history_patient *first = g->rows;
    for (size_t i = 1; i < g->count && earns(&g->rows[i]); i++) {
        const struct history_patient *r = &g->rows[i];
        if (r->commissioner != first->commissioner || referral_key(r) != referral_key(first))
            first = r;
        else if (r->row_no != 0 && first->row_no == 0)
            report_earned(g, r, first->month);
    }
}

bool history_check_patients(struct history_patient *rows, size_t count, const struct history_scope *scope,
                            const struct history_events *events)
{
    if (count == 0)
        return true;
    if (!gather(rows, count, sizeof *rows, compare_patients))
        return false;
    size_t next;
    for (size_t i = 0; i < count; i = next) {
        for (next = i + 1; next < count && rows[next].patient == rows[i].patient;)
            next++;
        struct group g = {rows + i, next - i, scope, events};
        check_moves(&g);
        check_assessments(&g);
    }
    return true;
}
