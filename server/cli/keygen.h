/* reckoner keygen: new keys, into the files that the configuration names. */
#ifndef RECKONER_CLI_KEYGEN_H
#define RECKONER_CLI_KEYGEN_H

#include "cli/command.h"

int cli_keygen(struct cli *cli, int argc, char **argv);

#endif
