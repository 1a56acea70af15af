/* The log in the database: what was committed gets into the tree once, in order, under a checkpoint that anyone can
 * check, and the audit trail is chained. */
#include "base/log_state.h"
#include "base/parse.h"
#include "lib/settled_account.h"
#include "lib/store_fixture.h"
#include "proof/chain.h"
#include "proof/checkpoint.h"
#include "store/log.h"
#include "store/vouch.h"
#include "worker/log_keeper.h"

#include <check.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char origin[] = "reckoner.example/log";
static struct store_fixture f;
static struct pg *pg;
static struct config config;
static char state_dir[40];
static const struct clock wall = {NULL};
static struct worker w;
static char problem[JOB_PROBLEM_SIZE];

/* The key of the seed is another: ours is introduced, as the operator would. */
static void introduce(void)
{
    const struct public_key *key = signer_public(w.signer);
    char id[17];
    char hex[2 * PUBLIC_KEY_SIZE + 1];
    char sql[300];
    public_key_id_text(key->id, id);
    hex_encode(key->key, PUBLIC_KEY_SIZE, hex);
    snprintf(sql, sizeof sql, "INSERT INTO signing_key VALUES ('%s', decode('%s', 'hex'), '2012-04-01Z')", id, hex);
    store_fixture_sql(&f, sql);
}

static void remove_state(void)
{
    static const char *const names[] = {"log.json", "log.json.new", "log.lock"};
    char path[80];
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        snprintf(path, sizeof path, "%s/%s", state_dir, names[i]);
        (void)unlink(path);
    }
    (void)rmdir(state_dir);
}

static void make_state(void)
{
    snprintf(state_dir, sizeof state_dir, "/tmp/reckoner-state-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(state_dir));
}

static void setup(void)
{
    static const unsigned char secret[SIGNING_SECRET_SIZE] = {1, 2, 3, 4, 5, 6, 7, 8, 9};
    ck_assert_int_ge(sodium_init(), 0);
    store_fixture_open(&f);
    store_fixture_seed(&f);
    settled_account(&f);
    pg = store_fixture_connect(&f, "reckoner_worker");
    config.log_origin = origin;
    make_state();
    config.state_dir = state_dir;
    w.name = "test";
    w.config = &config;
    w.clock = &wall;
    w.signer = signer_from_secret(secret);
    ck_assert_ptr_nonnull(w.signer);
    introduce();
}

static void teardown(void)
{
    signer_close((struct signer *)w.signer);
    pg_free(pg);
    store_fixture_close(&f);
    remove_state();
}

static enum pg_status append(void)
{
    bool more = false;
    enum pg_status status = log_append_batch(pg, &w, &more, problem);
    ck_assert(!more);
    return status;
}

static int64_t count(const char *what)
{
    char sql[200];
    snprintf(sql, sizeof sql, "SELECT count(*) FROM reckoner.%s", what);
    const char *text = store_fixture_value(f.owner, sql);
    int64_t n = -1;
    ck_assert(parse_i64(text, strlen(text), &n));
    return n;
}

static bool fetch(void *context, unsigned level, uint64_t index, struct merkle_hash *hash)
{
    return log_node(context, level, (int64_t)index, hash->bytes) == PG_OK;
}

/* The root of the entries as they stand, worked out from their texts. */
static struct merkle_hash root_of_entries(void)
{
    struct merkle_edge e;
    PGresult *r = NULL;
    merkle_edge_init(&e);
    ck_assert_int_eq(log_entries(pg, 0, NULL, NULL, 100000, &r), PG_OK);
    for (int i = 0; i < PQntuples(r); i++) {
        const char *entry = pg_text(r, i, "entry");
        struct json_problem where;
        size_t length = 0;
        json_t *value = json_read(entry, strlen(entry), &where);
        char *canonical = value == NULL ? NULL : json_canonical(value, &length);
        ck_assert_int_eq(pg_i64(r, i, "leaf"), i);
        ck_assert_msg(canonical != NULL && strcmp(canonical, entry) == 0, "not canonical: %s", entry);
        free(canonical);
        json_decref(value);
        struct merkle_hash leaf = merkle_leaf(entry, strlen(entry));
        ck_assert(merkle_edge_add(&e, &leaf, NULL, NULL));
    }
    PQclear(r);
    return merkle_edge_root(&e);
}

static void newest(struct checkpoint_note *note, char *text, size_t size)
{
    const char *where = NULL;
    PGresult *r = NULL;
    ck_assert_int_eq(log_checkpoints(pg, 0, 1, &r), PG_OK);
    ck_assert_int_eq(PQntuples(r), 1);
    snprintf(text, size, "%s", pg_text(r, 0, "note"));
    PQclear(r);
    ck_assert_msg(checkpoint_read(text, strlen(text), note, &where), "%s", where);
}

START_TEST(what_was_committed_is_in_the_tree)
{
    struct checkpoint_note note;
    char text[4096];
    uint64_t time = 0;
    int64_t waiting = count("log_pending");
    ck_assert_int_gt(waiting, 0);
    ck_assert_msg(append() == PG_OK, "%s", problem);
    ck_assert_int_eq(count("log_pending"), 0);
    ck_assert_int_ge(count("log_entry"), waiting);
    newest(&note, text, sizeof text);
    struct merkle_hash root = root_of_entries();
    ck_assert(merkle_same(&root, &note.checkpoint.root));
    ck_assert_int_eq((int64_t)note.checkpoint.size, count("log_entry"));
    const uint8_t *key = signer_public(w.signer)->key;
    ck_assert(note_signed_by(text, &note, origin, NOTE_ED25519, key, NULL));
    ck_assert(note_signed_by(text, &note, origin, NOTE_COSIGNATURE, key, &time));
    ck_assert_uint_gt(time, 1700000000);
    ck_assert_int_gt(count("log_entry WHERE kind = 'statement'"), 0);
    ck_assert_int_gt(count("log_entry WHERE kind = 'receipt'"), 0);
    ck_assert_int_gt(count("log_entry WHERE kind = 'key'"), 0);
    ck_assert_int_eq(append(), PG_OK); /* nothing waits: no other checkpoint */
    ck_assert_int_eq(count("log_checkpoint"), 1);
}
END_TEST

#define LEAVE "SELECT reckoner.log_note('void', NULL, NULL, '%d', '\"kind\":\"void\",\"number\":%d')"

static void leave(int from, int to)
{
    char sql[200];
    for (int i = from; i < to; i++) {
        snprintf(sql, sizeof sql, LEAVE, i, i);
        store_fixture_sql(&f, sql);
    }
}

START_TEST(every_entry_is_proved_in_every_later_checkpoint)
{
    struct checkpoint_note before, now;
    char text[4096];
    struct merkle_proof proof;
    ck_assert_int_eq(append(), PG_OK);
    newest(&before, text, sizeof text);
    for (int round = 0; round < 5; round++) {
        leave(round * 7, round * 7 + 7);
        ck_assert_int_eq(append(), PG_OK);
        newest(&now, text, sizeof text);
        ck_assert_uint_eq(now.checkpoint.size, before.checkpoint.size + 7);
        ck_assert(merkle_consistency(before.checkpoint.size, now.checkpoint.size, fetch, pg, &proof));
        ck_assert(merkle_consistency_holds(before.checkpoint.size, &before.checkpoint.root, now.checkpoint.size,
                                           &now.checkpoint.root, &proof));
        for (uint64_t leaf = 0; leaf < now.checkpoint.size; leaf++) {
            struct merkle_hash hash;
            ck_assert(fetch(pg, 0, leaf, &hash));
            ck_assert(merkle_inclusion(leaf, now.checkpoint.size, fetch, pg, &proof));
            ck_assert(merkle_inclusion_holds(&hash, leaf, now.checkpoint.size, &proof, &now.checkpoint.root));
        }
        before = now;
    }
}
END_TEST

#define EVENT                                                                                                          \
    "INSERT INTO reckoner.audit_event (provider, at, person, organisation, act, subject, detail, request_id, address)" \
    " SELECT 'RXA', now(), 'rxa.one', 'RXA', 'terms.approve', 'contract/x/' || i,"                                     \
    " jsonb_build_object('n', i), NULL, '127.0.0.1' FROM generate_series(1, 40) i"

START_TEST(the_audit_trail_is_chained)
{
    PGresult *r = NULL;
    struct merkle_hash head = {{0}};
    uint8_t end[LOG_HASH];
    int64_t seq = 0;
    store_fixture_sql(&f, EVENT);
    int64_t events = count("audit_event");
    ck_assert_msg(append() == PG_OK, "%s", problem);
    ck_assert_int_eq(count("audit_pending"), 0);
    ck_assert_int_eq(count("audit_link"), events);
    /* As a stranger would: the events in the order of their links. */
    store_fixture_sql(&f, "INSERT INTO audit_pending SELECT provider, event FROM audit_link");
    ck_assert_int_eq(audit_pending_events(pg, 100000, &r), PG_OK);
    for (int i = 0; i < PQntuples(r); i++) {
        size_t length = 0;
        json_t *event = audit_event_object(r, i);
        char *bytes = json_canonical(event, &length);
        head = chain_next(&head, bytes, length);
        free(bytes);
        json_decref(event);
    }
    ck_assert_int_eq(PQntuples(r), events);
    PQclear(r);
    ck_assert_int_eq(audit_chain_end(pg, &seq, end), PG_OK);
    ck_assert_int_eq(seq, events);
    ck_assert_mem_eq(end, head.bytes, LOG_HASH);
    ck_assert_int_eq(count("log_entry WHERE kind = 'audit_head'"), 1);
}
END_TEST

START_TEST(a_batch_that_fails_leaves_nothing)
{
    static char bad[] = "two words";
    int64_t waiting = count("log_pending");
    config.log_origin = bad;
    ck_assert_int_ne(append(), PG_OK);
    ck_assert_int_eq(count("log_pending"), waiting);
    ck_assert_int_eq(count("log_entry"), 0);
    ck_assert_int_eq(count("log_node"), 0);
    config.log_origin = origin;
    ck_assert_int_eq(append(), PG_OK);
    ck_assert_int_ge(count("log_entry"), waiting);
}
END_TEST

START_TEST(one_appends_at_a_time)
{
    struct pg *other = store_fixture_connect(&f, "reckoner_worker");
    ck_assert_int_eq(pg_begin(other), PG_OK);
    ck_assert_int_eq(log_lock(other), PG_OK);
    ck_assert_int_eq(append(), PG_NONE);
    pg_rollback(other);
    ck_assert_int_eq(append(), PG_OK);
    pg_free(other);
}
END_TEST

START_TEST(what_is_logged_stays)
{
    static const char *const changes[] = {
        "UPDATE reckoner.log_entry SET entry = entry",
        "DELETE FROM reckoner.log_entry",
        "UPDATE reckoner.log_node SET hash = hash",
        "TRUNCATE reckoner.log_node",
        "UPDATE reckoner.log_checkpoint SET note = note",
        "DELETE FROM reckoner.log_checkpoint",
        "UPDATE reckoner.audit_link SET hash = hash",
        "DELETE FROM reckoner.audit_link",
        "TRUNCATE reckoner.log_cosignature",
        "DELETE FROM reckoner.log_keeper",
    };
    ck_assert_int_eq(append(), PG_OK);
    for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++)
        ck_assert_msg(store_fixture_try(f.owner, changes[i]) == PG_INVALID, "%s", changes[i]);
    /* An entry's hash is the database's own business too. */
    ck_assert_int_eq(store_fixture_try(f.owner, "INSERT INTO reckoner.log_entry VALUES (999, 'void', NULL, NULL, '1', "
                                                "'{}', sha256('x'))"),
                     PG_INVALID);
}
END_TEST

/* ------------------------------------------------------------------------------------- what is kept outside the
 * database
 */

static void begun(int64_t size, int64_t transaction)
{
    struct log_head head = {.size = size, .root = {7}};
    const char *instance = store_fixture_value(f.owner, "SELECT reckoner.database_instance()");
    json_t *numbers = json_pack("{s:i}", "RXA", 9);
    ck_assert_msg(log_state_begin(state_dir, &head, transaction, instance, numbers, problem, sizeof problem), "%s",
                  problem);
    json_decref(numbers);
}

static int64_t transaction_of(bool commit)
{
    int64_t number = 0;
    ck_assert_int_eq(pg_begin(pg), PG_OK);
    ck_assert_int_eq(vouch_transaction(pg, &number), PG_OK);
    if (commit)
        ck_assert_int_eq(pg_commit(pg), PG_OK);
    else
        pg_rollback(pg);
    return number;
}

static const char *stopped(void)
{
    return store_fixture_value(f.owner, "SELECT stopped FROM reckoner.log_vouch");
}

START_TEST(a_worker_that_died_before_its_commit_stops_nothing)
{
    struct log_state state;
    ck_assert_int_eq(append(), PG_OK);
    begun(1000000, transaction_of(false));
    leave(0, 3);
    ck_assert_msg(append() == PG_OK, "%s", problem);
    ck_assert_str_eq(stopped(), "");
    ck_assert(log_state_load(state_dir, &state, problem, sizeof problem));
    ck_assert_int_eq(state.begun.size, 0);
    ck_assert_int_eq(state.seen.size, count("log_entry"));
    ck_assert_int_eq(json_int(state.numbers, "RXA", 0), 9); /* numbers stay known, committed or not */
    log_state_free(&state);
}
END_TEST

START_TEST(a_checkpoint_that_was_committed_and_is_gone_stops_everything)
{
    ck_assert_int_eq(append(), PG_OK);
    begun(1000000, transaction_of(true));
    leave(0, 3);
    ck_assert_int_eq(append(), PG_REFUSED);
    ck_assert_msg(strstr(stopped(), "1000000 leaves") != NULL, "%s", stopped());
    ck_assert_int_eq(count("log_pending"), 3);
    /* The mark is in the database: another worker, which knows nothing, stops as well. */
    remove_state();
    make_state();
    ck_assert_int_eq(append(), PG_REFUSED);
}
END_TEST

START_TEST(a_transaction_that_the_database_never_heard_of_stops_everything)
{
    ck_assert_int_eq(append(), PG_OK);
    begun(1000000, transaction_of(true) + 1000000);
    ck_assert_int_eq(append(), PG_REFUSED);
    ck_assert_msg(strstr(stopped(), "it was restored") != NULL, "%s", stopped());
}
END_TEST

START_TEST(a_restarted_database_is_vouched_for_by_the_newest_state_alone)
{
    struct log_head old = {.size = 1};
    ck_assert_int_eq(append(), PG_OK);
    store_fixture_sql(&f, "UPDATE log_vouch SET instance = 'of before'");
    ck_assert_int_eq(append(), PG_OK); /* this machine holds the newest checkpoint */
    ck_assert_str_eq(store_fixture_value(f.owner, "SELECT reckoner.log_vouched()"), "t");
    store_fixture_sql(&f, "UPDATE log_vouch SET instance = 'of before'");
    remove_state();
    make_state();
    ck_assert_int_eq(append(), PG_REFUSED);
    ck_assert_str_eq(store_fixture_value(f.owner, "SELECT reckoner.log_vouched()"), "f");
    ck_assert(log_state_see(state_dir, &old, 0, problem, sizeof problem));
    ck_assert_int_eq(append(), PG_REFUSED);
    ck_assert_msg(strstr(stopped(), "it was restored") != NULL, "%s", stopped()); /* another log */
}
END_TEST

START_TEST(a_state_that_cannot_be_written_commits_nothing)
{
    static char nowhere[] = "/nowhere/at/all";
    config.state_dir = nowhere;
    ck_assert_int_ne(append(), PG_OK);
    ck_assert_msg(strstr(problem, "/nowhere/at/all") != NULL, "%s", problem);
    ck_assert_int_eq(count("log_checkpoint"), 0);
    config.state_dir = state_dir;
    ck_assert_int_eq(append(), PG_OK);
}
END_TEST

START_TEST(what_the_recovery_rests_on_is_refused_when_it_is_nonsense)
{
    static const char *const rows[] = {
        "INSERT INTO log_vouch (instance, size, vouched_by, stopped) VALUES ('x', 1, 'y', 'without an instant')",
        "INSERT INTO log_vouch (one, instance, size, vouched_by) VALUES (false, 'x', 1, 'y')",
        "INSERT INTO log_vouch (instance, size, vouched_by) VALUES ('x', -1, 'y')",
        "INSERT INTO log_recovery (at, kept_size, kept_root, restored_size, restored_root)"
        " VALUES (now(), 0, sha256('x'), 0, sha256('x'))",
        "INSERT INTO log_recovery (at, kept_size, kept_root, restored_size, restored_root)"
        " VALUES (now(), 1, 'x', 0, sha256('x'))",
        "INSERT INTO document_void (provider, number, recovery, voided_at) VALUES ('RXA', 1, 99, now())",
        "UPDATE signing_key SET lost = true WHERE valid_to IS NULL",
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char sql[400];
        snprintf(sql, sizeof sql, "SET LOCAL search_path = reckoner; %s", rows[i]);
        ck_assert_int_eq(pg_begin(f.owner), PG_OK);
        ck_assert_msg(pg_script(f.owner, sql) == PG_INVALID, "%s", rows[i]);
        pg_rollback(f.owner);
    }
    ck_assert_int_eq(append(), PG_OK);
    ck_assert_int_eq(store_fixture_try(pg, "INSERT INTO reckoner.signing_key VALUES ('00000000000000AA', sha256('z'), "
                                           "now())"),
                     PG_REFUSED);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("log");
    TCase *c = tcase_create("log");
    tcase_set_timeout(c, 60);
    tcase_add_checked_fixture(c, setup, teardown);
    tcase_add_test(c, what_was_committed_is_in_the_tree);
    tcase_add_test(c, every_entry_is_proved_in_every_later_checkpoint);
    tcase_add_test(c, the_audit_trail_is_chained);
    tcase_add_test(c, a_batch_that_fails_leaves_nothing);
    tcase_add_test(c, one_appends_at_a_time);
    tcase_add_test(c, what_is_logged_stays);
    tcase_add_test(c, a_worker_that_died_before_its_commit_stops_nothing);
    tcase_add_test(c, a_checkpoint_that_was_committed_and_is_gone_stops_everything);
    tcase_add_test(c, a_transaction_that_the_database_never_heard_of_stops_everything);
    tcase_add_test(c, a_restarted_database_is_vouched_for_by_the_newest_state_alone);
    tcase_add_test(c, a_state_that_cannot_be_written_commits_nothing);
    tcase_add_test(c, what_the_recovery_rests_on_is_refused_when_it_is_nonsense);
    suite_add_tcase(s, c);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
