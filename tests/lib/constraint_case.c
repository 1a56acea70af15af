#include "lib/constraint_case.h"

struct store_fixture store;
struct pg *web;

void constraint_case_open(void)
{
    store_fixture_open(&store);
    store_fixture_seed(&store);
    web = store_fixture_connect(&store, "reckoner_web");
    settled_account(&store);
}

void constraint_case_close(void)
{
    pg_free(web);
    store_fixture_close(&store);
}

void must_be_refused(const char *sql, const char *constraint)
{
    store_fixture_refused(store.owner, sql, constraint);
}

void must_be_done(const char *sql)
{
    store_fixture_done(store.owner, sql);
}
