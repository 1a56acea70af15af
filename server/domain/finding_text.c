#include "domain/finding_text.h"

#include "domain/habits.h"
#include "domain/leak.h"
#include "domain/utf8.h"

#include <stdio.h>
#include <string.h>

#define HIDDEN "(hidden)"

void finding_begin(struct finding *f, enum rule_id rule, uint32_t row_no)
{
    f->rule = rule;
    f->row_no = row_no;
    (void)snprintf(f->field, sizeof f->field, "%s", rule_get(rule)->field);
    f->value[0] = '\0';
    f->note[0] = '\0';
}

static bool identifies(enum column c)
{
    return c == COLUMN_PATIENT_ID || c == COLUMN_NHS_NUMBER || c == COLUMN_BIRTH_DATE || c == COLUMN_GP_PRACTICE;
}

void finding_habit(struct finding *f, enum column column, struct text value)
{
    char sentence[HABIT_SIZE];
    size_t used = strlen(f->note);
    if (!habit_sentence(column, value, sentence))
        return;
    if (used > 0)
        (void)snprintf(f->note + used, sizeof f->note - used, "; %s", sentence);
    else
        (void)snprintf(f->note, sizeof f->note, "T%s", sentence + 1);
}

void finding_cut(char *text)
{
    size_t length = strlen(text), at = length;
    while (at > 0 && (text[at - 1] & 0xC0) == 0x80)
        at--;
    if (at > 0 && (text[at - 1] & 0x80) != 0 && !utf8_is_valid(text + at - 1, length - at + 1))
        text[at - 1] = '\0';
}

void finding_value(char out[FINDING_VALUE_SIZE], enum column column, struct text value)
{
    if (value.length > 0 && (identifies(column) || leak_has_nhs_number(value))) {
        (void)snprintf(out, FINDING_VALUE_SIZE, HIDDEN);
        return;
    }
    size_t n = value.length;
    if (n >= FINDING_VALUE_SIZE) {
        n = FINDING_VALUE_SIZE - 4;
        while (n > 0 && (value.at[n] & 0xC0) == 0x80)
            n--;
    }
    (void)snprintf(out, FINDING_VALUE_SIZE, "%.*s%s", (int)n, value.at, n < value.length ? "..." : "");
}

bool finding_identifies(const char *field)
{
    static const char *const fields[] = {"patient_id", "nhs_number", "birth_date", "gp_practice"};
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++) {
        if (strstr(field, fields[i]))
            return true;
    }
    return false;
}

void finding_hide(struct finding *f)
{
    (void)snprintf(f->value, sizeof f->value, HIDDEN);
}
