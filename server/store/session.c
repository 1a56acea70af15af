#include "store/session.h"

#include "base/clock.h"

#include <stdio.h>

static const struct pg_statement authenticate = {
    "session_authenticate", "SELECT person, organisation, role FROM reckoner.sign_in($1, $2, $3, $4, $5)", 5};

enum pg_status session_authenticate(struct pg *pg, const unsigned char hash[SESSION_HASH_BYTES],
                                    const struct session_origin *from, struct session *out)
{
    struct pg_args a;
    pg_args_init(&a);
    pg_arg_bytes(&a, hash, SESSION_HASH_BYTES);
    pg_arg_instant(&a, clock_wall());
    pg_arg_instant(&a, from->at);
    pg_arg_text(&a, from->address);
    pg_arg_text(&a, from->request_id);
    PGresult *r = NULL;
    enum pg_status status = pg_run_one(pg, &authenticate, &a, &r);
    if (status != PG_OK)
        return status;
    status = pg_is_null(r, 0, "person") ? PG_NONE : PG_OK;
    snprintf(out->person, sizeof out->person, "%s", pg_text(r, 0, "person"));
    snprintf(out->organisation, sizeof out->organisation, "%s", pg_text(r, 0, "organisation"));
    snprintf(out->role, sizeof out->role, "%s", pg_text(r, 0, "role"));
    PQclear(r);
    return status;
}

static const struct pg_statement clear = {"session_clear",
                                          "SELECT set_config('reckoner.organisation', '', false),"
                                          " set_config('reckoner.role', '', false),"
                                          " set_config('reckoner.person', '', false)",
                                          0};

enum pg_status session_clear(struct pg *pg)
{
    struct pg_args a;
    pg_args_init(&a);
    return pg_run(pg, &clear, &a, NULL);
}

int session_backend(struct pg *pg)
{
    PGconn *conn = pg_raw(pg);
    return conn == NULL || PQstatus(conn) != CONNECTION_OK ? 0 : PQbackendPID(conn);
}
