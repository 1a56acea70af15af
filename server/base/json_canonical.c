/* Canonical bytes. Written here and not by jansson, which asks the format of each number from printf and sorts the
 * names of each object in memory of its own: positions are written by the thousand. */
#include "base/json.h"
#include "base/json_internal.h"

#include <stdlib.h>
#include <string.h>

#define NAMES_AT_ONCE 32 /* objects with more members sort them in memory of their own */

struct member {
    const char *name;
    const json_t *value;
};

static bool write_value(struct buf *out, const json_t *value, int depth);

/* Of a text that is UTF-8: jansson makes no other. Without control characters only two kinds are escaped. */
static bool write_text(struct buf *out, const char *text, size_t length)
{
    char *to = buf_reserve(out, 2 * length + 2);
    if (to == NULL)
        return false;
    char *begin = to;
    *to++ = '"';
    for (size_t i = 0; i < length; i++) {
        if (json_is_control((unsigned char)text[i]))
            return false;
        if (text[i] == '"' || text[i] == '\\')
            *to++ = '\\';
        *to++ = text[i];
    }
    *to++ = '"';
    out->length += (size_t)(to - begin);
    return true;
}

static bool write_integer(struct buf *out, int64_t value)
{
    char digits[20];
    size_t n = sizeof digits;
    if (value > JSON_LARGEST_INTEGER || value < -JSON_LARGEST_INTEGER)
        return false;
    int64_t left = value < 0 ? -value : value;
    do {
        digits[--n] = (char)('0' + left % 10);
        left /= 10;
    } while (left > 0);
    if (value < 0)
        digits[--n] = '-';
    return buf_append(out, digits + n, sizeof digits - n);
}

static bool write_array(struct buf *out, const json_t *array, int depth)
{
    size_t count = json_array_size(array);
    bool ok = buf_append_char(out, '[');
    for (size_t i = 0; ok && i < count; i++)
        ok = (i == 0 || buf_append_char(out, ',')) && write_value(out, json_array_get(array, i), depth + 1);
    return ok && buf_append_char(out, ']');
}

static int order_members(const void *a, const void *b)
{
    const struct member *x = a;
    const struct member *y = b;
    return strcmp(x->name, y->name);
}

/* Few members are put in their places one by one; they often come in order. */
static void sort_members(struct member *members, size_t count)
{
    if (count > NAMES_AT_ONCE) {
        qsort(members, count, sizeof *members, order_members);
        return;
    }
    for (size_t i = 1; i < count; i++) {
        const struct member m = members[i];
        size_t at = i;
        for (; at > 0 && order_members(&members[at - 1], &m) > 0; at--)
            members[at] = members[at - 1];
        members[at] = m;
    }
}

/* Member names sort by UTF-16 code units in RFC 8785 and by bytes here; the two orders differ only from U+E000 on,
 * whose first byte is 0xEE or more. */
static bool name_sorts_alike(const char *name)
{
    for (const char *c = name; *c != '\0'; c++) {
        if ((unsigned char)*c >= 0xee)
            return false;
    }
    return true;
}

static bool write_members(struct buf *out, const struct member *members, size_t count, int depth)
{
    bool ok = buf_append_char(out, '{');
    for (size_t i = 0; ok && i < count; i++)
        ok = (i == 0 || buf_append_char(out, ',')) && name_sorts_alike(members[i].name) &&
             write_text(out, members[i].name, strlen(members[i].name)) && buf_append_char(out, ':') &&
             write_value(out, members[i].value, depth + 1);
    return ok && buf_append_char(out, '}');
}

static bool write_object(struct buf *out, const json_t *object, int depth)
{
    struct member few[NAMES_AT_ONCE];
    size_t count = json_object_size(object);
    struct member *members = count <= NAMES_AT_ONCE ? few : calloc(count, sizeof *members);
    if (members == NULL)
        return false;
    size_t n = 0;
    for (void *at = json_object_iter((json_t *)object); at != NULL && n < count;
         at = json_object_iter_next((json_t *)object, at))
        members[n++] = (struct member){json_object_iter_key(at), json_object_iter_value(at)};
    sort_members(members, n);
    bool ok = write_members(out, members, n, depth);
    if (members != few)
        free(members);
    return ok;
}

static bool write_value(struct buf *out, const json_t *value, int depth)
{
    if (depth > JSON_DEPTH)
        return false;
    switch (json_typeof(value)) {
    case JSON_OBJECT:
        return write_object(out, value, depth);
    case JSON_ARRAY:
        return write_array(out, value, depth);
    case JSON_STRING:
        return write_text(out, json_string_value(value), json_string_length(value));
    case JSON_INTEGER:
        return write_integer(out, json_integer_value(value));
    case JSON_TRUE:
        return buf_append_text(out, "true");
    case JSON_FALSE:
        return buf_append_text(out, "false");
    case JSON_NULL:
        return buf_append_text(out, "null");
    case JSON_REAL:
        break;
    }
    return false;
}

char *json_canonical(const json_t *value, size_t *length)
{
    struct buf out;
    buf_init(&out, SIZE_MAX / 4);
    if (value == NULL || !write_value(&out, value, 1) || !buf_append_char(&out, '\0')) {
        buf_free(&out);
        return NULL;
    }
    *length = out.length - 1;
    return out.data;
}
