/* reckoner organisation, person, token, auditor and reference: who exists, who may act, and what is in use. */
#ifndef RECKONER_CLI_ADMINISTRATION_H
#define RECKONER_CLI_ADMINISTRATION_H

#include "cli/command.h"

int cli_organisation_add(struct cli *cli, int argc, char **argv);
int cli_organisation_list(struct cli *cli, int argc, char **argv);
int cli_person_add(struct cli *cli, int argc, char **argv);
int cli_person_disable(struct cli *cli, int argc, char **argv);
int cli_person_enable(struct cli *cli, int argc, char **argv);
int cli_token_create(struct cli *cli, int argc, char **argv);
int cli_token_revoke(struct cli *cli, int argc, char **argv);
int cli_auditor_appoint(struct cli *cli, int argc, char **argv);
int cli_reference_load(struct cli *cli, int argc, char **argv);

#endif
