#include "domain/leak_json.h"

#include <stdlib.h>
#include <string.h>

#define DEPTH 64 /* json_read takes 32 */

static bool only(struct text t, const char *letters, bool *letter)
{
    for (size_t i = 0; i < t.length; i++) {
        bool digit = t.at[i] >= '0' && t.at[i] <= '9';
        if (!digit && (t.at[i] == '\0' || strchr(letters, t.at[i]) == NULL))
            return false;
        *letter = *letter || !digit;
    }
    return true;
}

/* A digest or key id: nothing but 64 or 128 lower-case hexadecimal digits, or 16 upper-case ones with a letter among
 * them. */
static bool leak_is_digest(struct text t)
{
    bool letter = false;
    if (t.length == 16)
        return only(t, "ABCDEF", &letter) && letter;
    return (t.length == 64 || t.length == 128) && only(t, "abcdef", &letter);
}

bool leak_in_text(struct text t)
{
    return !leak_is_digest(t) && leak_has_nhs_number(t);
}

/* Length of the string behind its opening quote, without the closing one; left when it does not end. */
static size_t string_length(const char *s, size_t left, bool *escapes)
{
    const char *end = memchr(s, '"', left);
    size_t n = end == NULL ? left : (size_t)(end - s);
    const char *escape = memchr(s, '\\', n);
    *escapes = escape != NULL;
    if (escape == NULL)
        return n;
    n = (size_t)(escape - s);
    while (n < left && s[n] != '"') {
        n += s[n] == '\\' ? 2 : 1;
    }
    return n < left ? n : left;
}

/* The character of \uXXXX when it is ASCII; anything else is a letter to the scanner. */
static char of_code(const char *hex)
{
    unsigned code = 0;
    for (int i = 0; i < 4; i++) {
        char c = hex[i];
        unsigned digit = c >= '0' && c <= '9' ? (unsigned)(c - '0') : ((unsigned)c | 0x20) - 'a' + 10;
        code = code << 4 | (digit & 15);
    }
    return code == 0xA0 ? ' ' : code > 0 && code < 0x80 ? (char)code : '\x80';
}

/* Resolves escapes into out, which has room for t.length bytes. */
static size_t resolve(struct text t, char *out)
{
    size_t n = 0;
    for (size_t i = 0; i < t.length; i++) {
        if (t.at[i] != '\\' || i + 1 == t.length) {
            out[n++] = t.at[i];
            continue;
        }
        char c = t.at[++i];
        if (c == 'u' && t.length - i > 4) {
            out[n++] = of_code(t.at + i + 1);
            i += 4;
        } else {
            out[n++] = c == 't' ? '\t' : c == 'n' || c == 'r' || c == 'b' || c == 'f' ? '\n' : c;
        }
    }
    return n;
}

struct walk {
    leak_string_fn *each;
    void *context;
    struct text member[DEPTH]; /* of the object at each depth */
    size_t depth;
};

static bool hand_over(struct walk *w, struct text raw, bool escapes)
{
    if (leak_is_digest(raw))
        return true;
    if (!escapes)
        return w->each(w->context, w->member[w->depth], raw);
    char *plain = malloc(raw.length + 1); /* not of nothing, which may be NULL */
    if (!plain)
        return false;
    bool ok = w->each(w->context, w->member[w->depth], (struct text){plain, resolve(raw, plain)});
    free(plain);
    return ok;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static bool is_name(struct text json, size_t at)
{
    while (at < json.length && is_blank(json.at[at]))
        at++;
    return at < json.length && json.at[at] == ':';
}

bool leak_json_strings(struct text json, leak_string_fn *each, void *context)
{
    struct walk w;
    memset(&w, 0, sizeof w);
    w.each = each;
    w.context = context;
    w.member[0] = (struct text){"", 0};
    for (size_t i = 0; i < json.length; i++) {
        char c = json.at[i];
        if (c == '{' || c == '[') {
            if (++w.depth == DEPTH)
                return false;
            w.member[w.depth] = w.member[w.depth - 1];
        } else if (c == '}' || c == ']') {
            if (w.depth-- == 0)
                return false;
        } else if (c == '"') {
            bool escapes = false;
            struct text raw = {json.at + i + 1, string_length(json.at + i + 1, json.length - i - 1, &escapes)};
            i += raw.length + 1;
            if (i >= json.length)
                return false;
            if (is_name(json, i + 1))
                w.member[w.depth] = raw;
            if (!hand_over(&w, raw, escapes))
                return false;
        }
    }
    return w.depth == 0;
}

static bool holds_no_number(void *context, struct text member, struct text string)
{
    (void)context;
    (void)member;
    return !leak_has_nhs_number(string);
}

bool leak_in_json(struct text json)
{
    return !leak_json_strings(json, holds_no_number, NULL);
}
