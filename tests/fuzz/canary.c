/* A target with a planted fault, behind a gate that only a fuzzer that sees branches gets through: the runner demands
 * that it is found, so that a fuzzer which instruments nothing cannot pass as a clean result. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 4 || data[0] != 'p' || data[1] != 'e' || data[2] != 'n' || data[3] != 'y')
        return 0;
    volatile unsigned char *room = malloc(size);
    if (room == NULL)
        return 0;
    room[size] = 1; /* one behind the end: AddressSanitizer must see it */
    free((void *)room);
    return 0;
}
