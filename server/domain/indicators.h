/* What is measured of a provider's month (spec 2, Provider-level indicators): a numerator and a denominator for each
 * indicator, for the provider and by service, and by cluster how long episodes last, how much is on a ward and how far
 * values spread. Counted while a file is checked, in bounded memory; integers only. Pure.
 *
 *   indicators_new; indicators_add for each row, whose tag goes into its cross_row;
 *   indicators_patient for the rows of each patient; indicators_moves; then indicators_lines, indicators_clusters,
 * indicators_days. */
#ifndef RECKONER_DOMAIN_INDICATORS_H
#define RECKONER_DOMAIN_INDICATORS_H

#include "domain/cross_rows.h"
#include "domain/indicator.h"

/* With more services than this there is no table by service. */
#define INDICATOR_SERVICES 500

struct indicators;

/* reference is borrowed and must outlive it. NULL: out of memory. About a megabyte. */
struct indicators *indicators_new(month_t month, const struct reference *reference);
void indicators_free(struct indicators *i);
/* Adds a row. Returns the tag that its cross_row must carry. */
uint32_t indicators_add(struct indicators *i, const struct checked_row *row);
/* The rows of one patient in order of start, as cross_check_patients gives them. */
void indicators_patient(struct indicators *i, const struct cross_row *rows, size_t number);

/* Assessments of a service that move a patient into a dearer and into a cheaper cluster; earlier months count, so
 * the pass over the file cannot know them. */
void indicators_moves(struct indicators *i, struct text name, int64_t up, int64_t down);

/* One line to be kept. A hidden part is 0 here. */
struct indicator_line {
    bool whole;          /* the provider; else the service ("" for rows without one) */
    const char *service; /* borrowed from the indicators */
    enum indicator_id id;
    int64_t numerator;
    int64_t denominator; /* -1: not supplied (Caseload) */
    bool numerator_hidden;
    bool denominator_hidden;
};
/* Lines of the counted indicators, small counts of patients hidden with what would give them back (suppression.h).
 * caseload: patients with an open referral, -1 when not supplied. false: out of memory, or each has stopped. */
bool indicators_lines(const struct indicators *i, int64_t caseload,
                      bool (*each)(void *context, const struct indicator_line *line), void *context);

/* The quarters of a list of numbers in order: nearest rank. */
struct quartiles {
    bool known; /* at least five numbers, none hidden */
    int64_t lower;
    int64_t median;
    int64_t upper;
};

/* A cluster of the provider. Hidden: nothing but the cluster is told. */
struct indicator_cluster {
    int cluster;
    bool hidden;
    int64_t episodes;        /* rows with days in the month */
    int64_t days;            /* days of the month in the cluster */
    int64_t admitted_days;   /* of them, on a ward */
    struct quartiles length; /* days of episodes that ended in the month */
    struct quartiles value;  /* pence at reference prices of a row's days in the month */
};
/* Lengths beyond this count as this many days. */
#define INDICATOR_LENGTH_MAXIMUM 4095

/* Clusters with at least one episode, in order. false: out of memory, or each has stopped. */
bool indicators_clusters(const struct indicators *i, bool (*each)(void *context, const struct indicator_cluster *c),
                         void *context);

/* Days in each cluster, of the provider (whole) and of each service: from two months of them comes the change of the
 * case mix. Only those that are not 0. false: each has stopped. */
bool indicators_days(const struct indicators *i,
                     bool (*each)(void *context, bool whole, const char *service, int cluster, int64_t days),
                     void *context);

/* More than INDICATOR_SERVICES services: only the provider's lines are given. */
bool indicators_too_many_services(const struct indicators *i);

#endif
