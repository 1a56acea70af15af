/* The log and the audit trail's chain in the database. Triggers leave what belongs there in log_pending and
 * audit_pending; the worker takes it from there, in one transaction with what it makes of it. */
#ifndef RECKONER_STORE_LOG_H
#define RECKONER_STORE_LOG_H

#include "base/json.h"
#include "store/pg.h"

#define LOG_HASH 32

/* One at a time appends: PG_NONE when another worker does. In a transaction, to its end. */
enum pg_status log_lock(struct pg *pg);
/* Number of leaves; of those the session may see, unless it is the worker's. */
enum pg_status log_size(struct pg *pg, int64_t *size);
/* Size of the newest checkpoint, 0 when there is none: what proofs are given for, whoever asks. */
enum pg_status log_public_size(struct pg *pg, int64_t *size);
/* Whether a leaf or a link is waiting. */
enum pg_status log_waits(struct pg *pg, bool *entries, bool *events);

/* The oldest entries that wait: columns no, kind, provider, commissioner, subject, entry. */
enum pg_status log_pending_entries(struct pg *pg, int64_t limit, PGresult **result);
/* Leaves an entry of the service's own; members as in log_note of the schema. */
enum pg_status log_leave(struct pg *pg, const char *kind, const char *provider, const char *commissioner,
                         const char *subject, const char *members);
/* Moves the entries taken (their numbers, "{1,2}") to the log, from leaf `first` on, in their order. */
enum pg_status log_move(struct pg *pg, const char *numbers, int64_t first);

/* Complete subtrees above the leaves. */
enum pg_status log_nodes_begin(struct pg *pg, struct pg_copy **copy);
void log_nodes_add(struct pg_copy *copy, int16_t level, int64_t place, const uint8_t hash[LOG_HASH]);
/* The hash of a complete subtree; level 0 are the leaves. PG_NONE: it is not there. */
enum pg_status log_node(struct pg *pg, unsigned level, int64_t place, uint8_t hash[LOG_HASH]);

struct log_checkpoint {
    int64_t size;
    const char *origin;
    const uint8_t *root; /* LOG_HASH bytes */
    const char *note;
    const char *key_id;
    instant_t sealed_at;
};
enum pg_status log_checkpoint_insert(struct pg *pg, const struct log_checkpoint *c);
/* Columns size, origin, root (hexadecimal), note, key, sealed_at and cosignatures (their lines, in the order of names),
 * newest first, below `before` (0: the newest). PG_OK with no row: nothing was logged yet. */
enum pg_status log_checkpoints(struct pg *pg, int64_t before, int64_t limit, PGresult **result);
/* The checkpoint of exactly this size, same columns. PG_NONE: there is none. */
enum pg_status log_checkpoint_of(struct pg *pg, int64_t size, PGresult **result);

/* Entries that the session may see, from leaf `from` on, of a subject and kind where given: columns leaf, kind,
 * provider, subject, entry, hash (hexadecimal). */
enum pg_status log_entries(struct pg *pg, int64_t from, const char *subject, const char *kind, int64_t limit,
                           PGresult **result);

struct log_keeper {
    const char *name;
    const char *organisation;
    const char *person;
    const uint8_t *public_key; /* 32 bytes */
    instant_t at;
};
/* PG_DUPLICATE: the name is taken. */
enum pg_status log_keeper_insert(struct pg *pg, const struct log_keeper *k);
/* Columns name, organisation, public_key, added_at; in order of names after `after` (""). name NULL: all. */
enum pg_status log_keepers(struct pg *pg, const char *name, const char *after, int64_t limit, PGresult **result);
/* A cosignature line under the checkpoint of a size, by a keeper of the organisation. One that is there stays. */
enum pg_status log_cosign(struct pg *pg, int64_t size, const struct log_keeper *k, const char *line);

/* Audit events that wait for their link, in the order of writing: columns provider, id, at, person, organisation, act,
 * subject, detail, request_id, address. */
enum pg_status audit_pending_events(struct pg *pg, int64_t limit, PGresult **result);
/* A row of these as the object whose canonical bytes are chained: members that are null are left out. A new reference;
 * NULL when memory ran out. */
json_t *audit_event_object(const PGresult *result, int row);
/* The end of the chain: seq 0 and zeros when there is none. */
enum pg_status audit_chain_end(struct pg *pg, int64_t *seq, uint8_t hash[LOG_HASH]);
/* Links, added in order; then the events no longer wait ("{RXA,RXB}", "{1,2}"). */
enum pg_status audit_links_begin(struct pg *pg, struct pg_copy **copy);
void audit_links_add(struct pg_copy *copy, int64_t seq, const char *provider, int64_t event,
                     const uint8_t hash[LOG_HASH]);
enum pg_status audit_linked(struct pg *pg, const char *providers, const char *events);
/* Links after seq with their events, as audit_pending_events, and beside them seq and seen: whether the provider may
 * see the event, or with a commissioner, whether that one may (its own acts, and acts on its contracts and accounts).
 */
enum pg_status audit_trail(struct pg *pg, const char *provider, const char *commissioner, int64_t after, int64_t limit,
                           PGresult **result);
/* The hash of a link; zeros for 0. PG_NONE: there is no such link. */
enum pg_status audit_link_hash(struct pg *pg, int64_t seq, uint8_t hash[LOG_HASH]);
/* The newest audit head in the log up to link seq: columns leaf, entry. PG_NONE: there is none. */
enum pg_status audit_head_before(struct pg *pg, int64_t seq, PGresult **result);
/* seq of the newest audit head in the log; 0: none. */
enum pg_status audit_head_logged(struct pg *pg, int64_t *seq);

#endif
