/* What a billing run bills: position less billed before, as differences line by line. Pure. */
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

enum bill_status {
    BILL_DONE,
    BILL_MISMATCH,     /* billed before is not the billable sum of the last billed position: nothing may be drafted */
    BILL_BAD_DOCUMENT, /* the last billed position document cannot be read */
    BILL_OVERFLOW,
    BILL_NO_MEMORY
};

/* now: position document to be billed; before: the one last billed, NULL when nothing was billed; billed: sum of the
 * documents issued. *out is filled for BILL_DONE alone; free with bill_free. */
enum bill_status bill_compute(const json_t *now, const json_t *before, int64_t billed, struct bill *out);
void bill_free(struct bill *b);

/* Whether a bill refers to an earlier issued document: it changes a month that document billed. When it changes lines
 * of the year to date alone, it refers to every document that billed a month. Bits as in months_changed. */
bool bill_refers_to(uint32_t changed, uint32_t billed_months);

/* The sanity bound of the terms: whether |balance| is above bound_ppm of the month's plan. No bound (-1) or no plan:
 * never. The balance of a month's first bill covers all months not yet billed, so planned is the plan of those months.
 */
bool bill_beyond_bound(int64_t balance, int64_t planned, int64_t bound_ppm);

#endif
