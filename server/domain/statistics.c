/* Collecting: two open-addressed tables, of classes and of stays. Counts by day are summed from the stays at the end,
 * so that a row costs two look-ups. */
#include "domain/statistics.h"

#include "domain/money.h"
#include "domain/statistics_internal.h"

#include <stdlib.h>
#include <string.h>

#define FIRST_SLOTS 256 /* a power of two, as all capacities */

struct statistics_builder {
    month_t month;
    bool bounded;
    bool over; /* a bound was passed */
    int64_t rows;
    struct statistics_class *class;
    int32_t class_count;
    int32_t class_room;
    int32_t *class_slot; /* place + 1 in class; 0 is empty */
    size_t class_slots;
    int32_t last_class;                /* of the row before: most follow one of their own kind */
    struct statistics_stay *stay_slot; /* class is the place + 1; 0 is empty. A count may have come to 0 */
    size_t stay_slots;
    size_t stay_count;
    struct statistics_candidate *candidate;
    size_t candidate_count;
    size_t candidate_room;
    struct statistics_candidate *removed; /* candidates that were taken out again */
    size_t removed_count;
    size_t removed_room;
};

void statistics_free(struct statistics *s)
{
    free(s->class);
    free(s->days);
    free(s->stay);
    free(s->candidate);
    memset(s, 0, sizeof *s);
}

struct statistics_builder *statistics_builder_new(month_t month, bool bounded)
{
    struct statistics_builder *b = calloc(1, sizeof *b);
    if (b == NULL)
        return NULL;
    b->month = month;
    b->bounded = bounded;
    b->last_class = -1;
    b->class_slots = FIRST_SLOTS;
    b->stay_slots = FIRST_SLOTS;
    b->class_slot = calloc(b->class_slots, sizeof *b->class_slot);
    b->stay_slot = calloc(b->stay_slots, sizeof *b->stay_slot);
    if (b->class_slot == NULL || b->stay_slot == NULL) {
        statistics_builder_free(b);
        return NULL;
    }
    return b;
}

void statistics_builder_free(struct statistics_builder *b)
{
    if (b == NULL)
        return;
    free(b->class);
    free(b->class_slot);
    free(b->stay_slot);
    free(b->candidate);
    free(b->removed);
    free(b);
}

static uint64_t mix(uint64_t h)
{
    h ^= h >> 29;
    h *= UINT64_C(0x9E3779B97F4A7C15);
    return h ^ (h >> 32);
}

static uint64_t class_hash(const struct statistics_class *c)
{
    uint64_t h = mix(c->failed + UINT64_C(0xD6E8FEB86659FD93));
    h = mix(h ^ (uint64_t)(uint16_t)c->cluster ^ (c->approved ? UINT64_C(1) << 20 : 0) ^
            (c->minor ? UINT64_C(1) << 21 : 0));
    for (const char *p = c->service; *p != '\0'; p++)
        h = (h ^ (uint8_t)*p) * UINT64_C(0x100000001B3);
    return mix(h);
}

static uint64_t stay_hash(const struct statistics_stay *s)
{
    uint64_t days = (uint64_t)(uint8_t)s->to | (uint64_t)(uint8_t)s->admitted << 8 | (s->closing ? 1U << 16 : 0);
    return mix(mix((uint64_t)(uint32_t)s->start | (uint64_t)(uint32_t)s->class << 32) ^ days);
}

int statistics_compare_classes(const void *left, const void *right)
{
    const struct statistics_class *a = left;
    const struct statistics_class *b = right;
    int services = strcmp(a->service, b->service);
    if (a->cluster != b->cluster)
        return a->cluster < b->cluster ? -1 : 1;
    if (services != 0)
        return services < 0 ? -1 : 1;
    if (a->failed != b->failed)
        return a->failed < b->failed ? -1 : 1;
    if (a->approved != b->approved)
        return a->approved ? 1 : -1;
    return (int)a->minor - (int)b->minor;
}

int statistics_compare_stays(const void *left, const void *right)
{
    const struct statistics_stay *a = left;
    const struct statistics_stay *b = right;
    if (a->class != b->class)
        return a->class < b->class ? -1 : 1;
    if (a->start != b->start)
        return a->start < b->start ? -1 : 1;
    if (a->to != b->to)
        return a->to < b->to ? -1 : 1;
    if (a->admitted != b->admitted)
        return a->admitted < b->admitted ? -1 : 1;
    return (int)a->closing - (int)b->closing;
}

static int compare_dates(date_t a, date_t b)
{
    return (a > b) - (a < b);
}

int statistics_compare_candidates(const void *left, const void *right)
{
    const struct statistics_candidate *a = left;
    const struct statistics_candidate *b = right;
    int order = memcmp(a->patient, b->patient, sizeof a->patient);
    if (order == 0)
        order = compare_dates(a->referral, b->referral);
    if (order == 0)
        order = compare_dates(a->mhct_date, b->mhct_date);
    if (order == 0)
        order = strcmp(a->episode_id, b->episode_id);
    if (order == 0)
        order = (a->class > b->class) - (a->class < b->class);
    if (order == 0)
        order = (int)a->assessment_only - (int)b->assessment_only;
    if (order == 0)
        order = compare_dates(a->start, b->start);
    if (order == 0)
        order = a->to - b->to;
    if (order == 0)
        order = a->admitted - b->admitted;
    return order != 0 ? order : (int)a->closing - (int)b->closing;
}

size_t statistics_first_of_referral(const struct statistics *s, const struct statistics_candidate *a)
{
    size_t low = 0;
    size_t high = s->candidate_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const struct statistics_candidate *b = &s->candidate[middle];
        int order = memcmp(b->patient, a->patient, sizeof a->patient);
        if (order < 0 || (order == 0 && b->referral < a->referral))
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

bool statistics_same_referral(const struct statistics_candidate *a, const struct statistics_candidate *b)
{
    return a->referral == b->referral && memcmp(a->patient, b->patient, sizeof a->patient) == 0;
}

/* The stay of a row in the month, class 0 and count 1; false: it has neither a day nor a closing day there. */
static bool statistics_stay_of(month_t month, const struct episode *e, struct statistics_stay *out)
{
    date_t first = month_first(month);
    date_t behind = month_first(month + 1);
    if (e->assessment_only || e->start_date == DATE_NONE || e->start_date >= behind)
        return false;
    date_t from = e->start_date > first ? e->start_date : first;
    date_t to = behind;
    bool closing = false;
    if (e->end_date != DATE_NONE && e->end_date < behind) {
        to = e->end_date;
        closing = !e->continues && to >= from;
    }
    int32_t days = to - from + (closing ? 1 : 0);
    if (days <= 0)
        return false;
    int32_t admitted = e->admitted_days > 0 ? e->admitted_days : 0;
    *out = (struct statistics_stay){.start = e->start_date,
                                    .to = (int8_t)(to - first),
                                    .admitted = (int8_t)(admitted < days ? admitted : days),
                                    .closing = closing,
                                    .count = 1};
    return true;
}

static struct statistics_class class_of(const struct episode *e)
{
    struct statistics_class c = {
        .failed = e->failed, .cluster = (int16_t)cluster_index(e->cluster), .approved = e->approved, .minor = e->minor};
    memcpy(c.service, e->service, strnlen(e->service, sizeof c.service - 1));
    return c;
}

static size_t class_place(const int32_t *slot, size_t slots, const struct statistics_class *class,
                          const struct statistics_class *wanted)
{
    size_t place = (size_t)class_hash(wanted) & (slots - 1);
    while (slot[place] != 0 && statistics_compare_classes(&class[slot[place] - 1], wanted) != 0)
        place = (place + 1) & (slots - 1);
    return place;
}

static bool grow_classes(struct statistics_builder *b)
{
    int32_t room = b->class_room == 0 ? 64 : b->class_room * 2;
    struct statistics_class *class = realloc(b->class, (size_t)room * sizeof *class);
    if (class == NULL)
        return false;
    b->class = class;
    b->class_room = room;
    size_t slots = b->class_slots;
    while (slots < (size_t)room * 2)
        slots *= 2;
    int32_t *slot = calloc(slots, sizeof *slot);
    if (slot == NULL)
        return false;
    for (int32_t i = 0; i < b->class_count; i++)
        slot[class_place(slot, slots, class, &class[i])] = i + 1;
    free(b->class_slot);
    b->class_slot = slot;
    b->class_slots = slots;
    return true;
}

/* The place of a row's class, new if need be. */
static enum statistics_added find_class(struct statistics_builder *b, const struct episode *e, int32_t *place)
{
    const struct statistics_class wanted = class_of(e);
    if (b->last_class >= 0 && statistics_compare_classes(&b->class[b->last_class], &wanted) == 0) {
        *place = b->last_class;
        return STATISTICS_ADDED;
    }
    size_t at = class_place(b->class_slot, b->class_slots, b->class, &wanted);
    if (b->class_slot[at] == 0) {
        if (b->bounded && b->class_count == STATISTICS_MAX_CLASSES)
            return STATISTICS_OVER_BOUNDS;
        if (b->class_count == b->class_room) {
            if (b->class_room > INT32_MAX / 4 || !grow_classes(b))
                return STATISTICS_NO_MEMORY;
            at = class_place(b->class_slot, b->class_slots, b->class, &wanted);
        }
        b->class[b->class_count++] = wanted;
        b->class_slot[at] = b->class_count;
    }
    b->last_class = b->class_slot[at] - 1;
    *place = b->last_class;
    return STATISTICS_ADDED;
}

static struct statistics_stay *stay_place(struct statistics_stay *slot, size_t slots,
                                          const struct statistics_stay *wanted)
{
    size_t place = (size_t)stay_hash(wanted) & (slots - 1);
    while (slot[place].class != 0 && statistics_compare_stays(&slot[place], wanted) != 0)
        place = (place + 1) & (slots - 1);
    return &slot[place];
}

static bool grow_stays(struct statistics_builder *b)
{
    size_t slots = b->stay_slots * 2;
    struct statistics_stay *slot = calloc(slots, sizeof *slot);
    if (slot == NULL)
        return false;
    for (size_t i = 0; i < b->stay_slots; i++) {
        if (b->stay_slot[i].class != 0)
            *stay_place(slot, slots, &b->stay_slot[i]) = b->stay_slot[i];
    }
    free(b->stay_slot);
    b->stay_slot = slot;
    b->stay_slots = slots;
    return true;
}

static enum statistics_added add_stay(struct statistics_builder *b, const struct statistics_stay *stay)
{
    struct statistics_stay *at = stay_place(b->stay_slot, b->stay_slots, stay);
    if (at->class != 0)
        return money_add(at->count, stay->count, &at->count) ? STATISTICS_ADDED : STATISTICS_OVER_BOUNDS;
    if (b->bounded && b->stay_count == STATISTICS_MAX_STAYS)
        return STATISTICS_OVER_BOUNDS;
    if (b->stay_count >= b->stay_slots / 4 * 3) {
        if (!grow_stays(b))
            return STATISTICS_NO_MEMORY;
        at = stay_place(b->stay_slot, b->stay_slots, stay);
    }
    *at = *stay;
    b->stay_count++;
    return STATISTICS_ADDED;
}

bool statistics_is_candidate(month_t month, const struct episode *e)
{
    return (e->assessment_only || e->mhct_reason == 10) && e->mhct_date != DATE_NONE && month_of(e->mhct_date) == month;
}

static enum statistics_added append_candidate(struct statistics_candidate **list, size_t *count, size_t *room,
                                              const struct statistics_candidate *candidate)
{
    if (*count == *room) {
        size_t wanted = *room == 0 ? 64 : *room * 2;
        struct statistics_candidate *grown = reallocarray(*list, wanted, sizeof *grown);
        if (grown == NULL)
            return STATISTICS_NO_MEMORY;
        *list = grown;
        *room = wanted;
    }
    (*list)[(*count)++] = *candidate;
    return STATISTICS_ADDED;
}

static enum statistics_added add_candidate(struct statistics_builder *b, const struct statistics_candidate *candidate,
                                           bool removed)
{
    if (b->bounded && b->candidate_count + b->removed_count >= STATISTICS_MAX_CANDIDATES)
        return STATISTICS_OVER_BOUNDS;
    return removed ? append_candidate(&b->removed, &b->removed_count, &b->removed_room, candidate)
                   : append_candidate(&b->candidate, &b->candidate_count, &b->candidate_room, candidate);
}

struct statistics_candidate statistics_candidate_of(const struct episode *e, int32_t class,
                                                    const struct statistics_stay *stay)
{
    struct statistics_candidate c = {.referral = e->referral_date == DATE_NONE ? e->mhct_date : e->referral_date,
                                     .mhct_date = e->mhct_date,
                                     .row_no = e->row_no,
                                     .class = class,
                                     .assessment_only = e->assessment_only,
                                     .start = DATE_NONE};
    memcpy(c.patient, e->patient, sizeof c.patient);
    memcpy(c.episode_id, e->episode_id, strnlen(e->episode_id, sizeof c.episode_id - 1));
    if (stay != NULL) {
        c.start = stay->start;
        c.to = stay->to;
        c.admitted = stay->admitted;
        c.closing = stay->closing;
    }
    return c;
}

/* All of a row but its stay. */
static enum statistics_added begin_row(struct statistics_builder *b, const struct episode *e, int64_t count,
                                       struct statistics_step *out)
{
    int32_t class = 0;
    out->stays = false;
    bool stays = statistics_stay_of(b->month, e, &out->stay);
    bool candidate = statistics_is_candidate(b->month, e);
    if (!money_add(b->rows, count, &b->rows))
        return STATISTICS_OVER_BOUNDS;
    if ((!stays && !candidate) || cluster_index(e->cluster) < 0)
        return STATISTICS_ADDED;
    enum statistics_added added = find_class(b, e, &class);
    if (added == STATISTICS_ADDED && stays) {
        out->stays = true;
        out->stay.class = class + 1;
        out->stay.count = count;
        __builtin_prefetch(&b->stay_slot[(size_t)stay_hash(&out->stay) & (b->stay_slots - 1)], 1);
    }
    if (added != STATISTICS_ADDED || !candidate)
        return added;
    const struct statistics_candidate made = statistics_candidate_of(e, class, stays ? &out->stay : NULL);
    return add_candidate(b, &made, count < 0);
}

/* Passing a bound is for good. */
static enum statistics_added noted(struct statistics_builder *b, enum statistics_added added)
{
    b->over = b->over || added == STATISTICS_OVER_BOUNDS;
    return added;
}

enum statistics_added statistics_builder_begin(struct statistics_builder *b, const struct episode *e, int64_t count,
                                               struct statistics_step *out)
{
    return b->over ? STATISTICS_OVER_BOUNDS : noted(b, begin_row(b, e, count, out));
}

enum statistics_added statistics_builder_end(struct statistics_builder *b, const struct statistics_step *step)
{
    if (b->over)
        return STATISTICS_OVER_BOUNDS;
    return step->stays ? noted(b, add_stay(b, &step->stay)) : STATISTICS_ADDED;
}

enum statistics_added statistics_builder_add(struct statistics_builder *b, const struct episode *e, int64_t count)
{
    struct statistics_step step;
    enum statistics_added added = statistics_builder_begin(b, e, count, &step);
    return added == STATISTICS_ADDED ? statistics_builder_end(b, &step) : added;
}

/* Adds count to the days [from, to) of a month. */
static bool count_days(int64_t days[STATISTICS_DAYS], int32_t from, int32_t to, int64_t count)
{
    bool fits = true;
    for (int32_t d = from; d < to; d++)
        fits = fits && money_add(days[d], count, &days[d]);
    return fits;
}

/* Adds the days of a stay, times its count. false: a count beyond 64 bits. */
static bool statistics_count_stay(struct statistics_days *days, month_t month, const struct statistics_stay *stay)
{
    int32_t from = stay->start > month_first(month) ? stay->start - month_first(month) : 0;
    int32_t middle = from + stay->admitted < stay->to ? from + stay->admitted : stay->to;
    bool over = from + stay->admitted > stay->to; /* the admitted days reach over the closing day */
    int64_t *closing = over ? days->closing_admitted : days->closing_others;
    return count_days(days->admitted, from, middle, stay->count) &&
           count_days(days->others, middle, stay->to, stay->count) &&
           (!stay->closing || money_add(closing[stay->to], stay->count, &closing[stay->to]));
}

/* Takes the removed ones out of the candidates, both sorted. */
static void cancel_removed(struct statistics *s, const struct statistics_candidate *removed, size_t count)
{
    size_t kept = 0;
    size_t at = 0;
    for (size_t i = 0; i < s->candidate_count; i++) {
        while (at < count && statistics_compare_candidates(&removed[at], &s->candidate[i]) < 0)
            at++;
        if (at < count && statistics_compare_candidates(&removed[at], &s->candidate[i]) == 0)
            at++;
        else
            s->candidate[kept++] = s->candidate[i];
    }
    s->candidate_count = kept;
}

static void sort_candidates(struct statistics_candidate *list, size_t count, const int32_t *place_of)
{
    for (size_t i = 0; i < count; i++)
        list[i].class = place_of[list[i].class];
    if (count > 0)
        qsort(list, count, sizeof *list, statistics_compare_candidates);
}

static bool copy_candidates(const struct statistics_builder *b, const int32_t *place_of, struct statistics *out)
{
    struct statistics_candidate *removed = calloc(b->removed_count + 1, sizeof *removed);
    out->candidate = calloc(b->candidate_count + 1, sizeof *out->candidate);
    if (removed == NULL || out->candidate == NULL) {
        free(removed);
        return false;
    }
    if (b->candidate_count > 0)
        memcpy(out->candidate, b->candidate, b->candidate_count * sizeof *out->candidate);
    if (b->removed_count > 0)
        memcpy(removed, b->removed, b->removed_count * sizeof *removed);
    out->candidate_count = b->candidate_count;
    sort_candidates(out->candidate, out->candidate_count, place_of);
    sort_candidates(removed, b->removed_count, place_of);
    cancel_removed(out, removed, b->removed_count);
    free(removed);
    return true;
}

static bool copy_stays(const struct statistics_builder *b, const int32_t *place_of, struct statistics *out)
{
    out->stay = calloc(b->stay_count + 1, sizeof *out->stay);
    bool fits = out->stay != NULL;
    for (size_t i = 0; fits && i < b->stay_slots; i++) {
        if (b->stay_slot[i].class == 0 || b->stay_slot[i].count == 0)
            continue;
        struct statistics_stay *stay = &out->stay[out->stay_count++];
        *stay = b->stay_slot[i];
        stay->class = place_of[stay->class - 1];
        fits = stay->count > 0 && statistics_count_stay(&out->days[stay->class], b->month, stay);
    }
    if (fits && out->stay_count > 0)
        qsort(out->stay, out->stay_count, sizeof *out->stay, statistics_compare_stays);
    return fits;
}

/* Classes in order, and where each went. */
static bool copy_classes(const struct statistics_builder *b, int32_t *place_of, struct statistics *out)
{
    size_t classes = (size_t)b->class_count;
    out->class = calloc(classes + 1, sizeof *out->class);
    out->days = calloc(classes + 1, sizeof *out->days);
    if (out->class == NULL || out->days == NULL)
        return false;
    out->class_count = b->class_count;
    if (classes == 0)
        return true;
    memcpy(out->class, b->class, classes * sizeof *out->class);
    qsort(out->class, classes, sizeof *out->class, statistics_compare_classes);
    for (size_t i = 0; i < classes; i++) {
        size_t at = class_place(b->class_slot, b->class_slots, b->class, &out->class[i]);
        place_of[b->class_slot[at] - 1] = (int32_t)i;
    }
    return true;
}

/* Leaves out the classes all of whose rows were taken out again. */
static void drop_classes(struct statistics *s, int32_t *place_of)
{
    int32_t kept = 0;
    for (int32_t i = 0; i < s->class_count; i++)
        place_of[i] = -1;
    for (size_t i = 0; i < s->stay_count; i++)
        place_of[s->stay[i].class] = 0;
    for (size_t i = 0; i < s->candidate_count; i++)
        place_of[s->candidate[i].class] = 0;
    for (int32_t i = 0; i < s->class_count; i++) {
        if (place_of[i] < 0)
            continue;
        s->class[kept] = s->class[i];
        s->days[kept] = s->days[i];
        place_of[i] = kept++;
    }
    s->class_count = kept;
    for (size_t i = 0; i < s->stay_count; i++)
        s->stay[i].class = place_of[s->stay[i].class];
    for (size_t i = 0; i < s->candidate_count; i++)
        s->candidate[i].class = place_of[s->candidate[i].class];
}

bool statistics_builder_make(const struct statistics_builder *b, struct statistics *out)
{
    int32_t *place_of = calloc((size_t)b->class_count + 1, sizeof *place_of);
    memset(out, 0, sizeof *out);
    out->month = b->month;
    out->parts = (1U << STATISTICS_PARTS) - 1;
    out->rows = b->rows;
    bool made = place_of != NULL && copy_classes(b, place_of, out) && copy_stays(b, place_of, out) &&
                copy_candidates(b, place_of, out);
    if (made)
        drop_classes(out, place_of);
    else
        statistics_free(out);
    free(place_of);
    return made;
}

size_t statistics_builder_kinds(const struct statistics_builder *b)
{
    return b->stay_count + b->candidate_count + b->removed_count + (size_t)b->class_count;
}
