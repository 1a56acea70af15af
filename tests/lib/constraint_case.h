/* What the tests of constraints begin with: a database of the test's own with the settled account in it, its owner, and
 * a connection of the web role; and the two ways in which a statement of the owner can end. */
#ifndef RECKONER_TESTS_CONSTRAINT_CASE_H
#define RECKONER_TESTS_CONSTRAINT_CASE_H

#include "lib/settled_account.h"
#include "lib/store_fixture.h"

extern struct store_fixture store;
extern struct pg *web;

/* Around each test, as the fixture of its case. */
void constraint_case_open(void);
void constraint_case_close(void);

/* It must fail, at the latest at commit, on the constraint named. */
void must_be_refused(const char *sql, const char *constraint);
/* It must succeed. */
void must_be_done(const char *sql);

#endif
