#include "worker/export_file.h"

#include "signing/reading_key.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Room for the longest line behind a chunk that is nearly full. */
#define TEXT_MAXIMUM (EXPORT_CHUNK_BYTES + 256 * 1024)

void export_file_begin(struct export_file *f, struct pg *pg, const char *provider, const char *id, const uint8_t *key)
{
    memset(f, 0, sizeof *f);
    f->pg = pg;
    f->provider = provider;
    f->id = id;
    f->key = key;
    f->status = PG_OK;
    buf_init(&f->text, TEXT_MAXIMUM);
    (void)crypto_hash_sha256_init(&f->hash);
}

static bool store_sealed(struct export_file *f, size_t length)
{
    char context[64];
    (void)snprintf(context, sizeof context, "%s/%s/%lld", f->provider, f->id, (long long)f->chunks);
    uint8_t *sealed = malloc(length + READING_OVERHEAD);
    bool ok = sealed && reading_seal(f->key, context, f->text.data, length, sealed);
    if (ok)
        f->status = export_add(f->pg, f->provider, f->id, f->chunks, sealed, length + READING_OVERHEAD);
    free(sealed);
    return ok && f->status == PG_OK;
}

static bool store_chunk(struct export_file *f, size_t length)
{
    (void)crypto_hash_sha256_update(&f->hash, (const unsigned char *)f->text.data, length);
    if (f->key) {
        if (!store_sealed(f, length))
            return false;
    } else {
        f->status = export_add(f->pg, f->provider, f->id, f->chunks, f->text.data, length);
        if (f->status != PG_OK)
            return false;
    }
    f->chunks++;
    f->bytes += (int64_t)length;
    buf_drop_front(&f->text, length);
    return true;
}

bool export_file_line(struct export_file *f)
{
    while (f->text.length >= EXPORT_CHUNK_BYTES) {
        if (!store_chunk(f, EXPORT_CHUNK_BYTES))
            return false;
    }
    return !f->text.failed;
}

bool export_file_end(struct export_file *f, struct export_result *out)
{
    if (!export_file_line(f) || (f->text.length > 0 && !store_chunk(f, f->text.length)))
        return false;
    out->bytes = f->bytes;
    out->chunks = f->chunks;
    (void)crypto_hash_sha256_final(&f->hash, out->sha256);
    return true;
}

void export_file_free(struct export_file *f)
{
    if (f->text.data)
        sodium_memzero(f->text.data, f->text.capacity);
    buf_free(&f->text);
    sodium_memzero(&f->hash, sizeof f->hash);
}

bool export_cell(struct buf *out, bool first, const char *text, size_t length)
{
    bool formula = length > 0 && strchr("=+-@\t\r", text[0]) != NULL;
    bool quote = formula;
    for (size_t i = 0; i < length && !quote; i++)
        quote = text[i] == '"' || text[i] == ',' || text[i] == '\n' || text[i] == '\r';
    bool ok = (first || buf_append_char(out, ',')) && (!quote || buf_append_char(out, '"')) &&
              (!formula || buf_append_char(out, '\''));
    if (!quote)
        return ok && buf_append(out, text, length);
    for (size_t i = 0; i < length && ok; i++)
        ok = (text[i] != '"' || buf_append_char(out, '"')) && buf_append_char(out, text[i]);
    return ok && buf_append_char(out, '"');
}
