/* What a sample says of its population: agreement of the second rater, pounds of error found, and what they come to
 * over all rows, with a stated confidence, as a whole and by team. Whole numbers alone. Pure. api/formats/sampling.md
 * has the formulas and their sources. */
#ifndef RECKONER_DOMAIN_SAMPLING_RESULT_H
#define RECKONER_DOMAIN_SAMPLING_RESULT_H

#include "base/json.h"
#include "domain/sampling_paper.h"

/* What was found on a pick. */
struct sample_found {
    struct sample_judgement judgement;
    bool agreed;   /* compared, and of the same cluster */
    int64_t pence; /* what the row adds as found; looked at when it was examined */
};

struct sample_context {
    const char *statement; /* SHA-256 of its bytes, hexadecimal */
    const char *nonce;
    int32_t confidence; /* 80, 90 or 95 */
};

/* The result as a JSON value, the same in every program; found holds one for each pick. New reference; NULL: out of
 * memory, or an amount found is beyond SAMPLE_ROW_PENCE_MAX. */
json_t *sample_result(const struct sample *s, const struct sample_frame *f, const struct sample_found *found,
                      const struct sample_context *context);

#endif
