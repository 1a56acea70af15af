/* What changed between two positions of the same account and month: whether money did, and which inputs. Pure. */
#ifndef RECKONER_DOMAIN_POSITION_CHANGE_H
#define RECKONER_DOMAIN_POSITION_CHANGE_H

#include "base/buf.h"
#include "base/json.h"

/* Whether a line was added, removed or has other units or pence. Inputs may differ without: then nothing changed for
 * the account (an identical re-submission changes nothing). */
bool position_lines_differ(const json_t *before, const json_t *now);

/* Appends in plain words which inputs differ: "activity of 2012-04, terms version 2, achievement of reviews". */
bool position_causes(const json_t *before, const json_t *now, struct buf *out);

#endif
