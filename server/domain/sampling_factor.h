/* Confidence factors of audit samples, computed with whole numbers. Pure.
 *
 * The factor for k errors is the mean of the Poisson distribution of which k or fewer are seen with the probability
 * that the confidence leaves over: the smallest F, in millionths, with sum_{i=0..k} e^-F F^i / i! <= 1 - confidence.
 * Source: the tables of confidence factors in the AICPA's guide to audit sampling show it in two decimals (T. Stewart,
 * Technical Notes on the AICPA Audit Guide Audit Sampling, 2012): 95 %: 3.00, 4.75, 6.30, 7.76. */
#ifndef RECKONER_DOMAIN_SAMPLING_FACTOR_H
#define RECKONER_DOMAIN_SAMPLING_FACTOR_H

#include <stdbool.h>
#include <stdint.h>

/* A sample has at most so many picks, so there are at most so many errors. */
#define SAMPLE_SIZE_MAX 2000
/* A range about a mean is stated from so many observations on. */
#define SAMPLE_RANGE_FROM 30

/* 80, 90 and 95 per cent are known. */
bool sample_confidence_known(int32_t confidence);

/* Factors for 0 to errors errors, in millionths; out holds errors + 1. errors: 0..SAMPLE_SIZE_MAX. */
void sample_poisson_factors(int32_t confidence, int32_t errors, int64_t *out);

/* Student's t for a two-sided range, in millionths: `freedom` is the observations less one, SAMPLE_RANGE_FROM - 1 to
 * SAMPLE_SIZE_MAX. By R. A. Fisher's expansion about the normal deviate, three terms (Abramowitz and Stegun, 26.7.5),
 * which is right to 5 millionths there. */
int64_t sample_student_t(int32_t confidence, int64_t freedom);

#endif
