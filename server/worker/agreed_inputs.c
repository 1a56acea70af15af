#include "worker/agreed_inputs.h"

#include "store/agreed_input.h"

#include <stdlib.h>
#include <string.h>

static void read_adjustments(const PGresult *r, struct agreed_inputs *out)
{
    for (size_t i = 0; i < out->adjustment_count; i++) {
        int row = (int)i;
        out->adjustments[i] = (struct position_adjustment){.n = pg_i64(r, row, "n"),
                                                           .month = pg_month(r, row, "month"),
                                                           .pence = pg_i64(r, row, "pence"),
                                                           .label = pg_text(r, row, "label"),
                                                           .in_cquin = pg_bool(r, row, "in_cquin"),
                                                           .reverses = pg_i64(r, row, "reverses"),
                                                           .agreed_at = pg_instant(r, row, "agreed_at")};
    }
}

static void read_withholds(const PGresult *r, struct agreed_inputs *out)
{
    for (size_t i = 0; i < out->withhold_count; i++) {
        int row = (int)i;
        struct position_withhold w = {.id = pg_text(r, row, "id"),
                                      .month = pg_month(r, row, "month"),
                                      .imposed_at = pg_instant(r, row, "imposed_at"),
                                      .state = WITHHOLD_OPEN};
        if (!pg_is_null(r, row, "decision")) {
            w.state = strcmp(pg_text(r, row, "decision"), "released") == 0 ? WITHHOLD_RELEASED : WITHHOLD_KEPT;
            w.decided_pence = pg_i64(r, row, "pence");
            w.agreement = pg_i64(r, row, "n");
            w.decided_at = pg_instant(r, row, "decided_at");
        }
        out->withholds[i] = w;
    }
}

static void read_months(const PGresult *r, struct position_month *months, size_t count)
{
    for (int row = 0; row < PQntuples(r); row++) {
        month_t month = pg_month(r, row, "month");
        for (size_t i = 0; i < count; i++) {
            if (months[i].month != month)
                continue;
            months[i].source = pg_bool(r, row, "estimate") ? MONTH_ESTIMATE : MONTH_ZERO;
            months[i].agreement = pg_i64(r, row, "n");
            months[i].agreed_at = pg_instant(r, row, "agreed_at");
        }
    }
}

enum pg_status agreed_inputs_load(struct pg *pg, const struct account_key *account, instant_t known_at,
                                  struct position_month *months, size_t count, struct agreed_inputs *out,
                                  bool *no_memory)
{
    PGresult *r = NULL;
    *no_memory = false;
    enum pg_status status = agreed_months(pg, account, known_at, &r);
    if (status == PG_OK)
        read_months(r, months, count);
    PQclear(r);
    if (status == PG_OK)
        status = agreed_adjustments(pg, account, known_at, &out->rows[0]);
    if (status == PG_OK)
        status = imposed_withholds(pg, account, known_at, &out->rows[1]);
    if (status != PG_OK)
        return status;
    out->adjustment_count = (size_t)PQntuples(out->rows[0]);
    out->withhold_count = (size_t)PQntuples(out->rows[1]);
    out->adjustments = calloc(out->adjustment_count + 1, sizeof *out->adjustments);
    out->withholds = calloc(out->withhold_count + 1, sizeof *out->withholds);
    if (out->adjustments == NULL || out->withholds == NULL) {
        *no_memory = true;
        return PG_FAILED;
    }
    read_adjustments(out->rows[0], out);
    read_withholds(out->rows[1], out);
    return PG_OK;
}

void agreed_inputs_free(struct agreed_inputs *in)
{
    free(in->adjustments);
    free(in->withholds);
    PQclear(in->rows[0]);
    PQclear(in->rows[1]);
    memset(in, 0, sizeof *in);
}
