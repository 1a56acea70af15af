#include "http/router.h"

#include "base/buf.h"
#include "base/text.h"
#include "base/token.h"
#include "domain/leak.h"

#include <sodium.h>
#include <string.h>

/* Length of the well-formed UTF-8 sequence at p (RFC 3629, table 3-7 of Unicode), 0 if there is none. */
static size_t utf8_sequence(const unsigned char *p, size_t left)
{
    if (p[0] < 0x80)
        return 1;
    unsigned char low = 0x80, high = 0xbf;
    size_t n = p[0] >= 0xc2 && p[0] <= 0xdf ? 2 : (p[0] & 0xf0) == 0xe0 ? 3 : p[0] >= 0xf0 && p[0] <= 0xf4 ? 4 : 0;
    if (n == 0 || n > left)
        return 0;
    if (p[0] == 0xe0)
        low = 0xa0;
    else if (p[0] == 0xed)
        high = 0x9f;
    else if (p[0] == 0xf0)
        low = 0x90;
    else if (p[0] == 0xf4)
        high = 0x8f;
    if (p[1] < low || p[1] > high)
        return 0;
    for (size_t i = 2; i < n; i++)
        if ((p[i] & 0xc0) != 0x80)
            return 0;
    return n;
}

/* Well-formed UTF-8 without control characters. */
static bool text_is_clean(const char *text, size_t length)
{
    const unsigned char *p = (const unsigned char *)text;
    for (size_t i = 0; i < length;) {
        if (p[i] < 0x20 || p[i] == 0x7f)
            return false;
        size_t n = utf8_sequence(p + i, length - i);
        if (n == 0)
            return false;
        i += n;
    }
    return true;
}

long percent_decode(const char *text, size_t length, char *out, size_t size)
{
    size_t n = 0;
    for (size_t i = 0; i < length; i++) {
        char c = text[i];
        if (c == '%') {
            int high = i + 2 < length ? hex_value(text[i + 1]) : -1;
            int low = i + 2 < length ? hex_value(text[i + 2]) : -1;
            if (high < 0 || low < 0)
                return -1;
            c = (char)(unsigned char)(high * 16 + low);
            i += 2;
        }
        if (n + 1 >= size)
            return -1;
        out[n++] = c;
    }
    if (size == 0 || !text_is_clean(out, n))
        return -1;
    out[n] = '\0';
    return (long)n;
}

bool percent_encode(struct buf *out, const char *text)
{
    static const char digits[] = "0123456789ABCDEF";
    bool ok = true;
    for (const unsigned char *p = (const unsigned char *)text; *p != '\0'; p++) {
        bool plain = (*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z') || (*p >= '0' && *p <= '9') ||
                     strchr("-._~", *p) != NULL;
        if (plain) {
            ok = buf_append_char(out, (char)*p) && ok;
        } else {
            char escaped[3] = {'%', digits[*p >> 4], digits[*p & 15]};
            ok = buf_append(out, escaped, sizeof escaped) && ok;
        }
    }
    return ok;
}

/* Decodes the segments that stand for {..} into result. 1 match, 0 no match, -1 cannot be decoded. */
static int match_path(const char *template, const char *path, struct match_result *result)
{
    size_t used = 0;
    unsigned values = 0;
    while (*template == '/' && *path == '/') {
        template ++;
        path++;
        size_t want = strcspn(template, "/"), have = strcspn(path, "/");
        if (have == 0)
            return 0;
        if (template[0] != '{') {
            if (want != have || memcmp(template, path, want) != 0)
                return 0;
        } else {
            long n = values < HTTP_PATH_VALUES
                         ? percent_decode(path, have, result->text + used, sizeof result->text - used)
                         : -1;
            if (n < 0)
                return -1;
            result->values[values++] = result->text + used;
            used += (size_t)n + 1;
        }
        template += want;
        path += have;
    }
    return *template == '\0' && *path == '\0';
}

static void allow_add(char *allow, size_t size, const char *method)
{
    size_t length = strlen(allow), more = strlen(method);
    if (length + more + 3 > size)
        return;
    if (length > 0) {
        memcpy(allow + length, ", ", 2);
        length += 2;
    }
    memcpy(allow + length, method, more + 1);
}

enum match router_match(const struct route *table, const char *method, const char *path, struct match_result *result)
{
    const char *wanted = strcmp(method, "HEAD") == 0 ? "GET" : method;
    enum match found = MATCH_NO_PATH;
    memset(result, 0, sizeof *result);
    for (const struct route *route = table; route->method != NULL; route++) {
        int matched = match_path(route->path, path, result);
        if (matched < 0 && found == MATCH_NO_PATH)
            found = MATCH_BAD_PATH;
        if (matched <= 0)
            continue;
        if (strcmp(route->method, wanted) == 0) {
            result->route = route;
            return MATCH_FOUND;
        }
        found = MATCH_NO_METHOD;
        allow_add(result->allow, sizeof result->allow, route->method);
        if (strcmp(route->method, "GET") == 0)
            allow_add(result->allow, sizeof result->allow, "HEAD");
    }
    return found;
}

bool name_listed(const char *names, const char *name)
{
    size_t length = strlen(name);
    if (names == NULL || length == 0)
        return false;
    for (const char *p = names; *p != '\0';) {
        size_t n = strcspn(p, " ");
        if (n == length && memcmp(p, name, n) == 0)
            return true;
        p += n;
        p += strspn(p, " ");
    }
    return false;
}

#define CURSOR_TEXT 255
#define CURSOR_MAC  16 /* BLAKE2b-128 */

static void cursor_mac(const unsigned char *key, const char *operation, const char *text, unsigned char *out)
{
    crypto_generichash_state state;
    crypto_generichash_init(&state, key, TOKEN_KEY_BYTES, CURSOR_MAC);
    static const char purpose[] = "reckoner/cursor/1";
    crypto_generichash_update(&state, (const unsigned char *)purpose, sizeof purpose);
    crypto_generichash_update(&state, (const unsigned char *)operation, strlen(operation) + 1);
    crypto_generichash_update(&state, (const unsigned char *)text, strlen(text));
    crypto_generichash_final(&state, out, CURSOR_MAC);
}

bool cursor_encode(const unsigned char *key, const char *operation, const char *text, char *out, size_t size)
{
    unsigned char bytes[CURSOR_MAC + CURSOR_TEXT];
    size_t length = strlen(text);
    if (length > CURSOR_TEXT ||
        sodium_base64_encoded_len(CURSOR_MAC + length, sodium_base64_VARIANT_URLSAFE_NO_PADDING) > size)
        return false;
    cursor_mac(key, operation, text, bytes);
    memcpy(bytes + CURSOR_MAC, text, length);
    sodium_bin2base64(out, size, bytes, CURSOR_MAC + length, sodium_base64_VARIANT_URLSAFE_NO_PADDING);
    return true;
}

bool cursor_decode(const unsigned char *key, const char *operation, const char *cursor, char *out, size_t size)
{
    unsigned char bytes[CURSOR_MAC + CURSOR_TEXT + 1];
    size_t length = 0;
    if (sodium_base642bin(bytes, CURSOR_MAC + CURSOR_TEXT, cursor, strlen(cursor), NULL, &length, NULL,
                          sodium_base64_VARIANT_URLSAFE_NO_PADDING) != 0 ||
        length < CURSOR_MAC || length - CURSOR_MAC >= size)
        return false;
    bytes[length] = '\0';
    const char *text = (const char *)bytes + CURSOR_MAC;
    unsigned char mac[CURSOR_MAC];
    cursor_mac(key, operation, text, mac);
    if (strlen(text) != length - CURSOR_MAC || sodium_memcmp(mac, bytes, CURSOR_MAC) != 0)
        return false;
    memcpy(out, text, length - CURSOR_MAC + 1);
    return true;
}

bool request_id_is_acceptable(const char *text)
{
    size_t length = strlen(text), digits = 0;
    if (length < 8 || length > 47 || leak_has_nhs_number((struct text){text, length}))
        return false;
    for (const char *p = text; *p != '\0'; p++) {
        bool digit = *p >= '0' && *p <= '9';
        digits = digit ? digits + 1 : 0;
        if (digits >= 10)
            return false;
        if (!digit && !(*p >= 'a' && *p <= 'z') && !(*p >= 'A' && *p <= 'Z') && strchr("._-", *p) == NULL)
            return false;
    }
    return true;
}

bool etag_unquote(const char *text, char *out, size_t size)
{
    size_t length = strlen(text);
    if (length < 3 || length - 2 >= size || text[0] != '"' || text[length - 1] != '"' ||
        memchr(text + 1, '"', length - 2) != NULL)
        return false;
    memcpy(out, text + 1, length - 2);
    out[length - 2] = '\0';
    return true;
}
