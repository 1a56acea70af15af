/* reckoner fsck: what is stored beside the rows, held against the rows. */
#ifndef RECKONER_CLI_FSCK_H
#define RECKONER_CLI_FSCK_H

#include "cli/command.h"

int cli_fsck(struct cli *cli, int argc, char **argv);

#endif
