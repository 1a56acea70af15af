/* The readiness framework of the 2011 review as a page of figures: what it asked of a provider and its contracts, each
 * with what it counts and where it comes from. Only what the service has; what it does not measure, it says so. */
#include "base/buf.h"
#include "domain/suppression.h"
#include "http/request.h"
#include "routes/handlers.h"
#include "routes/measured_month.h"

#include <stdio.h>
#include <string.h>

#define PAGE_MAXIMUM 65536

/* FROM_SAMPLES counts rows, which are patients. */
enum origin { FROM_INDICATOR, FROM_CONTRACTS, FROM_ACTS, FROM_SAMPLES, FROM_NOTHING };

/* One question of the review. */
struct asked {
    const char *section;
    const char *figure;
    const char *question;
    enum origin origin;
    enum indicator_id indicator;
    const char *numerator; /* columns of readiness_contracts */
    const char *denominator;
    const char *definition; /* what the contracts' columns count, or why it is not measured */
};

#define VALIDATION             "Validating clusters for payment"
#define RISK                   "Contracts with risk sharing"
#define PRICES                 "Prices per cluster"
#define LINKS                  "CQUIN, plan and scope"
#define TRUST                  "Both sides look at the same numbers"
#define OLDER                  "Policy papers before the review"
#define AGREED                 "contracts of the year with approved terms for the month"
#define INDICATED(id)          FROM_INDICATOR, id, NULL, NULL, NULL
#define COUNTED(column, words) FROM_CONTRACTS, INDICATOR_COUNT, column, "agreed", words
#define ACTED(part, of, words) FROM_ACTS, INDICATOR_COUNT, part, of, words
#define MISSING(words)         FROM_NOTHING, INDICATOR_COUNT, NULL, NULL, words

static const struct asked page[] = {
    {VALIDATION, "clustered", "Was the patient clustered?", INDICATED(INDICATOR_CASELOAD_CLUSTERED)},
    {VALIDATION, "within_review", "Was the patient reviewed in time?", INDICATED(INDICATOR_WITHIN_REVIEW)},
    {VALIDATION, "grid_must_score", "In the right cluster? Ratings that its must-score band rules out",
     INDICATED(INDICATOR_GRID_MUST)},
    {VALIDATION, "grid_expected", "In the right cluster? Ratings that its expected band does not hold",
     INDICATED(INDICATOR_GRID_EXPECTED)},
    {VALIDATION, "second_rater", "In the right cluster? What a second rater says", FROM_SAMPLES, INDICATOR_COUNT,
     "agreeing", "rated",
     "rows with the same cluster, of the month's sampled rows that a second rater gave one (closed samples)"},
    {VALIDATION, "override_rate", "How often do clinicians override the tool?", INDICATED(INDICATOR_OVERRIDES)},
    {VALIDATION, "low_cluster_on_ward", "Who sits in a low cluster on a ward?", INDICATED(INDICATOR_LOW_ON_WARD)},
    {VALIDATION, "cluster_00", "How many could not be clustered?", INDICATED(INDICATOR_CLUSTER_00)},
    {VALIDATION, "unknown_ratings", "How much of the rating is not known?", INDICATED(INDICATOR_UNKNOWN_RATINGS)},
    {RISK, "agreed", "Are contracts agreed?", FROM_CONTRACTS, INDICATOR_COUNT, "agreed", "contracts",
     "contracts with approved terms, of the contracts of the year"},
    {RISK, "shadow", "Is there a shadow year that computes everything and moves no money?",
     COUNTED("shadow", "contracts in shadow mode, of the " AGREED)},
    {RISK, "risk_share", "Is the risk shared until tariffs are trusted?",
     COUNTED("risk_share", "contracts with risk_share (bands, cap or collar), of the " AGREED)},
    {PRICES, "priced_clusters", "Are prices agreed per cluster?", FROM_CONTRACTS, INDICATOR_COUNT, "priced_clusters",
     "clusters_to_price", "clusters with a price for care, of 21 clusters in each of the " AGREED},
    {PRICES, "price_confidence", "How confident are the prices?",
     ACTED(
         "confident", "tracked",
         "prices whose newest entry has the confidence high, of the prices of the year with a history (price-track)")},
    {PRICES, "cost_neutral", "Are there cost-neutral prices from relative cost and contract value?",
     MISSING("Computed when asked for (cost-neutral-prices); what was asked is not kept, so it is not counted")},
    {LINKS, "cquin", "Is CQUIN linked to the currency?", COUNTED("cquin", "contracts with cquin, of the " AGREED)},
    {LINKS, "planned_clusters", "Is there an activity plan per cluster?", FROM_CONTRACTS, INDICATOR_COUNT,
     "planned_clusters", "priced_clusters", "priced clusters with a plan in units, of the priced clusters"},
    {LINKS, "scope", "Is it said what is out of scope?",
     COUNTED("scope", "contracts with out_of_scope_services, of the " AGREED)},
    {TRUST, "late_submissions", "Do files come in time?", INDICATED(INDICATOR_LATE)},
    {TRUST, "replaced_submissions", "Are files sent again?", INDICATED(INDICATOR_REPLACED)},
    {TRUST, "challenges", "Are challenges answered?",
     ACTED("closed", "challenged", "challenges that were decided or withdrawn, of those raised on rows of the month")},
    {TRUST, "challenges_upheld", "How do they end?",
     ACTED("upheld", "closed", "challenges accepted or split, of those decided or withdrawn on rows of the month")},
    {OLDER, "several_commissioners", "One contract per trust with several commissioners?",
     COUNTED("several_commissioners", "contracts with more than one account, of the " AGREED)},
    {OLDER, "prior_approval", "Prior approval?",
     COUNTED("prior_approval", "contracts with prior_approval, of the " AGREED)},
    {OLDER, "stop_pay", "Is unpaid what was not reviewed?",
     COUNTED("stop_pay", "contracts with stop_pay_when_overdue, of the " AGREED)},
    {OLDER, "practice_budgets", "Indicative budgets by practice?", MISSING("The service knows no practice budgets")},
};
#define PAGE_LINES (sizeof page / sizeof page[0])

/* A figure of the page. */
struct shown {
    struct measured figure;
    const char *definition;
    const char *of;     /* second half of the definition, of an indicator; NULL: none */
    const char *source; /* where the figure comes from */
};

/* Rows are patients: a count of few is hidden with what would give it back, as in the indicators. */
static void hide_small(struct measured *f)
{
    bool few = suppression_is_small(f->denominator);
    if (!few && !suppression_is_small(f->numerator) && !suppression_is_small(f->denominator - f->numerator))
        return;
    f->numerator_known = f->value_known = false;
    f->denominator_known = !few;
    f->note = MEASURED_HIDDEN;
}

static void show(const struct measured_month *m, const struct measured *own, const PGresult *contracts,
                 const struct asked *a, struct shown *out)
{
    memset(out, 0, sizeof *out);
    if (a->origin == FROM_INDICATOR) {
        out->figure = own[a->indicator];
        out->definition = indicator_get(a->indicator)->numerator;
        out->of = indicator_get(a->indicator)->denominator;
        out->source = "indicators of the month";
        if (!m->found)
            out->figure.note = "Not measured: no file for this month was sent and accepted";
        return;
    }
    out->definition = a->definition;
    if (a->origin == FROM_NOTHING) {
        out->source = "none";
        out->figure.note = "Not measured";
        return;
    }
    struct measured *f = &out->figure;
    f->numerator_known = f->denominator_known = true;
    f->numerator = pg_i64(contracts, 0, a->numerator);
    f->denominator = pg_i64(contracts, 0, a->denominator);
    f->value_known = indicator_value(INDICATOR_LATE, f->numerator, f->denominator, &f->value);
    f->note = f->value_known ? NULL : "There is nothing to divide by";
    if (a->origin == FROM_SAMPLES)
        hide_small(f);
    out->source = a->origin == FROM_CONTRACTS ? "approved terms of the contracts that you may see"
                                              : "samples, price histories and challenges that you may see";
}

static json_t *known(bool is_known, int64_t value)
{
    return is_known ? json_integer(value) : json_null();
}

static json_t *line_json(const struct asked *a, const struct shown *s)
{
    json_t *o = json_object();
    bool ok = o && json_put(o, "section", json_string(a->section)) && json_put(o, "figure", json_string(a->figure)) &&
              json_put(o, "question", json_string(a->question)) &&
              json_put(o, "numerator", known(s->figure.numerator_known, s->figure.numerator)) &&
              json_put(o, "denominator", known(s->figure.denominator_known, s->figure.denominator)) &&
              json_put(o, "share", measured_share(s->figure.value_known, s->figure.value)) &&
              json_put(o, "numerator_counts", json_string(s->definition)) &&
              json_put(o, "denominator_counts", s->of ? json_string(s->of) : json_null()) &&
              json_put(o, "source", json_string(s->source)) &&
              json_put(o, "note", s->figure.note ? json_string(s->figure.note) : json_null());
    if (ok)
        return o;
    json_decref(o);
    return NULL;
}

static void number_text(char out[24], bool is_known, int64_t value)
{
    if (is_known)
        (void)snprintf(out, 24, "%lld", (long long)value);
    else
        (void)snprintf(out, 24, "-");
}

/* The page as a table of text, for people who read it without a program. */
static void line_text(struct buf *b, const struct asked *a, const struct shown *s, const char *section)
{
    char numerator[24], denominator[24], share[24] = "-";
    const struct measured *f = &s->figure;
    number_text(numerator, f->numerator_known, f->numerator);
    number_text(denominator, f->denominator_known, f->denominator);
    if (f->value_known)
        (void)snprintf(share, sizeof share, "%lld.%lld %%", (long long)(f->value / 10000),
                       (long long)(f->value / 1000 % 10));
    if (section == NULL || strcmp(section, a->section) != 0)
        (void)buf_append_format(b, "\n%s\n", a->section);
    (void)buf_append_format(b, "  %-75s %10s of %10s  %8s\n", a->question, numerator, denominator, share);
    (void)buf_append_format(b, "      %s%s%s\n", s->definition, s->of ? " / " : "", s->of ? s->of : "");
    if (f->note != NULL)
        (void)buf_append_format(b, "      %s\n", f->note);
}

static void reply_text(struct request *r, const struct measured_month *m, const struct measured *own,
                       const PGresult *contracts)
{
    struct buf b;
    char month[8];
    const char *section = NULL;
    buf_init(&b, PAGE_MAXIMUM);
    month_format(m->month, month);
    (void)buf_append_format(&b, "Readiness of %s in %s\n", m->provider, month);
    for (size_t i = 0; i < PAGE_LINES; i++) {
        struct shown s;
        show(m, own, contracts, &page[i], &s);
        line_text(&b, &page[i], &s, section);
        section = page[i].section;
    }
    if (b.failed)
        reply_problem(r, PROBLEM_INTERNAL, NULL, "There is no memory for the reply");
    else
        reply_bytes(r, 200, "text/plain; charset=utf-8", b.data, b.length, NULL, NULL);
    buf_free(&b);
}

static void reply_page_json(struct request *r, const struct measured_month *m, const struct measured *own,
                            const PGresult *contracts)
{
    json_t *body = measured_head(m);
    json_t *items = json_array();
    bool ok = body != NULL && items != NULL;
    for (size_t i = 0; i < PAGE_LINES && ok; i++) {
        struct shown s;
        show(m, own, contracts, &page[i], &s);
        ok = json_array_append_new(items, line_json(&page[i], &s)) == 0;
    }
    ok = json_put(body, "items", items) && ok;
    if (ok) {
        reply_json(r, 200, body, NULL);
        return;
    }
    json_decref(body);
    reply_problem(r, PROBLEM_INTERNAL, NULL, "There is no memory for the reply");
}

/* Text only for those who ask for it and not for JSON. */
static bool wants_text(const struct request *r)
{
    const char *accept = request_header(r, "Accept");
    return accept != NULL && strstr(accept, "text/plain") != NULL && strstr(accept, "json") == NULL;
}

void readiness_get(struct request *r)
{
    month_t month = 0;
    struct measured_month m;
    struct measured own[INDICATOR_COUNT];
    PGresult *contracts = NULL;
    const char *service = NULL;
    int at = 0;
    if (!request_query_month(r, &month))
        return;
    memset(own, 0, sizeof own);
    enum pg_status status = measured_month_read(r->pg, r->path_values[0], month, &m);
    if (status == PG_OK)
        status = readiness_contracts(r->pg, r->path_values[0], month, &contracts);
    if (status != PG_OK)
        reply_store(r, status);
    else if (m.found && !measured_next(&m, &at, &service, own))
        reply_store(r, PG_FAILED);
    else if (wants_text(r))
        reply_text(r, &m, own, contracts);
    else
        reply_page_json(r, &m, own, contracts);
    PQclear(contracts);
    measured_month_free(&m);
}
