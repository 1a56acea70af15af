/* Invoices, credit notes and nil statements of settlement, drafted by runs, and instalments on account: proposed by one
 * person of the provider, issued by another. */
#ifndef RECKONER_STORE_DOCUMENT_H
#define RECKONER_STORE_DOCUMENT_H

#include "domain/due_date.h"
#include "store/run.h"

/* Sum of the balances of the documents of settlement issued on the account, without instalments. */
enum pg_status document_billed(struct pg *pg, const struct account_key *account, int64_t *pence);

/* The document of settlement issued last. */
struct document_last {
    unsigned char sha256[32]; /* digest of the position that it billed */
    int64_t opening_pence;    /* set off in it: opening entries */
    int64_t on_account_pence; /* and instalments; 0 when billing was actual */
};
/* PG_NONE: nothing was issued. */
enum pg_status document_last_billed(struct pg *pg, const struct account_key *account, struct document_last *out);
/* The account's draft or proposed document of settlement, if any, gives way to a later run's. */
enum pg_status document_supersede(struct pg *pg, const struct account_key *account, instant_t at);

struct document_draft {
    const struct account_key *account;
    const char *kind;       /* invoice, credit_note, nil_statement */
    int64_t position_pence; /* billable position; of an instalment what the instalments come to with it */
    int64_t billed_pence;   /* opening entries and set-off included */
    int64_t opening_pence;  /* of billed_pence */
    instant_t drafted_at;
    const char *bill_to; /* who stands for the commissioner */
    /* Of settlement. */
    const char *run; /* NULL: an instalment */
    bool on_account;
    int64_t on_account_pence; /* of billed_pence, with on_account */
    /* Of an instalment. */
    int32_t instalment; /* 1 .. 12 */
    int64_t eacv_pence;
    int32_t terms_version;
    char id[IDENT_SIZE]; /* filled in */
};
enum pg_status document_insert(struct pg *pg, struct document_draft *d);
/* The same fields as a line of a run; key is the line of the position that it changes. */
enum pg_status document_add_line(struct pg *pg, const char *provider, const char *document, int64_t line_no,
                                 const struct run_line *l);
/* Many of them by one COPY: run_lines_add, then pg_copy_end. */
enum pg_status document_lines_begin(struct pg *pg, struct pg_copy **copy);
/* Documents of settlement issued on the account with the months of the financial year that their lines bill: columns id
 * and months (bit 0 = April). */
enum pg_status document_billed_months(struct pg *pg, const struct account_key *account, PGresult **result);
enum pg_status document_add_reference(struct pg *pg, const char *provider, const char *document, const char *refers_to);

/* A document's state for those who act on it. */
struct document_state {
    struct account_key account;
    char state[12]; /* draft, proposed, issued, superseded */
    char proposed_by[48];
    int64_t revision; /* the ETag */
};
enum pg_status document_state_for_update(struct pg *pg, const char *provider, const char *id,
                                         struct document_state *out);
/* draft -> proposed by the maker. PG_NONE: no longer a draft of this revision. */
enum pg_status document_propose(struct pg *pg, const char *provider, const char *id, int64_t revision,
                                const char *person, instant_t at);
/* account_lock of the document's account, until the transaction ends. PG_NONE: no such document. */
enum pg_status document_lock_account(struct pg *pg, const char *provider, const char *id);
/* What its due date is counted by. */
struct document_terms {
    char contract[IDENT_SIZE];
    bool nil;              /* a nil statement: nothing is to be paid */
    month_t month;         /* of its run or instalment */
    instant_t known_at;    /* of a run: the terms known then */
    int32_t terms_version; /* of an instalment; 0: a run's, by the month */
};
enum pg_status document_terms(struct pg *pg, const char *provider, const char *id, struct document_terms *out);
/* proposed -> issued by the signed-in person as checker, with the next number, the due date (NULL: none) and its ledger
 * postings, through reckoner.issue_document, which refuses with the problem codes not_found, precondition_failed
 * (another revision), not_proposed, same_person, no_successor and stale_draft (PG_REFUSED; pg_message names the code).
 */
enum pg_status document_issue(struct pg *pg, const char *provider, const char *id, int64_t revision, instant_t at,
                              const struct due_date *due, int64_t *number);

struct document_query {
    const char *provider;
    const char *contract; /* NULL: any, as for the next two */
    const char *commissioner;
    const char *state;
    instant_t known_at; /* as they were at that instant; INSTANT_NONE: as they are */
    const char *after;  /* id; "" = from the top */
    int64_t limit;
};
/* Newest first. */
enum pg_status document_list(struct pg *pg, const struct document_query *q, PGresult **result);
/* Columns as in reckoner.document, and the run's month, type and n; an instalment has its own month, and no type. As
 * known at an instant (INSTANT_NONE: now) what was done later is not there, and held_pence and revision, which are not
 * kept, are null. due_holidays: days separated by commas. PG_NONE: none visible, or not drafted by then. */
enum pg_status document_view(struct pg *pg, const char *provider, const char *id, instant_t known_at,
                             PGresult **result);
enum pg_status document_lines(struct pg *pg, const char *provider, const char *id, PGresult **result);
/* Columns id, number and kind of the documents that it refers to. */
enum pg_status document_references(struct pg *pg, const char *provider, const char *id, PGresult **result);
/* One column: an issued document as canonical JSON, api/formats/bundle.md, "document.json". PG_NONE: not issued. */
enum pg_status document_text(struct pg *pg, const char *provider, const char *id, PGresult **result);
/* Columns month, cause and pence of the bridges of its run, by month and in the order of the steps. */
enum pg_status document_bridge(struct pg *pg, const char *provider, const char *id, PGresult **result);
enum pg_status document_ledger(struct pg *pg, const char *provider, const char *id, PGresult **result);

#endif
