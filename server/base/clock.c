#include "base/clock.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static instant_t from_timespec(struct timespec t)
{
    return (instant_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

instant_t clock_wall(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_REALTIME, &t); /* cannot fail with this clock and a valid pointer */
    return from_timespec(t);
}

int64_t clock_monotonic(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return from_timespec(t);
}

/* The file's instant and when it was written. */
static bool read_file(const char *path, instant_t *shown, instant_t *written)
{
    char text[64];
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    ssize_t n = read(fd, text, sizeof text);
    bool known = fstat(fd, &st) == 0;
    (void)close(fd);
    if (n <= 0 || !known)
        return false;
    size_t length = (size_t)n;
    if (text[length - 1] == '\n')
        length--;
    *written = from_timespec(st.st_mtim);
    return instant_parse(text, length, shown);
}

bool clock_now(const struct clock *c, instant_t *out)
{
    return clock_at(c, clock_wall(), out);
}

bool clock_at(const struct clock *c, instant_t wall, instant_t *out)
{
    if (c->file == NULL || c->file[0] == '\0') {
        *out = wall;
        return true;
    }
    instant_t shown;
    instant_t written;
    if (!read_file(c->file, &shown, &written))
        return false;
    /* A file system whose clock is ahead of ours must not turn the product clock back. */
    *out = shown + (wall > written ? wall - written : 0);
    return true;
}
