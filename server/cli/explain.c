/* reckoner explain FILE [LINE]: how each amount of a position or statement was made, in plain words. The derivation is
 * the record that the engine wrote when it made the line; nothing is computed anew here. */
#include "base/json.h"
#include "base/parse.h"
#include "cli/input_file.h"
#include "cli/statement_commands.h"

#include <stdio.h>
#include <string.h>

static void print_pounds(int64_t pence)
{
    unsigned long long p = pence < 0 ? 0ULL - (unsigned long long)pence : (unsigned long long)pence;
    char digits[32];
    int n = snprintf(digits, sizeof digits, "%llu", p / 100);
    (void)printf("%s£", pence < 0 ? "-" : "");
    for (int i = 0; i < n; i++)
        (void)printf("%s%c", i > 0 && (n - i) % 3 == 0 ? "," : "", digits[i]);
    (void)printf(".%02llu", p % 100);
}

static bool ends_with(const char *text, const char *ending)
{
    size_t n = strlen(text);
    size_t m = strlen(ending);
    return n >= m && strcmp(text + n - m, ending) == 0;
}

static const char *text_of(const json_t *object, const char *name)
{
    const char *text = json_text(object, name);
    return text == NULL ? "?" : text;
}

/* A name as people read it: "planned_month_pence" -> "planned month". */
static void print_name(const char *name)
{
    size_t n = strlen(name) - (ends_with(name, "_pence") ? strlen("_pence") : 0);
    for (size_t i = 0; i < n; i++)
        (void)putchar(name[i] == '_' ? ' ' : name[i]);
}

#define INDENT_MAXIMUM 12

static void print_value(const char *name, const json_t *value, int indent);

static void print_members(const json_t *object, int indent)
{
    const char *name;
    json_t *value;
    json_object_foreach((json_t *)object, name, value)
    {
        (void)printf("\n%*s", indent, "");
        print_name(name);
        (void)printf(": ");
        print_value(name, value, indent);
    }
}

static void print_elements(const char *name, const json_t *array, int indent)
{
    size_t i;
    json_t *value;
    json_array_foreach(array, i, value)
    {
        if (json_is_object(value)) {
            (void)printf("\n%*s%zu.", indent, "", i + 1);
            print_value(name, value, indent + 2);
        } else {
            (void)printf("%s", i == 0 ? "" : ", ");
            print_value(name, value, indent);
        }
    }
}

static void print_value(const char *name, const json_t *value, int indent)
{
    if (json_is_integer(value) && ends_with(name, "_pence"))
        print_pounds(json_integer_value(value));
    else if (json_is_integer(value))
        (void)printf("%lld", (long long)json_integer_value(value));
    else if (json_is_string(value))
        (void)printf("%s", json_string_value(value));
    else if (json_is_boolean(value))
        (void)printf("%s", json_is_true(value) ? "yes" : "no");
    else if (json_is_object(value) && indent <= INDENT_MAXIMUM)
        print_members(value, indent + 2);
    else if (json_is_array(value) && indent <= INDENT_MAXIMUM)
        print_elements(name, value, indent + 2);
    else
        (void)printf("-");
}

/* What the line rests on: a clause of the terms, or what the parties did. */
static void print_source(const json_t *derivation)
{
    if (json_object_get(derivation, "clause") != NULL)
        (void)printf("   clause    %s of the terms, version %lld\n", text_of(derivation, "clause"),
                     (long long)json_int(derivation, "terms", 0));
    else if (json_object_get(derivation, "agreement") != NULL)
        (void)printf("   agreed    agreement %lld\n", (long long)json_int(derivation, "agreement", 0));
    else
        (void)printf("   raised    challenge %lld\n", (long long)json_int(derivation, "challenge", 0));
}

static void print_line(const json_t *line, size_t no)
{
    const json_t *derivation = json_object_get(line, "derivation");
    (void)printf("%zu. %s: ", no, text_of(line, "label"));
    print_pounds(json_int(line, "pence", 0));
    (void)printf("%s\n", json_bool(line, "billable", true) ? "" : "  (shadow: shown, not billed)");
    (void)printf("   line      %s, stage %s\n", text_of(line, "key"), text_of(line, "stage"));
    print_source(derivation);
    (void)printf("   made by   %s\n", text_of(derivation, "operation"));
    (void)printf("   rounding  %s\n", text_of(derivation, "rounding"));
    if (json_object_size(json_object_get(derivation, "inputs")) > 0) {
        (void)printf("   from");
        print_members(json_object_get(derivation, "inputs"), 5);
        (void)printf("\n");
    }
    (void)printf("\n");
}

static void print_month(const json_t *entry)
{
    if (json_object_get(entry, "agreed") != NULL)
        (void)printf("  no activity of %s: agreed as %s (agreement %lld), under version %lld of the terms\n",
                     text_of(entry, "month"), text_of(entry, "agreed"), (long long)json_int(entry, "agreement", 0),
                     (long long)json_int(entry, "terms", 0));
    else
        (void)printf("  activity of %s: file with SHA-256 %s, under version %lld of the terms\n",
                     text_of(entry, "month"), text_of(entry, "sha256"), (long long)json_int(entry, "terms", 0));
}

static void print_terms(const json_t *entry)
{
    (void)printf("  terms version %lld: SHA-256 %s\n", (long long)json_int(entry, "version", 0),
                 text_of(entry, "sha256"));
}

static void print_achievement(const json_t *entry)
{
    if (json_bool(entry, "disputed", false))
        (void)printf("  achievement of %s: disputed\n", text_of(entry, "indicator"));
    else
        (void)printf("  achievement of %s: %lld of %lld\n", text_of(entry, "indicator"),
                     (long long)json_int(entry, "numerator", 0), (long long)json_int(entry, "denominator", 0));
}

static void print_adjustment(const json_t *entry)
{
    (void)printf("  agreement %lld: %s, ", (long long)json_int(entry, "agreement", 0), text_of(entry, "label"));
    print_pounds(json_int(entry, "pence", 0));
    (void)printf(" in %s\n", text_of(entry, "month"));
}

static void print_withhold(const json_t *entry)
{
    (void)printf("  withhold %s of %s: %s\n", text_of(entry, "id"), text_of(entry, "month"), text_of(entry, "state"));
}

static void print_decision(const json_t *entry)
{
    (void)printf("  decision on a row of %s (%s): SHA-256 %s\n", text_of(entry, "month"), text_of(entry, "kind"),
                 text_of(entry, "row_sha256"));
}

static void print_challenge(const json_t *entry)
{
    (void)printf("  challenge %lld: open, claims ", (long long)json_int(entry, "number", 0));
    print_pounds(json_int(entry, "claimed_pence", 0));
    (void)printf("\n");
}

static void print_inputs(const json_t *position)
{
    static const struct {
        const char *list;
        void (*print)(const json_t *entry);
    } lists[] = {{"months", print_month},           {"terms", print_terms},        {"achievements", print_achievement},
                 {"adjustments", print_adjustment}, {"withholds", print_withhold}, {"decisions", print_decision},
                 {"challenges", print_challenge}};
    const json_t *inputs = json_object_get(position, "inputs");
    for (size_t l = 0; l < sizeof lists / sizeof *lists; l++) {
        size_t i;
        json_t *entry;
        json_array_foreach(json_object_get(inputs, lists[l].list), i, entry)
        {
            lists[l].print(entry);
        }
    }
}

static void print_position(const json_t *position)
{
    size_t i;
    json_t *entry;
    (void)printf("Position of %s with %s for the year from April %lld to the end of %s%s\n",
                 text_of(position, "provider"), text_of(position, "commissioner"),
                 (long long)json_int(position, "financial_year", 0), text_of(position, "month"),
                 strcmp(text_of(position, "mode"), "shadow") == 0 ? " (SHADOW)" : "");
    (void)printf("Known at %s; computed by %s from\n", text_of(position, "known_at"), text_of(position, "engine"));
    print_inputs(position);
    json_array_foreach(json_object_get(position, "notes"), i, entry)
    {
        (void)printf("Note: %s\n", json_is_string(entry) ? json_string_value(entry) : "?");
    }
    (void)printf("\n");
    json_array_foreach(json_object_get(position, "lines"), i, entry)
    {
        print_line(entry, i + 1);
    }
    (void)printf("Stage by stage\n");
    json_array_foreach(json_object_get(position, "stages"), i, entry)
    {
        (void)printf("  %-12s ", text_of(entry, "stage"));
        print_pounds(json_int(entry, "pence", 0));
        (void)printf(", so far ");
        print_pounds(json_int(entry, "sum_pence", 0));
        (void)printf("\n");
    }
    (void)printf("Position: ");
    print_pounds(json_int(position, "total_pence", 0));
    (void)printf(", of which billable: ");
    print_pounds(json_int(position, "billable_pence", 0));
    (void)printf("\n");
}

static void print_statement(const json_t *statement)
{
    const json_t *run = json_object_get(statement, "run");
    const json_t *draft = json_object_get(statement, "draft");
    const json_t *billing = json_object_get(statement, "billing");
    (void)printf("Statement %lld: run %s %lld of %s (%s), sealed at %s by key %s\n",
                 (long long)json_int(statement, "sequence", 0), text_of(run, "type"), (long long)json_int(run, "n", 0),
                 text_of(run, "month"), text_of(run, "cause"), text_of(statement, "sealed_at"),
                 text_of(statement, "key_id"));
    if (!json_is_object(billing)) {
        (void)printf("Provisional: this run bills nothing.\n\n");
        return;
    }
    (void)printf("Billable to the end of %s: ", text_of(billing, "month"));
    print_pounds(json_int(billing, "billable_pence", 0));
    (void)printf("; billed before: ");
    print_pounds(json_int(statement, "billed_before_pence", 0));
    (void)printf("; balance: ");
    print_pounds(json_int(statement, "balance_pence", 0));
    if (json_is_object(draft))
        (void)printf("; draft %s (%s)", text_of(draft, "id"), text_of(draft, "kind"));
    (void)printf("\n\n");
}

/* One line, by its number or its key. */
static int explain_line(const struct cli *cli, const json_t *position, const char *wanted)
{
    size_t i;
    json_t *line;
    int64_t no = 0;
    bool by_number = parse_i64_within(wanted, strlen(wanted), 1, INT32_MAX, &no);
    json_array_foreach(json_object_get(position, "lines"), i, line)
    {
        if (by_number ? (int64_t)i + 1 == no : strcmp(text_of(line, "key"), wanted) == 0) {
            print_line(line, i + 1);
            return CLI_DONE;
        }
    }
    return cli_fail(cli, "there is no line %s: lines are 1 to %zu, or named by their key", wanted,
                    json_array_size(json_object_get(position, "lines")));
}

static int explain(const struct cli *cli, const char *path, const json_t *document, const char *wanted)
{
    const char *purpose = json_is_object(document) ? text_of(document, "@purpose") : "";
    bool statement = strcmp(purpose, "reckoner/statement/1") == 0;
    if (!statement && strcmp(purpose, "reckoner/position/1") != 0)
        return cli_fail(cli, "%s is neither a statement nor a position document that this version reads", path);
    const json_t *position = statement ? json_object_get(document, "position") : document;
    if (wanted != NULL)
        return explain_line(cli, position, wanted);
    if (statement)
        print_statement(document);
    print_position(position);
    const json_t *billed = json_object_get(json_object_get(document, "billing"), "position");
    if (json_is_object(billed)) {
        (void)printf("\nWhat is billed is the position of a later month\n\n");
        print_position(billed);
    }
    return CLI_DONE;
}

int cli_explain(struct cli *cli, int argc, char **argv)
{
    struct buf file;
    struct json_problem problem;
    if (argc < 2 || argc > 3 || argv[1][0] == '\0')
        return cli_wrong(cli, "the file of a statement or position is needed, and at most one line");
    if (!input_file_read(cli, argv[1], &file))
        return CLI_FAILED;
    json_t *document = json_read(file.data, file.length, &problem);
    buf_free(&file);
    if (document == NULL)
        return cli_fail(cli, "%s: %s %s", argv[1], problem.field, problem.message);
    int status = explain(cli, argv[1], document, argc == 3 ? argv[2] : NULL);
    json_decref(document);
    return status;
}
