#include "cli/administration.h"

#include "base/parse.h"
#include "base/token.h"
#include "domain/leak_json.h"
#include "signing/keyfile.h"

#include <sodium.h>
#include <stdio.h>
#include <string.h>

#define TOKEN_DAYS_DEFAULT 90
#define TOKEN_DAYS_MAXIMUM 366

int cli_organisation_add(struct cli *cli, int argc, char **argv)
{
    const char *p[3] = {NULL};
    const char *live_from = NULL;
    const struct cli_option options[] = {{"live-from", &live_from}, {NULL, NULL}};
    struct admin_act act;
    if (!cli_arguments(cli, argc, argv, options, p, 3))
        return CLI_USAGE;
    if (!cli_act(cli, &act))
        return CLI_FAILED;
    if (leak_in_text((struct text){p[2], strlen(p[2])}))
        return cli_fail(cli, "the name holds ten digits that could be an NHS number; leave them out");
    date_t from = month_first(financial_year_first(month_financial_year(month_of(london_date(act.at)))));
    if (live_from != NULL && !date_parse(live_from, strlen(live_from), &from))
        return cli_wrong(cli, "--live-from %s is not a date like 2012-04-01", live_from);
    enum pg_status status = admin_add_organisation(cli->pg, &act, p[0], p[1], p[2], from);
    if (status == PG_DUPLICATE)
        return cli_fail(cli, "%s is there already; reckoner organisation list shows it", p[0]);
    if (status == PG_INVALID)
        return cli_fail(cli,
                        "the database refuses (%s): the code is 3 to 6 digits and capitals, the kind provider, "
                        "commissioner, auditor, operator or controlled, the name 1 to 200 characters",
                        pg_constraint(cli->pg));
    if (status != PG_OK)
        return cli_fail_store(cli, status);
    (void)printf("%s\n", p[0]);
    return CLI_DONE;
}

static void print_organisation(void *context, const struct admin_organisation *o)
{
    (void)context;
    char from[11];
    char to[11] = "";
    date_format(o->live_from, from);
    if (o->live_to != DATE_NONE)
        date_format(o->live_to, to);
    (void)printf("%-6s  %-12s  %10s  %10s  %6lld  %s\n", o->code, o->kind, from, to, (long long)o->people, o->name);
}

int cli_organisation_list(struct cli *cli, int argc, char **argv)
{
    if (!cli_arguments(cli, argc, argv, NULL, NULL, 0))
        return CLI_USAGE;
    (void)printf("code    kind          live from   live to     people  name\n");
    enum pg_status status = admin_each_organisation(cli->pg, print_organisation, NULL);
    return status == PG_OK ? CLI_DONE : cli_fail_store(cli, status);
}

int cli_person_add(struct cli *cli, int argc, char **argv)
{
    const char *p[3] = {NULL};
    struct admin_act act;
    if (!cli_arguments(cli, argc, argv, NULL, p, 3))
        return CLI_USAGE;
    if (!cli_act(cli, &act))
        return CLI_FAILED;
    for (int i = 0; i < 3; i += 2) {
        if (leak_in_text((struct text){p[i], strlen(p[i])}))
            return cli_fail(cli, "id or name hold ten digits that could be an NHS number; leave them out");
    }
    enum pg_status status = admin_add_person(cli->pg, &act, p[0], p[1], p[2]);
    if (status == PG_NONE)
        return cli_fail(cli, "there is no organisation %s; reckoner organisation add makes one", p[1]);
    if (status == PG_DUPLICATE)
        return cli_fail(cli, "the id %s is taken; ids are unique in the service, choose another", p[0]);
    if (status == PG_INVALID)
        return cli_fail(cli,
                        "the database refuses (%s): the id is 2 to 40 small letters, digits, dots and hyphens and "
                        "begins with a letter, the name 1 to 100 characters",
                        pg_constraint(cli->pg));
    if (status != PG_OK)
        return cli_fail_store(cli, status);
    (void)printf("%s\n", p[0]);
    return CLI_DONE;
}

static int switch_person(struct cli *cli, int argc, char **argv, bool enabled)
{
    const char *person = NULL;
    struct admin_act act;
    if (!cli_arguments(cli, argc, argv, NULL, &person, 1))
        return CLI_USAGE;
    if (!cli_act(cli, &act))
        return CLI_FAILED;
    enum pg_status status = admin_switch_person(cli->pg, &act, person, enabled);
    const char *word = enabled ? "enabled" : "disabled";
    if (status == PG_NONE)
        return cli_fail(cli, "there is no person %s", person);
    if (status == PG_DUPLICATE)
        return cli_fail(cli, "%s is %s already", person, word);
    if (status != PG_OK)
        return cli_fail_store(cli, status);
    (void)printf("%s %s\n", person, word);
    return CLI_DONE;
}

int cli_person_disable(struct cli *cli, int argc, char **argv)
{
    return switch_person(cli, argc, argv, false);
}

int cli_person_enable(struct cli *cli, int argc, char **argv)
{
    return switch_person(cli, argc, argv, true);
}

int cli_token_create(struct cli *cli, int argc, char **argv)
{
    const char *person = NULL;
    const char *days_text = NULL;
    const struct cli_option options[] = {{"days", &days_text}, {NULL, NULL}};
    int64_t days = TOKEN_DAYS_DEFAULT;
    struct admin_act act;
    char error[512];
    if (!cli_arguments(cli, argc, argv, options, &person, 1))
        return CLI_USAGE;
    if (days_text != NULL && !parse_i64_within(days_text, strlen(days_text), 1, TOKEN_DAYS_MAXIMUM, &days))
        return cli_wrong(cli, "--days %s is not a whole number from 1 to %d", days_text, TOKEN_DAYS_MAXIMUM);
    if (!cli_act(cli, &act))
        return CLI_FAILED;
    unsigned char *key =
        keyfile_secret(cli->config.token_key_file, "the token key", TOKEN_KEY_BYTES, error, sizeof error);
    if (key == NULL)
        return cli_fail(cli, "%s", error);
    char token[TOKEN_SIZE];
    unsigned char hash[TOKEN_HASH_BYTES];
    token_new(token);
    token_hash(key, token, strlen(token), hash);
    sodium_free(key);
    int result = CLI_DONE;
    enum pg_status status = admin_add_token(cli->pg, &act, hash, person, days);
    if (status == PG_OK)
        (void)printf("%s\n", token);
    else if (status == PG_NONE)
        result = cli_fail(cli, "there is no person %s who may act; reckoner person add makes one", person);
    else
        result = cli_fail_store(cli, status);
    sodium_memzero(token, sizeof token);
    return result;
}

int cli_token_revoke(struct cli *cli, int argc, char **argv)
{
    const char *person = NULL;
    struct admin_act act;
    int64_t count = 0;
    if (!cli_arguments(cli, argc, argv, NULL, &person, 1))
        return CLI_USAGE;
    if (!cli_act(cli, &act))
        return CLI_FAILED;
    enum pg_status status = admin_revoke_tokens(cli->pg, &act, person, &count);
    if (status == PG_NONE)
        return cli_fail(cli, "there is no person %s", person);
    if (status != PG_OK)
        return cli_fail_store(cli, status);
    (void)printf("%lld revoked\n", (long long)count);
    return CLI_DONE;
}

int cli_auditor_appoint(struct cli *cli, int argc, char **argv)
{
    const char *p[2] = {NULL};
    struct admin_act act;
    if (!cli_arguments(cli, argc, argv, NULL, p, 2))
        return CLI_USAGE;
    if (!cli_act(cli, &act))
        return CLI_FAILED;
    enum pg_status status = admin_appoint_auditor(cli->pg, &act, p[0], p[1]);
    if (status == PG_NONE)
        return cli_fail(cli,
                        "%s must be an organisation of kind auditor and %s a provider or commissioner, or of kind "
                        "controlled and a provider; reckoner organisation list shows the kinds",
                        p[0], p[1]);
    if (status == PG_DUPLICATE)
        return cli_fail(cli, "%s is appointed for %s already", p[0], p[1]);
    if (status != PG_OK)
        return cli_fail_store(cli, status);
    (void)printf("%s is appointed for %s\n", p[0], p[1]);
    return CLI_DONE;
}
