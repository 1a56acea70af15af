#include "domain/terms_text.h"

#include "domain/terms_clauses.h"

#include <stdio.h>
#include <string.h>

#define LINE_WIDTH 78

/* The fixed part of every version: what the engine does with the parts above, in its order. */
static const char *const order_of_calculation[] = {
    "Amounts are whole pence. Wherever a share or a factor is applied the result is rounded once, half a penny away "
    "from zero; a total is the plain sum of its lines.",
    "A month's activity is every row of the trust's file that no rule or decision makes unpayable, at the prices of "
    "section 3. It is "
    "multiplied by the factor. Volume bands, risk share, cap and collar are then reckoned on the year to date, never "
    "month by month.",
    "Block payments, agreed adjustments and withholds are added behind them, and CQUIN on the sum of all that comes "
    "before it. The position is the sum of all these lines, less what open challenges contest.",
    "What is billed is the position less what was billed before.",
};

/* Characters of UTF-8 in so many bytes. */
static size_t characters(const char *text, size_t length)
{
    size_t count = 0;
    for (size_t i = 0; i < length; i++) {
        count += ((unsigned char)text[i] & 0xC0U) != 0x80U ? 1 : 0;
    }
    return count;
}

/* Words filled into lines: the first behind lead, the others indented as deep. */
static void paragraph(struct buf *out, const char *lead, const char *text)
{
    size_t indent = strlen(lead);
    size_t column = indent;
    buf_append_text(out, lead);
    while (*text != '\0') {
        size_t length = strcspn(text, " ");
        size_t width = characters(text, length);
        if (column > indent && column + 1 + width > LINE_WIDTH) {
            buf_append_char(out, '\n');
            for (size_t i = 0; i < indent; i++) {
                buf_append_char(out, ' ');
            }
            column = indent;
        } else if (column > indent) {
            buf_append_char(out, ' ');
            column++;
        }
        buf_append(out, text, length);
        column += width;
        text += length;
        text += *text == ' ' ? 1 : 0;
    }
    buf_append_char(out, '\n');
}

static void heading(struct buf *out, const struct terms_heading *h)
{
    const struct {
        const char *name;
        const char *value;
    } lines[] = {{"Contract  ", h->title},
                 {"Reference ", h->contract},
                 {"Version   ", h->version},
                 {"State     ", h->state},
                 {"SHA-256   ", h->digest}};
    buf_append_text(out, "TERMS OF CONTRACT\n\n");
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        if (lines[i].value != NULL) {
            paragraph(out, lines[i].name, lines[i].value);
        }
    }
}

static void section(struct buf *out, int number, const char *title)
{
    buf_append_format(out, "\n%d. %s\n", number, title);
}

static void clauses_of_section(struct buf *out, const struct terms_clauses *c, enum terms_section s)
{
    bool any = false;
    for (size_t i = 0; i < c->count; i++) {
        if (c->clause[i].section == s) {
            paragraph(out, "   - ", c->clause[i].text);
            any = true;
        }
    }
    if (!any) {
        paragraph(out, "   - ", section_absent(s));
    }
}

/* A place to sign for each party; two where the terms do not name them. */
static void signatures(struct buf *out, const struct terms *t)
{
    const json_t *parties = json_object_get(t->source, "parties");
    const char *code;
    json_t *party;
    buf_append_text(out, "\nThe parties agree to these terms.\n");
    json_object_foreach((json_t *)parties, code, party)
    {
        buf_append_format(out,
                          "\nFor %s, %s\n\n   Signed ______________________________  Name ____________________"
                          "__________\n\n   Date   ______________________________\n",
                          code, json_text(party, "name"));
    }
    for (int i = 0; parties == NULL && i < 2; i++) {
        buf_append_format(out,
                          "\nFor the %s\n\n   Signed ______________________________  Name ____________________"
                          "__________\n\n   Date   ______________________________\n",
                          i == 0 ? "provider" : "commissioner");
    }
}

bool terms_text(const struct terms *t, const struct terms_heading *h, struct buf *out)
{
    struct terms_clauses c;
    bool good = terms_clauses_of(t, &c);
    if (good) {
        heading(out, h);
        for (int s = 0; s < SECTION_COUNT; s++) {
            section(out, s + 1, section_title((enum terms_section)s));
            clauses_of_section(out, &c, (enum terms_section)s);
        }
        section(out, SECTION_COUNT + 1, "How an amount comes about");
        for (size_t i = 0; i < sizeof order_of_calculation / sizeof *order_of_calculation; i++) {
            paragraph(out, "   - ", order_of_calculation[i]);
        }
        signatures(out, t);
    }
    terms_clauses_free(&c);
    return good && !out->failed;
}
