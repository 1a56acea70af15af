#include "store/audit.h"

static const struct pg_statement append = {
    "audit_append",
    "INSERT INTO reckoner.audit_event (provider, at, person, organisation, act, subject, detail, request_id, address)"
    " VALUES (coalesce($1, $4, ''), $2, $3, $4, $5, $6, coalesce($7::jsonb, '{}'), $8, nullif($9, ''))",
    9};

enum pg_status audit_append(struct pg *pg, const struct audit_event *event)
{
    struct pg_args a;
    pg_args_init(&a);
    pg_arg_text(&a, event->provider);
    pg_arg_instant(&a, event->at);
    pg_arg_text(&a, event->person);
    pg_arg_text(&a, event->organisation);
    pg_arg_text(&a, event->act);
    pg_arg_text(&a, event->subject);
    pg_arg_text(&a, event->detail);
    pg_arg_text(&a, event->request_id);
    pg_arg_text(&a, event->address);
    return pg_run(pg, &append, &a, NULL);
}
