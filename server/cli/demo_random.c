#include "cli/demo_random.h"

/* Finaliser of splitmix64 (Steele, Lea, Flood 2014): a bijection that spreads every input bit. */
static uint64_t mix(uint64_t x)
{
    x ^= x >> 30;
    x *= UINT64_C(0xbf58476d1ce4e5b9);
    x ^= x >> 27;
    x *= UINT64_C(0x94d049bb133111eb);
    return x ^ (x >> 31);
}

uint64_t demo_bits(uint64_t seed, uint64_t subject, uint32_t detail, enum demo_purpose purpose)
{
    uint64_t x = mix(seed + UINT64_C(0x9e3779b97f4a7c15));
    x = mix(x ^ (subject * UINT64_C(0xd1342543de82ef95)));
    return mix(x ^ (((uint64_t)detail << 8) | (uint64_t)purpose));
}

uint32_t demo_below(uint64_t seed, uint64_t subject, uint32_t detail, enum demo_purpose purpose, uint32_t n)
{
    /* The high half times n: the bias of n in 2^32 does not matter for made-up patients. */
    return (uint32_t)(((demo_bits(seed, subject, detail, purpose) >> 32) * (uint64_t)n) >> 32);
}
