/* The verifier of bundles, which come from strangers: members of any content, in an archive whose form is right, so
 * that what is behind the form is reached. Input: for each member one byte for its name and three for its length, then
 * its bytes; what is left over when the first byte is 255 is an archive as it stands. */
#include "base/ustar.h"
#include "proof/bundle_checking.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *const names[] = {"README.txt",
                                    "statement.json",
                                    "statement.json.sig",
                                    "statement.json.minisig",
                                    "previous.json",
                                    "billed.json",
                                    "billed.json.sig",
                                    "keys/0807060504030201.pem",
                                    "keys/0807060504030201.pub",
                                    "checkpoint",
                                    "log.json",
                                    "terms/1.json",
                                    "terms/2.json",
                                    "terms/3.json",
                                    "receipts/2012-04.json",
                                    "receipts/2012-04.json.sig",
                                    "receipts/2012-05.json",
                                    "receipts/2012-05.json.sig",
                                    "inputs.json",
                                    "rows/2012-04.csv",
                                    "rows/2012-05.csv",
                                    "moved.csv",
                                    "document.json"};
#define NAMES (sizeof names / sizeof names[0])

/* Appends; the archive has room for every input. */
static size_t add(char *archive, size_t at, const char *name, const uint8_t *bytes, size_t length)
{
    if (!ustar_header(name, length, archive + at))
        abort();
    at += USTAR_BLOCK;
    memcpy(archive + at, bytes, length);
    at += length;
    memset(archive + at, 0, ustar_padding(length));
    return at + ustar_padding(length);
}

static void judge(const char *bytes, size_t length)
{
    struct checking *x = calloc(1, sizeof *x);
    if (x == NULL || sodium_init() < 0)
        abort();
    bundle_check_all(x, bytes, length);
    const char *stage = NULL;
    const struct verdict *first = bundle_first_difference(x, &stage);
    if (first != NULL && (first->detail[0] == '\0' || stage == NULL))
        abort();
    checking_free(x);
    free(x);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size > 0 && data[0] == 255) {
        judge((const char *)data + 1, size - 1);
        return 0;
    }
    char *archive = malloc((size / 4 + 1) * 2 * USTAR_BLOCK + size + USTAR_END_BYTES);
    size_t at = 0;
    if (archive == NULL)
        abort();
    while (size >= 4) {
        size_t length = (size_t)data[1] << 16 | (size_t)data[2] << 8 | data[3];
        length = length < size - 4 ? length : size - 4;
        at = add(archive, at, names[data[0] % NAMES], data + 4, length);
        data += 4 + length;
        size -= 4 + length;
    }
    memset(archive + at, 0, USTAR_END_BYTES);
    judge(archive, at + USTAR_END_BYTES);
    free(archive);
    return 0;
}
