/* Row lines and the tree over them: the vectors that another program made, refusals, and trees of several blocks
 * against the plain tree of all leaves. */
#include "base/parse.h"
#include "domain/row_line.h"
#include "domain/rules.h"
#include "proof/row_tree.h"

#include <check.h>
#include <jansson.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FOLDER "tests/vectors/rows/"
#define ROWS   5

struct vectors {
    char header[ROW_LINE_SIZE];
    char line[ROWS][ROW_LINE_SIZE];
    json_t *tree;
};

static void load(struct vectors *v)
{
    FILE *f = fopen(FOLDER "rows.csv", "re");
    ck_assert_ptr_nonnull(f);
    ck_assert_ptr_nonnull(fgets(v->header, sizeof v->header, f));
    for (int i = 0; i < ROWS; i++) {
        ck_assert_ptr_nonnull(fgets(v->line[i], sizeof v->line[i], f));
        v->line[i][strcspn(v->line[i], "\n")] = '\0';
    }
    ck_assert_int_eq(fgetc(f), EOF);
    (void)fclose(f);
    v->tree = json_load_file(FOLDER "tree.json", 0, NULL);
    ck_assert_ptr_nonnull(v->tree);
}

static void take_hash(const json_t *text, uint8_t out[32])
{
    ck_assert(hex_decode(json_string_value(text), json_string_length(text), out, 32));
}

START_TEST(lines_of_the_vectors_are_read_and_written)
{
    struct vectors v;
    load(&v);
    ck_assert_str_eq(v.header, ROW_LINE_HEADER "\n");
    for (int i = 0; i < ROWS; i++) {
        struct row_line line;
        char again[ROW_LINE_SIZE];
        size_t facts = 0;
        const char *problem = NULL;
        ck_assert_msg(row_line_read(v.line[i], strlen(v.line[i]), &line, &facts, &problem), "%d: %s", i, problem);
        ck_assert_uint_eq(row_line_write(&line, again), strlen(v.line[i]));
        ck_assert_str_eq(again, v.line[i]);
    }
    json_decref(v.tree);
}
END_TEST

START_TEST(a_line_holds_what_it_says)
{
    struct vectors v;
    struct row_line a;
    struct row_line b;
    size_t facts = 0;
    const char *problem = NULL;
    load(&v);
    ck_assert(row_line_read(v.line[1], strlen(v.line[1]), &a, &facts, &problem));
    ck_assert_int_eq(a.row.row_no, 2);
    ck_assert_str_eq(a.tag, "zxwvtsrqpnmlkjhgfdcb");
    ck_assert_str_eq(a.row.cluster, "11");
    ck_assert_str_eq(a.row.service, "N,1");
    ck_assert_int_eq(a.row.end_date, date_from_civil((struct civil){2012, 4, 20}));
    ck_assert_int_eq(a.row.last_contact, date_from_civil((struct civil){2012, 4, 19}));
    ck_assert_int_eq(a.row.mhct_reason, 2);
    ck_assert_int_eq(a.row.admitted_days, 6);
    ck_assert(!a.row.assessment_only && a.row.continues && a.row.approved && !a.row.minor);
    ck_assert(row_line_read(v.line[2], strlen(v.line[2]), &a, &facts, &problem));
    ck_assert(a.row.failed == (rule_set_of(RULE_K01) | rule_set_of(RULE_D01) | rule_set_of(RULE_M03)));
    ck_assert_int_eq(a.row.start_date, DATE_NONE);
    ck_assert(row_line_read(v.line[0], strlen(v.line[0]), &b, &facts, &problem));
    ck_assert_mem_eq(a.row.patient, b.row.patient, 16); /* the same tag */
    ck_assert(row_line_read(v.line[3], strlen(v.line[3]), &a, &facts, &problem));
    ck_assert_str_eq(a.row.service, "say \"hi\"");
    ck_assert_mem_ne(a.row.patient, b.row.patient, 16);
    json_decref(v.tree);
}
END_TEST

#define TAG "bcdfghjklmnpqrstvwxz"
#define HEX "a4fe8a4b7a7dd184f41d1534c304f39e7b194ca03b8a3d168a54d0b50e45ed68"

static const char *const refused[] = {
    "",
    "1," TAG ",04,A,2012-03-12,,,,,1,0,0,0,0,0,",                   /* a column short */
    "1," TAG ",04,A,2012-03-12,,,,,1,0,0,0,0,0,," HEX ",",          /* one too many */
    "0," TAG ",04,A,2012-03-12,,,,,1,0,0,0,0,0,," HEX,              /* no row 0 */
    "01," TAG ",04,A,2012-03-12,,,,,1,0,0,0,0,0,," HEX,             /* a zero before */
    "-1," TAG ",04,A,2012-03-12,,,,,1,0,0,0,0,0,," HEX,             /* below 0 */
    "1,abcdfghjklmnpqrstvwx,04,A,2012-03-12,,,,,1,0,0,0,0,0,," HEX, /* a vowel in the tag */
    "1," TAG ",4,A,2012-03-12,,,,,1,0,0,0,0,0,," HEX,               /* one digit */
    "1," TAG ",0x,A,2012-03-12,,,,,1,0,0,0,0,0,," HEX,              /* no digits */
    "1," TAG ",-4,A,2012-03-12,,,,,1,0,0,0,0,0,," HEX,              /* nor this */
    "1," TAG ",04,\"A\",2012-03-12,,,,,1,0,0,0,0,0,," HEX,          /* quotes that are not needed */
    "1," TAG ",04,A\"B,2012-03-12,,,,,1,0,0,0,0,0,," HEX,           /* quotes that are missing */
    "1," TAG ",04,\"A,2012-03-12,,,,,1,0,0,0,0,0,," HEX,            /* never closed */
    "1," TAG ",04,\"A,B\"C,2012-03-12,,,,,1,0,0,0,0,0,," HEX,       /* behind the quote */
    "1," TAG ",04,A\tB,2012-03-12,,,,,1,0,0,0,0,0,," HEX,           /* a control character */
    "1," TAG ",04,0123456789012345678901234567890123456789012345678,2012-03-12,,,,,1,0,0,0,0,0,," HEX, /* too long */
    "1," TAG ",04,A,2012-02-30,,,,,1,0,0,0,0,0,," HEX,                                                 /* no such day */
    "1," TAG ",04,A,2012-03-12,,,,,01,0,0,0,0,0,," HEX,       /* a zero before */
    "1," TAG ",04,A,2012-03-12,,,,,1,40000,0,0,0,0,," HEX,    /* beyond 16 bits */
    "1," TAG ",04,A,2012-03-12,,,,,1,0,2,0,0,0,," HEX,        /* neither 0 nor 1 */
    "1," TAG ",04,A,2012-03-12,,,,,1,0,0,0,0,0,K01 D01," HEX, /* not ascending */
    "1," TAG ",04,A,2012-03-12,,,,,1,0,0,0,0,0,D01 D01," HEX, /* twice */
    "1," TAG ",04,A,2012-03-12,,,,,1,0,0,0,0,0,D01 ," HEX,    /* a space behind */
    "1," TAG ",04,A,2012-03-12,,,,,1,0,0,0,0,0,F01," HEX,     /* a rule of the file */
    "1," TAG ",04,A,2012-03-12,,,,,1,0,0,0,0,0,Z99," HEX,     /* no rule */
    "1," TAG ",04,A,2012-03-12,,,,,1,0,0,0,0,0,,A4fe8a4b7a7dd184f41d1534c304f39e7b194ca03b8a3d168a54d0b50e45ed68",
    "1," TAG ",04,A,2012-03-12,,,,,1,0,0,0,0,0,," HEX "00", /* too many digits */
    "1," TAG ",04,A,2012-03-12,,,,,1,0,0,0,0,0,," HEX "\r", /* not this line end */
};

START_TEST(other_forms_are_refused)
{
    const char *good = "1," TAG ",04,A,2012-03-12,,,,,1,0,0,0,0,0,," HEX;
    struct row_line line;
    size_t facts = 0;
    const char *problem = NULL;
    ck_assert(row_line_read(good, strlen(good), &line, &facts, &problem));
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
        problem = NULL;
        ck_assert_msg(!row_line_read(refused[i], strlen(refused[i]), &line, &facts, &problem), "%s", refused[i]);
        ck_assert_ptr_nonnull(problem);
    }
}
END_TEST

START_TEST(leaves_root_and_proof_of_the_vectors)
{
    struct vectors v;
    struct merkle_hash leaf[ROWS];
    struct merkle_hash wanted;
    struct merkle_hash root;
    uint64_t rows = 0;
    load(&v);
    struct row_tree *t = row_tree_new(NULL, NULL);
    for (int i = 0; i < ROWS; i++) {
        struct row_line line;
        uint8_t digest[32];
        size_t facts = 0;
        const char *problem = NULL;
        ck_assert(row_line_read(v.line[i], strlen(v.line[i]), &line, &facts, &problem));
        take_hash(json_object_get(json_array_get(json_object_get(v.tree, "private"), (size_t)i), "digest"), digest);
        ck_assert_mem_eq(digest, line.private_digest, 32);
        take_hash(json_array_get(json_object_get(v.tree, "leaves"), (size_t)i), wanted.bytes);
        ck_assert(row_leaf(v.line[i], facts, digest, &leaf[i]));
        ck_assert(merkle_same(&leaf[i], &wanted));
        ck_assert(row_tree_add(t, line.row.row_no, v.line[i], facts, digest));
    }
    ck_assert(row_tree_finish(t, &rows, &root));
    row_tree_free(t);
    take_hash(json_object_get(v.tree, "root"), wanted.bytes);
    ck_assert_uint_eq(rows, ROWS);
    ck_assert(merkle_same(&root, &wanted));
    struct merkle_proof p;
    const json_t *proof = json_object_get(v.tree, "proof");
    const json_t *path = json_object_get(proof, "path");
    uint64_t index = (uint64_t)json_integer_value(json_object_get(proof, "index"));
    ck_assert(row_tree_proof(index, ROWS, leaf, &root, &p));
    ck_assert_uint_eq(p.count, json_array_size(path));
    for (uint32_t i = 0; i < p.count; i++) {
        take_hash(json_array_get(path, i), wanted.bytes);
        ck_assert(merkle_same(&p.hash[i], &wanted));
    }
    json_decref(v.tree);
}
END_TEST

/* Blocks as a tree tells of them, and all leaves to compare with. */
struct told {
    struct merkle_hash *leaf;
    struct merkle_hash block[4];
    uint32_t blocks;
    uint64_t rows;
};

static bool take_block(void *context, const struct row_block *b)
{
    struct told *told = context;
    ck_assert_uint_eq(b->no, told->blocks);
    ck_assert_int_eq(b->first_row, (int32_t)(2 * told->rows + 1));
    ck_assert_int_eq(b->last_row, (int32_t)(2 * (told->rows + b->rows) - 1));
    told->rows += b->rows;
    told->block[told->blocks++] = b->root;
    return true;
}

/* Rows 1, 3, 5 ...; the root is that of the tree over all leaves, and proofs of rows at the edges hold. */
static void try_size(uint64_t size)
{
    struct told told = {.leaf = calloc(size + 1, sizeof(struct merkle_hash))};
    struct row_tree *t = row_tree_new(take_block, &told);
    struct merkle_edge plain;
    struct merkle_hash root;
    uint64_t rows = 0;
    merkle_edge_init(&plain);
    ck_assert(told.leaf != NULL && t != NULL);
    for (uint64_t i = 0; i < size; i++) {
        const uint8_t digest[32] = {(uint8_t)i};
        char facts[16];
        int n = snprintf(facts, sizeof facts, "row %d", (int)i);
        ck_assert(row_leaf(facts, (size_t)n, digest, &told.leaf[i]));
        ck_assert(row_tree_add(t, (int32_t)(2 * i + 1), facts, (size_t)n, digest));
        ck_assert(merkle_edge_add(&plain, &told.leaf[i], NULL, NULL));
    }
    ck_assert(row_tree_finish(t, &rows, &root));
    struct merkle_hash wanted = merkle_edge_root(&plain);
    ck_assert(rows == size && told.rows == size && merkle_same(&root, &wanted));
    const uint64_t asked[] = {0, 1, 4095, 4096, size / 2, size - 1};
    for (size_t i = 0; i < 6; i++) {
        struct merkle_proof p;
        bool known = size > 0 && asked[i] < size;
        const struct merkle_hash *leaves = told.leaf + (known ? asked[i] / ROW_BLOCK * ROW_BLOCK : 0);
        ck_assert(row_tree_proof(asked[i], size, leaves, told.block, &p) == known);
        ck_assert(!known || merkle_inclusion_holds(&told.leaf[asked[i]], asked[i], size, &p, &root));
    }
    row_tree_free(t);
    free(told.leaf);
}

START_TEST(trees_of_several_blocks)
{
    const uint64_t sizes[] = {0, 1, 2, 3, 4095, 4096, 4097, 8192, 8193, 12290};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++)
        try_size(sizes[i]);
}
END_TEST

static bool refuse_block(void *context, const struct row_block *b)
{
    (void)context;
    return b->rows > 1;
}

START_TEST(what_is_out_of_order_or_refused_ends_a_tree)
{
    const uint8_t digest[32] = {0};
    struct merkle_hash root;
    uint64_t rows = 0;
    struct row_tree *t = row_tree_new(NULL, NULL);
    ck_assert(row_tree_add(t, 7, "a", 1, digest));
    ck_assert(!row_tree_add(t, 7, "b", 1, digest));
    ck_assert(!row_tree_add(t, 8, "c", 1, digest));
    ck_assert(!row_tree_finish(t, &rows, &root));
    row_tree_free(t);
    t = row_tree_new(refuse_block, NULL);
    ck_assert(row_tree_add(t, 1, "a", 1, digest));
    ck_assert(!row_tree_finish(t, &rows, &root));
    row_tree_free(t);
}
END_TEST

static void prepare(void)
{
    ck_assert_int_ge(sodium_init(), 0);
}

int main(void)
{
    Suite *s = suite_create("row_tree");
    TCase *c = tcase_create("row_tree");
    tcase_set_timeout(c, 60);
    tcase_add_unchecked_fixture(c, prepare, NULL);
    tcase_add_test(c, lines_of_the_vectors_are_read_and_written);
    tcase_add_test(c, a_line_holds_what_it_says);
    tcase_add_test(c, other_forms_are_refused);
    tcase_add_test(c, leaves_root_and_proof_of_the_vectors);
    tcase_add_test(c, trees_of_several_blocks);
    tcase_add_test(c, what_is_out_of_order_or_refused_ends_a_tree);
    suite_add_tcase(s, c);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
