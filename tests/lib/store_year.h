/* A random contract-year with a provider of its own on a real database (settlement_fixture.h): what becomes known is
 * written as the owner's SQL with its instant, and kept, so that the same facts can come again in another order. Jobs
 * and issues run as in the product; a transaction may be killed at any of its steps. */
#ifndef RECKONER_TESTS_STORE_YEAR_H
#define RECKONER_TESTS_STORE_YEAR_H

#include "lib/contract_year.h"
#include "lib/settlement_fixture.h"

#include <stdio.h>

#define STORE_FACTS    128
#define STORE_ACTS     16
#define STORE_CLAIMS   32
#define STORE_ACCOUNTS 2 /* 5QE; 5QF beside it where the year has associates */

/* SQL that makes something known. */
struct store_fact {
    char *sql;
    int after;  /* the fact that must be there before; -1: none */
    bool begin; /* one of those that a year begins with */
};

/* What was decided of a row, or where it was moved to, while it was as kept here. */
struct store_act {
    struct year_row row;
    struct year_change said;
};

struct store_account {
    const char *commissioner;
    bool asked[TERMS_MONTHS];
    bool closed;       /* by a FINAL run */
    month_t head;      /* highest month of a run that bills; 0: none */
    json_t *found[2];  /* position documents of the head (NULL: none) and of the last month (NULL: parked) */
    char *bytes[2];    /* the same as stored */
    int64_t documents; /* of settlement, issued */
    month_t billed_to; /* month of the position billed last; 0: none */
    /* Months (bit 0 is April) settled so far, where a run that made itself has stopped: some month of them cannot be
     * computed any more, and what was billed before stands. 0: it has not. */
    uint32_t stopped;
};

/* What became of a run, for the second implementation to say the same. */
struct store_claim {
    json_t *asked; /* the case, as all was known when the run was made */
    size_t account;
    char type[8];
    char hold[24]; /* "": done */
    bool bills;
    int64_t balance;
};

struct store_year {
    struct contract_year *y;
    uint64_t seed;
    char provider[7];
    char contract[IDENT_SIZE];
    month_t last;       /* months after it have no submission */
    bool order_free;    /* nothing may depend on the order of its facts: no row is sent anew after it was contested */
    bool by_instalment; /* instalments are drafted and issued */
    bool closing;       /* all twelve months have activity or are agreed without: March can be frozen and FINAL made */
    bool replaying;     /* the facts come again: nothing more is claimed */
    struct store_account account[STORE_ACCOUNTS];
    size_t accounts;
    struct store_fact fact[STORE_FACTS];
    size_t facts;
    bool beginning;
    int row_fact[TERMS_MONTHS];       /* the last one about rows of the month; -1: none */
    int64_t submission[TERMS_MONTHS]; /* number of the newest */
    bool contested[TERMS_MONTHS];
    /* Of each kind, how many are known. */
    size_t version;
    size_t achievement;
    size_t adjustment;
    size_t agreed;
    size_t withhold;
    size_t opening;
    int agreement; /* last number */
    int challenge;
    int move_number;
    /* How many are still to come. */
    int challenges_left;
    int answers_left;
    int moves_left;
    struct store_act decision[STORE_ACTS];
    size_t decisions;
    struct store_act move[STORE_ACTS];
    size_t moves;
    struct store_claim claim[STORE_CLAIMS];
    size_t claims;
};

extern instant_t store_year_now;    /* product clock, of all years */
extern uint64_t store_year_crashes; /* transactions killed */
extern uint64_t store_year_lifted;  /* runs done that a sanity bound had parked */

/* After settled_open: any insertion or update of what a run writes is a step at which arm kills the transaction. */
void store_year_set_up(void);
/* The next transaction of a worker dies at one of its first steps. */
void store_year_arm(struct store_year *a);

/* Texts in static buffers, of which each has a few; "NULL" for DATE_NONE. */
const char *store_year_instant(instant_t t);
const char *store_year_day(date_t d);
const char *store_year_month(month_t m);
/* An hour later. */
const char *store_year_tick(void);

/* SQL as the owner, written like printf, kept as a fact when it has run. */
struct script {
    char *text;
    size_t length;
    FILE *file;
};
FILE *script_begin(struct script *s);
/* after: as in struct store_fact. Returns the place of the fact. */
int script_run(struct script *s, struct store_year *a, int after);
/* One value of a query written like printf. */
const char *store_year_value(const char *format, ...) __attribute__((format(printf, 1, 2)));
int64_t store_year_number(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* A new year: organisation, contract, first terms, first submissions. place: of all years, names the provider. */
void store_year_begin(struct store_year *a, uint64_t seed, uint64_t place, bool order_free);
void store_year_free(struct store_year *a);
/* One thing more becomes known and is settled; false: all is known. */
bool store_year_learn(struct store_year *a);
/* The next version of the terms, and an answer to an open challenge, without settling. false: none is open. */
void store_year_approve(struct store_year *a);
bool store_year_answer(struct store_year *a);
/* A late file that the commissioner lets in. */
void store_year_let_in_late(struct store_year *a);

/* All queued jobs, whatever dies. */
void store_year_work(void);
void store_year_job(struct store_year *a, const char *kind);
/* Whether a step died, which is to be done again. */
bool store_year_died_at(int line, struct pg *pg, enum pg_status status);
#define store_year_died(pg, status) store_year_died_at(__LINE__, pg, status)

/* store_year_runs.c. A run of some month and type, as the API lets it be asked for. */
void store_year_run_some(struct store_year *a);
/* Agrees terms without a sanity bound for what one has parked, and asks again. All must be known. */
void store_year_lift_bounds(struct store_year *a);
/* FREEZE of a head that FLEX alone has billed: what changed since is billed by it. */
void store_year_freeze_heads(struct store_year *a);
/* FREEZE of March, answers to all challenges, FINAL; then something more is agreed. */
void store_year_close(struct store_year *a, struct pg *web);
/* A worker that died between its commit and hearing of it: the job comes again. */
void store_year_repeat(struct store_year *a);
/* Issues a draft as web; false: there is none, or it does not hold and what would take its place is parked. */
bool store_year_issue(struct store_year *a, struct pg *web);
/* Previews of the months that are compared, into found and bytes. heads: of each account. */
void store_year_find(struct store_year *a);

/* The same facts on another database, the first ones at once, the others in random order with runs between. a is as
 * the facts left it; its accounts are emptied. */
void store_year_replay(struct store_year *a, struct pg *web, uint64_t seed);

/* Whether a billing run of month m can be: not where instalments are made of a plan of the year that cannot be
 * computed. */
bool store_year_bills(const struct store_year *a, const char *commissioner, month_t m);

/* The case for the second implementation: position(m) of an account, and what a run of a month and type would bill, as
 * all is known now. New reference. */
json_t *store_year_case(const struct store_year *a, size_t account, month_t m, month_t run, const char *type);

#endif
