/* The linter of the terms: contradictions and traps, each with the smallest counter-example in numbers. Pure. Rules and
 * their meaning: api/formats/terms.md. Source: spec 3, "Linter". */
#ifndef RECKONER_DOMAIN_TERMS_LINT_H
#define RECKONER_DOMAIN_TERMS_LINT_H

#include "domain/terms.h"

/* {"defects": n, "notes": n, "items": [{"kind": "defect" | "note", "rule", "pointer", "sentence", "counter_example"}]}:
 * defects first. Terms with a defect are not approved; a note refuses nothing. The value need not be well formed terms:
 * what the parser refuses is a defect too, and reading goes on behind it where that is possible. New reference; NULL
 * when memory ran out. */
json_t *terms_lint(const json_t *json);

/* The same for a text; one that is no JSON is one defect. */
json_t *terms_lint_text(const char *text, size_t length);

/* The first defect, borrowed; NULL when there is none. */
const json_t *terms_lint_first_defect(const json_t *result);

#endif
