#include "base/buf.h"
#include "base/parse.h"
#include "store/migrate_internal.h"

#include <dirent.h>
#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FILE_MAXIMUM 1048576

/* NNNN_name.sql; roles.sql and other files of the folder are not migrations. */
static int migration_version(const char *file)
{
    int64_t version;
    size_t length = strlen(file);
    if (length < 10 || length >= MIGRATION_NAME_SIZE || strcmp(file + length - 4, ".sql") != 0 || file[4] != '_' ||
        !parse_i64_within(file, 4, 1, MIGRATION_LIMIT, &version))
        return 0;
    return (int)version;
}

static int is_migration(const struct dirent *entry)
{
    return migration_version(entry->d_name) > 0 ? 1 : 0;
}

static bool read_sql(struct buf *text, const char *path)
{
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return false;
    bool ok = true;
    size_t n = 1;
    while (ok && n > 0) {
        char *to = buf_reserve(text, 4096);
        ok = to != NULL;
        n = ok ? fread(to, 1, 4096, file) : 0;
        text->length += n;
    }
    ok = ok && !ferror(file);
    (void)fclose(file); /* read only: nothing can be lost */
    if (ok)
        text->data[text->length] = '\0';
    return ok;
}

static bool load(struct migration *m, const char *folder, const char *file)
{
    char path[4096];
    unsigned char digest[crypto_hash_sha256_BYTES];
    struct buf text;
    int n = snprintf(path, sizeof path, "%s/%s", folder, file);
    if (n < 0 || (size_t)n >= sizeof path)
        return false;
    buf_init(&text, FILE_MAXIMUM);
    if (!read_sql(&text, path)) {
        buf_free(&text);
        return false;
    }
    (void)crypto_hash_sha256(digest, (const unsigned char *)text.data, text.length);
    hex_encode(digest, sizeof digest, m->sha256);
    m->version = migration_version(file);
    (void)snprintf(m->name, sizeof m->name, "%.*s", (int)strlen(file) - 4, file);
    m->sql = text.data;
    return true;
}

static bool load_all(struct migration_folder *f, const char *folder, struct dirent **entries, int count, char *problem,
                     size_t size)
{
    f->all = calloc(count > 0 ? (size_t)count : 1, sizeof *f->all);
    if (f->all == NULL) {
        (void)snprintf(problem, size, "memory ran out while reading %s", folder);
        return false;
    }
    for (int i = 0; i < count; i++) {
        const char *file = entries[i]->d_name;
        if (migration_version(file) != i + 1) {
            (void)snprintf(problem, size, "%s: found %s where number %04d is due; restore the files of the release",
                           folder, file, i + 1);
            return false;
        }
        if (!load(&f->all[i], folder, file)) {
            (void)snprintf(problem, size, "%s/%s cannot be read, or is larger than %d bytes", folder, file,
                           FILE_MAXIMUM);
            return false;
        }
        f->count++;
    }
    return true;
}

bool migration_folder_read(struct migration_folder *f, const char *folder, char *problem, size_t size)
{
    struct dirent **entries = NULL;
    *f = (struct migration_folder){.all = NULL};
    int count = scandir(folder, &entries, is_migration, alphasort);
    if (count < 0) {
        (void)snprintf(problem, size, "%s cannot be read: %s", folder, strerror(errno));
        return false;
    }
    bool ok = load_all(f, folder, entries, count, problem, size);
    for (int i = 0; i < count; i++)
        free(entries[i]);
    free(entries);
    if (ok && count == 0) {
        (void)snprintf(problem, size, "%s holds no migrations; name their folder in migrations_dir", folder);
        return false;
    }
    return ok;
}

void migration_folder_free(struct migration_folder *f)
{
    for (int i = 0; i < f->count; i++)
        free(f->all[i].sql);
    free(f->all);
    *f = (struct migration_folder){.all = NULL};
}
