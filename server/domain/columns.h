/* The columns of an upload and one row of it as sent. Both readers (CSV, NDJSON) deliver this. */
#ifndef RECKONER_DOMAIN_COLUMNS_H
#define RECKONER_DOMAIN_COLUMNS_H

#include "domain/rules.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum column {
    COLUMN_PROVIDER,
    COLUMN_MONTH,
    COLUMN_EPISODE_ID,
    COLUMN_PATIENT_ID,
    COLUMN_NHS_NUMBER,
    COLUMN_NHS_NUMBER_STATUS,
    COLUMN_BIRTH_DATE,
    COLUMN_GP_PRACTICE,
    COLUMN_COMMISSIONER,
    COLUMN_COMMISSIONER_REASON,
    COLUMN_REFERRAL_DATE,
    COLUMN_REFERRAL_END,
    COLUMN_CLUSTER_INITIAL,
    COLUMN_CLUSTER,
    COLUMN_SUPER_CLASS,
    COLUMN_START_DATE,
    COLUMN_END_DATE,
    COLUMN_MHCT_DATE,
    COLUMN_MHCT_REASON,
    COLUMN_H1, /* h1..h13, sa..se follow one another */
    COLUMN_SE = COLUMN_H1 + 17,
    COLUMN_ADMITTED_DAYS,
    COLUMN_ASSESSMENT_ONLY,
    COLUMN_SERVICE,
    COLUMN_LAST_CONTACT,
    COLUMN_APPROVAL_REF,
    COLUMN_DISCHARGE_MHCT_DATE,
    COLUMN_COUNT
};
/* In place of a column: one of the sender's own that a column mapping passes over. */
#define COLUMN_IGNORED ((enum column)(COLUMN_COUNT + 1))

/* Number of MHCT ratings: h1..h13 and sa..se. */
#define RATING_COUNT 18

/* Longest field and longest row in bytes (of one CSV record or NDJSON line), quotes and separators included. */
#define FIELD_MAXIMUM  256
#define RECORD_MAXIMUM 16384
/* Longest field of a column that a mapping passes over; what is over FIELD_MAXIMUM is not kept. */
#define IGNORED_MAXIMUM 4096

/* Name as in the header line. */
const char *column_name(enum column c);
/* The column of a name, or COLUMN_COUNT when there is none. Case matters. */
enum column column_by_name(const char *name, size_t length);
/* Whether the header must have the column. */
bool column_needed(enum column c);

/* A borrowed piece of text; at is never NULL; not NUL-terminated. */
struct text {
    const char *at;
    size_t length;
};

/* One row as sent. Fields are trimmed of spaces at both ends; absent ones are empty. All texts are valid UTF-8
 * without control characters, at most FIELD_MAXIMUM bytes, and live until the callback returns. */
struct raw_row {
    uint64_t line;   /* line of the file on which the row begins, from 1 */
    uint32_t row_no; /* from 1, the header not counted */
    struct text field[COLUMN_COUNT];
};

/* Whether the name of a column that is not known may be repeated in a message: words without digits that could be a
 * person's number. */
bool column_name_is_printable(struct text name);

/* The column whose name a sender seems to have written in another way (other case, blanks or signs between the words:
 * "NHS Number"), or COLUMN_COUNT. Such a name is still not known: it is only what a message can suggest. */
enum column column_like(struct text name);

/* What a reader found wrong with the file. */
struct reader_fault {
    enum rule_id rule; /* RULE_F01 or RULE_F02 */
    uint64_t line;     /* from 1 */
    uint32_t row_no;   /* 0: the header or the file itself */
    char field[48];    /* column it speaks of, or "file" */
    char note[400];    /* one plain sentence that names line and column; never a patient's data */
};

/* One field of a CSV header. */
struct header_field {
    unsigned position;  /* from 1 */
    struct text name;   /* as sent, trimmed; lives until the callback returns */
    enum column column; /* COLUMN_COUNT: not known; COLUMN_IGNORED: passed over by the mapping */
    bool doubled;       /* an earlier field is the same column */
};

/* Where a reader delivers. row returns false to stop reading. */
struct reader_events {
    void *context;
    bool (*row)(void *context, const struct raw_row *row);
    void (*fault)(void *context, const struct reader_fault *fault);
    void (*header)(void *context, const struct header_field *field); /* may be NULL; CSV alone */
};

#endif
