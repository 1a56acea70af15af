#include "domain/billing.h"

#include "domain/money.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const kind_names[] = {"invoice", "credit_note", "nil_statement"};

const char *bill_kind_name(enum bill_kind k)
{
    return kind_names[k];
}

void bill_free(struct bill *b)
{
    for (size_t i = 0; i < b->count; i++) {
        free(b->line[i].key);
        free(b->line[i].stage);
        free(b->line[i].basis);
        free(b->line[i].label);
    }
    free(b->line);
    *b = (struct bill){0};
}

/* Two documents side by side: billable lines by key. Keys of the index are borrowed from the documents. */
struct comparison {
    json_t *before; /* key -> line of the document billed last */
    json_t *now;    /* key -> line of the new one */
};

static bool billable(const json_t *line)
{
    return json_bool(line, "billable", false);
}

/* Indexes the billable lines of a document, and checks that they sum to what it says is billable. */
static enum bill_status index_lines(const json_t *document, json_t *index, int64_t *sum)
{
    const json_t *lines = json_object_get(document, "lines");
    size_t i;
    json_t *line;
    *sum = 0;
    if (!json_is_array(lines) || !json_is_integer(json_object_get(document, "billable_pence"))) {
        return BILL_BAD_DOCUMENT;
    }
    json_array_foreach(lines, i, line)
    {
        const char *key = json_text(line, "key");
        if (!billable(line)) {
            continue;
        }
        if (key == NULL || json_text(line, "stage") == NULL || json_text(line, "label") == NULL ||
            !json_is_integer(json_object_get(line, "pence")) || json_object_get(index, key) != NULL) {
            return BILL_BAD_DOCUMENT;
        }
        if (json_object_set(index, key, line) != 0) {
            return BILL_NO_MEMORY;
        }
        if (!money_add(*sum, json_int(line, "pence", 0), sum)) {
            return BILL_OVERFLOW;
        }
    }
    return *sum == json_int(document, "billable_pence", 0) ? BILL_DONE : BILL_BAD_DOCUMENT;
}

static bool same_line(const json_t *a, const json_t *b)
{
    return json_int(a, "pence", 0) == json_int(b, "pence", 0) && json_int(a, "units", 0) == json_int(b, "units", 0);
}

static char *copy(const char *text)
{
    return text == NULL ? NULL : strdup(text);
}

/* Appends the difference of one line: now less before, either of which may be missing. Lines that stay as they were
 * make none. */
static enum bill_status add_difference(struct bill *bill, const json_t *now, const json_t *before)
{
    const json_t *about = now != NULL ? now : before;
    struct bill_line *line = &bill->line[bill->count];
    const char *month = json_text(about, "month");
    const char *cluster = json_text(about, "cluster");
    const char *basis = json_text(about, "basis");
    if (now != NULL && before != NULL && same_line(now, before)) {
        return BILL_DONE;
    }
    *line = (struct bill_line){.key = copy(json_text(about, "key")),
                               .stage = copy(json_text(about, "stage")),
                               .month = -1,
                               .basis = copy(basis),
                               .price_pence = json_int(about, "price_pence", -1),
                               .label = copy(json_text(about, "label"))};
    bill->count++;
    if (line->key == NULL || line->stage == NULL || line->label == NULL || (basis != NULL && line->basis == NULL)) {
        return BILL_NO_MEMORY;
    }
    if (month != NULL) {
        if (!month_parse(month, strlen(month), &line->month)) {
            return BILL_BAD_DOCUMENT;
        }
        bill->months_changed |= UINT32_C(1) << (month_number(line->month) - 1);
    }
    if (cluster != NULL && strlen(cluster) == 2) {
        memcpy(line->cluster, cluster, 3);
    }
    if (!money_subtract(json_int(now, "pence", 0), json_int(before, "pence", 0), &line->pence) ||
        !money_subtract(json_int(now, "units", 0), json_int(before, "units", 0), &line->units) ||
        !money_add(bill->balance, line->pence, &bill->balance)) {
        return BILL_OVERFLOW;
    }
    return BILL_DONE;
}

/* The lines of the new document in its order, then those that only the old one had, in its order. */
static enum bill_status compare(const json_t *now, const json_t *before, const struct comparison *c, struct bill *bill)
{
    size_t i;
    json_t *line;
    enum bill_status status = BILL_DONE;
    json_array_foreach(json_object_get(now, "lines"), i, line)
    {
        if (status == BILL_DONE && billable(line)) {
            status = add_difference(bill, line, json_object_get(c->before, json_text(line, "key")));
        }
    }
    json_array_foreach(json_object_get(before, "lines"), i, line)
    {
        if (status == BILL_DONE && billable(line) && json_object_get(c->now, json_text(line, "key")) == NULL) {
            status = add_difference(bill, NULL, line);
        }
    }
    return status;
}

/* Appends the difference of one set-off, when there is one. */
static enum bill_status add_set_off(struct bill *bill, const char *key, const char *label, int64_t now, int64_t before)
{
    struct bill_line *line = &bill->line[bill->count];
    if (now == before)
        return BILL_DONE;
    *line = (struct bill_line){
        .key = strdup(key), .stage = strdup(key), .month = -1, .price_pence = -1, .label = strdup(label)};
    bill->count++;
    if (line->key == NULL || line->stage == NULL || line->label == NULL)
        return BILL_NO_MEMORY;
    if (!money_subtract(before, now, &line->pence) || !money_add(bill->balance, line->pence, &bill->balance))
        return BILL_OVERFLOW;
    return BILL_DONE;
}

static enum bill_status add_set_offs(const json_t *now, const struct bill_set_off *off, const struct bill_set_off *was,
                                     struct bill *bill)
{
    char label[120];
    const char *month = json_text(now, "month");
    enum bill_status status =
        add_set_off(bill, "opening_entries", "Documents issued elsewhere before", off->opening, was->opening);
    snprintf(label, sizeof label, "Instalments on account to %s", month == NULL ? "date" : month);
    return status == BILL_DONE ? add_set_off(bill, "on_account", label, off->on_account, was->on_account) : status;
}

/* A billable sum less what is set off against it. */
static bool net(int64_t billable, const struct bill_set_off *off, int64_t *out)
{
    return money_subtract(billable, off->opening, out) && money_subtract(*out, off->on_account, out);
}

static enum bill_status fill_bill(const json_t *now, const struct bill_set_off *off, const struct bill_before *before,
                                  const struct comparison *c, struct bill *bill)
{
    int64_t owed;
    int64_t billed = 0;
    int64_t balance;
    enum bill_status status = index_lines(now, c->now, &owed);
    if (status == BILL_DONE && before->position != NULL)
        status = index_lines(before->position, c->before, &billed);
    if (status != BILL_DONE)
        return status;
    if (!net(owed, off, &owed) || !net(billed, &before->set_off, &billed) ||
        !money_subtract(owed, before->documents, &balance))
        return BILL_OVERFLOW;
    if (billed != before->documents)
        return BILL_MISMATCH;
    bill->line = calloc(json_object_size(c->now) + json_object_size(c->before) + 3, sizeof *bill->line);
    if (bill->line == NULL)
        return BILL_NO_MEMORY;
    status = compare(now, before->position, c, bill);
    if (status == BILL_DONE)
        status = add_set_offs(now, off, &before->set_off, bill);
    if (status == BILL_DONE && bill->balance != balance)
        return BILL_BAD_DOCUMENT;
    bill->kind = balance > 0 ? BILL_INVOICE : balance < 0 ? BILL_CREDIT_NOTE : BILL_NIL_STATEMENT;
    return status;
}

enum bill_status bill_compute(const json_t *now, const struct bill_set_off *off, const struct bill_before *before,
                              struct bill *out)
{
    struct comparison c = {json_object(), json_object()};
    struct bill bill = {0};
    enum bill_status status =
        c.before == NULL || c.now == NULL ? BILL_NO_MEMORY : fill_bill(now, off, before, &c, &bill);
    json_decref(c.before);
    json_decref(c.now);
    if (status == BILL_DONE) {
        *out = bill;
    } else {
        bill_free(&bill);
    }
    return status;
}

bool bill_refers_to(uint32_t changed, uint32_t billed_months)
{
    return changed == 0 ? billed_months != 0 : (changed & billed_months) != 0;
}

int64_t bill_planned(const int64_t plan[TERMS_MONTHS], month_t first, month_t billed, month_t run, const json_t *before)
{
    const char *text = json_text(before, "month");
    month_t billed_to = -1;
    int64_t planned = 0;
    if (text != NULL && !month_parse(text, strlen(text), &billed_to)) {
        billed_to = -1;
    }
    if (billed_to >= billed) {
        return plan[run - first];
    }
    for (month_t m = billed_to < first ? first : billed_to + 1; m <= billed; m++) {
        planned += plan[m - first];
    }
    return planned;
}

bool bill_beyond_bound(int64_t balance, int64_t planned, int64_t bound_ppm)
{
    int64_t bound;
    if (bound_ppm < 0 || planned <= 0 || !money_round_share(planned, bound_ppm, &bound)) {
        return false;
    }
    return balance > bound || balance < -bound;
}

bool instalments_due(int64_t eacv, int32_t k, int64_t *pence)
{
    return money_round_ratio(eacv, k, TERMS_MONTHS, pence);
}

int32_t instalments_to_draft(const int64_t due[TERMS_MONTHS], const struct instalments_issued *issued, int32_t month,
                             struct instalment out[TERMS_MONTHS])
{
    int32_t count = 0;
    int64_t sum = issued->pence;
    /* The twelfth may come again: nothing behind it would take up a change. */
    int32_t place = 0;
    if (issued->to >= TERMS_MONTHS)
        place = TERMS_MONTHS - 1;
    else if (issued->to > 0)
        place = issued->to;
    for (; place < month && place < TERMS_MONTHS; place++) {
        if (due[place] != sum)
            out[count++] = (struct instalment){place + 1, sum, due[place]};
        sum = due[place];
    }
    return count;
}
