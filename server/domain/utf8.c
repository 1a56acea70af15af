#include "domain/utf8.h"

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

bool utf8_is_valid(const char *text, size_t length)
{
    size_t i = 0;
    while (i < length) {
        unsigned char lead = (unsigned char)text[i++];
        if (lead < 0x80)
            continue;
        unsigned char low, high;
        int more = following(lead, &low, &high);
        if (more == 0 || length - i < (size_t)more)
            return false;
        for (; more > 0; more--) {
            unsigned char c = (unsigned char)text[i++];
            if (c < low || c > high)
                return false;
            low = 0x80;
            high = 0xBF;
        }
    }
    return true;
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
