/* Rows by pounds and sums, for each kind of finding that may be asked for (store/tally.h): questions look both up. */
#include "domain/rules.h"
#include "store/tally.h"
#include "worker/tally_internal.h"

#include <stdlib.h>
#include <string.h>

#define BITS       63
#define SEVERITIES 4   /* 0: any */
#define MASKS      256 /* (BITS + any) * SEVERITIES */
/* Lists by cluster: of any, of each number, of rows whose cluster is no code. */
#define CLUSTERS 102
#define NO_CODE  101

/* What a commissioner's findings may be asked for by: the bits of every rule and severity that it has. */
struct owner {
    char commissioner[EPISODE_CODE_SIZE];
    int masks;
    uint64_t mask[MASKS];
};

/* In the journals: the rows of a list as far as they are held, and a sum. */
struct part {
    char commissioner[EPISODE_CODE_SIZE];
    char cluster[3];
    uint64_t rules;
    int64_t places[TALLY_RANKED];
    int32_t rows[TALLY_RANKED];
    int count;
};
struct sum_record {
    char commissioner[EPISODE_CODE_SIZE];
    char cluster[3];
    struct tally_sum sum;
};

struct list {
    struct part part;
    struct tally_sum sum;
};

struct ranking {
    struct tally *t;
    struct owner *owners;
    size_t count;
    const struct owner *at; /* rows come by commissioner */
    struct list *lists[CLUSTERS][MASKS];
    struct journal *parts;
    struct journal *sums;
    size_t part_count;
    size_t sum_count;
    bool broken;
};

struct line {
    int rule; /* bit of the rule */
    int severity;
    uint64_t bit;
};

static void add_mask(struct owner *o, uint64_t mask)
{
    int i = 0;
    while (i < o->masks && o->mask[i] != mask)
        i++;
    if (mask != 0 && i == o->masks && o->masks < MASKS)
        o->mask[o->masks++] = mask;
}

/* Every rule and severity that a question may name, none of them included, has the bits of some lines. */
static void add_masks(struct owner *o, const struct line *lines, int count)
{
    for (int rule = -1; rule < count; rule++) {
        for (int severity = 0; severity < SEVERITIES; severity++) {
            uint64_t mask = 0;
            for (int i = 0; i < count; i++) {
                if ((rule < 0 || lines[i].rule == lines[rule].rule) && (severity == 0 || lines[i].severity == severity))
                    mask |= lines[i].bit;
            }
            add_mask(o, mask);
        }
    }
}

static bool read_line(const PGresult *r, int row, struct line *out)
{
    int64_t bit = pg_i64(r, row, "bit");
    enum severity severity;
    enum rule_id rule;
    if (bit < 0 || bit >= BITS || !severity_by_name(pg_text(r, row, "severity"), &severity) ||
        severity < SEVERITY_ERROR || !rule_by_name(pg_text(r, row, "rule"), &rule))
        return false;
    *out = (struct line){rule_get(rule)->bit, 1 + (int)severity - (int)SEVERITY_ERROR, (uint64_t)1 << bit};
    return true;
}

/* The lines of one commissioner begin at row; returns where the next one's do. -1: they make no sense. */
static int add_owner(struct ranking *k, const PGresult *r, int row)
{
    const char *commissioner = pg_text(r, row, "commissioner");
    struct owner *o = &k->owners[k->count];
    struct line lines[BITS];
    int count = 0;
    if (strlen(commissioner) >= EPISODE_CODE_SIZE)
        return -1;
    for (; row < PQntuples(r) && strcmp(pg_text(r, row, "commissioner"), commissioner) == 0; row++) {
        if (count == BITS || !read_line(r, row, &lines[count++]))
            return -1;
    }
    memcpy(o->commissioner, commissioner, strlen(commissioner) + 1);
    add_masks(o, lines, count);
    k->count++;
    return row;
}

static enum pg_status load_owners(struct ranking *k)
{
    PGresult *r = NULL;
    enum pg_status status = tally_lines(k->t->w->pg, k->t->s->provider, k->t->s->no, &r);
    if (status != PG_OK)
        return status;
    size_t most = 1;
    for (int i = 1; i < PQntuples(r); i++)
        most += strcmp(pg_text(r, i, "commissioner"), pg_text(r, i - 1, "commissioner")) != 0;
    k->owners = calloc(most, sizeof *k->owners);
    k->broken = !k->owners;
    for (int i = 0; i < PQntuples(r) && !k->broken;) {
        i = add_owner(k, r, i);
        k->broken = i < 0;
    }
    PQclear(r);
    return k->broken ? PG_FAILED : PG_OK;
}

static bool put_part(struct ranking *k, struct part *p)
{
    bool ok = journal_append(k->parts, p, sizeof *p);
    p->count = 0;
    k->part_count++;
    return ok;
}

/* Writes the lists of the commissioner that the rows have passed. */
static bool finish_owner(struct ranking *k)
{
    bool ok = true;
    for (int c = 0; c < CLUSTERS; c++) {
        for (int m = 0; m < MASKS; m++) {
            struct list *list = k->lists[c][m];
            if (list == NULL)
                continue;
            struct sum_record record;
            memset(&record, 0, sizeof record);
            memcpy(record.commissioner, list->part.commissioner, sizeof record.commissioner);
            memcpy(record.cluster, list->part.cluster, sizeof record.cluster);
            record.sum = list->sum;
            ok = ok && put_part(k, &list->part) && journal_append(k->sums, &record, sizeof record);
            k->sum_count++;
            free(list);
            k->lists[c][m] = NULL;
        }
    }
    return ok;
}

static bool turn_to(struct ranking *k, const char *commissioner)
{
    if (!finish_owner(k))
        return false;
    k->at = NULL;
    for (size_t i = 0; i < k->count && k->at == NULL; i++) {
        if (strcmp(k->owners[i].commissioner, commissioner) == 0)
            k->at = &k->owners[i];
    }
    return k->at != NULL;
}

static struct list *list_of(struct ranking *k, int cluster, int mask, const char *name)
{
    struct list *list = k->lists[cluster][mask];
    if (list == NULL) {
        list = calloc(1, sizeof *list);
        if (list == NULL)
            return NULL;
        memcpy(list->part.commissioner, k->at->commissioner, sizeof list->part.commissioner);
        memcpy(list->part.cluster, name, strlen(name) + 1);
        list->part.rules = list->sum.rules = k->at->mask[mask];
        k->lists[cluster][mask] = list;
    }
    return list;
}

static bool add_to_list(struct ranking *k, struct list *list, const struct tally_ranked *row)
{
    if (list == NULL || (list->part.count == TALLY_RANKED && !put_part(k, &list->part)))
        return false;
    bool known = row->place <= 0;
    list->part.places[list->part.count] = row->place;
    list->part.rows[list->part.count++] = row->row_no;
    list->sum.findings += __builtin_popcountll(row->rules & list->sum.rules);
    list->sum.rows++;
    list->sum.pence += known ? -row->place : 0;
    list->sum.unknown_rows += !known;
    return true;
}

static bool add_row(void *context, const struct tally_ranked *row)
{
    struct ranking *k = context;
    const char *c = row->cluster;
    bool code = c[0] >= '0' && c[0] <= '9' && c[1] >= '0' && c[1] <= '9' && c[2] == '\0';
    if (atomic_load(&k->t->w->lost))
        return false;
    k->broken = (c[0] != '\0' && !code) || ((k->at == NULL || strcmp(k->at->commissioner, row->commissioner) != 0) &&
                                            !turn_to(k, row->commissioner));
    int cluster = code ? 1 + (c[0] - '0') * 10 + (c[1] - '0') : NO_CODE;
    for (int m = 0; !k->broken && m < k->at->masks; m++) {
        if ((row->rules & k->at->mask[m]) != 0)
            k->broken = !add_to_list(k, list_of(k, 0, m, TALLY_ANY_CLUSTER), row) ||
                        !add_to_list(k, list_of(k, cluster, m, c), row);
    }
    return !k->broken;
}

static enum pg_status write_ranks(struct ranking *k)
{
    struct pg_copy *copy = NULL;
    enum pg_status status = tally_rank_begin(k->t->w->pg, &copy);
    if (status != PG_OK)
        return status;
    journal_seek(k->parts, 0);
    for (size_t i = 0; i < k->part_count && !k->broken; i++) {
        struct part p;
        k->broken = !journal_next(k->parts, &p, sizeof p);
        struct tally_rank rank = {p.commissioner, p.cluster, p.rules, p.places, p.rows, p.count};
        if (!k->broken)
            tally_rank_add(copy, k->t->s->provider, k->t->s->no, &rank);
    }
    return pg_copy_end(copy, NULL);
}

static enum pg_status write_sums(struct ranking *k)
{
    struct pg_copy *copy = NULL;
    enum pg_status status = tally_sum_begin(k->t->w->pg, &copy);
    if (status != PG_OK)
        return status;
    journal_seek(k->sums, 0);
    for (size_t i = 0; i < k->sum_count && !k->broken; i++) {
        struct sum_record r;
        k->broken = !journal_next(k->sums, &r, sizeof r);
        if (!k->broken)
            tally_sum_add(copy, k->t->s->provider, k->t->s->no, r.commissioner, r.cluster, &r.sum);
    }
    return pg_copy_end(copy, NULL);
}

static enum pg_status rank_all(struct ranking *k)
{
    enum pg_status status = load_owners(k);
    if (status == PG_OK)
        status = tally_ranked(k->t->w->pg, k->t->s->provider, k->t->s->no, add_row, k);
    if (status == PG_INVALID && !k->broken && atomic_load(&k->t->w->lost))
        status = PG_NONE;
    k->broken = !finish_owner(k) || k->broken;
    if (status == PG_OK && !k->broken)
        status = write_ranks(k);
    if (status == PG_OK && !k->broken)
        status = write_sums(k);
    return k->broken ? PG_FAILED : status;
}

enum pg_status tally_ranks(struct tally *t)
{
    struct ranking *k = calloc(1, sizeof *k);
    t->broken = t->broken || !k;
    if (!k)
        return PG_FAILED;
    k->t = t;
    k->parts = journal_new(t->w->config->spool_dir);
    k->sums = journal_new(t->w->config->spool_dir);
    k->broken = !k->parts || !k->sums;
    enum pg_status status = k->broken ? PG_FAILED : rank_all(k);
    t->broken = t->broken || k->broken;
    journal_free(k->parts);
    journal_free(k->sums);
    free(k->owners);
    free(k);
    return status;
}
