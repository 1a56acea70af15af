/* The frame of the commands of `reckoner`: the table of commands, their arguments, configuration and database. */
#ifndef RECKONER_CLI_COMMAND_H
#define RECKONER_CLI_COMMAND_H

#include "base/clock.h"
#include "base/config.h"
#include "store/administration.h"
#include "store/pg.h"

#include <stdbool.h>
#include <stddef.h>

/* Exit statuses. */
#define CLI_DONE   0
#define CLI_FAILED 1
#define CLI_USAGE  2

struct command;

/* What a command works with; config is read and pg exists (not yet connected) only for commands that want them. */
struct cli {
    const struct command *command;
    struct config config;
    struct clock clock;
    struct pg *pg;
};

enum command_needs { NEEDS_NOTHING, NEEDS_CONFIG, NEEDS_DATABASE };

struct command {
    const char *name;      /* one or two words */
    const char *arguments; /* as usage shows them */
    const char *summary;   /* one line of the list of commands */
    const char *help;      /* paragraphs of --help; "" when the summary says all */
    enum command_needs needs;
    /* argv[0] is the last word of the name. Returns the exit status. */
    int (*run)(struct cli *cli, int argc, char **argv);
};

/* Writes "reckoner COMMAND: ..." to standard error; returns CLI_FAILED. Name the thing, the place and the remedy. */
int cli_fail(const struct cli *cli, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Says what is wrong with the arguments and shows them; returns CLI_USAGE. */
int cli_wrong(const struct cli *cli, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Explains a failure of the database; returns CLI_FAILED. */
int cli_fail_store(const struct cli *cli, enum pg_status status);

/* An option with a value, "--days 30" or "--days=30"; a table of them ends with a NULL name. */
struct cli_option {
    const char *name; /* without the dashes */
    const char **value;
};
/* Sorts argv[1..] into options and exactly wanted positional arguments. false: said what is wrong (cli_wrong). */
bool cli_arguments(const struct cli *cli, int argc, char **argv, const struct cli_option *options,
                   const char **positional, int wanted);

/* Takes an option without a value ("--json") out of the arguments, and says whether it was there. */
bool cli_take_flag(int *argc, char **argv, const char *flag);

/* Another connection in the place of cli->pg, for commands whose statements may each take up to an hour; application as
 * pg_options has it. Not yet connected. false: memory ran out. */
bool cli_take_time(struct cli *cli, const char *application);

/* Who acts, and when on the product clock. false: said why (the clock file cannot be read). */
bool cli_act(const struct cli *cli, struct admin_act *act);

int cli_main(const struct command *commands, size_t count, int argc, char **argv);

#endif
