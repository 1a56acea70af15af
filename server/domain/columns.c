#include "domain/columns.h"

#include <string.h>

struct column_entry {
    const char *name;
    bool needed;
};

static const struct column_entry columns[COLUMN_COUNT] = {
    [COLUMN_PROVIDER] = {"provider", true},
    [COLUMN_MONTH] = {"month", true},
    [COLUMN_EPISODE_ID] = {"episode_id", true},
    [COLUMN_PATIENT_ID] = {"patient_id", true},
    [COLUMN_NHS_NUMBER] = {"nhs_number", false},
    [COLUMN_NHS_NUMBER_STATUS] = {"nhs_number_status", false},
    [COLUMN_BIRTH_DATE] = {"birth_date", false},
    [COLUMN_GP_PRACTICE] = {"gp_practice", false},
    [COLUMN_COMMISSIONER] = {"commissioner", true},
    [COLUMN_COMMISSIONER_REASON] = {"commissioner_reason", false},
    [COLUMN_REFERRAL_DATE] = {"referral_date", false},
    [COLUMN_REFERRAL_END] = {"referral_end", false},
    [COLUMN_CLUSTER_INITIAL] = {"cluster_initial", false},
    [COLUMN_CLUSTER] = {"cluster", true},
    [COLUMN_SUPER_CLASS] = {"super_class", false},
    [COLUMN_START_DATE] = {"start_date", true},
    [COLUMN_END_DATE] = {"end_date", false},
    [COLUMN_MHCT_DATE] = {"mhct_date", true},
    [COLUMN_MHCT_REASON] = {"mhct_reason", false},
    [COLUMN_H1] = {"h1", true},
    [COLUMN_H1 + 1] = {"h2", true},
    [COLUMN_H1 + 2] = {"h3", true},
    [COLUMN_H1 + 3] = {"h4", true},
    [COLUMN_H1 + 4] = {"h5", true},
    [COLUMN_H1 + 5] = {"h6", true},
    [COLUMN_H1 + 6] = {"h7", true},
    [COLUMN_H1 + 7] = {"h8", true},
    [COLUMN_H1 + 8] = {"h9", true},
    [COLUMN_H1 + 9] = {"h10", true},
    [COLUMN_H1 + 10] = {"h11", true},
    [COLUMN_H1 + 11] = {"h12", true},
    [COLUMN_H1 + 12] = {"h13", true},
    [COLUMN_H1 + 13] = {"sa", true},
    [COLUMN_H1 + 14] = {"sb", true},
    [COLUMN_H1 + 15] = {"sc", true},
    [COLUMN_H1 + 16] = {"sd", true},
    [COLUMN_SE] = {"se", true},
    [COLUMN_ADMITTED_DAYS] = {"admitted_days", false},
    [COLUMN_ASSESSMENT_ONLY] = {"assessment_only", false},
    [COLUMN_SERVICE] = {"service", false},
    [COLUMN_LAST_CONTACT] = {"last_contact", false},
    [COLUMN_APPROVAL_REF] = {"approval_ref", false},
    [COLUMN_DISCHARGE_MHCT_DATE] = {"discharge_mhct_date", false},
};

const char *column_name(enum column c)
{
    return columns[c].name;
}

bool column_needed(enum column c)
{
    return columns[c].needed;
}

enum column column_by_name(const char *name, size_t length)
{
    for (int i = 0; i < COLUMN_COUNT; i++) {
        if (strlen(columns[i].name) == length && memcmp(columns[i].name, name, length) == 0)
            return (enum column)i;
    }
    return COLUMN_COUNT;
}

/* The next letter or digit at or behind *at, small; '\0' when there is none. */
static char next_letter(struct text t, size_t *at)
{
    while (*at < t.length) {
        char c = t.at[(*at)++];
        if (c >= 'A' && c <= 'Z')
            return (char)(c - 'A' + 'a');
        if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'))
            return c;
    }
    return '\0';
}

static bool same_letters(struct text a, struct text b)
{
    size_t at_a = 0, at_b = 0;
    for (;;) {
        char c = next_letter(a, &at_a);
        if (c != next_letter(b, &at_b))
            return false;
        if (c == '\0')
            return true;
    }
}

enum column column_like(struct text name)
{
    for (int i = 0; i < COLUMN_COUNT; i++) {
        if (same_letters(name, (struct text){columns[i].name, strlen(columns[i].name)}))
            return (enum column)i;
    }
    return COLUMN_COUNT;
}

bool column_name_is_printable(struct text name)
{
    size_t digits = 0;
    for (size_t i = 0; i < name.length; i++) {
        char c = name.at[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == '-' || c == ' ';
        bool digit = c >= '0' && c <= '9';
        digits += digit;
        if (!letter && !digit)
            return false;
    }
    return name.length > 0 && name.length <= 40 && digits <= 4;
}
