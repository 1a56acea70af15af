#include "proof/row_tree.h"

#include "base/sha256.h"

#include <stdlib.h>
#include <string.h>

#define FACTS_MAXIMUM   1024
#define DIGEST          32
#define DIGESTS_AT_ONCE 64 /* rows whose digests are made room for at first */

struct row_tree {
    row_tree_keep *keep;
    void *context;
    struct sha256 *hasher;
    struct merkle_edge blocks; /* over the roots of the blocks so far */
    struct merkle_edge leaves; /* of the block that is being filled */
    uint64_t rows;
    int32_t first_row;
    int32_t last_row;
    uint8_t *digests;
    size_t digests_room; /* rows */
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
    free(t->digests);
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

/* Keeps the digest of the next row of the block. */
static bool keep_digest(struct row_tree *t, const uint8_t private_digest[DIGEST])
{
    if (t->keep == NULL)
        return true;
    if (t->leaves.size == t->digests_room) {
        size_t room = t->digests_room == 0 ? DIGESTS_AT_ONCE : 2 * t->digests_room;
        uint8_t *wider = realloc(t->digests, room * DIGEST);
        if (!wider)
            return false;
        t->digests = wider;
        t->digests_room = room;
    }
    memcpy(t->digests + t->leaves.size * DIGEST, private_digest, DIGEST);
    return true;
}

static bool end_block(struct row_tree *t)
{
    struct row_block b = {(uint32_t)t->blocks.size,    (uint32_t)t->leaves.size, t->first_row, t->last_row, t->digests,
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
    t->failed = !keep_digest(t, private_digest) || !hash_leaf(t->hasher, facts, length, private_digest, &leaf) ||
                !sha256_again(t->hasher) || !merkle_edge_add(&t->leaves, &leaf, NULL, NULL) ||
                (t->leaves.size == ROW_BLOCK && !end_block(t));
    return !t->failed;
}

bool row_tree_finish(struct row_tree *t, uint64_t *rows, struct merkle_hash *root)
{
    t->failed = t->failed || (t->leaves.size > 0 && !end_block(t));
    *rows = t->rows;
    *root = merkle_edge_root(&t->blocks);
    return !t->failed;
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
