/* reckoner audit check: an exported audit trail, held against its own chain and the log. */
#ifndef RECKONER_CLI_AUDIT_COMMAND_H
#define RECKONER_CLI_AUDIT_COMMAND_H

#include "cli/command.h"

extern const char cli_audit_check_help[];
int cli_audit_check(struct cli *cli, int argc, char **argv);

#endif
