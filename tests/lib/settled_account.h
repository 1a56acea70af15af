/* SQL for the tests of constraints and of who sees what: a small settled account on top of store_fixture_seed. */
#ifndef RECKONER_TESTS_SETTLED_ACCOUNT_H
#define RECKONER_TESTS_SETTLED_ACCOUNT_H

#include "lib/store_fixture.h"

/* A generated id made of a short text, padded with it to 20 letters; digits become letters, as ids have none. ID("a")
 * is the contract of RXA. */
#define ID(t) "rpad(translate('" t "', '0123456789', 'zbcdfghjkl'), 20, translate('" t "', '0123456789', 'zbcdfghjkl'))"

/* Texts of SQL for the account of RXA with 5QE; each ends with a semicolon where more may follow. */
#define RUN(r)                                                                                                         \
    "INSERT INTO reckoner.run (provider, id, contract, commissioner, month, type, n, state, cause, requested_at,"      \
    " known_at) SELECT 'RXA', " ID(r) ", " ID(                                                                         \
        "a") ", '5QE', '2012-04-01', 'FREEZE', count(*) + 1, 'queued', 'test',"                                        \
             " '2012-06-01Z', '2012-06-01Z' FROM reckoner.run WHERE commissioner = '5QE';"
#define RUN_LINE(r, no, pence)                                                                                         \
    "INSERT INTO reckoner.run_line (provider, run, line_no, line_key, stage, pence, label) VALUES ('RXA', " ID(        \
        r) ", " no ", 'key " no "', 'activity', " pence ", 'Line');"
#define RUN_DONE(r, pence)                                                                                             \
    "UPDATE reckoner.run SET state = 'done', position_sha256 = sha256('{}'), position_pence = " pence                  \
    " WHERE provider = 'RXA' AND id = " ID(r) ";"
#define DRAFT(d, r, position, billed)                                                                                  \
    "INSERT INTO reckoner.document (provider, id, contract, commissioner, run, kind, position_pence, billed_pence,"    \
    " balance_pence, drafted_at, bill_to) VALUES ('RXA', " ID(d) ", " ID("a") ", '5QE', " ID(                          \
        r) ", 'invoice', " position ", " billed ", " position " - " billed ", '2012-06-01Z', '5QE');"
#define DOCUMENT_LINE(d, no, pence)                                                                                    \
    "INSERT INTO reckoner.document_line (provider, document, line_no, line_key, stage, pence, label) VALUES "          \
    "('RXA', " ID(d) ", " no ", 'key " no "', 'activity', " pence ", 'Line');"
#define PROPOSE(d, person)                                                                                             \
    "UPDATE reckoner.document SET state = 'proposed', proposed_by = '" person                                          \
    "', proposed_at = '2012-06-02Z' WHERE provider = 'RXA' AND id = " ID(d) ";"
#define POSTING(d, seq, ledger, pence)                                                                                 \
    "INSERT INTO reckoner.ledger_posting (provider, document, seq, ledger_account, pence, posted_at) VALUES "          \
    "('RXA', " ID(d) ", " seq ", '" ledger "', " pence ", '2012-06-03Z');"

/* Draft terms 1 by rxa.one; submission 1 of RXA for 2012-04, accepted, with rows 1 (5QE) and 2 (5QF), findings, stakes,
 * a chunk and a block; submission 2 of RXB likewise with a row of 5QG; position '{}' and run r1 of 5QE, done, 500
 * pence, with draft d1; a statement (record x) and a receipt (record y); an audit event; a job. */
void settled_account(struct store_fixture *f);

#endif
