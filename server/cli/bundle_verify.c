#include "cli/bundle_verify.h"

#include "cli/bundle_given.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>

static void print_plain(const struct checking *x)
{
    static const char *const marks[] = {"good       ", "DIFFERS    ", "not checked"};
    const struct verdict *first = bundle_first_difference(x, NULL);
    for (enum check_stage i = 0; i < CHECK_STAGES; i++) {
        const struct verdict *v = &x->verdict[i];
        (void)printf("%s  %s: %s%s%s\n", marks[v->outcome], check_stage_name(i), check_stage_about(i),
                     v->detail[0] == '\0' ? "" : "; ", v->detail);
    }
    if (x->erased > 0)
        (void)printf("%lld rows were erased: their facts stand, whose they were cannot be shown.\n",
                     (long long)x->erased);
    if (first == NULL)
        (void)printf("The bundle is good: position %lld pence.\n",
                     (long long)json_int(x->statement, "position_pence", 0));
    else
        (void)printf("The bundle does NOT hold. First difference: %s: %s\n",
                     check_stage_name((enum check_stage)(first - x->verdict)), first->detail);
}

static bool print_json(const struct checking *x)
{
    static const char *const words[] = {"good", "differs", "not_checked"};
    const struct verdict *first = bundle_first_difference(x, NULL);
    json_t *list = json_array();
    for (int i = 0; list != NULL && i < CHECK_STAGES; i++) {
        const struct verdict *v = &x->verdict[i];
        if (json_array_append_new(list, json_pack("{s:s, s:s, s:s, s:s}", "check", check_stage_name(i), "about",
                                                  check_stage_about(i), "outcome", words[v->outcome], "detail",
                                                  v->detail)) != 0)
            break;
    }
    json_t *report = json_pack("{s:b, s:o, s:s?, s:I}", "good", first == NULL, "checks", list, "first_difference",
                               first == NULL ? NULL : first->detail, "erased_rows", (json_int_t)x->erased);
    char *text = report == NULL ? NULL : json_dumps(report, JSON_INDENT(2));
    json_decref(report);
    if (text == NULL)
        return false;
    (void)printf("%s\n", text);
    free(text);
    return true;
}

int bundle_verify(const struct bundle_question *q, char *trouble)
{
    struct given file = {NULL, 0};
    struct checking *x = calloc(1, sizeof *x);
    int status = -1;
    if (x == NULL || sodium_init() < 0) {
        (void)snprintf(trouble, BUNDLE_TROUBLE_SIZE, "memory ran out");
        free(x);
        return -1;
    }
    if (given_map(q->bundle, &file, trouble) && (q->key == NULL || given_map(q->key, &x->key, trouble)) &&
        (q->checkpoint == NULL || given_map(q->checkpoint, &x->checkpoint, trouble))) {
        bundle_check_all(x, file.bytes, file.length);
        status = bundle_first_difference(x, NULL) == NULL ? 0 : 1;
        if (!q->json) {
            print_plain(x);
        } else if (!print_json(x)) {
            (void)snprintf(trouble, BUNDLE_TROUBLE_SIZE, "memory ran out");
            status = -1;
        }
    }
    checking_free(x);
    given_unmap(&file);
    given_unmap(&x->key);
    given_unmap(&x->checkpoint);
    free(x);
    return status;
}
