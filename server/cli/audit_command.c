#include "cli/audit_command.h"

#include "base/json.h"
#include "base/parse.h"
#include "cli/input_file.h"
#include "proof/chain.h"
#include "proof/checkpoint.h"
#include "signing/minisign.h"
#include "signing/pem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char cli_audit_check_help[] =
    "FILE is an audit trail as the service exports it (api/formats/log.md). Checks that no link is missing, that each\n"
    "event is the one that was chained, that the chain's head is an entry of the log, and the checkpoint of the log.\n"
    "Names the first difference; ends with status 1 then.\n"
    "  --key FILE   the service's public key, PEM or minisign: the checkpoint is signed by it\n"
    "  --kept FILE  a checkpoint that you have kept of the same size: it is the same log\n";

struct trail {
    const struct cli *cli;
    int64_t seq;
    int64_t events;  /* shown */
    int64_t digests; /* of events that the asker may not see */
    struct merkle_hash hash;
    int64_t head_seq; /* that the end names; 0: none */
    struct merkle_hash head;
    json_t *lines[2]; /* the first and the last; owned */
};

static bool member_hash(const json_t *o, const char *name, struct merkle_hash *out)
{
    const char *hex = json_text(o, name);
    return hex != NULL && hex_decode(hex, strlen(hex), out->bytes, MERKLE_HASH);
}

/* One link; false: said why. */
static bool take_link(struct trail *t, const json_t *line)
{
    const json_t *event = json_object_get(line, "event");
    struct merkle_hash digest;
    size_t length = 0;
    if (json_int(line, "seq", -1) != t->seq + 1) {
        (void)cli_fail(t->cli, "link %lld is missing", (long long)t->seq + 1);
        return false;
    }
    if (event != NULL) {
        char *bytes = json_canonical(event, &length);
        if (bytes != NULL)
            digest = chain_digest(bytes, length);
        free(bytes);
        t->events += bytes != NULL;
    } else if (member_hash(line, "digest", &digest)) {
        t->digests++;
    } else {
        (void)cli_fail(t->cli, "link %lld holds neither an event nor a digest", (long long)t->seq + 1);
        return false;
    }
    t->hash = chain_link(&t->hash, &digest);
    t->seq++;
    if (t->seq == t->head_seq && !merkle_same(&t->hash, &t->head)) {
        (void)cli_fail(t->cli, "the chain up to link %lld is not the one whose head is in the log", (long long)t->seq);
        return false;
    }
    return true;
}

static bool take_first(struct trail *t, json_t *line)
{
    const char *purpose = json_text(line, "@purpose");
    t->lines[0] = json_incref(line);
    t->seq = json_int(line, "after", -1);
    bool good = purpose != NULL && strcmp(purpose, "reckoner/audit-trail/1") == 0 && t->seq >= 0 &&
                member_hash(line, "before", &t->hash);
    if (!good)
        (void)cli_fail(t->cli, "the first line is not that of an audit trail");
    return good;
}

static bool take_line(struct trail *t, json_t *line)
{
    if (t->lines[0] == NULL)
        return take_first(t, line);
    if (t->lines[1] != NULL) {
        (void)cli_fail(t->cli, "something stands behind the end");
        return false;
    }
    if (json_object_get(line, "checkpoint") == NULL)
        return take_link(t, line);
    t->lines[1] = json_incref(line);
    return true;
}

/* The file line by line, each call of take with one. */
static bool each_line(struct trail *t, const char *path, bool (*take)(struct trail *t, json_t *line))
{
    char *text = NULL;
    size_t room = 0;
    ssize_t length = 0;
    bool good = true;
    FILE *file = fopen(path, "re");
    if (file == NULL) {
        (void)cli_fail(t->cli, "%s cannot be read", path);
        return false;
    }
    while (good && (length = getline(&text, &room, file)) > 0) {
        struct json_problem problem;
        size_t n = (size_t)length - (text[length - 1] == '\n');
        json_t *line = json_read(text, n, &problem);
        good = line != NULL && take(t, line);
        if (line == NULL)
            (void)cli_fail(t->cli, "behind link %lld stands a line that is no JSON: %s", (long long)t->seq,
                           problem.message);
        json_decref(line);
    }
    free(text);
    (void)fclose(file);
    return good;
}

/* Before the chain is walked: which head the end names. */
static bool find_head(struct trail *t, json_t *line)
{
    const json_t *head = json_object_get(line, "head");
    const json_t *entry = json_object_get(head, "entry");
    if (json_object_get(line, "checkpoint") != NULL && entry != NULL && member_hash(entry, "hash", &t->head))
        t->head_seq = json_int(entry, "seq", 0);
    return true;
}

/* --------------------------------------------------------------------------------------------------------- the log */

static bool join_note(const json_t *lines, struct buf *out)
{
    size_t i = 0;
    json_t *line = NULL;
    bool good = json_is_array(lines) && json_array_size(lines) > 0;
    json_array_foreach(lines, i, line) good =
        good && json_is_string(line) && buf_append_text(out, json_string_value(line)) && buf_append_char(out, '\n');
    return good;
}

static bool included(const json_t *head, const struct checkpoint *c)
{
    struct merkle_proof proof = {.count = 0};
    const json_t *list = json_object_get(head, "path");
    const json_t *entry = json_object_get(head, "entry");
    int64_t index = json_int(head, "index", -1);
    size_t length = 0;
    if (index < 0 || !json_is_array(list) || json_array_size(list) > MERKLE_PROOF_MAX)
        return false;
    for (size_t i = 0; i < json_array_size(list); i++) {
        const char *hex = json_string_value(json_array_get(list, i));
        if (hex == NULL || !hex_decode(hex, strlen(hex), proof.hash[proof.count++].bytes, MERKLE_HASH))
            return false;
    }
    char *bytes = json_canonical(entry, &length);
    if (bytes == NULL)
        return false;
    const struct merkle_hash leaf = merkle_leaf(bytes, length);
    free(bytes);
    return merkle_inclusion_holds(&leaf, (uint64_t)index, c->size, &proof, &c->root);
}

static int check_key(const struct cli *cli, const struct buf *note, const struct checkpoint_note *n, const char *path)
{
    struct buf file;
    struct public_key key;
    if (!input_file_read(cli, path, &file))
        return CLI_FAILED;
    bool read =
        minisign_public_parse(file.data, file.length, &key) || pem_public_parse(file.data, file.length, key.key);
    buf_free(&file);
    if (!read || !note_signed_by(note->data, n, n->checkpoint.origin, NOTE_ED25519, key.key, NULL))
        return cli_fail(cli, "the checkpoint is not signed by the key in %s", path);
    (void)printf("good         signature: the checkpoint is this key's\n");
    return CLI_DONE;
}

static int check_kept(const struct cli *cli, const struct checkpoint *c, const char *path)
{
    struct buf file;
    struct checkpoint_note kept;
    const char *where = "";
    if (!input_file_read(cli, path, &file))
        return CLI_FAILED;
    bool read = checkpoint_read(file.data, file.length, &kept, &where);
    buf_free(&file);
    if (!read)
        return cli_fail(cli, "%s is no checkpoint: %s", path, where);
    if (kept.checkpoint.size != c->size || strcmp(kept.checkpoint.origin, c->origin) != 0)
        return cli_fail(cli, "%s is not of the log and size of this trail (%llu leaves)", path,
                        (unsigned long long)c->size);
    if (!merkle_same(&kept.checkpoint.root, &c->root))
        return cli_fail(cli, "FORK: the checkpoint that was kept has another root");
    (void)printf("good         kept: the checkpoint is the one that was kept\n");
    return CLI_DONE;
}

static int check_log(struct trail *t, const char *key, const char *kept)
{
    const json_t *end = t->lines[1];
    const json_t *head = json_object_get(end, "head");
    struct checkpoint_note note;
    struct merkle_hash stated;
    const char *where = "";
    struct buf text;
    buf_init(&text, NOTE_SIZE_MAX);
    int status = CLI_DONE;
    if (!member_hash(end, "hash", &stated) || !merkle_same(&stated, &t->hash) || json_int(end, "links", -1) != t->seq)
        status = cli_fail(t->cli, "the end is not that of these links");
    else if (json_is_null(head))
        (void)printf("not checked  log: no head of the chain is in the log yet\n");
    else if (!join_note(json_object_get(end, "checkpoint"), &text) ||
             !checkpoint_read(text.data, text.length, &note, &where))
        status = cli_fail(t->cli, "the checkpoint cannot be read: %s", where);
    else if (!included(head, &note.checkpoint))
        status = cli_fail(t->cli, "the head of the chain is not in the log of the checkpoint");
    else
        (void)printf("good         log: the head at link %lld is in the log of %llu leaves\n", (long long)t->head_seq,
                     (unsigned long long)note.checkpoint.size);
    if (status == CLI_DONE && !json_is_null(head) && key != NULL)
        status = check_key(t->cli, &text, &note, key);
    else if (status == CLI_DONE)
        (void)printf("not checked  signature: --key names the service's public key\n");
    if (status == CLI_DONE && !json_is_null(head) && kept != NULL)
        status = check_kept(t->cli, &note.checkpoint, kept);
    buf_free(&text);
    return status;
}

int cli_audit_check(struct cli *cli, int argc, char **argv)
{
    const char *path = NULL;
    const char *key = NULL;
    const char *kept = NULL;
    struct trail t = {.cli = cli};
    const struct cli_option options[] = {{"key", &key}, {"kept", &kept}, {NULL, NULL}};
    if (!cli_arguments(cli, argc, argv, options, &path, 1))
        return CLI_USAGE;
    int status = CLI_FAILED;
    bool walked = each_line(&t, path, find_head) && each_line(&t, path, take_line);
    if (walked && t.lines[1] == NULL)
        (void)cli_fail(cli, "the end of the trail is missing behind link %lld", (long long)t.seq);
    else if (walked) {
        (void)printf("good         chain: links to %lld, %lld events and %lld digests of others\n", (long long)t.seq,
                     (long long)t.events, (long long)t.digests);
        status = check_log(&t, key, kept);
    }
    json_decref(t.lines[0]);
    json_decref(t.lines[1]);
    return status;
}
