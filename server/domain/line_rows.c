#include "domain/line_rows.h"

#include "domain/payability.h"

/* The row as the terms leave it. */
static enum line_row reduce(const struct line_subject *line, struct episode *row)
{
    struct payability *p = payability_new(line->terms, line->reviews, line->commissioner, line->month);
    if (p == NULL)
        return LINE_ROW_NO_MEMORY;
    bool payable = payability_reduce(p, row);
    payability_free(p);
    return payable ? LINE_ROW_ADDS : LINE_ROW_ADDS_NOTHING;
}

static enum line_row find(const struct line_subject *line, const struct activity_lines *lines, int64_t *units,
                          int64_t *pence)
{
    for (size_t i = 0; i < lines->count; i++) {
        const struct activity_line *l = &lines->line[i];
        if (l->cluster == line->cluster && l->basis == line->basis && l->price_pence == line->price_pence) {
            *units = l->units;
            *pence = l->pence;
            return LINE_ROW_ADDS;
        }
    }
    return LINE_ROW_ADDS_NOTHING;
}

static enum line_row value(const struct line_subject *line, const struct statistics *statistics, int64_t *units,
                           int64_t *pence)
{
    const struct activity_month month = {
        .month = line->month, .terms = line->terms, .reviews = line->reviews, .statistics = statistics};
    const struct activity_input in = {.commissioner = line->commissioner, .months = &month, .month_count = 1};
    struct activity_lines lines;
    enum activity_status status = activity_value(&in, &lines);
    if (status != ACTIVITY_DONE)
        return status == ACTIVITY_NO_MEMORY ? LINE_ROW_NO_MEMORY : LINE_ROW_OVERFLOW;
    enum line_row found = find(line, &lines, units, pence);
    activity_lines_free(&lines);
    return found;
}

enum line_row line_row_value(const struct line_subject *line, const struct episode *row, int64_t *units, int64_t *pence)
{
    struct episode reduced = *row;
    struct statistics statistics;
    enum line_row outcome = reduce(line, &reduced);
    if (outcome != LINE_ROW_ADDS)
        return outcome;
    struct statistics_builder *b = statistics_builder_new(line->month, false);
    bool made = b != NULL && statistics_builder_add(b, &reduced, 1) == STATISTICS_ADDED &&
                statistics_builder_make(b, &statistics);
    statistics_builder_free(b);
    if (!made)
        return LINE_ROW_NO_MEMORY;
    outcome = value(line, &statistics, units, pence);
    statistics_free(&statistics);
    return outcome;
}
