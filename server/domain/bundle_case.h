/* The positions of an account, computed from a bundle: rows, terms, inputs. The same engine that settles, fed from
 * other data. Pure. */
#ifndef RECKONER_DOMAIN_BUNDLE_CASE_H
#define RECKONER_DOMAIN_BUNDLE_CASE_H

#include "domain/bundle_inputs.h"
#include "domain/row_line.h"

struct bundle_case;

/* For the months April .. last. terms: the versions of in->terms, parsed. Both are borrowed and must outlive it. NULL:
 * out of memory. */
struct bundle_case *bundle_case_new(struct bundle_inputs *in, const struct terms_version *terms, size_t terms_count,
                                    month_t last);
void bundle_case_free(struct bundle_case *c);

/* Adds a row of the account's commissioner, or one moved in, of a month up to last. false: out of memory. */
bool bundle_case_add(struct bundle_case *c, month_t month, const struct row_line *line, bool moved);

/* A row of the account as it counts: its patient, its place among those of one day, no claim of an assessment that was
 * won elsewhere. false: it earns nothing, whatever is decided of it. */
bool bundle_case_row(const struct bundle_case *c, month_t month, const struct row_line *line, bool moved,
                     struct episode *out);
/* What decisions and moves change of rows, without challenges; after the rows. out has room for as many changes as
 * there are decisions and moves; returns their number. */
size_t bundle_case_changes(const struct bundle_case *c, struct row_change *out);

/* After the rows: whether each row that the inputs name was added, and as what they say. false: where (size bytes) says
 * what is not. Calls bundle_case_position may follow either. */
bool bundle_case_whole(const struct bundle_case *c, char *where, size_t size);

enum bundle_case_status {
    BUNDLE_CASE_DONE,
    BUNDLE_CASE_CANNOT, /* reason (POSITION_REASON_SIZE bytes) says why: parked, an amount beyond 64 bits */
    BUNDLE_CASE_NO_MEMORY
};
/* The position document of a month up to last; *bytes malloc'd. */
enum bundle_case_status bundle_case_position(struct bundle_case *c, month_t month, char **bytes, size_t *length,
                                             char *reason);

#endif
