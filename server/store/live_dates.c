#include "store/live_dates.h"

enum pg_status live_dates_of(struct pg *pg, const char *code, date_t *from, date_t *to)
{
    static const struct pg_statement s = {"live_dates_of",
                                          "SELECT live_from, live_to FROM reckoner.organisation WHERE code = $1", 1};
    struct pg_args a;
    pg_args_init(&a);
    pg_arg_text(&a, code);
    PGresult *r = NULL;
    enum pg_status status = pg_run_one(pg, &s, &a, &r);
    if (status != PG_OK)
        return status;
    *from = pg_date(r, 0, "live_from");
    *to = pg_date(r, 0, "live_to");
    PQclear(r);
    return PG_OK;
}

enum pg_status live_dates_of_commissioners(struct pg *pg, PGresult **result)
{
    static const struct pg_statement s = {
        "live_dates_of_commissioners",
        "SELECT code, live_from, live_to FROM reckoner.organisation WHERE kind = 'commissioner' ORDER BY code", 0};
    return pg_run(pg, &s, NULL, result);
}
