#include "cli/command.h"

#include <pwd.h>
#include <sodium.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SYSTEM_CONFIG "/etc/reckoner/reckoner.conf"
/* Of commands that work on all that is stored. */
#define PATIENT_STATEMENT_MS (60 * 60 * 1000)

/* The same for every command, and before its name: reckoner --config FILE health. */
static const char general_options[] =
    "  --config FILE  configuration; else the file in RECKONER_CONFIG, else " SYSTEM_CONFIG ", else defaults\n"
    "  --help         what a command does\n"
    "  --version\n";

static void say(const struct cli *cli, const char *format, va_list values)
{
    (void)fprintf(stderr, "reckoner%s%s: ", cli->command != NULL ? " " : "",
                  cli->command != NULL ? cli->command->name : "");
    (void)vfprintf(stderr, format, values);
    (void)fputc('\n', stderr);
}

int cli_fail(const struct cli *cli, const char *format, ...)
{
    va_list values;
    va_start(values, format);
    say(cli, format, values);
    va_end(values);
    return CLI_FAILED;
}

int cli_wrong(const struct cli *cli, const char *format, ...)
{
    va_list values;
    va_start(values, format);
    say(cli, format, values);
    va_end(values);
    if (cli->command != NULL)
        (void)fprintf(stderr, "usage: reckoner %s %s\n", cli->command->name, cli->command->arguments);
    return CLI_USAGE;
}

int cli_fail_store(const struct cli *cli, enum pg_status status)
{
    const char *message = pg_message(cli->pg);
    if (status == PG_AWAY)
        return cli_fail(cli, "the database cannot be reached (database_admin = %s): %s; start it, or mend the option",
                        cli->config.database_admin, message);
    if (status == PG_DENIED)
        return cli_fail(cli, "the database refuses (%s): use role reckoner_migrate in database_admin", message);
    return cli_fail(cli, "the database reports: %s; if the schema is old, run reckoner migrate", message);
}

static const struct cli_option *option_named(const struct cli_option *options, const char *name, size_t length)
{
    for (const struct cli_option *o = options; o != NULL && o->name != NULL; o++) {
        if (strlen(o->name) == length && memcmp(o->name, name, length) == 0)
            return o;
    }
    return NULL;
}

/* One option at argv[*i]; moves *i over a value of its own. */
static bool take_option(const struct cli *cli, int argc, char **argv, int *i, const struct cli_option *options)
{
    const char *name = argv[*i] + 2;
    const char *equals = strchr(name, '=');
    size_t length = equals != NULL ? (size_t)(equals - name) : strlen(name);
    const struct cli_option *o = option_named(options, name, length);
    if (o == NULL) {
        bool general = length == 6 && memcmp(name, "config", 6) == 0;
        (void)cli_wrong(cli, "there is no option --%.*s%s", (int)(length < 100 ? length : 100), name,
                        general ? " here; it stands before the command: reckoner --config FILE COMMAND ..." : "");
        return false;
    }
    if (equals == NULL && *i + 1 >= argc) {
        (void)cli_wrong(cli, "--%s needs a value", o->name);
        return false;
    }
    *o->value = equals != NULL ? equals + 1 : argv[++*i];
    return true;
}

bool cli_arguments(const struct cli *cli, int argc, char **argv, const struct cli_option *options,
                   const char **positional, int wanted)
{
    int found = 0;
    bool only_positional = false;
    for (int i = 1; i < argc; i++) {
        if (!only_positional && strcmp(argv[i], "--") == 0) {
            only_positional = true;
        } else if (!only_positional && strncmp(argv[i], "--", 2) == 0) {
            if (!take_option(cli, argc, argv, &i, options))
                return false;
        } else if (found < wanted) {
            positional[found++] = argv[i];
        } else {
            (void)cli_wrong(cli, "one argument too many: %s", argv[i]);
            return false;
        }
    }
    if (found < wanted) {
        (void)cli_wrong(cli, "%d argument%s missing", wanted - found, wanted - found == 1 ? " is" : "s are");
        return false;
    }
    return true;
}

bool cli_take_flag(int *argc, char **argv, const char *flag)
{
    bool found = false;
    int kept = 0;
    for (int i = 0; i < *argc; i++) {
        if (strcmp(argv[i], flag) == 0)
            found = true;
        else
            argv[kept++] = argv[i];
    }
    *argc = kept;
    return found;
}

bool cli_act(const struct cli *cli, struct admin_act *act)
{
    if (!clock_now(&cli->clock, &act->at)) {
        (void)cli_fail(cli, "the clock file %s cannot be read: write an instant like 2012-05-10T09:00:00Z into it",
                       cli->config.clock_file);
        return false;
    }
    const struct passwd *user = getpwuid(getuid()); /* one thread; the entry lives in libc until the next call */
    act->command = cli->command->name;
    act->system_user = user != NULL ? user->pw_name : "unknown";
    return true;
}

static void list_commands(const struct command *commands, size_t count)
{
    (void)printf("reckoner [--config FILE] COMMAND ...\n\n");
    for (size_t i = 0; i < count; i++)
        (void)printf("  %-18s %s\n", commands[i].name, commands[i].summary);
    (void)printf("\n%s", general_options);
}

static void show_help(const struct command *c)
{
    (void)printf("reckoner %s %s\n\n%s.\n", c->name, c->arguments, c->summary);
    if (c->help[0] != '\0')
        (void)printf("\n%s", c->help);
    (void)printf("\n%s", general_options);
}

/* Number of words of the name that argv begins with the whole of; 0 when it does not. */
static int matches(const struct command *c, int argc, char **argv)
{
    const char *space = strchr(c->name, ' ');
    size_t first = space != NULL ? (size_t)(space - c->name) : strlen(c->name);
    if (argc < 1 || strlen(argv[0]) != first || memcmp(argv[0], c->name, first) != 0)
        return 0;
    if (space == NULL)
        return 1;
    return argc >= 2 && strcmp(argv[1], space + 1) == 0 ? 2 : 0;
}

static const char *config_path(const char *given)
{
    const char *path = given != NULL ? given : getenv("RECKONER_CONFIG");
    if (path != NULL && path[0] != '\0')
        return path;
    return access(SYSTEM_CONFIG, F_OK) == 0 ? SYSTEM_CONFIG : NULL;
}

static bool open_database(struct cli *cli, const char *application, int64_t statement_timeout_ms)
{
    const struct pg_options options = {
        .conninfo = cli->config.database_admin,
        .application = application,
        .connect_timeout_seconds = cli->config.connect_timeout_seconds,
        .statement_timeout_ms = statement_timeout_ms,
        .lock_timeout_ms = cli->config.lock_timeout_ms,
    };
    pg_free(cli->pg);
    cli->pg = pg_new(&options);
    return cli->pg != NULL;
}

bool cli_take_time(struct cli *cli, const char *application)
{
    return open_database(cli, application, PATIENT_STATEMENT_MS);
}

static bool prepare(struct cli *cli, const char *given_config)
{
    char error[512];
    if (cli->command->needs == NEEDS_NOTHING)
        return true;
    if (!config_load(&cli->config, config_path(given_config), error, sizeof error)) {
        (void)cli_fail(cli, "%s", error);
        return false;
    }
    bool demonstration = strcmp(cli->config.mode, "demonstration") == 0;
    cli->clock.file = demonstration && cli->config.clock_file[0] != '\0' ? cli->config.clock_file : NULL;
    if (cli->command->needs == NEEDS_CONFIG)
        return true;
    if (!open_database(cli, "reckoner", cli->config.statement_timeout_ms))
        (void)cli_fail(cli, "memory ran out");
    return cli->pg != NULL;
}

static int run(const struct command *c, const char *config, int argc, char **argv)
{
    for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++) {
        if (strcmp(argv[i], "--help") == 0) {
            show_help(c);
            return CLI_DONE;
        }
    }
    struct cli cli = {.command = c};
    int status = CLI_FAILED;
    if (prepare(&cli, config))
        status = c->run(&cli, argc, argv);
    pg_free(cli.pg);
    config_free(&cli.config);
    /* A full disk or a closed pipe behind standard output must not look like success. */
    if (fflush(stdout) != 0 && status == CLI_DONE)
        status = cli_fail(&cli, "standard output cannot be written");
    return status;
}

/* Takes the general options in front of the command. Returns the exit status when one of them is all, else -1. */
static int general(const struct command *commands, size_t count, int argc, char **argv, int *at, const char **config)
{
    const struct cli cli = {.command = NULL};
    for (; *at < argc && argv[*at][0] == '-'; ++*at) {
        if (strcmp(argv[*at], "--help") == 0) {
            list_commands(commands, count);
            return CLI_DONE;
        }
        if (strcmp(argv[*at], "--version") == 0) {
            (void)printf("reckoner %s\n", RECKONER_VERSION);
            return CLI_DONE;
        }
        if (strncmp(argv[*at], "--config=", 9) == 0)
            *config = argv[*at] + 9;
        else if (strcmp(argv[*at], "--config") == 0 && *at + 1 < argc)
            *config = argv[++*at];
        else
            return cli_wrong(&cli, "%s cannot stand before the command; see reckoner --help", argv[*at]);
    }
    return -1;
}

int cli_main(const struct command *commands, size_t count, int argc, char **argv)
{
    const struct cli cli = {.command = NULL};
    const char *config = NULL;
    int at = 1;
    if (sodium_init() < 0)
        return cli_fail(&cli, "the cryptographic library does not start");
    int status = general(commands, count, argc, argv, &at, &config);
    if (status >= 0)
        return status;
    if (at >= argc)
        return cli_wrong(&cli, "name a command; reckoner --help lists them");
    for (size_t i = 0; i < count; i++) {
        int words = matches(&commands[i], argc - at, argv + at);
        if (words > 0)
            return run(&commands[i], config, argc - at - words + 1, argv + at + words - 1);
    }
    return cli_wrong(&cli, "there is no command %s%s%s; reckoner --help lists them", argv[at], at + 1 < argc ? " " : "",
                     at + 1 < argc ? argv[at + 1] : "");
}
