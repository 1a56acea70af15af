/* The proof that a row is in the commitment that statements name: its facts and the path to the root. It reads the rows
 * of one block and the roots of the blocks. */
#include "base/parse.h"
#include "domain/row_line.h"
#include "proof/row_tree.h"
#include "routes/common.h"
#include "routes/handlers.h"
#include "store/line_row.h"
#include "store/row_tree.h"
#include "store/submission.h"

#include <stdlib.h>
#include <string.h>

struct proving {
    struct request *r;
    struct submission s;
    int32_t row_no;
    char commissioner[EPISODE_CODE_SIZE];
    struct row_tree_root tree;
    struct row_tree_part block;
    PGresult *stored; /* of the block */
    struct episode *rows;
    struct merkle_hash *leaves;
    uint8_t *roots;
    size_t root_count;
    struct merkle_proof path;
    uint32_t place; /* of the row in its block */
    bool replied;   /* with a problem */
};

static enum pg_status find_row(struct proving *x)
{
    PGresult *row = NULL;
    enum pg_status status = line_rows_some(x->r->pg, x->s.provider, x->s.no, NULL, &x->row_no, 1, &row);
    if (status == PG_OK && PQntuples(row) == 0)
        status = PG_NONE;
    if (status == PG_OK) {
        const char *code = pg_text(row, 0, "commissioner");
        memcpy(x->commissioner, code, strnlen(code, sizeof x->commissioner - 1));
    }
    PQclear(row);
    return status;
}

/* The rows of the block, in the order of its entries. */
static enum pg_status read_rows(struct proving *x)
{
    int32_t numbers[ROW_BLOCK];
    PGresult *rows = NULL;
    uint32_t count = (uint32_t)x->block.rows;
    x->place = count;
    for (uint32_t i = 0; i < count; i++) {
        struct row_entry entry;
        row_entry_read(x->block.entries + (size_t)ROW_ENTRY * i, &entry);
        numbers[i] = entry.row_no;
        if (entry.row_no == x->row_no)
            x->place = i;
    }
    enum pg_status status = line_rows_some(x->r->pg, x->s.provider, x->s.no, x->commissioner, numbers, count, &rows);
    x->rows = calloc(count, sizeof *x->rows);
    if (status == PG_OK && (x->rows == NULL || (uint32_t)PQntuples(rows) != count || x->place == count))
        status = PG_FAILED;
    for (uint32_t i = 0; status == PG_OK && i < count; i++)
        line_row_read(rows, (int)i, &x->rows[i]);
    PQclear(rows);
    return status;
}

static enum pg_status prove(struct proving *x)
{
    struct merkle_hash *roots = NULL;
    uint32_t count = (uint32_t)x->block.rows;
    uint64_t index = (uint64_t)x->block.block * ROW_BLOCK + x->place;
    enum pg_status status =
        row_tree_block_roots(x->r->pg, x->s.provider, x->s.no, x->commissioner, &x->roots, &x->root_count);
    if (status != PG_OK)
        return status;
    x->leaves = calloc(count, sizeof *x->leaves);
    roots = calloc(x->root_count + 1, sizeof *roots);
    for (size_t i = 0; roots != NULL && i < x->root_count; i++)
        memcpy(roots[i].bytes, x->roots + ROW_TREE_HASH * i, ROW_TREE_HASH);
    bool proved = x->leaves != NULL && roots != NULL && row_block_leaves(x->block.entries, x->rows, count, x->leaves) &&
                  row_tree_proof(index, (uint64_t)x->tree.rows, x->leaves, roots, &x->path);
    free(roots);
    return proved ? PG_OK : PG_FAILED;
}

/* Facts and private digest apart: together they are the line. */
static json_t *proof_body(const struct proving *x)
{
    struct row_entry entry;
    char facts[ROW_LINE_SIZE];
    char month[8];
    json_t *body = json_object();
    row_entry_read(x->block.entries + (size_t)ROW_ENTRY * x->place, &entry);
    (void)row_facts_write(&x->rows[x->place], entry.tag, facts);
    month_format(x->s.month, month);
    int64_t index = x->block.block * ROW_BLOCK + x->place;
    if (body != NULL && json_put(body, "submission", json_string(x->s.id)) &&
        json_put(body, "month", json_string(month)) && json_put(body, "commissioner", json_string(x->commissioner)) &&
        json_put(body, "row_no", json_integer(x->row_no)) && json_put(body, "facts", json_string(facts)) &&
        json_put(body, "private", json_hex(entry.private_digest, 32)) &&
        json_put(body, "leaf", json_hex(x->leaves[x->place].bytes, 32)) &&
        json_put(body, "index", json_integer(index)) && json_put(body, "rows", json_integer(x->tree.rows)) &&
        json_put(body, "root", json_hex(x->tree.root, 32)) && json_put(body, "path", merkle_path_json(&x->path)))
        return body;
    json_decref(body);
    return NULL;
}

static enum pg_status find_tree(struct proving *x)
{
    enum pg_status status = row_tree_get(x->r->pg, x->s.provider, x->s.no, x->commissioner, &x->tree);
    if (status == PG_OK)
        return row_tree_block_of(x->r->pg, x->s.provider, x->s.no, x->commissioner, x->row_no, &x->block, &x->stored);
    if (status == PG_NONE) {
        reply_problem(
            x->r, PROBLEM_CONFLICT, NULL,
            "The rows of this commissioner have not been committed to yet: that follows some minutes after the"
            " acceptance where there is a contract, and with the first statement at the latest");
        x->replied = true;
    }
    return status;
}

static enum pg_status find_all(struct proving *x)
{
    enum pg_status status = submission_get(x->r->pg, x->r->path_values[0], x->r->path_values[1], &x->s);
    if (status == PG_OK)
        status = find_row(x);
    if (status == PG_OK)
        status = find_tree(x);
    if (status == PG_OK)
        status = read_rows(x);
    return status == PG_OK ? prove(x) : status;
}

void row_proof_get(struct request *r)
{
    struct proving x;
    int64_t row_no = 0;
    memset(&x, 0, sizeof x);
    x.r = r;
    if (!request_path_ident(r, 1) || !request_path_number(r, 2, &row_no))
        return;
    x.row_no = row_no <= INT32_MAX ? (int32_t)row_no : -1;
    enum pg_status status = find_all(&x);
    if (status == PG_OK)
        reply_body(r, proof_body(&x));
    else if (!x.replied)
        reply_store(r, status);
    PQclear(x.stored);
    free(x.rows);
    free(x.leaves);
    free(x.roots);
}
