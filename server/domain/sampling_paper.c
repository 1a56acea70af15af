#include "domain/sampling_paper.h"

#include "base/parse.h"
#include "domain/utf8.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    SEED,
    METHOD,
    SIZE,
    NONCE,
    PICK,
    MONTH,
    ROW_NO,
    TAG,
    CLUSTER,
    TEAM,
    PENCE,
    REASON,
    OURS, /* columns before this one are as we wrote them */
    SECOND_CLUSTER = OURS,
    PAYABLE_DAYS,
    REMARK,
    COLUMNS
};

static const char *const names[COLUMNS] = {"seed",           "method",       "size",    "nonce", "pick",  "month",
                                           "row_no",         "tag",          "cluster", "team",  "pence", "reason",
                                           "second_cluster", "payable_days", "remark"};

#define CELL_SIZE 160

/* Our cells of one line, as a reader of CSV sees them. */
struct cells {
    char cell[OURS][CELL_SIZE];
};

/* What spreadsheets would run as a formula gets an apostrophe in front. */
static bool is_formula(char first)
{
    return first != '\0' && strchr("=+-@\t\r", first) != NULL;
}

static void write_reason(const struct sample *s, int32_t number, char *out)
{
    const struct sample_pick *p = &s->pick[number];
    char hash[17];
    if (s->method == SAMPLE_RANDOM) {
        hex_encode(p->rank, 8, hash);
        (void)snprintf(out, CELL_SIZE, "rank %d of %lld by hash %s", number + 1, (long long)s->population.rows, hash);
    } else {
        int n = p->hits == 1 ? snprintf(out, CELL_SIZE, "hit %d", p->first_hit)
                             : snprintf(out, CELL_SIZE, "hits %d to %d", p->first_hit, p->first_hit + p->hits - 1);
        (void)snprintf(out + n, CELL_SIZE - (size_t)n, " at pence %lld of %lld%s", (long long)p->point,
                       (long long)s->population.reached_pence, p->certain ? "; certain: worth the interval" : "");
    }
}

/* number counts from 0. */
static void fill_cells(const struct sample *s, const struct sample_frame *f, const char *nonce,
                       const struct sample_detail *detail, int32_t number, struct cells *out)
{
    const struct sample_row *row = &f->row[s->pick[number].row];
    hex_encode(s->seed, SAMPLE_SEED, out->cell[SEED]);
    (void)snprintf(out->cell[METHOD], CELL_SIZE, "%s", sample_method_name(s->method));
    (void)snprintf(out->cell[SIZE], CELL_SIZE, "%d", s->size);
    (void)snprintf(out->cell[NONCE], CELL_SIZE, "%s", nonce);
    (void)snprintf(out->cell[PICK], CELL_SIZE, "%d", number + 1);
    month_format(row->month, out->cell[MONTH]);
    (void)snprintf(out->cell[ROW_NO], CELL_SIZE, "%d", row->row_no);
    (void)snprintf(out->cell[TAG], CELL_SIZE, "%s", detail->tag);
    (void)snprintf(out->cell[CLUSTER], CELL_SIZE, "%s", detail->cluster);
    (void)snprintf(out->cell[TEAM], CELL_SIZE, "%s%s", is_formula(detail->team[0]) ? "'" : "", detail->team);
    (void)snprintf(out->cell[PENCE], CELL_SIZE, "%lld", (long long)row->pence);
    write_reason(s, number, out->cell[REASON]);
}

static bool append_cell(struct buf *out, const char *text)
{
    if (strpbrk(text, ",\"\r\n") == NULL)
        return buf_append_text(out, text);
    bool ok = buf_append_char(out, '"');
    for (; ok && *text != '\0'; text++)
        ok = (*text != '"' || buf_append_char(out, '"')) && buf_append_char(out, *text);
    return ok && buf_append_char(out, '"');
}

bool sample_paper_write(const struct sample *s, const struct sample_frame *f, const char *nonce,
                        const struct sample_detail *details, struct buf *out)
{
    struct cells cells;
    for (int i = 0; i < COLUMNS; i++)
        (void)(buf_append_text(out, i == 0 ? "" : ",") && buf_append_text(out, names[i]));
    (void)buf_append_char(out, '\n');
    for (int32_t number = 0; number < s->count; number++) {
        fill_cells(s, f, nonce, &details[number], number, &cells);
        for (int i = 0; i < OURS; i++)
            (void)(append_cell(out, cells.cell[i]) && buf_append_char(out, ','));
        (void)buf_append_text(out, ",,\n");
    }
    return !out->failed;
}

/* Reading. Lines are cut first: no cell holds a line end. */

struct reading {
    const char *at; /* what is left */
    size_t left;
    int64_t line; /* the one read last, from 1 */
    struct sample_problem *problem;
    char text[SAMPLE_LINE_MAX + COLUMNS]; /* the line's cells, each with a NUL */
    const char *cell[COLUMNS];
};

static bool fail(struct reading *r, int column, const char *message)
{
    *r->problem = (struct sample_problem){r->line, column < 0 ? NULL : names[column], message};
    return false;
}

/* One cell from *from on; to ends up on the comma or the end. false: a quote is in the wrong place. */
static bool take_cell(const char *line, size_t length, size_t *from, size_t *used, char *text)
{
    size_t at = *from;
    bool quoted = at < length && line[at] == '"';
    at += quoted;
    for (; at < length && (quoted || line[at] != ','); at++) {
        if (line[at] == '"') {
            if (!quoted)
                return false;
            if (at + 1 >= length || line[at + 1] != '"')
                break;
            at++;
        }
        text[(*used)++] = line[at];
    }
    if (quoted && (at >= length || line[at] != '"'))
        return false;
    at += quoted;
    text[(*used)++] = '\0';
    *from = at;
    return at >= length || line[at] == ',';
}

static bool split_line(struct reading *r, const char *line, size_t length)
{
    size_t from = 0;
    size_t used = 0;
    for (int i = 0; i < COLUMNS; i++) {
        r->cell[i] = r->text + used;
        if (!take_cell(line, length, &from, &used, r->text))
            return fail(r, i, "a quote is where none can be");
        if (i + 1 < COLUMNS && from >= length)
            return fail(r, -1, "the line has too few columns; a paper has 15, parted by commas");
        from++;
    }
    return from > length || fail(r, -1, "the line has too many columns; a paper has 15, parted by commas");
}

static bool has_control(const char *text, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        if ((unsigned char)text[i] < 0x20 || text[i] == 0x7F)
            return true;
    }
    return false;
}

/* The next line into the cells. false: there is none, or a problem; tell them apart by r->left before. */
static bool next_line(struct reading *r)
{
    const char *line = r->at;
    const char *end = memchr(line, '\n', r->left);
    size_t length = end == NULL ? r->left : (size_t)(end - line);
    size_t taken = end == NULL ? length : length + 1;
    r->at += taken;
    r->left -= taken;
    r->line++;
    if (length > 0 && line[length - 1] == '\r')
        length--;
    if (length > SAMPLE_LINE_MAX)
        return fail(r, -1, "the line is longer than 4,096 bytes");
    if (has_control(line, length))
        return fail(r, -1, "the line holds a control character, a tab or a lone return");
    return split_line(r, line, length);
}

static bool begin(struct reading *r, const char *text, size_t length, struct sample_problem *problem)
{
    static const char mark[] = "\xEF\xBB\xBF";
    bool marked = length >= 3 && memcmp(text, mark, 3) == 0;
    r->problem = problem;
    r->line = 0;
    r->at = text + (marked ? 3 : 0);
    r->left = length - (marked ? 3 : 0);
    if (length > SAMPLE_PAPER_MAX)
        return fail(r, -1, "the paper is longer than 8 MiB");
    if (!utf8_is_valid(text, length))
        return fail(r, -1, "the paper is not UTF-8; save it as CSV UTF-8");
    if (!next_line(r))
        return false;
    for (int i = 0; i < COLUMNS; i++) {
        if (strcmp(r->cell[i], names[i]) != 0)
            return fail(r, i, "the header is not that of a working paper: names and order of columns stay as written");
    }
    return true;
}

static bool read_heading(struct reading *r, struct sample_heading *out)
{
    int64_t size;
    size_t length = strlen(r->cell[NONCE]);
    if (!hex_decode(r->cell[SEED], strlen(r->cell[SEED]), out->seed, SAMPLE_SEED))
        return fail(r, SEED, "this is not the seed of a sample");
    if (!sample_method_parse(r->cell[METHOD], &out->method))
        return fail(r, METHOD, "the method is random or mus");
    if (!parse_i64_within(r->cell[SIZE], strlen(r->cell[SIZE]), 1, SAMPLE_SIZE_MAX, &size))
        return fail(r, SIZE, "the size is a number from 1 to 2000");
    if (!sample_nonce_good(r->cell[NONCE], length))
        return fail(r, NONCE, "a nonce is 1 to 64 letters, digits, dots, hyphens and underscores");
    out->size = (int32_t)size;
    memcpy(out->nonce, r->cell[NONCE], length + 1);
    return true;
}

bool sample_paper_heading(const char *text, size_t length, struct sample_heading *out, struct sample_problem *problem)
{
    struct reading *r = malloc(sizeof *r);
    if (r == NULL) {
        *problem = (struct sample_problem){0, NULL, "memory ran out"};
        return false;
    }
    bool good = begin(r, text, length, problem);
    if (good && r->left == 0)
        good = fail(r, -1, "the paper has no line behind its header");
    good = good && next_line(r) && read_heading(r, out);
    free(r);
    return good;
}

static bool read_judgement(struct reading *r, struct sample_judgement *out)
{
    const char *cluster = r->cell[SECOND_CLUSTER];
    const char *days = r->cell[PAYABLE_DAYS];
    int64_t number = -1;
    *out = (struct sample_judgement){.cluster = -1, .payable_days = -1};
    out->nothing = strcmp(cluster, "none") == 0;
    out->compared = cluster[0] != '\0';
    if (out->compared && !out->nothing) {
        out->cluster = (int16_t)cluster_index(cluster);
        if (out->cluster < 0)
            return fail(r, SECOND_CLUSTER,
                        "a cluster is two digits, 00 to 21 without 09 (a spreadsheet may have dropped a 0), or none");
    }
    if (days[0] != '\0' && !parse_i64_within(days, strlen(days), 0, 31, &number))
        return fail(r, PAYABLE_DAYS, "payable days are a number from 0 to 31");
    if (out->nothing && number > 0)
        return fail(r, PAYABLE_DAYS, "where the record bears out nothing, no day is payable");
    if (strlen(r->cell[REMARK]) > SAMPLE_REMARK_MAX)
        return fail(r, REMARK, "the remark is longer than 1,000 bytes");
    out->payable_days = (int32_t)number;
    out->examined = out->compared || number >= 0;
    return true;
}

static bool read_line(struct reading *r, const struct sample *s, const struct sample_frame *f, const char *nonce,
                      const struct sample_detail *details, struct sample_judgement *judgements, bool *seen)
{
    struct cells ours;
    int64_t pick;
    if (!parse_i64_within(r->cell[PICK], strlen(r->cell[PICK]), 1, s->count, &pick))
        return fail(r, PICK, "the sample has no pick of that number");
    if (seen[pick - 1])
        return fail(r, PICK, "the pick stands in the paper twice");
    seen[pick - 1] = true;
    fill_cells(s, f, nonce, &details[pick - 1], (int32_t)pick - 1, &ours);
    for (int i = 0; i < OURS; i++) {
        if (strcmp(r->cell[i], ours.cell[i]) != 0)
            return fail(r, i, "this is not what the sample drawn again from this bundle has there");
    }
    return read_judgement(r, &judgements[pick - 1]);
}

bool sample_paper_read(const char *text, size_t length, const struct sample *s, const struct sample_frame *f,
                       const char *nonce, const struct sample_detail *details, struct sample_judgement *judgements,
                       struct sample_problem *problem)
{
    struct reading *r = malloc(sizeof *r);
    bool *seen = calloc((size_t)s->count, sizeof *seen);
    bool good = r != NULL && seen != NULL;
    int32_t lines = 0;
    if (!good)
        *problem = (struct sample_problem){0, NULL, "memory ran out"};
    good = good && begin(r, text, length, problem);
    for (; good && r->left > 0; lines++)
        good = next_line(r) && read_line(r, s, f, nonce, details, judgements, seen);
    if (good && lines < s->count) {
        *problem = (struct sample_problem){0, "pick", "picks of the sample are missing from the paper"};
        good = false;
    }
    free(seen);
    free(r);
    return good;
}
