#include "worker/moment.h"

#include "store/act_order.h"
#include "store/settlement_input.h"

#include <stdio.h>

static enum job_outcome busy(const struct worker *w, enum pg_status status, const char *with, char *problem)
{
    if (status != PG_RETRY)
        return job_outcome_of(status, w->pg, problem);
    snprintf(problem, JOB_PROBLEM_SIZE, "%s; this job follows it.", with);
    return JOB_WAITS;
}

/* With the account's lock. */
static enum job_outcome choose(struct worker *w, const struct account_key *account, struct moment *out, char *problem)
{
    instant_t wall = 0;
    enum pg_status status = account_lock(w->pg, account);
    if (status != PG_OK)
        return busy(w, status, "Another run of the account is being made", problem);
    status = acts_ended(w->pg, &wall);
    if (status != PG_OK)
        return busy(w, status, "Somebody's act takes long to end", problem);
    if (!clock_at(w->clock, wall, &out->now)) {
        snprintf(problem, JOB_PROBLEM_SIZE, "The clock file cannot be read. Mend it, then retry the job.");
        return JOB_AGAIN;
    }
    /* An act that begins in the same microsecond is not known. */
    out->known_at = out->now - 1;
    return JOB_DONE;
}

enum job_outcome moment_of_question(struct worker *w, const struct account_key *account, struct moment *out,
                                    char *problem)
{
    enum pg_status status = pg_script(w->pg, "SAVEPOINT question");
    if (status != PG_OK)
        return job_outcome_of(status, w->pg, problem);
    enum job_outcome outcome = choose(w, account, out, problem);
    if (outcome != JOB_DONE)
        return outcome;
    status = pg_script(w->pg, "ROLLBACK TO SAVEPOINT question; RELEASE SAVEPOINT question");
    return job_outcome_of(status, w->pg, problem);
}

enum job_outcome moment_of_account(struct worker *w, const struct account_key *account, struct moment *out,
                                   char *problem)
{
    instant_t until = 0;
    enum job_outcome outcome = choose(w, account, out, problem);
    if (outcome != JOB_DONE)
        return outcome;
    enum pg_status status = account_known_until(w->pg, account, &until);
    if (status != PG_OK)
        return job_outcome_of(status, w->pg, problem);
    if (until > out->known_at)
        out->known_at = until;
    return JOB_DONE;
}
