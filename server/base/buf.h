/* A byte buffer born with a maximum. Always NUL-terminated behind length. */
#ifndef RECKONER_BASE_BUF_H
#define RECKONER_BASE_BUF_H

#include <stdbool.h>
#include <stddef.h>

struct buf {
    char *data;      /* owned; NULL until the first byte */
    size_t length;   /* bytes in use */
    size_t capacity; /* bytes allocated */
    size_t maximum;  /* length never exceeds it */
    bool failed;     /* an append did not fit or memory ran out; sticky, so a chain may be checked once */
};

void buf_init(struct buf *b, size_t maximum);
/* Frees the data; the buffer is empty and usable again. NULL is allowed. */
void buf_free(struct buf *b);
void buf_clear(struct buf *b);
/* The appends return false, set failed and leave the contents alone when the result would exceed the maximum. */
bool buf_append(struct buf *b, const void *bytes, size_t length);
bool buf_append_text(struct buf *b, const char *text);
bool buf_append_char(struct buf *b, char c);
bool buf_append_i64(struct buf *b, long long value);
bool buf_append_format(struct buf *b, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Makes room for n more bytes and returns where they go (then raise length), or NULL. */
char *buf_reserve(struct buf *b, size_t n);
/* Removes the first n bytes. */
void buf_drop_front(struct buf *b, size_t n);

#endif
