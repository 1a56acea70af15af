/* Shared by the routes of the terms. */
#ifndef RECKONER_ROUTES_TERMS_H
#define RECKONER_ROUTES_TERMS_H

#include "routes/common.h"

/* A version without its content, as lists show it. */
extern const struct column terms_columns[];

/* GET .../terms?as_known_on=: the versions known by the end of a day, and which of them holds for each month. */
void terms_list_as_known(struct request *r);

/* {"defects", "notes", "href"} of what the linter found in a version; new reference, NULL when memory ran out. */
json_t *terms_lint_counts(const struct request *r, int64_t version, const json_t *result);
/* PG_OK when the content of a version has no defect; else a problem is replied. */
enum pg_status terms_refuse_defective(struct request *r, int64_t version, const char *body);

#endif
