/* Beginning again after a restore: the highest checkpoint that anybody holds says how much was lost, the recovery entry
 * tells everybody, and numbers of documents that were given and lost are never given again. */
#include "base/log_state.h"
#include "base/parse.h"
#include "cli/fsck.h"
#include "cli/fsck_part.h"
#include "cli/input_file.h"
#include "proof/checkpoint.h"
#include "signing/minisign.h"
#include "signing/pem.h"
#include "store/signing_key.h"
#include "store/vouch.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

struct recovering {
    struct cli *cli;
    struct pg *pg;
    struct log_head kept;
    struct log_head restored;
    struct log_state state; /* of this machine, where it has one */
    const char *numbers;    /* as they were given; NULL: none */
    struct buf providers;   /* array literals for the store */
    struct buf last;
    enum pg_status fetched;
};

/* ---------------------------------------------------------------------------------------------------- the checkpoint
 */

static bool signed_by(const struct buf *text, const struct checkpoint_note *note, const uint8_t key[PUBLIC_KEY_SIZE])
{
    return note_signed_by(text->data, note, note->checkpoint.origin, NOTE_ED25519, key, NULL);
}

static bool signed_by_known(struct recovering *r, const struct buf *text, const struct checkpoint_note *note,
                            enum pg_status *status)
{
    PGresult *keys = NULL;
    bool good = false;
    *status = signing_key_list(r->pg, NULL, &keys);
    for (int row = 0; *status == PG_OK && !good && row < PQntuples(keys); row++) {
        uint8_t key[PUBLIC_KEY_SIZE];
        good = pg_bytes(keys, row, "public_key", key, sizeof key) == (int)sizeof key && signed_by(text, note, key);
    }
    PQclear(keys);
    return good;
}

static bool signed_by_file(const struct recovering *r, const struct buf *text, const struct checkpoint_note *note,
                           const char *path)
{
    struct buf file;
    struct public_key key;
    if (!input_file_read(r->cli, path, &file))
        return false;
    bool good =
        minisign_public_parse(file.data, file.length, &key) || pem_public_parse(file.data, file.length, key.key);
    buf_free(&file);
    return good && signed_by(text, note, key.key);
}

static int read_checkpoint(struct recovering *r, const char *path, const char *key)
{
    struct buf text;
    struct checkpoint_note note;
    const char *where = "";
    enum pg_status status = PG_OK;
    int result = CLI_DONE;
    if (!input_file_read(r->cli, path, &text))
        return CLI_FAILED;
    if (!checkpoint_read(text.data, text.length, &note, &where))
        result = cli_fail(r->cli, "%s is no checkpoint: %s", path, where);
    else if (strcmp(note.checkpoint.origin, r->cli->config.log_origin) != 0)
        result = cli_fail(r->cli, "%s is of the log %s, and log_origin is %s", path, note.checkpoint.origin,
                          r->cli->config.log_origin);
    else if (key != NULL ? !signed_by_file(r, &text, &note, key) : !signed_by_known(r, &text, &note, &status))
        result = status != PG_OK ? cli_fail_store(r->cli, status)
                                 : cli_fail(r->cli, "%s is not signed by %s", path,
                                            key != NULL ? "that key" : "a key that the database knows; try --key");
    if (result == CLI_DONE) {
        r->kept.size = (int64_t)note.checkpoint.size;
        memcpy(r->kept.root, note.checkpoint.root.bytes, sizeof r->kept.root);
    }
    buf_free(&text);
    return result;
}

/* What this machine has seen may be higher than what any keeper holds. */
static int read_state(struct recovering *r)
{
    char problem[600];
    char path[4096];
    const char *folder = r->cli->config.state_dir;
    int n = snprintf(path, sizeof path, "%s/log.json", folder);
    if (n <= 0 || (size_t)n >= sizeof path || access(path, F_OK) != 0)
        return CLI_DONE;
    if (!log_state_load(folder, &r->state, problem, sizeof problem))
        return cli_fail(r->cli, "%s", problem);
    if (r->state.seen.size > r->kept.size)
        r->kept = r->state.seen;
    if (r->state.begun.size > r->kept.size)
        r->kept = r->state.begun;
    return CLI_DONE;
}

/* -------------------------------------------------------------------------------------------------------- the database
 */

static bool fetch_node(void *context, unsigned level, uint64_t index, struct merkle_hash *hash)
{
    struct recovering *r = context;
    r->fetched = log_node(r->pg, level, (int64_t)index, hash->bytes);
    return r->fetched == PG_OK;
}

static enum pg_status root_of(struct recovering *r, int64_t size, uint8_t root[LOG_STATE_HASH])
{
    struct merkle_edge edge;
    if (!merkle_edge_load(&edge, (uint64_t)size, fetch_node, r))
        return r->fetched == PG_OK ? PG_FAILED : r->fetched;
    const struct merkle_hash made = merkle_edge_root(&edge);
    memcpy(root, made.bytes, LOG_STATE_HASH);
    return PG_OK;
}

/* The number given for a provider in "RXA=45,RXB=3"; -1: none. */
static int64_t number_given(const char *numbers, const char *provider)
{
    size_t length = strlen(provider);
    while (numbers != NULL && *numbers != '\0') {
        const char *end = strchrnul(numbers, ',');
        int64_t number = -1;
        if (strncmp(numbers, provider, length) == 0 && numbers[length] == '=' &&
            parse_i64_within(numbers + length + 1, (size_t)(end - numbers) - length - 1, 0, INT64_C(1) << 40, &number))
            return number;
        numbers = *end == ',' ? end + 1 : end;
    }
    return -1;
}

static bool add_number(struct recovering *r, const char *provider, int64_t last)
{
    const char *comma = r->providers.length > 1 ? "," : "";
    return buf_append_format(&r->providers, "%s\"%s\"", comma, provider) &&
           buf_append_format(&r->last, "%s%lld", comma, (long long)last);
}

/* The last number of every provider that ever numbered anything, by the database, this machine, or who was asked. */
static int gather_numbers(struct recovering *r)
{
    PGresult *counters = NULL;
    int result = CLI_DONE;
    enum pg_status status = vouch_counters(r->pg, &counters);
    bool room = buf_append_char(&r->providers, '{') && buf_append_char(&r->last, '{');
    for (int row = 0; status == PG_OK && result == CLI_DONE && row < PQntuples(counters); row++) {
        const char *provider = pg_text(counters, row, "provider");
        int64_t given = number_given(r->numbers, provider);
        int64_t seen = r->state.there ? json_int(r->state.numbers, provider, -1) : -1;
        if (given < 0 && seen < 0)
            result =
                cli_fail(r->cli,
                         "nobody said which number %s gave last (the database knows %s): ask for its newest document,"
                         " and add --numbers %s=NUMBER",
                         provider, pg_text(counters, row, "last"), provider);
        room = room && add_number(r, provider, given > seen ? given : seen);
    }
    const char *provider = NULL;
    json_t *number = NULL;
    json_object_foreach(r->state.numbers, provider, number)
    {
        if (strstr(r->providers.data, provider) == NULL) /* its counter itself was lost */
            room = room && add_number(r, provider, json_integer_value(number));
    }
    room = room && buf_append_char(&r->providers, '}') && buf_append_char(&r->last, '}');
    PQclear(counters);
    if (status != PG_OK)
        return cli_fail_store(r->cli, status);
    return room ? result : cli_fail(r->cli, "memory ran out");
}

static enum pg_status recover(struct recovering *r, const struct admin_act *act, int64_t *voided)
{
    enum pg_status status = log_lock(r->pg);
    if (status == PG_OK)
        status = log_size(r->pg, &r->restored.size);
    if (status == PG_OK)
        status = root_of(r, r->restored.size, r->restored.root);
    const struct recovery q = {.at = act->at,
                               .kept_size = r->kept.size,
                               .kept_root = r->kept.root,
                               .restored_size = r->restored.size,
                               .restored_root = r->restored.root,
                               .providers = r->providers.data,
                               .numbers = r->last.data,
                               .system_user = act->system_user};
    return status == PG_OK ? vouch_recover(r->pg, &q, voided) : status;
}

static int write_recovery(struct recovering *r)
{
    struct admin_act act;
    int64_t voided = 0;
    if (!cli_act(r->cli, &act))
        return CLI_FAILED;
    enum pg_status status = pg_begin(r->pg);
    if (status == PG_OK)
        status = recover(r, &act, &voided);
    if (status == PG_OK)
        status = pg_commit(r->pg);
    if (status == PG_NONE) {
        pg_rollback(r->pg);
        return cli_fail(r->cli, "a worker is appending to the log; run this again");
    }
    if (status != PG_OK)
        return cli_fail_store(r->cli, status);
    int64_t lost = r->kept.size > r->restored.size ? r->kept.size - r->restored.size : 0;
    (void)printf("Recovered: %lld entries of the log are lost (%lld were seen, %lld are here), %lld numbers voided.\n",
                 (long long)lost, (long long)r->kept.size, (long long)r->restored.size, (long long)voided);
    return CLI_DONE;
}

int fsck_recover(struct fsck *f, const char *checkpoint, const char *numbers, const char *key)
{
    struct recovering r = {.cli = f->cli, .pg = f->cli->pg, .numbers = numbers};
    buf_init(&r.providers, 1024 * 1024);
    buf_init(&r.last, 1024 * 1024);
    enum pg_status status = pg_connect(r.pg);
    int result = status == PG_OK ? read_checkpoint(&r, checkpoint, key) : cli_fail_store(f->cli, status);
    if (result == CLI_DONE)
        result = read_state(&r);
    if (result == CLI_DONE)
        result = gather_numbers(&r);
    if (result == CLI_DONE)
        result = fsck_check_all(f, NULL);
    r.pg = f->cli->pg; /* the check has opened another connection */
    if (result == CLI_DONE)
        result = write_recovery(&r);
    else
        (void)cli_fail(f->cli, "nothing was recovered");
    log_state_free(&r.state);
    buf_free(&r.providers);
    buf_free(&r.last);
    return result;
}
