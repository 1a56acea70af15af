#include "domain/overlap.h"

#include "domain/gather.h"

#include <endian.h>
#include <string.h>

void overlap_encode(const struct overlap_record *record, uint8_t out[OVERLAP_RECORD_SIZE])
{
    uint64_t nhs = htole64(record->nhs);
    uint32_t row_no = htole32(record->row_no);
    uint32_t days = htole32(record->days);
    memcpy(out, &nhs, sizeof nhs);
    memcpy(out + 8, &row_no, sizeof row_no);
    memcpy(out + 12, &days, sizeof days);
}

void overlap_decode(struct overlap_record *out, const uint8_t bytes[OVERLAP_RECORD_SIZE])
{
    memcpy(&out->nhs, bytes, sizeof out->nhs);
    memcpy(&out->row_no, bytes + 8, sizeof out->row_no);
    memcpy(&out->days, bytes + 12, sizeof out->days);
    out->nhs = le64toh(out->nhs);
    out->row_no = le32toh(out->row_no);
    out->days = le32toh(out->days);
}

unsigned overlap_partition(uint64_t nhs)
{
    return (unsigned)(nhs % OVERLAP_PARTITIONS);
}

uint32_t overlap_days(date_t start, date_t end, month_t month)
{
    date_t first = month_first(month), behind = month_last(month) + 1;
    date_t from = start > first ? start : first;
    date_t to = end != DATE_NONE && end < behind ? end : behind;
    if (start == DATE_NONE || to <= from)
        return 0;
    return (uint32_t)((UINT64_C(1) << (to - first)) - (UINT64_C(1) << (from - first)));
}

static int compare_rows(const void *a, const void *b)
{
    const struct overlap_row *x = a, *y = b;
    if (x->record.nhs != y->record.nhs)
        return x->record.nhs < y->record.nhs ? -1 : 1;
    return (x->provider > y->provider) - (x->provider < y->provider);
}

/* Days that at least two providers report. Rows come by provider. */
static uint32_t shared_days(const struct overlap_row *rows, size_t count)
{
    uint32_t once = 0, twice = 0, own = 0;
    for (size_t i = 0; i < count; i++) {
        if (i > 0 && rows[i].provider != rows[i - 1].provider) {
            twice |= once & own;
            once |= own;
            own = 0;
        }
        own |= rows[i].record.days;
    }
    return twice | (once & own);
}

bool overlap_check(struct overlap_row *rows, size_t count,
                   void (*found)(void *context, uint32_t provider, uint32_t row_no), void *context)
{
    if (count == 0)
        return true;
    if (!gather(rows, count, sizeof *rows, compare_rows))
        return false;
    size_t next;
    for (size_t i = 0; i < count; i = next) {
        for (next = i + 1; next < count && rows[next].record.nhs == rows[i].record.nhs;)
            next++;
        uint32_t shared = shared_days(rows + i, next - i);
        for (size_t k = i; k < next; k++) {
            if ((rows[k].record.days & shared) != 0)
                found(context, rows[k].provider, rows[k].record.row_no);
        }
    }
    return true;
}
