/* What changed between two versions of the terms, in words and numbers. Pure. */
#ifndef RECKONER_DOMAIN_TERMS_DIFFERENCE_H
#define RECKONER_DOMAIN_TERMS_DIFFERENCE_H

#include "domain/terms.h"

/* Clause by clause: [{"section", "clause", "change": "added"|"removed"|"changed", "before", "after", "unit",
 * "before_value", "after_value", "difference"}], in the order of the printed form. Values are null where the clause is
 * not there or has no number. NULL when memory ran out. */
json_t *terms_differences(const struct terms *before, const struct terms *after);

/* Changes that a version undoes without naming them: it takes over months from a version that had changed a clause, and
 * says of that clause what was said before that change. [{"version", "section", "clause", "was", "changed_to"}].
 * versions: the approved versions of the contract, the version itself left out; known_from: when it is or would be
 * known. NULL when memory ran out. */
json_t *terms_dropped_changes(const struct terms_version *versions, size_t count, const struct terms *t,
                              instant_t known_from);

#endif
