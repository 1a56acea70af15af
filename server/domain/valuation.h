/* What one row is worth in a month, on its own: day by day, period by period. Sums of many rows are made from
 * statistics (domain/activity.h); both must agree to the penny. Source: spec 3, Units and values. */
#ifndef RECKONER_DOMAIN_VALUATION_H
#define RECKONER_DOMAIN_VALUATION_H

#include "domain/review_periods.h"

/* The facts of a row, as in reckoner.episode. Texts are borrowed and need only live during the call. */
struct activity_row {
    const char *episode_id;
    uint8_t patient[16];
    const char *cluster;
    const char *service; /* NULL or "" = none */
    date_t start_date;   /* DATE_NONE when it was no date */
    date_t end_date;     /* first day not in the cluster; DATE_NONE while open */
    date_t mhct_date;
    date_t referral_date;
    date_t last_contact;
    int32_t mhct_reason;
    int32_t admitted_days;
    bool assessment_only;
    bool continues; /* another row of the patient starts on the closing day */
};

/* Days of a row that are paid in the month: [from, to). Empty (from == to) for assessment_only rows. */
struct row_days {
    date_t from;
    date_t to;
};
struct row_days valuation_days(const struct terms *t, const struct review_periods *reviews, month_t month,
                               const struct activity_row *row);

/* The same where the cluster is charged by periods: the closing day is never paid. */
struct row_days valuation_period_days(const struct terms *t, const struct review_periods *reviews, month_t month,
                                      const struct activity_row *row);
/* The first day that stop_pay_when_overdue does not pay; DATE_NONE: all are paid. */
date_t valuation_stops_on(const struct terms *t, const struct review_periods *reviews, const struct activity_row *row);

/* Whether the days of the cluster are charged by PERIOD in the month. The basis changes at the turn of a month alone,
 * so the first day with a price decides. */
bool valuation_is_period(const struct terms *t, int cluster, const char *commissioner, const char *service,
                         month_t month);

/* What the periods of one row come to in a month. */
struct period_part {
    const struct terms_price *price;
    int32_t days;  /* D1 - D0: of this period's days in the month, capped at the length of a period */
    int64_t pence; /* round(p * D1 / n) - round(p * D0 / n) */
};
#define PERIOD_PARTS_MAX 31
struct period_parts {
    int count; /* one for each period with days in the month, in order */
    struct period_part part[PERIOD_PARTS_MAX];
    int32_t unpriced_days; /* of the month, from the first day of a period that has no price that day */
};

enum row_value { ROW_VALUED, ROW_UNPRICED, ROW_OVERFLOW };
/* A row of a month that is charged by periods: start is its start_date, to the first day behind it (of
 * valuation_period_days). A period's price is that of its first day, or of the contract's first day if later: 1 April.
 * ROW_UNPRICED when a period has none; *out then has the parts before it. */
enum row_value valuation_periods(const struct terms *t, int cluster, const char *commissioner, const char *service,
                                 month_t month, date_t start, date_t to, struct period_parts *out);

/* The price that the row earns as an assessment, if it is first of its referral; NULL: it is no candidate, or there is
 * no price on its day. */
const struct terms_price *valuation_assessment_price(const struct terms *t, const char *commissioner, month_t month,
                                                     const struct activity_row *row);

/* Gross value of one row in the month as if it were payable: the amount at stake. An assessment counts as the first of
 * its referral. ROW_UNPRICED (K06) when a day of service has no price, or the assessment of an assessment alone; *pence
 * is then the value of the days that have one. */
enum row_value valuation_row(const struct terms *t, const struct review_periods *reviews, const char *commissioner,
                             month_t month, const struct activity_row *row, int64_t *pence);

#endif
