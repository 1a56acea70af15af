#include "domain/cross_rows.h"

#include "domain/finding_text.h"
#include "domain/gather.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void pad_episode_id(char out[20], struct text id)
{
    memset(out, 0, 20);
    memcpy(out, id.at, id.length < 20 ? id.length : 20);
}

static bool has_patient(const struct checked_row *row)
{
    return (row->failed & rule_set_of(RULE_P01)) == 0;
}

bool cross_row_make(struct cross_row *out, const struct checked_row *row, month_t month, const uint8_t patient[16],
                    const uint8_t *nhs)
{
    const struct episode_row *e = row->row;
    if (!has_patient(row))
        return false;
    memset(out, 0, sizeof *out);
    memcpy(out->patient, patient, 16);
    pad_episode_id(out->episode_id, e->episode_id);
    out->row_no = e->row_no;
    out->start = e->start;
    out->end = e->end;
    out->referral = e->referral;
    out->referral_end = e->referral_end;
    out->mhct = e->mhct;
    size_t length = e->commissioner.length;
    memcpy(out->commissioner, e->commissioner.at,
           length < sizeof out->commissioner ? length : sizeof out->commissioner);
    if (row->has_error)
        out->flags |= CROSS_HAS_ERROR;
    if (e->assessment_only)
        out->flags |= CROSS_ASSESSMENT_ONLY;
    if ((e->assessment_only || e->mhct_reason == 10) && e->mhct != DATE_NONE && month_of(e->mhct) == month)
        out->flags |= CROSS_ASSESSMENT;
    if (e->raw->field[COLUMN_END_DATE].length == 0)
        out->flags |= CROSS_OPEN;
    if (nhs != NULL && e->nhs == NHS_VALID) {
        memcpy(out->nhs, nhs, 16);
        out->flags |= CROSS_NHS;
    }
    return true;
}

bool cross_nhs_make(struct cross_nhs *out, const struct checked_row *row, const uint8_t patient[16], const uint8_t *nhs)
{
    if (!has_patient(row) || row->row->nhs != NHS_VALID || nhs == NULL)
        return false;
    memcpy(out->nhs, nhs, 16);
    memcpy(out->patient, patient, 16);
    out->row_no = row->row->row_no;
    return true;
}

bool cross_episode_make(struct cross_episode *out, const struct checked_row *row)
{
    if (row->row->episode_id.length == 0)
        return false;
    pad_episode_id(out->episode_id, row->row->episode_id);
    out->hash = cross_episode_hash(out->episode_id);
    out->row_no = row->row->row_no;
    return true;
}

unsigned cross_partition(const uint8_t hash[16], unsigned partitions)
{
    return (unsigned)(((uint32_t)hash[0] << 16 | (uint32_t)hash[1] << 8 | hash[2]) % partitions);
}

static uint64_t mix(uint64_t h)
{
    h = (h ^ h >> 32) * UINT64_C(0x9E3779B97F4A7C15);
    return h ^ h >> 29;
}

/* Spreads ids that differ in their last digits alone. */
uint64_t cross_episode_hash(const char episode_id[20])
{
    uint64_t first = 0, second = 0;
    uint32_t third = 0;
    memcpy(&first, episode_id, 8);
    memcpy(&second, episode_id + 8, 8);
    memcpy(&third, episode_id + 16, 4);
    return mix(mix(mix(first) ^ second) ^ third);
}

unsigned cross_episode_partition(uint64_t hash, unsigned partitions)
{
    return (unsigned)((uint32_t)hash % partitions);
}

/* Rows of assessments alone have no part in the rules about days. */
static bool has_days(const struct cross_row *r)
{
    return (r->flags & CROSS_ASSESSMENT_ONLY) == 0;
}

/* By patient, then start (rows without one first), rows with days before assessments alone, then episode id, then row:
 * the order of D09. */
static int compare_rows(const void *a, const void *b)
{
    const struct cross_row *x = a, *y = b;
    int order = memcmp(x->patient, y->patient, 16);
    if (order != 0)
        return order;
    if (x->start != y->start)
        return x->start < y->start ? -1 : 1;
    if (has_days(x) != has_days(y))
        return has_days(x) ? -1 : 1;
    order = memcmp(x->episode_id, y->episode_id, 20);
    return order != 0 ? order : (x->row_no > y->row_no) - (x->row_no < y->row_no);
}

static void tell(const struct cross_events *events, struct finding *f, const char *before, uint32_t other,
                 const char *behind)
{
    (void)snprintf(f->note, sizeof f->note, "%s%u%s", before, other, behind);
    events->finding(events->context, f);
}

static void report(const struct cross_events *events, enum rule_id rule, uint32_t row_no, date_t value,
                   const char *before, uint32_t other, const char *behind)
{
    struct finding f;
    finding_begin(&f, rule, row_no);
    if (value != DATE_NONE)
        date_format(value, f.value);
    tell(events, &f, before, other, behind);
}

/* Of a column that identifies a patient. */
static void report_hidden(const struct cross_events *events, enum rule_id rule, uint32_t row_no, const char *before,
                          uint32_t other)
{
    struct finding f;
    finding_begin(&f, rule, row_no);
    finding_hide(&f);
    tell(events, &f, before, other, "");
}

/* Rows of one patient. */
struct group {
    struct cross_row *rows;
    size_t count;
    month_t month;
    const struct cross_events *events;
};

/* D07 falls on every row of the patient: nobody can say which of them is right. */
static void check_open(const struct group *g)
{
    uint32_t open = 0;
    for (size_t i = 0; i < g->count; i++)
        open += has_days(&g->rows[i]) && (g->rows[i].flags & CROSS_OPEN) != 0;
    for (size_t i = 0; i < g->count && open > 1; i++) {
        if (!has_days(&g->rows[i]))
            continue;
        report(g->events, RULE_D07, g->rows[i].row_no, DATE_NONE, "The patient has ", open, " open episodes");
        g->rows[i].flags |= CROSS_HAS_ERROR;
    }
}

/* D08 falls on every row that shares patient and start. */
static void check_same_start(const struct group *g)
{
    size_t i = 0;
    while (i < g->count) {
        size_t next = i + 1;
        uint32_t same = has_days(&g->rows[i]);
        for (; next < g->count && g->rows[next].start == g->rows[i].start; next++)
            same += has_days(&g->rows[next]);
        for (size_t k = i; k < next && same > 1 && g->rows[i].start != DATE_NONE; k++) {
            if (!has_days(&g->rows[k]))
                continue;
            report(g->events, RULE_D08, g->rows[k].row_no, g->rows[k].start, "", same, " episodes start on this day");
            g->rows[k].flags |= CROSS_HAS_ERROR;
        }
        i = next;
    }
}

/* End of a row's days, the month's end while it is open. */
static date_t days_end(const struct cross_row *r, date_t behind)
{
    return r->end != DATE_NONE && r->end < behind ? r->end : behind;
}

/* D09: rows come in order of start; it is enough to know the earlier row without ERROR whose days reach furthest. */
static void check_overlaps(const struct group *g)
{
    date_t first = month_first(g->month), behind = month_last(g->month) + 1;
    date_t reach = first;
    uint32_t reached_by = 0;
    for (size_t i = 0; i < g->count; i++) {
        struct cross_row *r = &g->rows[i];
        date_t from = r->start > first ? r->start : first;
        date_t to = days_end(r, behind);
        if (!has_days(r) || r->start == DATE_NONE || to <= from)
            continue;
        if (reached_by != 0 && from < reach) {
            report(g->events, RULE_D09, r->row_no, r->start, "It shares a day with row ", reached_by, "");
            r->flags |= CROSS_HAS_ERROR;
        }
        if ((r->flags & CROSS_HAS_ERROR) == 0 && to > reach) {
            reach = to;
            reached_by = r->row_no;
        }
    }
}

/* D10: nothing covers the days between the ends so far and this start, while a referral of the row that ended last goes
 * on. */
static void check_gaps(const struct group *g)
{
    const struct cross_row *last = NULL;
    for (size_t i = 0; i < g->count; i++) {
        const struct cross_row *r = &g->rows[i];
        if (!has_days(r) || r->start == DATE_NONE)
            continue;
        if (last != NULL && last->end != DATE_NONE && last->end < r->start && last->referral != DATE_NONE &&
            (last->referral_end == DATE_NONE || last->referral_end > last->end))
            report(g->events, RULE_D10, r->row_no, r->start, "Row ", last->row_no,
                   " ended before, its referral did not");
        bool further = last != NULL && last->end != DATE_NONE && (r->end == DATE_NONE || r->end > last->end);
        if (last == NULL || further)
            last = r;
    }
}

/* First row of the group that starts on a day or later. */
static size_t first_from(const struct group *g, date_t day)
{
    size_t low = 0, high = g->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (g->rows[middle].start < day)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* Whether another row of the patient starts on a row's closing day. Among rows of one start those with days come first,
 * so that the first, or the one behind the row itself, answers. */
static void check_continues(const struct group *g)
{
    for (size_t i = 0; i < g->count; i++) {
        const struct cross_row *r = &g->rows[i];
        if (!has_days(r) || r->end == DATE_NONE)
            continue;
        size_t k = first_from(g, r->end);
        k += k == i;
        if (k < g->count && g->rows[k].start == r->end && has_days(&g->rows[k]))
            g->events->continues(g->events->context, r->row_no);
    }
}

static bool may_earn_assessment(const struct cross_row *r)
{
    return (r->flags & CROSS_ASSESSMENT) != 0 && (r->flags & CROSS_HAS_ERROR) == 0;
}

/* An assessment belongs to a referral by its date, or to its own date. */
static date_t referral_key(const struct cross_row *r)
{
    return r->referral != DATE_NONE ? r->referral : r->mhct;
}

/* Each commissioner pays for one assessment of a referral. */
static int compare_claims(const struct cross_row *x, const struct cross_row *y)
{
    int order = memcmp(x->commissioner, y->commissioner, sizeof x->commissioner);
    if (order != 0)
        return order;
    return (referral_key(x) > referral_key(y)) - (referral_key(x) < referral_key(y));
}

/* Assessments that may earn first; by commissioner and referral, then MHCT date, then episode id, then row. */
static int compare_assessments(const void *a, const void *b)
{
    const struct cross_row *x = a, *y = b;
    if (may_earn_assessment(x) != may_earn_assessment(y))
        return may_earn_assessment(x) ? -1 : 1;
    int claim = compare_claims(x, y);
    if (claim != 0)
        return claim;
    if (x->mhct != y->mhct)
        return x->mhct < y->mhct ? -1 : 1;
    int order = memcmp(x->episode_id, y->episode_id, 20);
    return order != 0 ? order : (x->row_no > y->row_no) - (x->row_no < y->row_no);
}

/* A01: an assessment of the same referral and commissioner comes before. Changes the order of the group. */
static void check_assessments(const struct group *g)
{
    if (g->count < 2)
        return;
    qsort(g->rows, g->count, sizeof *g->rows, compare_assessments);
    size_t first = 0;
    for (size_t i = 1; i < g->count && may_earn_assessment(&g->rows[i]); i++) {
        if (compare_claims(&g->rows[i], &g->rows[first]) != 0)
            first = i;
        else
            report(g->events, RULE_A01, g->rows[i].row_no, DATE_NONE, "Row ", g->rows[first].row_no, " comes first");
    }
}

/* F10: rows of the patient whose NHS number differs from that of the first row that has one. */
static void check_numbers(const struct group *g)
{
    const struct cross_row *first = NULL;
    for (size_t i = 0; i < g->count; i++) {
        const struct cross_row *r = &g->rows[i];
        if ((r->flags & CROSS_NHS) != 0 && (first == NULL || r->row_no < first->row_no))
            first = r;
    }
    for (size_t i = 0; i < g->count && first != NULL; i++) {
        const struct cross_row *r = &g->rows[i];
        if ((r->flags & CROSS_NHS) != 0 && memcmp(r->nhs, first->nhs, 16) != 0)
            report_hidden(g->events, RULE_F10, r->row_no, "The same patient has another NHS number in row ",
                          first->row_no);
    }
}

bool cross_check_patients(struct cross_row *rows, size_t count, month_t month, const struct cross_events *events)
{
    if (count == 0)
        return true;
    if (!gather(rows, count, sizeof *rows, compare_rows))
        return false;
    size_t next;
    for (size_t i = 0; i < count; i = next) {
        for (next = i + 1; next < count && memcmp(rows[next].patient, rows[i].patient, 16) == 0;)
            next++;
        struct group g = {rows + i, next - i, month, events};
        check_open(&g);
        check_same_start(&g);
        check_overlaps(&g);
        check_gaps(&g);
        check_continues(&g);
        check_numbers(&g);
        if (events->patient != NULL)
            events->patient(events->context, g.rows, g.count);
        check_assessments(&g);
    }
    return true;
}

static int compare_nhs(const void *a, const void *b)
{
    const struct cross_nhs *x = a, *y = b;
    int order = memcmp(x->nhs, y->nhs, 16);
    return order != 0 ? order : (x->row_no > y->row_no) - (x->row_no < y->row_no);
}

bool cross_check_nhs(struct cross_nhs *rows, size_t count, const struct cross_events *events)
{
    if (count == 0)
        return true;
    if (!gather(rows, count, sizeof *rows, compare_nhs))
        return false;
    size_t first = 0;
    for (size_t i = 1; i < count; i++) {
        if (memcmp(rows[i].nhs, rows[first].nhs, 16) != 0)
            first = i;
        else if (memcmp(rows[i].patient, rows[first].patient, 16) != 0)
            report_hidden(events, RULE_F09, rows[i].row_no, "Another patient has the same NHS number in row ",
                          rows[first].row_no);
    }
    return true;
}

static int compare_episodes(const void *a, const void *b)
{
    const struct cross_episode *x = a, *y = b;
    if (x->hash != y->hash)
        return x->hash < y->hash ? -1 : 1;
    int order = memcmp(x->episode_id, y->episode_id, 20);
    return order != 0 ? order : (x->row_no > y->row_no) - (x->row_no < y->row_no);
}

/* A spreadsheet may have made several ids one: then the note says so. */
static void report_episode(const struct cross_events *events, const struct cross_episode *e, uint32_t other)
{
    struct finding f;
    struct text id = {e->episode_id, strnlen(e->episode_id, sizeof e->episode_id)};
    finding_begin(&f, RULE_F11, e->row_no);
    (void)snprintf(f.note, sizeof f.note, "The same episode id is in row %u", other);
    finding_habit(&f, COLUMN_EPISODE_ID, id);
    events->finding(events->context, &f);
}

bool cross_check_episodes(struct cross_episode *rows, size_t count, const struct cross_events *events)
{
    if (count == 0)
        return true;
    if (!gather(rows, count, sizeof *rows, compare_episodes))
        return false;
    size_t first = 0;
    for (size_t i = 1; i < count; i++) {
        if (memcmp(rows[i].episode_id, rows[first].episode_id, 20) != 0)
            first = i;
        else
            report_episode(events, &rows[i], rows[first].row_no);
    }
    return true;
}
