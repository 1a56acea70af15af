/* A version of the terms as clauses in plain English: what is printed and signed, and what two versions are compared
 * by. Every part that has an effect is in some clause, so two versions with equal clauses settle alike. Pure. */
#ifndef RECKONER_DOMAIN_TERMS_CLAUSES_H
#define RECKONER_DOMAIN_TERMS_CLAUSES_H

#include "domain/terms.h"

enum terms_section {
    SECTION_SCOPE,
    SECTION_PARTIES,
    SECTION_PRICES,
    SECTION_PLAN,
    SECTION_FACTOR,
    SECTION_BLOCK,
    SECTION_BANDS,
    SECTION_RISK_SHARE,
    SECTION_CQUIN,
    SECTION_WITHHOLDS,
    SECTION_RULES,
    SECTION_BILLING,
    SECTION_CALENDAR,
    SECTION_EXAMPLES,
    SECTION_COUNT
};
/* "Scope", "Parties", "Prices" ... */
const char *section_title(enum terms_section s);
/* What a section without a clause says: "There is no plan." */
const char *section_absent(enum terms_section s);

/* What the number of a clause counts. */
enum clause_unit { CLAUSE_WORDS /* there is no number */, CLAUSE_PENCE, CLAUSE_PPM, CLAUSE_UNITS };
/* "words", "pence", "ppm", "units". */
const char *clause_unit_name(enum clause_unit unit);

struct terms_clause {
    enum terms_section section;
    char *key;  /* what the clause is about: the same in every version; owned */
    char *text; /* one or more sentences; owned */
    enum clause_unit unit;
    int64_t number;
};

struct terms_clauses {
    struct terms_clause *clause; /* in the order of the sections */
    size_t count;
    size_t capacity;
};

/* false: memory ran out. Free *out with terms_clauses_free in either case. */
bool terms_clauses_of(const struct terms *t, struct terms_clauses *out);
void terms_clauses_free(struct terms_clauses *c);

/* For the files that write clauses. */
bool clause_add(struct terms_clauses *c, enum terms_section section, enum clause_unit unit, int64_t number,
                const char *key, const char *format, ...) __attribute__((format(printf, 6, 7)));
bool clauses_of_sharing(struct terms_clauses *c, const struct terms *t);
bool clauses_of_conduct(struct terms_clauses *c, const struct terms *t);

/* "1 October 2012"; "April 2012"; "1,234". */
#define CLAUSE_WORD_SIZE 32
void clause_day(date_t day, char out[CLAUSE_WORD_SIZE]);
void clause_month(month_t month, char out[CLAUSE_WORD_SIZE]);
void clause_count(int64_t count, char out[CLAUSE_WORD_SIZE]);

#endif
