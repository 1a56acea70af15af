#include "worker/log_standing.h"

#include "store/signing_key.h"

#include <stdio.h>
#include <string.h>

struct look {
    struct pg *pg;
    const struct worker *w;
    const char *folder;
    struct vouch now;
    struct log_state state;
    char *problem;
    instant_t at;
};

static enum pg_status say(const struct look *l, const char *text)
{
    (void)snprintf(l->problem, JOB_PROBLEM_SIZE, "%s", text);
    return PG_OK;
}

static bool key_good(const struct look *l)
{
    char id[17];
    public_key_id_text(signer_public(l->w->signer)->id, id);
    if (l->now.key == VOUCH_KEY_UNKNOWN)
        (void)snprintf(
            l->problem, JOB_PROBLEM_SIZE,
            "The signing key %s was not introduced: run reckoner key introduce, or start the worker with the key"
            " in use.",
            id);
    else if (l->now.key == VOUCH_KEY_EARLY)
        (void)snprintf(l->problem, JOB_PROBLEM_SIZE,
                       "The signing key %s is not valid yet (reckoner key list): until then start the worker with the"
                       " one before, or look at this machine's clock.",
                       id);
    else if (l->now.key == VOUCH_KEY_ENDED)
        (void)snprintf(l->problem, JOB_PROBLEM_SIZE,
                       "The signing key %s has ended: install the new one (signing_key_file) and restart the worker.",
                       id);
    return l->now.key == VOUCH_KEY_GOOD || l->now.key == VOUCH_KEY_FIRST;
}

/* Where a run of the database begins: what follows the last slash. */
static size_t same_database(const char *instance)
{
    const char *run = strrchr(instance, '/');
    return run != NULL ? (size_t)(run - instance) : strlen(instance);
}

/* A checkpoint was begun, and this machine died or lost the database before it knew the end. *settled: it is known.
 * *lost: it was committed, and is not there. */
static enum pg_status settle_begun(struct look *l, bool *settled, bool *lost)
{
    enum vouch_outcome outcome = VOUCH_UNHEARD;
    size_t length = same_database(l->state.instance);
    bool here = length == same_database(l->now.instance) && memcmp(l->state.instance, l->now.instance, length) == 0;
    bool there = false;
    *settled = true;
    /* First how it ended, then what is there: another worker's transaction may end in between. */
    enum pg_status status = here ? vouch_outcome(l->pg, l->state.transaction, &outcome) : PG_OK;
    if (status == PG_OK)
        status = vouch_has(l->pg, l->state.begun.size, l->state.begun.root, &there);
    if (status != PG_OK)
        return status;
    *settled = there || outcome != VOUCH_UNDER_WAY;
    *lost = !there && (outcome == VOUCH_COMMITTED || outcome == VOUCH_UNHEARD);
    if (there)
        l->state.seen = l->state.begun;
    if (*settled && !*lost)
        l->state.begun.size = 0;
    return PG_OK;
}

/* *behind: the database holds less than this machine has seen. */
static enum pg_status compare(struct look *l, bool *settled, bool *behind)
{
    bool there = true;
    bool begun = l->state.begun.size > 0;
    enum pg_status status = PG_OK;
    *settled = true;
    *behind = false;
    if (begun)
        status = settle_begun(l, settled, behind);
    if (status == PG_OK && l->state.seen.size > 0)
        status = vouch_has(l->pg, l->state.seen.size, l->state.seen.root, &there);
    *behind = *behind || !there;
    if (status != PG_OK || !begun || !*settled || *behind || l->state.begun.size > 0)
        return status;
    char problem[JOB_PROBLEM_SIZE];
    if (!log_state_forget(l->folder, problem, sizeof problem))
        (void)say(l, problem);
    return PG_OK;
}

/* After a recovery that speaks for what this machine has seen, it begins again from what is there. */
static enum pg_status take_recovery(struct look *l)
{
    bool speaks = false;
    int64_t size = l->state.begun.size > l->state.seen.size ? l->state.begun.size : l->state.seen.size;
    if (!l->state.there || l->now.recovery <= l->state.recovery)
        return PG_OK;
    enum pg_status status = vouch_recovered(l->pg, l->state.recovery, size, &speaks);
    if (status != PG_OK || !speaks)
        return status;
    struct log_head head = {.size = l->now.size};
    memcpy(head.root, l->now.root, sizeof head.root);
    if (!log_state_restart(l->folder, &head, l->now.recovery, l->problem, JOB_PROBLEM_SIZE))
        return PG_FAILED;
    l->state.seen = head;
    l->state.recovery = l->now.recovery;
    l->state.begun.size = 0;
    return PG_OK;
}

static enum pg_status stop(const struct look *l)
{
    int64_t seen = l->state.begun.size > l->state.seen.size ? l->state.begun.size : l->state.seen.size;
    (void)snprintf(
        l->problem, JOB_PROBLEM_SIZE,
        "The database does not hold the log of %lld leaves that this machine has seen (its newest checkpoint has"
        " %lld): it was restored. Nothing is signed or numbered until reckoner fsck --recover.",
        (long long)seen, (long long)l->now.size);
    return vouch_stop(l->pg, l->w->name, l->problem);
}

/* The newest checkpoint that is there goes into the state. */
static enum pg_status note(const struct look *l, bool *may)
{
    struct log_head head = {.size = l->now.size};
    memcpy(head.root, l->now.root, sizeof head.root);
    bool newer = !l->state.there || head.size > l->state.seen.size || l->now.recovery > l->state.recovery;
    *may = !newer || log_state_see(l->folder, &head, l->now.recovery, l->problem, JOB_PROBLEM_SIZE);
    return PG_OK;
}

static enum pg_status judge(struct look *l, bool *may)
{
    bool settled = true;
    bool behind = false;
    enum pg_status status = take_recovery(l);
    if (status == PG_OK)
        status = compare(l, &settled, &behind);
    if (status != PG_OK)
        return status;
    if (behind)
        return stop(l);
    if (!key_good(l)) /* behind the look back: a database restored to before the key was introduced does not know it */
        return PG_OK;
    if (!settled)
        return say(l, "A checkpoint was begun and its transaction has not ended yet.");
    if (!l->now.vouched && l->now.size > 0 && l->state.seen.size < l->now.size)
        return say(l,
                   "The database was restarted, and this machine's state of the log is older than it: a worker with the"
                   " newest state must be started, or reckoner fsck --recover be run.");
    if (!l->now.vouched)
        status = vouch_give(l->pg, l->now.instance, l->now.size, l->w->name);
    return status == PG_OK ? note(l, may) : status;
}

static enum pg_status look_and_judge(struct look *l, bool *may)
{
    enum pg_status status = clock_now(l->w->clock, &l->at) ? PG_OK : PG_FAILED;
    if (status != PG_OK) {
        (void)say(l, "the clock file cannot be read");
        return status;
    }
    status = vouch_look(l->pg, signer_public(l->w->signer), l->at, &l->now);
    if (status != PG_OK)
        return status;
    if (l->now.stopped[0] != '\0')
        return say(l, l->now.stopped);
    if (log_state_load(l->folder, &l->state, l->problem, JOB_PROBLEM_SIZE))
        status = judge(l, may);
    log_state_free(&l->state);
    return status;
}

enum pg_status log_standing(struct pg *pg, const struct worker *w, bool *may, char *problem)
{
    struct look l = {.pg = pg, .w = w, .folder = w->config->state_dir, .problem = problem};
    *may = false;
    problem[0] = '\0';
    enum pg_status status = look_and_judge(&l, may);
    if (status != PG_OK || !*may || l.now.key != VOUCH_KEY_FIRST)
        return status;
    /* Committed before anything is signed with it; looked at again, as another worker may have been first. */
    *may = false;
    status = signing_key_first(pg, signer_public(w->signer), l.at);
    return status == PG_OK ? look_and_judge(&l, may) : status;
}

/* ------------------------------------------------------------------------------------------------ around a checkpoint
 */

/* Highest number of each provider among the documents of the batch. */
static json_t *numbers_of(const PGresult *entries)
{
    json_t *numbers = json_object();
    bool good = numbers != NULL;
    for (int row = 0; good && row < PQntuples(entries); row++) {
        struct json_problem problem;
        const char *text = pg_text(entries, row, "entry");
        if (strcmp(pg_text(entries, row, "kind"), "document") != 0)
            continue;
        json_t *entry = json_read(text, strlen(text), &problem);
        int64_t number = json_int(entry, "number", 0);
        const char *provider = pg_text(entries, row, "provider");
        if (number > json_int(numbers, provider, 0))
            good = json_put(numbers, provider, json_integer(number));
        json_decref(entry);
    }
    if (good)
        return numbers;
    json_decref(numbers);
    return NULL;
}

bool log_standing_begin(struct pg *pg, const struct worker *w, const struct log_head *head, const PGresult *entries,
                        char *problem)
{
    struct vouch now;
    int64_t transaction = 0;
    json_t *numbers = numbers_of(entries);
    enum pg_status status = vouch_look(pg, signer_public(w->signer), 0, &now);
    if (status == PG_OK)
        status = vouch_transaction(pg, &transaction);
    (void)snprintf(problem, JOB_PROBLEM_SIZE, "%s", status == PG_OK ? "memory ran out" : pg_message(pg));
    bool begun =
        status == PG_OK && numbers != NULL &&
        log_state_begin(w->config->state_dir, head, transaction, now.instance, numbers, problem, JOB_PROBLEM_SIZE);
    json_decref(numbers);
    if (begun)
        problem[0] = '\0';
    return begun;
}

bool log_standing_done(struct pg *pg, const struct worker *w, const struct log_head *head, char *problem)
{
    struct vouch now;
    /* Should this fail, the next look settles what was begun. */
    if (vouch_look(pg, signer_public(w->signer), 0, &now) != PG_OK)
        return true;
    return log_state_see(w->config->state_dir, head, now.recovery, problem, JOB_PROBLEM_SIZE);
}
