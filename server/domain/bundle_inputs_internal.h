/* What the two files that read inputs.json share. */
#ifndef RECKONER_DOMAIN_BUNDLE_INPUTS_INTERNAL_H
#define RECKONER_DOMAIN_BUNDLE_INPUTS_INTERNAL_H

#include "domain/bundle_inputs.h"

/* Most entries of a list. */
#define INPUTS_LIST_MOST 4000000
/* Amounts and numbers: what a canonical document can state. */
#define INPUTS_MOST  INT64_C(9007199254740991)
#define INPUTS_LEAST (-INPUTS_MOST)
#define ROW_MOST     INT32_MAX

struct inputs_reading {
    struct bundle_inputs *in;
    struct json_problem *problem;
    char pointer[80]; /* of the entry being read */
    bool failed;      /* a list was wrong */
};

/* Says what is wrong with a member of the entry being read; false. */
bool inputs_wrong(struct inputs_reading *r, const char *member, const char *message);
/* Members of the entry; each says what is wrong. */
bool inputs_month(struct inputs_reading *r, const json_t *entry, const char *member, month_t *out);
bool inputs_instant(struct inputs_reading *r, const json_t *entry, const char *member, instant_t *out);
bool inputs_digest(struct inputs_reading *r, const json_t *entry, const char *member, const char **out);
/* A pseudonym or another generated id. */
bool inputs_ident(struct inputs_reading *r, const json_t *entry, const char *member, const char **out);

/* One list: an owned array, zeroed, of *count entries of size bytes, each read by take (before: the entry before it,
 * NULL for the first). When something is wrong, r->failed is set; the array is owned all the same. NULL with *count 0
 * when r->failed was set, or memory ran out. */
typedef bool inputs_read_entry(struct inputs_reading *r, const json_t *entry, void *out, const void *before);
void *inputs_list(struct inputs_reading *r, const char *name, const struct json_member *members, size_t size,
                  inputs_read_entry *take, size_t *count);
/* Place of a month in the year; -1: it is of another year. */
int inputs_place(const struct bundle_inputs *in, month_t month);

/* bundle_inputs_rows.c: decisions, reattributions, challenges, elsewhere, same_day. */
bool inputs_read_rows(struct inputs_reading *r);

#endif
