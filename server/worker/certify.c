#include "worker/certify.h"

#include "domain/reference.h"
#include "domain/windows.h"
#include "store/absence.h"
#include "store/agreed_terms.h"
#include "store/certificate.h"
#include "store/reference_set.h"
#include "worker/seal_record.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CANDIDATES 1000 /* of one call */

struct certifying {
    struct worker *w;
    instant_t now;
    struct reference reference; /* bank holidays */
    char contract[24];          /* whose terms are loaded */
    struct agreed_terms terms;
};

static enum pg_status load_holidays(struct certifying *c)
{
    struct buf content;
    uint8_t digest[REFERENCE_DIGEST_SIZE];
    char error[200] = "";
    buf_init(&content, REFERENCE_FILE_MAXIMUM);
    enum pg_status status = reference_content(c->w->pg, c->w->config->reference_dir, "bank_holidays", &content, digest);
    if (status == PG_OK &&
        !reference_load_bank_holidays(&c->reference, content.data, content.length, error, sizeof error))
        status = PG_NONE;
    buf_free(&content);
    return status;
}

/* When the month's FREEZE window closed, by the terms in force now; 0 when it is open or cannot be told. */
static enum pg_status closing(struct certifying *c, const char *provider, const char *contract, month_t month,
                              instant_t *closed_at)
{
    struct absences absences = {NULL, 0};
    struct windows windows;
    *closed_at = 0;
    enum pg_status status = PG_OK;
    if (strcmp(c->contract, contract) != 0) {
        agreed_terms_free(&c->terms);
        memset(&c->terms, 0, sizeof c->terms);
        c->contract[0] = '\0';
        status = agreed_terms_load(c->w->pg, provider, contract, c->now, &c->terms);
        if (status == PG_OK)
            snprintf(c->contract, sizeof c->contract, "%s", contract);
    }
    if (status == PG_OK)
        status = absences_load(c->w->pg, month, c->now, &absences);
    if (status != PG_OK)
        return status;
    const struct closing_calendar calendar = {c->reference.bank_holidays, c->reference.bank_holiday_count,
                                              absences.list, absences.count};
    const struct terms_version *v = agreed_terms_in_force(&c->terms, month, c->now);
    if (v != NULL && windows_of_month(v->terms, month, &calendar, &windows) && windows.freeze_at <= c->now)
        *closed_at = windows.freeze_at;
    absences_free(&absences);
    return PG_OK;
}

static json_t *version_json(const PGresult *r, int row)
{
    json_t *o = json_object();
    if (o != NULL && json_put(o, "version", json_integer(pg_i64(r, row, "version"))) &&
        json_put(o, "submission", json_string(pg_text(r, row, "submission"))) &&
        json_put(o, "outcome", json_string(pg_text(r, row, "state"))) &&
        json_put(o, "sha256", json_string(pg_text(r, row, "sha256"))) &&
        json_put(o, "bytes", json_integer(pg_i64(r, row, "bytes"))) &&
        json_put(o, "rows", pg_is_null(r, row, "rows") ? json_null() : json_integer(pg_i64(r, row, "rows"))) &&
        json_put(o, "begun_at", json_instant(pg_instant(r, row, "begun_at"))) &&
        json_put(o, "completed_at", json_instant(pg_instant(r, row, "completed_at"))))
        return o;
    json_decref(o);
    return NULL;
}

static char *certificate_bytes(const struct certifying *c, const struct certificate *k, const PGresult *versions,
                               size_t *length)
{
    char month[8];
    bool demonstration = strcmp(c->w->config->mode, "demonstration") == 0;
    json_t *o = json_object();
    json_t *list = json_array();
    month_format(k->month, month);
    bool ok = o != NULL && list != NULL && json_put(o, "@purpose", json_string("reckoner/certificate/1")) &&
              json_put(o, "provider", json_string(k->provider)) && json_put(o, "contract", json_string(k->contract)) &&
              json_put(o, "month", json_string(month)) && json_put(o, "window", json_string("freeze")) &&
              json_put(o, "closed_at", json_instant(k->closed_at)) && json_put(o, "sealed_at", json_instant(c->now)) &&
              json_put(o, "clock", json_string(demonstration ? "demonstration" : "service"));
    for (int row = 0; row < PQntuples(versions) && ok; row++)
        ok = json_array_append_new(list, version_json(versions, row)) == 0;
    ok = ok && json_object_set(o, "versions", list) == 0;
    char *bytes = ok ? json_canonical(o, length) : NULL;
    json_decref(list);
    json_decref(o);
    return bytes;
}

/* In an open transaction. */
static enum pg_status write_certificate(const struct certifying *c, struct certificate *k)
{
    PGresult *versions = NULL;
    char record[IDENT_SIZE];
    char month[8];
    char stem[80];
    size_t length = 0;
    enum pg_status status = certificate_versions(c->w->pg, k->provider, k->month, k->closed_at, &versions);
    if (status != PG_OK)
        return status;
    k->versions = PQntuples(versions);
    char *bytes = certificate_bytes(c, k, versions, &length);
    PQclear(versions);
    if (bytes == NULL)
        return PG_FAILED;
    month_format(k->month, month);
    snprintf(stem, sizeof stem, "certificate-%s-%s-%s", k->provider, k->contract, month);
    const struct seal_request q = {k->provider, "certificate", stem, bytes, length, c->now};
    status = seal_record(c->w->pg, c->w->signer, &q, record);
    free(bytes);
    k->record = record;
    if (status == PG_OK)
        status = certificate_insert(c->w->pg, k);
    k->record = NULL;
    return status;
}

/* Another worker may have certified the month meanwhile; then this one leaves nothing. */
static enum pg_status certify_month(struct certifying *c, struct certificate *k, int64_t *made)
{
    bool waits = false;
    enum pg_status status = certificate_waits(c->w->pg, k->provider, k->month, k->closed_at, &waits);
    if (status != PG_OK || waits)
        return status;
    status = pg_begin(c->w->pg);
    if (status == PG_OK)
        status = write_certificate(c, k);
    if (status == PG_OK)
        status = pg_commit(c->w->pg);
    else
        pg_rollback(c->w->pg);
    *made += status == PG_OK;
    return status == PG_DUPLICATE ? PG_OK : status;
}

static enum pg_status certify_all(struct certifying *c, int64_t *made)
{
    PGresult *candidates = NULL;
    enum pg_status status = certificate_candidates(c->w->pg, c->now, CANDIDATES, &candidates);
    for (int row = 0; status == PG_OK && row < PQntuples(candidates); row++) {
        struct certificate k = {.provider = pg_text(candidates, row, "provider"),
                                .contract = pg_text(candidates, row, "contract"),
                                .month = pg_month(candidates, row, "month")};
        status = closing(c, k.provider, k.contract, k.month, &k.closed_at);
        if (status == PG_OK && k.closed_at != 0)
            status = certify_month(c, &k, made);
    }
    PQclear(candidates);
    return status;
}

enum pg_status certify_due(struct worker *w, int64_t *made)
{
    struct certifying c = {.w = w};
    *made = 0;
    if (!clock_now(w->clock, &c.now))
        return PG_FAILED;
    reference_init(&c.reference);
    enum pg_status status = load_holidays(&c);
    if (status == PG_OK)
        status = certify_all(&c, made);
    agreed_terms_free(&c.terms);
    reference_free(&c.reference);
    return status;
}
