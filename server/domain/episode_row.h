/* One row of an upload, typed. */
#ifndef RECKONER_DOMAIN_EPISODE_ROW_H
#define RECKONER_DOMAIN_EPISODE_ROW_H

#include "base/date.h"
#include "domain/columns.h"

enum nhs_verdict { NHS_BLANK, NHS_VALID, NHS_BAD_LENGTH, NHS_BAD_CHARACTER, NHS_BAD_CHECK, NHS_DENIED };

/* Judges an NHS number: ten digits with spaces anywhere, modulus 11, and the numbers that are never issued
 * (all digits equal, 1000000001..9000000009). digits receives the ten digits and a NUL when the form is right. */
enum nhs_verdict nhs_number_check(const char *text, size_t length, char digits[11]);

/* Cluster codes that are no currency but known. */
#define CLUSTER_NONE  (-1) /* blank or not a code at all */
#define CLUSTER_COUNT 22   /* 00..21, of which 09 is not allowed */

/* Borrowed texts live as long as the raw row. Dates are DATE_NONE when blank or unreadable. */
struct episode_row {
    const struct raw_row *raw;
    uint32_t row_no;
    struct text episode_id; /* printable ASCII, at most 20 bytes; empty when it is at fault */
    struct text patient_id;
    struct text commissioner;
    struct text service;      /* at most 12 characters */
    struct text cluster_text; /* two digits where it could be normalised, else as sent */
    enum nhs_verdict nhs;
    char nhs_digits[11];     /* the number without spaces when nhs is NHS_VALID, else empty */
    int8_t nhs_status;       /* 0 blank, 1..7, -1 anything else */
    int16_t cluster;         /* 0..99 as sent, CLUSTER_NONE when blank or no number */
    int16_t cluster_initial; /* the same; CLUSTER_NONE when not supplied */
    char super_class;        /* as sent when one character, 0 when blank, '?' otherwise */
    int16_t mhct_reason;     /* 10, 11, 12, 97; 0 blank or unknown */
    int16_t admitted_days;   /* 0..31; blank counts as 0; -1 when it is no number of 0..31 */
    bool assessment_only;
    bool approved;               /* approval_ref is given */
    int8_t rating[RATING_COUNT]; /* 0..4, 9; -1 missing or wrong */
    date_t birth;
    date_t referral;
    date_t referral_end;
    date_t start;
    date_t end; /* first day not in the cluster */
    date_t mhct;
    date_t last_contact;
    date_t discharge_mhct;
    uint64_t unreadable; /* 1 << enum column for each column that is not blank and not of its form */
};

/* Reads a raw row. Never fails: what cannot be read is marked in unreadable. */
void episode_row_read(struct episode_row *out, const struct raw_row *raw);

/* Days of [start, end) within the month; end DATE_NONE = open; 0 when start is DATE_NONE or the range is empty. */
int32_t cluster_days(date_t start, date_t end, month_t month);
/* The same where the closing day is paid too (terms: end_inclusive), unless another row of the patient starts on it. */
int32_t cluster_days_inclusive(date_t start, date_t end, month_t month, bool continues);

#endif
