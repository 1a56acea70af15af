/* `reckoner check`: the rules of one submission on a trust's own machine, without network, database or configuration.
 */
#ifndef RECKONER_CLI_CHECK_COMMAND_H
#define RECKONER_CLI_CHECK_COMMAND_H

#include "cli/command.h"

extern const char cli_check_help[];

/* Exit status: CLI_DONE nothing would be refused or unpaid, CLI_FAILED something would, CLI_USAGE it cannot check. */
int cli_check(struct cli *cli, int argc, char **argv);

#endif
