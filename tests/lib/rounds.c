#include "lib/rounds.h"

#include "base/parse.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool environment_number(const char *name, uint64_t *out)
{
    const char *text = getenv(name);
    int64_t value;
    if (text == NULL || !parse_i64(text, strlen(text), &value) || value <= 0) {
        return false;
    }
    *out = (uint64_t)value;
    return true;
}

uint64_t property_seed(void)
{
    uint64_t seed = 20120401;
    (void)environment_number("RECKONER_SEED", &seed);
    printf("seed %llu\n", (unsigned long long)seed);
    return seed;
}

uint64_t property_rounds(uint64_t standard)
{
    uint64_t times = 1;
    (void)environment_number("RECKONER_TIMES", &times);
    uint64_t rounds = standard * times;
    (void)environment_number("RECKONER_ROUNDS", &rounds);
    printf("rounds %llu\n", (unsigned long long)rounds);
    return rounds;
}
