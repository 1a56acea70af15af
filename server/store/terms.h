/* Versions of the terms of a contract and their approvals. */
#ifndef RECKONER_STORE_TERMS_H
#define RECKONER_STORE_TERMS_H

#include "store/pg.h"

struct terms_draft {
    const char *provider;
    const char *contract;
    int64_t version;
    const char *mode; /* the contract's */
    month_t effective_from;
    const unsigned char *digest; /* SHA-256 of body */
    const char *body;            /* canonical JSON */
    const char *author;
    instant_t created_at; /* product clock */
};

/* Adds the next version as a draft; *version is its number. The contract must be locked (contract_lock). */
enum pg_status terms_add(struct pg *pg, const struct terms_draft *d, int64_t *version);
/* Replaces the draft's content. PG_NONE: not a draft of that revision. */
enum pg_status terms_replace(struct pg *pg, const struct terms_draft *d, int64_t revision);
/* PG_NONE: not a draft of that revision. */
enum pg_status terms_withdraw(struct pg *pg, const char *provider, const char *contract, int64_t version,
                              int64_t revision);
/* PG_NONE: not a draft. */
enum pg_status terms_set_approved(struct pg *pg, const char *provider, const char *contract, int64_t version,
                                  instant_t known_from);

/* Columns version, state, effective_from, digest (hexadecimal), author, created_at, known_from, revision, approvals
 * (number), ours (the author acts for the caller's organisation), body. With lock, the row is locked. */
enum pg_status terms_get(struct pg *pg, const char *provider, const char *contract, int64_t version, bool lock,
                         PGresult **result);
/* The same without body, newest first; before: version of the cursor, 0 at first. */
enum pg_status terms_list(struct pg *pg, const char *provider, const char *contract, int64_t before, int64_t limit,
                          PGresult **result);

/* The same of the versions known at an instant, the one known last first; at most 500. */
enum pg_status terms_list_known(struct pg *pg, const char *provider, const char *contract, instant_t known_at,
                                PGresult **result);

struct terms_approval {
    const char *provider;
    const char *contract;
    int64_t version;
    const char *side; /* provider, commissioner */
    const unsigned char *digest;
    const char *author;
    const char *organisation;
    const char *person;
    instant_t approved_at; /* product clock */
};

/* *added false: the side has approved already. */
enum pg_status terms_approve(struct pg *pg, const struct terms_approval *a, bool *added);
/* Columns side, digest, organisation, person, approved_at. */
enum pg_status terms_approvals(struct pg *pg, const char *provider, const char *contract, int64_t version,
                               PGresult **result);

/* Column id: the submissions that count for the contract from a month of its year on: the latest accepted ones, and
 * those that a frozen month has pinned. */
enum pg_status terms_submissions(struct pg *pg, const char *provider, const char *contract, month_t from, month_t to,
                                 PGresult **result);

#endif
