#include "domain/finding_line.h"

int finding_order(uint32_t row_a, enum rule_id rule_a, uint32_t row_b, enum rule_id rule_b)
{
    if (row_a != row_b)
        return row_a < row_b ? -1 : 1;
    return (rule_a > rule_b) - (rule_a < rule_b);
}

/* A text in JSON. Control characters do not come into findings; they are escaped all the same. */
static void append_quoted(struct buf *out, const char *text)
{
    (void)buf_append_char(out, '"');
    const char *from = text;
    for (; *text != '\0'; text++) {
        unsigned char c = (unsigned char)*text;
        if (c >= ' ' && c != '"' && c != '\\')
            continue;
        (void)buf_append(out, from, (size_t)(text - from));
        if (c < ' ')
            (void)buf_append_format(out, "\\u%04x", c);
        else
            (void)buf_append(out, (char[2]){'\\', (char)c}, 2);
        from = text + 1;
    }
    (void)buf_append(out, from, (size_t)(text - from));
    (void)buf_append_char(out, '"');
}

static void append_member(struct buf *out, const char *name, const char *text)
{
    (void)buf_append_text(out, ",\"");
    (void)buf_append_text(out, name);
    (void)buf_append_text(out, "\":");
    if (text)
        append_quoted(out, text);
    else
        (void)buf_append_text(out, "null");
}

bool finding_line_append(struct buf *out, const struct finding_line *line)
{
    const struct rule *rule = rule_get(line->rule);
    (void)buf_append_text(out, "{\"amount_at_stake_pence\":");
    if (line->pence_known)
        (void)buf_append_i64(out, line->pence);
    else
        (void)buf_append_text(out, "null");
    append_member(out, "cluster", line->cluster);
    append_member(out, "commissioner", line->commissioner);
    append_member(out, "episode_id", line->episode_id);
    append_member(out, "field", line->field);
    append_member(out, "hint", rule->hint);
    append_member(out, "note", line->note);
    (void)buf_append_text(out, ",\"row\":");
    (void)buf_append_i64(out, line->row);
    append_member(out, "rule", rule->id);
    append_member(out, "sentence", rule->sentence);
    append_member(out, "severity", severity_name(line->severity));
    append_member(out, "value", line->value);
    (void)buf_append_char(out, '}');
    return !out->failed;
}
