/* The words of a finding, and what they must never show. */
#ifndef RECKONER_DOMAIN_FINDING_TEXT_H
#define RECKONER_DOMAIN_FINDING_TEXT_H

#include "domain/columns.h"

#define FINDING_VALUE_SIZE 64
#define FINDING_NOTE_SIZE  1000

/* One rule that one row (or the file: row_no 0) fails. */
struct finding {
    enum rule_id rule;
    uint32_t row_no;
    char field[48];                 /* column or columns */
    char value[FINDING_VALUE_SIZE]; /* as sent, cut, masked where it identifies a patient */
    char note[FINDING_NOTE_SIZE];   /* particular to this row; "" when the rule's sentence says it all */
};

/* A finding of a rule with the rule's own field, no value and no note. */
void finding_begin(struct finding *f, enum rule_id rule, uint32_t row_no);
/* Copies a value as sent: cut to fit at a character's end, replaced by "(hidden)" where the column identifies a patient
 * or the text contains what may be an NHS number. */
void finding_value(char out[FINDING_VALUE_SIZE], enum column column, struct text value);
/* The same of a value that is not at hand, but identifies a patient. */
void finding_hide(struct finding *f);
/* Adds to the note what a spreadsheet may have done to the value, when it shows (habits.h). */
void finding_habit(struct finding *f, enum column column, struct text value);
/* Takes away what a text that was cut to its room has of a last character of UTF-8. */
void finding_cut(char *text);

/* Whether what was sent in the columns of a finding says who a patient is: a commissioner does not see it. */
bool finding_identifies(const char *field);

#endif
