/* The frame of the linter: the parser's refusals, then the checks that look at terms as a whole. */
#include "domain/terms_lint.h"

#include "domain/terms_internal.h"
#include "domain/terms_lint_internal.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static bool has_item(const json_t *items, const char *rule, const char *pointer)
{
    size_t i;
    json_t *item;
    json_array_foreach(items, i, item)
    {
        if (strcmp(json_text(item, "rule"), rule) == 0 && strcmp(json_text(item, "pointer"), pointer) == 0) {
            return true;
        }
    }
    return false;
}

void lint_add(struct lint *l, bool defect, const char *rule, const char *pointer, json_t *shown, const char *format,
              ...)
{
    char sentence[600];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(sentence, sizeof sentence, format, arguments);
    va_end(arguments);
    if (shown == NULL) {
        l->failed = true;
    } else if (!has_item(l->items, rule, pointer)) {
        json_t *item = json_pack("{s:s, s:s, s:s, s:s, s:O}", "kind", defect ? "defect" : "note", "rule", rule,
                                 "pointer", pointer, "sentence", sentence, "counter_example", shown);
        l->failed = json_array_append_new(l->items, item) != 0 || l->failed;
    }
    json_decref(shown);
}

bool lint_may(struct lint *l, int64_t looks)
{
    l->work += looks;
    if (l->work <= LINT_MAX_WORK) {
        return true;
    }
    lint_add(l, false, "not_all_checked", "", json_pack("{s:I}", "looks_at_most", (json_int_t)LINT_MAX_WORK),
             "the terms are so large that not every combination was looked at");
    return false;
}

bool lint_of_account(const char *qualifier, const char *account)
{
    return qualifier[0] == '\0' || strcmp(qualifier, account) == 0;
}

static void add_account(struct lint *l, const char *code)
{
    for (size_t i = 0; i < l->account_count; i++) {
        if (strcmp(l->account[i], code) == 0) {
            return;
        }
    }
    if (l->account_count < LINT_MAX_ACCOUNTS) {
        l->account[l->account_count++] = code;
    }
}

/* The commissioners that lines name, and one that stands for all others. That there are others is known where the
 * parties are given (one of them is the provider), and taken for granted where no line names any. */
static void find_accounts(struct lint *l)
{
    const struct terms *t = l->t;
    for (int32_t i = 0; i < t->price_count; i++) {
        if (t->price[i].commissioner[0] != '\0') {
            add_account(l, t->price[i].commissioner);
        }
    }
    for (int32_t i = 0; i < t->plan_count; i++) {
        if (t->plan[i].commissioner[0] != '\0') {
            add_account(l, t->plan[i].commissioner);
        }
    }
    for (int32_t i = 0; i < t->plan_sum_count; i++) {
        if (t->plan_sum[i].commissioner[0] != '\0') {
            add_account(l, t->plan_sum[i].commissioner);
        }
    }
    size_t parties = json_object_size(json_object_get(t->source, "parties"));
    if (l->account_count == 0 || parties > l->account_count + 1) {
        add_account(l, "");
    }
}

/* The items of the parser become items of the linter. */
static bool take_refusals(json_t *found)
{
    size_t i;
    json_t *item;
    bool good = true;
    json_array_foreach(found, i, item)
    {
        good = json_put(item, "kind", json_string("defect")) && good;
    }
    return good;
}

static json_t *summary(json_t *items)
{
    json_t *o = json_object();
    json_t *sorted = json_array();
    json_int_t counts[2] = {0, 0};
    bool good = o != NULL && sorted != NULL;
    for (size_t kind = 0; kind < 2; kind++) {
        size_t i;
        json_t *item;
        json_array_foreach(items, i, item)
        {
            bool note = strcmp(json_text(item, "kind"), "note") == 0;
            if (note == (kind == 1)) {
                counts[kind]++;
                good = good && json_array_append(sorted, item) == 0;
            }
        }
    }
    json_decref(items);
    good = json_put(o, "items", sorted) && good;
    if (good && json_put(o, "defects", json_integer(counts[0])) && json_put(o, "notes", json_integer(counts[1]))) {
        return o;
    }
    json_decref(o);
    return NULL;
}

json_t *terms_lint(const json_t *json)
{
    json_t *items = json_array();
    struct terms *t = items == NULL ? NULL : terms_parse_collecting(json, &items);
    struct lint l = {.t = t, .items = items};
    if (items == NULL || !take_refusals(items)) {
        terms_free(t);
        json_decref(items);
        return NULL;
    }
    bool coherent = json_array_size(items) == 0;
    if (t != NULL) {
        find_accounts(&l);
        lint_prices(&l);
        lint_plans(&l);
        lint_parties(&l);
        lint_cquin(&l);
    }
    if (t != NULL && coherent) {
        lint_pay_rises(&l);
    }
    terms_free(t);
    if (l.failed) {
        json_decref(items);
        return NULL;
    }
    return summary(items);
}

json_t *terms_lint_text(const char *text, size_t length)
{
    struct json_problem problem = {"", ""};
    json_t *json = json_read(text, length, &problem);
    if (json == NULL) {
        return summary(json_pack("[{s:s, s:s, s:s, s:s, s:{}}]", "kind", "defect", "rule", "malformed", "pointer",
                                 problem.field, "sentence", problem.message, "counter_example"));
    }
    json_t *result = terms_lint(json);
    json_decref(json);
    return result;
}

const json_t *terms_lint_first_defect(const json_t *result)
{
    return json_int(result, "defects", 0) == 0 ? NULL : json_array_get(json_object_get(result, "items"), 0);
}
