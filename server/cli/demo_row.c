#include "cli/demo_row.h"

#include "cli/demo_random.h"

#include <string.h>

static const char *const names[DEMO_COLUMNS] = {"provider",
                                                "month",
                                                "episode_id",
                                                "patient_id",
                                                "nhs_number",
                                                "nhs_number_status",
                                                "birth_date",
                                                "gp_practice",
                                                "commissioner",
                                                "commissioner_reason",
                                                "referral_date",
                                                "referral_end",
                                                "cluster_initial",
                                                "cluster",
                                                "super_class",
                                                "start_date",
                                                "end_date",
                                                "mhct_date",
                                                "mhct_reason",
                                                "h1",
                                                "h2",
                                                "h3",
                                                "h4",
                                                "h5",
                                                "h6",
                                                "h7",
                                                "h8",
                                                "h9",
                                                "h10",
                                                "h11",
                                                "h12",
                                                "h13",
                                                "sa",
                                                "sb",
                                                "sc",
                                                "sd",
                                                "se",
                                                "admitted_days",
                                                "assessment_only",
                                                "service",
                                                "last_contact",
                                                "approval_ref",
                                                "discharge_mhct_date"};

void demo_row_set(struct demo_row *row, int column, const char *text)
{
    (void)snprintf(row->field[column], DEMO_FIELD_SIZE, "%s", text);
}

void demo_row_set_date(struct demo_row *row, int column, date_t d)
{
    char text[11] = "";
    if (d != DATE_NONE) {
        date_format(d, text);
    }
    demo_row_set(row, column, text);
}

static void set_number(struct demo_row *row, int column, const char *before, uint32_t value, int digits)
{
    (void)snprintf(row->field[column], DEMO_FIELD_SIZE, "%s%0*u", before, digits, value);
}

/* Days of the episode in the month, [start, end). */
static int32_t demo_days_in_month(const struct demo_episode *e, month_t m)
{
    date_t from = e->start > month_first(m) ? e->start : month_first(m);
    date_t to = month_last(m) + 1;
    if (e->end != DATE_NONE && e->end < to) {
        to = e->end;
    }
    return to > from ? to - from : 0;
}

/* A practice of the payer: index 0..2 of the trust's payers. */
static void demo_practice(char out[DEMO_FIELD_SIZE], const char *payer, uint32_t draw)
{
    /* 5QE has practices A81001.., 5QF A82001.., 5QG A83001.. (deploy/demo/practices.csv). */
    int area = payer[2] == 'E' ? 81 : payer[2] == 'F' ? 82 : 83;
    (void)snprintf(out, DEMO_FIELD_SIZE, "A%02d%03u", area, draw % 20 + 1);
}

static const char *super_class(uint8_t cluster)
{
    return cluster == 0 ? "" : cluster <= 8 ? "A" : cluster <= 17 ? "B" : "C";
}

static void set_person(struct demo_row *row, const struct demo_file_scene *s, const struct demo_episode *e)
{
    const char prefix[3] = {s->trust->prefix, 'P', '\0'};
    set_number(row, DEMO_PATIENT_ID, prefix, e->patient + 1, 7);
    if (e->number < 1000000u) {
        (void)snprintf(row->field[DEMO_NHS_NUMBER], DEMO_FIELD_SIZE, "999%06u%d", e->number,
                       demo_check_digit(e->number));
        demo_row_set(row, DEMO_NHS_NUMBER_STATUS, "01");
    } else {
        demo_row_set(row, DEMO_NHS_NUMBER_STATUS, "07");
    }
    /* Adults; older in the clusters of cognitive impairment. */
    uint32_t years = demo_below(s->seed, e->patient, 0, DEMO_BIRTH, 45) + (e->cluster >= 18 ? 50 : 20);
    date_t birth = month_first(demo_first_month()) - (date_t)(years * 365 + e->patient % 365) - 200;
    demo_row_set_date(row, DEMO_BIRTH_DATE, birth);
    const char *payer = s->trust->payers[e->payer];
    demo_row_set(row, DEMO_COMMISSIONER, payer);
    uint32_t draw = demo_below(s->seed, e->patient, 0, DEMO_PRACTICE, 2000);
    if (draw % 100 == 0) { /* lives elsewhere, and the trust says why this commissioner pays */
        demo_practice(row->field[DEMO_GP_PRACTICE], payer[2] == 'E' ? "5QF" : "5QE", draw);
        demo_row_set(row, DEMO_COMMISSIONER_REASON, "placed by this commissioner");
    } else {
        demo_practice(row->field[DEMO_GP_PRACTICE], payer, draw);
    }
}

static void set_ratings(struct demo_row *row, const struct demo_file_scene *s, const struct demo_episode *e,
                        uint32_t index)
{
    for (uint32_t i = 0; i < DEMO_RATINGS; i++) {
        uint32_t draw = demo_below(s->seed, index, i, DEMO_RATING, 100);
        uint32_t level = draw < 45 ? 0 : draw < 70 ? 1 : draw < 86 ? 2 : draw < 95 ? 3 : 4;
        if (e->cluster <= 2 && level > 2) { /* mild problems rate low */
            level = 1;
        }
        set_number(row, DEMO_H1 + (int)i, "", level, 1);
    }
}

static void set_care(struct demo_row *row, const struct demo_file_scene *s, const struct demo_episode *e,
                     uint32_t index)
{
    uint32_t team = demo_below(s->seed, e->patient, 0, DEMO_TEAM, 9) + 1;
    set_number(row, DEMO_SERVICE, "CMHT", team, 1);
    int32_t days = demo_days_in_month(e, s->month);
    if (e->inpatient && days > 0) {
        uint32_t ward = demo_below(s->seed, index, 0, DEMO_WARD, 6) + 1;
        uint32_t least = (uint32_t)days / 2;
        uint32_t bed =
            least + demo_below(s->seed, index, (uint32_t)s->month, DEMO_BED_DAYS, (uint32_t)days - least + 1);
        if (s->bed_days_mended && ward == 3 && e->payer == 0) {
            bed /= 2;
        }
        set_number(row, DEMO_SERVICE, "W", ward, 1);
        set_number(row, DEMO_ADMITTED_DAYS, "", bed, 1);
    }
    date_t last = month_last(s->month);
    date_t contact = last - (date_t)demo_below(s->seed, index, (uint32_t)s->month, DEMO_CONTACT, 25);
    if (e->end != DATE_NONE && contact >= e->end) {
        contact = e->end - 1;
    }
    demo_row_set_date(row, DEMO_LAST_CONTACT, contact > e->start ? contact : e->start);
    if (e->cluster == 16) { /* the terms of 5QF ask for prior approval of cluster 16 */
        set_number(row, DEMO_APPROVAL_REF, "PA", index % 100000, 5);
    }
}

void demo_row_make(struct demo_row *row, const struct demo_file_scene *s, const struct demo_episode *e, uint32_t index)
{
    *row = (struct demo_row){0};
    const char prefix[3] = {s->trust->prefix, 'E', '\0'};
    demo_row_set(row, DEMO_PROVIDER, s->trust->code);
    char month[8];
    month_format(s->month, month);
    demo_row_set(row, DEMO_MONTH, month);
    set_number(row, DEMO_EPISODE_ID, prefix, index + 1, 7);
    set_person(row, s, e);
    demo_row_set_date(row, DEMO_REFERRAL_DATE, e->referral);
    set_number(row, DEMO_CLUSTER_INITIAL, "", e->initial, 2);
    set_number(row, DEMO_CLUSTER, "", e->cluster, 2);
    demo_row_set(row, DEMO_SUPER_CLASS, super_class(e->cluster));
    demo_row_set_date(row, DEMO_START_DATE, e->start);
    if (e->end != DATE_NONE && e->end <= month_last(s->month) + 1) { /* later ends are not known yet */
        demo_row_set_date(row, DEMO_END_DATE, e->end);
        if (!e->moved_on) {
            demo_row_set_date(row, DEMO_REFERRAL_END, e->end);
            if (demo_below(s->seed, index, 0, DEMO_DISCHARGE, 5) < 3 && !e->assessment_only) {
                demo_row_set_date(row, DEMO_DISCHARGE_MHCT_DATE, e->end - 1);
            }
        }
    }
    uint8_t reason = 0;
    demo_row_set_date(row, DEMO_MHCT_DATE, demo_mhct_at(e, s->seed, index, s->month, &reason));
    set_number(row, DEMO_MHCT_REASON, "", reason, 2);
    set_ratings(row, s, e, index);
    if (e->assessment_only) {
        demo_row_set(row, DEMO_ASSESSMENT_ONLY, "Y");
    }
    set_care(row, s, e, index);
}

bool demo_write_header(FILE *file)
{
    for (int c = 0; c < DEMO_COLUMNS; c++) {
        if (fputs(names[c], file) == EOF || fputc(c + 1 < DEMO_COLUMNS ? ',' : '\n', file) == EOF) {
            return false;
        }
    }
    return true;
}

/* No generated field holds a comma, quote or line break, so none needs quoting. */
bool demo_write_row(FILE *file, const struct demo_row *row)
{
    char line[DEMO_COLUMNS * DEMO_FIELD_SIZE];
    size_t at = 0;
    for (int c = 0; c < DEMO_COLUMNS; c++) {
        size_t length = strlen(row->field[c]);
        memcpy(line + at, row->field[c], length);
        at += length;
        line[at++] = c + 1 < DEMO_COLUMNS ? ',' : '\n';
    }
    return fwrite(line, 1, at, file) == at;
}
