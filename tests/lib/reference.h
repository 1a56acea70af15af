/* The second implementation (tests/lib/second_runs.py), asked by the C tests. */
#ifndef RECKONER_TESTS_REFERENCE_H
#define RECKONER_TESTS_REFERENCE_H

#include "base/json.h"

#include <stdio.h>

struct reference {
    FILE *cases; /* one JSON text in a line: write with reference_ask */
    FILE *answers;
    char *line;
    size_t size;
};

/* Each aborts the test on failure. Ask all, run once, then take the answers in the same order; then close. */
void reference_open(struct reference *r);
/* The case is taken over. */
void reference_ask(struct reference *r, json_t *question);
void reference_run(struct reference *r);
/* New reference. */
json_t *reference_next(struct reference *r);
void reference_close(struct reference *r);

/* The line of an answer, or of a position document, by its key; NULL: none. Borrowed. */
const json_t *reference_line(const json_t *position, const char *key);

#endif
