#include "domain/terms_difference.h"

#include "domain/terms_clauses.h"

#include <stdlib.h>
#include <string.h>

/* The clauses of a version, and the same sorted by key. */
struct indexed {
    struct terms_clauses clauses;
    const struct terms_clause **sorted;
};

static int compare_keys(const void *left, const void *right)
{
    const struct terms_clause *const *a = left;
    const struct terms_clause *const *b = right;
    return strcmp((*a)->key, (*b)->key);
}

static void indexed_free(struct indexed *x)
{
    terms_clauses_free(&x->clauses);
    free(x->sorted);
    x->sorted = NULL;
}

/* false: memory ran out. Freed in either case. */
static bool indexed_make(const struct terms *t, struct indexed *x)
{
    if (!terms_clauses_of(t, &x->clauses)) {
        return false;
    }
    x->sorted = calloc(x->clauses.count + 1, sizeof(void *));
    if (x->sorted == NULL) {
        return false;
    }
    for (size_t i = 0; i < x->clauses.count; i++) {
        x->sorted[i] = &x->clauses.clause[i];
    }
    qsort(x->sorted, x->clauses.count, sizeof(void *), compare_keys);
    return true;
}

/* NULL when the version says nothing of it. */
static const struct terms_clause *find(const struct indexed *x, char *key)
{
    const struct terms_clause wanted = {.key = key};
    const struct terms_clause *pointer = &wanted;
    const struct terms_clause **found = bsearch(&pointer, x->sorted, x->clauses.count, sizeof(void *), compare_keys);
    return found == NULL ? NULL : *found;
}

/* Whether two clauses say the same; NULL is a clause that is not there. */
static bool says_same(const struct terms_clause *a, const struct terms_clause *b)
{
    return a == NULL || b == NULL ? a == b : strcmp(a->text, b->text) == 0;
}

static json_t *text_of(const struct terms_clause *c)
{
    return c == NULL ? json_null() : json_string(c->text);
}

static json_t *value_of(const struct terms_clause *c)
{
    return c == NULL || c->unit == CLAUSE_WORDS ? json_null() : json_integer(c->number);
}

/* The word that begins at *text without the marks around it; *text moves behind it and its space. */
static const char *next_word(const char **text, size_t *length)
{
    const char *word = *text;
    *length = strcspn(word, " ");
    *text += *length + (word[*length] == ' ');
    while (*length > 0 && strchr("(\"", word[0]) != NULL) {
        word++;
        --*length;
    }
    while (*length > 0 && strchr(",.;:)\"", word[*length - 1]) != NULL) {
        --*length;
    }
    return word;
}

static bool has_digit(const char *word, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        if (word[i] >= '0' && word[i] <= '9') {
            return true;
        }
    }
    return false;
}

/* One figure: its two forms, and what it is of: the word in front, or behind another figure the words that follow up to
 * the next mark. */
static json_t *figure_json(const char *at, size_t at_length, const char *rest, const char *forms[2], size_t length[2])
{
    if (has_digit(at, at_length)) {
        at = rest;
        at_length = strcspn(rest, ",.;:");
    }
    return json_pack("{s:s%, s:s%, s:s%}", "at", at, at_length, "before", forms[0], length[0], "after", forms[1],
                     length[1]);
}

/* Each figure that differs between two texts of otherwise the same words; none when the words differ too. */
static json_t *figures_json(const char *before, const char *after)
{
    json_t *array = json_array();
    const char *at = "";
    size_t at_length = 0;
    while (array != NULL && (*before != '\0' || *after != '\0')) {
        size_t length[2];
        const char *forms[2];
        forms[0] = next_word(&before, &length[0]);
        forms[1] = next_word(&after, &length[1]);
        bool same = length[0] == length[1] && strncmp(forms[0], forms[1], length[0]) == 0;
        if (!same && (!has_digit(forms[0], length[0]) || !has_digit(forms[1], length[1]))) {
            json_array_clear(array);
            return array;
        }
        if (!same && json_array_append_new(array, figure_json(at, at_length, after, forms, length)) != 0) {
            json_decref(array);
            return NULL;
        }
        at = forms[1];
        at_length = length[1];
    }
    return array;
}

static json_t *difference_json(const struct terms_clause *before, const struct terms_clause *after)
{
    const struct terms_clause *either = after != NULL ? after : before;
    bool numbers = before != NULL && after != NULL && before->unit == after->unit && after->unit != CLAUSE_WORDS;
    json_t *difference = json_null();
    json_t *o = json_object();
    if (before != NULL && after != NULL && numbers)
        difference = json_integer(after->number - before->number);
    if (o != NULL && json_put(o, "section", json_string(section_title(either->section))) &&
        json_put(o, "clause", json_string(either->key)) &&
        json_put(o, "change",
                 json_string(before == NULL  ? "added"
                             : after == NULL ? "removed"
                                             : "changed")) &&
        json_put(o, "before", text_of(before)) && json_put(o, "after", text_of(after)) &&
        json_put(o, "unit", json_string(clause_unit_name(either->unit))) &&
        json_put(o, "before_value", value_of(before)) && json_put(o, "after_value", value_of(after)) &&
        json_put(o, "figures",
                 before == NULL || after == NULL ? json_array() : figures_json(before->text, after->text)) &&
        json_object_set(o, "difference", difference) == 0) {
        json_decref(difference);
        return o;
    }
    json_decref(difference);
    json_decref(o);
    return NULL;
}

static bool add_difference(json_t *array, const struct terms_clause *before, const struct terms_clause *after)
{
    return says_same(before, after) || json_array_append_new(array, difference_json(before, after)) == 0;
}

/* Section by section: what stays or is new in the order of the newer version, then what is gone. */
static bool compare(json_t *array, const struct indexed *before, const struct indexed *after)
{
    for (int s = 0; s < SECTION_COUNT; s++) {
        for (size_t i = 0; i < after->clauses.count; i++) {
            const struct terms_clause *c = &after->clauses.clause[i];
            if ((int)c->section == s && !add_difference(array, find(before, c->key), c)) {
                return false;
            }
        }
        for (size_t i = 0; i < before->clauses.count; i++) {
            const struct terms_clause *c = &before->clauses.clause[i];
            if ((int)c->section == s && find(after, c->key) == NULL && !add_difference(array, c, NULL)) {
                return false;
            }
        }
    }
    return true;
}

json_t *terms_differences(const struct terms *before, const struct terms *after)
{
    struct indexed a = {0};
    struct indexed b = {0};
    json_t *array = json_array();
    bool good = array != NULL && indexed_make(before, &a) && indexed_make(after, &b) && compare(array, &a, &b);
    indexed_free(&a);
    indexed_free(&b);
    if (good) {
        return array;
    }
    json_decref(array);
    return NULL;
}

/* From when a version speaks and what it is called differ between versions by their nature: no change is dropped. */
static bool may_be_dropped(const struct terms_clause *c)
{
    return c->section != SECTION_SCOPE && c->section != SECTION_EXAMPLES;
}

static json_t *dropped_json(int32_t version, const struct terms_clause *was, const struct terms_clause *changed_to)
{
    const struct terms_clause *either = changed_to != NULL ? changed_to : was;
    json_t *o = json_object();
    if (o != NULL && json_put(o, "version", json_integer(version)) &&
        json_put(o, "section", json_string(section_title(either->section))) &&
        json_put(o, "clause", json_string(either->key)) && json_put(o, "was", text_of(was)) &&
        json_put(o, "changed_to", text_of(changed_to))) {
        return o;
    }
    json_decref(o);
    return NULL;
}

/* A clause that the overridden version changed from what its own predecessor said, and that is as it was before. */
static bool judge_clause(json_t *array, int32_t version, const struct indexed *base, const struct indexed *overridden,
                         const struct indexed *now, char *key)
{
    const struct terms_clause *was = find(base, key);
    const struct terms_clause *changed = find(overridden, key);
    const struct terms_clause *is = find(now, key);
    if (!may_be_dropped(was != NULL ? was : changed) || says_same(was, changed) || !says_same(is, was)) {
        return true;
    }
    return json_array_append_new(array, dropped_json(version, was, changed)) == 0;
}

static bool judge_version(json_t *array, const struct terms_version *base, const struct terms_version *overridden,
                          const struct indexed *now)
{
    struct indexed a = {0};
    struct indexed b = {0};
    bool good = indexed_make(base->terms, &a) && indexed_make(overridden->terms, &b);
    for (size_t i = 0; good && i < b.clauses.count; i++) {
        good = judge_clause(array, overridden->version, &a, &b, now, b.clauses.clause[i].key);
    }
    for (size_t i = 0; good && i < a.clauses.count; i++) {
        good = find(&b, a.clauses.clause[i].key) != NULL ||
               judge_clause(array, overridden->version, &a, &b, now, a.clauses.clause[i].key);
    }
    indexed_free(&a);
    indexed_free(&b);
    return good;
}

/* Whether a version was in force, as known just before the new one, in a month that the new one takes over. */
static bool is_overridden(const struct terms_version *versions, size_t count, const struct terms_version *v,
                          const struct terms *t, instant_t known_from)
{
    month_t last = financial_year_first(t->financial_year) + TERMS_MONTHS - 1;
    for (month_t month = t->effective_from; month <= last; month++) {
        if (terms_in_force(versions, count, month, known_from - 1) == v) {
            return true;
        }
    }
    return false;
}

json_t *terms_dropped_changes(const struct terms_version *versions, size_t count, const struct terms *t,
                              instant_t known_from)
{
    struct indexed now = {0};
    json_t *array = json_array();
    bool good = array != NULL && indexed_make(t, &now);
    for (size_t i = 0; good && i < count; i++) {
        const struct terms_version *v = &versions[i];
        const struct terms_version *base = terms_in_force(versions, count, v->terms->effective_from, v->known_from - 1);
        if (base != NULL && is_overridden(versions, count, v, t, known_from)) {
            good = judge_version(array, base, v, &now);
        }
    }
    indexed_free(&now);
    if (good) {
        return array;
    }
    json_decref(array);
    return NULL;
}
