/* What `reckoner check` shows to a person, and its findings as CSV. */
#ifndef RECKONER_CLI_CHECK_TEXT_H
#define RECKONER_CLI_CHECK_TEXT_H

#include "check/check_report.h"

/* Findings of each rule that the text shows one by one. */
#define CHECK_EXAMPLES 3

struct check_example {
    uint32_t row;
    char episode_id[24];
    char field[48];
    char value[FINDING_VALUE_SIZE];
    char note[FINDING_NOTE_SIZE];
};

/* The first findings of each rule and severity. */
struct check_examples {
    unsigned count[RULE_COUNT][SEVERITY_WARN + 1];
    struct check_example shown[RULE_COUNT][SEVERITY_WARN + 1][CHECK_EXAMPLES];
};

void check_examples_add(struct check_examples *e, const struct finding_line *line);

/* Everything that the text speaks of. */
struct check_text {
    const char *file;     /* as given */
    const char *provider; /* ODS code */
    const char *month;    /* YYYY-MM */
    const char *exported; /* instant of the check file */
    const struct check_outcome *outcome;
    const struct check_report *report;
    const struct check_examples *examples;
    unsigned at_hand; /* needs, as in struct report_facts */
};

/* Appends the text; false when out's maximum or memory did not suffice. */
bool check_text_append(struct buf *out, const struct check_text *t);
/* One line: the outcome and what is at stake. */
bool check_text_headline(struct buf *out, const struct check_text *t);

/* CSV with a header; CRLF behind each line, as spreadsheets write it. A text that a spreadsheet would take for a
 * formula
 * (= + - @ in front) gets an apostrophe before it. */
bool check_csv_header(struct buf *out);
bool check_csv_append(struct buf *out, const struct finding_line *line);

#endif
