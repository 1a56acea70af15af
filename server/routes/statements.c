#include "routes/common.h"
#include "routes/handlers.h"
#include "routes/signed_file.h"
#include "store/statement.h"

#include "base/parse.h"

#include <stdio.h>
#include <string.h>

static const struct column statement_columns[] = {
    {"id", COLUMN_TEXT},     {"seq", COLUMN_INTEGER},       {"run", COLUMN_TEXT},    {"month", COLUMN_MONTH},
    {"type", COLUMN_TEXT},   {"n", COLUMN_INTEGER},         {"sha256", COLUMN_TEXT}, {"previous", COLUMN_TEXT},
    {"key_id", COLUMN_TEXT}, {"sealed_at", COLUMN_INSTANT}, {NULL, COLUMN_TEXT},
};
static const struct list_form statement_list_form = {
    .columns = statement_columns, .cursor = {"seq"}, .empty = "No run of this account is done, so nothing was signed"};

void statements_list(struct request *r)
{
    struct page page;
    struct account_key account = {"", "", ""};
    struct account_facts facts;
    PGresult *result = NULL;
    int64_t below = 0;
    if (!request_path_ident(r, 1) || !request_page(r, &page))
        return;
    if (!page_number(r, page.after, 0, INT64_MAX, &below))
        return;
    snprintf(account.provider, sizeof account.provider, "%s", r->path_values[0]);
    snprintf(account.contract, sizeof account.contract, "%s", r->path_values[1]);
    snprintf(account.commissioner, sizeof account.commissioner, "%s", r->path_values[2]);
    enum pg_status status = account_facts(r->pg, &account, &facts);
    if (status == PG_OK)
        status = statement_list(r->pg, &account, below, page.limit + 1, &result);
    reply_page(r, status, result, &page, &statement_list_form);
}

static void serve(struct request *r, enum signed_part part)
{
    PGresult *view = NULL;
    char stem[96];
    if (!request_path_ident(r, 1))
        return;
    enum pg_status status = statement_view(r->pg, r->path_values[0], r->path_values[1], &view);
    if (status != PG_OK) {
        reply_store(r, status);
        return;
    }
    snprintf(stem, sizeof stem, "statement-%s-%s-%s", r->path_values[0], pg_text(view, 0, "commissioner"),
             pg_text(view, 0, "seq"));
    PQclear(view);
    const struct signed_file f = {r->path_values[0], "statement", r->path_values[1], stem};
    reply_signed_file(r, &f, part);
}

void statements_get(struct request *r)
{
    serve(r, SIGNED_BYTES);
}

void statements_signature(struct request *r)
{
    serve(r, SIGNED_SIGNATURE);
}

void statements_minisig(struct request *r)
{
    serve(r, SIGNED_MINISIG);
}
