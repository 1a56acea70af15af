/* The texts of a JSON document, for the guard at the door (domain/leak.h). Numbers, true, false and null are not text,
 * and neither are digests and key ids, which are known by their form. */
#ifndef RECKONER_DOMAIN_LEAK_JSON_H
#define RECKONER_DOMAIN_LEAK_JSON_H

#include "domain/leak.h"

/* leak_has_nhs_number of a text that is no digest or key id. */
bool leak_in_text(struct text t);

/* Called with each name and each string of a document, escapes resolved; member is the name that a string stands under
 * (of the nearest object), and the name itself for a name. false ends the walk. */
typedef bool leak_string_fn(void *context, struct text member, struct text string);
/* Walks well-formed JSON as it is written out, or several documents behind one another (NDJSON). Digests are left out.
 * false: each ended the walk, or memory ran out, or the text is not JSON: in doubt it does not go out. */
bool leak_json_strings(struct text json, leak_string_fn *each, void *context);
/* Whether a string or name of the document holds an NHS number (true also when in doubt, as above). */
bool leak_in_json(struct text json);

#endif
