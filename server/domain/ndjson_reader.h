/* Incremental NDJSON reader: one flat object of texts (or whole numbers, or null for blank) per line, members named as
 * the columns, in any order; unknown and doubled members are faults, absent ones that are not needed are blank.
 * Same results as the CSV reader for the same fields. */
#ifndef RECKONER_DOMAIN_NDJSON_READER_H
#define RECKONER_DOMAIN_NDJSON_READER_H

#include "domain/columns.h"

struct ndjson_reader {
    const struct reader_events *events; /* borrowed */
    uint64_t line;                      /* line being read */
    uint32_t row_no;
    unsigned bom;
    bool stopped;
    bool overlong; /* the line being read is over the limit: reported, skipped to its end */
    bool started;
    size_t used;
    char text[RECORD_MAXIMUM];
    size_t unescaped;            /* bytes used in fields */
    char fields[RECORD_MAXIMUM]; /* unescaped texts of the line */
    struct raw_row row;
};

void ndjson_reader_init(struct ndjson_reader *r, const struct reader_events *events);
bool ndjson_reader_feed(struct ndjson_reader *r, const char *bytes, size_t length);
bool ndjson_reader_finish(struct ndjson_reader *r);
uint32_t ndjson_reader_rows(const struct ndjson_reader *r);

#endif
