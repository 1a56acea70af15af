#include "lib/episodes.h"

#include <stdio.h>
#include <string.h>

void episode_of_activity(struct episode *out, const struct activity_row *row)
{
    memset(out, 0, sizeof *out);
    (void)snprintf(out->episode_id, sizeof out->episode_id, "%s", row->episode_id == NULL ? "" : row->episode_id);
    memcpy(out->patient, row->patient, sizeof out->patient);
    (void)snprintf(out->cluster, sizeof out->cluster, "%s", row->cluster);
    (void)snprintf(out->service, sizeof out->service, "%s", row->service == NULL ? "" : row->service);
    out->start_date = row->start_date;
    out->end_date = row->end_date;
    out->mhct_date = row->mhct_date;
    out->referral_date = row->referral_date;
    out->last_contact = row->last_contact;
    out->mhct_reason = (int16_t)row->mhct_reason;
    out->admitted_days = (int16_t)row->admitted_days;
    out->assessment_only = row->assessment_only;
    out->continues = row->continues;
    out->approved = true;
}
