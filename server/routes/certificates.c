/* Freeze certificates of a contract's months. */
#include "base/parse.h"
#include "routes/common.h"
#include "routes/handlers.h"
#include "routes/signed_file.h"
#include "store/certificate.h"
#include "store/contract.h"

#include <stdio.h>
#include <string.h>

static const struct column certificate_columns[] = {
    {"month", COLUMN_MONTH}, {"closed_at", COLUMN_INSTANT}, {"versions", COLUMN_INTEGER},  {"sha256", COLUMN_TEXT},
    {"record", COLUMN_TEXT}, {"key", COLUMN_TEXT},          {"sealed_at", COLUMN_INSTANT}, {NULL, COLUMN_TEXT}};
static const struct list_form certificate_form = {
    .columns = certificate_columns,
    .cursor = {"month"},
    .empty = "No FREEZE window of this contract has closed yet; a month is certified within a minute of it"};

void certificates_list(struct request *r)
{
    struct page page;
    month_t after = 0;
    PGresult *result = NULL;
    if (!request_path_ident(r, 1) || !request_page(r, &page))
        return;
    if (page.after[0] != '\0' && !month_parse(page.after, strlen(page.after) < 7 ? strlen(page.after) : 7, &after)) {
        (void)bad_cursor(r);
        return;
    }
    enum pg_status status = contract_visible(r->pg, r->path_values[0], r->path_values[1]);
    if (status == PG_OK)
        status = certificate_list(r->pg, r->path_values[0], r->path_values[1], 0, after, page.limit + 1, &result);
    reply_page(r, status, result, &page, &certificate_form);
}

static void serve(struct request *r, enum signed_part part)
{
    month_t month;
    PGresult *result = NULL;
    char stem[96];
    char record[IDENT_SIZE];
    if (!request_path_ident(r, 1) || !request_path_month(r, 2, &month))
        return;
    enum pg_status status = certificate_list(r->pg, r->path_values[0], r->path_values[1], month, 0, 1, &result);
    if (status != PG_OK) {
        reply_store(r, status);
        return;
    }
    bool found = PQntuples(result) == 1;
    snprintf(record, sizeof record, "%s", found ? pg_text(result, 0, "record") : "");
    PQclear(result);
    if (!found) {
        reply_problem(
            r, PROBLEM_NOT_FOUND, NULL,
            "The month is certified within a minute of the end of its FREEZE window, once every upload that began "
            "in time has its outcome");
        return;
    }
    snprintf(stem, sizeof stem, "certificate-%s-%s-%s", r->path_values[0], r->path_values[1], r->path_values[2]);
    const struct signed_file f = {r->path_values[0], "certificate", record, stem};
    reply_signed_file(r, &f, part);
}

void certificates_get(struct request *r)
{
    serve(r, SIGNED_BYTES);
}

void certificates_signature(struct request *r)
{
    serve(r, SIGNED_SIGNATURE);
}

void certificates_minisig(struct request *r)
{
    serve(r, SIGNED_MINISIG);
}
