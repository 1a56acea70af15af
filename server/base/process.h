/* What a process that holds secrets, or passes patients' rows through, tells the kernel about itself. */
#ifndef RECKONER_BASE_PROCESS_H
#define RECKONER_BASE_PROCESS_H

#include <stdbool.h>

/* No core file, no dump by another handler, no reading of this memory by other processes of the same user (ptrace,
 * /proc/PID/mem). Called first of all in each main. false: the kernel refused. */
bool process_keep_secrets(void);

#endif
