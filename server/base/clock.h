/* The one clock of the product. In demonstration and test mode a clock file drives it: the file holds an
 * instant (2012-05-10T09:00:00Z); the clock shows that instant at the moment the file was last written
 * (its mtime) and runs on from there at the pace of real time. */
#ifndef RECKONER_BASE_CLOCK_H
#define RECKONER_BASE_CLOCK_H

#include "base/date.h"

struct clock {
    const char *file; /* path of the clock file, or NULL for real time; borrowed */
};

/* Now on the product clock. false when the clock file cannot be read or parsed; *out untouched. */
bool clock_now(const struct clock *c, instant_t *out);
/* What it shows at an instant of real time, which another machine may have read; not before the clock file was last
 * written. false as above. */
bool clock_at(const struct clock *c, instant_t wall, instant_t *out);
/* Real time, for leases, tokens and logs. */
instant_t clock_wall(void);
/* Monotonic microseconds, for durations. */
int64_t clock_monotonic(void);

#endif
