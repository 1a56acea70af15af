/* Reads what an account's positions are computed from, once, and computes the position of any month from it. */
#ifndef RECKONER_WORKER_SETTLEMENT_H
#define RECKONER_WORKER_SETTLEMENT_H

#include "domain/position_document.h"
#include "store/absence.h"
#include "store/agreed_terms.h"
#include "store/kept_reviews.h"
#include "store/settlement_input.h"
#include "worker/agreed_inputs.h"
#include "worker/row_inputs.h"
#include "worker/settlement_statistics.h"

#include <stdatomic.h>

enum settlement_status {
    SETTLEMENT_OK,
    SETTLEMENT_PARKED, /* something is missing; the reason says what, and the ways out */
    SETTLEMENT_WAITS,  /* an upload that would count is still arriving or being validated */
    SETTLEMENT_STORE,  /* the store failed: see store_status */
    SETTLEMENT_LOST,   /* the job went to another worker meanwhile */
    SETTLEMENT_FAULT   /* out of memory, or an amount beyond 64 bits: reason says which */
};

struct settlement {
    /* Set by the caller before settlement_open. */
    struct pg *pg;
    const char *reference_dir;
    const atomic_bool *lost; /* may be NULL */
    struct account_key account;
    instant_t known_at;
    bool as_known;     /* known_at is past: as a run of that time would have found it, without what was pinned or loaded
                          since */
    bool follows_rows; /* challenges follow rows that were sent anew, and are raised again where they were decided: this
                          writes, so not for a preview */

    /* Set by settlement_open. */
    struct account_facts facts;
    struct agreed_terms terms;
    date_t *holidays; /* sorted */
    size_t holiday_count;
    struct absences absences; /* as known at known_at */
    struct kept_reviews reviews_in_use;

    /* Set by settlement_read: April .. last. */
    size_t months;
    struct month_cutoff cutoff[TERMS_MONTHS];
    struct effective_submission submission[TERMS_MONTHS];
    struct kept_reviews reviews[TERMS_MONTHS]; /* as the month was frozen or pinned, else those in use */
    struct position_month month[TERMS_MONTHS];
    struct month_statistics statistics[TERMS_MONTHS];
    struct activity_lines activity; /* with what was decided of single rows */
    PGresult *achievement_rows;
    struct position_achievement *achievements;
    size_t achievement_count;
    struct agreed_inputs agreed;
    struct row_inputs rows;

    /* Of the last failure. */
    enum hold_code hold; /* of SETTLEMENT_PARKED, where it was not for want of terms or activity */
    enum pg_status store_status;
    char reason[POSITION_REASON_SIZE];
};

/* A position with its document. */
struct account_position {
    struct position position;
    json_t *document;
    char *bytes;
    size_t length;
};

/* Terms and reference data. The struct may be closed after any outcome. */
enum settlement_status settlement_open(struct settlement *s);
/* Submissions, rows and achievements for the year to the end of month `last`, which lies in the contract's year. */
enum settlement_status settlement_read(struct settlement *s, month_t last);
/* The same as a done run pinned and knew it: its submissions and review periods, what was agreed by its known_at. Sets
 * known_at; terms must have been opened at that instant or later. Nothing is valued and no statistics are read:
 * settlement_activity and settlement_position are not for it. */
enum settlement_status settlement_read_pinned(struct settlement *s, const char *run, month_t last);
/* The store's answer, or that memory ran out, as the outcome. */
enum settlement_status settlement_store_failed(struct settlement *s, enum pg_status status);
enum settlement_status settlement_no_memory(struct settlement *s);
/* Says that statistics as stored are no statistics. */
enum settlement_status settlement_broken_statistics(struct settlement *s);
/* The activity lines of the months read, with rows changed by decisions, re-attribution or counter-calculations. After
 * settlement_read, when each month has terms and a submission. Free *out with activity_lines_free. */
enum settlement_status settlement_activity(struct settlement *s, const struct row_change *changes, size_t count,
                                           struct activity_lines *out);
/* Loads decisions and open challenges known at known_at, and applies them to the rows of the months read. */
enum settlement_status row_inputs_load(struct settlement *s, struct row_inputs *in);
/* The activity with the decisions, and with each challenge countered beside. After row_inputs_load. */
enum settlement_status row_inputs_value(struct settlement *s, struct row_inputs *in, struct activity_lines *out);
/* The same acts on the rows of other submissions, for a bridge. Free *out with row_changes_free after any outcome. */
enum settlement_status row_changes_make(struct settlement *s, const struct row_inputs *in,
                                        const struct effective_submission *submissions, size_t months,
                                        struct row_changes *out);
/* What position(m) is computed from, with these lines of the months to m, but for open challenges. After
 * settlement_read; borrowed from s. */
struct position_input settlement_input(const struct settlement *s, month_t m, const struct activity_lines *activity);
/* The open challenges of the months to m with their activity, as position(m) takes them. After settlement_read. */
struct open_challenges {
    struct position_challenge *list;
    struct activity_lines *lines; /* of each; the lines themselves are borrowed from s */
    size_t count;
};
/* Free *out with open_challenges_free after any outcome. */
enum settlement_status settlement_challenges(struct settlement *s, month_t m, struct open_challenges *out);
void open_challenges_free(struct open_challenges *c);
/* Position(m) for a month up to `last`. *out is filled for SETTLEMENT_OK alone; free with account_position_free. */
enum settlement_status settlement_position(struct settlement *s, month_t m, struct account_position *out);
void account_position_free(struct account_position *p);
void settlement_close(struct settlement *s);

#endif
