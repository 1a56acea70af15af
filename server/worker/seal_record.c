#include "worker/seal_record.h"

#include "store/signed_record.h"

#include <stdio.h>
#include <string.h>

static bool begins_with_purpose(const struct seal_request *q)
{
    char expected[64];
    int n = snprintf(expected, sizeof expected, "{\"@purpose\":\"reckoner/%s/", q->purpose);
    return n > 0 && (size_t)n < sizeof expected && q->length > (size_t)n && memcmp(q->bytes, expected, (size_t)n) == 0;
}

enum pg_status seal_record(struct pg *pg, const struct signer *signer, const struct seal_request *q,
                           char id[IDENT_SIZE])
{
    const struct public_key *key = signer_public(signer);
    struct minisign_signature signature;
    char comment[MINISIGN_COMMENT_SIZE];
    char minisig[MINISIGN_FILE_SIZE];
    char key_id[17];
    char made[IDENT_SIZE];
    if (!begins_with_purpose(q))
        return PG_FAILED;
    int n = snprintf(comment, sizeof comment, "timestamp:%lld\tfile:%s.json", (long long)(q->sealed_at / 1000000),
                     q->file_stem);
    if (n <= 0 || (size_t)n >= sizeof comment || !signer_sign(signer, q->bytes, q->length, comment, &signature) ||
        !minisign_signature_format(&signature, minisig))
        return PG_FAILED;
    public_key_id_text(key->id, key_id);
    ident_new(made);
    const struct signed_record record = {
        .provider = q->provider,
        .id = made,
        .purpose = q->purpose,
        .bytes = q->bytes,
        .length = q->length,
        .key_id = key_id,
        .public_key = key->key,
        .signature = signature.signature,
        .minisig = minisig,
        .sealed_at = q->sealed_at,
    };
    enum pg_status status = signed_record_insert(pg, &record);
    if (status == PG_OK)
        memcpy(id, made, sizeof made);
    return status;
}
