#include "domain/sampling_factor.h"

#define MILLION INT64_C(1000000)
/* No factor is further from the one before it, nor the first from 0. */
#define STEP_MAX (4 * MILLION)

__extension__ typedef __int128 wide_t;

/* Terms are held relative to that of i = k, which is ONE: then none is beyond 2^67, and what is lost by rounding down
 * is far below what a millionth of the mean changes. */
#define ONE ((wide_t)1 << 60)

bool sample_confidence_known(int32_t confidence)
{
    return confidence == 80 || confidence == 90 || confidence == 95;
}

/* Whether at most k are seen with the probability 1 - confidence or less. The mean is in millionths and above k. */
static bool is_enough(int32_t confidence, int64_t k, int64_t mean)
{
    wide_t below = 0;
    wide_t above = 0;
    int64_t i = k;
    for (wide_t term = ONE; term > 0; i--) {
        below += term;
        term = i == 0 ? 0 : term * (wide_t)i * MILLION / (wide_t)mean;
    }
    i = k;
    for (wide_t term = ONE * (wide_t)mean / MILLION / (wide_t)(k + 1); term > 0;) {
        above += term;
        i++;
        term = term * (wide_t)mean / ((wide_t)(i + 1) * MILLION);
    }
    return below * (wide_t)confidence <= above * (wide_t)(100 - confidence);
}

void sample_poisson_factors(int32_t confidence, int32_t errors, int64_t *out)
{
    int64_t before = 0;
    for (int32_t k = 0; k <= errors; k++) {
        int64_t low = before; /* not enough */
        int64_t high = before + STEP_MAX;
        while (high - low > 1) {
            int64_t middle = low + (high - low) / 2;
            if (is_enough(confidence, k, middle))
                high = middle;
            else
                low = middle;
        }
        out[k] = high;
        before = high;
    }
}

static int64_t divide_round(int64_t numerator, int64_t denominator)
{
    return (2 * numerator + denominator) / (2 * denominator);
}

int64_t sample_student_t(int32_t confidence, int64_t freedom)
{
    /* The normal deviate z, and (z^3 + z) / 4, (5 z^5 + 16 z^3 + 3 z) / 96, (3 z^7 + 19 z^5 + 17 z^3 - 15 z) / 384. */
    static const struct {
        int32_t confidence;
        int64_t term[4];
    } terms[] = {
        {80, {1281552, 846585, 570891, 258517}},
        {90, {1644854, 1523769, 1420203, 983002}},
        {95, {1959964, 2372271, 2822499, 2555850}},
    };
    const int64_t *t = terms[confidence == 95 ? 2 : confidence == 90 ? 1 : 0].term;
    return t[0] + divide_round(t[1], freedom) + divide_round(t[2], freedom * freedom) +
           divide_round(t[3], freedom * freedom * freedom);
}
