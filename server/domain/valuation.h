/* From payable rows to activity lines.
 *
 * Counting and pricing are apart: rows are counted by day of the month, cluster and service (memory is bounded by the
 * services that the prices name, not by the rows), and the counts are priced once. A line is (month, cluster, basis,
 * price); its units and value are plain sums of its rows. valuation_row does one row on its own, day by day. */
#ifndef RECKONER_DOMAIN_VALUATION_H
#define RECKONER_DOMAIN_VALUATION_H

#include "domain/terms.h"

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

/* Review periods by cluster, from the reference data; needed by stop_pay_when_overdue and R02. Both 0: no period. */
struct review_periods {
    int16_t days[TERMS_CLUSTERS];
    int16_t months[TERMS_CLUSTERS];
};

/* The day on which the review of an MHCT is due; DATE_NONE without a period (reviews NULL: none) or an MHCT. cluster is
 * one of cluster_index, -1 allowed. */
date_t review_periods_due(const struct review_periods *reviews, int cluster, date_t mhct);

/* Days of a row that are paid in the month: [from, to). Empty (from == to) for assessment_only rows. */
struct row_days {
    date_t from;
    date_t to;
};
struct row_days valuation_days(const struct terms *t, const struct review_periods *reviews, month_t month,
                               const struct activity_row *row);

enum row_value { ROW_VALUED, ROW_UNPRICED, ROW_OVERFLOW };
/* Gross value of one row in the month as if it were payable: the amount at stake. An assessment counts as the first of
 * its referral. ROW_UNPRICED (K06) when a day of service has no price, or the assessment of an assessment alone; *pence
 * is then the value of the days that have one. */
enum row_value valuation_row(const struct terms *t, const struct review_periods *reviews, const char *commissioner,
                             month_t month, const struct activity_row *row, int64_t *pence);

struct activity_line {
    month_t month;
    int16_t cluster;
    enum basis basis;
    int64_t price_pence;
    int64_t units;
    int64_t pence;
    int32_t price_index; /* first of the /prices entries that made it */
    bool several;        /* more than one entry at this price made it */
};

struct activity_lines {
    struct activity_line *line; /* sorted by month, cluster, basis, price */
    size_t count;
    int64_t unpriced_days[TERMS_MONTHS]; /* days of payable rows that no price covers (K06 lowered by the terms) */
};

struct valuation;

/* One valuation is the year to date of one account. reviews may be NULL when no terms stop pay. NULL: out of memory. */
struct valuation *valuation_new(const char *commissioner, const struct review_periods *reviews);
void valuation_free(struct valuation *v);
/* Begins a month under the terms in force for it; months may come in any order, each once. The terms must outlive v.
 * Rows added afterwards belong to that month. false: out of memory, month seen before, or of another financial year. */
bool valuation_begin_month(struct valuation *v, month_t month, const struct terms *t);
/* Adds one payable row of the account. false: out of memory. */
bool valuation_add_row(struct valuation *v, const struct activity_row *row);
/* Adds count payable rows that are alike in all but patient and dates of review and referral, none of which is a
 * candidate for an assessment. Not under terms that stop pay, which look at the review of each. */
bool valuation_add_rows(struct valuation *v, const struct activity_row *row, int64_t count);
/* The lines of all months begun. false: out of memory, or a sum beyond 64 bits. The caller frees with
 * activity_lines_free. */
bool valuation_lines(const struct valuation *v, struct activity_lines *out);
void activity_lines_free(struct activity_lines *lines);
/* Whether the row of this month is the assessment that earns (false: WARN A01, or none at all). After all rows. */
bool valuation_assessment_earns(const struct valuation *v, const struct activity_row *row);

#endif
