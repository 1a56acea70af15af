#include "base/log_state.h"

#include "base/parse.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#define FILE_MAXIMUM (1024 * 1024)
#define PATH_SIZE    4096

static bool failed(const char *folder, const char *what, char *problem, size_t size)
{
    (void)snprintf(problem, size,
                   "state_dir %s %s (%s): make it, owned by the worker, on a disk that outlives the database", folder,
                   what, strerror(errno));
    return false;
}

static bool path_of(const char *folder, const char *name, char path[PATH_SIZE])
{
    int n = snprintf(path, PATH_SIZE, "%s/%s", folder, name);
    errno = ENAMETOOLONG;
    return n > 0 && n < PATH_SIZE;
}

/* The lock of the folder, held until it is closed; -1 with errno. */
static int lock_folder(const char *folder)
{
    char path[PATH_SIZE];
    if (!path_of(folder, "log.lock", path))
        return -1;
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    while (fd >= 0 && flock(fd, LOCK_EX) != 0) {
        if (errno == EINTR)
            continue;
        (void)close(fd);
        return -1;
    }
    return fd;
}

bool log_state_usable(const char *folder, char *problem, size_t size)
{
    int lock = lock_folder(folder);
    if (lock < 0)
        return failed(folder, "cannot be written", problem, size);
    (void)close(lock);
    return true;
}

void log_state_free(struct log_state *s)
{
    json_decref(s->numbers);
    s->numbers = NULL;
}

/* ------------------------------------------------------------------------------------------------------------ reading
 */

static bool read_head(const json_t *o, struct log_head *head)
{
    const char *root = json_text(o, "root");
    head->size = json_int(o, "size", -1);
    return head->size >= 0 && root != NULL && hex_decode(root, strlen(root), head->root, LOG_STATE_HASH);
}

static bool read_begun(const json_t *o, struct log_state *out)
{
    const char *instance = json_text(o, "instance");
    const char *transaction = json_text(o, "transaction");
    if (o == NULL || json_is_null(o))
        return true;
    if (instance == NULL || transaction == NULL || strlen(instance) >= sizeof out->instance)
        return false;
    memcpy(out->instance, instance, strlen(instance) + 1);
    return parse_i64(transaction, strlen(transaction), &out->transaction) && read_head(o, &out->begun);
}

static bool read_state(const struct buf *file, struct log_state *out)
{
    struct json_problem problem;
    json_t *o = json_read(file->data, file->length, &problem);
    const json_t *numbers = json_object_get(o, "numbers");
    const char *purpose = json_text(o, "@purpose");
    bool good = purpose != NULL && strcmp(purpose, "reckoner/log-state/1") == 0 && read_head(o, &out->seen) &&
                read_begun(json_object_get(o, "begun"), out) && json_is_object(numbers);
    if (good) {
        out->recovery = json_int(o, "recovery", 0);
        out->numbers = json_deep_copy(numbers);
        good = out->numbers != NULL;
    }
    json_decref(o);
    return good;
}

static bool read_file(int fd, struct buf *out)
{
    ssize_t got = 0;
    do {
        char *room = buf_reserve(out, 4096);
        if (room == NULL)
            return false;
        got = read(fd, room, 4096);
        if (got > 0)
            out->length += (size_t)got;
    } while (got > 0 || (got < 0 && errno == EINTR));
    return got == 0;
}

static bool load_locked(const char *folder, struct log_state *out, char *problem, size_t size)
{
    char path[PATH_SIZE];
    struct buf file;
    memset(out, 0, sizeof *out);
    int fd = path_of(folder, "log.json", path) ? open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW) : -1;
    if (fd < 0 && errno == ENOENT) {
        out->numbers = json_object();
        return out->numbers != NULL || failed(folder, "cannot be read", problem, size);
    }
    if (fd < 0)
        return failed(folder, "cannot be read", problem, size);
    buf_init(&file, FILE_MAXIMUM);
    bool whole = read_file(fd, &file);
    (void)close(fd);
    out->there = whole && file.length > 0 && read_state(&file, out);
    buf_free(&file);
    if (!out->there)
        (void)snprintf(problem, size,
                       "%s is no state of a log: restore it, or move it away and run reckoner fsck --recover", path);
    return out->there;
}

bool log_state_load(const char *folder, struct log_state *out, char *problem, size_t size)
{
    memset(out, 0, sizeof *out);
    int lock = lock_folder(folder);
    if (lock < 0)
        return failed(folder, "cannot be written", problem, size);
    bool loaded = load_locked(folder, out, problem, size);
    (void)close(lock);
    return loaded;
}

/* ------------------------------------------------------------------------------------------------------------ writing
 */

static bool put_head(json_t *o, const struct log_head *head)
{
    char root[2 * LOG_STATE_HASH + 1];
    hex_encode(head->root, LOG_STATE_HASH, root);
    return o != NULL && json_put(o, "size", json_integer(head->size)) && json_put(o, "root", json_string(root));
}

static json_t *begun_object(const struct log_state *s)
{
    char transaction[24];
    json_t *o = json_object();
    if (s->begun.size == 0) {
        json_decref(o);
        return json_null();
    }
    (void)snprintf(transaction, sizeof transaction, "%lld", (long long)s->transaction);
    if (put_head(o, &s->begun) && json_put(o, "transaction", json_string(transaction)) &&
        json_put(o, "instance", json_string(s->instance)))
        return o;
    json_decref(o);
    return NULL;
}

static char *state_bytes(const struct log_state *s, size_t *length)
{
    json_t *o = json_object();
    bool good = put_head(o, &s->seen) && json_put(o, "@purpose", json_string("reckoner/log-state/1")) &&
                json_put(o, "recovery", json_integer(s->recovery)) && json_put(o, "begun", begun_object(s)) &&
                json_object_set(o, "numbers", s->numbers) == 0;
    char *bytes = good ? json_canonical(o, length) : NULL;
    json_decref(o);
    return bytes;
}

/* Beside the file first, then in its place, and the folder flushed: a state is never half written. */
static bool replace(const char *folder, const char *bytes, size_t length)
{
    char path[PATH_SIZE];
    char beside[PATH_SIZE];
    if (!path_of(folder, "log.json", path) || !path_of(folder, "log.json.new", beside))
        return false;
    int fd = open(beside, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    bool written = fd >= 0 && write(fd, bytes, length) == (ssize_t)length && fsync(fd) == 0;
    if (fd >= 0 && close(fd) != 0)
        written = false;
    if (!written || rename(beside, path) != 0)
        return false;
    int directory = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool flushed = directory >= 0 && fsync(directory) == 0;
    if (directory >= 0)
        (void)close(directory);
    return flushed;
}

static bool save_locked(const char *folder, const struct log_state *s, char *problem, size_t size)
{
    size_t length = 0;
    char *bytes = state_bytes(s, &length);
    errno = ENOMEM;
    bool saved = bytes != NULL && replace(folder, bytes, length);
    if (!saved)
        (void)failed(folder, "cannot be written", problem, size);
    free(bytes);
    return saved;
}

/* Changes what is there; change returns false when it is to stay. */
static bool alter(const char *folder, bool (*change)(struct log_state *s, const void *with), const void *with,
                  char *problem, size_t size)
{
    struct log_state s;
    int lock = lock_folder(folder);
    if (lock < 0)
        return failed(folder, "cannot be written", problem, size);
    bool good = load_locked(folder, &s, problem, size);
    if (good && change(&s, with))
        good = save_locked(folder, &s, problem, size);
    log_state_free(&s);
    (void)close(lock);
    return good;
}

struct beginning {
    const struct log_head *head;
    int64_t transaction;
    const char *instance;
    const json_t *numbers;
};

static bool begin(struct log_state *s, const void *with)
{
    const struct beginning *b = with;
    const char *provider = NULL;
    json_t *number = NULL;
    s->begun = *b->head;
    s->transaction = b->transaction;
    (void)snprintf(s->instance, sizeof s->instance, "%s", b->instance);
    json_object_foreach((json_t *)b->numbers, provider, number)
    {
        if (json_integer_value(number) > json_int(s->numbers, provider, 0))
            (void)json_object_set(s->numbers, provider, number);
    }
    return true;
}

bool log_state_begin(const char *folder, const struct log_head *head, int64_t transaction, const char *instance,
                     const json_t *numbers, char *problem, size_t size)
{
    const struct beginning b = {head, transaction, instance, numbers};
    return alter(folder, begin, &b, problem, size);
}

struct sight {
    const struct log_head *head;
    int64_t recovery;
};

static bool see(struct log_state *s, const void *with)
{
    const struct sight *n = with;
    bool newer = n->head->size > s->seen.size || n->recovery > s->recovery || !s->there;
    bool settles = s->begun.size > 0 && s->begun.size <= n->head->size;
    if (newer) {
        s->seen = *n->head;
        s->recovery = n->recovery;
    }
    if (settles)
        s->begun.size = 0;
    return newer || settles;
}

bool log_state_see(const char *folder, const struct log_head *head, int64_t recovery, char *problem, size_t size)
{
    const struct sight n = {head, recovery};
    return alter(folder, see, &n, problem, size);
}

static bool forget(struct log_state *s, const void *with)
{
    (void)with;
    s->begun.size = 0;
    return true;
}

bool log_state_forget(const char *folder, char *problem, size_t size)
{
    return alter(folder, forget, NULL, problem, size);
}

static bool restart(struct log_state *s, const void *with)
{
    const struct sight *n = with;
    s->seen = *n->head;
    s->recovery = n->recovery;
    s->begun.size = 0;
    return true;
}

bool log_state_restart(const char *folder, const struct log_head *head, int64_t recovery, char *problem, size_t size)
{
    const struct sight n = {head, recovery};
    return alter(folder, restart, &n, problem, size);
}
