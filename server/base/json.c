#include "base/json.h"

#include "base/date.h"
#include "base/json_internal.h"
#include "base/parse.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void fill(struct json_problem *problem, const char *field, const char *message)
{
    (void)snprintf(problem->field, sizeof problem->field, "%s", field);
    (void)snprintf(problem->message, sizeof problem->message, "%s", message);
}

/* Appends /name to a pointer in place, escaped after RFC 6901; a name that does not fit is left out. */
static void pointer_push(char *pointer, size_t size, const char *name)
{
    size_t length = strlen(pointer);
    char escaped[200];
    size_t n = 0;
    escaped[n++] = '/';
    for (const char *c = name; *c != '\0'; c++) {
        if (n + 3 > sizeof escaped)
            return;
        if (*c == '~' || *c == '/') {
            escaped[n++] = '~';
            escaped[n++] = *c == '~' ? '0' : '1';
        } else {
            escaped[n++] = *c;
        }
    }
    if (length + n + 1 > size)
        return;
    memcpy(pointer + length, escaped, n);
    pointer[length + n] = '\0';
}

static bool has_control(const char *text, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        if (json_is_control((unsigned char)text[i]))
            return true;
    }
    return false;
}

static const char *value_fault(const json_t *value, int depth)
{
    if (depth > JSON_DEPTH)
        return "is nested deeper than 32 levels";
    if (json_is_real(value))
        return "must be an integer or a text: numbers with a fraction or an exponent are not read";
    if (json_is_integer(value) &&
        (json_integer_value(value) > JSON_LARGEST_INTEGER || json_integer_value(value) < -JSON_LARGEST_INTEGER))
        return "is a number beyond 9007199254740991 (2^53 - 1)";
    if (json_is_string(value) && has_control(json_string_value(value), json_string_length(value)))
        return "contains a control character";
    return NULL;
}

static void pointer_push_index(char *pointer, size_t size, size_t i)
{
    char index[24];
    (void)snprintf(index, sizeof index, "%zu", i);
    pointer_push(pointer, size, index);
}

/* Looks for what we do not take, and where it is: pointer holds the place of the value and is left as it was when all
 * is well. pointer NULL: says only whether, several times as fast. */
static bool walk(const json_t *value, int depth, char *pointer, size_t size, struct json_problem *problem)
{
    size_t length = pointer != NULL ? strlen(pointer) : 0;
    const char *fault = value_fault(value, depth);
    const char *name;
    json_t *member;
    for (size_t i = 0; fault == NULL && i < json_array_size(value); i++) {
        if (pointer != NULL)
            pointer_push_index(pointer, size, i);
        if (!walk(json_array_get(value, i), depth + 1, pointer, size, problem))
            return false;
        if (pointer != NULL)
            pointer[length] = '\0';
    }
    json_object_foreach((json_t *)value, name, member)
    {
        if (fault == NULL && has_control(name, strlen(name)))
            fault = "has a member whose name contains a control character";
        if (fault != NULL)
            break;
        if (pointer != NULL)
            pointer_push(pointer, size, name);
        if (!walk(member, depth + 1, pointer, size, problem))
            return false;
        if (pointer != NULL)
            pointer[length] = '\0';
    }
    if (fault != NULL && pointer != NULL)
        fill(problem, pointer, fault);
    return fault == NULL;
}

static bool find(const json_t *value, bool (*wanted)(const char *text, size_t length), char *pointer, size_t size)
{
    size_t length = strlen(pointer);
    if (json_is_string(value))
        return wanted(json_string_value(value), json_string_length(value));
    for (size_t i = 0; i < json_array_size(value); i++) {
        pointer_push_index(pointer, size, i);
        if (find(json_array_get(value, i), wanted, pointer, size))
            return true;
        pointer[length] = '\0';
    }
    const char *name;
    json_t *member;
    json_object_foreach((json_t *)value, name, member)
    {
        if (wanted(name, strlen(name)))
            return true;
        pointer_push(pointer, size, name);
        if (find(member, wanted, pointer, size))
            return true;
        pointer[length] = '\0';
    }
    return false;
}

bool json_find_text(const json_t *value, bool (*wanted)(const char *text, size_t length), char *pointer, size_t size)
{
    pointer[0] = '\0';
    return find(value, wanted, pointer, size);
}

/* Our own words: jansson's quote the text, which may hold what must not be repeated. */
static const char *parse_fault(const json_error_t *error)
{
    switch (json_error_code(error)) {
    case json_error_duplicate_key:
        return "a member is given twice";
    case json_error_numeric_overflow:
        return "a number is too large";
    case json_error_premature_end_of_input:
        return "the text ends too early";
    case json_error_end_of_input_expected:
        return "something follows the value";
    case json_error_invalid_utf8:
        return "the text is not UTF-8";
    case json_error_null_character:
    case json_error_null_byte_in_key:
        return "a text contains a NUL character";
    case json_error_stack_overflow:
        return "the text is nested too deeply";
    case json_error_out_of_memory:
        return "memory ran out";
    default:
        return "the text is not JSON";
    }
}

json_t *json_read(const char *text, size_t length, struct json_problem *problem)
{
    json_error_t error;
    json_t *value = json_loadb(text, length, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &error);
    if (value == NULL) {
        char message[300];
        (void)snprintf(message, sizeof message, "line %d, column %d: %s", error.line, error.column,
                       parse_fault(&error));
        fill(problem, "", message);
        return NULL;
    }
    char pointer[200] = "";
    if (!walk(value, 1, NULL, 0, NULL)) {
        (void)walk(value, 1, pointer, sizeof pointer, problem);
        json_decref(value);
        return NULL;
    }
    return value;
}

static bool refuse(struct json_problem *problem, const char *pointer, const char *name, const char *message)
{
    char field[200];
    (void)snprintf(field, sizeof field, "%s", pointer);
    pointer_push(field, sizeof field, name);
    fill(problem, field, message);
    return false;
}

/* A limit as people write it, "10,000,000,000": a long row of digits alone could be taken for a patient's number. */
static void write_limit(int64_t limit, char out[32])
{
    char digits[24];
    int count = snprintf(digits, sizeof digits, "%llu",
                         limit < 0 ? 0ULL - (unsigned long long)limit : (unsigned long long)limit);
    int place = 0;
    if (limit < 0)
        out[place++] = '-';
    for (int i = 0; i < count; i++) {
        if (i > 0 && count > 4 && (count - i) % 3 == 0)
            out[place++] = ',';
        out[place++] = digits[i];
    }
    out[place] = '\0';
}

static bool check_limits(const struct json_member *m, int64_t measure, const char *unit, const char *pointer,
                         struct json_problem *problem)
{
    char message[300];
    char low[32];
    char high[32];
    if (measure >= m->low && measure <= m->high)
        return true;
    write_limit(m->low, low);
    write_limit(m->high, high);
    if (m->low == m->high)
        (void)snprintf(message, sizeof message, "must be %s%s", low, unit);
    else
        (void)snprintf(message, sizeof message, "must be %s to %s%s", low, high, unit);
    return refuse(problem, pointer, m->name, message);
}

static bool check_value(const struct json_member *m, const json_t *value, const char *pointer,
                        struct json_problem *problem)
{
    month_t month = 0;
    switch (m->kind) {
    case JSON_KIND_TEXT:
        if (!json_is_string(value))
            return refuse(problem, pointer, m->name, "must be a text");
        return check_limits(m, (int64_t)json_string_length(value), " bytes long", pointer, problem);
    case JSON_KIND_MONTH:
        return (json_is_string(value) && month_parse(json_string_value(value), json_string_length(value), &month)) ||
               refuse(problem, pointer, m->name, "must be a month, written YYYY-MM");
    case JSON_KIND_INTEGER:
        if (!json_is_integer(value))
            return refuse(problem, pointer, m->name, "must be an integer");
        return check_limits(m, json_integer_value(value), "", pointer, problem);
    case JSON_KIND_BOOLEAN:
        return json_is_boolean(value) || refuse(problem, pointer, m->name, "must be true or false");
    case JSON_KIND_OBJECT:
        return json_is_object(value) || refuse(problem, pointer, m->name, "must be an object");
    case JSON_KIND_ARRAY:
        if (!json_is_array(value))
            return refuse(problem, pointer, m->name, "must be an array");
        return check_limits(m, (int64_t)json_array_size(value), " elements long", pointer, problem);
    }
    return false;
}

static bool is_expected(const struct json_member *table, const char *name)
{
    for (const struct json_member *m = table; m->name != NULL; m++) {
        if (strcmp(m->name, name) == 0)
            return true;
    }
    return false;
}

bool json_check(const json_t *object, const struct json_member *table, const char *pointer,
                struct json_problem *problem)
{
    if (!json_is_object(object)) {
        fill(problem, pointer, "must be an object");
        return false;
    }
    const char *name;
    json_t *member;
    json_object_foreach((json_t *)object, name, member)
    {
        if (!is_expected(table, name))
            return refuse(problem, pointer, name, "is not a member that is known here");
    }
    for (const struct json_member *m = table; m->name != NULL; m++) {
        const json_t *value = json_object_get(object, m->name);
        if (value == NULL || (json_is_null(value) && !m->required)) {
            if (m->required)
                return refuse(problem, pointer, m->name, "is needed and missing");
        } else if (!check_value(m, value, pointer, problem)) {
            return false;
        }
    }
    return true;
}

const char *json_text(const json_t *object, const char *name)
{
    return json_string_value(json_object_get(object, name));
}

int64_t json_int(const json_t *object, const char *name, int64_t fallback)
{
    const json_t *value = json_object_get(object, name);
    return json_is_integer(value) ? json_integer_value(value) : fallback;
}

bool json_bool(const json_t *object, const char *name, bool fallback)
{
    const json_t *value = json_object_get(object, name);
    return json_is_boolean(value) ? json_is_true(value) : fallback;
}

bool json_put(json_t *object, const char *name, json_t *value)
{
    return json_object_set_new(object, name, value) == 0;
}

bool json_append_text(struct buf *out, const char *text)
{
    static const char *const marks = "\"\\\b\f\n\r\t";
    static const char *const letters = "\"\\bfnrt";
    (void)buf_append_char(out, '"');
    const char *from = text;
    for (const char *c = text; *c != '\0'; c++) {
        if ((unsigned char)*c >= 0x20 && *c != '"' && *c != '\\')
            continue;
        (void)buf_append(out, from, (size_t)(c - from));
        from = c + 1;
        const char *mark = strchr(marks, *c);
        if (mark != NULL)
            (void)buf_append_format(out, "\\%c", letters[mark - marks]);
        else
            (void)buf_append_format(out, "\\u%04X", (unsigned)*c);
    }
    (void)buf_append_text(out, from);
    return buf_append_char(out, '"');
}

bool json_append(struct buf *out, json_t *value)
{
    char *text = value == NULL ? NULL : json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
    json_decref(value);
    if (text == NULL)
        out->failed = true;
    else
        (void)buf_append_text(out, text);
    free(text);
    return !out->failed;
}

json_t *json_date(date_t day)
{
    char text[11];
    if (day == DATE_NONE)
        return json_null();
    date_format(day, text);
    return json_string(text);
}

json_t *json_month(month_t month)
{
    char text[8];
    month_format(month, text);
    return json_string(text);
}

json_t *json_instant(instant_t at)
{
    char text[28];
    if (at == INSTANT_NONE)
        return json_null();
    instant_format(at, text);
    return json_string(text);
}

json_t *json_hex(const void *bytes, size_t length)
{
    char *text = malloc(2 * length + 1);
    if (text == NULL)
        return NULL;
    hex_encode(bytes, length, text);
    json_t *value = json_string(text);
    free(text);
    return value;
}
