/* The commitment to the rows of one commissioner in one submission: a Merkle tree (proof/merkle.h) over the rows in
 * ascending row_no, payable or not. A leaf is SHA-256(0x00 || length of the facts, 4 bytes big-endian || facts ||
 * private digest): see api/formats/rows.md. The tree is cut into blocks of 4,096 leaves, each a complete subtree but
 * the last, so that the proof of one row needs its block's rows and the roots of the blocks. Pure. */
#ifndef RECKONER_PROOF_ROW_TREE_H
#define RECKONER_PROOF_ROW_TREE_H

#include "base/ident.h"
#include "domain/episode.h"
#include "proof/merkle.h"

#define ROW_BLOCK 4096 /* leaves of a block */

/* A block that is whole; the last one may have fewer rows. */
struct row_block {
    uint32_t no;   /* 0, 1, 2 ... */
    uint32_t rows; /* 1 to ROW_BLOCK */
    int32_t first_row;
    int32_t last_row;
    struct merkle_hash root;
};

/* Told of each block in order; false stops. */
typedef bool row_tree_keep(void *context, const struct row_block *block);

struct row_tree;

/* keep may be NULL. NULL: out of memory. */
struct row_tree *row_tree_new(row_tree_keep *keep, void *context);
/* NULL is allowed. */
void row_tree_free(struct row_tree *t);
/* Adds the next row: row numbers ascend. false: memory ran out, the order is wrong, or keep refused; it stays so. */
bool row_tree_add(struct row_tree *t, int32_t row_no, const char *facts, size_t length,
                  const uint8_t private_digest[32]);
/* Ends the last block; *rows and *root are the tree's. false: here or before. Once. */
bool row_tree_finish(struct row_tree *t, uint64_t *rows, struct merkle_hash *root);

/* One leaf. false: the facts are too long, or libcrypto failed. */
bool row_leaf(const char *facts, size_t length, const uint8_t private_digest[32], struct merkle_hash *out);

/* What the rows of a block do not say themselves, as it is kept beside them: row_no (4 bytes big-endian), tag, private
 * digest. */
#define ROW_ENTRY 56
struct row_entry {
    int32_t row_no;
    char tag[IDENT_SIZE];
    uint8_t private_digest[32];
};
void row_entry_write(const struct row_entry *entry, uint8_t out[ROW_ENTRY]);
void row_entry_read(const uint8_t bytes[ROW_ENTRY], struct row_entry *out);
/* The leaves of a block of `rows` rows from its entries and the facts of the same rows, in the same order. false: a row
 * is another than its entry says, or libcrypto failed. */
bool row_block_leaves(const uint8_t *entries, const struct episode *facts, uint32_t rows, struct merkle_hash *leaves);
/* The root of some leaves. */
struct merkle_hash row_block_root(const struct merkle_hash *leaves, uint32_t rows);

/* The proof of row `index` of a tree of `rows` rows (merkle_inclusion_holds checks it): from the leaves of its block
 * and the roots of all blocks. false: the numbers do not fit each other, or memory ran out. */
bool row_tree_proof(uint64_t index, uint64_t rows, const struct merkle_hash *leaves, const struct merkle_hash *blocks,
                    struct merkle_proof *out);

#endif
