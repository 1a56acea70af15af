/* Orders for qsort and bsearch. */
#ifndef RECKONER_BASE_ORDER_H
#define RECKONER_BASE_ORDER_H

/* Of two int64_t, ascending. */
int order_i64(const void *a, const void *b);

#endif
