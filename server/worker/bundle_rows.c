/* Rows of a bundle: those of the account's commissioner by month, through a temporary file since a member begins with
 * its size; and those moved in, each with its path. */
#include "worker/bundle.h"

#include "check/spool.h"
#include "domain/bundle.h"
#include "domain/row_line.h"
#include "proof/row_tree.h"
#include "store/episode.h"
#include "store/row_tree.h"

#include "base/parse.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MOVED_HEADER  "month,commissioner,index,path," ROW_LINE_HEADER "\n"
#define MOVED_MAXIMUM ((size_t)64 << 20)
#define COPY_BYTES    ((size_t)64 * 1024)

static const char lost_rows[] = "The rows of a submission are not those of its row tree, or some are missing: reckoner"
                                " fsck names them. There is no bundle until the operator has restored them.";

/* A block of a tree with its rows. */
struct block {
    struct row_tree_part part;
    PGresult *stored;
    struct episode *rows; /* room for ROW_BLOCK */
    size_t count;
};

static bool read_block_rows(struct bundle_job *b, int64_t submission, const char *commissioner, struct block *k)
{
    enum pg_status status = episode_range(b->pg, b->subject.account.provider, submission, commissioner,
                                          k->part.first_row, k->part.last_row, k->rows, ROW_BLOCK, &k->count);
    if (status == PG_INVALID || (status == PG_OK && (int64_t)k->count != k->part.rows))
        return bundle_refused(b, lost_rows);
    return status == PG_OK || bundle_failed(b, status);
}

/* The line of a row of the block; false: it is another row. */
static bool line_of(const struct block *k, size_t i, char *out, size_t *length)
{
    struct row_entry entry;
    struct row_line line = {.row = k->rows[i]};
    row_entry_read(k->part.entries + ROW_ENTRY * i, &entry);
    memcpy(line.tag, entry.tag, sizeof line.tag);
    memcpy(line.private_digest, entry.private_digest, sizeof line.private_digest);
    *length = row_line_write(&line, out);
    return entry.row_no == k->rows[i].row_no;
}

static bool may_name(struct bundle_job *b, const struct block *k, const char **service)
{
    for (size_t i = 0; i < k->count; i++) {
        const char *text = k->rows[i].service;
        if (text[0] == '\0' || (*service != NULL && strcmp(text, *service) == 0))
            continue;
        switch (leak_guard_text(b->guard, text, strlen(text))) {
        case LEAK_CLEAN:
            break;
        case LEAK_UNKNOWN:
            return bundle_failed(b, leak_guard_status(b->guard));
        case LEAK_FOUND:
            return bundle_refused(b, "A service code of the rows could identify a patient and was kept back: there is"
                                     " no bundle. Tell the operator.");
        }
        *service = text;
    }
    *service = NULL; /* it points into rows that go */
    return true;
}

static bool spool_block(struct bundle_job *b, const struct block *k, struct journal *j)
{
    char line[ROW_LINE_SIZE + 1];
    const char *service = NULL;
    size_t length;
    if (!may_name(b, k, &service))
        return false;
    for (size_t i = 0; i < k->count; i++) {
        if (!line_of(k, i, line, &length))
            return bundle_refused(b, lost_rows);
        line[length] = '\n';
        if (!journal_append(j, line, length + 1))
            return bundle_no_memory(b);
    }
    b->lines += (int64_t)k->count;
    return true;
}

static bool spool_tree(struct bundle_job *b, int64_t submission, const struct row_tree_root *tree, struct journal *j)
{
    const char *provider = b->subject.account.provider;
    const char *commissioner = b->subject.account.commissioner;
    struct block k = {.rows = malloc(ROW_BLOCK * sizeof *k.rows)};
    bool good = k.rows != NULL || bundle_no_memory(b);
    int64_t rows = 0;
    for (int64_t no = 0; good && rows < tree->rows; no++) {
        enum pg_status status = row_tree_block(b->pg, provider, submission, commissioner, no, &k.part, &k.stored);
        if (status == PG_OK && atomic_load(&b->order->w->lost))
            status = PG_NONE;
        good = status == PG_OK || bundle_failed(b, status);
        good = good && read_block_rows(b, submission, commissioner, &k) && spool_block(b, &k, j);
        rows += good ? k.part.rows : 0;
        PQclear(k.stored);
        k.stored = NULL;
    }
    free(k.rows);
    return good;
}

static bool copy_spool(struct bundle_job *b, const char *name, struct journal *j)
{
    uint64_t left = journal_length(j);
    char *piece = malloc(COPY_BYTES);
    bool good = piece != NULL ? bundle_member_begin(b, name, left) : bundle_no_memory(b);
    while (good && left > 0) {
        size_t n = left < COPY_BYTES ? (size_t)left : COPY_BYTES;
        good = journal_next(j, piece, n) ? bundle_member_bytes(b, piece, n) : bundle_no_memory(b);
        left -= n;
    }
    free(piece);
    return good && bundle_member_end(b, journal_length(j));
}

static bool write_month(struct bundle_job *b, size_t i)
{
    struct row_tree_root tree;
    char month[8];
    char name[40];
    enum pg_status status =
        row_tree_get(b->pg, b->subject.account.provider, b->s.submission[i].no, b->subject.account.commissioner, &tree);
    if (status != PG_OK)
        return status == PG_NONE ? bundle_refused(b, lost_rows) : bundle_failed(b, status);
    struct journal *j = journal_new(b->order->w->config->spool_dir);
    bool good = j != NULL && journal_append(j, ROW_LINE_HEADER "\n", sizeof ROW_LINE_HEADER);
    month_format(b->s.month[i].month, month);
    (void)snprintf(name, sizeof name, "rows/%s.csv", month);
    good = good ? spool_tree(b, b->s.submission[i].no, &tree, j) && copy_spool(b, name, j) : bundle_no_memory(b);
    journal_free(j);
    return good;
}

bool bundle_write_rows(struct bundle_job *b)
{
    bool written = true;
    for (size_t i = 0; written && i < b->s.months; i++)
        written = b->s.submission[i].no == 0 || write_month(b, i);
    return written;
}

/* Rows moved in. */

static bool path_text(const struct merkle_proof *p, struct buf *out)
{
    bool good = true;
    for (uint32_t i = 0; good && i < p->count; i++) {
        char hex[2 * MERKLE_HASH + 1];
        hex_encode(p->hash[i].bytes, MERKLE_HASH, hex);
        good = (i == 0 || buf_append_char(out, ' ')) && buf_append_text(out, hex);
    }
    return good;
}

/* The path of a row of a block, from the roots of all blocks. */
static bool prove(struct bundle_job *b, int64_t submission, const char *commissioner, const struct block *k,
                  size_t place, struct merkle_proof *out)
{
    const char *provider = b->subject.account.provider;
    struct row_tree_root tree;
    uint8_t *roots = NULL;
    size_t count = 0;
    enum pg_status status = row_tree_get(b->pg, provider, submission, commissioner, &tree);
    if (status == PG_OK)
        status = row_tree_block_roots(b->pg, provider, submission, commissioner, &roots, &count);
    if (status != PG_OK)
        return status == PG_NONE ? bundle_refused(b, lost_rows) : bundle_failed(b, status);
    struct merkle_hash *blocks = calloc(count + 1, sizeof *blocks);
    struct merkle_hash *leaves = calloc(k->count, sizeof *leaves);
    for (size_t i = 0; blocks != NULL && i < count; i++)
        memcpy(blocks[i].bytes, roots + ROW_TREE_HASH * i, ROW_TREE_HASH);
    bool proved = blocks != NULL && leaves != NULL &&
                  row_block_leaves(k->part.entries, k->rows, (uint32_t)k->count, leaves) &&
                  row_tree_proof((uint64_t)k->part.block * ROW_BLOCK + place, (uint64_t)tree.rows, leaves, blocks, out);
    free(blocks);
    free(leaves);
    free(roots);
    return proved || bundle_refused(b, lost_rows);
}

static bool write_moved_row(struct bundle_job *b, const struct row_change *c, struct block *k, struct buf *out)
{
    const char *commissioner = c->row.commissioner;
    int64_t submission = b->s.submission[month_number(c->month) - 1].no;
    struct merkle_proof path = {0};
    char line[ROW_LINE_SIZE];
    char month[8];
    size_t length;
    size_t place = 0;
    enum pg_status status = row_tree_block_of(b->pg, b->subject.account.provider, submission, commissioner,
                                              c->row.row_no, &k->part, &k->stored);
    if (status != PG_OK)
        return status == PG_NONE ? bundle_refused(b, lost_rows) : bundle_failed(b, status);
    if (!read_block_rows(b, submission, commissioner, k))
        return false;
    while (place < k->count && k->rows[place].row_no != c->row.row_no)
        place++;
    if (place == k->count || !line_of(k, place, line, &length))
        return bundle_refused(b, lost_rows);
    if (!prove(b, submission, commissioner, k, place, &path))
        return false;
    month_format(c->month, month);
    b->lines++;
    return (buf_append_format(out, "%s,%s,%lld,", month, commissioner,
                              (long long)k->part.block * ROW_BLOCK + (long long)place) &&
            path_text(&path, out) && buf_append_char(out, ',') && buf_append(out, line, length) &&
            buf_append_char(out, '\n')) ||
           bundle_refused(b, "More rows were moved in than the bundle's form can hold: 64 MiB.");
}

static int compare_changes(const void *a, const void *b)
{
    const struct row_change *x = *(const struct row_change *const *)a;
    const struct row_change *y = *(const struct row_change *const *)b;
    if (x->month != y->month)
        return x->month < y->month ? -1 : 1;
    return (x->row.row_no > y->row.row_no) - (x->row.row_no < y->row.row_no);
}

/* Those moved in, by month, then row. NULL: memory ran out. */
static const struct row_change **moved_rows(const struct bundle_job *b, size_t *count)
{
    const struct bridge_changes *all = &b->s.rows.changes.decided;
    const struct row_change **list = calloc(all->count + 1, sizeof(void *));
    *count = 0;
    for (size_t i = 0; list != NULL && i < all->count; i++) {
        if (!all->change[i].was_here && all->change[i].is_here)
            list[(*count)++] = &all->change[i];
    }
    if (*count > 0)
        qsort(list, *count, sizeof(void *), compare_changes);
    return list;
}

bool bundle_write_moved(struct bundle_job *b)
{
    size_t count = 0;
    const struct row_change **rows = moved_rows(b, &count);
    struct block k = {.rows = malloc(ROW_BLOCK * sizeof *k.rows)};
    struct buf out;
    buf_init(&out, MOVED_MAXIMUM);
    bool good = rows != NULL && k.rows != NULL && buf_append_text(&out, MOVED_HEADER);
    if (!good)
        (void)bundle_no_memory(b);
    for (size_t i = 0; good && i < count; i++) {
        good = write_moved_row(b, rows[i], &k, &out);
        PQclear(k.stored);
        k.stored = NULL;
    }
    if (good && count > 0)
        good = bundle_member(b, BUNDLE_MOVED, out.data, out.length);
    buf_free(&out);
    free(k.rows);
    free(rows);
    return good;
}
