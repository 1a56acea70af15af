#include "worker/calculate.h"

#include "domain/forecast.h"
#include "store/calculation.h"
#include "store/pinned.h"
#include "worker/calculate_internal.h"
#include "worker/moment.h"
#include "worker/settle.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum settlement_status calculate_no_memory(struct calculating *x)
{
    return settlement_no_memory(&x->s);
}

month_t calculate_month(const json_t *object, const char *name, month_t otherwise)
{
    const char *text = json_text(object, name);
    month_t month = otherwise;
    return text != NULL && month_parse(text, strlen(text), &month) ? month : otherwise;
}

/* ----------------------------------------------------------------------------------------------------------- bridge */

struct found_position {
    struct run run;
    month_t month;
    char sha256[65];
    json_t *document;
};

static enum settlement_status parked(struct calculating *x, const char *run, const char *reason)
{
    snprintf(x->s.reason, sizeof x->s.reason, "Run %.20s %s", run, reason);
    return SETTLEMENT_PARKED;
}

static bool same_account(const struct account_key *a, const struct account_key *b)
{
    return strcmp(a->provider, b->provider) == 0 && strcmp(a->contract, b->contract) == 0 &&
           strcmp(a->commissioner, b->commissioner) == 0;
}

static enum settlement_status store_failed(struct calculating *x, enum pg_status status)
{
    x->s.store_status = status;
    return SETTLEMENT_STORE;
}

static enum settlement_status find_position(struct calculating *x, const char *side, struct found_position *out)
{
    const json_t *asked = json_object_get(x->request, side);
    const char *run = json_text(asked, "run");
    struct json_problem problem;
    PGresult *r = NULL;
    enum pg_status status = run_get(x->s.pg, x->s.account.provider, run, &out->run);
    if (status == PG_OK && !same_account(&out->run.account, &x->s.account))
        status = PG_NONE;
    if (status == PG_NONE)
        return parked(x, run, "is not one of this account. Ask again with one of its runs.");
    if (status == PG_OK) {
        out->month = calculate_month(asked, "month", out->run.month);
        status = pinned_position(x->s.pg, x->s.account.provider, run, out->month, &r);
    }
    if (status == PG_NONE)
        return parked(x, run,
                      "has found no position for that month. Ask for the month of a run that is done, or for one that"
                      " it found beside.");
    if (status != PG_OK)
        return store_failed(x, status);
    const char *body = pg_text(r, 0, "body");
    snprintf(out->sha256, sizeof out->sha256, "%s", pg_text(r, 0, "sha256"));
    out->document = json_read(body, strlen(body), &problem);
    PQclear(r);
    return out->document == NULL ? calculate_no_memory(x) : SETTLEMENT_OK;
}

static json_t *found_json(const struct found_position *p)
{
    char month[8];
    month_format(p->month, month);
    return json_pack("{s:s, s:s, s:I, s:s, s:s, s:I}", "run", p->run.id, "type", p->run.type, "n", (json_int_t)p->run.n,
                     "month", month, "sha256", p->sha256, "position_pence",
                     (json_int_t)json_int(p->document, "total_pence", 0));
}

static enum settlement_status bridge_found(struct calculating *x, const struct found_position *older,
                                           const struct found_position *newer)
{
    const struct bridge_end a = {older->run.id, older->month, older->document};
    const struct bridge_end b = {newer->run.id, newer->month, newer->document};
    struct bridge made;
    struct bridge_cache *cache = bridge_cache_new();
    if (cache == NULL)
        return calculate_no_memory(x);
    enum settlement_status outcome = settlement_bridge(&x->s, cache, &a, &b, &made);
    if (outcome == SETTLEMENT_OK) {
        x->result = json_pack("{s:o, s:o, s:o}", "older", found_json(older), "newer", found_json(newer), "bridge",
                              bridge_json(&made));
        bridge_free(&made);
        outcome = x->result == NULL ? calculate_no_memory(x) : SETTLEMENT_OK;
    }
    bridge_cache_free(cache);
    return outcome;
}

enum settlement_status calculate_bridge(struct calculating *x)
{
    struct found_position older = {.document = NULL};
    struct found_position newer = {.document = NULL};
    enum settlement_status outcome = find_position(x, "older", &older);
    if (outcome == SETTLEMENT_OK)
        outcome = find_position(x, "newer", &newer);
    if (outcome == SETTLEMENT_OK)
        outcome = bridge_found(x, &older, &newer);
    json_decref(older.document);
    json_decref(newer.document);
    return outcome;
}

/* --------------------------------------------------------------------------------------------------------- forecast */

enum settlement_status calculate_forecast(struct calculating *x)
{
    struct settlement *s = &x->s;
    month_t first = financial_year_first(s->facts.financial_year);
    month_t to = calculate_month(x->request, "to", first);
    struct forecast made;
    struct open_challenges open;
    enum settlement_status outcome = settlement_read(s, to);
    if (outcome != SETTLEMENT_OK)
        return outcome;
    outcome = settlement_challenges(s, to, &open);
    if (outcome != SETTLEMENT_OK) {
        open_challenges_free(&open);
        return outcome;
    }
    struct forecast_input in = {.to_date = settlement_input(s, to, &s->activity)};
    in.to_date.challenges = open.list;
    in.to_date.challenge_count = open.count;
    for (int32_t k = 0; k < TERMS_MONTHS; k++)
        in.terms[k] = agreed_terms_in_force(&s->terms, first + k, s->known_at);
    enum position_status status = forecast_make(&in, &made, s->reason);
    open_challenges_free(&open);
    switch (status) {
    case POSITION_PARKED:
        return SETTLEMENT_PARKED;
    case POSITION_OVERFLOW:
        return SETTLEMENT_FAULT;
    case POSITION_NO_MEMORY:
        return calculate_no_memory(x);
    case POSITION_DONE:
        break;
    }
    x->result = forecast_json(&made);
    forecast_free(&made);
    return x->result == NULL ? calculate_no_memory(x) : SETTLEMENT_OK;
}

/* --------------------------------------------------------------------------------------------------------- position */

enum settlement_status calculate_position(struct calculating *x)
{
    struct account_position found;
    month_t month = calculate_month(x->request, "month", financial_year_first(x->s.facts.financial_year));
    enum settlement_status outcome = settlement_read(&x->s, month);
    if (outcome == SETTLEMENT_WAITS) {
        snprintf(x->s.reason, sizeof x->s.reason,
                 "An upload that began by the end of that day has no outcome yet. Ask again when it has one.");
        return SETTLEMENT_PARKED;
    }
    if (outcome == SETTLEMENT_OK)
        outcome = settlement_position(&x->s, month, &found);
    if (outcome != SETTLEMENT_OK)
        return outcome;
    x->result = json_incref(found.document);
    account_position_free(&found);
    return SETTLEMENT_OK;
}

/* ------------------------------------------------------------------------------------------------------ one and all */

static enum settlement_status calculate(struct calculating *x, const char *kind)
{
    enum settlement_status outcome = settlement_open(&x->s);
    if (outcome != SETTLEMENT_OK)
        return outcome;
    if (strcmp(kind, "bridge") == 0)
        return calculate_bridge(x);
    if (strcmp(kind, "position") == 0)
        return calculate_position(x);
    return strcmp(kind, "forecast") == 0 ? calculate_forecast(x) : calculate_what_if(x);
}

/* Puts what was asked beside the answer; a position is the document alone, so that its digest is that of a run. */
static bool complete_answer(struct calculating *x)
{
    char known[28];
    if (x->s.as_known)
        return x->result != NULL;
    instant_format(x->s.known_at, known);
    return json_put(x->result, "@purpose", json_string("reckoner/calculation/1")) &&
           json_put(x->result, "provider", json_string(x->s.account.provider)) &&
           json_put(x->result, "contract", json_string(x->s.account.contract)) &&
           json_put(x->result, "commissioner", json_string(x->s.account.commissioner)) &&
           json_put(x->result, "engine", json_string(POSITION_ENGINE)) &&
           json_put(x->result, "known_at", json_string(known)) &&
           json_object_set(x->result, "request", x->request) == 0;
}

static enum settlement_status write_answer(struct worker *w, const struct job *job, struct calculating *x,
                                           instant_t now)
{
    size_t length = 0;
    struct calculation_outcome o = {
        .state = "done", .known_at = x->s.known_at, .at = now, .keep_days = w->config->calculation_days};
    char *bytes = complete_answer(x) ? json_canonical(x->result, &length) : NULL;
    if (bytes == NULL)
        return calculate_no_memory(x);
    if (length > CALCULATION_RESULT_MAXIMUM) {
        free(bytes);
        snprintf(x->s.reason, sizeof x->s.reason, "The answer is longer than can be kept. Ask for fewer months.");
        return SETTLEMENT_PARKED;
    }
    o.result = bytes;
    enum pg_status status = calculation_finish(w->pg, job->provider, job->subject, &o);
    free(bytes);
    return status == PG_OK ? SETTLEMENT_OK : store_failed(x, status);
}

static enum settlement_status write_parked(struct worker *w, const struct job *job, struct calculating *x,
                                           instant_t now)
{
    const struct calculation_outcome o = {.state = "parked",
                                          .reason = x->s.reason,
                                          .known_at = INSTANT_NONE,
                                          .at = now,
                                          .keep_days = w->config->calculation_days};
    enum pg_status status = calculation_finish(w->pg, job->provider, job->subject, &o);
    return status == PG_OK ? SETTLEMENT_PARKED : store_failed(x, status);
}

static enum job_outcome end(struct worker *w, const struct job *job, char *problem)
{
    enum pg_status status = job_finish(w->pg, job);
    if (status == PG_OK)
        status = pg_commit(w->pg);
    return job_outcome_of(status, w->pg, problem);
}

static enum job_outcome calculate_taken(struct worker *w, const struct job *job, const struct moment *moment,
                                        const PGresult *row, char *problem)
{
    struct json_problem mistake;
    struct calculating x;
    memset(&x, 0, sizeof x);
    json_t *request = json_read(pg_text(row, 0, "request"), strlen(pg_text(row, 0, "request")), &mistake);
    if (request == NULL) {
        snprintf(problem, JOB_PROBLEM_SIZE, "The question cannot be read. Ask it anew.");
        return JOB_FAILED;
    }
    x.request = request;
    x.terms = pg_is_null(row, 0, "terms") ? NULL : pg_text(row, 0, "terms");
    x.s.pg = w->pg;
    x.s.reference_dir = w->config->reference_dir;
    x.s.lost = &w->lost;
    snprintf(x.s.account.provider, sizeof x.s.account.provider, "%s", job->provider);
    snprintf(x.s.account.contract, sizeof x.s.account.contract, "%s", pg_text(row, 0, "contract"));
    snprintf(x.s.account.commissioner, sizeof x.s.account.commissioner, "%s", pg_text(row, 0, "commissioner"));
    instant_t asked_at = pg_instant(row, 0, "asked_at");
    x.s.known_at = moment->known_at > asked_at ? moment->known_at : asked_at;
    if (strcmp(pg_text(row, 0, "kind"), "position") == 0) {
        const char *day_text = json_text(request, "as_known_on");
        date_t day = 0;
        x.s.as_known = day_text != NULL && date_parse(day_text, strlen(day_text), &day);
        x.s.known_at = london_day_end(day);
    }
    enum settlement_status outcome = calculate(&x, pg_text(row, 0, "kind"));
    if (outcome == SETTLEMENT_OK)
        outcome = write_answer(w, job, &x, moment->now);
    if (outcome == SETTLEMENT_PARKED)
        outcome = write_parked(w, job, &x, moment->now);
    enum job_outcome done = outcome == SETTLEMENT_OK || outcome == SETTLEMENT_PARKED
                                ? end(w, job, problem)
                                : settle_outcome(w, outcome, x.s.store_status, x.s.reason, problem);
    settlement_close(&x.s);
    json_decref(x.result);
    json_decref(request);
    return done;
}

enum job_outcome calculate_run(struct worker *w, const struct job *job, char *problem)
{
    PGresult *row = NULL;
    struct moment moment;
    struct account_key account;
    enum pg_status status = pg_begin(w->pg);
    if (status != PG_OK)
        return job_outcome_of(status, w->pg, problem);
    status = calculation_account(w->pg, job->provider, job->subject, &account);
    if (status == PG_OK) {
        enum job_outcome taken = moment_of_question(w, &account, &moment, problem);
        if (taken != JOB_DONE)
            return taken;
        status = calculation_take(w->pg, job->provider, job->subject, &row);
    }
    if (status == PG_NONE) {
        snprintf(problem, JOB_PROBLEM_SIZE, "There is no such calculation. Ask anew.");
        return JOB_FAILED;
    }
    if (status != PG_OK)
        return job_outcome_of(status, w->pg, problem);
    /* Made already, by a worker that died before it heard of its commit. */
    const char *state = pg_text(row, 0, "state");
    bool open = strcmp(state, "queued") == 0 || strcmp(state, "failed") == 0;
    enum job_outcome outcome = open ? calculate_taken(w, job, &moment, row, problem) : end(w, job, problem);
    PQclear(row);
    return outcome;
}

enum pg_status calculate_give_up(struct worker *w, const struct job *job, const char *problem)
{
    struct calculation_outcome o = {
        .state = "failed", .reason = problem, .known_at = INSTANT_NONE, .keep_days = w->config->calculation_days};
    if (!clock_now(w->clock, &o.at))
        o.at = clock_wall();
    enum pg_status status = calculation_finish(w->pg, job->provider, job->subject, &o);
    return status == PG_NONE ? PG_OK : status;
}
