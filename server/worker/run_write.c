/* Writes what a run found: one transaction, begun and ended by the caller. */
#include "domain/statement.h"
#include "signing/public_key.h"
#include "store/audit.h"
#include "store/position.h"
#include "store/statement.h"
#include "worker/draft.h"
#include "worker/leak_guard.h"
#include "worker/run_bridges.h"
#include "worker/run_trees.h"
#include "worker/seal_record.h"
#include "worker/settle.h"

#include "base/parse.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What is known on the way, beside run_work. */
struct writing {
    struct run_work *work;
    const char *provider;
    unsigned char own_sha256[32];
    unsigned char billed_sha256[32];
    struct account_position other[TERMS_MONTHS]; /* an R run's: of the settled months after its own, by month */
    unsigned char other_sha256[TERMS_MONTHS][32];
    struct run_bridges bridges;
    struct run_draft draft;
    char *reason;
    enum pg_status status;
    struct leak_guard *guard; /* over the submissions that the run read */
    bool leaks;               /* a document held a text that could identify a patient */
    bool lost;                /* the job went to another worker meanwhile */
    const char *no_trees;     /* why the rows of a submission could not be committed to; NULL: they were */
};

static enum settlement_status store_failed(struct writing *x, enum pg_status status)
{
    x->status = status;
    return SETTLEMENT_STORE;
}

static enum settlement_status fault(struct writing *x, const char *what)
{
    snprintf(x->reason, POSITION_REASON_SIZE, "%s", what);
    return SETTLEMENT_FAULT;
}

/* The next cause is compared with what the last run found, month by month: an R run tells it for all that it settles
 * again, not for its own month alone. */
static enum settlement_status find_others(struct writing *x)
{
    PGresult *r = NULL;
    struct settlement *s = &x->work->settlement;
    enum settlement_status outcome = SETTLEMENT_OK;
    if (!run_raised_itself(x->work->run))
        return SETTLEMENT_OK;
    enum pg_status status = settled_months(s->pg, &s->account, &r);
    if (status != PG_OK)
        return store_failed(x, status);
    for (int i = 0; outcome == SETTLEMENT_OK && i < PQntuples(r); i++) {
        month_t month = pg_month(r, i, "month");
        if (month > x->work->run->month)
            outcome = settlement_position(s, month, &x->other[month_number(month) - 1]);
    }
    PQclear(r);
    if (outcome == SETTLEMENT_OK)
        outcome = run_bridges_make(x->work, x->other, &x->bridges);
    if (outcome != SETTLEMENT_OK) {
        x->status = s->store_status;
        snprintf(x->reason, POSITION_REASON_SIZE, "%s", s->reason);
    }
    return outcome;
}

static enum pg_status write_others(struct writing *x)
{
    month_t first = financial_year_first(x->work->settlement.facts.financial_year);
    enum pg_status status = PG_OK;
    for (month_t k = 0; status == PG_OK && k < TERMS_MONTHS; k++) {
        unsigned char *sha256 = x->other_sha256[k];
        if (x->other[k].bytes == NULL)
            continue;
        status = position_store(x->work->settlement.pg, x->provider, x->other[k].bytes, x->other[k].length, sha256);
        if (status == PG_OK)
            status = run_add_position(x->work->settlement.pg, x->provider, x->work->run->id, first + k, sha256);
    }
    return status;
}

static const unsigned char *sha256_of(const void *context, month_t month)
{
    const struct writing *x = context;
    return month == x->work->run->month ? x->own_sha256 : x->other_sha256[month_number(month) - 1];
}

/* The door that every document passes before it is stored, signed and shown. */
static enum pg_status may_go_out(struct writing *x, const char *bytes, size_t length)
{
    switch (leak_guard_json(x->guard, bytes, length)) {
    case LEAK_CLEAN:
        return PG_OK;
    case LEAK_FOUND:
        x->leaks = true;
        return PG_FAILED;
    case LEAK_UNKNOWN:
        break;
    }
    return leak_guard_status(x->guard);
}

static enum pg_status open_guard(struct writing *x)
{
    const struct settlement *s = &x->work->settlement;
    x->guard = leak_guard_new(s->pg, x->work->worker->pseudonym_key, x->work->worker->cleared);
    enum pg_status status = x->guard ? PG_OK : PG_FAILED;
    for (size_t i = 0; i < s->months && status == PG_OK; i++) {
        if (s->submission[i].no != 0)
            status = leak_guard_add(x->guard, x->provider, s->submission[i].no);
    }
    return status;
}

static enum pg_status guard_positions(struct writing *x)
{
    const struct account_position *billed = run_billed(x->work);
    enum pg_status status = may_go_out(x, x->work->own.bytes, x->work->own.length);
    if (status == PG_OK && x->work->bills)
        status = may_go_out(x, billed->bytes, billed->length);
    for (size_t i = 0; i < TERMS_MONTHS && status == PG_OK; i++) {
        if (x->other[i].bytes)
            status = may_go_out(x, x->other[i].bytes, x->other[i].length);
    }
    for (size_t i = 0; i < x->bridges.count && status == PG_OK; i++) {
        if (x->bridges.made[i].bytes)
            status = may_go_out(x, x->bridges.made[i].bytes, x->bridges.made[i].length);
    }
    return status;
}

static enum pg_status write_positions(struct writing *x)
{
    const struct account_position *billed = run_billed(x->work);
    struct pg *pg = x->work->settlement.pg;
    enum pg_status status = position_store(pg, x->provider, x->work->own.bytes, x->work->own.length, x->own_sha256);
    if (status == PG_OK && x->work->bills)
        status = position_store(pg, x->provider, billed->bytes, billed->length, x->billed_sha256);
    return status == PG_OK ? write_others(x) : status;
}

static enum pg_status write_lines(struct writing *x)
{
    const struct position *p = &x->work->own.position;
    struct pg_copy *copy = NULL;
    enum pg_status status = run_lines_begin(x->work->settlement.pg, &copy);
    if (status != PG_OK)
        return status;
    for (size_t i = 0; i < p->count; i++) {
        const struct position_line *l = &p->line[i];
        char cluster[3] = "";
        if (l->cluster >= 0)
            cluster_code(l->cluster, cluster);
        const struct run_line line = {
            .key = l->key,
            .stage = stage_name(l->stage),
            .month = l->month,
            .cluster = l->cluster >= 0 ? cluster : NULL,
            .basis = l->basis == BASIS_COUNT ? NULL : basis_name(l->basis),
            .price_pence = l->price_pence,
            .units = l->units,
            .pence = l->pence,
            .label = l->label,
        };
        run_lines_add(copy, x->provider, x->work->run->id, (int32_t)i + 1, &line);
    }
    return pg_copy_end(copy, NULL);
}

/* The rows that earned an assessment in the month, commas between; "" when none did. */
static bool earned_in(const struct activity_lines *lines, month_t month, struct buf *out)
{
    bool ok = true;
    buf_clear(out);
    for (size_t i = 0; ok && i < lines->earned_count; i++) {
        const struct activity_earned *e = &lines->earned[i];
        if (e->month == month)
            ok = buf_append_format(out, "%s%d", out->length == 0 ? "" : ",", e->row_no);
    }
    return ok;
}

static enum pg_status write_input(struct writing *x, size_t i, struct buf *earned)
{
    const struct settlement *s = &x->work->settlement;
    month_t month = s->submission[i].month;
    if (!earned_in(&s->activity, month, earned))
        return PG_FAILED;
    return run_add_input(s->pg, x->provider, x->work->run->id, month, s->submission[i].no, s->reviews[i].sha256,
                         earned->length == 0 ? NULL : earned->data);
}

/* Inputs of all months read, and the pins of a first FREEZE: every month up to its own. It was asked for when their
 * windows had closed; terms agreed since then do not open them again. */
static enum pg_status write_inputs(struct writing *x)
{
    const struct settlement *s = &x->work->settlement;
    const struct run *run = x->work->run;
    bool freezes = strcmp(run->type, "FREEZE") == 0;
    struct buf earned;
    buf_init(&earned, STATISTICS_MAX_CANDIDATES * 11);
    enum pg_status status = reviews_keep(s->pg, &s->reviews_in_use);
    for (size_t i = 0; status == PG_OK && i < s->months; i++) {
        month_t month = s->submission[i].month;
        if (s->submission[i].no == 0)
            continue; /* counts by agreement: nothing is pinned, and rows let in later replace it */
        status = write_input(x, i, &earned);
        if (status == PG_OK && freezes && month <= run->month)
            status = freeze_month(s->pg, x->provider, run->account.contract, month, s->submission[i].no,
                                  s->reviews[i].sha256, x->work->now);
    }
    buf_free(&earned);
    const struct bridge_changes *decided = &s->rows.changes.decided;
    return status == PG_OK ? run_add_rows(s->pg, x->provider, run->id, decided->change, decided->count) : status;
}

static enum pg_status write_done(struct writing *x)
{
    const struct run_work *work = x->work;
    const struct run_outcome outcome = {
        .finished_at = work->now,
        .known_at = work->settlement.known_at,
        .engine = POSITION_ENGINE,
        .position_sha256 = x->own_sha256,
        .position_pence = work->own.position.total,
        .billing_sha256 = work->bills ? x->billed_sha256 : NULL,
        .billable_pence = run_billed(work)->position.billable,
        .billed_pence = x->draft.billed_before,
        .opening_pence = x->draft.set_off.opening,
        .on_account = x->draft.on_account,
        .on_account_pence = x->draft.set_off.on_account,
    };
    return run_done(work->settlement.pg, x->provider, work->run->id, &outcome);
}

/* The signed bytes of the statement; NULL when memory ran out. */
static char *compose_statement(const struct writing *x, const struct statement_link *previous, const json_t *bridges,
                               const struct run_trees *trees, size_t *length)
{
    const struct run_work *work = x->work;
    const struct settlement *s = &work->settlement;
    struct statement_submission submissions[TERMS_MONTHS];
    char own[65];
    char billed[65];
    char before[65];
    char key_id[17];
    size_t sent = 0;
    for (size_t i = 0; i < s->months; i++) {
        const struct effective_submission *e = &s->submission[i];
        if (e->no != 0)
            submissions[sent++] = (struct statement_submission){e->month, e->version, e->id,           e->sha256,
                                                                e->bytes, e->rows,    trees[i].stated, trees[i].count};
    }
    hex_encode(x->own_sha256, 32, own);
    hex_encode(x->billed_sha256, 32, billed);
    hex_encode(previous->sha256, 32, before);
    public_key_id_text(signer_public(work->worker->signer)->id, key_id);
    const struct statement_input in = {
        .provider = x->provider,
        .contract = work->run->account.contract,
        .commissioner = work->run->account.commissioner,
        .financial_year = s->facts.financial_year,
        .shadow = s->facts.shadow,
        .run = work->run->id,
        .type = work->run->type,
        .n = work->run->n,
        .month = work->run->month,
        .cause = work->run->cause,
        .sealed_at = work->now,
        .demonstration = strcmp(work->worker->config->mode, "demonstration") == 0,
        .engine = POSITION_ENGINE,
        .key_id = key_id,
        .sequence = previous->seq + 1,
        .previous_sha256 = previous->seq == 0 ? NULL : before,
        .submissions = submissions,
        .submission_count = sent,
        .bridges = bridges,
        .position = work->own.document,
        .position_sha256 = own,
        .position_pence = work->own.position.total,
        .billed_position = work->bills ? run_billed(work)->document : NULL,
        .billed_sha256 = billed,
        .billed_month = work->billed_month,
        .billable_pence = run_billed(work)->position.billable,
        .billed_before_pence = x->draft.billed_before,
        .opening_pence = x->draft.set_off.opening,
        .on_account = x->draft.on_account,
        .on_account_pence = x->draft.set_off.on_account,
        .draft = work->bills ? x->draft.document.id : NULL,
        .draft_kind = x->draft.document.kind,
    };
    return statement_bytes(&in, length);
}

/* The commitments of each month's submission, as far as they are stated. */
static enum pg_status find_trees(struct writing *x, struct run_trees trees[TERMS_MONTHS])
{
    enum pg_status status = PG_OK;
    for (size_t i = 0; i < x->work->settlement.months && status == PG_OK; i++) {
        enum row_trees_status made = run_trees_find(x->work, i, &trees[i], &status);
        if (made == ROW_TREES_STORE || status != PG_OK)
            return status == PG_OK ? PG_FAILED : status;
        x->lost = made == ROW_TREES_STOPPED;
        if (made != ROW_TREES_MADE && !x->lost)
            x->no_trees = row_trees_reason(made);
        status = made == ROW_TREES_MADE ? PG_OK : PG_FAILED;
    }
    return status;
}

static enum pg_status write_statement(struct writing *x)
{
    const struct run *run = x->work->run;
    struct pg *pg = x->work->settlement.pg;
    struct statement_link previous;
    struct run_trees trees[TERMS_MONTHS] = {0};
    char record[IDENT_SIZE];
    char stem[80];
    size_t length = 0;
    enum pg_status status = statement_last(pg, &run->account, &previous);
    if (status == PG_OK)
        status = find_trees(x, trees);
    if (status != PG_OK)
        return status;
    json_t *bridges = run_raised_itself(run) ? run_bridges_told(&x->bridges) : NULL;
    char *bytes =
        run_raised_itself(run) && bridges == NULL ? NULL : compose_statement(x, &previous, bridges, trees, &length);
    json_decref(bridges);
    if (bytes == NULL)
        return PG_FAILED;
    snprintf(stem, sizeof stem, "statement-%s-%s-%lld", x->provider, run->account.commissioner,
             (long long)previous.seq + 1);
    const struct seal_request request = {x->provider, "statement", stem, bytes, length, x->work->now};
    status = may_go_out(x, bytes, length);
    if (status == PG_OK)
        status = seal_record(pg, x->work->worker->signer, &request, record);
    free(bytes);
    if (status == PG_OK)
        status = statement_insert(pg, &run->account, &previous, run->id, record);
    return status;
}

/* The service's own act: which position it found, and what it drafted for it. */
static enum pg_status write_audit(struct writing *x)
{
    char subject[40];
    char digest[65];
    size_t length = 0;
    hex_encode(x->own_sha256, 32, digest);
    snprintf(subject, sizeof subject, "run/%s", x->work->run->id);
    json_t *detail = json_pack("{s:s, s:s}", "type", x->work->run->type, "position_sha256", digest);
    bool ok = detail != NULL && (!x->work->bills || json_put(detail, "document", json_string(x->draft.document.id)));
    char *text = ok ? json_canonical(detail, &length) : NULL;
    const struct audit_event event = {
        .provider = x->provider, .at = x->work->now, .act = "run.settle", .subject = subject, .detail = text};
    enum pg_status status = text == NULL ? PG_FAILED : audit_append(x->work->settlement.pg, &event);
    free(text);
    json_decref(detail);
    return status;
}

enum settlement_status run_write(struct run_work *work, char *reason, enum pg_status *store_status)
{
    struct writing x;
    memset(&x, 0, sizeof x);
    x.work = work;
    x.provider = work->run->account.provider;
    x.reason = reason;
    enum settlement_status outcome = work->bills ? draft_make(work, &x.draft) : SETTLEMENT_OK;
    if (outcome != SETTLEMENT_OK) {
        x.status = work->settlement.store_status;
        snprintf(reason, POSITION_REASON_SIZE, "%s", work->settlement.reason);
    }
    if (outcome == SETTLEMENT_OK)
        outcome = find_others(&x);
    if (outcome == SETTLEMENT_OK) {
        bool issued_nothing = strcmp(work->run->type, "PREVIEW") == 0;
        x.status = open_guard(&x);
        if (x.status == PG_OK)
            x.status = guard_positions(&x);
        if (x.status == PG_OK)
            x.status = write_positions(&x);
        if (x.status == PG_OK)
            x.status = write_lines(&x);
        if (x.status == PG_OK)
            x.status = write_inputs(&x);
        if (x.status == PG_OK)
            x.status = run_bridges_write(work, &x.bridges, sha256_of, &x);
        if (x.status == PG_OK && work->bills)
            x.status = draft_write(work, &x.draft);
        if (x.status == PG_OK)
            x.status = write_done(&x);
        if (x.status == PG_OK && !issued_nothing)
            x.status = write_statement(&x);
        if (x.status == PG_OK)
            x.status = write_audit(&x);
        outcome = x.status == PG_OK ? SETTLEMENT_OK : x.lost ? SETTLEMENT_LOST : SETTLEMENT_STORE;
        if (x.no_trees != NULL)
            outcome = fault(&x, x.no_trees);
        if (x.leaks)
            outcome = fault(&x, "A text of the terms, of a party or of the activity could identify a patient and was"
                                " kept back: nothing was settled. Tell the operator, who has the text mended; then"
                                " retry the job.");
    }
    leak_guard_free(x.guard);
    draft_free(&x.draft);
    run_bridges_free(&x.bridges);
    for (size_t i = 0; i < TERMS_MONTHS; i++)
        account_position_free(&x.other[i]);
    /* For a job PG_NONE says that its lease was lost; here it is a row that should be there. */
    *store_status = x.status == PG_NONE ? PG_FAILED : x.status;
    return outcome;
}
