#include "store/act_order.h"

#define ACTS "hashtextextended('reckoner.acts', 0)"
/* The instant is given once the lock is held. */
#define LOCKED(lock)                                                                                                   \
    "WITH held AS MATERIALIZED (SELECT " lock "(" ACTS ")) SELECT reckoner.act_stamp() AS wall FROM held"

/* Acts that begin queue up behind a run that waits for one under way: never for long. */
#define TURN_MS "200"
#define TURNS   25

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

enum pg_status act_begin(struct pg *pg, instant_t *wall)
{
    /* Does not wait for the disk: the commit of the act, which follows, takes the mark with it. */
    static const struct pg_statement s = {
        "act_begin", LOCKED("set_config('synchronous_commit', 'off', true), pg_advisory_lock_shared"), 0};
    return take(pg, &s, wall);
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
    static const struct pg_statement place = {"act_place_in_transaction",
                                              "SELECT pg_advisory_xact_lock_shared(" ACTS ")", 0};
    static const struct pg_statement stamp = {"act_stamp", "SELECT reckoner.act_stamp() AS wall", 0};
    struct pg_args a;
    pg_args_init(&a);
    enum pg_status status = pg_run(pg, &place, &a, NULL);
    if (status == PG_OK)
        status = pg_script(pg, "SAVEPOINT stamp");
    if (status == PG_OK)
        status = take(pg, &stamp, wall);
    return status == PG_OK ? pg_script(pg, "ROLLBACK TO SAVEPOINT stamp; RELEASE SAVEPOINT stamp") : status;
}

/* The savepoint gives the locks back at once, and survives a turn in vain. */
static enum pg_status one_turn(struct pg *pg, instant_t *wall)
{
    static const struct pg_statement s = {"acts_ended", LOCKED("pg_advisory_xact_lock"), 0};
    enum pg_status status = pg_script(pg, "SAVEPOINT acts; SET LOCAL lock_timeout = " TURN_MS);
    if (status != PG_OK)
        return status;
    status = take(pg, &s, wall);
    if (status != PG_OK && status != PG_RETRY)
        return status;
    enum pg_status back = pg_script(pg, "ROLLBACK TO SAVEPOINT acts; RELEASE SAVEPOINT acts");
    return back == PG_OK ? status : back;
}

enum pg_status acts_ended(struct pg *pg, instant_t *wall)
{
    enum pg_status status = PG_RETRY;
    for (int turn = 0; status == PG_RETRY && turn < TURNS; turn++)
        status = one_turn(pg, wall);
    return status;
}
