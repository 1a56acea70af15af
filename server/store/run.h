/* Runs: requests for settlement, their outcome, their inputs and lines. Texts are borrowed on the way in. */
#ifndef RECKONER_STORE_RUN_H
#define RECKONER_STORE_RUN_H

#include "base/ident.h"
#include "domain/activity.h"
#include "store/pg.h"

#define RUN_CODE_SIZE 8

/* Contract x commissioner. */
struct account_key {
    char provider[RUN_CODE_SIZE];
    char contract[IDENT_SIZE];
    char commissioner[RUN_CODE_SIZE];
};
/* The first three parameters of a statement about an account. */
void pg_args_account(struct pg_args *a, const struct account_key *account);
/* One of those as known at an instant, the fourth parameter and the last. */
enum pg_status pg_run_known(struct pg *pg, const struct pg_statement *s, const struct account_key *account,
                            instant_t known_at, PGresult **result);

struct run {
    struct account_key account;
    char id[IDENT_SIZE];
    month_t month;
    char type[8]; /* PREVIEW, FLEX, FREEZE, R, FINAL, DISPUTE */
    int64_t n;
    char state[8]; /* queued, done, parked, failed */
    char cause[200];
    char requested_by[48]; /* "" when it raised itself */
    instant_t requested_at;
    instant_t known_at; /* inputs known up to here are used */
};

/* Contract facts that a run needs. PG_NONE: no such account, or none of the caller's. */
struct account_facts {
    int32_t financial_year;
    bool shadow;
};
enum pg_status account_facts(struct pg *pg, const struct account_key *account, struct account_facts *out);

/* Only one transaction at a time computes or issues for an account: waits (lock_timeout: PG_RETRY) until the others
 * have ended. Held to the end of the transaction. */
enum pg_status account_lock(struct pg *pg, const struct account_key *account);

/* One asks for runs of the account at a time, until the transaction ends: what the newest run is, and whether it is to
 * be made, must be one decision. Not account_lock, which a run holds for as long as it computes. */
enum pg_status account_lock_asking(struct pg *pg, const struct account_key *account);

/* A new queued run; n is the next of its account, month and type and is filled in, as is the id. */
enum pg_status run_insert(struct pg *pg, struct run *run);
/* Puts a parked or failed run back to queued with the new asker, instants and cause of *run (by run->id).
 * PG_NONE when it is neither. */
enum pg_status run_requeue(struct pg *pg, const struct run *run);
enum pg_status run_get(struct pg *pg, const char *provider, const char *id, struct run *out);
/* As run_get, and locks the row until the transaction ends. */
enum pg_status run_get_for_update(struct pg *pg, const char *provider, const char *id, struct run *out);
/* The newest run of the account's month and type. PG_NONE: none yet. */
enum pg_status run_latest(struct pg *pg, const struct account_key *account, month_t month, const char *type,
                          struct run *out);

/* What a finished run found. The digests are 32 bytes. */
struct run_outcome {
    instant_t finished_at;
    instant_t known_at; /* inputs known up to this instant were used */
    const char *engine;
    const unsigned char *position_sha256;
    int64_t position_pence;
    const unsigned char *billing_sha256; /* NULL: the run does not bill; the amounts below are then not used */
    int64_t billable_pence;
    int64_t billed_pence;
    int64_t opening_pence; /* of billed_pence: opening entries */
    bool on_account;
    int64_t on_account_pence; /* of billed_pence, with on_account: what the instalments come to */
};
enum pg_status run_done(struct pg *pg, const char *provider, const char *id, const struct run_outcome *o);
/* What a run waits for, as the codes of run.hold. */
enum hold_code {
    HOLD_OTHER,
    HOLD_NO_TERMS,
    HOLD_NO_ACTIVITY,
    HOLD_REFERENCE_DATA,
    HOLD_NO_SUCCESSOR,
    HOLD_SANITY_BOUND,
    HOLD_OPEN_CHALLENGE,
    HOLD_FAULT /* the run failed; the others park */
};
struct run_hold {
    enum hold_code code;
    month_t month;      /* first month that wants something; -1: none */
    const char *reason; /* in words, with the ways out */
};
/* Ends a queued run without a position: as failed for HOLD_FAULT, else as parked. */
enum pg_status run_not_done(struct pg *pg, const char *provider, const char *id, const struct run_hold *hold,
                            instant_t finished_at);

/* reviews: digest of the review periods that the month was counted by, hexadecimal; they are kept already. earned: the
 * rows that earned an assessment, "3,17,20"; NULL: none. */
enum pg_status run_add_input(struct pg *pg, const char *provider, const char *run, month_t month, int64_t submission,
                             const char *reviews, const char *earned);
/* Rows that the run counted otherwise than they were sent, of months whose inputs were added. */
enum pg_status run_add_rows(struct pg *pg, const char *provider, const char *run, const struct row_change *changes,
                            size_t count);
/* The position that an R or DISPUTE run found for a settled month after its own. The document is stored already. */
enum pg_status run_add_position(struct pg *pg, const char *provider, const char *run, month_t month,
                                const unsigned char sha256[32]);

/* A settled month whose position a run that raised itself has changed. Both documents are stored already. */
struct run_bridge {
    month_t month;
    const unsigned char *from_sha256;
    const unsigned char *to_sha256;
    int64_t from_pence;
    int64_t to_pence;
    const char *body; /* api/formats/bridge.md; NULL: its causes could not be told apart */
};
enum pg_status run_add_bridge(struct pg *pg, const char *provider, const char *run, const struct run_bridge *b);
/* A cause of the bridge of a month; step counts from 1. */
enum pg_status run_add_bridge_step(struct pg *pg, const char *provider, const char *run, month_t month, int64_t step,
                                   const char *cause, int64_t pence);
/* Columns month, from_sha256, to_sha256 (hexadecimal), from_pence, to_pence, body, and of each step cause, pence (null
 * for a bridge without); by month, in the order of the steps. */
enum pg_status run_bridges(struct pg *pg, const char *provider, const char *run, PGresult **result);

struct run_line {
    const char *key;
    const char *stage;
    month_t month;       /* -1: none */
    const char *cluster; /* NULL: none, as for the next two */
    const char *basis;
    int64_t price_pence; /* -1: none */
    int64_t units;       /* used when there is a basis */
    int64_t pence;
    const char *label;
};
/* Adds a line's parameters, from line_key to label, in the order of the table's columns. */
void run_line_args(struct pg_args *a, const struct run_line *l);
/* Lines of a run, all by one COPY, ended with pg_copy_end; line_no counts from 1. `of` is the run, or the document
 * where the copy is document_lines_begin's: the columns are the same. */
enum pg_status run_lines_begin(struct pg *pg, struct pg_copy **copy);
void run_lines_add(struct pg_copy *copy, const char *provider, const char *of, int32_t line_no,
                   const struct run_line *l);

/* Billing head: the highest month with a billing run of the account that is done. PG_NONE: nothing billed yet. */
enum pg_status run_billing_head(struct pg *pg, const struct account_key *account, month_t *head);
/* What stood against the position in the account's newest billing run. PG_NONE: none yet. */
struct run_set_off {
    int64_t opening_pence;
    int64_t on_account_pence; /* 0 when billing was actual */
};
enum pg_status run_last_set_off(struct pg *pg, const struct account_key *account, struct run_set_off *out);
/* Whether a FINAL run of the account is done: what changes later comes as DISPUTE runs. */
enum pg_status run_year_closed(struct pg *pg, const struct account_key *account, bool *closed);
/* Digest of the month's position that a run found last: a run of the month (PREVIEW left out), or a run that raised
 * itself for a month before. PG_NONE: no such run. */
enum pg_status run_last_position(struct pg *pg, const struct account_key *account, month_t month,
                                 unsigned char sha256[32]);

/* For people: columns as in reckoner.run plus job, job_state, document, statement; newest first, before the run
 * `after` ("" = from the top). *result is cleared by the caller. */
enum pg_status run_list(struct pg *pg, const struct account_key *account, const char *after, int64_t limit,
                        PGresult **result);
enum pg_status run_view(struct pg *pg, const char *provider, const char *id, PGresult **result);
/* Lines behind line_no `after`, in order. */
enum pg_status run_lines(struct pg *pg, const char *provider, const char *id, int64_t after, int64_t limit,
                         PGresult **result);

#endif
