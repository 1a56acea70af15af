/* document.json of a bundle: the document that came of the draft, as it was issued and as the log has its digest. Who
 * proposed and issued it stands behind the service's own pages. */
#include "worker/bundle.h"

#include "domain/bundle.h"
#include "store/document.h"

bool bundle_write_document(struct bundle_job *b)
{
    PGresult *r = NULL;
    if (b->issued[0] == '\0')
        return true;
    enum pg_status status = document_text(b->pg, b->subject.account.provider, b->issued, &r);
    if (status != PG_OK)
        return bundle_failed(b, status == PG_NONE ? PG_FAILED : status);
    const char *text = PQgetvalue(r, 0, 0);
    size_t length = (size_t)PQgetlength(r, 0, 0);
    bool written = bundle_may_go_out(b, text, length) && bundle_member(b, BUNDLE_DOCUMENT, text, length);
    PQclear(r);
    return written;
}
