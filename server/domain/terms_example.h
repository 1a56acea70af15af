/* Worked examples of a version of the terms: activity made up by its authors, and the amounts that they expect of it.
 * Pure. What an example says: api/formats/terms.md. */
#ifndef RECKONER_DOMAIN_TERMS_EXAMPLE_H
#define RECKONER_DOMAIN_TERMS_EXAMPLE_H

#include "domain/position.h"

#define EXAMPLE_MAX           50
#define EXAMPLE_MAX_ROWS      200
#define EXAMPLE_POINTER_SIZE  400
#define EXAMPLE_SENTENCE_SIZE 600
#define EXAMPLE_MAX_PARTS     50 /* achievements, adjustments, withholds: of each so many */

/* So many rows that are alike but for the patient. */
struct example_row {
    int16_t cluster;
    char service[TERMS_CODE_SIZE];
    char commissioner[TERMS_CODE_SIZE]; /* "": the example's */
    date_t start;                       /* DATE_NONE: an assessment alone */
    date_t end;                         /* first day not in the cluster; DATE_NONE: open */
    date_t assessment;                  /* DATE_NONE: none */
    month_t month;                      /* of the one file it is in; -1: of each month in which it lies */
    int16_t admitted_days;              /* of each month */
    int64_t count;
};

/* Texts are borrowed from the terms. */
struct terms_example {
    const char *title;
    month_t month;
    char commissioner[TERMS_CODE_SIZE]; /* whose account; "": one that no qualified line speaks of */
    size_t row_count;
    struct example_row *row;
    size_t achievement_count;
    struct position_achievement *achievement;
    size_t adjustment_count;
    struct position_adjustment *adjustment;
    size_t withhold_count;
    struct position_withhold *withhold;
    const json_t *expect; /* checked; borrowed */
};

/* One expected amount beside the computed one. */
struct example_figure {
    char pointer[EXAMPLE_POINTER_SIZE]; /* into the terms: "/examples/0/expect/total_pence" */
    char name[200];                     /* "total", "stage cap_collar", "line activity/2012-06/04/DAY/612" */
    int64_t expected_pence;
    int64_t computed_pence;
    bool missing; /* there is no such line; computed_pence is 0 */
};

struct example_result {
    const struct terms_example *example;
    bool computed;                     /* false: reason says why there is no position */
    char reason[POSITION_REASON_SIZE]; /* "" when computed */
    struct position position;          /* when computed */
    size_t figure_count;
    struct example_figure *figure; /* as many as amounts are expected: lines, stages, then sums */
    int32_t differs;               /* the first figure that differs; -1: none */
    bool passes;                   /* computed, and no figure differs */
};

enum example_status { EXAMPLE_DONE, EXAMPLE_NO_MEMORY };

/* Computes one example (0 .. example_count - 1) with the very functions that settle: the year to its month under this
 * version alone, as if it had been in force since April. Free *out with example_result_free after EXAMPLE_DONE. */
enum example_status example_compute(const struct terms *t, int32_t index, struct example_result *out);
void example_result_free(struct example_result *r);

/* All examples of a version: [example_json ...]. *failing: place of the first that does not pass, -1 none. NULL when
 * memory ran out. */
json_t *examples_json(const struct terms *t, int32_t *failing);

/* What is wrong with the examples, as one sentence with its remedy, and the JSON pointer of where: no example at all,
 * or the first that fails. false: nothing is. */
bool examples_fail(const json_t *results, char pointer[EXAMPLE_POINTER_SIZE], char sentence[EXAMPLE_SENTENCE_SIZE]);

#endif
