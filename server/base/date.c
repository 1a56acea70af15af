#include "base/date.h"

#define MICROSECONDS_PER_SECOND INT64_C(1000000)
#define SECONDS_PER_DAY         86400
#define DAYS_PER_ERA            146097 /* 400 years */

static int64_t floor_div(int64_t a, int64_t b)
{
    int64_t q = a / b;
    return q - ((a % b != 0 && (a < 0) != (b < 0)) ? 1 : 0);
}

/* Counting years from March puts the leap day at the end of a year, so that no table is needed. */
date_t date_from_civil(struct civil c)
{
    int64_t year = c.month <= 2 ? (int64_t)c.year - 1 : c.year;
    int64_t era = floor_div(year, 400);
    int64_t year_of_era = year - era * 400;
    int64_t month_from_march = (c.month + 9) % 12;
    int64_t day_of_year = (153 * month_from_march + 2) / 5 + c.day - 1;
    int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return (date_t)(era * DAYS_PER_ERA + day_of_era - 719468);
}

struct civil date_to_civil(date_t d)
{
    int64_t days = (int64_t)d + 719468;
    int64_t era = floor_div(days, DAYS_PER_ERA);
    int64_t day_of_era = days - era * DAYS_PER_ERA;
    int64_t year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int64_t month_from_march = (5 * day_of_year + 2) / 153;
    struct civil c;
    c.day = (int32_t)(day_of_year - (153 * month_from_march + 2) / 5 + 1);
    c.month = (int32_t)(month_from_march < 10 ? month_from_march + 3 : month_from_march - 9);
    c.year = (int32_t)(year_of_era + era * 400 + (c.month <= 2 ? 1 : 0));
    return c;
}

static int32_t days_in_month(int32_t year, int32_t month)
{
    static const int8_t days[12] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return month == 2 && leap ? 29 : days[month - 1];
}

bool date_is_valid(int32_t year, int32_t month, int32_t day)
{
    return month >= 1 && month <= 12 && day >= 1 && day <= days_in_month(year, month);
}

int date_weekday(date_t d)
{
    int64_t since_monday = (int64_t)d + 3; /* 1970-01-01 was a Thursday */
    return (int)(since_monday - floor_div(since_monday, 7) * 7);
}

date_t date_add_months(date_t d, int32_t n)
{
    int32_t day = date_to_civil(d).day;
    month_t month = month_of(d) + n;
    int32_t last = month_days(month);
    return month_first(month) + (day < last ? day : last) - 1;
}

month_t month_of(date_t d)
{
    struct civil c = date_to_civil(d);
    return c.year * 12 + c.month - 1;
}

static int32_t month_year(month_t m)
{
    return (int32_t)floor_div(m, 12);
}

static int32_t month_in_year(month_t m)
{
    return m - month_year(m) * 12 + 1;
}

/* The rules of a row ask for the same few months again and again: the last ones are remembered. */
#define REMEMBERED 4U

date_t month_first(month_t m)
{
    static _Thread_local struct {
        bool known;
        month_t month;
        date_t first;
    } remembered[REMEMBERED];
    unsigned at = (unsigned)m % REMEMBERED;
    if (!remembered[at].known || remembered[at].month != m) {
        remembered[at].first = date_from_civil((struct civil){month_year(m), month_in_year(m), 1});
        remembered[at].month = m;
        remembered[at].known = true;
    }
    return remembered[at].first;
}

date_t month_last(month_t m)
{
    return month_first(m) + month_days(m) - 1;
}

int32_t month_days(month_t m)
{
    return days_in_month(month_year(m), month_in_year(m));
}

int32_t month_financial_year(month_t m)
{
    return month_year(m - 3);
}

int32_t month_number(month_t m)
{
    return month_in_year(m - 3);
}

month_t financial_year_first(int32_t year)
{
    return year * 12 + 3;
}

static date_t last_sunday(int32_t year, int32_t month)
{
    date_t last = month_last(year * 12 + month - 1);
    return last - (date_weekday(last) + 1) % 7;
}

static instant_t day_start_utc(date_t d)
{
    return (instant_t)d * SECONDS_PER_DAY * MICROSECONDS_PER_SECOND;
}

#define HOUR (INT64_C(3600) * MICROSECONDS_PER_SECOND)

instant_t london_midnight(date_t d)
{
    int32_t year = date_to_civil(d).year;
    /* The clocks change at 01:00 UTC, so both Sundays begin under the time of the day before. */
    bool summer = d > last_sunday(year, 3) && d <= last_sunday(year, 10);
    return day_start_utc(d) - (summer ? HOUR : 0);
}

instant_t london_day_end(date_t d)
{
    return london_midnight(d + 1) - 1;
}

date_t london_date(instant_t t)
{
    const int64_t day = SECONDS_PER_DAY * MICROSECONDS_PER_SECOND;
    date_t utc = (date_t)floor_div(t, day);
    int32_t year = date_to_civil(utc).year;
    bool summer = t >= day_start_utc(last_sunday(year, 3)) + HOUR && t < day_start_utc(last_sunday(year, 10)) + HOUR;
    return (date_t)floor_div(t + (summer ? HOUR : 0), day);
}

/* Writes count decimal digits, most significant first. */
static char *put_digits(char *out, int64_t value, int count)
{
    for (int i = count - 1; i >= 0; i--) {
        out[i] = (char)('0' + value % 10);
        value /= 10;
    }
    return out + count;
}

void date_format(date_t d, char out[11])
{
    struct civil c = date_to_civil(d);
    char *p = out;
    if (c.year >= 0 && c.year <= 9999) {
        p = put_digits(p, c.year, 4);
        *p++ = '-';
        p = put_digits(p, c.month, 2);
        *p++ = '-';
        p = put_digits(p, c.day, 2);
    }
    *p = '\0';
}

void month_format(month_t m, char out[8])
{
    char *p = out;
    if (m >= 0 && month_year(m) <= 9999) {
        p = put_digits(p, month_year(m), 4);
        *p++ = '-';
        p = put_digits(p, month_in_year(m), 2);
    }
    *p = '\0';
}

void instant_format(instant_t t, char out[28])
{
    const int64_t day = SECONDS_PER_DAY * MICROSECONDS_PER_SECOND;
    int64_t days = floor_div(t, day);
    int64_t rest = t - days * day;
    int64_t seconds = rest / MICROSECONDS_PER_SECOND;
    date_format((date_t)days, out);
    if (out[0] == '\0')
        return;
    char *p = out + 10;
    *p++ = 'T';
    p = put_digits(p, seconds / 3600, 2);
    *p++ = ':';
    p = put_digits(p, seconds / 60 % 60, 2);
    *p++ = ':';
    p = put_digits(p, seconds % 60, 2);
    *p++ = '.';
    p = put_digits(p, rest % MICROSECONDS_PER_SECOND, 6);
    *p++ = 'Z';
    *p = '\0';
}

/* Reads exactly count digits. */
static bool take_digits(const char *text, int count, int32_t *out)
{
    int32_t value = 0;
    for (int i = 0; i < count; i++) {
        if (text[i] < '0' || text[i] > '9')
            return false;
        value = value * 10 + (text[i] - '0');
    }
    *out = value;
    return true;
}

static bool year_is_read(int32_t year)
{
    return year >= 1800 && year <= 2199;
}

bool date_parse(const char *text, size_t length, date_t *out)
{
    struct civil c;
    if (length != 10 || text[4] != '-' || text[7] != '-' || !take_digits(text, 4, &c.year) ||
        !take_digits(text + 5, 2, &c.month) || !take_digits(text + 8, 2, &c.day))
        return false;
    if (!year_is_read(c.year) || !date_is_valid(c.year, c.month, c.day))
        return false;
    *out = date_from_civil(c);
    return true;
}

bool month_parse(const char *text, size_t length, month_t *out)
{
    int32_t year;
    int32_t month;
    if (length != 7 || text[4] != '-' || !take_digits(text, 4, &year) || !take_digits(text + 5, 2, &month))
        return false;
    if (!year_is_read(year) || month < 1 || month > 12)
        return false;
    *out = year * 12 + month - 1;
    return true;
}

/* ".f" to ".ffffff"; nothing is a fraction of 0. */
static bool take_fraction(const char *text, size_t length, int64_t *micros)
{
    int64_t value = 0;
    if (length == 1 || length > 7 || (length > 0 && text[0] != '.'))
        return false;
    for (size_t i = 1; i <= 6; i++) {
        int digit = 0;
        if (i < length) {
            if (text[i] < '0' || text[i] > '9')
                return false;
            digit = text[i] - '0';
        }
        value = value * 10 + digit;
    }
    *micros = value;
    return true;
}

bool instant_parse(const char *text, size_t length, instant_t *out)
{
    date_t day;
    int32_t hour;
    int32_t minute;
    int32_t second;
    int64_t micros = 0;
    if (length < 20 || text[10] != 'T' || text[13] != ':' || text[16] != ':' || text[length - 1] != 'Z')
        return false;
    if (!date_parse(text, 10, &day) || !take_digits(text + 11, 2, &hour) || !take_digits(text + 14, 2, &minute) ||
        !take_digits(text + 17, 2, &second) || !take_fraction(text + 19, length - 20, &micros))
        return false;
    if (hour > 23 || minute > 59 || second > 59)
        return false;
    *out = day_start_utc(day) + ((int64_t)hour * 3600 + minute * 60 + second) * MICROSECONDS_PER_SECOND + micros;
    return true;
}
