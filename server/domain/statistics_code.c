/* The encoding of statistics: unsigned numbers in groups of seven bits (the shortest form alone), signed ones folded to
 * unsigned first. A part is
 *   form, part, month, rows, classes (cluster, marks, rules failed, service)
 * and then, by part,
 *   days        for each class which of its four rows of counts have any, and these as differences from day to day
 *   stays       for each class their number, and each as steps from the one before
 *   candidates  their number, and each in full
 * One content has one encoding: what decodes encodes to the same bytes. */
#include "domain/statistics_internal.h"

#include "domain/money.h"

#include <stdlib.h>
#include <string.h>

#define NUMBER_MAX 10 /* bytes of a 64-bit number */
#define LIST_COUNT 4  /* lists of counts in struct statistics_days */
/* Days from 1970 within which all dates lie that a file may give (1800 to 2199). */
#define DATE_BOUND 100000

enum class_marks { MARK_APPROVED = 1, MARK_MINOR = 2, MARKS_ALL = 3 };
/* The low five bits of a stay's byte are its last day. */
enum stay_marks { STAY_TO = 31, STAY_CLOSING = 32, STAY_ADMITTED = 64, STAY_SEVERAL = 128 };
enum candidate_marks { CANDIDATE_ONLY = 1, CANDIDATE_STAY = 2, CANDIDATE_CLOSING = 4, CANDIDATE_ALL = 7 };

static uint64_t fold(int64_t v)
{
    return v < 0 ? ((uint64_t) - (v + 1) << 1) + 1 : (uint64_t)v << 1;
}

static int64_t unfold(uint64_t v)
{
    return (v & 1) != 0 ? -(int64_t)(v >> 1) - 1 : (int64_t)(v >> 1);
}

static void put(struct buf *out, uint64_t v)
{
    char bytes[NUMBER_MAX];
    size_t n = 0;
    for (; v >= 0x80; v >>= 7)
        bytes[n++] = (char)(uint8_t)(v | 0x80);
    bytes[n++] = (char)(uint8_t)v;
    (void)buf_append(out, bytes, n);
}

static void put_text(struct buf *out, const char *text)
{
    size_t length = strlen(text);
    put(out, length);
    (void)buf_append(out, text, length);
}

static void put_head(const struct statistics *s, enum statistics_part part, struct buf *out)
{
    put(out, STATISTICS_FORM);
    put(out, part);
    put(out, (uint64_t)s->month);
    put(out, (uint64_t)s->rows);
    put(out, (uint64_t)s->class_count);
    for (int32_t i = 0; i < s->class_count; i++) {
        const struct statistics_class *c = &s->class[i];
        put(out, (uint64_t)c->cluster);
        put(out, (c->approved ? (uint64_t)MARK_APPROVED : 0) | (c->minor ? (uint64_t)MARK_MINOR : 0));
        put(out, c->failed);
        put_text(out, c->service);
    }
}

static bool any(const int64_t *counts)
{
    for (int d = 0; d < STATISTICS_DAYS; d++) {
        if (counts[d] != 0)
            return true;
    }
    return false;
}

static void list_counts(struct statistics_days *days, int64_t *list[LIST_COUNT])
{
    list[0] = days->admitted;
    list[1] = days->others;
    list[2] = days->closing_admitted;
    list[3] = days->closing_others;
}

static void put_days(const struct statistics *s, struct buf *out)
{
    int32_t length = month_days(s->month);
    for (int32_t i = 0; i < s->class_count; i++) {
        int64_t *list[LIST_COUNT];
        uint64_t present = 0;
        list_counts(&s->days[i], list);
        for (int n = 0; n < LIST_COUNT; n++)
            present |= any(list[n]) ? UINT64_C(1) << n : 0;
        put(out, present);
        for (int n = 0; n < LIST_COUNT; n++) {
            int64_t before = 0;
            for (int32_t d = 0; (present & UINT64_C(1) << n) != 0 && d < length; d++) {
                put(out, fold(list[n][d] - before));
                before = list[n][d];
            }
        }
    }
}

static void put_stay(const struct statistics_stay *y, date_t *before, struct buf *out)
{
    uint64_t marks = (uint64_t)y->to | (y->closing ? (uint64_t)STAY_CLOSING : 0) |
                     (y->admitted != 0 ? (uint64_t)STAY_ADMITTED : 0) | (y->count != 1 ? (uint64_t)STAY_SEVERAL : 0);
    put(out, fold(y->start - *before));
    (void)buf_append_char(out, (char)(uint8_t)marks);
    if (y->admitted != 0)
        put(out, (uint64_t)y->admitted);
    if (y->count != 1)
        put(out, (uint64_t)y->count);
    *before = y->start;
}

static void put_stays(const struct statistics *s, struct buf *out)
{
    size_t at = 0;
    for (int32_t i = 0; i < s->class_count; i++) {
        date_t before = month_first(s->month);
        size_t end = at;
        while (end < s->stay_count && s->stay[end].class == i)
            end++;
        put(out, end - at);
        for (; at < end; at++)
            put_stay(&s->stay[at], &before, out);
    }
}

static void put_candidates(const struct statistics *s, struct buf *out)
{
    date_t first = month_first(s->month);
    put(out, s->candidate_count);
    for (size_t i = 0; i < s->candidate_count; i++) {
        const struct statistics_candidate *a = &s->candidate[i];
        bool stay = a->start != DATE_NONE;
        (void)buf_append(out, a->patient, sizeof a->patient);
        put(out, fold((int64_t)a->referral - first));
        put(out, (uint64_t)(a->mhct_date - first));
        put_text(out, a->episode_id);
        put(out, (uint64_t)a->row_no);
        put(out, (uint64_t)a->class);
        put(out, (a->assessment_only ? (uint64_t)CANDIDATE_ONLY : 0) | (stay ? (uint64_t)CANDIDATE_STAY : 0) |
                     (a->closing ? (uint64_t)CANDIDATE_CLOSING : 0));
        if (stay) {
            put(out, fold((int64_t)a->start - first));
            put(out, (uint64_t)a->to);
            put(out, (uint64_t)a->admitted);
        }
    }
}

bool statistics_encode(const struct statistics *s, enum statistics_part part, struct buf *out)
{
    put_head(s, part, out);
    switch (part) {
    case STATISTICS_PART_DAYS:
        put_days(s, out);
        break;
    case STATISTICS_PART_STAYS:
        put_stays(s, out);
        break;
    case STATISTICS_PART_CANDIDATES:
        put_candidates(s, out);
        break;
    case STATISTICS_PARTS:
        return false;
    }
    return !out->failed;
}

/* Reading: the first thing wrong sets damaged, and everything read after it is 0. */
struct input {
    const uint8_t *at;
    size_t left;
    bool damaged;
    bool no_memory;
    int64_t counted; /* rows that the stays or candidates stand for */
};

static bool sound(const struct input *in)
{
    return !in->damaged && !in->no_memory;
}

/* A number of at most `most`. */
static uint64_t take(struct input *in, uint64_t most)
{
    uint64_t v = 0;
    for (int n = 0; n < NUMBER_MAX && in->left > 0; n++) {
        uint8_t byte = *in->at++;
        in->left--;
        if (n == NUMBER_MAX - 1 && byte > 1)
            break;
        v |= (uint64_t)(byte & 0x7F) << (7 * n);
        if (byte < 0x80) {
            if ((byte == 0 && n > 0) || v > most)
                break;
            return v;
        }
    }
    in->damaged = true;
    in->left = 0;
    return 0;
}

static date_t take_date(struct input *in, date_t from)
{
    int64_t d = from + unfold(take(in, 4 * DATE_BOUND));
    if (d < -DATE_BOUND || d > DATE_BOUND) {
        in->damaged = true;
        return from;
    }
    return (date_t)d;
}

static void take_bytes(struct input *in, void *out, size_t length)
{
    if (in->left < length) {
        in->damaged = true;
        in->left = 0;
        return;
    }
    memcpy(out, in->at, length);
    in->at += length;
    in->left -= length;
}

static void take_text(struct input *in, char *out, size_t size)
{
    size_t length = (size_t)take(in, size - 1);
    take_bytes(in, out, length);
    in->damaged = in->damaged || memchr(out, '\0', length) != NULL;
    out[length] = '\0';
}

/* How many things follow; each takes at least `least` bytes, so that no memory is asked for that was not paid. */
static size_t take_count(struct input *in, size_t least, size_t most)
{
    uint64_t count = take(in, most);
    if (count > in->left / least) {
        in->damaged = true;
        return 0;
    }
    return (size_t)count;
}

static void *array(struct input *in, size_t count, size_t size)
{
    void *made = sound(in) ? calloc(count + 1, size) : NULL;
    in->no_memory = in->no_memory || (sound(in) && made == NULL);
    return made;
}

static void take_class(struct input *in, struct statistics_class *c)
{
    memset(c, 0, sizeof *c);
    c->cluster = (int16_t)take(in, TERMS_CLUSTERS - 1);
    uint64_t marks = take(in, MARKS_ALL);
    c->approved = (marks & MARK_APPROVED) != 0;
    c->minor = (marks & MARK_MINOR) != 0;
    c->failed = take(in, UINT64_MAX);
    take_text(in, c->service, sizeof c->service);
}

/* Head of a part into *s, which has none yet or must have the same. */
static void take_head(struct input *in, enum statistics_part part, struct statistics *s)
{
    bool first = s->parts == 0;
    if (take(in, STATISTICS_FORM) != STATISTICS_FORM || take(in, STATISTICS_PARTS) != part)
        in->damaged = true;
    month_t month = (month_t)take(in, 2199 * 12 + 11);
    int64_t rows = (int64_t)take(in, INT64_MAX);
    size_t classes = take_count(in, 4, STATISTICS_MAX_CLASSES);
    if (first) {
        s->month = month;
        s->rows = rows;
        s->class = array(in, classes, sizeof *s->class);
        s->class_count = s->class == NULL ? 0 : (int32_t)classes;
    } else if (month != s->month || rows != s->rows || classes != (size_t)s->class_count) {
        in->damaged = true;
    }
    for (size_t i = 0; sound(in) && i < classes; i++) {
        struct statistics_class c;
        take_class(in, &c);
        if (first)
            s->class[i] = c;
        in->damaged = in->damaged || statistics_compare_classes(&s->class[i], &c) != 0 ||
                      (i > 0 && statistics_compare_classes(&s->class[i - 1], &c) >= 0);
    }
    s->parts |= UINT32_C(1) << part;
}

static void take_days(struct input *in, struct statistics *s)
{
    int32_t length = month_days(s->month);
    s->days = array(in, (size_t)s->class_count, sizeof *s->days);
    for (int32_t i = 0; sound(in) && i < s->class_count; i++) {
        int64_t *list[LIST_COUNT];
        uint64_t present = take(in, (UINT64_C(1) << LIST_COUNT) - 1);
        list_counts(&s->days[i], list);
        for (int n = 0; n < LIST_COUNT; n++) {
            int64_t count = 0;
            if ((present & UINT64_C(1) << n) == 0)
                continue;
            for (int32_t d = 0; sound(in) && d < length; d++) {
                in->damaged = !money_add(count, unfold(take(in, UINT64_MAX)), &count) || count < 0 || count > s->rows ||
                              in->damaged;
                list[n][d] = count;
            }
            in->damaged = in->damaged || !any(list[n]);
        }
    }
}

/* Whether the days are those of a row in the month; closing or at least one day. */
static bool is_stay(month_t month, date_t start, int32_t to, int32_t admitted, bool closing)
{
    date_t first = month_first(month);
    int32_t length = month_days(month);
    int32_t from = start > first ? start - first : 0;
    int32_t days = to - from + (closing ? 1 : 0);
    return start < first + length && to <= length && (!closing || to < length) && from <= to && days > 0 &&
           admitted <= days;
}

static void take_stay(struct input *in, const struct statistics *s, date_t *before, struct statistics_stay *y)
{
    uint8_t marks = 0;
    y->start = take_date(in, *before);
    take_bytes(in, &marks, 1);
    y->to = (int8_t)(marks & STAY_TO);
    y->closing = (marks & STAY_CLOSING) != 0;
    y->admitted = (marks & STAY_ADMITTED) != 0 ? (int8_t)take(in, STATISTICS_DAYS + 1) : 0;
    y->count = (marks & STAY_SEVERAL) != 0 ? (int64_t)take(in, INT64_MAX) : 1;
    *before = y->start;
    in->damaged = in->damaged || ((marks & STAY_ADMITTED) != 0 && y->admitted == 0) ||
                  ((marks & STAY_SEVERAL) != 0 && y->count < 2) ||
                  !is_stay(s->month, y->start, y->to, y->admitted, y->closing) ||
                  !money_add(in->counted, y->count, &in->counted) || in->counted > s->rows;
}

/* The number of stays is known only behind the last class, so the array grows. */
static bool room_for_stays(struct input *in, struct statistics *s, size_t *room, size_t more)
{
    if (s->stay_count + more > STATISTICS_MAX_STAYS) {
        in->damaged = true;
        return false;
    }
    if (s->stay != NULL && s->stay_count + more <= *room)
        return true;
    size_t wanted = s->stay_count + more + *room;
    struct statistics_stay *grown = reallocarray(s->stay, wanted + 1, sizeof *grown);
    in->no_memory = grown == NULL;
    if (grown == NULL)
        return false;
    s->stay = grown;
    *room = wanted;
    return true;
}

static void take_stays(struct input *in, struct statistics *s)
{
    size_t room = 0;
    for (int32_t i = 0; sound(in) && i < s->class_count; i++) {
        size_t count = take_count(in, 2, STATISTICS_MAX_STAYS);
        date_t before = month_first(s->month);
        if (!sound(in) || !room_for_stays(in, s, &room, count))
            return;
        for (size_t n = 0; sound(in) && n < count; n++) {
            struct statistics_stay *y = &s->stay[s->stay_count];
            memset(y, 0, sizeof *y);
            y->class = i;
            take_stay(in, s, &before, y);
            in->damaged = in->damaged || (n > 0 && statistics_compare_stays(y - 1, y) >= 0);
            s->stay_count++;
        }
    }
}

static void take_candidate(struct input *in, const struct statistics *s, struct statistics_candidate *a)
{
    date_t first = month_first(s->month);
    take_bytes(in, a->patient, sizeof a->patient);
    a->referral = take_date(in, first);
    a->mhct_date = first + (date_t)take(in, (uint64_t)month_days(s->month) - 1);
    take_text(in, a->episode_id, sizeof a->episode_id);
    a->row_no = (int32_t)take(in, INT32_MAX);
    a->class = (int32_t)take(in, s->class_count > 0 ? (uint64_t)s->class_count - 1 : 0);
    uint64_t marks = take(in, CANDIDATE_ALL);
    a->assessment_only = (marks & CANDIDATE_ONLY) != 0;
    a->closing = (marks & CANDIDATE_CLOSING) != 0;
    a->start = DATE_NONE;
    bool stay = (marks & CANDIDATE_STAY) != 0;
    if (stay) {
        a->start = take_date(in, first);
        a->to = (int8_t)take(in, STATISTICS_DAYS);
        a->admitted = (int8_t)take(in, STATISTICS_DAYS + 1);
    }
    in->damaged = in->damaged || s->class_count == 0 || (stay && a->assessment_only) || (a->closing && !stay) ||
                  (stay && !is_stay(s->month, a->start, a->to, a->admitted, a->closing));
}

static void take_candidates(struct input *in, struct statistics *s)
{
    size_t count = take_count(in, sizeof s->candidate->patient + 6, STATISTICS_MAX_CANDIDATES);
    in->damaged = in->damaged || count > (uint64_t)s->rows;
    s->candidate = array(in, count, sizeof *s->candidate);
    for (size_t i = 0; sound(in) && i < count; i++) {
        take_candidate(in, s, &s->candidate[i]);
        in->damaged =
            in->damaged || (i > 0 && statistics_compare_candidates(&s->candidate[i - 1], &s->candidate[i]) > 0);
        s->candidate_count++;
    }
}

enum statistics_decoded statistics_decode(const struct bytes part[STATISTICS_PARTS], struct statistics *out)
{
    static void (*const take_part[STATISTICS_PARTS])(struct input *, struct statistics *) = {take_days, take_stays,
                                                                                             take_candidates};
    struct input in = {0};
    memset(out, 0, sizeof *out);
    for (unsigned n = 0; sound(&in) && n < STATISTICS_PARTS; n++) {
        if (part[n].at == NULL)
            continue;
        in.at = part[n].at;
        in.left = part[n].length;
        in.counted = 0;
        take_head(&in, (enum statistics_part)n, out);
        if (sound(&in))
            take_part[n](&in, out);
        in.damaged = in.damaged || in.left > 0;
    }
    in.damaged = in.damaged || (sound(&in) && out->parts == 0);
    if (!sound(&in)) {
        statistics_free(out);
        return in.no_memory ? STATISTICS_DECODE_NO_MEMORY : STATISTICS_DAMAGED;
    }
    return STATISTICS_DECODED;
}
