#include "base/config.h"

#include "base/parse.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

extern char **environ;

#define LINE_MAXIMUM 4096
#define NAME_MAXIMUM 64

struct option {
    const char *name;
    size_t text_at;         /* offset of a char * member, or NOT_TEXT */
    size_t number_at;       /* offset of an int64_t member otherwise */
    const char *text;       /* default of a text */
    int64_t low, high, def; /* of a number */
    const char *unit;
    const char *meaning;
};

#define NOT_TEXT SIZE_MAX
#define TEXT(member, def, meaning)                                                                                     \
    {                                                                                                                  \
#member, offsetof(struct config, member), 0, def, 0, 0, 0, "text", meaning                                     \
    }
#define FOLDER_OR_FILE(member, def, meaning)                                                                           \
    {                                                                                                                  \
#member, offsetof(struct config, member), 0, def, 0, 0, 0, "path", meaning                                     \
    }
#define NUMBER(member, low, high, def, unit, meaning)                                                                  \
    {                                                                                                                  \
#member, NOT_TEXT, offsetof(struct config, member), NULL, low, high, def, unit, meaning                        \
    }

static const struct option options[] = {
    TEXT(mode, "production", "production, or demonstration: the product clock may be driven by clock_file"),
    FOLDER_OR_FILE(clock_file, "",
                   "demonstration only: file whose instant drives the product clock; empty = real time"),
    TEXT(database_web, "dbname=reckoner user=reckoner_web", "libpq connection string of reckonerd"),
    TEXT(database_worker, "dbname=reckoner user=reckoner_worker", "libpq connection string of reckoner-worker"),
    TEXT(database_admin, "dbname=reckoner user=reckoner_migrate", "libpq connection string of reckoner"),
    FOLDER_OR_FILE(migrations_dir, "/usr/share/reckoner/migrations", "folder of the numbered migrations"),
    FOLDER_OR_FILE(reference_dir, "/usr/share/reckoner/reference", "folder of the reference files to load"),
    TEXT(listen_address, "127.0.0.1", "address of the public API; put a TLS proxy before any other than loopback"),
    TEXT(base_url, "", "how clients reach the service, used in links; empty = relative links"),
    TEXT(log_origin, "reckoner.invalid/log",
         "name of the log in its checkpoints, such as reckoner.example.nhs.uk/log; never changed once there is one"),
    FOLDER_OR_FILE(token_key_file, "/etc/reckoner/token.key", "key that tokens are hashed with: 64 hexadecimal digits"),
    FOLDER_OR_FILE(seal_public_key_file, "/etc/reckoner/seal.pub",
                   "key that uploads are sealed to: 64 hexadecimal digits"),
    FOLDER_OR_FILE(seal_secret_key_file, "/etc/reckoner/seal.key", "its secret half, for the worker alone"),
    FOLDER_OR_FILE(signing_key_file, "/etc/reckoner/signing.key", "Ed25519 secret key, for the worker alone"),
    FOLDER_OR_FILE(pseudonym_key_file, "/etc/reckoner/pseudonym.key", "key of the pseudonyms, for the worker alone"),
    FOLDER_OR_FILE(spool_dir, "/var/lib/reckoner/spool", "the worker's temporary files; they hold no identities"),
    FOLDER_OR_FILE(state_dir, "/var/lib/reckoner/state",
                   "what workers keep of the log outside the database, so that a restore is noticed"),
    NUMBER(listen_port, 1, 65535, 8080, "port", "public API"),
    NUMBER(local_port, 1, 65535, 8081, "port", "/live, /ready and /metrics, on loopback only"),
    NUMBER(http_threads, 1, 64, 2, "threads", "event loops"),
    NUMBER(database_threads, 1, 256, 3, "threads", "threads that run requests, each with a database connection"),
    NUMBER(max_connections, 1, 100000, 1000, "connections", "open at once"),
    NUMBER(max_connections_per_address, 1, 100000, 200, "connections", "open at once from one address"),
    NUMBER(idle_timeout_seconds, 1, 3600, 30, "seconds", "a silent connection is closed after"),
    NUMBER(max_json_bytes, 1024, 67108864, 4194304, "bytes", "largest JSON body"),
    NUMBER(max_upload_bytes, 1024, INT64_C(17179869184), INT64_C(1073741824), "bytes", "largest upload"),
    NUMBER(max_uploads, 1, 1024, 16, "uploads", "received at once"),
    NUMBER(upload_minutes, 1, 60, 60, "minutes", "a begun upload must be complete within; 60 is the contract's limit"),
    NUMBER(drain_seconds, 0, 3600, 30, "seconds", "requests under way may finish after SIGTERM"),
    NUMBER(slow_request_ms, 1, 600000, 1000, "milliseconds", "a request is logged as slow from"),
    NUMBER(connect_timeout_seconds, 1, 300, 5, "seconds", "to reach the database"),
    NUMBER(statement_timeout_ms, 100, 86400000, 30000, "milliseconds", "for one statement"),
    NUMBER(lock_timeout_ms, 100, 86400000, 5000, "milliseconds", "to wait for a lock"),
    NUMBER(idempotency_days, 1, 366, 30, "days", "answers are kept for retries"),
    NUMBER(rehearsals_per_day, 1, 100000, 100, "rehearsals", "that a provider may send in 24 hours"),
    NUMBER(rehearsal_days, 1, 366, 14, "days", "a rehearsal is kept, then removed with its bytes and report"),
    NUMBER(exports_per_day, 1, 100000, 200, "files", "that an organisation may ask for in 24 hours"),
    NUMBER(calculations_per_day, 1, 100000, 500, "calculations", "that an organisation may ask for in 24 hours"),
    NUMBER(calculation_days, 1, 3660, 366, "days", "the answer of a calculation is kept"),
    NUMBER(export_days, 1, 366, 7, "days", "exported files can be fetched"),
    NUMBER(worker_poll_ms, 10, 600000, 1000, "milliseconds", "between looks for work when nothing wakes the worker"),
    NUMBER(worker_lease_seconds, 1, 86400, 60, "seconds", "a job belongs to a worker without being renewed"),
    NUMBER(worker_max_attempts, 1, 100, 5, "attempts", "before a job is failed"),
};

#define OPTION_COUNT (sizeof options / sizeof options[0])

struct reading {
    struct config *config;
    bool given[OPTION_COUNT];
    char *error;
    unsigned size;
};

static char **text_of(struct config *c, const struct option *o)
{
    return (char **)(void *)((char *)c + o->text_at);
}

static int64_t *number_of(struct config *c, const struct option *o)
{
    return (int64_t *)(void *)((char *)c + o->number_at);
}

static bool set_text(struct reading *r, const struct option *o, const char *value)
{
    char *copy = strdup(value);
    if (copy == NULL) {
        (void)snprintf(r->error, r->size, "memory ran out while reading the configuration");
        return false;
    }
    free(*text_of(r->config, o));
    *text_of(r->config, o) = copy;
    return true;
}

/* place: where the value stands, for the message. */
static bool set_option(struct reading *r, const struct option *o, const char *value, const char *place)
{
    if (o->text_at != NOT_TEXT)
        return set_text(r, o, value);
    if (parse_i64_within(value, strlen(value), o->low, o->high, number_of(r->config, o)))
        return true;
    (void)snprintf(r->error, r->size, "%s: %s must be a whole number of %s from %lld to %lld", place, o->name, o->unit,
                   (long long)o->low, (long long)o->high);
    return false;
}

static size_t find_option(const char *name)
{
    size_t i = 0;
    while (i < OPTION_COUNT && strcmp(options[i].name, name) != 0)
        i++;
    return i;
}

static bool set_defaults(struct reading *r)
{
    for (size_t i = 0; i < OPTION_COUNT; i++) {
        if (options[i].text_at == NOT_TEXT)
            *number_of(r->config, &options[i]) = options[i].def;
        else if (!set_text(r, &options[i], options[i].text))
            return false;
    }
    return true;
}

static char *trim(char *text)
{
    text += strspn(text, " \t");
    size_t length = strlen(text);
    while (length > 0 && strchr(" \t\r\n", text[length - 1]) != NULL)
        length--;
    text[length] = '\0';
    return text;
}

static bool read_line(struct reading *r, char *line, const char *place)
{
    char *name = trim(line);
    if (name[0] == '\0' || name[0] == '#')
        return true;
    char *equals = strchr(name, '=');
    if (equals == NULL) {
        (void)snprintf(r->error, r->size, "%s: expected \"name = value\"", place);
        return false;
    }
    *equals = '\0';
    name = trim(name);
    size_t i = find_option(name);
    if (i == OPTION_COUNT) {
        (void)snprintf(r->error, r->size, "%s: unknown option \"%s\"; `reckoner config` lists them all", place, name);
        return false;
    }
    if (r->given[i]) {
        (void)snprintf(r->error, r->size, "%s: option \"%s\" is given twice; remove one", place, name);
        return false;
    }
    r->given[i] = true;
    return set_option(r, &options[i], trim(equals + 1), place);
}

static bool read_lines(struct reading *r, FILE *file, const char *path)
{
    char line[LINE_MAXIMUM];
    char place[512];
    for (int number = 1; fgets(line, sizeof line, file) != NULL; number++) {
        (void)snprintf(place, sizeof place, "%s line %d", path, number);
        if (strlen(line) == sizeof line - 1 && line[sizeof line - 2] != '\n') {
            (void)snprintf(r->error, r->size, "%s: the line is longer than %d bytes", place, LINE_MAXIMUM - 2);
            return false;
        }
        if (!read_line(r, line, place))
            return false;
    }
    if (ferror(file)) {
        (void)snprintf(r->error, r->size, "%s: cannot be read: %s", path, strerror(errno));
        return false;
    }
    return true;
}

static bool read_file(struct reading *r, const char *path)
{
    FILE *file = fopen(path, "re");
    if (file == NULL) {
        (void)snprintf(r->error, r->size, "%s: cannot be opened: %s", path, strerror(errno));
        return false;
    }
    bool ok = read_lines(r, file, path);
    (void)fclose(file); /* read only: nothing can be lost */
    return ok;
}

/* Variables of the same prefix that are not options: the file's name, and what tests and scripts pass on. */
static bool belongs_to_others(const char *name)
{
    static const char *const prefixes[] = {"CONFIG=", "BUILD=", "ROUNDS=", "SEED=", "TEST_", "BENCH_", "PG_"};
    for (size_t i = 0; i < sizeof prefixes / sizeof prefixes[0]; i++) {
        if (strncmp(name, prefixes[i], strlen(prefixes[i])) == 0)
            return true;
    }
    return false;
}

static bool read_variable(struct reading *r, const char *variable)
{
    static const char prefix[] = "RECKONER_";
    char name[NAME_MAXIMUM];
    char place[512];
    if (strncmp(variable, prefix, sizeof prefix - 1) != 0 || belongs_to_others(variable + sizeof prefix - 1))
        return true;
    const char *start = variable + sizeof prefix - 1;
    size_t length = strcspn(start, "=");
    (void)snprintf(place, sizeof place, "environment variable RECKONER_%.*s", (int)(length < 200 ? length : 200),
                   start);
    bool fits = length < sizeof name && start[length] == '=';
    for (size_t i = 0; fits && i < length; i++)
        name[i] = (char)(start[i] >= 'A' && start[i] <= 'Z' ? start[i] - 'A' + 'a' : start[i]);
    name[fits ? length : 0] = '\0';
    size_t i = find_option(name);
    if (i == OPTION_COUNT) {
        (void)snprintf(r->error, r->size, "%s: unknown option; `reckoner config` lists them all", place);
        return false;
    }
    return set_option(r, &options[i], start + length + 1, place);
}

static bool check_together(struct reading *r)
{
    const struct config *c = r->config;
    bool demonstration = strcmp(c->mode, "demonstration") == 0;
    if (!demonstration && strcmp(c->mode, "production") != 0) {
        (void)snprintf(r->error, r->size, "mode is \"%s\"; it must be production or demonstration", c->mode);
        return false;
    }
    if (!demonstration && c->clock_file[0] != '\0') {
        (void)snprintf(r->error, r->size,
                       "clock_file is honoured in demonstration mode alone; remove it or set "
                       "mode = demonstration");
        return false;
    }
    if (c->listen_port == c->local_port) {
        (void)snprintf(r->error, r->size, "listen_port and local_port are both %lld; they must differ",
                       (long long)c->listen_port);
        return false;
    }
    return true;
}

bool config_load(struct config *c, const char *path, char *error, unsigned size)
{
    struct reading r = {.config = c, .error = error, .size = size};
    *c = (struct config){.mode = NULL};
    if (!set_defaults(&r) || (path != NULL && !read_file(&r, path)))
        return false;
    for (char **variable = environ; *variable != NULL; variable++) {
        if (!read_variable(&r, *variable))
            return false;
    }
    return check_together(&r);
}

void config_free(struct config *c)
{
    if (c == NULL)
        return;
    for (size_t i = 0; i < OPTION_COUNT; i++) {
        if (options[i].text_at == NOT_TEXT)
            continue;
        free(*text_of(c, &options[i]));
        *text_of(c, &options[i]) = NULL;
    }
}

void config_print(const struct config *c)
{
    struct config copy = *c; /* shares the texts; only for the accessors, which want a struct they may write to */
    for (size_t i = 0; i < OPTION_COUNT; i++) {
        const struct option *o = &options[i];
        if (o->text_at == NOT_TEXT)
            printf("# %s (%s, %lld to %lld; default %lld)\n%s = %lld\n", o->meaning, o->unit, (long long)o->low,
                   (long long)o->high, (long long)o->def, o->name, (long long)*number_of(&copy, o));
        else
            printf("# %s (%s; default \"%s\")\n%s = %s\n", o->meaning, o->unit, o->text, o->name, *text_of(&copy, o));
    }
}
