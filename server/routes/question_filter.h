/* The filters that questions about findings share: ?month= or ?from=&to=, provider, commissioner, rule, severity,
 * cluster, as_known_on. */
#ifndef RECKONER_ROUTES_QUESTION_FILTER_H
#define RECKONER_ROUTES_QUESTION_FILTER_H

#include "http/request.h"
#include "store/question.h"

/* A commissioner asks for its own rows, whatever it says. Without months: all. false: a problem was replied. Texts are
 * borrowed from the request. */
bool question_filter(struct request *r, struct question *q);

#endif
