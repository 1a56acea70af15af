/* An open-addressed table, at most half full. The patient key is a keyed hash already, so its bits are spread. */
#include "domain/assessments.h"

#include <stdlib.h>
#include <string.h>

struct assessments {
    struct assessment *slot; /* month 0 marks an empty one */
    size_t capacity;         /* a power of two */
    size_t count;
};

struct assessments *assessments_new(size_t expected)
{
    struct assessments *s = calloc(1, sizeof *s);
    if (s == NULL) {
        return NULL;
    }
    s->capacity = 64;
    while (s->capacity / 2 < expected)
        s->capacity *= 2;
    s->slot = calloc(s->capacity, sizeof *s->slot);
    if (s->slot == NULL) {
        free(s);
        return NULL;
    }
    return s;
}

void assessments_free(struct assessments *s)
{
    if (s == NULL) {
        return;
    }
    free(s->slot);
    free(s);
}

static size_t place_of(const struct assessment *slot, size_t capacity, const uint8_t patient[16], date_t referral)
{
    uint64_t low;
    uint64_t high;
    memcpy(&low, patient, sizeof low);
    memcpy(&high, patient + sizeof low, sizeof high);
    uint64_t hash = (low ^ (high << 1) ^ (uint64_t)(uint32_t)referral) * UINT64_C(0x9E3779B97F4A7C15);
    size_t place = (size_t)(hash >> 32) & (capacity - 1);
    while (slot[place].month != 0 &&
           (slot[place].referral != referral || memcmp(slot[place].patient, patient, sizeof slot->patient) != 0)) {
        place = (place + 1) & (capacity - 1);
    }
    return place;
}

static bool grow(struct assessments *s)
{
    size_t capacity = s->capacity * 2;
    struct assessment *slot = calloc(capacity, sizeof *slot);
    if (slot == NULL) {
        return false;
    }
    for (size_t i = 0; i < s->capacity; i++) {
        if (s->slot[i].month != 0) {
            slot[place_of(slot, capacity, s->slot[i].patient, s->slot[i].referral)] = s->slot[i];
        }
    }
    free(s->slot);
    s->slot = slot;
    s->capacity = capacity;
    return true;
}

bool assessments_offer(struct assessments *s, const struct assessment *a, const char *episode_id)
{
    size_t length = strlen(episode_id);
    if (length >= ASSESSMENT_EPISODE_SIZE || (s->count * 2 >= s->capacity && !grow(s))) {
        return false;
    }
    struct assessment *slot = &s->slot[place_of(s->slot, s->capacity, a->patient, a->referral)];
    if (slot->month == 0) {
        s->count++;
    } else if (slot->mhct_date < a->mhct_date ||
               (slot->mhct_date == a->mhct_date && strcmp(slot->episode_id, episode_id) <= 0)) {
        return true;
    }
    *slot = *a;
    memcpy(slot->episode_id, episode_id, length + 1);
    return true;
}

const struct assessment *assessments_find(const struct assessments *s, const uint8_t patient[16], date_t referral)
{
    const struct assessment *slot = &s->slot[place_of(s->slot, s->capacity, patient, referral)];
    return slot->month == 0 ? NULL : slot;
}

size_t assessments_count(const struct assessments *s)
{
    return s->count;
}

const struct assessment *assessments_next(const struct assessments *s, size_t *place)
{
    while (*place < s->capacity) {
        const struct assessment *slot = &s->slot[(*place)++];
        if (slot->month != 0) {
            return slot;
        }
    }
    return NULL;
}
