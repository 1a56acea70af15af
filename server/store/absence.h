/* When the service was away, so that closing days move (spec 2, Windows). */
#ifndef RECKONER_STORE_ABSENCE_H
#define RECKONER_STORE_ABSENCE_H

#include "domain/calendar.h"
#include "store/pg.h"

struct absences {
    struct absence *list; /* sorted by from; owned */
    size_t count;
};

/* Absences that end on the month's first day or later, as known at an instant. absences_free also after a failure. */
enum pg_status absences_load(struct pg *pg, month_t month, instant_t known_at, struct absences *out);
void absences_free(struct absences *a);
/* The same for readers: columns away_from, away_to, recorded_at, newest first, those that began before `before`
 * (0: all). */
enum pg_status absence_list(struct pg *pg, instant_t before, int64_t limit, PGresult **result);

/* A web process is alive, at this instant of the product clock; the database knows the wall clock. *recorded: this made
 * an absence known. */
enum pg_status presence_note(struct pg *pg, instant_t at, bool *recorded);

#endif
