/* One order of what people decide and what runs know. An act is stamped after it has taken its place among the acts
 * under way, and its place ends with its commit or rollback; a run takes the instant up to which it knows while no act
 * is under way. So every act stamped earlier is there to be read, and every later one is stamped later: what a run
 * found is what anybody finds who asks afterwards for what was known at its instant. Instants are those of the
 * database's clock, the one that all machines share; where it was set back, one microsecond after the last that was
 * given, until it has caught up (migrations/0050). Waits are bounded by lock_timeout: PG_RETRY. */
#ifndef RECKONER_STORE_ACT_ORDER_H
#define RECKONER_STORE_ACT_ORDER_H

#include "store/pg.h"

/* An act begins on this connection, outside a transaction; *wall is its instant of real time. Until act_end nothing may
 * wait for a run of an account (account_lock), which may be waiting for the act. On failure there is nothing to end. */
enum pg_status act_begin(struct pg *pg, instant_t *wall);
/* Once what the act wrote is committed or rolled back. */
void act_end(struct pg *pg);
/* The same for the rest of the open transaction. */
enum pg_status act_begin_in_transaction(struct pg *pg, instant_t *wall);

/* In a transaction that holds no lock an act may wait for: waits until the acts under way have ended, 5 s at most
 * (PG_RETRY; the transaction goes on). *wall lies after every act whose outcome the next statement sees, and not after
 * any that begins from now on. */
enum pg_status acts_ended(struct pg *pg, instant_t *wall);

#endif
