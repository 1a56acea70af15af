/* One row of a submission as its commitment shows it to whoever checks: a canonical CSV line (api/formats/rows.md).
 * Payable facts, from which units and pence follow by the terms; no identity. Pure. */
#ifndef RECKONER_DOMAIN_ROW_LINE_H
#define RECKONER_DOMAIN_ROW_LINE_H

#include "base/ident.h"
#include "domain/episode.h"

#define ROW_LINE_HEADER                                                                                                \
    "row_no,tag,cluster,service,start_date,end_date,mhct_date,referral_date,last_contact,mhct_reason,admitted_days,"   \
    "assessment_only,continues,approved,minor,failed,private"
#define ROW_LINE_SIZE 576 /* the longest line with a NUL */
#define ROW_PRIVATE   32  /* bytes of SHA-256(salt || private record) */

struct row_line {
    struct episode row;   /* without episode id and commissioner, which the line does not hold */
    char tag[IDENT_SIZE]; /* the patient, for one commissioner and financial year */
    uint8_t private_digest[ROW_PRIVATE];
};

/* Writes the facts of a row: the line without the last column and its comma, no line end. Only what struct row_line
 * holds of e is read. out holds ROW_LINE_SIZE bytes, NUL at the end; returns the length. */
size_t row_facts_write(const struct episode *e, const char *tag, char *out);
/* The whole line, as row_facts_write. */
size_t row_line_write(const struct row_line *line, char *out);

/* The patient that stands for a tag (IDENT_LENGTH letters): the same for the same tag, different for different ones. */
void row_line_patient(const char *tag, uint8_t patient[16]);

/* Reads a line without its line end: it must be exactly what row_line_write writes. The row's patient is drawn from the
 * tag, so that rows of one tag are of one patient. *facts: length of the part that the leaf covers. false: *problem
 * says what is wrong in plain words (static), *out is not to be used. */
bool row_line_read(const char *text, size_t length, struct row_line *out, size_t *facts, const char **problem);

#endif
