#include "worker/evaluate.h"
#include "worker/jobs.h"
#include "worker/validate.h"

#include <stddef.h>

const struct job_handler job_handlers[] = {
    {"validate", validate_run, NULL},
    {"evaluate", evaluate_run, NULL},
    {NULL, NULL, NULL},
};
