#include "domain/column_mapping.h"

#include "domain/leak.h"
#include "domain/utf8.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int compare(const char *a, size_t a_length, const char *b, size_t b_length)
{
    size_t shorter = a_length < b_length ? a_length : b_length;
    int order = memcmp(a, b, shorter);
    return order != 0 ? order : (a_length > b_length) - (a_length < b_length);
}

static int by_name(const void *a, const void *b)
{
    const struct column_mapping_entry *x = a, *y = b;
    return compare(x->name, x->length, y->name, y->length);
}

static const struct column_mapping_entry *find(const struct column_mapping *m, const char *name, size_t length)
{
    unsigned low = 0, high = m->count;
    while (low < high) {
        unsigned middle = low + (high - low) / 2;
        int order = compare(m->entry[middle].name, m->entry[middle].length, name, length);
        if (order == 0)
            return &m->entry[middle];
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

enum column column_mapping_find(const struct column_mapping *mapping, const char *name, size_t length)
{
    const struct column_mapping_entry *e = mapping == NULL ? NULL : find(mapping, name, length);
    return e == NULL ? column_by_name(name, length) : (enum column)e->column;
}

bool column_mapping_holds(const struct column_mapping *mapping, const char *name, size_t length)
{
    return mapping != NULL && find(mapping, name, length) != NULL;
}

struct text column_mapping_name(const struct column_mapping *mapping, enum column c)
{
    for (unsigned i = 0; mapping != NULL && i < mapping->count; i++) {
        if (mapping->entry[i].column == c)
            return (struct text){mapping->entry[i].name, mapping->entry[i].length};
    }
    const char *own = column_name(c);
    bool elsewhere = column_mapping_holds(mapping, own, strlen(own));
    return (struct text){own, elsewhere ? 0 : strlen(own)};
}

static bool refuse(struct json_problem *problem, const char *field, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static bool refuse(struct json_problem *problem, const char *field, const char *format, ...)
{
    va_list args;
    (void)snprintf(problem->field, sizeof problem->field, "%s", field);
    va_start(args, format);
    (void)vsnprintf(problem->message, sizeof problem->message, format, args);
    va_end(args);
    return false;
}

/* Names are not repeated in a refusal before they are known to be clean. */
static bool check_name(const char *name, size_t length, struct json_problem *problem)
{
    static const char where[] = "/columns";
    size_t characters = 0;
    for (size_t i = 0; i < length; i++) {
        if ((unsigned char)name[i] < ' ' || name[i] == 0x7F)
            return refuse(problem, where, "A column name holds a control character");
        characters += (name[i] & 0xC0) != 0x80;
    }
    if (length == 0 || characters > COLUMN_MAPPING_CHARACTERS)
        return refuse(problem, where, "A column name has 1 to %d characters", COLUMN_MAPPING_CHARACTERS);
    if (!utf8_is_valid(name, length))
        return refuse(problem, where, "A column name is not UTF-8");
    if (name[0] == ' ' || name[length - 1] == ' ')
        return refuse(problem, where, "A column name begins or ends with a space");
    if (leak_has_nhs_number((struct text){name, length}))
        return refuse(problem, where, "A column name holds what may be an NHS number");
    return true;
}

static bool read_entry(const char *name, const json_t *value, struct column_mapping_entry *out,
                       struct json_problem *problem)
{
    size_t length = strlen(name);
    if (!check_name(name, length, problem))
        return false;
    if (!json_is_string(value))
        return refuse(problem, "/columns", "%s: the name of a column is wanted, or \"" COLUMN_MAPPING_IGNORE "\"",
                      name);
    const char *target = json_string_value(value);
    size_t target_length = json_string_length(value);
    enum column c = column_by_name(target, target_length);
    if (c == COLUMN_COUNT && strcmp(target, COLUMN_MAPPING_IGNORE) == 0)
        c = COLUMN_IGNORED;
    if (c == COLUMN_COUNT)
        return refuse(problem, "/columns", "%s: its target is no column of the upload format, nor \"%s\"", name,
                      COLUMN_MAPPING_IGNORE);
    memcpy(out->name, name, length);
    out->length = (uint8_t)length;
    out->column = (uint8_t)c;
    return true;
}

bool column_mapping_read(const json_t *object, struct column_mapping *out, struct json_problem *problem)
{
    static const struct json_member members[] = {{"columns", JSON_KIND_OBJECT, true, 0, 0},
                                                 {NULL, JSON_KIND_TEXT, false, 0, 0}};
    if (!json_check(object, members, "", problem))
        return false;
    const json_t *columns = json_object_get(object, "columns");
    size_t count = json_object_size(columns);
    if (count == 0 || count > COLUMN_MAPPING_MAXIMUM)
        return refuse(problem, "/columns", "A mapping has 1 to %d names", COLUMN_MAPPING_MAXIMUM);
    bool taken[COLUMN_COUNT] = {false};
    const char *name;
    json_t *value;
    out->count = 0;
    json_object_foreach((json_t *)(uintptr_t)columns, name, value)
    {
        struct column_mapping_entry *e = &out->entry[out->count];
        if (!read_entry(name, value, e, problem))
            return false;
        if (e->column < COLUMN_COUNT && taken[e->column])
            return refuse(problem, "/columns", "Two names are mapped to %s", column_name((enum column)e->column));
        if (e->column < COLUMN_COUNT)
            taken[e->column] = true;
        out->count++;
    }
    qsort(out->entry, out->count, sizeof out->entry[0], by_name);
    return true;
}
