/* The inside of the indicators: indicators.c counts, indicators_out.c gives the lines. Nothing outside them includes
 * this. */
#ifndef RECKONER_DOMAIN_INDICATORS_INTERNAL_H
#define RECKONER_DOMAIN_INDICATORS_INTERNAL_H

#include "domain/indicators.h"

/* What a cross_row carries: the place of its service, its cluster, and whether these mean anything. */
#define TAG_SERVICE_MASK   0xFFFFu
#define TAG_CLUSTER_SHIFT  16
#define TAG_CLUSTER_MASK   0x1Fu
#define TAG_CARE           (1u << 24)
#define TAG_DISCHARGE_MHCT (1u << 25)

#define SLOTS        2048 /* of the hash table of services; more than twice INDICATOR_SERVICES */
#define SERVICE_SIZE 49   /* 12 characters of UTF-8 */

/* A row as the indicators see it. */
struct row_facts {
    const struct episode_row *row;
    rule_set_t failed;
    int cluster; /* CLUSTER_NONE when it is not allowed */
    bool care;   /* an episode with usable dates, not an assessment alone */
    bool open;   /* on the last day */
    bool within_review;
    int32_t days; /* of the month in the cluster */
    int32_t admitted;
    int32_t ratings;
    int32_t ratings_unknown;
};

struct figures {
    size_t name_length;
    char name[SERVICE_SIZE];
    struct {
        int64_t numerator;
        int64_t denominator;
    } pair[INDICATOR_COUNT];
    int64_t days[CLUSTER_COUNT];
};

struct cluster_figures {
    int64_t episodes;
    int64_t days;
    int64_t admitted_days;
    uint32_t value[32][32]; /* rows by days outside a ward and on one */
    uint32_t length[INDICATOR_LENGTH_MAXIMUM + 1];
};

struct indicators {
    const struct reference *reference;
    month_t month;
    date_t first;
    date_t last;
    rule_set_t unusable; /* rules after which the cluster means nothing */
    rule_set_t undated;  /* or the dates */
    rule_set_t rated;    /* rules that a rating fails */
    rule_set_t overdue;  /* rules after which a row is not within review */
    rule_set_t must_score;
    rule_set_t expected;
    rule_set_t low_on_ward;
    bool too_many;
    uint32_t service_count;
    uint16_t slot[SLOTS];                           /* place + 1 */
    int64_t clustered;                              /* patients with an open episode in a cluster */
    struct figures service[INDICATOR_SERVICES + 1]; /* the last: of services without a place */
    struct cluster_figures cluster[CLUSTER_COUNT];
};

/* The provider: the sum of its services. */
void indicators_whole(const struct indicators *i, struct figures *out);

#endif
