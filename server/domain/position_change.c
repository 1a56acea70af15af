#include "domain/position_change.h"

#include <string.h>

static bool same_line(const json_t *a, const json_t *b)
{
    const char *key_a = json_text(a, "key");
    const char *key_b = json_text(b, "key");
    return key_a != NULL && key_b != NULL && strcmp(key_a, key_b) == 0 &&
           json_int(a, "units", 0) == json_int(b, "units", 0) && json_int(a, "pence", 0) == json_int(b, "pence", 0);
}

/* Both lists are in the order of the position document, which is the same for the same keys. */
bool position_lines_differ(const json_t *before, const json_t *now)
{
    const json_t *a = json_object_get(before, "lines");
    const json_t *b = json_object_get(now, "lines");
    size_t count = json_array_size(a);
    if (count != json_array_size(b))
        return true;
    for (size_t i = 0; i < count; i++) {
        if (!same_line(json_array_get(a, i), json_array_get(b, i)))
            return true;
    }
    return false;
}

/* The entry of a list whose member has this value; NULL when there is none. */
static const json_t *entry_with(const json_t *list, const char *member, const json_t *value)
{
    size_t i;
    json_t *entry;
    json_array_foreach(list, i, entry)
    {
        if (json_equal(json_object_get(entry, member), value))
            return entry;
    }
    return NULL;
}

static bool name_cause(struct buf *out, const char *what, const json_t *value, const char *name)
{
    bool ok = out->length == 0 || buf_append_text(out, ", ");
    if (name == NULL)
        return ok && buf_append_format(out, "%s", what);
    if (json_is_integer(value))
        return ok && buf_append_format(out, "%s %lld", what, (long long)json_integer_value(value));
    return ok && buf_append_format(out, "%s %s", what, json_is_string(value) ? json_string_value(value) : "?");
}

/* Entries of `now` that are not the same in `before`, named by their key member. */
static bool name_changed(const json_t *before, const json_t *now, const char *list, const char *key, const char *part,
                         const char *what, struct buf *out)
{
    size_t i;
    json_t *entry;
    const json_t *old = json_object_get(before, list);
    json_array_foreach(json_object_get(now, list), i, entry)
    {
        const json_t *was = entry_with(old, key, json_object_get(entry, key));
        bool same =
            was != NULL && (part == NULL ? json_equal(was, entry)
                                         : json_equal(json_object_get(was, part), json_object_get(entry, part)));
        if (!same && !name_cause(out, what, json_object_get(entry, key), key))
            return false;
    }
    return true;
}

bool position_causes(const json_t *before, const json_t *now, struct buf *out)
{
    const json_t *a = json_object_get(before, "inputs");
    const json_t *b = json_object_get(now, "inputs");
    if (!name_changed(a, b, "months", "month", "sha256", "activity of", out) ||
        !name_changed(a, b, "terms", "version", NULL, "terms version", out) ||
        !name_changed(a, b, "achievements", "indicator", NULL, "achievement of", out))
        return false;
    if (out->length == 0 && !json_equal(json_object_get(before, "engine"), json_object_get(now, "engine")))
        return name_cause(out, "engine version", NULL, NULL);
    return out->length > 0 || name_cause(out, "reference data or rules", NULL, NULL);
}
