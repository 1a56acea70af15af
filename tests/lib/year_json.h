/* Short ways to write JSON in the tests of random contract-years. Each aborts the test when memory runs out. */
#ifndef RECKONER_TESTS_YEAR_JSON_H
#define RECKONER_TESTS_YEAR_JSON_H

#include "base/date.h"
#include "base/json.h"

/* Texts, each a new reference. */
json_t *percent_text(int64_t ppm);

/* The value is taken over. */
void put(json_t *object, const char *name, json_t *value);
void put_text(json_t *object, const char *name, const char *text);
void put_number(json_t *object, const char *name, int64_t number);
/* Nothing for DATE_NONE. */
void put_day(json_t *object, const char *name, date_t d);
void append(json_t *array, json_t *value);

#endif
