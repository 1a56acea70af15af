/* reckoner fsck: what is stored, held against what it must follow from. Its parts are in cli/fsck_part.h. */
#ifndef RECKONER_CLI_FSCK_H
#define RECKONER_CLI_FSCK_H

#include "cli/command.h"

extern const char cli_fsck_help[];
int cli_fsck(struct cli *cli, int argc, char **argv);

#endif
