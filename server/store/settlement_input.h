/* What a settlement reads beside terms and rows: the submissions that count for a contract, the achievements agreed,
 * the months that are frozen. */
#ifndef RECKONER_STORE_SETTLEMENT_INPUT_H
#define RECKONER_STORE_SETTLEMENT_INPUT_H

#include "base/ident.h"
#include "store/run.h"

/* A month of the year to date, with the first instant after its FREEZE window. */
struct month_cutoff {
    month_t month;
    instant_t cutoff;
};

struct effective_submission {
    month_t month;
    int64_t no; /* 0: none counts */
    char id[IDENT_SIZE];
    int64_t version;
    char sha256[65];
    int64_t bytes;
    int64_t rows;
    char rule_set[72];
    char reference[72];   /* digest over the reference data that validation used; "" = none */
    instant_t known_from; /* when it began, or was confirmed */
    bool waits;           /* an upload that would count is still arriving, or not validated yet */
};

/* For each month the newest accepted version known at known_at that was begun before the cutoff (or is pinned, where
 * the month is frozen), or inside an opening that both parties agreed. out holds count entries, in the order of
 * cutoffs. */
enum pg_status effective_submissions(struct pg *pg, const char *provider, const char *contract,
                                     const struct month_cutoff *cutoffs, size_t count, instant_t known_at,
                                     struct effective_submission *out);

/* The same for an instant of the past, as it would have been then: what was pinned later does not count, and a month
 * with an upload that began by then and has no outcome waits. */
enum pg_status effective_submissions_as_known(struct pg *pg, const char *provider, const char *contract,
                                              const struct month_cutoff *cutoffs, size_t count, instant_t known_at,
                                              struct effective_submission *out);

/* The columns no, id, version, sha256, bytes, rows, rule_set, reference and known_from of a row. */
void effective_submission_read(const PGresult *r, int row, struct effective_submission *s);

/* Pins the submission, and the review periods by digest, that a first FREEZE of the contract used for a month; a pin
 * that is there stays. */
enum pg_status freeze_month(struct pg *pg, const char *provider, const char *contract, month_t month,
                            int64_t submission, const char *reviews, instant_t frozen_at);

/* Achievements of the account known at known_at, the newest agreed one of each indicator: columns indicator, numerator,
 * denominator, disputed, agreed_at. An indicator of which none is agreed comes when its newest measure is disputed
 * (agreed_at: when the other side answered with its own). */
enum pg_status agreed_achievements(struct pg *pg, const struct account_key *account, instant_t known_at,
                                   PGresult **result);

/* The latest instant at which terms, an achievement, an agreement, a withhold or an accepted upload of the account
 * became known, by the clock of the machine that took it; INT64_MIN when there is none. */
enum pg_status account_known_until(struct pg *pg, const struct account_key *account, instant_t *until);

/* Commissioners of the contract's accounts, in order: column commissioner. */
enum pg_status contract_accounts(struct pg *pg, const char *provider, const char *contract, PGresult **result);

/* Months of the account that a FREEZE or re-settlement has settled, in order: column month. */
enum pg_status settled_months(struct pg *pg, const struct account_key *account, PGresult **result);

#endif
