/* Civil dates and months, and Europe/London instants. Pure; no library time functions. */
#ifndef RECKONER_BASE_DATE_H
#define RECKONER_BASE_DATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Days since 1970-01-01 (proleptic Gregorian). */
typedef int32_t date_t;
/* Months since year 0: year * 12 + (month - 1). */
typedef int32_t month_t;
/* Microseconds since 1970-01-01T00:00:00Z. */
typedef int64_t instant_t;

/* No date: blank or unreadable. Outside every range the parser accepts. */
#define DATE_NONE INT32_MIN
/* No instant. */
#define INSTANT_NONE INT64_MIN

struct civil {
    int32_t year;
    int32_t month; /* 1..12 */
    int32_t day;   /* 1..31 */
};

date_t date_from_civil(struct civil c);
struct civil date_to_civil(date_t d);
bool date_is_valid(int32_t year, int32_t month, int32_t day);
/* 0 = Monday .. 6 = Sunday. */
int date_weekday(date_t d);
/* Same day n months later, or the last day of that month when it has no such day. */
date_t date_add_months(date_t d, int32_t n);

month_t month_of(date_t d);
date_t month_first(month_t m);
date_t month_last(month_t m);
int32_t month_days(month_t m);
/* Financial year (April to March) a month lies in: 2012 for 2012-04..2013-03. */
int32_t month_financial_year(month_t m);
/* M1..M12 within the financial year. */
int32_t month_number(month_t m);
/* First month (April) of a financial year. */
month_t financial_year_first(int32_t year);

/* Instant at which local date d begins (00:00) in Europe/London; British Summer Time runs from 01:00 UTC
 * on the last Sunday of March to 01:00 UTC on the last Sunday of October (Summer Time Order 2002). */
instant_t london_midnight(date_t d);
/* The last microsecond of local date d: what was known on a day was known by then. */
instant_t london_day_end(date_t d);
/* Local date in Europe/London at an instant. */
date_t london_date(instant_t t);

/* YYYY-MM-DD; out holds 11 bytes. The three formats write an empty text outside the years 0000..9999. */
void date_format(date_t d, char out[11]);
/* YYYY-MM; out holds 8 bytes. */
void month_format(month_t m, char out[8]);
/* YYYY-MM-DDTHH:MM:SS.ffffffZ; out holds 28 bytes. */
void instant_format(instant_t t, char out[28]);

/* Strict: exactly YYYY-MM-DD, years 1800..2199. false leaves *out alone. */
bool date_parse(const char *text, size_t length, date_t *out);
/* Strict: exactly YYYY-MM, years 1800..2199. */
bool month_parse(const char *text, size_t length, month_t *out);
/* YYYY-MM-DDTHH:MM:SS with optional fraction of 1-6 digits, then Z. */
bool instant_parse(const char *text, size_t length, instant_t *out);

#endif
