/* reckoner terms print: a file of terms as a text to sign. No database. */
#ifndef RECKONER_CLI_TERMS_COMMAND_H
#define RECKONER_CLI_TERMS_COMMAND_H

#include "cli/command.h"

int cli_terms_print(struct cli *cli, int argc, char **argv);

#endif
