#include "cli/demo_data.h"

#include "base/json.h"
#include "base/parse.h"
#include "cli/demo_fault.h"
#include "cli/demo_random.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define REFUSED_ROWS 200

static const char usage[] =
    "reckoner demo-data --out FOLDER [--seed N] [--scale PERCENT] [--casemix FILE]\n"
    "reckoner demo-data --out FOLDER --rows N [--seed N] [--casemix FILE]\n"
    "  Writes made-up uploads of the trusts RXA and RXB for April to June 2012, and manifest.json: how many findings "
    "of\n"
    "  which rule each holds. Same arguments, same bytes. NHS numbers are from the 999 test range.\n"
    "  --scale  size of the trusts; 100 (the default) is 20,400 and 3,000 open episodes\n"
    "  --rows   instead, one upload of RXA for April with exactly N rows\n"
    "  --casemix  weights by cluster, default deploy/demo/casemix.csv\n";

struct options {
    const char *out;
    const char *casemix;
    int64_t seed;
    int64_t scale;
    int64_t rows;
};

/* The uploads of one month. */
enum demo_stage {
    DEMO_FIRST_UPLOAD, /* all faults */
    DEMO_CORRECTED,    /* most mended */
    DEMO_LATE_ROWS,    /* as corrected, with the rows that were recorded late */
    DEMO_AFTER_FREEZE  /* as the last, with ward W3's bed days mended */
};

struct upload {
    const struct demo_file_scene *scene;
    struct demo_population *population;
    enum demo_stage stage;
    uint32_t rows;
    uint32_t error_rows;
    uint32_t caseload;
    uint32_t limit; /* rows at most; 0 = all */
    json_t *findings;
};

static const char *const stage_names[] = {"first", "corrected", "late", "after-freeze"};

static bool fail(const char *what, const char *path)
{
    (void)fprintf(stderr, "reckoner demo-data: %s %s: %s\n", what, path, strerror(errno));
    return false;
}

static bool read_case_mix(const char *path, struct demo_case_mix *mix)
{
    *mix = (struct demo_case_mix){0};
    FILE *file = fopen(path, "r");
    if (file == NULL) {
        return fail("cannot open", path);
    }
    char line[100];
    bool good = fgets(line, sizeof line, file) != NULL;
    while (good && fgets(line, sizeof line, file) != NULL) {
        int64_t cluster = 0;
        int64_t patients = 0;
        size_t length = strcspn(line, "\r\n");
        good = length > 3 && line[2] == ',' && parse_i64_within(line, 2, 0, DEMO_CLUSTERS - 1, &cluster) &&
               parse_i64_within(line + 3, length - 3, 0, 1000000, &patients);
        if (good) {
            mix->weight[cluster] = (uint32_t)patients;
            mix->total += (uint32_t)patients;
        }
    }
    good = good && ferror(file) == 0 && mix->total > 0;
    if (!good) {
        (void)fprintf(stderr, "reckoner demo-data: %s is not a case-mix: lines of cluster,patients are expected\n",
                      path);
    }
    return fclose(file) == 0 && good;
}

static bool count_fault(struct upload *u, const struct demo_fault *fault)
{
    for (int i = 0; i < DEMO_FAULT_RULES && fault->rules[i] != NULL; i++) {
        int64_t before = json_int(u->findings, fault->rules[i], 0);
        if (!json_put(u->findings, fault->rules[i], json_integer(before + 1))) {
            return false;
        }
    }
    u->error_rows += fault->error_rows;
    return true;
}

static bool write_episode(struct upload *u, FILE *file, uint32_t index)
{
    const struct demo_episode *e = &u->population->episodes[index];
    month_t m = u->scene->month;
    struct demo_row row;
    struct demo_row companion;
    demo_row_make(&row, u->scene, e, index);
    u->rows++;
    u->caseload += (e->end == DATE_NONE || e->end > month_last(m)) ? 1 : 0;
    bool mended = u->stage != DEMO_FIRST_UPLOAD && !e->fault_stays;
    bool no_room = u->limit > 0 && u->rows >= u->limit; /* for a companion */
    if (e->fault == 0 || mended || no_room) {
        return demo_write_row(file, &row);
    }
    bool two = demo_spoil(&row, &companion, e, m);
    u->rows += two ? 1 : 0;
    return count_fault(u, demo_fault_kind(e->fault)) && demo_write_row(file, &row) &&
           (!two || demo_write_row(file, &companion));
}

static bool is_sent(const struct upload *u, const struct demo_episode *e)
{
    bool not_yet_recorded = e->late && month_of(e->start) == u->scene->month && u->stage < DEMO_LATE_ROWS;
    return demo_in_month(e, u->scene->month) && !not_yet_recorded;
}

static bool write_file(struct upload *u, const char *path)
{
    FILE *file = fopen(path, "w");
    if (file == NULL) {
        return fail("cannot write", path);
    }
    bool good = demo_write_header(file);
    for (uint32_t i = 0; good && i < u->population->count && (u->limit == 0 || u->rows < u->limit); i++) {
        good = !is_sent(u, &u->population->episodes[i]) || write_episode(u, file, i);
    }
    good = fclose(file) == 0 && good;
    return good || fail("cannot write", path);
}

static json_t *manifest_entry(const struct upload *u, const char *name, const char *stage, const char *outcome)
{
    char month[8];
    month_format(u->scene->month, month);
    return json_pack("{s:s, s:s, s:s, s:s, s:s, s:I, s:I, s:I, s:O}", "file", name, "provider", u->scene->trust->code,
                     "month", month, "stage", stage, "outcome", outcome, "rows", (json_int_t)u->rows, "error_rows",
                     (json_int_t)u->error_rows, "caseload", (json_int_t)u->caseload, "findings", u->findings);
}

static bool write_upload(const struct options *o, const struct demo_file_scene *scene, struct demo_population *p,
                         enum demo_stage stage, json_t *files)
{
    char month[8];
    char name[60];
    char path[4096];
    month_format(scene->month, month);
    (void)snprintf(name, sizeof name, "%s-%s-%d-%s.csv", scene->trust->code, month, (int)stage + 1, stage_names[stage]);
    if (snprintf(path, sizeof path, "%s/%s", o->out, name) >= (int)sizeof path) {
        errno = ENAMETOOLONG;
        return fail("cannot write into", o->out);
    }
    struct upload u = {.scene = scene, .population = p, .stage = stage, .findings = json_object()};
    u.limit = (uint32_t)o->rows;
    bool good = u.findings != NULL && write_file(&u, path) &&
                json_array_append_new(files, manifest_entry(&u, name, stage_names[stage], "accepted")) == 0;
    json_decref(u.findings);
    return good;
}

/* The first attempt of the small trust: four faults that each refuse the whole file. */
static bool write_refused(const struct options *o, const struct demo_file_scene *scene, struct demo_population *p,
                          json_t *files)
{
    static const char name[] = "RXB-2012-04-0-refused.csv";
    char path[4096];
    if (snprintf(path, sizeof path, "%s/%s", o->out, name) >= (int)sizeof path) {
        errno = ENAMETOOLONG;
        return fail("cannot write into", o->out);
    }
    struct upload u = {.scene = scene, .population = p};
    u.findings = json_pack("{s:i, s:i, s:i, s:i}", "F04", 1, "F09", 1, "F10", 1, "F11", 1);
    FILE *file = fopen(path, "w");
    if (file == NULL || u.findings == NULL) {
        json_decref(u.findings);
        return (file != NULL && fclose(file) != 0) || fail("cannot write", path);
    }
    bool good = demo_write_header(file);
    struct demo_row before = {0};
    for (uint32_t i = 0; good && u.rows < REFUSED_ROWS && i < p->count; i++) {
        struct demo_row row;
        if (!demo_in_month(&p->episodes[i], scene->month)) {
            continue;
        }
        demo_row_make(&row, scene, &p->episodes[i], i);
        switch (u.rows) {
        case 20:
            demo_row_set(&row, DEMO_MONTH, "2012-05");
            break;
        case 40:
            demo_row_set(&row, DEMO_EPISODE_ID, before.field[DEMO_EPISODE_ID]);
            break;
        case 60:
            demo_row_set(&row, DEMO_NHS_NUMBER, before.field[DEMO_NHS_NUMBER]);
            break;
        case 80:
            demo_row_set(&row, DEMO_PATIENT_ID, before.field[DEMO_PATIENT_ID]);
            break;
        default:
            break;
        }
        u.rows++;
        good = demo_write_row(file, &row);
        before = row;
    }
    good = fclose(file) == 0 && good;
    good = (good || fail("cannot write", path)) &&
           json_array_append_new(files, manifest_entry(&u, name, "refused", "refused")) == 0;
    json_decref(u.findings);
    return good;
}

static bool write_trust(const struct options *o, const struct demo_trust *trust, const struct demo_case_mix *mix,
                        json_t *files)
{
    uint64_t seed = demo_bits((uint64_t)o->seed, (uint64_t)(unsigned char)trust->prefix, 0, DEMO_CASE_MIX);
    struct demo_population p;
    if (!demo_populate(&p, trust, mix, seed, o->rows > 0 ? 1 : DEMO_MONTHS)) {
        (void)fprintf(stderr, "reckoner demo-data: out of memory\n");
        return false;
    }
    bool good = true;
    for (int k = 0; good && k < (o->rows > 0 ? 1 : DEMO_MONTHS); k++) {
        struct demo_file_scene scene = {.trust = trust, .month = demo_first_month() + k, .seed = seed};
        if (k == 0 && strcmp(trust->code, "RXB") == 0) {
            good = write_refused(o, &scene, &p, files);
        }
        demo_plant(&p, &scene);
        if (o->rows > 0) {
            good = write_upload(o, &scene, &p, DEMO_FIRST_UPLOAD, files);
            break;
        }
        for (int stage = DEMO_FIRST_UPLOAD; good && stage <= DEMO_LATE_ROWS; stage++) {
            good = write_upload(o, &scene, &p, (enum demo_stage)stage, files);
        }
        if (good && k == 0 && strcmp(trust->code, "RXA") == 0) {
            scene.bed_days_mended = true;
            good = write_upload(o, &scene, &p, DEMO_AFTER_FREEZE, files);
        }
    }
    demo_population_free(&p);
    return good;
}

static bool write_manifest(const struct options *o, json_t *files)
{
    char path[4096];
    json_t *manifest = json_pack("{s:I, s:I, s:O}", "seed", (json_int_t)o->seed, "scale_percent", (json_int_t)o->scale,
                                 "files", files);
    bool good = manifest != NULL && snprintf(path, sizeof path, "%s/manifest.json", o->out) < (int)sizeof path &&
                json_dump_file(manifest, path, JSON_INDENT(2) | JSON_SORT_KEYS) == 0;
    json_decref(manifest);
    return good || fail("cannot write the manifest into", o->out);
}

static bool write_all(const struct options *o, const struct demo_case_mix *mix)
{
    struct demo_trust trusts[] = {{.code = "RXA",
                                   .prefix = 'A',
                                   .open_at_start = (uint32_t)(20400 * o->scale / 100),
                                   .payers = {"5QE", "5QF", "5QG"},
                                   .payer_share = {45, 35, 20},
                                   .first_number = 0,
                                   .end_number = 700000},
                                  {.code = "RXB",
                                   .prefix = 'B',
                                   .open_at_start = (uint32_t)(3000 * o->scale / 100),
                                   .payers = {"5QG", NULL, NULL},
                                   .payer_share = {100, 0, 0},
                                   .first_number = 700000,
                                   .end_number = 1000000}};
    size_t count = sizeof trusts / sizeof trusts[0];
    if (o->rows > 0) {
        trusts[0].open_at_start = (uint32_t)o->rows;
        trusts[0].end_number = 1000000;
        count = 1;
    }
    json_t *files = json_array();
    bool good = files != NULL;
    for (size_t i = 0; good && i < count; i++) {
        good = write_trust(o, &trusts[i], mix, files);
    }
    good = good && write_manifest(o, files);
    json_decref(files);
    return good;
}

static bool read_number(const char *text, int64_t low, int64_t high, int64_t *out)
{
    return parse_i64_within(text, strlen(text), low, high, out);
}

static bool read_options(int argc, char **argv, struct options *o)
{
    *o = (struct options){.casemix = "deploy/demo/casemix.csv", .seed = 2012, .scale = 100};
    for (int i = 1; i + 1 < argc; i += 2) {
        const char *name = argv[i];
        const char *value = argv[i + 1];
        bool good = true;
        if (strcmp(name, "--out") == 0) {
            o->out = value;
        } else if (strcmp(name, "--casemix") == 0) {
            o->casemix = value;
        } else if (strcmp(name, "--seed") == 0) {
            good = read_number(value, 0, INT32_MAX, &o->seed);
        } else if (strcmp(name, "--scale") == 0) {
            good = read_number(value, 1, 1000, &o->scale);
        } else {
            good = strcmp(name, "--rows") == 0 && read_number(value, 1, 5000000, &o->rows);
        }
        if (!good) {
            return false;
        }
    }
    return argc % 2 == 1 && o->out != NULL;
}

int cli_demo_data(int argc, char **argv)
{
    struct options o;
    struct demo_case_mix mix;
    if (!read_options(argc, argv, &o)) {
        (void)fputs(usage, stderr);
        return 2;
    }
    if (mkdir(o.out, 0755) != 0 && errno != EEXIST) {
        (void)fail("cannot make", o.out);
        return 1;
    }
    return read_case_mix(o.casemix, &mix) && write_all(&o, &mix) ? 0 : 1;
}
