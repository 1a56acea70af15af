#include "worker/leak_guard.h"

#include "base/order.h"
#include "domain/leak_json.h"
#include "store/identifier.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#define PENDING_MAX 4096 /* tokens that wait for their blocks; then the blocks are asked for */

struct block {
    int64_t *hashes; /* NULL: not fetched, or dropped again */
    size_t count;
    int64_t lowest;
    int32_t number;
};

struct scope {
    char provider[8];
    int64_t submission;
    struct block *blocks; /* NULL: the directory was not asked for yet */
    size_t count;
};

/* A token whose block is not there. */
struct pending {
    uint32_t scope;
    uint32_t block;
    int64_t hash;
};

struct leak_guard {
    struct pg *pg;
    struct leak_memory *memory; /* the worker's, or NULL */
    struct leak_key key;
    struct scope *scopes;
    size_t count;
    size_t held;               /* blocks in memory */
    struct block **held_block; /* of all scopes, LEAK_GUARD_BLOCKS places */
    struct pending *pending;   /* PENDING_MAX places */
    size_t pending_count;
    enum pg_status status;
    bool found;
};

struct leak_guard *leak_guard_new(struct pg *pg, const uint8_t identity_key[32], struct leak_memory *memory)
{
    struct leak_guard *g = calloc(1, sizeof *g);
    if (!g)
        return NULL;
    g->held_block = calloc(LEAK_GUARD_BLOCKS, sizeof(struct block *));
    g->pending = malloc(PENDING_MAX * sizeof *g->pending);
    if (!g->held_block || !g->pending) {
        leak_guard_free(g);
        return NULL;
    }
    g->pg = pg;
    g->memory = memory;
    if (memory)
        leak_memory_of(memory, pg_connection_number(pg));
    leak_key_derive(identity_key, &g->key);
    return g;
}

void leak_guard_free(struct leak_guard *g)
{
    if (!g)
        return;
    for (size_t i = 0; i < g->count; i++) {
        for (size_t b = 0; b < g->scopes[i].count; b++)
            free(g->scopes[i].blocks[b].hashes);
        free(g->scopes[i].blocks);
    }
    free(g->scopes);
    free(g->held_block);
    free(g->pending);
    sodium_memzero(g, sizeof *g);
    free(g);
}

enum pg_status leak_guard_add(struct leak_guard *g, const char *provider, int64_t submission)
{
    struct scope *scopes = reallocarray(g->scopes, g->count + 1, sizeof *scopes);
    if (!scopes)
        return PG_FAILED;
    g->scopes = scopes;
    struct scope s = {.submission = submission};
    if (strlen(provider) >= sizeof s.provider)
        return PG_FAILED;
    memcpy(s.provider, provider, strlen(provider) + 1);
    g->scopes[g->count++] = s;
    return PG_OK;
}

/* The directory of its blocks, once. */
static bool open_scope(struct leak_guard *g, struct scope *s)
{
    PGresult *r = NULL;
    if (s->blocks)
        return true;
    g->status = identifier_directory(g->pg, s->provider, s->submission, &r);
    if (g->status != PG_OK)
        return false;
    size_t count = (size_t)PQntuples(r);
    s->blocks = calloc(count + 1, sizeof(struct block));
    if (!s->blocks)
        g->status = PG_FAILED;
    for (size_t i = 0; s->blocks && i < count; i++) {
        s->blocks[i].number = (int32_t)pg_i64(r, (int)i, "block");
        s->blocks[i].lowest = pg_i64(r, (int)i, "lowest");
        s->count++;
    }
    PQclear(r);
    return g->status == PG_OK;
}

/* The block that would hold the hash; NULL when it is below all. */
static struct block *block_of(const struct scope *s, int64_t hash)
{
    size_t low = 0;
    size_t high = s->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (s->blocks[middle].lowest <= hash)
            low = middle + 1;
        else
            high = middle;
    }
    return low > 0 ? &s->blocks[low - 1] : NULL;
}

/* Whether the token is an identifier, which ends the search; one that is not is remembered. */
static bool is_in(struct leak_guard *g, const struct scope *s, int64_t hash, const int64_t *hashes, size_t count)
{
    if (bsearch(&hash, hashes, count, sizeof hash, order_i64) != NULL)
        g->found = true;
    else if (g->memory)
        leak_memory_keep(g->memory, s->submission, hash);
    return g->found;
}

/* Any block goes when there is no room: hashes are spread evenly, so none is asked for more than another. */
static bool hold(struct leak_guard *g, struct block *b, const int64_t *hashes, size_t count)
{
    size_t place = g->held;
    b->hashes = malloc(count * sizeof hashes[0]);
    if (!b->hashes)
        return false;
    if (g->held == LEAK_GUARD_BLOCKS) {
        place = randombytes_uniform(LEAK_GUARD_BLOCKS);
        free(g->held_block[place]->hashes);
        g->held_block[place]->hashes = NULL;
    } else {
        g->held++;
    }
    g->held_block[place] = b;
    memcpy(b->hashes, hashes, count * sizeof hashes[0]);
    b->count = count;
    return true;
}

static int order_pending(const void *a, const void *b)
{
    const struct pending *x = a;
    const struct pending *y = b;
    if (x->scope != y->scope)
        return x->scope < y->scope ? -1 : 1;
    return x->block < y->block ? -1 : x->block > y->block;
}

/* Blocks that are asked for at once, and the tokens that wait for them. */
struct asking {
    struct leak_guard *guard;
    const struct pending *next;
    const struct pending *end;
};

static bool is_same_block(const struct pending *a, const struct pending *b)
{
    return a->scope == b->scope && a->block == b->block;
}

static bool take_block(void *context, size_t place, const int64_t *hashes, size_t count)
{
    struct asking *x = context;
    struct leak_guard *g = x->guard;
    const struct pending *first = x->next;
    (void)place;
    if (g->found)
        return true;
    struct scope *s = &g->scopes[first->scope];
    for (; x->next < x->end && is_same_block(x->next, first); x->next++) {
        if (is_in(g, s, x->next->hash, hashes, count))
            return true;
    }
    return hold(g, &s->blocks[first->block], hashes, count);
}

/* Blocks of one provider, IDENTIFIER_PLACES at most, from x->next on. */
static size_t next_places(const struct asking *x, struct identifier_place places[IDENTIFIER_PLACES])
{
    const struct leak_guard *g = x->guard;
    const char *provider = g->scopes[x->next->scope].provider;
    size_t count = 0;
    for (const struct pending *p = x->next; p < x->end; p++) {
        const struct scope *s = &g->scopes[p->scope];
        if (p > x->next && is_same_block(p, p - 1))
            continue;
        if (count == IDENTIFIER_PLACES || strcmp(s->provider, provider) != 0)
            break;
        places[count++] = (struct identifier_place){s->submission, s->blocks[p->block].number};
    }
    return count;
}

/* Looks up the tokens that wait. false: one is an identifier, or the database did not answer. */
static bool look_up(struct leak_guard *g)
{
    struct identifier_place places[IDENTIFIER_PLACES];
    struct asking x = {g, g->pending, g->pending + g->pending_count};
    qsort(g->pending, g->pending_count, sizeof *g->pending, order_pending);
    g->pending_count = 0;
    while (x.next < x.end && !g->found) {
        const char *provider = g->scopes[x.next->scope].provider;
        size_t count = next_places(&x, places);
        g->status = identifier_blocks(g->pg, provider, places, count, take_block, &x);
        if (g->status != PG_OK)
            return false;
    }
    return !g->found;
}

/* A leak_token_fn: ends at the first identifier, and when the database does not answer. A token waits when its block
 * is not there. */
static bool is_no_identifier(void *context, const char *token, size_t length)
{
    struct leak_guard *g = context;
    int64_t hash = leak_hash(&g->key, token, length);
    for (size_t i = 0; i < g->count; i++) {
        struct scope *s = &g->scopes[i];
        if (g->memory && leak_memory_has(g->memory, s->submission, hash))
            continue;
        if (!open_scope(g, s))
            return false;
        const struct block *b = block_of(s, hash);
        if (!b)
            continue;
        if (!b->hashes) {
            g->pending[g->pending_count++] = (struct pending){(uint32_t)i, (uint32_t)(b - s->blocks), hash};
            if (g->pending_count == PENDING_MAX && !look_up(g))
                return false;
        } else if (is_in(g, s, hash, b->hashes, b->count)) {
            return false;
        }
    }
    return true;
}

/* What the tokens of texts came to, once none waits. */
static enum leak_verdict verdict(struct leak_guard *g, bool clean)
{
    clean = clean && look_up(g);
    g->pending_count = 0;
    return clean ? LEAK_CLEAN : g->found ? LEAK_FOUND : LEAK_UNKNOWN;
}

enum leak_verdict leak_guard_text(struct leak_guard *g, const char *text, size_t length)
{
    const struct text t = {text, length};
    if (leak_has_nhs_number(t))
        return LEAK_FOUND;
    g->found = false;
    return verdict(g, leak_tokens(t, is_no_identifier, g));
}

static bool is_text_of_people(struct text member)
{
    static const char *const names[] = {"name",    "address",         "title",    "label",     "note",
                                        "notes",   "reason",          "evidence", "indicator", "episode_id",
                                        "service", "buyer_reference", "value"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (strlen(names[i]) == member.length && memcmp(names[i], member.at, member.length) == 0)
            return true;
    }
    return false;
}

static bool judge(void *context, struct text member, struct text string)
{
    struct leak_guard *g = context;
    g->found = leak_has_nhs_number(string);
    return !g->found && (!is_text_of_people(member) || leak_tokens(string, is_no_identifier, g));
}

enum leak_verdict leak_guard_json(struct leak_guard *g, const char *json, size_t length)
{
    g->found = false;
    g->status = PG_OK;
    bool clean = leak_json_strings((struct text){json, length}, judge, g);
    /* What cannot be read is not shown. */
    if (!clean && g->status == PG_OK)
        g->found = true;
    return verdict(g, clean);
}

enum pg_status leak_guard_status(const struct leak_guard *g)
{
    return g->status;
}
