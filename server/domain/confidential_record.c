#include "domain/confidential_record.h"

#include <sodium.h>
#include <string.h>

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
