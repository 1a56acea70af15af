#include "cli/fsck_part.h"

#include "store/episode.h"
#include "store/statistics.h"

#include <endian.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Columns of statistics_stored. */
enum stored_column { STORED_COMMISSIONER, STORED_ROWS, STORED_PARTS, STORED_SOUND = STORED_PARTS + STATISTICS_PARTS };

static const char *const part_names[STATISTICS_PARTS] = {"days", "stays", "candidates"};

struct comparison {
    struct fsck *fsck;
    int64_t without;
    enum pg_status status; /* of the first failure */
    bool out_of_memory;
    /* Of the submission at hand. */
    const struct statistics_place *place;
    struct statistics_set *made;
    PGresult *stored;
    int next; /* row of stored */
};

/* The row of a commissioner; NULL: that of the submission. */
static void differs(struct comparison *c, const char *commissioner, const char *what, const char *found,
                    const char *expected)
{
    char month[8];
    char key[80];
    month_format(c->place->month, month);
    (void)snprintf(key, sizeof key, "%s/%s/%lld%s%s", c->place->provider, month, (long long)c->place->version,
                   commissioner != NULL ? "/" : "", commissioner != NULL ? commissioner : "");
    fsck_differs(c->fsck, commissioner != NULL ? "activity_statistics" : "activity_statistics_set", key, what, found,
                 expected);
}

static void differs_i64(struct comparison *c, const char *commissioner, int64_t found, int64_t expected)
{
    char texts[2][24];
    (void)snprintf(texts[0], sizeof texts[0], "%lld", (long long)found);
    (void)snprintf(texts[1], sizeof texts[1], "%lld", (long long)expected);
    differs(c, commissioner, "rows", texts[0], texts[1]);
}

static bool add_row(void *context, const struct episode *row)
{
    struct comparison *c = context;
    c->out_of_memory = !statistics_set_add(c->made, row, 1);
    return !c->out_of_memory;
}

static bool readable(const PGresult *r, int row)
{
    struct bytes part[STATISTICS_PARTS];
    struct statistics s;
    for (int n = 0; n < STATISTICS_PARTS; n++)
        part[n] = (struct bytes){PQgetvalue(r, row, STORED_PARTS + n), (size_t)PQgetlength(r, row, STORED_PARTS + n)};
    if (statistics_decode(part, &s) != STATISTICS_DECODED)
        return false;
    statistics_free(&s);
    return true;
}

/* The commissioner's parts, the stored row being its own. */
static void compare_parts(struct comparison *c, const char *commissioner, const struct statistics *statistics,
                          const struct bytes part[STATISTICS_PARTS])
{
    uint64_t rows = 0;
    int row = c->next++;
    memcpy(&rows, PQgetvalue(c->stored, row, STORED_ROWS), sizeof rows);
    if (!readable(c->stored, row))
        differs(c, commissioner, "form", "bytes that cannot be read", "statistics");
    if (PQgetvalue(c->stored, row, STORED_SOUND)[0] == 0)
        differs(c, commissioner, "sha256", "another", "that of the statistics");
    if ((int64_t)be64toh(rows) != statistics->rows)
        differs_i64(c, commissioner, (int64_t)be64toh(rows), statistics->rows);
    for (int n = 0; n < STATISTICS_PARTS; n++) {
        if ((size_t)PQgetlength(c->stored, row, STORED_PARTS + n) == part[n].length &&
            memcmp(PQgetvalue(c->stored, row, STORED_PARTS + n), part[n].at, part[n].length) == 0)
            continue;
        differs(c, commissioner, part_names[n], "others", "those of the rows");
    }
}

/* Both lists ascend by commissioner. */
static bool compare_one(void *context, const char *commissioner, const struct statistics *statistics,
                        const struct bytes part[STATISTICS_PARTS])
{
    struct comparison *c = context;
    int order = 1;
    while (c->next < PQntuples(c->stored) &&
           (order = strcmp(PQgetvalue(c->stored, c->next, STORED_COMMISSIONER), commissioner)) < 0)
        differs(c, PQgetvalue(c->stored, c->next++, STORED_COMMISSIONER), "row", "statistics",
                "none: there are no such rows");
    if (order == 0 && c->next < PQntuples(c->stored))
        compare_parts(c, commissioner, statistics, part);
    else
        differs(c, commissioner, "row", "none", "statistics of its rows");
    return true;
}

static bool compare_sets(struct comparison *c)
{
    c->status = episode_scan(c->fsck->pg, c->place->provider, c->place->submission, NULL, add_row, c);
    if (c->status == PG_OK)
        c->status = statistics_stored(c->fsck->pg, c->place->provider, c->place->submission, &c->stored);
    if (c->status != PG_OK)
        return false;
    if (c->place->complete == statistics_set_is_over(c->made))
        differs(c, NULL, "complete", c->place->complete ? "true" : "false", c->place->complete ? "false" : "true");
    if (c->place->rows != statistics_set_rows(c->made))
        differs_i64(c, NULL, c->place->rows, statistics_set_rows(c->made));
    c->next = 0;
    if (!statistics_set_each(c->made, compare_one, c)) {
        c->out_of_memory = true;
        return false;
    }
    while (c->next < PQntuples(c->stored))
        differs(c, PQgetvalue(c->stored, c->next++, STORED_COMMISSIONER), "row", "statistics",
                "none: there are no such rows");
    return true;
}

static bool compare_submission(void *context, const struct statistics_place *place)
{
    struct comparison *c = context;
    if (!place->made) {
        c->without++;
        return true;
    }
    c->place = place;
    c->made = statistics_set_new(place->month);
    c->out_of_memory = c->made == NULL;
    bool compared = c->made != NULL && compare_sets(c);
    fsck_count(c->fsck, compared ? 1 : 0);
    statistics_set_free(c->made);
    PQclear(c->stored);
    c->made = NULL;
    c->stored = NULL;
    return compared;
}

enum pg_status fsck_statistics(struct fsck *f)
{
    struct comparison c = {.fsck = f, .status = PG_OK};
    enum pg_status status = statistics_each_submission(f->pg, f->provider, f->month, compare_submission, &c);
    f->out_of_memory = c.out_of_memory;
    if (c.without > 0)
        (void)snprintf(f->note, sizeof f->note, "%lld without statistics", (long long)c.without);
    if (c.out_of_memory)
        return PG_FAILED;
    return c.status != PG_OK ? c.status : status;
}
