#include "routes/run_windows.h"

#include "domain/reference.h"
#include "domain/windows.h"
#include "store/absence.h"
#include "store/agreed_terms.h"
#include "store/reference_set.h"

#include <stdlib.h>
#include <string.h>

static enum pg_status load_holidays(struct request *r, struct reference *reference)
{
    struct buf content;
    uint8_t digest[REFERENCE_DIGEST_SIZE];
    char error[200] = "";
    buf_init(&content, REFERENCE_FILE_MAXIMUM);
    enum pg_status status = reference_content(r->pg, r->config->reference_dir, "bank_holidays", &content, digest);
    if (status == PG_OK && !reference_load_bank_holidays(reference, content.data, content.length, error, sizeof error))
        status = PG_NONE;
    buf_free(&content);
    if (status == PG_NONE) {
        reply_problem(r, PROBLEM_CONFLICT, NULL, "The bank holidays are not loaded%s%s; the operator can load them",
                      error[0] == '\0' ? "" : ": ", error);
        return PG_INVALID;
    }
    return status;
}

enum pg_status request_bank_holidays(struct request *r, date_t **holidays, size_t *count)
{
    struct reference reference;
    reference_init(&reference);
    enum pg_status status = load_holidays(r, &reference);
    if (status == PG_OK) {
        *count = reference.bank_holiday_count;
        *holidays = calloc(*count + 1, sizeof **holidays);
        if (*holidays == NULL)
            status = PG_FAILED;
        else if (*count > 0)
            memcpy(*holidays, reference.bank_holidays, *count * sizeof **holidays);
    }
    reference_free(&reference);
    return status;
}

/* What the run waits for in a month of its year: FLEX for its own window, FREEZE for those of all months up to its own,
 * FINAL for that of March beside them. */
static instant_t window_of(const struct run *run, month_t month, const struct windows *w)
{
    if (strcmp(run->type, "FLEX") == 0)
        return w->flex_at;
    if (strcmp(run->type, "FINAL") == 0 && month == run->month && w->final_at > w->freeze_at)
        return w->final_at;
    return w->freeze_at;
}

/* Whether the month's window has closed; a problem names the instant at which it will. */
static bool has_closed(struct request *r, const struct run *run, const struct agreed_terms *terms,
                       const struct closing_calendar *calendar, month_t month)
{
    char name[8];
    char closes[28];
    struct windows w;
    month_format(month, name);
    const struct terms_version *v = agreed_terms_in_force(terms, month, r->begun_at);
    if (v == NULL) {
        reply_problem(r, PROBLEM_CONFLICT, "/month",
                      "No terms are in force for %s: both parties approve terms effective from then or earlier", name);
        return false;
    }
    if (!windows_of_month(v->terms, month, calendar, &w)) {
        reply_problem(r, PROBLEM_CONFLICT, "/month", "The windows of %s cannot be computed from the terms' calendar",
                      name);
        return false;
    }
    instant_t at = window_of(run, month, &w);
    if (r->begun_at >= at)
        return true;
    instant_format(at, closes);
    reply_problem(r, PROBLEM_RUN_TOO_EARLY, "/month",
                  "The %s window of %s closes at %s; a PREVIEW computes the same at any time", run->type, name, closes);
    return false;
}

enum pg_status run_windows_check(struct request *r, const struct run *run, int32_t financial_year)
{
    struct agreed_terms terms;
    struct reference reference;
    enum pg_status status = agreed_terms_load(r->pg, run->account.provider, run->account.contract, r->begun_at, &terms);
    if (status != PG_OK)
        return status;
    reference_init(&reference);
    status = load_holidays(r, &reference);
    struct absences absences = {NULL, 0};
    if (status == PG_OK)
        status = absences_load(r->pg, financial_year_first(financial_year), r->begun_at, &absences);
    const struct closing_calendar calendar = {reference.bank_holidays, reference.bank_holiday_count, absences.list,
                                              absences.count};
    month_t first = strcmp(run->type, "FLEX") == 0 ? run->month : financial_year_first(financial_year);
    for (month_t m = first; status == PG_OK && m <= run->month; m++) {
        if (!has_closed(r, run, &terms, &calendar, m))
            status = PG_INVALID;
    }
    absences_free(&absences);
    reference_free(&reference);
    agreed_terms_free(&terms);
    return status;
}
