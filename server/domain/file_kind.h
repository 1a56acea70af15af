/* What a file is by its first bytes, when it is no text of ours: a spreadsheet, an archive, another encoding. Pure. */
#ifndef RECKONER_DOMAIN_FILE_KIND_H
#define RECKONER_DOMAIN_FILE_KIND_H

#include <stddef.h>

enum upload_format { UPLOAD_CSV, UPLOAD_NDJSON };

/* Bytes that are enough to tell. */
#define FILE_KIND_BYTES 4

/* A plain sentence when the file cannot be CSV or NDJSON in UTF-8 whatever follows; NULL when it may be. */
const char *file_kind_problem(const unsigned char *head, size_t length, enum upload_format format);

#endif
