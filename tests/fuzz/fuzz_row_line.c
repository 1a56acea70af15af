/* The reader of row lines, which come in bundles from strangers: a line that it takes is written again as it was. */
#include "domain/row_line.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const uint8_t nobody[16] = {0};
    struct row_line line;
    char again[ROW_LINE_SIZE];
    size_t facts = 0;
    const char *problem = NULL;
    if (!row_line_read((const char *)data, size, &line, &facts, &problem)) {
        if (problem == NULL)
            abort();
        return 0;
    }
    if (row_line_write(&line, again) != size || memcmp(again, data, size) != 0 || facts >= size ||
        again[facts] != ',' || line.row.row_no < 1 || memcmp(line.row.patient, nobody, sizeof nobody) == 0)
        abort();
    again[facts] = '\0';
    char part[ROW_LINE_SIZE];
    if (row_facts_write(&line.row, line.tag, part) != facts || strcmp(part, again) != 0)
        abort();
    return 0;
}
