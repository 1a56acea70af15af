/* A whole file that a command was given. */
#ifndef RECKONER_CLI_INPUT_FILE_H
#define RECKONER_CLI_INPUT_FILE_H

#include "base/buf.h"
#include "cli/command.h"

#define INPUT_FILE_MAXIMUM (64 * 1024 * 1024)

/* Reads path ("-": standard input) into out, which the caller frees. false: said why. */
bool input_file_read(const struct cli *cli, const char *path, struct buf *out);

#endif
