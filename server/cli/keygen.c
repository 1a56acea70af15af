#include "cli/keygen.h"

#include "base/parse.h"
#include "domain/leak_json.h"
#include "signing/keyfile.h"
#include "signing/minisign.h"
#include "signing/pem.h"
#include "signing/sign.h"
#include "signing/unseal.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define SYMMETRIC_KEY_SIZE 32 /* token and pseudonym keys */

static int new_symmetric(const struct cli *cli, const char *path, const char *what)
{
    unsigned char key[SYMMETRIC_KEY_SIZE];
    char error[512];
    randombytes_buf(key, sizeof key);
    bool written = keyfile_write(path, what, key, sizeof key, true, error, sizeof error);
    sodium_memzero(key, sizeof key);
    if (!written)
        return cli_fail(cli, "%s", error);
    (void)printf("%s: %s\n", what, path);
    return CLI_DONE;
}

static int new_token_key(const struct cli *cli)
{
    return new_symmetric(cli, cli->config.token_key_file, "the token key");
}

static int new_pseudonym_key(const struct cli *cli)
{
    return new_symmetric(cli, cli->config.pseudonym_key_file, "the pseudonym key");
}

static int new_seal_pair(const struct cli *cli)
{
    unsigned char public_key[SEAL_PUBLIC_KEY_SIZE];
    unsigned char secret_key[SEAL_SECRET_KEY_SIZE];
    char public_text[2 * SEAL_PUBLIC_KEY_SIZE + 1];
    char error[512];
    (void)crypto_box_keypair(public_key, secret_key);
    /* The secret half first: a public half alone would seal uploads that nobody can read. */
    bool written = keyfile_write(cli->config.seal_secret_key_file, "the secret sealing key", secret_key,
                                 sizeof secret_key, true, error, sizeof error) &&
                   keyfile_write(cli->config.seal_public_key_file, "the public sealing key", public_key,
                                 sizeof public_key, false, error, sizeof error);
    sodium_memzero(secret_key, sizeof secret_key);
    if (!written)
        return cli_fail(cli, "%s", error);
    hex_encode(public_key, sizeof public_key, public_text);
    (void)printf("the sealing pair: %s and %s\n  public %s\n", cli->config.seal_secret_key_file,
                 cli->config.seal_public_key_file, public_text);
    return CLI_DONE;
}

/* A key whose public files hold no ten digits that could pass for an NHS number: the service would withhold them, and a
 * key id is digits often enough (one key in some two hundred). */
static struct signer *new_signer(unsigned char secret[SIGNING_SECRET_SIZE])
{
    char minisign[MINISIGN_PUBLIC_SIZE];
    char pem[PEM_PUBLIC_SIZE];
    struct signer *signer = NULL;
    bool clean = false;
    while (!clean) {
        signer_close(signer);
        signing_secret_new(secret);
        signer = signer_from_secret(secret);
        if (signer == NULL)
            return NULL;
        minisign_public_format(signer_public(signer), minisign);
        pem_public_format(signer_public(signer)->key, pem);
        clean =
            !leak_in_text((struct text){minisign, strlen(minisign)}) && !leak_in_text((struct text){pem, strlen(pem)});
    }
    return signer;
}

/* The public half as a minisign file beside the secret one: what reckoner key introduce reads. */
static bool write_public(const struct cli *cli, const char *path, const char *minisign)
{
    char beside[4096];
    int n = snprintf(beside, sizeof beside, "%s.pub", path);
    int fd = n > 0 && (size_t)n < sizeof beside ? open(beside, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0444) : -1;
    size_t length = strlen(minisign);
    bool written = fd >= 0 && write(fd, minisign, length) == (ssize_t)length && fsync(fd) == 0;
    int reason = errno;
    if (fd >= 0 && close(fd) != 0)
        written = false;
    if (!written)
        (void)cli_fail(cli, "%s.pub cannot be written: %s", path, strerror(reason));
    return written;
}

static int new_signing_key_at(const struct cli *cli, const char *path, bool public_file)
{
    unsigned char secret[SIGNING_SECRET_SIZE];
    char minisign[MINISIGN_PUBLIC_SIZE];
    char id[17];
    char error[512];
    struct signer *signer = new_signer(secret);
    bool written =
        signer != NULL && keyfile_write(path, "the signing key", secret, sizeof secret, true, error, sizeof error);
    sodium_memzero(secret, sizeof secret);
    if (signer == NULL)
        return cli_fail(cli, "no locked memory for the signing key: raise the limit on locked memory (ulimit -l)");
    public_key_id_text(signer_public(signer)->id, id);
    minisign_public_format(signer_public(signer), minisign);
    signer_close(signer);
    if (!written)
        return cli_fail(cli, "%s", error);
    if (public_file && !write_public(cli, path, minisign))
        return CLI_FAILED;
    const char *second_line = strchr(minisign, '\n');
    (void)printf("the signing key: %s\n  id %s\n  minisign %s", path, id, second_line != NULL ? second_line + 1 : "\n");
    return CLI_DONE;
}

static int new_signing_key(const struct cli *cli)
{
    return new_signing_key_at(cli, cli->config.signing_key_file, false);
}

/* One kind of key: its name on the command line, how it is made, and the files it needs, which must not be there. */
struct key_kind {
    const char *name;
    int (*make)(const struct cli *cli);
    const char *paths[2];
};

static int check_absent(const struct cli *cli, const struct key_kind *kind)
{
    for (size_t i = 0; i < 2 && kind->paths[i] != NULL; i++) {
        if (access(kind->paths[i], F_OK) == 0)
            return cli_fail(cli, "%s is there already and is never overwritten: move it away first", kind->paths[i]);
    }
    return CLI_DONE;
}

int cli_keygen(struct cli *cli, int argc, char **argv)
{
    const struct key_kind kinds[] = {
        {"token", new_token_key, {cli->config.token_key_file, NULL}},
        {"pseudonym", new_pseudonym_key, {cli->config.pseudonym_key_file, NULL}},
        {"seal", new_seal_pair, {cli->config.seal_secret_key_file, cli->config.seal_public_key_file}},
        {"signing", new_signing_key, {cli->config.signing_key_file, NULL}},
    };
    const size_t count = sizeof kinds / sizeof kinds[0];
    const char *wanted = NULL;
    const char *out = NULL;
    const struct cli_option options[] = {{"out", &out}, {NULL, NULL}};
    if (argc > 1 && !cli_arguments(cli, argc, argv, options, &wanted, 1))
        return CLI_USAGE;
    if (out != NULL && (wanted == NULL || strcmp(wanted, "signing") != 0))
        return cli_wrong(cli, "--out is for a further signing key; the others have one file each");
    if (out != NULL)
        return new_signing_key_at(cli, out, true);
    size_t first = 0;
    size_t last = count;
    for (size_t i = 0; wanted != NULL && i < count; i++) {
        if (strcmp(wanted, kinds[i].name) == 0) {
            first = i;
            last = i + 1;
        }
    }
    if (wanted != NULL && last - first != 1)
        return cli_wrong(cli, "%s is no kind of key: use token, pseudonym, seal or signing", wanted);
    /* All or nothing, as far as can be seen beforehand. */
    for (size_t i = first; i < last; i++) {
        if (check_absent(cli, &kinds[i]) != CLI_DONE)
            return CLI_FAILED;
    }
    for (size_t i = first; i < last; i++) {
        if (kinds[i].make(cli) != CLI_DONE)
            return CLI_FAILED;
    }
    return CLI_DONE;
}
