#include "base/pack.h"

#include <lz4.h>
#include <string.h>

enum kind { AS_IT_IS, PACKED };

static void put_length(uint8_t *to, size_t length)
{
    for (int i = 0; i < 4; i++)
        to[i] = (uint8_t)(length >> (24 - 8 * i));
}

size_t chunk_pack(const void *text, size_t length, uint8_t *out)
{
    uint8_t *to = out + PACK_OVERHEAD;
    put_length(out + 1, length);
    int packed = length > 0 ? LZ4_compress_default(text, (char *)to, (int)length, (int)length) : 0;
    out[0] = packed > 0 ? PACKED : AS_IT_IS;
    if (packed > 0)
        return PACK_OVERHEAD + (size_t)packed;
    if (length > 0)
        memcpy(to, text, length);
    return PACK_OVERHEAD + length;
}

bool chunk_unpack_length(const uint8_t *packed, size_t packed_length, size_t *length)
{
    if (packed_length < PACK_OVERHEAD || packed[0] > PACKED)
        return false;
    *length = (size_t)packed[1] << 24 | (size_t)packed[2] << 16 | (size_t)packed[3] << 8 | packed[4];
    return *length <= PACK_MAXIMUM && (packed[0] == PACKED || *length == packed_length - PACK_OVERHEAD);
}

bool chunk_unpack(const uint8_t *packed, size_t packed_length, uint8_t *out, size_t length)
{
    size_t stated = 0;
    if (!chunk_unpack_length(packed, packed_length, &stated) || stated != length)
        return false;
    const uint8_t *from = packed + PACK_OVERHEAD;
    size_t n = packed_length - PACK_OVERHEAD;
    if (packed[0] == PACKED)
        return n <= PACK_MAXIMUM &&
               LZ4_decompress_safe((const char *)from, (char *)out, (int)n, (int)length) == (int)length;
    if (n > 0)
        memcpy(out, from, n);
    return true;
}
