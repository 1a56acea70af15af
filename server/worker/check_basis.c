#include "worker/check_basis.h"

#include "base/parse.h"
#include "store/live_dates.h"
#include "store/saved_mapping.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static enum job_outcome fault(char *problem, const char *what)
{
    (void)snprintf(problem, JOB_PROBLEM_SIZE, "%s. The operator mends it and retries the job.", what);
    return JOB_FAILED;
}

/* Reads one reference file if there is one; its digest is pinned with the outcome. */
static enum job_outcome load_reference(struct worker *w, struct check_basis *b, int i, char *problem)
{
    const struct reference_kind *kind = &reference_kinds[i];
    struct buf content;
    uint8_t sha256[REFERENCE_DIGEST_SIZE];
    char what[300];
    char error[200];
    buf_init(&content, REFERENCE_FILE_MAXIMUM);
    b->digests[i].kind = kind->kind;
    enum pg_status status = reference_content(w->pg, w->config->reference_dir, kind->kind, &content, sha256);
    enum job_outcome outcome = JOB_DONE;
    if (status == PG_NONE && kind->needed) {
        (void)snprintf(what, sizeof what, "No reference file of the kind %s is loaded", kind->kind);
        outcome = fault(problem, what);
    } else if (status == PG_OK) {
        if (kind->load(&b->reference, content.data ? content.data : "", content.length, error, sizeof error)) {
            hex_encode(sha256, sizeof sha256, b->digests[i].hex);
        } else {
            (void)snprintf(what, sizeof what, "The reference file %s cannot be read: %s", kind->kind, error);
            outcome = fault(problem, what);
        }
    } else if (status != PG_NONE) {
        outcome = job_outcome_of(status, w->pg, problem);
    }
    buf_free(&content);
    return outcome;
}

static enum job_outcome load_organisations(struct worker *w, const char *provider, struct check_basis *b,
                                           struct upload_context *c, char *problem)
{
    enum pg_status status = live_dates_of(w->pg, provider, &c->provider_from, &c->provider_to);
    if (status == PG_NONE)
        return fault(problem, "The provider is not an organisation of the service");
    PGresult *r = NULL;
    if (status == PG_OK)
        status = live_dates_of_commissioners(w->pg, &r);
    if (status != PG_OK)
        return job_outcome_of(status, w->pg, problem);
    int count = PQntuples(r);
    b->commissioners = calloc((size_t)count + 1, sizeof *b->commissioners);
    for (int i = 0; b->commissioners && i < count; i++) {
        const char *code = pg_text(r, i, "code");
        b->commissioners[i].code = code_pack(code, strlen(code));
        b->commissioners[i].from = pg_date(r, i, "live_from");
        b->commissioners[i].to = pg_date(r, i, "live_to");
    }
    PQclear(r);
    if (!b->commissioners) {
        (void)snprintf(problem, JOB_PROBLEM_SIZE, "The worker's memory ran out. Retry the job when there is more.");
        return JOB_AGAIN;
    }
    organisation_dates_sort(b->commissioners, (size_t)count);
    c->commissioners = b->commissioners;
    c->commissioner_count = (size_t)count;
    return JOB_DONE;
}

void check_basis_init(struct check_basis *b)
{
    memset(b, 0, sizeof *b);
    reference_init(&b->reference);
}

void check_basis_free(struct check_basis *b)
{
    reference_free(&b->reference);
    free(b->commissioners);
    b->commissioners = NULL;
}

enum job_outcome check_basis_load(struct worker *w, const char *provider, struct check_basis *b,
                                  struct upload_context *context, char *problem)
{
    enum job_outcome outcome = JOB_DONE;
    for (int i = 0; i < REFERENCE_KINDS && outcome == JOB_DONE; i++)
        outcome = load_reference(w, b, i, problem);
    context->reference = &b->reference;
    return outcome == JOB_DONE ? load_organisations(w, provider, b, context, problem) : outcome;
}

enum job_outcome check_mapping_load(struct worker *w, const char *provider, int64_t version, char *problem,
                                    struct column_mapping **mapping)
{
    *mapping = NULL;
    if (version == 0)
        return JOB_DONE;
    PGresult *r = NULL;
    struct json_problem why;
    enum pg_status status = saved_mapping_version(w->pg, provider, version, &r);
    if (status != PG_OK)
        return job_outcome_of(status, w->pg, problem);
    const char *body = pg_text(r, 0, "body");
    json_t *object = json_read(body, strlen(body), &why);
    struct column_mapping *m = malloc(sizeof *m);
    bool ok = object && m && column_mapping_read(object, m, &why);
    json_decref(object);
    PQclear(r);
    if (ok) {
        *mapping = m;
        return JOB_DONE;
    }
    free(m);
    return fault(problem, "The column mapping of the file cannot be read");
}
