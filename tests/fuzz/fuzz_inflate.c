/* Gzip streams: no input breaks the reader or passes its bounds, and pieces make no difference to what comes out. */
#include "base/inflate.h"

#include <stdlib.h>
#include <string.h>

#define LIMIT 200000

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct seen {
    enum inflate_outcome outcome;
    uint64_t digest;
    size_t length;
    char problem[200];
};

static bool see(void *context, const void *bytes, size_t length)
{
    struct seen *s = context;
    const unsigned char *at = bytes;
    if (length == 0 || length > 65536)
        abort();
    for (size_t i = 0; i < length; i += 61) /* each byte would cost more than the unpacking */
        s->digest = (s->digest ^ at[i]) * 1099511628211u;
    s->length += length;
    return true;
}

static struct seen unpack(const uint8_t *data, size_t size, size_t piece)
{
    struct seen s = {INFLATE_GOING, 14695981039346656037u, 0, ""};
    struct inflate *z = inflate_new(LIMIT);
    if (z == NULL)
        abort();
    for (size_t at = 0; at < size; at += piece)
        (void)inflate_feed(z, data + at, piece < size - at ? piece : size - at, see, &s);
    s.outcome = inflate_finish(z);
    if ((s.outcome == INFLATE_REFUSED) != (inflate_problem(z)[0] != '\0') || s.length > LIMIT)
        abort();
    memcpy(s.problem, inflate_problem(z), strlen(inflate_problem(z)) + 1);
    inflate_free(z);
    return s;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct seen whole = unpack(data, size, size > 0 ? size : 1);
    struct seen parts = unpack(data, size, size > 0 ? 1 + data[size - 1] % 7 : 1);
    if (whole.outcome != parts.outcome || whole.digest != parts.digest || whole.length != parts.length ||
        strcmp(whole.problem, parts.problem) != 0)
        abort();
    return 0;
}
