#include "domain/episode.h"

#include "domain/row_checker.h"

#include <string.h>

#define COMMISSIONER_LOW 3

/* Text of a column of facts: as sent when it has the column's form, else empty, so that nothing personal can get in
 * by a wrong column. */
static void take_code(char *out, size_t size, struct text text, size_t shortest, bool letters)
{
    out[0] = '\0';
    if (text.length < shortest || text.length >= size)
        return;
    for (size_t i = 0; i < text.length; i++) {
        char c = text.at[i];
        if (!(c >= '0' && c <= '9') && !(letters && c >= 'A' && c <= 'Z'))
            return;
    }
    memcpy(out, text.at, text.length);
    out[text.length] = '\0';
}

static void take_text(char *out, size_t size, struct text text)
{
    size_t n = text.length < size ? text.length : 0;
    memcpy(out, text.at, n);
    out[n] = '\0';
}

void episode_of_row(struct episode *out, const struct checked_row *checked, const uint8_t patient[16])
{
    const struct episode_row *row = checked->row;
    memset(out, 0, sizeof *out);
    out->row_no = (int32_t)row->row_no;
    take_text(out->episode_id, sizeof out->episode_id, row->episode_id);
    memcpy(out->patient, patient, sizeof out->patient);
    take_code(out->commissioner, sizeof out->commissioner, row->commissioner, COMMISSIONER_LOW, true);
    take_code(out->cluster, sizeof out->cluster, row->cluster_text, 2, false);
    take_text(out->service, sizeof out->service, row->service);
    out->start_date = row->start;
    out->end_date = row->end;
    out->mhct_date = row->mhct;
    out->referral_date = row->referral;
    out->last_contact = row->last_contact;
    out->mhct_reason = row->mhct_reason;
    out->admitted_days = row->admitted_days < 0 ? 0 : row->admitted_days;
    out->assessment_only = row->assessment_only;
    out->approved = row->approved;
    out->minor = checked->minor;
    out->failed = checked->failed;
}

struct activity_row episode_activity(const struct episode *e)
{
    struct activity_row a;
    memset(&a, 0, sizeof a);
    a.episode_id = e->episode_id;
    memcpy(a.patient, e->patient, sizeof a.patient);
    a.cluster = e->cluster;
    a.service = e->service;
    a.start_date = e->start_date;
    a.end_date = e->end_date;
    a.mhct_date = e->mhct_date;
    a.referral_date = e->referral_date;
    a.last_contact = e->last_contact;
    a.mhct_reason = e->mhct_reason;
    a.admitted_days = e->admitted_days;
    a.assessment_only = e->assessment_only;
    a.continues = e->continues;
    return a;
}
