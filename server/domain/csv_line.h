/* The short way through a CSV file: a whole line that is plain ASCII without quotes or control characters is split in
 * one pass, eight bytes at a time, and read where it lies. Every other line goes the long way (csv_reader.c). Pure. */
#ifndef RECKONER_DOMAIN_CSV_LINE_H
#define RECKONER_DOMAIN_CSV_LINE_H

#include "domain/csv_reader.h"

struct csv_line {
    size_t length; /* of the line, its end counted in */
    unsigned fields;
    uint16_t begin[CSV_FIELDS_MAXIMUM + 1]; /* field i ends one byte before begin[i + 1] */
};

/* Splits the line that the bytes begin with. false: it is not plain, not whole, longer than RECORD_MAXIMUM, of more
 * than CSV_FIELDS_MAXIMUM fields, or without any value. */
bool csv_line_split(const char *bytes, size_t length, struct csv_line *out);

#endif
