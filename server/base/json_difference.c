#include "base/json_difference.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PLACE_SIZE 300
#define VALUE_SIZE 60

struct place {
    char text[PLACE_SIZE];
};

static struct place below(const struct place *p, const char *name)
{
    struct place out;
    int n = snprintf(out.text, sizeof out.text, "%s/%s", p->text, name);
    if (n < 0)
        out.text[0] = '\0';
    return out;
}

static struct place element(const struct place *p, size_t index)
{
    char number[24];
    (void)snprintf(number, sizeof number, "%zu", index);
    return below(p, number);
}

static struct place with_key(const struct place *p, const char *key)
{
    struct place out;
    int n = snprintf(out.text, sizeof out.text, "%s (%s)", p->text, key);
    if (n < 0)
        out.text[0] = '\0';
    return out;
}

static void shown(const json_t *value, char out[VALUE_SIZE])
{
    char *text = value == NULL ? NULL : json_dumps(value, JSON_COMPACT | JSON_SORT_KEYS | JSON_ENCODE_ANY);
    size_t length = text == NULL ? 0 : strlen(text);
    (void)snprintf(out, VALUE_SIZE, "%s", value == NULL ? "missing" : text != NULL ? text : "?");
    if (length >= VALUE_SIZE)
        memcpy(out + VALUE_SIZE - 4, "...", 4);
    free(text);
}

static void say_values(const struct place *p, const json_t *stated, const json_t *found, char *where, size_t size)
{
    char one[VALUE_SIZE];
    char other[VALUE_SIZE];
    shown(stated, one);
    shown(found, other);
    (void)snprintf(where, size, "%s is %s, recomputed %s", p->text, one, other);
}

/* The first member that differs: "lines", then by name. NULL: none. */
static const char *first_member(const json_t *stated, const json_t *found)
{
    const char *first = NULL;
    const json_t *const side[] = {stated, found};
    for (size_t i = 0; i < 2; i++) {
        const char *name;
        json_t *value;
        json_object_foreach((json_t *)side[i], name, value)
        {
            if (json_equal(value, json_object_get(side[1 - i], name)))
                continue;
            if (strcmp(name, "lines") == 0)
                return name;
            if (first == NULL || strcmp(name, first) < 0)
                first = name;
        }
    }
    return first;
}

static void descend(struct place p, const json_t *stated, const json_t *found, char *where, size_t size)
{
    for (;;) {
        if (json_is_object(stated) && json_is_object(found)) {
            const char *key = json_text(stated, "key");
            const char *other = json_text(found, "key");
            const char *name = first_member(stated, found);
            if (key != NULL && other != NULL && strcmp(key, other) == 0)
                p = with_key(&p, key);
            p = below(&p, name);
            stated = json_object_get(stated, name);
            found = json_object_get(found, name);
        } else if (json_is_array(stated) && json_is_array(found)) {
            size_t i = 0;
            while (i < json_array_size(stated) && json_equal(json_array_get(stated, i), json_array_get(found, i)))
                i++;
            if (i >= json_array_size(stated) || i >= json_array_size(found)) {
                (void)snprintf(where, size, "%s has %zu entries, recomputed %zu", p.text, json_array_size(stated),
                               json_array_size(found));
                return;
            }
            p = element(&p, i);
            stated = json_array_get(stated, i);
            found = json_array_get(found, i);
        } else {
            say_values(&p, stated, found, where, size);
            return;
        }
    }
}

bool json_first_difference(const char *name, const json_t *stated, const json_t *found, char *where, size_t size)
{
    struct place p;
    if (stated != NULL && found != NULL && json_equal(stated, found))
        return false;
    (void)snprintf(p.text, sizeof p.text, "%s", name);
    descend(p, stated, found, where, size);
    return true;
}
