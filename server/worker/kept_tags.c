#include "worker/kept_tags.h"

#include "base/parse.h"
#include "store/erasure.h"

#include <stdio.h>
#include <string.h>

enum pg_status kept_tags_load(struct pg *pg, const char *provider, int64_t financial_year, struct kept_tags *out)
{
    *out = (struct kept_tags){NULL, financial_year};
    return erasure_tags(pg, provider, financial_year, &out->tags);
}

void kept_tags_free(struct kept_tags *k)
{
    PQclear(k->tags);
    k->tags = NULL;
}

/* They are in order of patient, then commissioner. NULL: none was kept. */
static const char *find(const struct kept_tags *k, const char *commissioner, const uint8_t patient[16])
{
    char hex[33];
    int low = 0;
    int high = k->tags == NULL ? 0 : PQntuples(k->tags);
    if (high == 0)
        return NULL;
    hex_encode(patient, 16, hex);
    while (low < high) {
        int middle = low + (high - low) / 2;
        int order = strcmp(pg_text(k->tags, middle, "patient"), hex);
        if (order == 0)
            order = strcmp(pg_text(k->tags, middle, "commissioner"), commissioner);
        if (order == 0)
            return pg_text(k->tags, middle, "tag");
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

void kept_tags_pseudonym(const struct kept_tags *k, const uint8_t key[PSEUDONYM_KEY_SIZE], const char *commissioner,
                         const uint8_t patient[16], char out[IDENT_SIZE])
{
    const char *kept = find(k, commissioner, patient);
    if (kept != NULL)
        (void)snprintf(out, IDENT_SIZE, "%s", kept);
    else
        pseudonym_make(key, commissioner, (int)k->financial_year, patient, out);
}
