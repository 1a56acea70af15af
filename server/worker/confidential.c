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

bool confidential_add(struct confidential_block *b, const struct episode_row *row)
{
    if (b->rows == 0) {
        b->first_row = row->row_no;
        randombytes_buf(b->salts, sizeof b->salts);
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

/* Reads one text behind its length byte and moves on; false when it does not lie in the block. */
static bool take_text(const uint8_t *block, size_t length, size_t *at, struct text *out)
{
    if (*at >= length || length - *at - 1 < block[*at])
        return false;
    *out = (struct text){(const char *)block + *at + 1, block[*at]};
    *at += 1 + out->length;
    return true;
}

bool confidential_next(const uint8_t *block, size_t length, size_t *at, struct confidential_record *out)
{
    size_t from = *at;
    if (from < CONFIDENTIAL_FIRST || from > length || memcmp(block, "RCB1", CONFIDENTIAL_FIRST) != 0 ||
        length - from < CONFIDENTIAL_SALT + 4)
        return false;
    const uint8_t *birth = block + from + CONFIDENTIAL_SALT;
    out->birth =
        (date_t)((uint32_t)birth[0] << 24 | (uint32_t)birth[1] << 16 | (uint32_t)birth[2] << 8 | (uint32_t)birth[3]);
    *at += CONFIDENTIAL_SALT + 4;
    if (!take_text(block, length, at, &out->patient_id) || !take_text(block, length, at, &out->nhs_number) ||
        !take_text(block, length, at, &out->gp_practice))
        return false;
    out->sealed = block + from;
    out->length = *at - from;
    return true;
}

bool confidential_erased(const struct confidential_record *record)
{
    return sodium_is_zero(record->sealed, CONFIDENTIAL_SALT) == 1;
}

bool confidential_find(const uint8_t *block, size_t length, uint32_t index, struct confidential_record *out)
{
    size_t at = CONFIDENTIAL_FIRST;
    for (uint32_t row = 0; row <= index; row++) {
        if (!confidential_next(block, length, &at, out))
            return false;
    }
    return true;
}
