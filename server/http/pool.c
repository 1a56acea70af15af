#include "base/clock.h"
#include "http/exchange.h"

#include <stdlib.h>
#include <time.h>

/* New requests that may wait; uploads under way come on top, bounded by max_uploads. */
#define QUEUE_MAXIMUM 512

struct pool {
    struct server *server;
    pthread_mutex_t lock;
    pthread_cond_t work;
    pthread_cond_t idle;
    struct http_exchange *first, **last;
    int64_t waiting, running;
    bool closed;  /* only aborts are taken */
    bool stopped; /* threads end when the queue is empty */
    unsigned threads;
    pthread_t thread[];
};

bool pool_submit(struct pool *pool, struct http_exchange *ex, bool bounded)
{
    pthread_mutex_lock(&pool->lock);
    bool taken = (!pool->closed || ex->task == TASK_ABORT) && !(bounded && pool->waiting >= QUEUE_MAXIMUM);
    if (taken) {
        ex->next = NULL;
        *pool->last = ex;
        pool->last = &ex->next;
        pool->waiting++;
        pthread_cond_signal(&pool->work);
    }
    pthread_mutex_unlock(&pool->lock);
    return taken;
}

/* The next exchange, or NULL when the thread must end. */
static struct http_exchange *pool_take(struct pool *pool)
{
    pthread_mutex_lock(&pool->lock);
    while (pool->first == NULL && !pool->stopped)
        pthread_cond_wait(&pool->work, &pool->lock);
    struct http_exchange *ex = pool->first;
    if (ex != NULL) {
        pool->first = ex->next;
        if (pool->first == NULL)
            pool->last = &pool->first;
        pool->waiting--;
        pool->running++;
    }
    pthread_mutex_unlock(&pool->lock);
    return ex;
}

static void pool_done(struct pool *pool)
{
    pthread_mutex_lock(&pool->lock);
    pool->running--;
    if (pool->running == 0 && pool->waiting == 0)
        pthread_cond_broadcast(&pool->idle);
    pthread_mutex_unlock(&pool->lock);
}

static void *thread_main(void *context)
{
    struct pool *pool = context;
    const struct config *config = pool->server->config;
    struct pg_options options = {.conninfo = config->database_web,
                                 .application = "reckonerd",
                                 .connect_timeout_seconds = config->connect_timeout_seconds,
                                 .statement_timeout_ms = config->statement_timeout_ms,
                                 .lock_timeout_ms = config->lock_timeout_ms};
    struct database_thread thread = {.pg = pg_new(&options)};
    for (struct http_exchange *ex; (ex = pool_take(pool)) != NULL; pool_done(pool))
        dispatch_run(&thread, ex);
    pg_free(thread.pg);
    return NULL;
}

static void pool_init(struct pool *pool, struct server *server)
{
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_mutex_init(&pool->lock, NULL);
    pthread_cond_init(&pool->work, &attributes);
    pthread_cond_init(&pool->idle, &attributes);
    pthread_condattr_destroy(&attributes);
    pool->server = server;
    pool->last = &pool->first;
}

struct pool *pool_start(struct server *server)
{
    unsigned threads = (unsigned)server->config->database_threads;
    struct pool *pool = calloc(1, sizeof *pool + threads * sizeof pool->thread[0]);
    if (pool == NULL)
        return NULL;
    pool_init(pool, server);
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, (size_t)1 << 20);
    while (pool->threads < threads && pthread_create(&pool->thread[pool->threads], &attributes, thread_main, pool) == 0)
        pool->threads++;
    pthread_attr_destroy(&attributes);
    if (pool->threads == threads)
        return pool;
    pool_free(pool);
    return NULL;
}

void pool_close(struct pool *pool)
{
    pthread_mutex_lock(&pool->lock);
    pool->closed = true;
    pthread_mutex_unlock(&pool->lock);
}

bool pool_wait_idle(struct pool *pool, int64_t deadline)
{
    struct timespec until = {.tv_sec = deadline / 1000000, .tv_nsec = deadline % 1000000 * 1000};
    pthread_mutex_lock(&pool->lock);
    int failure = 0;
    while ((pool->running > 0 || pool->waiting > 0) && failure == 0)
        failure = pthread_cond_timedwait(&pool->idle, &pool->lock, &until);
    bool idle = pool->running == 0 && pool->waiting == 0;
    pthread_mutex_unlock(&pool->lock);
    return idle;
}

void pool_free(struct pool *pool)
{
    if (pool == NULL)
        return;
    pthread_mutex_lock(&pool->lock);
    pool->closed = pool->stopped = true;
    pthread_cond_broadcast(&pool->work);
    pthread_mutex_unlock(&pool->lock);
    for (unsigned i = 0; i < pool->threads; i++)
        pthread_join(pool->thread[i], NULL);
    pthread_cond_destroy(&pool->work);
    pthread_cond_destroy(&pool->idle);
    pthread_mutex_destroy(&pool->lock);
    free(pool);
}

int64_t pool_depth(struct pool *pool)
{
    pthread_mutex_lock(&pool->lock);
    int64_t depth = pool->waiting;
    pthread_mutex_unlock(&pool->lock);
    return depth;
}
