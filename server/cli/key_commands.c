#include "cli/key_commands.h"

#include "cli/input_file.h"
#include "signing/minisign.h"
#include "store/signing_key.h"

#include <stdio.h>
#include <string.h>

static bool instant_option(const struct cli *cli, const char *name, const char *text, instant_t *at)
{
    if (text == NULL || instant_parse(text, strlen(text), at))
        return true;
    (void)cli_wrong(cli, "--%s %s is not an instant like 2013-04-01T00:00:00Z", name, text);
    return false;
}

int cli_key_list(struct cli *cli, int argc, char **argv)
{
    PGresult *r = NULL;
    if (!cli_arguments(cli, argc, argv, NULL, NULL, 0))
        return CLI_USAGE;
    enum pg_status status = pg_connect(cli->pg);
    if (status == PG_OK)
        status = signing_key_list(cli->pg, NULL, &r);
    if (status != PG_OK)
        return cli_fail_store(cli, status);
    (void)printf("key               valid from                   valid to                     lost\n");
    for (int row = 0; row < PQntuples(r); row++) {
        char from[28];
        char to[28] = "";
        instant_format(pg_instant(r, row, "valid_from"), from);
        if (!pg_is_null(r, row, "valid_to"))
            instant_format(pg_instant(r, row, "valid_to"), to);
        (void)printf("%s  %-27s  %-27s  %s\n", pg_text(r, row, "key"), from, to, pg_bool(r, row, "lost") ? "lost" : "");
    }
    PQclear(r);
    return CLI_DONE;
}

int cli_key_introduce(struct cli *cli, int argc, char **argv)
{
    const char *path = NULL;
    const char *from = NULL;
    const struct cli_option options[] = {{"from", &from}, {NULL, NULL}};
    struct admin_act act;
    struct public_key key;
    struct buf file;
    char id[17];
    if (!cli_arguments(cli, argc, argv, options, &path, 1))
        return CLI_USAGE;
    if (!cli_act(cli, &act))
        return CLI_FAILED;
    instant_t valid_from = act.at;
    if (!instant_option(cli, "from", from, &valid_from))
        return CLI_USAGE;
    if (valid_from < act.at)
        return cli_wrong(cli, "--from lies in the past: a key is good from its introduction on at the earliest");
    if (!input_file_read(cli, path, &file))
        return CLI_FAILED;
    bool good = minisign_public_parse(file.data, file.length, &key);
    buf_free(&file);
    if (!good)
        return cli_fail(
            cli, "%s is no minisign public key: reckoner keygen signing --out FILE writes one beside the key", path);
    public_key_id_text(key.id, id);
    enum pg_status status = signing_key_introduce(cli->pg, &act, &key, valid_from);
    if (status == PG_DUPLICATE)
        return cli_fail(cli, "the key %s, or one of its id, is known already; reckoner key list shows it", id);
    if (status != PG_OK)
        return cli_fail_store(cli, status);
    (void)printf("%s is introduced\n", id);
    return CLI_DONE;
}

/* Ends a key; what was said about it in words. */
static int end_key(struct cli *cli, const char *id, const struct admin_act *act, instant_t at, bool lost)
{
    unsigned char bytes[KEY_ID_BYTES];
    char text[28];
    if (!public_key_id_parse(id, bytes))
        return cli_wrong(cli, "%s is no key: 16 hexadecimal digits, as reckoner key list shows them", id);
    enum pg_status status = signing_key_end(cli->pg, act, id, at, lost);
    if (status == PG_NONE)
        return cli_fail(cli, "there is no key %s; reckoner key list shows them", id);
    if (status == PG_INVALID)
        return cli_fail(cli, "the key %s was introduced later, or ended earlier, than that", id);
    if (status != PG_OK)
        return cli_fail_store(cli, status);
    instant_format(at, text);
    (void)printf("%s ends at %s%s\n", id, text, lost ? ", and is told lost" : "");
    return CLI_DONE;
}

int cli_key_retire(struct cli *cli, int argc, char **argv)
{
    const char *id = NULL;
    const char *when = NULL;
    const struct cli_option options[] = {{"at", &when}, {NULL, NULL}};
    struct admin_act act;
    if (!cli_arguments(cli, argc, argv, options, &id, 1))
        return CLI_USAGE;
    if (!cli_act(cli, &act))
        return CLI_FAILED;
    instant_t at = act.at;
    if (!instant_option(cli, "at", when, &at))
        return CLI_USAGE;
    if (at < act.at)
        return cli_wrong(
            cli, "--at lies in the past: what was signed since then would count no longer; see reckoner key lost");
    return end_key(cli, id, &act, at, false);
}

int cli_key_lost(struct cli *cli, int argc, char **argv)
{
    const char *id = NULL;
    const char *since = NULL;
    const struct cli_option options[] = {{"since", &since}, {NULL, NULL}};
    struct admin_act act;
    instant_t at = 0;
    if (!cli_arguments(cli, argc, argv, options, &id, 1))
        return CLI_USAGE;
    if (since == NULL)
        return cli_wrong(cli, "--since is needed: the first instant at which others may have had the key");
    if (!instant_option(cli, "since", since, &at))
        return CLI_USAGE;
    if (!cli_act(cli, &act))
        return CLI_FAILED;
    if (at > act.at)
        return cli_wrong(cli, "--since lies in the future");
    return end_key(cli, id, &act, at, true);
}
