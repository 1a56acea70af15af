/* Outturn of the year from activity to date and the plan's phasing: an estimate that bills nothing. Pure.
 *
 * Method. Units to date and planned units to date are summed by cluster and basis over the months received (a month
 * agreed as an estimate counts on neither side). For each month to come, each planned line of it is
 *   round(planned units * units to date / planned units to date)           ("phased")
 * at the price of the first day of the month, as the plan itself is valued. Without planned units to date, or in a
 * month whose plan is a stated sum without units of the cluster, it is round(units to date * days of the month / days
 * of the months received) ("by_days") at the price of the first day (without one: at the average of the value to date);
 * and where there is neither activity nor plan to date, the plan as it stands ("plan"). Rounding is half away from
 * zero, once for each line. Everything behind the activity is computed by the engine of the position. Source: the
 * forecast's method is decided here, see api/formats/calculations.md. */
#ifndef RECKONER_DOMAIN_FORECAST_H
#define RECKONER_DOMAIN_FORECAST_H

#include "domain/position.h"

struct forecast_input {
    /* Position(m): months April .. m, achievements, agreements and open challenges as known. annual and sums_alone are
     * not looked at. */
    struct position_input to_date;
    /* In force for each month of the year, April .. March, as known now; NULL parks. */
    const struct terms_version *terms[TERMS_MONTHS];
};

enum forecast_how {
    FORECAST_NOTHING, /* nothing is expected of the line in the month */
    FORECAST_PHASED,
    FORECAST_BY_DAYS,
    FORECAST_BY_VALUE, /* by days, at the average value to date */
    FORECAST_PLAN
};
/* "nothing", "phased", "by_days", "by_value", "plan". */
const char *forecast_how_name(enum forecast_how how);

/* A cluster and basis with activity or plan in the year. */
struct forecast_line {
    int16_t cluster;
    enum basis basis;
    int64_t units_to_date;
    int64_t pence_to_date;
    int64_t planned_to_date;     /* units, of the same months */
    int64_t units[TERMS_MONTHS]; /* of the months after m */
    int64_t pence[TERMS_MONTHS]; /* before factor and later stages */
    enum forecast_how how[TERMS_MONTHS];
};

enum forecast_edge_kind { EDGE_COLLAR, EDGE_UNDER, EDGE_PLAN, EDGE_OVER, EDGE_CAP, EDGE_VOLUME, EDGE_KINDS };
/* "collar", "under", "plan", "over", "cap", "volume_band". */
const char *forecast_edge_name(enum forecast_edge_kind kind);

/* An amount for the whole year, and when the year's activity (stages 1 to 3; for a volume band, its group's value with
 * factor) is expected to have come to it: inside a month, its value is spread evenly over its days. */
struct forecast_edge {
    enum forecast_edge_kind kind;
    int32_t group;  /* of volume bands: place in the terms; otherwise -1 */
    int64_t at_ppm; /* share of the year's plan between the plan and the edge; volume bands: of the plan; plan: 0 */
    int64_t pence;
    int64_t outturn; /* what is expected to be compared with it at the end of the year */
    date_t on;       /* first day on which it is reached; DATE_NONE: not this year */
};

/* One more unit in month m: position with it less position without. */
struct forecast_marginal {
    const struct terms_price *price; /* in force on the last day of m */
    int64_t pence;                   /* the unit's own value; PERIOD: round(price / days of the period) */
    int64_t position;                /* moves position(m) by */
    int64_t outturn;                 /* moves the expected outturn by */
};
#define FORECAST_MAX_MARGINALS 500

/* What an open challenge contests; in order of number, so that they telescope. Its rows are of months to date: what is
 * expected to come is the same with and without it. */
struct forecast_contested {
    int64_t number;
    int64_t claimed;
    bool billed;      /* the value was billed when it was raised */
    int64_t position; /* of position(m); 0 or more, never above claimed */
    int64_t outturn;  /* of the outturn, likewise: 0 where a cap pays the same without the rows */
};

struct forecast_month {
    int64_t plan; /* each of the year to the end of the month */
    int64_t before_risk;
    int64_t after_cap;
    int64_t total;
    int64_t billable;
};

struct forecast {
    month_t month; /* m */
    int32_t financial_year;
    const struct terms *annual; /* of March; borrowed from the input */
    struct forecast_line *line;
    size_t count;
    struct forecast_month months[TERMS_MONTHS]; /* as if each open challenge were rejected, like the outturn */
    struct position outturn;                    /* lines without labels */
    struct forecast_contested *contested;
    size_t contested_count;
    int64_t contested_position; /* their sums; outturn less contested_outturn: as if each were accepted */
    int64_t contested_outturn;
    struct forecast_edge *edge;
    size_t edge_count;
    struct forecast_marginal *marginal;
    size_t marginal_count;
    size_t marginals_left_out; /* prices beyond FORECAST_MAX_MARGINALS */
};

/* *out is filled for POSITION_DONE alone; free with forecast_free, before the terms. reason: POSITION_REASON_SIZE
 * bytes, for parked and overflow. */
enum position_status forecast_make(const struct forecast_input *in, struct forecast *out, char *reason);
void forecast_free(struct forecast *f);

/* api/formats/calculations.md. New reference; NULL: out of memory. */
json_t *forecast_json(const struct forecast *f);

#endif
