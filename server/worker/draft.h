/* The document that a billing run drafts: its sums before anything is written, then its rows. Within the transaction of
 * the run, under account_lock. */
#ifndef RECKONER_WORKER_DRAFT_H
#define RECKONER_WORKER_DRAFT_H

#include "domain/billing.h"
#include "store/document.h"
#include "worker/settle.h"

struct run_draft {
    struct bill bill;
    struct bill_set_off set_off;
    bool on_account;
    int64_t billed_before;       /* documents issued and the set-off */
    char bill_to[RUN_CODE_SIZE]; /* who stands for the commissioner at work->now */
    struct document_draft document;
};

/* What stands against the position of a month that is billed. On account: what the instalments come to by its end,
 * issued or not. Billing actual: the opening entries. Failures are left in s. */
enum settlement_status set_off_find(struct settlement *s, month_t billed_month, struct bill_set_off *off,
                                    bool *on_account);
/* What the run bills. Other outcomes than OK leave reason, store_status and hold in work->settlement. */
enum settlement_status draft_make(struct run_work *work, struct run_draft *d);
/* Supersedes the open draft; writes the new one with its lines and what it refers to. */
enum pg_status draft_write(struct run_work *work, struct run_draft *d);
void draft_free(struct run_draft *d);

#endif
