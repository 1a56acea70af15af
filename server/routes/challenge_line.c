#include "routes/challenge_line.h"

#include "domain/activity.h"
#include "domain/payability.h"
#include "store/episode.h"
#include "store/reattribution.h"

#include "base/parse.h"

#include <stdlib.h>
#include <string.h>

struct search {
    const struct account_month *month;
    struct payability *payability;
    char cluster[3];
    enum basis basis;
    int64_t price_pence;
    const struct moved_row *moved; /* to or from the account; in order of row_no */
    size_t moved_count;
    json_t *episodes;
    size_t maximum;
    bool too_many;
};

/* activity/<month>/<cluster>/<basis>/<price> */
static bool read_key(const char *key, struct search *s)
{
    char month[8];
    char prefix[32];
    month_format(s->month->month, month);
    int n = snprintf(prefix, sizeof prefix, "activity/%s/", month);
    if (n < 0 || strncmp(key, prefix, (size_t)n) != 0 || strlen(key + n) < 4 || key[n + 2] != '/')
        return false;
    memcpy(s->cluster, key + n, 2);
    s->cluster[2] = '\0';
    const char *basis = key + n + 3;
    size_t length = strcspn(basis, "/");
    if (cluster_index(s->cluster) < 0 || basis[length] != '/' ||
        !parse_i64(basis + length + 1, strlen(basis + length + 1), &s->price_pence))
        return false;
    for (int b = 0; b < BASIS_COUNT; b++) {
        const char *name = basis_name((enum basis)b);
        if (strlen(name) == length && memcmp(name, basis, length) == 0) {
            s->basis = (enum basis)b;
            return true;
        }
    }
    return false;
}

static bool has_line(const struct search *s, const struct activity_lines *lines)
{
    for (size_t i = 0; i < lines->count; i++)
        if (lines->line[i].basis == s->basis && lines->line[i].price_pence == s->price_pence)
            return true;
    return false;
}

/* The lines that a row would make if it were the only one. */
static bool value_alone(const struct search *s, const struct episode *row, struct activity_lines *lines)
{
    const struct account_month *m = s->month;
    struct statistics statistics = {0};
    struct statistics_builder *builder = statistics_builder_new(m->month, true);
    bool made = builder != NULL && statistics_builder_add(builder, row, 1) == STATISTICS_ADDED &&
                statistics_builder_make(builder, &statistics);
    statistics_builder_free(builder);
    if (!made)
        return false;
    const struct activity_month month = {m->month, m->terms, &m->reviews, &statistics, NULL, 0};
    const struct activity_input in = {m->account.commissioner, &month, 1, NULL, 0};
    enum activity_status status = activity_value(&in, lines);
    statistics_free(&statistics);
    return status == ACTIVITY_DONE;
}

static int compare_moved(const void *wanted, const void *member)
{
    int32_t row_no = *(const int32_t *)wanted;
    int32_t other = ((const struct moved_row *)member)->row.row_no;
    return (row_no > other) - (row_no < other);
}

static bool take(struct search *s, const struct episode *e)
{
    struct episode row = *e;
    struct activity_lines lines = {0};
    if (strcmp(e->cluster, s->cluster) != 0 || !payability_reduce(s->payability, &row))
        return true;
    if (!value_alone(s, &row, &lines))
        return false;
    bool counts = has_line(s, &lines);
    activity_lines_free(&lines);
    if (!counts)
        return true;
    s->too_many = json_array_size(s->episodes) == s->maximum;
    return !s->too_many && json_array_append_new(s->episodes, json_string(e->episode_id)) == 0;
}

/* A row as it was sent: one that was moved away is no more of the account. */
static bool look_at(void *context, const struct episode *e)
{
    struct search *s = context;
    bool moved =
        s->moved_count > 0 && bsearch(&e->row_no, s->moved, s->moved_count, sizeof *s->moved, compare_moved) != NULL;
    return moved || take(s, e);
}

static enum pg_status look_at_all(struct pg *pg, struct search *s)
{
    const struct account_month *m = s->month;
    struct moved_row *moved = NULL;
    enum pg_status status = moved_rows_load(pg, &m->account, m->submission.no, &moved, &s->moved_count);
    s->moved = moved;
    if (status == PG_OK)
        status = episode_scan(pg, m->account.provider, m->submission.no, m->account.commissioner, look_at, s);
    for (size_t i = 0; status == PG_OK && !s->too_many && i < s->moved_count; i++) {
        if (moved[i].here && !take(s, &moved[i].row) && !s->too_many)
            status = PG_FAILED;
    }
    free(moved);
    return status;
}

json_t *challenge_line_rows(struct pg *pg, const struct account_month *m, const char *key, size_t maximum,
                            enum pg_status *status)
{
    struct search s = {.month = m, .maximum = maximum};
    *status = PG_INVALID;
    if (!read_key(key, &s))
        return NULL;
    s.payability = payability_new(m->terms, &m->reviews, m->account.commissioner, m->month);
    s.episodes = json_array();
    if (s.payability != NULL && s.episodes != NULL)
        *status = look_at_all(pg, &s);
    payability_free(s.payability);
    if (s.too_many)
        *status = PG_DUPLICATE;
    if (*status == PG_OK)
        return s.episodes;
    json_decref(s.episodes);
    return NULL;
}
