#include "store/indicator.h"

#include "domain/terms.h"

#include <string.h>

enum pg_status indicator_begin(struct pg *pg, const char *provider, int64_t submission, bool late,
                               bool too_many_services)
{
    static const struct pg_statement clear = {
        "indicator_clear", "DELETE FROM reckoner.indicator_set WHERE provider = $1 AND submission = $2", 2};
    static const struct pg_statement add = {"indicator_begin",
                                            "INSERT INTO reckoner.indicator_set (provider, submission, late,"
                                            " too_many_services) VALUES ($1, $2, $3, $4)",
                                            4};
    struct pg_args a;
    pg_args_number(&a, provider, submission);
    enum pg_status status = pg_run(pg, &clear, &a, NULL);
    if (status != PG_OK)
        return status;
    pg_arg_bool(&a, late);
    pg_arg_bool(&a, too_many_services);
    return pg_run(pg, &add, &a, NULL);
}

static void put_key(struct pg_copy *copy, int16_t fields, const char *provider, int64_t submission)
{
    pg_copy_row(copy, fields);
    pg_copy_string(copy, provider);
    pg_copy_i64(copy, submission);
}

static void put_cluster(struct pg_copy *copy, int cluster)
{
    char code[3];
    cluster_code(cluster, code);
    pg_copy_string(copy, code);
}

static void put_known(struct pg_copy *copy, bool known, int64_t value)
{
    if (known)
        pg_copy_i64(copy, value);
    else
        pg_copy_null(copy);
}

enum pg_status indicator_copy_begin(struct pg *pg, struct pg_copy **copy)
{
    return pg_copy_begin(pg,
                         "COPY reckoner.indicator (provider, submission, whole, service, indicator, numerator,"
                         " denominator) FROM STDIN (FORMAT binary)",
                         copy);
}

void indicator_copy_add(struct pg_copy *copy, const char *provider, int64_t submission,
                        const struct indicator_line *line, const char *service)
{
    put_key(copy, 7, provider, submission);
    pg_copy_bool(copy, line->whole);
    pg_copy_string(copy, service);
    pg_copy_string(copy, indicator_get(line->id)->id);
    put_known(copy, !line->numerator_hidden, line->numerator);
    put_known(copy, !line->denominator_hidden && line->denominator >= 0, line->denominator);
}

enum pg_status indicator_days_copy_begin(struct pg *pg, struct pg_copy **copy)
{
    return pg_copy_begin(pg,
                         "COPY reckoner.indicator_days (provider, submission, whole, service, cluster, days)"
                         " FROM STDIN (FORMAT binary)",
                         copy);
}

void indicator_days_copy_add(struct pg_copy *copy, const char *provider, int64_t submission, bool whole,
                             const char *service, int cluster, int64_t days)
{
    put_key(copy, 6, provider, submission);
    pg_copy_bool(copy, whole);
    pg_copy_string(copy, service);
    put_cluster(copy, cluster);
    pg_copy_i64(copy, days);
}

enum pg_status indicator_cluster_copy_begin(struct pg *pg, struct pg_copy **copy)
{
    return pg_copy_begin(pg,
                         "COPY reckoner.indicator_cluster (provider, submission, cluster, episodes, days,"
                         " admitted_days, length_lower, length_median, length_upper, value_lower, value_median,"
                         " value_upper) FROM STDIN (FORMAT binary)",
                         copy);
}

static void put_quartiles(struct pg_copy *copy, const struct quartiles *q)
{
    put_known(copy, q->known, q->lower);
    put_known(copy, q->known, q->median);
    put_known(copy, q->known, q->upper);
}

void indicator_cluster_copy_add(struct pg_copy *copy, const char *provider, int64_t submission,
                                const struct indicator_cluster *c)
{
    put_key(copy, 12, provider, submission);
    put_cluster(copy, c->cluster);
    put_known(copy, !c->hidden, c->episodes);
    put_known(copy, !c->hidden, c->days);
    put_known(copy, !c->hidden, c->admitted_days);
    put_quartiles(copy, &c->length);
    put_quartiles(copy, &c->value);
}

enum pg_status indicator_price_copy_begin(struct pg *pg, struct pg_copy **copy)
{
    return pg_copy_begin(pg,
                         "COPY reckoner.indicator_price (provider, submission, cluster, pence_per_day,"
                         " ward_pence_per_day) FROM STDIN (FORMAT binary)",
                         copy);
}

void indicator_price_copy_add(struct pg_copy *copy, const char *provider, int64_t submission, int cluster,
                              const struct reference_price *price)
{
    put_key(copy, 5, provider, submission);
    put_cluster(copy, cluster);
    pg_copy_i64(copy, price->pence_per_day);
    pg_copy_i64(copy, price->ward_pence_per_day);
}

enum pg_status indicator_clear_evaluated(struct pg *pg, const char *provider, int64_t submission)
{
    static const struct pg_statement clear[] = {
        {"indicator_clear_threshold",
         "DELETE FROM reckoner.indicator_threshold WHERE provider = $1 AND submission = $2", 2},
        {"uncontracted_clear", "DELETE FROM reckoner.uncontracted WHERE provider = $1 AND submission = $2", 2}};
    struct pg_args a;
    pg_args_number(&a, provider, submission);
    enum pg_status status = pg_run(pg, &clear[0], &a, NULL);
    return status == PG_OK ? pg_run(pg, &clear[1], &a, NULL) : status;
}

enum pg_status indicator_add_threshold(struct pg *pg, const char *provider, int64_t submission, const char *threshold,
                                       int64_t ppm)
{
    static const struct pg_statement s = {
        "indicator_add_threshold",
        "INSERT INTO reckoner.indicator_threshold (provider, submission, threshold, ppm) VALUES ($1, $2, $3, $4)", 4};
    struct pg_args a;
    pg_args_number(&a, provider, submission);
    pg_arg_text(&a, threshold);
    pg_arg_i64(&a, ppm);
    return pg_run(pg, &s, &a, NULL);
}

enum pg_status indicator_add_uncontracted(struct pg *pg, const char *provider, int64_t submission,
                                          const struct uncontracted_line *line)
{
    static const struct pg_statement s = {
        "uncontracted_add",
        "INSERT INTO reckoner.uncontracted (provider, submission, commissioner, terms_missing, rows, days,"
        " admitted_days, pence, unpriced_rows) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        9};
    struct pg_args a;
    pg_args_number(&a, provider, submission);
    pg_arg_text(&a, line->commissioner);
    pg_arg_bool(&a, line->terms_missing);
    pg_arg_i64(&a, line->rows);
    pg_arg_i64(&a, line->days);
    pg_arg_i64(&a, line->admitted_days);
    pg_arg_i64(&a, line->pence);
    pg_arg_i64(&a, line->unpriced_rows);
    return pg_run(pg, &s, &a, NULL);
}
