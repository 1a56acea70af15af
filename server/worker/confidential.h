/* Who the patients are: sealed to the worker's own key in blocks of rows, apart from the payable facts.
 *
 * A block before sealing: the bytes "RCB1", then for each row, in order of row_no:
 *   salt (16 random bytes, for the commitment to the row), birth date (4 bytes big-endian, days since 1970-01-01,
 *   80000000 hexadecimal when there is none), then patient id, NHS number and practice, each as sent: one byte of
 *   length and that many bytes. Longer values are cut to 255 bytes (FIELD_MAXIMUM is 256). */
#ifndef RECKONER_WORKER_CONFIDENTIAL_H
#define RECKONER_WORKER_CONFIDENTIAL_H

#include "base/buf.h"
#include "domain/episode_row.h"
#include "signing/seal.h"

#define CONFIDENTIAL_ROWS 4096 /* rows of a block; the last has fewer */
#define CONFIDENTIAL_SALT 16

struct confidential_block {
    struct buf text;
    uint8_t salts[CONFIDENTIAL_ROWS][CONFIDENTIAL_SALT]; /* drawn for the whole block at once: a system call each */
    uint32_t first_row;
    uint32_t rows;
};

void confidential_init(struct confidential_block *b);
/* Wipes and frees. */
void confidential_free(struct confidential_block *b);
/* Adds the next row, of at most CONFIDENTIAL_ROWS; rows of a block follow one another. false: memory ran out. */
bool confidential_add(struct confidential_block *b, const struct episode_row *row);
/* Seals the block into *sealed (malloc'd, *length bytes) and empties it. false: memory ran out. */
bool confidential_seal(struct confidential_block *b, const uint8_t public_key[SEAL_PUBLIC_KEY_SIZE], uint8_t **sealed,
                       size_t *length);

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
