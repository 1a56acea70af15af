/* Job `export`: makes a file that somebody asked for (store/export.h). */
#ifndef RECKONER_WORKER_EXPORT_H
#define RECKONER_WORKER_EXPORT_H

#include "worker/export_file.h"
#include "worker/jobs.h"

#define EXPORT_ROWS_AT_ONCE 4000

enum job_outcome export_run(struct worker *w, const struct job *job, char *problem);

/* One export under way. */
struct export_run {
    struct worker *w;
    const struct job *job;
    char *problem;
    PGresult *asked; /* export_get */
    struct export_file file;
    struct export_result result;
    bool csv;
    bool broken; /* memory or the spool failed */
};

/* fix_it.c: writes the lines of a fix-it file. */
enum job_outcome export_fix_it(struct export_run *x);
/* export_audit.c: writes the audit trail (api/formats/log.md), events that the asker may not see as their digests. */
enum job_outcome export_of_audit(struct export_run *x);
/* Outcome of what went wrong in x->file or with a statement. */
enum job_outcome export_failure(struct export_run *x, enum pg_status status);

#endif
