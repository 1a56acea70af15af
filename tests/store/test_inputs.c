/* Tries to break what the database must hold of agreements, withholds, challenges and re-attribution, as the owner,
 * whom no policy and no right binds; and what a party may write, as the web server signed in for it. */
#include "lib/constraint_case.h"
#include "store/agreement.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ACCOUNT "'RXA', " ID("a") ", '5QE'"
#define PROPOSE_AS(n, kind, month, once, side, organisation, person)                                                   \
    "INSERT INTO reckoner.agreement (provider, contract, commissioner, n, kind, month, body, digest, once,"            \
    " proposed_side, proposed_for, proposed_by, proposed_at) VALUES (" ACCOUNT ", " n ", '" kind "', " month           \
    ", '{}', sha256('{}'), " once ", '" side "', '" organisation "', '" person "', '2012-06-01Z');"
#define PROPOSED(n, kind, month, once) PROPOSE_AS(n, kind, month, once, "provider", "RXA", "rxa.one")
#define CLOSE_AS(n, outcome, side, organisation, person, refusal)                                                      \
    "UPDATE reckoner.agreement SET outcome = '" outcome "', closed_side = '" side "', closed_for = '" organisation     \
    "', closed_by = '" person "', closed_at = '2012-06-02Z', refusal = " refusal " WHERE n = " n ";"
#define AGREED(n) CLOSE_AS(n, "agreed", "commissioner", "5QE", "pct5qe.one", "NULL")
#define ADJUST(n, month, pence, reverses)                                                                              \
    "INSERT INTO reckoner.adjustment (provider, contract, commissioner, n, month, pence, label, in_cquin, reverses)"   \
    " VALUES (" ACCOUNT ", " n ", " month ", " pence ", 'A sum', false, " reverses ");"
#define APRIL "'2012-04-01'"

START_TEST(an_agreement_is_whole)
{
    must_be_refused(PROPOSED("1", "adjustment", APRIL, "NULL"), "agreement_whole");
    must_be_refused(PROPOSED("1", "adjustment", APRIL, "NULL") ADJUST("1", "'2012-05-01'", "500", "NULL"),
                    "agreement_whole");
    must_be_refused(PROPOSED("1", "adjustment", "'2013-04-01'", "NULL") ADJUST("1", "'2013-04-01'", "500", "NULL"),
                    "agreement_year");
    must_be_refused(PROPOSED("1", "adjustment", "NULL", "NULL") ADJUST("1", APRIL, "500", "NULL"), "agreement_month");
    must_be_refused(PROPOSED("1", "adjustment", APRIL, "NULL") ADJUST("1", APRIL, "0", "NULL"),
                    "adjustment_pence_check");
    must_be_refused(PROPOSED("1", "opening_entry", "NULL", "NULL") ADJUST("1", APRIL, "5", "NULL"),
                    "adjustment_provider_contract_commissioner_n_kind_fkey");
    must_be_refused("INSERT INTO reckoner.agreement SELECT " ACCOUNT
                    ", 1, 'opening_entry', NULL, '{}', sha256('x'), NULL,"
                    " 'provider', 'RXA', 'rxa.one', '2012-06-01Z'",
                    "agreement_digest");
    must_be_done(PROPOSED("1", "adjustment", APRIL, "NULL") ADJUST("1", APRIL, "500", "NULL"));
    must_be_refused("DELETE FROM reckoner.adjustment", "");
    must_be_refused("UPDATE reckoner.adjustment SET pence = 1", "");
    must_be_refused("DELETE FROM reckoner.agreement", "");
    must_be_refused("UPDATE reckoner.agreement SET body = '[]', digest = sha256('[]')", "agreement_kept");
    must_be_refused("DELETE FROM reckoner.contract WHERE id = " ID("a"), "contract_kept");
}
END_TEST

START_TEST(it_takes_two_persons_of_two_parties)
{
    must_be_refused(PROPOSE_AS("1", "adjustment", APRIL, "NULL", "provider", "5QE", "pct5qe.one"),
                    "agreement_proposer");
    must_be_refused(PROPOSE_AS("1", "adjustment", APRIL, "NULL", "commissioner", "5QF", "pct5qf.one"),
                    "agreement_proposer");
    must_be_refused(PROPOSE_AS("1", "adjustment", APRIL, "NULL", "provider", "RXA", "rxb.one"),
                    "agreement_proposed_for_proposed_by_fkey");
    must_be_done(PROPOSED("1", "adjustment", APRIL, "NULL") ADJUST("1", APRIL, "500", "NULL"));
    must_be_refused(CLOSE_AS("1", "agreed", "provider", "RXA", "rxa.two", "NULL"), "agreement_two_sides");
    must_be_refused(CLOSE_AS("1", "agreed", "commissioner", "RXA", "rxa.two", "NULL"), "agreement_closer");
    must_be_refused(CLOSE_AS("1", "withdrawn", "commissioner", "5QE", "pct5qe.one", "NULL"), "agreement_two_sides");
    must_be_refused(CLOSE_AS("1", "refused", "commissioner", "5QE", "pct5qe.one", "NULL"), "agreement_refusal");
    must_be_refused(CLOSE_AS("1", "agreed", "commissioner", "5QE", "pct5qe.one", "'we thought again'"),
                    "agreement_refusal");
    must_be_refused("UPDATE reckoner.agreement SET outcome = 'agreed', closed_at = '2012-06-02Z'", "agreement_closed");
    must_be_refused(
        "UPDATE reckoner.agreement SET outcome = 'agreed', closed_side = 'commissioner', closed_for = '5QE',"
        " closed_by = 'pct5qe.one', closed_at = '2012-05-02Z'",
        "agreement_check");
    must_be_done(AGREED("1"));
    must_be_refused(CLOSE_AS("1", "refused", "commissioner", "5QE", "pct5qe.one", "'we thought again'"),
                    "agreement_kept");
}
END_TEST

START_TEST(an_adjustment_is_reversed_once_and_whole)
{
    must_be_done(PROPOSED("1", "adjustment", APRIL, "NULL") ADJUST("1", APRIL, "500", "NULL"));
    must_be_refused(PROPOSED("2", "adjustment", APRIL, "'reversal/1'") ADJUST("2", APRIL, "-500", "1"),
                    "adjustment_reverses_agreed");
    must_be_done(AGREED("1"));
    must_be_refused(PROPOSED("2", "adjustment", APRIL, "'reversal/1'") ADJUST("2", APRIL, "-499", "1"),
                    "adjustment_reverses_whole");
    must_be_refused(PROPOSED("2", "adjustment", "'2012-05-01'", "'reversal/1'")
                        ADJUST("2", "'2012-05-01'", "-500", "1"),
                    "adjustment_reverses_whole");
    must_be_done(PROPOSED("2", "adjustment", APRIL, "'reversal/1'") ADJUST("2", APRIL, "-500", "1"));
    must_be_refused(PROPOSED("3", "adjustment", APRIL, "'reversal/1'") ADJUST("3", APRIL, "-500", "1"),
                    "agreement_once");
    must_be_done(CLOSE_AS("2", "withdrawn", "provider", "RXA", "rxa.one", "NULL"));
    must_be_done(PROPOSED("3", "adjustment", APRIL, "'reversal/1'") ADJUST("3", APRIL, "-500", "1"));
}
END_TEST

#define OPEN(n, number, pence)                                                                                         \
    PROPOSED(n, "opening_entry", "NULL", "'opening/" number "'")                                                       \
    "INSERT INTO reckoner.opening_entry (provider, contract, commissioner, n, number, issued_on, pence) VALUES"        \
    " (" ACCOUNT ", " n ", '" number "', '2012-05-31', " pence ");"

START_TEST(opening_entries_are_summed_when_agreed)
{
    const struct account_key account = {"RXA", "aaaaaaaaaaaaaaaaaaaa", "5QE"};
    int64_t pence = -1;
    must_be_done(OPEN("1", "INV-1", "70000") OPEN("2", "CN-2", "-5000") OPEN("3", "INV-3", "1"));
    must_be_refused(OPEN("4", "INV-1", "70000"), "agreement_once");
    store_fixture_sign_in(&store, web, "rxa.two");
    ck_assert_int_eq(opening_entries_sum(web, &account, &pence), PG_OK);
    ck_assert_int_eq(pence, 0);
    must_be_done(AGREED("1") AGREED("2"));
    ck_assert_int_eq(opening_entries_sum(web, &account, &pence), PG_OK);
    ck_assert_int_eq(pence, 65000);
}
END_TEST

#define IMPOSED                                                                                                        \
    "INSERT INTO reckoner.withhold VALUES (" ACCOUNT ", " APRIL ", 'late', 'Nothing came', 'pct5qe.one',"              \
    " '2012-06-01Z');"
#define DECIDE(n, month, decision)                                                                                     \
    PROPOSED(n, "withhold_decision", month, "'withhold/late'")                                                         \
    "INSERT INTO reckoner.withhold_decision (provider, contract, commissioner, n, month, withhold, decision, pence)"   \
    " VALUES (" ACCOUNT ", " n ", " month ", 'late', '" decision "', 416667);"

START_TEST(a_withhold_is_imposed_by_the_commissioner_and_decided_once)
{
    must_be_refused("INSERT INTO reckoner.withhold VALUES (" ACCOUNT ", " APRIL ", 'late', 'Nothing came', 'rxa.one',"
                    " '2012-06-01Z')",
                    "withhold_imposer");
    must_be_refused(DECIDE("1", APRIL, "kept"), "withhold_decision_provider_contract_commissioner_month_wit_fkey");
    must_be_done(IMPOSED);
    must_be_refused(IMPOSED, "withhold_pkey");
    must_be_refused("UPDATE reckoner.withhold SET reason = 'Another one'", "");
    must_be_refused(DECIDE("1", APRIL, "halved"), "withhold_decision_decision_check");
    must_be_done(DECIDE("1", APRIL, "released"));
    must_be_refused(DECIDE("2", APRIL, "kept"), "agreement_once");
}
END_TEST

static void denied(const char *person, const char *sql)
{
    store_fixture_sign_in(&store, web, person);
    enum pg_status status = store_fixture_try(web, sql);
    ck_assert_msg(status == PG_DENIED, "status %d (%s) for %s", (int)status, pg_message(web), sql);
}

static void allowed(const char *person, const char *sql)
{
    store_fixture_sign_in(&store, web, person);
    ck_assert_msg(store_fixture_try(web, sql) == PG_OK, "%s for %s", pg_message(web), sql);
}

START_TEST(a_party_writes_in_its_own_name)
{
    static const char own[] = PROPOSED("1", "adjustment", APRIL, "NULL") ADJUST("1", APRIL, "500", "NULL");
    denied("rxa.two", own);
    denied("rxb.one", own);
    denied("pct5qf.one", PROPOSE_AS("1", "adjustment", APRIL, "NULL", "commissioner", "5QE", "pct5qe.one"));
    denied("aud.one", own);
    allowed("rxa.one", own);
    denied("rxa.two", ADJUST("1", APRIL, "500", "NULL"));
    denied("rxa.two", AGREED("1"));
    denied("pct5qe.two", AGREED("1"));
    store_fixture_sign_in(&store, web, "pct5qf.one");
    ck_assert_str_eq(store_fixture_value(web, "SELECT count(*) FROM reckoner.agreement"), "0");
    ck_assert_str_eq(store_fixture_value(web, "SELECT count(*) FROM reckoner.adjustment"), "0");
    allowed("pct5qe.one", AGREED("1"));
    ck_assert_str_eq(store_fixture_value(store.owner, "SELECT outcome FROM reckoner.agreement"), "agreed");
    denied("rxa.one", IMPOSED);
    denied("pct5qe.two", IMPOSED);
    allowed("pct5qe.one", IMPOSED);
}
END_TEST

#define MEASURE(n, numerator, disputes, side, person)                                                                  \
    "INSERT INTO reckoner.achievement (provider, contract, commissioner, indicator, n, numerator, denominator,"        \
    " evidence, disputes, proposed_side, proposed_by, proposed_at) VALUES (" ACCOUNT ", 'Q1', " n ", " numerator       \
    ", 6, 'seen', " disputes ", '" side "', '" person "', '2012-06-01Z');"

START_TEST(a_dispute_is_of_two_sides_and_one_is_agreed)
{
    must_be_done(MEASURE("1", "5", "NULL", "provider", "rxa.one"));
    must_be_refused(MEASURE("2", "4", "1", "provider", "rxa.two"), "achievement_disputes_other_side");
    must_be_refused(MEASURE("2", "4", "2", "commissioner", "pct5qe.one"), "achievement_disputes_earlier");
    must_be_done(MEASURE("2", "4", "1", "commissioner", "pct5qe.one"));
    must_be_refused(MEASURE("3", "3", "1", "commissioner", "pct5qe.one"), "achievement_disputed_once");
    must_be_refused("UPDATE reckoner.achievement SET disputes = NULL", "achievement_agreed");
    must_be_done(
        "UPDATE reckoner.achievement SET agreed_side = 'provider', agreed_by = 'rxa.one', agreed_at = '2012-06-02Z'"
        " WHERE n = 2");
    must_be_refused("UPDATE reckoner.achievement SET agreed_side = 'commissioner', agreed_by = 'pct5qe.one',"
                    " agreed_at = '2012-06-02Z' WHERE n = 1",
                    "achievement_one_of_a_dispute");
}
END_TEST

#define RAISE(n, more)                                                                                                 \
    "INSERT INTO reckoner.challenge (provider, contract, commissioner, number, month, reason, evidence,"               \
    " claimed_pence, chosen_by, chosen, billed, raised_by, raised_at, answer_by) VALUES (" ACCOUNT ", " n ", " APRIL   \
    ", 'duplicate', 'seen twice', 100, 'rows', '', " more ", '2012-06-01Z', '2012-06-10Z');"
#define RAISED(n) RAISE(n, "false, 'pct5qe.one'")
#define CONTEST(n, episode, counter)                                                                                   \
    "INSERT INTO reckoner.challenge_row (provider, contract, commissioner, number, month, episode_id, row_sha256,"     \
    " cluster, counter_cluster, counter_days, counter_unpayable) VALUES (" ACCOUNT ", " n ", " APRIL ", '" episode     \
    "', sha256('row'), '04', " counter ");"
#define GONE "NULL, NULL, true"
/* With something that the row is to have said before. */
#define EARLIER(n, episode)                                                                                            \
    "INSERT INTO reckoner.challenge_row (provider, contract, commissioner, number, month, episode_id, row_sha256,"     \
    " cluster, counter_unpayable, earlier_sha256, earlier_until) VALUES (" ACCOUNT ", " n ", " APRIL ", '" episode     \
    "', sha256('row'), '04', true, ARRAY[sha256('x')], ARRAY['2012-06-01Z'::timestamptz]);"
#define ANSWER(n, outcome, organisation, person, answer)                                                               \
    "UPDATE reckoner.challenge SET outcome = '" outcome "', closed_for = '" organisation "', closed_by = '" person     \
    "', closed_at = '2012-06-05Z', answer = " answer " WHERE number = " n ";"
#define DECIDED(n, episode)                                                                                            \
    "INSERT INTO reckoner.decision VALUES (" ACCOUNT ", " n ", '" episode "', sha256('row'), '2012-06-05Z');"

START_TEST(a_challenge_has_rows_each_with_one_counter)
{
    must_be_refused(RAISED("1"), "challenge_decided");
    must_be_refused(RAISED("1") CONTEST("1", "e1", "NULL, NULL, false"), "challenge_row_one_counter");
    must_be_refused(RAISED("1") CONTEST("1", "e1", "'05', 3, false"), "challenge_row_one_counter");
    must_be_refused(RAISED("1") CONTEST("1", "e1", "'04', NULL, false"), "challenge_row_check");
    must_be_refused(RAISE("1", "true, 'pct5qe.one'") CONTEST("1", "e1", GONE), "challenge_document");
    must_be_refused(RAISE("1", "false, NULL") CONTEST("1", "e1", GONE), "challenge_raised");
    must_be_refused(RAISE("1", "false, 'rxa.one'") CONTEST("1", "e1", GONE), "challenge_raiser");
    must_be_done(RAISED("1") CONTEST("1", "e1", GONE) CONTEST("1", "e2", "NULL, 3, false"));
    must_be_refused(RAISED("2") CONTEST("2", "e2", GONE), "challenge_row_in_one_open");
    must_be_refused("UPDATE reckoner.challenge SET claimed_pence = 5", "challenge_kept");
    must_be_refused("UPDATE reckoner.challenge SET held_pence = 5", "challenge_held");
    must_be_refused("UPDATE reckoner.challenge_row SET counter_unpayable = false, counter_days = 2",
                    "challenge_row_kept");
    must_be_refused("DELETE FROM reckoner.challenge_row", "");
    must_be_refused("DELETE FROM reckoner.challenge", "");
}
END_TEST

#define FOLLOWS(sha256, before, until)                                                                                 \
    "UPDATE reckoner.challenge_row SET row_sha256 = sha256('" sha256 "'), earlier_sha256 = " before                    \
    ", earlier_until = " until

START_TEST(a_challenged_row_keeps_what_it_said_before)
{
    must_be_done(RAISED("1") CONTEST("1", "e1", GONE));
    must_be_refused("UPDATE reckoner.challenge_row SET row_sha256 = sha256('other')", "challenge_row_followed");
    must_be_refused(FOLLOWS("other", "ARRAY[sha256('else')]", "ARRAY['2012-06-03Z'::timestamptz]"),
                    "challenge_row_followed");
    must_be_refused(FOLLOWS("other", "ARRAY[sha256('row')]", "'{}'"), "challenge_row_earlier");
    must_be_done(FOLLOWS("other", "ARRAY[sha256('row')]", "ARRAY['2012-06-03Z'::timestamptz]"));
    must_be_refused(FOLLOWS("third", "earlier_sha256 || row_sha256", "earlier_until || '2012-06-02Z'::timestamptz"),
                    "challenge_row_followed");
    must_be_refused(FOLLOWS("third", "ARRAY[row_sha256]", "ARRAY['2012-06-04Z'::timestamptz]"),
                    "challenge_row_followed");
    must_be_refused("UPDATE reckoner.challenge_row SET earlier_until = ARRAY['2012-06-01Z'::timestamptz]",
                    "challenge_row_followed");
    must_be_done(FOLLOWS("third", "earlier_sha256 || row_sha256", "earlier_until || '2012-06-04Z'::timestamptz"));
    static const char *const known[][2] = {{"2012-06-02", "row"}, {"2012-06-03", "other"}, {"2012-06-04", "third"}};
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        char sql[200];
        (void)snprintf(sql, sizeof sql,
                       "SELECT reckoner.challenge_row_known(r, '%sZ') = sha256('%s') FROM reckoner.challenge_row r",
                       known[i][0], known[i][1]);
        ck_assert_str_eq(store_fixture_value(store.owner, sql), "t");
    }
}
END_TEST

START_TEST(a_decision_agrees_with_the_outcome)
{
    must_be_done(RAISED("1") CONTEST("1", "e1", GONE) CONTEST("1", "e2", GONE));
    must_be_refused(DECIDED("1", "e1"), "challenge_decided");
    must_be_refused(ANSWER("1", "accepted", "RXA", "rxa.one", "NULL") DECIDED("1", "e1"), "challenge_decided");
    must_be_refused(ANSWER("1", "split", "RXA", "rxa.one", "'only some of it'") DECIDED("1", "e1") DECIDED("1", "e2"),
                    "challenge_decided");
    must_be_refused(ANSWER("1", "rejected", "RXA", "rxa.one", "NULL"), "challenge_answer");
    must_be_refused(ANSWER("1", "rejected", "RXA", "rxa.one", "'it is right'") DECIDED("1", "e1"), "challenge_decided");
    must_be_refused(ANSWER("1", "accepted", "5QE", "pct5qe.one", "NULL"), "challenge_closer");
    must_be_refused(ANSWER("1", "withdrawn", "RXA", "rxa.one", "NULL"), "challenge_closer");
    must_be_done(ANSWER("1", "accepted", "RXA", "rxa.one", "NULL") DECIDED("1", "e1") DECIDED("1", "e2"));
    must_be_refused(ANSWER("1", "withdrawn", "5QE", "pct5qe.one", "NULL"), "challenge_kept");
    must_be_refused("UPDATE reckoner.challenge_row SET row_sha256 = sha256('other')", "challenge_row_kept");
    must_be_refused("DELETE FROM reckoner.decision", "");
    must_be_done(RAISED("2") CONTEST("2", "e2", GONE)); /* closed, it may be contested again */
}
END_TEST

START_TEST(a_party_challenges_or_answers_in_its_own_name)
{
    static const char raised[] = RAISED("1") CONTEST("1", "e1", GONE);
    denied("rxa.one", raised);
    denied("pct5qe.two", raised);
    denied("pct5qf.one", raised);
    denied("pct5qe.one", RAISED("1") EARLIER("1", "e1"));
    allowed("pct5qe.one", raised);
    denied("pct5qe.one", ANSWER("1", "withdrawn", "5QE", "pct5qe.two", "NULL"));
    denied("pct5qe.one", ANSWER("1", "accepted", "RXA", "rxa.one", "NULL"));
    denied("rxa.two", DECIDED("1", "e1"));
    store_fixture_sign_in(&store, web, "pct5qf.one");
    ck_assert_str_eq(store_fixture_value(web, "SELECT count(*) FROM reckoner.challenge"), "0");
    ck_assert_str_eq(store_fixture_value(web, "SELECT count(*) FROM reckoner.challenge_row"), "0");
    allowed("rxa.two", ANSWER("1", "accepted", "RXA", "rxa.two", "NULL") DECIDED("1", "e1"));
    ck_assert_str_eq(store_fixture_value(store.owner, "SELECT outcome FROM reckoner.challenge"), "accepted");
}
END_TEST

/* A re-attribution of e1 from 5QE to 5QF, proposed by the provider. */
#define MOVE_AS(n, month, from, to, rows, side, agreed)                                                                \
    "INSERT INTO reckoner.reattribution (provider, n, month, from_commissioner, to_commissioner, rows, reason,"        \
    " proposed_side, proposed_at, provider_by, provider_at, from_by, from_at) VALUES ('RXA', " n ", '" month           \
    "', '" from "', '" to "', " rows ", 'wrong practice', '" side "', '2012-06-01Z', " agreed ");"
#define BY_PROVIDER "'rxa.one', '2012-06-01Z', NULL, NULL"
#define BY_FROM     "NULL, NULL, 'pct5qe.one', '2012-06-01Z'"
#define MOVE(n)     MOVE_AS(n, "2012-04-01", "5QE", "5QF", "1", "provider", BY_PROVIDER)
#define MOVE_ROW(n, episode)                                                                                           \
    "INSERT INTO reckoner.reattribution_row (provider, n, month, commissioner, episode_id, row_sha256) VALUES"         \
    " ('RXA', " n ", '2012-04-01', '5QE', '" episode "', sha256('x'));"
#define MOVED(n)        MOVE(n) MOVE_ROW(n, "e1")
#define MOVE_SET(n, to) "UPDATE reckoner.reattribution SET " to " WHERE n = " n ";"
#define END_MOVE(n, outcome, organisation, person, refusal)                                                            \
    MOVE_SET(n, "outcome = '" outcome "', closed_for = '" organisation "', closed_by = '" person                       \
                "', closed_at = '2012-06-02Z', refusal = " refusal)

START_TEST(a_reattribution_has_its_rows_and_two_accounts)
{
    must_be_refused(MOVE("1"), "reattribution_whole");
    must_be_refused(MOVE("1") MOVE_ROW("1", "e1") MOVE_ROW("1", "e2"), "reattribution_row_whole");
    must_be_refused(MOVE_AS("1", "2012-04-01", "5QE", "5QE", "1", "provider", BY_PROVIDER) MOVE_ROW("1", "e1"),
                    "reattribution_moves");
    must_be_refused(MOVE_AS("1", "2012-04-01", "5QE", "5QG", "1", "provider", BY_PROVIDER) MOVE_ROW("1", "e1"),
                    "reattribution_provider_to_commissioner_financial_year_fkey");
    must_be_refused(MOVE_AS("1", "2013-04-01", "5QE", "5QF", "1", "provider", BY_PROVIDER),
                    "reattribution_provider_from_commissioner_financial_year_fkey");
    must_be_refused(MOVE_AS("1", "2012-04-01", "5QE", "5QF", "10001", "provider", BY_PROVIDER),
                    "reattribution_rows_check");
    must_be_refused(MOVE_AS("1", "2012-04-01", "5QE", "5QF", "1", "from", BY_PROVIDER) MOVE_ROW("1", "e1"),
                    "reattribution_proposer_agrees");
    must_be_refused(MOVE_AS("1", "2012-04-01", "5QE", "5QF", "1", "provider", "'rxa.one', NULL, NULL, NULL"),
                    "reattribution_proposer_agrees");
    must_be_done(MOVED("1"));
    must_be_refused(MOVE_ROW("1", "e2"), "reattribution_row_whole");
    must_be_refused(MOVED("2"), "reattribution_row_in_one_open");
    must_be_refused(MOVE_SET("1", "rows = 2"), "reattribution_kept");
    must_be_refused("UPDATE reckoner.reattribution_row SET row_sha256 = sha256('y')", "reattribution_row_kept");
    must_be_refused("DELETE FROM reckoner.reattribution_row", "");
    must_be_refused("DELETE FROM reckoner.reattribution", "");
    must_be_done(END_MOVE("1", "withdrawn", "RXA", "rxa.two", "NULL") MOVED("2"));
    must_be_refused("UPDATE reckoner.reattribution_row SET open = true WHERE n = 1", "reattribution_row_kept");
}
END_TEST

START_TEST(a_reattribution_counts_when_three_persons_of_three_parties_agreed)
{
    must_be_done(MOVED("1"));
    ck_assert_int_ne(store_fixture_try(store.owner, MOVE_SET("1", "agreed_at = '2012-06-02Z'")), PG_OK);
    must_be_refused(MOVE_SET("1", "from_by = 'pct5qe.one'"), "reattribution_from_agrees");
    must_be_refused(MOVE_SET("1", "to_at = '2012-06-02Z'"), "reattribution_to_agrees");
    must_be_refused(MOVE_SET("1", "from_by = 'rxa.two', from_at = '2012-06-02Z'"), "reattribution_party");
    must_be_refused(MOVE_SET("1", "to_by = 'pct5qe.one', to_at = '2012-06-02Z'"), "reattribution_party");
    must_be_refused(MOVE_SET("1", "from_by = 'rxa.one', from_at = '2012-06-02Z'"), "reattribution_three_persons");
    must_be_refused(MOVE_SET("1", "from_by = 'pct5qe.one', from_at = '2012-05-02Z'"), "reattribution_check1");
    must_be_refused(MOVE_SET("1", "provider_by = 'rxa.two'"), "reattribution_kept");
    must_be_refused(END_MOVE("1", "refused", "5QF", "pct5qf.one", "NULL"), "reattribution_refusal");
    must_be_refused(END_MOVE("1", "refused", "RXA", "rxa.two", "'no, not so at all'"), "reattribution_withdrawn");
    must_be_refused(END_MOVE("1", "withdrawn", "5QF", "pct5qf.one", "NULL"), "reattribution_withdrawn");
    must_be_refused(END_MOVE("1", "refused", "5QG", "pct5qg.one", "'no, not so at all'"), "reattribution_closer");
    must_be_refused(END_MOVE("1", "withdrawn", "RXA", "pct5qe.one", "NULL"), "reattribution_closed_for_closed_by_fkey");
    must_be_done(MOVE_SET("1", "from_by = 'pct5qe.one', from_at = '2012-06-02Z'"));
    ck_assert_str_eq(store_fixture_value(store.owner, "SELECT agreed_at IS NULL FROM reckoner.reattribution"), "t");
    must_be_done(MOVE_SET("1", "to_by = 'pct5qf.one', to_at = '2012-06-03Z'"));
    ck_assert_str_eq(store_fixture_value(store.owner, "SELECT agreed_at = '2012-06-03Z' FROM reckoner.reattribution"),
                     "t");
    ck_assert_str_eq(store_fixture_value(store.owner, "SELECT open FROM reckoner.reattribution_row"), "f");
    must_be_refused(END_MOVE("1", "refused", "5QF", "pct5qf.one", "'no, not so at all'"), "reattribution_kept");
    must_be_refused(MOVED("2") MOVE_SET("2", "from_by = 'pct5qe.one', from_at = '2012-06-02Z', to_by = 'pct5qf.one',"
                                             " to_at = '2012-06-03Z', outcome = 'withdrawn', closed_for = 'RXA',"
                                             " closed_by = 'rxa.one', closed_at = '2012-06-03Z'"),
                    "reattribution_one_end");
}
END_TEST

START_TEST(a_party_of_a_reattribution_acts_for_itself)
{
    static const char theirs[] = MOVE_AS("1", "2012-04-01", "5QE", "5QF", "1", "from", BY_FROM) MOVE_ROW("1", "e1");
    denied("rxa.two", MOVED("1"));
    denied("rxb.one", MOVED("1"));
    denied("pct5qe.two", theirs);
    denied("pct5qf.one", theirs);
    allowed("pct5qe.one", theirs);
    denied("pct5qe.one", MOVE_SET("1", "to_by = 'pct5qf.one', to_at = '2012-06-02Z'"));
    denied("pct5qf.one", MOVE_SET("1", "to_by = 'pct5qf.two', to_at = '2012-06-02Z'"));
    denied("pct5qf.one", END_MOVE("1", "refused", "RXA", "rxa.one", "'no, not so at all'"));
    store_fixture_sign_in(&store, web, "pct5qf.one");
    ck_assert_str_eq(store_fixture_value(web, "SELECT count(*) FROM reckoner.reattribution"), "1");
    ck_assert_str_eq(store_fixture_value(web, "SELECT count(*) FROM reckoner.reattribution_row"), "0");
    allowed("pct5qf.one", MOVE_SET("1", "to_by = 'pct5qf.one', to_at = '2012-06-02Z'"));
    allowed("rxa.one", MOVE_SET("1", "provider_by = 'rxa.one', provider_at = '2012-06-02Z'"));
    store_fixture_sign_in(&store, web, "pct5qf.one");
    ck_assert_str_eq(store_fixture_value(web, "SELECT count(*) FROM reckoner.reattribution_row"), "1");
    for (size_t i = 0; i < 2; i++) {
        store_fixture_sign_in(&store, web, i == 0 ? "rxb.one" : "pct5qg.one");
        ck_assert_str_eq(store_fixture_value(web, "SELECT count(*) FROM reckoner.reattribution"), "0");
        ck_assert_str_eq(store_fixture_value(web, "SELECT count(*) FROM reckoner.reattribution_row"), "0");
        ck_assert_str_eq(store_fixture_value(web, "SELECT count(*) FROM reckoner.reattributed_rows('RXA', 1)"), "0");
        ck_assert_str_eq(
            store_fixture_value(web, "SELECT reckoner.account_contract('RXA', '5QE', '2012-04-01') IS NULL"), "t");
    }
}
END_TEST

/* A row's commissioner has one account, so that the accounts of a provider sum to its total. */
START_TEST(a_commissioner_has_one_account_of_a_provider_and_year)
{
    must_be_refused(
        "INSERT INTO reckoner.contract (provider, id, financial_year, mode, title, coordinator, created_by,"
        " created_at) VALUES ('RXA', " ID(
            "z") ", 2012, 'live', 'Another', '5QE', 'rxa.one', '2012-04-01Z');"
                 "INSERT INTO reckoner.account (provider, contract, commissioner, financial_year) VALUES ('RXA', " ID(
                     "z") ", '5QE', 2012)",
        "account_provider_commissioner_financial_year_key");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("inputs");
    TCase *broken = tcase_create("what people agree");
    tcase_add_checked_fixture(broken, constraint_case_open, constraint_case_close);
    tcase_set_timeout(broken, 60);
    tcase_add_test(broken, an_agreement_is_whole);
    tcase_add_test(broken, it_takes_two_persons_of_two_parties);
    tcase_add_test(broken, an_adjustment_is_reversed_once_and_whole);
    tcase_add_test(broken, opening_entries_are_summed_when_agreed);
    tcase_add_test(broken, a_withhold_is_imposed_by_the_commissioner_and_decided_once);
    tcase_add_test(broken, a_party_writes_in_its_own_name);
    tcase_add_test(broken, a_dispute_is_of_two_sides_and_one_is_agreed);
    tcase_add_test(broken, a_challenge_has_rows_each_with_one_counter);
    tcase_add_test(broken, a_challenged_row_keeps_what_it_said_before);
    tcase_add_test(broken, a_decision_agrees_with_the_outcome);
    tcase_add_test(broken, a_party_challenges_or_answers_in_its_own_name);
    tcase_add_test(broken, a_reattribution_has_its_rows_and_two_accounts);
    tcase_add_test(broken, a_reattribution_counts_when_three_persons_of_three_parties_agreed);
    tcase_add_test(broken, a_party_of_a_reattribution_acts_for_itself);
    tcase_add_test(broken, a_commissioner_has_one_account_of_a_provider_and_year);
    suite_add_tcase(suite, broken);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
