/* Whether this worker may sign: its key is in force, and the database is the newest state of the log, as far as this
 * machine, another worker of the same run of the database, or a recovery can tell.
 *
 * A machine keeps the newest checkpoint that it saw outside the database (base/log_state.h). A database that holds less
 * was restored: everything stops until `reckoner fsck --recover`. A database that was restarted, which a restore is
 * too, is vouched for by a machine that holds its newest checkpoint, and by no other: one with an older state could not
 * tell. */
#ifndef RECKONER_WORKER_LOG_STANDING_H
#define RECKONER_WORKER_LOG_STANDING_H

#include "base/log_state.h"
#include "store/vouch.h"
#include "worker/jobs.h"

/* Looks, outside a transaction, and acts on it: vouches, stops, takes note, or records the very first key. *may: the
 * worker may sign. Otherwise problem (JOB_PROBLEM_SIZE bytes) says why and what to do. */
enum pg_status log_standing(struct pg *pg, const struct worker *w, bool *may, char *problem);

/* Around the commit of a checkpoint, its transaction being open, and once it is committed. entries are those of the
 * batch, with the columns kind, provider and entry: document numbers among them are kept. false: the state cannot be
 * written, and problem says why; the checkpoint must not be committed then. */
bool log_standing_begin(struct pg *pg, const struct worker *w, const struct log_head *head, const PGresult *entries,
                        char *problem);
bool log_standing_done(struct pg *pg, const struct worker *w, const struct log_head *head, char *problem);

#endif
