/* What spreadsheets and databases do to a value on its way into a file, recognised so that a finding can say it.
 * Nothing is repaired here: a sentence helps, a silent repair hides. Pure. */
#ifndef RECKONER_DOMAIN_HABITS_H
#define RECKONER_DOMAIN_HABITS_H

#include "domain/columns.h"

#define HABIT_SIZE 200

/* Writes a sentence without its full stop, beginning with "this" ("this looks like DD/MM/YYYY: ..."), and returns true
 * when the value shows one of the habits in this column. Never repeats a value that could identify a patient. */
bool habit_sentence(enum column c, struct text value, char out[HABIT_SIZE]);

/* NULL, N/A, #N/A, #REF! and the like: written for "no value", where the field should be blank. */
bool is_word_for_nothing(struct text value);

#endif
