#include "worker/settlement.h"

#include "domain/payability.h"
#include "domain/reference.h"
#include "domain/windows.h"
#include "store/challenge.h"
#include "store/pinned.h"
#include "store/reference_set.h"
#include "store/row_act.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum settlement_status settlement_store_failed(struct settlement *s, enum pg_status status)
{
    s->store_status = status;
    return SETTLEMENT_STORE;
}

enum settlement_status settlement_no_memory(struct settlement *s)
{
    snprintf(s->reason, sizeof s->reason, "The worker ran out of memory. Retry the job when the machine has more.");
    return SETTLEMENT_FAULT;
}

/* One kind of reference data. PG_NONE from the store is a fault of installation: the files come with the service. */
static enum settlement_status load_reference(struct settlement *s, const char *kind, struct reference *reference,
                                             bool (*load)(struct reference *, const char *, size_t, char *, size_t))
{
    struct buf content;
    uint8_t digest[REFERENCE_DIGEST_SIZE];
    char error[200] = "";
    enum settlement_status outcome = SETTLEMENT_OK;
    buf_init(&content, REFERENCE_FILE_MAXIMUM);
    enum pg_status status = reference_content_as_known(s->pg, s->reference_dir, kind,
                                                       s->as_known ? s->known_at : INSTANT_NONE, &content, digest);
    if (status == PG_NONE || (status == PG_OK && !load(reference, content.data, content.length, error, sizeof error))) {
        snprintf(s->reason, sizeof s->reason,
                 "The reference data \"%s\" is missing or cannot be read%s%s. The operator "
                 "can load it; then ask for the run again.",
                 kind, error[0] == '\0' ? "" : ": ", error);
        s->hold = HOLD_REFERENCE_DATA;
        outcome = SETTLEMENT_PARKED;
    } else if (status != PG_OK) {
        outcome = settlement_store_failed(s, status);
    }
    buf_free(&content);
    return outcome;
}

static enum settlement_status keep_reference(struct settlement *s, const struct reference *reference)
{
    s->holidays = calloc(reference->bank_holiday_count + 1, sizeof *s->holidays);
    if (s->holidays == NULL)
        return settlement_no_memory(s);
    if (reference->bank_holiday_count > 0)
        memcpy(s->holidays, reference->bank_holidays, reference->bank_holiday_count * sizeof *s->holidays);
    s->holiday_count = reference->bank_holiday_count;
    struct review_periods reviews;
    review_periods_of(reference, &reviews);
    return kept_reviews_of(&reviews, &s->reviews_in_use) ? SETTLEMENT_OK : settlement_no_memory(s);
}

enum settlement_status settlement_open(struct settlement *s)
{
    struct reference reference;
    enum pg_status status = account_facts(s->pg, &s->account, &s->facts);
    if (status == PG_OK)
        status = agreed_terms_load(s->pg, s->account.provider, s->account.contract, s->known_at, &s->terms);
    if (status == PG_OK)
        status = absences_load(s->pg, financial_year_first(s->facts.financial_year), s->known_at, &s->absences);
    if (status != PG_OK)
        return settlement_store_failed(s, status == PG_NONE ? PG_FAILED : status);
    reference_init(&reference);
    enum settlement_status outcome = load_reference(s, "bank_holidays", &reference, reference_load_bank_holidays);
    if (outcome == SETTLEMENT_OK)
        outcome = load_reference(s, "clusters", &reference, reference_load_clusters);
    if (outcome == SETTLEMENT_OK)
        outcome = keep_reference(s, &reference);
    reference_free(&reference);
    return outcome;
}

/* Windows follow the calendar of the version in force for the month. Without terms the position parks anyway. */
static bool set_cutoffs(struct settlement *s)
{
    const struct closing_calendar calendar = {s->holidays, s->holiday_count, s->absences.list, s->absences.count};
    for (size_t i = 0; i < s->months; i++) {
        const struct terms_version *v = s->month[i].terms;
        struct windows w;
        s->cutoff[i].month = s->month[i].month;
        s->cutoff[i].cutoff = s->known_at;
        if (v == NULL)
            continue;
        if (!windows_of_month(v->terms, s->month[i].month, &calendar, &w))
            return false;
        s->cutoff[i].cutoff = w.freeze_at;
    }
    return true;
}

static void take_submissions(struct settlement *s)
{
    for (size_t i = 0; i < s->months; i++) {
        const struct effective_submission *e = &s->submission[i];
        struct position_month *m = &s->month[i];
        if (e->no == 0)
            continue;
        m->submission = e->id;
        m->sha256 = e->sha256;
        m->rule_set = e->rule_set[0] == '\0' ? NULL : e->rule_set;
        m->reference = e->reference[0] == '\0' ? NULL : e->reference;
        m->known_from = e->known_from;
    }
}

/* FREEZE freezes reference data with the rows: what is loaded later holds for later months. */
static enum settlement_status find_reviews(struct settlement *s)
{
    const struct account_key *a = &s->account;
    month_t first = s->month[0].month;
    enum pg_status status = s->as_known ? frozen_reviews_as_known(s->pg, a->provider, a->contract, first, s->months,
                                                                  s->known_at, s->reviews)
                                        : frozen_reviews(s->pg, a->provider, a->contract, first, s->months, s->reviews);
    return status == PG_OK ? SETTLEMENT_OK : settlement_store_failed(s, status);
}

/* Names them where the terms look at them. */
static void take_reviews(struct settlement *s)
{
    for (size_t i = 0; i < s->months; i++) {
        struct position_month *m = &s->month[i];
        if (m->submission != NULL && m->terms != NULL && payability_looks_at_reviews(m->terms->terms))
            m->reviews = s->reviews[i].sha256;
    }
}

static enum settlement_status find_submissions(struct settlement *s)
{
    enum pg_status status = (s->as_known ? effective_submissions_as_known : effective_submissions)(
        s->pg, s->account.provider, s->account.contract, s->cutoff, s->months, s->known_at, s->submission);
    if (status != PG_OK)
        return settlement_store_failed(s, status);
    for (size_t i = 0; i < s->months; i++) {
        const struct effective_submission *e = &s->submission[i];
        if (e->waits) {
            char month[8];
            month_format(e->month, month);
            snprintf(s->reason, sizeof s->reason,
                     "An upload of %s is still arriving or being validated; the run waits for its outcome.", month);
            return SETTLEMENT_WAITS;
        }
    }
    take_submissions(s);
    return SETTLEMENT_OK;
}

static enum settlement_status find_achievements(struct settlement *s)
{
    enum pg_status status = agreed_achievements(s->pg, &s->account, s->known_at, &s->achievement_rows);
    if (status != PG_OK)
        return settlement_store_failed(s, status);
    s->achievement_count = (size_t)PQntuples(s->achievement_rows);
    s->achievements = calloc(s->achievement_count + 1, sizeof *s->achievements);
    if (s->achievements == NULL)
        return settlement_no_memory(s);
    for (size_t i = 0; i < s->achievement_count; i++) {
        s->achievements[i].indicator = pg_text(s->achievement_rows, (int)i, "indicator");
        s->achievements[i].numerator = pg_i64(s->achievement_rows, (int)i, "numerator");
        s->achievements[i].denominator = pg_i64(s->achievement_rows, (int)i, "denominator");
        s->achievements[i].disputed = pg_bool(s->achievement_rows, (int)i, "disputed");
        s->achievements[i].agreed_at = pg_instant(s->achievement_rows, (int)i, "agreed_at");
    }
    return SETTLEMENT_OK;
}

static enum settlement_status find_agreed(struct settlement *s)
{
    bool out_of_memory = false;
    enum pg_status status =
        agreed_inputs_load(s->pg, &s->account, s->known_at, s->month, s->months, &s->agreed, &out_of_memory);
    if (out_of_memory)
        return settlement_no_memory(s);
    return status == PG_OK ? SETTLEMENT_OK : settlement_store_failed(s, status);
}

enum settlement_status settlement_broken_statistics(struct settlement *s)
{
    snprintf(s->reason, sizeof s->reason,
             "The statistics of a submission cannot be read. reckoner fsck names it; the operator restores them.");
    return SETTLEMENT_FAULT;
}

static enum settlement_status load_statistics(struct settlement *s)
{
    struct statistics_month months[TERMS_MONTHS];
    struct month_statistics loaded[TERMS_MONTHS] = {0};
    struct statistics_question q = {
        .provider = s->account.provider, .commissioner = s->account.commissioner, .lost = s->lost, .months = months};
    enum pg_status status = PG_FAILED;
    for (size_t i = 0; i < s->months; i++) {
        if (s->submission[i].no != 0)
            months[q.count++] = (struct statistics_month){s->month[i].month, s->submission[i].no,
                                                          s->month[i].terms->terms, &s->reviews[i].periods};
    }
    enum statistics_loaded outcome = month_statistics_load(s->pg, &q, loaded, &status);
    for (size_t i = 0, next = 0; i < s->months; i++) {
        if (s->submission[i].no != 0)
            s->statistics[i] = loaded[next++];
    }
    switch (outcome) {
    case STATISTICS_LOST:
        return SETTLEMENT_LOST;
    case STATISTICS_STORE:
        return settlement_store_failed(s, status);
    case STATISTICS_OUT_OF_MEMORY:
        return settlement_no_memory(s);
    case STATISTICS_BROKEN:
        return settlement_broken_statistics(s);
    case STATISTICS_LOADED:
        break;
    }
    return SETTLEMENT_OK;
}

enum settlement_status settlement_activity(struct settlement *s, const struct row_change *changes, size_t count,
                                           struct activity_lines *out)
{
    struct activity_month months[TERMS_MONTHS];
    const struct activity_input in = {s->account.commissioner, months, s->months, changes, count};
    for (size_t i = 0; i < s->months; i++) {
        const struct month_statistics *m = &s->statistics[i];
        months[i] = (struct activity_month){s->month[i].month,      s->month[i].terms->terms,
                                            &s->reviews[i].periods, s->submission[i].no == 0 ? NULL : &m->own,
                                            m->other_list,          m->other_count};
    }
    switch (activity_value(&in, out)) {
    case ACTIVITY_DONE:
        return SETTLEMENT_OK;
    case ACTIVITY_NO_MEMORY:
        return settlement_no_memory(s);
    case ACTIVITY_OVERFLOW:
        snprintf(s->reason, sizeof s->reason, "The activity's value is beyond 64 bits.");
        break;
    case ACTIVITY_NOT_STATISTICS:
        snprintf(s->reason, sizeof s->reason,
                 "The changes to rows do not fit the statistics of the submissions: reckoner fsck compares them with "
                 "the rows.");
        break;
    }
    return SETTLEMENT_FAULT;
}

/* The clock of what is raised again runs like that of any challenge. */
static enum settlement_status follow_rows(struct settlement *s)
{
    date_t last;
    int64_t raised = 0;
    const struct terms_version *v = agreed_terms_in_force(&s->terms, s->month[0].month, s->known_at);
    int32_t days = v != NULL && v->terms->answer.present ? v->terms->answer.operational_days : CHALLENGE_ANSWER_DAYS;
    if (!operational_day_after(s->holidays, s->holiday_count, london_date(s->known_at), days, &last))
        last = london_date(s->known_at) + 2 * days; /* nobody has loaded the holidays of that year */
    enum pg_status status = challenges_follow_rows(s->pg, &s->account, s->submission, s->months, s->known_at,
                                                   london_midnight(last + 1), &raised);
    return status == PG_OK ? SETTLEMENT_OK : settlement_store_failed(s, status);
}

static enum settlement_status value_activity(struct settlement *s)
{
    for (size_t i = 0; i < s->months; i++) {
        if (s->month[i].terms == NULL || (s->submission[i].no == 0 && s->month[i].source == MONTH_RECEIVED))
            return SETTLEMENT_OK; /* the position parks and says why; no need to read anything first */
    }
    enum settlement_status outcome = load_statistics(s);
    if (outcome == SETTLEMENT_OK)
        outcome = row_inputs_load(s, &s->rows);
    return outcome == SETTLEMENT_OK ? row_inputs_value(s, &s->rows, &s->activity) : outcome;
}

static void begin_months(struct settlement *s, month_t last)
{
    month_t first = financial_year_first(s->facts.financial_year);
    s->months = (size_t)(last - first) + 1;
    for (size_t i = 0; i < s->months; i++) {
        memset(&s->month[i], 0, sizeof s->month[i]);
        s->month[i].month = first + (month_t)i;
        s->month[i].terms = agreed_terms_in_force(&s->terms, s->month[i].month, s->known_at);
        s->reviews[i] = s->reviews_in_use;
    }
}

enum settlement_status settlement_read_pinned(struct settlement *s, const char *run, month_t last)
{
    struct run r;
    enum pg_status status = run_get(s->pg, s->account.provider, run, &r);
    if (status == PG_OK) {
        s->known_at = r.known_at;
        begin_months(s, last);
        status = pinned_submissions(s->pg, s->account.provider, run, s->month[0].month, s->months, s->submission);
    }
    if (status == PG_OK)
        status = pinned_reviews(s->pg, s->account.provider, run, s->month[0].month, s->months, s->reviews);
    if (status != PG_OK)
        return settlement_store_failed(s, status == PG_NONE ? PG_FAILED : status);
    take_submissions(s);
    take_reviews(s);
    enum settlement_status outcome = find_achievements(s);
    if (outcome == SETTLEMENT_OK)
        outcome = find_agreed(s);
    return outcome == SETTLEMENT_OK ? row_inputs_load(s, &s->rows) : outcome;
}

enum settlement_status settlement_read(struct settlement *s, month_t last)
{
    begin_months(s, last);
    if (!set_cutoffs(s)) {
        snprintf(s->reason, sizeof s->reason,
                 "The windows of the year cannot be computed from the terms' calendar and "
                 "the bank holidays loaded. The operator can load the bank holidays; then ask for the run again.");
        s->hold = HOLD_REFERENCE_DATA;
        return SETTLEMENT_PARKED;
    }
    enum settlement_status outcome = find_submissions(s);
    if (outcome == SETTLEMENT_OK)
        outcome = find_reviews(s);
    if (outcome == SETTLEMENT_OK) {
        take_reviews(s);
        outcome = find_achievements(s);
    }
    if (outcome == SETTLEMENT_OK)
        outcome = find_agreed(s);
    if (outcome == SETTLEMENT_OK && s->follows_rows)
        outcome = follow_rows(s);
    if (outcome == SETTLEMENT_OK)
        outcome = value_activity(s);
    return outcome;
}

/* Open challenges of the months up to m, with their activity to m. */
static size_t challenges_to(const struct settlement *s, month_t m, struct position_challenge *challenges,
                            struct activity_lines *lines)
{
    size_t count = 0;
    for (size_t i = 0; i < s->rows.challenge_count; i++) {
        if (s->rows.challenge_month[i] > m)
            continue;
        lines[count] = activity_lines_to(&s->rows.lines[i], m);
        challenges[count] = s->rows.challenges[i];
        challenges[count].countered = &lines[count];
        count++;
    }
    return count;
}

static size_t decisions_to(const struct row_changes *rows, month_t m)
{
    size_t count = 0;
    while (count < rows->decision_count && rows->decisions[count].month <= m)
        count++;
    return count;
}

struct position_input settlement_input(const struct settlement *s, month_t m, const struct activity_lines *activity)
{
    return (struct position_input){
        .provider = s->account.provider,
        .contract = s->account.contract,
        .commissioner = s->account.commissioner,
        .financial_year = s->facts.financial_year,
        .month = m,
        .months = s->month,
        .annual = agreed_terms_in_force(&s->terms, m, s->known_at),
        .achievements = s->achievements,
        .achievement_count = s->achievement_count,
        .activity = activity,
        .adjustments = s->agreed.adjustments,
        .adjustment_count = s->agreed.adjustment_count,
        .withholds = s->agreed.withholds,
        .withhold_count = s->agreed.withhold_count,
        .decisions = s->rows.changes.decisions,
        .decision_count = decisions_to(&s->rows.changes, m),
    };
}

static enum settlement_status compute(struct settlement *s, const struct position_input *in,
                                      struct account_position *out)
{
    struct account_position made;
    memset(&made, 0, sizeof made);
    switch (position_compute(in, &made.position, s->reason)) {
    case POSITION_PARKED:
        return SETTLEMENT_PARKED;
    case POSITION_OVERFLOW:
        return SETTLEMENT_FAULT;
    case POSITION_NO_MEMORY:
        return settlement_no_memory(s);
    case POSITION_DONE:
        break;
    }
    made.document = position_document(in, &made.position);
    made.bytes = made.document == NULL ? NULL : json_canonical(made.document, &made.length);
    if (made.bytes == NULL) {
        account_position_free(&made);
        return settlement_no_memory(s);
    }
    *out = made;
    return SETTLEMENT_OK;
}

enum settlement_status settlement_challenges(struct settlement *s, month_t m, struct open_challenges *out)
{
    *out = (struct open_challenges){.list = calloc(s->rows.challenge_count + 1, sizeof *out->list),
                                    .lines = calloc(s->rows.challenge_count + 1, sizeof *out->lines)};
    if (out->list == NULL || out->lines == NULL)
        return settlement_no_memory(s);
    out->count = challenges_to(s, m, out->list, out->lines);
    return SETTLEMENT_OK;
}

void open_challenges_free(struct open_challenges *c)
{
    free(c->list);
    free(c->lines);
}

enum settlement_status settlement_position(struct settlement *s, month_t m, struct account_position *out)
{
    const struct activity_lines activity = activity_lines_to(&s->activity, m);
    struct open_challenges open;
    enum settlement_status outcome = settlement_challenges(s, m, &open);
    if (outcome == SETTLEMENT_OK) {
        struct position_input in = settlement_input(s, m, &activity);
        in.challenges = open.list;
        in.challenge_count = open.count;
        outcome = compute(s, &in, out);
    }
    open_challenges_free(&open);
    return outcome;
}

void account_position_free(struct account_position *p)
{
    position_free(&p->position);
    json_decref(p->document);
    free(p->bytes);
    memset(p, 0, sizeof *p);
}

void settlement_close(struct settlement *s)
{
    agreed_terms_free(&s->terms);
    free(s->holidays);
    absences_free(&s->absences);
    for (size_t i = 0; i < TERMS_MONTHS; i++)
        month_statistics_free(&s->statistics[i]);
    activity_lines_free(&s->activity);
    PQclear(s->achievement_rows);
    free(s->achievements);
    agreed_inputs_free(&s->agreed);
    row_inputs_free(&s->rows);
    memset(s, 0, sizeof *s);
}
