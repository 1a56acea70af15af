/* Writes what was measured of accepted submissions (domain/indicators.h); store/indicator_view.h reads it. The worker's
 * alone. */
#ifndef RECKONER_STORE_INDICATOR_H
#define RECKONER_STORE_INDICATOR_H

#include "domain/indicators.h"
#include "domain/uncontracted.h"
#include "store/pg.h"

/* Written by the worker in the transaction of the validation: begin removes what was there, each load is ended with
 * pg_copy_end. */
enum pg_status indicator_begin(struct pg *pg, const char *provider, int64_t submission, bool late,
                               bool too_many_services);
enum pg_status indicator_copy_begin(struct pg *pg, struct pg_copy **copy);
/* service: the line's, or what stands for it when it must not go out. */
void indicator_copy_add(struct pg_copy *copy, const char *provider, int64_t submission,
                        const struct indicator_line *line, const char *service);
enum pg_status indicator_days_copy_begin(struct pg *pg, struct pg_copy **copy);
void indicator_days_copy_add(struct pg_copy *copy, const char *provider, int64_t submission, bool whole,
                             const char *service, int cluster, int64_t days);
enum pg_status indicator_cluster_copy_begin(struct pg *pg, struct pg_copy **copy);
void indicator_cluster_copy_add(struct pg_copy *copy, const char *provider, int64_t submission,
                                const struct indicator_cluster *c);
enum pg_status indicator_price_copy_begin(struct pg *pg, struct pg_copy **copy);
void indicator_price_copy_add(struct pg_copy *copy, const char *provider, int64_t submission, int cluster,
                              const struct reference_price *price);

/* Written by the worker in the transaction of an evaluation. */
enum pg_status indicator_clear_evaluated(struct pg *pg, const char *provider, int64_t submission);
enum pg_status indicator_add_threshold(struct pg *pg, const char *provider, int64_t submission, const char *threshold,
                                       int64_t ppm);
enum pg_status indicator_add_uncontracted(struct pg *pg, const char *provider, int64_t submission,
                                          const struct uncontracted_line *line);

#endif
