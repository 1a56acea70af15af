/* One check of one file: its plain bytes in; facts of rows, findings in canonical order and an outcome out. The same
 * for a submission, a rehearsal and `reckoner check`: they differ only in what each gives to it. No database, no
 * network; memory is bounded, temporary files (check/spool.h) hold what grows with the file.
 *
 *   check_new; check_feed for each piece of the file, in order; check_end_rows; check_finish;
 *   then check_add_finding for what else is known of rows (history, other providers);
 *   then any of check_each_row, check_each_finding, as often as wanted; check_free.
 *
 * One thread at a time. Calls that answer bool answer false when a temporary file or memory failed, or when a callback
 * asked to stop (then the caller knows): the check is over and can only be freed. */
#ifndef RECKONER_CHECK_CHECK_H
#define RECKONER_CHECK_CHECK_H

#include "check/appraisal.h"
#include "check/identity.h"
#include "domain/cross_rows.h"
#include "domain/finding_line.h"

struct check;

/* Everything is borrowed and must outlive the check, but identity_key. */
struct check_input {
    const struct upload_context *context;
    enum upload_format format;
    const uint8_t *identity_key; /* IDENTITY_KEY_SIZE bytes; drawn at random where hashes need not last */
    const char *spool_folder;
    bool gzip;                            /* the bytes are a gzip stream; they are unpacked as they come */
    int64_t unpacked_maximum;             /* most bytes of it, unpacked */
    const struct column_mapping *mapping; /* the sender's own column names; NULL: ours */
    void *observer;                       /* what the callbacks are called with; each of them may be NULL */
    /* Each row that could be read, once, in order of row_no, while the bytes arrive: for what else is made of rows.
     * facts has what the row fails by itself; rules across rows are not known yet. *tag (0 at first) comes back in the
     * row's cross_row. false stops. */
    bool (*on_row)(void *observer, const struct checked_row *row, const struct episode *facts, uint32_t *tag);
    /* All rows of a patient in order of start, once for each patient, during check_finish. */
    void (*on_patient)(void *observer, const struct cross_row *rows, size_t count);
    /* Asked now and then during long work; false stops. */
    bool (*keep_on)(void *observer);
};

struct check_outcome {
    uint32_t rows;        /* of the file, faulty ones included */
    uint32_t empty_rows;  /* rows without any value at the end of a CSV, passed over */
    int64_t payable_rows; /* without an ERROR by default of the rules that need no terms */
    bool refused;         /* a FILE rule was broken (F13 apart) */
    bool held;            /* F13 was */
};

/* NULL: out of memory. libsodium must be initialised. */
struct check *check_new(const struct check_input *input);
/* NULL is allowed. Wipes what it held of the last rows. */
void check_free(struct check *c);

bool check_feed(struct check *c, const void *bytes, size_t length);
/* The file is complete: its last row is given, which may have no line end. */
bool check_end_rows(struct check *c);
/* Rules across rows and of the file, behind check_end_rows, which it calls unless that was done. */
bool check_finish(struct check *c, struct check_outcome *out);
/* Rows read so far. */
uint32_t check_rows(const struct check *c);

/* A finding that the file alone could not give. Its row counts as failing the rule from now on; a rule that the row
 * fails already is not told twice. */
bool check_add_finding(struct check *c, const struct finding *f);

/* Facts of every row in order, final failed and continues included. Not for refused files: their rows may have gaps. */
bool check_each_row(struct check *c, bool (*each)(void *context, const struct episode *row), void *context);
/* The same for the rows that have changed since on_row was given them (failed, continues, a text that is covered), or
 * since check_settle, and for those whose bit is set in `also` (row 1 is the lowest bit of the first byte; check_rows
 * bits, or NULL for none); and the number of those that have changed. */
bool check_each_changed_row(struct check *c, const uint8_t *also,
                            bool (*each)(void *context, const struct episode *row), void *context);
uint32_t check_changed_rows(const struct check *c);
/* What has changed so far is taken note of. */
void check_settle(struct check *c);
/* All that have changed since on_row was given them, as they were then and as they are. */
bool check_each_correction(struct check *c,
                           bool (*each)(void *context, const struct episode *before, const struct episode *after),
                           void *context);
/* Whether it is clear already that the file will be refused. */
bool check_is_refused(const struct check *c);

/* Keyed hashes of the file's identifiers (domain/leak.h), each once and ascending, at most `most` at a time. Rows and
 * findings are given with aliases and hidden values in place of texts that hold one (check/leaks.h). */
bool check_each_identifier(struct check *c, size_t most,
                           bool (*each)(void *context, const int64_t *hashes, size_t count), void *context);

/* Every finding in canonical order: row, then rule in the order of rules.tsv. With an appraisal (NULL: none) the rules
 * that depend on terms, severities and amounts come with it, unless the file is refused; of_terms tells such a
 * finding. line is borrowed until the callback returns; each returns false to stop. */
bool check_each_finding(struct check *c, const struct appraisal *appraisal,
                        bool (*each)(void *context, const struct finding_line *line, bool of_terms), void *context);

#endif
