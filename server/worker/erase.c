#include "worker/erase.h"

#include "base/parse.h"
#include "domain/statistics_set.h"
#include "store/audit.h"
#include "store/episode.h"
#include "store/erasure.h"
#include "store/statistics.h"
#include "worker/erase_sealed.h"
#include "worker/row_trees.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ROWS_MAX 20000 /* of one patient: some hundred a year are many */

struct erasing {
    struct worker *w;
    const struct job *job;
    char *problem;
    bool alone; /* the row has no patient id: it goes alone */
    PGresult *rows;
    int32_t *row_no; /* of all of them */
    struct identifying *found;
    int64_t erased;
    instant_t now;
};

static enum job_outcome say(struct erasing *e, enum job_outcome outcome, const char *what)
{
    (void)snprintf(e->problem, JOB_PROBLEM_SIZE, "%s", what);
    return outcome;
}

static enum job_outcome outcome_of(struct erasing *e, enum pg_status status)
{
    return job_outcome_of(status == PG_NONE ? PG_FAILED : status, e->w->pg, e->problem);
}

static enum job_outcome sealed_outcome(struct erasing *e, enum erase_status status, enum pg_status store)
{
    switch (status) {
    case ERASE_OK:
        return JOB_DONE;
    case ERASE_STORE:
        return outcome_of(e, store);
    case ERASE_NO_MEMORY:
        return say(e, JOB_AGAIN, "The worker's memory ran out. Retry the job when there is more.");
    case ERASE_TOO_MANY:
        return say(e, JOB_FAILED,
                   "The rows hold more than 64 different identifiers, so they are not of one patient. Ask for each row"
                   " that is wrong by itself after mending the patient ids.");
    case ERASE_UNREADABLE:
        break;
    }
    return say(e, JOB_FAILED, row_trees_reason(ROW_TREES_UNREADABLE));
}

/* ------------------------------------------------------------------------------------------- one submission at a time
 */

/* The rows [from, to) of e->rows are of one submission. */
struct group {
    struct erasing *e;
    int from;
    int to;
    int64_t submission;
    month_t month;
};

static bool next_group(struct erasing *e, struct group *g)
{
    int count = PQntuples(e->rows);
    *g = (struct group){.e = e, .from = g->to, .to = g->to};
    if (g->from == count)
        return false;
    g->submission = pg_i64(e->rows, g->from, "submission");
    g->month = pg_month(e->rows, g->from, "month");
    while (g->to < count && pg_i64(e->rows, g->to, "submission") == g->submission)
        g->to++;
    return true;
}

static void list_commissioner(const char **list, size_t *count, const char *commissioner)
{
    for (size_t i = 0; i < *count; i++) {
        if (strcmp(list[i], commissioner) == 0)
            return;
    }
    list[(*count)++] = commissioner;
}

/* What rows are committed to rests on what is about to go: of whoever's rows go, and whoever may settle them. */
static enum job_outcome make_trees(const struct group *g)
{
    struct erasing *e = g->e;
    PGresult *missing = NULL;
    struct row_trees_request q = {
        .worker = e->w, .provider = e->job->provider, .submission = g->submission, .month = g->month};
    enum pg_status status = row_tree_missing(e->w->pg, q.provider, g->submission, &missing);
    if (status != PG_OK)
        return outcome_of(e, status);
    const char **list = calloc((size_t)PQntuples(missing) + (size_t)(g->to - g->from) + 1, sizeof *list);
    enum row_trees_status made = list == NULL ? ROW_TREES_NO_MEMORY : ROW_TREES_MADE;
    for (int i = 0; list != NULL && i < PQntuples(missing); i++)
        list_commissioner(list, &q.count, pg_text(missing, i, "commissioner"));
    for (int i = g->from; list != NULL && i < g->to; i++)
        list_commissioner(list, &q.count, pg_text(e->rows, i, "commissioner"));
    q.commissioners = list;
    if (made == ROW_TREES_MADE)
        made = row_trees_make(&q, &status);
    free(list);
    PQclear(missing);
    if (made == ROW_TREES_STORE)
        return outcome_of(e, status);
    if (made == ROW_TREES_STOPPED)
        return JOB_LOST;
    return made == ROW_TREES_MADE
               ? JOB_DONE
               : say(e, made == ROW_TREES_NO_MEMORY ? JOB_AGAIN : JOB_FAILED, row_trees_reason(made));
}

static enum job_outcome erase_group(const struct group *g)
{
    struct erasing *e = g->e;
    enum pg_status store = PG_OK;
    const struct erase_rows rows = {e->job->provider, g->submission, e->row_no + g->from, (size_t)(g->to - g->from)};
    enum job_outcome outcome = sealed_outcome(e, erase_records(e->w, &rows, e->found, &store), store);
    if (outcome != JOB_DONE)
        return outcome;
    store = erase_hashes(e->w, e->job->provider, g->submission, e->found);
    if (store == PG_OK)
        store = erasure_upload(e->w->pg, e->job->provider, e->job->subject, g->submission);
    return outcome_of(e, store);
}

struct counting {
    struct statistics_set *set;
    bool failed;
};

static bool count_row(void *context, const struct episode *row)
{
    struct counting *c = context;
    c->failed = !statistics_set_add(c->set, row, 1);
    return !c->failed;
}

/* Candidates for assessments are in the statistics one by one: those are made again, from the rows as they are now. */
static enum job_outcome count_again(const struct group *g)
{
    struct erasing *e = g->e;
    bool candidate = false;
    for (int i = g->from; i < g->to; i++)
        candidate = candidate || pg_bool(e->rows, i, "candidate");
    if (!candidate)
        return JOB_DONE;
    enum pg_status status = statistics_remove(e->w->pg, e->job->provider, g->submission);
    if (status == PG_NONE) /* accepted before there were any */
        return JOB_DONE;
    struct counting c = {statistics_set_new(g->month), false};
    if (status == PG_OK && c.set != NULL)
        status = episode_scan(e->w->pg, e->job->provider, g->submission, NULL, count_row, &c);
    if (status == PG_OK && c.set != NULL)
        status = statistics_add(e->w->pg, e->job->provider, g->submission, c.set);
    bool memory = c.set != NULL && !c.failed;
    statistics_set_free(c.set);
    return memory ? outcome_of(e, status) : say(e, JOB_AGAIN, row_trees_reason(ROW_TREES_NO_MEMORY));
}

static enum job_outcome each_group(struct erasing *e, enum job_outcome (*one)(const struct group *g))
{
    struct group g = {.to = 0};
    enum job_outcome outcome = JOB_DONE;
    while (outcome == JOB_DONE && next_group(e, &g))
        outcome = one(&g);
    return outcome;
}

/* ---------------------------------------------------------------------------------------------------------- the whole
 */

/* The patient was known to commissioners by pseudonyms that no longer follow from the keyed hash. */
static enum job_outcome keep_tags(struct erasing *e)
{
    uint8_t patient[16];
    PGresult *knowers = NULL;
    const char *hex = pg_text(e->rows, 0, "patient");
    if (!hex_decode(hex, strlen(hex), patient, sizeof patient))
        return outcome_of(e, PG_FAILED);
    enum pg_status status = erasure_knowers(e->w->pg, e->job->provider, e->job->subject, &knowers);
    for (int i = 0; status == PG_OK && i < PQntuples(knowers); i++) {
        char tag[IDENT_SIZE];
        const char *commissioner = pg_text(knowers, i, "commissioner");
        int64_t year = pg_i64(knowers, i, "financial_year");
        pseudonym_make(e->w->pseudonym_key, commissioner, (int)year, patient, tag);
        status = erasure_keep_tag(e->w->pg, e->job->provider, e->job->subject, commissioner, year, tag);
    }
    PQclear(knowers);
    return outcome_of(e, status);
}

/* Files that were refused or held have no rows here; those that name the patient go whole. */
static enum job_outcome erase_other_uploads(struct erasing *e)
{
    PGresult *others = NULL;
    enum pg_status status = erasure_other_uploads(e->w->pg, e->job->provider, &others);
    enum job_outcome outcome = outcome_of(e, status);
    for (int i = 0; outcome == JOB_DONE && i < PQntuples(others); i++) {
        bool holds = false;
        outcome = erase_search_upload(e->w, e->job, pg_text(others, i, "id"), e->found, &holds, e->problem);
        if (outcome == JOB_DONE && holds)
            outcome =
                outcome_of(e, erasure_upload(e->w->pg, e->job->provider, e->job->subject, pg_i64(others, i, "no")));
    }
    PQclear(others);
    return outcome;
}

static enum job_outcome find_rows(struct erasing *e, const PGresult *asked)
{
    enum pg_status store = PG_OK;
    enum erase_status named = ERASE_OK;
    PGresult *one = NULL;
    enum pg_status status = erasure_rows(e->w->pg, e->job->provider, e->job->subject, true, &one);
    if (status == PG_OK && PQntuples(one) == 1)
        named = erase_row_is_nameless(e->w, e->job->provider, pg_i64(one, 0, "submission"), pg_i64(asked, 0, "row_no"),
                                      &e->alone, &store);
    PQclear(one);
    if (status == PG_OK && named != ERASE_OK)
        return sealed_outcome(e, named, store);
    if (status == PG_OK)
        status = erasure_rows(e->w->pg, e->job->provider, e->job->subject, e->alone, &e->rows);
    if (status != PG_OK)
        return outcome_of(e, status);
    int count = PQntuples(e->rows);
    if (count > ROWS_MAX)
        return say(e, JOB_FAILED,
                   "More than 20,000 rows have this patient id, so it is none. Mend it, and send the months again.");
    e->row_no = calloc((size_t)count + 1, sizeof *e->row_no);
    e->found = sodium_malloc(sizeof *e->found);
    if (e->row_no == NULL || e->found == NULL)
        return say(e, JOB_AGAIN, row_trees_reason(ROW_TREES_NO_MEMORY));
    e->found->count = 0;
    for (int i = 0; i < count; i++)
        e->row_no[i] = (int32_t)pg_i64(e->rows, i, "row_no");
    return JOB_DONE;
}

static enum pg_status finish(struct erasing *e)
{
    char subject[80];
    char detail[80];
    (void)snprintf(subject, sizeof subject, "erasure/%s", e->job->subject);
    (void)snprintf(detail, sizeof detail, "{\"rows\":%lld}", (long long)e->erased);
    const struct audit_event event = {
        .provider = e->job->provider, .at = e->now, .act = "erasure.done", .subject = subject, .detail = detail};
    enum pg_status status = erasure_done(e->w->pg, e->job->provider, e->job->subject, e->now, e->erased);
    if (status == PG_OK)
        status = audit_append(e->w->pg, &event);
    if (status != PG_OK)
        return status == PG_NONE ? PG_FAILED : status;
    status = job_finish(e->w->pg, e->job);
    return status == PG_OK ? pg_commit(e->w->pg) : status;
}

static enum job_outcome erase(struct erasing *e, const PGresult *asked)
{
    enum job_outcome outcome = find_rows(e, asked);
    if (outcome == JOB_DONE)
        outcome = each_group(e, make_trees);
    if (outcome == JOB_DONE)
        outcome = each_group(e, erase_group);
    if (outcome == JOB_DONE)
        outcome = outcome_of(e, erasure_erase(e->w->pg, e->job->provider, e->job->subject, e->alone, &e->erased));
    if (outcome == JOB_DONE)
        outcome = keep_tags(e);
    if (outcome == JOB_DONE)
        outcome = each_group(e, count_again);
    if (outcome == JOB_DONE)
        outcome = erase_other_uploads(e);
    if (outcome != JOB_DONE)
        return outcome;
    if (!clock_now(e->w->clock, &e->now))
        return say(e, JOB_AGAIN, "The clock file cannot be read. Mend it, then retry the job.");
    return job_outcome_of(finish(e), e->w->pg, e->problem);
}

/* Whether it is this job's turn; *asked is then the request. */
static enum job_outcome take_turn(struct erasing *e, PGresult **asked)
{
    bool wait = false;
    enum pg_status status = pg_begin(e->w->pg);
    if (status == PG_OK)
        status = erasure_alone(e->w->pg, e->job->provider);
    if (status == PG_RETRY)
        return say(e, JOB_WAITS, "Other jobs of the provider are under way; the erasure follows them.");
    if (status == PG_OK)
        status = erasure_must_wait(e->w->pg, e->job->provider, &wait);
    if (status == PG_OK && wait)
        return say(e, JOB_WAITS, "A file of the provider is arriving or being checked; the erasure follows it.");
    if (status == PG_OK)
        status = erasure_get(e->w->pg, e->job->provider, e->job->subject, true, asked);
    return outcome_of(e, status);
}

enum job_outcome erase_run(struct worker *w, const struct job *job, char *problem)
{
    struct erasing e = {.w = w, .job = job, .problem = problem};
    PGresult *asked = NULL;
    enum job_outcome outcome = take_turn(&e, &asked);
    if (outcome == JOB_DONE && strcmp(pg_text(asked, 0, "state"), "approved") != 0) {
        enum pg_status status = job_finish(w->pg, job); /* done already, by an earlier attempt */
        outcome = job_outcome_of(status == PG_OK ? pg_commit(w->pg) : status, w->pg, problem);
    } else if (outcome == JOB_DONE) {
        outcome = erase(&e, asked);
    }
    PQclear(asked);
    PQclear(e.rows);
    free(e.row_no);
    sodium_free(e.found);
    return outcome;
}
