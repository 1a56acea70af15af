/* The expected annual contract value (EACV) of an account whose billing is on account. Pure. */
#ifndef RECKONER_DOMAIN_EXPECTED_VALUE_H
#define RECKONER_DOMAIN_EXPECTED_VALUE_H

#include "domain/position.h"

struct expected_value {
    bool on_account; /* false: billing is actual, or the contract is in shadow; the value is then 0 */
    int64_t pence;   /* 0 or more */
    int32_t terms;   /* version that says so */
};

struct expected_value_input {
    const char *provider;
    const char *contract;
    const char *commissioner;
    int32_t financial_year;
    bool shadow;
    const struct terms_version *versions;
    size_t version_count;
    instant_t known_at;
};

/* The value in force in a month: what the terms state, or by default the plan of the twelve months, each as planned by
 * the version in force for it. POSITION_PARKED: the plan cannot be computed; reason (POSITION_REASON_SIZE bytes) says
 * why. Before there are terms billing is actual. */
enum position_status expected_value_compute(const struct expected_value_input *in, month_t month,
                                            struct expected_value *out, char *reason);

#endif
