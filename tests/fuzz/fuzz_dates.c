/* Dates, months and instants: whatever is accepted is written back as the same text. */
#include "base/date.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *text = (const char *)data;
    date_t d;
    month_t m;
    instant_t t;
    if (date_parse(text, size, &d)) {
        char out[11];
        date_format(d, out);
        if (size != 10 || memcmp(out, text, 10) != 0 || month_first(month_of(d)) > d || month_last(month_of(d)) < d)
            abort();
        if (london_date(london_midnight(d)) != d || london_date(london_midnight(d) - 1) != d - 1)
            abort();
    }
    if (month_parse(text, size, &m)) {
        char out[8];
        month_format(m, out);
        if (size != 7 || memcmp(out, text, 7) != 0)
            abort();
    }
    if (instant_parse(text, size, &t)) {
        char out[28];
        instant_t again;
        instant_format(t, out);
        if (memcmp(out, text, 19) != 0 || !instant_parse(out, strlen(out), &again) || again != t)
            abort();
    }
    return 0;
}
