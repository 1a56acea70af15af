/* Stages of a bundle: rows, inputs, position. One pass over the rows serves all three. */
#include "base/json_difference.h"
#include "base/text.h"
#include "proof/bundle_checking.h"
#include "proof/row_tree.h"

#include "base/parse.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MOVED_HEADER "month,commissioner,index,path," ROW_LINE_HEADER

/* What the statement says of a commissioner's rows of a month. */
struct stated_tree {
    int64_t rows;
    struct merkle_hash root;
};

static bool tree_of(const json_t *submission, const char *commissioner, struct stated_tree *out)
{
    size_t i;
    json_t *tree;
    json_array_foreach(json_object_get(submission, "trees"), i, tree)
    {
        const char *of = json_text(tree, "commissioner");
        const char *root = json_text(tree, "root");
        if (of == NULL || root == NULL || strcmp(of, commissioner) != 0)
            continue;
        out->rows = json_int(tree, "rows", -1);
        return out->rows >= 0 && hex_decode(root, strlen(root), out->root.bytes, MERKLE_HASH);
    }
    return false;
}

/* The lines of a file, one after the other. */
struct lines {
    const char *at;
    size_t left;
    size_t number;
};

/* false: there are no more, or (*broken) the last has no line end. */
static bool next_line(struct lines *l, const char **line, size_t *length, bool *broken)
{
    const char *end = l->left == 0 ? NULL : memchr(l->at, '\n', l->left);
    *broken = l->left > 0 && end == NULL;
    if (end == NULL)
        return false;
    *line = l->at;
    *length = (size_t)(end - l->at);
    l->left -= *length + 1;
    l->at = end + 1;
    l->number++;
    return true;
}

static bool header_is(struct lines *l, const char *header)
{
    const char *line;
    size_t length;
    bool broken;
    return next_line(l, &line, &length, &broken) && length == strlen(header) && memcmp(line, header, length) == 0;
}

static bool line_wrong(struct checking *x, const char *name, size_t number, const char *what)
{
    return differs(x, CHECK_ROWS, "%s, line %zu: %s", name, number, what);
}

static bool read_rows(struct checking *x, const struct bundle_month *m, const char *name, struct row_tree *tree)
{
    struct lines l = {m->rows.bytes, m->rows.length, 0};
    const char *line;
    size_t length;
    size_t facts;
    bool broken;
    const char *problem = NULL;
    struct row_line row;
    if (!header_is(&l, ROW_LINE_HEADER))
        return line_wrong(x, name, 1, "no header as the format has it");
    while (next_line(&l, &line, &length, &broken)) {
        if (!row_line_read(line, length, &row, &facts, &problem))
            return line_wrong(x, name, l.number, problem);
        if (!row_tree_add(tree, row.row.row_no, line, facts, row.private_digest))
            return line_wrong(x, name, l.number, "rows do not come in order of row_no");
        if (x->position != NULL && !bundle_case_add(x->position, m->month, &row, false))
            return differs(x, CHECK_ROWS, "memory ran out");
    }
    return !broken || line_wrong(x, name, l.number + 1, "the last line has no end");
}

static bool check_month(struct checking *x, const struct bundle_month *m)
{
    struct stated_tree stated;
    struct merkle_hash root;
    uint64_t rows = 0;
    char name[20];
    char month[8];
    month_format(m->month, month);
    (void)snprintf(name, sizeof name, "rows/%s.csv", month);
    if (!tree_of(submission_of_month(x, m->month), json_text(x->account, "commissioner"), &stated))
        return differs(x, CHECK_ROWS, "the statement has no tree for %s", name);
    struct row_tree *tree = row_tree_new(NULL, NULL);
    bool good = tree != NULL ? read_rows(x, m, name, tree) : differs(x, CHECK_ROWS, "memory ran out");
    if (good && !row_tree_finish(tree, &rows, &root))
        good = differs(x, CHECK_ROWS, "memory ran out");
    row_tree_free(tree);
    if (good && rows != (uint64_t)stated.rows)
        return differs(x, CHECK_ROWS, "%s has %llu rows, but the statement says %lld", name, (unsigned long long)rows,
                       (long long)stated.rows);
    return good && (merkle_same(&root, &stated.root) ||
                    differs(x, CHECK_ROWS, "the rows of %s have another root than the statement says", name));
}

/* Cuts the text up to the next comma off. */
static bool cut(const char **at, size_t *left, const char **field, size_t *length)
{
    const char *comma = memchr(*at, ',', *left);
    if (comma == NULL)
        return false;
    *field = *at;
    *length = (size_t)(comma - *at);
    *left -= *length + 1;
    *at = comma + 1;
    return true;
}

static bool read_path(const char *text, size_t length, struct merkle_proof *out)
{
    out->count = 0;
    while (length > 0) {
        size_t used = out->count == 0 ? 0 : 1;
        if (out->count == MERKLE_PROOF_MAX || length < used + 64 || (used == 1 && text[0] != ' ') ||
            !hex_decode(text + used, 64, out->hash[out->count].bytes, MERKLE_HASH))
            return false;
        out->count++;
        text += used + 64;
        length -= used + 64;
    }
    return true;
}

/* A line of moved.csv: in the tree of whose row it was. */
struct moved_line {
    month_t month;
    char commissioner[8];
    int64_t index;
    struct merkle_proof path;
    struct row_line row;
    const char *facts;
    size_t facts_length;
};

/* NULL, or what is wrong. */
static const char *read_moved(const char *line, size_t length, struct moved_line *out)
{
    const char *field;
    const char *problem = NULL;
    size_t n;
    if (!cut(&line, &length, &field, &n) || !month_parse(field, n, &out->month))
        return "no month";
    if (!cut(&line, &length, &field, &n) || n < 3 || n >= sizeof out->commissioner)
        return "no commissioner";
    (void)snprintf(out->commissioner, sizeof out->commissioner, "%.*s", (int)n, field);
    if (!cut(&line, &length, &field, &n) || !parse_i64_within(field, n, 0, INT32_MAX, &out->index))
        return "no index";
    if (!cut(&line, &length, &field, &n) || !read_path(field, n, &out->path))
        return "no path";
    out->facts = line;
    return row_line_read(line, length, &out->row, &out->facts_length, &problem) ? NULL : problem;
}

static const char *prove_moved(const struct checking *x, const struct moved_line *m)
{
    struct stated_tree tree;
    struct merkle_hash leaf;
    if (!tree_of(submission_of_month(x, m->month), m->commissioner, &tree))
        return "the statement has no tree of this month and commissioner";
    if (!row_leaf(m->facts, m->facts_length, m->row.private_digest, &leaf) ||
        !merkle_inclusion_holds(&leaf, (uint64_t)m->index, (uint64_t)tree.rows, &m->path, &tree.root))
        return "the row's path does not lead to the root of its tree";
    return NULL;
}

static bool check_moved(struct checking *x)
{
    struct lines l = {x->b.moved.bytes, x->b.moved.length, 0};
    const char *line;
    size_t length;
    bool broken = false;
    if (l.at == NULL)
        return true;
    struct moved_line *m = malloc(sizeof *m);
    if (m == NULL)
        return differs(x, CHECK_ROWS, "memory ran out");
    bool good = header_is(&l, MOVED_HEADER) || line_wrong(x, BUNDLE_MOVED, 1, "no header as the format has it");
    while (good && next_line(&l, &line, &length, &broken)) {
        const char *what = read_moved(line, length, m);
        what = what == NULL ? prove_moved(x, m) : what;
        if (what != NULL)
            good = line_wrong(x, BUNDLE_MOVED, l.number, what);
        else if (x->position != NULL && !bundle_case_add(x->position, m->month, &m->row, true))
            good = differs(x, CHECK_ROWS, "memory ran out");
    }
    free(m);
    return good && (!broken || line_wrong(x, BUNDLE_MOVED, l.number + 1, "the last line has no end"));
}

void bundle_check_rows(struct checking *x)
{
    size_t stated = json_array_size(json_object_get(x->statement, "submissions"));
    if (x->inputs_read && x->terms_read && x->inputs.financial_year == json_int(x->account, "financial_year", 0) &&
        same_text(x->inputs.commissioner, json_text(x->account, "commissioner")))
        x->position = bundle_case_new(&x->inputs, x->versions, x->version_count, x->last);
    bool good = stated == x->b.month_count ||
                differs(x, CHECK_ROWS, "the statement names %zu submissions, and there are %zu files of rows", stated,
                        x->b.month_count);
    for (size_t i = 0; good && i < x->b.month_count; i++)
        good = check_month(x, &x->b.month[i]);
    x->rows_read = good && check_moved(x);
}

bool bundle_each_row(const struct checking *x,
                     bool (*each)(void *context, month_t month, const struct row_line *line, bool moved), void *context)
{
    const char *line;
    const char *problem;
    size_t length;
    size_t facts;
    bool broken;
    bool good = true;
    struct row_line row;
    struct moved_line *moved = malloc(sizeof *moved);
    for (size_t i = 0; good && i < x->b.month_count; i++) {
        struct lines l = {x->b.month[i].rows.bytes, x->b.month[i].rows.length, 0};
        (void)next_line(&l, &line, &length, &broken);
        while (good && next_line(&l, &line, &length, &broken))
            good =
                row_line_read(line, length, &row, &facts, &problem) && each(context, x->b.month[i].month, &row, false);
    }
    struct lines l = {x->b.moved.bytes, x->b.moved.length, 0};
    (void)next_line(&l, &line, &length, &broken);
    while (good && moved != NULL && next_line(&l, &line, &length, &broken))
        good = read_moved(line, length, moved) == NULL && each(context, moved->month, &moved->row, true);
    good = good && moved != NULL;
    free(moved);
    return good;
}

/* Account, run, engine and submissions as the statement has them. */
static bool inputs_of_statement(struct checking *x)
{
    const struct bundle_inputs *in = &x->inputs;
    const struct {
        const char *name;
        const char *here;
        const char *there;
    } same[] = {{"provider", in->provider, json_text(x->account, "provider")},
                {"contract", in->contract, json_text(x->account, "contract")},
                {"commissioner", in->commissioner, json_text(x->account, "commissioner")},
                {"engine", in->engine, json_text(x->statement, "engine")}};
    for (size_t i = 0; i < sizeof same / sizeof same[0]; i++) {
        if (!same_text(same[i].here, same[i].there))
            return differs(x, CHECK_INPUTS, "/%s is %s, but the statement says %s", same[i].name, same[i].here,
                           same[i].there == NULL ? "nothing" : same[i].there);
    }
    if (in->financial_year != json_int(x->account, "financial_year", 0) || in->month != x->month)
        return differs(x, CHECK_INPUTS, "/month or /financial_year is not the statement's");
    for (size_t k = 0; k < TERMS_MONTHS; k++) {
        const struct position_month *m = &in->months[k];
        const json_t *s = submission_of_month(x, m->month);
        char month[8];
        month_format(m->month, month);
        if ((s == NULL) != (m->submission == NULL))
            return differs(x, CHECK_INPUTS, "/months/%s: either the inputs or the statement have a submission of it",
                           month);
        if (s != NULL && (!same_text(m->submission, json_text(s, "submission")) ||
                          !same_text(m->sha256, json_text(s, "sha256")) || in->version[k] != json_int(s, "version", 0)))
            return differs(x, CHECK_INPUTS, "/months/%s is another submission than the statement's", month);
    }
    return true;
}

void bundle_check_inputs(struct checking *x)
{
    char where[DETAIL_SIZE];
    if (!x->inputs_read) {
        (void)differs(x, CHECK_INPUTS, "%s: %s", x->inputs_problem.field, x->inputs_problem.message);
        return;
    }
    for (size_t k = 0; k < TERMS_MONTHS; k++)
        x->erased += x->inputs.erased[k];
    if (!inputs_of_statement(x))
        return;
    if (x->position == NULL || !x->rows_read)
        not_checked(x, CHECK_INPUTS, "the rows or the terms cannot be read");
    else if (!bundle_case_whole(x->position, where, sizeof where))
        (void)differs(x, CHECK_INPUTS, "%s", where);
}

/* Byte for byte; where they part is said by member. */
static bool same_document(struct checking *x, const char *name, const json_t *stated, const char *bytes, size_t length)
{
    struct json_problem problem;
    char where[DETAIL_SIZE];
    size_t size = 0;
    char *there = json_canonical(stated, &size);
    bool same = there != NULL && size == length && memcmp(there, bytes, length) == 0;
    free(there);
    if (same)
        return true;
    json_t *found = json_read(bytes, length, &problem);
    if (!json_first_difference(name, stated, found, where, sizeof where))
        (void)snprintf(where, sizeof where, "%s has other bytes", name);
    json_decref(found);
    return differs(x, CHECK_POSITION, "%s", where);
}

static bool recompute(struct checking *x, const char *name, const json_t *stated, month_t month)
{
    char reason[POSITION_REASON_SIZE] = "";
    char *bytes = NULL;
    size_t length = 0;
    if (bundle_case_position(x->position, month, &bytes, &length, reason) != BUNDLE_CASE_DONE)
        return differs(x, CHECK_POSITION, "%s cannot be recomputed: %s", name,
                       reason[0] == '\0' ? "memory ran out" : reason);
    bool same = same_document(x, name, stated, bytes, length);
    free(bytes);
    return same;
}

void bundle_check_position(struct checking *x)
{
    const char *engine = json_text(x->statement, "engine");
    const json_t *billing = json_object_get(x->statement, "billing");
    const json_t *billed = json_object_get(billing, "position");
    if (x->position == NULL || !x->rows_read || x->verdict[CHECK_INPUTS].outcome != OUTCOME_GOOD)
        not_checked(x, CHECK_POSITION, "rows, terms or inputs cannot be read");
    else if (!same_text(engine, POSITION_ENGINE))
        not_checked(x, CHECK_POSITION, "made by the engine %s; this program has " POSITION_ENGINE, engine);
    else if (recompute(x, "/position", json_object_get(x->statement, "position"), x->month) && json_is_object(billed))
        (void)recompute(x, "/billing/position", billed, x->last);
}
