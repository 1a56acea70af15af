/* A load generator for one GET: CLIENTS connections kept alive, each sends the next request when it has the answer.
 * usage: load PORT PATH TOKEN CLIENTS SECONDS          (always to 127.0.0.1)
 * Prints one JSON object: requests, failures, duration and latencies. Every answer must be 200 with a length. */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define MAX_CLIENTS 256
#define BUCKETS     200000 /* of 10 microseconds: two seconds; what is slower counts in the last */

struct client {
    const char *request;
    struct sockaddr_in address;
    int64_t stop_at;
    int64_t done;
    int64_t failed;
    uint32_t *latency;
    pthread_t thread;
};

static int64_t now_us(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static bool send_all(int fd, const char *bytes)
{
    for (size_t left = strlen(bytes); left > 0;) {
        ssize_t n = send(fd, bytes, left, MSG_NOSIGNAL);
        if (n <= 0) {
            return false;
        }
        bytes += n;
        left -= (size_t)n;
    }
    return true;
}

/* Length of the whole answer once its head is complete, 0 before, -1 when it is no 200 with a length. */
static int64_t answer_length(const char *answer)
{
    const char *end = strstr(answer, "\r\n\r\n");
    if (end == NULL) {
        return 0;
    }
    const char *field = strcasestr(answer, "\r\nContent-Length:");
    if (strncmp(answer, "HTTP/1.1 200 ", 13) != 0 || field == NULL || field > end) {
        return -1;
    }
    char *rest = NULL;
    errno = 0;
    long length = strtol(field + 17, &rest, 10);
    return errno != 0 || rest == field + 17 || length < 0 ? -1 : (end - answer) + 4 + length;
}

static bool read_answer(int fd, char *buffer, size_t size)
{
    int64_t have = 0;
    int64_t whole = 0;
    while (whole == 0 || have < whole) {
        size_t at = whole == 0 ? (size_t)have : 0; /* of a body, only the length matters */
        size_t room = size - 1 - at;
        if (whole > 0 && (int64_t)room > whole - have) {
            room = (size_t)(whole - have);
        }
        ssize_t n = room == 0 ? 0 : recv(fd, buffer + at, room, 0);
        if (n <= 0) {
            return false;
        }
        have += n;
        if (whole == 0) {
            buffer[have] = '\0';
            whole = answer_length(buffer);
        }
        if (whole < 0) {
            return false;
        }
    }
    return true;
}

static int connect_to(const struct sockaddr_in *address)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int one = 1;
    if (fd >= 0 && (setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one) != 0 ||
                    connect(fd, (const struct sockaddr *)address, sizeof *address) != 0)) {
        (void)close(fd);
        fd = -1;
    }
    return fd;
}

static void *run_client(void *context)
{
    struct client *c = context;
    char buffer[65536];
    int fd = connect_to(&c->address);
    int64_t at = now_us();
    while (at < c->stop_at) {
        bool good = fd >= 0 && send_all(fd, c->request) && read_answer(fd, buffer, sizeof buffer);
        int64_t after = now_us();
        if (good) {
            int64_t bucket = (after - at) / 10;
            c->latency[bucket < BUCKETS ? bucket : BUCKETS - 1]++;
            c->done++;
        } else {
            c->failed++;
            if (fd >= 0) {
                (void)close(fd);
            }
            (void)usleep(1000);
            fd = connect_to(&c->address);
        }
        at = after;
    }
    if (fd >= 0) {
        (void)close(fd);
    }
    return NULL;
}

/* Latency that so many thousandths of all answers stayed below. */
static int64_t percentile(const struct client *clients, int count, int64_t done, int64_t thousandths)
{
    int64_t seen = 0;
    for (int64_t b = 0; b < BUCKETS; b++) {
        for (int i = 0; i < count; i++) {
            seen += clients[i].latency[b];
        }
        if (seen > done * thousandths / 1000) {
            return b * 10;
        }
    }
    return (int64_t)BUCKETS * 10;
}

static long number(const char *text, long low, long high)
{
    char *end = NULL;
    errno = 0;
    long value = strtol(text, &end, 10);
    if (errno != 0 || end == text || *end != '\0' || value < low || value > high) {
        (void)fprintf(stderr, "load: %s is not a number from %ld to %ld\n", text, low, high);
        exit(2);
    }
    return value;
}

static bool start(struct client *c, const char *request, in_port_t port, int64_t stop_at)
{
    *c = (struct client){.request = request, .stop_at = stop_at};
    c->address = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = port};
    c->address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    c->latency = calloc(BUCKETS, sizeof *c->latency);
    return c->latency != NULL && pthread_create(&c->thread, NULL, run_client, c) == 0;
}

int main(int argc, char **argv)
{
    static struct client clients[MAX_CLIENTS];
    static char request[4096];
    if (argc != 6) {
        (void)fputs("usage: load PORT PATH TOKEN CLIENTS SECONDS\n", stderr);
        return 2;
    }
    in_port_t port = htons((uint16_t)number(argv[1], 1, 65535));
    int count = (int)number(argv[4], 1, MAX_CLIENTS);
    int64_t begun = now_us();
    int64_t stop_at = begun + number(argv[5], 1, 3600) * 1000000;
    int length = snprintf(request, sizeof request,
                          "GET %s HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer %s\r\n\r\n", argv[2], argv[3]);
    if (length < 0 || (size_t)length >= sizeof request) {
        (void)fputs("load: the path is too long\n", stderr);
        return 2;
    }
    for (int i = 0; i < count; i++) {
        if (!start(&clients[i], request, port, stop_at)) {
            (void)fputs("load: cannot start its threads\n", stderr);
            return 1;
        }
    }
    int64_t done = 0;
    int64_t failed = 0;
    for (int i = 0; i < count; i++) {
        (void)pthread_join(clients[i].thread, NULL);
        done += clients[i].done;
        failed += clients[i].failed;
    }
    printf("{\"requests\": %lld, \"failed\": %lld, \"microseconds\": %lld, \"p50_us\": %lld, \"p99_us\": %lld}\n",
           (long long)done, (long long)failed, (long long)(now_us() - begun),
           (long long)percentile(clients, count, done, 500), (long long)percentile(clients, count, done, 990));
    return failed > 0 || done == 0 ? 1 : 0;
}
