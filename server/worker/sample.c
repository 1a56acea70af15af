#include "worker/sample.h"

#include "check/spool.h"
#include "domain/terms.h"
#include "proof/sample_population.h"
#include "store/sample.h"
#include "worker/bundle.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct sampling {
    struct worker *w;
    const struct job *job;
    char *problem;
    PGresult *asked; /* sample_get */
    struct journal *bytes;
    struct sample_population_of *p;
    struct sample s;
    struct sample_detail *details;
    enum sample_status status; /* of the draw */
};

static enum job_outcome no_memory(const struct sampling *x)
{
    (void)snprintf(
        x->problem, JOB_PROBLEM_SIZE,
        "The worker's memory or its temporary folder (spool_dir) ran out. Retry the job when there is more.");
    return JOB_AGAIN;
}

static bool keep(void *context, const void *bytes, size_t length, enum pg_status *status)
{
    (void)status;
    return journal_append(context, bytes, length);
}

static enum job_outcome make_bundle(struct sampling *x)
{
    struct bundle_made made;
    x->bytes = journal_new(x->w->config->spool_dir);
    if (x->bytes == NULL)
        return no_memory(x);
    const struct bundle_order order = {.w = x->w,
                                       .provider = x->job->provider,
                                       .statement = pg_text(x->asked, 0, "statement"),
                                       .checkpoint = pg_i64(x->asked, 0, "checkpoint"),
                                       .write = keep,
                                       .context = x->bytes};
    return bundle_make(&order, &made, x->problem);
}

static enum job_outcome draw(struct sampling *x)
{
    char trouble[BUNDLE_TROUBLE_SIZE];
    uint8_t seed[SAMPLE_SEED];
    enum sample_method method;
    const struct given bundle = {journal_map(x->bytes), (size_t)journal_length(x->bytes)};
    if (bundle.bytes == NULL)
        return no_memory(x);
    x->p = population_open(&bundle, trouble);
    if (x->p == NULL || !sample_method_parse(pg_text(x->asked, 0, "method"), &method)) {
        (void)snprintf(x->problem, JOB_PROBLEM_SIZE, "%s. Tell the operator: reckoner fsck names what is wrong.",
                       x->p == NULL ? trouble : "the method of the sample is not known");
        return JOB_FAILED;
    }
    population_seed(x->p, pg_text(x->asked, 0, "nonce"), seed);
    x->status = sample_draw(population_frame(x->p), method, (int32_t)pg_i64(x->asked, 0, "size"), seed, &x->s);
    if (x->status == SAMPLE_NO_MEMORY)
        return no_memory(x);
    if (x->status != SAMPLE_DONE)
        return JOB_DONE;
    x->details = calloc((size_t)x->s.count, sizeof *x->details);
    return x->details != NULL && population_details(x->p, &x->s, x->details) ? JOB_DONE : no_memory(x);
}

static enum job_outcome end(const struct sampling *x, enum pg_status status)
{
    if (status == PG_OK)
        status = job_finish(x->w->pg, x->job);
    if (status == PG_OK)
        status = pg_commit(x->w->pg);
    return job_outcome_of(status, x->w->pg, x->problem);
}

/* The drawing. */

static void add_row(const struct sampling *x, struct pg_copy *copy, int32_t i)
{
    const struct sample_pick *pick = &x->s.pick[i];
    const struct sample_row *row = &population_frame(x->p)->row[pick->row];
    const struct sample_drawn_row drawn = {.month = row->month,
                                           .row_no = row->row_no,
                                           .cluster = x->details[i].cluster,
                                           .team = x->details[i].team,
                                           .pence = row->pence,
                                           .hash = x->s.method == SAMPLE_RANDOM ? pick->rank : NULL,
                                           .first_hit = pick->first_hit,
                                           .hits = pick->hits,
                                           .point = pick->point,
                                           .certain = pick->certain};
    sample_rows_add(copy, x->job->provider, x->job->subject, i + 1, &drawn);
}

static enum job_outcome write_drawn(const struct sampling *x)
{
    struct pg *pg = x->w->pg;
    struct pg_copy *copy = NULL;
    if (x->status != SAMPLE_DONE)
        return end(x, sample_void(pg, x->job->provider, x->job->subject, sample_why_not(x->status)));
    enum pg_status status = sample_rows_begin(pg, &copy);
    if (status != PG_OK)
        return end(x, status);
    for (int32_t i = 0; i < x->s.count; i++)
        add_row(x, copy, i);
    status = pg_copy_end(copy, NULL);
    if (status == PG_OK)
        status = sample_drawn(pg, x->job->provider, x->job->subject, x->s.count);
    return end(x, status);
}

/* The result. */

static struct sample_judgement judgement_of(const PGresult *r, int row)
{
    struct sample_judgement j = {.cluster = -1, .payable_days = -1};
    const char *cluster = pg_text(r, row, "second_cluster");
    j.compared = cluster[0] != '\0';
    j.nothing = strcmp(cluster, "none") == 0;
    if (j.compared && !j.nothing)
        j.cluster = (int16_t)cluster_index(cluster);
    if (!pg_is_null(r, row, "payable_days"))
        j.payable_days = (int32_t)pg_i64(r, row, "payable_days");
    j.examined = j.compared || j.payable_days >= 0;
    return j;
}

/* Whether the row drawn anew is the one that was rated. */
static bool same_row(const struct sampling *x, const PGresult *r, int row)
{
    const struct sample_row *drawn = &population_frame(x->p)->row[x->s.pick[row].row];
    return pg_i64(r, row, "pick") == row + 1 && pg_month(r, row, "month") == drawn->month &&
           pg_i64(r, row, "row_no") == drawn->row_no && pg_i64(r, row, "pence") == drawn->pence;
}

static enum job_outcome read_judgements(const struct sampling *x, struct sample_judgement *out)
{
    PGresult *r = NULL;
    enum pg_status status = sample_rows(x->w->pg, x->job->provider, x->job->subject, 0, SAMPLE_SIZE_MAX + 1, &r);
    if (status != PG_OK)
        return job_outcome_of(status, x->w->pg, x->problem);
    bool same = x->status == SAMPLE_DONE && PQntuples(r) == x->s.count;
    for (int i = 0; same && i < x->s.count; i++) {
        same = same_row(x, r, i);
        out[i] = judgement_of(r, i);
    }
    PQclear(r);
    if (same)
        return JOB_DONE;
    (void)snprintf(x->problem, JOB_PROBLEM_SIZE,
                   "The rows drawn anew are not those that were rated. Tell the operator: reckoner fsck names what is"
                   " wrong.");
    return JOB_FAILED;
}

static enum job_outcome write_result(const struct sampling *x, const struct sample_found *found)
{
    const struct sample_context context = {population_statement(x->p), pg_text(x->asked, 0, "nonce"),
                                           (int32_t)pg_i64(x->asked, 0, "confidence")};
    size_t length = 0;
    json_t *result = sample_result(&x->s, population_frame(x->p), found, &context);
    char *bytes = result == NULL ? NULL : json_canonical(result, &length);
    json_decref(result);
    if (bytes == NULL)
        return no_memory(x);
    enum job_outcome outcome = end(x, sample_result_write(x->w->pg, x->job->provider, x->job->subject, bytes));
    free(bytes);
    return outcome;
}

static enum job_outcome evaluate(const struct sampling *x)
{
    size_t count = x->status == SAMPLE_DONE ? (size_t)x->s.count : 0;
    struct sample_judgement *judgements = calloc(count + 1, sizeof *judgements);
    struct sample_found *found = calloc(count + 1, sizeof *found);
    enum job_outcome outcome = judgements != NULL && found != NULL ? read_judgements(x, judgements) : no_memory(x);
    if (outcome == JOB_DONE)
        outcome = population_judge(x->p, &x->s, judgements, found) ? write_result(x, found) : no_memory(x);
    free(judgements);
    free(found);
    return outcome;
}

static enum job_outcome work(struct sampling *x)
{
    const char *state = pg_text(x->asked, 0, "state");
    bool draws = strcmp(state, "revealed") == 0;
    if (!draws && strcmp(state, "closing") != 0)
        return end(x, PG_OK); /* done already, by a worker that died before it heard of its commit */
    enum job_outcome outcome = make_bundle(x);
    if (outcome == JOB_DONE)
        outcome = draw(x);
    if (outcome != JOB_DONE)
        return outcome;
    return draws ? write_drawn(x) : evaluate(x);
}

enum job_outcome sample_run(struct worker *w, const struct job *job, char *problem)
{
    struct sampling x = {.w = w, .job = job, .problem = problem, .status = SAMPLE_NO_MEMORY};
    enum job_outcome outcome = JOB_FAILED;
    enum pg_status status = pg_begin(w->pg);
    if (status == PG_OK)
        status = sample_get(w->pg, job->provider, job->subject, true, &x.asked);
    if (status == PG_NONE)
        (void)snprintf(problem, JOB_PROBLEM_SIZE, "The sample of this job is not there. Take another.");
    else
        outcome = status == PG_OK ? work(&x) : job_outcome_of(status, w->pg, problem);
    sample_free(&x.s);
    free(x.details);
    population_close(x.p);
    journal_free(x.bytes);
    PQclear(x.asked);
    return outcome;
}
