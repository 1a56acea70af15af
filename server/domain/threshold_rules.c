#include "domain/threshold_rules.h"

#include <stdio.h>

#define BIT(rule) ((rule_set_t)1 << RULE_BIT_##rule)

rule_set_t threshold_rules(void)
{
    return BIT(M05) | BIT(R02) | BIT(R03) | BIT(R05) | BIT(R06);
}

/* R02: due within so many days, or half the review period where that is shorter. What is overdue is R01's to tell. */
static bool is_due_soon(const struct thresholds *t, const struct review_periods *reviews, date_t last,
                        const struct activity_row *row)
{
    date_t due = review_periods_due(reviews, cluster_index(row->cluster), row->mhct_date);
    if (due == DATE_NONE || due <= last)
        return false;
    int32_t half = (due - row->mhct_date) / 2;
    int64_t notice = t->value[THRESHOLD_REVIEW_NOTICE_DAYS];
    return due - last <= (half < notice ? half : notice);
}

static rule_set_t short_episode_rules(const struct thresholds *t, const struct activity_row *row)
{
    rule_set_t failed = 0;
    if (row->start_date == DATE_NONE || row->end_date == DATE_NONE || row->end_date < row->start_date)
        return 0;
    int32_t length = row->end_date - row->start_date;
    bool contact = row->last_contact != DATE_NONE && row->last_contact >= row->start_date;
    if (row->referral_date == row->start_date && length <= t->value[THRESHOLD_SHORT_AFTER_REFERRAL_DAYS])
        failed |= BIT(R03);
    if (!contact && length <= t->value[THRESHOLD_SHORT_WITHOUT_CONTACT_DAYS])
        failed |= BIT(R05);
    return failed;
}

rule_set_t threshold_rules_failed(const struct thresholds *t, const struct review_periods *reviews, month_t month,
                                  const struct activity_row *row, rule_set_t failed_at_upload)
{
    rule_set_t failed = 0;
    date_t last = month_last(month);
    if (row->mhct_date != DATE_NONE && row->start_date != DATE_NONE &&
        row->start_date - row->mhct_date > t->value[THRESHOLD_MHCT_BEFORE_START_DAYS])
        failed |= BIT(M05);
    if (row->assessment_only)
        return failed & ~failed_at_upload;
    if (row->end_date == DATE_NONE && (failed_at_upload & BIT(D03)) == 0) {
        if (is_due_soon(t, reviews, last, row))
            failed |= BIT(R02);
        if (row->last_contact != DATE_NONE && last - row->last_contact >= t->value[THRESHOLD_NO_CONTACT_DAYS])
            failed |= BIT(R06);
    }
    return (failed | short_episode_rules(t, row)) & ~failed_at_upload;
}

static void write_date(char *out, date_t d)
{
    if (d != DATE_NONE)
        date_format(d, out);
}

static void note_date(struct finding *f, const char *before, date_t d)
{
    char text[11] = "";
    write_date(text, d);
    (void)snprintf(f->note, sizeof f->note, "%s%s", before, text);
}

void threshold_rule_finding(const struct review_periods *reviews, month_t month, const struct activity_row *row,
                            enum rule_id rule, uint32_t row_no, struct finding *out)
{
    finding_begin(out, rule, row_no);
    switch (rule) {
    case RULE_M05:
        write_date(out->value, row->mhct_date);
        note_date(out, "The episode starts on ", row->start_date);
        break;
    case RULE_R02:
        write_date(out->value, row->mhct_date);
        note_date(out, "Due on ", review_periods_due(reviews, cluster_index(row->cluster), row->mhct_date));
        break;
    case RULE_R03:
        write_date(out->value, row->end_date);
        break;
    case RULE_R05:
        write_date(out->value, row->last_contact);
        break;
    case RULE_R06:
        write_date(out->value, row->last_contact);
        (void)snprintf(out->note, sizeof out->note, "%d days before the end of the month",
                       month_last(month) - row->last_contact);
        break;
    default:
        break;
    }
}
