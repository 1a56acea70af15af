#include "base/inflate.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#define ZLIB_CONST
#include <zlib.h>

#define ROOM (64 * 1024)
/* windowBits of zlib: the largest window, and the gzip form alone. */
#define GZIP_WINDOW (15 + 16)

struct inflate {
    z_stream stream;
    int64_t limit;
    int64_t packed;
    int64_t unpacked;
    size_t filled; /* bytes in room */
    bool ended;    /* the member is complete, its check sum right */
    enum inflate_outcome outcome;
    char problem[160];
    unsigned char room[ROOM];
};

/* What zlib allocates holds the rows it unpacks; its size stands before it so that it can be wiped. */
#define PREFIX 16

static voidpf take(voidpf context, uInt items, uInt size)
{
    (void)context;
    size_t length = 0;
    if (__builtin_mul_overflow((size_t)items, (size_t)size, &length) || length > SIZE_MAX - PREFIX)
        return Z_NULL;
    unsigned char *block = malloc(PREFIX + length);
    if (block == NULL)
        return Z_NULL;
    memcpy(block, &length, sizeof length);
    return block + PREFIX;
}

static void give_back(voidpf context, voidpf at)
{
    (void)context;
    if (at == Z_NULL)
        return;
    unsigned char *block = (unsigned char *)at - PREFIX;
    size_t length = 0;
    memcpy(&length, block, sizeof length);
    sodium_memzero(block, PREFIX + length);
    free(block);
}

struct inflate *inflate_new(int64_t limit)
{
    struct inflate *z = calloc(1, sizeof *z);
    if (z == NULL)
        return NULL;
    z->limit = limit;
    z->stream.zalloc = take;
    z->stream.zfree = give_back;
    if (inflateInit2(&z->stream, GZIP_WINDOW) != Z_OK) {
        free(z);
        return NULL;
    }
    return z;
}

void inflate_free(struct inflate *z)
{
    if (z == NULL)
        return;
    (void)inflateEnd(&z->stream);
    sodium_memzero(z, sizeof *z);
    free(z);
}

const char *inflate_problem(const struct inflate *z)
{
    return z->problem;
}

static enum inflate_outcome refuse(struct inflate *z, const char *sentence)
{
    (void)snprintf(z->problem, sizeof z->problem, "%s", sentence);
    z->outcome = INFLATE_REFUSED;
    return z->outcome;
}

static enum inflate_outcome over_limit(struct inflate *z)
{
    (void)snprintf(z->problem, sizeof z->problem, "The gzip stream holds more than %lld bytes, the most that is read",
                   (long long)z->limit);
    z->outcome = INFLATE_REFUSED;
    return z->outcome;
}

/* Why zlib did not go on. Memory is not the stream's fault. */
static enum inflate_outcome broken(struct inflate *z, int status)
{
    if (status == Z_MEM_ERROR) {
        z->outcome = INFLATE_STOPPED;
        return z->outcome;
    }
    if (z->stream.total_out == 0 && z->stream.total_in < 10)
        return refuse(z, "The file is not compressed by gzip, though Content-Encoding says so");
    return refuse(z, "The gzip stream is damaged: compress the file again and send it again");
}

/* Hands on what was unpacked, within the bounds. */
static enum inflate_outcome hand_on(struct inflate *z, inflate_sink *sink, void *context)
{
    size_t n = z->filled;
    if (n == 0)
        return INFLATE_GOING;
    z->filled = 0;
    z->unpacked += (int64_t)n;
    if (z->unpacked > z->limit)
        return over_limit(z);
    if (z->unpacked > INFLATE_RATIO_FROM && z->unpacked / INFLATE_RATIO > z->packed)
        return refuse(z, "The gzip stream unpacks to more than 250 times its size, which no file of rows does");
    if (!sink(context, z->room, n))
        z->outcome = INFLATE_STOPPED;
    return z->outcome;
}

/* Unpacks into what is left of the room; *left: packed bytes that were not taken. Only a full room is handed on, or the
 * last, so that the pieces in which a stream arrives make no difference to what is read of a damaged one. */
static enum inflate_outcome step(struct inflate *z, const unsigned char *from, size_t length, inflate_sink *sink,
                                 void *context, size_t *left)
{
    uInt part = length < ROOM ? (uInt)length : ROOM;
    z->stream.next_in = from;
    z->stream.avail_in = part;
    z->stream.next_out = z->room + z->filled;
    z->stream.avail_out = (uInt)(ROOM - z->filled);
    int status = inflate(&z->stream, Z_NO_FLUSH);
    size_t taken = part - z->stream.avail_in;
    z->packed += (int64_t)taken;
    *left = length - taken;
    z->ended = status == Z_STREAM_END;
    z->filled = ROOM - z->stream.avail_out;
    if ((z->ended || z->filled == ROOM) && hand_on(z, sink, context) != INFLATE_GOING)
        return z->outcome;
    /* Z_BUF_ERROR: nothing to do until more arrives. */
    return status == Z_OK || status == Z_STREAM_END || status == Z_BUF_ERROR ? INFLATE_GOING : broken(z, status);
}

enum inflate_outcome inflate_feed(struct inflate *z, const void *bytes, size_t length, inflate_sink *sink,
                                  void *context)
{
    const unsigned char *end = (const unsigned char *)bytes + length;
    bool more = false; /* a full room may leave unpacked bytes inside zlib */
    while (z->outcome == INFLATE_GOING && (length > 0 || more)) {
        if (z->ended && length > 0)
            return refuse(z, "Something follows the gzip stream: send one file, compressed in one piece");
        if (z->ended || step(z, end - length, length, sink, context, &length) != INFLATE_GOING)
            break;
        more = z->stream.avail_out == 0;
    }
    return z->outcome;
}

enum inflate_outcome inflate_finish(struct inflate *z)
{
    if (z->outcome == INFLATE_GOING && !z->ended)
        return refuse(z, z->packed == 0 ? "The file is empty, though Content-Encoding says that it is compressed"
                                        : "The gzip stream is cut off before its end: send the file again");
    return z->outcome;
}
