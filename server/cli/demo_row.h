/* One line of a generated upload as text fields, before it is written as CSV. */
#ifndef RECKONER_CLI_DEMO_ROW_H
#define RECKONER_CLI_DEMO_ROW_H

#include "cli/demo_population.h"

#include <stdio.h>

enum demo_column {
    DEMO_PROVIDER,
    DEMO_MONTH,
    DEMO_EPISODE_ID,
    DEMO_PATIENT_ID,
    DEMO_NHS_NUMBER,
    DEMO_NHS_NUMBER_STATUS,
    DEMO_BIRTH_DATE,
    DEMO_GP_PRACTICE,
    DEMO_COMMISSIONER,
    DEMO_COMMISSIONER_REASON,
    DEMO_REFERRAL_DATE,
    DEMO_REFERRAL_END,
    DEMO_CLUSTER_INITIAL,
    DEMO_CLUSTER,
    DEMO_SUPER_CLASS,
    DEMO_START_DATE,
    DEMO_END_DATE,
    DEMO_MHCT_DATE,
    DEMO_MHCT_REASON,
    DEMO_H1,
    DEMO_RATINGS = 18,
    DEMO_ADMITTED_DAYS = DEMO_H1 + DEMO_RATINGS,
    DEMO_ASSESSMENT_ONLY,
    DEMO_SERVICE,
    DEMO_LAST_CONTACT,
    DEMO_APPROVAL_REF,
    DEMO_DISCHARGE_MHCT_DATE,
    DEMO_COLUMNS
};

#define DEMO_FIELD_SIZE 48

struct demo_row {
    char field[DEMO_COLUMNS][DEMO_FIELD_SIZE];
};

/* Where a row is made: the trust, the month and the seed. */
struct demo_file_scene {
    const struct demo_trust *trust;
    month_t month;
    uint64_t seed;
    bool bed_days_mended; /* ward W3's days of 5QE are halved: what the re-submission after FREEZE corrects */
};

/* The row of an episode as a careful trust would send it: it fails no rule. */
void demo_row_make(struct demo_row *row, const struct demo_file_scene *scene, const struct demo_episode *e,
                   uint32_t index);
void demo_row_set(struct demo_row *row, int column, const char *text);
void demo_row_set_date(struct demo_row *row, int column, date_t d);
/* Both return false when writing failed. */
bool demo_write_header(FILE *file);
bool demo_write_row(FILE *file, const struct demo_row *row);

#endif
