#include "check/spool.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* Buffers begin small, for most files are; from these sizes on the disk is used. */
#define JOURNAL_BUFFER (256 * 1024)
#define BLOCK_SIZE     (16 * 1024)
#define FIRST_BUFFER   4096

/* Append-only file, made when it is first needed. */
struct store {
    char *folder;
    int fd; /* -1: not made yet */
    uint64_t length;
};

static bool store_open(struct store *f)
{
    if (f->fd >= 0)
        return true;
    f->fd = open(f->folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (f->fd >= 0)
        return true;
    /* Not every file system has unnamed files. */
    char path[4096];
    int n = snprintf(path, sizeof path, "%s/spool-XXXXXX", f->folder);
    if (n < 0 || (size_t)n >= sizeof path)
        return false;
    f->fd = mkostemp(path, O_CLOEXEC);
    return f->fd >= 0 && unlink(path) == 0;
}

static bool store_append(struct store *f, const char *bytes, size_t length)
{
    if (!store_open(f))
        return false;
    while (length > 0) {
        ssize_t n = pwrite(f->fd, bytes, length, (off_t)f->length);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return false;
        bytes += n;
        length -= (size_t)n;
        f->length += (uint64_t)n;
    }
    return true;
}

static bool store_read(const struct store *f, uint64_t at, char *out, size_t length)
{
    while (length > 0) {
        ssize_t n = pread(f->fd, out, length, (off_t)at);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return false;
        out += n;
        length -= (size_t)n;
        at += (uint64_t)n;
    }
    return true;
}

static bool store_init(struct store *f, const char *folder)
{
    f->fd = -1;
    f->folder = strdup(folder);
    return f->folder != NULL;
}

static void store_close(struct store *f)
{
    if (f->fd >= 0)
        (void)close(f->fd);
    free(f->folder);
}

struct journal {
    struct store file;
    char *buffer; /* while writing: what is not in the file yet; while reading: what was read ahead */
    size_t room;
    size_t used;
    bool reading;
    uint64_t ahead_at; /* place of buffer[0] while reading */
    uint64_t next;     /* place of the next byte to read */
    void *mapped;      /* the whole file; NULL: not asked for */
};

struct journal *journal_new(const char *folder)
{
    struct journal *j = calloc(1, sizeof *j);
    if (!j)
        return NULL;
    if (!store_init(&j->file, folder)) {
        journal_free(j);
        return NULL;
    }
    return j;
}

void journal_free(struct journal *j)
{
    if (!j)
        return;
    if (j->mapped)
        (void)munmap(j->mapped, (size_t)j->file.length);
    store_close(&j->file);
    free(j->buffer);
    free(j);
}

/* Makes a buffer of at least `wanted` bytes, at most `maximum`. */
static bool grow(char **buffer, size_t *room, size_t wanted, size_t maximum)
{
    size_t next = *room ? *room : FIRST_BUFFER;
    while (next < wanted && next < maximum)
        next *= 2;
    if (next == *room)
        return true;
    char *larger = realloc(*buffer, next);
    if (!larger)
        return false;
    *buffer = larger;
    *room = next;
    return true;
}

bool journal_append(struct journal *j, const void *bytes, size_t length)
{
    if (j->used + length > j->room && !grow(&j->buffer, &j->room, j->used + length, JOURNAL_BUFFER))
        return false;
    if (j->used + length > j->room) {
        if (!store_append(&j->file, j->buffer, j->used))
            return false;
        j->used = 0;
    }
    if (length > j->room)
        return store_append(&j->file, bytes, length);
    memcpy(j->buffer + j->used, bytes, length);
    j->used += length;
    return true;
}

uint64_t journal_length(const struct journal *j)
{
    return j->reading ? j->file.length : j->file.length + j->used;
}

/* A journal that never filled its buffer is read from it; a larger one goes to its file as a whole. */
static bool begin_reading(struct journal *j)
{
    if (j->file.length > 0) {
        if (!store_append(&j->file, j->buffer, j->used))
            return false;
        j->used = 0;
    } else {
        j->file.length = j->used;
    }
    j->reading = true;
    return true;
}

const char *journal_map(struct journal *j)
{
    if ((!j->reading && !begin_reading(j)) || j->file.length == 0)
        return NULL;
    if (j->file.fd < 0)
        return j->buffer;
    if (!j->mapped) {
        void *at = mmap(NULL, (size_t)j->file.length, PROT_READ, MAP_PRIVATE, j->file.fd, 0);
        j->mapped = at == MAP_FAILED ? NULL : at;
    }
    return j->mapped;
}

bool journal_next(struct journal *j, void *out, size_t length)
{
    if (!j->reading && !begin_reading(j))
        return false;
    char *to = out;
    while (length > 0) {
        uint64_t ahead_end = j->ahead_at + j->used;
        if (j->next < j->ahead_at || j->next >= ahead_end) {
            if (j->next >= j->file.length)
                return false;
            uint64_t left = j->file.length - j->next;
            size_t n = left < j->room ? (size_t)left : j->room;
            if (!store_read(&j->file, j->next, j->buffer, n))
                return false;
            j->ahead_at = j->next;
            j->used = n;
            ahead_end = j->ahead_at + n;
        }
        size_t have = (size_t)(ahead_end - j->next);
        size_t n = length < have ? length : have;
        memcpy(to, j->buffer + (j->next - j->ahead_at), n);
        to += n;
        length -= n;
        j->next += n;
    }
    return true;
}

void journal_seek(struct journal *j, uint64_t at)
{
    j->next = at;
}

bool journal_at_end(const struct journal *j)
{
    return j->next >= journal_length(j);
}

struct partition {
    char *block; /* grows to BLOCK_SIZE bytes */
    size_t room;
    size_t used;
    uint64_t *blocks; /* places of the full blocks in the file */
    size_t block_count;
    size_t block_room;
};

struct spool {
    struct store file;
    unsigned partitions;
    struct partition partition[];
};

struct spool *spool_new(const char *folder, unsigned partitions)
{
    struct spool *s = calloc(1, sizeof *s + partitions * sizeof(struct partition));
    if (!s)
        return NULL;
    s->partitions = partitions;
    if (!store_init(&s->file, folder))
        spool_free(&s);
    return s;
}

void spool_free(struct spool **spool)
{
    struct spool *s = *spool;
    *spool = NULL;
    if (!s)
        return;
    store_close(&s->file);
    for (unsigned i = 0; i < s->partitions; i++) {
        free(s->partition[i].block);
        free(s->partition[i].blocks);
    }
    free(s);
}

static bool flush_block(struct spool *s, struct partition *p)
{
    if (p->block_count == p->block_room) {
        size_t room = p->block_room ? 2 * p->block_room : 16;
        uint64_t *blocks = reallocarray(p->blocks, room, sizeof *blocks);
        if (!blocks)
            return false;
        p->blocks = blocks;
        p->block_room = room;
    }
    p->blocks[p->block_count] = s->file.length;
    if (!store_append(&s->file, p->block, p->used))
        return false;
    p->block_count++;
    p->used = 0;
    return true;
}

bool spool_add(struct spool *s, unsigned partition, const void *bytes, size_t length)
{
    struct partition *p = &s->partition[partition];
    const char *from = bytes;
    if (p->used + length > p->room && !grow(&p->block, &p->room, p->used + length, BLOCK_SIZE))
        return false;
    while (length > 0) {
        if (p->used == BLOCK_SIZE && !flush_block(s, p))
            return false;
        size_t n = BLOCK_SIZE - p->used < length ? BLOCK_SIZE - p->used : length;
        memcpy(p->block + p->used, from, n);
        p->used += n;
        from += n;
        length -= n;
    }
    return true;
}

bool spool_load(const struct spool *s, unsigned partition, void **bytes, size_t *length)
{
    const struct partition *p = &s->partition[partition];
    *length = p->block_count * BLOCK_SIZE + p->used;
    *bytes = NULL;
    if (*length == 0)
        return true;
    char *all = malloc(*length);
    if (!all)
        return false;
    for (size_t i = 0; i < p->block_count; i++) {
        if (!store_read(&s->file, p->blocks[i], all + i * BLOCK_SIZE, BLOCK_SIZE)) {
            free(all);
            return false;
        }
    }
    memcpy(all + p->block_count * BLOCK_SIZE, p->block, p->used);
    *bytes = all;
    return true;
}
