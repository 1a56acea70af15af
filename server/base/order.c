#include "base/order.h"

#include <stdint.h>

int order_i64(const void *a, const void *b)
{
    const int64_t *x = a;
    const int64_t *y = b;
    return (*x > *y) - (*x < *y);
}
