/* How a row of one version of a month differs from the same row of the version before. Pure. */
#ifndef RECKONER_DOMAIN_DIFFERENCE_H
#define RECKONER_DOMAIN_DIFFERENCE_H

#include "domain/episode.h"

/* Facts that can differ, by the names of the upload's columns where they have one; `rules` are the rules that the row
 * fails whatever the terms, `continues` whether another row of the patient follows it, `under_18` the age on the last
 * day. */
enum difference_fact {
    DIFFERENCE_PATIENT,
    DIFFERENCE_CLUSTER,
    DIFFERENCE_SERVICE,
    DIFFERENCE_START_DATE,
    DIFFERENCE_END_DATE,
    DIFFERENCE_MHCT_DATE,
    DIFFERENCE_MHCT_REASON,
    DIFFERENCE_REFERRAL_DATE,
    DIFFERENCE_LAST_CONTACT,
    DIFFERENCE_ADMITTED_DAYS,
    DIFFERENCE_ASSESSMENT_ONLY,
    DIFFERENCE_APPROVAL,
    DIFFERENCE_UNDER_18,
    DIFFERENCE_CONTINUES,
    DIFFERENCE_RULES,
    DIFFERENCE_FACTS
};

/* Longest list of names: all of them, with commas and a NUL. */
#define DIFFERENCE_NAMES_SIZE 192

const char *difference_fact_name(enum difference_fact fact);
/* The names of the facts that differ, separated by commas; "" when none does. row_no, episode_id and commissioner are
 * the same row's by definition and are not looked at. */
void difference_names(const struct episode *before, const struct episode *after, char out[DIFFERENCE_NAMES_SIZE]);

#endif
