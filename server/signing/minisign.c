#include "signing/minisign.h"

#include <sodium.h>
#include <stdio.h>
#include <string.h>

#define UNTRUSTED "untrusted comment: "
#define TRUSTED   "trusted comment: "

static const unsigned char algorithm[2] = {'E', 'd'};

void minisign_public_format(const struct public_key *k, char out[MINISIGN_PUBLIC_SIZE])
{
    unsigned char body[sizeof algorithm + KEY_ID_BYTES + PUBLIC_KEY_SIZE];
    char base64[64];
    char id[17];
    memcpy(body, algorithm, sizeof algorithm);
    memcpy(body + sizeof algorithm, k->id, KEY_ID_BYTES);
    memcpy(body + sizeof algorithm + KEY_ID_BYTES, k->key, PUBLIC_KEY_SIZE);
    sodium_bin2base64(base64, sizeof base64, body, sizeof body, sodium_base64_VARIANT_ORIGINAL);
    public_key_id_text(k->id, id);
    snprintf(out, MINISIGN_PUBLIC_SIZE, UNTRUSTED "minisign public key %s\n%s\n", id, base64);
}

/* One line without its end (LF or CRLF). */
struct line {
    const char *text;
    size_t length;
};

/* Takes the next line off the front of *text; false at its end. */
static bool next_line(const char **text, size_t *length, struct line *out)
{
    if (*length == 0)
        return false;
    const char *end = memchr(*text, '\n', *length);
    size_t used = end == NULL ? *length : (size_t)(end - *text) + 1;
    size_t size = end == NULL ? *length : used - 1;
    if (size > 0 && (*text)[size - 1] == '\r')
        size--;
    out->text = *text;
    out->length = size;
    *text += used;
    *length -= used;
    return true;
}

static bool line_starts(const struct line *l, const char *prefix)
{
    return l->length >= strlen(prefix) && memcmp(l->text, prefix, strlen(prefix)) == 0;
}

static bool line_base64(const struct line *l, unsigned char *out, size_t size)
{
    size_t got = 0;
    return sodium_base642bin(out, size, l->text, l->length, NULL, &got, NULL, sodium_base64_VARIANT_ORIGINAL) == 0 &&
           got == size;
}

bool minisign_public_parse(const char *text, size_t length, struct public_key *out)
{
    struct line l;
    if (!next_line(&text, &length, &l))
        return false;
    if (line_starts(&l, UNTRUSTED) && !next_line(&text, &length, &l))
        return false;
    unsigned char body[sizeof algorithm + KEY_ID_BYTES + PUBLIC_KEY_SIZE];
    if (!line_base64(&l, body, sizeof body) || memcmp(body, algorithm, sizeof algorithm) != 0)
        return false;
    memcpy(out->id, body + sizeof algorithm, KEY_ID_BYTES);
    memcpy(out->key, body + sizeof algorithm + KEY_ID_BYTES, PUBLIC_KEY_SIZE);
    return true;
}

static bool comment_is_fit(const char *comment)
{
    for (const unsigned char *p = (const unsigned char *)comment; *p != '\0'; p++) {
        if ((*p < 0x20 && *p != '\t') || *p == 0x7f)
            return false;
    }
    return true;
}

bool minisign_signature_format(const struct minisign_signature *s, char out[MINISIGN_FILE_SIZE])
{
    unsigned char body[sizeof algorithm + KEY_ID_BYTES + SIGNATURE_SIZE];
    char base64[112];
    char global[96];
    char id[17];
    if (!comment_is_fit(s->trusted_comment))
        return false;
    memcpy(body, algorithm, sizeof algorithm);
    memcpy(body + sizeof algorithm, s->key_id, KEY_ID_BYTES);
    memcpy(body + sizeof algorithm + KEY_ID_BYTES, s->signature, SIGNATURE_SIZE);
    sodium_bin2base64(base64, sizeof base64, body, sizeof body, sodium_base64_VARIANT_ORIGINAL);
    sodium_bin2base64(global, sizeof global, s->global_signature, SIGNATURE_SIZE, sodium_base64_VARIANT_ORIGINAL);
    public_key_id_text(s->key_id, id);
    int n = snprintf(out, MINISIGN_FILE_SIZE, UNTRUSTED "signature by key %s\n%s\n" TRUSTED "%s\n%s\n", id, base64,
                     s->trusted_comment, global);
    return n > 0 && n < MINISIGN_FILE_SIZE;
}

bool minisign_signature_parse(const char *text, size_t length, struct minisign_signature *out)
{
    struct line l;
    struct minisign_signature s;
    unsigned char body[sizeof algorithm + KEY_ID_BYTES + SIGNATURE_SIZE];
    if (!next_line(&text, &length, &l) || !line_starts(&l, UNTRUSTED))
        return false;
    if (!next_line(&text, &length, &l) || !line_base64(&l, body, sizeof body) ||
        memcmp(body, algorithm, sizeof algorithm) != 0)
        return false;
    memcpy(s.key_id, body + sizeof algorithm, KEY_ID_BYTES);
    memcpy(s.signature, body + sizeof algorithm + KEY_ID_BYTES, SIGNATURE_SIZE);
    if (!next_line(&text, &length, &l) || !line_starts(&l, TRUSTED))
        return false;
    size_t comment = l.length - strlen(TRUSTED);
    if (comment >= MINISIGN_COMMENT_SIZE || memchr(l.text, '\0', l.length) != NULL)
        return false;
    memcpy(s.trusted_comment, l.text + strlen(TRUSTED), comment);
    s.trusted_comment[comment] = '\0';
    if (!next_line(&text, &length, &l) || !line_base64(&l, s.global_signature, SIGNATURE_SIZE))
        return false;
    *out = s;
    return true;
}

size_t minisign_global_message(const struct minisign_signature *s, unsigned char *out)
{
    size_t comment = strnlen(s->trusted_comment, MINISIGN_COMMENT_SIZE);
    memcpy(out, s->signature, SIGNATURE_SIZE);
    memcpy(out + SIGNATURE_SIZE, s->trusted_comment, comment);
    return SIGNATURE_SIZE + comment;
}

enum minisign_check minisign_verify(const struct public_key *k, const struct minisign_signature *s, const void *bytes,
                                    size_t length)
{
    unsigned char global[SIGNATURE_SIZE + MINISIGN_COMMENT_SIZE];
    if (memcmp(k->id, s->key_id, KEY_ID_BYTES) != 0)
        return MINISIGN_OTHER_KEY;
    if (!public_key_verify(k, bytes, length, s->signature))
        return MINISIGN_BAD_SIGNATURE;
    if (!public_key_verify(k, global, minisign_global_message(s, global), s->global_signature))
        return MINISIGN_BAD_COMMENT;
    return MINISIGN_GOOD;
}
