#include "routes/signed_file.h"

#include "base/parse.h"

#include <stdio.h>

void reply_signed_file(struct request *r, const struct signed_file *f, enum signed_part part)
{
    static const char *const types[] = {[SIGNED_BYTES] = "application/json",
                                        [SIGNED_SIGNATURE] = "application/octet-stream",
                                        [SIGNED_MINISIG] = "text/plain; charset=utf-8"};
    static const char *const endings[] = {
        [SIGNED_BYTES] = ".json", [SIGNED_SIGNATURE] = ".json.sig", [SIGNED_MINISIG] = ".json.minisig"};
    PGresult *file = NULL;
    char name[128];
    char target[64];
    char etag[65];
    enum pg_status status = signed_record_part(r->pg, f->provider, f->purpose, f->record, part, &file);
    if (status != PG_OK) {
        reply_store(r, status);
        return;
    }
    int digest = PQfnumber(file, "sha256");
    int key = PQfnumber(file, "key_id");
    hex_encode(PQgetvalue(file, 0, digest), (size_t)PQgetlength(file, 0, digest), etag);
    snprintf(name, sizeof name, "%s%s", f->stem, endings[part]);
    snprintf(target, sizeof target, "/v1/keys/%.*s", PQgetlength(file, 0, key), PQgetvalue(file, 0, key));
    reply_link(r, "key", target);
    reply_bytes(r, 200, types[part], PQgetvalue(file, 0, 0), (size_t)PQgetlength(file, 0, 0), etag, name);
    PQclear(file);
}
