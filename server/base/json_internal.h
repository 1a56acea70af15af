/* What the json*.c files share. Nothing outside them includes this. */
#ifndef RECKONER_BASE_JSON_INTERNAL_H
#define RECKONER_BASE_JSON_INTERNAL_H

#include <stdint.h>

#define JSON_DEPTH           32
#define JSON_LARGEST_INTEGER INT64_C(9007199254740991) /* 2^53 - 1: every JSON reader keeps it exactly (RFC 8785) */

/* Of the characters that no text here may hold; DEL is one of them. */
static inline int json_is_control(unsigned char c)
{
    return c < 0x20 || c == 0x7f;
}

#endif
