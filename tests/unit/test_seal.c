/* Sealed uploads: what goes in comes out, and every way of tampering with the stored chunks is noticed. */
#include "base/pack.h"
#include "signing/seal.h"
#include "signing/unseal.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#define CHUNKS 4
#define LENGTH 1000

struct upload {
    uint8_t sealed_key[SEAL_KEY_SIZE];
    uint8_t chunk[CHUNKS][LENGTH + SEAL_CHUNK_OVERHEAD];
    size_t length[CHUNKS];
};

static struct unseal_key key;
static uint8_t text[CHUNKS][LENGTH];

static void setup(void)
{
    ck_assert_int_ge(sodium_init(), 0);
    uint8_t secret[SEAL_SECRET_KEY_SIZE];
    randombytes_buf(secret, sizeof secret);
    ck_assert(unseal_key_set(&key, secret));
    randombytes_buf(text, sizeof text);
}

static void seal_upload(struct upload *u, const char *context)
{
    struct seal_stream s;
    ck_assert(seal_begin(&s, key.public, context, u->sealed_key));
    for (int i = 0; i < CHUNKS; i++) {
        size_t n = i == CHUNKS - 1 ? 0 : LENGTH;
        ck_assert(seal_chunk(&s, text[i], n, i == CHUNKS - 1, u->chunk[i]));
        u->length[i] = n + SEAL_CHUNK_OVERHEAD;
    }
}

/* Opens chunks in the order given; the number that opened. *finished: the final one was among them. */
static int open_in_order(const struct upload *u, const char *context, const int *order, int count, bool *finished)
{
    struct unseal_stream s;
    ck_assert(unseal_begin(&s, &key, context, u->sealed_key, sizeof u->sealed_key));
    uint8_t out[LENGTH];
    int opened = 0;
    while (opened < count && unseal_chunk(&s, u->chunk[order[opened]], u->length[order[opened]], out)) {
        size_t n = u->length[order[opened]] - SEAL_CHUNK_OVERHEAD;
        ck_assert_int_eq(memcmp(out, text[order[opened]], n), 0);
        opened++;
    }
    *finished = s.finished;
    unseal_end(&s);
    return opened;
}

START_TEST(comes_back_whole)
{
    struct upload u;
    bool finished;
    seal_upload(&u, "RXA/a");
    ck_assert_int_eq(open_in_order(&u, "RXA/a", (const int[]){0, 1, 2, 3}, 4, &finished), 4);
    ck_assert(finished);
}
END_TEST

START_TEST(truncation_shows)
{
    struct upload u;
    bool finished;
    seal_upload(&u, "RXA/a");
    ck_assert_int_eq(open_in_order(&u, "RXA/a", (const int[]){0, 1, 2}, 3, &finished), 3);
    ck_assert(!finished);
}
END_TEST

START_TEST(reordering_and_loss_show)
{
    struct upload u;
    bool finished;
    seal_upload(&u, "RXA/a");
    ck_assert_int_eq(open_in_order(&u, "RXA/a", (const int[]){0, 2, 1, 3}, 4, &finished), 1);
    ck_assert_int_eq(open_in_order(&u, "RXA/a", (const int[]){1, 2, 3}, 3, &finished), 0);
    ck_assert_int_eq(open_in_order(&u, "RXA/a", (const int[]){0, 1, 3}, 3, &finished), 2);
    ck_assert(!finished);
    ck_assert_int_eq(open_in_order(&u, "RXA/a", (const int[]){0, 0, 1, 2, 3}, 5, &finished), 1);
}
END_TEST

START_TEST(nothing_opens_behind_the_end)
{
    struct upload u;
    bool finished;
    seal_upload(&u, "RXA/a");
    ck_assert_int_eq(open_in_order(&u, "RXA/a", (const int[]){0, 1, 2, 3, 3}, 5, &finished), 4);
}
END_TEST

START_TEST(a_flipped_bit_shows)
{
    struct upload u;
    bool finished;
    seal_upload(&u, "RXA/a");
    u.chunk[1][LENGTH / 2] ^= 1;
    ck_assert_int_eq(open_in_order(&u, "RXA/a", (const int[]){0, 1, 2, 3}, 4, &finished), 1);
}
END_TEST

START_TEST(chunks_belong_to_their_upload)
{
    struct upload u;
    bool finished;
    seal_upload(&u, "RXA/a");
    ck_assert_int_eq(open_in_order(&u, "RXA/b", (const int[]){0, 1, 2, 3}, 4, &finished), 0);
}
END_TEST

static size_t seal_packed(struct seal_stream *s, const uint8_t *from, size_t length, bool last, uint8_t *sealed)
{
    uint8_t packed[LENGTH + PACK_OVERHEAD];
    size_t n = chunk_pack(from, length, packed);
    ck_assert(seal_chunk(s, packed, n, last, sealed));
    return n + SEAL_CHUNK_OVERHEAD;
}

/* The room grows with the chunks and serves shorter ones too. */
START_TEST(packed_chunks_come_back)
{
    static const size_t lengths[CHUNKS] = {10, LENGTH, 0, 500};
    static const uint8_t rows[LENGTH] = {1, 2, 3}; /* and zeroes: it becomes shorter */
    struct seal_stream s;
    struct unseal_stream u;
    struct unseal_room room = {NULL, NULL, 0, 0};
    uint8_t sealed_key[SEAL_KEY_SIZE];
    uint8_t sealed[LENGTH + PACK_OVERHEAD + SEAL_CHUNK_OVERHEAD];
    ck_assert(seal_begin(&s, key.public, "RXA/a", sealed_key));
    ck_assert(unseal_begin(&u, &key, "RXA/a", sealed_key, sizeof sealed_key));
    for (int i = 0; i < CHUNKS; i++) {
        const uint8_t *from = i % 2 == 0 ? rows : text[i];
        const uint8_t *back = NULL;
        size_t length = 0;
        size_t n = seal_packed(&s, from, lengths[i], i == CHUNKS - 1, sealed);
        ck_assert_int_eq(unseal_packed(&u, sealed, n, &room, &back, &length), UNSEAL_DONE);
        ck_assert_uint_eq(length, lengths[i]);
        ck_assert_int_eq(memcmp(back, from, length), 0);
    }
    ck_assert(u.finished);
    unseal_end(&u);
    unseal_room_free(&room);
}
END_TEST

/* Whole and ours by its seal, but not packed as we do. */
START_TEST(what_was_not_packed_is_damaged)
{
    struct upload u;
    struct unseal_stream s;
    struct unseal_room room = {NULL, NULL, 0, 0};
    const uint8_t *back = NULL;
    size_t length = 0;
    memset(text[0], 0xee, LENGTH);
    seal_upload(&u, "RXA/a");
    ck_assert(unseal_begin(&s, &key, "RXA/a", u.sealed_key, sizeof u.sealed_key));
    ck_assert_int_eq(unseal_packed(&s, u.chunk[0], u.length[0], &room, &back, &length), UNSEAL_DAMAGED);
    ck_assert_int_eq(unseal_packed(&s, u.chunk[1], SEAL_CHUNK_OVERHEAD - 1, &room, &back, &length), UNSEAL_DAMAGED);
    unseal_end(&s);
    unseal_room_free(&room);
}
END_TEST

START_TEST(another_key_opens_nothing)
{
    struct upload u;
    seal_upload(&u, "RXA/a");
    struct unseal_key other;
    uint8_t secret[SEAL_SECRET_KEY_SIZE];
    randombytes_buf(secret, sizeof secret);
    ck_assert(unseal_key_set(&other, secret));
    struct unseal_stream s;
    ck_assert(!unseal_begin(&s, &other, "RXA/a", u.sealed_key, sizeof u.sealed_key));
    ck_assert(!unseal_begin(&s, &key, "RXA/a", u.sealed_key, sizeof u.sealed_key - 1));
}
END_TEST

START_TEST(boxes)
{
    uint8_t sealed[LENGTH + SEAL_BOX_OVERHEAD];
    uint8_t out[LENGTH];
    ck_assert(seal_box(key.public, text[0], LENGTH, sealed));
    ck_assert(unseal_box(&key, sealed, sizeof sealed, out));
    ck_assert_int_eq(memcmp(out, text[0], LENGTH), 0);
    sealed[0] ^= 1;
    ck_assert(!unseal_box(&key, sealed, sizeof sealed, out));
    ck_assert(!unseal_box(&key, sealed, SEAL_BOX_OVERHEAD - 1, out));
}
END_TEST

START_TEST(context_has_a_maximum)
{
    struct seal_stream s;
    uint8_t sealed_key[SEAL_KEY_SIZE];
    char context[SEAL_CONTEXT_SIZE + 1];
    memset(context, 'x', sizeof context);
    context[SEAL_CONTEXT_SIZE] = '\0';
    ck_assert(!seal_begin(&s, key.public, context, sealed_key));
    context[SEAL_CONTEXT_SIZE - 1] = '\0';
    ck_assert(seal_begin(&s, key.public, context, sealed_key));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("seal");
    TCase *tc = tcase_create("seal");
    tcase_add_unchecked_fixture(tc, setup, NULL);
    tcase_add_test(tc, comes_back_whole);
    tcase_add_test(tc, truncation_shows);
    tcase_add_test(tc, reordering_and_loss_show);
    tcase_add_test(tc, nothing_opens_behind_the_end);
    tcase_add_test(tc, a_flipped_bit_shows);
    tcase_add_test(tc, chunks_belong_to_their_upload);
    tcase_add_test(tc, packed_chunks_come_back);
    tcase_add_test(tc, what_was_not_packed_is_damaged);
    tcase_add_test(tc, another_key_opens_nothing);
    tcase_add_test(tc, boxes);
    tcase_add_test(tc, context_has_a_maximum);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
