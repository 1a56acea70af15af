/* Which severity a finding f has, in SQL. */
#ifndef RECKONER_STORE_FINDING_SEVERITY_H
#define RECKONER_STORE_FINDING_SEVERITY_H

/* clang-format off */
#define SEVERITY_BY_DEFAULT "(SELECT r.severity FROM reckoner.rule r WHERE r.id = f.rule)"

/* Its own or that of the terms; null: its rule's. Looked up row by row on purpose: just after a load the planner knows
 * nothing of these tables yet, takes a submission for a row or two, and joins them in quadratic time. */
#define SEVERITY_OF_TERMS                                                                                              \
    "coalesce(f.severity, (SELECT s.severity FROM reckoner.severity s WHERE s.provider = f.provider"                   \
    " AND s.submission = f.submission AND s.commissioner = f.commissioner AND s.rule = f.rule))"
#define SEVERITY_IN_FORCE "coalesce(" SEVERITY_OF_TERMS ", " SEVERITY_BY_DEFAULT ")"

/* In force under an evaluation that was kept. */
#define SEVERITY_THEN(evaluation)                                                                                      \
    "coalesce(f.severity, (SELECT s.severity FROM reckoner.severity_known s WHERE s.provider = f.provider"             \
    " AND s.submission = f.submission AND s.evaluation = " evaluation                                                  \
    " AND s.commissioner = f.commissioner AND s.rule = f.rule), " SEVERITY_BY_DEFAULT ")"
/* clang-format on */

#endif
