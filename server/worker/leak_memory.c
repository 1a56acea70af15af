#include "worker/leak_memory.h"

#include <stdlib.h>
#include <string.h>

#define PLACES 65536 /* a power of two; 1 MiB: the words of a year of some forty submissions */

struct cleared {
    int64_t submission; /* 0: an empty place; the numbers of submissions begin with 1 */
    int64_t hash;
};

struct leak_memory {
    uint64_t connection;
    struct cleared place[PLACES];
};

struct leak_memory *leak_memory_new(void)
{
    return calloc(1, sizeof(struct leak_memory));
}

void leak_memory_free(struct leak_memory *m)
{
    free(m);
}

void leak_memory_of(struct leak_memory *m, uint64_t connection)
{
    if (m->connection == connection)
        return;
    memset(m->place, 0, sizeof m->place);
    m->connection = connection;
}

/* Hashes are spread evenly; an odd factor sends the same token of other submissions elsewhere. */
static size_t place_of(int64_t submission, int64_t hash)
{
    return (size_t)(((uint64_t)hash + (uint64_t)submission * UINT64_C(0x9E3779B97F4A7C15)) >> 32) % PLACES;
}

void leak_memory_keep(struct leak_memory *m, int64_t submission, int64_t hash)
{
    m->place[place_of(submission, hash)] = (struct cleared){submission, hash};
}

bool leak_memory_has(const struct leak_memory *m, int64_t submission, int64_t hash)
{
    const struct cleared *c = &m->place[place_of(submission, hash)];
    return c->submission == submission && c->hash == hash;
}
