/* document.json of a bundle: the document that came of the draft, as it was issued. Who proposed and issued it stands
 * behind the service's own pages. */
#include "worker/bundle.h"

#include "domain/bundle.h"
#include "store/document.h"

#include <string.h>

static bool put_text(json_t *o, const char *name, const PGresult *r, int row, const char *column)
{
    return pg_is_null(r, row, column) || json_put(o, name, json_string(pg_text(r, row, column)));
}

static bool put_number(json_t *o, const char *name, const PGresult *r, int row, const char *column)
{
    return pg_is_null(r, row, column) || json_put(o, name, json_integer(pg_i64(r, row, column)));
}

static json_t *line_of(const PGresult *r, int row)
{
    json_t *o = json_object();
    if (o != NULL && put_number(o, "line_no", r, row, "line_no") && put_text(o, "key", r, row, "line_key") &&
        put_text(o, "stage", r, row, "stage") &&
        (pg_is_null(r, row, "month") || json_put(o, "month", bundle_month_text(pg_month(r, row, "month")))) &&
        put_text(o, "cluster", r, row, "cluster") && put_text(o, "basis", r, row, "basis") &&
        put_number(o, "price_pence", r, row, "price_pence") && put_number(o, "units", r, row, "units") &&
        put_number(o, "pence", r, row, "pence") && put_text(o, "label", r, row, "label"))
        return o;
    json_decref(o);
    return NULL;
}

static json_t *reference_of(const PGresult *r, int row)
{
    json_t *o = json_object();
    if (o != NULL && put_text(o, "document", r, row, "id") && put_number(o, "number", r, row, "number") &&
        put_text(o, "kind", r, row, "kind"))
        return o;
    json_decref(o);
    return NULL;
}

/* The rows of a result, which is cleared; NULL: memory ran out. */
static json_t *list_of(PGresult *r, json_t *(*entry)(const PGresult *r, int row))
{
    json_t *list = json_array();
    for (int i = 0; list != NULL && i < PQntuples(r); i++) {
        if (json_array_append_new(list, entry(r, i)) != 0) {
            json_decref(list);
            list = NULL;
        }
    }
    PQclear(r);
    return list;
}

/* When it is paid, and the bank holidays on the way there. */
static bool put_due(json_t *o, const PGresult *r)
{
    json_t *list = NULL;
    if (pg_is_null(r, 0, "due_on"))
        return true;
    if (!json_put(o, "due_on", bundle_day_text(pg_date(r, 0, "due_on"))) ||
        !json_put(o, "due_holidays", list = json_array()))
        return false;
    for (const char *day = pg_text(r, 0, "due_holidays"); *day != '\0'; day += day[10] == ',' ? 11 : 10) {
        if (json_array_append_new(list, json_stringn(day, 10)) != 0)
            return false;
    }
    return true;
}

static json_t *head_of(const PGresult *r, const char *provider)
{
    json_t *o = json_object();
    if (o != NULL && json_put(o, "@purpose", json_string("reckoner/document/1")) &&
        json_put(o, "provider", json_string(provider)) && put_text(o, "document", r, 0, "id") &&
        put_text(o, "contract", r, 0, "contract") && put_text(o, "commissioner", r, 0, "commissioner") &&
        put_text(o, "bill_to", r, 0, "bill_to") && put_text(o, "run", r, 0, "run") &&
        put_text(o, "kind", r, 0, "kind") && put_number(o, "number", r, 0, "number") &&
        put_number(o, "position_pence", r, 0, "position_pence") &&
        put_number(o, "billed_pence", r, 0, "billed_pence") && put_number(o, "opening_pence", r, 0, "opening_pence") &&
        put_number(o, "on_account_pence", r, 0, "on_account_pence") &&
        put_number(o, "balance_pence", r, 0, "balance_pence") &&
        json_put(o, "drafted_at", bundle_instant_text(pg_instant(r, 0, "drafted_at"))) &&
        json_put(o, "issued_at", bundle_instant_text(pg_instant(r, 0, "issued_at"))) && put_due(o, r))
        return o;
    json_decref(o);
    return NULL;
}

bool bundle_write_document(struct bundle_job *b)
{
    const char *provider = b->subject.account.provider;
    PGresult *r = NULL;
    if (b->issued[0] == '\0')
        return true;
    enum pg_status status = document_view(b->pg, provider, b->issued, INSTANT_NONE, &r);
    if (status != PG_OK)
        return bundle_failed(b, status == PG_NONE ? PG_FAILED : status);
    json_t *o = head_of(r, provider);
    PQclear(r);
    if (o == NULL)
        return bundle_no_memory(b);
    r = NULL;
    status = document_lines(b->pg, provider, b->issued, &r);
    bool good = status == PG_OK && json_put(o, "lines", list_of(r, line_of));
    r = NULL;
    if (good)
        status = document_references(b->pg, provider, b->issued, &r);
    good = good && status == PG_OK && json_put(o, "references", list_of(r, reference_of));
    if (good)
        return bundle_member_json(b, BUNDLE_DOCUMENT, o, true);
    json_decref(o);
    return status == PG_OK ? bundle_no_memory(b) : bundle_failed(b, status);
}
