/* Invoices, credit notes and nil statements: drafted by runs, proposed by one person of the provider, issued by
 * another. */
#ifndef RECKONER_STORE_DOCUMENT_H
#define RECKONER_STORE_DOCUMENT_H

#include "store/run.h"

/* Sum of the balances of the documents issued on the account: what was billed before. */
enum pg_status document_billed(struct pg *pg, const struct account_key *account, int64_t *pence);
/* Digest of the position that the document issued last had billed. PG_NONE: nothing was issued. */
enum pg_status document_last_billed(struct pg *pg, const struct account_key *account, unsigned char sha256[32]);
/* The account's draft or proposed document, if any, gives way to a later run's. */
enum pg_status document_supersede(struct pg *pg, const struct account_key *account);

struct document_draft {
    const struct account_key *account;
    const char *run;
    const char *kind;       /* invoice, credit_note, nil_statement */
    int64_t position_pence; /* billable position */
    int64_t billed_pence;
    instant_t drafted_at;
    char id[IDENT_SIZE]; /* filled in */
};
enum pg_status document_insert(struct pg *pg, struct document_draft *d);
/* The same fields as a line of a run; key is the line of the position that it changes. */
enum pg_status document_add_line(struct pg *pg, const char *provider, const char *document, int64_t line_no,
                                 const struct run_line *l);
/* Issued documents of the account with the months of the financial year that their lines bill: columns id and months
 * (bit 0 = April). */
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
/* proposed -> issued by the signed-in person as checker, with the next number and its ledger postings, through
 * reckoner.issue_document, which refuses with the problem codes not_found, precondition_failed (another revision),
 * not_proposed, same_person and stale_draft (PG_REFUSED; pg_message names the code). */
enum pg_status document_issue(struct pg *pg, const char *provider, const char *id, int64_t revision, instant_t at,
                              int64_t *number);

struct document_query {
    const char *provider;
    const char *contract; /* NULL: any, as for the next two */
    const char *commissioner;
    const char *state;
    const char *after; /* id; "" = from the top */
    int64_t limit;
};
/* Newest first. */
enum pg_status document_list(struct pg *pg, const struct document_query *q, PGresult **result);
/* Columns as in reckoner.document, and contract's mode and the run's month and type. PG_NONE: none visible. */
enum pg_status document_view(struct pg *pg, const char *provider, const char *id, PGresult **result);
enum pg_status document_lines(struct pg *pg, const char *provider, const char *id, PGresult **result);
/* Columns id, number and kind of the documents that it refers to. */
enum pg_status document_references(struct pg *pg, const char *provider, const char *id, PGresult **result);
enum pg_status document_ledger(struct pg *pg, const char *provider, const char *id, PGresult **result);

#endif
