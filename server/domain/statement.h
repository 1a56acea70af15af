/* The settlement statement: what the worker signs when a run is made. Format: api/formats/statement.md. Pure. */
#ifndef RECKONER_DOMAIN_STATEMENT_H
#define RECKONER_DOMAIN_STATEMENT_H

#include "base/date.h"
#include "base/json.h"

#define STATEMENT_PURPOSE "reckoner/statement/1"

/* The commitment to the rows of one commissioner in a submission (rows.md). */
struct statement_tree {
    const char *commissioner;
    int64_t rows;
    const char *root; /* hexadecimal */
};

struct statement_submission {
    month_t month;
    int64_t version;
    const char *id;
    const char *sha256; /* of the bytes as sent, hexadecimal */
    int64_t bytes;
    int64_t rows;
    const struct statement_tree *trees; /* by commissioner, each once; the account's own among them */
    size_t tree_count;
};

struct statement_input {
    const char *provider;
    const char *contract;
    const char *commissioner;
    int32_t financial_year;
    bool shadow;
    const char *run; /* id */
    const char *type;
    int64_t n;
    month_t month;
    const char *cause;
    instant_t sealed_at;
    bool demonstration; /* the clock was driven by hand */
    const char *engine;
    const char *key_id;          /* as minisign prints it */
    int64_t sequence;            /* 1, 2 ... within the account */
    const char *previous_sha256; /* of the account's statement before; NULL for the first */
    const struct statement_submission *submissions;
    size_t submission_count;
    const json_t *bridges;  /* of a run that raised itself, why each month changed; NULL for the others; borrowed */
    const json_t *position; /* position document of the run's month; borrowed */
    const char *position_sha256;
    int64_t position_pence;
    /* When the run bills; else NULL and not used. */
    const json_t *billed_position; /* document of the month that is billed: the run's, or the billing head's */
    const char *billed_sha256;
    month_t billed_month;
    int64_t billable_pence;
    int64_t billed_before_pence; /* documents issued and what is set off beside them */
    int64_t opening_pence;       /* of it: opening entries */
    bool on_account;
    int64_t on_account_pence; /* of it, with on_account: instalments to the end of the billed month */
    /* The draft it made; NULL when none. */
    const char *draft;
    const char *draft_kind;
};

/* Canonical bytes; malloc'd, *length set; NULL when memory ran out. */
char *statement_bytes(const struct statement_input *in, size_t *length);

/* The checks that need nothing but the bytes of a statement, in the order in which they are made. */
enum statement_check {
    STATEMENT_GOOD,
    STATEMENT_NOT_JSON,        /* not JSON of our kind */
    STATEMENT_PURPOSE_WRONG,   /* of another purpose or version */
    STATEMENT_INCOMPLETE,      /* a member is missing or of another kind */
    STATEMENT_NOT_CANONICAL,   /* not the one form of its value */
    STATEMENT_POSITION_DIGEST, /* an embedded position has other bytes than its digest says */
    STATEMENT_POSITION_LINES,  /* lines of a position do not add up */
    STATEMENT_POSITION_OTHER,  /* a position is of another account or month */
    STATEMENT_BALANCE,         /* billed before + balance is not the billable position */
    STATEMENT_DRAFT,           /* the draft is not of the balance */
    STATEMENT_TREE,            /* a submission lacks the account's row tree, or one cannot be of it */
    STATEMENT_BRIDGE           /* the causes of a bridge do not add up, or it does not end at the position */
};

/* Checks a statement; *statement gets the parsed value (a new reference) when the bytes are JSON, else NULL. where
 * (size bytes) names the first difference in plain words: member, value found, value expected. */
enum statement_check statement_check(const char *bytes, size_t length, json_t **statement, char *where, size_t size);

#endif
