#include "cli/prices_command.h"

#include "cli/input_file.h"
#include "domain/cost_neutral_json.h"
#include "domain/money.h"

#include <stdio.h>

static void print_pounds(const char *label, int64_t pence)
{
    char text[MONEY_TEXT_SIZE];
    money_format(pence, text);
    /* The pound sign is two bytes and one column. */
    printf("%-63s %23s\n", label, text);
}

static void print_answer(const json_t *answer)
{
    size_t i;
    json_t *line;
    const json_t *residual = json_object_get(answer, "residual");
    printf("%-7s  %-11s  %12s  %10s  %16s  %20s\n", "cluster", "basis", "caseload", "rri", "price", "value");
    json_array_foreach(json_object_get(answer, "lines"), i, line)
    {
        char price[MONEY_TEXT_SIZE];
        char value[MONEY_TEXT_SIZE];
        money_format(json_int(line, "price_pence", 0), price);
        money_format(json_int(line, "value_pence", 0), value);
        /* The pound sign is two bytes and one column. */
        printf("%-7s  %-11s  %12lld  %10s  %17s  %21s\n", json_text(line, "cluster"), json_text(line, "basis"),
               (long long)json_int(line, "caseload", 0), json_text(line, "rri"), price, value);
    }
    print_pounds(json_text(residual, "label"), json_int(residual, "pence", 0));
    print_pounds("Contract value", json_int(answer, "contract_value_pence", 0));
}

int cli_prices(struct cli *cli, int argc, char **argv)
{
    const char *path;
    struct buf file;
    struct json_problem problem = {"", ""};
    if (!cli_arguments(cli, argc, argv, NULL, &path, 1))
        return CLI_USAGE;
    if (!input_file_read(cli, path, &file))
        return CLI_FAILED;
    json_t *request = json_read(file.data == NULL ? "" : file.data, file.length, &problem);
    json_t *answer = request == NULL ? NULL : cost_neutral_json(request, &problem);
    buf_free(&file);
    json_decref(request);
    if (answer == NULL)
        return cli_fail(cli, "%s: %s: %s", path, problem.field[0] == '\0' ? "the text" : problem.field,
                        problem.message);
    print_answer(answer);
    json_decref(answer);
    return CLI_DONE;
}
