/* ustar archives in one form alone, so that the same members give the same bytes: regular files, mode 0644, nothing of
 * owner or time, two blocks of NUL at the end and nothing behind. Any tar reads them. Bytes in memory; pure. */
#ifndef RECKONER_BASE_USTAR_H
#define RECKONER_BASE_USTAR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define USTAR_BLOCK     512
#define USTAR_END_BYTES (2 * USTAR_BLOCK)
#define USTAR_NAME_SIZE 100                       /* with its NUL */
#define USTAR_SIZE_MAX  ((UINT64_C(1) << 33) - 1) /* bytes of a member: eleven octal digits */

/* The header of a member. false: the name is empty, too long or holds more than visible ASCII; or it is too big. */
bool ustar_header(const char *name, uint64_t size, char out[USTAR_BLOCK]);
/* How many NUL follow a content of that size. */
size_t ustar_padding(uint64_t size);

struct ustar_member {
    char name[USTAR_NAME_SIZE];
    const char *data; /* in the archive */
    size_t size;
};

struct ustar_reader {
    const char *bytes;
    size_t length;
    size_t at; /* 0 before the first member */
};

enum ustar_next { USTAR_MEMBER, USTAR_END, USTAR_WRONG };
/* The next member. USTAR_WRONG: it is not of this form; *problem says why (static). */
enum ustar_next ustar_next(struct ustar_reader *r, struct ustar_member *out, const char **problem);

#endif
