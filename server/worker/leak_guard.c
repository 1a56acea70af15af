#include "worker/leak_guard.h"

#include "base/order.h"
#include "domain/leak_json.h"
#include "store/identifier.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

struct block {
    int64_t *hashes; /* NULL: not fetched, or dropped again */
    size_t count;
    int64_t lowest;
    int32_t number;
};

struct scope {
    char provider[8];
    int64_t submission;
    struct block *blocks;
    size_t count;
};

struct leak_guard {
    struct pg *pg;
    struct leak_key key;
    struct scope *scopes;
    size_t count;
    size_t held;               /* blocks in memory */
    struct block **held_block; /* of all scopes, LEAK_GUARD_BLOCKS places */
    enum pg_status status;
    bool found;
};

struct leak_guard *leak_guard_new(struct pg *pg, const uint8_t identity_key[32])
{
    struct leak_guard *g = calloc(1, sizeof *g);
    if (!g)
        return NULL;
    g->held_block = calloc(LEAK_GUARD_BLOCKS, sizeof(struct block *));
    if (!g->held_block) {
        free(g);
        return NULL;
    }
    g->pg = pg;
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
    sodium_memzero(g, sizeof *g);
    free(g);
}

enum pg_status leak_guard_add(struct leak_guard *g, const char *provider, int64_t submission)
{
    struct scope *scopes = reallocarray(g->scopes, g->count + 1, sizeof *scopes);
    if (!scopes)
        return PG_FAILED;
    g->scopes = scopes;
    PGresult *r = NULL;
    enum pg_status status = identifier_directory(g->pg, provider, submission, &r);
    if (status != PG_OK)
        return status;
    size_t count = (size_t)PQntuples(r);
    struct scope s = {.submission = submission, .blocks = calloc(count + 1, sizeof(struct block)), .count = count};
    if (s.blocks && strlen(provider) < sizeof s.provider) {
        memcpy(s.provider, provider, strlen(provider) + 1);
        for (size_t i = 0; i < count; i++) {
            s.blocks[i].number = (int32_t)pg_i64(r, (int)i, "block");
            s.blocks[i].lowest = pg_i64(r, (int)i, "lowest");
        }
        g->scopes[g->count++] = s;
    } else {
        free(s.blocks);
        status = PG_FAILED;
    }
    PQclear(r);
    return status;
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

/* Any block goes when there is no room: hashes are spread evenly, so none is asked for more than another. */
static bool fetch(struct leak_guard *g, const struct scope *s, struct block *b)
{
    int64_t *hashes = malloc(IDENTIFIER_BLOCK_HASHES * sizeof *hashes);
    g->status = hashes ? identifier_block(g->pg, s->provider, s->submission, b->number, hashes, &b->count) : PG_FAILED;
    if (g->status != PG_OK) {
        free(hashes);
        return false;
    }
    size_t place = g->held;
    if (g->held == LEAK_GUARD_BLOCKS) {
        place = randombytes_uniform(LEAK_GUARD_BLOCKS);
        free(g->held_block[place]->hashes);
        g->held_block[place]->hashes = NULL;
    } else {
        g->held++;
    }
    g->held_block[place] = b;
    b->hashes = hashes;
    return true;
}

/* A leak_token_fn: ends at the first identifier, and when the database does not answer. */
static bool is_no_identifier(void *context, const char *token, size_t length)
{
    struct leak_guard *g = context;
    int64_t hash = leak_hash(&g->key, token, length);
    for (size_t i = 0; i < g->count; i++) {
        struct block *b = block_of(&g->scopes[i], hash);
        if (!b)
            continue;
        if (!b->hashes && !fetch(g, &g->scopes[i], b))
            return false;
        if (bsearch(&hash, b->hashes, b->count, sizeof hash, order_i64) != NULL) {
            g->found = true;
            return false;
        }
    }
    return true;
}

enum leak_verdict leak_guard_text(struct leak_guard *g, const char *text, size_t length)
{
    const struct text t = {text, length};
    if (leak_has_nhs_number(t))
        return LEAK_FOUND;
    g->found = false;
    if (g->count == 0 || leak_tokens(t, is_no_identifier, g))
        return LEAK_CLEAN;
    return g->found ? LEAK_FOUND : LEAK_UNKNOWN;
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

struct judging {
    struct leak_guard *guard;
    enum leak_verdict verdict;
};

static bool judge(void *context, struct text member, struct text string)
{
    struct judging *j = context;
    if (is_text_of_people(member))
        j->verdict = leak_guard_text(j->guard, string.at, string.length);
    else if (leak_has_nhs_number(string))
        j->verdict = LEAK_FOUND;
    return j->verdict == LEAK_CLEAN;
}

enum leak_verdict leak_guard_json(struct leak_guard *g, const char *json, size_t length)
{
    struct judging j = {g, LEAK_CLEAN};
    if (leak_json_strings((struct text){json, length}, judge, &j))
        return LEAK_CLEAN;
    /* What cannot be read is not shown. */
    return j.verdict == LEAK_CLEAN ? LEAK_FOUND : j.verdict;
}

enum pg_status leak_guard_status(const struct leak_guard *g)
{
    return g->status;
}
