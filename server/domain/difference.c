#include "domain/difference.h"

#include <string.h>

static const char *const names[DIFFERENCE_FACTS] = {
    [DIFFERENCE_PATIENT] = "patient_id",
    [DIFFERENCE_CLUSTER] = "cluster",
    [DIFFERENCE_SERVICE] = "service",
    [DIFFERENCE_START_DATE] = "start_date",
    [DIFFERENCE_END_DATE] = "end_date",
    [DIFFERENCE_MHCT_DATE] = "mhct_date",
    [DIFFERENCE_MHCT_REASON] = "mhct_reason",
    [DIFFERENCE_REFERRAL_DATE] = "referral_date",
    [DIFFERENCE_LAST_CONTACT] = "last_contact",
    [DIFFERENCE_ADMITTED_DAYS] = "admitted_days",
    [DIFFERENCE_ASSESSMENT_ONLY] = "assessment_only",
    [DIFFERENCE_APPROVAL] = "approval_ref",
    [DIFFERENCE_UNDER_18] = "under_18",
    [DIFFERENCE_CONTINUES] = "continues",
    [DIFFERENCE_RULES] = "rules",
};

const char *difference_fact_name(enum difference_fact fact)
{
    return names[fact];
}

static bool differs(enum difference_fact fact, const struct episode *a, const struct episode *b)
{
    switch (fact) {
    case DIFFERENCE_PATIENT:
        return memcmp(a->patient, b->patient, sizeof a->patient) != 0;
    case DIFFERENCE_CLUSTER:
        return strcmp(a->cluster, b->cluster) != 0;
    case DIFFERENCE_SERVICE:
        return strcmp(a->service, b->service) != 0;
    case DIFFERENCE_START_DATE:
        return a->start_date != b->start_date;
    case DIFFERENCE_END_DATE:
        return a->end_date != b->end_date;
    case DIFFERENCE_MHCT_DATE:
        return a->mhct_date != b->mhct_date;
    case DIFFERENCE_MHCT_REASON:
        return a->mhct_reason != b->mhct_reason;
    case DIFFERENCE_REFERRAL_DATE:
        return a->referral_date != b->referral_date;
    case DIFFERENCE_LAST_CONTACT:
        return a->last_contact != b->last_contact;
    case DIFFERENCE_ADMITTED_DAYS:
        return a->admitted_days != b->admitted_days;
    case DIFFERENCE_ASSESSMENT_ONLY:
        return a->assessment_only != b->assessment_only;
    case DIFFERENCE_APPROVAL:
        return a->approved != b->approved;
    case DIFFERENCE_UNDER_18:
        return a->minor != b->minor;
    case DIFFERENCE_CONTINUES:
        return a->continues != b->continues;
    case DIFFERENCE_RULES:
        return a->failed != b->failed;
    case DIFFERENCE_FACTS:
        break;
    }
    return false;
}

void difference_names(const struct episode *before, const struct episode *after, char out[DIFFERENCE_NAMES_SIZE])
{
    size_t used = 0;
    for (int fact = 0; fact < DIFFERENCE_FACTS; fact++) {
        if (!differs((enum difference_fact)fact, before, after))
            continue;
        size_t n = strlen(names[fact]);
        if (used > 0)
            out[used++] = ',';
        memcpy(out + used, names[fact], n);
        used += n;
    }
    out[used] = '\0';
}
