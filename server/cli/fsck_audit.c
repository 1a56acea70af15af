/* The audit trail: each link is the hash of the one before and its event, none is missing, and the heads in the log are
 * those of the chain: a trail that was written anew has other heads. */
#include "base/json.h"
#include "base/parse.h"
#include "cli/fsck_part.h"
#include "proof/chain.h"
#include "store/integrity.h"
#include "store/integrity_pages.h"
#include "store/log.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PAGE 2000

struct chain_walk {
    struct fsck *f;
    int64_t seq;
    struct merkle_hash head; /* as stored, so that one difference does not make all that follow differ */
    PGresult *heads;         /* entries of kind audit_head, oldest first */
    int next_head;
};

static void differs(const struct chain_walk *c, const char *table, int64_t seq, const char *what, const char *found,
                    const char *expected)
{
    char key[24];
    (void)snprintf(key, sizeof key, "%lld", (long long)seq);
    fsck_differs(c->f, table, key, what, found, expected);
}

static void check_link(struct chain_walk *c, const PGresult *r, int row)
{
    const char *stored = pg_text(r, row, "hash");
    char key[60];
    char made[2 * MERKLE_HASH + 1];
    if (pg_is_null(r, row, "id")) {
        (void)snprintf(key, sizeof key, "%s/%s", pg_text(r, row, "of_provider"), pg_text(r, row, "event"));
        fsck_differs(c->f, "audit_event", key, "row", "none", "one");
    } else {
        size_t length = 0;
        json_t *event = audit_event_object(r, row);
        char *bytes = event != NULL ? json_canonical(event, &length) : NULL;
        struct merkle_hash next = chain_next(&c->head, bytes != NULL ? bytes : "", length);
        hex_encode(next.bytes, MERKLE_HASH, made);
        if (strcmp(stored, made) != 0)
            differs(c, "audit_link", c->seq, "hash", stored, made);
        free(bytes);
        json_decref(event);
    }
    if (!hex_decode(stored, strlen(stored), c->head.bytes, MERKLE_HASH))
        memset(c->head.bytes, 0, MERKLE_HASH);
}

/* Heads of the log for the link at hand; those before it have no link. */
static void check_heads(struct chain_walk *c, int64_t seq, const char *hash)
{
    for (; c->next_head < PQntuples(c->heads); c->next_head++) {
        struct json_problem problem;
        const char *text = pg_text(c->heads, c->next_head, "entry");
        json_t *entry = json_read(text, strlen(text), &problem);
        const char *stated = json_text(entry, "hash");
        int64_t of = json_int(entry, "seq", 0);
        bool reached = of <= seq;
        if (of == seq && stated != NULL && strcmp(stated, hash) != 0)
            differs(c, "audit_link", seq, "hash against its head in the log", hash, stated);
        else if (of < seq)
            differs(c, "audit_link", of, "row", "none", "one: the log has its head");
        json_decref(entry);
        if (!reached)
            return;
    }
}

static enum pg_status take_page(struct chain_walk *c, bool *more)
{
    PGresult *r = NULL;
    enum pg_status status = page_audit_links(c->f->pg, c->seq, PAGE, &r);
    if (status != PG_OK)
        return status;
    for (int row = 0; row < PQntuples(r); row++) {
        int64_t seq = pg_i64(r, row, "seq");
        for (c->seq++; c->seq < seq; c->seq++)
            differs(c, "audit_link", c->seq, "row", "none", "one");
        check_link(c, r, row);
        check_heads(c, seq, pg_text(r, row, "hash"));
    }
    *more = PQntuples(r) == PAGE;
    fsck_count(c->f, PQntuples(r));
    PQclear(r);
    return status;
}

enum pg_status fsck_audit(struct fsck *f)
{
    struct chain_walk c = {.f = f};
    PGresult *r = NULL;
    bool more = true;
    enum pg_status status = log_entries(f->pg, 0, NULL, "audit_head", INT64_MAX, &c.heads);
    while (status == PG_OK && more)
        status = take_page(&c, &more);
    if (status == PG_OK)
        check_heads(&c, INT64_MAX, "");
    if (status == PG_OK)
        status = integrity_audit_unlinked(f->pg, &r);
    status = fsck_take(f, status, r);
    PQclear(c.heads);
    return status;
}
