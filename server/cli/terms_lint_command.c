#include "cli/input_file.h"
#include "cli/terms_command.h"
#include "domain/terms_lint.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool print_item(const json_t *item)
{
    char *shown = json_dumps(json_object_get(item, "counter_example"), 0);
    if (shown == NULL)
        return false;
    const char *pointer = json_text(item, "pointer");
    (void)printf("%-6s  %s, %s: %s\n", json_text(item, "kind"), json_text(item, "rule"),
                 pointer[0] == '\0' ? "the whole" : pointer, json_text(item, "sentence"));
    if (strcmp(shown, "{}") != 0)
        (void)printf("        for example %s\n", shown);
    free(shown);
    return true;
}

static bool print_lint(const json_t *result, bool as_json)
{
    size_t i;
    json_t *item;
    if (as_json) {
        size_t length = 0;
        char *text = json_canonical(result, &length);
        bool good = text != NULL && puts(text) >= 0;
        free(text);
        return good;
    }
    json_array_foreach(json_object_get(result, "items"), i, item)
    {
        if (!print_item(item))
            return false;
    }
    long long defects = json_int(result, "defects", 0);
    long long notes = json_int(result, "notes", 0);
    (void)printf("%lld defect%s, %lld note%s\n", defects, defects == 1 ? "" : "s", notes, notes == 1 ? "" : "s");
    return true;
}

int cli_terms_lint(struct cli *cli, int argc, char **argv)
{
    const char *path;
    struct buf file;
    bool as_json = argc == 3 && strcmp(argv[2], "--json") == 0;
    if (!cli_arguments(cli, as_json ? 2 : argc, argv, NULL, &path, 1))
        return CLI_USAGE;
    if (!input_file_read(cli, path, &file))
        return CLI_FAILED;
    json_t *result = terms_lint_text(file.data == NULL ? "" : file.data, file.length);
    buf_free(&file);
    if (result == NULL || !print_lint(result, as_json)) {
        json_decref(result);
        return cli_fail(cli, "memory ran out");
    }
    const json_t *first = terms_lint_first_defect(result);
    int status = first == NULL
                     ? CLI_DONE
                     : cli_fail(cli, "%s: %s at %s", path, json_text(first, "rule"),
                                json_text(first, "pointer")[0] == '\0' ? "the whole" : json_text(first, "pointer"));
    json_decref(result);
    return status;
}
