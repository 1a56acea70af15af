#include "worker/jobs.h"

#include "base/log.h"
#include "store/calculation.h"
#include "store/erasure.h"
#include "store/export.h"
#include "store/idempotency.h"
#include "store/reading.h"
#include "store/rehearsal.h"
#include "store/submission.h"
#include "worker/certify.h"
#include "worker/log_keeper.h"
#include "worker/read_along.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define SWEEP_POLLS       60  /* a sweep each so many worker_poll_ms: with the default, each minute */
#define WAIT_MS           500 /* until a job whose turn had not come is looked at again */
#define MICROS_PER_SECOND 1000000
/* With --once: how long it is waited until this worker may sign, and how often it is looked. */
#define ONCE_PATIENCE_SECONDS 10
#define ONCE_LOOK_MS          20

#ifndef RECKONER_VERSION
#define RECKONER_VERSION "0.1"
#endif

/* The heartbeat has its own thread and connection, so that a handler busy with a million rows keeps its lease. */
struct heartbeat {
    struct worker *worker;
    struct pg *pg;
    pthread_t thread;
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    struct job job; /* the current one, when busy */
    bool busy;
    bool ending;
};

static void beat(struct heartbeat *h)
{
    struct worker *w = h->worker;
    struct job job = h->job;
    bool busy = h->busy;
    (void)pthread_mutex_unlock(&h->mutex);
    enum pg_status status = PG_OK;
    if (busy)
        status = job_renew(h->pg, &job, w->config->worker_lease_seconds);
    enum pg_status alive = job_heartbeat(h->pg, w->name, RECKONER_VERSION);
    (void)pthread_mutex_lock(&h->mutex);
    /* The job may have ended while its lease was being renewed; then there was nothing to lose. */
    if (busy && status == PG_NONE && h->busy && strcmp(job.lease, h->job.lease) == 0)
        atomic_store(&w->lost, true);
    if (alive != PG_OK && alive != PG_AWAY)
        log_event(LOG_LEVEL_WARN, "heartbeat", &(struct log_field){"problem", pg_message(h->pg), 0}, 1);
}

static void *heartbeat_thread(void *context)
{
    struct heartbeat *h = context;
    int64_t pause = h->worker->config->worker_lease_seconds * MICROS_PER_SECOND / 3;
    (void)pthread_mutex_lock(&h->mutex);
    while (!h->ending) {
        beat(h);
        int64_t until = clock_monotonic() + pause;
        struct timespec t = {until / MICROS_PER_SECOND, until % MICROS_PER_SECOND * 1000};
        int waited = 0;
        while (!h->ending && waited != ETIMEDOUT)
            waited = pthread_cond_timedwait(&h->changed, &h->mutex, &t);
    }
    (void)pthread_mutex_unlock(&h->mutex);
    return NULL;
}

static bool heartbeat_start(struct heartbeat *h, struct worker *w)
{
    memset(h, 0, sizeof *h);
    h->worker = w;
    struct pg_options options = {w->config->database_worker, "reckoner-worker heartbeat",
                                 w->config->connect_timeout_seconds, w->config->statement_timeout_ms,
                                 w->config->lock_timeout_ms};
    h->pg = pg_new(&options);
    pthread_condattr_t monotonic;
    if (!h->pg || pthread_condattr_init(&monotonic) != 0)
        return false;
    bool ok = pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC) == 0 &&
              pthread_cond_init(&h->changed, &monotonic) == 0 && pthread_mutex_init(&h->mutex, NULL) == 0 &&
              pthread_create(&h->thread, NULL, heartbeat_thread, h) == 0;
    (void)pthread_condattr_destroy(&monotonic);
    if (!ok)
        pg_free(h->pg);
    return ok;
}

static void heartbeat_end(struct heartbeat *h)
{
    (void)pthread_mutex_lock(&h->mutex);
    h->ending = true;
    (void)pthread_cond_signal(&h->changed);
    (void)pthread_mutex_unlock(&h->mutex);
    (void)pthread_join(h->thread, NULL);
    (void)pthread_cond_destroy(&h->changed);
    (void)pthread_mutex_destroy(&h->mutex);
    pg_free(h->pg);
}

/* job NULL: idle. */
static void heartbeat_holds(struct heartbeat *h, const struct job *job)
{
    (void)pthread_mutex_lock(&h->mutex);
    h->busy = job != NULL;
    if (job)
        h->job = *job;
    atomic_store(&h->worker->lost, false);
    (void)pthread_mutex_unlock(&h->mutex);
}

/* What the database refuses while nothing may be signed; any other refusal does not pass by waiting. */
static bool signing_is_stopped(const char *code)
{
    static const char *const codes[] = {"not_vouched", "key_ended", "key_not_introduced"};
    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++) {
        if (strcmp(code, codes[i]) == 0)
            return true;
    }
    return false;
}

enum job_outcome job_outcome_of(enum pg_status status, const struct pg *pg, char *problem)
{
    if (status == PG_REFUSED && !signing_is_stopped(pg_message(pg)))
        status = PG_FAILED;
    switch (status) {
    case PG_OK:
        return JOB_DONE;
    case PG_NONE:
        return JOB_LOST;
    case PG_RETRY:
    case PG_TIMEOUT:
    case PG_AWAY:
        (void)snprintf(problem, JOB_PROBLEM_SIZE,
                       "The database was away or busy (%s). Retry the job once the database is well.", pg_message(pg));
        return JOB_AGAIN;
    case PG_REFUSED:
        (void)snprintf(problem, JOB_PROBLEM_SIZE, "Nothing may be signed now (%s): see reckoner health.",
                       pg_message(pg));
        return JOB_WAITS;
    default:
        (void)snprintf(problem, JOB_PROBLEM_SIZE,
                       "The database refused what the worker wrote (%s). This is a fault of the service:"
                       " tell the operator, who can retry the job after mending it.",
                       pg_message(pg));
        return JOB_FAILED;
    }
}

static enum pg_status write_failure(struct worker *w, const struct job_handler *handler, const struct job *job,
                                    const char *problem)
{
    enum pg_status status = pg_begin(w->pg);
    if (status == PG_OK && handler && handler->give_up)
        status = handler->give_up(w, job, problem);
    if (status == PG_OK)
        status = job_fail(w->pg, job, problem);
    if (status == PG_OK)
        return pg_commit(w->pg);
    pg_rollback(w->pg);
    return status;
}

/* 1, 2, 4 .. 64 s, and up to a quarter more so that two jobs that met once do not meet again. */
static int64_t pause_after(int64_t attempts)
{
    int64_t pause = 1000LL << (attempts < 7 ? attempts - 1 : 6);
    return pause + (int64_t)randombytes_uniform((uint32_t)(pause / 4));
}

static const char *outcome_name(enum job_outcome outcome)
{
    static const char *const names[] = {"done", "lost", "again", "waits", "failed"};
    return names[outcome];
}

static void log_job(const struct job *job, enum job_outcome outcome, const char *problem, int64_t began)
{
    const struct log_field fields[] = {
        {"kind", job->kind, 0},
        {"provider", job->provider, 0},
        {"job", job->id, 0},
        {"subject", job->subject, 0},
        {"attempt", NULL, job->attempts},
        {"outcome", outcome_name(outcome), 0},
        {"ms", NULL, (clock_monotonic() - began) / 1000},
        {"problem", problem, 0},
    };
    unsigned count = sizeof fields / sizeof fields[0] - (problem[0] == '\0');
    log_event(outcome == JOB_DONE || outcome == JOB_WAITS ? LOG_LEVEL_INFO : LOG_LEVEL_WARN, "job", fields, count);
}

/* Identities are not erased under the feet of a job that reads them; erasing itself takes care that it is alone. */
static enum job_outcome run_beside_others(struct worker *w, const struct job_handler *handler, const struct job *job,
                                          char *problem)
{
    if (strcmp(job->kind, "erase") == 0)
        return handler->run(w, job, problem);
    struct pg *pg = w->pg;
    enum pg_status status = erasure_keep_away(pg, job->provider);
    if (status == PG_RETRY) {
        (void)snprintf(problem, JOB_PROBLEM_SIZE, "An identity is being erased; the job follows.");
        return JOB_WAITS;
    }
    if (status != PG_OK)
        return job_outcome_of(status == PG_NONE ? PG_FAILED : status, pg, problem);
    enum job_outcome outcome = handler->run(w, job, problem);
    if (outcome != JOB_DONE)
        pg_rollback(pg);
    erasure_come_near(pg, job->provider);
    return outcome;
}

static void run_job(struct worker *w, const struct job_handler *handlers, const struct job *job)
{
    int64_t began = clock_monotonic();
    const struct job_handler *handler = handlers;
    while (handler->kind && strcmp(handler->kind, job->kind) != 0)
        handler++;
    char problem[JOB_PROBLEM_SIZE] = "";
    enum job_outcome outcome = JOB_FAILED;
    if (!handler->kind) {
        handler = NULL;
        (void)snprintf(problem, sizeof problem,
                       "This worker does not know jobs of this kind. Install the same version everywhere, then retry.");
    } else if (job->attempts > w->config->worker_max_attempts) {
        (void)snprintf(problem, sizeof problem,
                       "Given up after %lld attempts that ended without an answer. Ask the operator to look at the"
                       " worker's log, then retry the job.",
                       (long long)job->attempts - 1);
    } else {
        outcome = run_beside_others(w, handler, job, problem);
    }
    if (outcome != JOB_DONE)
        pg_rollback(w->pg);
    if (outcome == JOB_DONE)
        problem[0] = '\0';
    if (outcome == JOB_AGAIN && job->attempts >= w->config->worker_max_attempts)
        outcome = JOB_FAILED;
    /* Should these fail as well (the database is away), the lease runs out and the job is claimed again. */
    if (outcome == JOB_AGAIN)
        (void)job_retry_later(w->pg, job, pause_after(job->attempts));
    if (outcome == JOB_WAITS)
        (void)job_wait(w->pg, job, WAIT_MS + (int64_t)randombytes_uniform(WAIT_MS / 4));
    if (outcome == JOB_FAILED)
        (void)write_failure(w, handler, job, problem);
    log_job(job, outcome, problem, began);
}

static bool take_notifications(struct worker *w)
{
    bool any = false;
    PGnotify *n = NULL;
    while ((n = PQnotifies(pg_raw(w->pg))) != NULL) {
        PQfreemem(n);
        any = true;
    }
    return any;
}

/* Sleeps until a notification, the wake-up or the timeout. */
static void wait_for_work(struct worker *w, int wake_fd, int64_t timeout_ms)
{
    int socket = -1;
    if (pg_connect(w->pg) == PG_OK)
        socket = PQsocket(pg_raw(w->pg));
    /* One may have come beside the answer to a statement. */
    if (socket >= 0 && take_notifications(w))
        return;
    struct pollfd fds[2] = {{wake_fd, POLLIN, 0}, {socket, POLLIN, 0}};
    (void)poll(fds, socket >= 0 ? 2 : 1, (int)timeout_ms);
    if (socket < 0 || (fds[1].revents & (POLLIN | POLLERR | POLLHUP)) == 0)
        return;
    if (PQconsumeInput(pg_raw(w->pg)) == 1)
        (void)take_notifications(w);
}

/* What nobody waits for: uploads that died, rehearsals and answers to retries that are too old, identities nobody
 * fetched; and months whose window has closed. */
static void sweep(struct worker *w, int64_t *next)
{
    if (clock_monotonic() < *next)
        return;
    int64_t swept = 0;
    if (submission_sweep(w->pg, &swept) == PG_OK && swept > 0)
        log_event(LOG_LEVEL_INFO, "swept", &(struct log_field){"uploads", NULL, swept}, 1);
    int64_t removed = 0;
    if (rehearsal_sweep(w->pg, w->config->rehearsal_days, &removed) == PG_OK && removed > 0)
        log_event(LOG_LEVEL_INFO, "swept", &(struct log_field){"rehearsals", NULL, removed}, 1);
    int64_t dropped = 0;
    (void)idempotency_drop_old(w->pg, w->config->idempotency_days, &dropped);
    int64_t expired = 0;
    if (reading_expire(w->pg, &expired) == PG_OK && expired > 0)
        log_event(LOG_LEVEL_INFO, "expired", &(struct log_field){"readings", NULL, expired}, 1);
    if (export_expire(w->pg, &expired) == PG_OK && expired > 0)
        log_event(LOG_LEVEL_INFO, "expired", &(struct log_field){"exports", NULL, expired}, 1);
    if (calculation_expire(w->pg, &expired) == PG_OK && expired > 0)
        log_event(LOG_LEVEL_INFO, "expired", &(struct log_field){"calculations", NULL, expired}, 1);
    int64_t certified = 0;
    if (certify_due(w, &certified) == PG_OK && certified > 0)
        log_event(LOG_LEVEL_INFO, "certified", &(struct log_field){"months", NULL, certified}, 1);
    *next = clock_monotonic() + SWEEP_POLLS * w->config->worker_poll_ms * 1000;
}

bool jobs_run(struct worker *w, const struct job_handler *handlers, bool once, const atomic_bool *stop, int wake_fd)
{
    struct heartbeat heartbeat;
    struct log_keeper_thread *keeper = log_keeper_start(w);
    if (keeper == NULL)
        return false;
    if (!heartbeat_start(&heartbeat, w)) {
        log_keeper_end(keeper, false);
        return false;
    }
    read_along_begin(w);
    int64_t next_sweep = 0;
    int64_t patience = clock_monotonic() + ONCE_PATIENCE_SECONDS * MICROS_PER_SECOND;
    bool away = false;
    while (!atomic_load(stop)) {
        if (!log_keeper_may_sign(keeper)) {
            if (once && clock_monotonic() > patience)
                break;
            wait_for_work(w, wake_fd, once ? ONCE_LOOK_MS : w->config->worker_poll_ms);
            continue;
        }
        sweep(w, &next_sweep);
        struct job job;
        /* Subscribed before the look into the queue, so that no job is missed between the two. */
        enum pg_status status = job_listen(w->pg);
        if (status == PG_OK)
            status = job_claim(w->pg, w->config->worker_lease_seconds, &job);
        if (status == PG_OK) {
            heartbeat_holds(&heartbeat, &job);
            read_along_make_way(w, &job);
            run_job(w, handlers, &job);
            heartbeat_holds(&heartbeat, NULL);
            continue;
        }
        if (status != PG_NONE && !away)
            log_event(LOG_LEVEL_WARN, "claim", &(struct log_field){"problem", pg_message(w->pg), 0}, 1);
        away = status != PG_NONE;
        if (status == PG_NONE && once)
            break;
        int64_t pause = status == PG_NONE ? read_along_step(w) : -1;
        if (pause != 0)
            wait_for_work(w, wake_fd, pause > 0 ? pause : w->config->worker_poll_ms);
    }
    read_along_end(w);
    heartbeat_end(&heartbeat);
    log_keeper_end(keeper, once);
    return true;
}
