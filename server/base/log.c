#include "base/log.h"

#include "base/clock.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define LINE_MAXIMUM 8192
#define TAIL_ROOM    16 /* for ,"cut":true}\n */

static enum log_level minimum = LOG_LEVEL_INFO;
static const char *program = "reckoner";
static bool (*filter)(const char *text);
static atomic_llong withheld;

struct line {
    char text[LINE_MAXIMUM];
    size_t length;
    bool full; /* something did not fit */
};

void log_set_level(enum log_level level)
{
    minimum = level;
}

void log_set_program(const char *name)
{
    program = name;
}

void log_set_filter(bool (*withhold)(const char *text))
{
    filter = withhold;
}

int64_t log_withheld(void)
{
    return atomic_load(&withheld);
}

static void put(struct line *l, const char *bytes, size_t n)
{
    if (l->full || n > LINE_MAXIMUM - TAIL_ROOM - l->length) {
        l->full = true;
        return;
    }
    memcpy(l->text + l->length, bytes, n);
    l->length += n;
}

/* Length of the well-formed UTF-8 sequence at s, or 0. */
static size_t utf8_length(const unsigned char *s)
{
    size_t n = s[0] < 0x80 ? 1 : s[0] >= 0xf0 ? 4 : s[0] >= 0xe0 ? 3 : 2;
    if ((s[0] >= 0x80 && s[0] < 0xc2) || s[0] > 0xf4)
        return 0;
    for (size_t i = 1; i < n; i++) {
        if ((s[i] & 0xc0) != 0x80)
            return 0;
    }
    if ((s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xed && s[1] > 0x9f) || (s[0] == 0xf0 && s[1] < 0x90) ||
        (s[0] == 0xf4 && s[1] > 0x8f))
        return 0;
    return n;
}

static void put_quoted(struct line *l, const char *text)
{
    const unsigned char *s = (const unsigned char *)text;
    put(l, "\"", 1);
    while (*s != '\0') {
        size_t n = utf8_length(s);
        if (n == 0) {
            put(l, "\\ufffd", 6);
            s++;
        } else if (*s == '"' || *s == '\\') {
            char escaped[2] = {'\\', (char)*s++};
            put(l, escaped, 2);
        } else if (*s < 0x20 || *s == 0x7f) {
            char escaped[8];
            int written = snprintf(escaped, sizeof escaped, "\\u%04x", *s++);
            put(l, escaped, (size_t)written);
        } else {
            put(l, (const char *)s, n);
            s += n;
        }
    }
    put(l, "\"", 1);
}

static void put_text_field(struct line *l, const char *name, const char *text)
{
    put(l, l->length == 0 ? "{" : ",", 1);
    put_quoted(l, name);
    put(l, ":", 1);
    put_quoted(l, text);
}

/* A field goes in whole or not at all. */
static void put_field(struct line *l, const struct log_field *field)
{
    size_t before = l->length;
    if (field->text != NULL && filter != NULL && filter(field->text)) {
        atomic_fetch_add(&withheld, 1);
        put_text_field(l, field->name, "(withheld)");
    } else if (field->text != NULL) {
        put_text_field(l, field->name, field->text);
    } else {
        char number[24];
        int n = snprintf(number, sizeof number, "%lld", (long long)field->number);
        put(l, ",", 1);
        put_quoted(l, field->name);
        put(l, ":", 1);
        put(l, number, (size_t)n);
    }
    if (l->full)
        l->length = before;
}

void log_event(enum log_level level, const char *event, const struct log_field *fields, unsigned count)
{
    static const char *const levels[] = {"debug", "info", "warn", "error"};
    if (level < minimum)
        return;
    struct line l = {.length = 0};
    char at[28];
    instant_format(clock_wall(), at);
    put_text_field(&l, "at", at);
    put_text_field(&l, "level", levels[level]);
    put_text_field(&l, "program", program);
    put_text_field(&l, "event", event);
    for (unsigned i = 0; i < count && !l.full; i++)
        put_field(&l, &fields[i]);
    const char *tail = l.full ? ",\"cut\":true}\n" : "}\n";
    size_t tail_length = strlen(tail);
    memcpy(l.text + l.length, tail, tail_length);
    l.length += tail_length;
    /* A log that cannot be written has nowhere to complain. */
    ssize_t written = write(STDERR_FILENO, l.text, l.length);
    (void)written;
}
