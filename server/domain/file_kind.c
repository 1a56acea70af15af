#include "domain/file_kind.h"

#include <string.h>

struct kind {
    const char *head;
    size_t length;
    const char *sentence;
};

#define COMPRESSED "The file is compressed in another way than gzip: send it as it is, or compressed by gzip"

static const struct kind kinds[] = {
    {"PK\x03\x04", 4,
     "The file is an Excel workbook (xlsx) or a zip archive: save the sheet as CSV UTF-8 and send that"},
    {"PK\x05\x06", 4, "The file is an empty zip archive: save the sheet as CSV UTF-8 and send that"},
    {"\xD0\xCF\x11\xE0", 4, "The file is an old Excel workbook (xls): save the sheet as CSV UTF-8 and send that"},
    {"\x1F\x8B", 2, "The file is compressed by gzip: send it compressed once, with the header Content-Encoding: gzip"},
    {"BZh", 3, COMPRESSED},
    {"7z\xBC\xAF", 4, COMPRESSED},
    {"Rar!", 4, COMPRESSED},
    {"\xFD\x37\x7A\x58", 4, COMPRESSED},
    {"\x28\xB5\x2F\xFD", 4, COMPRESSED},
    {"\0\0\xFE\xFF", 4, "The file is UTF-32: save it as CSV UTF-8"},
    {"\xFF\xFE", 2, "The file is UTF-16 (\"Unicode text\"): save it as CSV UTF-8"},
    {"\xFE\xFF", 2, "The file is UTF-16 (\"Unicode text\"): save it as CSV UTF-8"},
    {"%PDF", 4, "The file is a PDF document: send CSV or NDJSON"},
};

const char *file_kind_problem(const unsigned char *head, size_t length, enum upload_format format)
{
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        if (length >= kinds[i].length && memcmp(head, kinds[i].head, kinds[i].length) == 0)
            return kinds[i].sentence;
    }
    /* Letters with zero bytes between them. */
    if (length >= 2 && (head[0] == 0) != (head[1] == 0))
        return "The file is UTF-16 without a byte order mark: save it as CSV UTF-8";
    if (length >= 4 && memcmp(head, "\0\0\0\0", 4) == 0)
        return "The file begins with zero bytes: it was damaged; save it again";
    while (format == UPLOAD_CSV && length > 0 && (*head == '\n' || *head == '\r' || *head == ' ')) {
        head++;
        length--;
    }
    if (format == UPLOAD_CSV && length >= 1 && head[0] == '<')
        return "The file is a page or a table in HTML or XML: save it as CSV UTF-8";
    if (format == UPLOAD_CSV && length >= 2 && (head[0] == '{' || head[0] == '[') && strchr("{[\"\r\n ", head[1]))
        return "The file is JSON but was sent as CSV: send NDJSON, one object a line, with the type "
               "application/x-ndjson";
    return NULL;
}
