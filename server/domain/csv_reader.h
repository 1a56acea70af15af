/* Incremental CSV reader (RFC 4180, UTF-8, optional BOM, CRLF or LF) for the columns of an upload, in any order.
 * Bounded: one record is held, never the file. Reading goes on behind a fault, so that a file tells all that is wrong
 * with it: a faulty record is reported, counted and not delivered. Blank lines are skipped. Line breaks and tabs inside
 * a quoted field become spaces. A quoted field that outgrows FIELD_MAXIMUM (IGNORED_MAXIMUM in a column that is passed
 * over) is taken for a forgotten quote: reading starts again at the next line. Records whose fields are all empty,
 * which spreadsheets write behind the data, are passed over at the end of the file and faults before it. */
#ifndef RECKONER_DOMAIN_CSV_READER_H
#define RECKONER_DOMAIN_CSV_READER_H

#include "domain/column_mapping.h"

/* Most fields in one record; more are a fault. */
#define CSV_FIELDS_MAXIMUM 128

enum csv_state {
    CSV_START,  /* nothing of the field has been read */
    CSV_PLAIN,  /* inside a field without quotes */
    CSV_QUOTED, /* inside quotes */
    CSV_QUOTE,  /* a quote inside quotes: the end, or half of a doubled one */
    CSV_CLOSED, /* behind the closing quote */
    CSV_RETURN, /* a carriage return outside quotes */
    CSV_SKIP    /* the rest of the line is passed over */
};

struct csv_reader {
    const struct reader_events *events;   /* borrowed */
    const struct column_mapping *mapping; /* borrowed; NULL: the names are the upload's own */
    uint64_t line;                        /* line being read, from 1 */
    uint64_t record_line;                 /* line on which the record began */
    uint32_t row_no;                      /* rows begun so far */
    uint32_t empty_rows;                  /* of these, the latest in a row without any value */
    uint64_t empty_line;                  /* line of the first of them */
    enum csv_state state;
    unsigned mark;       /* bytes of a byte order mark seen: 0..2; 3 = the start is over */
    bool header_read;    /* the header record is complete */
    bool header_foreign; /* no name in it is known, or no line of the file ends as it should: rows are only counted */
    bool header_usable;  /* it has every needed column, so rows can be read */
    bool begun;          /* something of the record has been read: it is no blank line */
    bool high;           /* a byte over 0x7F is in the record */
    bool control;        /* a control character is in the record */
    bool broken;         /* the record has a fault that was reported */
    bool stopped;        /* the row callback asked to stop */
    unsigned fields;     /* fields complete in this record */
    unsigned header_fields;
    size_t used;                                 /* bytes of the record in text */
    size_t field_length;                         /* bytes of the field being read, kept or not */
    uint16_t starts[CSV_FIELDS_MAXIMUM + 1];     /* field i is text[starts[i] .. starts[i + 1]) */
    unsigned char column_of[CSV_FIELDS_MAXIMUM]; /* enum column of each field; COLUMN_COUNT and up: not read */
    char text[RECORD_MAXIMUM];
    struct raw_row row;
};

/* events must outlive the reader. The struct needs no release. */
void csv_reader_init(struct csv_reader *r, const struct reader_events *events);
/* Before the first byte: the names of the header are the sender's own. mapping must outlive the reader. */
void csv_reader_map(struct csv_reader *r, const struct column_mapping *mapping);
/* Takes the next bytes, in pieces of any size. false once the row callback has asked to stop. */
bool csv_reader_feed(struct csv_reader *r, const char *bytes, size_t length);
/* The file is complete: delivers a last record without line end, reports an open quote or a missing header. */
bool csv_reader_finish(struct csv_reader *r);
/* Rows so far, faulty ones included; once finished, without the empty ones at the end. */
uint32_t csv_reader_rows(const struct csv_reader *r);

#endif
