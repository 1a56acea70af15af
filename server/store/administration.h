/* What the operator does from the command line, as role reckoner_migrate: organisations, people, tokens, auditors,
 * reference files, and the questions of `reckoner health`. Every act writes its audit event in the same statement. */
#ifndef RECKONER_STORE_ADMINISTRATION_H
#define RECKONER_STORE_ADMINISTRATION_H

#include "store/pg.h"

/* When and by whom, for the audit event. All texts are borrowed. */
struct admin_act {
    instant_t at;            /* product clock */
    const char *command;     /* "organisation add" */
    const char *system_user; /* login name of the operating system */
};

/* PG_DUPLICATE: the code is taken. PG_INVALID: see pg_constraint (code, kind, name). */
enum pg_status admin_add_organisation(struct pg *pg, const struct admin_act *act, const char *code, const char *kind,
                                      const char *name, date_t live_from);

struct admin_organisation {
    const char *code;
    const char *kind;
    const char *name;
    date_t live_from;
    date_t live_to; /* DATE_NONE while it lives */
    int64_t people;
};
/* Calls row for each organisation in the order of codes; its texts live as long as the call. */
enum pg_status admin_each_organisation(struct pg *pg, void (*row)(void *context, const struct admin_organisation *o),
                                       void *context);

/* The person gets the role of the organisation's kind. PG_NONE: no such organisation. PG_DUPLICATE: the id is taken. */
enum pg_status admin_add_person(struct pg *pg, const struct admin_act *act, const char *id, const char *organisation,
                                const char *name);

/* A disabled person's tokens are refused, and none is made, until enabled again. PG_NONE: no such person.
 * PG_DUPLICATE: it is so already; nothing was changed. */
enum pg_status admin_switch_person(struct pg *pg, const struct admin_act *act, const char *person, bool enabled);

/* hash: 32 bytes. The token is good from now on the wall clock for days. PG_NONE: no such person, or disabled. */
enum pg_status admin_add_token(struct pg *pg, const struct admin_act *act, const unsigned char *hash,
                               const char *person, int64_t days);
/* Revokes every token of a person that is still good, and says how many. PG_NONE: no such person. */
enum pg_status admin_revoke_tokens(struct pg *pg, const struct admin_act *act, const char *person, int64_t *count);

/* PG_NONE: auditor is not an organisation of that kind, or organisation is not a provider or commissioner.
 * PG_DUPLICATE: appointed already. */
enum pg_status admin_appoint_auditor(struct pg *pg, const struct admin_act *act, const char *auditor,
                                     const char *organisation);

/* digest: SHA-256 of content. Loading the same bytes again makes them the newest. */
enum pg_status admin_load_reference(struct pg *pg, const struct admin_act *act, const char *kind, const void *content,
                                    size_t length, const unsigned char digest[32]);

struct admin_queue {
    int64_t waiting;        /* jobs queued and due */
    int64_t oldest_seconds; /* how long the first of them has been due; 0 when none */
    int64_t leased;
    int64_t failed;
};
enum pg_status admin_queue(struct pg *pg, struct admin_queue *out);

/* Whether somebody vouches for this run of the database (store/vouch.h); reason: why all signing was stopped, or "". */
enum pg_status admin_vouched(struct pg *pg, bool *vouched, char *reason, size_t size);
/* Seconds by which the database's clock is behind the last act: 0 or less unless it was set back. */
enum pg_status admin_clock_behind(struct pg *pg, int64_t *seconds);

struct admin_worker {
    const char *worker;
    const char *version;
    int64_t silent_seconds;
};
/* Calls row for each worker seen in the last day, the newest first. */
enum pg_status admin_each_worker(struct pg *pg, void (*row)(void *context, const struct admin_worker *w),
                                 void *context);

#endif
