/* Checking a bundle offline (api/formats/bundle.md), and what its stages share. One file of stages each:
 * bundle_signed.c, bundle_agreed.c, bundle_rows.c, bundle_billing.c; bundle_checking.c calls them in order. Pure. */
#ifndef RECKONER_PROOF_BUNDLE_CHECKING_H
#define RECKONER_PROOF_BUNDLE_CHECKING_H

#include "domain/bundle.h"
#include "domain/bundle_case.h"
#include "proof/checkpoint.h"

enum check_stage {
    CHECK_FORM,
    CHECK_CONTENT,
    CHECK_SIGNATURE,
    CHECK_KEY,
    CHECK_PREVIOUS,
    CHECK_CHECKPOINT,
    CHECK_INCLUSION,
    CHECK_TERMS,
    CHECK_RECEIPTS,
    CHECK_ROWS,
    CHECK_INPUTS,
    CHECK_POSITION,
    CHECK_BILLING,
    CHECK_DOCUMENT,
    CHECK_STAGES
};

/* The name of a stage, and in words what it looks at. */
const char *check_stage_name(enum check_stage stage);
const char *check_stage_about(enum check_stage stage);

enum outcome { OUTCOME_GOOD, OUTCOME_DIFFERS, OUTCOME_NOT_CHECKED };

#define DETAIL_SIZE 500

struct verdict {
    enum outcome outcome;
    char detail[DETAIL_SIZE];
};

/* Bytes of a file that the caller gave. */
struct given {
    const char *bytes; /* NULL: not given */
    size_t length;
};

struct checking {
    struct bundle b;
    struct given key;
    struct given checkpoint;
    struct verdict verdict[CHECK_STAGES];

    json_t *statement;
    json_t *log;
    const json_t *account; /* of the statement */
    month_t month;         /* of the run */
    month_t last;          /* the later of it and the billed month */
    json_t *billed;        /* billed.json; NULL: none, or it cannot be read */
    struct public_key keys[BUNDLE_KEYS];
    bool key_read[BUNDLE_KEYS];
    struct checkpoint_note note;
    bool note_read;
    struct bundle_inputs inputs;
    bool inputs_read;
    struct json_problem inputs_problem;
    struct terms_version versions[BUNDLE_TERMS];
    size_t version_count;
    bool terms_read;
    struct bundle_case *position;
    bool rows_read;
    int64_t erased;
};

/* Notes the first difference of a stage; later ones are left. Always false. */
bool differs(struct checking *x, enum check_stage stage, const char *format, ...) __attribute__((format(printf, 3, 4)));
/* Why a stage is not checked, unless it differs. */
void not_checked(struct checking *x, enum check_stage stage, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* What to add to a stage that is good. */
void remark(struct checking *x, enum check_stage stage, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* SHA-256 as 64 hexadecimal digits. */
void bundle_digest(const struct bundle_file *file, char hex[65]);
/* The submission of a month in the statement; NULL: none. */
const json_t *submission_of_month(const struct checking *x, month_t month);
/* The month that a member names; -1: none. */
month_t month_member(const json_t *object, const char *member);
/* The instant that a member names. */
bool instant_member(const json_t *object, const char *member, instant_t *out);

/* The first entry of the log behind *at of a kind whose member is this text; *at moves behind it. NULL: no more. */
const json_t *log_next(const struct checking *x, const char *kind, const char *member, const char *text, size_t *at);
/* The entry of a signed record by digest. */
const json_t *log_record(const struct checking *x, const char *kind, const char *sha256);
/* Whether a key of the bundle made this signature of the bytes; id (17 bytes) then names it. */
bool signed_by_bundle(const struct checking *x, const struct bundle_file *bytes, const struct bundle_file *signature,
                      char id[17]);

/* Every stage, on bytes that stay where they are until checking_free. x is zeroed but for key and checkpoint. */
void bundle_check_all(struct checking *x, const char *bytes, size_t length);
/* NULL: nothing differs. stage: when not NULL, its name. */
const struct verdict *bundle_first_difference(const struct checking *x, const char **stage);
void checking_free(struct checking *x);

/* Hands the rows on, month by month, those moved in last. After a check that found nothing amiss with them. false: each
 * said so. */
bool bundle_each_row(const struct checking *x,
                     bool (*each)(void *context, month_t month, const struct row_line *line, bool moved),
                     void *context);

/* bundle_signed.c */
void bundle_check_signature(struct checking *x);
void bundle_check_key(struct checking *x);
void bundle_check_previous(struct checking *x);
void bundle_check_checkpoint(struct checking *x);
void bundle_check_inclusion(struct checking *x);
/* bundle_agreed.c */
void bundle_check_terms(struct checking *x);
void bundle_check_receipts(struct checking *x);
/* bundle_rows.c */
void bundle_check_rows(struct checking *x);
void bundle_check_inputs(struct checking *x);
void bundle_check_position(struct checking *x);
/* bundle_billing.c */
void bundle_check_billing(struct checking *x);
void bundle_check_document(struct checking *x);

#endif
