#include "routes/finding_view.h"

#include "domain/finding_text.h"
#include "domain/rules.h"

void finding_view_begin(struct finding_view *view, const struct request *r, const PGresult *result)
{
    *view = (struct finding_view){.result = result,
                                  .commissioner = r->caller.role == ROLE_COMMISSIONER,
                                  .row_no = PQfnumber(result, "row_no"),
                                  .episode_id = PQfnumber(result, "episode_id"),
                                  .rule = PQfnumber(result, "rule"),
                                  .severity = PQfnumber(result, "severity"),
                                  .owner = PQfnumber(result, "commissioner"),
                                  .cluster = PQfnumber(result, "cluster"),
                                  .field = PQfnumber(result, "field"),
                                  .value = PQfnumber(result, "value"),
                                  .note = PQfnumber(result, "note"),
                                  .pence = PQfnumber(result, "pence")};
}

static void put(struct buf *out, const char *name, const char *text)
{
    (void)buf_append_text(out, name);
    (void)json_append_text(out, text);
}

void finding_view_write(const struct finding_view *view, int row, struct buf *out)
{
    const PGresult *result = view->result;
    const char *id = PQgetvalue(result, row, view->rule);
    const char *field = PQgetvalue(result, row, view->field);
    bool hidden = view->commissioner && finding_identifies(field);
    enum rule_id known;
    /* A rule that this version does not know was written by a newer one: its id must do. */
    const struct rule *rule = rule_by_name(id, &known) ? rule_get(known) : NULL;
    const char *severity = PQgetvalue(result, row, view->severity);
    if (PQgetisnull(result, row, view->severity))
        severity = rule ? severity_name(rule->severity) : "";
    (void)buf_append_text(out, "\"row\":");
    (void)buf_append_text(out, PQgetvalue(result, row, view->row_no));
    put(out, ",\"episode_id\":", PQgetvalue(result, row, view->episode_id));
    put(out, ",\"rule\":", id);
    put(out, ",\"severity\":", severity);
    put(out, ",\"commissioner\":", PQgetvalue(result, row, view->owner));
    put(out, ",\"cluster\":", PQgetvalue(result, row, view->cluster));
    put(out, ",\"field\":", field);
    if (hidden)
        (void)buf_append_text(out, ",\"value\":null");
    else
        put(out, ",\"value\":", PQgetvalue(result, row, view->value));
    put(out, ",\"sentence\":", rule ? rule->sentence : "");
    put(out, ",\"note\":", hidden ? "" : PQgetvalue(result, row, view->note));
    put(out, ",\"hint\":", rule ? rule->hint : "");
    (void)buf_append_text(out, ",\"amount_at_stake_pence\":");
    (void)buf_append_text(out, PQgetisnull(result, row, view->pence) ? "null" : PQgetvalue(result, row, view->pence));
}
