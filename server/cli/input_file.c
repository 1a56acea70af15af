#include "cli/input_file.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static bool read_all(FILE *f, struct buf *out)
{
    char piece[16384];
    size_t got = 0;
    bool fits = true;
    while (fits && (got = fread(piece, 1, sizeof piece, f)) > 0)
        fits = buf_append(out, piece, got);
    return fits && buf_append(out, "", 0);
}

bool input_file_read(const struct cli *cli, const char *path, struct buf *out)
{
    bool standard = strcmp(path, "-") == 0;
    buf_init(out, INPUT_FILE_MAXIMUM);
    FILE *f = standard ? stdin : fopen(path, "rbe");
    if (f == NULL) {
        (void)cli_fail(cli, "%s: %s", path, strerror(errno));
        return false;
    }
    bool fits = read_all(f, out);
    bool failed = ferror(f) != 0;
    if (!standard && fclose(f) != 0)
        failed = true;
    if (failed)
        (void)cli_fail(cli, "%s cannot be read", path);
    else if (!fits)
        (void)cli_fail(cli, "%s is larger than %d MiB, which no statement is", path, INPUT_FILE_MAXIMUM / 1024 / 1024);
    else if (out->length == 0)
        (void)cli_fail(cli, "%s is empty", path);
    if (!failed && fits && out->length > 0)
        return true;
    buf_free(out);
    return false;
}
