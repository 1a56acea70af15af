#include "domain/sampling_shown.h"

#include "domain/suppression.h"

#include <stdlib.h>

/* Counts of a team, each a column with its sum in the whole, and what they leave over. */
enum { ROWS, PICKS, EXAMINED, NOT_EXAMINED, DIFFERING, SAME, AGREED, DISAGREED, COLUMNS };

static int64_t count_of(const json_t *team, int column)
{
    const json_t *errors = json_object_get(team, "errors");
    const json_t *agreement = json_object_get(team, "agreement");
    int64_t picks = json_int(errors, "picks", 0);
    int64_t examined = json_int(errors, "examined", 0);
    int64_t differing = json_int(errors, "differing", 0);
    int64_t agreed = json_int(agreement, "agreed", 0);
    const int64_t counts[COLUMNS] = {[ROWS] = json_int(team, "rows", 0),
                                     [PICKS] = picks,
                                     [EXAMINED] = examined,
                                     [NOT_EXAMINED] = picks - examined,
                                     [DIFFERING] = differing,
                                     [SAME] = examined - differing,
                                     [AGREED] = agreed,
                                     [DISAGREED] = json_int(agreement, "compared", 0) - agreed};
    return counts[column];
}

/* false: out of memory. */
static bool find_hidden(const json_t *teams, bool *hidden)
{
    size_t count = json_array_size(teams);
    int64_t *counts = calloc(count + 1, sizeof *counts);
    bool *of_column = calloc(count + 1, sizeof *of_column);
    bool good = counts != NULL && of_column != NULL;
    for (int column = 0; good && column < COLUMNS; column++) {
        for (size_t i = 0; i < count; i++)
            counts[i] = count_of(json_array_get(teams, i), column);
        good = suppression_list(counts, count, true, of_column) != SUPPRESSION_FAILED;
        for (size_t i = 0; good && i < count; i++)
            hidden[i] = hidden[i] || of_column[i];
    }
    free(counts);
    free(of_column);
    return good;
}

static bool hide(json_t *team)
{
    static const char *const of_errors[] = {"picks", "examined", "differing", NULL};
    static const char *const of_agreement[] = {"compared", "agreed", "rate_ppm", "disagreement_upper_ppm", NULL};
    json_t *errors = json_object_get(team, "errors");
    json_t *agreement = json_object_get(team, "agreement");
    bool good = json_put(team, "rows", json_null());
    for (size_t i = 0; good && of_errors[i] != NULL; i++)
        good = json_put(errors, of_errors[i], json_null());
    for (size_t i = 0; good && of_agreement[i] != NULL; i++)
        good = json_put(agreement, of_agreement[i], json_null());
    return good;
}

bool sample_result_suppress(json_t *result)
{
    json_t *teams = json_object_get(result, "by_team");
    size_t count = json_array_size(teams);
    bool *hidden = calloc(count + 1, sizeof *hidden);
    bool good = hidden != NULL && find_hidden(teams, hidden);
    for (size_t i = 0; good && i < count; i++) {
        json_t *team = json_array_get(teams, i);
        good = json_put(team, "suppressed", json_boolean(hidden[i])) && (!hidden[i] || hide(team));
    }
    free(hidden);
    return good;
}
