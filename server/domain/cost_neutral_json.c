#include "domain/cost_neutral_json.h"

#include "domain/terms.h"

#include "base/parse.h"

#include <stdio.h>
#include <string.h>

static bool refuse(struct json_problem *problem, const char *field, const char *message)
{
    (void)snprintf(problem->field, sizeof problem->field, "%s", field);
    (void)snprintf(problem->message, sizeof problem->message, "%s", message);
    return false;
}

/* One line: cluster, basis (DAY when left out), caseload and relative resource intensity. */
static bool read_line(const json_t *item, size_t i, struct cost_neutral_line *line, struct json_problem *problem)
{
    static const struct json_member members[] = {{"cluster", JSON_KIND_TEXT, true, 2, 2},
                                                 {"basis", JSON_KIND_TEXT, false, 3, 11},
                                                 {"caseload", JSON_KIND_INTEGER, true, 0, COST_NEUTRAL_MAX_CASELOAD},
                                                 {"rri", JSON_KIND_TEXT, true, 1, 20},
                                                 {NULL, JSON_KIND_TEXT, false, 0, 0}};
    char pointer[40];
    char field[60];
    (void)snprintf(pointer, sizeof pointer, "/lines/%zu", i);
    if (!json_check(item, members, pointer, problem)) {
        return false;
    }
    const char *rri = json_text(item, "rri");
    const char *basis = json_text(item, "basis");
    bool known = basis == NULL;
    for (int b = 0; !known && b < BASIS_COUNT; b++) {
        known = strcmp(basis, basis_name((enum basis)b)) == 0;
    }
    if (!known || cluster_index(json_text(item, "cluster")) < 0) {
        (void)snprintf(field, sizeof field, "%s/%s", pointer, known ? "cluster" : "basis");
        return refuse(problem, field,
                      known ? "is 00 to 21, never 09" : "is DAY, ADMITTED, NONADMITTED, PERIOD or ASSESSMENT");
    }
    if (!parse_factor_ppm(rri, strlen(rri), &line->rri_ppm) || line->rri_ppm > COST_NEUTRAL_MAX_RRI) {
        (void)snprintf(field, sizeof field, "%s/rri", pointer);
        return refuse(problem, field, "is a decimal from 0 to 1000 with at most six decimals, such as \"1.0150\"");
    }
    line->caseload = json_int(item, "caseload", 0);
    return true;
}

static const char *basis_of(const json_t *item)
{
    const char *basis = json_text(item, "basis");
    return basis == NULL ? basis_name(BASIS_DAY) : basis;
}

static bool is_double(const json_t *lines, size_t i)
{
    const json_t *one = json_array_get(lines, i);
    for (size_t k = 0; k < i; k++) {
        const json_t *other = json_array_get(lines, k);
        if (strcmp(json_text(one, "cluster"), json_text(other, "cluster")) == 0 &&
            strcmp(basis_of(one), basis_of(other)) == 0) {
            return true;
        }
    }
    return false;
}

static json_t *line_json(const json_t *item, const struct cost_neutral_line *line)
{
    char rri[32];
    format_factor_ppm(line->rri_ppm, rri);
    return json_pack("{s:s, s:s, s:I, s:s, s:I, s:I}", "cluster", json_text(item, "cluster"), "basis", basis_of(item),
                     "caseload", (json_int_t)line->caseload, "rri", rri, "price_pence", (json_int_t)line->price,
                     "value_pence", (json_int_t)line->value);
}

static json_t *answer(const json_t *request, const struct cost_neutral_line *line, size_t count, int64_t residual)
{
    json_t *lines = json_array();
    bool complete = lines != NULL;
    for (size_t i = 0; complete && i < count; i++) {
        complete = json_array_append_new(
                       lines, line_json(json_array_get(json_object_get(request, "lines"), i), &line[i])) == 0;
    }
    json_t *object =
        complete ? json_pack("{s:I, s:O, s:{s:s, s:I}, s:{s:s, s:s, s:s}}", "contract_value_pence",
                             (json_int_t)json_int(request, "contract_value_pence", 0), "lines", lines, "residual",
                             "label", "Contract value not reached by whole pence", "pence", (json_int_t)residual,
                             "method", "price", "round(contract value * rri / sum(caseload * rri))", "residual",
                             "contract value - sum(price * caseload)", "rounding", "half away from zero, each price")
                 : NULL;
    json_decref(lines);
    return object;
}

json_t *cost_neutral_json(const json_t *request, struct json_problem *problem)
{
    static const struct json_member members[] = {
        {"contract_value_pence", JSON_KIND_INTEGER, true, 0, COST_NEUTRAL_MAX_CV},
        {"lines", JSON_KIND_ARRAY, true, 1, COST_NEUTRAL_MAX_LINES},
        {NULL, JSON_KIND_TEXT, false, 0, 0}};
    struct cost_neutral_line line[COST_NEUTRAL_MAX_LINES] = {{0}};
    int64_t residual = 0;
    if (!json_check(request, members, "", problem)) {
        return NULL;
    }
    const json_t *lines = json_object_get(request, "lines");
    size_t count = json_array_size(lines);
    for (size_t i = 0; i < count; i++) {
        if (!read_line(json_array_get(lines, i), i, &line[i], problem)) {
            return NULL;
        }
        if (is_double(lines, i)) {
            char field[40];
            (void)snprintf(field, sizeof field, "/lines/%zu", i);
            (void)refuse(problem, field, "names a cluster and basis again");
            return NULL;
        }
    }
    switch (cost_neutral_prices(json_int(request, "contract_value_pence", 0), line, count, &residual)) {
    case COST_NEUTRAL_NOTHING:
        (void)refuse(problem, "/lines",
                     "have neither caseload nor intensity: there is nothing to share the value over");
        return NULL;
    case COST_NEUTRAL_LIMIT:
        (void)refuse(problem, "/lines", "give prices beyond 64 bits");
        return NULL;
    case COST_NEUTRAL_DONE:
        break;
    }
    json_t *made = answer(request, line, count, residual);
    if (made == NULL) {
        (void)refuse(problem, "", "memory ran out");
    }
    return made;
}
