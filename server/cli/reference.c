#include "domain/reference.h"
#include "base/buf.h"
#include "base/parse.h"
#include "cli/administration.h"
#include "store/reference_set.h"

#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

struct kind {
    const char *name;
    bool (*read)(struct reference *, const char *, size_t, char *, size_t);
};

static const struct kind kinds[] = {{"clusters", reference_load_clusters},
                                    {"bank_holidays", reference_load_bank_holidays},
                                    {"practices", reference_load_practices},
                                    {"allocation_grid", reference_load_allocation_grid},
                                    {"reference_prices", reference_load_prices}};

static const struct kind *kind_of(const char *text)
{
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        if (strcmp(text, kinds[i].name) == 0)
            return &kinds[i];
    }
    return NULL;
}

/* A file that the worker could not read would stop every validation after it. */
static int check_content(const struct cli *cli, const struct kind *kind, const char *path, const struct buf *content)
{
    struct reference reference;
    char error[200] = "";
    reference_init(&reference);
    bool fits = kind->read(&reference, content->data, content->length, error, sizeof error);
    reference_free(&reference);
    return fits ? CLI_DONE
                : cli_fail(cli, "%s is no file of the kind %s: %s. Nothing was loaded", path, kind->name, error);
}

/* The whole file, or CLI_FAILED with the reason said. */
static int read_file(const struct cli *cli, const char *path, struct buf *content)
{
    FILE *file = fopen(path, "rbe");
    if (file == NULL)
        return cli_fail(cli, "%s cannot be opened: %s", path, strerror(errno));
    char piece[16384];
    size_t got = 0;
    bool fits = true;
    while (fits && (got = fread(piece, 1, sizeof piece, file)) > 0)
        fits = buf_append(content, piece, got);
    bool failed = ferror(file) != 0;
    int reason = errno;
    (void)fclose(file); /* read only: nothing can be lost */
    if (failed)
        return cli_fail(cli, "%s cannot be read: %s", path, strerror(reason));
    if (!fits)
        return cli_fail(cli, "%s is over %d bytes, the most a reference file may have", path, REFERENCE_FILE_MAXIMUM);
    if (content->length == 0)
        return cli_fail(cli, "%s is empty: give the file with its heading", path);
    return CLI_DONE;
}

int cli_reference_load(struct cli *cli, int argc, char **argv)
{
    const char *p[2] = {NULL};
    struct admin_act act;
    if (!cli_arguments(cli, argc, argv, NULL, p, 2))
        return CLI_USAGE;
    const struct kind *kind = kind_of(p[0]);
    if (kind == NULL)
        return cli_wrong(cli,
                         "%s is no kind of reference file: use clusters, bank_holidays, practices, "
                         "allocation_grid or reference_prices",
                         p[0]);
    if (!cli_act(cli, &act))
        return CLI_FAILED;
    struct buf content;
    buf_init(&content, REFERENCE_FILE_MAXIMUM);
    int result = read_file(cli, p[1], &content);
    if (result == CLI_DONE)
        result = check_content(cli, kind, p[1], &content);
    if (result == CLI_DONE) {
        unsigned char digest[crypto_hash_sha256_BYTES];
        char digest_text[2 * crypto_hash_sha256_BYTES + 1];
        (void)crypto_hash_sha256(digest, (const unsigned char *)content.data, content.length);
        hex_encode(digest, sizeof digest, digest_text);
        enum pg_status status = admin_load_reference(cli->pg, &act, p[0], content.data, content.length, digest);
        if (status == PG_OK)
            (void)printf("%s %s\n", p[0], digest_text);
        else
            result = cli_fail_store(cli, status);
    }
    buf_free(&content);
    return result;
}
