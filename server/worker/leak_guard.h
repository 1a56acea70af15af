/* The guard at the door (L01): text of people and uploads goes out only when it holds no ten digits that pass modulus
 * 11, and no token whose keyed hash is an identifier of the submissions concerned. Amounts, counts, dates, digests,
 * signatures and generated ids are not shown to it.
 *
 * Blocks of hashes are fetched for the tokens that fall into them, those of a document at once, and kept
 * (LEAK_GUARD_BLOCKS at most, 32 KiB each): texts that are few cost few, an export of a million rows has all of them in
 * memory. One thread; uses the connection only while a call runs, and may be used inside a transaction or between
 * two. */
#ifndef RECKONER_WORKER_LEAK_GUARD_H
#define RECKONER_WORKER_LEAK_GUARD_H

#include "domain/leak.h"
#include "store/pg.h"
#include "worker/leak_memory.h"

#define LEAK_GUARD_BLOCKS 3072 /* 96 MiB: the identifiers of five million rows */

struct leak_guard;

enum leak_verdict {
    LEAK_CLEAN,
    LEAK_FOUND,
    LEAK_UNKNOWN /* the database did not answer (leak_guard_status): treat the text as if it leaked, or try again */
};

/* A guard without submissions: the ten-digit half alone. identity_key: the worker's 32 bytes, used here only to derive
 * from. memory: borrowed; NULL: nothing is remembered (texts that are seen once, submissions not accepted yet). NULL
 * when memory ran out; freed with leak_guard_free, NULL allowed. */
struct leak_guard *leak_guard_new(struct pg *pg, const uint8_t identity_key[32], struct leak_memory *memory);
void leak_guard_free(struct leak_guard *g);
/* Adds the identifiers of a submission; they are read when a token is first compared with them. PG_FAILED: memory ran
 * out. */
enum pg_status leak_guard_add(struct leak_guard *g, const char *provider, int64_t submission);

enum leak_verdict leak_guard_text(struct leak_guard *g, const char *text, size_t length);
/* A JSON document of ours (a position, a statement, a receipt): no string or name may hold ten digits that pass, and no
 * text of people or uploads (names, addresses, titles, labels, notes, reasons, evidence, references, services, episode
 * ids, values) an identifier. Keys of lines, codes and the like are generated and not compared with identifiers. */
enum leak_verdict leak_guard_json(struct leak_guard *g, const char *json, size_t length);
/* What the database said when the verdict was LEAK_UNKNOWN. */
enum pg_status leak_guard_status(const struct leak_guard *g);

#endif
