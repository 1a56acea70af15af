#include "check/leaks.h"

#include "base/ident.h"
#include "base/order.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

/* As many as keep a partition of five million rows (ten million identifiers) within 2 MiB. */
#define PARTITIONS    64
#define SERVICE_ALIAS 12 /* letters: as many as a service may have */

enum kind { KIND_EPISODE_ID, KIND_SERVICE, KIND_VALUE, KINDS };

struct token {
    int64_t hash;
    uint32_t number; /* row, or finding */
    uint32_t kind;
};

/* One bit for each number; grows as bits are set. */
struct bits {
    uint8_t *bytes;
    size_t room;
};

struct leaks {
    struct leak_key key;
    uint8_t alias_key[crypto_generichash_KEYBYTES];
    struct spool *identifiers; /* int64_t */
    struct spool *tokens;      /* struct token */
    struct journal *sorted;    /* int64_t, each once, ascending */
    struct bits found[KINDS];
};

static bool set_bit(struct bits *b, uint32_t number)
{
    size_t byte = number / 8;
    if (byte >= b->room) {
        size_t room = byte + byte / 2 + 64;
        uint8_t *bytes = realloc(b->bytes, room);
        if (!bytes)
            return false;
        memset(bytes + b->room, 0, room - b->room);
        b->bytes = bytes;
        b->room = room;
    }
    b->bytes[byte] |= (uint8_t)(1U << (number % 8));
    return true;
}

static bool has_bit(const struct bits *b, uint32_t number)
{
    return number / 8 < b->room && (b->bytes[number / 8] >> (number % 8) & 1) != 0;
}

struct leaks *leaks_new(const char *folder, const uint8_t identity_key[IDENTITY_KEY_SIZE], const char *provider)
{
    static const char purpose[] = "reckoner/alias/1/";
    struct leaks *l = calloc(1, sizeof *l);
    if (!l)
        return NULL;
    crypto_generichash_state state;
    leak_key_derive(identity_key, &l->key);
    (void)crypto_generichash_init(&state, identity_key, IDENTITY_KEY_SIZE, sizeof l->alias_key);
    (void)crypto_generichash_update(&state, (const unsigned char *)purpose, sizeof purpose - 1);
    (void)crypto_generichash_update(&state, (const unsigned char *)provider, strlen(provider));
    (void)crypto_generichash_final(&state, l->alias_key, sizeof l->alias_key);
    sodium_memzero(&state, sizeof state);
    l->identifiers = spool_new(folder, PARTITIONS);
    l->tokens = spool_new(folder, PARTITIONS);
    l->sorted = journal_new(folder);
    if (l->identifiers && l->tokens && l->sorted)
        return l;
    leaks_free(l);
    return NULL;
}

void leaks_free(struct leaks *l)
{
    if (!l)
        return;
    spool_free(&l->identifiers);
    spool_free(&l->tokens);
    journal_free(l->sorted);
    for (int kind = 0; kind < KINDS; kind++)
        free(l->found[kind].bytes);
    sodium_memzero(l, sizeof *l);
    free(l);
}

/* Ascending hashes lie in ascending partitions. */
static unsigned partition_of(int64_t hash)
{
    uint64_t ordered = (uint64_t)hash ^ (uint64_t)1 << 63;
    return (unsigned)(ordered >> 58);
}
_Static_assert(PARTITIONS == 1 << (64 - 58), "the partition is the highest six bits");

static bool add_identifier(struct leaks *l, struct text value)
{
    char canonical[LEAK_TOKEN_MAX];
    size_t length = value.length > 0 ? leak_canonical(value, canonical) : 0;
    if (length == 0)
        return true;
    int64_t hash = leak_hash(&l->key, canonical, length);
    return spool_add(l->identifiers, partition_of(hash), &hash, sizeof hash);
}

struct adding {
    struct leaks *leaks;
    uint32_t number;
    enum kind kind;
};

static bool add_token(void *context, const char *token, size_t length)
{
    const struct adding *a = context;
    struct token t = {leak_hash(&a->leaks->key, token, length), a->number, a->kind};
    return spool_add(a->leaks->tokens, partition_of(t.hash), &t, sizeof t);
}

static bool add_tokens(struct leaks *l, enum kind kind, uint32_t number, struct text text)
{
    struct adding a = {l, number, kind};
    return text.length < LEAK_TOKEN_MIN || leak_tokens(text, add_token, &a);
}

/* Texts with ten digits are covered before they are kept: what else is in them does not matter. */
static bool add_shown(struct leaks *l, enum kind kind, uint32_t row_no, struct text text)
{
    return leak_has_nhs_number(text) || add_tokens(l, kind, row_no, text);
}

bool leaks_add_row(struct leaks *l, const struct episode_row *row)
{
    return add_identifier(l, row->raw->field[COLUMN_PATIENT_ID]) &&
           add_identifier(l, row->raw->field[COLUMN_NHS_NUMBER]) &&
           add_shown(l, KIND_EPISODE_ID, row->row_no, row->episode_id) &&
           add_shown(l, KIND_SERVICE, row->row_no, row->service);
}

bool leaks_add_value(struct leaks *l, uint32_t number, const char *value)
{
    return add_tokens(l, KIND_VALUE, number, (struct text){value, strlen(value)});
}

/* Sorts by the bytes below the partition's bits, lowest first; spare has as much room. The sorted hashes lie in the
 * array that is returned. */
static int64_t *radix_sort(int64_t *hashes, int64_t *spare, size_t count)
{
    for (unsigned shift = 0; shift < 64; shift += 8) {
        size_t place[257] = {0};
        uint64_t turn = (uint64_t)1 << 63;
        for (size_t i = 0; i < count; i++)
            place[((((uint64_t)hashes[i] ^ turn) >> shift) & 255) + 1]++;
        for (unsigned digit = 1; digit < 257; digit++)
            place[digit] += place[digit - 1];
        for (size_t i = 0; i < count; i++)
            spare[place[(((uint64_t)hashes[i] ^ turn) >> shift) & 255]++] = hashes[i];
        int64_t *sorted = spare;
        spare = hashes;
        hashes = sorted;
    }
    return hashes;
}

static bool compare(struct leaks *l, const int64_t *hashes, size_t count, const struct token *tokens,
                    size_t token_count)
{
    for (size_t i = 0; i < token_count && count > 0; i++) {
        if (bsearch(&tokens[i].hash, hashes, count, sizeof *hashes, order_i64) != NULL &&
            !set_bit(&l->found[tokens[i].kind], tokens[i].number))
            return false;
    }
    return true;
}

static bool find_in_partition(struct leaks *l, unsigned partition)
{
    void *identifiers = NULL;
    void *tokens = NULL;
    size_t length = 0;
    size_t token_length = 0;
    bool ok = spool_load(l->identifiers, partition, &identifiers, &length) &&
              spool_load(l->tokens, partition, &tokens, &token_length);
    int64_t *spare = ok && length > 0 ? malloc(length) : NULL;
    ok = ok && (spare || length == 0);
    if (ok && length > 0) {
        int64_t *hashes = radix_sort(identifiers, spare, length / sizeof *hashes);
        size_t count = 0;
        for (size_t i = 0; i < length / sizeof *hashes; i++) {
            if (count == 0 || hashes[count - 1] != hashes[i])
                hashes[count++] = hashes[i];
        }
        ok = journal_append(l->sorted, hashes, count * sizeof *hashes) &&
             compare(l, hashes, count, tokens, token_length / sizeof(struct token));
    }
    free(identifiers);
    free(tokens);
    free(spare);
    return ok;
}

bool leaks_find(struct leaks *l)
{
    for (unsigned p = 0; p < PARTITIONS; p++) {
        if (!find_in_partition(l, p))
            return false;
    }
    spool_free(&l->identifiers);
    spool_free(&l->tokens);
    return true;
}

static void cover(const struct leaks *l, char *text, size_t letters)
{
    uint8_t hash[16];
    char alias[IDENT_SIZE];
    (void)crypto_generichash(hash, sizeof hash, (const unsigned char *)text, strlen(text), l->alias_key,
                             sizeof l->alias_key);
    ident_of_hash(hash, alias);
    memcpy(text, alias, letters);
    text[letters] = '\0';
}

_Static_assert(EPISODE_ID_SIZE > IDENT_LENGTH && EPISODE_SERVICE_SIZE > SERVICE_ALIAS, "room for an alias");

void leaks_cover_numbers(const struct leaks *l, struct episode *row)
{
    if (leak_has_nhs_number((struct text){row->episode_id, strlen(row->episode_id)}))
        cover(l, row->episode_id, IDENT_LENGTH);
    if (leak_has_nhs_number((struct text){row->service, strlen(row->service)}))
        cover(l, row->service, SERVICE_ALIAS);
}

void leaks_cover(const struct leaks *l, struct episode *row)
{
    if (has_bit(&l->found[KIND_EPISODE_ID], (uint32_t)row->row_no))
        cover(l, row->episode_id, IDENT_LENGTH);
    if (has_bit(&l->found[KIND_SERVICE], (uint32_t)row->row_no))
        cover(l, row->service, SERVICE_ALIAS);
}

bool leaks_covers(const struct leaks *l, uint32_t row_no)
{
    return has_bit(&l->found[KIND_EPISODE_ID], row_no) || has_bit(&l->found[KIND_SERVICE], row_no);
}

bool leaks_value(const struct leaks *l, uint32_t number)
{
    return has_bit(&l->found[KIND_VALUE], number);
}

bool leaks_each_identifier(struct leaks *l, size_t most,
                           bool (*each)(void *context, const int64_t *hashes, size_t count), void *context)
{
    int64_t *hashes = malloc(most * sizeof *hashes);
    bool ok = hashes != NULL;
    uint64_t left = journal_length(l->sorted) / sizeof *hashes;
    journal_seek(l->sorted, 0);
    while (ok && left > 0) {
        size_t count = left < most ? (size_t)left : most;
        ok = journal_next(l->sorted, hashes, count * sizeof *hashes) && each(context, hashes, count);
        left -= count;
    }
    free(hashes);
    return ok;
}
