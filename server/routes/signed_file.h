/* Signed bytes and the two forms of their signature, as files: side by side in a folder they are what minisign -V
 * expects. */
#ifndef RECKONER_ROUTES_SIGNED_FILE_H
#define RECKONER_ROUTES_SIGNED_FILE_H

#include "http/request.h"
#include "store/signed_record.h"

struct signed_file {
    const char *provider;
    const char *purpose; /* as signed_record.purpose */
    const char *record;  /* signed_record.id */
    const char *stem;    /* name of the file without ending, as its trusted comment has it */
};

/* Replies one of the three files. The bytes never change: their digest is the ETag of each. */
void reply_signed_file(struct request *r, const struct signed_file *f, enum signed_part part);

#endif
