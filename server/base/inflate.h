/* A gzip stream (RFC 1952) unpacked piece by piece, in about 112 KiB whatever its size. One member only: what follows
 * it is refused, so that two files sent as one cannot pass as one. Bounds keep a small stream from becoming a huge
 * file. The only user of zlib. */
#ifndef RECKONER_BASE_INFLATE_H
#define RECKONER_BASE_INFLATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Most times that the unpacked bytes may exceed the packed ones, asked once INFLATE_RATIO_FROM bytes are unpacked. Rows
 * of activity are packed 5 to 30 times; a bomb, up to 1,032 times. */
#define INFLATE_RATIO      250
#define INFLATE_RATIO_FROM (4 * 1024 * 1024)

struct inflate;

enum inflate_outcome {
    INFLATE_GOING,   /* give it more, or finish */
    INFLATE_REFUSED, /* the stream is at fault: inflate_problem says how */
    INFLATE_STOPPED  /* the sink returned false, or memory ran out */
};

/* Takes the unpacked bytes, 1 to 65,536 of them; false stops. */
typedef bool inflate_sink(void *context, const void *bytes, size_t length);

/* limit: most unpacked bytes. NULL: memory ran out. Freed with inflate_free, which wipes what it held. */
struct inflate *inflate_new(int64_t limit);
void inflate_free(struct inflate *z);

/* Takes the next packed bytes, in pieces of any size. After INFLATE_REFUSED or INFLATE_STOPPED it answers the same. */
enum inflate_outcome inflate_feed(struct inflate *z, const void *bytes, size_t length, inflate_sink *sink,
                                  void *context);
/* The stream is over: INFLATE_REFUSED when it was cut off. */
enum inflate_outcome inflate_finish(struct inflate *z);
/* A plain sentence without full stop; "" while nothing is wrong. */
const char *inflate_problem(const struct inflate *z);

#endif
