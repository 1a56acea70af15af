#include "domain/sampling.h"

#include "base/text.h"
#include "domain/money.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

__extension__ typedef unsigned __int128 wide_t;

const char *sample_method_name(enum sample_method method)
{
    return method == SAMPLE_RANDOM ? "random" : "mus";
}

bool sample_method_parse(const char *name, enum sample_method *out)
{
    if (strcmp(name, "random") != 0 && strcmp(name, "mus") != 0)
        return false;
    *out = name[0] == 'r' ? SAMPLE_RANDOM : SAMPLE_MUS;
    return true;
}

bool sample_nonce_good(const char *nonce, size_t length)
{
    bool good = length > 0 && length <= SAMPLE_NONCE_MAX && is_alphanumeric(nonce[0]);
    for (size_t i = 1; good && i < length; i++)
        good = is_alphanumeric(nonce[i]) || nonce[i] == '.' || nonce[i] == '-' || nonce[i] == '_';
    return good;
}

void sample_seed(const uint8_t root[32], const char *nonce, uint8_t out[SAMPLE_SEED])
{
    static const char purpose[] = "reckoner/sample/1\n";
    crypto_hash_sha256_state hash;
    (void)crypto_hash_sha256_init(&hash);
    (void)crypto_hash_sha256_update(&hash, (const unsigned char *)purpose, sizeof purpose - 1);
    (void)crypto_hash_sha256_update(&hash, root, 32);
    (void)crypto_hash_sha256_update(&hash, (const unsigned char *)nonce, strlen(nonce));
    (void)crypto_hash_sha256_final(&hash, out);
}

/* Frame */

static int32_t find_team(const struct sample_frame *f, const char *team, bool *found)
{
    int32_t low = 0;
    int32_t high = f->teams;
    *found = false;
    while (low < high && !*found) {
        int32_t middle = low + (high - low) / 2;
        int order = strcmp(f->team[f->by_name[middle]], team);
        *found = order == 0;
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return high;
}

static bool grow_teams(struct sample_frame *f)
{
    if (f->teams < f->team_room)
        return true;
    int32_t room = f->team_room == 0 ? 64 : f->team_room * 2;
    char **team = realloc(f->team, (size_t)room * sizeof *team);
    if (team == NULL)
        return false;
    f->team = team;
    int32_t *by_name = realloc(f->by_name, (size_t)room * sizeof *by_name);
    if (by_name == NULL)
        return false;
    f->by_name = by_name;
    f->team_room = room;
    return true;
}

/* The number of a team, a new one if need be; -1: no memory. */
static int32_t team_number(struct sample_frame *f, const char *team)
{
    bool found;
    int32_t place = find_team(f, team, &found);
    if (found)
        return f->by_name[place];
    char *name = grow_teams(f) ? strdup(team) : NULL;
    if (name == NULL)
        return -1;
    memmove(f->by_name + place + 1, f->by_name + place, (size_t)(f->teams - place) * sizeof *f->by_name);
    f->by_name[place] = f->teams;
    f->team[f->teams] = name;
    return f->teams++;
}

static bool grow_rows(struct sample_frame *f)
{
    if (f->count < f->room)
        return true;
    size_t room = f->room == 0 ? 4096 : f->room * 2;
    struct sample_row *row = realloc(f->row, room * sizeof *row);
    if (row == NULL)
        return false;
    f->row = row;
    f->room = room;
    return true;
}

enum sample_status sample_frame_add(struct sample_frame *f, month_t month, int32_t row_no, const char *team,
                                    int64_t pence)
{
    if (f->count >= (size_t)SAMPLE_ROWS_MAX || pence > SAMPLE_ROW_PENCE_MAX || pence < -SAMPLE_ROW_PENCE_MAX)
        return SAMPLE_TOO_LARGE;
    int32_t number = grow_rows(f) ? team_number(f, team) : -1;
    if (number < 0)
        return SAMPLE_NO_MEMORY;
    f->row[f->count++] = (struct sample_row){.pence = pence, .month = month, .row_no = row_no, .team = number};
    return SAMPLE_DONE;
}

static int compare_rows(const void *left, const void *right)
{
    const struct sample_row *a = left;
    const struct sample_row *b = right;
    if (a->month != b->month)
        return a->month < b->month ? -1 : 1;
    return (a->row_no > b->row_no) - (a->row_no < b->row_no);
}

enum sample_status sample_frame_sort(struct sample_frame *f)
{
    if (f->count > 1)
        qsort(f->row, f->count, sizeof *f->row, compare_rows);
    for (size_t i = 1; i < f->count; i++) {
        if (compare_rows(&f->row[i - 1], &f->row[i]) == 0)
            return SAMPLE_ROW_TWICE;
    }
    return SAMPLE_DONE;
}

void sample_frame_free(struct sample_frame *f)
{
    for (int32_t i = 0; i < f->teams; i++)
        free(f->team[i]);
    free(f->team);
    free(f->by_name);
    free(f->row);
    memset(f, 0, sizeof *f);
}

/* Drawing */

static bool count_population(const struct sample_frame *f, enum sample_method method, struct sample_population *out)
{
    *out = (struct sample_population){.rows = (int64_t)f->count};
    for (size_t i = 0; i < f->count; i++) {
        int64_t pence = f->row[i].pence;
        bool reached = method == SAMPLE_RANDOM || pence > 0;
        out->pence += pence;
        out->reached_rows += reached;
        out->reached_pence += reached ? pence : 0;
        out->zero_rows += pence == 0;
        out->negative_rows += pence < 0;
        out->negative_pence += pence < 0 ? pence : 0;
    }
    return out->pence - 2 * out->negative_pence <= SAMPLE_PENCE_MAX;
}

static void rank_of(const uint8_t seed[SAMPLE_SEED], const struct sample_row *row, uint8_t out[SAMPLE_SEED])
{
    char month[8];
    char text[32];
    crypto_hash_sha256_state hash;
    month_format(row->month, month);
    int length = snprintf(text, sizeof text, "%s/%d", month, row->row_no);
    (void)crypto_hash_sha256_init(&hash);
    (void)crypto_hash_sha256_update(&hash, seed, SAMPLE_SEED);
    (void)crypto_hash_sha256_update(&hash, (const unsigned char *)text, (unsigned long long)length);
    (void)crypto_hash_sha256_final(&hash, out);
}

static int compare_ranks(const void *left, const void *right)
{
    const struct sample_pick *a = left;
    const struct sample_pick *b = right;
    int order = memcmp(a->rank, b->rank, sizeof a->rank);
    return order != 0 ? order : (a->row > b->row) - (a->row < b->row);
}

/* Lets the pick at `at` sink to its place: every parent ranks behind its children. */
static void sink(struct sample_pick *heap, size_t count, size_t at)
{
    for (;;) {
        size_t last = at;
        for (size_t child = 2 * at + 1; child <= 2 * at + 2 && child < count; child++)
            last = compare_ranks(&heap[child], &heap[last]) > 0 ? child : last;
        if (last == at)
            return;
        struct sample_pick moved = heap[at];
        heap[at] = heap[last];
        heap[last] = moved;
        at = last;
    }
}

/* The picks so far are a heap whose top ranks last. */
static void draw_random(const struct sample_frame *f, struct sample *s)
{
    size_t wanted = (size_t)s->count;
    for (size_t i = 0; i < f->count; i++) {
        struct sample_pick pick = {.row = i, .hits = 1};
        rank_of(s->seed, &f->row[i], pick.rank);
        if (i < wanted) {
            s->pick[i] = pick;
            for (size_t k = i + 1 == wanted ? wanted / 2 : 0; k > 0; k--)
                sink(s->pick, wanted, k - 1);
        } else if (compare_ranks(&pick, &s->pick[0]) < 0) {
            s->pick[0] = pick;
            sink(s->pick, wanted, 0);
        }
    }
    qsort(s->pick, wanted, sizeof *s->pick, compare_ranks);
}

/* SHA-256(seed || "start") as a number, first byte highest, mod total. */
static int64_t random_start(const uint8_t seed[SAMPLE_SEED], int64_t total)
{
    uint8_t bytes[SAMPLE_SEED + 5];
    uint8_t hash[crypto_hash_sha256_BYTES];
    wide_t rest = 0;
    memcpy(bytes, seed, SAMPLE_SEED);
    memcpy(bytes + SAMPLE_SEED, "start", 5);
    (void)crypto_hash_sha256(hash, bytes, sizeof bytes);
    for (size_t i = 0; i < sizeof hash; i++)
        rest = (wide_t)(rest * 256 + (wide_t)hash[i]) % (wide_t)total;
    return (int64_t)rest;
}

static void draw_units(const struct sample_frame *f, struct sample *s)
{
    int64_t total = s->population.reached_pence;
    int64_t start = random_start(s->seed, total);
    int64_t before = 0; /* pence of the rows behind us */
    int32_t hit = 0;
    s->count = 0;
    for (size_t i = 0; i < f->count && hit < s->size; i++) {
        int64_t pence = f->row[i].pence;
        struct sample_pick pick = {.row = i, .first_hit = hit + 1};
        if (pence <= 0)
            continue;
        for (; hit < s->size; hit++) {
            int64_t point = (int64_t)(((wide_t)hit * (wide_t)total + (wide_t)start) / (wide_t)s->size) + 1;
            if (point > before + pence)
                break;
            pick.point = pick.hits == 0 ? point : pick.point;
            pick.hits++;
        }
        pick.certain = (wide_t)pence * (wide_t)s->size >= (wide_t)total;
        if (pick.hits > 0)
            s->pick[s->count++] = pick;
        before += pence;
    }
}

enum sample_status sample_draw(const struct sample_frame *f, enum sample_method method, int32_t size,
                               const uint8_t seed[SAMPLE_SEED], struct sample *out)
{
    struct sample s = {.method = method, .size = size};
    if (!count_population(f, method, &s.population))
        return SAMPLE_TOO_LARGE;
    if (s.population.reached_rows == 0)
        return SAMPLE_NOTHING;
    if (method == SAMPLE_MUS && s.population.reached_pence < size)
        return SAMPLE_TOO_MANY;
    if (method == SAMPLE_RANDOM && (int64_t)size > s.population.rows)
        s.size = (int32_t)s.population.rows;
    s.pick = calloc((size_t)s.size, sizeof *s.pick);
    if (s.pick == NULL)
        return SAMPLE_NO_MEMORY;
    memcpy(s.seed, seed, SAMPLE_SEED);
    s.count = s.size;
    if (method == SAMPLE_RANDOM)
        draw_random(f, &s);
    else
        draw_units(f, &s);
    *out = s;
    return SAMPLE_DONE;
}

void sample_free(struct sample *s)
{
    free(s->pick);
    memset(s, 0, sizeof *s);
}

const char *sample_why_not(enum sample_status status)
{
    switch (status) {
    case SAMPLE_NOTHING:
        return "no row can be drawn: there is none, or none of any value";
    case SAMPLE_TOO_MANY:
        return "there are fewer pence than hits; ask for fewer";
    case SAMPLE_TOO_LARGE:
        return "the rows add up to more than a sample can evaluate";
    case SAMPLE_NO_MEMORY:
    case SAMPLE_ROW_TWICE:
    case SAMPLE_DONE:
        break;
    }
    return "memory ran out";
}
