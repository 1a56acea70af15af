/* What was decided or is contested of single rows of an account, as known at an instant, and the rows themselves.
 * Results are the caller's to clear. */
#ifndef RECKONER_STORE_ROW_ACT_H
#define RECKONER_STORE_ROW_ACT_H

#include "domain/episode.h"
#include "store/settlement_input.h"

/* The last decisions on each row as it was, one on its cluster and one on how much of it is paid: columns number,
 * month, episode_id, row_sha256 (hexadecimal), counter_cluster, counter_days, counter_unpayable, decided_at. */
enum pg_status row_decisions(struct pg *pg, const struct account_key *account, instant_t known_at, PGresult **result);
/* Challenges that were open, in order of number: columns number, month, claimed_pence, billed, raised_at, sha256 (of
 * rows and counter-calculations). */
enum pg_status open_challenges(struct pg *pg, const struct account_key *account, instant_t known_at, PGresult **result);
/* Their rows, in the same order: columns number, month, episode_id, counter_cluster, counter_days, counter_unpayable.
 */
enum pg_status open_challenge_rows(struct pg *pg, const struct account_key *account, instant_t known_at,
                                   PGresult **result);

/* The last agreed re-attribution of each row, of those from or to the account: columns number, month, episode_id,
 * row_sha256 (hexadecimal), to_commissioner, agreed_at. */
enum pg_status row_moves(struct pg *pg, const struct account_key *account, instant_t known_at, PGresult **result);

/* Rows of the submissions that a challenge of the account or a re-attribution from or to it was ever about, in order of
 * month and episode_id (C collation): columns for row_act_episode, month and sha256. Rows of a re-attribution to the
 * account are another commissioner's. */
enum pg_status touched_episodes(struct pg *pg, const struct account_key *account,
                                const struct effective_submission *submissions, size_t count, PGresult **result);
/* A row of that result. false: it is none. */
bool row_act_episode(const PGresult *result, int row, struct episode *out);

/* Follows rows that were sent anew: open challenges take the digest of the row as it is now; decided rows that say
 * something else than when they were decided raise their challenge again ("row changed"), unless a challenge was raised
 * on the row as it is now already. answer_by: the clock of those raised. *raised: how many challenges. */
enum pg_status challenges_follow_rows(struct pg *pg, const struct account_key *account,
                                      const struct effective_submission *submissions, size_t count, instant_t now,
                                      instant_t answer_by, int64_t *raised);
/* Part of a document's payment that an open challenge holds, as settled last. */
enum pg_status challenge_set_held(struct pg *pg, const struct account_key *account, int64_t number, int64_t pence);

#endif
