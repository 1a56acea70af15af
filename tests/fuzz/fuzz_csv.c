/* CSV uploads: no input breaks the reader or the rules, and pieces make no difference. */
#include "upload_target.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    return fuzz_upload(data, size, UPLOAD_CSV, NULL);
}
