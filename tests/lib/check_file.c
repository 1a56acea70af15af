#include "lib/check_file.h"

#include "base/parse.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

static void fit_reference(json_t *object)
{
    const char *text = json_string_value(json_object_get(object, "content"));
    size_t room = text ? strlen(text) + 1 : 1;
    size_t length = 0;
    unsigned char *content = malloc(room);
    if (text && content &&
        sodium_base642bin(content, room, text, strlen(text), NULL, &length, NULL, sodium_base64_VARIANT_ORIGINAL) ==
            0) {
        unsigned char digest[crypto_hash_sha256_BYTES];
        char hex[2 * crypto_hash_sha256_BYTES + 1];
        (void)crypto_hash_sha256(digest, content, length);
        hex_encode(digest, sizeof digest, hex);
        (void)json_object_set_new(object, "sha256", json_string(hex));
    }
    free(content);
}

void check_file_fit(json_t *root)
{
    const char *kind = NULL;
    json_t *object = NULL;
    if (json_object_get(root, "rule_set"))
        (void)json_object_set_new(root, "rule_set", json_string(RULE_SET_VERSION));
    json_object_foreach(json_object_get(root, "references"), kind, object)
    {
        if (json_is_object(object))
            fit_reference(object);
    }
}
