#include "routes/review_periods.h"

#include "domain/reference.h"
#include "store/kept_reviews.h"
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
    if (status == PG_OK)
        review_periods_of(&reference, out);
    reference_free(&reference);
    buf_free(&content);
    return status == PG_NONE ? PG_FAILED : status;
}

enum pg_status review_periods_of_month(struct request *r, const char *contract, month_t month,
                                       struct review_periods *out)
{
    struct kept_reviews kept;
    enum pg_status status = review_periods_load(r->pg, r->config->reference_dir, &kept.periods);
    if (status == PG_OK)
        status = frozen_reviews(r->pg, r->path_values[0], contract, month, 1, &kept);
    if (status == PG_OK)
        *out = kept.periods;
    return status;
}
