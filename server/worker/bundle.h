/* The bundle of a statement (api/formats/bundle.md), written as an export or for the worker itself. What its run pinned
 * is read again; all members are made in memory but the rows, which go through a temporary file. Parts: bundle_inputs.c
 * (inputs.json), bundle_claims.c (assessments), bundle_rows.c (rows, moved rows), bundle_proof.c (keys, checkpoint,
 * log), bundle_document.c. */
#ifndef RECKONER_WORKER_BUNDLE_H
#define RECKONER_WORKER_BUNDLE_H

#include "store/bundle.h"
#include "store/signed_record.h"
#include "worker/export.h"
#include "worker/leak_guard.h"
#include "worker/settlement.h"

/* What is made, and where it goes. */
struct bundle_order {
    struct worker *w;
    const char *provider;
    const char *statement; /* record */
    int64_t checkpoint;    /* size of the checkpoint that it holds; 0: the newest */
    /* false: memory or the disk ran out, or *status says what failed. */
    bool (*write)(void *context, const void *bytes, size_t length, enum pg_status *status);
    void *context;
};
struct bundle_made {
    int64_t lines; /* rows */
    int64_t pence; /* the statement's position */
};
/* In the open transaction of a job, whose answer it is; *made counts for JOB_DONE alone. */
enum job_outcome bundle_make(const struct bundle_order *order, struct bundle_made *made, char *problem);
/* The job's answer for the statement that x->asked names. */
enum job_outcome export_of_bundle(struct export_run *x);

#define BUNDLE_KEYS_MOST 64

/* A row of the bundle: of the account's commissioner, or moved in. */
struct bundle_place {
    month_t month;
    int32_t row;
};

/* Rows that earn no assessment because of another commissioner's; and the orders of episode ids that differ from that
 * of rows: runs of places, each with how many. */
struct bundle_claims {
    struct bundle_place *elsewhere;
    size_t elsewhere_count;
    struct bundle_place *same_day;
    size_t same_day_count;
    size_t *runs;
    size_t run_count;
};

struct bundle_job {
    const struct bundle_order *order;
    int64_t lines;
    struct pg *pg;
    struct bundle_subject subject;
    struct run run;
    struct settlement s; /* of the year, as pinned */
    json_t *statement;
    PGresult *record;    /* the signed bytes */
    PGresult *documents; /* issued before */
    int document_count;  /* of them */
    PGresult *openings;
    char issued[IDENT_SIZE]; /* the document that came of the draft; "" none */
    struct bundle_claims claims;
    struct leak_guard *guard;
    char keys[BUNDLE_KEYS_MOST][17]; /* those that signed something, ascending */
    size_t key_count;
    json_t *log; /* entries by index */
    PGresult *checkpoint;
    int64_t size; /* of the checkpoint */
    enum pg_status status;
    bool no_memory;
    const char *refused; /* why there can be no bundle; NULL: nothing */
    const char *waits;   /* what comes first */
};

/* Each notes a failure in the job and answers false. */
bool bundle_failed(struct bundle_job *b, enum pg_status status);
bool bundle_no_memory(struct bundle_job *b);
bool bundle_refused(struct bundle_job *b, const char *why);

/* Writes a whole member. */
bool bundle_member(struct bundle_job *b, const char *name, const void *bytes, size_t length);
/* A member in pieces: its header, its bytes, what fills it up. */
bool bundle_member_begin(struct bundle_job *b, const char *name, uint64_t length);
bool bundle_member_bytes(struct bundle_job *b, const void *bytes, size_t length);
bool bundle_member_end(struct bundle_job *b, uint64_t length);
/* The canonical bytes of a value, whose reference is taken; guarded: they pass the guard at the door. */
bool bundle_member_json(struct bundle_job *b, const char *name, json_t *value, bool guarded);
/* Whether a document of ours may go out. */
bool bundle_may_go_out(struct bundle_job *b, const char *json, size_t length);
/* A record as it was signed: its bytes, or its signature or minisign file. *result is the caller's to clear. */
bool bundle_signed(struct bundle_job *b, const char *purpose, const char *id, enum signed_part part, PGresult **result);

bool bundle_claims_find(struct bundle_job *b);
void bundle_claims_free(struct bundle_claims *c);
bool bundle_write_inputs(struct bundle_job *b);
bool bundle_write_rows(struct bundle_job *b);
bool bundle_write_moved(struct bundle_job *b);
/* Keys, checkpoint and entries, before anything is written; then their members. */
bool bundle_find_proof(struct bundle_job *b);
bool bundle_write_keys(struct bundle_job *b);
bool bundle_write_log(struct bundle_job *b);
bool bundle_write_document(struct bundle_job *b);

#endif
