#include "worker/row_inputs.h"

#include "store/row_act.h"
#include "worker/settlement.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A row that was challenged or moved at some time, as it stands in the submission that counts. */
struct known_row {
    struct row_change change;
    const char *sha256;
    bool changed;
};

struct known_rows {
    struct known_row *row; /* in order of month, then episode id */
    size_t count;
};

static int compare_rows(const void *a, const void *b)
{
    const struct known_row *x = a;
    const struct known_row *y = b;
    if (x->change.month != y->change.month)
        return x->change.month < y->change.month ? -1 : 1;
    return strcmp(x->change.row.episode_id, y->change.row.episode_id);
}

static struct known_row *find_row(const struct known_rows *rows, const PGresult *r, int row)
{
    struct known_row key = {.change = {.month = pg_month(r, row, "month")}};
    snprintf(key.change.row.episode_id, sizeof key.change.row.episode_id, "%s", pg_text(r, row, "episode_id"));
    return rows->count == 0 ? NULL : bsearch(&key, rows->row, rows->count, sizeof *rows->row, compare_rows);
}

/* Absolute: of the cluster, or of how much is paid, what was said before does not matter; the other stands. */
static void apply_counter(struct known_row *k, const PGresult *r, int row)
{
    k->changed = true;
    if (!pg_is_null(r, row, "counter_cluster")) {
        k->change.cluster = (int16_t)cluster_index(pg_text(r, row, "counter_cluster"));
        return;
    }
    k->change.not_payable = pg_bool(r, row, "counter_unpayable");
    k->change.payable_days = k->change.not_payable ? -1 : (int32_t)pg_i64(r, row, "counter_days");
}

static struct position_decision decision_of(const PGresult *r, int row, const struct known_row *k)
{
    bool cluster = !pg_is_null(r, row, "counter_cluster");
    bool days = !pg_is_null(r, row, "counter_days");
    return (struct position_decision){.number = pg_i64(r, row, "number"),
                                      .month = k->change.month,
                                      .row_sha256 = k->sha256,
                                      .kind = cluster ? "cluster"
                                              : days  ? "payable_days"
                                                      : "not_payable",
                                      .cluster =
                                          cluster ? (int16_t)cluster_index(pg_text(r, row, "counter_cluster")) : -1,
                                      .payable_days = days ? (int32_t)pg_i64(r, row, "counter_days") : -1,
                                      .agreed_at = pg_instant(r, row, "decided_at")};
}

static enum settlement_status read_rows(struct settlement *s, const struct effective_submission *submissions,
                                        size_t months, struct row_changes *out, struct known_rows *rows)
{
    enum pg_status status = touched_episodes(s->pg, &s->account, submissions, months, &out->episodes);
    if (status != PG_OK)
        return settlement_store_failed(s, status);
    rows->count = (size_t)PQntuples(out->episodes);
    rows->row = calloc(rows->count + 1, sizeof *rows->row);
    if (rows->row == NULL)
        return settlement_no_memory(s);
    for (size_t i = 0; i < rows->count; i++) {
        struct known_row *k = &rows->row[i];
        if (!row_act_episode(out->episodes, (int)i, &k->change.row))
            return settlement_store_failed(s, PG_FAILED);
        k->change.month = pg_month(out->episodes, (int)i, "month");
        k->change.was_here = strcmp(k->change.row.commissioner, s->account.commissioner) == 0;
        k->change.is_here = k->change.was_here;
        k->change.cluster = -1;
        k->change.payable_days = -1;
        k->sha256 = pg_text(out->episodes, (int)i, "sha256");
    }
    return SETTLEMENT_OK;
}

/* A re-attribution holds for the row as it was: one that came in its place is whose it says. */
static void apply_moves(const struct settlement *s, const struct row_inputs *in, struct row_changes *out,
                        const struct known_rows *rows)
{
    for (int i = 0; i < PQntuples(in->moved); i++) {
        struct known_row *k = find_row(rows, in->moved, i);
        if (k == NULL || strcmp(k->sha256, pg_text(in->moved, i, "row_sha256")) != 0)
            continue;
        k->change.is_here = strcmp(pg_text(in->moved, i, "to_commissioner"), s->account.commissioner) == 0;
        if (k->change.is_here == k->change.was_here)
            continue;
        k->changed = true;
        out->decisions[out->decision_count++] =
            (struct position_decision){.number = pg_i64(in->moved, i, "number"),
                                       .month = k->change.month,
                                       .row_sha256 = k->sha256,
                                       .kind = "reattribution",
                                       .cluster = -1,
                                       .payable_days = -1,
                                       .agreed_at = pg_instant(in->moved, i, "agreed_at")};
    }
}

/* Rows sent with the account's commissioner, and those moved to it. */
static bool concerns(const struct known_row *k)
{
    return k != NULL && (k->change.was_here || k->change.is_here);
}

/* A decision holds for the row that was decided on, not for another that came in its place. */
static enum settlement_status apply_decisions(struct settlement *s, const struct row_inputs *in,
                                              struct row_changes *out, const struct known_rows *rows)
{
    int count = PQntuples(in->decided);
    out->decisions = calloc((size_t)count + (size_t)PQntuples(in->moved) + 1, sizeof *out->decisions);
    if (out->decisions == NULL)
        return settlement_no_memory(s);
    apply_moves(s, in, out, rows);
    for (int i = 0; i < count; i++) {
        struct known_row *k = find_row(rows, in->decided, i);
        if (!concerns(k) || strcmp(k->sha256, pg_text(in->decided, i, "row_sha256")) != 0)
            continue;
        apply_counter(k, in->decided, i);
        out->decisions[out->decision_count++] = decision_of(in->decided, i, k);
    }
    if (out->decision_count > 0)
        qsort(out->decisions, out->decision_count, sizeof *out->decisions, position_decision_order);
    return SETTLEMENT_OK;
}

/* The rows changed so far. */
static bool keep_changed(const struct known_rows *rows, struct bridge_changes *out)
{
    struct row_change *changes = calloc(rows->count + 1, sizeof *changes);
    if (changes == NULL)
        return false;
    out->change = changes;
    for (size_t i = 0; i < rows->count; i++)
        if (rows->row[i].changed)
            changes[out->count++] = rows->row[i].change;
    return true;
}

/* Challenge by challenge in the order of their numbers, so that the contested sums telescope. */
static enum settlement_status counter_challenges(struct settlement *s, const struct row_inputs *in,
                                                 struct row_changes *out, const struct known_rows *rows)
{
    int row = 0;
    int count = PQntuples(in->open);
    out->counters = calloc((size_t)count + 1, sizeof *out->counters);
    if (out->counters == NULL)
        return settlement_no_memory(s);
    for (int i = 0; i < count; i++) {
        int64_t number = pg_i64(in->open, i, "number");
        for (; row < PQntuples(in->countered) && pg_i64(in->countered, row, "number") <= number; row++) {
            struct known_row *k = find_row(rows, in->countered, row);
            if (concerns(k))
                apply_counter(k, in->countered, row);
        }
        if (!keep_changed(rows, &out->counters[i]))
            return settlement_no_memory(s);
        out->counter_count++;
    }
    return SETTLEMENT_OK;
}

enum settlement_status row_changes_make(struct settlement *s, const struct row_inputs *in,
                                        const struct effective_submission *submissions, size_t months,
                                        struct row_changes *out)
{
    struct known_rows rows = {NULL, 0};
    enum settlement_status outcome = SETTLEMENT_OK;
    if (PQntuples(in->decided) > 0 || PQntuples(in->moved) > 0 || PQntuples(in->open) > 0)
        outcome = read_rows(s, submissions, months, out, &rows);
    if (outcome == SETTLEMENT_OK)
        outcome = apply_decisions(s, in, out, &rows);
    if (outcome == SETTLEMENT_OK && !keep_changed(&rows, &out->decided))
        outcome = settlement_no_memory(s);
    if (outcome == SETTLEMENT_OK)
        outcome = counter_challenges(s, in, out, &rows);
    free(rows.row);
    return outcome;
}

static enum settlement_status list_challenges(struct settlement *s, struct row_inputs *in)
{
    size_t count = (size_t)PQntuples(in->open);
    in->challenges = calloc(count + 1, sizeof *in->challenges);
    in->challenge_month = calloc(count + 1, sizeof *in->challenge_month);
    in->lines = calloc(count + 1, sizeof *in->lines);
    if (in->challenges == NULL || in->challenge_month == NULL || in->lines == NULL)
        return settlement_no_memory(s);
    in->challenge_count = count;
    for (size_t i = 0; i < count; i++) {
        int row = (int)i;
        in->challenge_month[i] = pg_month(in->open, row, "month");
        in->challenges[i] = (struct position_challenge){.number = pg_i64(in->open, row, "number"),
                                                        .claimed_pence = pg_i64(in->open, row, "claimed_pence"),
                                                        .sha256 = pg_text(in->open, row, "sha256"),
                                                        .billed = pg_bool(in->open, row, "billed"),
                                                        .raised_at = pg_instant(in->open, row, "raised_at"),
                                                        .countered = &in->lines[i]};
    }
    return SETTLEMENT_OK;
}

enum settlement_status row_inputs_load(struct settlement *s, struct row_inputs *in)
{
    enum pg_status status = row_decisions(s->pg, &s->account, s->known_at, &in->decided);
    if (status == PG_OK)
        status = row_moves(s->pg, &s->account, s->known_at, &in->moved);
    if (status == PG_OK)
        status = open_challenges(s->pg, &s->account, s->known_at, &in->open);
    if (status == PG_OK)
        status = open_challenge_rows(s->pg, &s->account, s->known_at, &in->countered);
    if (status != PG_OK)
        return settlement_store_failed(s, status);
    enum settlement_status outcome = list_challenges(s, in);
    return outcome == SETTLEMENT_OK ? row_changes_make(s, in, s->submission, s->months, &in->changes) : outcome;
}

enum settlement_status row_inputs_value(struct settlement *s, struct row_inputs *in, struct activity_lines *out)
{
    const struct row_changes *c = &in->changes;
    enum settlement_status outcome = settlement_activity(s, c->decided.change, c->decided.count, out);
    for (size_t i = 0; outcome == SETTLEMENT_OK && i < in->challenge_count; i++)
        outcome = settlement_activity(s, c->counters[i].change, c->counters[i].count, &in->lines[i]);
    return outcome;
}

void row_changes_free(struct row_changes *changes)
{
    for (size_t i = 0; i < changes->counter_count; i++)
        free((struct row_change *)changes->counters[i].change); /* owned here; const for those who only read them */
    free(changes->counters);
    free((struct row_change *)changes->decided.change);
    free(changes->decisions);
    PQclear(changes->episodes);
    memset(changes, 0, sizeof *changes);
}

void row_inputs_free(struct row_inputs *in)
{
    for (size_t i = 0; i < in->challenge_count; i++)
        activity_lines_free(&in->lines[i]);
    free(in->lines);
    free(in->challenges);
    free(in->challenge_month);
    row_changes_free(&in->changes);
    PQclear(in->decided);
    PQclear(in->moved);
    PQclear(in->open);
    PQclear(in->countered);
    memset(in, 0, sizeof *in);
}
