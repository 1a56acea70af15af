#include "worker/bundle.h"

#include "base/parse.h"
#include "domain/bundle.h"
#include "store/submission.h"
#include "store/terms.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PIECE ((size_t)64 * 1024)

static const char readme[] =
    "This is the bundle of one signed statement: everything that it takes to check it, without the service that made "
    "it.\n"
    "\n"
    "  tar -xf BUNDLE\n"
    "  openssl pkeyutl -verify -rawin -pubin -inkey keys/KEY.pem -sigfile statement.json.sig -in statement.json\n"
    "  minisign -V -p keys/KEY.pub -m statement.json\n"
    "  reckoner verify BUNDLE --key KEPT --checkpoint SEEN\n"
    "\n"
    "KEY is the member key_id of statement.json. A key out of the bundle proves little: KEPT is the service's public "
    "key as\n"
    "you have kept it, SEEN the checkpoint of its log that you saw last. The last command computes every amount anew "
    "from\n"
    "the rows and the terms and names the first difference; reckoner_auditor.py verify BUNDLE does the same in "
    "another\n"
    "language, with no line of code in common. Both work offline and end with status 0 when nothing differs.\n"
    "\n"
    "  statement.json        what was signed, with the position it is about\n"
    "  statement.json.sig    its Ed25519 signature; .minisig the same as a minisign file\n"
    "  previous.json         the statement of the account before this one\n"
    "  billed.json           the statement whose document was issued last before this one\n"
    "  keys/                 public keys, PEM and minisign\n"
    "  checkpoint, log.json  the log's signed root, and the way from each entry to it\n"
    "  terms/                the versions of the terms, as both sides approved them\n"
    "  receipts/             for each file as it was sent, the signed receipt\n"
    "  inputs.json           what was agreed, decided and contested beside rows and terms\n"
    "  rows/                 every row of this commissioner, payable or not, by month; nobody is named\n"
    "  moved.csv             rows moved here from another commissioner\n"
    "  document.json         the invoice or credit note that came of it\n";

bool bundle_failed(struct bundle_job *b, enum pg_status status)
{
    if (b->status == PG_OK)
        b->status = status;
    return false;
}

bool bundle_no_memory(struct bundle_job *b)
{
    b->no_memory = true;
    return false;
}

bool bundle_refused(struct bundle_job *b, const char *why)
{
    if (b->refused == NULL)
        b->refused = why;
    return false;
}

/* Writing. */

bool bundle_member_bytes(struct bundle_job *b, const void *bytes, size_t length)
{
    enum pg_status status = PG_OK;
    if (b->order->write(b->order->context, bytes, length, &status))
        return true;
    return status == PG_OK ? bundle_no_memory(b) : bundle_failed(b, status);
}

bool bundle_member_begin(struct bundle_job *b, const char *name, uint64_t length)
{
    char header[USTAR_BLOCK];
    if (!ustar_header(name, length, header))
        return bundle_refused(b, "A part of the bundle is larger than its form can hold: 8 GiB.");
    return bundle_member_bytes(b, header, sizeof header);
}

bool bundle_member_end(struct bundle_job *b, uint64_t length)
{
    static const char nul[USTAR_BLOCK] = {0};
    return bundle_member_bytes(b, nul, ustar_padding(length));
}

bool bundle_member(struct bundle_job *b, const char *name, const void *bytes, size_t length)
{
    return bundle_member_begin(b, name, length) && bundle_member_bytes(b, bytes, length) &&
           bundle_member_end(b, length);
}

bool bundle_may_go_out(struct bundle_job *b, const char *json, size_t length)
{
    switch (leak_guard_json(b->guard, json, length)) {
    case LEAK_CLEAN:
        return true;
    case LEAK_UNKNOWN:
        return bundle_failed(b, leak_guard_status(b->guard));
    case LEAK_FOUND:
        break;
    }
    return bundle_refused(b, "A text of the terms, of an agreement or of the document could identify a patient and was"
                             " kept back: there is no bundle. Tell the operator, who has the text mended.");
}

bool bundle_member_json(struct bundle_job *b, const char *name, json_t *value, bool guarded)
{
    size_t length = 0;
    char *bytes = value == NULL ? NULL : json_canonical(value, &length);
    json_decref(value);
    if (bytes == NULL)
        return bundle_no_memory(b);
    bool written = (!guarded || bundle_may_go_out(b, bytes, length)) && bundle_member(b, name, bytes, length);
    free(bytes);
    return written;
}

bool bundle_signed(struct bundle_job *b, const char *purpose, const char *id, enum signed_part part, PGresult **result)
{
    enum pg_status status = signed_record_part(b->pg, b->subject.account.provider, purpose, id, part, result);
    return status == PG_OK || bundle_failed(b, status == PG_NONE ? PG_FAILED : status);
}

static bool write_signed(struct bundle_job *b, const char *name, const char *purpose, const char *id,
                         enum signed_part part)
{
    PGresult *r = NULL;
    if (!bundle_signed(b, purpose, id, part, &r))
        return false;
    bool written = bundle_member(b, name, PQgetvalue(r, 0, 0), (size_t)PQgetlength(r, 0, 0));
    PQclear(r);
    return written;
}

/* The statement whose document of settlement was issued last before this one billed; NULL: none. */
static const char *billed_last(const struct bundle_job *b)
{
    bool bills = json_is_object(json_object_get(b->statement, "billing"));
    return bills && b->document_count > 0 ? pg_text(b->documents, b->document_count - 1, "statement") : NULL;
}

static bool write_statements(struct bundle_job *b)
{
    const char *id = b->order->statement;
    const char *billed = billed_last(b);
    return bundle_member(b, BUNDLE_README, readme, strlen(readme)) &&
           write_signed(b, BUNDLE_STATEMENT, "statement", id, SIGNED_BYTES) &&
           write_signed(b, BUNDLE_STATEMENT_SIG, "statement", id, SIGNED_SIGNATURE) &&
           write_signed(b, BUNDLE_STATEMENT_MINI, "statement", id, SIGNED_MINISIG) &&
           (b->subject.previous[0] == '\0' ||
            write_signed(b, BUNDLE_PREVIOUS, "statement", b->subject.previous, SIGNED_BYTES)) &&
           (billed == NULL || (write_signed(b, BUNDLE_BILLED, "statement", billed, SIGNED_BYTES) &&
                               write_signed(b, BUNDLE_BILLED_SIG, "statement", billed, SIGNED_SIGNATURE)));
}

static bool write_terms(struct bundle_job *b)
{
    const struct account_key *account = &b->subject.account;
    bool written = true;
    for (size_t i = 0; written && i < b->s.terms.count; i++) {
        int32_t version = b->s.terms.version[i].version;
        char name[40];
        PGresult *r = NULL;
        enum pg_status status = terms_get(b->pg, account->provider, account->contract, version, false, &r);
        if (status != PG_OK)
            return bundle_failed(b, status == PG_NONE ? PG_FAILED : status);
        (void)snprintf(name, sizeof name, "terms/%d.json", version);
        const char *body = pg_text(r, 0, "body");
        written = bundle_may_go_out(b, body, strlen(body)) && bundle_member(b, name, body, strlen(body));
        PQclear(r);
    }
    return written;
}

static bool write_receipts(struct bundle_job *b)
{
    const char *provider = b->subject.account.provider;
    bool written = true;
    for (size_t i = 0; written && i < b->s.months; i++) {
        char record[IDENT_SIZE];
        char month[8];
        char name[40];
        if (b->s.submission[i].no == 0)
            continue;
        enum pg_status status = submission_receipt(b->pg, provider, b->s.submission[i].no, record);
        if (status != PG_OK)
            return bundle_failed(b, status == PG_NONE ? PG_FAILED : status);
        month_format(b->s.month[i].month, month);
        (void)snprintf(name, sizeof name, "receipts/%s.json", month);
        written = write_signed(b, name, "receipt", record, SIGNED_BYTES);
        (void)snprintf(name, sizeof name, "receipts/%s.json.sig", month);
        written = written && write_signed(b, name, "receipt", record, SIGNED_SIGNATURE);
    }
    return written;
}

static bool write_all(struct bundle_job *b)
{
    static const char end[USTAR_END_BYTES] = {0};
    return write_statements(b) && bundle_write_keys(b) && bundle_write_log(b) && write_terms(b) && write_receipts(b) &&
           bundle_write_inputs(b) && bundle_write_rows(b) && bundle_write_moved(b) && bundle_write_document(b) &&
           bundle_member_bytes(b, end, sizeof end);
}

/* Reading. */

/* Of the documents that were issued up to the instant of the statement, those that it counted: where several carry
 * that very instant, the sum tells. */
static void count_documents(struct bundle_job *b)
{
    const json_t *billing = json_object_get(b->statement, "billing");
    int64_t counted = json_int(b->statement, "billed_before_pence", 0) - json_int(billing, "opening_pence", 0) -
                      json_int(billing, "on_account_pence", 0);
    int64_t sum = 0;
    b->document_count = PQntuples(b->documents);
    if (!json_is_object(billing))
        return;
    for (int i = 0; i < b->document_count; i++)
        sum += pg_i64(b->documents, i, "balance_pence");
    while (b->document_count > 0 && sum != counted &&
           pg_instant(b->documents, b->document_count - 1, "issued_at") == b->subject.sealed_at)
        sum -= pg_i64(b->documents, --b->document_count, "balance_pence");
}

static bool read_statement(struct bundle_job *b)
{
    struct json_problem problem;
    const char *provider = b->order->provider;
    enum pg_status status = bundle_subject(b->pg, provider, b->order->statement, &b->subject);
    if (status == PG_OK)
        status = run_get(b->pg, provider, b->subject.run, &b->run);
    if (status != PG_OK)
        return bundle_failed(b, status == PG_NONE ? PG_FAILED : status);
    if (!bundle_signed(b, "statement", b->order->statement, SIGNED_BYTES, &b->record))
        return false;
    b->statement = json_read(PQgetvalue(b->record, 0, 0), (size_t)PQgetlength(b->record, 0, 0), &problem);
    if (b->statement == NULL)
        return bundle_refused(b, "The statement as it is stored cannot be read. Tell the operator: reckoner fsck names"
                                 " what is wrong.");
    status = bundle_documents(b->pg, &b->subject.account, b->subject.sealed_at, &b->documents);
    if (status == PG_OK)
        status = bundle_openings(b->pg, &b->subject.account, b->subject.sealed_at, &b->openings);
    if (status != PG_OK)
        return bundle_failed(b, status);
    count_documents(b);
    return true;
}

static bool settlement_good(struct bundle_job *b, enum settlement_status outcome)
{
    switch (outcome) {
    case SETTLEMENT_OK:
        return true;
    case SETTLEMENT_STORE:
        return bundle_failed(b, b->s.store_status);
    case SETTLEMENT_LOST:
        return bundle_failed(b, PG_NONE);
    default:
        return bundle_refused(b, b->s.reason);
    }
}

/* The year as the run pinned and knew it. */
static bool read_pinned(struct bundle_job *b)
{
    struct settlement *s = &b->s;
    s->pg = b->pg;
    s->reference_dir = b->order->w->config->reference_dir;
    s->lost = &b->order->w->lost;
    s->account = b->subject.account;
    s->known_at = b->run.known_at;
    if (!settlement_good(b, settlement_open(s)))
        return false;
    month_t last = financial_year_first(s->facts.financial_year) + TERMS_MONTHS - 1;
    return settlement_good(b, settlement_read_pinned(s, b->run.id, last));
}

static bool read_issued(struct bundle_job *b)
{
    PGresult *r = NULL;
    enum pg_status status = bundle_issued(b->pg, b->subject.account.provider, b->run.id, &r);
    if (status != PG_OK)
        return bundle_failed(b, status);
    if (PQntuples(r) > 0)
        (void)snprintf(b->issued, sizeof b->issued, "%s", pg_text(r, 0, "id"));
    PQclear(r);
    return true;
}

static bool open_guard(struct bundle_job *b)
{
    b->guard = leak_guard_new(b->pg, b->order->w->pseudonym_key, NULL);
    if (b->guard == NULL)
        return bundle_no_memory(b);
    for (size_t i = 0; i < b->s.months; i++) {
        if (b->s.submission[i].no == 0)
            continue;
        enum pg_status status = leak_guard_add(b->guard, b->subject.account.provider, b->s.submission[i].no);
        if (status != PG_OK)
            return bundle_failed(b, status);
    }
    return true;
}

static enum job_outcome outcome_of(const struct bundle_job *b, bool done, char *problem)
{
    if (done)
        return JOB_DONE;
    if (b->status != PG_OK)
        return job_outcome_of(b->status, b->pg, problem);
    if (b->waits != NULL || b->refused != NULL) {
        (void)snprintf(problem, JOB_PROBLEM_SIZE, "%s", b->waits != NULL ? b->waits : b->refused);
        return b->waits != NULL ? JOB_WAITS : JOB_FAILED;
    }
    (void)snprintf(
        problem, JOB_PROBLEM_SIZE,
        "The worker's memory or its temporary folder (spool_dir) ran out. Retry the job when there is more.");
    return JOB_AGAIN;
}

static bool make(struct bundle_job *b)
{
    return read_statement(b) && read_pinned(b) && read_issued(b) && bundle_find_proof(b) && open_guard(b) &&
           bundle_claims_find(b) && write_all(b);
}

enum job_outcome bundle_make(const struct bundle_order *order, struct bundle_made *made, char *problem)
{
    struct bundle_job *b = calloc(1, sizeof *b);
    *made = (struct bundle_made){0};
    if (b == NULL) {
        (void)snprintf(problem, JOB_PROBLEM_SIZE, "The worker's memory ran out. Retry the job when there is more.");
        return JOB_AGAIN;
    }
    b->order = order;
    b->pg = order->w->pg;
    b->status = PG_OK;
    enum job_outcome outcome = outcome_of(b, make(b), problem);
    *made = (struct bundle_made){.lines = b->lines, .pence = json_int(b->statement, "position_pence", 0)};
    settlement_close(&b->s);
    bundle_claims_free(&b->claims);
    leak_guard_free(b->guard);
    json_decref(b->statement);
    json_decref(b->log);
    PQclear(b->record);
    PQclear(b->documents);
    PQclear(b->openings);
    PQclear(b->checkpoint);
    free(b);
    return outcome;
}

/* Into the file of an export, piece by piece. */
static bool write_export(void *context, const void *bytes, size_t length, enum pg_status *status)
{
    struct export_file *f = context;
    for (const char *at = bytes; length > 0;) {
        size_t n = length < PIECE ? length : PIECE;
        if (!buf_append(&f->text, at, n))
            return false;
        if (!export_file_line(f)) {
            *status = f->status;
            return false;
        }
        at += n;
        length -= n;
    }
    return true;
}

enum job_outcome export_of_bundle(struct export_run *x)
{
    struct bundle_made made;
    const struct bundle_order order = {.w = x->w,
                                       .provider = x->job->provider,
                                       .statement = pg_text(x->asked, 0, "statement"),
                                       .checkpoint = pg_i64(x->asked, 0, "checkpoint"),
                                       .write = write_export,
                                       .context = &x->file};
    enum job_outcome outcome = bundle_make(&order, &made, x->problem);
    x->result.lines = made.lines;
    x->result.pence = made.pence;
    return outcome;
}
