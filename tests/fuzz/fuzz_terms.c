/* Terms: whatever the parser refuses is a defect of the linter, too; what it takes is canonical, prints, and its worked
 * examples can be computed. */
#include "domain/terms_example.h"
#include "domain/terms_lint.h"
#include "domain/terms_text.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds)
{
    if (!holds)
        abort();
}

/* Canonical bytes are terms of the same canonical bytes. */
static void try_canonical(const struct terms *t)
{
    struct json_problem problem;
    size_t lengths[2];
    char *first = terms_canonical(t, &lengths[0]);
    must(first != NULL);
    json_t *json = json_read(first, lengths[0], &problem);
    must(json != NULL);
    struct terms *again = terms_parse(json, &problem);
    must(again != NULL);
    char *second = terms_canonical(again, &lengths[1]);
    must(second != NULL && lengths[0] == lengths[1] && memcmp(first, second, lengths[0]) == 0);
    terms_free(again);
    json_decref(json);
    free(first);
    free(second);
}

static void try_terms(const struct terms *t)
{
    const struct terms_heading heading = {0};
    struct buf text;
    int32_t failing;
    try_canonical(t);
    buf_init(&text, 16 << 20);
    must(terms_text(t, &heading, &text));
    buf_free(&text);
    json_t *examples = examples_json(t, &failing);
    must(examples != NULL);
    json_decref(examples);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct json_problem problem;
    json_t *lint = terms_lint_text((const char *)data, size);
    json_t *json = json_read((const char *)data, size, &problem);
    must(lint != NULL && (json != NULL || terms_lint_first_defect(lint) != NULL));
    struct terms *t = json == NULL ? NULL : terms_parse(json, &problem);
    must(t != NULL || terms_lint_first_defect(lint) != NULL);
    if (t != NULL)
        try_terms(t);
    terms_free(t);
    json_decref(json);
    json_decref(lint);
    return 0;
}
