/* Column mappings: the first line is a mapping as JSON, the rest a file that is read by it. What is accepted finds its
 * own names, and files give the same rows in any pieces; no habit breaks on any value. */
#include "upload_target.h"

#include "domain/habits.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void try_habits(const uint8_t *data, size_t size)
{
    char out[HABIT_SIZE];
    for (int c = 0; c < COLUMN_COUNT; c++) {
        if (habit_sentence((enum column)c, (struct text){(const char *)data, size}, out) &&
            (strncmp(out, "this ", 5) != 0 || strlen(out) >= HABIT_SIZE))
            abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct column_mapping mapping;
    struct json_problem problem;
    const uint8_t *stop = size == 0 ? NULL : memchr(data, '\n', size);
    size_t first = stop == NULL ? size : (size_t)(stop - data);
    try_habits(data, first);
    json_t *object = json_read((const char *)data, first, &problem);
    bool ok = object != NULL && column_mapping_read(object, &mapping, &problem);
    json_decref(object);
    if (!ok)
        return 0;
    for (unsigned i = 0; i < mapping.count; i++) {
        const struct column_mapping_entry *e = &mapping.entry[i];
        if (column_mapping_find(&mapping, e->name, e->length) != (enum column)e->column)
            abort();
    }
    if (stop == NULL)
        return 0;
    size_t rest = size - first - 1;
    bool ndjson = rest > 0 && stop[1] == '{';
    return fuzz_upload(stop + 1, rest, ndjson ? UPLOAD_NDJSON : UPLOAD_CSV, &mapping);
}
