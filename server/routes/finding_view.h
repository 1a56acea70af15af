/* A finding as a reader of the API sees it. */
#ifndef RECKONER_ROUTES_FINDING_VIEW_H
#define RECKONER_ROUTES_FINDING_VIEW_H

#include "base/buf.h"
#include "http/request.h"

/* Where a result has what a finding's line says. */
struct finding_view {
    const PGresult *result;
    bool commissioner; /* the caller */
    int row_no, episode_id, rule, severity, owner, cluster, field, value, note, pence;
};

/* result has columns row_no, rule, severity (null: the default of the rule), episode_id, commissioner, cluster, field,
 * value, note, pence; it must outlive the view. */
void finding_view_begin(struct finding_view *view, const struct request *r, const PGresult *result);
/* Appends the members of a finding's line (api/formats/findings.md), without the braces. What was sent in a column that
 * says who a patient is stays hidden from commissioners. */
void finding_view_write(const struct finding_view *view, int row, struct buf *out);

#endif
