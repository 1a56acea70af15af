/* Merkle trees against the definitions of RFC 6962 section 2, written out recursively, and against published roots. */
#include "base/parse.h"
#include "proof/merkle.h"

#include <check.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#define SIZES 257

static struct merkle_hash leaves[SIZES];

static void prepare(void)
{
    ck_assert_int_ge(sodium_init(), 0);
    for (unsigned i = 0; i < SIZES; i++) {
        uint8_t bytes[2] = {(uint8_t)i, (uint8_t)(i >> 8)};
        leaves[i] = merkle_leaf(bytes, sizeof bytes);
    }
}

static uint64_t half(uint64_t n)
{
    uint64_t k = 1;
    while (k * 2 < n) {
        k *= 2;
    }
    return k;
}

/* MTH(D[n]) as the RFC writes it; each range of the leaves is worked out once. */
static struct merkle_hash mth(const struct merkle_hash *d, uint64_t n)
{
    static struct merkle_hash known[SIZES][SIZES];
    static bool is_known[SIZES][SIZES];
    size_t from = (size_t)(d - leaves);
    if (n == 1) {
        return d[0];
    }
    if (!is_known[from][n]) {
        struct merkle_hash left = mth(d, half(n));
        struct merkle_hash right = mth(d + half(n), n - half(n));
        known[from][n] = merkle_node(&left, &right);
        is_known[from][n] = true;
    }
    return known[from][n];
}

/* PATH(m, D[n]). */
static void path(uint64_t m, const struct merkle_hash *d, uint64_t n, struct merkle_proof *p)
{
    if (n == 1) {
        return;
    }
    uint64_t k = half(n);
    if (m < k) {
        path(m, d, k, p);
        p->hash[p->count++] = mth(d + k, n - k);
    } else {
        path(m - k, d + k, n - k, p);
        p->hash[p->count++] = mth(d, k);
    }
}

/* SUBPROOF(m, D[n], b). */
static void subproof(uint64_t m, const struct merkle_hash *d, uint64_t n, bool b, struct merkle_proof *p)
{
    uint64_t k = half(n);
    if (m == n) {
        if (!b) {
            p->hash[p->count++] = mth(d, n);
        }
    } else if (m <= k) {
        subproof(m, d, k, b, p);
        p->hash[p->count++] = mth(d + k, n - k);
    } else {
        subproof(m - k, d + k, n - k, false, p);
        p->hash[p->count++] = mth(d, k);
    }
}

static bool fetch_node(void *context, unsigned level, uint64_t index, struct merkle_hash *hash)
{
    uint64_t size = *(const uint64_t *)context;
    uint64_t first = index << level;
    ck_assert_msg(first + (UINT64_C(1) << level) <= size, "only complete subtrees are asked for");
    *hash = mth(leaves + first, UINT64_C(1) << level);
    return true;
}

static bool same_proof(const struct merkle_proof *a, const struct merkle_proof *b)
{
    return a->count == b->count && memcmp(a->hash, b->hash, a->count * sizeof a->hash[0]) == 0;
}

START_TEST(published_roots)
{
    static const char *const leaf[] = {"",
                                       "00",
                                       "10",
                                       "2021",
                                       "3031",
                                       "40414243",
                                       "50515253"
                                       "54555657",
                                       "60616263"
                                       "64656667"
                                       "68696a6b"
                                       "6c6d6e6f"};
    static const char *const root[] = {"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
                                       "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
                                       "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
                                       "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
                                       "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
                                       "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
                                       "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
                                       "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
                                       "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"};
    struct merkle_edge e;
    merkle_edge_init(&e);
    for (size_t i = 0; i <= 8; i++) {
        struct merkle_hash found = merkle_edge_root(&e);
        char hex[65];
        sodium_bin2hex(hex, sizeof hex, found.bytes, sizeof found.bytes);
        ck_assert_str_eq(hex, root[i]);
        if (i < 8) {
            uint8_t bytes[16];
            size_t length = strlen(leaf[i]) / 2;
            ck_assert(length == 0 || hex_decode(leaf[i], 2 * length, bytes, length));
            struct merkle_hash hash = merkle_leaf(bytes, length);
            ck_assert(merkle_edge_add(&e, &hash, NULL, NULL));
        }
    }
}
END_TEST

/* Every complete subtree is told once, with the hash that the definition gives. */
static bool kept(void *context, unsigned level, uint64_t index, const struct merkle_hash *hash)
{
    struct merkle_hash expected = mth(leaves + (index << level), UINT64_C(1) << level);
    ck_assert(merkle_same(hash, &expected));
    (*(unsigned *)context)++;
    return true;
}

START_TEST(a_growing_tree_has_the_roots_of_the_definition)
{
    struct merkle_edge e;
    unsigned told = 0;
    merkle_edge_init(&e);
    for (uint64_t n = 1; n <= 256; n++) {
        ck_assert(merkle_edge_add(&e, &leaves[n - 1], kept, &told));
        struct merkle_hash expected = mth(leaves, n);
        struct merkle_hash found = merkle_edge_root(&e);
        ck_assert(merkle_same(&found, &expected));
        struct merkle_edge loaded;
        ck_assert(merkle_edge_load(&loaded, n, fetch_node, &n));
        found = merkle_edge_root(&loaded);
        ck_assert(merkle_same(&found, &expected));
    }
    ck_assert_uint_eq(told, 511); /* 256 leaves, 128 pairs ... 1 */
}
END_TEST

START_TEST(inclusion_of_every_leaf_in_every_size)
{
    for (uint64_t n = 1; n <= 130; n++) {
        struct merkle_hash root = mth(leaves, n);
        for (uint64_t m = 0; m < n; m++) {
            struct merkle_proof expected = {.count = 0};
            struct merkle_proof found;
            path(m, leaves, n, &expected);
            ck_assert(merkle_inclusion(m, n, fetch_node, &n, &found));
            ck_assert(same_proof(&found, &expected));
            ck_assert(merkle_inclusion_holds(&leaves[m], m, n, &found, &root));
            ck_assert(!merkle_inclusion_holds(&leaves[m + 1], m, n, &found, &root));
            ck_assert(!merkle_inclusion_holds(&leaves[m], m + 1, n, &found, &root));
            if (found.count > 0) {
                found.hash[m % found.count].bytes[m % MERKLE_HASH] ^= 1;
                ck_assert(!merkle_inclusion_holds(&leaves[m], m, n, &found, &root));
                found.hash[m % found.count].bytes[m % MERKLE_HASH] ^= 1;
                found.count--;
                ck_assert(!merkle_inclusion_holds(&leaves[m], m, n, &found, &root));
                found.count++;
            }
            found.hash[found.count++] = root;
            ck_assert(!merkle_inclusion_holds(&leaves[m], m, n, &found, &root));
        }
    }
}
END_TEST

START_TEST(consistency_between_all_pairs_up_to_256)
{
    struct merkle_hash roots[SIZES];
    struct merkle_edge e;
    merkle_edge_init(&e);
    for (uint64_t n = 0; n <= 256; n++) {
        roots[n] = merkle_edge_root(&e);
        ck_assert(merkle_edge_add(&e, &leaves[n], NULL, NULL));
    }
    for (uint64_t n = 0; n <= 256; n++) {
        for (uint64_t m = 0; m <= n; m++) {
            struct merkle_proof expected = {.count = 0};
            struct merkle_proof found;
            if (m > 0 && m < n) {
                subproof(m, leaves, n, true, &expected);
            }
            ck_assert(merkle_consistency(m, n, fetch_node, &n, &found));
            ck_assert(same_proof(&found, &expected));
            ck_assert(merkle_consistency_holds(m, &roots[m], n, &roots[n], &found));
            /* Another beginning, another end, another proof. */
            struct merkle_hash other = merkle_node(&roots[m], &roots[n]);
            ck_assert(!merkle_consistency_holds(m, &other, n, &roots[n], &found));
            ck_assert(m == 0 || !merkle_consistency_holds(m, &roots[m], n, &other, &found));
            if (found.count > 0) {
                found.hash[(m + n) % found.count].bytes[n % MERKLE_HASH] ^= 0x80;
                ck_assert(!merkle_consistency_holds(m, &roots[m], n, &roots[n], &found));
                found.hash[(m + n) % found.count].bytes[n % MERKLE_HASH] ^= 0x80;
                found.count--;
                ck_assert(!merkle_consistency_holds(m, &roots[m], n, &roots[n], &found));
                found.count++;
            }
            found.hash[found.count++] = roots[n];
            ck_assert(!merkle_consistency_holds(m, &roots[m], n, &roots[n], &found));
        }
    }
}
END_TEST

START_TEST(questions_beyond_the_tree_are_refused)
{
    uint64_t n = 7;
    struct merkle_proof p;
    struct merkle_edge e = {.size = (UINT64_C(1) << MERKLE_LEVELS) - 1};
    ck_assert(!merkle_inclusion(7, 7, fetch_node, &n, &p));
    ck_assert(!merkle_inclusion(0, 0, fetch_node, &n, &p));
    ck_assert(!merkle_consistency(8, 7, fetch_node, &n, &p));
    ck_assert(!merkle_consistency_holds(8, &leaves[0], 7, &leaves[1], &p));
    ck_assert(!merkle_edge_add(&e, &leaves[0], NULL, NULL));
}
END_TEST

int main(void)
{
    Suite *s = suite_create("merkle");
    TCase *c = tcase_create("merkle");
    tcase_set_timeout(c, 60);
    tcase_add_unchecked_fixture(c, prepare, NULL);
    tcase_add_test(c, published_roots);
    tcase_add_test(c, a_growing_tree_has_the_roots_of_the_definition);
    tcase_add_test(c, inclusion_of_every_leaf_in_every_size);
    tcase_add_test(c, consistency_between_all_pairs_up_to_256);
    tcase_add_test(c, questions_beyond_the_tree_are_refused);
    suite_add_tcase(s, c);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
