/* reckoner verify: checks a bundle, or a statement with its signature and key, offline. It needs public things only. */
#include "base/json.h"
#include "base/parse.h"
#include "cli/bundle_verify.h"
#include "cli/input_file.h"
#include "cli/statement_commands.h"
#include "domain/statement.h"
#include "signing/minisign.h"
#include "signing/pem.h"

#include <sodium.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define DETAIL_SIZE 400

const char cli_verify_help[] =
    "BUNDLE is the one file of a statement with all that it rests on: checked are form, signature, keys, log, terms,\n"
    "receipts, every row, the position recomputed to the byte, billing and document. Or a STATEMENT alone, with\n"
    "--signature and --key. Names the first difference. Ends with status 0 when nothing differs, 1 otherwise.\n"
    "  --key FILE         the service's public key as you kept it, PEM or minisign\n"
    "  --checkpoint KEPT  of a bundle: the log's checkpoint that you kept\n"
    "  --signature FILE   of a statement: 64 raw bytes, or the minisign file\n"
    "  --previous FILE    of a statement: the account's statement before\n"
    "  --json             the findings as JSON\n";

enum outcome { OUTCOME_GOOD, OUTCOME_DIFFERS, OUTCOME_NOT_CHECKED };
static const char *const outcome_words[] = {"good", "differs", "not_checked"};

struct finding {
    const char *check; /* short name, stable */
    const char *about; /* what it says, in plain words */
    enum outcome outcome;
    char detail[DETAIL_SIZE];
};

enum { CHECK_CONTENT, CHECK_SIGNATURE, CHECK_COMMENT, CHECK_KEY, CHECK_PREVIOUS, CHECK_COUNT };

struct verification {
    const struct cli *cli;
    struct buf bytes;
    json_t *statement; /* NULL when the bytes are not JSON */
    struct public_key key;
    bool key_has_id; /* a PEM carries none */
    unsigned char signature[SIGNATURE_SIZE];
    struct minisign_signature minisig;
    bool is_minisig;
    struct finding finding[CHECK_COUNT];
};

__attribute__((format(printf, 4, 5))) static void set(struct verification *v, int check, enum outcome outcome,
                                                      const char *format, ...)
{
    va_list values;
    va_start(values, format);
    v->finding[check].outcome = outcome;
    vsnprintf(v->finding[check].detail, DETAIL_SIZE, format, values);
    va_end(values);
}

static void name_checks(struct verification *v)
{
    static const char *const names[CHECK_COUNT][2] = {
        {"content", "purpose, members, canonical form, digest and sums of the position, balance, draft"},
        {"signature", "the Ed25519 signature is this key's, of exactly these bytes"},
        {"trusted_comment", "the comment of the minisign file is signed too"},
        {"key", "the statement names the key that signed it"},
        {"previous", "the statement is chained to the one before"},
    };
    for (int i = 0; i < CHECK_COUNT; i++) {
        v->finding[i].check = names[i][0];
        v->finding[i].about = names[i][1];
        v->finding[i].outcome = OUTCOME_NOT_CHECKED;
    }
}

static bool read_key(struct verification *v, const char *path)
{
    struct buf file;
    if (!input_file_read(v->cli, path, &file))
        return false;
    v->key_has_id = minisign_public_parse(file.data, file.length, &v->key);
    bool good = v->key_has_id || pem_public_parse(file.data, file.length, v->key.key);
    buf_free(&file);
    if (!good)
        (void)cli_fail(v->cli, "%s is neither a PEM nor a minisign public key of Ed25519", path);
    return good;
}

static bool read_signature(struct verification *v, const char *path)
{
    struct buf file;
    if (!input_file_read(v->cli, path, &file))
        return false;
    v->is_minisig = minisign_signature_parse(file.data, file.length, &v->minisig);
    bool good = v->is_minisig || file.length == SIGNATURE_SIZE;
    if (v->is_minisig)
        memcpy(v->signature, v->minisig.signature, SIGNATURE_SIZE);
    else if (good)
        memcpy(v->signature, file.data, SIGNATURE_SIZE);
    buf_free(&file);
    if (!good)
        (void)cli_fail(v->cli, "%s is neither 64 bytes of signature nor a minisign file of the legacy kind", path);
    return good;
}

static void check_content(struct verification *v)
{
    char where[DETAIL_SIZE];
    if (statement_check(v->bytes.data, v->bytes.length, &v->statement, where, sizeof where) == STATEMENT_GOOD)
        set(v, CHECK_CONTENT, OUTCOME_GOOD, "%s", "");
    else
        set(v, CHECK_CONTENT, OUTCOME_DIFFERS, "%s", where);
}

static void check_signature(struct verification *v)
{
    if (public_key_verify(&v->key, v->bytes.data, v->bytes.length, v->signature))
        set(v, CHECK_SIGNATURE, OUTCOME_GOOD, "%s", "");
    else
        set(v, CHECK_SIGNATURE, OUTCOME_DIFFERS,
            "the signature is not this key's signature of these bytes: the bytes, the signature or the key is another");
    if (!v->is_minisig) {
        set(v, CHECK_COMMENT, OUTCOME_NOT_CHECKED, "a raw signature has no comment");
        return;
    }
    struct public_key key = v->key;
    if (!v->key_has_id)
        memcpy(key.id, v->minisig.key_id, KEY_ID_BYTES);
    switch (minisign_verify(&key, &v->minisig, v->bytes.data, v->bytes.length)) {
    case MINISIGN_GOOD:
        set(v, CHECK_COMMENT, OUTCOME_GOOD, "%s", "");
        break;
    case MINISIGN_OTHER_KEY:
        set(v, CHECK_COMMENT, OUTCOME_DIFFERS, "the signature file names another key than the public key file");
        break;
    case MINISIGN_BAD_COMMENT:
        set(v, CHECK_COMMENT, OUTCOME_DIFFERS, "the comment is not the one that was signed");
        break;
    case MINISIGN_BAD_SIGNATURE:
        set(v, CHECK_COMMENT, OUTCOME_NOT_CHECKED, "it covers the signature, which differs");
        break;
    }
}

static void check_key(struct verification *v)
{
    const char *named = json_text(v->statement, "key_id");
    char id[17];
    if (!v->key_has_id && !v->is_minisig) {
        set(v, CHECK_KEY, OUTCOME_NOT_CHECKED, "a PEM key and a raw signature carry no key id");
        return;
    }
    public_key_id_text(v->key_has_id ? v->key.id : v->minisig.key_id, id);
    if (named != NULL && strcmp(named, id) == 0)
        set(v, CHECK_KEY, OUTCOME_GOOD, "%s", "");
    else
        set(v, CHECK_KEY, OUTCOME_DIFFERS, "/key_id is %s, but the key is %s", named == NULL ? "missing" : named, id);
}

/* The statement before: its digest, its account and its number. */
static void compare_previous(struct verification *v, const struct buf *previous)
{
    unsigned char sha256[32];
    char hex[65];
    struct json_problem problem;
    const char *named = json_text(v->statement, "previous_sha256");
    crypto_hash_sha256(sha256, (const unsigned char *)previous->data, previous->length);
    hex_encode(sha256, sizeof sha256, hex);
    if (named == NULL || strcmp(named, hex) != 0) {
        set(v, CHECK_PREVIOUS, OUTCOME_DIFFERS, "/previous_sha256 is %s, but the file given has %s",
            named == NULL ? "null" : named, hex);
        return;
    }
    json_t *before = json_read(previous->data, previous->length, &problem);
    if (before == NULL || !json_equal(json_object_get(before, "account"), json_object_get(v->statement, "account")))
        set(v, CHECK_PREVIOUS, OUTCOME_DIFFERS, "the statement before is of another /account");
    else if (json_int(before, "sequence", -1) != json_int(v->statement, "sequence", 0) - 1)
        set(v, CHECK_PREVIOUS, OUTCOME_DIFFERS, "/sequence is %lld, but the one before has %lld",
            (long long)json_int(v->statement, "sequence", 0), (long long)json_int(before, "sequence", -1));
    else
        set(v, CHECK_PREVIOUS, OUTCOME_GOOD, "%s", "");
    json_decref(before);
}

static bool check_previous(struct verification *v, const char *path)
{
    struct buf previous;
    if (path == NULL) {
        bool first = json_is_null(json_object_get(v->statement, "previous_sha256"));
        if (first && json_int(v->statement, "sequence", 0) == 1)
            set(v, CHECK_PREVIOUS, OUTCOME_GOOD, "it is the account's first");
        else
            set(v, CHECK_PREVIOUS, OUTCOME_NOT_CHECKED, "give the statement before with --previous");
        return true;
    }
    if (!input_file_read(v->cli, path, &previous))
        return false;
    compare_previous(v, &previous);
    buf_free(&previous);
    return true;
}

static const struct finding *first_difference(const struct verification *v)
{
    for (int i = 0; i < CHECK_COUNT; i++) {
        if (v->finding[i].outcome == OUTCOME_DIFFERS)
            return &v->finding[i];
    }
    return NULL;
}

static void print_plain(const struct verification *v)
{
    static const char *const marks[] = {"good       ", "DIFFERS    ", "not checked"};
    const struct finding *first = first_difference(v);
    for (int i = 0; i < CHECK_COUNT; i++) {
        const struct finding *f = &v->finding[i];
        (void)printf("%s  %s: %s%s%s\n", marks[f->outcome], f->check, f->about, f->detail[0] == '\0' ? "" : "; ",
                     f->detail);
    }
    (void)printf("not checked  rows, log, terms and document: its bundle holds them\n");
    if (first == NULL)
        (void)printf("The statement is good: position %lld pence.\n",
                     (long long)json_int(v->statement, "position_pence", 0));
    else
        (void)printf("The statement does NOT hold. First difference: %s\n", first->detail);
}

static bool print_json(const struct verification *v)
{
    const struct finding *first = first_difference(v);
    json_t *list = json_array();
    for (int i = 0; list != NULL && i < CHECK_COUNT; i++) {
        const struct finding *f = &v->finding[i];
        if (json_array_append_new(list, json_pack("{s:s, s:s, s:s, s:s}", "check", f->check, "about", f->about,
                                                  "outcome", outcome_words[f->outcome], "detail", f->detail)) != 0)
            break;
    }
    json_t *report = json_pack("{s:b, s:o, s:s?}", "good", first == NULL, "checks", list, "first_difference",
                               first == NULL ? NULL : first->detail);
    char *text = report == NULL ? NULL : json_dumps(report, JSON_INDENT(2));
    json_decref(report);
    if (text == NULL)
        return false;
    (void)printf("%s\n", text);
    free(text);
    return true;
}

/* Takes "--json" out of the arguments: it is the one option without a value. */
static bool take_json(int *argc, char **argv)
{
    bool found = false;
    int kept = 0;
    for (int i = 0; i < *argc; i++) {
        if (strcmp(argv[i], "--json") == 0)
            found = true;
        else
            argv[kept++] = argv[i];
    }
    *argc = kept;
    return found;
}

static int report(const struct verification *v, bool json)
{
    if (!json)
        print_plain(v);
    else if (!print_json(v))
        return cli_fail(v->cli, "memory ran out");
    return first_difference(v) == NULL ? CLI_DONE : CLI_FAILED;
}

static int verify_bundle(const struct cli *cli, const struct bundle_question *q)
{
    char trouble[BUNDLE_TROUBLE_SIZE];
    int status = bundle_verify(q, trouble);
    return status < 0 ? cli_fail(cli, "%s", trouble) : status == 0 ? CLI_DONE : CLI_FAILED;
}

/* A statement begins with a brace, a bundle with the name of its first member. */
static bool is_json(const char *path)
{
    FILE *f = fopen(path, "rbe");
    bool brace = f != NULL && fgetc(f) == '{';
    if (f != NULL)
        (void)fclose(f);
    return brace;
}

int cli_verify(struct cli *cli, int argc, char **argv)
{
    struct verification v;
    const char *file = NULL;
    const char *signature = NULL;
    const char *key = NULL;
    const char *previous = NULL;
    const char *checkpoint = NULL;
    const struct cli_option options[] = {
        {"signature", &signature}, {"key", &key}, {"previous", &previous}, {"checkpoint", &checkpoint}, {NULL, NULL}};
    bool json = take_json(&argc, argv);
    if (!cli_arguments(cli, argc, argv, options, &file, 1))
        return CLI_USAGE;
    if (signature == NULL && previous == NULL && !is_json(file))
        return verify_bundle(cli, &(const struct bundle_question){file, key, checkpoint, json});
    if (signature == NULL || key == NULL || checkpoint != NULL)
        return cli_wrong(cli, "a statement takes --signature and --key; a bundle holds its own, and takes neither"
                              " --signature nor --previous");
    memset(&v, 0, sizeof v);
    v.cli = cli;
    name_checks(&v);
    if (!read_key(&v, key) || !read_signature(&v, signature) || !input_file_read(cli, file, &v.bytes))
        return CLI_FAILED;
    check_content(&v);
    check_signature(&v);
    check_key(&v);
    int status = check_previous(&v, previous) ? report(&v, json) : CLI_FAILED;
    json_decref(v.statement);
    buf_free(&v.bytes);
    return status;
}
