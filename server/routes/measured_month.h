/* A provider's indicators of one month as the routes show them: what was stored with the current submission, and what
 * is made of several submissions. */
#ifndef RECKONER_ROUTES_MEASURED_MONTH_H
#define RECKONER_ROUTES_MEASURED_MONTH_H

#include "http/request.h"
#include "store/indicator_view.h"

/* The note of what suppression hides. */
#define MEASURED_HIDDEN "Hidden: a count of 1 to 4 patients, or one that would give it back"

/* One indicator of the provider or a service. */
struct measured {
    bool numerator_known;
    bool denominator_known;
    int64_t numerator;
    int64_t denominator;
    bool value_known;
    int64_t value;    /* parts per million; pence of a mean */
    const char *note; /* why something is missing; NULL: nothing is */
};

struct measured_month {
    const char *provider; /* borrowed */
    month_t month;
    bool found; /* an accepted submission was measured */
    int64_t no;
    char submission[24];
    int64_t version;
    int64_t rows;
    int64_t caseload; /* -1: not supplied */
    int64_t accepted; /* versions of the month */
    int64_t late;
    bool too_many_services;
    char prices[65]; /* digests; "" when none was loaded */
    char grid[65];
    int64_t before; /* submission of the month before; 0: none */
    int64_t threshold[THRESHOLD_COUNT];
    PGresult *lines;
    PGresult *mix;
};

/* Reads it. PG_NONE: the caller may not read the provider's indicators. A month without a measured submission is
 * PG_OK, not found. Freed with measured_month_free in every case. */
enum pg_status measured_month_read(struct pg *pg, const char *provider, month_t month, struct measured_month *out);
void measured_month_free(struct measured_month *m);

/* The indicators of the group of lines that begins at row *at (the provider first, then service by service), and moves
 * *at to the next group. false: there is none. *service is NULL for the provider. */
bool measured_next(const struct measured_month *m, int *at, const char **service, struct measured out[INDICATOR_COUNT]);

/* An indicator as JSON; described: with its name, what it counts, threshold and source. NULL: out of memory. */
json_t *measured_json(const struct measured_month *m, enum indicator_id id, const struct measured *figure,
                      bool described);
/* A share as "12.5%", or null. */
json_t *measured_share(bool is_known, int64_t ppm);
/* {provider, month, submission, version, reference_prices}; submission null with empty_because when there is none. */
json_t *measured_head(const struct measured_month *m);

/* ?month=, which must be there. A problem and false otherwise. */
bool request_query_month(struct request *r, month_t *month);

#endif
