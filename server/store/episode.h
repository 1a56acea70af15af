/* Rows of accepted submissions: payable facts without identity. Immutable once committed, so a scan needs no snapshot.
 */
#ifndef RECKONER_STORE_EPISODE_H
#define RECKONER_STORE_EPISODE_H

#include "domain/episode.h"
#include "store/pg.h"

/* Loads rows in ascending row_no; ended with pg_copy_end. */
enum pg_status episode_copy_begin(struct pg *pg, struct pg_copy **copy);
void episode_copy_add(struct pg_copy *copy, const char *provider, int64_t submission, const struct episode *e);

/* Takes back rows of a submission, by their numbers in text ("{3,17}"); NULL: all. In the transaction that loaded them
 * or before its outcome. */
enum pg_status episode_remove(struct pg *pg, const char *provider, int64_t submission, const char *row_numbers);

/* Every row of a submission, in no promised order (that of row_no in practice), streamed: memory does not grow with
 * it. commissioner: its rows alone; NULL: all. each returns false to stop, which makes the scan answer PG_INVALID. */
enum pg_status episode_scan(struct pg *pg, const char *provider, int64_t submission, const char *commissioner,
                            bool (*each)(void *context, const struct episode *e), void *context);

/* The rows numbered from..to in order of row_no, of one commissioner or (NULL) of all, into out, which has room for
 * them: *count says how many there are. PG_INVALID: there are more than room. */
enum pg_status episode_range(struct pg *pg, const char *provider, int64_t submission, const char *commissioner,
                             int32_t from, int32_t to, struct episode *out, size_t room, size_t *count);

/* Rows that differ between two submissions of the same month, by episode id and commissioner, in no order: before is
 * the older version's row, after the newer one's; NULL where there is none. */
enum pg_status episode_scan_changes(struct pg *pg, const char *provider, int64_t newer, int64_t older,
                                    bool (*each)(void *context, const struct episode *before,
                                                 const struct episode *after),
                                    void *context);

#endif
