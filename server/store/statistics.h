/* Statistics of accepted submissions (domain/statistics.h), as validation stored them. */
#ifndef RECKONER_STORE_STATISTICS_H
#define RECKONER_STORE_STATISTICS_H

#include "domain/statistics_set.h"
#include "store/pg.h"

/* Stores those of a submission, in the open transaction of its outcome. */
enum pg_status statistics_add(struct pg *pg, const char *provider, int64_t submission,
                              const struct statistics_set *set);
/* Takes those of a submission away, to be made again. PG_NONE: there are none. */
enum pg_status statistics_remove(struct pg *pg, const char *provider, int64_t submission);

/* One month of a settlement. */
struct statistics_wanted {
    int64_t submission;
    uint32_t parts; /* of the commissioner's own rows: bit 1 << enum statistics_part */
};

/* One commissioner's statistics in one of the submissions asked for. Borrowed until the call ends. */
struct statistics_found {
    size_t place;             /* in wanted */
    const char *commissioner; /* NULL: none of the submission's rows is asked for (there are none) */
    struct bytes part[STATISTICS_PARTS];
};

/* The statistics of some submissions: of the commissioner's own rows the parts wanted, and where candidates are wanted
 * those of every other commissioner. A submission comes at least once, unless it has no complete statistics: then not
 * at all. each returns false to stop, which makes the answer PG_INVALID. */
enum pg_status statistics_each(struct pg *pg, const char *provider, const char *commissioner,
                               const struct statistics_wanted *wanted, size_t count,
                               bool (*each)(void *context, const struct statistics_found *found), void *context);

/* Every accepted submission, for comparing its statistics with its rows, in order of provider, month and version.
 * provider NULL: all; month -1: all. each as above; it may ask the same connection. */
struct statistics_place {
    const char *provider;
    int64_t submission;
    month_t month;
    int64_t version;
    bool made;     /* statistics were stored, */
    bool complete; /* and not given up */
    int64_t rows;  /* that they say there are */
};
enum pg_status statistics_each_submission(struct pg *pg, const char *provider, month_t month,
                                          bool (*each)(void *context, const struct statistics_place *place),
                                          void *context);

/* What is stored of one submission: columns commissioner (text), rows (int8), days, stays, candidates, sound (bool: the
 * digest is right), in binary and ascending order of commissioner. */
enum pg_status statistics_stored(struct pg *pg, const char *provider, int64_t submission, PGresult **result);

#endif
