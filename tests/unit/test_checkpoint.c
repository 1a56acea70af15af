/* Checkpoints, signed notes and cosignatures in the forms of C2SP; the example is the one its text shows. */
#include "proof/checkpoint.h"

#include <check.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#define ORIGIN "example.com/behind-the-sofa"
#define BODY   ORIGIN "\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n"
#define DASH   "\xE2\x80\x94 "
#define SIGNED                                                                                                         \
    "\n" DASH ORIGIN " Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=\n"
#define COSIGNED                                                                                                       \
    DASH "witness.example.com/w1 jWbPPwAAAABkGFDLEZMHwSRaJNiIDoe9DYn/zXcrtPHeolMI5OWXEhZCB9dlrDJsX3b2oyin1nPZqhf5nNo0" \
         "xUe+mbIUBkBIfZ+qnA==\n"

static uint8_t public_half[PUBLIC_KEY_SIZE];
static uint8_t secret_half[crypto_sign_SECRETKEYBYTES];

static void prepare(void)
{
    uint8_t seed[crypto_sign_SEEDBYTES] = {7};
    ck_assert_int_ge(sodium_init(), 0);
    ck_assert_int_eq(crypto_sign_seed_keypair(public_half, secret_half, seed), 0);
}

static bool reads(const char *text, struct checkpoint_note *n)
{
    const char *where = NULL;
    bool good = checkpoint_read(text, strlen(text), n, &where);
    ck_assert(good == (where == NULL));
    return good;
}

START_TEST(the_published_example)
{
    struct checkpoint_note n;
    struct buf again;
    const char *text = BODY SIGNED COSIGNED;
    buf_init(&again, NOTE_SIZE_MAX);
    ck_assert(reads(text, &n));
    ck_assert_str_eq(n.checkpoint.origin, ORIGIN);
    ck_assert_uint_eq(n.checkpoint.size, 20852163);
    ck_assert_uint_eq(n.body, strlen(BODY));
    ck_assert_uint_eq(n.count, 2);
    ck_assert(!n.signature[0].timed);
    ck_assert(n.signature[1].timed);
    ck_assert_uint_eq(n.signature[1].time, 0x641850CB);
    ck_assert_str_eq(n.signature[1].name, "witness.example.com/w1");
    ck_assert(checkpoint_body(&n.checkpoint, &again) && buf_append_char(&again, '\n') &&
              note_signature_line(&n.signature[0], &again) && note_signature_line(&n.signature[1], &again));
    ck_assert_str_eq(again.data, text);
    buf_free(&again);
}
END_TEST

static const char *const refused[] = {
    "",
    "\n1\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n",
    ORIGIN "\n",
    ORIGIN "\n01\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n",
    ORIGIN "\n-1\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n",
    ORIGIN "\n\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n",
    ORIGIN "\n99999999999999999999\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n",
    ORIGIN "\n1\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I\n",  /* not padded */
    ORIGIN "\n1\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2J=\n", /* another spelling of the same bytes */
    ORIGIN "\n1\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jx\n",
    ORIGIN "\n1\nCsUYapGGPo4dkMgIAUqo\xA6/Xajj7h2fB2MPA3j2jxq2I=\n", /* which libsodium takes for a digit */
    ORIGIN "\n1\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=",      /* no end of line */
    "a+b\n1\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n",
    "a b\n1\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n",
    BODY "\nsigned\n",
    BODY "\n" DASH "name\n",
    BODY SIGNED "\n",
};

START_TEST(what_is_no_checkpoint_is_refused)
{
    struct checkpoint_note n;
    ck_assert_msg(!reads(refused[_i], &n), "%s", refused[_i]);
}
END_TEST

START_TEST(extensions_are_signed_and_passed_over)
{
    struct checkpoint_note n;
    ck_assert(reads(BODY "more\n" SIGNED, &n));
    ck_assert_uint_eq(n.body, strlen(BODY "more\n"));
    ck_assert_uint_eq(n.count, 1);
}
END_TEST

/* A note of our own with both kinds of signature. */
static void make_note(struct buf *note)
{
    struct checkpoint c = {.origin = "reckoner.example/log", .size = 3, .root = merkle_leaf("x", 1)};
    static const enum note_kind kinds[] = {NOTE_ED25519, NOTE_COSIGNATURE};
    static const char *const names[] = {"reckoner.example/log", "keeper.example"};
    struct buf body, message;
    buf_init(&body, NOTE_SIZE_MAX);
    ck_assert(checkpoint_body(&c, &body) && buf_append(note, body.data, body.length) && buf_append_char(note, '\n'));
    for (int i = 0; i < 2; i++) {
        uint8_t signature[SIGNATURE_SIZE];
        buf_init(&message, NOTE_SIZE_MAX);
        ck_assert(note_message(kinds[i], 1354000000, body.data, body.length, &message));
        crypto_sign_detached(signature, NULL, (const uint8_t *)message.data, message.length, secret_half);
        ck_assert(note_line(names[i], kinds[i], public_half, 1354000000, signature, note));
        buf_free(&message);
    }
    buf_free(&body);
}

START_TEST(signatures_hold_for_their_name_kind_key_and_bytes)
{
    struct checkpoint_note n;
    struct buf note;
    uint64_t time = 0;
    uint8_t other[PUBLIC_KEY_SIZE] = {9};
    buf_init(&note, NOTE_SIZE_MAX);
    make_note(&note);
    ck_assert(reads(note.data, &n));
    ck_assert(note_signed_by(note.data, &n, "reckoner.example/log", NOTE_ED25519, public_half, &time));
    ck_assert_uint_eq(time, 0);
    ck_assert(note_signed_by(note.data, &n, "keeper.example", NOTE_COSIGNATURE, public_half, &time));
    ck_assert_uint_eq(time, 1354000000);
    ck_assert(!note_signed_by(note.data, &n, "keeper.example", NOTE_ED25519, public_half, NULL));
    ck_assert(!note_signed_by(note.data, &n, "keeper2.example", NOTE_COSIGNATURE, public_half, NULL));
    ck_assert(!note_signed_by(note.data, &n, "reckoner.example/log", NOTE_ED25519, other, NULL));
    note.data[strlen("reckoner.example/log\n")] = '4'; /* size 4 instead of 3 */
    ck_assert(reads(note.data, &n));
    ck_assert(!note_signed_by(note.data, &n, "reckoner.example/log", NOTE_ED25519, public_half, NULL));
    ck_assert(!note_signed_by(note.data, &n, "keeper.example", NOTE_COSIGNATURE, public_half, NULL));
    buf_free(&note);
}
END_TEST

START_TEST(verifier_keys_come_back)
{
    char text[NOTE_VKEY_SIZE], name[NOTE_NAME_SIZE];
    uint8_t key[PUBLIC_KEY_SIZE];
    enum note_kind kind;
    ck_assert(note_vkey_format("keeper.example", NOTE_COSIGNATURE, public_half, text));
    ck_assert(note_vkey_parse(text, strlen(text), name, &kind, key));
    ck_assert_str_eq(name, "keeper.example");
    ck_assert_int_eq(kind, NOTE_COSIGNATURE);
    ck_assert_mem_eq(key, public_half, sizeof key);
    text[strlen("keeper.example+")] ^= 1; /* the key id no longer follows from name and key */
    ck_assert(!note_vkey_parse(text, strlen(text), name, &kind, key));
    ck_assert(!note_vkey_format("two words", NOTE_ED25519, public_half, text));
}
END_TEST

int main(void)
{
    Suite *s = suite_create("checkpoint");
    TCase *c = tcase_create("checkpoint");
    tcase_add_unchecked_fixture(c, prepare, NULL);
    tcase_add_test(c, the_published_example);
    tcase_add_loop_test(c, what_is_no_checkpoint_is_refused, 0, sizeof refused / sizeof refused[0]);
    tcase_add_test(c, extensions_are_signed_and_passed_over);
    tcase_add_test(c, signatures_hold_for_their_name_kind_key_and_bytes);
    tcase_add_test(c, verifier_keys_come_back);
    suite_add_tcase(s, c);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
