#include "domain/check_file.h"

#include "base/parse.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COMMISSIONERS_MAXIMUM 20000

/* Where reading stands, and what is wrong. */
struct reading {
    struct check_file *f;
    char *problem;
    size_t size;
};

static bool wrong(struct reading *r, const char *where, const char *what)
{
    (void)snprintf(r->problem, r->size, "%s: %s", where, what);
    return false;
}

static bool checked(struct reading *r, const json_t *object, const struct json_member *table, const char *pointer)
{
    struct json_problem problem;
    if (json_check(object, table, pointer, &problem))
        return true;
    return wrong(r, problem.field[0] ? problem.field : pointer, problem.message);
}

static bool read_date(struct reading *r, const json_t *object, const char *name, const char *where, date_t *out)
{
    const char *text = json_text(object, name);
    *out = DATE_NONE;
    if (!text || date_parse(text, strlen(text), out))
        return true;
    return wrong(r, where, "is no date of the form YYYY-MM-DD");
}

static const struct json_member live_members[] = {{"code", JSON_KIND_TEXT, true, 2, 7},
                                                  {"live_from", JSON_KIND_TEXT, true, 10, 10},
                                                  {"live_to", JSON_KIND_TEXT, false, 10, 10},
                                                  {NULL, JSON_KIND_TEXT, false, 0, 0}};

static bool read_provider(struct reading *r, const json_t *root)
{
    const json_t *provider = json_object_get(root, "provider");
    if (!checked(r, provider, live_members, "/provider"))
        return false;
    (void)snprintf(r->f->provider, sizeof r->f->provider, "%s", json_text(provider, "code"));
    return read_date(r, provider, "live_from", "/provider/live_from", &r->f->provider_from) &&
           read_date(r, provider, "live_to", "/provider/live_to", &r->f->provider_to);
}

static bool read_commissioners(struct reading *r, const json_t *list)
{
    struct check_file *f = r->f;
    size_t count = json_array_size(list);
    f->commissioners = calloc(count + 1, sizeof *f->commissioners);
    if (!f->commissioners)
        return wrong(r, "/commissioners", "memory ran out");
    for (size_t i = 0; i < count; i++) {
        char where[48];
        (void)snprintf(where, sizeof where, "/commissioners/%zu", i);
        const json_t *one = json_array_get(list, i);
        struct organisation_dates *o = &f->commissioners[i];
        if (!checked(r, one, live_members, where) || !read_date(r, one, "live_from", where, &o->from) ||
            !read_date(r, one, "live_to", where, &o->to))
            return false;
        const char *code = json_text(one, "code");
        o->code = code_pack(code, strlen(code));
    }
    f->commissioner_count = count;
    organisation_dates_sort(f->commissioners, count);
    return true;
}

/* The bytes of a reference file, once their digest holds. *out is malloc'd. */
static bool decode(struct reading *r, const json_t *object, const char *where, char **out, size_t *length)
{
    static const struct json_member members[] = {{"content", JSON_KIND_TEXT, true, 0, CHECK_FILE_MAXIMUM},
                                                 {"sha256", JSON_KIND_TEXT, true, 64, 64},
                                                 {NULL, JSON_KIND_TEXT, false, 0, 0}};
    if (!checked(r, object, members, where))
        return false;
    const char *text = json_text(object, "content");
    size_t room = strlen(text) / 4 * 3 + 3;
    unsigned char digest[crypto_hash_sha256_BYTES];
    char hex[2 * crypto_hash_sha256_BYTES + 1];
    *out = malloc(room + 1);
    if (!*out)
        return wrong(r, where, "memory ran out");
    if (sodium_base642bin((unsigned char *)*out, room, text, strlen(text), NULL, length, NULL,
                          sodium_base64_VARIANT_ORIGINAL) != 0)
        return wrong(r, where, "the content is not base64");
    (*out)[*length] = '\0';
    (void)crypto_hash_sha256(digest, (const unsigned char *)*out, *length);
    hex_encode(digest, sizeof digest, hex);
    return strcmp(hex, json_text(object, "sha256")) == 0 ||
           wrong(r, where, "the content has another SHA-256 than the file says: it was changed");
}

static bool read_reference(struct reading *r, const json_t *references, int i)
{
    const struct reference_kind *kind = &reference_kinds[i];
    const json_t *object = json_object_get(references, kind->kind);
    char where[48];
    char error[200];
    (void)snprintf(where, sizeof where, "/references/%s", kind->kind);
    if (!object || json_is_null(object))
        return !kind->needed || wrong(r, where, "is missing, and nothing can be checked without it");
    char *content = NULL;
    size_t length = 0;
    bool ok = decode(r, object, where, &content, &length);
    if (ok && !kind->load(&r->f->reference, content, length, error, sizeof error))
        ok = wrong(r, where, error);
    if (ok)
        (void)snprintf(r->f->digests[i], sizeof r->f->digests[i], "%s", json_text(object, "sha256"));
    free(content);
    return ok;
}

static bool read_references(struct reading *r, const json_t *references)
{
    struct json_member members[REFERENCE_KINDS + 1];
    for (int i = 0; i < REFERENCE_KINDS; i++)
        members[i] = (struct json_member){reference_kinds[i].kind, JSON_KIND_OBJECT, false, 0, 0};
    members[REFERENCE_KINDS] = (struct json_member){NULL, JSON_KIND_TEXT, false, 0, 0};
    if (!checked(r, references, members, "/references"))
        return false;
    for (int i = 0; i < REFERENCE_KINDS; i++) {
        if (!read_reference(r, references, i))
            return false;
    }
    return true;
}

/* Into account; nothing where the contract has none. */
static bool read_terms(struct reading *r, const json_t *object, const char *where, struct check_file_account *account)
{
    static const struct json_member members[] = {{"version", JSON_KIND_INTEGER, true, 1, INT32_MAX},
                                                 {"digest", JSON_KIND_TEXT, true, 64, 64},
                                                 {"body", JSON_KIND_OBJECT, true, 0, 0},
                                                 {NULL, JSON_KIND_TEXT, false, 0, 0}};
    if (!object || json_is_null(object))
        return true;
    if (!checked(r, object, members, where))
        return false;
    struct json_problem problem;
    struct terms *t = terms_parse(json_object_get(object, "body"), &problem);
    if (!t) {
        (void)snprintf(r->problem, r->size, "%s/body%s: %s", where, problem.field, problem.message);
        return false;
    }
    r->f->terms[r->f->terms_count++] = t;
    account->terms = t;
    account->version = json_int(object, "version", 0);
    (void)snprintf(account->digest, sizeof account->digest, "%s", json_text(object, "digest"));
    return true;
}

/* One account like `like` for each commissioner. */
static bool add_accounts(struct reading *r, const json_t *commissioners, const struct check_file_account *like,
                         const char *where)
{
    struct check_file *f = r->f;
    size_t count = json_array_size(commissioners);
    struct check_file_account *accounts = reallocarray(f->accounts, f->account_count + count, sizeof *accounts);
    if (!accounts)
        return wrong(r, where, "memory ran out");
    f->accounts = accounts;
    for (size_t i = 0; i < count; i++) {
        const char *code = json_string_value(json_array_get(commissioners, i));
        struct check_file_account *a = &f->accounts[f->account_count];
        if (!code || strlen(code) < 3 || strlen(code) > 6)
            return wrong(r, where, "a commissioner is not the code of an organisation");
        *a = *like;
        (void)snprintf(a->commissioner, sizeof a->commissioner, "%s", code);
        f->account_count++;
    }
    return true;
}

static bool read_contracts(struct reading *r, const json_t *list)
{
    static const struct json_member members[] = {{"contract", JSON_KIND_TEXT, true, 1, 23},
                                                 {"commissioners", JSON_KIND_ARRAY, true, 1, CHECK_FILE_CONTRACTS},
                                                 {"terms", JSON_KIND_OBJECT, false, 0, 0},
                                                 {NULL, JSON_KIND_TEXT, false, 0, 0}};
    size_t count = json_array_size(list);
    r->f->terms = calloc(count + 1, sizeof(struct terms *));
    if (!r->f->terms)
        return wrong(r, "/contracts", "memory ran out");
    for (size_t i = 0; i < count; i++) {
        char where[48];
        struct check_file_account account = {.version = 0};
        const json_t *one = json_array_get(list, i);
        (void)snprintf(where, sizeof where, "/contracts/%zu", i);
        if (!checked(r, one, members, where))
            return false;
        char inside[64];
        (void)snprintf(inside, sizeof inside, "%s/terms", where);
        (void)snprintf(account.contract, sizeof account.contract, "%s", json_text(one, "contract"));
        if (!read_terms(r, json_object_get(one, "terms"), inside, &account) ||
            !add_accounts(r, json_object_get(one, "commissioners"), &account, where))
            return false;
    }
    return true;
}

static bool read_mapping(struct reading *r, const json_t *object)
{
    static const struct json_member members[] = {{"version", JSON_KIND_INTEGER, true, 1, INT32_MAX},
                                                 {"body", JSON_KIND_OBJECT, true, 0, 0},
                                                 {NULL, JSON_KIND_TEXT, false, 0, 0}};
    struct json_problem problem;
    if (!object || json_is_null(object))
        return true;
    if (!checked(r, object, members, "/column_mapping"))
        return false;
    r->f->mapping = malloc(sizeof *r->f->mapping);
    if (!r->f->mapping)
        return wrong(r, "/column_mapping", "memory ran out");
    return column_mapping_read(json_object_get(object, "body"), r->f->mapping, &problem) ||
           wrong(r, "/column_mapping/body", problem.message);
}

static bool read_head(struct reading *r, const json_t *root)
{
    const char *month = json_text(root, "month");
    const char *at = json_text(root, "exported_at");
    const char *rule_set = json_text(root, "rule_set");
    if (strcmp(rule_set, RULE_SET_VERSION) != 0) {
        (void)snprintf(r->problem, r->size,
                       "it was made with rule set %s and this program applies %s; use the release that the service has",
                       rule_set, RULE_SET_VERSION);
        return false;
    }
    if (!month_parse(month, strlen(month), &r->f->month))
        return wrong(r, "/month", "is no month of the form YYYY-MM");
    return instant_parse(at, strlen(at), &r->f->exported_at) || wrong(r, "/exported_at", "is no instant");
}

static bool read_root(struct reading *r, const json_t *root)
{
    static const struct json_member members[] = {{"@purpose", JSON_KIND_TEXT, true, 0, 100},
                                                 {"provider", JSON_KIND_OBJECT, true, 0, 0},
                                                 {"month", JSON_KIND_TEXT, true, 7, 7},
                                                 {"exported_at", JSON_KIND_TEXT, true, 20, 27},
                                                 {"rule_set", JSON_KIND_TEXT, true, 1, 64},
                                                 {"references", JSON_KIND_OBJECT, true, 0, 0},
                                                 {"commissioners", JSON_KIND_ARRAY, true, 0, COMMISSIONERS_MAXIMUM},
                                                 {"contracts", JSON_KIND_ARRAY, true, 0, CHECK_FILE_CONTRACTS},
                                                 {"column_mapping", JSON_KIND_OBJECT, false, 0, 0},
                                                 {NULL, JSON_KIND_TEXT, false, 0, 0}};
    const char *purpose = json_text(root, "@purpose");
    if (!purpose || strcmp(purpose, CHECK_FILE_PURPOSE) != 0)
        return wrong(r, "/@purpose", "is not " CHECK_FILE_PURPOSE ": it is no check file, or one of another release");
    return checked(r, root, members, "") && read_head(r, root) && read_provider(r, root) &&
           read_references(r, json_object_get(root, "references")) &&
           read_commissioners(r, json_object_get(root, "commissioners")) &&
           read_contracts(r, json_object_get(root, "contracts")) &&
           read_mapping(r, json_object_get(root, "column_mapping"));
}

bool check_file_read(struct check_file *f, const char *text, size_t length, char *problem, size_t size)
{
    struct reading r = {f, problem, size};
    struct json_problem fault;
    memset(f, 0, sizeof *f);
    reference_init(&f->reference);
    if (length > CHECK_FILE_MAXIMUM)
        return wrong(&r, "check file", "is longer than 16 MiB");
    json_t *root = json_read(text, length, &fault);
    bool ok = root ? read_root(&r, root) : wrong(&r, fault.field[0] ? fault.field : "check file", fault.message);
    json_decref(root);
    return ok;
}

void check_file_free(struct check_file *f)
{
    reference_free(&f->reference);
    for (size_t i = 0; i < f->terms_count; i++)
        terms_free(f->terms[i]);
    free(f->terms);
    free(f->mapping);
    free(f->accounts);
    free(f->commissioners);
    memset(f, 0, sizeof *f);
}

json_t *check_file_content(const char *content, size_t length, bool loaded)
{
    if (!loaded)
        return json_null();
    unsigned char digest[crypto_hash_sha256_BYTES];
    char hex[2 * crypto_hash_sha256_BYTES + 1];
    size_t room = sodium_base64_encoded_len(length, sodium_base64_VARIANT_ORIGINAL);
    char *text = malloc(room);
    if (!text)
        return NULL;
    (void)crypto_hash_sha256(digest, (const unsigned char *)content, length);
    hex_encode(digest, sizeof digest, hex);
    (void)sodium_bin2base64(text, room, (const unsigned char *)content, length, sodium_base64_VARIANT_ORIGINAL);
    json_t *object = json_object();
    bool ok = json_put(object, "content", json_string(text)) && json_put(object, "sha256", json_string(hex));
    free(text);
    if (ok)
        return object;
    json_decref(object);
    return NULL;
}

static json_t *contract_json(const struct check_file_account *a, json_t **commissioners)
{
    json_t *o = json_object();
    json_t *terms = a->terms ? json_object() : json_null();
    *commissioners = json_array();
    bool ok = !a->terms || (json_put(terms, "version", json_integer(a->version)) &&
                            json_put(terms, "digest", json_string(a->digest)));
    ok = json_put(o, "terms", terms) && ok;
    ok = json_put(o, "commissioners", *commissioners) && ok;
    if (ok && json_put(o, "contract", json_string(a->contract)))
        return o;
    json_decref(o);
    return NULL;
}

json_t *check_file_terms(const struct check_file_account *accounts, size_t count)
{
    json_t *list = json_array();
    json_t *commissioners = NULL;
    bool ok = list != NULL;
    for (size_t i = 0; i < count && ok; i++) {
        if (i == 0 || strcmp(accounts[i - 1].contract, accounts[i].contract) != 0)
            ok = json_array_append_new(list, contract_json(&accounts[i], &commissioners)) == 0;
        ok = ok && json_array_append_new(commissioners, json_string(accounts[i].commissioner)) == 0;
    }
    if (ok)
        return list;
    json_decref(list);
    return NULL;
}
