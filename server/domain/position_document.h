/* The position document: canonical bytes of a position, its inputs and its derivations. Format:
 * api/formats/position.md. The same inputs give the same bytes: no run, clock or billed sum is in it, and known_at is
 * the latest instant at which one of the inputs became known, not the instant of the run. */
#ifndef RECKONER_DOMAIN_POSITION_DOCUMENT_H
#define RECKONER_DOMAIN_POSITION_DOCUMENT_H

#include "domain/position.h"

/* New reference, or NULL when memory ran out. */
json_t *position_document(const struct position_input *in, const struct position *p);
/* The same as canonical bytes; malloc'd, *length set; NULL when memory ran out. */
char *position_document_bytes(const struct position_input *in, const struct position *p, size_t *length);

#endif
