#include "cli/sample_command.h"

#include "base/parse.h"
#include "cli/bundle_given.h"
#include "cli/input_file.h"
#include "domain/money.h"
#include "proof/sample_population.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

const char cli_sample_help[] =
    "Draws rows from a bundle by the root of its checkpoint and your nonce, so that neither side chose them, and "
    "writes\n"
    "the working paper. Choose the nonce before the checkpoint is known, and give its SHA-256 to both parties then.\n"
    "  --method METHOD  random: every row has the same chance; mus: every pound (monetary units)\n"
    "  --size N         rows, or hits; 1 to 2000\n"
    "  --nonce X        1 to 64 letters, digits, dots, hyphens, underscores\n"
    "  --paper FILE     the working paper, CSV; a file that is there already is not overwritten\n";
const char cli_sample_evaluate_help[] =
    "Reads a working paper that was filled in, draws the sample again from the bundle and says what it comes to: "
    "agreement\n"
    "of the second rater, pounds of error, and what they mean for all rows, by team.\n"
    "  --bundle FILE      the bundle that the sample was drawn from\n"
    "  --confidence N     80, 90 or 95 (the default) per cent\n"
    "  --json             the result as canonical JSON\n";

/* A population with a sample of it. */
struct drawn {
    struct given bundle;
    struct sample_population_of *p;
    struct sample s;
    struct sample_detail *details;
};

static void drawn_free(struct drawn *d)
{
    sample_free(&d->s);
    free(d->details);
    population_close(d->p);
    given_unmap(&d->bundle);
}

static bool draw(const struct cli *cli, const char *bundle, enum sample_method method, int32_t size, const char *nonce,
                 struct drawn *out)
{
    char trouble[BUNDLE_TROUBLE_SIZE];
    uint8_t seed[SAMPLE_SEED];
    out->p = given_map(bundle, &out->bundle, trouble) ? population_open(&out->bundle, trouble) : NULL;
    if (out->p == NULL) {
        (void)cli_fail(cli, "%s", trouble);
        return false;
    }
    population_seed(out->p, nonce, seed);
    enum sample_status status = sample_draw(population_frame(out->p), method, size, seed, &out->s);
    if (status != SAMPLE_DONE) {
        (void)cli_fail(cli, "%s", sample_why_not(status));
        return false;
    }
    out->details = calloc((size_t)out->s.count, sizeof *out->details);
    if (out->details != NULL && population_details(out->p, &out->s, out->details))
        return true;
    (void)cli_fail(cli, "memory ran out");
    return false;
}

static bool write_paper(const struct cli *cli, const struct drawn *d, const char *nonce, const char *path)
{
    struct buf text;
    buf_init(&text, SAMPLE_PAPER_MAX);
    bool written = sample_paper_write(&d->s, population_frame(d->p), nonce, d->details, &text);
    if (!written) {
        (void)cli_fail(cli, "memory ran out");
    } else {
        int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
        written = fd >= 0 && write(fd, text.data, text.length) == (ssize_t)text.length && fsync(fd) == 0;
        if (!written)
            (void)cli_fail(cli, "%s cannot be written: %s", path, strerror(errno));
        if (fd >= 0 && close(fd) != 0 && written)
            written = false;
    }
    buf_free(&text);
    return written;
}

static void say_drawn(const struct drawn *d, const char *path)
{
    const struct sample_population *p = &d->s.population;
    char all[MONEY_TEXT_SIZE];
    char reached[MONEY_TEXT_SIZE];
    char seed[2 * SAMPLE_SEED + 1];
    money_format(p->pence, all);
    money_format(p->reached_pence, reached);
    hex_encode(d->s.seed, SAMPLE_SEED, seed);
    (void)printf("population  %lld rows, %s: the activity lines of the statement\n", (long long)p->rows, all);
    if (d->s.method == SAMPLE_MUS)
        (void)printf("reached     %lld rows, %s; %lld rows of 0 and %lld of less are not reached\n",
                     (long long)p->reached_rows, reached, (long long)p->zero_rows, (long long)p->negative_rows);
    (void)printf(
        "seed        %s\n%d rows are in %s: fill in its last three columns, then `reckoner sample evaluate`.\n", seed,
        d->s.count, path);
}

int cli_sample(struct cli *cli, int argc, char **argv)
{
    const char *bundle = NULL, *method_name = NULL, *size_text = NULL, *nonce = NULL, *path = NULL;
    const struct cli_option options[] = {
        {"method", &method_name}, {"size", &size_text}, {"nonce", &nonce}, {"paper", &path}, {NULL, NULL}};
    enum sample_method method;
    int64_t size;
    struct drawn d = {0};
    if (!cli_arguments(cli, argc, argv, options, &bundle, 1))
        return CLI_USAGE;
    if (method_name == NULL || size_text == NULL || nonce == NULL || path == NULL)
        return cli_wrong(cli, "--method, --size, --nonce and --paper are needed");
    if (!sample_method_parse(method_name, &method))
        return cli_wrong(cli, "--method is random or mus");
    if (!parse_i64_within(size_text, strlen(size_text), 1, SAMPLE_SIZE_MAX, &size))
        return cli_wrong(cli, "--size is a number from 1 to %d", SAMPLE_SIZE_MAX);
    if (!sample_nonce_good(nonce, strlen(nonce)))
        return cli_wrong(cli, "--nonce is 1 to 64 letters, digits, dots, hyphens and underscores");
    bool done = draw(cli, bundle, method, (int32_t)size, nonce, &d) && write_paper(cli, &d, nonce, path);
    if (done)
        say_drawn(&d, path);
    drawn_free(&d);
    return done ? CLI_DONE : CLI_FAILED;
}

/* The result in words */

static void say_pence(const char *name, const json_t *o, const char *low, const char *middle, const char *high)
{
    char text[MONEY_TEXT_SIZE];
    if (json_object_get(o, middle) == NULL)
        return;
    money_format(json_int(o, middle, 0), text);
    (void)printf("  %-22s %s", name, text);
    if (low != NULL && json_is_integer(json_object_get(o, low))) {
        money_format(json_int(o, low, 0), text);
        (void)printf(", from %s", text);
    }
    if (high != NULL && json_is_integer(json_object_get(o, high))) {
        money_format(json_int(o, high, 0), text);
        (void)printf("%s %s", low == NULL ? ", at most" : " to", text);
    }
    (void)printf("\n");
}

static void say_part(const json_t *part)
{
    const json_t *agreement = json_object_get(part, "agreement");
    const json_t *errors = json_object_get(part, "errors");
    const json_t *estimate = json_object_get(part, "estimate");
    char rate[32];
    (void)printf("  %-22s %lld of %lld", "second rater agreed", (long long)json_int(agreement, "agreed", 0),
                 (long long)json_int(agreement, "compared", 0));
    if (json_is_integer(json_object_get(agreement, "rate_ppm"))) {
        format_percent_ppm(json_int(agreement, "rate_ppm", 0), rate);
        (void)printf(", %s", rate);
        format_percent_ppm(json_int(agreement, "disagreement_upper_ppm", 0), rate);
        (void)printf("; at most %s disagree", rate);
    }
    (void)printf("\n");
    say_pence("found, gross", errors, NULL, "gross_pence", NULL);
    say_pence("found, net", errors, NULL, "net_pence", NULL);
    say_pence("of all, gross", estimate, "gross_low_pence", "gross_pence", "gross_high_pence");
    say_pence("of all, net", estimate, "net_low_pence", "net_pence", "net_high_pence");
    say_pence("of all, too much", estimate, NULL, "over_pence", "over_upper_pence");
    say_pence("of all, too little", estimate, NULL, "under_pence", "under_upper_pence");
}

static void say_result(const json_t *result)
{
    size_t i;
    json_t *team;
    json_t *note;
    (void)printf("%lld picks, %lld examined; stated with %lld %% confidence\n",
                 (long long)json_int(json_object_get(result, "errors"), "picks", 0),
                 (long long)json_int(json_object_get(result, "errors"), "examined", 0),
                 (long long)json_int(result, "confidence", 0));
    say_part(result);
    json_array_foreach(json_object_get(result, "by_team"), i, team)
    {
        const char *name = json_text(team, "team");
        (void)printf("team %s\n", name == NULL || name[0] == '\0' ? "(none)" : name);
        say_part(team);
    }
    json_array_foreach(json_object_get(result, "notes"), i, note)(void) printf("note: %s\n", json_string_value(note));
}

static int report(const struct cli *cli, const json_t *result, bool json)
{
    size_t length = 0;
    char *bytes = json ? json_canonical(result, &length) : NULL;
    if (result == NULL || (json && bytes == NULL))
        return cli_fail(cli, "memory ran out, or an amount found is beyond what a sample can evaluate");
    if (json)
        (void)printf("%s\n", bytes);
    else
        say_result(result);
    free(bytes);
    return CLI_DONE;
}

static int fail_paper(const struct cli *cli, const char *path, const struct sample_problem *problem)
{
    return cli_fail(cli, "%s, line %lld%s%s: %s", path, (long long)problem->line, problem->column == NULL ? "" : ", ",
                    problem->column == NULL ? "" : problem->column, problem->message);
}

static int evaluate(const struct cli *cli, const struct drawn *d, const struct sample_heading *h, const char *path,
                    const struct buf *paper, int32_t confidence, bool json)
{
    const struct sample_context context = {population_statement(d->p), h->nonce, confidence};
    struct sample_problem problem;
    struct sample_judgement *judgements = calloc((size_t)d->s.count, sizeof *judgements);
    struct sample_found *found = calloc((size_t)d->s.count, sizeof *found);
    int status = CLI_FAILED;
    if (judgements == NULL || found == NULL) {
        status = cli_fail(cli, "memory ran out");
    } else if (!sample_paper_read(paper->data, paper->length, &d->s, population_frame(d->p), h->nonce, d->details,
                                  judgements, &problem)) {
        status = fail_paper(cli, path, &problem);
    } else if (!population_judge(d->p, &d->s, judgements, found)) {
        status = cli_fail(cli, "memory ran out, or an amount is beyond 64 bits");
    } else {
        json_t *result = sample_result(&d->s, population_frame(d->p), found, &context);
        status = report(cli, result, json);
        json_decref(result);
    }
    free(judgements);
    free(found);
    return status;
}

int cli_sample_evaluate(struct cli *cli, int argc, char **argv)
{
    const char *path = NULL, *bundle = NULL, *confidence_text = "95";
    const struct cli_option options[] = {{"bundle", &bundle}, {"confidence", &confidence_text}, {NULL, NULL}};
    bool json = cli_take_flag(&argc, argv, "--json");
    struct sample_heading heading;
    struct sample_problem problem;
    struct drawn d = {0};
    struct buf paper;
    int64_t confidence;
    if (!cli_arguments(cli, argc, argv, options, &path, 1))
        return CLI_USAGE;
    if (bundle == NULL)
        return cli_wrong(cli, "--bundle is needed");
    if (!parse_i64_within(confidence_text, strlen(confidence_text), 80, 95, &confidence) ||
        !sample_confidence_known((int32_t)confidence))
        return cli_wrong(cli, "--confidence is 80, 90 or 95");
    if (!input_file_read(cli, path, &paper))
        return CLI_FAILED;
    int status = CLI_FAILED;
    if (!sample_paper_heading(paper.data, paper.length, &heading, &problem))
        status = fail_paper(cli, path, &problem);
    else if (draw(cli, bundle, heading.method, heading.size, heading.nonce, &d))
        status = evaluate(cli, &d, &heading, path, &paper, (int32_t)confidence, json);
    drawn_free(&d);
    buf_free(&paper);
    return status;
}
