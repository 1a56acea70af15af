/* The instant of a run, and up to which instant it knows what people decided. */
#ifndef RECKONER_WORKER_MOMENT_H
#define RECKONER_WORKER_MOMENT_H

#include "store/run.h"
#include "worker/jobs.h"

struct moment {
    instant_t now;      /* product clock, by the database's clock as for acts (store/act_order.h) */
    instant_t known_at; /* inputs known up to here are used, all of which the next statement sees; before now, unless
                         * the clock was set back: what the account knew stays known */
};

/* Takes the account (account_lock) and then the moment, in the open transaction, which must hold no other lock yet that
 * an act may wait for. JOB_DONE, or how the job ends: it waits while another run has the account or an act is under
 * way. */
enum job_outcome moment_of_account(struct worker *w, const struct account_key *account, struct moment *out,
                                   char *problem);
/* The same for what writes nothing of the account, which is given back: a run under way has ended before the moment,
 * and a later one knows more (what it writes bears the instant up to which it knows, store/row_act.h). */
enum job_outcome moment_of_question(struct worker *w, const struct account_key *account, struct moment *out,
                                    char *problem);

#endif
