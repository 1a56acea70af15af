#include "routes/finding_view.h"

#include "domain/finding_text.h"
#include "domain/rules.h"

json_t *finding_json(const struct request *r, const PGresult *result, int row)
{
    const char *field = pg_text(result, row, "field");
    bool hidden = r->caller.role == ROLE_COMMISSIONER && finding_identifies(field);
    bool unknown = pg_is_null(result, row, "pence");
    enum rule_id id;
    /* A rule that this version does not know was written by a newer one: its id must do. */
    const struct rule *rule = rule_by_name(pg_text(result, row, "rule"), &id) ? rule_get(id) : NULL;
    const char *severity = pg_text(result, row, "severity");
    if (pg_is_null(result, row, "severity"))
        severity = rule ? severity_name(rule->severity) : "";
    json_t *o = json_object();
    bool ok = o && json_put(o, "row", json_integer(pg_i64(result, row, "row_no"))) &&
              json_put(o, "episode_id", json_string(pg_text(result, row, "episode_id"))) &&
              json_put(o, "rule", json_string(pg_text(result, row, "rule"))) &&
              json_put(o, "severity", json_string(severity)) &&
              json_put(o, "commissioner", json_string(pg_text(result, row, "commissioner"))) &&
              json_put(o, "cluster", json_string(pg_text(result, row, "cluster"))) &&
              json_put(o, "field", json_string(field)) &&
              json_put(o, "value", hidden ? json_null() : json_string(pg_text(result, row, "value"))) &&
              json_put(o, "sentence", json_string(rule ? rule->sentence : "")) &&
              json_put(o, "note", json_string(hidden ? "" : pg_text(result, row, "note"))) &&
              json_put(o, "hint", json_string(rule ? rule->hint : "")) &&
              json_put(o, "amount_at_stake_pence", unknown ? json_null() : json_integer(pg_i64(result, row, "pence")));
    if (ok)
        return o;
    json_decref(o);
    return NULL;
}
