/* A contract-year on a database as a case of the second implementation. */
#include "lib/store_year.h"
#include "lib/year_json.h"

#include "base/parse.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

/* Whether the newest file has the row as it was then, but for its place. */
static bool as_it_was(const struct store_year *a, const struct store_act *act)
{
    int32_t k = act->said.month - YEAR_APRIL;
    for (size_t i = 0; i < a->y->row_count[k]; i++) {
        struct episode row = a->y->rows[k][i].row;
        row.row_no = act->row.row.row_no;
        if (memcmp(&row, &act->row.row, sizeof row) == 0)
            return true;
    }
    return false;
}

static void put_counter(json_t *row, const char *cluster, const char *days, bool unpayable)
{
    if (cluster != NULL)
        put_text(row, "cluster", cluster);
    if (days != NULL)
        put_number(row, "payable_days", strtol(days, NULL, 10));
    if (unpayable)
        put(row, "not_payable", json_true());
}

static json_t *acts_json(const struct store_year *a, const struct store_act *act, size_t count)
{
    json_t *list = json_array();
    for (size_t i = 0; i < count; i++) {
        const struct year_change *said = &act[i].said;
        char cluster[3];
        char days[12];
        if (!as_it_was(a, &act[i]))
            continue;
        json_t *one = json_pack("{s:o, s:s, s:o}", "month", json_month(said->month), "episode_id",
                                act[i].row.row.episode_id, "agreed_at", json_instant(said->agreed_at));
        if (said->cluster >= 0)
            cluster_code(said->cluster, cluster);
        snprintf(days, sizeof days, "%d", (int)said->payable_days);
        put_counter(one, said->cluster >= 0 ? cluster : NULL, said->payable_days >= 0 ? days : NULL, said->not_payable);
        if (said->to != NULL)
            put_text(one, "to", said->to);
        append(list, one);
    }
    return list;
}

static json_int_t number_of(const PGresult *r, int i, int column)
{
    int64_t n = 0;
    const char *text = PQgetvalue(r, i, column);
    year_must(parse_i64(text, strlen(text), &n));
    return n;
}

static const char *text_or_null(const PGresult *r, int i, int column)
{
    return PQgetisnull(r, i, column) ? NULL : PQgetvalue(r, i, column);
}

/* Open challenges, also those that were raised again by themselves. */
static json_t *challenges_json(const struct store_year *a)
{
    char sql[700];
    json_t *list = json_array();
    json_t *rows = NULL;
    const char *last = "";
    snprintf(sql, sizeof sql,
             "SELECT c.number, c.claimed_pence, c.billed, to_char(c.month, 'YYYY-MM'), r.episode_id, r.counter_cluster,"
             " r.counter_days, r.counter_unpayable FROM challenge c JOIN challenge_row r USING (provider, contract,"
             " commissioner, number) WHERE c.provider = '%s' AND c.outcome IS NULL ORDER BY c.number, r.episode_id",
             a->provider);
    PGresult *r = PQexec(pg_raw(settled.store.owner), sql);
    ck_assert_msg(PQresultStatus(r) == PGRES_TUPLES_OK, "%s", PQresultErrorMessage(r));
    for (int i = 0; i < PQntuples(r); i++) {
        if (strcmp(PQgetvalue(r, i, 0), last) != 0) {
            rows = json_array();
            append(list, json_pack("{s:I, s:I, s:b, s:o, s:o}", "number", number_of(r, i, 0), "claimed_pence",
                                   number_of(r, i, 1), "billed", strcmp(PQgetvalue(r, i, 2), "t") == 0, "raised_at",
                                   json_instant(1), "rows", rows));
            last = PQgetvalue(r, i, 0);
        }
        json_t *row = json_pack("{s:s, s:s, s:{s:s}}", "month", PQgetvalue(r, i, 3), "episode_id", PQgetvalue(r, i, 4),
                                "was", "commissioner", YEAR_COMMISSIONER);
        put_counter(row, text_or_null(r, i, 5), text_or_null(r, i, 6), strcmp(PQgetvalue(r, i, 7), "t") == 0);
        append(rows, row);
    }
    PQclear(r);
    return list;
}

/* The year as far as it became known. */
static struct contract_year known_of(const struct store_year *a)
{
    struct contract_year known = *a->y;
    known.versions = a->version;
    known.achievements = a->achievement;
    known.adjustments = a->adjustment;
    known.agreed_count = a->agreed;
    known.withholds = a->withhold;
    known.openings = a->opening;
    return known;
}

bool store_year_bills(const struct store_year *a, const char *commissioner, month_t m)
{
    struct bill_set_off off;
    int64_t expected;
    struct contract_year known = known_of(a);
    known.account = commissioner;
    return contract_year_set_off(&known, m, YEAR_ALL_KNOWN, &off, &expected) == POSITION_DONE;
}

json_t *store_year_case(const struct store_year *a, size_t account, month_t m, month_t run, const char *type)
{
    const struct contract_year known = known_of(a);
    static const char *const of_ours[] = {"achievements", "adjustments", "agreed_months", "withholds"};
    bool ours = account == 0;
    json_t *object = contract_year_case(&known, m, YEAR_ALL_KNOWN);
    /* Without digests of rows and files no document can be asked for; the sums and lines are. */
    year_must(json_object_del(object, "provider") == 0);
    bool bills = store_year_bills(a, a->account[account].commissioner, m);
    if (bills)
        contract_year_case_bill(object, &known, a->account[account].documents, a->account[account].billed_to, run,
                                type);
    put_text(object, "commissioner", a->account[account].commissioner);
    put(object, "decisions", ours ? acts_json(a, a->decision, a->decisions) : json_array());
    put(object, "reattributions", acts_json(a, a->move, a->moves));
    put(object, "challenges", ours ? challenges_json(a) : json_array());
    for (size_t i = 0; !ours && i < sizeof of_ours / sizeof *of_ours; i++)
        put(object, of_ours[i], json_array());
    if (!ours && bills)
        put(object, "opening_entries", json_array());
    return object;
}
