/* Shared by the files that parse terms; nobody else includes it. */
#ifndef RECKONER_DOMAIN_TERMS_INTERNAL_H
#define RECKONER_DOMAIN_TERMS_INTERNAL_H

#include "domain/terms.h"

/* Largest amounts and counts that terms may state: far above any contract, far below 64 bits. */
#define TERMS_MAX_PENCE INT64_C(10000000000000)
#define TERMS_MAX_PRICE INT64_C(10000000000)
#define TERMS_MAX_UNITS INT64_C(100000000)
#define TERMS_MAX_LINES 5000
/* Ids that become part of a line's key and of addresses. */
#define TERMS_ID_CHARACTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_."

/* While parsing: where and what is wrong. Functions return false once *problem is filled. */
struct terms_reader {
    struct terms *t;
    struct json_problem *problem;
    bool no_memory;
    json_t *found; /* while collecting: {rule, pointer, sentence, counter_example} each; else NULL */
};

/* Fills the problem and returns false. pointer is the JSON pointer of the value. */
bool terms_refuse(struct terms_reader *r, const char *pointer, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* The same for parts that are each well formed and contradict each other. While collecting it is recorded under its
 * rule (a short stable name), and true: reading goes on. shown: the smallest counter-example, an object; taken over. */
bool terms_contradiction(struct terms_reader *r, const char *rule, const char *pointer, json_t *shown,
                         const char *format, ...) __attribute__((format(printf, 5, 6)));
bool terms_no_memory(struct terms_reader *r);

/* Members of a checked object; absent members leave *out alone. */
bool terms_read_percent(struct terms_reader *r, const json_t *object, const char *name, const char *pointer,
                        int64_t high_ppm, int64_t *out);
bool terms_read_cluster(struct terms_reader *r, const json_t *text, const char *pointer, int16_t *out);
bool terms_read_basis(struct terms_reader *r, const char *text, const char *pointer, enum basis *out);
bool terms_read_month(struct terms_reader *r, const char *text, const char *pointer, month_t *out);
/* commissioner and service of a line, "" when absent; a commissioner must be one of the parties where they are given.
 */
bool terms_read_qualifiers(struct terms_reader *r, const json_t *object, const char *pointer, char *commissioner,
                           char *service);
/* A set of clusters, one bit each, from an array of codes; doubles are refused. */
bool terms_read_clusters(struct terms_reader *r, const json_t *array, const char *pointer, uint32_t *out);

/* Reads as far as that is possible and records what contradicts itself in *found, an array that may hold items already;
 * what is malformed has the rule "malformed". The terms, or NULL when a part could not be read. When memory ran out,
 * *found is released and NULL. */
struct terms *terms_parse_collecting(const json_t *json, json_t **found);

bool terms_read_prices(struct terms_reader *r);
bool terms_read_plan(struct terms_reader *r);
bool terms_read_sharing(struct terms_reader *r); /* volume bands, risk share, CQUIN */
bool terms_read_rules(struct terms_reader *r);
bool terms_read_thresholds(struct terms_reader *r);
bool terms_read_billing(struct terms_reader *r);  /* billing, withholds, calendar, parties */
bool terms_check_billing(struct terms_reader *r); /* what billing needs of the plan; after it */

/* Writes a member's name as part of a JSON pointer: "~" and "/" escaped, cut where out ends. */
void terms_pointer_escape(const char *name, char *out, size_t size);

/* Worked examples; after all other parts. */
bool terms_read_examples(struct terms_reader *r);
void terms_examples_free(struct terms *t);

#endif
