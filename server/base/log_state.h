/* What a machine of the worker keeps of the log outside the database, so that a database that was restored to an
 * earlier state is noticed: one small file in state_dir, flushed to disk before a checkpoint is committed and after.
 * Several workers of one machine share it, under a lock. */
#ifndef RECKONER_BASE_LOG_STATE_H
#define RECKONER_BASE_LOG_STATE_H

#include "base/json.h"

#include <stdbool.h>
#include <stdint.h>

#define LOG_STATE_HASH     32
#define LOG_STATE_INSTANCE 160 /* room for a name of a run of a database, with its NUL */

/* The leaves and the root of a checkpoint. */
struct log_head {
    int64_t size; /* 0: none yet */
    uint8_t root[LOG_STATE_HASH];
};

struct log_state {
    bool there;           /* the file was there; otherwise all is empty */
    struct log_head seen; /* newest checkpoint known to be committed */
    int64_t recovery;     /* newest recovery known then, 0: none */
    struct log_head
        begun; /* size 0: none. A checkpoint whose commit was not seen to succeed, and where it was begun: */
    int64_t transaction;
    char instance[LOG_STATE_INSTANCE];
    json_t *numbers; /* object: highest document number seen of each provider; owned */
};

/* Each says in one sentence what is wrong, and the remedy, when it answers false. */

/* Whether the folder can be written. */
bool log_state_usable(const char *folder, char *problem, size_t size);
/* *out is freed with log_state_free, also after false. */
bool log_state_load(const char *folder, struct log_state *out, char *problem, size_t size);
void log_state_free(struct log_state *s);
/* A checkpoint is about to be committed. numbers (borrowed) are taken over where they are higher than those kept. */
bool log_state_begin(const char *folder, const struct log_head *head, int64_t transaction, const char *instance,
                     const json_t *numbers, char *problem, size_t size);
/* A checkpoint is committed: forgets the one begun. Keeps what is there when that is newer. */
bool log_state_see(const char *folder, const struct log_head *head, int64_t recovery, char *problem, size_t size);
/* The one begun was not committed. */
bool log_state_forget(const char *folder, char *problem, size_t size);
/* Begins again from a recovered log, whatever was there before; numbers stay. */
bool log_state_restart(const char *folder, const struct log_head *head, int64_t recovery, char *problem, size_t size);

#endif
