#include "cli/fsck.h"

#include "base/json.h"
#include "base/parse.h"
#include "cli/fsck_part.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PENDING_SECONDS_DEFAULT 3600
#define PENDING_SECONDS_MAXIMUM (30 * 86400)

/* In the order in which each rests on those before it. */
static const struct fsck_part parts[] = {
    {"log", "entries, their tree, every checkpoint with its signatures, and what should be an entry", "entries", false,
     fsck_log},
    {"audit", "the chain of the audit trail, and its heads in the log", "links", false, fsck_audit},
    {"signatures", "what was signed, under the key that the log says was valid then", "records", false,
     fsck_signatures},
    {"statements", "the chain of each account's statements, and what they say of runs and drafts", "statements", false,
     fsck_statements},
    {"positions", "positions by digest, their lines, and the runs that found them", "runs", false, fsck_positions},
    {"documents", "numbers, lines, ledger, and what was billed before", "documents", false, fsck_documents},
    {"uploads", "bytes as sent: pieces, and with --seal-key their SHA-256", "submissions", true, fsck_uploads},
    {"statistics", "what settlement reads, made again from the rows", "submissions", true, fsck_statistics},
    {"rows", "the commitments to rows, made again from the rows", "trees", true, fsck_rows},
    {"records", "with --seal-key: salts and private records, against the commitments to rows", "rows", true,
     fsck_records},
};
#define PARTS (sizeof parts / sizeof parts[0])

const char cli_fsck_help[] =
    "Goes through what is stored and names each difference: table, key, what, found and expected. Goes on after the\n"
    "first; ends with status 1 when there is one. Changes nothing, and may run beside the service: it looks at one\n"
    "snapshot. Parts: log, audit, signatures, statements, positions, documents, uploads, statistics,\n"
    "rows, records.\n"
    "  --part NAME            one part alone\n"
    "  --provider CODE        submissions of one provider alone: uploads, statistics, rows, records\n"
    "  --month YYYY-MM        submissions of one month alone\n"
    "  --seal-key FILE        the secret sealing key: unseals every upload and private record\n"
    "  --pending-seconds N    longest time that an entry may wait for the worker, default 3600\n"
    "  --json                 one object a line: differences, parts, and the result last\n"
    "After a restore workers sign and number nothing. When nothing differs, this begins again:\n"
    "  --recover              appends a recovery entry to the log, and vouches for the database\n"
    "  --checkpoint FILE      the highest checkpoint that any keeper holds; ask trusts, commissioners and auditors\n"
    "  --numbers RXA=45,...   the last document that each provider holds, for those that this machine has not seen;\n"
    "                         numbers behind it that the database does not know are voided in the log\n"
    "  --key FILE             key of the checkpoint, when the database does not know it: PEM or minisign\n";

static bool wanted(const struct fsck *f, const struct fsck_part *part, const char *name)
{
    if (name != NULL)
        return strcmp(part->name, name) == 0;
    return part->by_submission || (f->provider == NULL && f->month < 0);
}

static void report_part(const struct fsck *f)
{
    const char *verdict = f->differences == 0 ? "good" : "differs";
    if (!f->json) {
        (void)printf("%-11s %-8s %lld %s%s%s, %lld differences\n", f->part->name, verdict, (long long)f->checked,
                     f->part->unit, f->note[0] != '\0' ? ", " : "", f->note, (long long)f->differences);
        return;
    }
    json_t *o = json_pack("{s:s, s:s, s:I, s:s, s:I, s:s}", "part", f->part->name, "result", verdict, "checked",
                          (json_int_t)f->checked, "unit", f->part->unit, "differences", (json_int_t)f->differences,
                          "note", f->note);
    char *text = o == NULL ? NULL : json_dumps(o, JSON_COMPACT | JSON_SORT_KEYS);
    (void)printf("%s\n", text != NULL ? text : "{}");
    free(text);
    json_decref(o);
}

/* *differences counts those of all parts. */
static enum pg_status check_parts(struct fsck *f, const char *name, int64_t *differences)
{
    enum pg_status status = PG_OK;
    for (size_t i = 0; status == PG_OK && i < PARTS; i++) {
        if (!wanted(f, &parts[i], name))
            continue;
        f->part = &parts[i];
        f->checked = 0;
        f->differences = 0;
        f->next_progress = 0;
        f->note[0] = '\0';
        status = parts[i].check(f);
        *differences += f->differences;
        if (status == PG_OK)
            report_part(f);
    }
    return status;
}

/* Statements of fsck may take long, and see one state of the database. */
static enum pg_status open_snapshot(struct fsck *f)
{
    f->out_of_memory = !cli_take_time(f->cli, "reckoner fsck");
    f->pg = f->cli->pg;
    if (f->out_of_memory)
        return PG_FAILED;
    enum pg_status status = pg_connect(f->pg);
    return status == PG_OK ? pg_begin_snapshot(f->pg) : status;
}

int fsck_check_all(struct fsck *f, const char *name)
{
    int64_t differences = 0;
    enum pg_status status = open_snapshot(f);
    if (status == PG_OK)
        status = check_parts(f, name, &differences);
    if (f->out_of_memory)
        return cli_fail(f->cli, "memory ran out");
    if (status != PG_OK)
        return cli_fail_store(f->cli, status);
    pg_rollback(f->pg);
    if (f->json)
        (void)printf("{\"differences\":%lld,\"result\":\"%s\"}\n", (long long)differences,
                     differences == 0 ? "good" : "differs");
    else
        (void)printf(differences == 0 ? "Nothing differs.\n" : "%lld differences.\n", (long long)differences);
    return differences == 0 ? CLI_DONE : CLI_FAILED;
}

static bool part_known(const char *name)
{
    for (size_t i = 0; i < PARTS; i++) {
        if (strcmp(parts[i].name, name) == 0)
            return true;
    }
    return false;
}

int cli_fsck(struct cli *cli, int argc, char **argv)
{
    const char *month = NULL;
    const char *part = NULL;
    const char *pending = NULL;
    const char *checkpoint = NULL;
    const char *numbers = NULL;
    const char *key = NULL;
    struct fsck f = {.cli = cli, .month = -1, .pending_seconds = PENDING_SECONDS_DEFAULT};
    const struct cli_option options[] = {{"provider", &f.provider},
                                         {"month", &month},
                                         {"part", &part},
                                         {"seal-key", &f.seal_key},
                                         {"pending-seconds", &pending},
                                         {"checkpoint", &checkpoint},
                                         {"numbers", &numbers},
                                         {"key", &key},
                                         {NULL, NULL}};
    f.json = cli_take_flag(&argc, argv, "--json");
    bool recover = cli_take_flag(&argc, argv, "--recover");
    if (!cli_arguments(cli, argc, argv, options, NULL, 0))
        return CLI_USAGE;
    if (month != NULL && !month_parse(month, strlen(month), &f.month))
        return cli_wrong(cli, "--month %s is not a month like 2012-04", month);
    if (recover != (checkpoint != NULL) || (!recover && (numbers != NULL || key != NULL)))
        return cli_wrong(cli, "--recover and --checkpoint go together; --numbers and --key go with them");
    if (recover && (part != NULL || f.provider != NULL || month != NULL))
        return cli_wrong(cli, "--recover goes through everything");
    if (part != NULL && !part_known(part))
        return cli_wrong(cli, "there is no part %s", part);
    if (pending != NULL && !parse_i64_within(pending, strlen(pending), 0, PENDING_SECONDS_MAXIMUM, &f.pending_seconds))
        return cli_wrong(cli, "--pending-seconds %s is not a whole number from 0 to %d", pending,
                         PENDING_SECONDS_MAXIMUM);
    if (recover)
        return fsck_recover(&f, checkpoint, numbers, key);
    return fsck_check_all(&f, part);
}
