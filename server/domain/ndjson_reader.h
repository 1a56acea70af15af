/* Incremental NDJSON reader: one flat object per line, members named as the columns, in any order. Values are texts,
 * whole numbers (taken digit by digit) or null for blank; an absent member is blank. Unknown and doubled members are
 * faults; the value of a member that a mapping passes over may be any text, number, true, false or null. Blank lines
 * are skipped. The same fields give the same rows as the CSV reader. */
#ifndef RECKONER_DOMAIN_NDJSON_READER_H
#define RECKONER_DOMAIN_NDJSON_READER_H

#include "domain/column_mapping.h"

struct ndjson_reader {
    const struct reader_events *events;   /* borrowed */
    const struct column_mapping *mapping; /* borrowed; NULL: the names are the upload's own */
    uint64_t line;                        /* line being read, from 1 */
    uint32_t row_no;                      /* rows begun so far */
    unsigned mark;                        /* bytes of a byte order mark seen; 3 = the start is over */
    bool stopped;                         /* the row callback asked to stop */
    bool overlong;                        /* the line is over the limit: reported, passed over to its end */
    size_t used;                          /* bytes of the line in text */
    /* The column that followed each one on a line before (COLUMN_COUNT: the first): the next line's are likely the
     * same. */
    unsigned char next_of[COLUMN_COUNT + 1];
    struct text names[COLUMN_COUNT]; /* of the members; empty: the column has none */
    char text[RECORD_MAXIMUM];
    char fields[RECORD_MAXIMUM]; /* unescaped texts; never longer than the line */
    struct raw_row row;
};

/* events must outlive the reader. The struct needs no release. */
void ndjson_reader_init(struct ndjson_reader *r, const struct reader_events *events);
/* Before the first byte: the members have the sender's own names. mapping must outlive the reader. */
void ndjson_reader_map(struct ndjson_reader *r, const struct column_mapping *mapping);
/* Takes the next bytes, in pieces of any size. false once the row callback has asked to stop. */
bool ndjson_reader_feed(struct ndjson_reader *r, const char *bytes, size_t length);
/* The file is complete: delivers a last line without line end. */
bool ndjson_reader_finish(struct ndjson_reader *r);
/* Rows so far, faulty ones included. */
uint32_t ndjson_reader_rows(const struct ndjson_reader *r);

#endif
