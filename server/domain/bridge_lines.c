/* Lines that a step of a bridge moved, and the bridge as JSON. */
#include "domain/bridge_internal.h"
#include "domain/money.h"

#include <stdlib.h>
#include <string.h>

static int compare_numbers(int64_t a, int64_t b)
{
    return a < b ? -1 : a > b;
}

/* What a line is about, without comparing texts where numbers tell. */
static int by_subject(const void *a, const void *b)
{
    const struct position_line *x = *(const struct position_line *const *)a;
    const struct position_line *y = *(const struct position_line *const *)b;
    int order = compare_numbers(x->stage, y->stage);
    order = order != 0 ? order : compare_numbers(x->month, y->month);
    order = order != 0 ? order : compare_numbers(x->cluster, y->cluster);
    order = order != 0 ? order : compare_numbers(x->basis, y->basis);
    order = order != 0 ? order : compare_numbers(x->price_pence, y->price_pence);
    return order != 0 || x->cluster >= 0 ? order : strcmp(x->key, y->key);
}

static const struct position_line **sorted(const struct position *p)
{
    const struct position_line **list = malloc((p->count + 1) * sizeof(void *));
    for (size_t i = 0; list != NULL && i < p->count; i++) {
        list[i] = &p->line[i];
    }
    if (list != NULL) {
        qsort(list, p->count, sizeof(void *), by_subject);
    }
    return list;
}

/* Before its key is copied. */
struct moved {
    const char *key;
    int64_t pence;
    int64_t units;
};

static int by_size(const void *a, const void *b)
{
    const struct moved *x = a;
    const struct moved *y = b;
    int64_t size_x = x->pence < 0 ? -x->pence : x->pence;
    int64_t size_y = y->pence < 0 ? -y->pence : y->pence;
    int order = compare_numbers(size_y, size_x);
    return order != 0 ? order : strcmp(x->key, y->key);
}

/* Amounts of lines lie within 2^53, so differences cannot overflow. */
static size_t differences(const struct position *before, const struct position *after, const struct position_line **old,
                          const struct position_line **new, struct moved *out)
{
    size_t i = 0;
    size_t j = 0;
    size_t count = 0;
    while (i < before->count || j < after->count) {
        int order = i == before->count ? 1 : j == after->count ? -1 : by_subject(&old[i], &new[j]);
        struct moved m = {.key = order <= 0 ? old[i]->key : new[j]->key};
        if (order <= 0) {
            m.pence -= old[i]->pence;
            m.units -= old[i]->units;
            i++;
        }
        if (order >= 0) {
            m.pence += new[j]->pence;
            m.units += new[j]->units;
            j++;
        }
        if (m.pence != 0 || m.units != 0) {
            out[count++] = m;
        }
    }
    return count;
}

static bool keep(const struct moved *moved, size_t count, struct bridge_step *step)
{
    size_t kept = count < BRIDGE_MAX_LINES ? count : BRIDGE_MAX_LINES;
    step->line = calloc(kept + 1, sizeof *step->line);
    if (step->line == NULL) {
        return false;
    }
    for (; step->count < kept; step->count++) {
        struct bridge_line *line = &step->line[step->count];
        *line =
            (struct bridge_line){strdup(moved[step->count].key), moved[step->count].pence, moved[step->count].units};
        if (line->key == NULL) {
            return false;
        }
    }
    step->left_out = count - kept;
    for (size_t i = kept; i < count; i++) {
        step->left_out_pence += moved[i].pence;
    }
    return true;
}

bool bridge_compare(const struct position *before, const struct position *after, struct bridge_step *step)
{
    const struct position_line **old = sorted(before);
    const struct position_line **new = sorted(after);
    struct moved *moved = malloc((before->count + after->count + 1) * sizeof *moved);
    bool complete = old != NULL && new != NULL &&moved != NULL;
    if (complete) {
        size_t count = differences(before, after, old, new, moved);
        qsort(moved, count, sizeof *moved, by_size);
        complete = keep(moved, count, step);
    }
    free(old);
    free(new);
    free(moved);
    return complete;
}

void bridge_free(struct bridge *b)
{
    for (int c = 0; c < BRIDGE_CAUSES; c++) {
        for (size_t i = 0; i < b->step[c].count; i++) {
            free(b->step[c].line[i].key);
        }
        free(b->step[c].line);
    }
    *b = (struct bridge){0};
}

static json_t *line_json(const struct bridge_line *line)
{
    json_t *object = json_object();
    bool complete = object != NULL && json_put(object, "key", json_string(line->key)) &&
                    json_put(object, "pence", json_integer(line->pence)) &&
                    (line->units == 0 || json_put(object, "units", json_integer(line->units)));
    if (!complete) {
        json_decref(object);
        return NULL;
    }
    return object;
}

static bool put_lines(json_t *object, const struct bridge_step *step)
{
    json_t *lines = json_array();
    bool complete = lines != NULL;
    for (size_t i = 0; complete && i < step->count; i++) {
        complete = json_array_append_new(lines, line_json(&step->line[i])) == 0;
    }
    complete = complete && json_object_set(object, "lines", lines) == 0;
    json_decref(lines);
    return complete &&
           (step->left_out == 0 || (json_put(object, "lines_left_out", json_integer((json_int_t)step->left_out)) &&
                                    json_put(object, "left_out_pence", json_integer(step->left_out_pence))));
}

static json_t *step_json(enum bridge_cause cause, const struct bridge_step *step)
{
    json_t *object = json_object();
    bool complete = object != NULL && json_put(object, "cause", json_string(bridge_cause_name(cause))) &&
                    json_put(object, "what", json_string(step->what)) &&
                    json_put(object, "pence", json_integer(step->pence)) &&
                    json_put(object, "billable_pence", json_integer(step->billable)) &&
                    json_put(object, "after_pence", json_integer(step->after)) &&
                    json_put(object, "billable_after_pence", json_integer(step->billable_after)) &&
                    json_put(object, "with_next", json_boolean(step->with_next)) && put_lines(object, step);
    if (!complete) {
        json_decref(object);
        return NULL;
    }
    return object;
}

json_t *bridge_json(const struct bridge *b)
{
    json_t *object = json_object();
    json_t *steps = json_array();
    bool complete = object != NULL && steps != NULL && json_put(object, "older_pence", json_integer(b->older)) &&
                    json_put(object, "newer_pence", json_integer(b->newer)) &&
                    json_put(object, "billable_older_pence", json_integer(b->billable_older)) &&
                    json_put(object, "billable_newer_pence", json_integer(b->billable_newer));
    for (int c = 0; complete && c < BRIDGE_CAUSES; c++) {
        if (b->step[c].changed) {
            complete = json_array_append_new(steps, step_json((enum bridge_cause)c, &b->step[c])) == 0;
        }
    }
    complete = complete && json_object_set(object, "steps", steps) == 0;
    json_decref(steps);
    if (!complete) {
        json_decref(object);
        return NULL;
    }
    return object;
}
