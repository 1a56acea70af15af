/* reckoner terms: a file of terms checked with its worked examples, or as a text to sign. No database. */
#ifndef RECKONER_CLI_TERMS_COMMAND_H
#define RECKONER_CLI_TERMS_COMMAND_H

#include "cli/command.h"

int cli_terms_check(struct cli *cli, int argc, char **argv);
/* What the linter finds, with counter-examples. */
int cli_terms_lint(struct cli *cli, int argc, char **argv);
int cli_terms_print(struct cli *cli, int argc, char **argv);

#endif
