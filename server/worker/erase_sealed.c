#include "worker/erase_sealed.h"

#include "base/inflate.h"
#include "base/text.h"
#include "domain/leak.h"
#include "store/confidential.h"
#include "store/identifier.h"
#include "store/submission.h"
#include "worker/confidential.h"
#include "worker/sealed_file.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

/* A confidential block in clear. */
struct opened {
    uint8_t *bytes; /* sodium_malloc */
    size_t length;
    int64_t first;
    int64_t rows;
};

static enum erase_status open_block(struct worker *w, const char *provider, int64_t submission, int64_t row_no,
                                    struct opened *out, enum pg_status *store)
{
    struct confidential_rows found;
    *store = confidential_block_of(w->pg, provider, submission, row_no, &found);
    if (*store != PG_OK)
        return *store == PG_NONE ? ERASE_UNREADABLE : ERASE_STORE;
    enum erase_status outcome = found.length > SEAL_BOX_OVERHEAD ? ERASE_OK : ERASE_UNREADABLE;
    out->first = found.first_row;
    out->rows = found.rows;
    out->length = outcome == ERASE_OK ? found.length - SEAL_BOX_OVERHEAD : 1;
    out->bytes = sodium_malloc(out->length);
    if (out->bytes == NULL)
        outcome = ERASE_NO_MEMORY;
    if (outcome == ERASE_OK && !unseal_box(w->unseal, (const uint8_t *)found.sealed, found.length, out->bytes))
        outcome = ERASE_UNREADABLE;
    PQclear(found.result);
    return outcome;
}

enum erase_status erase_row_is_nameless(struct worker *w, const char *provider, int64_t submission, int64_t row_no,
                                        bool *nameless, enum pg_status *store)
{
    struct opened block = {NULL, 0, 0, 0};
    struct confidential_record record;
    enum erase_status outcome = open_block(w, provider, submission, row_no, &block, store);
    if (outcome == ERASE_OK && !confidential_find(block.bytes, block.length, (uint32_t)(row_no - block.first), &record))
        outcome = ERASE_UNREADABLE;
    if (outcome == ERASE_OK)
        *nameless = record.patient_id.length == 0;
    sodium_free(block.bytes);
    return outcome;
}

static bool keep_text(struct identifying *found, struct text text)
{
    if (text.length == 0 || text.length >= IDENTIFYING_SIZE)
        return text.length == 0;
    for (size_t i = 0; i < found->count; i++) {
        if (found->length[i] == text.length && memcmp(found->text[i], text.at, text.length) == 0)
            return true;
    }
    if (found->count == IDENTIFYING_MAX)
        return false;
    memcpy(found->text[found->count], text.at, text.length);
    found->length[found->count++] = text.length;
    return true;
}

/* The block without the records of the rows given, which stand in it; *kept counts bytes. */
static enum erase_status cut_records(const struct opened *block, const struct erase_rows *rows, size_t from, size_t to,
                                     uint8_t *out, size_t *kept, struct identifying *found)
{
    static const uint8_t nothing[CONFIDENTIAL_SALT + 4 + 3] = {[CONFIDENTIAL_SALT] =
                                                                   0x80}; /* no birth date, no texts */
    size_t at = CONFIDENTIAL_FIRST;
    memcpy(out, block->bytes, CONFIDENTIAL_FIRST);
    *kept = CONFIDENTIAL_FIRST;
    for (int64_t row = block->first; row < block->first + block->rows; row++) {
        struct confidential_record record;
        if (!confidential_next(block->bytes, block->length, &at, &record))
            return ERASE_UNREADABLE;
        bool gone = from < to && rows->row_no[from] == row;
        if (gone && (!keep_text(found, record.patient_id) || !keep_text(found, record.nhs_number)))
            return ERASE_TOO_MANY;
        const uint8_t *bytes = gone ? nothing : record.sealed;
        size_t length = gone ? sizeof nothing : record.length;
        memcpy(out + *kept, bytes, length); /* never longer than what stood there */
        *kept += length;
        from += gone;
    }
    return at == block->length && from == to ? ERASE_OK : ERASE_UNREADABLE;
}

static enum erase_status rewrite_block(struct worker *w, const struct erase_rows *rows, const struct opened *block,
                                       size_t from, size_t to, struct identifying *found, enum pg_status *store)
{
    size_t kept = 0;
    uint8_t *clear = sodium_malloc(block->length);
    uint8_t *sealed = malloc(block->length + SEAL_BOX_OVERHEAD);
    enum erase_status outcome = clear != NULL && sealed != NULL ? ERASE_OK : ERASE_NO_MEMORY;
    if (outcome == ERASE_OK)
        outcome = cut_records(block, rows, from, to, clear, &kept, found);
    if (outcome == ERASE_OK && !seal_box(w->unseal->public, clear, kept, sealed))
        outcome = ERASE_NO_MEMORY;
    if (outcome == ERASE_OK) {
        *store = confidential_block_replace(w->pg, rows->provider, rows->submission, block->first, sealed,
                                            kept + SEAL_BOX_OVERHEAD);
        outcome = *store == PG_OK ? ERASE_OK : ERASE_STORE;
    }
    sodium_free(clear);
    free(sealed);
    return outcome;
}

enum erase_status erase_records(struct worker *w, const struct erase_rows *rows, struct identifying *found,
                                enum pg_status *store)
{
    enum erase_status outcome = ERASE_OK;
    for (size_t from = 0, to = 0; outcome == ERASE_OK && from < rows->count; from = to) {
        struct opened block = {NULL, 0, 0, 0};
        outcome = open_block(w, rows->provider, rows->submission, rows->row_no[from], &block, store);
        for (to = from; to < rows->count && rows->row_no[to] < block.first + block.rows;)
            to++;
        if (outcome == ERASE_OK)
            outcome = rewrite_block(w, rows, &block, from, to, found, store);
        sodium_free(block.bytes);
    }
    return outcome;
}

enum pg_status erase_hashes(struct worker *w, const char *provider, int64_t submission, const struct identifying *found)
{
    struct leak_key key;
    enum pg_status status = PG_OK;
    leak_key_derive(w->pseudonym_key, &key);
    for (size_t i = 0; i < found->count && status == PG_OK; i++) {
        char canonical[LEAK_TOKEN_MAX];
        size_t length = leak_canonical((struct text){found->text[i], found->length[i]}, canonical);
        if (length > 0)
            status = identifier_remove(w->pg, provider, submission, leak_hash(&key, canonical, length));
        sodium_memzero(canonical, sizeof canonical);
    }
    sodium_memzero(&key, sizeof key);
    return status;
}

/* ------------------------------------------------------------------------------------------------------------ files */

#define WINDOW 65536

/* Looks at a file through a window; its last bytes are looked at again with those that follow. */
struct search {
    struct worker *w;
    const struct identifying *found;
    struct inflate *inflate; /* NULL: the bytes are not packed */
    bool refused;            /* by inflate */
    bool holds;
    char *window; /* WINDOW bytes, sodium_malloc */
    size_t filled;
};

/* Hits that touch the end of the window wait for what follows, unless nothing does. */
static bool window_holds(const struct search *s, const char *text, size_t length, bool last)
{
    const char *at = s->window;
    const char *end = s->window + s->filled;
    while ((at = memmem(at, (size_t)(end - at), text, length)) != NULL) {
        bool apart =
            (at == s->window || !is_alphanumeric(at[-1])) && (at + length == end ? last : !is_alphanumeric(at[length]));
        if (apart)
            return true;
        at++;
    }
    return false;
}

static void look(struct search *s, bool last)
{
    for (size_t i = 0; i < s->found->count && !s->holds; i++)
        s->holds = window_holds(s, s->found->text[i], s->found->length[i], last);
}

static bool take_bytes(void *context, const void *bytes, size_t length)
{
    struct search *s = context;
    const char *at = bytes;
    while (length > 0 && !s->holds) {
        size_t n = WINDOW - s->filled < length ? WINDOW - s->filled : length;
        memcpy(s->window + s->filled, at, n);
        s->filled += n;
        at += n;
        length -= n;
        if (s->filled < WINDOW)
            continue;
        look(s, false);
        const size_t kept = IDENTIFYING_SIZE + 1; /* the longest text, and what stands before it */
        memmove(s->window, s->window + WINDOW - kept, kept);
        s->filled = kept;
    }
    return !atomic_load(&s->w->lost);
}

static bool feed(void *context, const void *bytes, size_t length)
{
    struct search *s = context;
    if (s->inflate == NULL)
        return take_bytes(s, bytes, length);
    enum inflate_outcome outcome = inflate_feed(s->inflate, bytes, length, take_bytes, s);
    s->refused = s->refused || outcome == INFLATE_REFUSED;
    return outcome != INFLATE_STOPPED;
}

static enum job_outcome search_file(struct search *s, const struct job *job, const struct submission *sent,
                                    char *problem)
{
    const struct sealed_file file = {.pg = s->w->pg,
                                     .provider = sent->provider,
                                     .id = sent->id,
                                     .no = sent->no,
                                     .chunks = sent->chunks,
                                     .bytes = sent->bytes,
                                     .sha256 = sent->sha256,
                                     .declared_rows = -1,
                                     .sealed_key = submission_sealed_key,
                                     .get_chunks = submission_chunks};
    enum job_outcome outcome = sealed_file_each(s->w, job, &file, feed, s, problem);
    if (outcome == JOB_DONE)
        look(s, true);
    return outcome;
}

enum job_outcome erase_search_upload(struct worker *w, const struct job *job, const char *submission,
                                     const struct identifying *found, bool *holds, char *problem)
{
    struct submission sent;
    struct search s = {.w = w, .found = found};
    enum pg_status status = submission_get(w->pg, job->provider, submission, &sent);
    if (status != PG_OK)
        return job_outcome_of(status == PG_NONE ? PG_FAILED : status, w->pg, problem);
    bool packed = strcmp(sent.content_encoding, "gzip") == 0;
    s.window = sodium_malloc(WINDOW);
    if (packed)
        s.inflate = inflate_new(w->config->max_upload_bytes);
    enum job_outcome outcome = JOB_AGAIN;
    if (s.window != NULL && (!packed || s.inflate != NULL))
        outcome = search_file(&s, job, &sent, problem);
    *holds = s.holds || s.refused;
    sodium_free(s.window);
    inflate_free(s.inflate);
    return outcome;
}
