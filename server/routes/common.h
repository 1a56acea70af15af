/* What the routes share: rows of results as JSON, lists as pages, and which party the caller is. */
#ifndef RECKONER_ROUTES_COMMON_H
#define RECKONER_ROUTES_COMMON_H

#include "base/ident.h"
#include "http/request.h"
#include "store/allowance.h"
#include "store/run.h"

enum column_kind {
    COLUMN_TEXT,
    COLUMN_INTEGER,
    COLUMN_BOOLEAN,
    COLUMN_DATE,
    COLUMN_MONTH,
    COLUMN_INSTANT,
    COLUMN_CODES,   /* texts separated by commas: an array */
    COLUMN_NUMBERS, /* whole numbers separated by commas: an array */
    COLUMN_JSON     /* JSON as it was stored */
};

/* A column of a result, and the member of the same name. Tables are ended by a NULL name. */
struct column {
    const char *name;
    enum column_kind kind;
};

/* One row as an object; null columns become null. NULL when memory ran out. */
json_t *row_object(const PGresult *result, int row, const struct column *columns);

/* An instant that is 0 before it is known, a count that is negative before: null then. */
json_t *instant_or_null(instant_t at);
json_t *count_or_null(int64_t count);

/* What a list looks like. */
struct list_form {
    const struct column *columns;
    const char *cursor[5]; /* up to four columns (text form) whose values, separated by '/', are the cursor; ended by
                              NULL */
    const char *empty;     /* why there may be nothing to show, for a reader */
    /* The member "actions" of each item; NULL: they have none. */
    json_t *(*actions)(const char *provider, const PGresult *result, int row);
};

/* Replies {"items": [...], "next": cursor or null} and clears result, which was asked for limit + 1 rows. An empty list
 * has the member "empty_because" too. */
void reply_page(struct request *r, enum pg_status status, PGresult *result, const struct page *page,
                const struct list_form *form);
/* Replies 200 with the body, which is taken over; NULL (memory ran out while it was made) is a problem. */
void reply_body(struct request *r, json_t *body);
/* The member "empty_because" of a list, when it is empty. false: out of memory. */
bool list_says_why_empty(json_t *body, const char *why);
/* Splits a decoded cursor in place at '/' into exactly count parts ("" each on the first page); a problem and false
 * when it has another form. */
bool page_parts(struct request *r, struct page *page, unsigned count, const char **parts);
/* Replies that `after` is no cursor of the list; false. */
bool bad_cursor(struct request *r);
/* A part that is a number between the two; "" leaves *out as it is. A problem and false otherwise. */
bool page_number(struct request *r, const char *part, int64_t lowest, int64_t highest, int64_t *out);
/* The same of a month by its first day. */
bool page_month(struct request *r, const char *part, month_t *out);
/* The page of a list that is shown newest first, whose cursor is an instant and an id; newest asks for limit + 1 rows.
 * A problem and false when the parameters are wrong. */
bool request_newest(struct request *r, struct page *page, struct pg_newest *newest);

/* Problem same_person with the detail given; when there is nobody else in the caller's organisation, it says so and
 * what can be done. In the transaction of the act, while it can still read. */
void reply_same_person(struct request *r, const char *detail);
/* What an organisation may ask for so much of. */
struct allowed {
    enum problem problem;
    const char *things; /* "files" */
    int64_t waiting;    /* most at once */
    int64_t per_day;
    const char *instead; /* the end of the detail when the day's are spent: what has no such limit; "" without */
};
/* The problem that as many as may are waited for, or were asked for in 24 hours. */
void reply_allowance(struct request *r, enum allowance left, const struct allowed *limit);
/* The account that the path names: provider, contract, commissioner. */
void request_account(const struct request *r, struct account_key *account);
/* PG_NONE when the caller may not see it. */
enum pg_status account_visible(struct request *r);

/* "provider" or "commissioner": the side that the caller's role acts for. */
const char *caller_side(const struct request *r);

/* For the commissioners the coordinator acts, or the successor of a closed one; the provider acts for itself.
 * PG_DENIED: a problem was replied, with what the coordinator does ("approves"). */
enum pg_status caller_coordinates(struct request *r, const char *coordinator, const char *does);

/* A day of which everything is known: it has been over for a quarter of an hour, so that every act that began on it has
 * ended. A problem about `name` and false otherwise. Else *known_at is its end (Europe/London). */
bool day_is_over(struct request *r, const char *name, date_t day, instant_t *known_at);
/* The query parameter as_known_on: what was known by the end of that day. *known_at is INSTANT_NONE when it is absent;
 * a problem and false when it is no day that is over. */
bool request_as_known(struct request *r, date_t *day, instant_t *known_at);

/* Members of a checked body as dates; *out is DATE_NONE when absent. A problem and false when it is no date. */
bool body_date(struct request *r, const char *name, date_t *out);
bool body_month(struct request *r, const char *name, month_t *out);
/* Whether the bytes of an upload are there to be read: problem erased and false when an erasure destroyed them. */
bool upload_is_there(struct request *r, const char *provider, const char *submission);
/* Replies that the member at this pointer is wrong, and why; false. */
bool bad_body(struct request *r, const char *pointer, const char *message);
/* json_check of the whole body, with its problem replied. */
bool body_check(struct request *r, const struct json_member *table);

#endif
