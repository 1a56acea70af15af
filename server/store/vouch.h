/* Whether this database is the newest state of the log: what a worker reads to tell, and how it says so. Nothing is
 * signed or numbered in a database that nobody vouches for. */
#ifndef RECKONER_STORE_VOUCH_H
#define RECKONER_STORE_VOUCH_H

#include "signing/public_key.h"
#include "store/log.h"

#define VOUCH_INSTANCE 160
#define VOUCH_REASON   500

enum vouch_key {
    VOUCH_KEY_GOOD,
    VOUCH_KEY_FIRST,   /* no key is known yet: this one introduces itself */
    VOUCH_KEY_UNKNOWN, /* others are */
    VOUCH_KEY_EARLY,   /* not valid yet */
    VOUCH_KEY_ENDED    /* retired or lost */
};

struct vouch {
    char instance[VOUCH_INSTANCE]; /* of this run of the database */
    bool vouched;                  /* somebody did, for this very run */
    bool ever;                     /* somebody did, for whichever */
    char stopped[VOUCH_REASON];    /* why all signing was stopped; "": it was not */
    int64_t size;                  /* leaves of the newest checkpoint; 0: none */
    uint8_t root[LOG_HASH];
    int64_t recovery; /* newest one; 0: none */
    enum vouch_key key;
};

/* at: on the product clock; whether the key is valid then. */
enum pg_status vouch_look(struct pg *pg, const struct public_key *key, instant_t at, struct vouch *out);
/* Whether a checkpoint of this size and root is there. */
enum pg_status vouch_has(struct pg *pg, int64_t size, const uint8_t root[LOG_HASH], bool *out);
/* Whether a recovery after number `after` speaks for a log of this size that was lost. */
enum pg_status vouch_recovered(struct pg *pg, int64_t after, int64_t size, bool *out);
/* Says that this run of the database is the newest state. */
enum pg_status vouch_give(struct pg *pg, const char *instance, int64_t size, const char *by);
/* Stops all signing and numbering, until a recovery. The first reason stays. */
enum pg_status vouch_stop(struct pg *pg, const char *by, const char *reason);

/* The open transaction's number. */
enum pg_status vouch_transaction(struct pg *pg, int64_t *number);
/* What became of a transaction of this run of the database, or an earlier one of the same database. */
enum vouch_outcome { VOUCH_COMMITTED, VOUCH_ABORTED, VOUCH_UNDER_WAY, VOUCH_UNHEARD };
enum pg_status vouch_outcome(struct pg *pg, int64_t number, enum vouch_outcome *out);

/* One recovery, by the owner of the schema, in one transaction. numbers: "{RXA,RXB}" and "{45,12}": the last number
 * that was given, per provider; what lies between and the counter is voided. */
struct recovery {
    instant_t at;
    int64_t kept_size;
    const uint8_t *kept_root; /* LOG_HASH bytes */
    int64_t restored_size;
    const uint8_t *restored_root;
    const char *providers;
    const char *numbers;
    const char *system_user;
};
/* *voided: how many numbers. */
enum pg_status vouch_recover(struct pg *pg, const struct recovery *q, int64_t *voided);
/* Columns provider, last: every provider that ever numbered a document. */
enum pg_status vouch_counters(struct pg *pg, PGresult **result);

#endif
