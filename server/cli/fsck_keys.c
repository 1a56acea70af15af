#include "cli/fsck_keys.h"

#include "base/json.h"
#include "base/parse.h"
#include "store/integrity_pages.h"

#include <stdlib.h>
#include <string.h>

void fsck_keys_free(struct fsck_keys *keys)
{
    free(keys->list);
    *keys = (struct fsck_keys){NULL, 0};
}

const struct fsck_key *fsck_keys_find(const struct fsck_keys *keys, const char *id)
{
    for (size_t i = 0; i < keys->count; i++) {
        if (strcmp(keys->list[i].id, id) == 0)
            return &keys->list[i];
    }
    return NULL;
}

static struct fsck_key *add(struct fsck_keys *keys)
{
    struct fsck_key *more = realloc(keys->list, (keys->count + 1) * sizeof *more);
    if (more == NULL)
        return NULL;
    keys->list = more;
    memset(&more[keys->count], 0, sizeof *more);
    return &more[keys->count++];
}

static instant_t member_instant(const json_t *entry, const char *name)
{
    const char *text = json_text(entry, name);
    instant_t at = INSTANT_NONE;
    return text != NULL && instant_parse(text, strlen(text), &at) ? at : INSTANT_NONE;
}

/* An entry that is not as it should be is named by the part that reads the log; here it gives no key. */
static bool read_entry(const char *text, struct fsck_key *out)
{
    struct json_problem problem;
    json_t *entry = json_read(text, strlen(text), &problem);
    const char *id = json_text(entry, "key");
    const char *hex = json_text(entry, "public_key");
    memset(out, 0, sizeof *out);
    bool good = id != NULL && public_key_id_parse(id, out->key.id) && hex != NULL &&
                hex_decode(hex, strlen(hex), out->key.key, PUBLIC_KEY_SIZE);
    if (good) {
        public_key_id_text(out->key.id, out->id);
        out->valid_from = member_instant(entry, "valid_from");
        out->valid_to = member_instant(entry, "valid_to");
        out->lost = json_bool(entry, "lost", false);
        good = out->valid_from != INSTANT_NONE;
    }
    json_decref(entry);
    return good;
}

enum pg_status fsck_keys_load(struct pg *pg, struct fsck_keys *keys, bool *out_of_memory)
{
    PGresult *r = NULL;
    *keys = (struct fsck_keys){NULL, 0};
    enum pg_status status = page_key_entries(pg, &r);
    for (int row = 0; status == PG_OK && row < PQntuples(r); row++) {
        struct fsck_key read;
        if (!read_entry(pg_text(r, row, "entry"), &read))
            continue;
        struct fsck_key *known = (struct fsck_key *)fsck_keys_find(keys, read.id);
        if (known == NULL && (known = add(keys)) == NULL) {
            *out_of_memory = true;
            status = PG_FAILED;
            break;
        }
        read.ended_leaf = -1;
        if (read.valid_to != INSTANT_NONE)
            read.ended_leaf = pg_is_null(r, row, "leaf") ? INT64_MAX : pg_i64(r, row, "leaf");
        *known = read;
    }
    PQclear(r);
    return status;
}

const char *fsck_key_refuses(const struct fsck_key *key, instant_t at, int64_t leaf)
{
    if (at < key->valid_from)
        return "signed before the key was valid";
    if (key->valid_to != INSTANT_NONE && at >= key->valid_to)
        return key->lost ? "signed after the key was lost" : "signed after the key had ended";
    if (key->lost && (leaf < 0 || leaf > key->ended_leaf) && key->ended_leaf != INT64_MAX)
        return "not in the log before the key was told lost";
    return NULL;
}
