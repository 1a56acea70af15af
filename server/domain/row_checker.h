/* One pass over an uploaded file: bytes in, checked rows and findings out. Bounded memory, no allocation.
 * How a worker uses it:
 *   row_checker_init; row_checker_feed for each piece; row_checker_finish.
 *   Rows arrive in order through on_row with what they fail by themselves. Rules across rows (cross_rows.h) come after:
 *   spool cross records in on_row, then check partition by partition; then every_row_fails for F08. */
#ifndef RECKONER_DOMAIN_ROW_CHECKER_H
#define RECKONER_DOMAIN_ROW_CHECKER_H

#include "domain/csv_reader.h"
#include "domain/file_kind.h"
#include "domain/ndjson_reader.h"
#include "domain/validation.h"

/* A row with what it fails by itself; all borrowed until the callback returns. */
struct checked_row {
    const struct episode_row *row;
    rule_set_t failed;
    const struct finding *findings; /* one per rule in failed */
    unsigned finding_count;
    bool has_error; /* failed has a rule of rules_unpayable_at_upload() */
    bool minor;
};

struct row_checker_events {
    void *context;
    /* false stops the pass. */
    bool (*on_row)(void *context, const struct checked_row *row);
    /* Findings of the file (F01..F07, F12, F13). At most one per rule and row_no; row_no 0 comes from finish. */
    void (*on_file_finding)(void *context, const struct finding *finding);
};

/* Rows named one by one for each file rule; the rest are counted in one finding at row 0. */
#define FILE_ROWS_NAMED 20
/* The file rules come first in the table. */
#define FILE_RULE_COUNT RULE_P01

struct row_summary {
    uint32_t rows;       /* rows of the file, faulty ones included */
    uint32_t delivered;  /* rows given to on_row */
    uint32_t error_rows; /* of these, rows with has_error */
    bool refused;        /* a file rule other than F13 failed */
    bool held;           /* F13 failed */
    uint32_t empty_rows; /* rows without any value at the end of a CSV, passed over */
};

struct row_checker {
    const struct upload_context *x;
    const struct row_checker_events *events;
    struct row_summary summary;
    struct reader_events reader_events;
    enum upload_format format;
    unsigned char head[FILE_KIND_BYTES]; /* the first bytes, held back until they tell what the file is */
    size_t head_length;
    bool begun;                            /* the reader has the head */
    bool abandoned;                        /* the rest cannot be read and is passed over; the file was told why */
    rule_set_t unpayable;                  /* rules_unpayable_at_upload() */
    uint32_t file_rows[RULE_COUNT];        /* rows that failed each file rule */
    struct finding whole[FILE_RULE_COUNT]; /* findings of row 0 as they gather; an empty note: none yet */
    uint16_t said[FILE_RULE_COUNT];        /* bytes of whole sentences in each note */
    unsigned unsaid[FILE_RULE_COUNT];      /* sentences that did not fit any more */
    struct finding findings[ROW_FINDINGS_MAXIMUM];
    struct episode_row row;
    union {
        struct csv_reader csv;
        struct ndjson_reader ndjson;
    } reader;
};

/* x and events must outlive the checker. About 110 KiB: put it on the heap or in a larger struct. */
void row_checker_init(struct row_checker *c, const struct upload_context *x, enum upload_format format,
                      const struct row_checker_events *events);
/* Before the first byte: the file has the sender's own column names. mapping must outlive the checker; NULL changes
 * nothing. */
void row_checker_map(struct row_checker *c, const struct column_mapping *mapping);
/* The bytes can be read no further, for a reason that is the file's (F01), not ours: the sentence goes into the report,
 * later bytes are passed over, and an unfinished row is dropped. */
void row_checker_abandon(struct row_checker *c, const char *sentence);
/* false once on_row has asked to stop. */
bool row_checker_feed(struct row_checker *c, const void *bytes, size_t length);
/* The file is complete: reports what concerns the file as a whole. */
bool row_checker_finish(struct row_checker *c, struct row_summary *out);

/* F08, once the rules across rows are known: failed[i] are the rules of row i + 1. Fills *out and returns true when
 * every row has one of rules_unpayable_at_upload(). No rows: false (that is F03). */
bool every_row_fails(const rule_set_t *failed, size_t count, struct finding *out);

#endif
