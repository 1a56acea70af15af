/* The engine process: validates, settles and signs. Holds the secret keys; takes its work from the queue in the
 * database, so any number may run. */
#include "base/log.h"
#include "base/log_state.h"
#include "base/process.h"
#include "domain/leak_json.h"
#include "signing/keyfile.h"
#include "store/migrate.h"
#include "worker/jobs.h"
#include "worker/leak_memory.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static atomic_bool stopping;
static int wake_pipe[2] = {-1, -1};

/* The first signal lets the job under way come to its end; the second leaves at once, and the lease of the job runs
 * out. */
static void on_signal(int number)
{
    if (atomic_exchange(&stopping, true))
        _exit(128 + number);
    int saved = errno;
    (void)!write(wake_pipe[1], "", 1);
    errno = saved;
}

static bool catch_signals(void)
{
    struct sigaction stop;
    struct sigaction ignore;
    memset(&stop, 0, sizeof stop);
    memset(&ignore, 0, sizeof ignore);
    stop.sa_handler = on_signal;
    stop.sa_flags = SA_RESTART;
    ignore.sa_handler = SIG_IGN;
    return pipe2(wake_pipe, O_CLOEXEC | O_NONBLOCK) == 0 && sigaction(SIGTERM, &stop, NULL) == 0 &&
           sigaction(SIGINT, &stop, NULL) == 0 && sigaction(SIGPIPE, &ignore, NULL) == 0;
}

struct keys {
    unsigned char *pseudonym; /* in locked memory */
    struct unseal_key *unseal;
    struct signer *signer;
};

static bool open_keys(const struct config *config, struct keys *k, char *error, size_t size)
{
    k->pseudonym = keyfile_secret(config->pseudonym_key_file, "the pseudonym key", PSEUDONYM_KEY_SIZE, error, size);
    unsigned char *secret = k->pseudonym ? keyfile_secret(config->seal_secret_key_file, "the secret seal key",
                                                          SEAL_SECRET_KEY_SIZE, error, size)
                                         : NULL;
    k->unseal = secret ? sodium_malloc(sizeof *k->unseal) : NULL;
    bool ok = k->unseal && unseal_key_set(k->unseal, secret);
    if (secret && !ok)
        (void)snprintf(error, size, "the secret seal key %s is of no use; make a new one with `reckoner keygen`",
                       config->seal_secret_key_file);
    sodium_free(secret);
    if (!ok)
        return false;
    k->signer = signer_open(config->signing_key_file, error, size);
    return k->signer != NULL;
}

static void close_keys(struct keys *k)
{
    sodium_free(k->pseudonym);
    sodium_free(k->unseal);
    signer_close(k->signer);
}

static int fail(const char *problem)
{
    log_event(LOG_LEVEL_ERROR, "start", &(struct log_field){"problem", problem, 0}, 1);
    return EXIT_FAILURE;
}

static int run(const struct config *config, bool once)
{
    char error[500] = "";
    struct keys keys = {NULL, NULL, NULL};
    struct pg_options options = {config->database_worker, "reckoner-worker", config->connect_timeout_seconds,
                                 WORKER_STATEMENT_TIMEOUT_MS, config->lock_timeout_ms};
    struct clock clock = {config->clock_file[0] ? config->clock_file : NULL};
    char host[64] = "";
    char name[96];
    (void)gethostname(host, sizeof host - 1);
    (void)snprintf(name, sizeof name, "%s:%ld", host, (long)getpid());
    struct pg *pg = pg_new(&options);
    int status = EXIT_FAILURE;
    if (!pg) {
        status = fail("memory ran out");
    } else if (!open_keys(config, &keys, error, sizeof error) ||
               !log_state_usable(config->state_dir, error, sizeof error) || !migrate_check(pg, error, sizeof error)) {
        status = fail(error);
    } else {
        struct worker w = {config,         &clock, pg,    keys.unseal, keys.signer,
                           keys.pseudonym, name,   false, NULL,        leak_memory_new()};
        log_event(LOG_LEVEL_INFO, "start", &(struct log_field){"worker", name, 0}, 1);
        status = jobs_run(&w, job_handlers, once, &stopping, wake_pipe[0]) ? EXIT_SUCCESS
                                                                           : fail("the heartbeat cannot be started");
        leak_memory_free(w.cleared);
        log_event(LOG_LEVEL_INFO, "stop", &(struct log_field){"worker", name, 0}, 1);
    }
    pg_free(pg);
    close_keys(&keys);
    return status;
}

static int usage(FILE *out)
{
    (void)fputs("Usage: reckoner-worker [--config FILE] [--once]\n"
                "  --config FILE  configuration (default: RECKONER_CONFIG, else /etc/reckoner/reckoner.conf)\n"
                "  --once         works until nothing is due, then ends\n",
                out);
    return out == stdout ? EXIT_SUCCESS : EXIT_FAILURE;
}

static bool withhold(const char *text)
{
    return leak_in_text((struct text){text, strlen(text)});
}

int main(int count, char **arguments)
{
    const char *path = getenv("RECKONER_CONFIG");
    bool once = false;
    for (int i = 1; i < count; i++) {
        if (strcmp(arguments[i], "--once") == 0)
            once = true;
        else if (strcmp(arguments[i], "--config") == 0 && i + 1 < count)
            path = arguments[++i];
        else
            return usage(strcmp(arguments[i], "--help") == 0 ? stdout : stderr);
    }
    log_set_program("reckoner-worker");
    log_set_filter(withhold);
    struct config config;
    char error[500];
    if (!process_keep_secrets())
        return fail("the system does not keep this process's memory out of core dumps");
    if (sodium_init() < 0 || !catch_signals())
        return fail("the system's random source or signals cannot be set up");
    int status = EXIT_FAILURE;
    if (config_load(&config, path ? path : "/etc/reckoner/reckoner.conf", error, sizeof error))
        status = run(&config, once);
    else
        status = fail(error);
    config_free(&config);
    (void)close(wake_pipe[0]);
    (void)close(wake_pipe[1]);
    return status;
}
