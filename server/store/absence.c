#include "store/absence.h"

#include <stdlib.h>

#define INSTANT(name) PG_INSTANT(name) " AS " name

enum pg_status absences_load(struct pg *pg, month_t month, instant_t known_at, struct absences *out)
{
    static const struct pg_statement s = {
        "absences_load",
        "SELECT " INSTANT("away_from") ", " INSTANT(
            "away_to") " FROM reckoner.service_absence"
                       " WHERE away_to >= $1 AND recorded_at <= $2 ORDER BY away_from",
        2};
    struct pg_args a;
    PGresult *r = NULL;
    out->list = NULL;
    out->count = 0;
    pg_args_init(&a);
    pg_arg_instant(&a, london_midnight(month_first(month)));
    pg_arg_instant(&a, known_at);
    enum pg_status status = pg_run(pg, &s, &a, &r);
    if (status != PG_OK)
        return status;
    size_t count = (size_t)PQntuples(r);
    out->list = calloc(count + 1, sizeof *out->list);
    for (size_t i = 0; out->list != NULL && i < count; i++) {
        out->list[i].from = pg_instant(r, (int)i, "away_from");
        out->list[i].to = pg_instant(r, (int)i, "away_to");
    }
    out->count = out->list == NULL ? 0 : count;
    PQclear(r);
    return out->list == NULL ? PG_FAILED : PG_OK;
}

void absences_free(struct absences *a)
{
    free(a->list);
    a->list = NULL;
    a->count = 0;
}

enum pg_status absence_list(struct pg *pg, instant_t before, int64_t limit, PGresult **result)
{
    static const struct pg_statement s = {"absence_list",
                                          "SELECT " INSTANT("away_from") ", " INSTANT("away_to") ", " INSTANT(
                                              "recorded_at") " FROM reckoner.service_absence"
                                                             " WHERE $1::timestamptz IS NULL OR away_from < $1"
                                                             " ORDER BY service_absence.away_from DESC LIMIT $2",
                                          2};
    struct pg_args a;
    pg_args_init(&a);
    pg_arg_instant(&a, before == 0 ? INSTANT_NONE : before);
    pg_arg_i64(&a, limit);
    return pg_run(pg, &s, &a, result);
}

enum pg_status presence_note(struct pg *pg, instant_t at, bool *recorded)
{
    static const struct pg_statement s = {"presence_note", "SELECT reckoner.note_presence($1) AS recorded", 1};
    struct pg_args a;
    pg_args_init(&a);
    pg_arg_instant(&a, at);
    return pg_get_bool(pg, &s, &a, recorded);
}
