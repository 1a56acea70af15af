/* reckoner key: signing keys over the years - introduce a new one, retire the old, tell that one is lost. */
#ifndef RECKONER_CLI_KEY_COMMANDS_H
#define RECKONER_CLI_KEY_COMMANDS_H

#include "cli/command.h"

int cli_key_list(struct cli *cli, int argc, char **argv);
int cli_key_introduce(struct cli *cli, int argc, char **argv);
int cli_key_retire(struct cli *cli, int argc, char **argv);
int cli_key_lost(struct cli *cli, int argc, char **argv);

#endif
