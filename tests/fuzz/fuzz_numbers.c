/* Numbers that people send: integers, percentages, factors, hexadecimal, NHS numbers. Shares and factors that are
 * accepted give the same number again when written and read. */
#include "base/parse.h"
#include "domain/episode_row.h"
#include "domain/leak.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *text = (const char *)data;
    int64_t value, again;
    char out[32];
    if (parse_i64(text, size, &value) && (size == 0 || text[0] == '+' || text[0] == ' '))
        abort();
    if (parse_i64_within(text, size, -5, 5, &value) && (value < -5 || value > 5))
        abort();
    if (parse_percent_ppm(text, size, &value)) {
        format_percent_ppm(value, out);
        if (value < 0 || !parse_percent_ppm(out, strlen(out), &again) || again != value)
            abort();
    }
    if (parse_factor_ppm(text, size, &value)) {
        format_factor_ppm(value, out);
        if (value < 0 || !parse_factor_ppm(out, strlen(out), &again) || again != value)
            abort();
    }
    uint8_t bytes[4];
    if (hex_decode(text, size, bytes, sizeof bytes) && size != 8)
        abort();
    char digits[11];
    if (nhs_number_check(text, size, digits) == NHS_VALID && !leak_has_nhs_number((struct text){text, size}))
        abort(); /* what is taken for a number must also be found by the mask */
    return 0;
}
