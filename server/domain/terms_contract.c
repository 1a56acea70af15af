/* Terms beside the contract that they are of: its year, its mode and its parties. */
#include "domain/terms.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

__attribute__((format(printf, 3, 4))) static bool unfit(struct json_problem *problem, const char *field,
                                                        const char *format, ...)
{
    va_list arguments;
    snprintf(problem->field, sizeof problem->field, "%s", field);
    va_start(arguments, format);
    vsnprintf(problem->message, sizeof problem->message, format, arguments);
    va_end(arguments);
    return false;
}

static bool is_commissioner(const struct terms_contract *c, const char *code)
{
    const size_t length = strlen(code);
    for (const char *at = c->commissioners; *at != '\0'; at += strcspn(at, ","), at += *at == ',') {
        if (strcspn(at, ",") == length && strncmp(at, code, length) == 0) {
            return true;
        }
    }
    return false;
}

/* A commissioner that live terms are to bill. */
static bool check_commissioner(const struct terms *t, const char *code, struct json_problem *problem)
{
    char where[100];
    const json_t *party = terms_party(t, code);
    snprintf(where, sizeof where, "/parties/%s", code);
    if (party == NULL) {
        return unfit(problem, where, "is needed in live terms: %s is a commissioner of this contract", code);
    }
    if (json_text(party, "purchase_order") == NULL && json_text(party, "buyer_reference") == NULL) {
        return unfit(problem, where, "needs purchase_order or buyer_reference: documents in live go to %s", code);
    }
    return true;
}

static bool check_needed(const struct terms *t, const struct terms_contract *c, struct json_problem *problem)
{
    char code[TERMS_CODE_SIZE];
    char where[100];
    if (terms_party(t, c->provider) == NULL) {
        snprintf(where, sizeof where, "/parties/%s", c->provider);
        return unfit(problem, where, "is needed in live terms: %s is the provider of this contract", c->provider);
    }
    for (const char *at = c->commissioners; *at != '\0'; at += strcspn(at, ","), at += *at == ',') {
        snprintf(code, sizeof code, "%.*s", (int)strcspn(at, ","), at);
        if (!check_commissioner(t, code, problem)) {
            return false;
        }
    }
    return true;
}

static bool check_named(const struct terms *t, const struct terms_contract *c, struct json_problem *problem)
{
    const char *code;
    json_t *party;
    char where[100];
    json_object_foreach(json_object_get(t->source, "parties"), code, party)
    {
        if (strcmp(code, c->provider) != 0 && !is_commissioner(c, code)) {
            snprintf(where, sizeof where, "/parties/%s", code);
            return unfit(problem, where, "is no party of this contract");
        }
    }
    return true;
}

/* The lines of one list that hold for one commissioner alone. */
static bool check_lines(const json_t *list, const char *pointer, const struct terms_contract *c,
                        struct json_problem *problem)
{
    size_t index;
    json_t *line;
    char where[100];
    json_array_foreach((json_t *)list, index, line)
    {
        const char *code = json_text(line, "commissioner");
        if (code != NULL && !is_commissioner(c, code)) {
            snprintf(where, sizeof where, "%s/%zu/commissioner", pointer, index);
            return unfit(problem, where, "is no commissioner of this contract");
        }
    }
    return true;
}

bool terms_fit_contract(const struct terms *t, const struct terms_contract *c, struct json_problem *problem)
{
    const json_t *plan = json_object_get(t->source, "plan");
    if (t->financial_year != c->financial_year) {
        return unfit(problem, "/financial_year", "The contract is for the financial year %d", (int)c->financial_year);
    }
    if (t->shadow != c->shadow) {
        return unfit(problem, "/mode", "The contract's mode is %s", c->shadow ? "shadow" : "live");
    }
    return check_named(t, c, problem) && (t->shadow || check_needed(t, c, problem)) &&
           check_lines(json_object_get(t->source, "prices"), "/prices", c, problem) &&
           check_lines(json_object_get(plan, "lines"), "/plan/lines", c, problem) &&
           check_lines(json_object_get(plan, "sums"), "/plan/sums", c, problem) &&
           check_lines(json_object_get(t->source, "block"), "/block", c, problem) &&
           check_lines(json_object_get(t->source, "examples"), "/examples", c, problem);
}
