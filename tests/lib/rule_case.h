/* The table in which every rule is tried: each entry begins with the rule and what the case shows. A house test reads
 * it and misses rules without a case that fires, one that does not, and (where a day or number decides) both sides of
 * the boundary. Write them as {RULE_K01, FIRES, ...}. */
#ifndef RECKONER_TESTS_RULE_CASE_H
#define RECKONER_TESTS_RULE_CASE_H

enum rule_case_kind {
    FIRES,
    QUIET,
    EDGE_FIRES, /* the last or first value at which it fires ... */
    EDGE_QUIET  /* ... and the one beside it */
};

#endif
