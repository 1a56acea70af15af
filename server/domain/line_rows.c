#include "domain/line_rows.h"

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

/* The row comes as a change of a month without rows: so what was decided of it is applied by the code that settles. */
enum line_row line_row_value(const struct line_subject *line, const struct row_change *row, int64_t *units,
                             int64_t *pence)
{
    const struct activity_month month = {.month = line->month, .terms = line->terms, .reviews = line->reviews};
    const struct activity_input in = {
        .commissioner = line->commissioner, .months = &month, .month_count = 1, .changes = row, .change_count = 1};
    struct activity_lines lines;
    enum activity_status status = activity_value(&in, &lines);
    if (status != ACTIVITY_DONE)
        return status == ACTIVITY_NO_MEMORY ? LINE_ROW_NO_MEMORY : LINE_ROW_OVERFLOW;
    enum line_row found = find(line, &lines, units, pence);
    activity_lines_free(&lines);
    return found;
}
