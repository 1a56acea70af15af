/* How the transaction of a checkpoint ended, as another worker of the machine asks while it is under way and behind it.
 */
#include "lib/store_fixture.h"

#include "store/vouch.h"

#include <check.h>
#include <stdlib.h>

static struct store_fixture fixture;

static enum vouch_outcome outcome_of(struct pg *pg, int64_t number)
{
    enum vouch_outcome outcome = VOUCH_UNHEARD;
    ck_assert_int_eq(vouch_outcome(pg, number, &outcome), PG_OK);
    return outcome;
}

/* Nothing ended behind it: it is the newest transaction of all. */
START_TEST(one_that_is_under_way_is_not_unheard_of)
{
    struct pg *one = store_fixture_connect(&fixture, "reckoner_worker");
    struct pg *other = store_fixture_connect(&fixture, "reckoner_worker");
    int64_t number = 0;
    for (int committed = 0; committed < 2; committed++) {
        ck_assert_int_eq(pg_begin(one), PG_OK);
        ck_assert_int_eq(vouch_transaction(one, &number), PG_OK);
        ck_assert_int_eq(outcome_of(other, number), VOUCH_UNDER_WAY);
        ck_assert_int_eq(outcome_of(other, number + 1000), VOUCH_UNHEARD);
        if (committed)
            ck_assert_int_eq(pg_commit(one), PG_OK);
        else
            pg_rollback(one);
        ck_assert_int_eq(outcome_of(other, number), committed ? VOUCH_COMMITTED : VOUCH_ABORTED);
    }
    pg_free(one);
    pg_free(other);
}
END_TEST

static void open_fixture(void)
{
    store_fixture_open(&fixture);
}

static void close_fixture(void)
{
    store_fixture_close(&fixture);
}

int main(void)
{
    Suite *suite = suite_create("vouch");
    TCase *t = tcase_create("vouch");
    tcase_add_unchecked_fixture(t, open_fixture, close_fixture);
    tcase_add_test(t, one_that_is_under_way_is_not_unheard_of);
    suite_add_tcase(suite, t);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
