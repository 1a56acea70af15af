/* What an accepted version of a month changed against the accepted version before it (spec 2; domain/difference.h). */
#ifndef RECKONER_STORE_DIFFERENCE_H
#define RECKONER_STORE_DIFFERENCE_H

#include "domain/difference.h"
#include "store/pg.h"

struct difference {
    char episode_id[EPISODE_ID_SIZE];
    char commissioner[EPISODE_CODE_SIZE];
    char changed[DIFFERENCE_NAMES_SIZE]; /* "" for a row that is in one version alone */
    int32_t row_no;                      /* 0: not in the newer version */
    int32_t against_row;                 /* 0: not in the older version */
    int64_t before_pence;                /* payable gross value in the older version */
    int64_t after_pence;
    bool before_known; /* false: no price; the pence are not looked at */
    bool after_known;
};

/* Worker. Removes what is stored for a submission. */
enum pg_status difference_clear(struct pg *pg, const char *provider, int64_t submission);
/* Worker. Loads differences in any order; ended with pg_copy_end. */
enum pg_status difference_copy_begin(struct pg *pg, struct pg_copy **copy);
void difference_copy_add(struct pg_copy *copy, const char *provider, int64_t submission, int64_t against,
                         const struct difference *d);

struct difference_query {
    const char *provider;
    int64_t submission;
    const char *commissioner;       /* its rows alone; NULL: all */
    const char *kind;               /* added, removed, changed; NULL: any */
    const char *after_commissioner; /* rows behind this commissioner and episode id; "": from the start */
    const char *after_episode;
    int64_t limit;
};

/* By commissioner and episode id. Columns commissioner, episode_id, kind, row_no, against_row, changed, before_pence,
 * after_pence, and of the facts of both versions before_x and after_x, x being cluster, service, start_date, end_date,
 * mhct_date, mhct_reason, referral_date, last_contact, admitted_days, assessment_only, approved, minor, continues,
 * failed; null where the row is not in the version. */
enum pg_status difference_list(struct pg *pg, const struct difference_query *q, PGresult **result);
/* One line per kind that occurs: kind, rows, before_pence, after_pence (of rows with a price in both), unknown_rows. */
enum pg_status difference_summary(struct pg *pg, const struct difference_query *q, PGresult **result);

#endif
