/* The questions of `reckoner fsck` that the database answers by itself: each result has one row for each difference,
 * with the columns "table", key (the primary key, parts separated by slashes), what, found and expected. Entries of the
 * log are read as texts, so that a damaged one is a difference and no error. */
#ifndef RECKONER_STORE_INTEGRITY_H
#define RECKONER_STORE_INTEGRITY_H

#include "store/pg.h"

/* Signed records, approvals, issued documents and keys against their entries, both ways: what is no entry (nor waits to
 * be one), and entries whose thing is gone or was changed. */
enum pg_status integrity_log_records(struct pg *pg, PGresult **differences);
enum pg_status integrity_log_approvals(struct pg *pg, PGresult **differences);
enum pg_status integrity_log_documents(struct pg *pg, PGresult **differences);
enum pg_status integrity_log_keys(struct pg *pg, PGresult **differences);
enum pg_status integrity_log_samples(struct pg *pg,
                                     PGresult **differences); /* what was promised, and the seed's root */
enum pg_status integrity_log_recoveries(struct pg *pg, PGresult **differences); /* and numbers that were voided */
/* Subtrees of leaves that are not there; size: number of leaves. */
enum pg_status integrity_log_nodes(struct pg *pg, int64_t size, PGresult **differences);
/* Audit events that neither have a link nor wait for one. */
enum pg_status integrity_audit_unlinked(struct pg *pg, PGresult **differences);
/* The chain of statements by their rows: seq without a gap, previous the digest of the record before. */
enum pg_status integrity_statements(struct pg *pg, PGresult **differences);
/* Bodies of positions and of terms against their digests. */
enum pg_status integrity_digests(struct pg *pg, PGresult **differences);
/* Lines of runs against their positions, bridges against their steps. */
enum pg_status integrity_runs(struct pg *pg, PGresult **differences);
/* What positions say that the parties agreed and decided (inputs but months and terms) against where it is kept. Only
 * positions whose digest holds are read: integrity_digests names the others. */
enum pg_status integrity_acts(struct pg *pg, PGresult **differences);
enum pg_status integrity_document_count(struct pg *pg, int64_t *count);
/* Numbers of documents: no gap, none twice, and the counter at the last. */
enum pg_status integrity_document_numbers(struct pg *pg, PGresult **differences);
/* Amounts of documents against their lines, their ledger, their run, and what was issued before. */
enum pg_status integrity_document_amounts(struct pg *pg, PGresult **differences);
/* Pieces of submissions as sent against the number that was stored. NULL and -1: all. */
enum pg_status integrity_chunks(struct pg *pg, const char *provider, month_t month, PGresult **differences);
/* When and what was sent, as kept, against the signed receipts. NULL and -1: all. */
enum pg_status integrity_receipts(struct pg *pg, const char *provider, month_t month, PGresult **differences);

#endif
