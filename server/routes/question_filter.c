#include "routes/question_filter.h"

#include "domain/rules.h"
#include "routes/common.h"

#include <string.h>

static bool read_month(struct request *r, const char *name, month_t fallback, month_t *out)
{
    const char *text = request_query(r, name);
    *out = fallback;
    if (text == NULL || month_parse(text, strlen(text), out))
        return true;
    reply_problem(r, PROBLEM_BAD_PARAMETER, name, "%s is written YYYY-MM", name);
    return false;
}

static bool read_months(struct request *r, struct question *q)
{
    month_t first = 0, last = 0, month = 0;
    (void)month_parse("2000-01", 7, &first);
    (void)month_parse("2099-12", 7, &last);
    if (!read_month(r, "from", first, &q->first) || !read_month(r, "to", last, &q->last) ||
        !read_month(r, "month", 0, &month))
        return false;
    if (request_query(r, "month") == NULL) {
        if (q->last < q->first)
            reply_problem(r, PROBLEM_BAD_PARAMETER, "to", "to is not before from");
        return q->last >= q->first;
    }
    if (request_query(r, "from") != NULL || request_query(r, "to") != NULL) {
        reply_problem(r, PROBLEM_BAD_PARAMETER, "month", "Give a month, or from and to");
        return false;
    }
    q->first = q->last = month;
    return true;
}

static bool is_cluster(const char *text)
{
    return strlen(text) == 2 && text[0] >= '0' && text[0] <= '9' && text[1] >= '0' && text[1] <= '9';
}

bool question_filter(struct request *r, struct question *q)
{
    memset(q, 0, sizeof *q);
    q->own_names = r->caller.role == ROLE_PROVIDER; /* it has the episode id at home */
    q->provider = request_query(r, "provider");
    q->filter.commissioner =
        r->caller.role == ROLE_COMMISSIONER ? r->caller.organisation : request_query(r, "commissioner");
    q->filter.rule = request_query(r, "rule");
    q->filter.severity = request_query(r, "severity");
    q->filter.cluster = request_query(r, "cluster");
    enum rule_id rule;
    enum severity severity;
    date_t day;
    if (!read_months(r, q) || !request_as_known(r, &day, &q->known_at))
        return false;
    if (q->filter.rule && (!rule_by_name(q->filter.rule, &rule) || rule_get(rule)->severity == SEVERITY_FILE)) {
        reply_problem(r, PROBLEM_BAD_PARAMETER, "rule", "There is no rule of rows with this id");
        return false;
    }
    if (q->filter.severity && (!severity_by_name(q->filter.severity, &severity) || severity == SEVERITY_FILE)) {
        reply_problem(r, PROBLEM_BAD_PARAMETER, "severity", "severity is ERROR, QUERY or WARN");
        return false;
    }
    if (q->filter.cluster && !is_cluster(q->filter.cluster)) {
        reply_problem(r, PROBLEM_BAD_PARAMETER, "cluster", "cluster has two digits");
        return false;
    }
    return true;
}
