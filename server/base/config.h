/* One configuration file (name = value, # comments) plus environment RECKONER_NAME; the environment wins.
 * The table of options in config.c is the only list; config/reckoner.conf documents each. */
#ifndef RECKONER_BASE_CONFIG_H
#define RECKONER_BASE_CONFIG_H

#include <stdbool.h>
#include <stdint.h>

struct config {
    /* Where: all texts are owned by the struct. */
    char *mode;                 /* "production" or "demonstration" */
    char *clock_file;           /* demonstration only; "" = real time */
    char *database_web;         /* libpq connection string of reckonerd */
    char *database_worker;      /* ... of reckoner-worker */
    char *database_admin;       /* ... of reckoner (role reckoner_migrate) */
    char *migrations_dir;       /* folder of the numbered migrations */
    char *reference_dir;        /* folder of clusters.csv, bank_holidays.csv, ... */
    char *listen_address;       /* default 127.0.0.1 */
    char *base_url;             /* how clients reach the service; used in links; "" = relative links */
    char *log_origin;           /* name of the log in its checkpoints */
    char *token_key_file;       /* 32 bytes, hexadecimal */
    char *seal_public_key_file; /* X25519 public key, hexadecimal: reckonerd seals uploads to it */
    char *seal_secret_key_file; /* X25519 secret key: worker only, 0400 */
    char *signing_key_file;     /* Ed25519 secret key: worker only, 0400 */
    char *pseudonym_key_file;   /* 32 bytes, hexadecimal: worker only, 0400 */
    char *spool_dir;            /* worker's temporary files (facts without identity) */
    char *state_dir;            /* what a worker keeps of the log outside the database */
    int64_t listen_port;        /* public API */
    int64_t local_port;         /* /live /ready /metrics, loopback only */
    int64_t http_threads;       /* event loops */
    int64_t database_threads;   /* threads with a connection each */
    int64_t max_connections;
    int64_t max_connections_per_address;
    int64_t idle_timeout_seconds;
    int64_t max_json_bytes;
    int64_t max_upload_bytes;
    int64_t max_uploads;     /* at once */
    int64_t upload_minutes;  /* a begun upload must be complete within; spec: 60 */
    int64_t drain_seconds;   /* after SIGTERM */
    int64_t slow_request_ms; /* logged as slow from here */
    int64_t connect_timeout_seconds;
    int64_t statement_timeout_ms;
    int64_t lock_timeout_ms;
    int64_t idempotency_days;
    int64_t rehearsals_per_day;   /* of one provider, in 24 hours */
    int64_t rehearsal_days;       /* a rehearsal's bytes and report are kept */
    int64_t calculations_per_day; /* of one organisation, in 24 hours */
    int64_t calculation_days;
    int64_t exports_per_day; /* of one organisation, in 24 hours */
    int64_t export_days;     /* exports can be fetched for so long */
    int64_t worker_poll_ms;
    int64_t worker_lease_seconds;
    int64_t worker_max_attempts;
};

/* Reads path (NULL: environment and defaults only). On failure returns false and writes one sentence that names
 * the file, line and option, and the remedy, into error (size bytes). config_free is safe in both cases. */
bool config_load(struct config *c, const char *path, char *error, unsigned size);
void config_free(struct config *c);
/* Prints every option with its value, unit and meaning (reckoner config). Secrets are paths, so all may be shown. */
void config_print(const struct config *c);

#endif
