/* Keys, signatures and their file forms; the real openssl and minisign check what we write. */
#include "base/parse.h"
#include "signing/keyfile.h"
#include "signing/pem.h"
#include "signing/sign.h"

#include <check.h>
#include <sodium.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

static const char message[] = "{\"@purpose\":\"reckoner/statement/1\",\"balance_pence\":-12345}";

/* RFC 8032, section 7.1, test 3. */
#define RFC_SEED   "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7"
#define RFC_PUBLIC "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025"
#define RFC_SIGNATURE                                                                                                  \
    "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28d" \
    "c0"                                                                                                               \
    "27beceea1ec40a"
static const unsigned char rfc_message[2] = {0xaf, 0x82};

static struct signer *rfc_signer(void)
{
    unsigned char secret[SIGNING_SECRET_SIZE];
    ck_assert(hex_decode("0102030405060708" RFC_SEED, 80, secret, sizeof secret));
    struct signer *s = signer_from_secret(secret);
    ck_assert_ptr_nonnull(s);
    return s;
}

START_TEST(rfc_8032_vector)
{
    struct signer *s = rfc_signer();
    struct minisign_signature made;
    char hex[2 * SIGNATURE_SIZE + 1];
    ck_assert(signer_sign(s, rfc_message, sizeof rfc_message, "a comment", &made));
    hex_encode(made.signature, SIGNATURE_SIZE, hex);
    ck_assert_str_eq(hex, RFC_SIGNATURE);
    hex_encode(signer_public(s)->key, PUBLIC_KEY_SIZE, hex);
    ck_assert_str_eq(hex, RFC_PUBLIC);
    ck_assert(public_key_verify(signer_public(s), rfc_message, sizeof rfc_message, made.signature));
    signer_close(s);
}
END_TEST

START_TEST(key_id_reads_as_minisign_prints_it)
{
    const unsigned char id[KEY_ID_BYTES] = {1, 2, 3, 4, 5, 6, 7, 0xab};
    unsigned char back[KEY_ID_BYTES];
    char text[17];
    public_key_id_text(id, text);
    ck_assert_str_eq(text, "AB07060504030201");
    ck_assert(public_key_id_parse(text, back));
    ck_assert_mem_eq(back, id, sizeof id);
    ck_assert(!public_key_id_parse("AB0706050403020", back));
    ck_assert(!public_key_id_parse("AB0706050403020G", back));
}
END_TEST

START_TEST(pem_round_trip_and_refusals)
{
    unsigned char key[PUBLIC_KEY_SIZE];
    unsigned char back[PUBLIC_KEY_SIZE];
    char pem[PEM_PUBLIC_SIZE];
    for (int i = 0; i < PUBLIC_KEY_SIZE; i++)
        key[i] = (unsigned char)(7 * i);
    pem_public_format(key, pem);
    ck_assert(pem_public_parse(pem, strlen(pem), back));
    ck_assert_mem_eq(key, back, sizeof key);
    /* Cut at any place, it is no key. */
    for (size_t n = 0; n + 1 < strlen(pem); n++)
        ck_assert(!pem_public_parse(pem, n, back));
    /* Another algorithm (X25519 is 1.3.101.110) is refused. */
    char other[PEM_PUBLIC_SIZE];
    snprintf(other, sizeof other, "%s", pem);
    char *place = strstr(other, "MCowBQYDK2VwAyEA");
    ck_assert_ptr_nonnull(place);
    memcpy(place, "MCowBQYDK2VuAyEA", 16);
    ck_assert(!pem_public_parse(other, strlen(other), back));
}
END_TEST

START_TEST(minisign_forms_round_trip)
{
    struct signer *s = rfc_signer();
    struct minisign_signature made;
    struct minisign_signature back;
    struct public_key key;
    char file[MINISIGN_FILE_SIZE];
    char public[MINISIGN_PUBLIC_SIZE];
    ck_assert(signer_sign(s, message, strlen(message), "timestamp:1336640400\tfile:statement.json", &made));
    ck_assert(minisign_signature_format(&made, file));
    ck_assert(minisign_signature_parse(file, strlen(file), &back));
    ck_assert_mem_eq(back.signature, made.signature, SIGNATURE_SIZE);
    ck_assert_mem_eq(back.global_signature, made.global_signature, SIGNATURE_SIZE);
    ck_assert_str_eq(back.trusted_comment, made.trusted_comment);
    minisign_public_format(signer_public(s), public);
    ck_assert(minisign_public_parse(public, strlen(public), &key));
    ck_assert_mem_eq(&key, signer_public(s), sizeof key);
    /* The second line alone is what people paste. */
    const char *line = strchr(public, '\n') + 1;
    ck_assert(minisign_public_parse(line, strlen(line), &key));
    ck_assert_int_eq(minisign_verify(&key, &back, message, strlen(message)), MINISIGN_GOOD);
    ck_assert(!minisign_signature_parse(public, strlen(public), &back));
    for (size_t n = 0; n + 1 < strlen(file); n++)
        ck_assert(!minisign_signature_parse(file, n, &back));
    signer_close(s);
}
END_TEST

START_TEST(every_tampered_part_is_named)
{
    struct signer *s = rfc_signer();
    struct public_key key = *signer_public(s);
    struct minisign_signature made;
    struct minisign_signature changed;
    char bytes[sizeof message];
    ck_assert(signer_sign(s, message, strlen(message), "a comment", &made));
    for (size_t i = 0; i < strlen(message); i++) {
        memcpy(bytes, message, sizeof message);
        bytes[i] = (char)(bytes[i] ^ 1);
        ck_assert_int_eq(minisign_verify(&key, &made, bytes, strlen(message)), MINISIGN_BAD_SIGNATURE);
    }
    changed = made;
    changed.trusted_comment[0] = 'A';
    ck_assert_int_eq(minisign_verify(&key, &changed, message, strlen(message)), MINISIGN_BAD_COMMENT);
    changed = made;
    changed.global_signature[5] ^= 1;
    ck_assert_int_eq(minisign_verify(&key, &changed, message, strlen(message)), MINISIGN_BAD_COMMENT);
    changed = made;
    changed.key_id[0] ^= 1;
    ck_assert_int_eq(minisign_verify(&key, &changed, message, strlen(message)), MINISIGN_OTHER_KEY);
    signer_close(s);
}
END_TEST

START_TEST(comments_that_no_reader_takes_are_refused)
{
    struct signer *s = rfc_signer();
    struct minisign_signature made;
    char comment[MINISIGN_COMMENT_SIZE + 1];
    memset(comment, 'c', sizeof comment);
    comment[MINISIGN_COMMENT_SIZE] = '\0';
    ck_assert(!signer_sign(s, message, strlen(message), comment, &made));
    comment[MINISIGN_COMMENT_SIZE - 1] = '\0';
    ck_assert(signer_sign(s, message, strlen(message), comment, &made));
    ck_assert(!signer_sign(s, message, strlen(message), "two\nlines", &made));
    signer_close(s);
}
END_TEST

START_TEST(new_keys_differ)
{
    unsigned char a[SIGNING_SECRET_SIZE];
    unsigned char b[SIGNING_SECRET_SIZE];
    signing_secret_new(a);
    signing_secret_new(b);
    ck_assert_mem_ne(a, b, KEY_ID_BYTES);
    ck_assert_mem_ne(a + KEY_ID_BYTES, b + KEY_ID_BYTES, 32);
}
END_TEST

static char folder[64];

static void make_folder(void)
{
    snprintf(folder, sizeof folder, "/tmp/reckoner-signing-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
}

static const char *path_of(const char *name, char *out, size_t size)
{
    snprintf(out, size, "%s/%s", folder, name);
    return out;
}

static void write_file(const char *name, const void *bytes, size_t length)
{
    char path[128];
    FILE *f = fopen(path_of(name, path, sizeof path), "wb");
    ck_assert_ptr_nonnull(f);
    ck_assert_uint_eq(fwrite(bytes, 1, length, f), length);
    ck_assert_int_eq(fclose(f), 0);
}

static void remove_folder(void)
{
    static const char *const names[] = {"message", "message.minisig", "signature", "key.pem", "key.pub", "secret"};
    char path[128];
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        unlink(path_of(names[i], path, sizeof path));
    rmdir(folder);
}

/* Exit status of a program run in the folder's files, its output thrown away. */
static int run_program(char *const argv[])
{
    posix_spawn_file_actions_t actions;
    pid_t pid = 0;
    int status = 0;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", 1, 0);
    posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", 1, 0);
    ck_assert_msg(posix_spawnp(&pid, argv[0], &actions, NULL, argv, environ) == 0, "%s must be installed", argv[0]);
    posix_spawn_file_actions_destroy(&actions);
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static void write_signed(void)
{
    unsigned char secret[SIGNING_SECRET_SIZE];
    struct minisign_signature made;
    char text[MINISIGN_FILE_SIZE];
    char pem[PEM_PUBLIC_SIZE];
    char public[MINISIGN_PUBLIC_SIZE];
    signing_secret_new(secret);
    struct signer *s = signer_from_secret(secret);
    ck_assert_ptr_nonnull(s);
    ck_assert(signer_sign(s, message, strlen(message), "timestamp:1336640400\tfile:message", &made));
    ck_assert(minisign_signature_format(&made, text));
    pem_public_format(signer_public(s)->key, pem);
    minisign_public_format(signer_public(s), public);
    write_file("message", message, strlen(message));
    write_file("signature", made.signature, SIGNATURE_SIZE);
    write_file("message.minisig", text, strlen(text));
    write_file("key.pem", pem, strlen(pem));
    write_file("key.pub", public, strlen(public));
    signer_close(s);
}

START_TEST(openssl_and_minisign_agree)
{
    char data[128];
    char signature[128];
    char pem[128];
    char public[128];
    make_folder();
    write_signed();
    path_of("message", data, sizeof data);
    path_of("signature", signature, sizeof signature);
    path_of("key.pem", pem, sizeof pem);
    path_of("key.pub", public, sizeof public);
    char *const openssl[] = {"openssl", "pkeyutl",  "-verify", "-rawin", "-pubin", "-inkey",
                             pem,       "-sigfile", signature, "-in",    data,     NULL};
    char *const minisign[] = {"minisign", "-V", "-p", public, "-m", data, NULL};
    ck_assert_int_eq(run_program(openssl), 0);
    ck_assert_int_eq(run_program(minisign), 0);
    char changed[sizeof message];
    memcpy(changed, message, sizeof message);
    changed[20] = 'X';
    write_file("message", changed, strlen(changed));
    ck_assert_int_ne(run_program(openssl), 0);
    ck_assert_int_ne(run_program(minisign), 0);
    remove_folder();
}
END_TEST

START_TEST(key_file_opens_only_when_safe)
{
    unsigned char secret[SIGNING_SECRET_SIZE];
    char path[128];
    char error[300] = "";
    make_folder();
    path_of("secret", path, sizeof path);
    signing_secret_new(secret);
    ck_assert(keyfile_write(path, "the signing key", secret, sizeof secret, true, error, sizeof error));
    struct signer *s = signer_open(path, error, sizeof error);
    ck_assert_msg(s != NULL, "%s", error);
    ck_assert_mem_eq(signer_public(s)->id, secret, KEY_ID_BYTES);
    signer_close(s);
    ck_assert_int_eq(chmod(path, 0440), 0);
    ck_assert_ptr_null(signer_open(path, error, sizeof error));
    ck_assert_ptr_nonnull(strstr(error, "chmod 0400"));
    ck_assert_ptr_null(signer_open("/nonexistent", error, sizeof error));
    signer_close(NULL);
    remove_folder();
}
END_TEST

int main(void)
{
    if (sodium_init() < 0)
        return 1;
    Suite *suite = suite_create("signing");
    TCase *t = tcase_create("signing");
    tcase_add_test(t, rfc_8032_vector);
    tcase_add_test(t, key_id_reads_as_minisign_prints_it);
    tcase_add_test(t, pem_round_trip_and_refusals);
    tcase_add_test(t, minisign_forms_round_trip);
    tcase_add_test(t, every_tampered_part_is_named);
    tcase_add_test(t, comments_that_no_reader_takes_are_refused);
    tcase_add_test(t, new_keys_differ);
    tcase_add_test(t, openssl_and_minisign_agree);
    tcase_add_test(t, key_file_opens_only_when_safe);
    suite_add_tcase(suite, t);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
