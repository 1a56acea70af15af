/* The signing keys as the log tells of them. */
#ifndef RECKONER_CLI_FSCK_KEYS_H
#define RECKONER_CLI_FSCK_KEYS_H

#include "signing/public_key.h"
#include "store/pg.h"

struct fsck_key {
    struct public_key key;
    char id[17];
    instant_t valid_from;
    instant_t valid_to; /* INSTANT_NONE while in use */
    bool lost;          /* known to others from valid_to on */
    int64_t ended_leaf; /* of the entry that ended it; -1 while in use, INT64_MAX while that entry waits */
};

struct fsck_keys {
    struct fsck_key *list; /* owned */
    size_t count;
};

/* Reads the entries of kind key in order; the newest of a key holds. PG_FAILED with *out_of_memory set when it did. */
enum pg_status fsck_keys_load(struct pg *pg, struct fsck_keys *keys, bool *out_of_memory);
void fsck_keys_free(struct fsck_keys *keys);
/* NULL: the log names no such key. */
const struct fsck_key *fsck_keys_find(const struct fsck_keys *keys, const char *id);
/* Why a signature of this instant, entered in the log at this leaf (-1: not yet), is not this key's to make; NULL when
 * it is. What a lost key signed counts only when it stood in the log before the loss was told. */
const char *fsck_key_refuses(const struct fsck_key *key, instant_t at, int64_t leaf);

#endif
