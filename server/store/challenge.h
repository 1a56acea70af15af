/* Challenges of an account, their rows and what was decided on these. Texts are borrowed. */
#ifndef RECKONER_STORE_CHALLENGE_H
#define RECKONER_STORE_CHALLENGE_H

#include "store/run.h"

/* Rows that one challenge may have. */
#define CHALLENGE_ROWS_MAXIMUM 10000
/* Operational days that the provider has to answer when the terms do not say. */
#define CHALLENGE_ANSWER_DAYS 10

struct challenge {
    const char *provider;
    const char *contract;
    const char *commissioner;
    int64_t number; /* challenge_raise gives it */
    month_t month;
    const char *reason; /* a code */
    const char *evidence;
    int64_t claimed_pence;
    const char *chosen_by; /* rows, line, filter */
    const char *chosen;    /* the line's key, the filter as JSON, or "" */
    const char *rule;      /* of the filter; NULL: none */
    const char *document;  /* that billed the month last; NULL: it was not billed */
    const char *person;    /* who raises, or closes */
    const char *organisation;
    instant_t at;        /* product clock */
    instant_t answer_by; /* first instant after the provider's clock */
};

/* A counter-calculation: what a row is by the commissioner's reckoning; one of the three. */
struct counter {
    const char *cluster; /* NULL: as it is */
    int64_t days;        /* its earliest so many are paid; -1: as it is */
    bool unpayable;
};

/* The contract must be locked (contract_lock), and rows must follow. PG_INVALID, PG_DENIED: no such account of theirs.
 */
enum pg_status challenge_raise(struct pg *pg, const struct challenge *c, int64_t *number);
/* Rows by name: JSON array of {"episode_id", "cluster", "days", "unpayable"}, of a submission, into a challenge; *added
 * of them are there. PG_DUPLICATE: one is in another open challenge, or twice in the list. PG_INVALID: a counter that
 * changes nothing. */
enum pg_status challenge_add_rows(struct pg *pg, const struct challenge *c, int64_t submission, const char *rows,
                                  int64_t *added);
/* Rows with a finding of the rule and severity (NULL: any) in force, of the cluster (NULL: any); at most
 * CHALLENGE_ROWS_MAXIMUM + 1 are added. */
enum pg_status challenge_add_found(struct pg *pg, const struct challenge *c, int64_t submission, const char *severity,
                                   const char *cluster, const struct counter *counter, int64_t *added);
/* Whether rows of a month were ever challenged in a contract. */
enum pg_status challenge_any(struct pg *pg, const char *provider, const char *contract, month_t month, bool *any);
/* The document that billed the activity of a month last: columns id, issued_at. PG_NONE: it was not billed. */
enum pg_status challenge_billed_by(struct pg *pg, const struct account_key *account, month_t month, PGresult **result);

/* outcome: accepted, rejected, split, withdrawn. answer may be NULL. PG_NONE: closed already. Decisions follow. */
enum pg_status challenge_close(struct pg *pg, const struct challenge *c, const char *outcome, const char *answer);
/* Decides rows of a challenge that was just closed: those named (JSON array of episode ids), or all for NULL. */
enum pg_status challenge_decide(struct pg *pg, const struct challenge *c, const char *episodes, int64_t *decided);

/* Columns number, month, reason, evidence, claimed_pence, chosen_by, chosen, billed, document, held_pence (null unless
 * open), rows, accepted_rows, reopens, raised_by, raised_at, answer_by, escalated (open and unanswered at c->at),
 * outcome, closed_by, closed_at, answer. */
enum pg_status challenge_get(struct pg *pg, const struct challenge *key, bool lock, PGresult **result);
/* In order of number, after that of the key. open: those without an outcome alone. */
enum pg_status challenge_list(struct pg *pg, const struct challenge *after, bool open, int64_t limit,
                              PGresult **result);
/* Rows in order of episode_id, after the one given: columns episode_id, cluster, counter_cluster, counter_days,
 * counter_unpayable, accepted (null while open). */
enum pg_status challenge_rows(struct pg *pg, const struct challenge *key, const char *after, int64_t limit,
                              PGresult **result);
/* Of all accounts of the provider that the session sees: columns commissioner, rule (null: not chosen by one), reason,
 * challenges, open, accepted, rejected, split, withdrawn, rows, accepted_rows, claimed_pence. */
enum pg_status challenge_outcomes(struct pg *pg, const char *provider, PGresult **result);

#endif
