#include "domain/review_periods.h"

#include "base/json.h"
#include "domain/reference.h"

#include <stdlib.h>
#include <string.h>

#define LONGEST_PERIOD 1000

void review_periods_of(const struct reference *reference, struct review_periods *out)
{
    memset(out, 0, sizeof *out);
    for (int i = 0; i < TERMS_CLUSTERS; i++) {
        const struct cluster *c = &reference->clusters[i];
        if (c->exists && c->in_months)
            out->months[i] = (int16_t)c->review;
        else if (c->exists)
            out->days[i] = (int16_t)c->review;
    }
}

date_t review_periods_due(const struct review_periods *reviews, int cluster, date_t mhct)
{
    if (reviews == NULL || mhct == DATE_NONE || cluster < 0 ||
        (reviews->days[cluster] == 0 && reviews->months[cluster] == 0)) {
        return DATE_NONE;
    }
    return reviews->months[cluster] > 0 ? date_add_months(mhct, reviews->months[cluster])
                                        : mhct + reviews->days[cluster];
}

char *review_periods_bytes(const struct review_periods *reviews, size_t *length)
{
    json_t *object = json_object();
    bool complete = object != NULL;
    for (int i = 0; complete && i < TERMS_CLUSTERS; i++) {
        char code[3];
        bool months = reviews->months[i] > 0;
        int period = months ? reviews->months[i] : reviews->days[i];
        cluster_code(i, code);
        if (period > 0)
            complete = json_put(object, code, json_pack("{s:i}", months ? "months" : "days", period));
    }
    char *bytes = complete ? json_canonical(object, length) : NULL;
    json_decref(object);
    return bytes;
}

static bool read_period(const char *code, const json_t *period, struct review_periods *out)
{
    int cluster = cluster_index(code);
    int64_t months = json_int(period, "months", 0);
    int64_t days = json_int(period, "days", 0);
    int64_t length = months > 0 ? months : days;
    if (cluster < 0 || json_object_size(period) != 1 || length < 1 || length > LONGEST_PERIOD)
        return false;
    out->months[cluster] = (int16_t)months;
    out->days[cluster] = (int16_t)days;
    return true;
}

bool review_periods_read(const char *text, size_t length, struct review_periods *out)
{
    struct json_problem problem;
    struct review_periods read = {{0}, {0}};
    json_t *object = json_read(text, length, &problem);
    const char *code;
    json_t *period;
    bool sound = json_is_object(object);
    json_object_foreach(object, code, period)
    {
        sound = sound && read_period(code, period, &read);
    }
    json_decref(object);
    if (sound)
        *out = read;
    return sound;
}
