/* Private records: that the salt and record of each row are the ones that its commitment names, or were erased. */
#include "base/parse.h"
#include "cli/fsck_part.h"
#include "domain/confidential_record.h"
#include "proof/row_tree.h"
#include "signing/seal.h"
#include "signing/unseal.h"
#include "store/confidential.h"
#include "store/erasure.h"
#include "store/row_tree.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* One confidential block in clear, read from its first row on. */
struct opened {
    uint8_t *clear; /* NULL: none; locked, and wiped as it is freed */
    size_t length;
    size_t at;
    int64_t next; /* row_no at `at` */
    int64_t end;  /* behind the last row */
};

struct reading {
    struct fsck *f;
    const struct unseal_key *key;
    const struct row_tree_place *place;
    struct opened block;
    int64_t erased;
    enum pg_status status;
};

static void name_row(const struct reading *x, int64_t row_no, char *out, size_t size)
{
    char month[8];
    month_format(x->place->month, month);
    (void)snprintf(out, size, "%s/%s/%lld/%lld", x->place->provider, month, (long long)x->place->version,
                   (long long)row_no);
}

static void row_differs(const struct reading *x, int64_t row_no, const char *found)
{
    char key[80];
    name_row(x, row_no, key, sizeof key);
    fsck_differs(x->f, "confidential_block", key, "salt and record", found, "those of the row's commitment");
}

static void close_block(struct opened *o)
{
    sodium_free(o->clear);
    *o = (struct opened){0};
}

/* The block that has the row; none in clear when it is not there or does not open. */
static enum pg_status open_block(struct reading *x, int64_t row_no)
{
    struct confidential_rows found;
    struct opened *o = &x->block;
    close_block(o);
    enum pg_status status = confidential_block_of(x->f->pg, x->place->provider, x->place->submission, row_no, &found);
    if (status != PG_OK)
        return status == PG_NONE ? PG_OK : status;
    if (found.length > SEAL_BOX_OVERHEAD) {
        o->length = found.length - SEAL_BOX_OVERHEAD;
        o->clear = sodium_malloc(o->length);
        x->f->out_of_memory = o->clear == NULL;
        status = o->clear == NULL ? PG_FAILED : PG_OK;
    }
    if (o->clear != NULL && !unseal_box(x->key, (const uint8_t *)found.sealed, found.length, o->clear))
        close_block(o);
    if (o->clear != NULL) {
        o->at = CONFIDENTIAL_FIRST;
        o->next = found.first_row;
        o->end = found.first_row + found.rows;
    }
    PQclear(found.result);
    return status;
}

/* Rows of a tree ascend, so each block is read once, forwards. */
static bool find_record(struct opened *o, int64_t row_no, struct confidential_record *out)
{
    if (o->clear == NULL || row_no < o->next || row_no >= o->end)
        return false;
    for (; o->next <= row_no; o->next++) {
        if (!confidential_next(o->clear, o->length, &o->at, out))
            return false;
    }
    return true;
}

/* A zeroed salt proves nothing by itself: an erasure names its rows. */
static enum pg_status compare_erased(struct reading *x, int64_t row_no)
{
    bool erased = false;
    enum pg_status status = erasure_of_stored_row(x->f->pg, x->place->provider, x->place->submission, row_no, &erased);
    if (status == PG_OK && erased)
        x->erased++;
    else if (status == PG_OK)
        row_differs(x, row_no, "none, and no erasure of the row");
    return status;
}

static enum pg_status compare_row(struct reading *x, const struct row_entry *entry)
{
    struct confidential_record record;
    uint8_t digest[crypto_hash_sha256_BYTES];
    enum pg_status status = PG_OK;
    if (x->block.clear == NULL || entry->row_no >= x->block.end)
        status = open_block(x, entry->row_no);
    if (status != PG_OK)
        return status;
    if (!find_record(&x->block, entry->row_no, &record)) {
        row_differs(x, entry->row_no, "none that opens");
        close_block(&x->block);
        return PG_OK;
    }
    (void)crypto_hash_sha256(digest, record.sealed, record.length);
    if (confidential_erased(&record))
        return compare_erased(x, entry->row_no);
    if (sodium_memcmp(digest, entry->private_digest, sizeof digest) != 0)
        row_differs(x, entry->row_no, "others");
    return PG_OK;
}

static bool read_tree(void *context, const struct row_tree_place *place)
{
    struct reading *x = context;
    x->place = place;
    x->status = PG_OK;
    close_block(&x->block);
    for (int64_t block = 0; x->status == PG_OK; block++) {
        struct row_tree_part part;
        PGresult *stored = NULL;
        x->status =
            row_tree_block(x->f->pg, place->provider, place->submission, place->commissioner, block, &part, &stored);
        for (int64_t i = 0; x->status == PG_OK && i < part.rows; i++) {
            struct row_entry entry;
            row_entry_read(part.entries + (size_t)i * ROW_ENTRY, &entry);
            x->status = compare_row(x, &entry);
        }
        if (x->status == PG_OK)
            fsck_count(x->f, part.rows);
        PQclear(stored);
    }
    x->status = x->status == PG_NONE ? PG_OK : x->status;
    return x->status == PG_OK;
}

enum pg_status fsck_records(struct fsck *f)
{
    struct reading x = {.f = f, .status = PG_OK};
    bool wrong = false;
    struct unseal_key *key = fsck_open_key(f, &wrong);
    enum pg_status status = PG_OK;
    x.key = key;
    if (key != NULL)
        status = row_tree_each(f->pg, f->provider, f->month, read_tree, &x);
    if (status == PG_INVALID)
        status = x.status;
    if (key != NULL)
        (void)snprintf(f->note, sizeof f->note, "%lld erased", (long long)x.erased);
    close_block(&x.block);
    sodium_free(key);
    return status;
}
