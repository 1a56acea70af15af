/* The reader of check files: a file from a stranger's hand is refused with a sentence or read whole. Each input is
 * tried as it is, and with its rule set and digests made right, so that what lies behind them is reached. */
#include "lib/check_file.c" /* a target is built of one file and the library of the product */

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void try_text(const char *text, size_t length)
{
    struct check_file f;
    char problem[400] = "";
    bool read = check_file_read(&f, text, length, problem, sizeof problem);
    if (read != (problem[0] == '\0'))
        abort();
    for (size_t i = 1; read && i < f.commissioner_count; i++) {
        if (f.commissioners[i - 1].code > f.commissioners[i].code)
            abort();
    }
    json_t *terms = read ? check_file_terms(f.accounts, f.account_count) : NULL;
    if (read && !terms)
        abort();
    json_decref(terms);
    check_file_free(&f);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct json_problem problem;
    try_text((const char *)data, size);
    json_t *root = json_read((const char *)data, size, &problem);
    if (!root)
        return 0;
    check_file_fit(root);
    size_t length = 0;
    char *text = json_canonical(root, &length);
    if (text)
        try_text(text, length);
    free(text);
    json_decref(root);
    return 0;
}
