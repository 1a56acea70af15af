/* A row of activity without identity: the payable facts that the store keeps, settlement counts and the rules that
 * depend on terms look at. Pure. */
#ifndef RECKONER_DOMAIN_EPISODE_H
#define RECKONER_DOMAIN_EPISODE_H

#include "domain/valuation.h"

struct checked_row;

#define EPISODE_ID_SIZE      21
#define EPISODE_CODE_SIZE    7  /* commissioner with its NUL; "" when what was sent is no code */
#define EPISODE_SERVICE_SIZE 49 /* 12 characters of UTF-8 */

struct episode {
    int32_t row_no;
    char episode_id[EPISODE_ID_SIZE];
    uint8_t patient[16]; /* keyed hash of the local patient id */
    char commissioner[EPISODE_CODE_SIZE];
    char cluster[3]; /* two digits, "" when what was sent is no code */
    char service[EPISODE_SERVICE_SIZE];
    date_t start_date; /* DATE_NONE: not a date, or open */
    date_t end_date;
    date_t mhct_date;
    date_t referral_date;
    date_t last_contact;
    int16_t mhct_reason;
    int16_t admitted_days;
    bool assessment_only;
    bool continues; /* another row of the patient starts on the closing day */
    bool approved;
    bool minor;
    uint64_t failed; /* rules failed whatever the terms, one bit each (rule.bit) */
};

/* The facts of a row as it was read. failed holds what the row fails by itself; continues is false: rules across rows
 * add to both later. */
void episode_of_row(struct episode *out, const struct checked_row *checked, const uint8_t patient[16]);

/* The same facts as valuation takes them; texts are borrowed from e. */
struct activity_row episode_activity(const struct episode *e);

#endif
