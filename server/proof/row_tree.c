#include "proof/row_tree.h"

#include "base/sha256.h"
#include "domain/row_line.h"

#include <stdlib.h>
#include <string.h>

#define FACTS_MAXIMUM 1024
#define DIGEST        32

struct row_tree {
    row_tree_keep *keep;
    void *context;
    struct sha256 *hasher;
    struct merkle_edge blocks; /* over the roots of the blocks so far */
    struct merkle_edge leaves; /* of the block that is being filled */
    uint64_t rows;
    int32_t first_row;
    int32_t last_row;
    bool failed;
};

struct row_tree *row_tree_new(row_tree_keep *keep, void *context)
{
    struct row_tree *t = calloc(1, sizeof *t);
    if (!t)
        return NULL;
    t->keep = keep;
    t->context = context;
    t->hasher = sha256_new();
    if (t->hasher)
        return t;
    row_tree_free(t);
    return NULL;
}

void row_tree_free(struct row_tree *t)
{
    if (!t)
        return;
    sha256_free(t->hasher);
    free(t);
}

static bool hash_leaf(struct sha256 *h, const char *facts, size_t length, const uint8_t private_digest[DIGEST],
                      struct merkle_hash *out)
{
    uint8_t bytes[5 + FACTS_MAXIMUM + DIGEST];
    if (length > FACTS_MAXIMUM)
        return false;
    bytes[0] = 0x00;
    for (int i = 0; i < 4; i++)
        bytes[1 + i] = (uint8_t)(length >> (24 - 8 * i));
    memcpy(bytes + 5, facts, length);
    memcpy(bytes + 5 + length, private_digest, DIGEST);
    sha256_add(h, bytes, 5 + length + DIGEST);
    return sha256_finish(h, out->bytes);
}

bool row_leaf(const char *facts, size_t length, const uint8_t private_digest[DIGEST], struct merkle_hash *out)
{
    struct sha256 *h = sha256_new();
    bool good = h != NULL && hash_leaf(h, facts, length, private_digest, out);
    sha256_free(h);
    return good;
}

static bool end_block(struct row_tree *t)
{
    struct row_block b = {(uint32_t)t->blocks.size, (uint32_t)t->leaves.size, t->first_row, t->last_row,
                          merkle_edge_root(&t->leaves)};
    merkle_edge_init(&t->leaves);
    return merkle_edge_add(&t->blocks, &b.root, NULL, NULL) && (t->keep == NULL || t->keep(t->context, &b));
}

bool row_tree_add(struct row_tree *t, int32_t row_no, const char *facts, size_t length,
                  const uint8_t private_digest[DIGEST])
{
    struct merkle_hash leaf;
    if (t->failed || row_no <= t->last_row) {
        t->failed = true;
        return false;
    }
    if (t->leaves.size == 0)
        t->first_row = row_no;
    t->last_row = row_no;
    t->rows++;
    t->failed = !hash_leaf(t->hasher, facts, length, private_digest, &leaf) || !sha256_again(t->hasher) ||
                !merkle_edge_add(&t->leaves, &leaf, NULL, NULL) || (t->leaves.size == ROW_BLOCK && !end_block(t));
    return !t->failed;
}

bool row_tree_finish(struct row_tree *t, uint64_t *rows, struct merkle_hash *root)
{
    t->failed = t->failed || (t->leaves.size > 0 && !end_block(t));
    *rows = t->rows;
    *root = merkle_edge_root(&t->blocks);
    return !t->failed;
}

_Static_assert(ROW_ENTRY == 4 + IDENT_LENGTH + DIGEST, "parts of an entry");

void row_entry_write(const struct row_entry *entry, uint8_t out[ROW_ENTRY])
{
    for (int i = 0; i < 4; i++)
        out[i] = (uint8_t)((uint32_t)entry->row_no >> (24 - 8 * i));
    memcpy(out + 4, entry->tag, IDENT_LENGTH);
    memcpy(out + 4 + IDENT_LENGTH, entry->private_digest, DIGEST);
}

void row_entry_read(const uint8_t bytes[ROW_ENTRY], struct row_entry *out)
{
    uint32_t row_no = 0;
    for (int i = 0; i < 4; i++)
        row_no = row_no << 8 | bytes[i];
    out->row_no = (int32_t)row_no;
    memcpy(out->tag, bytes + 4, IDENT_LENGTH);
    out->tag[IDENT_LENGTH] = '\0';
    memcpy(out->private_digest, bytes + 4 + IDENT_LENGTH, DIGEST);
}

bool row_block_leaves(const uint8_t *entries, const struct episode *facts, uint32_t rows, struct merkle_hash *leaves)
{
    struct sha256 *h = sha256_new();
    bool good = h != NULL;
    for (uint32_t i = 0; i < rows && good; i++) {
        struct row_entry entry;
        char line[ROW_LINE_SIZE];
        row_entry_read(entries + (size_t)ROW_ENTRY * i, &entry);
        good = entry.row_no == facts[i].row_no;
        size_t length = row_facts_write(&facts[i], entry.tag, line);
        good = good && hash_leaf(h, line, length, entry.private_digest, &leaves[i]) && sha256_again(h);
    }
    sha256_free(h);
    return good;
}

struct merkle_hash row_block_root(const struct merkle_hash *leaves, uint32_t rows)
{
    struct merkle_edge e;
    merkle_edge_init(&e);
    for (uint32_t i = 0; i < rows; i++)
        (void)merkle_edge_add(&e, &leaves[i], NULL, NULL); /* full at 2^48 alone */
    return merkle_edge_root(&e);
}

static bool fetch(void *context, unsigned level, uint64_t index, struct merkle_hash *hash)
{
    const struct merkle_hash *row = context;
    /* The subtree's leaves, from the row of hashes at its bottom. */
    struct merkle_edge e;
    merkle_edge_init(&e);
    for (uint64_t i = index << level; i < (index + 1) << level; i++) {
        if (!merkle_edge_add(&e, &row[i], NULL, NULL))
            return false;
    }
    *hash = merkle_edge_root(&e);
    return true;
}

bool row_tree_proof(uint64_t index, uint64_t rows, const struct merkle_hash *leaves, const struct merkle_hash *blocks,
                    struct merkle_proof *out)
{
    struct merkle_proof above;
    uint64_t block = index / ROW_BLOCK;
    uint64_t count = rows / ROW_BLOCK + (rows % ROW_BLOCK != 0);
    if (index >= rows)
        return false;
    uint64_t in_block = block + 1 == count ? rows - block * ROW_BLOCK : ROW_BLOCK;
    if (!merkle_inclusion(index % ROW_BLOCK, in_block, fetch, (void *)leaves, out) ||
        !merkle_inclusion(block, count, fetch, (void *)blocks, &above) || out->count + above.count > MERKLE_PROOF_MAX)
        return false;
    memcpy(out->hash + out->count, above.hash, above.count * sizeof above.hash[0]);
    out->count += above.count;
    return true;
}
