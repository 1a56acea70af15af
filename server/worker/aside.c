#include "worker/aside.h"

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>

struct piece {
    void (*work)(void *context);
    void *context;
};

struct aside {
    pthread_t thread;
    pthread_mutex_t mutex;
    pthread_cond_t given;
    pthread_cond_t done;
    struct piece piece[ASIDE_WAITING]; /* a ring: the one at first is being done, or is next */
    size_t first;
    size_t count; /* not done yet */
    bool ending;
};

static void *thread_main(void *context)
{
    struct aside *a = context;
    (void)pthread_mutex_lock(&a->mutex);
    for (;;) {
        while (a->count == 0 && !a->ending)
            (void)pthread_cond_wait(&a->given, &a->mutex);
        if (a->count == 0)
            break;
        struct piece piece = a->piece[a->first];
        (void)pthread_mutex_unlock(&a->mutex);
        piece.work(piece.context);
        (void)pthread_mutex_lock(&a->mutex);
        a->first = (a->first + 1) % ASIDE_WAITING;
        a->count--;
        (void)pthread_cond_signal(&a->done);
    }
    (void)pthread_mutex_unlock(&a->mutex);
    return NULL;
}

struct aside *aside_new(void)
{
    struct aside *a = calloc(1, sizeof *a);
    if (!a)
        return NULL;
    if (pthread_mutex_init(&a->mutex, NULL) == 0 && pthread_cond_init(&a->given, NULL) == 0 &&
        pthread_cond_init(&a->done, NULL) == 0 && pthread_create(&a->thread, NULL, thread_main, a) == 0)
        return a;
    free(a);
    return NULL;
}

void aside_free(struct aside *a)
{
    if (!a)
        return;
    (void)pthread_mutex_lock(&a->mutex);
    a->ending = true;
    (void)pthread_cond_signal(&a->given);
    (void)pthread_mutex_unlock(&a->mutex);
    (void)pthread_join(a->thread, NULL);
    (void)pthread_cond_destroy(&a->done);
    (void)pthread_cond_destroy(&a->given);
    (void)pthread_mutex_destroy(&a->mutex);
    free(a);
}

void aside_give(struct aside *a, void (*work)(void *context), void *context)
{
    if (!a) {
        work(context);
        return;
    }
    (void)pthread_mutex_lock(&a->mutex);
    while (a->count == ASIDE_WAITING)
        (void)pthread_cond_wait(&a->done, &a->mutex);
    a->piece[(a->first + a->count) % ASIDE_WAITING] = (struct piece){work, context};
    a->count++;
    (void)pthread_cond_signal(&a->given);
    (void)pthread_mutex_unlock(&a->mutex);
}

void aside_wait(struct aside *a)
{
    if (!a)
        return;
    (void)pthread_mutex_lock(&a->mutex);
    while (a->count > 0)
        (void)pthread_cond_wait(&a->done, &a->mutex);
    (void)pthread_mutex_unlock(&a->mutex);
}
