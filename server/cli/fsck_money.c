/* Positions and documents: a run's lines are those of its position's document and add up to it; documents are numbered
 * without a gap and add up to their lines, their ledger and what was billed before. */
#include "base/json.h"
#include "cli/fsck_part.h"
#include "store/integrity.h"
#include "store/integrity_pages.h"

#include <stdio.h>
#include <string.h>

#define RUNS_PAGE   100
#define CURSOR_SIZE 64

static void check_line(struct fsck *f, const char *run, const PGresult *lines, int row, const json_t *line)
{
    char key[160];
    const char *line_key = json_text(line, "key");
    (void)snprintf(key, sizeof key, "%s/%d", run, row + 1);
    if (row >= PQntuples(lines)) {
        fsck_differs(f, "run_line", key, "row", "none", line_key != NULL ? line_key : "a line");
        return;
    }
    if (strcmp(pg_text(lines, row, "line_key"), line_key != NULL ? line_key : "") != 0)
        fsck_differs(f, "run_line", key, "line_key", pg_text(lines, row, "line_key"),
                     line_key != NULL ? line_key : "none");
    if (pg_i64(lines, row, "pence") != json_int(line, "pence", INT64_MIN))
        fsck_differs_i64(f, "run_line", key, "pence", pg_i64(lines, row, "pence"), json_int(line, "pence", INT64_MIN));
}

static enum pg_status check_lines(struct fsck *f, const PGresult *runs, int row, const char *key,
                                  const json_t *position)
{
    PGresult *lines = NULL;
    const json_t *list = json_object_get(position, "lines");
    size_t i = 0;
    json_t *line = NULL;
    enum pg_status status = page_run_lines(f->pg, pg_text(runs, row, "provider"), pg_text(runs, row, "id"), &lines);
    if (status != PG_OK)
        return status;
    json_array_foreach(list, i, line)
    {
        check_line(f, key, lines, (int)i, line);
    }
    for (int more = (int)json_array_size(list); more < PQntuples(lines); more++) {
        char line_key[160];
        (void)snprintf(line_key, sizeof line_key, "%s/%s", key, pg_text(lines, more, "line_no"));
        fsck_differs(f, "run_line", line_key, "row", "one", "none: the position has no such line");
    }
    PQclear(lines);
    return PG_OK;
}

static enum pg_status check_run(struct fsck *f, const PGresult *r, int row)
{
    const char *body = pg_text(r, row, "body");
    char key[2 * CURSOR_SIZE];
    struct json_problem problem;
    (void)snprintf(key, sizeof key, "%s/%s", pg_text(r, row, "provider"), pg_text(r, row, "id"));
    if (pg_is_null(r, row, "body")) {
        fsck_differs(f, "run", key, "position", "none", pg_text(r, row, "sha256"));
        return PG_OK;
    }
    json_t *position = json_read(body, strlen(body), &problem);
    const json_t *total = json_object_get(position, "total_pence");
    enum pg_status status = PG_OK;
    if (!json_is_integer(total))
        fsck_differs(f, "position", pg_text(r, row, "sha256"), "body", problem.message, "a position");
    else if (json_integer_value(total) != pg_i64(r, row, "pence"))
        fsck_differs_i64(f, "run", key, "position_pence", pg_i64(r, row, "pence"), json_integer_value(total));
    if (json_is_integer(total))
        status = check_lines(f, r, row, key, position);
    json_decref(position);
    return status;
}

static enum pg_status take_runs(struct fsck *f, char provider[CURSOR_SIZE], char id[CURSOR_SIZE], bool *more)
{
    PGresult *r = NULL;
    enum pg_status status = page_runs(f->pg, provider, id, RUNS_PAGE, &r);
    for (int row = 0; status == PG_OK && row < PQntuples(r); row++) {
        status = check_run(f, r, row);
        (void)snprintf(provider, CURSOR_SIZE, "%s", pg_text(r, row, "provider"));
        (void)snprintf(id, CURSOR_SIZE, "%s", pg_text(r, row, "id"));
    }
    *more = status == PG_OK && PQntuples(r) == RUNS_PAGE;
    fsck_count(f, status == PG_OK ? PQntuples(r) : 0);
    PQclear(r);
    return status;
}

enum pg_status fsck_positions(struct fsck *f)
{
    char provider[CURSOR_SIZE] = "";
    char id[CURSOR_SIZE] = "";
    PGresult *r = NULL;
    bool more = true;
    enum pg_status status = integrity_digests(f->pg, &r);
    status = fsck_take(f, status, r);
    if (status == PG_OK) {
        r = NULL;
        status = integrity_runs(f->pg, &r);
        status = fsck_take(f, status, r);
    }
    while (status == PG_OK && more)
        status = take_runs(f, provider, id, &more);
    if (status == PG_OK) {
        r = NULL;
        status = integrity_acts(f->pg, &r);
        status = fsck_take(f, status, r);
    }
    return status;
}

enum pg_status fsck_documents(struct fsck *f)
{
    PGresult *r = NULL;
    int64_t documents = 0;
    enum pg_status status = integrity_document_count(f->pg, &documents);
    fsck_count(f, documents);
    if (status == PG_OK)
        status = integrity_document_numbers(f->pg, &r);
    status = fsck_take(f, status, r);
    if (status == PG_OK) {
        r = NULL;
        status = integrity_document_amounts(f->pg, &r);
        status = fsck_take(f, status, r);
    }
    return status;
}
