/* Where two values differ first, in words a person can act on. */
#ifndef RECKONER_BASE_JSON_DIFFERENCE_H
#define RECKONER_BASE_JSON_DIFFERENCE_H

#include "base/json.h"

#include <stddef.h>

/* Writes the first place in which stated and found differ into where (size bytes, always terminated): its JSON pointer
 * below `name`, with the "key" of an object that has the same in both, and both values, shortened. An object's member
 * "lines" comes first, then the others by name: a sum differs because a line does. false: they are equal. Either may
 * be NULL: missing. Values of json_read's depth at most. */
bool json_first_difference(const char *name, const json_t *stated, const json_t *found, char *where, size_t size);

#endif
