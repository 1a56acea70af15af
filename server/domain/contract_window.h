/* What a submission's begin means for each contract of its month: inside the FLEX or FREEZE window, let in by an
 * exception, or too late (spec 2, Windows). Pure. */
#ifndef RECKONER_DOMAIN_CONTRACT_WINDOW_H
#define RECKONER_DOMAIN_CONTRACT_WINDOW_H

#include "domain/windows.h"

struct contract_window {
    char contract[24];
    bool agreed;       /* approved terms, and so a calendar, exist; without them the month is open */
    instant_t flex_at; /* first instants after the windows; 0 when not agreed */
    instant_t freeze_at;
    date_t flex_moved_from; /* closing day by the terms; DATE_NONE when no absence of the service moved it */
    date_t freeze_moved_from;
    bool exception;         /* a granted exception covers the instant */
    bool inside;            /* rows count for this contract */
    int64_t short_file_ppm; /* threshold of F13 under its terms */
};

/* F13's share under one contract's terms, in parts per million: below it a file is held. NULL: the standard one, which
 * holds while a contract has no terms. */
int64_t short_file_of(const struct terms *terms);
/* The share that a file of several contracts is held to: the strictest, or the standard one when there is none. share
 * gives that of the ith. */
int64_t short_file_highest(int64_t (*share)(const void *of, size_t i), const void *of, size_t count);

/* terms: the body in force for the month, NULL when there is none yet. false when it cannot be read (a fault: approved
 * terms were checked); *out untouched. */
bool contract_window_judge(const char *contract, const char *terms, size_t length, month_t month, instant_t begun_at,
                           bool exception, const struct closing_calendar *calendar, struct contract_window *out);

/* As shown in acknowledgements and receipts: [{contract, flex, freeze, inside, exception}]; flex and freeze are null
 * when not agreed; flex_moved_from and freeze_moved_from name the agreed closing day where it moved. A new reference;
 * NULL when memory ran out. */
json_t *contract_windows_json(const struct contract_window *windows, size_t count);

/* Whether the month is open: no contract yet, or any that counts. */
bool contract_windows_open(const struct contract_window *windows, size_t count);

/* short_file_highest of the windows. */
int64_t contract_windows_short_file(const struct contract_window *windows, size_t count);

#endif
