#include "domain/claiming.h"

#include <stdlib.h>
#include <string.h>

/* Accounts differ in prices alone. Those that no price names are alike: they stand for one, "". */
struct claiming {
    const struct terms *terms;
    month_t month;
    bool prices_needed; /* K06 is an ERROR */
    size_t count;
    const char **account;
    struct payability **payability; /* of each account */
};

static bool is_listed(const struct claiming *c, const char *account)
{
    for (size_t i = 0; i < c->count; i++) {
        if (strcmp(c->account[i], account) == 0)
            return true;
    }
    return false;
}

struct claiming *claiming_new(const struct terms *t, const struct review_periods *reviews, month_t month)
{
    struct claiming *c = calloc(1, sizeof *c);
    if (c == NULL)
        return NULL;
    *c = (struct claiming){.terms = t,
                           .month = month,
                           .account = calloc((size_t)t->price_count + 1, sizeof *c->account),
                           .payability = calloc((size_t)t->price_count + 1, sizeof(struct payability *))};
    bool good = c->account != NULL && c->payability != NULL;
    for (int32_t i = -1; good && i < t->price_count; i++) {
        const char *account = i < 0 ? "" : t->price[i].commissioner;
        if (is_listed(c, account))
            continue;
        c->account[c->count] = account;
        c->payability[c->count] = payability_new(t, reviews, account, month);
        good = c->payability[c->count] != NULL;
        c->count += good ? 1 : 0;
    }
    if (good) {
        c->prices_needed = (payability_errors(c->payability[0]) & rule_set_of(RULE_K06)) != 0;
        return c;
    }
    claiming_free(c);
    return NULL;
}

void claiming_free(struct claiming *c)
{
    if (c == NULL)
        return;
    for (size_t i = 0; i < c->count; i++)
        payability_free(c->payability[i]);
    free(c->payability);
    free(c->account);
    free(c);
}

bool claiming_pays(const struct terms *t, month_t month)
{
    for (int32_t i = 0; i < t->price_count; i++) {
        const struct terms_price *p = &t->price[i];
        if (p->basis == BASIS_ASSESSMENT && p->from <= month_last(month) && p->to > month_first(month))
            return true;
    }
    return false;
}

static bool has_price(const struct claiming *c, size_t i, const struct activity_row *row)
{
    int cluster = cluster_index(row->cluster);
    return cluster >= 0 && terms_price_on(c->terms, cluster, BASIS_ASSESSMENT, c->account[i],
                                          row->service == NULL ? "" : row->service, row->mhct_date) != NULL;
}

bool claiming_priced(const struct claiming *c, const struct activity_row *row, bool has_days)
{
    for (size_t i = 0; i < c->count; i++) {
        if (has_price(c, i, row) && !(c->prices_needed && has_days && payability_lacks_price(c->payability[i], row)))
            return true;
    }
    return false;
}

bool claiming_allows(const struct claiming *c, const struct activity_row *row, const struct row_marks *marks)
{
    for (size_t i = 0; i < c->count; i++) {
        if (has_price(c, i, row) && payability_allows(c->payability[i], row, marks))
            return true;
    }
    return false;
}

bool claiming_reduce(const struct claiming *c, struct episode *row)
{
    const struct activity_row facts = episode_activity(row);
    for (size_t i = 0; i < c->count; i++) {
        if (has_price(c, i, &facts) && payability_reduce(c->payability[i], row))
            return true;
    }
    return false;
}
