#include "domain/bundle.h"

#include "base/parse.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define KIB ((size_t)1 << 10)
#define MIB ((size_t)1 << 20)
#define GIB ((size_t)1 << 30)

/* In the order of the archive. Those from KEYS on that have more than one come in the order of their keys. */
enum rank {
    RANK_README,
    RANK_STATEMENT,
    RANK_STATEMENT_SIG,
    RANK_STATEMENT_MINI,
    RANK_PREVIOUS,
    RANK_BILLED,
    RANK_BILLED_SIG,
    RANK_KEYS,
    RANK_CHECKPOINT,
    RANK_LOG,
    RANK_TERMS,
    RANK_RECEIPTS,
    RANK_INPUTS,
    RANK_ROWS,
    RANK_MOVED,
    RANK_DOCUMENT,
    RANK_COUNT
};

/* A member that comes once. */
struct single {
    const char *name;
    size_t most; /* bytes */
    size_t at;   /* in struct bundle */
    enum rank rank;
    bool needed;
};

#define SINGLE(name, rank, most, member, needed)                                                                       \
    {                                                                                                                  \
        name, most, offsetof(struct bundle, member), rank, needed                                                      \
    }
static const struct single singles[] = {
    SINGLE(BUNDLE_README, RANK_README, 64 * KIB, readme, true),
    SINGLE(BUNDLE_STATEMENT, RANK_STATEMENT, 64 * MIB, statement, true),
    SINGLE(BUNDLE_STATEMENT_SIG, RANK_STATEMENT_SIG, KIB, signature, true),
    SINGLE(BUNDLE_STATEMENT_MINI, RANK_STATEMENT_MINI, KIB, minisig, true),
    SINGLE(BUNDLE_PREVIOUS, RANK_PREVIOUS, 64 * MIB, previous, false),
    SINGLE(BUNDLE_BILLED, RANK_BILLED, 64 * MIB, billed, false),
    SINGLE(BUNDLE_BILLED_SIG, RANK_BILLED_SIG, KIB, billed_signature, false),
    SINGLE(BUNDLE_CHECKPOINT, RANK_CHECKPOINT, 16 * KIB, checkpoint, true),
    SINGLE(BUNDLE_LOG, RANK_LOG, 16 * MIB, log, true),
    SINGLE(BUNDLE_INPUTS, RANK_INPUTS, 64 * MIB, inputs, true),
    SINGLE(BUNDLE_MOVED, RANK_MOVED, 64 * MIB, moved, false),
    SINGLE(BUNDLE_DOCUMENT, RANK_DOCUMENT, 64 * MIB, document, false),
};
#define SINGLES (sizeof singles / sizeof singles[0])

/* Where a name belongs: rank, then key (texts that sort as the members do), then part. */
struct place {
    enum rank rank;
    char key[24];
    int part;
    const struct single *single;
    int64_t version;
    month_t month;
};

__attribute__((format(printf, 3, 4))) static bool wrong(char *where, size_t size, const char *format, ...)
{
    va_list values;
    va_start(values, format);
    (void)vsnprintf(where, size, format, values);
    va_end(values);
    return false;
}

static bool ends_with(const char *name, size_t length, const char *end, size_t *stem)
{
    size_t n = strlen(end);
    if (length < n || memcmp(name + length - n, end, n) != 0)
        return false;
    *stem = length - n;
    return true;
}

static bool place_key(const char *rest, size_t length, struct place *p)
{
    size_t stem = 0;
    p->rank = RANK_KEYS;
    p->part = ends_with(rest, length, ".pub", &stem);
    if ((p->part == 0 && !ends_with(rest, length, ".pem", &stem)) || stem != 16 ||
        strspn(rest, "0123456789ABCDEF") != stem)
        return false;
    (void)snprintf(p->key, sizeof p->key, "%.*s", (int)stem, rest);
    return true;
}

static bool place_terms(const char *rest, size_t length, struct place *p)
{
    size_t stem = 0;
    p->rank = RANK_TERMS;
    if (!ends_with(rest, length, ".json", &stem) || rest[0] == '0' ||
        !parse_i64_within(rest, stem, 1, INT32_MAX, &p->version))
        return false;
    (void)snprintf(p->key, sizeof p->key, "%010lld", (long long)p->version);
    return true;
}

static bool place_month(const char *rest, size_t length, const char *const ends[2], enum rank rank, struct place *p)
{
    size_t stem = 0;
    p->rank = rank;
    p->part = ends[1] != NULL && ends_with(rest, length, ends[1], &stem);
    if ((p->part == 0 && !ends_with(rest, length, ends[0], &stem)) || !month_parse(rest, stem, &p->month))
        return false;
    (void)snprintf(p->key, sizeof p->key, "%.*s", (int)stem, rest);
    return true;
}

static bool find_place(const char *name, struct place *p)
{
    static const char *const receipts[2] = {".json", ".json.sig"};
    static const char *const rows[2] = {".csv", NULL};
    size_t length = strlen(name);
    memset(p, 0, sizeof *p);
    for (size_t i = 0; i < SINGLES; i++) {
        if (strcmp(singles[i].name, name) == 0) {
            p->single = &singles[i];
            p->rank = singles[i].rank;
            return true;
        }
    }
    if (length > 5 && memcmp(name, "keys/", 5) == 0)
        return place_key(name + 5, length - 5, p);
    if (length > 6 && memcmp(name, "terms/", 6) == 0)
        return place_terms(name + 6, length - 6, p);
    if (length > 9 && memcmp(name, "receipts/", 9) == 0)
        return place_month(name + 9, length - 9, receipts, RANK_RECEIPTS, p);
    return length > 5 && memcmp(name, "rows/", 5) == 0 && place_month(name + 5, length - 5, rows, RANK_ROWS, p);
}

/* Below 0 when a comes before b. */
static int compare_places(const struct place *a, const struct place *b)
{
    if (a->rank != b->rank)
        return a->rank < b->rank ? -1 : 1;
    int order = strcmp(a->key, b->key);
    return order != 0 ? order : a->part - b->part;
}

static struct bundle_month *month_for(struct bundle *b, month_t month)
{
    for (size_t i = 0; i < b->month_count; i++) {
        if (b->month[i].month == month)
            return &b->month[i];
    }
    if (b->month_count == BUNDLE_MONTHS || (b->month_count > 0 && b->month[b->month_count - 1].month > month))
        return NULL;
    b->month[b->month_count].month = month;
    return &b->month[b->month_count++];
}

/* Where the member's bytes are noted, and how many they may be; NULL: there are too many of its kind. */
static struct bundle_file *file_of(struct bundle *b, const struct place *p, size_t *most)
{
    struct bundle_month *m = NULL;
    switch (p->rank) {
    case RANK_KEYS:
        *most = KIB;
        if (b->key_count == 0 || strcmp(b->key[b->key_count - 1].id, p->key) != 0) {
            if (b->key_count == BUNDLE_KEYS)
                return NULL;
            memcpy(b->key[b->key_count++].id, p->key, sizeof b->key[0].id);
        }
        return p->part == 0 ? &b->key[b->key_count - 1].pem : &b->key[b->key_count - 1].pub;
    case RANK_TERMS:
        *most = 16 * MIB;
        if (b->terms_count == BUNDLE_TERMS)
            return NULL;
        b->terms[b->terms_count].version = p->version;
        return &b->terms[b->terms_count++].body;
    case RANK_RECEIPTS:
    case RANK_ROWS:
        *most = p->rank == RANK_ROWS ? 7 * GIB : MIB;
        m = month_for(b, p->month);
        if (m == NULL)
            return NULL;
        return p->rank == RANK_ROWS ? &m->rows : p->part == 0 ? &m->receipt : &m->receipt_signature;
    default:
        *most = p->single->most;
        return (struct bundle_file *)(void *)((char *)b + p->single->at);
    }
}

static bool take_member(struct bundle *b, const struct ustar_member *m, struct place *last, bool first, char *where,
                        size_t size)
{
    struct place p;
    size_t most = 0;
    if (!find_place(m->name, &p))
        return wrong(where, size, "%s is no member of a bundle", m->name);
    if (!first && compare_places(last, &p) >= 0)
        return wrong(where, size, "%s stands behind a member that comes after it", m->name);
    struct bundle_file *file = file_of(b, &p, &most);
    if (file == NULL)
        return wrong(where, size, "%s is one more of its kind than a bundle may have", m->name);
    if (m->size > most)
        return wrong(where, size, "%s has %zu bytes, and %zu are the most", m->name, m->size, most);
    *file = (struct bundle_file){m->data, m->size};
    *last = p;
    return true;
}

/* What must be there, and what comes in pairs. */
static bool is_whole(const struct bundle *b, char *where, size_t size)
{
    for (size_t i = 0; i < SINGLES; i++) {
        const struct bundle_file *file = (const struct bundle_file *)(const void *)((const char *)b + singles[i].at);
        if (singles[i].needed && file->bytes == NULL)
            return wrong(where, size, "%s is missing", singles[i].name);
    }
    if ((b->billed.bytes == NULL) != (b->billed_signature.bytes == NULL))
        return wrong(where, size, "of %s and its signature one is missing", BUNDLE_BILLED);
    for (size_t i = 0; i < b->key_count; i++) {
        if (b->key[i].pem.bytes == NULL || b->key[i].pub.bytes == NULL)
            return wrong(where, size, "of the two files of keys/%s one is missing", b->key[i].id);
    }
    for (size_t i = 0; i < b->month_count; i++) {
        const struct bundle_month *m = &b->month[i];
        char month[8];
        month_format(m->month, month);
        if (m->receipt.bytes == NULL || m->receipt_signature.bytes == NULL || m->rows.bytes == NULL)
            return wrong(where, size, "of %s the receipt, its signature or the rows are missing", month);
    }
    return true;
}

bool bundle_read(const char *bytes, size_t length, struct bundle *out, char *where, size_t size)
{
    struct ustar_reader reader = {bytes, length, 0};
    struct ustar_member m;
    struct place last;
    char behind[USTAR_NAME_SIZE];
    const char *problem = NULL;
    memset(out, 0, sizeof *out);
    memset(&last, 0, sizeof last);
    for (bool first = true;; first = false) {
        switch (ustar_next(&reader, &m, &problem)) {
        case USTAR_MEMBER:
            if (!take_member(out, &m, &last, first, where, size))
                return false;
            memcpy(behind, m.name, sizeof behind);
            break;
        case USTAR_END:
            return is_whole(out, where, size);
        case USTAR_WRONG:
            return wrong(where, size, "behind %s, at byte %zu: %s", first ? "nothing" : behind, reader.at, problem);
        }
    }
}

const struct bundle_key *bundle_key_of(const struct bundle *b, const char *id)
{
    for (size_t i = 0; i < b->key_count; i++) {
        if (id != NULL && strcmp(b->key[i].id, id) == 0)
            return &b->key[i];
    }
    return NULL;
}
