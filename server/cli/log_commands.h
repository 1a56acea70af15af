/* reckoner log keep, cosign, cosigned, keygen: for whoever keeps an eye on the service's log, on files alone; without
 * network or database. */
#ifndef RECKONER_CLI_LOG_COMMANDS_H
#define RECKONER_CLI_LOG_COMMANDS_H

#include "cli/command.h"

extern const char cli_log_keep_help[];

int cli_log_keep(struct cli *cli, int argc, char **argv);
int cli_log_cosign(struct cli *cli, int argc, char **argv);
int cli_log_cosigned(struct cli *cli, int argc, char **argv);
int cli_log_keygen(struct cli *cli, int argc, char **argv);

#endif
