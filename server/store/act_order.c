#include "store/act_order.h"

#define ACTS "hashtextextended('reckoner.acts', 0)"
/* The instant is given once the place is taken. */
#define PLACED(lock)                                                                                                   \
    "WITH place AS MATERIALIZED (SELECT " lock "(" ACTS ")) SELECT reckoner.act_stamp() AS wall FROM place"

/* Of 200 ms each (reckoner.acts_ended). */
#define TURNS 25

static enum pg_status take(struct pg *pg, const struct pg_statement *s, instant_t *wall)
{
    struct pg_args a;
    PGresult *r = NULL;
    pg_args_init(&a);
    enum pg_status status = pg_run_one(pg, s, &a, &r);
    if (status == PG_OK)
        *wall = pg_instant(r, 0, "wall");
    PQclear(r);
    return status == PG_NONE ? PG_FAILED : status;
}

/* The database keeps the lock of a session when the statement that took it fails afterwards. */
static void give_back(struct pg *pg)
{
    static const struct pg_statement s = {
        "act_give_back",
        "SELECT pg_advisory_unlock_shared(" ACTS ") FROM pg_locks WHERE pid = pg_backend_pid()"
        " AND locktype = 'advisory' AND objsubid = 1 AND mode = 'ShareLock' AND granted"
        " AND (classid::bigint << 32 | objid::bigint) = " ACTS,
        0};
    struct pg_args a;
    pg_args_init(&a);
    (void)pg_run(pg, &s, &a, NULL);
}

enum pg_status act_begin(struct pg *pg, instant_t *wall)
{
    /* Does not wait for the disk: the commit of the act, which follows, takes the mark with it. */
    static const struct pg_statement s = {
        "act_begin", PLACED("set_config('synchronous_commit', 'off', true), pg_advisory_lock_shared"), 0};
    enum pg_status status = take(pg, &s, wall);
    if (status != PG_OK)
        give_back(pg);
    return status;
}

void act_end(struct pg *pg)
{
    static const struct pg_statement s = {"act_end", "SELECT pg_advisory_unlock_shared(" ACTS ")", 0};
    struct pg_args a;
    pg_args_init(&a);
    /* When the connection is gone the lock is gone with it. */
    (void)pg_run(pg, &s, &a, NULL);
}

enum pg_status act_begin_in_transaction(struct pg *pg, instant_t *wall)
{
    static const struct pg_statement s = {"act_begin_in_transaction", PLACED("pg_advisory_xact_lock_shared"), 0};
    return take(pg, &s, wall);
}

enum pg_status acts_ended(struct pg *pg, instant_t *wall)
{
    static const struct pg_statement s = {"acts_ended", "SELECT reckoner.acts_ended() AS wall", 0};
    for (int turn = 0; turn < TURNS; turn++) {
        enum pg_status status = take(pg, &s, wall);
        if (status != PG_OK || *wall != INSTANT_NONE)
            return status;
    }
    return PG_RETRY;
}
