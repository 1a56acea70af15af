/* The rows that make up an activity line. */
#ifndef RECKONER_ROUTES_CHALLENGE_LINE_H
#define RECKONER_ROUTES_CHALLENGE_LINE_H

#include "routes/account_month.h"

/* Ids of the rows of the submission that count in a line of the month, by its key in the position
 * ("activity/2012-06/04/DAY/612"), as a JSON array; NULL with *status set: PG_INVALID when the key is of no such line
 * or memory ran out, PG_DUPLICATE when there are more than maximum. Under terms that stop pay when a review is overdue,
 * rows whose days are past that are among them: they are worth nothing. */
json_t *challenge_line_rows(struct pg *pg, const struct account_month *m, const char *key, size_t maximum,
                            enum pg_status *status);

#endif
