#include "cli/check_command.h"

#include "base/inflate.h"
#include "base/parse.h"
#include "check/check_report.h"
#include "cli/check_text.h"
#include "cli/input_file.h"
#include "domain/check_file.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#define PIECE           (256 * 1024)
#define TEXT_MAXIMUM    (4 * 1024 * 1024)
#define PROGRESS_MICROS 500000
/* A file that ended in an error is no answer about its rows. */
#define CANNOT_CHECK CLI_USAGE

const char cli_check_help[] =
    "Checks FILE (CSV or NDJSON; - reads standard input) by every rule that one submission can answer, with the same\n"
    "findings, byte for byte, as a rehearsal or a submission has. Needs no network, no database and no configuration.\n"
    "CHECKFILE holds what the rules refer to, for one provider and month; it is fetched from the service:\n"
    "  GET /v1/providers/{provider}/check-file?month=YYYY-MM\n"
    "Rules that need other submissions, other providers or the clock are listed as not checked here.\n"
    "\n"
    "  --reference FILE  the check file; needed\n"
    "  --month YYYY-MM   stops unless the check file is of this month\n"
    "  --format FORMAT   text: totals by rule with the pounds at stake and the first rows of each (the default);\n"
    "                    ndjson: one finding a line, as in a rehearsal; csv: the same for a spreadsheet;\n"
    "                    json: the report of a rehearsal, without its findings\n"
    "  --gzip WHEN       auto (the default): FILE is unpacked when its first bytes are those of gzip; yes; no\n"
    "  --mapping WHICH   the file has the trust's own column names: saved reads them by the mapping in the check "
    "file,\n"
    "                    as the header Column-Mapping of an upload does; else a file like {\"columns\": {\"Spell\":\n"
    "                    \"episode_id\"}}\n"
    "  --row-count N     rows that the file should have, as in the header Row-Count of an upload\n"
    "\n"
    "Temporary files go to TMPDIR (else /tmp); they hold no identities and are unlinked as they are made.\n"
    "Exit status: 0 every row would be paid; 1 the file would be refused, or has rows that would not be paid;\n"
    "2 it could not be checked.\n";

enum output { OUTPUT_TEXT, OUTPUT_NDJSON, OUTPUT_CSV, OUTPUT_JSON };

struct checking {
    const struct cli *cli;
    const char *path;
    enum output output;
    struct check_file file;
    const char *gzip;           /* auto, yes, no */
    struct column_mapping *own; /* read from a file; NULL: none was given */
    const struct column_mapping *mapping;
    struct upload_context context;
    struct appraisal *appraisal;
    struct check *check;
    struct check_outcome outcome;
    struct check_report *report;
    struct check_examples *examples;
    struct buf out; /* waits for standard output */
    int input;
    int64_t size; /* of the input; 0 when not known */
    int64_t read;
    bool terminal; /* progress is shown */
    int64_t next_progress;
    bool output_failed;
};

static int cannot(const struct checking *k, const char *what)
{
    (void)cli_fail(k->cli, "%s", what);
    return CANNOT_CHECK;
}

static void show_progress(struct checking *k)
{
    if (!k->terminal || clock_monotonic() < k->next_progress)
        return;
    k->next_progress = clock_monotonic() + PROGRESS_MICROS;
    (void)fprintf(stderr, "\r%u rows", check_rows(k->check));
    if (k->size > 0)
        (void)fprintf(stderr, ", %d %%", (int)(k->read * 100 / k->size));
}

static void end_progress(const struct checking *k)
{
    if (k->terminal && k->next_progress != 0)
        (void)fputs("\r                              \r", stderr);
}

static bool read_option_format(struct checking *k, const char *format)
{
    static const char *const names[] = {"text", "ndjson", "csv", "json"};
    for (int i = 0; format && i < 4; i++) {
        if (strcmp(format, names[i]) == 0) {
            k->output = (enum output)i;
            return true;
        }
    }
    if (format)
        (void)cli_wrong(k->cli, "--format is text, ndjson, csv or json");
    return format == NULL;
}

static bool read_option_rows(struct checking *k, const char *rows)
{
    k->context.declared_rows = -1;
    if (!rows || parse_i64_within(rows, strlen(rows), 0, INT32_MAX, &k->context.declared_rows))
        return true;
    (void)cli_wrong(k->cli, "--row-count is a whole number, 0 or more");
    return false;
}

static bool read_option_gzip(struct checking *k, const char *gzip)
{
    k->gzip = gzip ? gzip : "auto";
    if (strcmp(k->gzip, "auto") == 0 || strcmp(k->gzip, "yes") == 0 || strcmp(k->gzip, "no") == 0)
        return true;
    (void)cli_wrong(k->cli, "--gzip is auto, yes or no");
    return false;
}

/* The mapping of a file, or the one that the check file holds. */
static bool read_mapping(struct checking *k, const char *which)
{
    struct json_problem problem = {"", "memory ran out"};
    struct buf text;
    if (!which)
        return true;
    if (strcmp(which, "saved") == 0) {
        k->mapping = k->file.mapping;
        if (!k->mapping)
            (void)cli_fail(k->cli, "the check file holds no column mapping: none was saved when it was made");
        return k->mapping != NULL;
    }
    if (!input_file_read(k->cli, which, &text))
        return false;
    json_t *object = json_read(text.data ? text.data : "", text.length, &problem);
    k->own = malloc(sizeof *k->own);
    bool ok = object && k->own && column_mapping_read(object, k->own, &problem);
    json_decref(object);
    buf_free(&text);
    k->mapping = k->own;
    if (!ok)
        (void)cli_fail(k->cli, "the column mapping %s cannot be used: %s %s", which, problem.field, problem.message);
    return ok;
}

static bool read_reference(struct checking *k, const char *path, const char *month)
{
    struct buf text;
    char problem[400];
    if (!input_file_read(k->cli, path, &text))
        return false;
    bool ok = check_file_read(&k->file, text.data ? text.data : "", text.length, problem, sizeof problem);
    buf_free(&text);
    if (!ok) {
        (void)cli_fail(k->cli, "the check file %s cannot be used: %s", path, problem);
        return false;
    }
    char of[8];
    month_format(k->file.month, of);
    if (!month || strcmp(month, of) == 0)
        return true;
    (void)cli_fail(k->cli, "the check file %s is of %s, not of %s: fetch the one of that month", path, of, month);
    return false;
}

/* As a submission's, but for what is not known here: clock, windows and other submissions. */
static void make_context(struct checking *k)
{
    struct upload_context *x = &k->context;
    const struct check_file *f = &k->file;
    x->month = f->month;
    (void)snprintf(x->provider, sizeof x->provider, "%s", f->provider);
    x->provider_from = f->provider_from;
    x->provider_to = f->provider_to;
    x->today = month_last(f->month);
    x->commissioners = f->commissioners;
    x->commissioner_count = f->commissioner_count;
    x->reference = &f->reference;
    x->accepted_rows = -1;
}

static bool make_appraisal(struct checking *k)
{
    k->appraisal = appraisal_new(&k->file.reference, k->file.month);
    bool ok = k->appraisal != NULL;
    for (size_t i = 0; i < k->file.account_count && ok; i++)
        ok = appraisal_add(k->appraisal, k->file.accounts[i].commissioner, k->file.accounts[i].terms);
    return ok;
}

static bool open_input(struct checking *k)
{
    struct stat st;
    k->input = strcmp(k->path, "-") == 0 ? STDIN_FILENO : open(k->path, O_RDONLY | O_CLOEXEC);
    if (k->input < 0) {
        (void)cli_fail(k->cli, "%s cannot be opened: %s", k->path, strerror(errno));
        return false;
    }
    if (fstat(k->input, &st) == 0 && S_ISREG(st.st_mode))
        k->size = st.st_size;
    k->terminal = isatty(STDERR_FILENO) == 1;
    return true;
}

/* An object's brace tells NDJSON; a header of names never begins with one. */
static enum upload_format format_of(const unsigned char *bytes, size_t length)
{
    size_t i = length >= 3 && memcmp(bytes, "\xEF\xBB\xBF", 3) == 0 ? 3 : 0;
    while (i < length && (bytes[i] == ' ' || bytes[i] == '\t' || bytes[i] == '\r' || bytes[i] == '\n'))
        i++;
    return i < length && bytes[i] == '{' ? UPLOAD_NDJSON : UPLOAD_CSV;
}

/* The first unpacked bytes. */
struct head {
    unsigned char bytes[256];
    size_t length;
};

static bool take_head(void *context, const void *bytes, size_t length)
{
    struct head *head = context;
    head->length = length < sizeof head->bytes ? length : sizeof head->bytes;
    memcpy(head->bytes, bytes, head->length);
    return false;
}

/* What the file's first bytes are, unpacked where they are packed: enough to see an opening brace. */
static enum upload_format packed_format(const unsigned char *bytes, size_t length)
{
    struct head head = {.length = 0};
    struct inflate *z = inflate_new(INT64_MAX);
    if (z)
        (void)inflate_feed(z, bytes, length, take_head, &head);
    inflate_free(z);
    return format_of(head.bytes, head.length);
}

static bool begin_check(struct checking *k, const unsigned char *bytes, size_t length)
{
    bool magic = length >= 2 && bytes[0] == 0x1F && bytes[1] == 0x8B;
    bool gzip = strcmp(k->gzip, "yes") == 0 || (strcmp(k->gzip, "auto") == 0 && magic);
    uint8_t key[IDENTITY_KEY_SIZE];
    const char *folder = getenv("TMPDIR");
    randombytes_buf(key, sizeof key);
    const struct check_input input = {.context = &k->context,
                                      .format = gzip ? packed_format(bytes, length) : format_of(bytes, length),
                                      .gzip = gzip,
                                      .unpacked_maximum = INT64_MAX,
                                      .mapping = k->mapping,
                                      .identity_key = key,
                                      .spool_folder = folder && folder[0] ? folder : "/tmp"};
    k->check = check_new(&input);
    sodium_memzero(key, sizeof key);
    return k->check != NULL;
}

/* The whole input through the check. Returns CLI_DONE or CANNOT_CHECK. */
static int feed_all(struct checking *k, unsigned char *piece)
{
    for (;;) {
        ssize_t n = read(k->input, piece, PIECE);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0) {
            (void)cli_fail(k->cli, "%s cannot be read: %s", k->path, strerror(errno));
            return CANNOT_CHECK;
        }
        if (!k->check && !begin_check(k, piece, (size_t)n))
            return cannot(k, "memory ran out");
        if (n == 0)
            return CLI_DONE;
        k->read += n;
        if (!check_feed(k->check, piece, (size_t)n))
            return cannot(k, "the folder for temporary files (TMPDIR, else /tmp) is full or cannot be written");
        show_progress(k);
    }
}

static int run_check(struct checking *k)
{
    unsigned char *piece = malloc(PIECE);
    int status = piece ? feed_all(k, piece) : cannot(k, "memory ran out");
    /* It held rows as they were sent. */
    if (piece)
        sodium_memzero(piece, PIECE);
    free(piece);
    if (status == CLI_DONE && !check_finish(k->check, &k->outcome))
        status = cannot(k, "the folder for temporary files (TMPDIR, else /tmp) is full or cannot be written");
    return status;
}

static bool flush(struct checking *k)
{
    if (k->out.length > 0 && fwrite(k->out.data, 1, k->out.length, stdout) != k->out.length)
        k->output_failed = true;
    buf_clear(&k->out);
    return !k->output_failed;
}

static bool on_finding(void *context, const struct finding_line *line, bool of_terms)
{
    struct checking *k = context;
    (void)of_terms;
    check_examples_add(k->examples, line);
    if (!check_report_add(k->report, line, &k->out))
        return false;
    if (k->output == OUTPUT_CSV) {
        buf_clear(&k->out);
        if (!check_csv_append(&k->out, line))
            return false;
    } else if (k->output != OUTPUT_NDJSON) {
        buf_clear(&k->out);
    }
    return flush(k);
}

/* Needs of rules that are at hand: neither history, other providers nor the clock. */
static unsigned at_hand(const struct checking *k)
{
    return check_needs_of(&k->file.reference) | 1U << NEED_ORGANISATIONS | 1U << NEED_TERMS;
}

static json_t *digests_json(const struct check_file *f)
{
    json_t *o = json_object();
    bool ok = o != NULL;
    for (int i = 0; i < REFERENCE_KINDS && ok; i++)
        ok = json_put(o, reference_kinds[i].kind, f->digests[i][0] ? json_string(f->digests[i]) : json_null());
    if (ok)
        return o;
    json_decref(o);
    return NULL;
}

static bool print_json(struct checking *k)
{
    struct report_facts facts = {&k->outcome, at_hand(k), digests_json(&k->file),
                                 check_file_terms(k->file.accounts, k->file.account_count)};
    json_t *report = check_report_json(k->report, &facts);
    size_t length = 0;
    char *text = report ? json_canonical(report, &length) : NULL;
    json_decref(report);
    bool ok = text && buf_append(&k->out, text, length) && buf_append_char(&k->out, '\n');
    free(text);
    return ok && flush(k);
}

static bool print_text(struct checking *k, bool all)
{
    char month[8];
    char exported[28];
    month_format(k->file.month, month);
    instant_format(k->file.exported_at, exported);
    const struct check_text t = {k->path,     k->file.provider, month,       exported,
                                 &k->outcome, k->report,        k->examples, at_hand(k)};
    if (all)
        return check_text_append(&k->out, &t) && flush(k);
    bool ok = check_text_headline(&k->out, &t) && fwrite(k->out.data, 1, k->out.length, stderr) == k->out.length;
    buf_clear(&k->out);
    return ok;
}

/* Findings, then what sums them up. */
static int print_all(struct checking *k)
{
    if (k->output == OUTPUT_CSV && (!check_csv_header(&k->out) || !flush(k)))
        return cannot(k, "standard output cannot be written");
    bool ok = check_each_finding(k->check, k->appraisal, on_finding, k);
    end_progress(k);
    if (ok)
        ok = k->output == OUTPUT_JSON ? print_json(k) : print_text(k, k->output == OUTPUT_TEXT);
    if (!ok || k->output_failed || fflush(stdout) != 0)
        return cannot(k, k->output_failed ? "standard output cannot be written"
                                          : "memory or the folder for temporary files ran out");
    bool unpaid = k->outcome.refused || check_report_severity(k->report, SEVERITY_ERROR)->rows > 0;
    return unpaid ? CLI_FAILED : CLI_DONE;
}

static int check_and_print(struct checking *k, const char *reference, const char *month, const char *mapping)
{
    if (!read_reference(k, reference, month) || !read_mapping(k, mapping) || !open_input(k))
        return CANNOT_CHECK;
    make_context(k);
    k->report = check_report_new();
    k->examples = calloc(1, sizeof *k->examples);
    if (!k->report || !k->examples || !make_appraisal(k))
        return cannot(k, "memory ran out");
    int status = run_check(k);
    return status == CLI_DONE ? print_all(k) : status;
}

int cli_check(struct cli *cli, int argc, char **argv)
{
    const char *reference = NULL;
    const char *month = NULL;
    const char *format = NULL;
    const char *rows = NULL;
    const char *gzip = NULL;
    const char *mapping = NULL;
    struct checking k = {.cli = cli, .input = -1};
    const struct cli_option options[] = {
        {"reference", &reference}, {"month", &month},    {"format", &format}, {"gzip", &gzip},
        {"mapping", &mapping},     {"row-count", &rows}, {NULL, NULL}};
    if (!cli_arguments(cli, argc, argv, options, &k.path, 1) || !read_option_format(&k, format) ||
        !read_option_rows(&k, rows) || !read_option_gzip(&k, gzip))
        return CLI_USAGE;
    if (!reference)
        return cli_wrong(cli, "--reference is needed: the check file of the provider and month");
    if (sodium_init() < 0)
        return cannot(&k, "the system's random source cannot be set up");
    /* Rows of patients must not reach a core file. */
    (void)setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
    buf_init(&k.out, TEXT_MAXIMUM);
    int status = check_and_print(&k, reference, month, mapping);
    end_progress(&k);
    if (k.input > STDERR_FILENO)
        (void)close(k.input);
    check_free(k.check);
    check_report_free(k.report);
    free(k.examples);
    appraisal_free(k.appraisal);
    check_file_free(&k.file);
    free(k.own);
    buf_free(&k.out);
    return status;
}
