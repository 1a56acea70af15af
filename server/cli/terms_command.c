#include "cli/terms_command.h"

#include "base/parse.h"
#include "cli/input_file.h"
#include "domain/terms_text.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Far beyond the longest text of the largest terms that are accepted. */
#define TEXT_MAXIMUM (16 * 1024 * 1024)

/* Terms as the service would store them: read, checked, and read again in canonical form. */
struct given_terms {
    struct terms *terms;
    char digest[65];
};

/* false: said why. */
static bool read_canonical(const struct cli *cli, const char *path, const char *bytes, size_t length,
                           struct given_terms *out)
{
    struct json_problem problem = {"", ""};
    unsigned char sha256[crypto_hash_sha256_BYTES];
    json_t *json = json_read(bytes, length, &problem);
    out->terms = json == NULL ? NULL : terms_parse(json, &problem);
    json_decref(json);
    if (out->terms == NULL) {
        (void)cli_fail(cli, "%s: %s: %s", path, problem.field[0] == '\0' ? "the text" : problem.field, problem.message);
        return false;
    }
    crypto_hash_sha256(sha256, (const unsigned char *)bytes, length);
    hex_encode(sha256, sizeof sha256, out->digest);
    return true;
}

static bool read_terms(const struct cli *cli, const char *path, struct given_terms *out)
{
    struct buf file;
    if (!input_file_read(cli, path, &file))
        return false;
    bool good = read_canonical(cli, path, file.data == NULL ? "" : file.data, file.length, out);
    buf_free(&file);
    if (!good)
        return false;
    size_t length = 0;
    char *canonical = terms_canonical(out->terms, &length);
    terms_free(out->terms);
    out->terms = NULL;
    if (canonical == NULL) {
        (void)cli_fail(cli, "%s has no canonical form: leave out member names with characters from U+E000 on", path);
        return false;
    }
    good = read_canonical(cli, path, canonical, length, out);
    free(canonical);
    return good;
}

int cli_terms_print(struct cli *cli, int argc, char **argv)
{
    const char *path;
    struct given_terms given;
    struct buf text;
    if (!cli_arguments(cli, argc, argv, NULL, &path, 1))
        return CLI_USAGE;
    if (!read_terms(cli, path, &given))
        return CLI_FAILED;
    const struct terms_heading heading = {.digest = given.digest};
    buf_init(&text, TEXT_MAXIMUM);
    bool good = terms_text(given.terms, &heading, &text);
    if (good)
        (void)fwrite(text.data, 1, text.length, stdout);
    buf_free(&text);
    terms_free(given.terms);
    return good ? CLI_DONE : cli_fail(cli, "memory ran out");
}
