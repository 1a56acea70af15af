#include "signing/keyfile.h"

#include "base/parse.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define LINE_SIZE (2 * KEYFILE_BYTES_MAX + 2) /* the digits, a line end, and one byte that must not be there */

__attribute__((format(printf, 3, 4))) static bool refuse(char *error, size_t size, const char *format, ...)
{
    va_list values;
    va_start(values, format);
    vsnprintf(error, size, format, values);
    va_end(values);
    return false;
}

/* A file without a name in the configuration would otherwise be reported as "No such file". */
static bool is_named(const char *path, const char *what, char *error, size_t size)
{
    if (path != NULL && path[0] != '\0')
        return true;
    return refuse(error, size, "%s has no file: set its path in the configuration (reckoner config lists it)", what);
}

static bool is_safe(const char *path, const char *what, const struct stat *s, bool secret, char *error, size_t size)
{
    if (!S_ISREG(s->st_mode))
        return refuse(error, size, "%s, %s, is not a regular file: name the file itself", what, path);
    if (!secret) {
        if ((s->st_mode & (S_IWGRP | S_IWOTH)) == 0)
            return true;
        return refuse(error, size, "%s, %s, can be written by others: run chmod go-w %s", what, path, path);
    }
    if (s->st_uid != geteuid() && geteuid() != 0)
        return refuse(error, size, "%s, %s, belongs to user number %lu: run chown to give it to the service's user",
                      what, path, (unsigned long)s->st_uid);
    if ((s->st_mode & 07777) != 0400)
        return refuse(error, size, "%s, %s, has mode %04o: run chmod 0400 %s", what, path,
                      (unsigned)(s->st_mode & 07777), path);
    return true;
}

/* Reads at most LINE_SIZE bytes; -1 on failure with errno. */
static ssize_t read_line(int fd, char line[LINE_SIZE])
{
    size_t length = 0;
    while (length < LINE_SIZE) {
        ssize_t got = read(fd, line + length, LINE_SIZE - length);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return -1;
        if (got == 0)
            break;
        length += (size_t)got;
    }
    return (ssize_t)length;
}

static bool load(const char *path, const char *what, bool secret, void *out, size_t n, char *error, size_t size)
{
    if (!is_named(path, what, error, size))
        return false;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY | O_NONBLOCK);
    if (fd < 0)
        return refuse(error, size, "%s, %s, cannot be opened: %s; reckoner keygen makes it", what, path,
                      errno == ELOOP ? "it is a symbolic link" : strerror(errno));
    struct stat s;
    char line[LINE_SIZE];
    bool good = fstat(fd, &s) == 0 || refuse(error, size, "%s, %s: %s", what, path, strerror(errno));
    good = good && is_safe(path, what, &s, secret, error, size);
    if (good) {
        ssize_t length = read_line(fd, line);
        if (length > 0 && line[length - 1] == '\n')
            length--;
        if (length < 0)
            good = refuse(error, size, "%s, %s, cannot be read: %s", what, path, strerror(errno));
        else if (!hex_decode(line, (size_t)length, out, n))
            good = refuse(error, size, "%s, %s, is not one line of %zu hexadecimal digits: restore it from its copy",
                          what, path, 2 * n);
        sodium_memzero(line, sizeof line);
    }
    close(fd);
    return good;
}

unsigned char *keyfile_secret(const char *path, const char *what, size_t n, char *error, size_t size)
{
    unsigned char *key = n <= KEYFILE_BYTES_MAX ? sodium_malloc(n) : NULL;
    if (key == NULL) {
        refuse(error, size, "no locked memory for %s: raise the limit on locked memory (LimitMEMLOCK)", what);
        return NULL;
    }
    if (load(path, what, true, key, n, error, size))
        return key;
    sodium_free(key);
    return NULL;
}

bool keyfile_public(const char *path, const char *what, void *out, size_t n, char *error, size_t size)
{
    unsigned char key[KEYFILE_BYTES_MAX];
    if (n > sizeof key || !load(path, what, false, key, n, error, size))
        return false;
    memcpy(out, key, n);
    return true;
}

static bool write_all(int fd, const char *bytes, size_t length)
{
    while (length > 0) {
        ssize_t put = write(fd, bytes, length);
        if (put < 0 && errno == EINTR)
            continue;
        if (put < 0)
            return false;
        bytes += put;
        length -= (size_t)put;
    }
    return true;
}

bool keyfile_write(const char *path, const char *what, const void *bytes, size_t n, bool secret, char *error,
                   size_t size)
{
    char line[LINE_SIZE];
    if (n > KEYFILE_BYTES_MAX || !is_named(path, what, error, size))
        return false;
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, secret ? 0400 : 0444);
    if (fd < 0 && errno == EEXIST)
        return refuse(error, size, "%s, %s, is there already and is never overwritten: move it away first", what, path);
    if (fd < 0)
        return refuse(error, size, "%s, %s, cannot be made: %s", what, path, strerror(errno));
    hex_encode(bytes, n, line);
    line[2 * n] = '\n';
    bool good = fchmod(fd, secret ? 0400 : 0444) == 0 && write_all(fd, line, 2 * n + 1) && fsync(fd) == 0;
    int reason = errno;
    if (close(fd) != 0 && good) {
        good = false;
        reason = errno;
    }
    sodium_memzero(line, sizeof line);
    if (good)
        return true;
    unlink(path);
    return refuse(error, size, "%s, %s, cannot be written: %s", what, path, strerror(reason));
}
