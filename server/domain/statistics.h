/* What a position must know of a submission's rows of one commissioner, whatever the terms: its sufficient statistics.
 * Settlement reads these instead of the rows. Three parts, encoded apart, because most terms need the first alone:
 *   days        for each class of rows, how many days are admitted, not admitted, or closing, by day of the month
 *   stays       rows of one class, start, end and admitted days, with their number: for PERIOD, and for months in which
 *               some days have a price and others do not (K06 makes a whole row unpayable)
 *   candidates  each row that may earn an assessment: once for a patient and referral in the year, so one by one
 * A class is what terms look at in a row beside its days: cluster, service, rules failed, approval, under age. Rules
 * whose outcome depends on single dates (stop_pay_when_overdue, thresholds raised to ERROR) cannot be asked of
 * statistics: then these are made from the rows as those terms leave them (payability_reduce). Rows whose cluster is no
 * currency earn nothing and are counted in rows alone. Canonical: the same rows in any order give the same bytes. Pure.
 */
#ifndef RECKONER_DOMAIN_STATISTICS_H
#define RECKONER_DOMAIN_STATISTICS_H

#include "base/buf.h"
#include "domain/episode.h"

#define STATISTICS_DAYS 31
/* Version of the encoding; first byte of each part. */
#define STATISTICS_FORM 2
/* Bounds of one commissioner's statistics in one month. Over them nothing is stored and settlement reads the rows. */
#define STATISTICS_MAX_CLASSES    (1 << 16)
#define STATISTICS_MAX_STAYS      (1 << 21)
#define STATISTICS_MAX_CANDIDATES (1 << 19)
/* Longest encoded part, in bytes. */
#define STATISTICS_MAX_PART (64 << 20)

struct statistics_class {
    rule_set_t failed; /* rules failed whatever the terms */
    int16_t cluster;   /* 0..21 */
    bool approved;
    bool minor;
    char service[EPISODE_SERVICE_SIZE]; /* "" = none */
};

/* Days of service of the rows of a class, by day of the month (index 0 is the first). A closing day is paid under
 * end_inclusive alone; it is apart for rows whose admitted days reach over it and for others. */
struct statistics_days {
    int64_t admitted[STATISTICS_DAYS];
    int64_t others[STATISTICS_DAYS];
    int64_t closing_admitted[STATISTICS_DAYS];
    int64_t closing_others[STATISTICS_DAYS];
};

/* Rows that are alike: at least one day of the month, or a closing day in it. */
struct statistics_stay {
    date_t start;    /* of the row, not clipped: PERIOD counts from it */
    int32_t class;   /* place in statistics.class */
    int8_t to;       /* days of the month before the row's end: [first of the month or start, to); 0..31 */
    int8_t admitted; /* of its days in the month, closing day included: 0..32 */
    bool closing;    /* its end is a closing day in this month: no other row of the patient starts on it */
    int64_t count;
};

/* A row that may earn an assessment, with what decides whether it is payable. */
struct statistics_candidate {
    uint8_t patient[16];
    date_t referral; /* referral date, or the MHCT date when there is none */
    date_t mhct_date;
    char episode_id[EPISODE_ID_SIZE];
    int32_t row_no; /* in its file, from 1; 0 where rows have none */
    int32_t class;
    bool assessment_only; /* it has no days */
    date_t start;         /* as in its stay, which counts it too; DATE_NONE when it has none */
    int8_t to;
    int8_t admitted;
    bool closing;
};

enum statistics_part { STATISTICS_PART_DAYS, STATISTICS_PART_STAYS, STATISTICS_PART_CANDIDATES, STATISTICS_PARTS };

/* Owned arrays; statistics_free. Zeroed: of no row. */
struct statistics {
    month_t month;
    uint32_t parts; /* those that are there: bit 1 << enum statistics_part */
    int64_t rows;   /* all rows of the commissioner, those that count for nothing included */
    int32_t class_count;
    struct statistics_class *class; /* strictly ascending */
    struct statistics_days *days;   /* one for each class */
    size_t stay_count;
    struct statistics_stay *stay; /* strictly ascending by class, start, to, admitted, closing */
    size_t candidate_count;
    struct statistics_candidate *candidate; /* ascending by patient, referral, MHCT date, episode id */
};
void statistics_free(struct statistics *s);

/* Collects the rows of one commissioner in one month, in any order. bounded: stop at the bounds above. */
struct statistics_builder;
struct statistics_builder *statistics_builder_new(month_t month, bool bounded); /* NULL: out of memory */
void statistics_builder_free(struct statistics_builder *b);
enum statistics_added {
    STATISTICS_ADDED,
    STATISTICS_OVER_BOUNDS, /* stays so: the builder takes no more rows */
    STATISTICS_NO_MEMORY
};
/* A row, count times: rows that are alike in all that is kept of them. Negative: taken out again, exactly as it was
 * added before (its marks turned out otherwise). A row that may earn an assessment is kept once, whatever the count. */
enum statistics_added statistics_builder_add(struct statistics_builder *b, const struct episode *e, int64_t count);
/* The same in two steps, for several rows at a time: the first asks the processor for the place where the second puts
 * the row's stay, which it would wait for. Nothing else happens to the builder in between but the steps of others. */
struct statistics_step {
    bool stays;
    struct statistics_stay stay;
};
enum statistics_added statistics_builder_begin(struct statistics_builder *b, const struct episode *e, int64_t count,
                                               struct statistics_step *out);
enum statistics_added statistics_builder_end(struct statistics_builder *b, const struct statistics_step *step);
/* The statistics of the rows so far; the builder keeps its own and may take more. false: out of memory, or a row was
 * taken out that was never added. */
bool statistics_builder_make(const struct statistics_builder *b, struct statistics *out);
/* How many classes, stays and candidates it holds. */
size_t statistics_builder_kinds(const struct statistics_builder *b);

/* Whether the row may earn an assessment in the month under some terms. */
bool statistics_is_candidate(month_t month, const struct episode *e);

/* Appends the encoding of a part. false: out of memory, or the part is longer than the buffer's bound. */
bool statistics_encode(const struct statistics *s, enum statistics_part part, struct buf *out);

struct bytes {
    const void *at; /* NULL: the part was not loaded */
    size_t length;
};
enum statistics_decoded { STATISTICS_DECODED, STATISTICS_DAMAGED, STATISTICS_DECODE_NO_MEMORY };
/* Reads parts back, from bytes that may be anything: counts, order and bounds are checked, and nothing is allocated
 * that the bytes do not pay for. Each part repeats month, rows and classes, so that any can be read alone; those given
 * must agree. Free *out after STATISTICS_DECODED alone. */
enum statistics_decoded statistics_decode(const struct bytes part[STATISTICS_PARTS], struct statistics *out);

#endif
