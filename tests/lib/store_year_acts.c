/* What becomes known in a contract-year on a database. */
#include "lib/store_year.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#define OURS YEAR_COMMISSIONER

/* "PROVIDER', 'CONTRACT', '5QE" */
static const char *account_of(const struct store_year *a)
{
    static char text[64];
    snprintf(text, sizeof text, "'%s', '%s', '" OURS "'", a->provider, a->contract);
    return text;
}

void store_year_approve(struct store_year *a)
{
    struct json_problem problem;
    size_t length = 0;
    size_t i = a->version++;
    json_t *json = json_deep_copy(a->y->terms[i]->source);
    json_t *parties = json_object_get(json, "parties");
    json_object_set(parties, a->provider, json_object_get(parties, "RXA"));
    json_object_del(parties, "RXA");
    struct terms *t = terms_parse(json, &problem);
    ck_assert_msg(t != NULL, "%s %s", problem.field, problem.message);
    char *body = terms_canonical(t, &length);
    const char *at = i == 0 ? "2012-03-01T09:00:00Z" : store_year_tick();
    struct script s;
    fprintf(script_begin(&s),
            "INSERT INTO terms (provider, contract, version, mode, effective_from, digest, body, author, created_at,"
            " state, known_from) VALUES ('%s', '%s', %zu, '%s', %s, sha256('%s'), '%s', 'p%s.one', '%s', 'approved',"
            " '%s')",
            a->provider, a->contract, i + 1, t->shadow ? "shadow" : "live", store_year_month(t->effective_from), body,
            body, a->provider, at, at);
    (void)script_run(&s, a, -1);
    free(body);
    terms_free(t);
    json_decref(json);
}

static void write_row(FILE *f, const struct store_year *a, const struct year_row *row, int64_t submission)
{
    const struct episode *e = &row->row;
    fprintf(f, "('%s', %lld, %d, '%s', md5('%s')::uuid, '%s', '%s', '%s', ", a->provider, (long long)submission,
            e->row_no, e->episode_id, row->patient_id, e->commissioner, e->cluster, e->service);
    fprintf(f, "%s::date, %s::date, %s::date, ", store_year_day(e->start_date), store_year_day(e->end_date),
            store_year_day(e->mhct_date));
    fprintf(f, "%s::date, %s::date, %d, %d, %s, ", store_year_day(e->referral_date), store_year_day(e->last_contact),
            e->mhct_reason, e->admitted_days, e->assessment_only ? "true" : "false");
    fprintf(f, "%s, %s, %s, %lld)", e->continues ? "true" : "false", e->approved ? "true" : "false",
            e->minor ? "true" : "false", (long long)e->failed);
}

static void submit_month(struct store_year *a, int32_t k, int version, instant_t begun_at)
{
    static int64_t last_submission; /* of all providers */
    struct script s;
    FILE *f = script_begin(&s);
    char id[IDENT_SIZE];
    size_t rows = a->y->row_count[k];
    const char *at = store_year_instant(begun_at);
    ident_new(id);
    int64_t no = ++last_submission;
    fprintf(f,
            "INSERT INTO submission (provider, no, id, month, version, state, uploaded_by, idempotency_key, media_type,"
            " begun_at, completed_at, sealed_key, bytes, sha256, validated_at, rows, payable_rows, rule_set) VALUES"
            " ('%s', %lld, '%s', %s, %d, 'accepted', 'p%s.one', '%s', 'text/csv', '%s', '%s', '', 1000,"
            " sha256('%s'), '%s', %zu, %zu, 'rules');",
            a->provider, (long long)no, id, store_year_month(YEAR_APRIL + k), version, a->provider, id, at, at, id, at,
            rows, rows);
    for (size_t i = 0; i < rows; i++) {
        fputs(i == 0 ? "INSERT INTO episode (provider, submission, row_no, episode_id, patient, commissioner, cluster,"
                       " service, start_date, end_date, mhct_date, referral_date, last_contact, mhct_reason,"
                       " admitted_days, assessment_only, continues, approved, minor, failed) VALUES "
                     : ", ",
              f);
        write_row(f, a, &a->y->rows[k][i], no);
    }
    a->row_fact[k] = script_run(&s, a, a->row_fact[k]);
    a->submission[k] = no;
}

/* Some rows of the month come anew; where the order is to be free, none of a month that was contested. */
void store_year_let_in_late(struct store_year *a)
{
    static int n;
    int32_t k = (int32_t)year_between(a->y, 0, a->last - YEAR_APRIL);
    if (a->y->missing[k] || (a->order_free && a->contested[k]) || a->facts + 2 > STORE_FACTS || a->account[0].closed ||
        a->account[1].closed)
        return;
    struct script s;
    const char *at = store_year_tick();
    fprintf(script_begin(&s),
            "INSERT INTO window_exception (provider, contract, month, n, reason, asked_side, asked_by, asked_at,"
            " decision, decided_side, decided_by, decided_at, closes_at) VALUES ('%s', '%s', %s, %d, 'rows missing',"
            " 'provider', 'p%s.one', '%s', 'granted', 'commissioner', 'pct5qe.one', '%s', '%s')",
            a->provider, a->contract, store_year_month(YEAR_APRIL + k), ++n, a->provider, at, at,
            store_year_instant(store_year_now + INT64_C(7200) * 1000000));
    a->row_fact[k] = script_run(&s, a, a->row_fact[k]);
    store_year_tick();
    if (year_chance(a->y, 60))
        contract_year_amend_month(a->y, k);
    else
        contract_year_replace_month(a->y, k);
    submit_month(a, k, 100 + n, store_year_now);
    store_year_now += INT64_C(7200) * 1000000;
}

static void agree_achievement(struct store_year *a)
{
    const struct position_achievement *m = &a->y->achievement[a->achievement++];
    const char *at = store_year_tick();
    struct script s;
    fprintf(script_begin(&s),
            "INSERT INTO achievement (provider, contract, commissioner, indicator, n, numerator, denominator, evidence,"
            " proposed_side, proposed_by, proposed_at, agreed_side, agreed_by, agreed_at) VALUES (%s,"
            " '%s', 1, %lld, %lld, 'audit', 'provider', 'p%s.one', '%s', 'commissioner', 'pct5qe.one', '%s')",
            account_of(a), m->indicator, (long long)m->numerator, (long long)m->denominator, a->provider, at, at);
    (void)script_run(&s, a, -1);
}

/* The agreement of both sides that a row of the table beside it goes with; the caller writes that row. */
static int write_agreement(FILE *f, struct store_year *a, const char *kind, const char *month)
{
    const char *at = store_year_tick();
    fprintf(f,
            "INSERT INTO agreement (provider, contract, commissioner, n, kind, month, body, digest, proposed_side,"
            " proposed_for, proposed_by, proposed_at, outcome, closed_side, closed_for, closed_by, closed_at) VALUES"
            " (%s, %d, '%s', %s, '{}', sha256('{}'), 'provider', '%s', 'p%s.one', '%s', 'agreed',"
            " 'commissioner', '5QE', 'pct5qe.one', '%s');",
            account_of(a), ++a->agreement, kind, month, a->provider, a->provider, at, at);
    return a->agreement;
}

static void agree_adjustment(struct store_year *a)
{
    struct position_adjustment *j = &a->y->adjustment[a->adjustment++];
    static int last;
    struct script s;
    FILE *f = script_begin(&s);
    char reverses[24] = "NULL";
    bool reversal = j->reverses != 0;
    if (j->pence == 0)
        j->pence = 1;
    if (reversal) {
        j->reverses = j[-1].n; /* the one before it */
        snprintf(reverses, sizeof reverses, "%lld", (long long)j->reverses);
        j->pence = -j[-1].pence;
    }
    j->n = write_agreement(f, a, "adjustment", store_year_month(j->month));
    fprintf(
        f,
        "INSERT INTO adjustment (provider, contract, commissioner, n, month, pence, label, in_cquin, reverses) VALUES"
        " (%s, %d, %s, %lld, 'As agreed', %s, %s)",
        account_of(a), (int)j->n, store_year_month(j->month), (long long)j->pence, j->in_cquin ? "true" : "false",
        reverses);
    last = script_run(&s, a, reversal ? last : -1);
}

static void agree_month(struct store_year *a)
{
    const struct year_agreed *m = &a->y->agreed[a->agreed++];
    struct script s;
    FILE *f = script_begin(&s);
    int n = write_agreement(f, a, "month_without_activity", store_year_month(m->month));
    fprintf(f,
            "INSERT INTO month_without_activity (provider, contract, commissioner, n, month, counts_as) VALUES"
            " (%s, %d, %s, '%s')",
            account_of(a), n, store_year_month(m->month), m->source == MONTH_ZERO ? "zero" : "estimate");
    (void)script_run(&s, a, -1);
}

static void agree_opening(struct store_year *a)
{
    struct year_opening *o = &a->y->opening[a->opening++];
    struct script s;
    FILE *f = script_begin(&s);
    if (o->pence == 0)
        o->pence = 1;
    int n = write_agreement(f, a, "opening_entry", "NULL");
    fprintf(f,
            "INSERT INTO opening_entry (provider, contract, commissioner, n, number, issued_on, pence) VALUES"
            " (%s, %d, 'INV-%d', '2012-05-31', %lld)",
            account_of(a), n, n, (long long)o->pence);
    (void)script_run(&s, a, -1);
}

static void impose_withhold(struct store_year *a)
{
    const struct position_withhold *w = &a->y->withhold[a->withhold++];
    struct script s;
    FILE *f = script_begin(&s);
    fprintf(f,
            "INSERT INTO withhold (provider, contract, commissioner, month, id, reason, imposed_by, imposed_at) VALUES"
            " (%s, %s, '%s', 'the file came late', 'pct5qe.one', '%s');",
            account_of(a), store_year_month(w->month), w->id, store_year_tick());
    int imposed = script_run(&s, a, -1);
    if (w->state == WITHHOLD_OPEN)
        return;
    f = script_begin(&s);
    int n = write_agreement(f, a, "withhold_decision", store_year_month(w->month));
    fprintf(f,
            "INSERT INTO withhold_decision (provider, contract, commissioner, n, month, withhold, decision, pence)"
            " VALUES (%s, %d, %s, '%s', '%s', %lld)",
            account_of(a), n, store_year_month(w->month), w->id, w->state == WITHHOLD_RELEASED ? "released" : "kept",
            (long long)w->decided_pence);
    (void)script_run(&s, a, imposed);
}

/* Rows */

/* A row of a commissioner that no open challenge holds and that was never moved; NULL: the one drawn is none. */
static struct year_row *draw_row(struct store_year *a, int32_t k, const char *commissioner)
{
    if (a->y->row_count[k] == 0)
        return NULL;
    struct year_row *row = &a->y->rows[k][year_random(a->y, a->y->row_count[k])];
    if (strcmp(row->row.commissioner, commissioner) != 0)
        return NULL;
    int64_t taken = store_year_number(
        "SELECT (SELECT count(*) FROM challenge_row WHERE provider = '%s' AND month = %s AND episode_id = '%s' AND "
        "open)"
        " + (SELECT count(*) FROM reattribution_row WHERE provider = '%s' AND month = %s AND episode_id = '%s')",
        a->provider, store_year_month(YEAR_APRIL + k), row->row.episode_id, a->provider,
        store_year_month(YEAR_APRIL + k), row->row.episode_id);
    return taken == 0 ? row : NULL;
}

static void write_counter(FILE *f, struct store_year *a, const struct year_row *row)
{
    const char *cluster = year_random_cluster(a->y);
    uint64_t which = year_random(a->y, 3);
    if (which == 0 && strcmp(cluster, row->row.cluster) != 0)
        fprintf(f, "'%s', NULL, false", cluster);
    else if (which < 2)
        fprintf(f, "NULL, %d, false", (int)year_between(a->y, 0, 20));
    else
        fputs("NULL, NULL, true", f);
}

/* The document that billed the month; "": none. Which there is depends on the order of the runs. */
static const char *billed_by(const struct store_year *a, int32_t k)
{
    if (a->order_free)
        return "";
    return store_year_value("SELECT d.id FROM document d WHERE d.provider = '%s' AND d.commissioner = '" OURS "'"
                            " AND d.state = 'issued' AND EXISTS (SELECT FROM document_line l WHERE l.provider ="
                            " d.provider AND l.document = d.id AND l.month = %s AND l.stage = 'activity')"
                            " ORDER BY d.number DESC LIMIT 1",
                            a->provider, store_year_month(YEAR_APRIL + k));
}

static void write_challenge(FILE *f, struct store_year *a, int32_t k)
{
    char document[IDENT_SIZE];
    const char *at = store_year_tick();
    snprintf(document, sizeof document, "%s", billed_by(a, k));
    bool billed = document[0] != '\0';
    fprintf(f,
            "INSERT INTO challenge (provider, contract, commissioner, number, month, reason, evidence, claimed_pence,"
            " chosen_by, chosen, billed, document, raised_by, raised_at, answer_by) VALUES (%s, %d, %s, 'other',"
            " 'seen in the notes', %lld, 'rows', '', %s, %s%s%s, 'pct5qe.one', '%s', '%s');",
            account_of(a), a->challenge, store_year_month(YEAR_APRIL + k),
            (long long)year_between(a->y, 1, year_chance(a->y, 30) ? 20000 : 2000000), billed ? "true" : "false",
            billed ? "'" : "", billed ? document : "NULL", billed ? "'" : "", at,
            store_year_instant(store_year_now + INT64_C(86400000000) * 30));
}

static void raise_challenge(struct store_year *a)
{
    struct year_row *row[3];
    size_t rows = 0;
    int32_t k = (int32_t)year_between(a->y, 0, a->last - YEAR_APRIL);
    struct script s;
    a->challenges_left--;
    for (int i = 0; !a->y->missing[k] && i < 3; i++) {
        struct year_row *drawn = draw_row(a, k, OURS);
        bool again = drawn == NULL;
        for (size_t j = 0; j < rows; j++)
            again = again || row[j] == drawn;
        if (!again)
            row[rows++] = drawn;
    }
    if (rows == 0)
        return;
    /* Where others were raised by themselves, behind these. */
    a->challenge = (int)store_year_number("SELECT greatest(%d, coalesce(max(number), 0)) + 1 FROM challenge WHERE"
                                          " provider = '%s'",
                                          a->challenge, a->provider);
    FILE *f = script_begin(&s);
    write_challenge(f, a, k);
    for (size_t i = 0; i < rows; i++) {
        fprintf(f,
                "INSERT INTO challenge_row (provider, contract, commissioner, number, month, episode_id, row_sha256,"
                " cluster, counter_cluster, counter_days, counter_unpayable) SELECT %s, %d, %s, e.episode_id,"
                " episode_sha256(e), e.cluster, ",
                account_of(a), a->challenge, store_year_month(YEAR_APRIL + k));
        write_counter(f, a, row[i]);
        fprintf(f, " FROM episode e WHERE e.provider = '%s' AND e.submission = %lld AND e.episode_id = '%s';",
                a->provider, (long long)a->submission[k], row[i]->row.episode_id);
    }
    a->row_fact[k] = script_run(&s, a, a->row_fact[k]);
    a->contested[k] = true;
    a->answers_left += year_chance(a->y, 70);
}

static const struct year_row *row_of(const struct store_year *a, int32_t k, const char *episode)
{
    for (size_t i = 0; i < a->y->row_count[k]; i++) {
        if (strcmp(a->y->rows[k][i].row.episode_id, episode) == 0)
            return &a->y->rows[k][i];
    }
    return NULL;
}

/* What was decided counts while the row is as it is now; decided as it was before, it counts for nothing. */
static void keep_decision(struct store_year *a, const PGresult *r, int i)
{
    month_t month = (month_t)strtol(PQgetvalue(r, i, 0), NULL, 10);
    const struct year_row *row = row_of(a, month - YEAR_APRIL, PQgetvalue(r, i, 1));
    if (row == NULL || strcmp(PQgetvalue(r, i, 5), "t") != 0)
        return;
    year_must(a->decisions < STORE_ACTS);
    struct store_act *d = &a->decision[a->decisions++];
    d->row = *row;
    d->said = (struct year_change){
        .month = month,
        .cluster = PQgetisnull(r, i, 2) ? (int16_t)-1 : (int16_t)cluster_index(PQgetvalue(r, i, 2)),
        .payable_days = PQgetisnull(r, i, 3) ? -1 : (int32_t)strtol(PQgetvalue(r, i, 3), NULL, 10),
        .not_payable = strcmp(PQgetvalue(r, i, 4), "t") == 0,
        .agreed_at = (instant_t)a->decisions};
}

/* Rows of a challenge: month as a number, episode_id, the three counters, whether the newest submission has the row as
 * it was contested. */
static PGresult *rows_of(const struct store_year *a, int number)
{
    char sql[900];
    snprintf(sql, sizeof sql,
             "SELECT (extract(year FROM r.month) * 12 + extract(month FROM r.month) - 1)::integer, r.episode_id,"
             " r.counter_cluster, r.counter_days, r.counter_unpayable, r.row_sha256 = (SELECT episode_sha256(e) FROM"
             " episode e JOIN submission s ON s.provider = e.provider AND s.no = e.submission AND s.month = r.month"
             " WHERE e.provider = r.provider AND e.episode_id = r.episode_id AND e.commissioner = '" OURS "'"
             " AND s.version = (SELECT max(version) FROM submission x WHERE x.provider = s.provider AND x.month ="
             " s.month)) FROM challenge_row r WHERE r.provider = '%s' AND r.number = %d ORDER BY r.episode_id",
             a->provider, number);
    PGresult *r = PQexec(pg_raw(settled.store.owner), sql);
    ck_assert_msg(PQresultStatus(r) == PGRES_TUPLES_OK && PQntuples(r) > 0, "%s", PQresultErrorMessage(r));
    return r;
}

bool store_year_answer(struct store_year *a)
{
    static const char *const outcomes[] = {"withdrawn", "rejected", "accepted", "accepted", "split"};
    int number = (int)store_year_number("SELECT coalesce((SELECT number FROM challenge WHERE provider = '%s' AND"
                                        " outcome IS NULL ORDER BY md5(number || '%llu') LIMIT 1), 0)",
                                        a->provider, (unsigned long long)year_random(a->y, 1000));
    struct script s;
    if (number == 0)
        return false;
    PGresult *rows = rows_of(a, number);
    const char *outcome = outcomes[year_random(a->y, PQntuples(rows) > 1 ? 5 : 4)];
    int decided = strcmp(outcome, "split") == 0      ? (int)year_between(a->y, 1, PQntuples(rows) - 1)
                  : strcmp(outcome, "accepted") == 0 ? PQntuples(rows)
                                                     : 0;
    bool withdrawn = strcmp(outcome, "withdrawn") == 0;
    int32_t k = (int32_t)strtol(PQgetvalue(rows, 0, 0), NULL, 10) - YEAR_APRIL;
    const char *at = store_year_tick();
    FILE *f = script_begin(&s);
    fprintf(f,
            "UPDATE challenge SET outcome = '%s', closed_for = '%s', closed_by = '%s%s.one', closed_at = '%s',"
            " answer = 'as the notes say' WHERE provider = '%s' AND number = %d;",
            outcome, withdrawn ? OURS : a->provider, withdrawn ? "pct5qe" : "p", withdrawn ? "" : a->provider, at,
            a->provider, number);
    for (int i = 0; i < decided; i++) {
        fprintf(f,
                "INSERT INTO decision SELECT provider, contract, commissioner, number, episode_id, row_sha256, '%s'"
                " FROM challenge_row WHERE provider = '%s' AND number = %d AND episode_id = '%s';",
                at, a->provider, number, PQgetvalue(rows, i, 1));
        keep_decision(a, rows, i);
    }
    a->row_fact[k] = script_run(&s, a, a->row_fact[k]);
    PQclear(rows);
    return true;
}

static void answer_challenge(struct store_year *a)
{
    a->answers_left--;
    (void)store_year_answer(a);
}

/* A row that belongs to the other commissioner, by one act of three parties. */
static void move_row(struct store_year *a)
{
    int32_t k = (int32_t)year_between(a->y, 0, a->last - YEAR_APRIL);
    const char *from = year_chance(a->y, 60) ? OURS : YEAR_OTHER;
    const char *to = strcmp(from, OURS) == 0 ? YEAR_OTHER : OURS;
    struct script s;
    a->moves_left--;
    const struct year_row *row = a->y->missing[k] ? NULL : draw_row(a, k, from);
    if (row == NULL)
        return;
    const char *at = store_year_tick();
    int n = ++a->move_number;
    FILE *f = script_begin(&s);
    fprintf(f,
            "INSERT INTO reattribution (provider, n, month, from_commissioner, to_commissioner, rows, reason,"
            " proposed_side, proposed_at, provider_by, provider_at) VALUES ('%s', %d, %s, '%s', '%s', 1,"
            " 'the wrong practice', 'provider', '%s', 'p%s.one', '%s');",
            a->provider, n, store_year_month(YEAR_APRIL + k), from, to, at, a->provider, at);
    fprintf(f,
            "INSERT INTO reattribution_row (provider, n, month, commissioner, episode_id, row_sha256) SELECT '%s', %d,"
            " %s, '%s', e.episode_id, episode_sha256(e) FROM episode e WHERE e.provider = '%s' AND e.submission = %lld"
            " AND e.episode_id = '%s';",
            a->provider, n, store_year_month(YEAR_APRIL + k), from, a->provider, (long long)a->submission[k],
            row->row.episode_id);
    fprintf(f,
            "UPDATE reattribution SET from_by = 'pct%s.one', from_at = '%s', to_by = 'pct%s.one', to_at = '%s'"
            " WHERE provider = '%s' AND n = %d",
            strcmp(from, OURS) == 0 ? "5qe" : "5qf", at, strcmp(to, OURS) == 0 ? "5qe" : "5qf", at, a->provider, n);
    a->row_fact[k] = script_run(&s, a, a->row_fact[k]);
    a->contested[k] = true;
    year_must(a->moves < STORE_ACTS);
    a->move[a->moves] = (struct store_act){
        *row, {.month = YEAR_APRIL + k, .cluster = -1, .payable_days = -1, .to = to, .agreed_at = (instant_t)n}};
    a->moves++;
}

bool store_year_learn(struct store_year *a)
{
    struct contract_year *y = a->y;
    const struct {
        bool left;
        void (*act)(struct store_year *a);
    } things[] = {{a->version < y->versions, store_year_approve},
                  {a->achievement < y->achievements, agree_achievement},
                  {a->adjustment < y->adjustments, agree_adjustment},
                  {a->agreed < y->agreed_count, agree_month},
                  {a->withhold < y->withholds, impose_withhold},
                  {a->opening < y->openings, agree_opening},
                  {a->challenges_left > 0, raise_challenge},
                  {a->answers_left > 0, answer_challenge},
                  {a->moves_left > 0, move_row}};
    size_t count = sizeof things / sizeof *things;
    size_t first = (size_t)year_random(y, count);
    for (size_t i = 0; i < count; i++) {
        if (things[(first + i) % count].left) {
            things[(first + i) % count].act(a);
            store_year_job(a, "resettle");
            return true;
        }
    }
    return false;
}

static void write_parties(struct store_year *a)
{
    struct script s;
    FILE *f = script_begin(&s);
    fprintf(f,
            "INSERT INTO organisation (code, kind, name, live_from, created_at) VALUES ('%s', 'provider', 'A trust',"
            " '2000-04-01', '2012-01-01Z');"
            "INSERT INTO person (id, organisation, role, name, created_at) SELECT 'p%s.' || n, '%s', 'provider',"
            " 'Person ' || n, '2012-01-01Z' FROM (VALUES ('one'), ('two')) v (n);"
            "INSERT INTO contract (provider, id, financial_year, mode, title, coordinator, created_by, created_at)"
            " VALUES ('%s', '%s', 2012, '%s', 'A contract', '5QE', 'p%s.one', '2012-01-01Z');",
            a->provider, a->provider, a->provider, a->provider, a->contract, a->y->terms[0]->shadow ? "shadow" : "live",
            a->provider);
    for (size_t i = 0; i < a->accounts; i++)
        fprintf(f,
                "INSERT INTO account (provider, contract, commissioner, financial_year) VALUES ('%s', '%s', '%s',"
                " 2012);",
                a->provider, a->contract, a->account[i].commissioner);
    (void)script_run(&s, a, -1);
}

/* Months without a file are agreed as zero or an estimate, so that the year can be settled to March. */
static void agree_the_rest(struct store_year *a)
{
    struct year_agreed later[YEAR_AGREED];
    size_t count = a->y->agreed_count;
    memcpy(later, a->y->agreed, sizeof later);
    a->y->agreed_count = 0;
    for (int32_t k = 0; k < TERMS_MONTHS; k++) {
        a->y->missing[k] = a->y->missing[k] || k > a->last - YEAR_APRIL;
        if (a->y->missing[k])
            a->y->agreed[a->y->agreed_count++] =
                (struct year_agreed){YEAR_APRIL + k, year_chance(a->y, 30) ? MONTH_ZERO : MONTH_ESTIMATE, 1};
    }
    while (a->agreed < a->y->agreed_count)
        agree_month(a);
    for (size_t i = 0; i < count; i++) {
        if (!a->y->missing[later[i].month - YEAR_APRIL])
            a->y->agreed[a->y->agreed_count++] = later[i];
    }
    a->last = YEAR_APRIL + TERMS_MONTHS - 1;
}

void store_year_begin(struct store_year *a, uint64_t seed, uint64_t place, bool order_free)
{
    memset(a, 0, sizeof *a);
    a->seed = seed;
    a->y = contract_year_new(seed);
    a->y->changes = 0;
    a->y->challenges = 0;
    a->order_free = order_free;
    a->last = YEAR_APRIL + (month_t)year_between(a->y, 0, 5);
    a->closing = year_chance(a->y, 15);
    snprintf(a->provider, sizeof a->provider, "%llu", (unsigned long long)(100000 + place % 900000));
    ident_new(a->contract);
    a->accounts = year_chance(a->y, 40) ? 2 : 1;
    a->account[0].commissioner = OURS;
    a->account[1].commissioner = YEAR_OTHER;
    a->challenges_left = year_chance(a->y, 60) ? (int)year_between(a->y, 1, 3) : 0;
    a->moves_left = a->accounts == 2 ? (int)year_between(a->y, 0, 4) : 0;
    a->by_instalment = year_chance(a->y, 40);
    for (size_t i = 0; i < a->y->achievements; i++)
        a->y->achievement[i].disputed = false;
    for (size_t k = 0; k < TERMS_MONTHS; k++)
        a->row_fact[k] = -1;
    a->beginning = true;
    write_parties(a);
    store_year_approve(a);
    if (a->closing)
        agree_the_rest(a);
    for (int32_t k = 0; k <= a->last - YEAR_APRIL; k++) {
        instant_t begun = ((instant_t)month_last(YEAR_APRIL + k) + 5) * 86400 * 1000000;
        if (!a->y->missing[k])
            submit_month(a, k, 1, begun);
    }
    a->beginning = false;
}
