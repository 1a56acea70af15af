/* Who the patients are: sealed to the worker's own key in blocks of rows, apart from the payable facts. What a block
 * holds: domain/confidential_record.h. */
#ifndef RECKONER_WORKER_CONFIDENTIAL_H
#define RECKONER_WORKER_CONFIDENTIAL_H

#include "base/buf.h"
#include "domain/confidential_record.h"
#include "domain/episode_row.h"
#include "signing/seal.h"

struct confidential_block {
    struct buf text;
    uint8_t salts[CONFIDENTIAL_ROWS][CONFIDENTIAL_SALT]; /* drawn for the whole block at once */
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

#endif
