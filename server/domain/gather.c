#include "domain/gather.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define FEW 16

/* Each record begins with its key. */
static uint64_t key_at(const uint8_t *record)
{
    uint64_t key;
    memcpy(&key, record, sizeof key);
    return key;
}

/* The bits that the caller's partitions did not use up. */
static size_t place_of(const uint8_t *record, size_t places)
{
    return (size_t)(key_at(record) >> 32) & (places - 1);
}

/* one: room for a record. */
static void sort_few(uint8_t *rows, size_t count, size_t size, int (*compare)(const void *, const void *), uint8_t *one)
{
    for (size_t i = 1; i < count; i++) {
        size_t k = i;
        memcpy(one, rows + i * size, size);
        for (; k > 0 && compare(rows + (k - 1) * size, one) > 0; k--)
            memcpy(rows + k * size, rows + (k - 1) * size, size);
        memcpy(rows + k * size, one, size);
    }
}

/* behind[p]: where the records of place p end. */
static void spread(const uint8_t *rows, size_t count, size_t size, uint8_t *out, uint32_t *behind, size_t places)
{
    for (size_t i = 0; i < count; i++)
        behind[place_of(rows + i * size, places)]++;
    uint32_t before = 0;
    for (size_t p = 0; p < places; p++) {
        uint32_t here = behind[p];
        behind[p] = before;
        before += here;
    }
    for (size_t i = 0; i < count; i++) {
        const uint8_t *row = rows + i * size;
        memcpy(out + (size_t)behind[place_of(row, places)]++ * size, row, size);
    }
}

bool gather(void *rows, size_t count, size_t size, int (*compare)(const void *, const void *))
{
    size_t places = 1;
    while (places < count / 4)
        places *= 2;
    uint32_t *behind = calloc(places, sizeof *behind);
    uint8_t *out = reallocarray(NULL, count, size);
    bool ok = behind != NULL && out != NULL && count <= UINT32_MAX;
    if (ok) {
        spread(rows, count, size, out, behind, places);
        memcpy(rows, out, count * size);
    }
    size_t from = 0;
    for (size_t p = 0; ok && p < places; p++) {
        uint8_t *first = (uint8_t *)rows + from * size;
        size_t here = behind[p] - from;
        if (here <= FEW)
            sort_few(first, here, size, compare, out);
        else
            qsort(first, here, size, compare);
        from = behind[p];
    }
    free(behind);
    free(out);
    return ok;
}
