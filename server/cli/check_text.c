#include "cli/check_text.h"

#include "base/text.h"

#include <stdio.h>
#include <string.h>

void check_examples_add(struct check_examples *e, const struct finding_line *line)
{
    unsigned n = e->count[line->rule][line->severity];
    if (n >= CHECK_EXAMPLES)
        return;
    struct check_example *x = &e->shown[line->rule][line->severity][n];
    e->count[line->rule][line->severity] = n + 1;
    x->row = line->row;
    copy_text(x->episode_id, sizeof x->episode_id, line->episode_id);
    copy_text(x->field, sizeof x->field, line->field);
    copy_text(x->value, sizeof x->value, line->value ? line->value : "");
    copy_text(x->note, sizeof x->note, line->note);
}

/* 1234567 as 1,234,567; out holds 32 bytes. */
static const char *grouped(int64_t value, char out[32])
{
    char digits[24];
    uint64_t magnitude = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
    int n = snprintf(digits, sizeof digits, "%llu", (unsigned long long)magnitude);
    size_t at = 0;
    if (value < 0)
        out[at++] = '-';
    for (int i = 0; i < n; i++) {
        if (i > 0 && (n - i) % 3 == 0)
            out[at++] = ',';
        out[at++] = digits[i];
    }
    out[at] = '\0';
    return out;
}

/* Pence as pounds, "unknown" where no row has a price; out holds 48 bytes. */
static const char *pounds(const struct report_sum *sum, char out[48])
{
    char whole[32];
    if (sum->known_rows == 0 && sum->unknown_rows > 0) {
        copy_text(out, 48, "unknown");
        return out;
    }
    uint64_t magnitude = sum->pence < 0 ? 0 - (uint64_t)sum->pence : (uint64_t)sum->pence;
    (void)snprintf(out, 48, "%s£%s.%02llu", sum->pence < 0 ? "-" : "", grouped((int64_t)(magnitude / 100), whole),
                   (unsigned long long)(magnitude % 100));
    return out;
}

/* Columns are counted in characters; £ has two bytes. */
static void append_right(struct buf *out, const char *text, size_t width)
{
    size_t characters = 0;
    for (const char *p = text; *p; p++)
        characters += ((unsigned char)*p & 0xC0) != 0x80;
    for (; characters < width; characters++)
        (void)buf_append_char(out, ' ');
    (void)buf_append_text(out, text);
}

static const char *plural(int64_t n, const char *one, const char *many)
{
    return n == 1 ? one : many;
}

static void append_valued(struct buf *out, const struct report_sum *errors, const struct report_sum *queries)
{
    char rows[32];
    char money[48];
    (void)buf_append_format(out, "%s %s would not be paid", grouped(errors->rows, rows),
                            plural(errors->rows, "row", "rows"));
    if (errors->rows > 0)
        (void)buf_append_format(out, " (at stake: %s)", pounds(errors, money));
    (void)buf_append_format(out, "; %s %s would be paid and listed for the commissioner", grouped(queries->rows, rows),
                            plural(queries->rows, "row", "rows"));
    if (queries->rows > 0)
        (void)buf_append_format(out, " (at stake: %s)", pounds(queries, money));
}

bool check_text_headline(struct buf *out, const struct check_text *t)
{
    char rows[32];
    char more[32];
    const struct report_sum *errors = check_report_severity(t->report, SEVERITY_ERROR);
    const struct report_sum *queries = check_report_severity(t->report, SEVERITY_QUERY);
    (void)buf_append_format(out, "%s: %s %s of %s for %s. %s\n", t->file, grouped(t->outcome->rows, rows),
                            plural(t->outcome->rows, "row", "rows"), t->provider, t->month,
                            check_report_meaning(t->outcome));
    if (t->outcome->refused)
        (void)buf_append_format(out,
                                "Of the rows that could be read, %s would fail with an ERROR and %s with a QUERY; "
                                "a refused file is not valued",
                                grouped(errors->rows, rows), grouped(queries->rows, more));
    else
        append_valued(out, errors, queries);
    return buf_append_text(out, ".\n");
}

static void append_examples(struct buf *out, const struct check_text *t, enum rule_id rule, enum severity severity,
                            int64_t findings)
{
    unsigned shown = t->examples->count[rule][severity];
    for (unsigned i = 0; i < shown; i++) {
        const struct check_example *x = &t->examples->shown[rule][severity][i];
        (void)buf_append_text(out, "             ");
        if (x->row > 0)
            (void)buf_append_format(out, "row %u  %s  ", x->row, x->episode_id);
        (void)buf_append_text(out, x->field);
        if (x->value[0] != '\0')
            (void)buf_append_format(out, " %s", x->value);
        (void)buf_append_format(out, "%s%s\n", x->note[0] != '\0' ? "  " : "", x->note);
    }
    char more[32];
    if (findings > shown)
        (void)buf_append_format(out, "             ... and %s more\n", grouped(findings - shown, more));
}

/* One rule: under terms of several commissioners it may have two severities, and then two lines. */
static void append_rule(struct buf *out, const struct check_text *t, enum severity severity, enum rule_id id)
{
    const struct report_sum *sum = check_report_rule(t->report, id, severity);
    const struct rule *rule = rule_get(id);
    char rows[32];
    char money[48];
    if (sum->findings == 0)
        return;
    (void)buf_append_format(out, "%-5s  %s  ", severity_name(severity), rule->id);
    append_right(out, sum->rows > 0 ? grouped(sum->rows, rows) : "-", 9);
    append_right(out, sum->rows > 0 ? pounds(sum, money) : "-", 17);
    (void)buf_append_format(out, "  %s\n             To mend it: %s\n", rule->sentence, rule->hint);
    append_examples(out, t, id, severity, sum->findings);
}

static void append_not_checked(struct buf *out, const struct check_text *t)
{
    bool any = false;
    for (int i = 0; i < RULE_COUNT; i++) {
        bool in_part = false;
        const char *reason = check_report_reason(t->outcome, (enum rule_id)i, t->at_hand, &in_part);
        if (!reason)
            continue;
        if (!any)
            (void)buf_append_text(out, "\nNot checked here:\n");
        any = true;
        (void)buf_append_format(out, "  %s  %s%s. %s.\n", rule_get((enum rule_id)i)->id, in_part ? "(in part) " : "",
                                rule_get((enum rule_id)i)->sentence, reason);
    }
}

bool check_text_append(struct buf *out, const struct check_text *t)
{
    char rows[32];
    char money[48];
    const struct report_sum *total = check_report_total(t->report);
    (void)check_text_headline(out, t);
    (void)buf_append_format(out, "Checked against the check file of %s, rule set %s.\n", t->exported, RULE_SET_VERSION);
    if (total->findings > 0)
        (void)buf_append_text(out, "\n       rule      rows         at stake  what is wrong\n");
    for (int s = SEVERITY_FILE; s <= SEVERITY_WARN; s++) {
        for (int i = 0; i < RULE_COUNT; i++)
            append_rule(out, t, (enum severity)s, (enum rule_id)i);
    }
    if (total->findings > 0) {
        (void)buf_append_text(out, "all          ");
        append_right(out, grouped(total->rows, rows), 9);
        append_right(out, total->rows > 0 ? pounds(total, money) : "-", 17);
        (void)buf_append_text(out, "  A row counts once, however many findings it has.\n");
    }
    if (total->unknown_rows > 0 && !t->outcome->refused)
        (void)buf_append_format(out, "%s %s no price: the amount at stake is unknown, not nothing.\n",
                                grouped(total->unknown_rows, rows),
                                plural(total->unknown_rows, "row with a finding has", "rows with a finding have"));
    append_not_checked(out, t);
    return !out->failed;
}

bool check_csv_header(struct buf *out)
{
    return buf_append_text(out, "row,rule,severity,amount_at_stake_pence,episode_id,commissioner,cluster,field,value,"
                                "sentence,hint,note\r\n");
}

static void append_field(struct buf *out, const char *text, bool last)
{
    bool formula = text[0] != '\0' && strchr("=+-@", text[0]) != NULL;
    bool quote = formula || strpbrk(text, ",\"\r\n") != NULL;
    if (quote)
        (void)buf_append_char(out, '"');
    if (formula)
        (void)buf_append_char(out, '\'');
    for (const char *p = text; *p; p++) {
        if (*p == '"')
            (void)buf_append_char(out, '"');
        (void)buf_append_char(out, *p);
    }
    if (quote)
        (void)buf_append_char(out, '"');
    (void)buf_append_text(out, last ? "\r\n" : ",");
}

bool check_csv_append(struct buf *out, const struct finding_line *line)
{
    const struct rule *rule = rule_get(line->rule);
    (void)buf_append_format(out, "%u,%s,%s,", line->row, rule->id, severity_name(line->severity));
    if (line->pence_known)
        (void)buf_append_i64(out, line->pence);
    (void)buf_append_char(out, ',');
    const char *const texts[] = {
        line->episode_id, line->commissioner, line->cluster, line->field, line->value ? line->value : "",
        rule->sentence,   rule->hint,         line->note};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        append_field(out, texts[i], i + 1 == sizeof texts / sizeof texts[0]);
    return !out->failed;
}
