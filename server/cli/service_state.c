#include "cli/service_state.h"

#include "base/parse.h"
#include "store/migrate.h"

#include <stdio.h>
#include <string.h>

/* A worker says that it is alive at least this often; twice missed is not well. */
#define WORKER_SILENT_SECONDS 60
#define QUEUE_SECONDS_DEFAULT 300
/* Small steps of a clock that is kept in time are no fault. */
#define CLOCK_BEHIND_SECONDS 2

int cli_migrate(struct cli *cli, int argc, char **argv)
{
    struct admin_act act;
    struct migrate_result result = {.problem = ""};
    if (!cli_arguments(cli, argc, argv, NULL, NULL, 0))
        return CLI_USAGE;
    /* A migration may build a key of a large table anew. */
    if (!cli_act(cli, &act))
        return CLI_FAILED;
    if (!cli_take_time(cli, "reckoner migrate"))
        return cli_fail(cli, "memory ran out");
    enum pg_status status = migrate_apply(cli->pg, cli->config.migrations_dir, act.at, &result);
    if (status == PG_AWAY)
        return cli_fail_store(cli, status);
    if (status != PG_OK)
        return cli_fail(cli, "%s", result.problem);
    (void)printf("schema version %d, %d applied now\n", result.version, result.applied);
    return CLI_DONE;
}

int cli_config(struct cli *cli, int argc, char **argv)
{
    if (!cli_arguments(cli, argc, argv, NULL, NULL, 0))
        return CLI_USAGE;
    config_print(&cli->config);
    return CLI_DONE;
}

struct workers {
    int alive;
    int silent;
};

static void print_worker(void *context, const struct admin_worker *w)
{
    struct workers *workers = context;
    bool alive = w->silent_seconds <= WORKER_SILENT_SECONDS;
    if (alive)
        workers->alive++;
    else
        workers->silent++;
    (void)printf("worker    %-7s %s, version %s, last seen %lld s ago\n", alive ? "ok" : "silent", w->worker,
                 w->version, (long long)w->silent_seconds);
}

/* Each check prints one line and says whether all is well. */
static bool healthy_schema(const struct cli *cli)
{
    char problem[600];
    bool current = migrate_check(cli->pg, problem, sizeof problem);
    (void)printf("schema    %-7s %s\n", current ? "ok" : "FAULT", current ? "as this program expects" : problem);
    return current;
}

static bool healthy_log(const struct cli *cli)
{
    char problem[600] = "";
    bool vouched = false;
    enum pg_status status = admin_vouched(cli->pg, &vouched, problem, sizeof problem);
    if (status != PG_OK) {
        (void)cli_fail_store(cli, status);
        return false;
    }
    if (vouched)
        (void)printf("log       ok      this database is its newest state, as far as is known\n");
    else
        (void)printf("log       FAULT   nothing is signed or numbered: %s\n",
                     problem[0] != '\0'
                         ? problem
                         : "the database was restarted or restored, and no worker has vouched for it yet");
    return vouched;
}

static bool healthy_clock(const struct cli *cli)
{
    int64_t behind = 0;
    enum pg_status status = admin_clock_behind(cli->pg, &behind);
    if (status != PG_OK) {
        (void)cli_fail_store(cli, status);
        return false;
    }
    if (behind <= CLOCK_BEHIND_SECONDS)
        (void)printf("clock     ok      the database's clock goes on from the last act\n");
    else
        (void)printf(
            "clock     FAULT   the database's clock is %lld s behind the last act: it was set back, or had been"
            " ahead; acts are dated right after that one until it has caught up\n",
            (long long)behind);
    return behind <= CLOCK_BEHIND_SECONDS;
}

static bool healthy_queue(const struct cli *cli, int64_t most_seconds)
{
    struct admin_queue q;
    enum pg_status status = admin_queue(cli->pg, &q);
    if (status != PG_OK) {
        (void)cli_fail_store(cli, status);
        return false;
    }
    bool moving = q.oldest_seconds <= most_seconds;
    (void)printf("queue     %-7s %lld waiting, the first for %lld s; %lld under way\n", moving ? "ok" : "FAULT",
                 (long long)q.waiting, (long long)q.oldest_seconds, (long long)q.leased);
    /* A failed job waits for a person (POST .../retries); the service itself is well. */
    if (q.failed > 0)
        (void)printf("jobs      look    %lld failed: see GET /v1/providers/{provider}/jobs/{job}\n",
                     (long long)q.failed);
    return moving;
}

static bool healthy_workers(const struct cli *cli)
{
    struct workers workers = {0, 0};
    enum pg_status status = admin_each_worker(cli->pg, print_worker, &workers);
    if (status != PG_OK) {
        (void)cli_fail_store(cli, status);
        return false;
    }
    if (workers.alive == 0)
        (void)printf("worker    FAULT   none was seen in the last %d s: start reckoner-worker\n",
                     WORKER_SILENT_SECONDS);
    return workers.alive > 0;
}

int cli_health(struct cli *cli, int argc, char **argv)
{
    const char *seconds_text = NULL;
    const struct cli_option options[] = {{"queue-seconds", &seconds_text}, {NULL, NULL}};
    int64_t seconds = QUEUE_SECONDS_DEFAULT;
    if (!cli_arguments(cli, argc, argv, options, NULL, 0))
        return CLI_USAGE;
    if (seconds_text != NULL && !parse_i64_within(seconds_text, strlen(seconds_text), 1, 86400, &seconds))
        return cli_wrong(cli, "--queue-seconds %s is not a whole number from 1 to 86400", seconds_text);
    enum pg_status status = pg_connect(cli->pg);
    if (status != PG_OK)
        return cli_fail_store(cli, status);
    (void)printf("database  ok      reached\n");
    /* With another schema the questions below could not be asked. */
    if (!healthy_schema(cli))
        return CLI_FAILED;
    bool log = healthy_log(cli);
    bool clock = healthy_clock(cli);
    bool queue = healthy_queue(cli, seconds);
    bool workers = healthy_workers(cli);
    return log && clock && queue && workers ? CLI_DONE : CLI_FAILED;
}
