#include "domain/rules.h"
#include "domain/suppression.h"
#include "store/tally.h"
#include "worker/confidential.h"
#include "worker/tally_internal.h"

#include <stdlib.h>
#include <string.h>

/* So many that a partition of five million rows takes about 6 MiB. */
#define PARTITIONS 48
/* More practices than England has; what comes beyond them counts as other. */
#define PRACTICES_MAXIMUM 12000
#define PRACTICE_SIZE     7
#define OTHER             "other"
/* A line of the tables: a rule by its bit, then three severities, then any finding. */
#define LINE_ERROR 63
#define LINE_ANY   66
#define LINES      67

/* A row with findings, as it waits for the others of its practice. */
struct practice_row {
    char commissioner[EPISODE_CODE_SIZE];
    char practice[PRACTICE_SIZE];
    bool known;
    uint8_t patient[16];
    uint64_t rules;
    int64_t pence;
};

/* Counts of one commissioner, line and practice. */
struct cell {
    char commissioner[EPISODE_CODE_SIZE];
    char practice[PRACTICE_SIZE];
    uint8_t line;
    bool tells; /* what a rule's line hides: minus the other rules it would be this */
    int64_t patients;
    int64_t rows;
    int64_t pence;
    int64_t unknown_rows;
};

/* Severities by rule bit, where terms change them. */
struct changed {
    char commissioner[EPISODE_CODE_SIZE];
    uint8_t severity[63];
};

struct practices {
    struct tally *t;
    struct spool *rows; /* struct practice_row */
    int64_t block;      /* which is open; -1: none */
    uint8_t *text;      /* it, in clear: wiped */
    size_t length;
    size_t at;     /* of the next row in it */
    uint32_t next; /* its place in the block */
    enum pg_status status;
    char (*known)[PRACTICE_SIZE]; /* hash table of practices, PRACTICES_MAXIMUM * 2 places */
    size_t known_count;
    struct changed *changed;
    size_t changed_count;
    struct cell *cells;
    size_t cell_count;
    size_t cell_room;
};

static void close_block(struct practices *p)
{
    if (p->text)
        sodium_memzero(p->text, p->length);
    free(p->text);
    p->text = NULL;
    p->block = -1;
}

static bool open_block(struct practices *p, int64_t block)
{
    PGresult *r = NULL;
    close_block(p);
    p->status = tally_block(p->t->w->pg, p->t->s->provider, p->t->s->no, block, &r);
    if (p->status != PG_OK) {
        /* A block that is not there is no lost lease. */
        p->t->broken = p->status == PG_NONE;
        p->status = p->status == PG_NONE ? PG_FAILED : p->status;
        return false;
    }
    size_t sealed = (size_t)PQgetlength(r, 0, 0);
    p->length = sealed > SEAL_BOX_OVERHEAD ? sealed - SEAL_BOX_OVERHEAD : 0;
    p->text = p->length > 4 ? malloc(p->length) : NULL;
    bool ok =
        p->text && unseal_box(p->t->w->unseal, PQgetvalue(r, 0, 0), sealed, p->text) && memcmp(p->text, "RCB1", 4) == 0;
    PQclear(r);
    p->block = block;
    p->at = 4;
    p->next = 0;
    p->t->broken = p->t->broken || !ok;
    return ok;
}

/* Passes one text of a row of the block. */
static bool pass(struct practices *p, const uint8_t **text, size_t *length)
{
    if (p->at >= p->length)
        return false;
    *length = p->text[p->at];
    *text = p->text + p->at + 1;
    p->at += 1 + *length;
    return p->at <= p->length;
}

/* The practice of the row as it was sent. */
static bool practice_sent(struct practices *p, int32_t row_no, const uint8_t **text, size_t *length)
{
    int64_t block = (row_no - 1) / CONFIDENTIAL_ROWS;
    uint32_t place = (uint32_t)(row_no - 1) % CONFIDENTIAL_ROWS;
    if ((p->block != block || place < p->next) && !open_block(p, block))
        return false;
    for (bool ok = true; ok;) {
        bool wanted = p->next == place;
        p->at += CONFIDENTIAL_SALT + 4;
        /* The patient id and the NHS number come before it. */
        for (int field = 0; ok && field < 3; field++)
            ok = pass(p, text, length);
        p->next++;
        if (ok && wanted)
            return true;
    }
    p->t->broken = true;
    return false;
}

static uint64_t hash_of(const char *text)
{
    uint64_t h = 14695981039346656037U; /* FNV-1a */
    for (; *text; text++)
        h = (h ^ (uint8_t)*text) * 1099511628211U;
    return h;
}

/* Is it among the practices counted by name? Adds it while there is room. */
static bool is_counted(struct practices *p, const char *code)
{
    size_t places = (size_t)PRACTICES_MAXIMUM * 2;
    size_t at = (size_t)(hash_of(code) % places);
    while (p->known[at][0] && strcmp(p->known[at], code) != 0)
        at = (at + 1) % places;
    if (p->known[at][0])
        return true;
    if (p->known_count == PRACTICES_MAXIMUM)
        return false;
    p->known_count++;
    memcpy(p->known[at], code, PRACTICE_SIZE);
    return true;
}

/* Only what has the form of a practice code is shown: anything may stand in a wrong column. */
static void take_practice(struct practices *p, const uint8_t *text, size_t length, char out[PRACTICE_SIZE])
{
    bool ok = length == 6 && text[0] >= 'A' && text[0] <= 'Z';
    for (size_t i = 1; ok && i < 6; i++)
        ok = text[i] >= '0' && text[i] <= '9';
    memset(out, 0, PRACTICE_SIZE);
    if (ok)
        memcpy(out, text, 6);
    if (!ok || !is_counted(p, out))
        memcpy(out, OTHER, sizeof OTHER);
}

static bool spool_row(void *context, const struct tally_row *row)
{
    struct practices *p = context;
    struct practice_row r;
    const uint8_t *text = NULL;
    size_t length = 0;
    memset(&r, 0, sizeof r);
    if (!practice_sent(p, row->row_no, &text, &length))
        return false;
    take_practice(p, text, length, r.practice);
    memcpy(r.commissioner, row->commissioner, sizeof r.commissioner);
    memcpy(r.patient, row->patient, sizeof r.patient);
    r.known = row->known;
    r.pence = row->pence;
    r.rules = p->t->rules[row->row_no];
    uint64_t partition = (hash_of(r.commissioner) ^ hash_of(r.practice) * 31) % PARTITIONS;
    if (spool_add(p->rows, (unsigned)partition, &r, sizeof r))
        return true;
    p->t->broken = true;
    return false;
}

static int by_practice(const void *a, const void *b)
{
    const struct practice_row *x = a, *y = b;
    int order = strcmp(x->commissioner, y->commissioner);
    if (order == 0)
        order = strcmp(x->practice, y->practice);
    return order != 0 ? order : memcmp(x->patient, y->patient, sizeof x->patient);
}

static const uint8_t *severities_of(const struct practices *p, const char *commissioner)
{
    for (size_t i = 0; i < p->changed_count; i++) {
        if (strcmp(p->changed[i].commissioner, commissioner) == 0)
            return p->changed[i].severity;
    }
    return p->changed[p->changed_count].severity; /* the defaults stand behind them */
}

static bool add_cell(struct practices *p, const struct cell *c)
{
    if (p->cell_count == p->cell_room) {
        size_t room = p->cell_room ? p->cell_room * 2 : 1024;
        struct cell *cells = realloc(p->cells, room * sizeof *cells);
        if (!cells)
            return false;
        p->cells = cells;
        p->cell_room = room;
    }
    p->cells[p->cell_count++] = *c;
    return true;
}

/* Which lines a row counts in. */
static void lines_of(const uint8_t *severity, uint64_t rules, bool lines[LINES])
{
    memset(lines, 0, LINES * sizeof lines[0]);
    lines[LINE_ANY] = true;
    for (uint64_t left = rules; left != 0; left &= left - 1) {
        int bit = __builtin_ctzll(left);
        lines[bit == TALLY_OWN_SEVERITY_BIT ? rule_get(RULE_D09)->bit : bit] = true;
        lines[LINE_ERROR + severity[bit]] = true;
    }
}

/* The rows of one commissioner and practice, by patient. */
static bool count_practice(struct practices *p, const struct practice_row *rows, size_t count)
{
    struct cell cells[LINES];
    size_t last[LINES]; /* 1 + the row that was counted last */
    memset(cells, 0, sizeof cells);
    memset(last, 0, sizeof last);
    const uint8_t *severity = severities_of(p, rows[0].commissioner);
    for (size_t i = 0; i < count; i++) {
        bool lines[LINES];
        lines_of(severity, rows[i].rules, lines);
        for (int l = 0; l < LINES; l++) {
            if (!lines[l])
                continue;
            struct cell *c = &cells[l];
            bool same = last[l] > 0 && memcmp(rows[last[l] - 1].patient, rows[i].patient, sizeof rows[i].patient) == 0;
            c->patients += !same;
            c->rows++;
            c->pence += rows[i].pence;
            c->unknown_rows += !rows[i].known;
            last[l] = i + 1;
        }
    }
    for (int l = 0; l < LINES; l++) {
        memcpy(cells[l].commissioner, rows[0].commissioner, sizeof rows[0].commissioner);
        memcpy(cells[l].practice, rows[0].practice, sizeof rows[0].practice);
        cells[l].line = (uint8_t)l;
        if (cells[l].rows > 0 && !add_cell(p, &cells[l]))
            return false;
    }
    return true;
}

static bool count_partition(struct practices *p, unsigned partition)
{
    void *records = NULL;
    size_t length = 0;
    if (!spool_load(p->rows, partition, &records, &length))
        return false;
    struct practice_row *rows = records;
    size_t count = length / sizeof *rows;
    bool ok = true;
    if (count > 0)
        qsort(rows, count, sizeof *rows, by_practice);
    for (size_t from = 0, to = 0; from < count && ok; from = to) {
        while (to < count && strcmp(rows[from].commissioner, rows[to].commissioner) == 0 &&
               strcmp(rows[from].practice, rows[to].practice) == 0)
            to++;
        ok = count_practice(p, rows + from, to - from);
    }
    free(records);
    return ok;
}

static int by_line(const void *a, const void *b)
{
    const struct cell *x = a, *y = b;
    int order = strcmp(x->commissioner, y->commissioner);
    if (order == 0)
        order = x->line - y->line;
    return order != 0 ? order : strcmp(x->practice, y->practice);
}

static const char *line_name(int line)
{
    enum rule_id rule;
    if (line == LINE_ANY)
        return "";
    if (line >= LINE_ERROR)
        return severity_name((enum severity)(SEVERITY_ERROR + line - LINE_ERROR));
    return rule_by_bit(line, &rule) ? rule_get(rule)->id : "";
}

/* Where no row fails two rules, the lines of a practice add up: its rules to their severity, these to all findings. So
 * what is hidden of a rule is hidden of the lines that hold it too. Then a count that is shown there is one that the
 * rules' lines say already. */
static void hide_above(struct practices *p, const struct cell *rule)
{
    const uint8_t *severity = severities_of(p, rule->commissioner);
    enum rule_id id;
    bool own = rule_by_bit(rule->line, &id) && id == RULE_D09;
    const int above[] = {LINE_ANY, LINE_ERROR + severity[rule->line],
                         LINE_ERROR + severity[own ? TALLY_OWN_SEVERITY_BIT : rule->line]};
    for (size_t i = 0; i < sizeof above / sizeof above[0]; i++) {
        struct cell wanted = *rule;
        wanted.line = (uint8_t)above[i];
        struct cell *found = bsearch(&wanted, p->cells, p->cell_count, sizeof *p->cells, by_line);
        if (found)
            found->tells = true;
    }
}

/* Adds what the rules' lines hide. One hidden count alone is the sum minus the others. */
static enum suppression hide_more(const struct cell *cells, size_t count, bool *hidden)
{
    size_t all = 0;
    for (size_t i = 0; i < count; i++) {
        hidden[i] = hidden[i] || cells[i].tells;
        all += hidden[i];
    }
    return all == 1 ? SUPPRESSION_WITHHELD : SUPPRESSION_DONE;
}

/* One table: the practices of a commissioner and line, and their sum. */
static bool write_table(struct practices *p, struct pg_copy *copy, const struct cell *cells, size_t count)
{
    struct tally_practice sum = {
        .commissioner = cells[0].commissioner, .line = line_name(cells[0].line), .practice = ""};
    int64_t *patients = malloc(count * sizeof *patients);
    bool *hidden = malloc((count + 1) * sizeof *hidden);
    for (size_t i = 0; patients && i < count; i++) {
        patients[i] = cells[i].patients;
        sum.patients += cells[i].patients;
        sum.rows += cells[i].rows;
        sum.pence += cells[i].pence;
        sum.unknown_rows += cells[i].unknown_rows;
    }
    /* The sums are known: they stand in the summaries by rule. */
    enum suppression done = patients && hidden ? suppression_list(patients, count, true, hidden) : SUPPRESSION_FAILED;
    if (done == SUPPRESSION_DONE)
        done = hide_more(cells, count, hidden);
    sum.withheld = done == SUPPRESSION_WITHHELD;
    for (size_t i = 0; done != SUPPRESSION_FAILED && cells[0].line < LINE_ERROR && i < count; i++) {
        if (sum.withheld || hidden[i])
            hide_above(p, &cells[i]);
    }
    for (size_t i = 0; done == SUPPRESSION_DONE && i < count; i++) {
        const struct cell *c = &cells[i];
        struct tally_practice one = {sum.commissioner, sum.line, c->practice, hidden[i],      false,
                                     c->patients,      c->rows,  c->pence,    c->unknown_rows};
        tally_practice_add(copy, p->t->s->provider, p->t->s->no, &one);
    }
    if (done != SUPPRESSION_FAILED)
        tally_practice_add(copy, p->t->s->provider, p->t->s->no, &sum);
    free(patients);
    free(hidden);
    return done != SUPPRESSION_FAILED;
}

static enum pg_status write_tables(struct practices *p)
{
    struct pg_copy *copy = NULL;
    enum pg_status status = tally_practice_begin(p->t->w->pg, &copy);
    if (status != PG_OK)
        return status;
    if (p->cell_count > 0)
        qsort(p->cells, p->cell_count, sizeof *p->cells, by_line);
    bool ok = true;
    for (size_t from = 0, to = 0; from < p->cell_count && ok; from = to) {
        const struct cell *first = &p->cells[from];
        while (to < p->cell_count && strcmp(first->commissioner, p->cells[to].commissioner) == 0 &&
               first->line == p->cells[to].line)
            to++;
        ok = write_table(p, copy, first, to - from);
    }
    status = pg_copy_end(copy, NULL);
    p->t->broken = p->t->broken || !ok;
    return ok ? status : PG_FAILED;
}

static void set_severity(uint8_t *severity, enum rule_id rule, enum severity value)
{
    int bit = rule_get(rule)->bit;
    if (bit >= 0 && bit < 63 && value != SEVERITY_FILE)
        severity[bit] = (uint8_t)(value - SEVERITY_ERROR);
}

/* The severities of each commissioner that has its own, the defaults behind them. */
static enum pg_status load_severities(struct practices *p)
{
    PGresult *r = NULL;
    enum pg_status status = tally_severities(p->t->w->pg, p->t->s->provider, p->t->s->no, &r);
    if (status != PG_OK)
        return status;
    struct changed defaults;
    memset(&defaults, 0, sizeof defaults);
    for (int i = 0; i < RULE_COUNT; i++)
        set_severity(defaults.severity, (enum rule_id)i, rule_get((enum rule_id)i)->severity);
    defaults.severity[TALLY_OWN_SEVERITY_BIT] = SEVERITY_QUERY - SEVERITY_ERROR;
    int rows = PQntuples(r);
    p->changed = malloc(((size_t)rows + 1) * sizeof *p->changed);
    p->t->broken = p->t->broken || !p->changed;
    for (int i = 0; p->changed && i < rows; i++) {
        const char *commissioner = pg_text(r, i, "commissioner");
        size_t k = 0;
        while (k < p->changed_count && strcmp(p->changed[k].commissioner, commissioner) != 0)
            k++;
        if (k == p->changed_count) {
            p->changed[k] = defaults;
            memcpy(p->changed[k].commissioner, commissioner, strlen(commissioner) + 1);
            p->changed_count++;
        }
        enum rule_id rule;
        enum severity severity;
        if (rule_by_name(pg_text(r, i, "rule"), &rule) && severity_by_name(pg_text(r, i, "severity"), &severity))
            set_severity(p->changed[k].severity, rule, severity);
    }
    if (p->changed)
        p->changed[p->changed_count] = defaults;
    PQclear(r);
    return p->changed ? PG_OK : PG_FAILED;
}

static enum pg_status count_all(struct practices *p)
{
    enum pg_status status = load_severities(p);
    if (status != PG_OK)
        return status;
    if (!tally_each(p->t, spool_row, p))
        return p->t->broken ? PG_FAILED : p->status != PG_OK ? p->status : PG_NONE;
    close_block(p);
    for (unsigned i = 0; i < PARTITIONS; i++) {
        if (!count_partition(p, i)) {
            p->t->broken = true;
            return PG_FAILED;
        }
    }
    return write_tables(p);
}

enum pg_status tally_practices(struct tally *t)
{
    struct practices p;
    memset(&p, 0, sizeof p);
    p.t = t;
    p.block = -1;
    p.rows = spool_new(t->w->config->spool_dir, PARTITIONS);
    p.known = calloc((size_t)PRACTICES_MAXIMUM * 2, sizeof *p.known);
    t->broken = !p.rows || !p.known;
    enum pg_status status = t->broken ? PG_FAILED : count_all(&p);
    close_block(&p);
    spool_free(&p.rows);
    free(p.known);
    free(p.changed);
    free(p.cells);
    return status;
}
