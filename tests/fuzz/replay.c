/* Runs a fuzz target without a fuzzer, for `make test`: every file of the folders named, as it is and changed a number
 * of times by a seed that is always the same (a byte set, a piece removed, doubled or taken from another file).
 *
 *   replay-NAME CHANGES FOLDER...
 *
 * Built with the sanitizers of the test build; tests/fuzz/test_smoke.py demands that the canary's fault is found. */
#include "base/parse.h"

#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LONGEST 65536
#define FILES   2000

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct input {
    uint8_t *bytes;
    size_t length;
};

static struct input inputs[FILES];
static size_t input_count;
static uint64_t state = 88172645463325252u;

static size_t draw(size_t below)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return below == 0 ? 0 : (size_t)(state % below);
}

static void load_file(const char *folder, const char *name)
{
    char path[1000];
    int n = snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *f = n > 0 && (size_t)n < sizeof path && input_count < FILES ? fopen(path, "rb") : NULL;
    if (f == NULL)
        abort();
    struct input *in = &inputs[input_count++];
    in->bytes = malloc(LONGEST);
    if (in->bytes == NULL)
        abort();
    in->length = fread(in->bytes, 1, LONGEST, f);
    (void)fclose(f);
}

static int by_bytes(const void *a, const void *b)
{
    const struct input *x = a, *y = b;
    size_t shorter = x->length < y->length ? x->length : y->length;
    int order = memcmp(x->bytes, y->bytes, shorter);
    return order != 0 ? order : (x->length > y->length) - (x->length < y->length);
}

static void load_folder(const char *folder)
{
    DIR *d = opendir(folder);
    if (d == NULL) {
        fprintf(stderr, "%s: no such folder\n", folder);
        exit(2);
    }
    for (struct dirent *e; (e = readdir(d)) != NULL;) {
        if (e->d_name[0] != '.')
            load_file(folder, e->d_name);
    }
    (void)closedir(d);
}

/* Exactly as many bytes as are used, so that a sanitizer sees the first one behind them. */
static void run(const uint8_t *bytes, size_t length)
{
    uint8_t *exact = malloc(length > 0 ? length : 1);
    if (exact == NULL)
        abort();
    memcpy(exact, bytes, length);
    (void)LLVMFuzzerTestOneInput(exact, length);
    free(exact);
}

static size_t change(uint8_t *bytes, size_t length)
{
    size_t at = draw(length), n = 1 + draw(length - at < 40 ? length - at : 40);
    const struct input *other = &inputs[draw(input_count)];
    switch (draw(4)) {
    case 0:
        bytes[at] = (uint8_t)draw(256);
        return length;
    case 1:
        n = n < length - at ? n : length - at;
        memmove(bytes + at, bytes + at + n, length - at - n);
        return length - n;
    case 2:
        n = n < length - at ? n : length - at;
        if (length + n > LONGEST)
            return length;
        memmove(bytes + at + n, bytes + at, length - at);
        return length + n;
    default:
        n = n < other->length ? n : other->length;
        n = n < length - at ? n : length - at;
        memcpy(bytes + at, other->bytes + draw(other->length - n + 1), n);
        return length;
    }
}

int main(int argc, char **argv)
{
    static uint8_t changed[LONGEST];
    int64_t changes = 0;
    if (argc < 3 || !parse_i64_within(argv[1], strlen(argv[1]), 0, INT32_MAX, &changes))
        return 2;
    for (int i = 2; i < argc; i++)
        load_folder(argv[i]);
    if (input_count == 0) {
        fprintf(stderr, "nothing to replay\n");
        return 2;
    }
    qsort(inputs, input_count, sizeof inputs[0], by_bytes);
    for (size_t i = 0; i < input_count; i++)
        run(inputs[i].bytes, inputs[i].length);
    for (int64_t i = 0; i < changes; i++) {
        const struct input *in = &inputs[(size_t)i % input_count];
        size_t length = in->length;
        memcpy(changed, in->bytes, length);
        for (size_t times = 1 + draw(4); times > 0 && length > 0; times--)
            length = change(changed, length);
        run(changed, length);
    }
    printf("%zu files, %lld changes\n", input_count, (long long)changes);
    for (size_t i = 0; i < input_count; i++)
        free(inputs[i].bytes);
    return 0;
}
