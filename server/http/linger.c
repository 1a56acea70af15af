#include "base/clock.h"
#include "http/exchange.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define LINGER_SOCKETS 64
#define LINGER_QUIET   (2 * 1000000)  /* microseconds without a byte */
#define LINGER_LONGEST (30 * 1000000) /* microseconds in all */
#define LINGER_BYTES   (64 * 1024 * 1024)
/* A longer pause between two looks counts as this: the machine stood still, and the client may have too. */
#define LINGER_STEP 250000

struct lingerer {
    pthread_t thread;
    pthread_mutex_t lock;
    int wake[2]; /* sockets to linger on are written here as they are; closed at the end */
    unsigned held;
};

struct lingering {
    int socket;
    int64_t quiet; /* microseconds since the last byte */
    int64_t open;  /* ... since the answer */
    int64_t bytes;
};

/* true: the client has closed, sends too much, or had its time. */
static bool read_away(struct lingering *l, int64_t step)
{
    char bytes[16384];
    l->quiet += step;
    l->open += step;
    while (l->open < LINGER_LONGEST && l->bytes <= LINGER_BYTES) {
        ssize_t n = recv(l->socket, bytes, sizeof bytes, MSG_DONTWAIT);
        if (n == 0)
            return true;
        if (n < 0)
            return l->quiet >= LINGER_QUIET || !(errno == EAGAIN || errno == EINTR);
        l->quiet = 0;
        l->bytes += n;
    }
    return true;
}

static void release(struct lingerer *linger, struct lingering *l)
{
    close(l->socket);
    pthread_mutex_lock(&linger->lock);
    linger->held--;
    pthread_mutex_unlock(&linger->lock);
}

/* Takes one new socket from the pipe. false: the pipe was closed. */
static bool take(struct lingerer *linger, struct lingering *all, unsigned *count)
{
    int socket;
    if (read(linger->wake[0], &socket, sizeof socket) != sizeof socket)
        return false;
    all[(*count)++] = (struct lingering){.socket = socket};
    return true;
}

static void *lingerer_main(void *context)
{
    struct lingerer *linger = context;
    struct lingering all[LINGER_SOCKETS] = {{0}};
    struct pollfd polled[LINGER_SOCKETS + 1];
    unsigned count = 0;
    int64_t before = clock_monotonic();
    for (bool open = true; open;) {
        polled[0] = (struct pollfd){.fd = linger->wake[0], .events = POLLIN};
        for (unsigned i = 0; i < count; i++)
            polled[i + 1] = (struct pollfd){.fd = all[i].socket, .events = POLLIN};
        (void)poll(polled, count + 1, count > 0 ? 200 : -1);
        int64_t now = clock_monotonic();
        int64_t step = now - before < LINGER_STEP ? now - before : LINGER_STEP;
        before = now;
        for (unsigned i = 0; i < count;) {
            if (!read_away(&all[i], step)) {
                i++;
                continue;
            }
            release(linger, &all[i]);
            all[i] = all[--count];
        }
        if (polled[0].revents != 0)
            open = take(linger, all, &count);
    }
    for (unsigned i = 0; i < count; i++)
        release(linger, &all[i]);
    return NULL;
}

struct lingerer *lingerer_start(void)
{
    struct lingerer *linger = calloc(1, sizeof *linger);
    if (linger == NULL)
        return NULL;
    if (pipe2(linger->wake, O_CLOEXEC) != 0) {
        free(linger);
        return NULL;
    }
    pthread_mutex_init(&linger->lock, NULL);
    if (pthread_create(&linger->thread, NULL, lingerer_main, linger) == 0)
        return linger;
    close(linger->wake[0]);
    close(linger->wake[1]);
    pthread_mutex_destroy(&linger->lock);
    free(linger);
    return NULL;
}

void lingerer_add(struct lingerer *linger, int socket)
{
    pthread_mutex_lock(&linger->lock);
    bool room = linger->held < LINGER_SOCKETS;
    if (room)
        linger->held++;
    pthread_mutex_unlock(&linger->lock);
    if (!room)
        return;
    int copy = fcntl(socket, F_DUPFD_CLOEXEC, 0);
    if (copy >= 0 && write(linger->wake[1], &copy, sizeof copy) == sizeof copy)
        return;
    if (copy >= 0)
        close(copy);
    pthread_mutex_lock(&linger->lock);
    linger->held--;
    pthread_mutex_unlock(&linger->lock);
}

void lingerer_free(struct lingerer *linger)
{
    if (linger == NULL)
        return;
    close(linger->wake[1]);
    pthread_join(linger->thread, NULL);
    close(linger->wake[0]);
    pthread_mutex_destroy(&linger->lock);
    free(linger);
}
