#include "cli/fsck_part.h"

#include "base/json.h"
#include "base/parse.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TEXT_SHOWN     200
#define HASH_SIZE      32
#define PROGRESS_EVERY 2000000 /* microseconds */

static void print_json(const struct fsck *f, const char *table, const char *key, const char *what, const char *found,
                       const char *expected)
{
    json_t *o = json_pack("{s:s, s:s, s:s, s:s, s:s, s:s}", "part", f->part->name, "table", table, "key", key, "what",
                          what, "found", found, "expected", expected);
    char *text = o == NULL ? NULL : json_dumps(o, JSON_COMPACT | JSON_SORT_KEYS);
    (void)printf("%s\n", text != NULL ? text : "{}");
    free(text);
    json_decref(o);
}

/* As much as is shown, ended before a character that would be cut in two. */
static void shorten(const char *text, char out[TEXT_SHOWN + 4])
{
    size_t length = strnlen(text, TEXT_SHOWN + 1);
    bool cut = length > TEXT_SHOWN;
    if (cut)
        length = TEXT_SHOWN;
    while (cut && length > 0 && ((unsigned char)text[length] & 0xC0) == 0x80)
        length--;
    memcpy(out, text, length);
    memcpy(out + length, cut ? "..." : "", cut ? 4 : 1);
}

void fsck_differs(struct fsck *f, const char *table, const char *key, const char *what, const char *found,
                  const char *expected)
{
    char found_short[TEXT_SHOWN + 4];
    char expected_short[TEXT_SHOWN + 4];
    shorten(found, found_short);
    shorten(expected, expected_short);
    f->differences++;
    if (f->json)
        print_json(f, table, key, what, found_short, expected_short);
    else
        (void)printf("%s %s: %s: found %s, expected %s\n", table, key, what, found_short, expected_short);
}

void fsck_differs_i64(struct fsck *f, const char *table, const char *key, const char *what, int64_t found,
                      int64_t expected)
{
    char found_text[24];
    char expected_text[24];
    (void)snprintf(found_text, sizeof found_text, "%lld", (long long)found);
    (void)snprintf(expected_text, sizeof expected_text, "%lld", (long long)expected);
    fsck_differs(f, table, key, what, found_text, expected_text);
}

void fsck_differs_hash(struct fsck *f, const char *table, const char *key, const char *what, const uint8_t *found,
                       const uint8_t *expected)
{
    char found_text[2 * HASH_SIZE + 1];
    char expected_text[2 * HASH_SIZE + 1];
    hex_encode(found, HASH_SIZE, found_text);
    hex_encode(expected, HASH_SIZE, expected_text);
    fsck_differs(f, table, key, what, found_text, expected_text);
}

void fsck_count(struct fsck *f, int64_t n)
{
    int64_t now = clock_monotonic();
    f->checked += n;
    if (f->next_progress == 0)
        f->next_progress = now + PROGRESS_EVERY;
    if (now < f->next_progress)
        return;
    (void)fprintf(stderr, "%s: %lld %s\n", f->part->name, (long long)f->checked, f->part->unit);
    f->next_progress = now + PROGRESS_EVERY;
}

enum pg_status fsck_take(struct fsck *f, enum pg_status status, PGresult *result)
{
    for (int row = 0; status == PG_OK && row < PQntuples(result); row++)
        fsck_differs(f, pg_text(result, row, "table"), pg_text(result, row, "key"), pg_text(result, row, "what"),
                     pg_text(result, row, "found"), pg_text(result, row, "expected"));
    PQclear(result);
    return status;
}
