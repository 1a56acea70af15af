/* The approved versions of a contract's terms, read and parsed: what settlement and windows go by. */
#ifndef RECKONER_STORE_AGREED_TERMS_H
#define RECKONER_STORE_AGREED_TERMS_H

#include "domain/terms.h"
#include "store/pg.h"

struct agreed_terms {
    struct terms_version *version; /* by version number; what it points to is owned too */
    size_t count;
};

/* All versions approved by known_at; none is PG_OK with count 0. PG_FAILED when a stored version cannot be read, which
 * approval should have refused. Free with agreed_terms_free in every case of PG_OK. */
enum pg_status agreed_terms_load(struct pg *pg, const char *provider, const char *contract, instant_t known_at,
                                 struct agreed_terms *out);
void agreed_terms_free(struct agreed_terms *t);

/* Terms from a stored body. NULL: it cannot be read, which drafting should have refused, or memory ran out. */
struct terms *stored_terms_parse(const char *body);

/* In force for the month as known at the instant; NULL: none. Lives as long as t. */
const struct terms_version *agreed_terms_in_force(const struct agreed_terms *t, month_t month, instant_t known_at);

#endif
