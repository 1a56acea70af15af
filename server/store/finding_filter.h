/* Which findings are asked for. */
#ifndef RECKONER_STORE_FINDING_FILTER_H
#define RECKONER_STORE_FINDING_FILTER_H

#include "store/pg.h"

/* Texts are borrowed; NULL: any. */
struct finding_filter {
    const char *commissioner;
    const char *rule;
    const char *severity; /* in force */
    const char *cluster;
};

/* Four more parameters, in this order. */
void finding_filter_args(struct pg_args *a, const struct finding_filter *f);

#endif
