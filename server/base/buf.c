#include "base/buf.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void buf_init(struct buf *b, size_t maximum)
{
    *b = (struct buf){.maximum = maximum};
}

void buf_free(struct buf *b)
{
    if (b == NULL)
        return;
    free(b->data);
    *b = (struct buf){.maximum = b->maximum};
}

void buf_clear(struct buf *b)
{
    b->length = 0;
    b->failed = false;
    if (b->data != NULL)
        b->data[0] = '\0';
}

/* Grows so that n more bytes and the NUL behind them fit. */
static bool make_room(struct buf *b, size_t n)
{
    if (n > b->maximum || b->length > b->maximum - n || b->length + n > SIZE_MAX - 1)
        return false;
    size_t needed = b->length + n + 1;
    if (needed <= b->capacity)
        return true;
    size_t capacity = b->capacity < 64 ? 64 : b->capacity;
    while (capacity < needed)
        capacity = capacity > SIZE_MAX / 2 ? needed : capacity * 2;
    if (capacity - 1 > b->maximum)
        capacity = b->maximum + 1;
    char *data = realloc(b->data, capacity);
    if (data == NULL)
        return false;
    b->data = data;
    b->capacity = capacity;
    b->data[b->length] = '\0';
    return true;
}

char *buf_reserve(struct buf *b, size_t n)
{
    if (b->failed || !make_room(b, n)) {
        b->failed = true;
        return NULL;
    }
    return b->data + b->length;
}

bool buf_append(struct buf *b, const void *bytes, size_t length)
{
    char *to = buf_reserve(b, length);
    if (to == NULL)
        return false;
    if (length > 0)
        memcpy(to, bytes, length);
    b->length += length;
    b->data[b->length] = '\0';
    return true;
}

bool buf_append_text(struct buf *b, const char *text)
{
    return buf_append(b, text, strlen(text));
}

bool buf_append_char(struct buf *b, char c)
{
    return buf_append(b, &c, 1);
}

bool buf_append_i64(struct buf *b, long long value)
{
    return buf_append_format(b, "%lld", value);
}

bool buf_append_format(struct buf *b, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int needed = vsnprintf(NULL, 0, format, args);
    va_end(args);
    char *to = needed < 0 ? NULL : buf_reserve(b, (size_t)needed);
    if (to == NULL) {
        b->failed = true;
        return false;
    }
    va_start(args, format);
    int written = vsnprintf(to, (size_t)needed + 1, format, args);
    va_end(args);
    if (written != needed) {
        *to = '\0';
        b->failed = true;
        return false;
    }
    b->length += (size_t)needed;
    return true;
}

void buf_drop_front(struct buf *b, size_t n)
{
    if (n == 0 || b->data == NULL)
        return;
    if (n > b->length)
        n = b->length;
    memmove(b->data, b->data + n, b->length - n + 1);
    b->length -= n;
}
