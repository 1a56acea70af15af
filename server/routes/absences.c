#include "base/parse.h"
#include "routes/common.h"
#include "routes/handlers.h"
#include "store/absence.h"

#include <string.h>

static const struct column absence_columns[] = {
    {"away_from", COLUMN_INSTANT}, {"away_to", COLUMN_INSTANT}, {"recorded_at", COLUMN_INSTANT}, {NULL, COLUMN_TEXT}};
static const struct list_form absence_form = {
    .columns = absence_columns, .cursor = {"away_from"}, .empty = "The service was never away, as far as it knows"};

void absences_list(struct request *r)
{
    struct page page;
    instant_t before = 0;
    if (!request_page(r, &page))
        return;
    if (!page_number(r, page.after, 1, INT64_MAX, &before))
        return;
    PGresult *result = NULL;
    enum pg_status status = absence_list(r->pg, before, page.limit + 1, &result);
    reply_page(r, status, result, &page, &absence_form);
}
