/* Files that somebody names: bundles, and what is checked beside them. */
#ifndef RECKONER_CLI_BUNDLE_GIVEN_H
#define RECKONER_CLI_BUNDLE_GIVEN_H

#include "proof/bundle_checking.h"

/* Maps a whole file. false: trouble (BUNDLE_TROUBLE_SIZE bytes) says why. */
bool given_map(const char *path, struct given *out, char *trouble);
void given_unmap(struct given *g);

#endif
