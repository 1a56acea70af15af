#include "check/finding_journal.h"

#include <string.h>

struct head {
    uint32_t row_no;
    uint16_t rule;
    uint16_t note_length;
    uint8_t field_length;
    uint8_t value_length;
};

_Static_assert(sizeof(struct head) + 48 + FINDING_VALUE_SIZE + FINDING_NOTE_SIZE <= FINDING_PACKED_MAXIMUM, "it fits");

static size_t texts_length(const struct head *h)
{
    return (size_t)h->field_length + h->value_length + h->note_length;
}

size_t finding_pack(const struct finding *f, uint8_t out[FINDING_PACKED_MAXIMUM])
{
    struct head h;
    memset(&h, 0, sizeof h);
    h.row_no = f->row_no;
    h.rule = (uint16_t)f->rule;
    h.field_length = (uint8_t)strlen(f->field);
    h.value_length = (uint8_t)strlen(f->value);
    h.note_length = (uint16_t)strlen(f->note);
    memcpy(out, &h, sizeof h);
    uint8_t *to = out + sizeof h;
    memcpy(to, f->field, h.field_length);
    memcpy(to + h.field_length, f->value, h.value_length);
    memcpy(to + h.field_length + h.value_length, f->note, h.note_length);
    return sizeof h + texts_length(&h);
}

size_t finding_peek(const void *bytes, uint32_t *row_no, enum rule_id *rule)
{
    struct head h;
    memcpy(&h, bytes, sizeof h);
    *row_no = h.row_no;
    *rule = (enum rule_id)h.rule;
    return sizeof h + texts_length(&h);
}

static void take_text(char *out, const uint8_t **from, size_t length)
{
    memcpy(out, *from, length);
    out[length] = '\0';
    *from += length;
}

void finding_unpack(const void *bytes, struct finding *out)
{
    struct head h;
    memcpy(&h, bytes, sizeof h);
    const uint8_t *from = (const uint8_t *)bytes + sizeof h;
    out->row_no = h.row_no;
    out->rule = (enum rule_id)h.rule;
    take_text(out->field, &from, h.field_length);
    take_text(out->value, &from, h.value_length);
    take_text(out->note, &from, h.note_length);
}

bool finding_journal_put(struct journal *j, const struct finding *f)
{
    uint8_t packed[FINDING_PACKED_MAXIMUM];
    return journal_append(j, packed, finding_pack(f, packed));
}

bool finding_journal_next(struct journal *j, struct finding *out)
{
    uint8_t packed[FINDING_PACKED_MAXIMUM];
    struct head h;
    if (!journal_next(j, packed, sizeof h))
        return false;
    memcpy(&h, packed, sizeof h);
    if (!journal_next(j, packed + sizeof h, texts_length(&h)))
        return false;
    finding_unpack(packed, out);
    return true;
}
