/* Whether a run may be made yet. */
#ifndef RECKONER_ROUTES_RUN_WINDOWS_H
#define RECKONER_ROUTES_RUN_WINDOWS_H

#include "http/request.h"
#include "store/run.h"

/* FLEX waits for the month's first date. FREEZE bills the year to date, so the final date of every month up to its own
 * must have passed: what it pins can then only change through an exception. PG_INVALID: a problem was replied. */
enum pg_status run_windows_check(struct request *r, const struct run *run, int32_t financial_year);

/* The bank holidays loaded last, sorted, for the caller to free. PG_INVALID: there are none, a problem was replied. */
enum pg_status request_bank_holidays(struct request *r, date_t **holidays, size_t *count);

#endif
