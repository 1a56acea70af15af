#include "domain/csv_line.h"

#include <endian.h>
#include <string.h>

#define EACH(byte) (UINT64_C(0x0101010101010101) * (byte))
#define HIGH_BITS  EACH(0x80)

_Static_assert(RECORD_MAXIMUM < UINT16_MAX, "begin[] holds offsets into a record");

/* The high bit of each byte that is zero, and no other bit. */
static uint64_t zero_bytes(uint64_t word)
{
    return ~(((word & ~HIGH_BITS) + ~HIGH_BITS) | word | ~HIGH_BITS);
}

static uint64_t bytes_equal(uint64_t word, uint64_t each)
{
    return zero_bytes(word ^ each);
}

/* The high bits of quotes, of what is no ASCII and of control characters, line ends among them. */
static uint64_t bytes_not_plain(uint64_t word)
{
    return bytes_equal(word, EACH('"')) | bytes_equal(word, EACH(0x7F)) | zero_bytes(word & EACH(0xE0)) |
           (word & HIGH_BITS);
}

/* Behind the last byte come zeros, which are not plain. */
static uint64_t eight_bytes(const char *bytes, size_t left)
{
    uint64_t word = 0;
    if (left >= sizeof word)
        memcpy(&word, bytes, sizeof word);
    else
        memcpy(&word, bytes, left);
    return le64toh(word);
}

static size_t byte_of(uint64_t bits)
{
    return (size_t)__builtin_ctzll(bits) / 8;
}

/* Notes the fields that end at commas. */
static bool end_fields(struct csv_line *out, size_t at, uint64_t commas)
{
    for (; commas != 0; commas &= commas - 1) {
        if (out->fields == CSV_FIELDS_MAXIMUM - 1)
            return false;
        out->begin[++out->fields] = (uint16_t)(at + byte_of(commas) + 1);
    }
    return true;
}

/* The line ends at a byte that is not plain: is that a line end? */
static bool end_line(struct csv_line *out, const char *bytes, size_t at, size_t length)
{
    size_t end = bytes[at] == '\r' ? at + 1 : at;
    if (end >= length || bytes[end] != '\n' || at == out->fields)
        return false;
    out->begin[++out->fields] = (uint16_t)(at + 1);
    out->length = end + 1;
    return true;
}

bool csv_line_split(const char *bytes, size_t length, struct csv_line *out)
{
    out->fields = 0;
    out->begin[0] = 0;
    for (size_t at = 0; at < length && at + 8 <= RECORD_MAXIMUM; at += 8) {
        uint64_t word = eight_bytes(bytes + at, length - at);
        uint64_t commas = bytes_equal(word, EACH(','));
        uint64_t stop = bytes_not_plain(word);
        if (stop != 0)
            commas &= (stop & -stop) - 1;
        if (!end_fields(out, at, commas))
            return false;
        if (stop != 0)
            return at + byte_of(stop) < length && end_line(out, bytes, at + byte_of(stop), length);
    }
    return false;
}
