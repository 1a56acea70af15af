/* Where the findings of each kind are (store/tally.h): stretches of rows, for pages that a filter makes sparse. */
#include "domain/rules.h"
#include "store/tally.h"
#include "worker/tally_internal.h"

#include <stdlib.h>
#include <string.h>

/* Lists of a commissioner: any finding, each severity, each rule, each rule at each severity. Severities are numbered
 * from SEVERITY_ERROR on. */
#define SEVERITIES  3
#define BITS        63
#define OF_SEVERITY 1
#define OF_RULE     (OF_SEVERITY + SEVERITIES)
#define OF_BOTH     (OF_RULE + BITS)
#define LISTS       (OF_BOTH + BITS * SEVERITIES)
/* Lists held at once; beyond it they are written as far as they are: 8 MiB. */
#define LISTS_HELD 15000

struct list {
    int count;
    int32_t firsts[TALLY_STRETCHES];
    int32_t lasts[TALLY_STRETCHES]; /* the last one may still grow */
};

struct owner {
    char commissioner[EPISODE_CODE_SIZE]; /* "" for all together */
    uint8_t severity[BITS];               /* of each bit that occurs */
    uint8_t rule[BITS];                   /* bit of the rule */
    struct list *lists[LISTS];
};

struct stretches {
    struct tally *t;
    struct owner *owners; /* the first is all together, the others by commissioner */
    size_t count;
    uint32_t *owner_of; /* by row_no */
    size_t held;
    struct pg_copy *copy;
    bool broken;
};

static int by_commissioner(const void *a, const void *b)
{
    return strcmp(((const struct owner *)a)->commissioner, ((const struct owner *)b)->commissioner);
}

static bool add_line(struct stretches *p, const PGresult *r, int row)
{
    const char *commissioner = pg_text(r, row, "commissioner");
    int64_t bit = pg_i64(r, row, "bit");
    enum severity severity;
    enum rule_id rule;
    if (strlen(commissioner) >= EPISODE_CODE_SIZE)
        return false;
    if (p->count == 1 || strcmp(p->owners[p->count - 1].commissioner, commissioner) != 0)
        memcpy(p->owners[p->count++].commissioner, commissioner, strlen(commissioner) + 1);
    if (bit < 0 || bit >= BITS || !severity_by_name(pg_text(r, row, "severity"), &severity) ||
        severity < SEVERITY_ERROR || !rule_by_name(pg_text(r, row, "rule"), &rule) || rule_set_of(rule) == 0)
        return false;
    p->owners[p->count - 1].severity[bit] = (uint8_t)(severity - SEVERITY_ERROR);
    p->owners[p->count - 1].rule[bit] = (uint8_t)__builtin_ctzll(rule_set_of(rule));
    return true;
}

static enum pg_status load_owners(struct stretches *p)
{
    PGresult *r = NULL;
    enum pg_status status = tally_lines(p->t->w->pg, p->t->s->provider, p->t->s->no, &r);
    if (status != PG_OK)
        return status;
    /* At most one for each line, and the one for all. */
    int lines = PQntuples(r);
    size_t most = 2;
    for (int i = 1; i < lines; i++)
        most += strcmp(pg_text(r, i, "commissioner"), pg_text(r, i - 1, "commissioner")) != 0;
    p->owners = calloc(most, sizeof *p->owners);
    p->owner_of = calloc((size_t)p->t->last_row + 1, sizeof *p->owner_of);
    p->count = 1;
    p->broken = !p->owners || !p->owner_of;
    for (int i = 0; i < lines && !p->broken; i++)
        p->broken = !add_line(p, r, i);
    PQclear(r);
    return p->broken ? PG_FAILED : PG_OK;
}

/* Rows come in any order; they are remembered by their number. */
static bool find_owner(void *context, const struct tally_row *row)
{
    struct stretches *p = context;
    struct owner key;
    memcpy(key.commissioner, row->commissioner, sizeof key.commissioner);
    const struct owner *found = bsearch(&key, p->owners + 1, p->count - 1, sizeof key, by_commissioner);
    p->broken = found == NULL;
    if (found != NULL)
        p->owner_of[row->row_no] = (uint32_t)(found - p->owners);
    return !p->broken;
}

static void write_list(struct stretches *p, const struct owner *o, int n)
{
    static const char *const severities[] = {"", "ERROR", "QUERY", "WARN"};
    enum rule_id rule;
    struct list *list = o->lists[n];
    struct tally_stretch s = {o->commissioner, "", "", list->firsts, list->lasts, list->count};
    int bit = n < OF_RULE ? -1 : n < OF_BOTH ? n - OF_RULE : (n - OF_BOTH) / SEVERITIES;
    if (n >= OF_BOTH)
        s.severity = severities[1 + (n - OF_BOTH) % SEVERITIES];
    else if (n < OF_RULE)
        s.severity = severities[n];
    if (bit >= 0 && rule_by_bit(bit, &rule))
        s.rule = rule_get(rule)->id;
    tally_stretch_add(p->copy, p->t->s->provider, p->t->s->no, &s);
    list->count = 0;
}

static void write_held(struct stretches *p)
{
    for (size_t i = 0; i < p->count; i++) {
        for (int n = 0; n < LISTS; n++) {
            struct list *list = p->owners[i].lists[n];
            if (list != NULL && !p->broken)
                write_list(p, &p->owners[i], n);
            free(list);
            p->owners[i].lists[n] = NULL;
        }
    }
    p->held = 0;
}

static struct list *list_of(struct stretches *p, struct owner *o, int n)
{
    if (o->lists[n] != NULL)
        return o->lists[n];
    if (p->held == LISTS_HELD)
        write_held(p);
    o->lists[n] = calloc(1, sizeof *o->lists[n]);
    p->broken = p->broken || o->lists[n] == NULL;
    p->held++;
    return o->lists[n];
}

/* Rows come in ascending order, one row perhaps several times. */
static void add_to_list(struct stretches *p, struct owner *o, int n, int32_t row_no)
{
    struct list *list = list_of(p, o, n);
    if (list == NULL)
        return;
    if (list->count > 0 && row_no <= list->lasts[list->count - 1] + TALLY_GAP) {
        list->lasts[list->count - 1] = row_no;
        return;
    }
    if (list->count == TALLY_STRETCHES)
        write_list(p, o, n);
    list->firsts[list->count] = row_no;
    list->lasts[list->count++] = row_no;
}

static void add_row(struct stretches *p, int32_t row_no)
{
    struct owner *own = &p->owners[p->owner_of[row_no]];
    struct owner *const both[] = {&p->owners[0], own};
    /* A row whose commissioner is no code is in the lists of all together alone. */
    for (int i = 0; i < (own->commissioner[0] ? 2 : 1); i++) {
        add_to_list(p, both[i], 0, row_no);
        for (uint64_t left = p->t->rules[row_no]; left != 0; left &= left - 1) {
            int bit = __builtin_ctzll(left);
            add_to_list(p, both[i], OF_SEVERITY + own->severity[bit], row_no);
            add_to_list(p, both[i], OF_RULE + own->rule[bit], row_no);
            add_to_list(p, both[i], OF_BOTH + own->rule[bit] * SEVERITIES + own->severity[bit], row_no);
        }
    }
}

enum pg_status tally_stretches(struct tally *t)
{
    struct stretches p = {.t = t};
    enum pg_status status = load_owners(&p);
    bool all = status == PG_OK && tally_each(t, find_owner, &p);
    if (all)
        status = tally_stretch_begin(t->w->pg, &p.copy);
    if (all && status == PG_OK) {
        for (int32_t row = 1; row <= t->last_row && !p.broken; row++)
            if (p.owner_of[row] != 0)
                add_row(&p, row);
        write_held(&p);
        status = pg_copy_end(p.copy, NULL);
    }
    free(p.owners);
    free(p.owner_of);
    t->broken = t->broken || p.broken;
    if (t->broken)
        return PG_FAILED;
    return all || status != PG_OK ? status : PG_NONE;
}
