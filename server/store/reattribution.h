/* Re-attribution: rows of one month that belong to another commissioner than they were attributed to, moved by one act
 * of three parties. Texts are borrowed. */
#ifndef RECKONER_STORE_REATTRIBUTION_H
#define RECKONER_STORE_REATTRIBUTION_H

#include "domain/episode.h"
#include "store/run.h"

/* Rows that one re-attribution may have. */
#define REATTRIBUTION_ROWS_MAXIMUM 10000

struct reattribution {
    const char *provider;
    int64_t n; /* reattribution_propose gives it */
    month_t month;
    const char *from; /* commissioners (ODS) */
    const char *to;
    int64_t rows;
    const char *reason;
    const char *side;         /* of the caller: provider, from, to */
    const char *organisation; /* who acts */
    const char *person;
    instant_t at; /* product clock */
};

/* Contract of a commissioner's account with the provider for a month. PG_NONE: there is none. */
enum pg_status reattribution_contract(struct pg *pg, const char *provider, const char *commissioner, month_t month,
                                      char contract[IDENT_SIZE]);
/* Serialises proposals of one provider: held to the end of the transaction. */
enum pg_status reattribution_lock(struct pg *pg, const char *provider);
/* The provider must be locked; side is provider or from. Rows must follow. PG_INVALID: a commissioner without an
 * account. PG_DENIED: not theirs to propose. */
enum pg_status reattribution_propose(struct pg *pg, const struct reattribution *g, int64_t *n);
/* Rows by name (JSON array of episode ids) of a submission, that are of g->from. PG_DUPLICATE: one is in another open
 * act, or twice in the list. PG_INVALID: not all of them are such rows. */
enum pg_status reattribution_add_rows(struct pg *pg, const struct reattribution *g, int64_t submission,
                                      const char *episodes);
/* The agreement of g->side. PG_NONE: it has agreed, or the act has ended. */
enum pg_status reattribution_agree(struct pg *pg, const struct reattribution *g);
/* outcome: refused (with the reason why), withdrawn. PG_NONE: it has ended already. */
enum pg_status reattribution_close(struct pg *pg, const struct reattribution *g, const char *outcome,
                                   const char *refusal);

/* Columns n, month, from_commissioner, to_commissioner, rows, reason, proposed_side, proposed_at, provider_by,
 * provider_at, from_by, from_at, to_by, to_at, agreed_at, outcome, closed_for, closed_by, closed_at, refusal. */
enum pg_status reattribution_get(struct pg *pg, const struct reattribution *key, bool lock, PGresult **result);
/* Those that the session sees, in order of n, after that of the key. */
enum pg_status reattribution_list(struct pg *pg, const struct reattribution *after, int64_t limit, PGresult **result);
/* Rows in order of episode_id, after the one given: columns episode_id, row_sha256, and of those that the newest
 * accepted version of the month has unchanged row_no, cluster, start_date, end_date, rules (that they fail, commas
 * between). The commissioner that they are said to belong to gets none before all three have agreed. */
enum pg_status reattribution_rows(struct pg *pg, const struct reattribution *key, const char *after, int64_t limit,
                                  PGresult **result);
/* The rows that the newest accepted version of the month has unchanged, without whose they are, for a party: an array
 * for the caller to free. Ids and patients are numbered. */
enum pg_status reattribution_unchanged(struct pg *pg, const struct reattribution *key, struct episode **rows,
                                       size_t *count);

/* A row of a submission that an agreed re-attribution moved to the account's commissioner (here), or away from it. */
struct moved_row {
    struct episode row; /* without the patient */
    bool here;
};
/* An array in order of row_no, for the caller to free. */
enum pg_status moved_rows_load(struct pg *pg, const struct account_key *account, int64_t submission,
                               struct moved_row **rows, size_t *count);

#endif
