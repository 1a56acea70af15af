#include "worker/confidential.h"

#include <stdlib.h>
#include <string.h>

#define ROW_MAXIMUM   (CONFIDENTIAL_SALT + 4 + 3 * 256)
#define BLOCK_MAXIMUM (4 + (size_t)CONFIDENTIAL_ROWS * ROW_MAXIMUM)

void confidential_init(struct confidential_block *b)
{
    memset(b, 0, sizeof *b);
    buf_init(&b->text, BLOCK_MAXIMUM);
}

static void wipe(struct confidential_block *b)
{
    if (b->text.data)
        sodium_memzero(b->text.data, b->text.length);
    buf_clear(&b->text);
    b->rows = 0;
}

void confidential_free(struct confidential_block *b)
{
    wipe(b);
    sodium_memzero(b->salts, sizeof b->salts);
    buf_free(&b->text);
}

static bool add_text(struct buf *b, struct text text)
{
    size_t n = text.length < 255 ? text.length : 255;
    return buf_append_char(b, (char)n) && buf_append(b, text.at, n);
}

/* From a seed of the system's: four times as quick as asking it for all. */
static void draw_salts(struct confidential_block *b)
{
    uint8_t seed[randombytes_SEEDBYTES];
    randombytes_buf(seed, sizeof seed);
    randombytes_buf_deterministic(b->salts, sizeof b->salts, seed);
    sodium_memzero(seed, sizeof seed);
}

bool confidential_add(struct confidential_block *b, const struct episode_row *row)
{
    if (b->rows == 0) {
        b->first_row = row->row_no;
        draw_salts(b);
        if (!buf_append(&b->text, "RCB1", 4))
            return false;
    }
    uint8_t head[CONFIDENTIAL_SALT + 4];
    memcpy(head, b->salts[b->rows], CONFIDENTIAL_SALT);
    uint32_t birth = (uint32_t)row->birth;
    for (int i = 0; i < 4; i++)
        head[CONFIDENTIAL_SALT + i] = (uint8_t)(birth >> (24 - 8 * i));
    const struct text *field = row->raw->field;
    b->rows++;
    return buf_append(&b->text, head, sizeof head) && add_text(&b->text, field[COLUMN_PATIENT_ID]) &&
           add_text(&b->text, field[COLUMN_NHS_NUMBER]) && add_text(&b->text, field[COLUMN_GP_PRACTICE]);
}

bool confidential_seal(struct confidential_block *b, const uint8_t public_key[SEAL_PUBLIC_KEY_SIZE], uint8_t **sealed,
                       size_t *length)
{
    size_t n = b->text.length + SEAL_BOX_OVERHEAD;
    uint8_t *out = malloc(n);
    if (!out || !seal_box(public_key, b->text.data, b->text.length, out)) {
        free(out);
        return false;
    }
    wipe(b);
    *sealed = out;
    *length = n;
    return true;
}
