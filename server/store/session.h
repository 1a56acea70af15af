/* Who speaks: the token's person, and the session settings that row-level security reads. */
#ifndef RECKONER_STORE_SESSION_H
#define RECKONER_STORE_SESSION_H

#include "store/pg.h"

#define SESSION_HASH_BYTES 32

struct session {
    char person[48];
    char organisation[8];
    char role[16]; /* provider, commissioner, auditor, operator */
};

/* Of the request that signs in, for the audit trail: the first use of a token on a day is an event. Borrowed. */
struct session_origin {
    instant_t at; /* product clock */
    const char *address;
    const char *request_id;
};

/* Finds the token and sets the session's caller. PG_NONE: unknown, expired, revoked, or the person is disabled; the
 * session then has no caller. */
enum pg_status session_authenticate(struct pg *pg, const unsigned char hash[SESSION_HASH_BYTES],
                                    const struct session_origin *from, struct session *out);
/* Which server process the connection talks to, 0 when it is not connected: a session belongs to it, and is gone with
 * it. */
int session_backend(struct pg *pg);
/* No caller: for public routes. */
enum pg_status session_clear(struct pg *pg);

#endif
