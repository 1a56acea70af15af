#include "cli/log_commands.h"

#include "base/json.h"
#include "base/parse.h"
#include "cli/input_file.h"
#include "proof/checkpoint.h"
#include "signing/keyfile.h"
#include "signing/minisign.h"
#include "signing/pem.h"
#include "signing/sign.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

const char cli_log_keep_help[] =
    "STATE is the file that holds the last checkpoint seen; it is made on the first call and replaced on each later "
    "one, but\n"
    "only after the new checkpoint was shown to continue it. A log that was cut, changed or told differently to "
    "somebody\n"
    "else (a fork) is refused, and STATE stays as it is: keep it, it is the evidence. Ends with status 1 then.\n"
    "  --checkpoint FILE   as GET /v1/log/checkpoint serves it\n"
    "  --consistency FILE  as GET /v1/log/consistency?from=OLD&size=NEW serves it; not needed for the same size\n"
    "  --key FILE          the service's public key, PEM or minisign\n"
    "After a restore that lost entries, the log tells so itself; what was kept then goes to STATE.lost-SIZE:\n"
    "  --recovery FILE     that entry, an item of GET /v1/log/entries?kind=recovery\n"
    "  --inclusion FILE    as GET /v1/log/inclusion?leaf=LEAF&size=NEW serves it\n";

/* Of the year 9999: a keeper's clock can be anywhere. */
#define LAST_SECOND 253402300799ULL

/* A note in a file, read and with the service's signatures checked. */
struct kept {
    struct buf text;
    struct checkpoint_note note;
    uint64_t time;
};

static bool read_public(const struct cli *cli, const char *path, struct public_key *key)
{
    struct buf file;
    if (!input_file_read(cli, path, &file))
        return false;
    bool good =
        minisign_public_parse(file.data, file.length, key) || pem_public_parse(file.data, file.length, key->key);
    buf_free(&file);
    if (!good)
        (void)cli_fail(cli, "%s is neither a PEM nor a minisign public key of Ed25519", path);
    return good;
}

static bool read_note(const struct cli *cli, const char *path, const uint8_t *key, struct kept *out)
{
    const char *where = "";
    if (!input_file_read(cli, path, &out->text))
        return false;
    if (!checkpoint_read(out->text.data, out->text.length, &out->note, &where)) {
        (void)cli_fail(cli, "%s is no checkpoint: %s", path, where);
        return false;
    }
    const char *origin = out->note.checkpoint.origin;
    if (key != NULL && (!note_signed_by(out->text.data, &out->note, origin, NOTE_ED25519, key, NULL) ||
                        !note_signed_by(out->text.data, &out->note, origin, NOTE_COSIGNATURE, key, &out->time))) {
        (void)cli_fail(cli, "%s is not signed by this key: the text, a signature or the key is another", path);
        return false;
    }
    return true;
}

/* Beside the file first, then in its place: a state is never half written. */
static bool replace_file(const struct cli *cli, const char *path, const struct buf *text)
{
    char beside[4096];
    int n = snprintf(beside, sizeof beside, "%s.new", path);
    int fd = n > 0 && (size_t)n < sizeof beside ? open(beside, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644) : -1;
    bool written = fd >= 0 && write(fd, text->data, text->length) == (ssize_t)text->length && fsync(fd) == 0;
    int error = errno;
    if (fd >= 0 && close(fd) != 0)
        written = false;
    if (written && rename(beside, path) == 0)
        return true;
    (void)cli_fail(cli, "%s cannot be written: %s", path, strerror(written ? errno : error));
    return false;
}

/* A new reference; NULL: said why. */
static json_t *read_json_file(const struct cli *cli, const char *path)
{
    struct buf file;
    struct json_problem problem;
    if (!input_file_read(cli, path, &file))
        return NULL;
    json_t *json = json_read(file.data, file.length, &problem);
    buf_free(&file);
    if (json == NULL)
        (void)cli_fail(cli, "%s is no JSON: %s", path, problem.message);
    return json;
}

/* The path of a proof whose members `first` and size are these. */
static bool read_proof(const struct cli *cli, const char *path, const char *first, uint64_t value, uint64_t size,
                       struct merkle_proof *out)
{
    json_t *json = read_json_file(cli, path);
    if (json == NULL)
        return false;
    const json_t *list = json_object_get(json, "path");
    size_t count = json_array_size(list);
    bool good = json_is_array(list) && count <= MERKLE_PROOF_MAX && json_int(json, first, -1) == (int64_t)value &&
                json_int(json, "size", -1) == (int64_t)size;
    out->count = 0;
    for (size_t i = 0; good && i < count; i++) {
        const char *hex = json_string_value(json_array_get(list, i));
        good = hex != NULL && hex_decode(hex, strlen(hex), out->hash[i].bytes, MERKLE_HASH);
        out->count++;
    }
    json_decref(json);
    if (!good)
        (void)cli_fail(cli, "%s is no proof of %s %llu in %llu leaves", path, first, (unsigned long long)value,
                       (unsigned long long)size);
    return good;
}

/* Whether the new checkpoint continues the one that was kept. */
static int compare(const struct cli *cli, const struct kept *before, const struct kept *now, const char *proof_path)
{
    const struct checkpoint *a = &before->note.checkpoint;
    const struct checkpoint *b = &now->note.checkpoint;
    struct merkle_proof proof;
    if (strcmp(a->origin, b->origin) != 0)
        return cli_fail(cli, "this is a checkpoint of the log %s; kept is one of %s", b->origin, a->origin);
    if (b->size < a->size)
        return cli_fail(cli,
                        "the log has %llu leaves, but it had %llu: either this is an older checkpoint, or leaves were "
                        "taken away. Fetch the newest; if it stays so, the log was cut",
                        (unsigned long long)b->size, (unsigned long long)a->size);
    if (b->size == a->size)
        return merkle_same(&a->root, &b->root)
                   ? CLI_DONE
                   : cli_fail(cli, "FORK: two roots for the same %llu leaves, both signed by this key. Keep both files",
                              (unsigned long long)a->size);
    if (proof_path == NULL)
        return cli_wrong(cli, "--consistency is needed: GET /v1/log/consistency?from=%llu&size=%llu",
                         (unsigned long long)a->size, (unsigned long long)b->size);
    if (!read_proof(cli, proof_path, "from", a->size, b->size, &proof))
        return CLI_FAILED;
    if (!merkle_consistency_holds(a->size, &a->root, b->size, &b->root, &proof))
        return cli_fail(cli,
                        "FORK, or a wrong proof: nothing shows that the %llu leaves seen before are the beginning of "
                        "these %llu. Fetch the proof again; if it stays so, the log was changed. Keep both files",
                        (unsigned long long)a->size, (unsigned long long)b->size);
    return CLI_DONE;
}

/* What was given to keep a checkpoint by. */
struct evidence {
    const char *checkpoint;
    const char *consistency;
    const char *recovery;
    const char *inclusion;
};

/* Whether the entry says that what was kept is lost, and stands in the log of the new checkpoint. */
static int check_recovery(const struct cli *cli, const struct kept *before, const struct kept *now,
                          const struct evidence *e, json_t *item)
{
    const struct checkpoint *a = &before->note.checkpoint;
    const struct checkpoint *b = &now->note.checkpoint;
    const json_t *entry = json_object_get(item, "entry");
    const char *kind = json_text(entry, "kind");
    const int64_t leaf = json_int(item, "leaf", -1);
    const char *root = json_text(entry, "kept_root");
    struct merkle_proof proof;
    uint8_t kept_root[MERKLE_HASH];
    size_t length = 0;
    if (kind == NULL || strcmp(kind, "recovery") != 0 || leaf < 0 || root == NULL ||
        !hex_decode(root, strlen(root), kept_root, sizeof kept_root))
        return cli_fail(cli, "%s is no recovery entry of the log", e->recovery);
    int64_t kept_size = json_int(entry, "kept_size", 0);
    if (kept_size < (int64_t)a->size || json_int(entry, "restored_size", INT64_MAX) >= (int64_t)a->size ||
        (kept_size == (int64_t)a->size && memcmp(kept_root, a->root.bytes, sizeof kept_root) != 0))
        return cli_fail(cli, "this recovery does not speak for the %llu leaves that were kept: it is a fork",
                        (unsigned long long)a->size);
    if (strcmp(a->origin, b->origin) != 0 || !read_proof(cli, e->inclusion, "leaf", (uint64_t)leaf, b->size, &proof))
        return CLI_FAILED;
    char *bytes = json_canonical(entry, &length);
    if (bytes == NULL)
        return cli_fail(cli, "memory ran out");
    const struct merkle_hash hash = merkle_leaf(bytes, length);
    free(bytes);
    return merkle_inclusion_holds(&hash, (uint64_t)leaf, b->size, &proof, &b->root)
               ? CLI_DONE
               : cli_fail(cli, "the recovery entry is not in the log of this checkpoint");
}

/* The break is taken: what was kept stays beside, as the evidence of what is lost. */
static int take_recovery(const struct cli *cli, const char *state, const struct kept *before, const struct kept *now,
                         const struct evidence *e)
{
    char beside[4096];
    json_t *item = read_json_file(cli, e->recovery);
    if (item == NULL)
        return CLI_FAILED;
    int status = check_recovery(cli, before, now, e, item);
    int64_t restored = json_int(json_object_get(item, "entry"), "restored_size", 0);
    json_decref(item);
    int n = snprintf(beside, sizeof beside, "%s.lost-%llu", state, (unsigned long long)before->note.checkpoint.size);
    if (status == CLI_DONE && (n <= 0 || (size_t)n >= sizeof beside || !replace_file(cli, beside, &before->text)))
        status = CLI_FAILED;
    if (status == CLI_DONE)
        printf("The log was restored to %lld leaves: entries are lost. What was kept is in %s: compare documents and "
               "statements that you hold from then\n",
               (long long)restored, beside);
    return status;
}

static int keep(const struct cli *cli, const char *state, const struct evidence *e, const struct public_key *key)
{
    struct kept now = {.time = 0};
    struct kept before = {.time = 0};
    int status = CLI_DONE;
    bool first = access(state, F_OK) != 0 && errno == ENOENT;
    buf_init(&now.text, NOTE_SIZE_MAX);
    buf_init(&before.text, NOTE_SIZE_MAX);
    if (!read_note(cli, e->checkpoint, key->key, &now) || (!first && !read_note(cli, state, NULL, &before)))
        status = CLI_FAILED;
    if (status == CLI_DONE && !first)
        status = e->recovery != NULL ? take_recovery(cli, state, &before, &now, e)
                                     : compare(cli, &before, &now, e->consistency);
    if (status == CLI_DONE && !replace_file(cli, state, &now.text))
        status = CLI_FAILED;
    if (status == CLI_DONE && first)
        printf("%s: %llu leaves, the first checkpoint kept\n", now.note.checkpoint.origin,
               (unsigned long long)now.note.checkpoint.size);
    else if (status == CLI_DONE && e->recovery == NULL)
        printf("%s: %llu leaves, continuing the %llu seen before\n", now.note.checkpoint.origin,
               (unsigned long long)now.note.checkpoint.size, (unsigned long long)before.note.checkpoint.size);
    buf_free(&now.text);
    buf_free(&before.text);
    return status;
}

int cli_log_keep(struct cli *cli, int argc, char **argv)
{
    const char *state = NULL;
    const char *key_path = NULL;
    struct evidence e = {NULL, NULL, NULL, NULL};
    struct public_key key;
    const struct cli_option options[] = {{"checkpoint", &e.checkpoint},
                                         {"consistency", &e.consistency},
                                         {"recovery", &e.recovery},
                                         {"inclusion", &e.inclusion},
                                         {"key", &key_path},
                                         {NULL, NULL}};
    if (!cli_arguments(cli, argc, argv, options, &state, 1))
        return CLI_USAGE;
    if (e.checkpoint == NULL || key_path == NULL)
        return cli_wrong(cli, "--checkpoint and --key are needed");
    if ((e.recovery != NULL) != (e.inclusion != NULL))
        return cli_wrong(cli, "--recovery and --inclusion go together");
    return read_public(cli, key_path, &key) ? keep(cli, state, &e, &key) : CLI_FAILED;
}

static int print_line(const struct cli *cli, const struct signer *signer, const char *name, const struct kept *k)
{
    const uint64_t time = (uint64_t)(clock_wall() / 1000000);
    struct minisign_signature made;
    struct buf message, line;
    buf_init(&message, NOTE_SIZE_MAX);
    buf_init(&line, NOTE_SIZE_MAX);
    bool good = note_message(NOTE_COSIGNATURE, time, k->text.data, k->note.body, &message) &&
                signer_sign(signer, message.data, message.length, "checkpoint", &made) &&
                note_line(name, NOTE_COSIGNATURE, signer_public(signer)->key, time, made.signature, &line);
    if (good)
        printf("%s", line.data);
    buf_free(&message);
    buf_free(&line);
    return good ? CLI_DONE : cli_fail(cli, "%s is no name for a key: visible ASCII characters without a plus", name);
}

int cli_log_cosign(struct cli *cli, int argc, char **argv)
{
    const char *state = NULL;
    const char *name = NULL;
    const char *key = NULL;
    char error[512];
    struct kept k = {.time = 0};
    const struct cli_option options[] = {{"name", &name}, {"key", &key}, {NULL, NULL}};
    if (!cli_arguments(cli, argc, argv, options, &state, 1))
        return CLI_USAGE;
    if (name == NULL || key == NULL)
        return cli_wrong(cli, "--name and --key are needed");
    buf_init(&k.text, NOTE_SIZE_MAX);
    if (!read_note(cli, state, NULL, &k)) {
        buf_free(&k.text);
        return CLI_FAILED;
    }
    struct signer *signer = signer_open(key, error, sizeof error);
    int status = signer == NULL ? cli_fail(cli, "%s", error) : print_line(cli, signer, name, &k);
    signer_close(signer);
    buf_free(&k.text);
    return status;
}

/* Says whether the keeper with this verifier key has signed; false: it has not, or this is no verifier key. */
static bool say_cosigned(const struct kept *k, const char *vkey, size_t length)
{
    char name[NOTE_NAME_SIZE];
    char at[28];
    enum note_kind kind = NOTE_COSIGNATURE;
    uint8_t key[PUBLIC_KEY_SIZE];
    uint64_t time = 0;
    if (!note_vkey_parse(vkey, length, name, &kind, key) || kind != NOTE_COSIGNATURE) {
        (void)printf("no key       %.*s\n", (int)length, vkey);
        return false;
    }
    bool good = note_signed_by(k->text.data, &k->note, name, NOTE_COSIGNATURE, key, &time) && time <= LAST_SECOND;
    if (good)
        instant_format((instant_t)time * 1000000, at);
    (void)printf("%-12s %s%s%s\n", good ? "cosigned" : "not cosigned", name, good ? " at " : "", good ? at : "");
    return good;
}

static int say_all_cosigned(const struct cli *cli, const struct kept *k, const struct buf *keepers)
{
    int asked = 0;
    bool all = true;
    for (size_t at = 0; at < keepers->length;) {
        const char *line = keepers->data + at;
        const char *stop = memchr(line, '\n', keepers->length - at);
        size_t length = stop == NULL ? keepers->length - at : (size_t)(stop - line);
        if (length > 0) {
            asked++;
            all = say_cosigned(k, line, length) && all;
        }
        at += length + 1;
    }
    if (asked == 0)
        return cli_fail(cli, "there is no verifier key in the file of --keepers");
    return all ? CLI_DONE : CLI_FAILED;
}

int cli_log_cosigned(struct cli *cli, int argc, char **argv)
{
    const char *path = NULL;
    const char *keepers_path = NULL;
    struct kept k = {.time = 0};
    struct buf keepers;
    const struct cli_option options[] = {{"keepers", &keepers_path}, {NULL, NULL}};
    if (!cli_arguments(cli, argc, argv, options, &path, 1))
        return CLI_USAGE;
    if (keepers_path == NULL)
        return cli_wrong(cli, "--keepers is needed: the file of the verifier keys");
    buf_init(&k.text, NOTE_SIZE_MAX);
    int status = CLI_FAILED;
    if (read_note(cli, path, NULL, &k) && input_file_read(cli, keepers_path, &keepers)) {
        status = say_all_cosigned(cli, &k, &keepers);
        buf_free(&keepers);
    }
    buf_free(&k.text);
    return status;
}

int cli_log_keygen(struct cli *cli, int argc, char **argv)
{
    const char *name = NULL;
    const char *path = NULL;
    unsigned char secret[SIGNING_SECRET_SIZE];
    char error[512] = "no locked memory for the key: raise the limit on locked memory (ulimit -l)";
    char vkey[NOTE_VKEY_SIZE];
    const struct cli_option options[] = {{"out", &path}, {NULL, NULL}};
    if (!cli_arguments(cli, argc, argv, options, &name, 1))
        return CLI_USAGE;
    if (path == NULL)
        return cli_wrong(cli, "--out is needed: the file for the secret key");
    if (!note_name_good(name))
        return cli_wrong(cli, "%s is no name for a key: visible ASCII characters without a plus", name);
    signing_secret_new(secret);
    struct signer *signer = signer_from_secret(secret);
    bool good = signer != NULL &&
                keyfile_write(path, "the keeper's key", secret, sizeof secret, true, error, sizeof error) &&
                note_vkey_format(name, NOTE_COSIGNATURE, signer_public(signer)->key, vkey);
    sodium_memzero(secret, sizeof secret);
    signer_close(signer);
    if (!good)
        return cli_fail(cli, "%s", error);
    printf("%s\n", vkey);
    return CLI_DONE;
}
