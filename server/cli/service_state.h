/* reckoner migrate, config and health: the state of an installation. */
#ifndef RECKONER_CLI_SERVICE_STATE_H
#define RECKONER_CLI_SERVICE_STATE_H

#include "cli/command.h"

int cli_migrate(struct cli *cli, int argc, char **argv);
int cli_config(struct cli *cli, int argc, char **argv);
int cli_health(struct cli *cli, int argc, char **argv);

#endif
