/* reckoner fsck: what is stored, held against what it must follow from. Its parts are in cli/fsck_part.h. */
#ifndef RECKONER_CLI_FSCK_H
#define RECKONER_CLI_FSCK_H

#include "cli/command.h"

extern const char cli_fsck_help[];
struct fsck;
/* Goes through every part; 0 differences is CLI_DONE. In cli/fsck.c, for cli/fsck_recover.c. */
int fsck_check_all(struct fsck *f, const char *name);
/* reckoner fsck --recover: begins to sign again after a restore. checkpoint, numbers and key are the options' values.
 */
int fsck_recover(struct fsck *f, const char *checkpoint, const char *numbers, const char *key);
int cli_fsck(struct cli *cli, int argc, char **argv);

#endif
