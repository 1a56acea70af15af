#include "domain/finding_text.h"

#include <stdio.h>
#include <string.h>

void finding_begin(struct finding *f, enum rule_id rule, uint32_t row_no)
{
    f->rule = rule;
    f->row_no = row_no;
    (void)snprintf(f->field, sizeof f->field, "%s", rule_get(rule)->field);
    f->value[0] = '\0';
    f->note[0] = '\0';
}

static bool passes_modulus_11(const int digits[10])
{
    int sum = 0;
    for (int i = 0; i < 9; i++)
        sum += digits[i] * (10 - i);
    return (11 - sum % 11) % 11 == digits[9];
}

bool may_hold_nhs_number(struct text t)
{
    int window[10];
    size_t count = 0;
    for (size_t i = 0; i < t.length; i++) {
        if (t.at[i] == ' ')
            continue;
        if (t.at[i] < '0' || t.at[i] > '9') {
            count = 0;
            continue;
        }
        if (count == 10) {
            memmove(window, window + 1, 9 * sizeof window[0]);
            count = 9;
        }
        window[count++] = t.at[i] - '0';
        if (count == 10 && passes_modulus_11(window))
            return true;
    }
    return false;
}

static bool identifies(enum column c)
{
    return c == COLUMN_PATIENT_ID || c == COLUMN_NHS_NUMBER || c == COLUMN_BIRTH_DATE || c == COLUMN_GP_PRACTICE;
}

void finding_value(char out[FINDING_VALUE_SIZE], enum column column, struct text value)
{
    if (value.length > 0 && (identifies(column) || may_hold_nhs_number(value))) {
        (void)snprintf(out, FINDING_VALUE_SIZE, "(hidden)");
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
