/* A database of a test's own: created, migrated and dropped. The cluster comes from RECKONER_TEST_DATABASE, the
 * connection string of a superuser of a private cluster (deploy/private-postgres.sh start FOLDER --throwaway prints
 * it); the test fails when it is missing. Run tests from the top folder of the repository. */
#ifndef RECKONER_TESTS_STORE_FIXTURE_H
#define RECKONER_TESTS_STORE_FIXTURE_H

#include "signing/sign.h"
#include "store/pg.h"

struct store_fixture {
    char database[64];
    char cluster[1024]; /* the superuser's connection string */
    struct pg *owner;   /* as reckoner_migrate, on the test's database; policies do not bind it */
};

/* Creates the roles (if need be) and an empty database with every migration applied, a copy of one that the first call
 * in a cluster makes. Ends the program with a message on failure, as do the others. */
void store_fixture_open(struct store_fixture *f);
/* As store_fixture_open, without the migrations. */
void store_fixture_open_empty(struct store_fixture *f);
/* Closes the owner's connection and drops the database, connections or not. */
void store_fixture_close(struct store_fixture *f);

/* Connection string for a role, for example reckoner_web; size bytes. */
void store_fixture_conninfo(const struct store_fixture *f, const char *role, char *out, size_t size);
/* A new connection as a role; the caller frees it with pg_free. Timeouts are short: 5 s for a statement, 1 s for a
 * lock. */
struct pg *store_fixture_connect(const struct store_fixture *f, const char *role);
/* Runs SQL as the owner, where search_path is reckoner. Failure ends the program. */
void store_fixture_sql(struct store_fixture *f, const char *sql);
/* Runs SQL on a connection and returns what became of it; a failing one is rolled back. */
enum pg_status store_fixture_try(struct pg *pg, const char *sql);
/* The same where the test fails unless it succeeds; unless it fails, at the latest at commit, on the constraint named.
 */
void store_fixture_done(struct pg *pg, const char *sql);
void store_fixture_refused(struct pg *pg, const char *sql, const char *constraint);
/* One value as text: the first column of the first row, or "" without a row. Valid until the next call. */
const char *store_fixture_value(struct pg *pg, const char *sql);

/* Two providers (RXA, RXB), three commissioners (5QE, 5QF, 5QG), an auditor (AUD, appointed by RXA and by 5QF), the
 * operator (OPR); each with two people: rxa.one, rxa.two, .. and pct5qe.one, pct5qe.two, ..; contracts
 * aaaaaaaaaaaaaaaaaaaa (RXA with 5QE as coordinator and 5QF) and bbbbbbbbbbbbbbbbbbbb (RXB with 5QG), FY 2012, live. */
void store_fixture_seed(struct store_fixture *f);
/* Records the key as the very first one, as a worker does before it signs; good at any instant. */
void store_fixture_first_key(struct pg *pg, const struct signer *signer);
/* Signs a connection of the web role in as a person of the seed, with a token of its own. */
void store_fixture_sign_in(struct store_fixture *f, struct pg *web, const char *person);

#endif
