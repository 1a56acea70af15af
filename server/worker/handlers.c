#include "worker/calculate.h"
#include "worker/erase.h"
#include "worker/evaluate.h"
#include "worker/export.h"
#include "worker/identify.h"
#include "worker/instalment.h"
#include "worker/jobs.h"
#include "worker/rehearse.h"
#include "worker/resettle.h"
#include "worker/row_trees.h"
#include "worker/sample.h"
#include "worker/settle.h"
#include "worker/validate.h"

#include <stddef.h>

const struct job_handler job_handlers[] = {
    {"validate", validate_run, NULL},
    {"evaluate", evaluate_run, NULL},
    {"settle", settle_run, settle_give_up},
    {"preview", settle_run, settle_give_up},
    {"resettle", resettle_contract, NULL},
    {"instalment", instalment_run, NULL},
    {"identify", identify_run, identify_give_up},
    {"rehearse", rehearse_run, NULL},
    {"row_tree", row_trees_run, NULL},
    {"erase", erase_run, NULL},
    {"export", export_run, NULL},
    {"calculate", calculate_run, calculate_give_up},
    {"sample", sample_run, NULL},
    {NULL, NULL, NULL},
};
