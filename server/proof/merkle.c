#include "proof/merkle.h"

#include "base/json.h"

#include <sodium.h>
#include <string.h>

static const uint8_t leaf_prefix = 0x00;
static const uint8_t node_prefix = 0x01;

struct merkle_hash merkle_leaf(const void *bytes, size_t length)
{
    struct merkle_hash out;
    crypto_hash_sha256_state state;
    crypto_hash_sha256_init(&state);
    crypto_hash_sha256_update(&state, &leaf_prefix, 1);
    crypto_hash_sha256_update(&state, bytes, length);
    crypto_hash_sha256_final(&state, out.bytes);
    return out;
}

struct merkle_hash merkle_node(const struct merkle_hash *left, const struct merkle_hash *right)
{
    struct merkle_hash out;
    uint8_t both[1 + 2 * MERKLE_HASH];
    both[0] = node_prefix;
    memcpy(both + 1, left->bytes, MERKLE_HASH);
    memcpy(both + 1 + MERKLE_HASH, right->bytes, MERKLE_HASH);
    crypto_hash_sha256(out.bytes, both, sizeof both);
    return out;
}

bool merkle_same(const struct merkle_hash *a, const struct merkle_hash *b)
{
    return sodium_memcmp(a->bytes, b->bytes, MERKLE_HASH) == 0;
}

static struct merkle_hash root_of_nothing(void)
{
    struct merkle_hash out;
    crypto_hash_sha256(out.bytes, (const uint8_t *)"", 0);
    return out;
}

void merkle_edge_init(struct merkle_edge *e)
{
    memset(e, 0, sizeof *e);
}

bool merkle_edge_add(struct merkle_edge *e, const struct merkle_hash *leaf, merkle_keep *keep, void *context)
{
    struct merkle_hash hash = *leaf;
    unsigned level = 0;
    if (e->size + 1 >= UINT64_C(1) << MERKLE_LEVELS || (keep != NULL && !keep(context, 0, e->size, &hash))) {
        return false;
    }
    for (; (e->size >> level & 1) != 0; level++) {
        hash = merkle_node(&e->subtree[level], &hash);
        if (keep != NULL && !keep(context, level + 1, e->size >> (level + 1), &hash)) {
            return false;
        }
    }
    e->subtree[level] = hash;
    e->size++;
    return true;
}

struct merkle_hash merkle_edge_root(const struct merkle_edge *e)
{
    struct merkle_hash root = root_of_nothing();
    bool any = false;
    for (unsigned level = 0; level < MERKLE_LEVELS; level++) {
        if ((e->size >> level & 1) != 0) {
            root = any ? merkle_node(&e->subtree[level], &root) : e->subtree[level];
            any = true;
        }
    }
    return root;
}

bool merkle_edge_load(struct merkle_edge *e, uint64_t size, merkle_fetch *fetch, void *context)
{
    merkle_edge_init(e);
    if (size >= UINT64_C(1) << MERKLE_LEVELS) {
        return false;
    }
    for (unsigned level = 0; level < MERKLE_LEVELS; level++) {
        bool used = (size >> level & 1) != 0;
        if (used && !fetch(context, level, (size >> level) - 1, &e->subtree[level])) {
            return false;
        }
    }
    e->size = size;
    return true;
}

/* Whose hashes a proof is made of. */
struct source {
    merkle_fetch *fetch;
    void *context;
};

/* The root of the leaves from `first` to the end of the tree of size leaves; first lies on a boundary of the tree, so
 * that what is left falls into complete subtrees from left to right. */
static bool root_from(const struct source *s, uint64_t first, uint64_t size, struct merkle_hash *out)
{
    struct merkle_hash part[MERKLE_LEVELS];
    unsigned parts = 0;
    while (first < size) {
        unsigned level = 0;
        while (level + 1 < MERKLE_LEVELS && (first & ((UINT64_C(2) << level) - 1)) == 0 &&
               first + (UINT64_C(2) << level) <= size) {
            level++;
        }
        if (parts == MERKLE_LEVELS || !s->fetch(s->context, level, first >> level, &part[parts++])) {
            return false;
        }
        first += UINT64_C(1) << level;
    }
    if (parts == 0) {
        return false;
    }
    *out = part[--parts];
    while (parts > 0) {
        parts--;
        *out = merkle_node(&part[parts], out);
    }
    return true;
}

static bool append(struct merkle_proof *p, const struct merkle_hash *hash)
{
    if (p->count == MERKLE_PROOF_MAX) {
        return false;
    }
    p->hash[p->count++] = *hash;
    return true;
}

/* Appends the hash of the subtree that stands beside node `index` of `level`, if it has one: complete, or the tree's
 * right edge. */
static bool append_sibling(const struct source *s, unsigned level, uint64_t index, uint64_t size,
                           struct merkle_proof *out)
{
    struct merkle_hash hash;
    uint64_t first = (index ^ 1) << level;
    if (first >= size) {
        return true;
    }
    bool complete = first + (UINT64_C(1) << level) <= size;
    bool found = complete ? s->fetch(s->context, level, index ^ 1, &hash) : root_from(s, first, size, &hash);
    return found && append(out, &hash);
}

bool merkle_inclusion(uint64_t index, uint64_t size, merkle_fetch *fetch, void *context, struct merkle_proof *out)
{
    const struct source s = {fetch, context};
    out->count = 0;
    if (index >= size || size >= UINT64_C(1) << MERKLE_LEVELS) {
        return false;
    }
    for (unsigned level = 0; (size - 1) >> level != 0; level++) {
        if (!append_sibling(&s, level, index >> level, size, out)) {
            return false;
        }
    }
    return true;
}

bool merkle_consistency(uint64_t from, uint64_t size, merkle_fetch *fetch, void *context, struct merkle_proof *out)
{
    const struct source s = {fetch, context};
    struct merkle_hash hash;
    unsigned level = 0;
    out->count = 0;
    if (from > size || size >= UINT64_C(1) << MERKLE_LEVELS) {
        return false;
    }
    if (from == 0 || from == size) {
        return true;
    }
    /* The last complete subtree that both trees end the older one with. */
    while ((from >> level & 1) == 0) {
        level++;
    }
    uint64_t node = (from >> level) - 1;
    if (from != UINT64_C(1) << level && (!fetch(context, level, node, &hash) || !append(out, &hash))) {
        return false;
    }
    for (; (size - 1) >> level != 0; level++, node >>= 1) {
        if (!append_sibling(&s, level, node, size, out)) {
            return false;
        }
    }
    return true;
}

/* Walks a proof from a node up. `node` and `last` are the places of the node and of the last one at its level. */
struct climb {
    const struct merkle_proof *proof;
    uint32_t used;
    uint64_t node;
    uint64_t last;
};

/* The next hash of the proof, and whether it stands on the left. Levels at whose right edge the node has no sibling are
 * passed. NULL: the proof is too short or too long. */
static const struct merkle_hash *climb_step(struct climb *c, bool *left)
{
    if (c->last == 0 || c->used == c->proof->count) {
        return NULL;
    }
    *left = (c->node & 1) != 0 || c->node == c->last;
    while (*left && (c->node & 1) == 0 && c->node != 0) {
        c->node >>= 1;
        c->last >>= 1;
    }
    c->node >>= 1;
    c->last >>= 1;
    return &c->proof->hash[c->used++];
}

bool merkle_inclusion_holds(const struct merkle_hash *leaf, uint64_t index, uint64_t size, const struct merkle_proof *p,
                            const struct merkle_hash *root)
{
    struct merkle_hash hash = *leaf;
    if (index >= size || p->count > MERKLE_PROOF_MAX) {
        return false;
    }
    struct climb c = {p, 0, index, size - 1};
    while (c.used < p->count) {
        bool left;
        const struct merkle_hash *other = climb_step(&c, &left);
        if (other == NULL) {
            return false;
        }
        hash = left ? merkle_node(other, &hash) : merkle_node(&hash, other);
    }
    return c.last == 0 && merkle_same(&hash, root);
}

bool merkle_consistency_holds(uint64_t from, const struct merkle_hash *from_root, uint64_t size,
                              const struct merkle_hash *root, const struct merkle_proof *p)
{
    if (from > size || p->count > MERKLE_PROOF_MAX) {
        return false;
    }
    if (from == size) {
        return p->count == 0 && merkle_same(from_root, root);
    }
    if (from == 0) {
        struct merkle_hash nothing = root_of_nothing();
        return p->count == 0 && merkle_same(from_root, &nothing);
    }
    struct climb c = {p, 0, from - 1, size - 1};
    while ((c.node & 1) != 0) {
        c.node >>= 1;
        c.last >>= 1;
    }
    /* An older tree that is one complete subtree is its own beginning; otherwise the proof begins with it. */
    if (c.node != 0 && p->count == 0) {
        return false;
    }
    struct merkle_hash older = c.node == 0 ? *from_root : p->hash[0];
    struct merkle_hash newer = older;
    c.used = c.node == 0 ? 0 : 1;
    while (c.used < p->count) {
        bool left;
        const struct merkle_hash *other = climb_step(&c, &left);
        if (other == NULL) {
            return false;
        }
        newer = left ? merkle_node(other, &newer) : merkle_node(&newer, other);
        older = left ? merkle_node(other, &older) : older;
    }
    return c.last == 0 && merkle_same(&older, from_root) && merkle_same(&newer, root);
}

json_t *merkle_path_json(const struct merkle_proof *proof)
{
    json_t *path = json_array();
    for (uint32_t i = 0; path != NULL && i < proof->count; i++) {
        if (json_array_append_new(path, json_hex(proof->hash[i].bytes, MERKLE_HASH)) != 0) {
            json_decref(path);
            return NULL;
        }
    }
    return path;
}
