#include "base/ustar.h"

#include <stdio.h>
#include <string.h>

/* Where the fields of a header begin, and the sizes of those that are read. */
enum {
    AT_MODE = 100,
    AT_UID = 108,
    AT_GID = 116,
    AT_SIZE = 124,
    AT_MTIME = 136,
    AT_CHECKSUM = 148,
    AT_TYPE = 156,
    AT_MAGIC = 257,
    AT_VERSION = 263,
    SIZE_DIGITS = 11,
    CHECKSUM_BYTES = 8
};

size_t ustar_padding(uint64_t size)
{
    return (size_t)((USTAR_BLOCK - size % USTAR_BLOCK) % USTAR_BLOCK);
}

static bool is_name(const char *name)
{
    size_t length = strnlen(name, USTAR_NAME_SIZE);
    for (size_t i = 0; i < length; i++) {
        if (name[i] <= ' ' || name[i] > '~')
            return false;
    }
    return length > 0 && length < USTAR_NAME_SIZE;
}

bool ustar_header(const char *name, uint64_t size, char out[USTAR_BLOCK])
{
    char digits[SIZE_DIGITS + 1];
    char checksum[CHECKSUM_BYTES];
    unsigned sum = 0;
    if (!is_name(name) || size > USTAR_SIZE_MAX)
        return false;
    memset(out, 0, USTAR_BLOCK);
    memcpy(out, name, strlen(name));
    memcpy(out + AT_MODE, "0000644", 7);
    memcpy(out + AT_UID, "0000000", 7);
    memcpy(out + AT_GID, "0000000", 7);
    (void)snprintf(digits, sizeof digits, "%011llo", (unsigned long long)size);
    memcpy(out + AT_SIZE, digits, SIZE_DIGITS);
    memcpy(out + AT_MTIME, "00000000000", SIZE_DIGITS);
    out[AT_TYPE] = '0';
    memcpy(out + AT_MAGIC, "ustar", 5);
    memcpy(out + AT_VERSION, "00", 2);
    memset(out + AT_CHECKSUM, ' ', CHECKSUM_BYTES); /* as blanks in its own sum */
    for (size_t i = 0; i < USTAR_BLOCK; i++)
        sum += (unsigned char)out[i];
    (void)snprintf(checksum, sizeof checksum, "%06o", sum); /* six digits and a NUL; the last blank stays */
    memcpy(out + AT_CHECKSUM, checksum, 7);
    return true;
}

static bool read_size(const char *field, uint64_t *size)
{
    *size = 0;
    for (int i = 0; i < SIZE_DIGITS; i++) {
        if (field[i] < '0' || field[i] > '7')
            return false;
        *size = *size * 8 + (uint64_t)(field[i] - '0');
    }
    return true;
}

static bool all_nul(const char *bytes, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        if (bytes[i] != '\0')
            return false;
    }
    return true;
}

static enum ustar_next wrong(const char **problem, const char *why)
{
    *problem = why;
    return USTAR_WRONG;
}

enum ustar_next ustar_next(struct ustar_reader *r, struct ustar_member *out, const char **problem)
{
    const char *header = r->bytes + r->at;
    size_t left = r->length - r->at;
    char made[USTAR_BLOCK];
    uint64_t size;
    if (left < USTAR_END_BYTES)
        return wrong(problem, "the archive ends before its two blocks of NUL");
    if (header[0] == '\0') {
        if (left > USTAR_END_BYTES || !all_nul(header, USTAR_END_BYTES))
            return wrong(problem, "what ends the archive is not two blocks of NUL with nothing behind");
        return USTAR_END;
    }
    memcpy(out->name, header, USTAR_NAME_SIZE);
    out->name[USTAR_NAME_SIZE - 1] = '\0';
    if (!read_size(header + AT_SIZE, &size) || !ustar_header(out->name, size, made) ||
        memcmp(made, header, USTAR_BLOCK) != 0)
        return wrong(problem, "a header is not of the one form: a regular file of no owner or time");
    left -= USTAR_BLOCK;
    if (size > left || ustar_padding(size) > left - size)
        return wrong(problem, "the archive ends within a member");
    out->data = header + USTAR_BLOCK;
    out->size = (size_t)size;
    if (!all_nul(out->data + size, ustar_padding(size)))
        return wrong(problem, "a member is not filled up with NUL");
    r->at += USTAR_BLOCK + (size_t)size + ustar_padding(size);
    return USTAR_MEMBER;
}
