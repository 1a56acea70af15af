#include "domain/indicator.h"

#include "domain/money.h"

#include <string.h>

static const struct indicator table[INDICATOR_COUNT] = {
    [INDICATOR_CASELOAD_CLUSTERED] = {"caseload_clustered", "Share of the caseload that is clustered",
                                      "patients with an episode in a cluster other than 00 open on the last day",
                                      "patients with an open referral on the last day (the header Caseload)",
                                      INDICATOR_SHARE, true, false, true, THRESHOLD_NONE, "service"},
    [INDICATOR_WITHIN_REVIEW] = {"within_review", "Share within review",
                                 "of them, episodes whose review is due after the last day",
                                 "episodes open on the last day", INDICATOR_SHARE, true, true, true, THRESHOLD_NONE,
                                 "national"},
    [INDICATOR_OVERRIDES] = {"override_rate", "Override rate",
                             "of them, rows whose final cluster differs from the one that the tool suggested",
                             "rows with an initial and a final cluster", INDICATOR_SHARE, true, true, true,
                             THRESHOLD_OVERRIDE_ALERT, "national"},
    [INDICATOR_CLUSTER_00] = {"cluster_00", "Share of cluster 00", "of them, episodes in cluster 00",
                              "episodes of the month", INDICATOR_SHARE, true, true, true, THRESHOLD_CLUSTER_00_ALERT,
                              "national"},
    [INDICATOR_UNKNOWN_RATINGS] = {"unknown_ratings", "Unknown ratings", "of them, ratings of 9, not known",
                                   "ratings of 0 to 4 or 9", INDICATOR_SHARE, false, true, true, THRESHOLD_NONE,
                                   "service"},
    [INDICATOR_MEAN_PRICE] = {"mean_reference_price", "Mean reference price of a day",
                              "pence of those days at the reference price of their cluster",
                              "days of the month in a cluster that has a reference price", INDICATOR_MEAN, false, true,
                              true, THRESHOLD_NONE, "service"},
    [INDICATOR_CASE_MIX_DRIFT] = {"case_mix_drift", "Case-mix drift",
                                  "thousandths of a penny: mean reference price of a day of this month",
                                  "thousandths of a penny: mean of last month's days at the same reference prices",
                                  INDICATOR_CHANGE, false, true, false, THRESHOLD_CASE_MIX_ALERT, "service"},
    [INDICATOR_TRANSITIONS] = {"transitions", "Upward to downward transitions",
                               "assessments, new in the month's file, that move a patient into a cluster of a higher"
                               " reference price",
                               "such assessments that move a patient into a cluster of a lower one", INDICATOR_RATIO,
                               true, true, true, THRESHOLD_NONE, "service"},
    [INDICATOR_DISCHARGE_MHCT] = {"discharges_with_mhct", "Discharges with an MHCT",
                                  "of them, patients with a discharge_mhct_date",
                                  "patients all of whose episodes have ended by the end of the month", INDICATOR_SHARE,
                                  true, true, true, THRESHOLD_NONE, "national"},
    [INDICATOR_GRID_MUST] = {"grid_must_score", "Ratings outside the must-score band (M06)",
                             "of them, episodes whose ratings break the must-score band of their cluster",
                             "episodes of the month, where an allocation grid is loaded", INDICATOR_SHARE, true, true,
                             true, THRESHOLD_NONE, "national"},
    [INDICATOR_GRID_EXPECTED] = {"grid_expected", "Ratings outside the expected band (M07)",
                                 "of them, episodes whose ratings lie outside the expected band of their cluster",
                                 "episodes of the month, where an allocation grid is loaded", INDICATOR_SHARE, true,
                                 true, true, THRESHOLD_NONE, "national"},
    [INDICATOR_LOW_ON_WARD] = {"low_cluster_on_ward", "Low cluster on a ward (R04)",
                               "of them, episodes not clustered again since before the month",
                               "episodes in clusters 01 to 04 with admitted days", INDICATOR_SHARE, true, true, true,
                               THRESHOLD_NONE, "national"},
    [INDICATOR_LATE] = {"late_submissions", "Late submissions",
                        "of them, those begun when the month was closed for a contract, or open by exception alone",
                        "accepted versions of the month", INDICATOR_SHARE, false, false, false, THRESHOLD_NONE,
                        "service"},
    [INDICATOR_REPLACED] = {"replaced_submissions", "Replaced submissions",
                            "of them, those that a later accepted version replaced", "accepted versions of the month",
                            INDICATOR_SHARE, false, false, false, THRESHOLD_NONE, "service"},
};

const struct indicator *indicator_get(enum indicator_id id)
{
    return &table[id];
}

bool indicator_by_id(const char *text, enum indicator_id *out)
{
    for (int i = 0; i < INDICATOR_COUNT; i++) {
        if (strcmp(table[i].id, text) == 0) {
            *out = (enum indicator_id)i;
            return true;
        }
    }
    return false;
}

bool indicator_value(enum indicator_id id, int64_t numerator, int64_t denominator, int64_t *value)
{
    int64_t difference = 0;
    if (denominator <= 0)
        return false;
    switch (table[id].form) {
    case INDICATOR_MEAN:
        return money_round_ratio(numerator, 1, denominator, value);
    case INDICATOR_CHANGE:
        return money_subtract(numerator, denominator, &difference) &&
               money_round_ratio(difference, PPM_ONE, denominator, value);
    case INDICATOR_SHARE:
        if (numerator > denominator)
            return false;
        break;
    case INDICATOR_RATIO:
        break;
    }
    return money_round_ratio(numerator, PPM_ONE, denominator, value);
}

bool indicator_alerts(enum indicator_id id, int64_t value, int64_t threshold_ppm)
{
    if (table[id].threshold == THRESHOLD_NONE)
        return false;
    return value > threshold_ppm || (table[id].form == INDICATOR_CHANGE && value < -threshold_ppm);
}
