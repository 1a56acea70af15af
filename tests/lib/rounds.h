/* How often the random tests try, and from which seed. */
#ifndef RECKONER_TESTS_ROUNDS_H
#define RECKONER_TESTS_ROUNDS_H

#include <stdint.h>

/* RECKONER_SEED, or a fixed seed; RECKONER_ROUNDS, or the rounds given times RECKONER_TIMES; prints what it takes. */
uint64_t property_seed(void);
uint64_t property_rounds(uint64_t standard);

#endif
