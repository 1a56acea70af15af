#include "cli/fsck_part.h"

#include "base/json.h"
#include "base/parse.h"
#include "proof/row_tree.h"
#include "store/episode.h"
#include "store/row_tree.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The tree at hand, made again from rows and entries. */
struct remaking {
    struct fsck *f;
    const struct row_tree_place *place;
    struct episode *rows;       /* of a block */
    struct merkle_hash *leaves; /* of a block */
    struct merkle_edge blocks;
    int64_t found; /* rows */
    enum pg_status status;
};

/* block -1: the tree itself. */
static void key_of(const struct remaking *m, int64_t block, char *out, size_t size)
{
    char month[8];
    char number[24] = "";
    month_format(m->place->month, month);
    if (block >= 0)
        (void)snprintf(number, sizeof number, "/%lld", (long long)block);
    (void)snprintf(out, size, "%s/%s/%lld/%s%s", m->place->provider, month, (long long)m->place->version,
                   m->place->commissioner, number);
}

static void compare_block(struct remaking *m, const struct row_tree_part *part, size_t rows)
{
    char key[80];
    key_of(m, part->block, key, sizeof key);
    m->found += (int64_t)rows;
    if ((int64_t)rows != part->rows) {
        fsck_differs_i64(m->f, "row_tree_block", key, "rows", part->rows, (int64_t)rows);
        return;
    }
    if (!row_block_leaves(part->entries, m->rows, (uint32_t)rows, m->leaves)) {
        fsck_differs(m->f, "row_tree_block", key, "row numbers", "others", "those of the rows");
        return;
    }
    struct merkle_hash root = row_block_root(m->leaves, (uint32_t)rows);
    if (memcmp(root.bytes, part->root, ROW_TREE_HASH) != 0)
        fsck_differs_hash(m->f, "row_tree_block", key, "root", part->root, root.bytes);
    (void)merkle_edge_add(&m->blocks, &root, NULL, NULL); /* full at 2^48 alone */
}

/* PG_NONE behind the last block. */
static enum pg_status read_block(struct remaking *m, int64_t block)
{
    const struct row_tree_place *p = m->place;
    struct row_tree_part part;
    PGresult *stored = NULL;
    size_t rows = 0;
    enum pg_status status =
        row_tree_block(m->f->pg, p->provider, p->submission, p->commissioner, block, &part, &stored);
    if (status == PG_OK)
        status = episode_range(m->f->pg, p->provider, p->submission, p->commissioner, part.first_row, part.last_row,
                               m->rows, ROW_BLOCK, &rows);
    if (status == PG_OK || status == PG_INVALID) /* more rows than a block has */
        compare_block(m, &part, status == PG_OK ? rows : rows + 1);
    PQclear(stored);
    return status == PG_INVALID ? PG_OK : status;
}

static bool remake(void *context, const struct row_tree_place *place)
{
    struct remaking *m = context;
    char key[80];
    int64_t there = 0;
    m->place = place;
    m->found = 0;
    m->status = PG_OK;
    merkle_edge_init(&m->blocks);
    for (int64_t block = 0; m->status == PG_OK; block++)
        m->status = read_block(m, block);
    if (m->status == PG_NONE)
        m->status = row_tree_count_rows(m->f->pg, place->provider, place->submission, place->commissioner, &there);
    if (m->status != PG_OK)
        return false;
    struct merkle_hash root = merkle_edge_root(&m->blocks);
    key_of(m, -1, key, sizeof key);
    if (there != place->tree.rows)
        fsck_differs_i64(m->f, "row_tree", key, "rows", place->tree.rows, there);
    if (memcmp(root.bytes, place->tree.root, ROW_TREE_HASH) != 0)
        fsck_differs_hash(m->f, "row_tree", key, "root", place->tree.root, root.bytes);
    fsck_count(m->f, 1);
    return true;
}

/* One tree that a statement states. */
static enum pg_status compare_stated(struct fsck *f, const char *key, const char *provider, const char *submission,
                                     const json_t *stated)
{
    const char *commissioner = json_text(stated, "commissioner");
    const char *root = json_text(stated, "root");
    struct row_tree_root tree;
    char what[64];
    char hex[2 * ROW_TREE_HASH + 1] = "none";
    if (commissioner == NULL || root == NULL)
        return PG_OK; /* said already: the statement does not agree with itself */
    enum pg_status status = row_tree_of(f->pg, provider, submission, commissioner, &tree);
    if (status == PG_OK)
        hex_encode(tree.root, sizeof tree.root, hex);
    (void)snprintf(what, sizeof what, "root of %s's rows in %s", commissioner, submission);
    if (strcmp(hex, root) != 0)
        fsck_differs(f, "statement", key, what, root, hex);
    else if (tree.rows != json_int(stated, "rows", -1))
        fsck_differs_i64(f, "statement", key, what, json_int(stated, "rows", -1), tree.rows);
    return status == PG_NONE ? PG_OK : status;
}

enum pg_status fsck_stated_trees(struct fsck *f, const char *key, const json_t *statement)
{
    const char *provider = json_text(json_object_get(statement, "account"), "provider");
    enum pg_status status = PG_OK;
    size_t i;
    size_t k;
    json_t *submission;
    json_t *tree;
    json_array_foreach(json_object_get(statement, "submissions"), i, submission)
    {
        const char *id = json_text(submission, "submission");
        json_array_foreach(json_object_get(submission, "trees"), k, tree)
        {
            if (status == PG_OK && provider != NULL && id != NULL)
                status = compare_stated(f, key, provider, id, tree);
        }
    }
    return status;
}

enum pg_status fsck_rows(struct fsck *f)
{
    struct remaking m = {.f = f, .status = PG_OK};
    m.rows = calloc(ROW_BLOCK, sizeof *m.rows);
    m.leaves = calloc(ROW_BLOCK, sizeof *m.leaves);
    f->out_of_memory = m.rows == NULL || m.leaves == NULL;
    enum pg_status status = PG_FAILED;
    if (!f->out_of_memory)
        status = row_tree_each(f->pg, f->provider, f->month, remake, &m);
    if (status == PG_INVALID)
        status = m.status;
    free(m.rows);
    free(m.leaves);
    return status;
}
