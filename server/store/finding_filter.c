#include "store/finding_filter.h"

void finding_filter_args(struct pg_args *a, const struct finding_filter *f)
{
    pg_arg_text(a, f->commissioner);
    pg_arg_text(a, f->rule);
    pg_arg_text(a, f->severity);
    pg_arg_text(a, f->cluster);
}
