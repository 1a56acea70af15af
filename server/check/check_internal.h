/* The inside of a check: check.c reads the file and asks the rules, report.c gives rows and findings out. */
#ifndef RECKONER_CHECK_CHECK_INTERNAL_H
#define RECKONER_CHECK_CHECK_INTERNAL_H

#include "base/inflate.h"
#include "check/check.h"
#include "check/finding_journal.h"
#include "check/leaks.h"

/* So many that a partition of five million rows takes about 10 MiB. */
#define CHECK_PARTITIONS 48
/* Findings that come after the pass are kept by ranges of at least so many rows; there are at most LATE_RANGES. */
#define LATE_RANGE_ROWS 16384
#define LATE_RANGES     512

struct check {
    struct check_input input;
    struct identity_keys keys;
    struct row_checker_events events;
    struct row_checker checker;
    struct row_summary summary;
    struct inflate *inflate;  /* NULL: the bytes are plain */
    bool stream_refused;      /* the report says what is wrong with the gzip stream */
    struct journal *facts;    /* struct episode of rows 1, 2 ...; zero for rows that could not be read */
    struct journal *findings; /* of rows by themselves and of rows for the file, in canonical order */
    struct spool *patients;   /* struct cross_row */
    struct spool *nhs;        /* struct cross_nhs */
    struct spool *episodes;   /* struct cross_episode */
    struct leaks *leaks;
    uint32_t own_findings; /* put into findings */
    struct spool *late;    /* packed findings that came after the pass, by range of rows */
    size_t late_ranges;
    size_t late_range_rows;
    rule_set_t *failed; /* by row_no - 1 */
    uint8_t *continues; /* one bit per row */
    uint8_t *changed;   /* one bit per row: failed or continues changed after the pass, */
    uint8_t *settled;   /* or had changed when check_settle was called last */
    uint32_t changed_rows;
    size_t rows; /* rows with facts, gaps included */
    size_t row_room;
    bool ended; /* every row was given */
    bool refused;
    bool broken; /* a temporary file or memory failed, or a callback stopped */
};

#endif
