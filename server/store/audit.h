/* The audit trail: appended in the transaction of the act. */
#ifndef RECKONER_STORE_AUDIT_H
#define RECKONER_STORE_AUDIT_H

#include "store/pg.h"

struct audit_event {
    const char *provider;     /* whose affairs the act touches; NULL: the actor's own organisation */
    instant_t at;             /* product clock */
    const char *person;       /* NULL: the service itself */
    const char *organisation; /* NULL with person */
    const char *act;          /* "terms.approve" */
    const char *subject;      /* "contract/abc/terms/2" */
    const char *detail;       /* a JSON object, without personal data; NULL: {} */
    const char *request_id;   /* may be NULL */
    const char *address;      /* where the request came from; NULL or "": the service itself, or not known */
};

enum pg_status audit_append(struct pg *pg, const struct audit_event *event);

#endif
