/* Logs: one JSON object per line on standard error. Only main programs and the listener's completion call it;
 * library code returns errors instead. Values are escaped; never pass personal data. */
#ifndef RECKONER_BASE_LOG_H
#define RECKONER_BASE_LOG_H

#include <stdbool.h>
#include <stdint.h>

enum log_level { LOG_LEVEL_DEBUG, LOG_LEVEL_INFO, LOG_LEVEL_WARN, LOG_LEVEL_ERROR };

struct log_field {
    const char *name;
    const char *text; /* NULL: number is used */
    int64_t number;
};

/* Below level nothing is written. Default LOG_LEVEL_INFO. */
void log_set_level(enum log_level level);
void log_set_program(const char *name);
/* What must not be logged: texts of fields for which withhold answers true are replaced by "(withheld)" and counted.
 * Set once, before other threads run. */
void log_set_filter(bool (*withhold)(const char *text));
int64_t log_withheld(void);
/* Writes {"at":..., "level":..., "program":..., "event":..., fields...} in one write(2). Lines over 8 KiB are
 * cut at a field boundary and marked "cut":true. */
void log_event(enum log_level level, const char *event, const struct log_field *fields, unsigned count);

#endif
