/* What was measured of accepted submissions, as both sides read it; and the consent to be compared. */
#ifndef RECKONER_STORE_INDICATOR_VIEW_H
#define RECKONER_STORE_INDICATOR_VIEW_H

#include "domain/indicator.h"
#include "store/pg.h"

/* Whether the caller may read the indicators of the provider: PG_OK, or PG_NONE. */
enum pg_status indicator_readable(struct pg *pg, const char *provider);
/* The newest accepted submission of a month that was measured: columns no, id, version, rows, caseload,
 * too_many_services, reference_prices, allocation_grid (digests, null: none was loaded), and of the month accepted and
 * late (numbers of versions). PG_NONE: there is none. */
enum pg_status indicator_month(struct pg *pg, const char *provider, month_t month, PGresult **result);
/* Columns whole, service, indicator, numerator, denominator; the whole first, then by service. */
enum pg_status indicator_list(struct pg *pg, const char *provider, int64_t submission, PGresult **result);
/* Days and pence of two submissions at the reference prices of the first, of clusters that have one: columns whole,
 * service, days, pence, days_before, pence_before; in the order of indicator_list. before 0: none; days of
 * before whose episodes are hidden are left out. */
enum pg_status indicator_mix(struct pg *pg, const char *provider, int64_t submission, int64_t before,
                             PGresult **result);
/* Columns as in the table, and pence_per_day, ward_pence_per_day (null: no reference price); by cluster. */
enum pg_status indicator_clusters_list(struct pg *pg, const char *provider, int64_t submission, PGresult **result);
/* Columns threshold, ppm. */
enum pg_status indicator_thresholds(struct pg *pg, const char *provider, int64_t submission, PGresult **result);

/* Columns indicator, peers, lower, median, upper; only indicators that at least three consenting others have. */
enum pg_status indicator_peers(struct pg *pg, const char *provider, month_t month, PGresult **result);
/* The provider's consent: columns given_by, given_at. PG_NONE: not given. */
enum pg_status peer_consent_get(struct pg *pg, const char *provider, PGresult **result);
/* *changed: it was not so before. */
enum pg_status peer_consent_give(struct pg *pg, const char *provider, const char *person, instant_t at, bool *changed);
enum pg_status peer_consent_withdraw(struct pg *pg, const char *provider, bool *changed);

/* Rows without a contract of the newest accepted submission of a month, by commissioner, as far as the caller may see
 * them: columns commissioner, name, terms_missing, rows, days, admitted_days, pence, unpriced_rows. */
enum pg_status uncontracted_list(struct pg *pg, const char *provider, month_t month, PGresult **result);
/* Whether the month has an accepted submission, also for who may not read it; PG_NONE: there is no such provider. */
enum pg_status uncontracted_known(struct pg *pg, const char *provider, month_t month, bool *accepted);

/* What the approved contracts of a month say, and what came of challenges, histories of prices and closed samples, of
 * those that the caller may see: one row of counts; the columns are named as the readiness page names them. */
enum pg_status readiness_contracts(struct pg *pg, const char *provider, month_t month, PGresult **result);

#endif
