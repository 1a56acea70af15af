/* Faults planted into generated uploads, at counts that the manifest states. Pure. */
#ifndef RECKONER_CLI_DEMO_FAULT_H
#define RECKONER_CLI_DEMO_FAULT_H

#include "cli/demo_row.h"

/* One change to one field of a spoiled row, or of the companion sent with it. */
enum demo_edit_kind {
    DEMO_EDIT_NONE = 0, /* ends the list */
    DEMO_EDIT_TEXT,
    DEMO_EDIT_FROM_START, /* days after the episode's start */
    DEMO_EDIT_FROM_FIRST, /* days after the first day of the month */
    DEMO_EDIT_FROM_LAST,  /* days after the last day of the month */
    DEMO_EDIT_CHECK_DIGIT /* the wrong check digit */
};

struct demo_edit {
    enum demo_edit_kind kind;
    bool on_companion;
    int column;
    int32_t days;
    const char *text;
};

#define DEMO_FAULT_RULES 4
#define DEMO_FAULT_EDITS 8

/* One kind of fault: where it is planted, what it does, and the rules that fail on the row and its companion. */
struct demo_fault {
    const char *rules[DEMO_FAULT_RULES]; /* one entry for each finding; NULL from the end on */
    uint32_t planted;                    /* in the first upload of a month, for 20,000 open episodes */
    uint32_t stays;                      /* of those, still there after correction */
    uint32_t error_rows;                 /* rows made unpayable whatever the terms: 0, 1 or 2 */
    const char *trust;                   /* only in uploads of this trust; NULL = any */
    const char *payer;                   /* only rows of this commissioner; NULL = any */
    bool (*suits)(const struct demo_episode *e, month_t m);
    bool companion; /* a second row of the same patient is sent with it */
    struct demo_edit edits[DEMO_FAULT_EDITS];
};

unsigned demo_fault_kinds(void);
/* number: 1..demo_fault_kinds(). */
const struct demo_fault *demo_fault_kind(unsigned number);
/* Chooses, by the seed, the rows that are spoiled in the month: sets fault and fault_stays of every episode. A row
 * has one fault at most. Where too few rows suit, fewer are planted. */
void demo_plant(struct demo_population *p, const struct demo_file_scene *scene);
/* Spoils the row. true: *companion holds the row to be sent with it. */
bool demo_spoil(struct demo_row *row, struct demo_row *companion, const struct demo_episode *e, month_t m);

#endif
