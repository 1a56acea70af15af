#include "check/check_internal.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

/* One bit for each of `room` rows; those behind `old` become 0. */
static bool grow_bits(uint8_t **bits, size_t old, size_t room)
{
    uint8_t *larger = realloc(*bits, room / 8 + 1);
    if (!larger)
        return false;
    size_t used = old ? old / 8 + 1 : 0;
    memset(larger + used, 0, room / 8 + 1 - used);
    *bits = larger;
    return true;
}

/* Room for row_no in what is kept in memory of each row. */
static bool make_room(struct check *c, size_t row_no)
{
    if (row_no <= c->row_room)
        return true;
    size_t room = c->row_room ? c->row_room : 65536;
    while (room < row_no)
        room += room / 2;
    rule_set_t *failed = reallocarray(c->failed, room, sizeof *failed);
    if (!failed)
        return false;
    memset(failed + c->row_room, 0, (room - c->row_room) * sizeof *failed);
    c->failed = failed;
    if (!grow_bits(&c->continues, c->row_room, room) || !grow_bits(&c->changed, c->row_room, room) ||
        !grow_bits(&c->settled, c->row_room, room))
        return false;
    c->row_room = room;
    return true;
}

/* Sets the bit of a row; true when it was not set before. */
static bool set_bit(uint8_t *bits, uint32_t row_no)
{
    uint8_t bit = (uint8_t)(1U << ((row_no - 1) % 8));
    bool before = (bits[(row_no - 1) / 8] & bit) != 0;
    bits[(row_no - 1) / 8] |= bit;
    return !before;
}

/* Records for the rules across rows. */
static bool spool_cross(struct check *c, const struct checked_row *row, const uint8_t patient[IDENTITY_HASH_SIZE],
                        uint32_t tag)
{
    uint8_t nhs[IDENTITY_HASH_SIZE];
    const char *digits = row->row->nhs_digits;
    const uint8_t *known = digits[0] ? nhs : NULL;
    if (known)
        identity_hash(&c->keys, IDENTITY_NHS_NUMBER, digits, strlen(digits), nhs);
    struct cross_row cross;
    struct cross_nhs by_nhs;
    struct cross_episode episode;
    bool ok = true;
    if (cross_row_make(&cross, row, c->input.context->month, patient, known)) {
        cross.tag = tag;
        ok = spool_add(c->patients, cross_partition(cross.patient, CHECK_PARTITIONS), &cross, sizeof cross);
    }
    if (ok && cross_nhs_make(&by_nhs, row, patient, known))
        ok = spool_add(c->nhs, cross_partition(by_nhs.nhs, CHECK_PARTITIONS), &by_nhs, sizeof by_nhs);
    if (ok && cross_episode_make(&episode, row))
        ok = spool_add(c->episodes, cross_episode_partition(episode.hash, CHECK_PARTITIONS), &episode, sizeof episode);
    return ok;
}

static bool keep_row(struct check *c, const struct checked_row *row)
{
    static const struct episode gap;
    size_t row_no = row->row->row_no;
    if (!make_room(c, row_no))
        return false;
    for (; c->rows + 1 < row_no; c->rows++) {
        if (!journal_append(c->facts, &gap, sizeof gap))
            return false;
    }
    uint8_t patient[IDENTITY_HASH_SIZE];
    identity_hash(&c->keys, IDENTITY_PATIENT, row->row->patient_id.at, row->row->patient_id.length, patient);
    struct episode e;
    episode_of_row(&e, row, patient);
    leaks_cover_numbers(c->leaks, &e);
    c->failed[row_no - 1] = row->failed;
    c->rows = row_no;
    uint32_t tag = 0;
    if (c->input.on_row && !c->input.on_row(c->input.observer, row, &e, &tag))
        return false;
    return journal_append(c->facts, &e, sizeof e) && leaks_add_row(c->leaks, row->row) &&
           spool_cross(c, row, patient, tag);
}

static bool keep_finding(struct check *c, const struct finding *f)
{
    return leaks_add_value(c->leaks, c->own_findings++, f->value) && finding_journal_put(c->findings, f);
}

/* Findings of one row, in the order of rules.tsv whatever the order in which the rules were asked. */
static bool keep_findings(struct check *c, const struct checked_row *row)
{
    const struct finding *ordered[ROW_FINDINGS_MAXIMUM];
    for (unsigned i = 0; i < row->finding_count; i++) {
        unsigned at = i;
        for (; at > 0 && ordered[at - 1]->rule > row->findings[i].rule; at--)
            ordered[at] = ordered[at - 1];
        ordered[at] = &row->findings[i];
    }
    for (unsigned i = 0; i < row->finding_count; i++) {
        if (!keep_finding(c, ordered[i]))
            return false;
    }
    return true;
}

static bool on_row(void *context, const struct checked_row *row)
{
    struct check *c = context;
    if (!keep_findings(c, row) || !keep_row(c, row))
        c->broken = true;
    return !c->broken;
}

static bool add_late(struct check *c, const struct finding *f)
{
    uint8_t packed[FINDING_PACKED_MAXIMUM];
    size_t range = f->row_no / c->late_range_rows;
    if (range >= c->late_ranges)
        range = c->late_ranges - 1;
    if (!spool_add(c->late, (unsigned)range, packed, finding_pack(f, packed)))
        c->broken = true;
    return !c->broken;
}

/* Findings of rows for the file come while it is read, those of the file as a whole when it has ended. */
static void on_file_finding(void *context, const struct finding *f)
{
    struct check *c = context;
    if (c->late)
        (void)add_late(c, f);
    else if (!keep_finding(c, f))
        c->broken = true;
}

struct check *check_new(const struct check_input *input)
{
    struct check *c = calloc(1, sizeof *c);
    if (!c)
        return NULL;
    c->input = *input;
    c->input.identity_key = NULL;
    identity_keys_make(&c->keys, input->identity_key, input->context->provider);
    c->events = (struct row_checker_events){c, on_row, on_file_finding};
    row_checker_init(&c->checker, input->context, input->format, &c->events);
    row_checker_map(&c->checker, input->mapping);
    c->facts = journal_new(input->spool_folder);
    c->findings = journal_new(input->spool_folder);
    c->patients = spool_new(input->spool_folder, CHECK_PARTITIONS);
    c->nhs = spool_new(input->spool_folder, CHECK_PARTITIONS);
    c->episodes = spool_new(input->spool_folder, CHECK_PARTITIONS);
    c->leaks = leaks_new(input->spool_folder, input->identity_key, input->context->provider);
    if (input->gzip)
        c->inflate = inflate_new(input->unpacked_maximum);
    if (!c->facts || !c->findings || !c->patients || !c->nhs || !c->episodes || !c->leaks ||
        (input->gzip && !c->inflate)) {
        check_free(c);
        return NULL;
    }
    return c;
}

void check_free(struct check *c)
{
    if (!c)
        return;
    journal_free(c->facts);
    journal_free(c->findings);
    spool_free(&c->patients);
    spool_free(&c->nhs);
    spool_free(&c->episodes);
    spool_free(&c->late);
    leaks_free(c->leaks);
    free(c->failed);
    free(c->continues);
    inflate_free(c->inflate);
    free(c->changed);
    free(c->settled);
    /* The checker holds the last rows as they were sent. */
    sodium_memzero(c, sizeof *c);
    free(c);
}

static bool feed_plain(void *context, const void *bytes, size_t length)
{
    struct check *c = context;
    return row_checker_feed(&c->checker, bytes, length) && !c->broken;
}

/* A bad stream is the file's fault, told once. false: the check is over. */
static bool judge_stream(struct check *c, enum inflate_outcome outcome)
{
    if (outcome == INFLATE_REFUSED && !c->stream_refused) {
        c->stream_refused = true;
        row_checker_abandon(&c->checker, inflate_problem(c->inflate));
    }
    return outcome != INFLATE_STOPPED;
}

bool check_feed(struct check *c, const void *bytes, size_t length)
{
    if (c->inflate)
        return judge_stream(c, inflate_feed(c->inflate, bytes, length, feed_plain, c));
    return feed_plain(c, bytes, length);
}

uint32_t check_rows(const struct check *c)
{
    return (uint32_t)c->rows;
}

uint32_t check_changed_rows(const struct check *c)
{
    return c->changed_rows;
}

void check_settle(struct check *c)
{
    for (size_t i = 0; c->rows > 0 && i <= (c->rows - 1) / 8; i++) {
        c->settled[i] |= c->changed[i];
        c->changed[i] = 0;
    }
    c->changed_rows = 0;
}

bool check_is_refused(const struct check *c)
{
    return c->refused || c->checker.summary.refused;
}

static bool keeps_on(const struct check *c)
{
    return !c->input.keep_on || c->input.keep_on(c->input.observer);
}

bool check_add_finding(struct check *c, const struct finding *f)
{
    if (rule_get(f->rule)->severity == SEVERITY_FILE) {
        c->refused = true;
    } else if (f->row_no >= 1 && f->row_no <= c->rows) {
        rule_set_t *failed = &c->failed[f->row_no - 1];
        if ((*failed & rule_set_of(f->rule)) != 0)
            return true;
        *failed |= rule_set_of(f->rule);
        c->changed_rows += set_bit(c->changed, f->row_no);
    }
    return add_late(c, f);
}

static void on_cross_finding(void *context, const struct finding *f)
{
    (void)check_add_finding(context, f);
}

static void on_continues(void *context, uint32_t row_no)
{
    struct check *c = context;
    if (row_no >= 1 && row_no <= c->rows && set_bit(c->continues, row_no))
        c->changed_rows += set_bit(c->changed, row_no);
}

static void on_patient(void *context, const struct cross_row *rows, size_t count)
{
    struct check *c = context;
    c->input.on_patient(c->input.observer, rows, count);
}

static bool cross_partition_of(struct check *c, unsigned partition, const struct cross_events *events)
{
    void *records = NULL;
    size_t length = 0;
    if (!spool_load(c->patients, partition, &records, &length))
        return false;
    bool ok = cross_check_patients(records, length / sizeof(struct cross_row), c->input.context->month, events);
    free(records);
    if (!ok || !spool_load(c->nhs, partition, &records, &length))
        return false;
    ok = cross_check_nhs(records, length / sizeof(struct cross_nhs), events);
    free(records);
    if (!ok || !spool_load(c->episodes, partition, &records, &length))
        return false;
    ok = cross_check_episodes(records, length / sizeof(struct cross_episode), events);
    free(records);
    return ok && !c->broken;
}

static bool across_rows(struct check *c)
{
    struct cross_events events = {c, on_cross_finding, on_continues, c->input.on_patient ? on_patient : NULL};
    for (unsigned p = 0; p < CHECK_PARTITIONS; p++) {
        if (!cross_partition_of(c, p, &events) || !keeps_on(c))
            return false;
    }
    spool_free(&c->patients);
    spool_free(&c->nhs);
    spool_free(&c->episodes);
    struct finding f08;
    bool all_read = c->rows == c->summary.rows; /* one that cannot be read has no ERROR */
    return !all_read || !every_row_fails(c->failed, c->rows, &f08) || check_add_finding(c, &f08);
}

bool check_end_rows(struct check *c)
{
    c->late_range_rows = c->rows / LATE_RANGES + 1;
    if (c->late_range_rows < LATE_RANGE_ROWS)
        c->late_range_rows = LATE_RANGE_ROWS;
    c->late_ranges = c->rows / c->late_range_rows + 1;
    c->late = spool_new(c->input.spool_folder, (unsigned)c->late_ranges);
    c->ended = true;
    if (c->inflate && !judge_stream(c, inflate_finish(c->inflate)))
        return false;
    if (!c->late || !row_checker_finish(&c->checker, &c->summary) || c->broken)
        return false;
    c->refused = c->summary.refused;
    return true;
}

bool check_finish(struct check *c, struct check_outcome *out)
{
    if (!c->ended && !check_end_rows(c))
        return false;
    bool found = leaks_find(c->leaks);
    for (uint32_t row_no = 1; found && row_no <= c->rows; row_no++) {
        if (leaks_covers(c->leaks, row_no))
            c->changed_rows += set_bit(c->changed, row_no);
    }
    if (!found || !across_rows(c))
        return false;
    out->rows = c->summary.rows;
    out->empty_rows = c->summary.empty_rows;
    out->payable_rows = 0;
    out->refused = c->refused;
    out->held = c->summary.held;
    rule_set_t unpayable = rules_unpayable_at_upload();
    for (size_t i = 0; i < c->rows; i++)
        out->payable_rows += (c->failed[i] & unpayable) == 0;
    return true;
}

bool check_each_identifier(struct check *c, size_t most,
                           bool (*each)(void *context, const int64_t *hashes, size_t count), void *context)
{
    return leaks_each_identifier(c->leaks, most, each, context);
}
