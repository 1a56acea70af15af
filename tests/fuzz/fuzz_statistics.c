/* The decoder of statistics: what it takes encodes to the same bytes. The input is up to three parts, each behind its
 * length in two bytes; 65535 leaves a part out. */
#include "domain/statistics.h"

#include <stdlib.h>
#include <string.h>

#define LEFT_OUT 0xFFFF

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void try_again(const struct statistics *s, const struct bytes part[STATISTICS_PARTS])
{
    for (unsigned n = 0; n < STATISTICS_PARTS; n++) {
        struct buf again;
        if (part[n].at == NULL)
            continue;
        buf_init(&again, STATISTICS_MAX_PART);
        if (!statistics_encode(s, (enum statistics_part)n, &again) || again.length != part[n].length ||
            memcmp(again.data, part[n].at, again.length) != 0)
            abort();
        buf_free(&again);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bytes part[STATISTICS_PARTS] = {0};
    struct statistics s;
    for (int n = 0; n < STATISTICS_PARTS && size >= 2; n++) {
        size_t length = (size_t)data[0] | (size_t)data[1] << 8;
        data += 2;
        size -= 2;
        if (length == LEFT_OUT)
            continue;
        part[n].length = length < size ? length : size;
        part[n].at = data;
        data += part[n].length;
        size -= part[n].length;
    }
    if (statistics_decode(part, &s) == STATISTICS_DECODED) {
        try_again(&s, part);
        statistics_free(&s);
    }
    return 0;
}
