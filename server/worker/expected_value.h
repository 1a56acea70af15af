/* The expected annual contract value (EACV) of an account whose billing is on account. */
#ifndef RECKONER_WORKER_EXPECTED_VALUE_H
#define RECKONER_WORKER_EXPECTED_VALUE_H

#include "domain/expected_value.h"
#include "worker/settlement.h"

/* The value in force in a month, as known at s->known_at: what the terms state, or by default the plan of the twelve
 * months, each as planned by the version in force for it. s is open. SETTLEMENT_PARKED: the plan cannot be computed;
 * s->reason says why. Before there are terms billing is actual. */
enum settlement_status expected_value_in(struct settlement *s, month_t month, struct expected_value *out);

#endif
