#include "domain/utf8.h"

#include <string.h>

/* Bytes that follow a leading byte, and the range of the first of them; 0 for a byte that cannot lead. */
static int following(unsigned char lead, unsigned char *low, unsigned char *high)
{
    *low = 0x80;
    *high = 0xBF;
    if (lead >= 0xC2 && lead <= 0xDF)
        return 1;
    if (lead >= 0xE0 && lead <= 0xEF) {
        if (lead == 0xE0)
            *low = 0xA0;
        if (lead == 0xED)
            *high = 0x9F;
        return 2;
    }
    if (lead >= 0xF0 && lead <= 0xF4) {
        if (lead == 0xF0)
            *low = 0x90;
        if (lead == 0xF4)
            *high = 0x8F;
        return 3;
    }
    return 0;
}

/* Bytes of the sequence that begins with a byte over 0x7F; 0 when it is none. */
static size_t sequence(const char *text, size_t length)
{
    unsigned char low, high;
    int more = following((unsigned char)text[0], &low, &high);
    if (more == 0 || length <= (size_t)more)
        return 0;
    for (int i = 1; i <= more; i++) {
        unsigned char c = (unsigned char)text[i];
        if (c < low || c > high)
            return 0;
        low = 0x80;
        high = 0xBF;
    }
    return (size_t)more + 1;
}

bool utf8_is_valid(const char *text, size_t length)
{
    for (size_t i = 0; i < length;) {
        size_t n = (unsigned char)text[i] < 0x80 ? 1 : sequence(text + i, length - i);
        if (n == 0)
            return false;
        i += n;
    }
    return true;
}

bool windows_1252_is_likely(const char *text, size_t length)
{
    static const char undefined[] = "\x81\x8D\x8F\x90\x9D";
    bool any = false;
    for (size_t i = 0; i < length; i++) {
        if ((unsigned char)text[i] < 0x80)
            continue;
        any = true;
        if (memchr(undefined, text[i], sizeof undefined - 1) != NULL || sequence(text + i, length - i) > 0)
            return false;
    }
    return any;
}

size_t utf8_write(uint32_t c, char out[4])
{
    if (c < 0x80) {
        out[0] = (char)c;
        return 1;
    }
    if (c < 0x800) {
        out[0] = (char)(0xC0 | c >> 6);
        out[1] = (char)(0x80 | (c & 0x3F));
        return 2;
    }
    if (c < 0x10000) {
        out[0] = (char)(0xE0 | c >> 12);
        out[1] = (char)(0x80 | (c >> 6 & 0x3F));
        out[2] = (char)(0x80 | (c & 0x3F));
        return 3;
    }
    out[0] = (char)(0xF0 | c >> 18);
    out[1] = (char)(0x80 | (c >> 12 & 0x3F));
    out[2] = (char)(0x80 | (c >> 6 & 0x3F));
    out[3] = (char)(0x80 | (c & 0x3F));
    return 4;
}
