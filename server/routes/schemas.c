/* GET /v1/schemas/terms: the JSON Schema of the terms, the bytes of api/schemas/terms.json. */
#include "routes/handlers.h"
#include "routes/terms_schema.h"

void schemas_terms(struct request *r)
{
    static const char schema[] = TERMS_SCHEMA;
    reply_bytes(r, 200, "application/schema+json", schema, sizeof schema - 1, NULL, NULL);
}
