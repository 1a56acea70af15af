#include "domain/uncontracted.h"

#include "domain/rules.h"
#include "domain/terms.h"

#include <stdlib.h>
#include <string.h>

void uncontracted_init(struct uncontracted *u)
{
    memset(u, 0, sizeof *u);
}

void uncontracted_free(struct uncontracted *u)
{
    free(u->lines);
    uncontracted_init(u);
}

/* The line of a commissioner; NULL when memory ran out or there are too many. */
static struct uncontracted_line *line_of(struct uncontracted *u, const char *commissioner)
{
    if (u->last < u->count && strcmp(u->lines[u->last].commissioner, commissioner) == 0)
        return &u->lines[u->last];
    for (u->last = 0; u->last < u->count; u->last++) {
        if (strcmp(u->lines[u->last].commissioner, commissioner) == 0)
            return &u->lines[u->last];
    }
    if (u->count == UNCONTRACTED_MAXIMUM)
        return NULL;
    if (u->count == u->room) {
        size_t room = u->room == 0 ? 16 : 2 * u->room;
        struct uncontracted_line *lines = reallocarray(u->lines, room, sizeof *lines);
        if (lines == NULL)
            return NULL;
        u->lines = lines;
        u->room = room;
    }
    struct uncontracted_line *line = &u->lines[u->count++];
    memset(line, 0, sizeof *line);
    memcpy(line->commissioner, commissioner, strlen(commissioner) + 1);
    return line;
}

bool uncontracted_add(struct uncontracted *u, const struct reference *reference, month_t month,
                      const struct episode *row, bool terms_missing)
{
    if ((row->failed & rules_unpayable_at_upload()) != 0)
        return true;
    struct uncontracted_line *line = line_of(u, row->commissioner);
    if (line == NULL)
        return false;
    int cluster = cluster_index(row->cluster);
    int64_t days = row->assessment_only ? 0 : cluster_days(row->start_date, row->end_date, month);
    int64_t admitted = row->admitted_days < days ? row->admitted_days : days;
    line->terms_missing = terms_missing;
    line->rows++;
    line->days += days;
    line->admitted_days += admitted;
    if (cluster < 0 || !reference->prices[cluster].known)
        line->unpriced_rows++;
    else
        line->pence += (days - admitted) * reference->prices[cluster].pence_per_day +
                       admitted * reference->prices[cluster].ward_pence_per_day;
    return true;
}
