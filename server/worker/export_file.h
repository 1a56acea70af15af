/* A file on its way into the database: collected into chunks, hashed, and encrypted when it has a key. Chunks of an
 * encrypted file are sealed one by one (signing/reading_key.h) for the context "<provider>/<export>/<seq>". */
#ifndef RECKONER_WORKER_EXPORT_FILE_H
#define RECKONER_WORKER_EXPORT_FILE_H

#include "base/buf.h"
#include "store/export.h"

#include <sodium.h>

#define EXPORT_CHUNK_BYTES (256 * 1024)

struct export_file {
    struct pg *pg;
    const char *provider;
    const char *id;
    const uint8_t *key; /* READING_KEY_SIZE bytes, or NULL */
    struct buf text;    /* not yet stored; what is written goes here, then export_file_line is called */
    crypto_hash_sha256_state hash;
    int64_t bytes;
    int64_t chunks;
    enum pg_status status; /* of the last store that failed */
};

void export_file_begin(struct export_file *f, struct pg *pg, const char *provider, const char *id, const uint8_t *key);
/* A line is complete in f->text: stores it when there is enough. false: memory ran out, or status. */
bool export_file_line(struct export_file *f);
/* Stores what is left; fills in bytes, chunks and sha256. */
bool export_file_end(struct export_file *f, struct export_result *out);
/* Wipes and frees. */
void export_file_free(struct export_file *f);

/* Appends a cell of CSV behind a comma (unless it is the line's first): quoted where needed. Text that a spreadsheet
 * would run as a formula (it begins with = + - @, a tab or a return) gets an apostrophe in front. */
bool export_cell(struct buf *out, bool first, const char *text, size_t length);

#endif
