#include "domain/contract_window.h"

#include <stdio.h>
#include <string.h>

int64_t short_file_of(const struct terms *terms)
{
    return terms ? terms->thresholds.value[THRESHOLD_SHORT_FILE] : threshold_table[THRESHOLD_SHORT_FILE].standard;
}

int64_t short_file_highest(int64_t (*share)(const void *of, size_t i), const void *of, size_t count)
{
    int64_t highest = count == 0 ? short_file_of(NULL) : 0;
    for (size_t i = 0; i < count; i++) {
        int64_t one = share(of, i);
        highest = one > highest ? one : highest;
    }
    return highest;
}

bool contract_window_judge(const char *contract, const char *terms, size_t length, month_t month, instant_t begun_at,
                           bool exception, const struct closing_calendar *calendar, struct contract_window *out)
{
    struct contract_window w;
    memset(&w, 0, sizeof w);
    (void)snprintf(w.contract, sizeof w.contract, "%s", contract);
    w.exception = exception;
    w.inside = true;
    w.flex_moved_from = DATE_NONE;
    w.freeze_moved_from = DATE_NONE;
    w.short_file_ppm = short_file_of(NULL);
    if (terms) {
        struct json_problem problem;
        json_t *json = json_read(terms, length, &problem);
        struct terms *t = json ? terms_parse(json, &problem) : NULL;
        struct windows windows;
        bool ok = t && windows_of_month(t, month, calendar, &windows);
        if (ok)
            w.short_file_ppm = short_file_of(t);
        terms_free(t);
        json_decref(json);
        if (!ok)
            return false;
        w.agreed = true;
        w.flex_at = windows.flex_at;
        w.freeze_at = windows.freeze_at;
        if (windows.flex_date != windows.flex_agreed)
            w.flex_moved_from = windows.flex_agreed;
        if (windows.freeze_date != windows.freeze_agreed)
            w.freeze_moved_from = windows.freeze_agreed;
        w.inside = begun_at < windows.freeze_at || exception;
    }
    *out = w;
    return true;
}

/* Adds the member only where a closing day moved. */
static bool put_moved(json_t *o, const char *name, date_t from)
{
    return from == DATE_NONE || json_put(o, name, json_date(from));
}

json_t *contract_windows_json(const struct contract_window *windows, size_t count)
{
    json_t *list = json_array();
    for (size_t i = 0; list && i < count; i++) {
        const struct contract_window *w = &windows[i];
        json_t *one = json_object();
        bool ok = one && json_put(one, "contract", json_string(w->contract)) &&
                  json_put(one, "flex", w->agreed ? json_instant(w->flex_at) : json_null()) &&
                  json_put(one, "freeze", w->agreed ? json_instant(w->freeze_at) : json_null()) &&
                  json_put(one, "inside", json_boolean(w->inside)) &&
                  json_put(one, "exception", json_boolean(w->exception)) &&
                  put_moved(one, "flex_moved_from", w->flex_moved_from) &&
                  put_moved(one, "freeze_moved_from", w->freeze_moved_from);
        if (!ok) {
            json_decref(one);
            json_decref(list);
            return NULL;
        }
        if (json_array_append_new(list, one) != 0) {
            json_decref(list);
            return NULL;
        }
    }
    return list;
}

bool contract_windows_open(const struct contract_window *windows, size_t count)
{
    if (count == 0)
        return true;
    for (size_t i = 0; i < count; i++) {
        if (windows[i].inside)
            return true;
    }
    return false;
}

static int64_t share_of_window(const void *of, size_t i)
{
    return ((const struct contract_window *)of)[i].short_file_ppm;
}

int64_t contract_windows_short_file(const struct contract_window *windows, size_t count)
{
    return short_file_highest(share_of_window, windows, count);
}
