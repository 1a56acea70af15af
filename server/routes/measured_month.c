#include "routes/measured_month.h"

#include "base/parse.h"
#include "domain/money.h"

#include <stdio.h>
#include <string.h>

bool request_query_month(struct request *r, month_t *month)
{
    const char *text = request_query(r, "month");
    if (text != NULL && month_parse(text, strlen(text), month))
        return true;
    reply_problem(r, PROBLEM_BAD_PARAMETER, "month", "Say which month: ?month=YYYY-MM");
    return false;
}

static void read_head(const PGresult *r, struct measured_month *m)
{
    m->found = true;
    m->no = pg_i64(r, 0, "no");
    (void)snprintf(m->submission, sizeof m->submission, "%s", pg_text(r, 0, "id"));
    m->version = pg_i64(r, 0, "version");
    m->rows = pg_i64(r, 0, "rows");
    m->caseload = pg_is_null(r, 0, "caseload") ? -1 : pg_i64(r, 0, "caseload");
    m->accepted = pg_i64(r, 0, "accepted");
    m->late = pg_i64(r, 0, "late");
    m->too_many_services = pg_bool(r, 0, "too_many_services");
    (void)snprintf(m->prices, sizeof m->prices, "%s", pg_text(r, 0, "reference_prices"));
    (void)snprintf(m->grid, sizeof m->grid, "%s", pg_text(r, 0, "allocation_grid"));
}

static enum pg_status read_thresholds(struct pg *pg, struct measured_month *m)
{
    PGresult *r = NULL;
    enum pg_status status = indicator_thresholds(pg, m->provider, m->no, &r);
    for (int t = 0; t < THRESHOLD_COUNT; t++)
        m->threshold[t] = threshold_table[t].standard;
    for (int i = 0; status == PG_OK && i < PQntuples(r); i++) {
        for (int t = 0; t < THRESHOLD_COUNT; t++) {
            if (strcmp(threshold_table[t].name, pg_text(r, i, "threshold")) == 0)
                m->threshold[t] = pg_i64(r, i, "ppm");
        }
    }
    PQclear(r);
    return status;
}

enum pg_status measured_month_read(struct pg *pg, const char *provider, month_t month, struct measured_month *out)
{
    PGresult *r = NULL;
    *out = (struct measured_month){.provider = provider, .month = month, .caseload = -1};
    enum pg_status status = indicator_readable(pg, provider);
    if (status != PG_OK)
        return status;
    status = indicator_month(pg, provider, month - 1, &r);
    if (status == PG_OK)
        out->before = pg_i64(r, 0, "no");
    PQclear(r);
    r = NULL;
    if (status == PG_OK || status == PG_NONE)
        status = indicator_month(pg, provider, month, &r);
    if (status == PG_NONE)
        return PG_OK;
    if (status == PG_OK)
        read_head(r, out);
    PQclear(r);
    if (status == PG_OK)
        status = read_thresholds(pg, out);
    if (status == PG_OK)
        status = indicator_list(pg, provider, out->no, &out->lines);
    if (status == PG_OK)
        status = indicator_mix(pg, provider, out->no, out->before, &out->mix);
    return status;
}

void measured_month_free(struct measured_month *m)
{
    PQclear(m->lines);
    PQclear(m->mix);
    m->lines = m->mix = NULL;
}

static void read_line(const PGresult *r, int row, struct measured *f)
{
    f->numerator_known = !pg_is_null(r, row, "numerator");
    f->denominator_known = !pg_is_null(r, row, "denominator");
    f->numerator = pg_i64(r, row, "numerator");
    f->denominator = pg_i64(r, row, "denominator");
}

static void know(struct measured *f, int64_t numerator, int64_t denominator)
{
    f->numerator_known = f->denominator_known = true;
    f->numerator = numerator;
    f->denominator = denominator;
}

/* Mean price of a day in both months at this month's reference prices: what is left is the change of the mix. */
static void find_drift(const struct measured_month *m, bool whole, const char *service, struct measured *f)
{
    for (int i = 0; i < PQntuples(m->mix); i++) {
        if (pg_bool(m->mix, i, "whole") != whole || strcmp(pg_text(m->mix, i, "service"), service) != 0)
            continue;
        int64_t days = pg_i64(m->mix, i, "days"), before = pg_i64(m->mix, i, "days_before");
        int64_t now_mean = 0, mean_before = 0;
        if (days > 0 && before > 0 && money_round_ratio(pg_i64(m->mix, i, "pence"), 1000, days, &now_mean) &&
            money_round_ratio(pg_i64(m->mix, i, "pence_before"), 1000, before, &mean_before))
            know(f, now_mean, mean_before);
        return;
    }
}

/* Why an indicator cannot be told, whatever the counts; NULL: it can. */
static const char *not_measured(const struct measured_month *m, enum indicator_id id)
{
    bool priced = id == INDICATOR_MEAN_PRICE || id == INDICATOR_CASE_MIX_DRIFT || id == INDICATOR_TRANSITIONS;
    if (priced && m->prices[0] == '\0')
        return "Not measured: no reference prices were loaded";
    if ((id == INDICATOR_GRID_MUST || id == INDICATOR_GRID_EXPECTED) && m->grid[0] == '\0')
        return "Not measured: no allocation grid was loaded";
    if (id == INDICATOR_CASE_MIX_DRIFT && m->before == 0)
        return "Not measured: there is no accepted submission of the month before";
    return NULL;
}

static void finish(const struct measured_month *m, enum indicator_id id, struct measured *f)
{
    f->note = not_measured(m, id);
    if (f->note != NULL) {
        *f = (struct measured){.note = f->note};
        return;
    }
    bool both = f->numerator_known && f->denominator_known;
    f->value_known = both && indicator_value(id, f->numerator, f->denominator, &f->value);
    if (id == INDICATOR_CASELOAD_CLUSTERED && m->caseload < 0)
        f->note = "Not supplied: the upload did not say the caseload";
    else if (id == INDICATOR_CASE_MIX_DRIFT && !both)
        f->note =
            "One of the two months has no days in a cluster with a reference price, or so few patients that they are"
            " hidden";
    else if (!both)
        f->note = MEASURED_HIDDEN;
    else if (!f->value_known && f->denominator > 0)
        f->note = "More are clustered than the caseload that was sent: the header Caseload is wrong, or the file";
    else if (!f->value_known)
        f->note = "There is nothing to divide by";
}

bool measured_next(const struct measured_month *m, int *at, const char **service, struct measured out[INDICATOR_COUNT])
{
    int rows = PQntuples(m->lines);
    if (*at >= rows)
        return false;
    bool whole = pg_bool(m->lines, *at, "whole");
    const char *name = pg_text(m->lines, *at, "service");
    memset(out, 0, INDICATOR_COUNT * sizeof *out);
    for (;
         *at < rows && pg_bool(m->lines, *at, "whole") == whole && strcmp(pg_text(m->lines, *at, "service"), name) == 0;
         (*at)++) {
        enum indicator_id id;
        if (indicator_by_id(pg_text(m->lines, *at, "indicator"), &id))
            read_line(m->lines, *at, &out[id]);
    }
    /* The means of few patients' days are theirs: they hang on the episodes. */
    if (out[INDICATOR_CLUSTER_00].denominator_known)
        find_drift(m, whole, name, &out[INDICATOR_CASE_MIX_DRIFT]);
    if (whole) {
        know(&out[INDICATOR_LATE], m->late, m->accepted);
        know(&out[INDICATOR_REPLACED], m->accepted - 1, m->accepted);
    }
    for (int id = 0; id < INDICATOR_COUNT; id++)
        finish(m, (enum indicator_id)id, &out[id]);
    *service = whole ? NULL : name;
    return true;
}

static json_t *known_json(bool known, int64_t value)
{
    return known ? json_integer(value) : json_null();
}

json_t *measured_share(bool is_known, int64_t ppm)
{
    char text[32];
    if (!is_known)
        return json_null();
    format_percent_ppm(ppm, text);
    return json_string(text);
}

json_t *measured_json(const struct measured_month *m, enum indicator_id id, const struct measured *f, bool described)
{
    const struct indicator *what = indicator_get(id);
    bool watched = what->threshold != THRESHOLD_NONE;
    bool alert = watched && f->value_known && indicator_alerts(id, f->value, m->threshold[what->threshold]);
    bool mean = what->form == INDICATOR_MEAN;
    json_t *o = json_object();
    bool ok = o && json_put(o, "indicator", json_string(what->id)) &&
              json_put(o, "numerator", known_json(f->numerator_known, f->numerator)) &&
              json_put(o, "denominator", known_json(f->denominator_known, f->denominator)) &&
              json_put(o, "share", measured_share(f->value_known && !mean, f->value)) &&
              json_put(o, "mean_pence", known_json(f->value_known && mean, f->value)) &&
              json_put(o, "alert", watched && f->value_known ? json_boolean(alert) : json_null()) &&
              json_put(o, "note", f->note ? json_string(f->note) : json_null());
    if (ok && described)
        ok = json_put(o, "name", json_string(what->name)) &&
             json_put(o, "numerator_counts", json_string(what->numerator)) &&
             json_put(o, "denominator_counts", json_string(what->denominator)) &&
             json_put(o, "threshold", measured_share(watched, watched ? m->threshold[what->threshold] : 0)) &&
             json_put(o, "source", json_string(what->source));
    if (ok)
        return o;
    json_decref(o);
    return NULL;
}

json_t *measured_head(const struct measured_month *m)
{
    char month[8];
    month_format(m->month, month);
    json_t *o = json_object();
    bool ok = o && json_put(o, "provider", json_string(m->provider)) && json_put(o, "month", json_string(month)) &&
              json_put(o, "submission", m->found ? json_string(m->submission) : json_null()) &&
              json_put(o, "version", known_json(m->found, m->version)) &&
              json_put(o, "rows", known_json(m->found, m->rows)) &&
              json_put(o, "caseload", known_json(m->caseload >= 0, m->caseload)) &&
              json_put(o, "reference_prices", m->prices[0] ? json_string(m->prices) : json_null());
    if (ok && !m->found)
        ok = json_put(o, "empty_because", json_string("No file for this month was sent and accepted"));
    if (ok)
        return o;
    json_decref(o);
    return NULL;
}
