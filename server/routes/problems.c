/* GET /v1/problems: the registry of problem codes that problem replies point to. */
#include "routes/handlers.h"

void problems_list(struct request *r)
{
    json_t *items = json_array();
    bool ok = items != NULL;
    for (int code = 0; code < PROBLEM_COUNT && ok; code++) {
        const struct problem_entry *entry = &problem_table[code];
        ok =
            json_array_append_new(items, json_pack("{s:s, s:i, s:s, s:s}", "code", entry->code, "status", entry->status,
                                                   "title", entry->title, "remedy", entry->remedy)) == 0;
    }
    reply_json(r, 200, ok ? json_pack("{s:o, s:n}", "items", items, "next") : NULL, NULL);
}
