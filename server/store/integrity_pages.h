/* Rows in pages, for the parts of `reckoner fsck` that hash and verify. Columns of bytes are hexadecimal texts unless
 * the page is binary. */
#ifndef RECKONER_STORE_INTEGRITY_PAGES_H
#define RECKONER_STORE_INTEGRITY_PAGES_H

#include "store/pg.h"

/* Complete subtrees above the leaves whose last leaf is one of [from, to): columns level, place, hash, in the order in
 * which a growing tree completes them. */
enum pg_status page_log_nodes(struct pg *pg, int64_t from, int64_t to, PGresult **result);
/* Checkpoints of a size above `above` up to `to`: columns size, origin, root, note, key, public_key, sealed_at. */
enum pg_status page_checkpoints(struct pg *pg, int64_t above, int64_t to, PGresult **result);
/* Cosignatures of checkpoints in the same range: columns size, name, line, note, public_key. */
enum pg_status page_cosignatures(struct pg *pg, int64_t above, int64_t to, PGresult **result);
/* Entries and events that have waited for the worker at least so many seconds: columns entries, events, first (number
 * of the entry that has waited longest). */
enum pg_status page_waiting(struct pg *pg, int64_t seconds, PGresult **result);

/* Links above seq, with their events (null when one is gone): columns seq, hash, and those of audit_pending_events. */
enum pg_status page_audit_links(struct pg *pg, int64_t above, int64_t limit, PGresult **result);

/* Entries of kind key, oldest first: columns leaf, subject, entry; and those that wait behind them, with leaf null. */
enum pg_status page_key_entries(struct pg *pg, PGresult **result);

/* Binary, in order of (provider, id) after the pair given ("", "" at first): provider, id, purpose, bytes, sha256,
 * key_id, signature, minisig, sealed_at (int8, microseconds), leaf (int8, null while it waits). */
enum page_record {
    RECORD_PROVIDER,
    RECORD_ID,
    RECORD_PURPOSE,
    RECORD_BYTES,
    RECORD_SHA256,
    RECORD_KEY_ID,
    RECORD_SIGNATURE,
    RECORD_MINISIG,
    RECORD_SEALED_AT,
    RECORD_LEAF
};
enum pg_status page_records(struct pg *pg, const char *provider, const char *id, int64_t limit, PGresult **result);

/* Statements with the run and the draft they tell of, in order of provider and record after the pair given: columns
 * provider, contract, commissioner, seq, run, record, previous, bytes (as pg_bytes reads them), position_sha256,
 * position_pence, balance_pence, document, document_balance. */
enum pg_status page_statements(struct pg *pg, const char *provider, const char *record, int64_t limit,
                               PGresult **result);

/* Runs that are done, after (provider, id): columns provider, id, sha256, pence, body (null when it is gone). */
enum pg_status page_runs(struct pg *pg, const char *provider, const char *id, int64_t limit, PGresult **result);
/* Lines of a run in order: columns line_no, line_key, pence. */
enum pg_status page_run_lines(struct pg *pg, const char *provider, const char *run, PGresult **result);

/* Submissions that are complete, in order of (provider, no) after the pair given: columns provider, no, id, chunks,
 * bytes, sha256. month -1: all; only NULL: every provider. */
enum pg_status page_submissions(struct pg *pg, const char *only, month_t month, const char *provider, int64_t no,
                                int64_t limit, PGresult **result);

#endif
