/* What the migrate_*.c files share. Nothing outside them includes this. */
#ifndef RECKONER_STORE_MIGRATE_INTERNAL_H
#define RECKONER_STORE_MIGRATE_INTERNAL_H

#include <stdbool.h>
#include <stddef.h>

#define MIGRATION_NAME_SIZE 80
#define MIGRATION_LIMIT     999

struct migration {
    int version;
    char name[MIGRATION_NAME_SIZE]; /* of the file, without .sql */
    char sha256[65];                /* of the file, hexadecimal */
    char *sql;                      /* owned, NUL-terminated */
};

struct migration_folder {
    struct migration *all; /* by version, from 1 */
    int count;
};

/* Reads the migrations of a folder. false: problem says why. migration_folder_free is safe in both cases. */
bool migration_folder_read(struct migration_folder *f, const char *folder, char *problem, size_t size);
void migration_folder_free(struct migration_folder *f);

#endif
