/* reckoner prices: cost-neutral prices from a file. No database. */
#ifndef RECKONER_CLI_PRICES_COMMAND_H
#define RECKONER_CLI_PRICES_COMMAND_H

#include "cli/command.h"

int cli_prices(struct cli *cli, int argc, char **argv);

#endif
