/* reckoner sample, and sample evaluate: audit samples of a bundle's rows, offline (api/formats/sampling.md). */
#ifndef RECKONER_CLI_SAMPLE_COMMAND_H
#define RECKONER_CLI_SAMPLE_COMMAND_H

#include "cli/command.h"

extern const char cli_sample_help[];
int cli_sample(struct cli *cli, int argc, char **argv);
extern const char cli_sample_evaluate_help[];
int cli_sample_evaluate(struct cli *cli, int argc, char **argv);

#endif
