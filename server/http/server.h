/* The HTTP service of reckonerd: the public port and the local port (/live, /ready, /metrics). */
#ifndef RECKONER_HTTP_SERVER_H
#define RECKONER_HTTP_SERVER_H

#include "base/config.h"
#include "base/token.h"

struct server;

/* Starts listening. config and token_key are borrowed until server_free. NULL: one sentence is in error. */
struct server *server_start(const struct config *config, const unsigned char token_key[TOKEN_KEY_BYTES], char *error,
                            unsigned size);
/* Ports in use (the configuration may say 0: any). */
unsigned server_port(const struct server *server);
unsigned server_local_port(const struct server *server);
/* No new connections, new requests are answered 503, /ready says no. */
void server_quiesce(struct server *server);
/* Requests and uploads under way now. */
long long server_open_requests(const struct server *server);
/* Cuts off what is still under way, waits for the database threads, and frees everything. NULL is allowed. */
void server_free(struct server *server);

#endif
