/* Findings in temporary files: their texts as long as they are. */
#ifndef RECKONER_CHECK_FINDING_JOURNAL_H
#define RECKONER_CHECK_FINDING_JOURNAL_H

#include "check/spool.h"
#include "domain/finding_text.h"

/* Most bytes of a finding in its packed form. */
#define FINDING_PACKED_MAXIMUM (sizeof(struct finding) + 16)

/* Packs a finding; returns its length. */
size_t finding_pack(const struct finding *f, uint8_t out[FINDING_PACKED_MAXIMUM]);
/* Length of a whole packed finding, its row and its rule. */
size_t finding_peek(const void *bytes, uint32_t *row_no, enum rule_id *rule);
void finding_unpack(const void *bytes, struct finding *out);

bool finding_journal_put(struct journal *j, const struct finding *f);
/* false at the end, or when the journal cannot be read. */
bool finding_journal_next(struct journal *j, struct finding *out);

#endif
