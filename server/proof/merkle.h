/* Merkle trees as in RFC 6962 section 2: a leaf is SHA-256(0x00 || bytes), a node SHA-256(0x01 || left || right), the
 * left half is the largest power of two below the size, and the root of no leaves is SHA-256 of nothing. Used by the
 * log and by the commitments to rows. Pure; libsodium must be initialised.
 *
 * A tree is kept as its complete subtrees: level 0 are the leaves, node i of level l covers leaves i * 2^l up to
 * (i + 1) * 2^l. Those never change once they are there, so a log that grows writes each node once. */
#ifndef RECKONER_PROOF_MERKLE_H
#define RECKONER_PROOF_MERKLE_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MERKLE_HASH 32
/* Levels of the largest tree: sizes below 2^MERKLE_LEVELS. */
#define MERKLE_LEVELS 48
/* Hashes of the longest inclusion or consistency proof, and some. */
#define MERKLE_PROOF_MAX 64

struct merkle_hash {
    uint8_t bytes[MERKLE_HASH];
};

struct merkle_hash merkle_leaf(const void *bytes, size_t length);
struct merkle_hash merkle_node(const struct merkle_hash *left, const struct merkle_hash *right);
bool merkle_same(const struct merkle_hash *a, const struct merkle_hash *b);

/* The right edge of a growing tree: enough to add leaves and to know the root. */
struct merkle_edge {
    uint64_t size;
    struct merkle_hash subtree[MERKLE_LEVELS]; /* of level l, where bit l of size is set */
};

/* Told of each complete subtree in the order in which they come about, leaves included. false stops. */
typedef bool merkle_keep(void *context, unsigned level, uint64_t index, const struct merkle_hash *hash);

void merkle_edge_init(struct merkle_edge *e);
/* Adds a leaf; keep may be NULL. false: keep refused, or the tree is full; the edge is then of no use. */
bool merkle_edge_add(struct merkle_edge *e, const struct merkle_hash *leaf, merkle_keep *keep, void *context);
struct merkle_hash merkle_edge_root(const struct merkle_edge *e);

/* The hash of a complete subtree. false: it cannot be had; the question then fails. */
typedef bool merkle_fetch(void *context, unsigned level, uint64_t index, struct merkle_hash *hash);

struct merkle_proof {
    uint32_t count;
    struct merkle_hash hash[MERKLE_PROOF_MAX];
};

/* The edge of the tree of the first size leaves. false as fetch. */
bool merkle_edge_load(struct merkle_edge *e, uint64_t size, merkle_fetch *fetch, void *context);
/* That leaf `index` is in the tree of size leaves (RFC 6962 section 2.1.1). false as fetch, or index >= size. */
bool merkle_inclusion(uint64_t index, uint64_t size, merkle_fetch *fetch, void *context, struct merkle_proof *out);
/* That the tree of `from` leaves is the beginning of that of `size` (section 2.1.2). Empty when from is size or 0.
 * false as fetch, or from > size. */
bool merkle_consistency(uint64_t from, uint64_t size, merkle_fetch *fetch, void *context, struct merkle_proof *out);

/* Whether the proof shows it; proofs too short or too long do not. */
bool merkle_inclusion_holds(const struct merkle_hash *leaf, uint64_t index, uint64_t size, const struct merkle_proof *p,
                            const struct merkle_hash *root);
bool merkle_consistency_holds(uint64_t from, const struct merkle_hash *from_root, uint64_t size,
                              const struct merkle_hash *root, const struct merkle_proof *p);
/* The hashes of a proof as an array of hexadecimal texts. NULL when memory ran out. */
json_t *merkle_path_json(const struct merkle_proof *proof);

#endif
