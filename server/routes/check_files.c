/* The check file of a provider and month, for `reckoner check` on the provider's own machines. */
#include "routes/handlers.h"

#include "domain/check_file.h"
#include "domain/leak_json.h"
#include "store/evaluation.h"
#include "store/live_dates.h"
#include "store/reference_set.h"
#include "store/saved_mapping.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct export
{
    struct request *r;
    month_t month;
    json_t *root;
    bool leaks; /* a reference file holds what could be an NHS number */
};

static json_t *live_json(const char *code, date_t from, date_t to)
{
    json_t *o = json_object();
    if (json_put(o, "code", json_string(code)) && json_put(o, "live_from", json_date(from)) &&
        json_put(o, "live_to", json_date(to)))
        return o;
    json_decref(o);
    return NULL;
}

static enum pg_status add_provider(struct export *x)
{
    date_t from = DATE_NONE;
    date_t to = DATE_NONE;
    const char *code = x->r->caller.organisation;
    enum pg_status status = live_dates_of(x->r->pg, code, &from, &to);
    if (status != PG_OK)
        return status;
    return json_put(x->root, "provider", live_json(code, from, to)) ? PG_OK : PG_FAILED;
}

static enum pg_status add_commissioners(struct export *x)
{
    PGresult *result = NULL;
    enum pg_status status = live_dates_of_commissioners(x->r->pg, &result);
    if (status != PG_OK)
        return status;
    json_t *list = json_array();
    bool ok = list != NULL;
    for (int i = 0; i < PQntuples(result) && ok; i++)
        ok = json_array_append_new(list, live_json(pg_text(result, i, "code"), pg_date(result, i, "live_from"),
                                                   pg_date(result, i, "live_to"))) == 0;
    PQclear(result);
    ok = json_put(x->root, "commissioners", list) && ok;
    return ok ? PG_OK : PG_FAILED;
}

static enum pg_status add_reference(struct export *x, const struct reference_kind *kind, json_t *references)
{
    struct buf content;
    uint8_t digest[REFERENCE_DIGEST_SIZE];
    buf_init(&content, REFERENCE_FILE_MAXIMUM);
    enum pg_status status = reference_content(x->r->pg, x->r->config->reference_dir, kind->kind, &content, digest);
    if (status == PG_OK && content.length > 0)
        x->leaks = x->leaks || leak_has_nhs_number((struct text){content.data, content.length});
    if (status == PG_OK || (status == PG_NONE && !kind->needed))
        status = json_put(references, kind->kind,
                          check_file_content(content.data ? content.data : "", content.length, status == PG_OK))
                     ? PG_OK
                     : PG_FAILED;
    else if (status == PG_NONE)
        status = PG_FAILED; /* the operator has taken the clusters away */
    buf_free(&content);
    return status;
}

static enum pg_status add_references(struct export *x)
{
    json_t *references = json_object();
    enum pg_status status = json_put(x->root, "references", references) ? PG_OK : PG_FAILED;
    for (int i = 0; i < REFERENCE_KINDS && status == PG_OK; i++)
        status = add_reference(x, &reference_kinds[i], references);
    return status;
}

/* The terms in force, or null. */
static json_t *terms_json(const PGresult *result, int row)
{
    struct json_problem problem;
    if (pg_is_null(result, row, "body"))
        return json_null();
    const char *body = pg_text(result, row, "body");
    json_t *o = json_object();
    if (json_put(o, "version", json_integer(pg_i64(result, row, "version"))) &&
        json_put(o, "digest", json_string(pg_text(result, row, "digest"))) &&
        json_put(o, "body", json_read(body, strlen(body), &problem)))
        return o;
    json_decref(o);
    return NULL;
}

/* Rows come by contract; a contract's commissioners share its terms. */
static enum pg_status add_contracts(struct export *x, instant_t known_at)
{
    PGresult *result = NULL;
    enum pg_status status = evaluation_accounts(x->r->pg, x->r->caller.organisation, x->month, known_at, &result);
    if (status != PG_OK)
        return status;
    json_t *list = json_array();
    json_t *commissioners = NULL;
    const char *contract = "";
    bool ok = json_put(x->root, "contracts", list);
    for (int i = 0; i < PQntuples(result) && ok; i++) {
        if (strcmp(contract, pg_text(result, i, "contract")) != 0) {
            contract = pg_text(result, i, "contract");
            json_t *o = json_object();
            commissioners = json_array();
            ok = json_put(o, "contract", json_string(contract)) && json_put(o, "terms", terms_json(result, i));
            ok = json_put(o, "commissioners", commissioners) && ok;
            ok = json_array_append_new(list, o) == 0 && ok;
        }
        ok = ok && json_array_append_new(commissioners, json_string(pg_text(result, i, "commissioner"))) == 0;
    }
    PQclear(result);
    return ok ? PG_OK : PG_FAILED;
}

/* The mapping that `Column-Mapping: saved` means now; null when there is none. */
static enum pg_status add_mapping(struct export *x)
{
    PGresult *result = NULL;
    json_t *o = json_null();
    enum pg_status status = saved_mapping_newest(x->r->pg, x->r->caller.organisation, &result);
    if (status != PG_OK && status != PG_NONE)
        return status;
    if (status == PG_OK && !pg_is_null(result, 0, "body")) {
        struct json_problem problem;
        const char *body = pg_text(result, 0, "body");
        o = json_object();
        if (!json_put(o, "version", json_integer(pg_i64(result, 0, "version"))) ||
            !json_put(o, "body", json_read(body, strlen(body), &problem))) {
            json_decref(o);
            o = NULL;
        }
    }
    PQclear(result);
    return json_put(x->root, "column_mapping", o) ? PG_OK : PG_FAILED;
}

static enum pg_status add_head(struct export *x, instant_t now)
{
    char month[8];
    char at[28];
    month_format(x->month, month);
    instant_format(now, at);
    return json_put(x->root, "@purpose", json_string(CHECK_FILE_PURPOSE)) &&
                   json_put(x->root, "month", json_string(month)) &&
                   json_put(x->root, "exported_at", json_string(at)) &&
                   json_put(x->root, "rule_set", json_string(RULE_SET_VERSION))
               ? PG_OK
               : PG_FAILED;
}

static enum pg_status gather(struct pg *pg, void *context)
{
    struct export *x = context;
    (void)pg;
    instant_t now = 0;
    json_decref(x->root);
    x->root = json_object();
    if (!x->root || !clock_now(x->r->clock, &now))
        return PG_FAILED;
    enum pg_status status = add_head(x, now);
    if (status == PG_OK)
        status = add_provider(x);
    if (status == PG_OK)
        status = add_commissioners(x);
    if (status == PG_OK)
        status = add_references(x);
    if (status == PG_OK)
        status = add_contracts(x, now);
    if (status == PG_OK)
        status = add_mapping(x);
    return status;
}

/* The guard at the door reads texts; in base64 it would see numbers that are none. So the reference files were looked
 * at before, the rest is looked at here, and the reply has a media type of its own. */
static bool rest_leaks(const json_t *root)
{
    json_t *rest = json_copy((json_t *)(uintptr_t)root); /* shallow; the root stays as it is */
    size_t length = 0;
    char *text = rest && json_object_del(rest, "references") == 0 ? json_canonical(rest, &length) : NULL;
    bool leaks = !text || leak_in_json((struct text){text, length});
    free(text);
    json_decref(rest);
    return leaks;
}

static void reply_file(struct request *r, const struct export *x)
{
    size_t length = 0;
    char *text = json_canonical(x->root, &length);
    char month[8];
    char name[64];
    month_format(x->month, month);
    (void)snprintf(name, sizeof name, "check-%s-%s.json", r->caller.organisation, month);
    if (!text)
        reply_problem(r, PROBLEM_INTERNAL, NULL, "There is no memory for the check file");
    else if (x->leaks || rest_leaks(x->root))
        reply_problem(r, PROBLEM_TEXT_WITHHELD, NULL,
                      "A reference file or the terms hold ten digits that could be an NHS number");
    else if (length > CHECK_FILE_MAXIMUM)
        reply_problem(r, PROBLEM_CONFLICT, NULL,
                      "The reference files in use make a check file longer than %d bytes; rehearse over HTTP",
                      CHECK_FILE_MAXIMUM);
    else
        reply_bytes(r, 200, CHECK_FILE_MEDIA_TYPE, text, length, NULL, name);
    free(text);
}

void check_files_get(struct request *r)
{
    struct export x = {r, 0, NULL, false};
    const char *month = request_query(r, "month");
    if (strcmp(r->path_values[0], r->caller.organisation) != 0) {
        reply_store(r, PG_NONE);
        return;
    }
    if (!month || !month_parse(month, strlen(month), &x.month)) {
        reply_problem(r, PROBLEM_BAD_PARAMETER, "month", "Name the month: ?month=YYYY-MM");
        return;
    }
    enum pg_status status = pg_transaction(r->pg, gather, &x);
    if (status == PG_OK)
        reply_file(r, &x);
    else
        reply_store(r, status);
    json_decref(x.root);
}
