/* Small questions about text, asked in several rooms. ASCII alone; no locale. */
#ifndef RECKONER_BASE_TEXT_H
#define RECKONER_BASE_TEXT_H

#include <stdbool.h>
#include <stddef.h>

/* Both are there and equal. */
bool same_text(const char *a, const char *b);
/* Copies as much as fits, always with its NUL. */
void copy_text(char *to, size_t size, const char *from);
static inline bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}
bool is_alphanumeric(char c);
/* 0 to 15 of a hexadecimal digit in either case, -1 of any other character. */
int hex_value(char c);

#endif
