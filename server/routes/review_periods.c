#include "routes/review_periods.h"

#include "domain/reference.h"
#include "store/reference_set.h"

enum pg_status review_periods_load(struct pg *pg, const char *dir, struct review_periods *out)
{
    struct reference reference;
    struct buf content;
    uint8_t digest[REFERENCE_DIGEST_SIZE];
    char error[200] = "";
    buf_init(&content, REFERENCE_FILE_MAXIMUM);
    reference_init(&reference);
    enum pg_status status = reference_content(pg, dir, "clusters", &content, digest);
    if (status == PG_OK && !reference_load_clusters(&reference, content.data, content.length, error, sizeof error))
        status = PG_FAILED;
    for (int i = 0; status == PG_OK && i < TERMS_CLUSTERS; i++) {
        const struct cluster *c = &reference.clusters[i];
        if (c->exists && c->in_months)
            out->months[i] = (int16_t)c->review;
        else if (c->exists)
            out->days[i] = (int16_t)c->review;
    }
    reference_free(&reference);
    buf_free(&content);
    return status == PG_NONE ? PG_FAILED : status;
}
