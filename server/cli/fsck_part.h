/* What the parts of `reckoner fsck` share: where a part says what it found, and the table of parts in cli/fsck.c. A
 * part goes on after a difference, changes nothing, and works in the one snapshot that fsck has opened. */
#ifndef RECKONER_CLI_FSCK_PART_H
#define RECKONER_CLI_FSCK_PART_H

#include "base/json.h"
#include "cli/command.h"

struct fsck_part;

struct fsck {
    struct cli *cli;
    struct pg *pg;        /* in a read-only snapshot; statements may take an hour */
    const char *provider; /* NULL: all; only parts that go by submission look at it */
    month_t month;        /* -1: all */
    const char *seal_key; /* file of the secret sealing key, NULL when it was not given */
    int64_t pending_seconds;
    bool json;
    bool out_of_memory; /* set by a part that answers PG_FAILED for that reason */
    /* Of the part under way. */
    const struct fsck_part *part;
    int64_t checked;
    int64_t differences;
    int64_t next_progress; /* monotonic microseconds */
    char note[160];        /* beside the count: what could not be looked at; "" for nothing */
};

struct fsck_part {
    const char *name;   /* "log" */
    const char *what;   /* one line: what is held against what */
    const char *unit;   /* what checked counts: "entries" */
    bool by_submission; /* can be narrowed to a provider or a month */
    /* PG_OK when it came to the end, differences or not. */
    enum pg_status (*check)(struct fsck *f);
};

/* One difference: what of the row of a table, found and expected. key is the row's primary key, parts separated by
 * slashes. Texts are cut at 200 bytes. */
void fsck_differs(struct fsck *f, const char *table, const char *key, const char *what, const char *found,
                  const char *expected);
/* The same for numbers and hashes. */
void fsck_differs_i64(struct fsck *f, const char *table, const char *key, const char *what, int64_t found,
                      int64_t expected);
void fsck_differs_hash(struct fsck *f, const char *table, const char *key, const char *what, const uint8_t *found,
                       const uint8_t *expected);
/* n more things were looked at; says so on standard error now and then. */
void fsck_count(struct fsck *f, int64_t n);
/* Every row of a result of store/integrity.h is a difference. Clears the result. */
enum pg_status fsck_take(struct fsck *f, enum pg_status status, PGresult *result);

/* The secret sealing key, to be freed with sodium_free. NULL: none was given, which the note says, or (*wrong) it is of
 * no use, said why. */
struct unseal_key;
struct unseal_key *fsck_open_key(struct fsck *f, bool *wrong);

enum pg_status fsck_statistics(struct fsck *f);
enum pg_status fsck_rows(struct fsck *f);
/* The trees of rows that a statement states, against those there are; of the part that reads statements. */
enum pg_status fsck_stated_trees(struct fsck *f, const char *key, const json_t *statement);
enum pg_status fsck_log(struct fsck *f);
enum pg_status fsck_audit(struct fsck *f);
enum pg_status fsck_signatures(struct fsck *f);
enum pg_status fsck_statements(struct fsck *f);
enum pg_status fsck_positions(struct fsck *f);
enum pg_status fsck_documents(struct fsck *f);
enum pg_status fsck_uploads(struct fsck *f);
enum pg_status fsck_records(struct fsck *f);

#endif
