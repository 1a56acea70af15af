/* Contracts and their accounts. */
#ifndef RECKONER_STORE_CONTRACT_H
#define RECKONER_STORE_CONTRACT_H

#include "store/pg.h"

struct contract {
    const char *provider;
    const char *id;
    int64_t financial_year; /* 2012: April 2012 to March 2013 */
    const char *mode;       /* live, shadow */
    const char *title;
    const char *coordinator; /* one of its commissioners */
    const char *created_by;
    instant_t created_at; /* product clock */
};

/* The contract alone; contract_add_account must follow in the same transaction, for the coordinator at least.
 * PG_INVALID: provider or commissioner is no organisation of that kind; PG_DUPLICATE: the commissioner has an account
 * with the provider for the year already. */
enum pg_status contract_add(struct pg *pg, const struct contract *c);
enum pg_status contract_add_account(struct pg *pg, const struct contract *c, const char *commissioner);

/* Results have the columns provider, contract, financial_year, mode, title, coordinator, created_by, created_at,
 * commissioners (codes separated by commas) and terms_version (the approved version known last; null). */
enum pg_status contract_get(struct pg *pg, const char *provider, const char *id, PGresult **result);
/* Whether it is there for the session. */
enum pg_status contract_visible(struct pg *pg, const char *provider, const char *id);
/* By provider and id, after those of the cursor; provider NULL: of all that the session may see. */
enum pg_status contract_list(struct pg *pg, const char *provider, const char *after_provider, const char *after_id,
                             int64_t limit, PGresult **result);
/* Removes a contract that nothing rests on, with its accounts and drafts, for the signed-in person of a party; the
 * database function reckoner.withdraw_contract looks, removes and writes the audit event (at: product clock).
 * PG_REFUSED with pg_message not_found, or conflict: then pg_constraint names what holds the contract (approved_terms,
 * document, run, frozen_month, exception, achievement, agreement, withhold). */
enum pg_status contract_withdraw(struct pg *pg, const char *provider, const char *id, instant_t at,
                                 const char *request_id, const char *address);
/* Serialises acts on one contract: held to the end of the transaction. */
enum pg_status contract_lock(struct pg *pg, const char *provider, const char *id);

#endif
