/* The check file: everything that a check of one upload needs where there is neither network nor database. The service
 * writes it (GET /v1/providers/{provider}/check-file), `reckoner check` reads it. Format: api/formats/check-file.md. */
#ifndef RECKONER_DOMAIN_CHECK_FILE_H
#define RECKONER_DOMAIN_CHECK_FILE_H

#include "base/clock.h"
#include "base/json.h"
#include "domain/column_mapping.h"
#include "domain/terms.h"
#include "domain/validation.h"

#define CHECK_FILE_PURPOSE    "reckoner/check-file/1"
#define CHECK_FILE_MEDIA_TYPE "application/vnd.reckoner.check-file+json"
/* Longest check file, in bytes: all of it is held in memory on both sides. */
#define CHECK_FILE_MAXIMUM (16 * 1024 * 1024)
/* Most contracts with an account in one. */
#define CHECK_FILE_CONTRACTS 1000

/* A contract's commissioner and the terms in force for the month. */
struct check_file_account {
    char contract[24];
    char commissioner[8];
    const struct terms *terms; /* NULL: no approved terms; owned by the check file */
    int64_t version;           /* of the terms; 0 without */
    char digest[65];           /* of the terms, hexadecimal; "" without */
};

struct check_file {
    char provider[8];
    month_t month;
    instant_t exported_at;
    date_t provider_from; /* live days [from, to) */
    date_t provider_to;   /* DATE_NONE = still live */
    struct reference reference;
    char digests[REFERENCE_KINDS][65];        /* SHA-256 of each kind's file, hexadecimal; "" when not loaded */
    struct organisation_dates *commissioners; /* sorted by code, then from; owned */
    size_t commissioner_count;
    struct check_file_account *accounts; /* owned */
    size_t account_count;
    struct column_mapping *mapping; /* owned; NULL when none is saved */
    struct terms **terms;           /* owned, by contract */
    size_t terms_count;
};

/* Reads a whole check file. Refuses one of another purpose or rule set, with a digest that is not its content's, or
 * with a member that is missing, unknown or wrong. false: one sentence in problem (size bytes); *f can only be freed.
 */
bool check_file_read(struct check_file *f, const char *text, size_t length, char *problem, size_t size);
void check_file_free(struct check_file *f);

/* The writer's side. A reference file as a member: {"content": base64, "sha256": hexadecimal}, null without content. A
 * new reference; NULL when memory ran out. */
json_t *check_file_content(const char *content, size_t length, bool loaded);

/* The contracts of accounts that come by contract: [{"contract", "commissioners", "terms": {"version", "digest"} or
 * null}]. A new reference; NULL when memory ran out. */
json_t *check_file_terms(const struct check_file_account *accounts, size_t count);

#endif
