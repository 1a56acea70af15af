/* Rows for tests of what is counted. */
#ifndef RECKONER_TESTS_EPISODES_H
#define RECKONER_TESTS_EPISODES_H

#include "domain/episode.h"

/* A row that fails nothing, with these facts. */
void episode_of_activity(struct episode *out, const struct activity_row *row);

#endif
