/* Organisations, their people and the auditors they appointed. */
#ifndef RECKONER_STORE_ORGANISATION_H
#define RECKONER_STORE_ORGANISATION_H

#include "store/pg.h"

struct organisation {
    const char *code; /* ODS */
    const char *kind; /* provider, commissioner, auditor, operator */
    const char *name;
    date_t live_from;
    date_t live_to;        /* first day no longer live; DATE_NONE: open */
    const char *successor; /* NULL: none */
    instant_t created_at;  /* product clock */
};

/* Results have the columns code, kind, name, live_from, live_to, successor, revision, created_at; the caller clears
 * them. */
enum pg_status organisation_add(struct pg *pg, const struct organisation *o, PGresult **result);
/* PG_NONE: no such organisation, or its revision is another. */
enum pg_status organisation_change(struct pg *pg, const struct organisation *o, int64_t revision, PGresult **result);
enum pg_status organisation_get(struct pg *pg, const char *code, PGresult **result);
/* By code; kind NULL: all. after: last code of the page before, "" at first. */
enum pg_status organisation_list(struct pg *pg, const char *kind, const char *after, int64_t limit, PGresult **result);

/* Who stands for an organisation on a day: itself while it is live, else the first live one along its recorded
 * successors. out holds 8 bytes. PG_NONE: it is closed, and there is none. */
enum pg_status organisation_stands_for(struct pg *pg, const char *code, date_t on, char out[8]);
/* Whether the session's caller acts for a commissioner: it is of it, or of the successor of a closed one. */
enum pg_status organisation_acting_for(struct pg *pg, const char *commissioner, bool *acts);

/* auditor is an organisation of that kind. *added false: it was appointed before. */
enum pg_status organisation_appoint(struct pg *pg, const char *auditor, const char *organisation, instant_t at,
                                    bool *added);
/* Columns auditor, appointed_at: those that the session may see. */
enum pg_status organisation_auditors(struct pg *pg, const char *organisation, PGresult **result);

/* Columns person, name, organisation, organisation_name, role of the session's caller. */
enum pg_status person_self(struct pg *pg, const char *person, PGresult **result);

/* People of an organisation who may act; seen by its own people and the operator alone. */
enum pg_status organisation_people(struct pg *pg, const char *code, int64_t *count);

#endif
