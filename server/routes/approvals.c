/* POST .../terms/{version}/approvals: one person of each party approves one digest; the second approval puts the
 * version in force and starts what depends on it, in the same transaction. */
#include "base/parse.h"
#include "domain/terms_example.h"
#include "routes/common.h"
#include "routes/handlers.h"
#include "routes/terms.h"
#include "store/agreed_terms.h"
#include "store/contract.h"
#include "store/job.h"
#include "store/price_track.h"
#include "store/terms.h"

#include <stdio.h>
#include <string.h>

struct approving {
    int64_t version;
    unsigned char digest[32];
    char author[48];
    int64_t financial_year;
    month_t effective_from;
};

/* The provider, or the coordinator for the commissioners. */
static enum pg_status check_party(struct request *r, struct approving *a)
{
    PGresult *result = NULL;
    enum pg_status status = contract_get(r->pg, r->path_values[0], r->path_values[1], &result);
    if (status != PG_OK)
        return status;
    a->financial_year = pg_i64(result, 0, "financial_year");
    status = caller_coordinates(r, pg_text(result, 0, "coordinator"), "approves");
    PQclear(result);
    return status;
}

/* The terms run against their own examples before anybody agrees to them. */
static enum pg_status check_examples(struct request *r, const char *body)
{
    char pointer[EXAMPLE_POINTER_SIZE], sentence[EXAMPLE_SENTENCE_SIZE];
    int32_t failing;
    struct terms *terms = stored_terms_parse(body);
    json_t *results = terms == NULL ? NULL : examples_json(terms, &failing);
    enum pg_status status = PG_OK;
    if (results == NULL) {
        reply_problem(r, PROBLEM_INTERNAL, NULL, "The examples cannot be computed");
        status = PG_FAILED;
    } else if (examples_fail(results, pointer, sentence)) {
        reply_problem(r, PROBLEM_EXAMPLES_FAIL, pointer, "%s", sentence);
        status = PG_INVALID;
    }
    json_decref(results);
    terms_free(terms);
    return status;
}

static enum pg_status check_version(struct request *r, struct approving *a)
{
    PGresult *result = NULL;
    enum pg_status status = terms_get(r->pg, r->path_values[0], r->path_values[1], a->version, true, &result);
    if (status != PG_OK)
        return status;
    char hex[65];
    hex_encode(a->digest, sizeof a->digest, hex);
    snprintf(a->author, sizeof a->author, "%s", pg_text(result, 0, "author"));
    date_t from = pg_date(result, 0, "effective_from");
    a->effective_from = month_of(from);
    if (strcmp(pg_text(result, 0, "state"), "draft") != 0)
        reply_problem(r, PROBLEM_CONFLICT, NULL, "This version is %s, not a draft", pg_text(result, 0, "state"));
    else if (strcmp(pg_text(result, 0, "digest"), hex) != 0)
        reply_problem(r, PROBLEM_PRECONDITION_FAILED, "/digest", "The draft has another digest now; read it again");
    else if (strcmp(a->author, r->caller.person) == 0)
        reply_same_person(r, "The author does not approve; another person of your party does");
    else {
        status = terms_refuse_defective(r, a->version, pg_text(result, 0, "body"));
        if (status == PG_OK)
            status = check_examples(r, pg_text(result, 0, "body"));
        PQclear(result);
        return status;
    }
    PQclear(result);
    return PG_INVALID;
}

static enum pg_status record(struct request *r, const struct approving *a)
{
    struct terms_approval approval = {.provider = r->path_values[0],
                                      .contract = r->path_values[1],
                                      .version = a->version,
                                      .side = caller_side(r),
                                      .digest = a->digest,
                                      .author = a->author,
                                      .organisation = r->caller.organisation,
                                      .person = r->caller.person,
                                      .approved_at = r->begun_at};
    bool added = false;
    enum pg_status status = terms_approve(r->pg, &approval, &added);
    if (status == PG_OK && !added) {
        reply_problem(r, PROBLEM_CONFLICT, NULL, "Your party has approved this version already");
        return PG_DUPLICATE;
    }
    return status;
}

/* Rules that depend on terms are evaluated anew for the months concerned, what was settled is settled again, and the
 * prices enter their history. */
static enum pg_status start_consequences(struct request *r, const struct approving *a)
{
    char job[IDENT_SIZE];
    month_t last = financial_year_first((int32_t)a->financial_year) + 11;
    PGresult *result = NULL;
    enum pg_status status =
        terms_submissions(r->pg, r->path_values[0], r->path_values[1], a->effective_from, last, &result);
    for (int row = 0; status == PG_OK && row < PQntuples(result); row++)
        status = job_add(r->pg, r->path_values[0], "evaluate", pg_text(result, row, "id"), job);
    PQclear(result);
    if (status == PG_OK)
        status = job_add(r->pg, r->path_values[0], "resettle", r->path_values[1], job);
    const struct price_entry agreed = {.provider = r->path_values[0],
                                       .contract = r->path_values[1],
                                       .organisation = r->caller.organisation,
                                       .person = r->caller.person,
                                       .at = r->begun_at};
    if (status == PG_OK)
        status = contract_lock(r->pg, agreed.provider, agreed.contract);
    return status == PG_OK ? price_track_agreed(r->pg, &agreed, a->version) : status;
}

static enum pg_status reply_approved(struct request *r, const struct approving *a, const char *state)
{
    char digest[65], instant[28], location[128];
    hex_encode(a->digest, sizeof a->digest, digest);
    instant_format(r->begun_at, instant);
    snprintf(location, sizeof location, "/v1/providers/%s/contracts/%s/terms/%lld", r->path_values[0],
             r->path_values[1], (long long)a->version);
    reply_created(r,
                  json_pack("{s:I, s:s, s:s, s:s, s:s, s:s, s:s}", "version", (json_int_t)a->version, "state", state,
                            "digest", digest, "side", caller_side(r), "organisation", r->caller.organisation, "person",
                            r->caller.person, "approved_at", instant),
                  location, NULL);
    return PG_OK;
}

static enum pg_status approve(struct request *r, void *context)
{
    struct approving *a = context;
    const char *provider = r->path_values[0], *contract = r->path_values[1];
    char subject[80], hex[65];
    enum pg_status status = check_party(r, a);
    if (status == PG_OK)
        status = check_version(r, a);
    if (status == PG_OK)
        status = record(r, a);
    PGresult *approvals = NULL;
    if (status == PG_OK)
        status = terms_approvals(r->pg, provider, contract, a->version, &approvals);
    bool both = status == PG_OK && PQntuples(approvals) == 2;
    PQclear(approvals);
    if (status == PG_OK && both) {
        status = terms_set_approved(r->pg, provider, contract, a->version, r->begun_at);
        if (status == PG_OK)
            status = start_consequences(r, a);
    }
    if (status != PG_OK)
        return status;
    hex_encode(a->digest, sizeof a->digest, hex);
    snprintf(subject, sizeof subject, "contract/%s/terms/%lld", contract, (long long)a->version);
    status = request_audit(r, provider, "terms.approve", subject, json_pack("{s:s, s:b}", "digest", hex, "both", both));
    return status == PG_OK ? reply_approved(r, a, both ? "approved" : "draft") : status;
}

void terms_route_approve(struct request *r)
{
    static const struct json_member members[] = {{"digest", JSON_KIND_TEXT, true, 64, 64},
                                                 {NULL, JSON_KIND_TEXT, false, 0, 0}};
    struct approving a;
    if (!request_path_ident(r, 1) || !request_path_number(r, 2, &a.version) || !body_check(r, members))
        return;
    if (!hex_decode(json_text(r->body, "digest"), 64, a.digest, sizeof a.digest)) {
        reply_problem(r, PROBLEM_MALFORMED_JSON, "/digest",
                      "digest is the SHA-256 of the terms, 64 hexadecimal digits");
        return;
    }
    request_act(r, approve, &a);
}
