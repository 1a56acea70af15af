/* What a billing run bills: position less billed before, as differences line by line; and the instalments of billing on
 * account. Pure. Source: spec of settlement, "Billing". */
#ifndef RECKONER_DOMAIN_BILLING_H
#define RECKONER_DOMAIN_BILLING_H

#include "domain/position.h"

enum bill_kind { BILL_INVOICE, BILL_CREDIT_NOTE, BILL_NIL_STATEMENT };
/* As in document.kind: "invoice", "credit_note", "nil_statement". */
const char *bill_kind_name(enum bill_kind k);

/* Difference of one line from the last billed position. A changed price shows as two: the old price with its units
 * reversed, the new one with its own. */
struct bill_line {
    char *key;
    char *stage;
    month_t month;       /* -1 for lines of the year to date */
    char cluster[3];     /* "" but for activity */
    char *basis;         /* NULL but for activity */
    int64_t price_pence; /* -1 but for activity */
    int64_t units;
    int64_t pence;
    char *label;
};

struct bill {
    enum bill_kind kind;
    int64_t balance;        /* billable position - billed before = sum of the lines */
    struct bill_line *line; /* in the order of the position document; lines that only the old one had come last */
    size_t count;
    uint32_t months_changed; /* bit 0 = April: months whose lines it changes */
};

/* What stands against a position beside the documents of its own settlement. */
struct bill_set_off {
    int64_t opening;    /* opening entries: documents issued elsewhere; 0 on account, where they count as instalments */
    int64_t on_account; /* what the instalments come to by the end of the billed month; 0 when billing is actual */
};

/* What was billed so far. */
struct bill_before {
    const json_t *position;      /* position document billed last; NULL when nothing was */
    struct bill_set_off set_off; /* as it was when that was billed; zero when nothing was */
    int64_t documents;           /* sum of the documents of settlement issued, without instalments */
};

enum bill_status {
    BILL_DONE,
    BILL_MISMATCH, /* the documents issued are not the last billed position less its set-off: nothing may be drafted */
    BILL_BAD_DOCUMENT, /* the last billed position document cannot be read */
    BILL_OVERFLOW,
    BILL_NO_MEMORY
};

/* now: position document to be billed; off: what is set off against it. The lines are the differences of the two
 * positions, then those of the set-off (keys "opening_entries", "on_account"). *out is filled for BILL_DONE alone; free
 * with bill_free. */
enum bill_status bill_compute(const json_t *now, const struct bill_set_off *off, const struct bill_before *before,
                              struct bill *out);
void bill_free(struct bill *b);

/* Whether a bill refers to an earlier issued document: it changes a month that document billed. When it changes lines
 * of the year to date alone, it refers to every document that billed a month. Bits as in months_changed. */
bool bill_refers_to(uint32_t changed, uint32_t billed_months);

/* The plan that a balance is measured against: of the months billed for the first time, which are those behind the
 * position billed before (its document; NULL: none) to the billed month; of the run's month alone where there are none.
 * plan: of each month from the first of the year. */
int64_t bill_planned(const int64_t plan[TERMS_MONTHS], month_t first, month_t billed, month_t run,
                     const json_t *before);

/* The sanity bound of the terms: whether |balance| is above bound_ppm of the month's plan. No bound (-1) or no plan:
 * never. The balance of a month's first bill covers all months not yet billed, so planned is the plan of those months.
 */
bool bill_beyond_bound(int64_t balance, int64_t planned, int64_t bound_ppm);

/* What the instalments come to by the end of month k (1 = April .. 12): round(eacv * k / 12). false: beyond 64 bits. */
bool instalments_due(int64_t eacv, int32_t k, int64_t *pence);

/* One document: brings the sum of the instalments from before to due. */
struct instalment {
    int32_t k;
    int64_t before;
    int64_t due;
};

/* What the instalments issued so far leave to be drafted. */
struct instalments_issued {
    int32_t to;    /* highest k issued, here or by opening entries; 0: none */
    int64_t pence; /* their sum, opening entries included */
};

/* The instalments to draft when month number `month` has begun: each k behind the last issued, in order, whose sum
 * differs from the one before; once the twelfth is issued, one more of the twelfth when what is due has changed. due[k
 * - 1] is what they come to by the end of month k. Returns how many of out were filled. */
int32_t instalments_to_draft(const int64_t due[TERMS_MONTHS], const struct instalments_issued *issued, int32_t month,
                             struct instalment out[TERMS_MONTHS]);

#endif
