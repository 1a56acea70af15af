#include "base/parse.h"

#include "base/text.h"

#include <stdio.h>
#include <string.h>

bool parse_i64(const char *text, size_t length, int64_t *out)
{
    size_t i = 0;
    bool negative = length > 0 && text[0] == '-';
    int64_t value = 0;
    if (negative)
        i = 1;
    if (i == length)
        return false;
    for (; i < length; i++) {
        if (text[i] < '0' || text[i] > '9')
            return false;
        int digit = text[i] - '0';
        /* Counting down for negative numbers reaches INT64_MIN, which has no positive twin. */
        if (__builtin_mul_overflow(value, (int64_t)10, &value) ||
            __builtin_add_overflow(value, (int64_t)(negative ? -digit : digit), &value))
            return false;
    }
    *out = value;
    return true;
}

bool parse_i64_within(const char *text, size_t length, int64_t low, int64_t high, int64_t *out)
{
    int64_t value;
    if (!parse_i64(text, length, &value) || value < low || value > high)
        return false;
    *out = value;
    return true;
}

/* Digits, then optionally a point and 1..decimals digits; the value is scaled by 10^decimals. */
static bool parse_scaled(const char *text, size_t length, int decimals, int64_t limit, int64_t *out)
{
    size_t i = 0;
    int64_t value = 0;
    for (; i < length && text[i] >= '0' && text[i] <= '9'; i++) {
        value = value * 10 + (text[i] - '0');
        if (value > limit)
            return false;
    }
    if (i == 0)
        return false;
    size_t places = 0;
    if (i < length) {
        if (text[i] != '.')
            return false;
        places = length - i - 1;
        if (places == 0 || places > (size_t)decimals)
            return false;
        i++;
    }
    for (; i < length; i++) {
        if (text[i] < '0' || text[i] > '9')
            return false;
        value = value * 10 + (text[i] - '0');
    }
    int64_t scaled_limit = limit;
    for (int k = 0; k < decimals; k++)
        scaled_limit *= 10;
    for (size_t k = places; k < (size_t)decimals; k++)
        value *= 10;
    if (value > scaled_limit)
        return false;
    *out = value;
    return true;
}

bool parse_percent_ppm(const char *text, size_t length, int64_t *out)
{
    return length > 0 && text[length - 1] == '%' && parse_scaled(text, length - 1, 4, 1000000, out);
}

bool parse_factor_ppm(const char *text, size_t length, int64_t *out)
{
    return parse_scaled(text, length, 6, 1000000, out);
}

static void format_scaled(int64_t value, int decimals, const char *unit, char out[32])
{
    uint64_t scale = 1;
    for (int k = 0; k < decimals; k++)
        scale *= 10;
    uint64_t magnitude = value < 0 ? (uint64_t)0 - (uint64_t)value : (uint64_t)value;
    char fraction[24];
    (void)snprintf(fraction, sizeof fraction, ".%0*llu", decimals, (unsigned long long)(magnitude % scale));
    size_t end = strlen(fraction);
    while (end > 0 && fraction[end - 1] == '0')
        end--;
    if (end == 1)
        end = 0;
    fraction[end] = '\0';
    (void)snprintf(out, 32, "%s%llu%.7s%s", value < 0 ? "-" : "", (unsigned long long)(magnitude / scale), fraction,
                   unit);
}

void format_percent_ppm(int64_t ppm, char out[32])
{
    format_scaled(ppm, 4, "%", out);
}

void format_factor_ppm(int64_t ppm, char out[32])
{
    format_scaled(ppm, 6, "", out);
}

void hex_encode(const void *bytes, size_t n, char *out)
{
    static const char digits[] = "0123456789abcdef";
    const unsigned char *b = bytes;
    for (size_t i = 0; i < n; i++) {
        *out++ = digits[b[i] >> 4];
        *out++ = digits[b[i] & 15];
    }
    *out = '\0';
}

bool hex_decode(const char *text, size_t length, void *out, size_t n)
{
    unsigned char *b = out;
    if (length != 2 * n)
        return false;
    for (size_t i = 0; i < length; i++) {
        if (hex_value(text[i]) < 0)
            return false;
    }
    for (size_t i = 0; i < n; i++)
        b[i] = (unsigned char)((unsigned)hex_value(text[2 * i]) << 4 | (unsigned)hex_value(text[2 * i + 1]));
    return true;
}
