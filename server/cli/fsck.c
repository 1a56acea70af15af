#include "cli/fsck.h"

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
    struct cli *cli;
    int64_t compared;
    int64_t without;
    int64_t differences;
    enum pg_status status; /* of the first failure */
    bool out_of_memory;
    /* Of the submission at hand. */
    const struct statistics_place *place;
    struct statistics_set *made;
    PGresult *stored;
    int next; /* row of stored */
};

static void differs(struct comparison *c, const char *commissioner, const char *what)
{
    char month[8];
    month_format(c->place->month, month);
    (void)printf("%s %s version %lld", c->place->provider, month, (long long)c->place->version);
    if (commissioner != NULL)
        (void)printf(", commissioner %s", commissioner[0] == '\0' ? "(none)" : commissioner);
    (void)printf(": %s\n", what);
    c->differences++;
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
    char what[120];
    uint64_t rows = 0;
    int row = c->next++;
    memcpy(&rows, PQgetvalue(c->stored, row, STORED_ROWS), sizeof rows);
    if (!readable(c->stored, row))
        differs(c, commissioner, "the statistics cannot be read");
    if (PQgetvalue(c->stored, row, STORED_SOUND)[0] == 0)
        differs(c, commissioner, "the digest is not that of the statistics");
    if ((int64_t)be64toh(rows) != statistics->rows) {
        (void)snprintf(what, sizeof what, "%lld rows stored, %lld in the statistics", (long long)statistics->rows,
                       (long long)be64toh(rows));
        differs(c, commissioner, what);
    }
    for (int n = 0; n < STATISTICS_PARTS; n++) {
        if ((size_t)PQgetlength(c->stored, row, STORED_PARTS + n) == part[n].length &&
            memcmp(PQgetvalue(c->stored, row, STORED_PARTS + n), part[n].at, part[n].length) == 0)
            continue;
        (void)snprintf(what, sizeof what, "%s are not those of the rows", part_names[n]);
        differs(c, commissioner, what);
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
        differs(c, PQgetvalue(c->stored, c->next++, STORED_COMMISSIONER), "statistics without rows");
    if (order == 0 && c->next < PQntuples(c->stored))
        compare_parts(c, commissioner, statistics, part);
    else
        differs(c, commissioner, "rows without statistics");
    return true;
}

static bool compare_sets(struct comparison *c)
{
    c->status = episode_scan(c->cli->pg, c->place->provider, c->place->submission, NULL, add_row, c);
    if (c->status == PG_OK)
        c->status = statistics_stored(c->cli->pg, c->place->provider, c->place->submission, &c->stored);
    if (c->status != PG_OK)
        return false;
    if (c->place->complete == statistics_set_is_over(c->made))
        differs(c, NULL,
                c->place->complete ? "more kinds of rows than statistics hold" : "statistics are not complete");
    if (c->place->rows != statistics_set_rows(c->made))
        differs(c, NULL, "another number of rows than the statistics were made of");
    c->next = 0;
    if (!statistics_set_each(c->made, compare_one, c)) {
        c->out_of_memory = true;
        return false;
    }
    while (c->next < PQntuples(c->stored))
        differs(c, PQgetvalue(c->stored, c->next++, STORED_COMMISSIONER), "statistics without rows");
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
    c->compared += compared ? 1 : 0;
    statistics_set_free(c->made);
    PQclear(c->stored);
    c->made = NULL;
    c->stored = NULL;
    return compared;
}

int cli_fsck(struct cli *cli, int argc, char **argv)
{
    const char *provider = NULL;
    const char *month_text = NULL;
    const struct cli_option options[] = {{"provider", &provider}, {"month", &month_text}, {NULL, NULL}};
    struct comparison c = {.cli = cli, .status = PG_OK};
    month_t month = -1;
    if (!cli_arguments(cli, argc, argv, options, NULL, 0))
        return CLI_USAGE;
    if (month_text != NULL && !month_parse(month_text, strlen(month_text), &month))
        return cli_wrong(cli, "--month %s is not a month like 2012-04", month_text);
    enum pg_status status = pg_connect(cli->pg);
    if (status == PG_OK)
        status = statistics_each_submission(cli->pg, provider, month, compare_submission, &c);
    if (c.out_of_memory)
        return cli_fail(cli, "memory ran out");
    if (c.status != PG_OK || status != PG_OK)
        return cli_fail_store(cli, c.status != PG_OK ? c.status : status);
    (void)printf("%lld submissions compared with their rows, %lld without statistics, %lld differences\n",
                 (long long)c.compared, (long long)c.without, (long long)c.differences);
    return c.differences == 0 ? CLI_DONE : CLI_FAILED;
}
