#include "routes/common.h"
#include "routes/handlers.h"
#include "store/organisation.h"

void me_get(struct request *r)
{
    static const struct column columns[] = {{"person", COLUMN_TEXT},       {"name", COLUMN_TEXT},
                                            {"organisation", COLUMN_TEXT}, {"organisation_name", COLUMN_TEXT},
                                            {"role", COLUMN_TEXT},         {NULL, COLUMN_TEXT}};
    PGresult *result = NULL;
    enum pg_status status = person_self(r->pg, r->caller.person, &result);
    if (status != PG_OK) {
        reply_store(r, status);
        return;
    }
    json_t *body = row_object(result, 0, columns);
    PQclear(result);
    reply_json(r, 200, body, NULL);
}
