/* The population of an audit sample: the rows of a bundle that was checked, with the pence that each adds. Pure. */
#ifndef RECKONER_PROOF_SAMPLE_POPULATION_H
#define RECKONER_PROOF_SAMPLE_POPULATION_H

#include "domain/sampling_result.h"
#include "proof/bundle_checking.h"

struct sample_population_of;

/* Checks the bundle, whose bytes are borrowed, and values its rows; only from one that holds is anything drawn. NULL:
 * trouble (BUNDLE_TROUBLE_SIZE bytes) says why. */
struct sample_population_of *population_open(const struct given *bundle, char *trouble);
void population_close(struct sample_population_of *p);

const struct sample_frame *population_frame(const struct sample_population_of *p);
/* SHA-256 of the statement, hexadecimal. */
const char *population_statement(const struct sample_population_of *p);
void population_seed(const struct sample_population_of *p, const char *nonce, uint8_t seed[SAMPLE_SEED]);

/* What the paper shows of the rows picked; details has room for each. false: memory ran out. */
bool population_details(const struct sample_population_of *p, const struct sample *s, struct sample_detail *details);
/* What the picks are worth as judged. false: memory ran out, or an amount is beyond 64 bits. */
bool population_judge(const struct sample_population_of *p, const struct sample *s,
                      const struct sample_judgement *judgements, struct sample_found *found);

#endif
