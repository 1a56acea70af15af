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

/* The entries of one list of inputs: how they are told apart, what of them counts, how they are named. */
struct input_list {
    const char *list;
    const char *key;
    const char *part; /* NULL: the whole entry; entries may then share a key */
    const char *what;
};

static const struct input_list lists[] = {
    {"months", "month", "sha256", "activity of"},
    {"months", "month", "agreed", "month agreed without activity"},
    {"months", "month", "review_periods", "review periods of"},
    {"terms", "version", NULL, "terms version"},
    {"adjustments", "agreement", NULL, "adjustment"},
    {"achievements", "indicator", NULL, "achievement of"},
    {"withholds", "month", NULL, "withhold of"},
    {"decisions", "month", NULL, "decision on a row of"},
    {"challenges", "number", NULL, "challenge"},
};

/* Whether the other list has this entry, as far as the list's part of it goes. */
static bool is_among(const json_t *others, const struct input_list *l, const json_t *entry)
{
    size_t i;
    json_t *other;
    if (l->part != NULL) {
        const json_t *part = json_object_get(entry, l->part);
        const json_t *same = entry_with(others, l->key, json_object_get(entry, l->key));
        return part == NULL || json_equal(part, json_object_get(same, l->part));
    }
    json_array_foreach(others, i, other)
    {
        if (json_equal(other, entry))
            return true;
    }
    return false;
}

/* Whether one of the first entries of a list has that key and is not among the others. */
static bool differs_at(const json_t *list, size_t count, const json_t *others, const struct input_list *l,
                       const json_t *key)
{
    for (size_t i = 0; i < count; i++) {
        const json_t *entry = json_array_get(list, i);
        if (json_equal(json_object_get(entry, l->key), key) && !is_among(others, l, entry))
            return true;
    }
    return false;
}

/* Names each key of a list that has an entry not among the others, once. gone: the others are the newer inputs, and
 * keys that differ there are named already. */
static bool name_changed(const json_t *list, const json_t *others, const struct input_list *l, bool gone,
                         struct buf *out)
{
    size_t i;
    json_t *entry;
    json_array_foreach(list, i, entry)
    {
        const json_t *key = json_object_get(entry, l->key);
        if (!is_among(others, l, entry) && !differs_at(list, i, others, l, key) &&
            !(gone && differs_at(others, json_array_size(others), list, l, key)) &&
            !name_cause(out, l->what, key, l->key))
            return false;
    }
    return true;
}

bool position_causes(const json_t *before, const json_t *now, struct buf *out)
{
    const json_t *a = json_object_get(before, "inputs");
    const json_t *b = json_object_get(now, "inputs");
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
        const json_t *old = json_object_get(a, lists[i].list);
        const json_t *new = json_object_get(b, lists[i].list);
        bool removable = strcmp(lists[i].list, "months") != 0 && strcmp(lists[i].list, "terms") != 0;
        if (!name_changed(new, old, &lists[i], false, out) ||
            (removable && !name_changed(old, new, &lists[i], true, out)))
            return false;
    }
    if (out->length == 0 && !json_equal(json_object_get(before, "engine"), json_object_get(now, "engine")))
        return name_cause(out, "engine version", NULL, NULL);
    return out->length > 0 || name_cause(out, "reference data or rules", NULL, NULL);
}
