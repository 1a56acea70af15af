/* An account of RXA with 5QE on a real database, for the tests of runs: terms, submissions, runs, re-settlement, issue.
 * Every row is open all month in cluster 04. */
#ifndef RECKONER_TESTS_SETTLEMENT_FIXTURE_H
#define RECKONER_TESTS_SETTLEMENT_FIXTURE_H

#include "lib/store_fixture.h"

#include "base/ident.h"
#include "worker/jobs.h"

#define CONTRACT "aaaaaaaaaaaaaaaaaaaa"

struct settled {
    struct store_fixture store;
    struct worker worker;
    const char *rules; /* member of the terms that are agreed next, with a comma behind it */
};
extern struct settled settled;

/* Terms 1 are agreed at £6.12. */
void settled_open(void);
void settled_close(void);

/* Terms with a price of cluster 04, approved by both at an instant. */
void agree_terms(int version, int price_pence, const char *at);
/* An accepted submission of rows that are open all month, all of 5QE but one of 5QF; the last ones have an ERROR. */
void submit(const char *month, int version, int rows, int failed, const char *begun_at);
void set_clock(const char *instant);
/* Asks for a run at an instant, for 5QE, and returns its id. */
void ask(const char *month, const char *type, const char *at, char id[IDENT_SIZE]);
struct job claim(void);
/* Does the next job of the queue, which must succeed. */
void work(void);
void resettle(const char *at);
/* Proposes and issues the draft; on the way, what must be refused is. */
void issue(const char *maker, const char *checker, const char *at);

/* One value of a query as the owner; a run as text: "state position billed balance". */
const char *value(const char *sql);
int64_t number(const char *sql);
void expect_run(const char *id, const char *expected);

#endif
