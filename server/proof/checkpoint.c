#include "proof/checkpoint.h"

#include "base/parse.h"

#include <sodium.h>
#include <stdio.h>
#include <string.h>

#define BASE64         sodium_base64_VARIANT_ORIGINAL
#define TIME_BYTES     8
#define PLAIN_BLOB     (NOTE_KEY_ID + SIGNATURE_SIZE)
#define TIMED_BLOB     (NOTE_KEY_ID + TIME_BYTES + SIGNATURE_SIZE)
#define BLOB_TEXT_SIZE 128 /* holds TIMED_BLOB in base64 with its NUL */

static const char signature_mark[] = "\xE2\x80\x94 "; /* em dash, blank */

bool note_name_good(const char *name)
{
    size_t length = strnlen(name, NOTE_NAME_SIZE);
    for (size_t i = 0; i < length; i++) {
        if (name[i] <= ' ' || name[i] > '~' || name[i] == '+') {
            return false;
        }
    }
    return length > 0 && length < NOTE_NAME_SIZE;
}

bool checkpoint_body(const struct checkpoint *c, struct buf *out)
{
    char root[sodium_base64_ENCODED_LEN(MERKLE_HASH, BASE64)];
    if (!note_name_good(c->origin)) {
        return false;
    }
    sodium_bin2base64(root, sizeof root, c->root.bytes, MERKLE_HASH, BASE64);
    return buf_append_format(out, "%s\n%llu\n%s\n", c->origin, (unsigned long long)c->size, root);
}

bool note_message(enum note_kind kind, uint64_t time, const char *body, size_t length, struct buf *out)
{
    return (kind == NOTE_ED25519 || buf_append_format(out, "cosignature/v1\ntime %llu\n", (unsigned long long)time)) &&
           buf_append(out, body, length);
}

static void put_time(uint64_t time, uint8_t out[TIME_BYTES])
{
    for (int i = TIME_BYTES - 1; i >= 0; i--) {
        out[i] = (uint8_t)(time & 0xFF);
        time >>= 8;
    }
}

static uint64_t get_time(const uint8_t in[TIME_BYTES])
{
    uint64_t time = 0;
    for (int i = 0; i < TIME_BYTES; i++) {
        time = time << 8 | in[i];
    }
    return time;
}

bool note_signature_line(const struct note_signature *s, struct buf *out)
{
    uint8_t blob[TIMED_BLOB];
    char text[BLOB_TEXT_SIZE];
    size_t length = NOTE_KEY_ID;
    if (!note_name_good(s->name)) {
        return false;
    }
    memcpy(blob, s->key_id, NOTE_KEY_ID);
    if (s->timed) {
        put_time(s->time, blob + length);
        length += TIME_BYTES;
    }
    memcpy(blob + length, s->signature, SIGNATURE_SIZE);
    sodium_bin2base64(text, sizeof text, blob, length + SIGNATURE_SIZE, BASE64);
    return buf_append_format(out, "%s%s %s\n", signature_mark, s->name, text);
}

/* Lines of a text, each with its end. */
struct lines {
    const char *text;
    size_t left;
};

/* The next line without its end. false: none is left, or it has no end. */
static bool next_line(struct lines *l, const char **line, size_t *length)
{
    const char *end = l->left == 0 ? NULL : memchr(l->text, '\n', l->left);
    if (end == NULL) {
        return false;
    }
    *line = l->text;
    *length = (size_t)(end - l->text);
    l->left -= *length + 1;
    l->text = end + 1;
    return true;
}

static bool read_name(const char *text, size_t length, char out[NOTE_NAME_SIZE])
{
    if (length == 0 || length >= NOTE_NAME_SIZE || memchr(text, '\0', length) != NULL) {
        return false;
    }
    memcpy(out, text, length);
    out[length] = '\0';
    return note_name_good(out);
}

/* Exactly n bytes in base64, at most TIMED_BLOB. Written again and compared: libsodium 1.0.18 takes some bytes above
 * 0x7F for digits. */
static bool read_base64(const char *text, size_t length, uint8_t *out, size_t n)
{
    char again[BLOB_TEXT_SIZE];
    size_t written = 0;
    if (sodium_base642bin(out, n, text, length, NULL, &written, NULL, BASE64) != 0 || written != n) {
        return false;
    }
    sodium_bin2base64(again, sizeof again, out, n, BASE64);
    return strlen(again) == length && memcmp(again, text, length) == 0;
}

static bool read_size(const char *text, size_t length, uint64_t *out)
{
    int64_t value;
    bool zeros = length > 1 && text[0] == '0';
    if (zeros || length == 0 || text[0] == '-' || !parse_i64(text, length, &value)) {
        return false;
    }
    *out = (uint64_t)value;
    return *out < UINT64_C(1) << MERKLE_LEVELS;
}

static bool read_body(struct lines *l, struct checkpoint *c, const char **where)
{
    const char *line;
    size_t length;
    if (!next_line(l, &line, &length) || !read_name(line, length, c->origin)) {
        *where = "line 1 is no origin of a log";
        return false;
    }
    if (!next_line(l, &line, &length) || !read_size(line, length, &c->size)) {
        *where = "line 2 is no size of a log: digits without leading zeros";
        return false;
    }
    if (!next_line(l, &line, &length) || !read_base64(line, length, c->root.bytes, MERKLE_HASH)) {
        *where = "line 3 is no root: 32 bytes in base64";
        return false;
    }
    return true;
}

/* One signature line. false: it is none at all; *ours is false when it is of another length than ours. */
static bool read_signature(const char *line, size_t length, struct note_signature *out, bool *ours)
{
    const size_t mark = sizeof signature_mark - 1;
    if (length <= mark || memcmp(line, signature_mark, mark) != 0) {
        return false;
    }
    const char *name = line + mark;
    const char *blank = memchr(name, ' ', length - mark);
    if (blank == NULL || !read_name(name, (size_t)(blank - name), out->name)) {
        return false;
    }
    const char *text = blank + 1;
    size_t rest = length - (size_t)(text - line);
    uint8_t blob[TIMED_BLOB];
    *ours = true;
    if (read_base64(text, rest, blob, TIMED_BLOB)) {
        out->timed = true;
        out->time = get_time(blob + NOTE_KEY_ID);
        memcpy(out->signature, blob + NOTE_KEY_ID + TIME_BYTES, SIGNATURE_SIZE);
    } else if (read_base64(text, rest, blob, PLAIN_BLOB)) {
        out->timed = false;
        out->time = 0;
        memcpy(out->signature, blob + NOTE_KEY_ID, SIGNATURE_SIZE);
    } else {
        *ours = false;
        return rest > 0;
    }
    memcpy(out->key_id, blob, NOTE_KEY_ID);
    return true;
}

static bool read_signatures(struct lines *l, struct checkpoint_note *out, const char **where)
{
    const char *line;
    size_t length;
    while (l->left > 0) {
        struct note_signature s;
        bool ours = false;
        if (!next_line(l, &line, &length) || !read_signature(line, length, &s, &ours)) {
            *where = "a line behind the blank one is no signature";
            return false;
        }
        if (ours && out->count < NOTE_SIGNATURES_MAX) {
            out->signature[out->count++] = s;
        }
    }
    return true;
}

bool checkpoint_read(const char *text, size_t length, struct checkpoint_note *out, const char **where)
{
    struct lines l = {text, length};
    const char *line;
    size_t n = 1;
    memset(out, 0, sizeof *out);
    if (length > NOTE_SIZE_MAX) {
        *where = "it is longer than a checkpoint may be (16 KiB)";
        return false;
    }
    if (!read_body(&l, &out->checkpoint, where)) {
        return false;
    }
    out->body = length - l.left;
    /* Lines of extensions are signed and mean nothing here. */
    while (l.left > 0) {
        if (!next_line(&l, &line, &n)) {
            *where = "its last line has no end";
            return false;
        }
        if (n == 0) {
            return read_signatures(&l, out, where);
        }
        out->body = length - l.left;
    }
    return true;
}

/* The id of a key under a name: first 4 bytes of SHA-256(name || 0x0A || kind || key). */
static void note_key_id(const char *name, enum note_kind kind, const uint8_t key[PUBLIC_KEY_SIZE],
                        uint8_t id[NOTE_KEY_ID])
{
    const uint8_t between[2] = {0x0A, (uint8_t)kind};
    uint8_t hash[MERKLE_HASH];
    crypto_hash_sha256_state state;
    crypto_hash_sha256_init(&state);
    crypto_hash_sha256_update(&state, (const uint8_t *)name, strlen(name));
    crypto_hash_sha256_update(&state, between, sizeof between);
    crypto_hash_sha256_update(&state, key, PUBLIC_KEY_SIZE);
    crypto_hash_sha256_final(&state, hash);
    memcpy(id, hash, NOTE_KEY_ID);
}

bool note_line(const char *name, enum note_kind kind, const uint8_t key[PUBLIC_KEY_SIZE], uint64_t time,
               const uint8_t signature[SIGNATURE_SIZE], struct buf *out)
{
    struct note_signature s = {.timed = kind == NOTE_COSIGNATURE, .time = time};
    if (!note_name_good(name)) {
        return false;
    }
    memcpy(s.name, name, strlen(name) + 1);
    note_key_id(name, kind, key, s.key_id);
    memcpy(s.signature, signature, SIGNATURE_SIZE);
    return note_signature_line(&s, out);
}

static bool signature_good(const char *text, const struct checkpoint_note *n, const struct note_signature *s,
                           enum note_kind kind, const uint8_t key[PUBLIC_KEY_SIZE])
{
    struct buf message;
    buf_init(&message, NOTE_SIZE_MAX + 64);
    bool good = note_message(kind, s->time, text, n->body, &message) &&
                crypto_sign_verify_detached(s->signature, (const uint8_t *)message.data, message.length, key) == 0;
    buf_free(&message);
    return good;
}

bool note_signed_by(const char *text, const struct checkpoint_note *n, const char *name, enum note_kind kind,
                    const uint8_t key[PUBLIC_KEY_SIZE], uint64_t *time)
{
    uint8_t id[NOTE_KEY_ID];
    note_key_id(name, kind, key, id);
    for (size_t i = 0; i < n->count; i++) {
        const struct note_signature *s = &n->signature[i];
        bool theirs = s->timed == (kind == NOTE_COSIGNATURE) && strcmp(s->name, name) == 0 &&
                      memcmp(s->key_id, id, NOTE_KEY_ID) == 0;
        if (theirs && signature_good(text, n, s, kind, key)) {
            if (time != NULL && s->timed) {
                *time = s->time;
            }
            return true;
        }
    }
    return false;
}

bool note_vkey_format(const char *name, enum note_kind kind, const uint8_t key[PUBLIC_KEY_SIZE],
                      char out[NOTE_VKEY_SIZE])
{
    uint8_t id[NOTE_KEY_ID];
    uint8_t blob[1 + PUBLIC_KEY_SIZE];
    char hex[2 * NOTE_KEY_ID + 1];
    char text[sodium_base64_ENCODED_LEN(1 + PUBLIC_KEY_SIZE, BASE64)];
    if (!note_name_good(name)) {
        return false;
    }
    note_key_id(name, kind, key, id);
    hex_encode(id, sizeof id, hex);
    blob[0] = (uint8_t)kind;
    memcpy(blob + 1, key, PUBLIC_KEY_SIZE);
    sodium_bin2base64(text, sizeof text, blob, sizeof blob, BASE64);
    int n = snprintf(out, NOTE_VKEY_SIZE, "%s+%s+%s", name, hex, text);
    return n > 0 && n < NOTE_VKEY_SIZE;
}

bool note_vkey_parse(const char *text, size_t length, char name[NOTE_NAME_SIZE], enum note_kind *kind,
                     uint8_t key[PUBLIC_KEY_SIZE])
{
    const char *first = memchr(text, '+', length);
    size_t name_length = first == NULL ? 0 : (size_t)(first - text);
    uint8_t id[NOTE_KEY_ID];
    uint8_t expected[NOTE_KEY_ID];
    uint8_t blob[1 + PUBLIC_KEY_SIZE];
    const size_t hex = 2 * NOTE_KEY_ID;
    if (first == NULL || !read_name(text, name_length, name) || length < name_length + hex + 2 ||
        first[1 + hex] != '+' || !hex_decode(first + 1, hex, id, NOTE_KEY_ID)) {
        return false;
    }
    const char *base64 = first + hex + 2;
    if (!read_base64(base64, length - (size_t)(base64 - text), blob, sizeof blob) ||
        (blob[0] != NOTE_ED25519 && blob[0] != NOTE_COSIGNATURE)) {
        return false;
    }
    *kind = blob[0] == NOTE_ED25519 ? NOTE_ED25519 : NOTE_COSIGNATURE;
    memcpy(key, blob + 1, PUBLIC_KEY_SIZE);
    note_key_id(name, *kind, key, expected);
    return memcmp(id, expected, NOTE_KEY_ID) == 0;
}
