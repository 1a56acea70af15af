#include "worker/validation_run.h"

#include "base/parse.h"
#include "worker/seal_record.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

json_t *validation_reference(const struct validation *v)
{
    json_t *reference = json_object();
    bool ok = reference != NULL;
    for (size_t i = 0; ok && i < REFERENCE_KINDS; i++) {
        const struct reference_digest *d = &v->basis.digests[i];
        ok = json_put(reference, d->kind, d->hex[0] ? json_string(d->hex) : json_null());
    }
    json_t *history = v->outcome.refused ? json_null() : history_used(v->history);
    if (!ok || !json_put(reference, "history", history)) {
        json_decref(reference);
        return NULL;
    }
    return reference;
}

static json_t *receipt_json(const struct validation *v)
{
    char month[8];
    char sha256[2 * SUBMISSION_SHA256_SIZE + 1];
    month_format(v->s.month, month);
    hex_encode(v->s.sha256, SUBMISSION_SHA256_SIZE, sha256);
    bool demonstration = strcmp(v->w->config->mode, "demonstration") == 0;
    bool accepted = strcmp(v->state, "accepted") == 0;
    json_t *o = json_object();
    bool ok = o && json_put(o, "@purpose", json_string("reckoner/receipt/1")) &&
              json_put(o, "submission", json_string(v->s.id)) && json_put(o, "provider", json_string(v->s.provider)) &&
              json_put(o, "month", json_string(month)) && json_put(o, "version", json_integer(v->s.version)) &&
              json_put(o, "media_type", json_string(v->s.media_type)) &&
              json_put(o, "content_encoding", json_string(v->s.content_encoding)) &&
              json_put(o, "column_mapping", v->s.column_mapping ? json_integer(v->s.column_mapping) : json_null()) &&
              json_put(o, "bytes", json_integer(v->s.bytes)) && json_put(o, "sha256", json_string(sha256)) &&
              json_put(o, "rows", json_integer(v->outcome.rows)) &&
              json_put(o, "payable_rows", accepted ? json_integer(v->outcome.payable_rows) : json_null()) &&
              json_put(o, "outcome", json_string(v->state)) && json_put(o, "begun_at", json_instant(v->s.begun_at)) &&
              json_put(o, "completed_at", json_instant(v->s.completed_at)) &&
              json_put(o, "validated_at", json_instant(v->validated_at)) &&
              json_put(o, "windows", contract_windows_json(v->windows, v->window_count)) &&
              json_put(o, "rule_set", json_string(RULE_SET_VERSION)) &&
              json_put(o, "reference", validation_reference(v)) &&
              json_put(o, "clock", json_string(demonstration ? "demonstration" : "service"));
    if (!ok) {
        json_decref(o);
        return NULL;
    }
    return o;
}

enum pg_status validation_sign_receipt(struct validation *v)
{
    json_t *receipt = receipt_json(v);
    size_t length = 0;
    char *bytes = receipt ? json_canonical(receipt, &length) : NULL;
    json_decref(receipt);
    if (!bytes)
        return PG_FAILED;
    char month[8];
    char stem[64];
    month_format(v->s.month, month);
    (void)snprintf(stem, sizeof stem, "receipt-%s-%s-v%lld", v->s.provider, month, (long long)v->s.version);
    struct seal_request q = {v->s.provider, "receipt", stem, bytes, length, v->validated_at};
    char record[IDENT_SIZE];
    enum pg_status status = seal_record(v->w->pg, v->w->signer, &q, record);
    free(bytes);
    if (status == PG_OK)
        status = submission_add_receipt(v->w->pg, v->s.provider, v->s.no, record);
    return status;
}
