#include "domain/leak.h"

#include "base/text.h"

#include <sodium.h>
#include <string.h>

#define NHS_DIGITS  10
#define DATE_LENGTH 10 /* YYYY-MM-DD */
#define RUNS        4  /* of a joined token */

/* Length of a space or dash at the place, 0 when there is none: ASCII, U+00A0, U+2000 to U+2015, U+202F, U+2212. */
static size_t gap_length(struct text t, size_t at)
{
    const unsigned char *s = (const unsigned char *)t.at + at;
    size_t left = t.length - at;
    if (s[0] < 0x80)
        return s[0] == ' ' || s[0] == '\t' || s[0] == '-';
    if (left >= 2 && s[0] == 0xC2 && s[1] == 0xA0)
        return 2;
    if (left >= 3 && s[0] == 0xE2 && s[1] == 0x80 && ((s[2] >= 0x80 && s[2] <= 0x95) || s[2] == 0xAF))
        return 3;
    return left >= 3 && s[0] == 0xE2 && s[1] == 0x88 && s[2] == 0x92 ? 3 : 0;
}

static int two_digits(const char *s)
{
    return (s[0] - '0') * 10 + (s[1] - '0');
}

/* A whole date at the place, with no digit on either side. */
static bool is_date(struct text t, size_t at)
{
    static const char form[] = "dddd-dd-dd";
    if (t.length - at < DATE_LENGTH || (at > 0 && is_digit(t.at[at - 1])) ||
        (t.length - at > DATE_LENGTH && is_digit(t.at[at + DATE_LENGTH])))
        return false;
    const char *s = t.at + at;
    for (size_t i = 0; i < DATE_LENGTH; i++) {
        if (form[i] == 'd' ? !is_digit(s[i]) : s[i] != '-')
            return false;
    }
    int century = two_digits(s);
    int month = two_digits(s + 5);
    int day = two_digits(s + 8);
    return century >= 19 && century <= 21 && month >= 1 && month <= 12 && day >= 1 && day <= 31;
}

static bool passes_modulus_11(const int digits[NHS_DIGITS])
{
    int sum = 0;
    for (int i = 0; i < 9; i++)
        sum += digits[i] * (10 - i);
    return (11 - sum % 11) % 11 == digits[9];
}

/* Most texts have too few for a number, which is soon seen. */
static bool has_digits(struct text t)
{
    size_t digits = 0;
    for (size_t i = 0; i < t.length; i++)
        digits += is_digit(t.at[i]);
    return digits >= NHS_DIGITS;
}

bool leak_has_nhs_number(struct text t)
{
    int window[NHS_DIGITS];
    size_t count = 0;
    if (t.length < NHS_DIGITS || !has_digits(t))
        return false;
    for (size_t i = 0; i < t.length;) {
        size_t gap = gap_length(t, i);
        if (gap > 0) {
            i += gap;
            continue;
        }
        if (!is_digit(t.at[i]) || is_date(t, i)) {
            i += is_digit(t.at[i]) ? DATE_LENGTH : 1;
            count = 0;
            continue;
        }
        if (count == NHS_DIGITS) {
            memmove(window, window + 1, (NHS_DIGITS - 1) * sizeof window[0]);
            count--;
        }
        window[count++] = t.at[i++] - '0';
        if (count == NHS_DIGITS && passes_modulus_11(window))
            return true;
    }
    return false;
}

/* The byte as it is compared; 0 when it is not part of a token. */
static char folded(char c)
{
    if (c >= 'a' && c <= 'z')
        return (char)(c - 'a' + 'A');
    bool kept = is_digit(c) || (c >= 'A' && c <= 'Z') || ((unsigned char)c & 0x80) != 0;
    return kept ? c : '\0';
}

static size_t separator_length(struct text t, size_t at)
{
    /* In ASCII whatever is no part of a token parts them. */
    return ((unsigned char)t.at[at] & 0x80) != 0 ? gap_length(t, at) : folded(t.at[at]) == '\0';
}

size_t leak_canonical(struct text value, char out[LEAK_TOKEN_MAX])
{
    size_t n = 0;
    for (size_t i = 0; i < value.length;) {
        size_t skip = separator_length(value, i);
        if (skip == 0 && n == LEAK_TOKEN_MAX)
            return 0;
        if (skip == 0)
            out[n++] = folded(value.at[i]);
        i += skip > 0 ? skip : 1;
    }
    return n >= LEAK_TOKEN_MIN ? n : 0;
}

/* The runs that may still become part of one token. */
struct chain {
    char text[RUNS * LEAK_TOKEN_MAX];
    size_t length;
    size_t start[RUNS]; /* of each run, in text */
    unsigned runs;
};

/* Makes room for one more run. */
static void begin_run(struct chain *c)
{
    if (c->runs == RUNS) {
        size_t first = c->start[1];
        memmove(c->text, c->text + first, c->length - first);
        c->length -= first;
        for (unsigned i = 1; i < RUNS; i++)
            c->start[i - 1] = c->start[i] - first;
        c->runs--;
    }
    c->start[c->runs++] = c->length;
}

static bool end_run(const struct chain *c, leak_token_fn *each, void *context)
{
    for (unsigned i = c->runs; i > 0; i--) {
        size_t n = c->length - c->start[i - 1];
        if (n > LEAK_TOKEN_MAX)
            break;
        if (n >= LEAK_TOKEN_MIN && !each(context, c->text + c->start[i - 1], n))
            return false;
    }
    return true;
}

bool leak_tokens(struct text t, leak_token_fn *each, void *context)
{
    struct chain c;
    c.length = 0;
    c.runs = 0;
    for (size_t i = 0; i < t.length;) {
        size_t separator = separator_length(t, i);
        if (is_date(t, i)) {
            c.length = c.runs = 0;
            i += DATE_LENGTH;
            continue;
        }
        if (separator > 0) {
            /* A second one in a row parts the tokens. */
            if (i + separator < t.length && separator_length(t, i + separator) > 0)
                c.length = c.runs = 0;
            i += separator;
            continue;
        }
        begin_run(&c);
        size_t begin = i;
        for (; i < t.length && separator_length(t, i) == 0; i++) {
            if (i - begin < LEAK_TOKEN_MAX)
                c.text[c.length++] = folded(t.at[i]);
        }
        if (i - begin > LEAK_TOKEN_MAX)
            c.length = c.runs = 0;
        else if (!end_run(&c, each, context))
            return false;
    }
    return true;
}

void leak_key_derive(const uint8_t identity_key[32], struct leak_key *out)
{
    static const char purpose[] = "reckoner/leak/1";
    (void)crypto_generichash(out->bytes, sizeof out->bytes, (const unsigned char *)purpose, sizeof purpose - 1,
                             identity_key, 32);
}

int64_t leak_hash(const struct leak_key *key, const char *token, size_t length)
{
    uint8_t hash[crypto_shorthash_BYTES];
    _Static_assert(LEAK_KEY_SIZE == crypto_shorthash_KEYBYTES, "the key of SipHash-2-4");
    (void)crypto_shorthash(hash, (const unsigned char *)token, length, key->bytes);
    uint64_t number = 0;
    for (size_t i = 0; i < sizeof hash; i++)
        number = number << 8 | hash[i];
    int64_t ordered = 0;
    memcpy(&ordered, &number, sizeof ordered);
    return ordered;
}
