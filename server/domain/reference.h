/* Reference data that the operator loads, read from the texts of the files. Plain structs, sorted for look-up. */
#ifndef RECKONER_DOMAIN_REFERENCE_H
#define RECKONER_DOMAIN_REFERENCE_H

#include "domain/episode_row.h"

/* An organisation code as a number, for quick comparison: up to 8 bytes, big-endian; 0 for none. */
typedef uint64_t code_t;
code_t code_pack(const char *text, size_t length);

struct cluster {
    bool exists;
    char super_class; /* 'A', 'B', 'C'; 0 for cluster 00 */
    bool in_months;   /* review period counts calendar months, else days */
    int32_t review;   /* length of the review period */
};

/* What a day in a cluster is worth for comparing clusters and rows; no contract is billed by it. Prices are 0 to
 * REFERENCE_PRICE_MAXIMUM; zero is a price. */
struct reference_price {
    bool known;
    int64_t pence_per_day;      /* outside a ward; clusters are compared by it */
    int64_t ward_pence_per_day; /* on a ward; the same where the file gives none */
};
#define REFERENCE_PRICE_MAXIMUM 10000000

/* Ratings from least to most are inside; least -1: there is no band. */
struct rating_band {
    int8_t least;
    int8_t most;
};

/* Which ratings the allocation grid asks for in each cluster: those that must be scored (M06) and those that are
 * expected (M07). Items in the order of the columns, h1 first. */
struct allocation_grid {
    struct rating_band must[CLUSTER_COUNT][RATING_COUNT];
    struct rating_band expected[CLUSTER_COUNT][RATING_COUNT];
};

/* A practice and who commissions for it on the days [from, to); to DATE_NONE = still live. */
struct practice {
    code_t code;
    code_t commissioner;
    date_t from;
    date_t to;
};

/* An organisation and its live days [from, to). */
struct organisation_dates {
    code_t code;
    date_t from;
    date_t to; /* DATE_NONE = still live */
};

struct reference {
    struct cluster clusters[CLUSTER_COUNT];
    date_t *bank_holidays; /* sorted, owned */
    size_t bank_holiday_count;
    struct practice *practices; /* sorted by code, from; owned; NULL when not loaded */
    size_t practice_count;
    struct reference_price prices[CLUSTER_COUNT]; /* none known when the file is not loaded */
    struct allocation_grid *grid;                 /* owned; NULL when not loaded */
};

void reference_init(struct reference *r);
/* NULL and half-loaded ones are allowed. */
void reference_free(struct reference *r);
/* Each reads one whole file (CSV with a header line, '#' comment lines) and replaces what was loaded of that kind.
 * On failure returns false with one sentence in error (size bytes), and leaves the reference alone.
 *   clusters.csv        code,name,super_class,review,review_unit
 *   bank_holidays.csv   date,name
 *   practices.csv       practice,commissioner,live_from,live_to
 *   reference_prices.csv code,pence_per_day,ward_pence_per_day (may be empty)
 *   allocation_grid.csv cluster,item,must_min,must_max,expected_min,expected_max
 */
bool reference_load_clusters(struct reference *r, const char *text, size_t length, char *error, size_t size);
bool reference_load_bank_holidays(struct reference *r, const char *text, size_t length, char *error, size_t size);
bool reference_load_practices(struct reference *r, const char *text, size_t length, char *error, size_t size);
bool reference_load_prices(struct reference *r, const char *text, size_t length, char *error, size_t size);
bool reference_load_allocation_grid(struct reference *r, const char *text, size_t length, char *error, size_t size);

/* What of the data that rules need is not loaded, as a set of 1U << enum rule_need. */
unsigned reference_missing(const struct reference *r);

/* The kinds of reference files that a check of one submission looks at: the one list. */
struct reference_kind {
    const char *kind; /* as the operator loads it */
    bool needed;      /* without it nothing can be checked */
    bool (*load)(struct reference *r, const char *text, size_t length, char *error, size_t size);
};
#define REFERENCE_KINDS 5
extern const struct reference_kind reference_kinds[REFERENCE_KINDS];

/* By code, then from: the order that look-ups want. */
void organisation_dates_sort(struct organisation_dates *list, size_t count);

/* The practice as it is on a day or, when it is not live then (from is later), as it is from its next live day on; NULL
 * when there is none. */
const struct practice *reference_practice(const struct reference *r, code_t code, date_t day);

/* Whether a day in the cluster `to` has a higher reference price than one in `from`. false when a price is not known or
 * an index is no cluster (-1 of cluster_index too): what cannot be compared is not dearer. */
bool reference_dearer(const struct reference *r, int from, int to);

/* Day on which the review of an MHCT is due: mhct + review period of the cluster, a month without that day giving its
 * last day. DATE_NONE when the cluster does not exist or mhct is DATE_NONE. */
date_t review_due(const struct reference *r, int cluster, date_t mhct);

#endif
