/* Shared by the files of the linter; nobody else includes it. */
#ifndef RECKONER_DOMAIN_TERMS_LINT_INTERNAL_H
#define RECKONER_DOMAIN_TERMS_LINT_INTERNAL_H

#include "domain/position.h"

/* Commissioners looked at one by one: more than any contract has associates. */
#define LINT_MAX_ACCOUNTS 100
/* Looks at a price that one run may take: two seconds at most. Terms of the size of a contract need a hundredth. */
#define LINT_MAX_WORK INT64_C(100000000)

struct lint {
    const struct terms *t;
    json_t *items;
    bool failed; /* memory ran out; sticks */
    int64_t work;
    size_t account_count;
    const char *account[LINT_MAX_ACCOUNTS]; /* "": any commissioner that no line names */
};

/* Adds an item, unless there is one of that rule at that place already. shown: its counter-example; taken over. */
void lint_add(struct lint *l, bool defect, const char *rule, const char *pointer, json_t *shown, const char *format,
              ...) __attribute__((format(printf, 6, 7)));
/* Whether so many looks at a price are still within bounds; once not, a note says so. */
bool lint_may(struct lint *l, int64_t looks);
/* Whether a line with this qualifier is of the account. */
bool lint_of_account(const char *qualifier, const char *account);

/* What can be counted in a month of an account: units of a cluster at one price. */
struct lint_product {
    const struct terms_price *price;
    int64_t unit_pence; /* of one more: a day, an assessment; PERIOD: the first day of a row */
};

struct lint_count {
    const struct lint_product *product;
    int64_t units;
};

struct lint_pay {
    int64_t total;
    int64_t before_risk;
    int64_t after_cap;
    int64_t floor;
    int64_t ceiling;
    int64_t planned;
};

/* One product of each cluster that something is charged for in the month, by place of cluster; price NULL: none. */
void lint_products(const struct lint *l, const char *account, month_t month, struct lint_product out[TERMS_CLUSTERS]);
/* Position of the account for the year to a month whose only activity is in that month: at most two counts, of
 * different clusters. The terms are in force from April. best: every measure of CQUIN is met in full; otherwise none is
 * agreed. false: there is none (parked, too large, memory). */
bool lint_position(struct lint *l, const char *account, month_t month, const struct lint_count *counts, size_t count,
                   bool best, struct lint_pay *out);
/* Plan of a month (place 0..11) with its factor, by group; the last is that of the clusters in none. A stated sum is
 * the whole of it. Units without a price count nothing. false: beyond what one run may take. */
bool lint_plan(struct lint *l, const char *account, int k, int64_t by_group[TERMS_MAX_GROUPS + 1]);
json_t *lint_count_json(const struct lint_count *count);

void lint_prices(struct lint *l);
void lint_plans(struct lint *l);   /* what is measured against the plan, and what is paid by it */
void lint_parties(struct lint *l); /* what documents lack */
void lint_cquin(struct lint *l);   /* steps */
void lint_pay_rises(struct lint *l);

#endif
