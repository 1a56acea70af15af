#include "domain/money.h"

#include <stdio.h>

__extension__ typedef __int128 wide_t;

static bool narrow(wide_t value, int64_t *out)
{
    if (value > INT64_MAX || value < INT64_MIN) {
        return false;
    }
    *out = (int64_t)value;
    return true;
}

/* round(numerator / denominator), half away from zero; denominator > 0. */
static wide_t divide_round(wide_t numerator, wide_t denominator)
{
    wide_t quotient = numerator / denominator;
    wide_t remainder = numerator % denominator;
    if (remainder < 0) {
        remainder = -remainder;
    }
    if (remainder >= denominator - remainder) {
        quotient += numerator < 0 ? -1 : 1;
    }
    return quotient;
}

bool money_add(int64_t a, int64_t b, int64_t *out)
{
    int64_t sum;
    if (__builtin_add_overflow(a, b, &sum)) {
        return false;
    }
    *out = sum;
    return true;
}

bool money_subtract(int64_t a, int64_t b, int64_t *out)
{
    int64_t difference;
    if (__builtin_sub_overflow(a, b, &difference)) {
        return false;
    }
    *out = difference;
    return true;
}

bool money_multiply(int64_t a, int64_t b, int64_t *out)
{
    return narrow((wide_t)a * b, out);
}

bool money_round_share(int64_t amount, int64_t ppm, int64_t *out)
{
    return money_round_ratio(amount, ppm, PPM_ONE, out);
}

bool money_round_ratio(int64_t amount, int64_t numerator, int64_t denominator, int64_t *out)
{
    return denominator > 0 && narrow(divide_round((wide_t)amount * numerator, denominator), out);
}

bool money_round_three_shares(int64_t amount, int64_t a_ppm, int64_t b_ppm, int64_t c_ppm, int64_t *out)
{
    /* At most 2^63 * 10^18 < 2^123: no overflow while each share is at most a whole. */
    wide_t product = (wide_t)amount * a_ppm * b_ppm * c_ppm;
    wide_t whole = (wide_t)PPM_ONE * PPM_ONE * PPM_ONE;
    return narrow(divide_round(product, whole), out);
}

void money_format(int64_t pence, char out[MONEY_TEXT_SIZE])
{
    uint64_t size = pence < 0 ? 0 - (uint64_t)pence : (uint64_t)pence;
    char digits[24];
    int count = snprintf(digits, sizeof digits, "%llu", (unsigned long long)(size / 100));
    int place = snprintf(out, MONEY_TEXT_SIZE, "%s£", pence < 0 ? "-" : "");
    for (int i = 0; i < count; i++) {
        if (i > 0 && (count - i) % 3 == 0) {
            out[place++] = ',';
        }
        out[place++] = digits[i];
    }
    (void)snprintf(out + place, (size_t)(MONEY_TEXT_SIZE - place), ".%02u", (unsigned)(size % 100));
}
