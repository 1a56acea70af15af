#include "cli/terms_command.h"

#include "base/parse.h"
#include "cli/input_file.h"
#include "domain/money.h"
#include "domain/terms_example.h"
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

static void print_figure(const json_t *figure)
{
    char expected[MONEY_TEXT_SIZE];
    char computed[MONEY_TEXT_SIZE] = "no such line";
    const json_t *pence = json_object_get(figure, "computed_pence");
    money_format(json_int(figure, "expected_pence", 0), expected);
    if (json_is_integer(pence))
        money_format(json_integer_value(pence), computed);
    (void)printf("      %s: expected %s, computed %s%s\n", json_text(figure, "figure"), expected, computed,
                 json_bool(figure, "equal", false) ? "" : "  <- differs");
}

static void print_example(const json_t *example)
{
    size_t i;
    json_t *one;
    bool passes = json_bool(example, "passes", false);
    (void)printf("  %s  %s (%s)\n", passes ? "pass" : "FAIL", json_text(example, "title"), json_text(example, "month"));
    if (json_text(example, "reason") != NULL)
        (void)printf("      no position: %s\n", json_text(example, "reason"));
    json_array_foreach(json_object_get(example, "figures"), i, one)
    {
        print_figure(one);
    }
    json_array_foreach(json_object_get(example, "lines"), i, one)
    {
        char pence[MONEY_TEXT_SIZE];
        if (passes)
            break;
        money_format(json_int(one, "pence", 0), pence);
        (void)printf("      computed line %s: %s\n", json_text(one, "key"), pence);
    }
}

static bool print_results(const json_t *results, const char *digest, bool as_json)
{
    size_t i;
    json_t *one;
    if (as_json) {
        char *text = json_dumps(results, JSON_INDENT(2));
        bool good = text != NULL && puts(text) >= 0;
        free(text);
        return good;
    }
    (void)printf("The terms are well formed; SHA-256 %s\n", digest);
    json_array_foreach(results, i, one)
    {
        print_example(one);
    }
    return true;
}

int cli_terms_check(struct cli *cli, int argc, char **argv)
{
    const char *path;
    struct given_terms given;
    char pointer[EXAMPLE_POINTER_SIZE];
    char sentence[EXAMPLE_SENTENCE_SIZE];
    int32_t failing;
    bool as_json = argc == 3 && strcmp(argv[2], "--json") == 0;
    if (!cli_arguments(cli, as_json ? 2 : argc, argv, NULL, &path, 1))
        return CLI_USAGE;
    if (!read_terms(cli, path, &given))
        return CLI_FAILED;
    json_t *results = examples_json(given.terms, &failing);
    terms_free(given.terms);
    if (results == NULL || !print_results(results, given.digest, as_json)) {
        json_decref(results);
        return cli_fail(cli, "memory ran out");
    }
    bool fail = examples_fail(results, pointer, sentence);
    json_decref(results);
    return fail ? cli_fail(cli, "%s: %s: %s", path, pointer, sentence) : CLI_DONE;
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
