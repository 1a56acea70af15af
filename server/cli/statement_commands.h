/* reckoner explain and reckoner verify: for the auditor, on files alone; no configuration, no database, no secret. */
#ifndef RECKONER_CLI_STATEMENT_COMMANDS_H
#define RECKONER_CLI_STATEMENT_COMMANDS_H

#include "cli/command.h"

int cli_explain(struct cli *cli, int argc, char **argv);
extern const char cli_verify_help[];
int cli_verify(struct cli *cli, int argc, char **argv);

#endif
