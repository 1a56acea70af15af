#include "check/check_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Most findings at one row: each rule once, found by the row, late, or by the terms. Row 0 has one for each rule of the
 * file. */
#define AT_ONE_ROW ((unsigned)RULE_COUNT)

struct place {
    uint32_t row_no;
    enum rule_id rule;
    const uint8_t *packed;
};

/* The findings that came late of one range of rows, in canonical order. */
struct range {
    void *bytes;
    struct place *places;
    size_t count;
    size_t next;
};

struct report {
    struct check *check;
    const struct appraisal *appraisal;
    bool (*each)(void *context, const struct finding_line *line, bool of_terms);
    void *context;
    size_t ranges_loaded;
    struct range range;
    uint32_t own_read; /* findings read from the journal */
    bool ahead_known;  /* ahead holds the next finding of the journal */
    struct finding ahead;
    struct episode facts; /* of the row at hand; zero for row 0 and rows that could not be read */
    struct row_appraisal verdict;
    unsigned count;
    struct finding gathered[AT_ONE_ROW]; /* of the row at hand */
};

static int compare_places(const void *a, const void *b)
{
    const struct place *x = a, *y = b;
    return finding_order(x->row_no, x->rule, y->row_no, y->rule);
}

static void free_range(struct range *range)
{
    free(range->bytes);
    free(range->places);
    memset(range, 0, sizeof *range);
}

static bool load_range(struct report *r, size_t range_no)
{
    struct range *range = &r->range;
    size_t length = 0;
    size_t room = 0;
    free_range(range);
    if (!spool_load(r->check->late, (unsigned)range_no, &range->bytes, &length))
        return false;
    for (size_t at = 0; at < length; range->count++) {
        if (range->count == room) {
            room = room ? 2 * room : 256;
            struct place *places = reallocarray(range->places, room, sizeof *places);
            if (!places)
                return false;
            range->places = places;
        }
        struct place *p = &range->places[range->count];
        p->packed = (const uint8_t *)range->bytes + at;
        at += finding_peek(p->packed, &p->row_no, &p->rule);
    }
    if (range->count > 0)
        qsort(range->places, range->count, sizeof *range->places, compare_places);
    return true;
}

/* The next finding that came late, or NULL; *ok false when it cannot be read. */
static const struct place *next_late(struct report *r, bool *ok)
{
    while (r->range.next == r->range.count && r->ranges_loaded < r->check->late_ranges) {
        if (!load_range(r, r->ranges_loaded++)) {
            *ok = false;
            return NULL;
        }
    }
    return r->range.next < r->range.count ? &r->range.places[r->range.next] : NULL;
}

/* The next finding of the rows by themselves, or NULL. */
static const struct finding *next_own(struct report *r, bool *ok)
{
    struct journal *j = r->check->findings;
    if (!r->ahead_known && !journal_at_end(j)) {
        r->ahead_known = finding_journal_next(j, &r->ahead);
        *ok = *ok && r->ahead_known;
        if (leaks_value(r->check->leaks, r->own_read++))
            (void)snprintf(r->ahead.value, sizeof r->ahead.value, "(hidden)");
    }
    return r->ahead_known ? &r->ahead : NULL;
}

static struct finding *gather(struct report *r, bool *ok)
{
    if (r->count == AT_ONE_ROW) {
        *ok = false;
        return &r->gathered[0];
    }
    return &r->gathered[r->count++];
}

/* The findings of row_no that do not depend on terms. */
static bool gather_found(struct report *r, uint32_t row_no)
{
    bool ok = true;
    const struct finding *own = NULL;
    while (ok && (own = next_own(r, &ok)) != NULL && own->row_no == row_no) {
        *gather(r, &ok) = *own;
        r->ahead_known = false;
    }
    const struct place *late = NULL;
    while (ok && (late = next_late(r, &ok)) != NULL && late->row_no == row_no) {
        finding_unpack(late->packed, gather(r, &ok));
        r->range.next++;
    }
    return ok;
}

static bool bit_of(const uint8_t *bits, size_t row_no)
{
    return (bits[(row_no - 1) / 8] >> ((row_no - 1) % 8) & 1) != 0;
}

/* What is known of a row after the file was read. */
static void finish_facts(struct check *c, size_t row_no, struct episode *e)
{
    leaks_cover(c->leaks, e);
    e->failed = c->failed[row_no - 1];
    e->continues = bit_of(c->continues, row_no);
}

/* The final facts of a row, the journal being at its place. */
static bool next_facts(struct check *c, size_t row_no, struct episode *e)
{
    if (!journal_next(c->facts, e, sizeof *e))
        return false;
    finish_facts(c, row_no, e);
    return true;
}

static bool load_facts(struct report *r, uint32_t row_no)
{
    struct check *c = r->check;
    memset(&r->facts, 0, sizeof r->facts);
    if (row_no == 0 || row_no > c->rows)
        return true;
    journal_seek(c->facts, (uint64_t)(row_no - 1) * sizeof r->facts);
    return next_facts(c, row_no, &r->facts);
}

static bool gather_terms(struct report *r)
{
    bool ok = true;
    memset(&r->verdict, 0, sizeof r->verdict);
    if (!r->appraisal || r->facts.row_no == 0)
        return true;
    appraisal_row(r->appraisal, &r->facts, &r->verdict);
    for (rule_set_t left = r->verdict.failed; left != 0; left &= left - 1) {
        enum rule_id rule = RULE_COUNT;
        if (rule_by_bit(__builtin_ctzll(left), &rule))
            appraisal_finding(r->appraisal, &r->facts, rule, gather(r, &ok));
    }
    return ok;
}

static bool give(struct report *r, const struct finding *f)
{
    const struct rule *rule = rule_get(f->rule);
    const struct episode *e = &r->facts;
    struct finding_line line = {f->row_no,
                                f->rule,
                                r->appraisal ? appraisal_severity(r->appraisal, e->commissioner, f->rule)
                                             : rule->severity,
                                e->episode_id,
                                e->commissioner,
                                e->cluster,
                                f->field,
                                f->value,
                                f->note,
                                r->verdict.pence,
                                r->verdict.known};
    bool of_terms = (rule_set_of(f->rule) & r->verdict.failed) != 0;
    return r->each(r->context, &line, of_terms);
}

/* Gives the gathered findings in order of their rules. */
static bool give_all(struct report *r)
{
    uint16_t order[AT_ONE_ROW] = {0};
    for (unsigned i = 0; i < r->count; i++) {
        unsigned at = i;
        for (; at > 0 && r->gathered[order[at - 1]].rule > r->gathered[i].rule; at--)
            order[at] = order[at - 1];
        order[at] = (uint16_t)i;
    }
    for (unsigned i = 0; i < r->count; i++) {
        if (!give(r, &r->gathered[order[i]]))
            return false;
    }
    return true;
}

/* Finds the next row with something to say, from row_no on; false when there is none left, or reading failed. */
static bool next_row(struct report *r, uint32_t *row_no, bool *ok)
{
    const struct finding *own = next_own(r, ok);
    const struct place *late = next_late(r, ok);
    if (!*ok)
        return false;
    if (r->appraisal && *row_no <= r->check->rows)
        return true;
    if (!own && !late)
        return false;
    *row_no = own && (!late || own->row_no < late->row_no) ? own->row_no : late->row_no;
    return true;
}

static bool run(struct report *r)
{
    bool ok = true;
    uint32_t row_no = 0;
    for (; next_row(r, &row_no, &ok); row_no++) {
        r->count = 0;
        if (!load_facts(r, row_no) || !gather_found(r, row_no) || !gather_terms(r) || !give_all(r))
            return false;
    }
    return ok;
}

bool check_each_finding(struct check *c, const struct appraisal *appraisal,
                        bool (*each)(void *context, const struct finding_line *line, bool of_terms), void *context)
{
    struct report *r = calloc(1, sizeof *r);
    if (!r)
        return false;
    r->check = c;
    r->appraisal = c->refused ? NULL : appraisal;
    r->each = each;
    r->context = context;
    journal_seek(c->findings, 0);
    bool ok = run(r);
    free_range(&r->range);
    free(r);
    return ok;
}

bool check_each_row(struct check *c, bool (*each)(void *context, const struct episode *row), void *context)
{
    journal_seek(c->facts, 0);
    for (size_t row_no = 1; row_no <= c->rows; row_no++) {
        struct episode e;
        if (!next_facts(c, row_no, &e) || !each(context, &e))
            return false;
    }
    return true;
}

bool check_each_changed_row(struct check *c, const uint8_t *also,
                            bool (*each)(void *context, const struct episode *row), void *context)
{
    for (size_t row_no = 1; row_no <= c->rows; row_no++) {
        struct episode e;
        if (!bit_of(c->changed, row_no) && !(also && bit_of(also, row_no)))
            continue;
        journal_seek(c->facts, (row_no - 1) * sizeof e);
        if (!next_facts(c, row_no, &e) || !each(context, &e))
            return false;
    }
    return true;
}

bool check_each_correction(struct check *c,
                           bool (*each)(void *context, const struct episode *before, const struct episode *after),
                           void *context)
{
    for (size_t row_no = 1; row_no <= c->rows; row_no++) {
        struct episode before;
        if (!bit_of(c->changed, row_no) && !bit_of(c->settled, row_no))
            continue;
        journal_seek(c->facts, (row_no - 1) * sizeof before);
        if (!journal_next(c->facts, &before, sizeof before))
            return false;
        struct episode after = before;
        finish_facts(c, row_no, &after);
        if (!each(context, &before, &after))
            return false;
    }
    return true;
}
