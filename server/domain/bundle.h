/* The members of a bundle: their names, order and sizes (api/formats/bundle.md). Reading finds them in bytes that are
 * mapped or in memory, and copies nothing. Pure. */
#ifndef RECKONER_DOMAIN_BUNDLE_H
#define RECKONER_DOMAIN_BUNDLE_H

#include "base/date.h"
#include "base/ustar.h"

#define BUNDLE_KEYS   64
#define BUNDLE_TERMS  500
#define BUNDLE_MONTHS 12 /* as many as a financial year has */

/* Room for why a bundle cannot be used. */
#define BUNDLE_TROUBLE_SIZE 400

#define BUNDLE_README         "README.txt"
#define BUNDLE_STATEMENT      "statement.json"
#define BUNDLE_STATEMENT_SIG  "statement.json.sig"
#define BUNDLE_STATEMENT_MINI "statement.json.minisig"
#define BUNDLE_PREVIOUS       "previous.json"
#define BUNDLE_BILLED         "billed.json"
#define BUNDLE_BILLED_SIG     "billed.json.sig"
#define BUNDLE_CHECKPOINT     "checkpoint"
#define BUNDLE_LOG            "log.json"
#define BUNDLE_INPUTS         "inputs.json"
#define BUNDLE_MOVED          "moved.csv"
#define BUNDLE_DOCUMENT       "document.json"

/* Bytes in the archive; bytes NULL: the member is not there. */
struct bundle_file {
    const char *bytes;
    size_t length;
};

struct bundle_key {
    char id[17];
    struct bundle_file pem;
    struct bundle_file pub;
};

struct bundle_terms {
    int64_t version;
    struct bundle_file body;
};

struct bundle_month {
    month_t month;
    struct bundle_file receipt;
    struct bundle_file receipt_signature;
    struct bundle_file rows;
};

struct bundle {
    struct bundle_file readme;
    struct bundle_file statement;
    struct bundle_file signature;
    struct bundle_file minisig;
    struct bundle_file previous;
    struct bundle_file billed;
    struct bundle_file billed_signature;
    struct bundle_file checkpoint;
    struct bundle_file log;
    struct bundle_file inputs;
    struct bundle_file moved;
    struct bundle_file document;
    struct bundle_key key[BUNDLE_KEYS]; /* by id */
    size_t key_count;
    struct bundle_terms terms[BUNDLE_TERMS]; /* by version */
    size_t terms_count;
    struct bundle_month month[BUNDLE_MONTHS]; /* by month: those with receipts or rows */
    size_t month_count;
};

/* Finds the members. false: where (size bytes) says in plain words what is not as the format has it; *out then holds
 * what came before. */
bool bundle_read(const char *bytes, size_t length, struct bundle *out, char *where, size_t size);

/* The key of an id, or NULL. */
const struct bundle_key *bundle_key_of(const struct bundle *b, const char *id);

#endif
