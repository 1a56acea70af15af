#include "lib/year_json.h"

#include "lib/contract_year.h"

#include "base/parse.h"

json_t *percent_text(int64_t ppm)
{
    char text[32];
    format_percent_ppm(ppm, text);
    return json_string(text);
}

void put(json_t *object, const char *name, json_t *value)
{
    year_must(json_put(object, name, value));
}

void put_text(json_t *object, const char *name, const char *text)
{
    put(object, name, json_string(text));
}

void put_number(json_t *object, const char *name, int64_t number)
{
    put(object, name, json_integer(number));
}

void put_day(json_t *object, const char *name, date_t d)
{
    if (d != DATE_NONE)
        put(object, name, json_date(d));
}

void append(json_t *array, json_t *value)
{
    year_must(json_array_append_new(array, value) == 0);
}
