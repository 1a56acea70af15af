/* Who a patient is, as it lies in an opened confidential block. Reading alone: worker/confidential.h writes and seals.
 *
 * A block: the bytes "RCB1", then for each row, in order of row_no:
 *   salt (16 random bytes, for the commitment to the row), birth date (4 bytes big-endian, days since 1970-01-01,
 *   80000000 hexadecimal when there is none), then patient id, NHS number and practice, each as sent: one byte of
 *   length and that many bytes. Longer values are cut to 255 bytes (FIELD_MAXIMUM is 256). */
#ifndef RECKONER_DOMAIN_CONFIDENTIAL_RECORD_H
#define RECKONER_DOMAIN_CONFIDENTIAL_RECORD_H

#include "base/date.h"
#include "domain/columns.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CONFIDENTIAL_ROWS 4096 /* rows of a block; the last has fewer */
#define CONFIDENTIAL_SALT 16

/* One row of an opened block; what it points to lies in the block. */
struct confidential_record {
    date_t birth; /* DATE_NONE: none */
    struct text patient_id;
    struct text nhs_number;
    struct text gp_practice;
    const uint8_t *sealed; /* salt and record, as they lie: what the commitment to the row hashes */
    size_t length;
};
/* Where the next row of a block is read. Begins at CONFIDENTIAL_FIRST. false: the block is damaged or at its end. */
#define CONFIDENTIAL_FIRST 4
bool confidential_next(const uint8_t *block, size_t length, size_t *at, struct confidential_record *out);
/* Whether the row's salt and record were erased: its salt is all zero then. */
bool confidential_erased(const struct confidential_record *record);
/* The row of a block in clear, counted from 0. false: the block is damaged or has fewer rows. */
bool confidential_find(const uint8_t *block, size_t length, uint32_t index, struct confidential_record *out);

#endif
