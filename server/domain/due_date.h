/* When an issued document is to be paid, by the calendar of the terms (spec 3, terms: calendar). Pure. */
#ifndef RECKONER_DOMAIN_DUE_DATE_H
#define RECKONER_DOMAIN_DUE_DATE_H

#include "domain/terms.h"

/* Bank holidays that may lie on the way from issue to due date: 250 operational days are a year. */
#define DUE_HOLIDAYS_MAXIMUM 60

enum due_outcome {
    DUE_ON,
    DUE_NOT_AGREED, /* the terms say nothing of payment */
    DUE_NO_CALENDAR /* operational days are to be counted in years whose bank holidays nobody stated, or are too many */
};

struct due_date {
    date_t day;
    const date_t *holidays; /* those from the day after issue to the due date: what the count rests on; borrowed */
    size_t holiday_count;
};

/* t: in force in the month of the document's run, or of its instalment. issued: day of issue in London. By operational
 * days the n-th behind the issue; by dates the month's, or, when that is over, the next of the dates that is not; when
 * all are over, the day of issue. holidays: sorted, as loaded. *out only for DUE_ON. */
enum due_outcome due_date_compute(const struct terms *t, month_t month, date_t issued, const date_t *holidays,
                                  size_t count, struct due_date *out);
/* The same from the holidays on the way alone, as a document states them: they need cover no years. false: not agreed,
 * or not of this year. */
bool due_date_stated(const struct terms *t, month_t month, date_t issued, const date_t *holidays, size_t count,
                     date_t *out);

#endif
